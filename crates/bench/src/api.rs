//! Signed calls over HTTP, against the floors.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use model::{InstanceId, SecurityGroupId};
use wire::catalogue::Product;

use crate::{
    floor::{self, Place},
    load::{self, Request, Sample, Source},
    seed::{self, Seeded},
    server::Server,
    statistics::Measured,
};

/// How many groups each interface is in, so that there is much to leave.
const GROUPS_EACH: usize = 5;
/// How many of the instances join and leave.
const LEAVERS: usize = 5_000;
/// Instances in one group, in the small server and in the large one.
const IN_GROUP: usize = 10;

/// How much to measure.
pub struct Plan {
    /// Rounds; medians are taken over them.
    pub rounds: usize,
    /// Seconds of each measurement of a round.
    pub seconds: f64,
    /// Instances of the small server.
    pub few: usize,
    /// Instances of the large server.
    pub many: usize,
}

/// A server with what it holds.
struct Subject {
    name: String,
    server: Server,
    seeded: Seeded,
    _data: tempfile::TempDir,
}

/// What is measured of one subject at one number of connections.
#[derive(Default)]
struct Rounds {
    nothing: Vec<Measured>,
    leave: Vec<Measured>,
    describe_group: Vec<Measured>,
    describe_waiter: Vec<Measured>,
}

/// Measures, and prints the tables.
pub fn run(binary: &Path, disk: &Path, plan: &Plan) -> anyhow::Result<()> {
    let subjects = [subject(binary, disk, plan.few)?, subject(binary, disk, plan.many)?];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(disk, plan, &subjects))
}

async fn measure(disk: &Path, plan: &Plan, subjects: &[Subject; 2]) -> anyhow::Result<()> {
    let time = Duration::from_secs_f64(plan.seconds);
    let connections = [1, 64];
    for subject in subjects {
        join(&subject.server.address, &memberships(&subject.seeded)).await?;
    }
    let (mut overwriting, mut appending) = (Vec::new(), Vec::new());
    let mut measured: Vec<Rounds> =
        (0..subjects.len() * connections.len()).map(|_| Rounds::default()).collect();
    for round in 1..=plan.rounds {
        eprintln_progress(round, plan.rounds);
        overwriting.push(floor::fdatasync(disk, time, Place::Overwritten)?);
        appending.push(floor::fdatasync(disk, time, Place::Appended)?);
        for (place, (count, subject)) in connections
            .iter()
            .flat_map(|count| subjects.iter().map(move |subject| (count, subject)))
            .enumerate()
        {
            one_round(subject, *count, time, &mut measured[place]).await?;
        }
    }
    let floors = [Measured::median(&overwriting), Measured::median(&appending)];
    println!(
        "\n{} rounds of {} s each, medians; server, client and disk on one machine.\n",
        plan.rounds, plan.seconds
    );
    println!("| | connections | instances | p50 us | p99 us | calls/s |\n|---|---|---|---|---|---|");
    for (name, floor) in ["overwritten in a file", "appended to a file, as a log is"].iter().zip(&floors) {
        println!(
            "| fdatasync of 4 KiB {name} | | | {:.0} | {:.0} | {:.0} |",
            floor.p50_us, floor.p99_us, floor.rate
        );
    }
    for (place, rounds) in measured.iter().enumerate() {
        let (count, subject) = (connections[place / subjects.len()], &subjects[place % subjects.len()]);
        for (name, figures) in [
            ("GetCallerIdentity (does nothing)", &rounds.nothing),
            ("LeaveSecurityGroup (durable)", &rounds.leave),
            ("DescribeInstances by group (10 instances)", &rounds.describe_group),
            ("DescribeInstances by instance and group", &rounds.describe_waiter),
        ] {
            let m = Measured::median(figures);
            println!(
                "| {name} | {count} | {} | {:.0} | {:.0} | {:.0} |",
                subject.name, m.p50_us, m.p99_us, m.rate
            );
        }
    }
    ratios(&floors, &measured);
    Ok(())
}

fn eprintln_progress(round: usize, rounds: usize) {
    #[allow(clippy::print_stderr, reason = "progress")]
    {
        eprintln!("round {round} of {rounds} ...");
    }
}

fn ratios([overwriting, appending]: &[Measured; 2], measured: &[Rounds]) {
    let p50 = |rounds: &[Measured]| Measured::median(rounds).p50_us;
    let rate = |rounds: &[Measured]| Measured::median(rounds).rate;
    let (few_1, many_1, few_64) = (&measured[0], &measured[1], &measured[2]);
    println!("\n| ratio | measured | meant |\n|---|---|---|");
    let line = |what: &str, ratio: f64, meant: &str| println!("| {what} | {ratio:.2} | {meant} |");
    line(
        "Leave p50 to (fdatasync p50 of an append + do-nothing p50), 1 connection",
        p50(&few_1.leave) / (appending.p50_us + p50(&few_1.nothing)),
        "at most 2",
    );
    line(
        "the same with the fdatasync of an overwrite",
        p50(&few_1.leave) / (overwriting.p50_us + p50(&few_1.nothing)),
        "at most 2",
    );
    line(
        "Leave rate to do-nothing rate, 64 connections",
        rate(&few_64.leave) / rate(&few_64.nothing),
        "at least 0.5",
    );
    let most = "at most 1.2";
    line("Leave p50, many to few instances", p50(&many_1.leave) / p50(&few_1.leave), most);
    line(
        "DescribeInstances by group p50, many to few instances",
        p50(&many_1.describe_group) / p50(&few_1.describe_group),
        most,
    );
    line(
        "DescribeInstances by instance and group p50, many to few instances",
        p50(&many_1.describe_waiter) / p50(&few_1.describe_waiter),
        most,
    );
}

fn subject(binary: &Path, disk: &Path, instances: usize) -> anyhow::Result<Subject> {
    let data = tempfile::tempdir_in(disk)?;
    let seeded = seed::seed(data.path(), instances, instances.div_ceil(IN_GROUP).max(GROUPS_EACH))?;
    let server = Server::start(binary, data.path())?;
    Ok(Subject { name: instances.to_string(), server, seeded, _data: data })
}

async fn one_round(
    subject: &Subject,
    connections: usize,
    time: Duration,
    rounds: &mut Rounds,
) -> anyhow::Result<()> {
    let address = &subject.server.address;
    let nothing: Source = Arc::new(|_| Some((Product::Sts, "GetCallerIdentity", Vec::new())));
    rounds.nothing.push(load::run(address, connections, time, nothing).await?.measured());

    rounds.leave.push(leave(subject, connections, time).await?);

    let groups = subject.seeded.groups.clone();
    let by_group: Source = Arc::new(move |number| {
        // Not those whose members come and go.
        let group = groups[groups.len() - 1 - number % (groups.len() / 2)];
        let parameters = vec![("SecurityGroupId", group.to_string()), ("PageSize", "10".into())];
        Some((Product::Ens, "DescribeInstances", parameters))
    });
    rounds.describe_group.push(load::run(address, connections, time, by_group).await?.measured());

    let waiter: Source = {
        let (instances, groups) = (subject.seeded.instances.clone(), subject.seeded.groups.clone());
        Arc::new(move |number| {
            let place = number * 7919 % instances.len();
            let group = groups[place * groups.len() / instances.len()];
            let parameters =
                vec![("InstanceId", instances[place].to_string()), ("SecurityGroupId", group.to_string())];
            Some((Product::Ens, "DescribeInstances", parameters))
        })
    };
    rounds.describe_waiter.push(load::run(address, connections, time, waiter).await?.measured());
    Ok(())
}

/// Leaves for so long. There is only so much to leave: whoever has left joins again, which is not counted, until the
/// leaving alone has taken the time.
async fn leave(subject: &Subject, connections: usize, time: Duration) -> anyhow::Result<Measured> {
    let address = &subject.server.address;
    let memberships = memberships(&subject.seeded);
    let mut sample = Sample::default();
    while sample.wall < time {
        let leaves = from_list(requests("LeaveSecurityGroup", &memberships));
        let left = load::run(address, connections, time - sample.wall, leaves).await?;
        // The first so many have left.
        join(address, &memberships[..left.latencies.len()]).await?;
        sample.add(left);
    }
    Ok(sample.measured())
}

/// Who joins and leaves what: the first instances, each in the groups after its own.
pub fn memberships(seeded: &Seeded) -> Vec<(InstanceId, SecurityGroupId)> {
    let (instances, groups) = (&seeded.instances, &seeded.groups);
    let leavers = LEAVERS.min(instances.len());
    let own = |place: usize| place * groups.len() / instances.len();
    let further = |place: usize| (1..GROUPS_EACH).map(move |step| (own(place) + step) % groups.len());
    (0..leavers)
        .flat_map(|place| further(place).map(move |group| (instances[place], groups[group])))
        .collect()
}

fn requests(action: &'static str, memberships: &[(InstanceId, SecurityGroupId)]) -> Vec<Request> {
    let request = |(instance, group): &(InstanceId, SecurityGroupId)| {
        let parameters = vec![("InstanceId", instance.to_string()), ("SecurityGroupId", group.to_string())];
        (Product::Ens, action, parameters)
    };
    memberships.iter().map(request).collect()
}

fn from_list(requests: Vec<Request>) -> Source {
    Arc::new(move |number| requests.get(number).cloned())
}

/// Makes memberships.
pub async fn join(address: &str, memberships: &[(InstanceId, SecurityGroupId)]) -> anyhow::Result<()> {
    let joins = requests("JoinSecurityGroup", memberships);
    load::run(address, 64, Duration::from_secs(600), from_list(joins)).await.context("joining")?;
    Ok(())
}
