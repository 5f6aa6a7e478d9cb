//! The text form of rules, packets, flows and pieces; every example of its documentation.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use policy::{
    Packet,
    difference::{Bounds, Difference, Piece},
    testing::{self, Random},
    text::{Flow, RuleText, ShortPiece, parse_rule},
};
use proptest::prelude::*;

const DOCUMENT: &str = include_str!("../../../docs/text-form.md");

/// The lines of the code blocks of this kind.
fn examples(kind: &str) -> Vec<&'static str> {
    let fence = format!("```{kind}\n");
    let blocks = DOCUMENT.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap());
    let lines: Vec<&str> = blocks.flat_map(str::lines).collect();
    assert!(lines.len() > 1, "no examples of {kind}");
    lines
}

/// The rows of the tables below this heading, both columns without their code marks.
fn rows(heading: &str) -> Vec<(&'static str, &'static str)> {
    let section = DOCUMENT.split("\n## ").find(|section| section.starts_with(heading)).unwrap();
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = cells.map(|line| line.strip_suffix(" |").unwrap().split_once("` | ").unwrap());
    rows.collect()
}

fn printed_rule(text: &str) -> String {
    let rule = parse_rule(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    RuleText(&rule).to_string()
}

fn printed_packet(text: &str) -> String {
    text.parse::<Packet>().unwrap_or_else(|error| panic!("{text}: {error}")).to_string()
}

fn printed_piece(text: &str) -> String {
    text.parse::<Piece>().unwrap_or_else(|error| panic!("{text}: {error}")).to_string()
}

fn unmarked(text: &str) -> &str {
    text.trim_matches('`')
}

#[test]
fn the_examples_of_the_documentation_are_printed_as_they_are_read() {
    examples("rule").iter().for_each(|text| assert_eq!(printed_rule(text), *text));
    examples("packet").iter().for_each(|text| assert_eq!(printed_packet(text), *text));
    examples("piece").iter().for_each(|text| assert_eq!(printed_piece(text), *text));
    for text in examples("flow") {
        assert_eq!(text.parse::<Flow>().unwrap().to_string(), text);
    }
}

#[test]
fn what_can_be_written_in_two_ways_is_printed_in_one() {
    let (rules, packets) = (rows("Rules"), rows("Packets"));
    assert!(rules.len() == 2 && packets.len() == 2);
    rules.iter().for_each(|(written, printed)| assert_eq!(printed_rule(written), unmarked(printed)));
    packets.iter().for_each(|(written, printed)| assert_eq!(printed_packet(written), unmarked(printed)));
    let pieces = rows("Pieces");
    assert_eq!(pieces.len(), 3);
    pieces.iter().for_each(|(written, printed)| assert_eq!(printed_piece(written), unmarked(printed)));
}

#[test]
fn an_error_names_the_word_and_what_would_fit() {
    let errors = rows("Errors");
    assert_eq!(errors.len(), 6);
    for (written, error) in errors {
        assert_eq!(parse_rule(written).unwrap_err().to_string(), error, "{written}");
    }
    for (written, word) in [
        ("", 1),
        ("up accept tcp", 1),
        ("ingress accept priority=0 tcp", 3),
        ("ingress accept priority=101 tcp", 3),
        ("ingress accept priority=+1 tcp", 3),
        ("ingress accept tcp from", 5),
        ("ingress accept tcp from 10.0.0.0/33", 5),
        ("ingress accept tcp from 10.0.0.1 port", 7),
        ("ingress accept tcp to port 0", 6),
        ("ingress accept tcp to port 80/79", 6),
        ("ingress accept tcp to port -1/-1", 6),
        ("ingress accept tcp from ::1 to 10.0.0.1", 7),
        ("ingress accept TCP", 3),
    ] {
        assert_eq!(parse_rule(written).unwrap_err().word, word, "{written}");
    }
    for (written, word) in [
        ("", 1),
        ("256 10.0.0.1 > 10.0.0.2", 1),
        ("+6 10.0.0.1 > 10.0.0.2", 1),
        ("tcp 10.0.0.1 > 10.0.0.2:1", 2),
        ("icmp 10.0.0.1:1 > 10.0.0.2", 2),
        ("icmp 10.0.0.1 10.0.0.2", 3),
        ("icmp 10.0.0.1 > ::1", 4),
        ("udp [::1]:1 > 10.0.0.1:1", 4),
        ("icmp 10.0.0.1 > 10.0.0.2 x", 5),
    ] {
        assert_eq!(written.parse::<Packet>().unwrap_err().word, word, "{written}");
    }
    assert_eq!("ingress".parse::<Flow>().unwrap_err().word, 2);
    for (written, word) in [
        ("ingress", 2),
        ("ingress accept tcp", 2),
        ("ingress opens sctp", 3),
        ("ingress opens tcp,", 3),
        ("ingress opens icmp to port 1", 3),
        ("ingress opens all from port 1/2", 3),
        ("ingress opens icmpv6 from 10.0.0.1", 3),
        ("ingress opens tcp from", 5),
        ("ingress opens tcp from 10.0.0.1,::1", 5),
        ("ingress opens tcp from 10.0.0.1 to ::1", 7),
        ("ingress opens tcp from 10.0.0.1 except 10.0.0.0/24", 7),
        ("ingress opens tcp from 10.0.0.0/24 except ::1", 7),
        ("ingress opens tcp to port 65536", 6),
        ("ingress opens tcp to port 9/8", 6),
        ("ingress opens tcp to port 80 and", 7),
    ] {
        assert_eq!(written.parse::<Piece>().unwrap_err().word, word, "{written}");
    }
}

#[test]
fn long_lists_can_be_cut_short() {
    let piece: Piece = "ingress opens tcp from 10.0.0.0/8,172.16.0.1,192.168.0.1 to port 22,80,443/445,8080"
        .parse()
        .unwrap();
    assert_eq!(
        ShortPiece { piece: &piece, listed_max: 2 }.to_string(),
        "ingress opens tcp from 10.0.0.0/8,172.16.0.1 and 1 more to port 22,80 and 2 more"
    );
    let all = ShortPiece { piece: &piece, listed_max: 4 };
    assert_eq!(all.to_string(), piece.to_string());
    // Exceptions that are cut short would tell of packets that are not meant.
    let piece: Piece = "ingress opens tcp from 10.0.0.0/8 except 10.0.0.3,10.7.0.9,10.9.9.9".parse().unwrap();
    let cut = ShortPiece { piece: &piece, listed_max: 2 }.to_string();
    assert!(!cut.contains("except"), "{cut}");
    let all = ShortPiece { piece: &piece, listed_max: 3 };
    assert_eq!(all.to_string(), piece.to_string());
}

#[test]
fn an_error_repeats_no_more_than_the_beginning_of_a_word() {
    let error = parse_rule(&"x".repeat(100_000)).unwrap_err();
    assert!(error.to_string().len() < 200);
}

proptest! {
    #[test]
    fn what_is_printed_is_read_again(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let class = testing::class(seed);
        let rules = class.groups().iter().flat_map(|group| group.rules.iter());
        let of_one_family = |rule: &&model::rule::Rule| {
            rule.source.is_none() && rule.destination.is_none()
                || rule.ipv6_source.is_none() && rule.ipv6_destination.is_none()
        };
        for rule in rules.filter(of_one_family) {
            let text = RuleText(rule).to_string();
            let read = parse_rule(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
            prop_assert!(read.same_as(rule), "{}", text);
        }
        let (direction, first) = testing::packet(&mut random, &class);
        prop_assert_eq!(first.to_string().parse(), Ok(first));
        let flow = Flow { direction, first };
        prop_assert_eq!(flow.to_string().parse(), Ok(flow));
        let (before, after) = testing::pair(seed);
        for piece in Difference::between(&before, &after, Bounds::default()).pieces() {
            prop_assert_eq!(piece.to_string().parse(), Ok(piece.clone()));
        }
    }

    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,80}") {
        let _refused = (parse_rule(&text), text.parse::<Packet>(), text.parse::<Flow>(), text.parse::<Piece>());
    }
}
