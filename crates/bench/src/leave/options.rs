//! What is measured, and how much.

use std::time::Duration;

use clap::Args;

/// A Leave from the request until the nodes that it concerns have confirmed it, and until the last packet. As root.
///
/// Makes network namespaces, control planes and agents of its own, which end with it whatever happens.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Rounds, in each of which everything is measured; the medians of them are reported.
    #[arg(long)]
    rounds: Option<usize>,
    /// Changes of each kind in a round; of those that cut flows, and of rules, a fifth.
    #[arg(long)]
    times: Option<usize>,
    /// Nodes of the large site; the small one has one.
    #[arg(long)]
    nodes: Option<usize>,
    /// Interfaces of the large site, on all its nodes together.
    #[arg(long)]
    interfaces: Option<usize>,
    /// Interfaces of the small site.
    #[arg(long)]
    few: Option<usize>,
    /// Leaves that are asked for at once.
    #[arg(long)]
    at_once: Option<usize>,
    /// Rules of each group.
    #[arg(long, default_value_t = 10)]
    rules: usize,
    /// Records a second of the flows that are cut, all flows together.
    #[arg(long, default_value_t = 10_000)]
    records: u32,
    /// Changes a second of others, where it is measured under load.
    #[arg(long, default_value_t = 500)]
    load: u32,
    /// A small run of half a minute, to see that everything works; its figures mean little.
    #[arg(long)]
    quick: bool,
    /// The most seconds that the whole may take.
    #[arg(long, default_value_t = 900)]
    seconds_max: u64,
}

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amounts {
    /// Rounds.
    pub rounds: usize,
    /// Changes in a round.
    pub times: usize,
    /// Changes in a round that take longer.
    pub few_times: usize,
    /// Nodes of the large site.
    pub nodes: usize,
    /// Interfaces of the large site.
    pub interfaces: usize,
    /// Interfaces of the small site.
    pub few: usize,
    /// Leaves at once.
    pub at_once: usize,
    /// Rules of each group.
    pub rules: usize,
    /// Records a second.
    pub records: u32,
    /// Changes a second of others.
    pub load: u32,
}

impl Options {
    /// The most that the whole may take.
    pub fn time_max(&self) -> Duration {
        Duration::from_secs(self.seconds_max)
    }

    /// How much is measured: what is given, and else what is usual.
    pub fn amounts(&self) -> Amounts {
        let amount = |given: Option<usize>, usual: usize, quick: usize| {
            given.unwrap_or(if self.quick { quick } else { usual }).max(1)
        };
        let times = amount(self.times, 200, 20);
        Amounts {
            rounds: amount(self.rounds, 5, 1),
            times,
            few_times: times.div_ceil(5),
            nodes: amount(self.nodes, 8, 3),
            interfaces: amount(self.interfaces, 2_000, 60),
            few: amount(self.few, 50, 20),
            at_once: amount(self.at_once, 500, 20),
            rules: self.rules.max(1),
            records: self.records,
            load: self.load,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn amounts(line: &[&str]) -> Amounts {
        Line::parse_from([&["bench"], line].concat()).options.amounts()
    }

    #[test]
    fn what_is_given_goes_before_what_is_usual() {
        let usual = amounts(&[]);
        assert_eq!((usual.nodes, usual.interfaces, usual.few, usual.at_once), (8, 2_000, 50, 500));
        let quick = amounts(&["--quick", "--times", "31"]);
        assert_eq!((quick.rounds, quick.times, quick.few_times), (1, 31, 7));
        assert!(quick.interfaces < usual.interfaces);
        assert_eq!(amounts(&["--rounds", "0"]).rounds, 1);
    }
}
