//! Nodes and bindings, as callers see them.

mod asking;
mod search;

use std::{sync::Arc, time::Duration};

use control::fleet::{
    Delay, Enforcement, EnforcementState, InstanceProblem, NodeConnection, NodeEnforcement, NodeProblem,
    NodeReport, NodeStanding, NotInForce, Progress, RefusalReason, Refused, Regression,
};
use model::{
    Actor, NetworkInterfaceId, NodeId, UnixMillis,
    node::{Digest, InstanceReport, NodeCommand, ReportedState, TokenText},
};

use super::super::ens::testing::{REGION, World};
use crate::catalogue::{Product, find, prelude::*};

fn call(world: &mut World, name: &str, parameters: &[(&str, &str)]) -> Result<Answer, Fault> {
    world.call_of(Product::Ravelin, name, parameters)
}

fn fault(world: &mut World, name: &str, parameters: &[(&str, &str)]) -> String {
    call(world, name, parameters).unwrap_err().code.into_owned()
}

fn text(answer: &Answer, pointer: &str) -> String {
    let answer = Value::Object(answer.clone());
    answer
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no {pointer} in {answer}"))
        .into()
}

/// A node that waits for its host, and its token.
fn pending(world: &mut World, more: &[(&str, &str)]) -> (NodeId, TokenText) {
    let answer = call(world, "CreateNodeToken", &[&[("EnsRegionId", REGION)], more].concat()).unwrap();
    let token = TokenText::read(&text(&answer, "/Token")).unwrap();
    assert_eq!(token.node.to_string(), text(&answer, "/NodeId"));
    assert_eq!(Some(token.authority), world.state.node_authority().map(|own| own.fingerprint()));
    (token.node, token)
}

fn join(world: &mut World, token: &TokenText, certificate: u8) -> Result<Outcome, model::Refusal> {
    let root = std::mem::replace(&mut world.actor, Actor::Node(token.node));
    let joined = world.plan(Command::Node(NodeCommand::Join {
        node: token.node,
        secret: token.digest,
        region: None,
        name: "rack-7".into(),
        fingerprint: Digest([certificate; 32]),
        expires_at: UnixMillis(i64::MAX),
    }));
    world.actor = root;
    joined
}

fn ready(world: &mut World, certificate: u8) -> NodeId {
    let (node, token) = pending(world, &[]);
    join(world, &token, certificate).unwrap();
    node
}

fn interface(world: &mut World) -> NetworkInterfaceId {
    let group = world.group("web").to_string();
    let vswitch = world.network("10.0.0.0/16").1.to_string();
    let groups = format!("[\"{group}\"]");
    let parameters = [("VSwitchId", vswitch.as_str()), ("SecurityGroupIds", groups.as_str())];
    let made = world.call("CreateNetworkInterface", &parameters).unwrap();
    text(&made, "/NetworkInterfaceIds/0").parse().unwrap()
}

fn listed(world: &mut World, parameters: &[(&str, &str)]) -> Vec<Value> {
    let answer = Value::Object(call(world, "DescribeNodes", parameters).unwrap());
    let nodes = answer.pointer("/Nodes/Node").and_then(Value::as_array).unwrap();
    assert!(answer["TotalCount"].as_u64().unwrap() >= nodes.len() as u64);
    nodes.clone()
}

fn bindings(world: &mut World, parameters: &[(&str, &str)]) -> Vec<Value> {
    let answer = Value::Object(call(world, "DescribeNetworkInterfaceBindings", parameters).unwrap());
    answer.pointer("/NetworkInterfaceBindings/NetworkInterfaceBinding").unwrap().as_array().unwrap().clone()
}

#[test]
fn a_node_is_pending_then_ready_then_gone() {
    let mut world = World::new();
    let (node, token) =
        pending(&mut world, &[("NodeName", "rack-7"), ("Lab", "true"), ("ValidSeconds", "60")]);
    let id = node.to_string();
    let shown = listed(&mut world, &[("NodeId", &id)]).remove(0);
    assert_eq!((&shown["Status"], &shown["Lab"]), (&json!("Pending"), &json!(true)));
    assert!(shown.get("TokenExpiredTime").is_some() && shown.get("CertificateFingerprint").is_none());
    join(&mut world, &token, 7).unwrap();
    let shown = listed(&mut world, &[("Status", "Ready")]).remove(0);
    assert_eq!(shown["NodeName"], "rack-7");
    assert_eq!(shown["CertificateFingerprint"], "07".repeat(32));
    assert!(shown.get("TokenExpiredTime").is_none() && shown.get("JoinedTime").is_some());
    call(&mut world, "RevokeNodeCertificate", &[("NodeId", &id)]).unwrap();
    assert_eq!(listed(&mut world, &[("Status", "Gone")]).len(), 1);
    let again = call(&mut world, "CreateNodeToken", &[("NodeId", &id)]).unwrap();
    join(&mut world, &TokenText::read(&text(&again, "/Token")).unwrap(), 8).unwrap();
    assert_eq!(listed(&mut world, &[("Status", "Ready")]).len(), 1);
    call(&mut world, "DeleteNode", &[("NodeId", &id)]).unwrap();
    assert!(listed(&mut world, &[]).is_empty());
}

#[test]
fn nodes_are_filtered_and_paged() {
    let mut world = World::new();
    let ids: Vec<String> = (1..=12).map(|number| ready(&mut world, number).to_string()).collect();
    pending(&mut world, &[("NodeName", "spare")]);
    assert_eq!(listed(&mut world, &[]).len(), 10);
    let last = listed(&mut world, &[("PageNumber", "2")]);
    assert_eq!(last.iter().map(|node| &node["NodeId"]).collect::<Vec<_>>(), [&ids[2], &ids[1], &ids[0]]);
    for (filter, count) in [
        (("NodeName", "spare"), 1),
        (("NodeName", "spar"), 0),
        (("Status", "Pending"), 1),
        (("EnsRegionId", "id-jakarta-1"), 0),
        (("EnsRegionIds.1", REGION), 13),
        (("NodeId", ids[4].as_str()), 1),
        (("NodeId", "node-unknown"), 0),
    ] {
        assert_eq!(listed(&mut world, &[filter, ("PageSize", "50")]).len(), count, "{filter:?}");
    }
    assert_eq!(fault(&mut world, "DescribeNodes", &[("Status", "Lost")]), "InvalidParameter.Status");
}

#[test]
fn tokens_are_asked_for_in_one_of_two_ways() {
    let mut world = World::new();
    let (node, _) = pending(&mut world, &[]);
    let node = node.to_string();
    for (parameters, code) in [
        (&[][..], "MissingParameter"),
        (&[("EnsRegionId", REGION), ("NodeId", node.as_str())], "InvalidParameter"),
        (&[("EnsRegionId", "nowhere")], "InvalidEnsRegionId.NotFound"),
        (&[("NodeId", "node-unknown")], "InvalidNodeId.NotFound"),
        (&[("NodeId", node.as_str()), ("Lab", "true")], "InvalidParameter"),
        (&[("NodeId", node.as_str()), ("NodeName", "a")], "InvalidParameter"),
        (&[("EnsRegionId", REGION), ("ValidSeconds", "59")], "InvalidParameter.ValidSeconds"),
        (&[("EnsRegionId", REGION), ("NodeName", "-")], "InvalidParameter.NodeName"),
    ] {
        assert_eq!(fault(&mut world, "CreateNodeToken", parameters), code, "{parameters:?}");
    }
    world.limits.nodes_per_account = 1;
    assert_eq!(fault(&mut world, "CreateNodeToken", &[("EnsRegionId", REGION)]), "QuotaExceeded");
}

#[test]
fn without_an_authority_a_token_is_refused_with_how_to_get_one() {
    let mut world = World::new();
    world.state = model::State::new();
    let refused = call(&mut world, "CreateNodeToken", &[("EnsRegionId", REGION)]).unwrap_err();
    assert_eq!(refused.code, "OperationDenied.NoNodeAuthority");
    assert!(refused.message.contains("ravelin serve --node-listen ADDRESS:PORT"), "{}", refused.message);
}

fn on<'a>(interface: &'a str, node: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("NetworkInterfaceId", interface), ("NodeId", node)]
}

fn at<'a>(interface: &'a str, node: &'a str, device: &'a str) -> Vec<(&'a str, &'a str)> {
    [on(interface, node), vec![("Device", device)]].concat()
}

#[test]
fn interfaces_are_bound_and_unbound() {
    let mut world = World::new();
    let (one, other) = (interface(&mut world).to_string(), interface(&mut world).to_string());
    let (node, second) = (ready(&mut world, 1).to_string(), ready(&mut world, 2).to_string());
    call(
        &mut world,
        "BindNetworkInterface",
        &[at(&one, &node, "vnet0"), vec![("AdoptSeconds", "30")]].concat(),
    )
    .unwrap();
    call(&mut world, "BindNetworkInterface", &on(&other, &node)).unwrap();
    let shown = bindings(&mut world, &[("NodeId", &node)]);
    assert_eq!(shown.len(), 2);
    assert_eq!((&shown[1]["Device"], &shown[1]["AdoptSeconds"]), (&json!("vnet0"), &json!(30)));
    assert_eq!(shown[0]["DeviceAlias"], format!("ravelin:{other}"));
    assert_eq!(listed(&mut world, &[("NodeId", &node)])[0]["NetworkInterfaceCount"], 2);
    let third = interface(&mut world).to_string();
    for (parameters, code) in [
        (at(&one, &second, "vnet0"), "InvalidOperation.InterfaceBound"),
        (at(&third, &node, "vnet0"), "InvalidOperation.DeviceBound"),
        (at(&third, &node, "vnet/0"), "InvalidParameter.Device"),
        (at(&third, &node, "a-name-of-16-byt"), "InvalidParameter.Device"),
        (on("eni-unknown", &node), "InvalidEniId.NotFound"),
        (on(&third, "node-unknown"), "InvalidNodeId.NotFound"),
    ] {
        assert_eq!(fault(&mut world, "BindNetworkInterface", &parameters), code, "{parameters:?}");
    }
    let refused = call(&mut world, "DeleteNode", &[("NodeId", &node)]).unwrap_err();
    assert_eq!(refused.code, "DependencyViolation");
    assert!(refused.message.contains(&one), "{}", refused.message);
    call(&mut world, "UnbindNetworkInterface", &[("NetworkInterfaceId", &one)]).unwrap();
    let unbound = fault(&mut world, "UnbindNetworkInterface", &[("NetworkInterfaceId", &one)]);
    assert_eq!(unbound, "InvalidOperation.InterfaceNotBound");
    call(&mut world, "DeleteNode", &[("NodeId", &node), ("Force", "true")]).unwrap();
    assert!(bindings(&mut world, &[]).is_empty());
    call(&mut world, "RevokeNodeCertificate", &[("NodeId", &second)]).unwrap();
    let gone = fault(&mut world, "BindNetworkInterface", &on(&third, &second));
    assert_eq!(gone, "InvalidOperation.InvalidNodeStatus");
}

#[test]
fn the_state_of_interface_and_instance_and_the_limit_refuse_a_binding() {
    let mut world = World::new();
    let node = ready(&mut world, 1).to_string();
    let (one, other) = (interface(&mut world).to_string(), interface(&mut world).to_string());
    let instance = world.instance(&[]).to_string();
    let refused =
        |world: &mut World, interface: &str| fault(world, "BindNetworkInterface", &on(interface, &node));
    world.call("DeleteNetworkInterfaces", &[("NetworkInterfaceIds", &format!("[\"{one}\"]"))]).unwrap();
    assert_eq!(refused(&mut world, &one), "InvalidOperation.InvalidEniStatus");
    let primary = world.state.instances().get(&instance.parse().unwrap()).unwrap().primary_interface;
    world.call("ReleaseInstance", &[("InstanceId", &instance)]).unwrap();
    assert_eq!(refused(&mut world, &primary.to_string()), "IncorrectInstanceStatus");
    world.limits.interfaces_per_node = 0;
    assert_eq!(refused(&mut world, &other), "QuotaExceeded");
}

/// What a lab node says of an instance that was started so often.
fn reported(world: &mut World, node: NodeId, (instance, boots): (&str, u64), state: ReportedState) {
    let root = std::mem::replace(&mut world.actor, Actor::Node(node));
    let report = InstanceReport { instance: instance.parse().unwrap(), boots, images: 1, state };
    world.plan(Command::Node(NodeCommand::ReportInstances { node, reports: vec![report] })).unwrap();
    world.actor = root;
}

#[test]
fn an_instance_on_a_lab_node_is_bound_by_itself_and_does_what_the_node_says() {
    let mut world = World::new();
    let elsewhere = ready(&mut world, 1).to_string();
    let (node, token) = pending(&mut world, &[("Lab", "true")]);
    join(&mut world, &token, 2).unwrap();
    let node_id = node.to_string();
    let ran = [("EnsRegionId", REGION), ("Amount", "1")];
    let ran = Value::Object(world.call("RunInstances", &ran).unwrap());
    let instance = ran["InstanceIds"][0].as_str().unwrap().to_owned();
    let about = [("InstanceId", instance.as_str())];
    let status = |world: &mut World| {
        let shown = world.call("DescribeInstances", &about).unwrap();
        text(&shown, "/Instances/Instance/0/Status")
    };
    world.settle();
    assert_eq!(status(&mut world), "Creating", "the clock does not move it");
    reported(&mut world, node, (&instance, 1), ReportedState::Running);
    assert_eq!(status(&mut world), "Running");
    assert_eq!(listed(&mut world, &[("NodeId", &node_id)])[0]["InstanceCount"], 1);
    let shown = bindings(&mut world, &[("NodeId", &node_id)]).remove(0);
    let primary = shown["NetworkInterfaceId"].as_str().unwrap().to_owned();
    assert_eq!(shown["DeviceAlias"], format!("ravelin:{primary}"));
    let unbind = call(&mut world, "UnbindNetworkInterface", &[("NetworkInterfaceId", &primary)]).unwrap_err();
    assert_eq!(unbind.code, "InvalidOperation.InterfaceHosted");
    assert!(unbind.message.contains(&instance) && unbind.message.contains(&node_id), "{}", unbind.message);
    let bind = fault(&mut world, "BindNetworkInterface", &on(&primary, &elsewhere));
    assert_eq!(bind, "InvalidOperation.InterfaceHosted");
    let refused = call(&mut world, "DeleteNode", &[("NodeId", &node_id)]).unwrap_err();
    assert!(refused.message.contains(&instance), "{}", refused.message);
    world.call("StopInstance", &about).unwrap();
    reported(&mut world, node, (&instance, 1), ReportedState::Stopped);
    let vswitch = world.state.interfaces().get(&primary.parse().unwrap()).unwrap().vswitch.to_string();
    let group = world.group("more").to_string();
    let groups = format!("[\"{group}\"]");
    let parameters = [("VSwitchId", vswitch.as_str()), ("SecurityGroupIds", groups.as_str())];
    let second = text(&world.call("CreateNetworkInterface", &parameters).unwrap(), "/NetworkInterfaceIds/0");
    call(&mut world, "BindNetworkInterface", &on(&second, &elsewhere)).unwrap();
    let attach = [about[0], ("NetworkInterfaceId", second.as_str())];
    let bound = world.call("AttachNetworkInterface", &attach).unwrap_err();
    assert_eq!(bound.code, "InvalidOperation.InterfaceBound");
    call(&mut world, "UnbindNetworkInterface", &[("NetworkInterfaceId", &second)]).unwrap();
    world.call("AttachNetworkInterface", &attach).unwrap();
    assert_eq!(bindings(&mut world, &[("NodeId", &node_id)]).len(), 2);
    call(&mut world, "DeleteNode", &[("NodeId", &node_id), ("Force", "true")]).unwrap();
    assert_eq!(status(&mut world), "Releasing");
    assert!(bindings(&mut world, &[]).is_empty());
}

#[test]
fn an_interface_may_be_more_than_its_addresses() {
    let mut world = World::new();
    let id = interface(&mut world).to_string();
    let about = ("NetworkInterfaceId", id.as_str());
    let modify = |world: &mut World, more: &[(&str, &str)]| {
        call(world, "ModifyNetworkInterfaceEnforcement", &[&[about], more].concat())
    };
    assert!(bindings(&mut world, &[]).is_empty());
    modify(&mut world, &[("AllowedPrefixes", r#"["10.0.8.7","fd00::1/64"]"#)]).unwrap();
    modify(&mut world, &[("SourceCheck", "false")]).unwrap();
    let shown = bindings(&mut world, &[about]).remove(0);
    assert_eq!(shown["SourceCheck"], false);
    assert_eq!(shown["AllowedPrefixes"]["AllowedPrefix"], json!(["10.0.8.7/32", "fd00::/64"]));
    assert!(shown.get("NodeId").is_none());
    modify(&mut world, &[("AllowedPrefixes", "[]"), ("SourceCheck", "true")]).unwrap();
    assert!(bindings(&mut world, &[]).is_empty());
    for (more, code) in [
        (("AllowedPrefixes", r#"["10.0.8"]"#), "InvalidParameter.AllowedPrefixes"),
        (("AllowedPrefixes", r#"["::ffff:10.0.8.7"]"#), "InvalidParameter"),
        (("SourceCheck", "off"), "InvalidParameter.SourceCheck"),
    ] {
        assert_eq!(modify(&mut world, &[more]).unwrap_err().code, code, "{more:?}");
    }
    world.limits.allowed_prefixes_per_interface = 0;
    let many = modify(&mut world, &[("AllowedPrefixes", r#"["10.0.8.7"]"#)]);
    assert_eq!(many.unwrap_err().code, "QuotaExceeded");
}

#[test]
fn another_account_sees_no_node_and_no_binding() {
    let mut world = World::new();
    let id = interface(&mut world).to_string();
    let node = ready(&mut world, 1).to_string();
    let about = [("NetworkInterfaceId", id.as_str()), ("NodeId", node.as_str())];
    call(&mut world, "BindNetworkInterface", &about).unwrap();
    call(&mut world, "ModifyNetworkInterfaceEnforcement", &[about[0], ("SourceCheck", "false")]).unwrap();
    world.actor = Actor::Root(world.new_account("other"));
    assert!(listed(&mut world, &[]).is_empty() && listed(&mut world, &[about[1]]).is_empty());
    for filter in [&[][..], &about[..1], &about[1..], &about] {
        assert!(bindings(&mut world, filter).is_empty(), "{filter:?}");
    }
    let own = interface(&mut world).to_string();
    let foreign = [("NetworkInterfaceId", own.as_str()), about[1]];
    assert_eq!(fault(&mut world, "BindNetworkInterface", &foreign), "InvalidNodeId.NotFound");
}

#[test]
fn every_operation_of_this_product_has_an_action_of_its_own() {
    for operation in crate::catalogue::all().filter(|operation| operation.product == Product::Ravelin) {
        assert_eq!(operation.ram.action, format!("ravelin:{}", operation.name));
        assert!(find(Product::Ravelin, operation.name).is_some());
    }
}

fn standing(generation: u64) -> NodeStanding {
    NodeStanding {
        connection: Some(NodeConnection {
            since: UnixMillis(0),
            source: "[2001:db8::1]:4711".parse().unwrap(),
            agent_version: "0.1.0".into(),
            booted_at: Some(UnixMillis(0)),
        }),
        disconnected_at: Some(UnixMillis(0)),
        heard_at: Some(UnixMillis(0)),
        confirmed_generation: Some(generation),
        generations_behind: 2,
        behind: Duration::from_millis(1_500),
        pending_bytes: 300,
        not_in_force: Some(Arc::new(NotInForce {
            generation,
            problems: vec![
                NodeProblem {
                    interface: NetworkInterfaceId::from_number(1),
                    message: "closed".into()
                };
                30
            ],
            problem_count: 31,
        })),
        refused: Some(Arc::new(Refused {
            generation,
            kept_generation: 1,
            reason: RefusalReason::Invalid,
            message: "it contradicts itself".into(),
        })),
        regression: Some(Regression { generation: 99, found_at: UnixMillis(0), readmitted: true }),
        absent: Arc::new([NetworkInterfaceId::from_number(1)].into()),
        instance_problems: vec![
            InstanceProblem {
                instance: model::InstanceId::from_number(1),
                message: "no bridge".into()
            };
            12
        ],
        instance_problem_count: 13,
        report: Some((
            UnixMillis(0),
            NodeReport {
                audited_at: Some(UnixMillis(0)),
                dropped_packets: [("no rule".into(), 7), ("spoofed".into(), 5)].into(),
                ..NodeReport::default()
            },
        )),
    }
}

#[test]
fn what_is_known_of_a_node_is_listed_with_it() {
    let mut world = World::new();
    let (quiet, node) = (ready(&mut world, 1), ready(&mut world, 2));
    world.fleet.standings.insert(node, standing(40));
    let shown = listed(&mut world, &[("NodeId", &node.to_string())]).remove(0);
    assert_eq!((&shown["Connected"], &shown["ConfirmedGeneration"]), (&json!(true), &json!(40)));
    assert_eq!((&shown["GenerationsBehind"], &shown["MillisecondsBehind"]), (&json!(2), &json!(1_500)));
    assert_eq!(shown["SourceAddress"], "[2001:db8::1]:4711");
    assert_eq!(shown["Regression"]["Generation"], 99);
    assert_eq!(shown["Refused"]["Reason"], "Invalid");
    assert_eq!(shown["NotInForce"]["ProblemCount"], 31);
    assert_eq!(shown["NotInForce"]["Problems"]["Problem"].as_array().unwrap().len(), 10);
    assert_eq!(shown["InstanceProblemCount"], 13);
    assert_eq!(shown["InstanceProblems"]["InstanceProblem"][9]["Message"], "no bridge");
    assert_eq!(shown["Report"]["DroppedPacketCount"], 12);
    assert_eq!(shown["Report"]["DroppedPackets"]["DroppedPacket"][0]["Reason"], "no rule");
    let shown = listed(&mut world, &[("NodeId", &quiet.to_string())]).remove(0);
    assert_eq!((&shown["Connected"], &shown["GenerationsBehind"]), (&json!(false), &json!(0)));
    let absent = ["ConnectedTime", "ConfirmedGeneration", "Regression", "Refused", "NotInForce", "Report"];
    assert!(absent.iter().all(|name| shown.get(name).is_none()), "{shown}");
}

fn enforcement(generation: u64, nodes: &[(NodeId, bool)]) -> Enforcement {
    let all = nodes.iter().all(|(_, confirmed)| *confirmed);
    let progress = |confirmed| match confirmed {
        true => Progress::Confirmed {
            at: UnixMillis(1_000),
            after: Duration::from_micros(2_150),
            took: Duration::from_micros(1_400),
            switched: Some(Duration::from_micros(900)),
        },
        false => Progress::Behind(Delay::NotConnected { since: UnixMillis(0) }),
    };
    Enforcement {
        generation,
        state: if all { EnforcementState::Confirmed } else { EnforcementState::Pending },
        durable_at: Some(UnixMillis(998)),
        nodes: nodes
            .iter()
            .map(|(node, confirmed)| NodeEnforcement { node: *node, progress: progress(*confirmed) })
            .collect(),
    }
}

#[test]
fn a_generation_is_shown_with_the_nodes_that_it_concerns() {
    let mut world = World::new();
    let (one, other) = (ready(&mut world, 1), ready(&mut world, 2));
    world.fleet.enforcements.insert(7, enforcement(7, &[(one, true), (other, false)]));
    let describe = |world: &mut World, more: &[(&str, &str)]| {
        let parameters = [&[("Generation", "7")], more].concat();
        Value::Object(call(world, "DescribeEnforcement", &parameters).unwrap())
    };
    let shown = describe(&mut world, &[]);
    assert_eq!((&shown["State"], &shown["ConfirmedCount"]), (&json!("Pending"), &json!(1)));
    assert_eq!((&shown["TotalCount"], &shown["DurableUnixMilliseconds"]), (&json!(2), &json!(998)));
    let nodes = shown["Nodes"]["Node"].as_array().unwrap();
    assert_eq!(nodes[0]["NodeId"], other.to_string(), "who has not confirmed stands first");
    assert_eq!((&nodes[0]["Confirmed"], &nodes[0]["Reason"]), (&json!(false), &json!("NotConnected")));
    assert!(nodes[0]["Message"].as_str().unwrap().contains("not connected since 1970-01-01T00:00:00Z"));
    assert_eq!(nodes[1]["ConfirmedAfterMicroseconds"], 2_150);
    assert_eq!(
        (&nodes[1]["TookMicroseconds"], &nodes[1]["SwitchedMicroseconds"]),
        (&json!(1_400), &json!(900))
    );
    let second = describe(&mut world, &[("PageSize", "1"), ("PageNumber", "2")]);
    assert_eq!(second["Nodes"]["Node"][0]["NodeId"], one.to_string());
    // Another account's nodes are nothing that it could see or wait for.
    world.actor = Actor::Root(world.new_account("other"));
    let shown = describe(&mut world, &[]);
    assert_eq!((&shown["State"], &shown["TotalCount"]), (&json!("Confirmed"), &json!(0)));
    assert!(shown.get("DurableTime").is_none());
}

#[test]
fn a_generation_that_is_not_known_is_said_to_be_so_and_one_that_is_none_is_an_error() {
    let mut world = World::new();
    let unknown = Enforcement { state: EnforcementState::Unknown, durable_at: None, ..enforcement(3, &[]) };
    world.fleet.enforcements.insert(3, unknown);
    assert_eq!(
        text(&call(&mut world, "DescribeEnforcement", &[("Generation", "3")]).unwrap(), "/State"),
        "Unknown"
    );
    let describe =
        |world: &mut World, generation| fault(world, "DescribeEnforcement", &[("Generation", generation)]);
    assert_eq!(describe(&mut world, "4"), "InvalidGeneration.NotFound");
    assert_eq!(describe(&mut world, "0"), "InvalidParameter.Generation");
    assert_eq!(describe(&mut world, ""), "MissingParameter");
    assert_eq!(fault(&mut world, "ReadmitNode", &[("NodeId", "node-unknown")]), "InvalidNodeId.NotFound");
}

#[test]
fn an_account_says_how_long_its_changes_wait_or_leaves_it_to_the_server() {
    let mut world = World::new();
    let waits = |world: &mut World| {
        let shown = Value::Object(call(world, "DescribeAccountEnforcement", &[]).unwrap());
        (shown["WaitSeconds"].clone(), shown.get("AccountWaitSeconds").cloned())
    };
    assert_eq!(waits(&mut world), (json!(3), None));
    for seconds in ["0", "60"] {
        call(&mut world, "ModifyAccountEnforcement", &[("WaitSeconds", seconds)]).unwrap();
        let own = json!(seconds.parse::<u8>().unwrap());
        assert_eq!(waits(&mut world), (own.clone(), Some(own)));
    }
    let too_long = fault(&mut world, "ModifyAccountEnforcement", &[("WaitSeconds", "61")]);
    assert_eq!(too_long, "InvalidParameter.WaitSeconds");
    let account = world.actor;
    world.actor = Actor::Root(world.new_account("other"));
    assert_eq!(waits(&mut world), (json!(3), None), "it is the account's own");
    world.actor = account;
    call(&mut world, "ModifyAccountEnforcement", &[]).unwrap();
    assert_eq!(waits(&mut world), (json!(3), None));
}
