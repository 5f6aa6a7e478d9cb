//! The tables.

use super::{
    node::Told,
    options::Amounts,
    round::{OfSite, Round, ToldBy},
    series::{Cut, Late},
    site::Site,
};
use crate::statistics::{Measured, median};

/// Prints what the rounds gave.
pub fn print(sites: &[Site; 2], rounds: &[Round], amounts: Amounts) {
    let Amounts { times, few_times, rules, records, load, .. } = amounts;
    println!(
        "\n{} rounds with {times} changes of each kind ({few_times} where flows are cut or rules removed), medians; \
         {rules} rules in each group, all flows UDP; a p99 of fewer than 100 changes is the slowest of a round; control planes, agents, callers and disk on one machine.\n",
        rounds.len()
    );
    floors(sites, rounds);
    println!(
        "\n| change | nodes x interfaces | confirmed p50 ms | p99 ms | last packet p50 ms | p99 ms |\n\
         |---|---|---|---|---|---|"
    );
    for (place, site) in sites.iter().enumerate() {
        changes(site, &of_site(rounds, place));
    }
    let pauses: Vec<Measured> =
        rounds.iter().flat_map(|round| round.sites.iter().map(|site| site.cut.pause)).collect();
    let pause = Measured::median(&pauses);
    println!(
        "\nThe flow that is cut has a packet every {:.0} us ({records} a second are asked for; p99 {:.0} us). Under load: \
         {load} changes a second of others are asked for, each waited for.\n",
        pause.p50_us, pause.p99_us
    );
    ratios(rounds);
    println!(
        "\n| told by changes that concern one node | nodes | changes | messages | bytes over the uplinks | the same at rest |\n\
         |---|---|---|---|---|---|"
    );
    for (place, site) in sites.iter().enumerate() {
        told(site, &of_site(rounds, place));
    }
}

fn of_site(rounds: &[Round], place: usize) -> Vec<&OfSite> {
    rounds.iter().map(|round| &round.sites[place]).collect()
}

fn medians(rounds: &[&OfSite], figure: impl Fn(&OfSite) -> Measured) -> Measured {
    Measured::median(&rounds.iter().map(|site| figure(site)).collect::<Vec<_>>())
}

fn floors(sites: &[Site; 2], rounds: &[Round]) {
    println!("| floor | p50 us | p99 us |\n|---|---|---|");
    let names = [
        "a call that does nothing",
        "fdatasync of 4 KiB appended to a file",
        "one switch, read back",
        "one TLS round trip on loopback",
    ];
    for (place, name) in names.into_iter().enumerate() {
        let part = rounds.iter().map(|round| round.floor.parts()[place]).collect::<Vec<_>>();
        let part = Measured::median(&part);
        println!("| {name} | {:.0} | {:.0} |", part.p50_us, part.p99_us);
    }
    println!("| their sum | {:.0} | |", median(rounds.iter().map(|round| round.floor.sum_us())));
    let in_turn = Measured::median(&rounds.iter().map(|round| round.floor.in_turn).collect::<Vec<_>>());
    println!("| one of each, one after the other | {:.0} | {:.0} |", in_turn.p50_us, in_turn.p99_us);
    for (place, site) in sites.iter().enumerate() {
        let loaded = medians(&of_site(rounds, place), |site| site.floor_under_load);
        println!(
            "| the same under load, {} nodes x interfaces | {:.0} | {:.0} |",
            site.name, loaded.p50_us, loaded.p99_us
        );
    }
}

fn changes(site: &Site, rounds: &[&OfSite]) {
    let name = &site.name;
    let only = |what: &str, measured: Measured| {
        println!("| {what} | {name} | {} | {} | | |", ms(measured.p50_us), ms(measured.p99_us));
    };
    let with_flows = |what: &str, figure: &dyn Fn(&OfSite) -> Cut| {
        let confirmed = medians(rounds, |site| figure(site).confirmed);
        let last = medians(rounds, |site| figure(site).last_packet);
        println!(
            "| {what} | {name} | {} | {} | {} | {} |",
            ms(confirmed.p50_us),
            ms(confirmed.p99_us),
            ms(last.p50_us),
            ms(last.p99_us)
        );
    };
    only("Leave into a class that others have", medians(rounds, |site| site.leave));
    only("Leave into a class that nobody has", medians(rounds, |site| site.single));
    only("Leave, under load", medians(rounds, |site| site.under_load));
    with_flows("Leave that cuts a flow", &|site| site.cut);
    only("rule removed from the group of all", medians(rounds, |site| site.rule));
    with_flows("the same, cutting a flow on every node", &|site| site.rule_cut);
    let count = site.leavers.len();
    let all = |figure: fn(&OfSite) -> std::time::Duration| {
        median(rounds.iter().map(|site| figure(site).as_secs_f64() * 1e3))
    };
    let nothing = all(|site| site.nothing_at_once.1);
    only(&format!("{count} calls at once that do nothing (all: {nothing:.1} ms)"), {
        medians(rounds, |site| site.nothing_at_once.0)
    });
    let leaves = all(|site| site.at_once.1);
    only(&format!("{count} Leaves at once (all: {leaves:.1} ms)"), medians(rounds, |site| site.at_once.0));
}

fn ratios(rounds: &[Round]) {
    println!("| | small site | large site | meant |\n|---|---|---|---|");
    let line = |what: &str, meant: &str, figure: &dyn Fn(&Round, &OfSite) -> f64| {
        let [small, large] = [0, 1].map(|place: usize| {
            // Of one round each: what disturbs a round disturbs its floor as well.
            median(rounds.iter().map(|round| figure(round, &round.sites[place])))
        });
        println!("| {what} | {small:.2} | {large:.2} | {meant} |");
    };
    line("Leave, p50 to confirmed, to the floor", "at most 2.5", &|round, site| {
        site.leave.p50_us / round.floor.sum_us()
    });
    line("Leave into a class that nobody has, the same", "at most 2.5", &|round, site| {
        site.single.p50_us / round.floor.sum_us()
    });
    line("Leave under load, p99 to confirmed, to the floor", "at most 10", &|round, site| {
        site.under_load.p99_us / round.floor.sum_us()
    });
    line("the same, to the p99 of the floor at rest", "", &|round, site| {
        site.under_load.p99_us / round.floor.in_turn.p99_us
    });
    line("the same, to the p99 of the floor under that load", "", &|_, site| {
        site.under_load.p99_us / site.floor_under_load.p99_us
    });
    line("changes of others a second meanwhile", "", &|_, site| site.load);
    line("Leaves at once, p99 to confirmed, to the floor", "", &|round, site| {
        site.at_once.0.p99_us / round.floor.sum_us()
    });
    line("Leaves at once, all, to as many calls that do nothing", "", &|_, site| {
        site.at_once.1.as_secs_f64() / site.nothing_at_once.1.as_secs_f64()
    });
    line("rule removed, p50 ms to confirmed by all", "at most 50", &|_, site| site.rule.p50_us / 1e3);
    let cuts = |place: usize| {
        rounds.iter().map(move |round| &round.sites[place]).flat_map(|site| [site.cut, site.rule_cut])
    };
    let late = [0, 1].map(|place| cuts(place).fold(Late::default(), |late, cut| late.and(cut.late)));
    let [small, large] = late;
    println!(
        "| packets delivered after the confirmation, of all flows | {} | {} | 0 |",
        small.packets, large.packets
    );
    if small.packets + large.packets > 0 {
        let by = |late: Late| late.by.as_secs_f64() * 1e3;
        println!("| the last of them, ms after it | {:.3} | {:.3} | |", by(small), by(large));
    }
    let [small, large] = [0, 1].map(|place| cuts(place).map(|cut| cut.paused).sum::<u64>());
    println!(
        "| changes of which no last packet is known, since the flow had paused | {small} | {large} | 0 |"
    );
}

fn told(site: &Site, rounds: &[&OfSite]) {
    let all: Vec<ToldBy> = rounds.iter().map(|site| site.told).collect();
    let changes: u64 = all.iter().map(|told| told.changes).sum();
    let sum = |part: fn(&ToldBy) -> Told| Told::sum(&all.iter().map(part).collect::<Vec<_>>());
    let (concerned, others, at_rest) =
        (sum(|told| told.concerned), sum(|told| told.others), sum(|told| told.at_rest));
    println!("| the node concerned | 1 | {changes} | {} | {} | |", concerned.messages, concerned.bytes);
    let count = site.nodes.len() - 1;
    if count > 0 {
        println!(
            "| all others together: meant 0 messages | {count} | {changes} | {} | {} | {} |",
            others.messages, others.bytes, at_rest.bytes
        );
    }
}

fn ms(microseconds: f64) -> String {
    format!("{:.2}", microseconds / 1e3)
}
