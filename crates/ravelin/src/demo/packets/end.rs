//! The end: an instance stops, both are released, and the host goes.

use std::{
    thread,
    time::{Duration, Instant},
};

use host::{Netlink, namespace};
use serde_json::json;
use wire::catalogue::Product::{Ens, Ravelin};

use super::{
    super::{
        lab_node::LabNode,
        scene::{Caller, Scene, Seen, Stop, done, is},
        watch::{Sight, Watched},
    },
    Cast, RECORDS, sights,
};

/// How long the last device may take to go.
const PATIENCE: Duration = Duration::from_secs(5);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);
/// Where an instance of DescribeInstances says its state.
const STATUS: &str = "Instances.Instance[].Status";

/// Tells it.
pub(super) fn tell(
    scene: &mut Scene,
    root: &Caller,
    host: &mut LabNode,
    cast: &Cast,
    flows: Vec<Watched>,
) -> Result<(), Stop> {
    stop(scene, root, cast, flows)?;
    release(scene, root, host, cast)?;
    let node = [("NodeId", cast.node.as_str())];
    scene.call(
        root,
        "Delete the node: its certificate is worth nothing any more",
        (Ravelin, "DeleteNode"),
        &node,
        done,
    )?;
    host.stop().map_err(Stop::Broken)
}

fn stop(scene: &mut Scene, root: &Caller, cast: &Cast, flows: Vec<Watched>) -> Result<(), Stop> {
    scene.narrator.part("Stop and Release");
    let server = [("InstanceId", cast.server.as_str())];
    scene.enforce(root, "Stop the instance that serves", (Ens, "StopInstance"), &server, done)?;
    scene.wait(
        root,
        "Wait until the host says that it is stopped",
        (Ens, "DescribeInstances"),
        &server,
        |reply| {
            let stopped = is(reply, STATUS, &["Stopped"]);
            (stopped.is_ok() || reply.status != 200).then_some(stopped)
        },
    )?;
    let then: Vec<Sight> = flows.iter().map(Watched::look).collect();
    scene.look("Its flows are silent", "", || {
        let now: Vec<Sight> = flows.into_iter().map(|flow| flow.abandon(RECORDS)).collect();
        let silent = then.iter().zip(&now).all(|(then, now)| {
            now.seen.sent > then.seen.sent && now.seen.there.received == then.seen.there.received
        });
        let result = if silent {
            Ok("arrived since: 0".into())
        } else {
            Err("expected records to be sent and none to arrive".into())
        };
        Ok(sights(&now, result))
    })
}

fn release(scene: &mut Scene, root: &Caller, host: &LabNode, cast: &Cast) -> Result<(), Stop> {
    for (title, instance) in
        [("Release the instance that served", &cast.server), ("Release its client", &cast.client)]
    {
        let instance = [("InstanceId", instance.as_str())];
        scene.call(root, title, (Ens, "ReleasePostPaidInstance"), &instance, done)?;
    }
    let instances = cast.instances();
    scene.wait(
        root,
        "Wait until the host says that they are gone",
        (Ens, "DescribeInstances"),
        &[("InstanceIds", &instances)],
        |reply| {
            let gone = is(reply, "TotalCount", &["0"]);
            (gone.is_ok() || reply.status != 200).then_some(gone)
        },
    )?;
    scene.look("Their namespaces and devices are gone from the host", "", || {
        let left = left_over(host)?;
        let result = if left.is_empty() {
            Ok("nothing is left".into())
        } else {
            Err(format!("expected nothing; there is {}", left.join(", ")))
        };
        Ok(Seen { table: None, json: ("left", json!(left)), result })
    })?;
    for (title, group) in
        [("Delete the first group", &cast.web), ("Delete the second group", &cast.telemetry)]
    {
        scene.call(root, title, (Ens, "DeleteSecurityGroup"), &[("SecurityGroupId", group)], done)?;
    }
    Ok(())
}

/// Namespaces and devices that are there and were not before the host joined, after some time at the latest.
fn left_over(host: &LabNode) -> anyhow::Result<Vec<String>> {
    let begun = Instant::now();
    loop {
        let mut left: Vec<String> =
            namespace::list()?.into_iter().map(|name| format!("the namespace {name}")).collect();
        let links = Netlink::open()?.links()?.into_iter();
        let new = links.filter(|link| !host.devices_before().contains(&link.name));
        left.extend(new.map(|link| format!("the device {}", link.name)));
        if left.is_empty() || begun.elapsed() > PATIENCE {
            return Ok(left);
        }
        thread::sleep(PAUSE);
    }
}
