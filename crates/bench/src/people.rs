//! What people ask before and after a change, and the lists that they look at in the console, on a large state, beside a call
//! that does nothing.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use model::{InstanceId, SecurityGroupId};
use wire::catalogue::Product;

use crate::{
    api,
    load::{self, Source},
    seed::{self, Seeded},
    server::Server,
    statistics::Measured,
    visitor::Visitor,
};

/// How long a preview or an explanation may take at the server, in microseconds: the median.
const MEANT_US: f64 = 10_000.0;

/// The same for a list in the console.
const PAGE_MEANT_US: f64 = 50_000.0;

/// How much to measure.
pub struct Plan {
    /// Rounds; medians are taken over them.
    pub rounds: usize,
    /// Seconds of each measurement of a round.
    pub seconds: f64,
    /// Instances.
    pub instances: usize,
    /// Groups.
    pub groups: usize,
    /// Rules of each group.
    pub rules: usize,
}

/// A call that is measured.
struct Question {
    name: &'static str,
    source: Source,
    /// Whether the median has a bound.
    bounded: bool,
}

/// Makes the state, starts a server on it, measures, and prints the table.
pub fn run(binary: &Path, disk: &Path, plan: &Plan) -> anyhow::Result<()> {
    let data = tempfile::tempdir_in(disk)?;
    println!("making {} instances in {} groups of {} rules ...", plan.instances, plan.groups, plan.rules);
    let seeded = seed::seed_with_rules(data.path(), plan.instances, plan.groups, plan.rules)?;
    // Nodes are listened for, so that there may be some; none joins.
    let server = Server::start_with(binary, data.path(), &["--node-listen", "127.0.0.1:0"])?;
    println!("ready from disk after {:.1} s", server.ready_after.as_secs_f64());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(plan, &server.address, &seeded))
}

async fn measure(plan: &Plan, address: &str, seeded: &Seeded) -> anyhow::Result<()> {
    let memberships = api::memberships(seeded);
    furnish(address).await?;
    api::join(address, &memberships).await?;
    let questions = questions(seeded, &memberships);
    let time = Duration::from_secs_f64(plan.seconds);
    let mut measured: Vec<Vec<Measured>> = questions.iter().map(|_| Vec::new()).collect();
    for _ in 0..plan.rounds {
        for (question, rounds) in questions.iter().zip(&mut measured) {
            let sample = load::run(address, 1, time, Arc::clone(&question.source)).await?;
            rounds.push(sample.measured());
        }
    }
    println!(
        "\n{} rounds of {} s each, medians; one connection, server and client on one machine.\n",
        plan.rounds, plan.seconds
    );
    println!("| | p50 us | p99 us | calls/s | p50 is meant to be |\n|---|---|---|---|---|");
    for (question, rounds) in questions.iter().zip(&measured) {
        row(question.name, rounds, question.bounded.then_some(MEANT_US));
    }
    let pages = pages(seeded, &memberships);
    let looks = look(plan, address, &pages).await?;
    for ((name, ..), rounds) in pages.iter().zip(&looks) {
        row(name, rounds, Some(PAGE_MEANT_US));
    }
    Ok(())
}

fn row(name: &str, rounds: &[Measured], meant: Option<f64>) {
    let all = Measured::median(rounds);
    let meant = meant.map_or(String::new(), |meant| format!("below {meant:.0}"));
    println!("| {name} | {:.0} | {:.0} | {:.0} | {meant} |", all.p50_us, all.p99_us, all.rate);
}

/// Makes what the lists of the console have besides: users, policies, and nodes that nobody has joined.
async fn furnish(address: &str) -> anyhow::Result<()> {
    const EACH: usize = 200;
    let document =
        r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"ens:Describe*","Resource":"*"}]}"#;
    let source: Source = Arc::new(move |number| {
        let name = format!("made-{}", number / 3);
        let (product, action, parameters) = match number % 3 {
            0 => (Product::Ram, "CreateUser", vec![("UserName", name)]),
            1 => (
                Product::Ram,
                "CreatePolicy",
                vec![("PolicyName", name), ("PolicyDocument", document.to_owned())],
            ),
            _ => (
                Product::Ravelin,
                "CreateNodeToken",
                vec![("EnsRegionId", seed::REGION.to_owned()), ("NodeName", name)],
            ),
        };
        (number < 3 * EACH).then_some((product, action, parameters))
    });
    load::run(address, 8, Duration::from_secs(600), source)
        .await
        .context("making users, policies and nodes")?;
    Ok(())
}

/// A page of the console: what it is, its address, and what it holds where it is the one that is meant.
type Shown = (&'static str, String, &'static str);

/// Pages of the console that list something.
fn pages(seeded: &Seeded, memberships: &[(InstanceId, SecurityGroupId)]) -> Vec<Shown> {
    // As many as one page has, of those that the seed made.
    let last = |entries: usize| entries.div_ceil(25);
    let (groups, instances) = (last(seeded.groups.len()), last(seeded.instances.len()));
    let (instance, group) = memberships[memberships.len() / 2];
    let row = "scope=\"row\"";
    vec![
        ("console: overview", String::new(), "Overview"),
        ("console: security groups, first page", "/groups".into(), row),
        ("console: security groups, last page", format!("/groups?page={groups}"), row),
        ("console: security groups, by a part of the name", "/groups?q=up-9".into(), row),
        ("console: security groups, by a part of the id", "/groups?q=sg-5".into(), row),
        ("console: security groups with members", "/groups?HasMembers=true".into(), row),
        ("console: a security group, with rules and members", format!("/groups/{group}"), row),
        ("console: instances, first page", "/instances".into(), row),
        ("console: instances, last page", format!("/instances?page={instances}"), row),
        ("console: instances, by a part of the name", "/instances?q=99".into(), row),
        ("console: instances, by state", "/instances?Status=Running".into(), row),
        ("console: instances of a group", format!("/instances?SecurityGroupId={group}"), row),
        ("console: network interfaces, last page", format!("/interfaces?page={instances}"), row),
        ("console: network interfaces of an instance", format!("/interfaces?q={instance}"), row),
        ("console: network interfaces, by address", "/interfaces?q=10.0.0.9".into(), row),
        // None has one; all are looked at.
        (
            "console: network interfaces, by name",
            "/interfaces?q=nowhere".into(),
            "No network interface matches.",
        ),
        ("console: networks", "/networks".into(), row),
        ("console: networks, by edge site", "/networks?EnsRegionId=cn-hangzhou-telecom".into(), row),
        ("console: nodes", "/nodes".into(), row),
        ("console: RAM users", "/users".into(), row),
        ("console: policies", "/policies".into(), row),
        ("console: activity", "/activity".into(), "JoinSecurityGroup"),
        ("console: activity of a group", format!("/activity?ResourceId={group}"), "JoinSecurityGroup"),
        // No change is of this kind: as far back as history is looked through in one step.
        ("console: activity of an operation", "/activity?OperationName=RebootInstance".into(), "Activity"),
        ("console: findings, the first step of all groups", "/findings".into(), "Findings"),
        ("console: findings of one kind", "/findings?Kind=OpenToTheWorld".into(), "Findings"),
        ("console: findings of a group", format!("/findings?SecurityGroupId={group}"), "Findings"),
    ]
}

/// Looks at each page again and again over one connection.
async fn look(plan: &Plan, address: &str, pages: &[Shown]) -> anyhow::Result<Vec<Vec<Measured>>> {
    let mut visitor = Visitor::sign_in(address).await?;
    let mut measured: Vec<Vec<Measured>> = pages.iter().map(|_| Vec::new()).collect();
    for _ in 0..plan.rounds {
        for ((_, path, holds), rounds) in pages.iter().zip(&mut measured) {
            let path = format!("/console{path}");
            let (mut latencies, begun) = (Vec::new(), Instant::now());
            while begun.elapsed().as_secs_f64() < plan.seconds {
                latencies.push(visitor.look(&path, holds).await?);
            }
            rounds.push(Measured::of(latencies, begun.elapsed()));
        }
    }
    Ok(measured)
}

fn questions(seeded: &Seeded, memberships: &[(InstanceId, SecurityGroupId)]) -> Vec<Question> {
    let of = |action: &'static str,
              parameters: fn(InstanceId, SecurityGroupId) -> Vec<(&'static str, String)>| {
        let memberships = memberships.to_vec();
        let source: Source = Arc::new(move |number| {
            let (instance, group) = memberships[number * 7919 % memberships.len()];
            Some((Product::Ravelin, action, parameters(instance, group)))
        });
        source
    };
    let nothing: Source = Arc::new(|_| Some((Product::Sts, "GetCallerIdentity", Vec::new())));
    let last = *seeded.instances.last().unwrap_or(&memberships[0].0);
    let between: Source = {
        let memberships = memberships.to_vec();
        Arc::new(move |number| {
            let from = memberships[number * 7919 % memberships.len()].0;
            let to = ("To", last.to_string());
            let parameters = vec![("From", from.to_string()), to, ("Port", "443".into())];
            Some((Product::Ravelin, "ExplainTraffic", parameters))
        })
    };
    let bounded = |name, source| Question { name, source, bounded: true };
    let beside = |name, source| Question { name, source, bounded: false };
    vec![
        beside("GetCallerIdentity (does nothing)", nothing),
        bounded("PreviewLeaveSecurityGroup (of 5 groups)", of("PreviewLeaveSecurityGroup", leave)),
        bounded(
            "PreviewAuthorizeSecurityGroup (all members of a group)",
            of("PreviewAuthorizeSecurityGroup", authorize),
        ),
        bounded(
            "ExplainTraffic from the Internet to an instance in 5 groups",
            of("ExplainTraffic", from_internet),
        ),
        bounded("ExplainTraffic between two instances", between),
        beside("ListEvents of a group", of("ListEvents", about_group)),
        beside("ListFindings of a group", of("ListFindings", about_group)),
    ]
}

fn leave(instance: InstanceId, group: SecurityGroupId) -> Vec<(&'static str, String)> {
    vec![("InstanceId", instance.to_string()), ("SecurityGroupId", group.to_string())]
}

fn authorize(_: InstanceId, group: SecurityGroupId) -> Vec<(&'static str, String)> {
    vec![
        ("SecurityGroupId", group.to_string()),
        ("IpProtocol", "tcp".into()),
        ("PortRange", "1/65535".into()),
        ("SourceCidrIp", "203.0.113.0/24".into()),
    ]
}

fn from_internet(instance: InstanceId, _: SecurityGroupId) -> Vec<(&'static str, String)> {
    vec![("From", "internet".into()), ("To", instance.to_string()), ("Port", "443".into())]
}

fn about_group(_: InstanceId, group: SecurityGroupId) -> Vec<(&'static str, String)> {
    let about = group.to_string();
    // The one takes it for a resource, the other for a group: each passes over what it does not know.
    vec![("ResourceId", about.clone()), ("SecurityGroupId", about)]
}
