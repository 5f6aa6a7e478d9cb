//! What people read.

use model::rule::Rule;
use policy::{
    PolicyClass,
    difference::{Difference, Piece},
    text::parse_rule,
};

use crate::check::{BOUNDS, group};

/// The class of groups, each its rules as lines.
fn class(groups: &[&str]) -> PolicyClass {
    let rules =
        |text: &str| -> Vec<Rule> { text.lines().map(|line| parse_rule(line.trim()).unwrap()).collect() };
    PolicyClass::new((1..).zip(groups).map(|(number, text)| group(number, rules(text)))).unwrap()
}

fn lines(before: &[&str], after: &[&str]) -> Vec<String> {
    let difference = Difference::between(&class(before), &class(after), BOUNDS);
    assert!(difference.is_whole() && difference.left_out() == 0);
    difference.pieces().iter().map(Piece::to_string).collect()
}

/// Before and after, each a list of groups, and the lines of the difference.
type Example = (&'static [&'static str], &'static [&'static str], &'static [&'static str]);

const EXAMPLES: [Example; 15] = [
    // A group is left, and what another one still permits stays.
    (
        &[
            "ingress accept tcp from 0.0.0.0/0 to port 22\ningress accept tcp from 0.0.0.0/0 to port 80",
            "ingress accept tcp from 10.0.0.0/8 to port 22",
        ],
        &["", "ingress accept tcp from 10.0.0.0/8 to port 22"],
        &[
            "ingress closes tcp from 0.0.0.0/0 except 10.0.0.0/8 to port 22",
            "ingress closes tcp from 0.0.0.0/0 to port 80",
        ],
    ),
    // What names no prefix is about both families, and one piece.
    (&["ingress accept tcp to port 443"], &[], &["ingress closes tcp to port 443"]),
    (&["ingress accept all"], &[], &["ingress closes all"]),
    (&["ingress accept icmp\ningress accept icmpv6"], &[], &["ingress closes icmp,icmpv6"]),
    (&["ingress accept tcp\ningress accept icmp"], &[], &["ingress closes tcp,icmp"]),
    // So are two rules that name everything of a family each.
    (
        &["ingress accept tcp from 0.0.0.0/0 to port 22\ningress accept tcp from ::/0 to port 22"],
        &[],
        &["ingress closes tcp to port 22"],
    ),
    (&["ingress accept all from 0.0.0.0/0"], &[], &["ingress closes all from 0.0.0.0/0"]),
    // Protocols, ports and prefixes that lead to the same are together.
    (
        &["ingress accept tcp to port 53\ningress accept udp to port 53\ningress accept udp to port 80"],
        &["ingress accept udp to port 80"],
        &["ingress closes tcp,udp to port 53"],
    ),
    (
        &["ingress accept tcp to port 53\ningress accept udp to port 53\ningress accept tcp to port 54/60"],
        &[],
        &["ingress closes tcp to port 53/60", "ingress closes udp to port 53"],
    ),
    (
        &["ingress accept tcp from 10.0.0.0/9 to port 80\ningress accept tcp from 10.128.0.0/9 to port 80"],
        &["ingress accept tcp from 10.3.0.0/16 to port 80"],
        &["ingress closes tcp from 10.0.0.0/8 except 10.3.0.0/16 to port 80"],
    ),
    // Both ends and both ports.
    (
        &[],
        &["egress drop udp from 10.0.0.1 port 53 to 192.0.2.0/24 port 1024/65535"],
        &["egress closes udp from 10.0.0.1 port 53 to 192.0.2.0/24 port 1024/65535"],
    ),
    // A drop goes and what it hid is open; every port is port 0 too.
    (
        &["ingress drop tcp to port 80\ningress accept priority=2 tcp from 2001:db8::/32"],
        &["ingress accept priority=2 tcp from 2001:db8::/32"],
        &["ingress opens tcp from 2001:db8::/32 to port 80"],
    ),
    (
        &["ingress accept tcp to port 1/65534"],
        &["ingress accept tcp"],
        &["ingress opens tcp to port 0,65535"],
    ),
    // The same rules at other priorities, and both ways at once.
    (
        &[
            "ingress accept tcp to port 1/100\ningress drop priority=2 tcp to port 50/200\ningress accept priority=3 tcp",
        ],
        &[
            "ingress accept priority=3 tcp to port 1/100\ningress drop priority=2 tcp to port 50/200\negress drop gre",
        ],
        &["ingress closes tcp to port 0,50/100,201/65535", "egress closes gre"],
    ),
    // What decides nothing is no difference.
    (
        &["ingress accept tcp to port 80\ningress drop priority=9 udp\negress accept tcp"],
        &["ingress accept tcp to port 1/90", "ingress drop tcp to port 1/79\ningress drop tcp to port 81/90"],
        &[],
    ),
];

#[test]
fn differences_are_told_in_few_lines() {
    for (before, after, expected) in EXAMPLES {
        assert_eq!(lines(before, after), expected, "{before:?} {after:?}");
        let turned = |line: &str| match line.contains(" closes ") {
            true => line.replace(" closes ", " opens "),
            false => line.replace(" opens ", " closes "),
        };
        let back: Vec<String> = expected.iter().map(|line| turned(line)).collect();
        assert_eq!(lines(after, before), back, "back: {before:?} {after:?}");
    }
}
