//! Signed calls over HTTP, against the floors.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use model::{InstanceId, SecurityGroupId};
use wire::catalogue::Product;

use crate::{
    floor,
    load::{self, Request, Source},
    seed::{self, Seeded},
    server::Server,
    statistics::Measured,
};

/// How many groups each interface is in, so that there is much to leave.
const GROUPS_EACH: usize = 5;
/// How many of the instances join and leave.
const LEAVERS: usize = 1_000;
/// Instances in one group, in the small server and in the large one.
const IN_GROUP: usize = 10;

/// How much to measure.
pub struct Plan {
    pub rounds: usize,
    pub seconds: f64,
    pub few: usize,
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
    let mut floors = Vec::new();
    let mut measured: Vec<Rounds> =
        (0..subjects.len() * connections.len()).map(|_| Rounds::default()).collect();
    for round in 1..=plan.rounds {
        eprintln_progress(round, plan.rounds);
        floors.push(floor::fdatasync(disk, time)?);
        for (place, (count, subject)) in connections
            .iter()
            .flat_map(|count| subjects.iter().map(move |subject| (count, subject)))
            .enumerate()
        {
            one_round(subject, *count, time, &mut measured[place]).await?;
        }
    }
    let floor = Measured::median(&floors);
    println!(
        "\n{} rounds of {} s each, medians; server, client and disk on one machine.\n",
        plan.rounds, plan.seconds
    );
    println!("| | connections | instances | p50 us | p99 us | calls/s |\n|---|---|---|---|---|---|");
    println!("| fdatasync of 4 KiB | | | {:.0} | {:.0} | {:.0} |", floor.p50_us, floor.p99_us, floor.rate);
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
    ratios(&floor, &measured);
    Ok(())
}

fn eprintln_progress(round: usize, rounds: usize) {
    #[allow(clippy::print_stderr, reason = "progress")]
    {
        eprintln!("round {round} of {rounds} ...");
    }
}

fn ratios(floor: &Measured, measured: &[Rounds]) {
    let p50 = |rounds: &[Measured]| Measured::median(rounds).p50_us;
    let rate = |rounds: &[Measured]| Measured::median(rounds).rate;
    let (few_1, many_1, few_64) = (&measured[0], &measured[1], &measured[2]);
    println!("\n| ratio | measured | meant |\n|---|---|---|");
    let line = |what: &str, ratio: f64, meant: &str| println!("| {what} | {ratio:.2} | {meant} |");
    line(
        "Leave p50 to (fdatasync p50 + do-nothing p50), 1 connection",
        p50(&few_1.leave) / (floor.p50_us + p50(&few_1.nothing)),
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
    rounds.nothing.push(load::run(address, connections, time, nothing).await?);

    let memberships = memberships(&subject.seeded);
    join_all(address, &memberships).await.context("joining before the leaves")?;
    let leaves = requests("LeaveSecurityGroup", &memberships);
    rounds.leave.push(load::run(address, connections, time, from_list(leaves)).await?);

    let groups = subject.seeded.groups.clone();
    let by_group: Source = Arc::new(move |number| {
        // Not those whose members come and go.
        let group = groups[groups.len() - 1 - number % (groups.len() / 2)];
        let parameters = vec![("SecurityGroupId", group.to_string()), ("PageSize", "10".into())];
        Some((Product::Ens, "DescribeInstances", parameters))
    });
    rounds.describe_group.push(load::run(address, connections, time, by_group).await?);

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
    rounds.describe_waiter.push(load::run(address, connections, time, waiter).await?);
    Ok(())
}

/// Who joins and leaves what: the first instances, each in the groups after its own.
fn memberships(seeded: &Seeded) -> Vec<(InstanceId, SecurityGroupId)> {
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

/// Makes the memberships that are not there.
async fn join_all(address: &str, memberships: &[(InstanceId, SecurityGroupId)]) -> anyhow::Result<()> {
    let mut missing = Vec::new();
    let mut connection = load::Connection::open(address).await?;
    for chunk in memberships.chunks(GROUPS_EACH - 1) {
        let Some((instance, _)) = chunk.first() else { continue };
        let describe = (Product::Ens, "DescribeInstances", vec![("InstanceId", instance.to_string())]);
        let (_, body) = connection.call(&describe).await?;
        let answer: serde_json::Value = serde_json::from_slice(&body)?;
        let groups = answer.pointer("/Instances/Instance/0/SecurityGroupIds/SecurityGroupId");
        let groups = groups.and_then(serde_json::Value::as_array).context("the instance shows no groups")?;
        let is_in =
            |group: &SecurityGroupId| groups.iter().any(|own| own.as_str() == Some(&group.to_string()));
        missing.extend(chunk.iter().filter(|(_, group)| !is_in(group)).copied());
    }
    let joins = requests("JoinSecurityGroup", &missing);
    load::run(address, 64, Duration::from_secs(600), from_list(joins)).await?;
    Ok(())
}
