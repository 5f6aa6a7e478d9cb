//! How long it takes to compile a class and to write its image: medians, for 10, 100 and 1,000 rules with different
//! prefixes and ports.
//!
//! `cargo run --release -p ravelin-policy --example compile`

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example")]

use std::{hint::black_box, sync::Arc, time::Instant};

use model::{
    SecurityGroupId, UnixMillis,
    address::Prefix,
    rule::{Direction, Policy, PortRange, Protocol, Rule},
};
use policy::{Group, Plan, PolicyClass, image};

const ROUNDS: usize = 501;

fn rule(number: u16) -> Rule {
    let port = 1024 + number * 3;
    Rule {
        direction: if number.is_multiple_of(10) { Direction::Egress } else { Direction::Ingress },
        protocol: Protocol::Tcp,
        policy: if number.is_multiple_of(5) { Policy::Drop } else { Policy::Accept },
        priority: 1,
        ports: PortRange::Ports { low: port, high: port + 1 },
        source_ports: PortRange::EVERY,
        source: Prefix::ipv4(&format!("10.{}.{}.0/24", number / 200, number % 200)).ok(),
        destination: None,
        ipv6_source: None,
        ipv6_destination: None,
        description: None,
        created_at: UnixMillis(0),
    }
}

/// 200 rules a group.
fn class(rules: u16) -> PolicyClass {
    let rules: Vec<Rule> = (0..rules).map(rule).collect();
    let groups = rules
        .chunks(200)
        .zip(1..)
        .map(|(rules, number)| Group { id: SecurityGroupId::from_entropy(number), rules: Arc::from(rules) });
    PolicyClass::new(groups).unwrap()
}

fn median_us<T>(mut work: impl FnMut() -> T) -> f64 {
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begin = Instant::now();
            black_box(work());
            begin.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
}

fn main() {
    println!("{:>6} {:>12} {:>12} {:>12} {:>10}", "rules", "compile us", "image us", "check us", "words");
    for rules in [10, 100, 1000] {
        let class = class(rules);
        let plan = Plan::compile(&class);
        let words = plan.image(1, 2);
        let compile = median_us(|| Plan::compile(&class));
        let write = median_us(|| plan.image(1, 2));
        let check = median_us(|| image::check(&words));
        println!("{rules:>6} {compile:>12.1} {write:>12.1} {check:>12.1} {:>10}", words.len());
    }
}
