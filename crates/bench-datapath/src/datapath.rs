//! What a packet costs: every load through every filter, in rounds, on a bridge and routed.

use std::{
    net::IpAddr,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use dataplane::{Binding, ClassId, EbpfDataplane};
use policy::plan::Plan;

use crate::{
    enforcement::{self, Enforcement},
    figures::{Shuffle, median, percentile, ratio},
    profile, rules, system,
    topology::{Host, Pair, Shape, netfilter_sees_bridges},
    traffic::{self, Load, Measured},
};

/// What is between the instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    /// Nothing.
    None,
    /// Security groups, the same at both interfaces.
    Groups { rules: usize, groups: usize, switched: bool },
    /// Linear rules on the way between the interfaces, behind `ct state established` where connections are tracked.
    Nftables { rules: usize, tracked: bool },
}

const fn groups(rules: usize, groups: usize) -> Filter {
    Filter::Groups { rules, groups, switched: false }
}

const SWITCHED: Filter = Filter::Groups { rules: 10, groups: 1, switched: true };

const fn nftables(rules: usize) -> Filter {
    Filter::Nftables { rules, tracked: true }
}

/// Without `ct state established`, every packet meets all the rules.
const UNTRACKED: Filter = Filter::Nftables { rules: 1_000, tracked: false };

const FILTERS: [Filter; 11] = [
    Filter::None,
    groups(10, 1),
    groups(100, 1),
    groups(1_000, 1),
    groups(10, 5),
    groups(1_000, 5),
    SWITCHED,
    nftables(10),
    nftables(100),
    nftables(1_000),
    UNTRACKED,
];

/// The time between two switches, where there are any.
const SWITCH_INTERVAL: Duration = Duration::from_millis(10);

impl Filter {
    fn name(self) -> String {
        let rules = |count: usize| if count >= 1_000 { "1,000".to_owned() } else { count.to_string() };
        match self {
            Self::None => "no filter".to_owned(),
            Self::Groups { rules: count, switched: true, .. } => {
                format!("{} rules, switched 100 times a second", rules(count))
            }
            Self::Groups { rules: count, groups: 1, .. } => format!("{} rules, 1 group", rules(count)),
            Self::Groups { rules: count, groups, .. } => format!("{} rules, {groups} groups", rules(count)),
            Self::Nftables { rules: count, tracked: true } => {
                format!("nftables, conntrack, {} linear rules", rules(count))
            }
            Self::Nftables { rules: count, .. } => format!("nftables, {} linear rules alone", rules(count)),
        }
    }
}

/// A filter and what goes through it.
struct Case {
    filter: Filter,
    shape: Shape,
    pair: Pair,
    /// Where there are security groups.
    enforced: Option<Enforced>,
    /// Of each load, one figure a round.
    figures: [Vec<f64>; Load::ALL.len()],
}

struct Enforced {
    class: ClassId,
    bindings: Vec<Binding>,
    plan: Plan,
}

/// Everything that was made; it ends with this.
struct Setup {
    enforcement: Enforcement,
    cases: Vec<Case>,
    /// The namespaces of hosts: the one of security groups, then those of nftables.
    hosts: Vec<Host>,
    switches: u64,
    switching: Duration,
    loads: Vec<Load>,
    /// How much of the time of each measurement the CPU was ours.
    shares: Vec<f64>,
}

/// What is measured, and for how long.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Rounds; the median of them is reported.
    #[arg(long, default_value_t = 11)]
    rounds: usize,
    /// Seconds that each measurement of a round takes.
    #[arg(long, default_value_t = 0.25)]
    seconds: f64,
    /// Only filters whose names contain this: for a profiler.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Only this load.
    #[arg(long)]
    load: Option<Load>,
}

/// Measures, and prints the tables.
///
/// # Errors
/// The kernel refuses; a packet is not where it should be; somebody has interrupted.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let &Options { rounds, seconds, .. } = options;
    let time = Duration::from_secs_f64(seconds);
    let mut setup = Setup::new(options)?;
    let mut shuffle = Shuffle::new();
    setup.round(&mut shuffle, Duration::from_millis(20)).context("warming up")?;
    for case in &mut setup.cases {
        case.figures = Default::default();
    }
    (setup.switches, setup.switching) = (0, Duration::ZERO);
    setup.shares.clear();
    for round in 1..=rounds.max(1) {
        eprintln!("round {round} of {rounds} ...");
        setup.round(&mut shuffle, time)?;
    }
    setup.check()?;
    println!(
        "\n{rounds} rounds of {seconds} s each, medians; in brackets the median of the rounds' ratios to no filter.\n\
         A second is one of the CPU on which everything runs, and which was ours for {:.0} % of the time (p1: {:.0} %).",
        100.0 * median(setup.shares.iter().copied()),
        100.0 * percentile(setup.shares.iter().copied(), 1)
    );
    for shape in [Shape::Bridge, Shape::Routed] {
        setup.print(shape);
    }
    if options.only.is_some() || options.load.is_some() {
        return Ok(());
    }
    setup.print_ratios();
    #[allow(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    let rate = setup.switches as f64 / setup.switching.as_secs_f64();
    println!("\nSwitched {rate:.0} times a second.");
    profile::run(&mut setup.enforcement, &setup.hosts[0])
}

impl Setup {
    fn new(options: &Options) -> anyhow::Result<Self> {
        let host = Host::new(false)?;
        // From here on, this thread's devices are those of that host.
        host.namespace.enter()?;
        let enforcement = Enforcement::open("datapath")?;
        let (cases, switching) = (Vec::new(), Duration::ZERO);
        let loads = options.load.map_or(Load::ALL.to_vec(), |load| vec![load]);
        let mut setup =
            Self { enforcement, cases, hosts: vec![host], switches: 0, switching, shares: Vec::new(), loads };
        let shapes = |filter| match filter {
            Filter::Nftables { .. } if !netfilter_sees_bridges() => vec![Shape::Routed],
            _ => vec![Shape::Bridge, Shape::Routed],
        };
        let mut number = 0;
        let wanted = |filter: &Filter| options.only.as_ref().is_none_or(|text| filter.name().contains(text));
        for filter in FILTERS.into_iter().filter(wanted) {
            let enforced = match filter {
                Filter::Groups { rules, groups, .. } => {
                    let plan = rules::plan(rules, groups)?;
                    Some((setup.enforcement.class(&plan)?, plan))
                }
                Filter::Nftables { rules, tracked } => {
                    let host = Host::new(true)?;
                    host.namespace.nft(&rules::nftables(rules, tracked))?;
                    setup.hosts.push(host);
                    None
                }
                Filter::None => None,
            };
            for shape in shapes(filter) {
                system::go_on()?;
                number += 1;
                let host = if let Filter::Nftables { .. } = filter { setup.hosts.len() - 1 } else { 0 };
                let pair = setup.hosts[host].pair(shape, number)?;
                let enforced = match &enforced {
                    Some((class, plan)) => Some(setup.enforce(&pair, *class, plan)?),
                    None => None,
                };
                let figures = Default::default();
                setup.cases.push(Case { filter, shape, pair, enforced, figures });
            }
        }
        Ok(setup)
    }

    fn enforce(&mut self, pair: &Pair, class: ClassId, plan: &Plan) -> anyhow::Result<Enforced> {
        let mut bindings = Vec::new();
        for instance in &pair.instances {
            let flows_max = dataplane::Interface::FLOWS_MAX_DEFAULT;
            let address = IpAddr::V4(instance.address);
            let binding = self.enforcement.bind(&instance.device, instance.mac, address, flows_max, class)?;
            bindings.push(binding);
        }
        Ok(Enforced { class, bindings, plan: plan.clone() })
    }

    /// Measures every case once with every load. The cases of one load are measured one after the other, so that little
    /// time is between those that are compared.
    fn round(&mut self, shuffle: &mut Shuffle, time: Duration) -> anyhow::Result<()> {
        for shape in [Shape::Bridge, Shape::Routed] {
            for (column, load) in Load::ALL.into_iter().enumerate() {
                if !self.loads.contains(&load) {
                    continue;
                }
                for place in shuffle.order(self.cases.len()) {
                    if self.cases[place].shape == shape {
                        let measured = self.measure(place, load, time)?;
                        self.cases[place].figures[column].push(measured.rate);
                        self.shares.push(measured.share);
                    }
                }
            }
        }
        Ok(())
    }

    fn measure(&mut self, place: usize, load: Load, time: Duration) -> anyhow::Result<Measured> {
        let case = &self.cases[place];
        let switched = case.enforced.as_ref().filter(|_| case.filter == SWITCHED);
        let (begun, mut next, mut switches) = (Instant::now(), Instant::now(), 0);
        let measured = traffic::run(load, &case.pair.ends(), time, || {
            system::go_on()?;
            next += SWITCH_INTERVAL;
            thread::sleep(next.saturating_duration_since(Instant::now()));
            if let Some(Enforced { class, plan, .. }) = switched {
                self.enforcement.switch(*class, plan)?;
                switches += 1;
            }
            Ok(())
        });
        let what = || format!("{} ({:?}), {}", case.filter.name(), case.shape, load.name());
        let measured = measured.with_context(what)?;
        if switched.is_some() {
            self.switches += switches;
            self.switching += begun.elapsed();
        }
        Ok(measured)
    }

    /// Whether the programs have seen the packets, and have let all of them pass.
    fn check(&mut self) -> anyhow::Result<()> {
        let dataplane: &EbpfDataplane = self.enforcement.dataplane();
        for case in &self.cases {
            if let Some(enforced) = &case.enforced {
                for binding in &enforced.bindings {
                    enforcement::check(dataplane, *binding, enforced.class)
                        .with_context(|| case.filter.name())?;
                }
            }
        }
        Ok(())
    }

    fn figures(&self, filter: Filter, shape: Shape) -> Option<&[Vec<f64>; Load::ALL.len()]> {
        let case = self.cases.iter().find(|case| case.filter == filter && case.shape == shape);
        case.map(|case| &case.figures)
    }

    fn print(&self, shape: Shape) {
        let name = match shape {
            Shape::Bridge => "Two ports of one bridge",
            Shape::Routed => "Two routed links",
        };
        let heads: Vec<&str> = Load::ALL.iter().map(|load| load.name()).collect();
        println!("\n{name}:\n\n| | {} |\n|---|---|---|---|---|", heads.join(" | "));
        let floor = self.figures(Filter::None, shape);
        for filter in FILTERS {
            let Some(figures) = self.figures(filter, shape) else { continue };
            let cells = Load::ALL.iter().enumerate().map(|(column, load)| {
                if figures[column].is_empty() {
                    return String::new();
                }
                let figure = median(figures[column].iter().copied()) / load.unit();
                let digits = if *load == Load::Stream { 1 } else { 0 };
                let ratio = floor.map_or(f64::NAN, |floor| ratio(&figures[column], &floor[column]));
                format!("{figure:.digits$} ({ratio:.2})")
            });
            println!("| {} | {} |", filter.name(), cells.collect::<Vec<String>>().join(" | "));
        }
        if shape == Shape::Bridge && !netfilter_sees_bridges() {
            println!(
                "\nThis kernel does not show netfilter what a bridge forwards: nftables was measured routed only."
            );
        }
    }

    fn print_ratios(&self) {
        println!(
            "\n| ratio | | UDP | requests | connections | stream | meant |\n|---|---|---|---|---|---|---|"
        );
        for (what, one, other, meant) in [
            ("10 rules to no filter", groups(10, 1), Filter::None, "at least 0.85, 0.92, 0.88, 0.95"),
            ("1,000 rules to 10", groups(1_000, 1), groups(10, 1), "at least 0.97 each"),
            ("1,000 rules in 5 groups to 10 in 1", groups(1_000, 5), groups(10, 1), "at least 0.97 each"),
            ("switched to not switched, 10 rules", SWITCHED, groups(10, 1), "at least 0.9 each"),
            (
                "1,000 rules to nftables' 1,000",
                groups(1_000, 1),
                nftables(1_000),
                "at least 2 in UDP and connections",
            ),
            (
                "the same without its conntrack",
                groups(1_000, 1),
                UNTRACKED,
                "at least 2 in UDP and connections",
            ),
            ("10 rules to nftables' 10", groups(10, 1), nftables(10), ""),
        ] {
            for (shape, name) in [(Shape::Bridge, "bridge"), (Shape::Routed, "routed")] {
                let (Some(one), Some(other)) = (self.figures(one, shape), self.figures(other, shape)) else {
                    continue;
                };
                let ratios = one.iter().zip(other).map(|(one, other)| format!("{:.2}", ratio(one, other)));
                let ratios: Vec<String> = ratios.collect();
                println!("| {what} | {name} | {} | {meant} |", ratios.join(" | "));
            }
        }
    }
}
