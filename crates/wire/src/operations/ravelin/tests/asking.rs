//! Flows, drops and counters of a network interface, which its node is asked for.

use control::fleet::{
    Answer as Told, AskError, Decision, DropPlace, DropsFrom, FlowFilter, InterfaceCounters, NodeDrop,
    NodeFlow, Question, RuleCounters, RulePlace,
};
use model::{SecurityGroupId, rule::Direction};

use super::*;

const FLOWS: &str = "DescribeNetworkInterfaceFlows";
const DROPS: &str = "DescribeNetworkInterfaceDrops";
const COUNTERS: &str = "DescribeNetworkInterfaceCounters";

/// A world with an interface that is bound to a node which has confirmed a generation.
fn bound() -> (World, String, NodeId) {
    let mut world = World::new();
    let (interface, node) = (interface(&mut world).to_string(), ready(&mut world, 1));
    let binding = [("NetworkInterfaceId", &*interface), ("NodeId", &*node.to_string())];
    call(&mut world, "BindNetworkInterface", &binding).unwrap();
    let standing = NodeStanding { confirmed_generation: Some(42), ..NodeStanding::default() };
    world.fleet.standings.insert(node, standing);
    (world, interface, node)
}

fn place(rule: u32) -> RulePlace {
    RulePlace { group: SecurityGroupId::from_number(1), rule }
}

fn flow(port: u16) -> NodeFlow {
    NodeFlow {
        direction: Direction::Ingress,
        protocol: 6,
        local_address: [10, 0, 0, 5].into(),
        remote_address: [10, 0, 0, 9].into(),
        local_port: 443,
        remote_port: port,
        alive: true,
        rule: Some(place(3)),
        age: Duration::from_millis(61_200),
        idle: Duration::from_millis(350),
        packets_in: 12,
        bytes_in: 1_143,
        packets_out: 10,
        bytes_out: 20_480,
        state: "established".into(),
        decision: Some(Decision::Rule),
        rule_text: "ingress accept tcp to port 443".into(),
    }
}

fn dropped(interface: &str) -> NodeDrop {
    NodeDrop {
        at: UnixMillis(1_795_317_125_123),
        interface: interface.parse().unwrap(),
        direction: Direction::Ingress,
        reason: "implicit".into(),
        protocol: Some(6),
        source: Some([10, 0, 0, 9].into()),
        destination: Some([10, 0, 0, 5].into()),
        source_port: 50_396,
        destination_port: 22,
        length: 74,
        rule: None,
        decision: Some(Decision::Implicit),
        rule_text: "".into(),
        ethertype: None,
    }
}

fn shown(world: &mut World, name: &str, parameters: &[(&str, &str)]) -> Value {
    Value::Object(call(world, name, parameters).unwrap())
}

#[test]
fn flows_are_shown_with_their_rules_and_what_is_left_out_is_counted() {
    let (mut world, interface, node) = bound();
    let dead = NodeFlow {
        direction: Direction::Egress,
        alive: false,
        rule: None,
        decision: Some(Decision::Earlier),
        rule_text: "".into(),
        ..flow(2)
    };
    world.answers.insert(node, Ok(Told::Flows { flows: vec![flow(1), dead], left_out: 3 }));
    let shown = shown(&mut world, FLOWS, &[("NetworkInterfaceId", &interface)]);
    assert_eq!((&shown["NodeId"], &shown["NodeName"]), (&json!(node.to_string()), &json!("rack-7")));
    assert_eq!(shown["ConfirmedGeneration"], 42);
    assert_eq!((&shown["TotalCount"], &shown["Truncated"]), (&json!(5), &json!(true)));
    let flows = &shown["Flows"]["Flow"];
    assert_eq!(flows[0]["Flow"], "ingress tcp 10.0.0.9:1 > 10.0.0.5:443");
    assert_eq!((&flows[0]["Status"], &flows[0]["State"]), (&json!("Alive"), &json!("established")));
    assert_eq!(
        (&flows[0]["DecidedBy"], &flows[0]["Rule"]),
        (&json!("Rule"), &json!("ingress accept tcp to port 443"))
    );
    assert_eq!(flows[0]["SecurityGroupId"], SecurityGroupId::from_number(1).to_string());
    assert_eq!((&flows[0]["AgeMilliseconds"], &flows[0]["BytesOut"]), (&json!(61_200), &json!(20_480)));
    assert_eq!(flows[1]["Flow"], "egress tcp 10.0.0.5:443 > 10.0.0.9:2");
    assert_eq!((&flows[1]["Status"], &flows[1]["DecidedBy"]), (&json!("Dead"), &json!("EarlierRules")));
    assert!(flows[1].get("Rule").is_none() && flows[1].get("SecurityGroupId").is_none());
}

#[test]
fn filters_of_flows_go_to_the_node_and_hold_where_it_knows_of_none() {
    let (mut world, interface, node) = bound();
    world.answers.insert(node, Ok(Told::Flows { flows: vec![flow(1), flow(2)], left_out: 0 }));
    let own = ("NetworkInterfaceId", interface.as_str());
    let asked = |world: &mut World, filter: &[(&str, &str)]| {
        let answer = shown(world, FLOWS, &[&[own], filter].concat());
        let Some(Question::Flows { most, filter, .. }) = world.asked.clone() else { panic!() };
        (answer["TotalCount"].as_u64().unwrap(), most, filter)
    };
    let none = FlowFilter::default();
    assert_eq!(asked(&mut world, &[]), (2, 100, none));
    assert_eq!(
        asked(&mut world, &[("MaxResults", "1000"), ("Port", "2")]),
        (1, 1_000, FlowFilter { port: Some(2), ..none })
    );
    for (name, protocol, found) in [("tcp", 6, 2), ("UDP", 17, 0), ("132", 132, 0), ("icmpv6", 58, 0)] {
        let filter = FlowFilter { protocol: Some(protocol), ..none };
        assert_eq!(asked(&mut world, &[("Protocol", name)]), (found, 100, filter), "{name}");
    }
    for (peer, prefix, found) in [
        ("10.0.0.9", "10.0.0.9/32", 2),
        ("10.0.0.0/29", "10.0.0.0/29", 0),
        ("2001:db8::/32", "2001:db8::/32", 0),
    ] {
        let filter = FlowFilter { remote: Some(prefix.parse().unwrap()), ..none };
        assert_eq!(asked(&mut world, &[("PeerCidrBlock", peer)]), (found, 100, filter), "{peer}");
    }
    assert_eq!(asked(&mut world, &[("Status", "Dead")]), (0, 100, FlowFilter { alive: Some(false), ..none }));
    for (name, wrong) in [
        ("Protocol", "tcpp"),
        ("Protocol", "256"),
        ("Protocol", "+6"),
        ("PeerCidrBlock", "10.0.0.0/33"),
        ("Port", "0"),
        ("Port", "65536"),
        ("Status", "alive"),
        ("MaxResults", "0"),
        ("MaxResults", "1001"),
    ] {
        let code = fault(&mut world, FLOWS, &[own, (name, wrong)]);
        assert_eq!(code, format!("InvalidParameter.{name}"), "{wrong}");
    }
}

#[test]
fn drops_are_shown_with_counts_and_a_token_to_go_on() {
    let (mut world, interface, node) = bound();
    let ruled = NodeDrop {
        reason: "rule".into(),
        rule: Some(place(0)),
        decision: Some(Decision::Rule),
        rule_text: "ingress drop tcp to port 22".into(),
        ..dropped(&interface)
    };
    let other = NodeDrop {
        reason: "ethertype".into(),
        protocol: None,
        source: None,
        destination: None,
        decision: None,
        ethertype: Some(0x88cc),
        ..dropped(&interface)
    };
    let elsewhere = dropped(&NetworkInterfaceId::from_number(9).to_string());
    let answer = Told::Drops {
        drops: vec![dropped(&interface), ruled, other, elsewhere],
        next: DropPlace { process: 0x5f3c, place: 7 },
        lost: 2,
        restarted: false,
        dropped_packets: [("implicit".into(), 3), ("rule".into(), 9)].into(),
    };
    world.answers.insert(node, Ok(answer));
    let own = ("NetworkInterfaceId", interface.as_str());
    let answer = shown(&mut world, DROPS, &[own]);
    let Some(Question::Drops { interface: of, from: DropsFrom::Latest, most: 100, wait }) =
        world.asked.clone()
    else {
        panic!("{:?}", world.asked)
    };
    assert_eq!((of.unwrap().to_string(), wait), (interface.clone(), Duration::ZERO));
    assert_eq!((&answer["DroppedPacketCount"], &answer["LostCount"]), (&json!(12), &json!(2)));
    assert_eq!(answer["Restarted"], false);
    let counts = json!([{ "Reason": "rule", "Count": 9 }, { "Reason": "implicit", "Count": 3 }]);
    assert_eq!(answer["DroppedPackets"]["DroppedPacket"], counts);
    let drops = answer["Drops"]["Drop"].as_array().unwrap();
    assert_eq!(drops.len(), 3, "what is not about the interface is not shown");
    assert_eq!(drops[0]["Packet"], "tcp 10.0.0.9:50396 > 10.0.0.5:22");
    assert_eq!(
        (&drops[0]["DecidedBy"], &drops[0]["UnixMilliseconds"]),
        (&json!("NoRule"), &json!(1_795_317_125_123_u64))
    );
    assert_eq!(drops[1]["Rule"], "ingress drop tcp to port 22");
    assert_eq!((&drops[2]["EtherType"], drops[2].get("Packet")), (&json!("0x88cc"), None));
    // And on.
    let token = text(answer.as_object().unwrap(), "/NextToken");
    shown(&mut world, DROPS, &[own, ("NextToken", &token), ("WaitSeconds", "30"), ("MaxResults", "5")]);
    let Some(Question::Drops { from: DropsFrom::After(place), most: 5, wait, .. }) = world.asked.clone()
    else {
        panic!("{:?}", world.asked)
    };
    assert_eq!((place, wait), (DropPlace { process: 0x5f3c, place: 7 }, Duration::from_secs(30)));
    for (name, wrong) in [
        ("NextToken", "7"),
        ("NextToken", "x.7"),
        ("WaitSeconds", "31"),
        ("WaitSeconds", "-1"),
        ("MaxResults", "0"),
    ] {
        let code = fault(&mut world, DROPS, &[own, (name, wrong)]);
        assert_eq!(code, format!("InvalidParameter.{name}"), "{wrong}");
    }
}

#[test]
fn counters_are_shown_by_rule() {
    let (mut world, interface, node) = bound();
    let rule = RuleCounters {
        direction: Direction::Ingress,
        rule: Some(place(1)),
        rule_text: "ingress accept tcp to port 443".into(),
        decisions: 7,
        flow_count: 1,
        packets_in: 12,
        packets_out: 10,
        bytes_in: 1_143,
        bytes_out: 20_480,
    };
    let implicit = RuleCounters { rule: None, rule_text: "drop".into(), decisions: 3, ..rule.clone() };
    let counters = InterfaceCounters {
        dropped_packets: [("implicit".into(), 3)].into(),
        flow_count: 2,
        packets_in: 20,
        rules: vec![rule, implicit],
        ..InterfaceCounters::default()
    };
    world.answers.insert(node, Ok(Told::Counters(counters)));
    let answer = shown(&mut world, COUNTERS, &[("NetworkInterfaceId", &interface)]);
    assert_eq!((&answer["FlowCount"], &answer["PacketsIn"]), (&json!(2), &json!(20)));
    assert_eq!(answer["DroppedPacketCount"], 3);
    let rules = &answer["Rules"]["Rule"];
    assert_eq!((&rules[0]["DecidedBy"], &rules[0]["Decisions"]), (&json!("Rule"), &json!(7)));
    assert_eq!((&rules[0]["Rule"], rules[0].get("Policy")), (&json!("ingress accept tcp to port 443"), None));
    assert_eq!((&rules[1]["DecidedBy"], &rules[1]["Policy"]), (&json!("NoRule"), &json!("drop")));
    assert_eq!((&rules[1]["Direction"], rules[1].get("Rule")), (&json!("ingress"), None));
}

#[test]
fn why_there_is_no_answer_is_said_and_names_the_node() {
    for operation in [FLOWS, DROPS, COUNTERS] {
        let (mut world, interface, node) = bound();
        let own = [("NetworkInterfaceId", interface.as_str())];
        for (error, code, part) in [
            (AskError::NotConnected, "InvalidOperation.NodeNotConnected", "has not connected since"),
            (AskError::Deadline, "InvalidOperation.NodeNotAnswering", "has not answered in time"),
            (AskError::Busy, "InvalidOperation.NodeBusy", "too many questions"),
            (AskError::Failed("is at no device".into()), "InvalidOperation.NodeCannotSay", "is at no device"),
        ] {
            world.answers.insert(node, Err(error));
            let fault = call(&mut world, operation, &own).unwrap_err();
            assert_eq!((&*fault.code, fault.status), (code, 400), "{operation}");
            let named = format!("node {node} (rack-7)");
            assert!(fault.message.contains(&named) && fault.message.contains(part), "{}", fault.message);
        }
        let since = NodeStanding { disconnected_at: Some(UnixMillis(0)), ..NodeStanding::default() };
        world.fleet.standings.insert(node, since);
        world.answers.insert(node, Err(AskError::NotConnected));
        let fault = call(&mut world, operation, &own).unwrap_err();
        assert!(fault.message.contains("not connected since 1970-01-01T00:00:00Z"), "{}", fault.message);
        world.answers.insert(node, Err(AskError::Stopping));
        assert_eq!(call(&mut world, operation, &own).unwrap_err().status, 503);
    }
}

#[test]
fn only_what_is_the_callers_and_bound_is_asked_about() {
    for operation in [FLOWS, DROPS, COUNTERS] {
        let (mut world, interface, _) = bound();
        let own = [("NetworkInterfaceId", interface.as_str())];
        let unknown = [("NetworkInterfaceId", "eni-unknown")];
        assert_eq!(fault(&mut world, operation, &unknown), "InvalidEniId.NotFound");
        assert_eq!(fault(&mut world, operation, &[]), "MissingParameter");
        let root = world.actor;
        world.actor = Actor::Root(world.new_account("other"));
        assert_eq!(fault(&mut world, operation, &own), "InvalidEniId.NotFound", "it is another account's");
        world.actor = root;
        call(&mut world, "UnbindNetworkInterface", &own).unwrap();
        let unbound = call(&mut world, operation, &own).unwrap_err();
        assert_eq!(&*unbound.code, "InvalidOperation.InterfaceNotBound");
        assert!(unbound.message.contains(&interface), "{}", unbound.message);
        assert_eq!(world.asked, None, "nobody was asked");
    }
}
