//! How long it takes to say what a change of policy means, to explain a verdict, to find what would flip it, and to look
//! for what is odd: medians, for 10, 200 and 1,000 rules in five groups, one of which is left.
//!
//! `cargo run --release -p ravelin-policy --example difference`

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example")]

use std::{hint::black_box, time::Instant};

use model::{SecurityGroupId, rule::Rule};
use policy::{
    Group, PolicyClass,
    difference::{Bounds, Difference},
    explain::explain,
    findings::{self, findings},
    flip::{self, flip},
    text::{Flow, parse_rule},
};

const GROUPS: usize = 5;
const ROUNDS: usize = 101;

/// A kind of ruleset: its name, and its rule of a number.
type Kind = (&'static str, fn(usize) -> String);

const KINDS: [Kind; 4] = [
    // Each rule has a prefix and a port of its own.
    ("apart", |n| format!("{} tcp from 10.{}.{}.0/24 to port {}", policy(n), n / 200, n % 200, 1024 + n * 3)),
    // Many partners and a few services, networks within networks, and hosts that are dropped.
    ("usual", |n| {
        let port = [22, 80, 443, 3306, 5432, 6379, 8080, 9090][n % 8];
        let (policy, length) = match n % 40 {
            7 => ("ingress drop", 32),
            _ => ("ingress accept priority=2", [18, 20, 24, 32][n / 7 % 4]),
        };
        format!(
            "{policy} tcp from 10.{}.{}.{}/{length} to port {port}",
            n * 7 % 256,
            n * 13 % 256,
            n * 29 % 256
        )
    }),
    // Ranges of ports and prefixes that cut each other in every way.
    ("crossed", |n| {
        let (low, length) = (1 + n * 37 % 60_000, 12 + n % 13);
        let ports = format!("{low}/{}", low + 1 + n * 101 % 5_000);
        let source = format!("10.{}.{}.0/{length}", n * 11 % 256, n * 17 % 256);
        format!("{} priority={} tcp from {source} to port {ports}", policy(n), 1 + n % 100)
    }),
    // IPv6, with both ends.
    ("both ends", |n| {
        let source = format!("2001:db8:{:x}:{:x}::/{}", n % 50, n * 7 % 999, 48 + n % 17);
        format!("{} udp from {source} to 2001:db8:ffff::{:x} port {}", policy(n), n % 9, 1 + n * 31 % 500)
    }),
];

fn policy(number: usize) -> &'static str {
    if number.is_multiple_of(5) { "ingress drop" } else { "ingress accept" }
}

fn class(kind: Kind, rules: usize) -> PolicyClass {
    let groups = (0..GROUPS).map(|group| {
        let own = (0..rules).filter(|number| number % GROUPS == group);
        let own: Vec<Rule> = own.map(|number| parse_rule(&kind.1(number)).unwrap()).collect();
        Group { id: SecurityGroupId::from_entropy(group as u128), rules: own.into() }
    });
    PolicyClass::new(groups).unwrap()
}

fn median_us<T>(rounds: usize, mut work: impl FnMut() -> T) -> f64 {
    let mut times: Vec<f64> = (0..rounds)
        .map(|_| {
            let begin = Instant::now();
            black_box(work());
            begin.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[rounds / 2]
}

fn main() {
    println!(
        "{:>10} {:>6} {:>14} {:>8} {:>11} {:>9} {:>12}",
        "ruleset", "rules", "difference us", "pieces", "explain us", "flip us", "findings us"
    );
    for kind in KINDS {
        for rules in [10, 200, 1000] {
            let before = class(kind, rules);
            let after = before.without_group(before.groups()[1].id);
            let flow: Flow = "ingress tcp 10.14.26.58:40000 > 10.0.0.2:443".parse().unwrap();
            let difference = Difference::between(&before, &after, Bounds::default());
            let pieces = difference.pieces().len() + difference.left_out();
            let between = median_us(ROUNDS, || Difference::between(&before, &after, Bounds::default()));
            let explained = median_us(ROUNDS, || explain(&before, &flow, 20));
            let flipped = median_us(ROUNDS, || flip(&before, &flow, &flip::Options::default()));
            let found = median_us(5, || findings(&before, &findings::Options::default()));
            let whole = if difference.is_whole() { "" } else { "+" };
            println!(
                "{:>10} {rules:>6} {between:>14.1} {pieces:>8}{whole} {explained:>10.1} {flipped:>9.1} {found:>12.1}",
                kind.0
            );
        }
    }
}
