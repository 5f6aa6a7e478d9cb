//! The second half of the story, with real packets: a host joins as a lab node, instances run on it, and a Leave cuts
//! flows between them.

mod end;
mod leave;

use serde_json::json;
use traffic::{Knock, Protocol};
use wire::catalogue::Product::{Ens, Ravelin};

use super::{
    lab_node::{LabNode, NAME},
    scene::{Caller, Scene, Seen, Stop, done, is, one, shows, texts},
    watch::{INTERVAL, Pair, Sight, Watched},
};

/// The port that the group `web` lets in.
const WEB: u16 = 443;
/// The port that the group `telemetry` lets in.
const TELEMETRY: u16 = 9100;
/// Where an instance lists its addresses.
const ADDRESS: &str = "Instances.Instance[].InnerIpAddress.IpAddress[]";
/// How many records are worth a look.
const RECORDS: u64 = 400;

/// What this part of the story would show.
pub(super) const PART: &str = "a host that joins, instances with real interfaces on it, TCP and UDP flows between them, and to \
                               the millisecond when a Leave cuts them";

/// The things that this half is about.
struct Cast {
    node: String,
    web: String,
    telemetry: String,
    client: String,
    server: String,
    pair: Pair,
}

impl Cast {
    fn instances(&self) -> String {
        json!([self.client, self.server]).to_string()
    }
}

/// Tells it.
///
/// # Errors
/// The story ends here.
pub(super) fn parts(scene: &mut Scene, root: &Caller, host: &mut LabNode) -> Result<(), Stop> {
    let node = join_host(scene, root, host)?;
    let cast = make(scene, root, node)?;
    let flows = join(scene, root, &cast)?;
    let kept = leave::tell(scene, root, &cast, flows)?;
    end::tell(scene, root, host, &cast, kept)
}

fn join_host(scene: &mut Scene, root: &Caller, host: &mut LabNode) -> Result<String, Stop> {
    scene.narrator.part("With real packets: a host joins");
    let made = scene.call(
        root,
        "Make a token: whoever has it may join as a node, once",
        (Ravelin, "CreateNodeToken"),
        &[("EnsRegionId", "edge-1"), ("NodeName", NAME), ("Lab", "true")],
        |reply| shows(reply, &["NodeId", "ExpiredTime"]),
    )?;
    let node = one(&made, "NodeId")?;
    host.join(one(&made, "Token")?).map_err(Stop::Broken)?;
    scene.wait(
        root,
        "The agent has joined with it, and follows",
        (Ravelin, "DescribeNodes"),
        &[("NodeId", &node)],
        |reply| match is(reply, "Nodes.Node[].Status", &["Ready"]) {
            Ok(_) if texts(reply, "Nodes.Node[].Connected") != ["true"] => None,
            ready => Some(ready.and(shows(reply, &["Nodes.Node[].NodeName", "Nodes.Node[].Status"]))),
        },
    )?;
    Ok(node)
}

fn make(scene: &mut Scene, root: &Caller, node: String) -> Result<Cast, Stop> {
    scene.narrator.part("Two instances on it, each a network namespace with an interface");
    let mut groups = Vec::new();
    for (name, port) in [("web", WEB), ("telemetry", TELEMETRY)] {
        let title = format!("Make a group that lets TCP and UDP {port} in");
        let rules = rules(port);
        let parameters = [("SecurityGroupName", name), ("Permissions", &rules)];
        let made = scene.call(root, &title, (Ens, "CreateSecurityGroup"), &parameters, |reply| {
            shows(reply, &["SecurityGroupId"])
        })?;
        groups.push(one(&made, "SecurityGroupId")?);
    }
    let made = scene.call(
        root,
        "Run two instances: they land on the host, since it is at this edge site",
        (Ens, "RunInstances"),
        &[("EnsRegionId", "edge-1"), ("InstanceName", "real"), ("Amount", "2")],
        |reply| shows(reply, &["InstanceIds[]"]),
    )?;
    let (Ok([client, server]), Ok([web, telemetry])) =
        (<[String; 2]>::try_from(texts(&made, "InstanceIds[]")), <[String; 2]>::try_from(groups))
    else {
        return Err(Stop::Broken(anyhow::anyhow!("there are not two of each")));
    };
    let running = [("InstanceIds", json!([client, server]).to_string()), ("Status", "Running".into())];
    let running = running.each_ref().map(|(name, value)| (*name, value.as_str()));
    let title = "Wait until the host says that they run";
    scene.wait(root, title, (Ens, "DescribeInstances"), &running, |reply| {
        let both = is(reply, "TotalCount", &["2"]);
        (both.is_ok() || reply.status != 200).then(|| both.and(shows(reply, &[ADDRESS])))
    })?;
    let found = scene.call(
        root,
        "The one that serves",
        (Ens, "DescribeInstances"),
        &[("InstanceId", &server)],
        |reply| shows(reply, &[ADDRESS]),
    )?;
    let address = one(&found, ADDRESS)?.parse().map_err(|error| Stop::Broken(anyhow::Error::new(error)))?;
    let pair = Pair { client: namespace(&client), server: namespace(&server), address };
    Ok(Cast { node, web, telemetry, client, server, pair })
}

/// Where an instance lives on its host.
fn namespace(instance: &str) -> String {
    format!("ravelin-{instance}")
}

fn rules(port: u16) -> String {
    let rule = |protocol: &str| {
        json!({
            "Direction": "ingress", "IpProtocol": protocol, "PortRange": format!("{port}/{port}"),
            "Policy": "Accept", "Priority": 1, "SourceCidrIp": "0.0.0.0/0",
        })
    };
    json!([rule("TCP"), rule("UDP")]).to_string()
}

fn join(scene: &mut Scene, root: &Caller, cast: &Cast) -> Result<Vec<Watched>, Stop> {
    scene.narrator.part("Join: traffic begins");
    closed(scene, cast, "In no group, nobody gets in")?;
    for (title, group) in [
        ("Join the first group; the answer comes when the host has it in force", &cast.web),
        ("Join the second one, too", &cast.telemetry),
    ] {
        let target = [("SecurityGroupId", group.as_str()), ("InstanceId", &cast.server)];
        scene.enforce(root, title, (Ens, "JoinSecurityGroup"), &target, done)?;
    }
    let mut flows = Vec::new();
    let subject = format!(
        "{} is where they arrive; each flow sends a record every {} µs, and each record is \
         sent back",
        cast.pair.address,
        INTERVAL.as_micros()
    );
    scene.look("Four flows run, there and back", &subject, || {
        for (group, port) in [("web", WEB), ("telemetry", TELEMETRY)] {
            for protocol in [Protocol::Tcp, Protocol::Udp] {
                flows.push(cast.pair.begin(group, protocol, port)?);
            }
        }
        let seen: Vec<Sight> = flows.iter().map(|flow| flow.go_on(RECORDS)).collect();
        let flowing = seen.iter().all(|sight| sight.missing() == 0);
        let said = "every record came there and back".to_owned();
        let result = if flowing { Ok(said) } else { Err("expected that no record is lost".into()) };
        Ok(sights(&seen, result))
    })?;
    Ok(flows)
}

/// A step: the port of the group `web` cannot be reached.
fn closed(scene: &mut Scene, cast: &Cast, title: &str) -> Result<(), Stop> {
    let address = cast.pair.address;
    let subject = format!("a TCP connection to {address}, port {WEB}");
    scene.look(title, &subject, || {
        let knocked = cast.pair.knock(WEB)?;
        let result = match knocked {
            Knock::Silent => Ok("nothing came back".to_owned()),
            Knock::Open | Knock::Refused => Err("expected silence; the instance was reached".to_owned()),
        };
        Ok(Seen { table: None, json: ("reached", json!(knocked != Knock::Silent)), result })
    })
}

/// What was seen of flows.
fn sights(seen: &[Sight], result: Result<String, String>) -> Seen {
    let rows = seen.iter().map(Sight::row).collect();
    let json = seen.iter().map(Sight::as_json).collect();
    Seen { table: Some((&Sight::COLUMNS, rows)), json: ("flows", json), result }
}
