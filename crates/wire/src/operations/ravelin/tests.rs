//! Nodes and bindings, as callers see them.

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
