use model::{InstanceId, NetworkInterfaceId, SecurityGroupId};
use node::{answer::Answer as A, rule::Direction};

use super::*;

fn eni(number: u128) -> String {
    NetworkInterfaceId::from_number(number).to_string()
}

fn said(message: Message) -> Result<Spoken, Malformed> {
    spoken(node::FromNode { message: Some(message) })
}

/// The field that a message is refused for.
#[track_caller]
fn refused(message: Message) -> &'static str {
    said(message).expect_err("it is refused").field
}

fn flow() -> node::Flow {
    node::Flow {
        direction: Direction::Ingress.into(),
        protocol: 6,
        local_address: "10.0.0.1".into(),
        remote_address: "2001:db8::1".into(),
        local_port: 443,
        remote_port: 65_535,
        alive: true,
        security_group_id: SecurityGroupId::from_number(1).to_string(),
        rule: 3,
        state: "established".into(),
        ..node::Flow::default()
    }
}

fn dropped() -> node::Drop {
    node::Drop {
        at_ms: 5,
        network_interface_id: eni(1),
        direction: Direction::Egress.into(),
        reason: "policy".into(),
        protocol: 17,
        source: "10.0.0.1".into(),
        destination: "10.0.0.2".into(),
        ..node::Drop::default()
    }
}

fn flows(flows: Vec<node::Flow>) -> Message {
    let answer = Some(A::Flows(node::Flows { flows, left_out: 0 }));
    Message::Answer(node::Answer { id: 1, answer })
}

fn drops(drops: Vec<node::Drop>) -> Message {
    let answer =
        Some(A::Drops(node::Drops { drops, next: 9, lost: 2, process: 7, ..node::Drops::default() }));
    Message::Answer(node::Answer { id: 1, answer })
}

#[test]
fn a_message_that_says_nothing_is_malformed() {
    assert_eq!(spoken(node::FromNode { message: None }).unwrap_err().field, "message");
    assert_eq!(refused(Message::Answer(node::Answer { id: 1, answer: None })), "answer");
}

#[test]
fn texts_of_people_are_cut_and_of_one_line() {
    let hello = node::Hello {
        run: 0,
        agent_version: format!("1\n{}", "x".repeat(100)),
        generation: 7,
        booted_at_ms: 0,
    };
    let Ok(Spoken::Hello { generation, booted_at, agent_version, .. }) = said(Message::Hello(hello)) else {
        panic!("no hello")
    };
    assert_eq!((generation, booted_at), (7, None));
    assert_eq!((agent_version.len(), &agent_version[..3]), (64, "1 x"));
    let refusal = node::Refused {
        generation: 3,
        kept_generation: 2,
        reason: node::refused::Reason::Regressed.into(),
        message: "é".repeat(1_000),
    };
    let Ok(Spoken::Heard(Heard::Refused { reason, message, .. })) = said(Message::Refused(refusal)) else {
        panic!("no refusal")
    };
    assert_eq!((reason, message.chars().count()), (RefusalReason::Regressed, protocol::TEXT_MAX));
}

#[test]
fn answers_say_what_was_seen() {
    let Ok(Spoken::Heard(Heard::Answer { id: 1, answer })) = said(flows(vec![flow()])) else {
        panic!("no answer")
    };
    let control::fleet::Answer::Flows { flows, .. } = answer else { panic!("{answer:?}") };
    assert_eq!((flows[0].remote_port, flows[0].rule.map(|place| place.rule)), (65_535, Some(3)));
    let other = node::Drop { source: String::new(), destination: String::new(), ..dropped() };
    let Ok(Spoken::Heard(Heard::Answer { answer, .. })) = said(drops(vec![dropped(), other])) else {
        panic!("no answer")
    };
    let control::fleet::Answer::Drops { drops, next, lost: 2, restarted: false, .. } = answer else {
        panic!("{answer:?}")
    };
    assert_eq!((next.process, next.place), (7, 9));
    assert_eq!((drops[0].protocol, drops[0].rule), (Some(17), None));
    assert_eq!((drops[1].protocol, drops[1].source), (None, None), "a packet that is none of IP");
}

#[test]
fn fields_out_of_their_range_are_refused_by_name() {
    type Change<T> = (&'static str, fn(&mut T));
    let of_flows: [Change<node::Flow>; 8] = [
        ("decision", |of| of.decision = -1),
        ("direction", |of| of.direction = 9),
        ("protocol", |of| of.protocol = 256),
        ("local_address", |of| of.local_address = "10.0.0.1/8".into()),
        ("remote_address", |of| of.remote_address.clear()),
        ("local_port", |of| of.local_port = 65_536),
        ("security_group_id", |of| of.security_group_id = "sg-".into()),
        ("state", |of| of.state = "a b".into()),
    ];
    for (field, change) in of_flows {
        let mut wrong = flow();
        change(&mut wrong);
        assert_eq!(refused(flows(vec![wrong])), field);
    }
    let of_drops: [Change<node::Drop>; 6] = [
        ("ethertype", |of| of.ethertype = 0x1_0000),
        ("network_interface_id", |of| of.network_interface_id.clear()),
        ("reason", |of| of.reason = "x".repeat(65)),
        ("source", |of| of.source = "x".into()),
        ("destination_port", |of| of.destination_port = u32::MAX),
        ("at_ms", |of| of.at_ms = u64::MAX),
    ];
    for (field, change) in of_drops {
        let mut wrong = dropped();
        change(&mut wrong);
        assert_eq!(refused(drops(vec![wrong])), field);
    }
    let state = node::InstanceState {
        instance_id: InstanceId::from_number(1).to_string(),
        state: 0,
        ..node::InstanceState::default()
    };
    assert_eq!(refused(Message::InstanceStates(node::InstanceStates { states: vec![state] })), "state");
    assert_eq!(refused(Message::Refused(node::Refused::default())), "reason");
}

#[test]
fn what_decided_is_told_as_far_as_it_is_known() {
    use control::fleet::Decision;
    for (said_, known) in [
        (node::Decision::Rule.into(), Some(Decision::Rule)),
        (node::Decision::Implicit.into(), Some(Decision::Implicit)),
        (node::Decision::Exempt.into(), Some(Decision::Exempt)),
        (node::Decision::Earlier.into(), Some(Decision::Earlier)),
        (0, None),
        (99, None),
    ] {
        let one = node::Flow { decision: said_, rule_text: "ingress\naccept".into(), ..flow() };
        let Ok(Spoken::Heard(Heard::Answer { answer, .. })) = said(flows(vec![one])) else {
            panic!("no answer")
        };
        let control::fleet::Answer::Flows { flows, .. } = answer else { panic!("{answer:?}") };
        assert_eq!((flows[0].decision, &*flows[0].rule_text), (known, "ingress accept"));
    }
}

#[test]
fn lists_have_lengths() {
    let rule = node::RuleCounters { direction: Direction::Ingress.into(), ..node::RuleCounters::default() };
    let rules = |count| {
        let counters = node::Counters { rules: vec![rule.clone(); count], ..node::Counters::default() };
        Message::Answer(node::Answer { id: 1, answer: Some(A::Counters(counters)) })
    };
    assert!(said(rules(2_048)).is_ok());
    assert_eq!(refused(rules(2_049)), "rules");
    assert_eq!(refused(flows(vec![flow(); 1_001])), "flows");
    assert_eq!(refused(drops(vec![dropped(); 1_001])), "drops");
    let problem = node::Problem { network_interface_id: eni(1), message: String::new() };
    let told = node::NotInForce { generation: 1, problems: vec![problem; 101], problem_count: 101 };
    assert_eq!(refused(Message::NotInForce(told)), "problems");
    let confirmed =
        node::Confirmed { absent_interfaces: vec![eni(1); NAMED_MAX + 1], ..node::Confirmed::default() };
    assert_eq!(refused(Message::Confirmed(confirmed)), "absent_interfaces");
    let dropped_packets = (0..101).map(|number| (format!("reason-{number}"), 1)).collect();
    let report = node::Report { dropped_packets, ..node::Report::default() };
    assert_eq!(refused(Message::Report(report)), "dropped_packets");
}
