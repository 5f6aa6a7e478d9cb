//! Explanations as answers.

use control::{
    fleet::{BindingState, protocol_name},
    traffic::{Membership, Side, Smallest, Standing, Traffic},
};
use model::{NodeId, rule::Policy};
use policy::{
    PlacedRule,
    explain::{Explanation, PassedOver},
    flip::SingleChange,
    text::RuleText,
};

use super::super::{
    super::{delay, ens},
    asking::direction,
    binding_state,
    preview::piece_text,
    who,
};
use crate::catalogue::prelude::*;

/// The most rules of each kind that are listed.
const RULES_SHOWN: usize = 50;
/// The most pieces of what a change would do beside.
const PIECES_SHOWN: usize = 5;

macro_rules! rule_fields {
    ($at:literal) => {
        [
            Field::text(concat!($at, ".Direction"), "ingress"),
            Field::text(concat!($at, ".IpProtocol"), "TCP"),
            Field::text(concat!($at, ".PortRange"), "443/443"),
            Field::text(concat!($at, ".SourcePortRange"), "1/65535"),
            Field::text(concat!($at, ".Policy"), "Accept"),
            Field::integer(concat!($at, ".Priority"), "1"),
            Field::text(concat!($at, ".SourceCidrIp"), "0.0.0.0/0"),
            Field::text(concat!($at, ".DestCidrIp"), ""),
            Field::text(concat!($at, ".Ipv6SourceCidrIp"), ""),
            Field::text(concat!($at, ".Ipv6DestCidrIp"), ""),
            Field::text(concat!($at, ".Description"), "web"),
            Field::text(concat!($at, ".CreationTime"), "2026-11-22T03:04:05Z"),
        ]
    };
}

const RULE: [Field; 12] = rule_fields!("Sides.Side[].Rule");
const FLIP_RULE: [Field; 12] = rule_fields!("Sides.Side[].Flip.Rule");

const GROUP: &str = "sg-5vn4n3y4laeb2ii9zxxltlvzi";
const NODE: &str = "node-5qk3n8y4laeb2ii9zxxltlvzi";
/// What is said of packets of an interface to itself.
const TO_ITSELF: &str = "both ends are the same network interface: such packets never leave it, so that no rule is asked; what follows would be so of packets that did";
const TEXT: &str = "ingress accept tcp to port 443";

const HEAD: [Field; 9] = [
    Field::integer("Generation", "57"),
    Field::text("Verdict", "Accept"),
    Field::text("Packet", "tcp 192.0.2.9:49152 > 10.0.0.7:443"),
    Field::text("SourceAddress", "192.0.2.9"),
    Field::text("DestinationAddress", "10.0.0.7"),
    Field::text("Protocol", "tcp"),
    Field::boolean("AcrossNetworks", "false"),
    Field::text("Note", TO_ITSELF),
    Field::integer("OldestGeneration", "1"),
];

const SIDE: [Field; 62] = [
    Field::text("Sides.Side[].Direction", "ingress"),
    Field::text("Sides.Side[].NetworkInterfaceId", "eni-5f6533jbifugr5fo2j1wabcde"),
    Field::text("Sides.Side[].InstanceId", "i-5vn4n3y4laeb2ii9zxxltlvzi"),
    Field::text("Sides.Side[].NetworkId", "n-5vn4n3y4laeb2ii9zxxltlvzi"),
    Field::text("Sides.Side[].Verdict", "Accept"),
    Field::text("Sides.Side[].DecidedBy", "Rule"),
    Field::text(
        "Sides.Side[].Text",
        "ingress tcp 192.0.2.9:49152 > 10.0.0.7:443 is accepted by rule 1 of sg-5vn4n3y4laeb2ii9zxxltlvzi (ingress accept tcp to port 443)",
    ),
    Field::text("Sides.Side[].Rule.SecurityGroupId", GROUP),
    Field::text("Sides.Side[].Rule.SecurityGroupName", "web"),
    Field::integer("Sides.Side[].Rule.Position", "1"),
    Field::text("Sides.Side[].Rule.Text", TEXT),
    Field::boolean("Sides.Side[].Membership.Known", "true"),
    Field::text("Sides.Side[].Membership.SecurityGroupId", GROUP),
    Field::text("Sides.Side[].Membership.SecurityGroupName", "web"),
    Field::integer("Sides.Side[].Membership.Generation", "42"),
    Field::text("Sides.Side[].Membership.Time", "2026-11-22T03:04:05Z"),
    Field::text("Sides.Side[].Membership.OperationName", "JoinSecurityGroup"),
    Field::text("Sides.Side[].Membership.ActorType", "User"),
    Field::text("Sides.Side[].Membership.ActorName", "alice"),
    Field::text("Sides.Side[].Membership.ActorId", "217348422547863003"),
    Field::text("Sides.Side[].Membership.RequestId", "473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E"),
    Field::text("Sides.Side[].Membership.SourceIpAddress", "192.0.2.17"),
    Field::text("Sides.Side[].Membership.Message", "older than the history, which goes back to generation 8"),
    Field::boolean("Sides.Side[].SecurityGroups.SecurityGroup[].Known", "true"),
    Field::text("Sides.Side[].SecurityGroups.SecurityGroup[].SecurityGroupId", GROUP),
    Field::text("Sides.Side[].SecurityGroups.SecurityGroup[].SecurityGroupName", "web"),
    Field::integer("Sides.Side[].SecurityGroups.SecurityGroup[].Generation", "42"),
    Field::text("Sides.Side[].SecurityGroups.SecurityGroup[].Time", "2026-11-22T03:04:05Z"),
    Field::text("Sides.Side[].SecurityGroups.SecurityGroup[].OperationName", "JoinSecurityGroup"),
    Field::text("Sides.Side[].SecurityGroups.SecurityGroup[].ActorType", "User"),
    Field::text("Sides.Side[].SecurityGroups.SecurityGroup[].ActorName", "alice"),
    Field::text("Sides.Side[].SecurityGroups.SecurityGroup[].ActorId", "217348422547863003"),
    Field::text(
        "Sides.Side[].SecurityGroups.SecurityGroup[].RequestId",
        "473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E",
    ),
    Field::text("Sides.Side[].SecurityGroups.SecurityGroup[].SourceIpAddress", "192.0.2.17"),
    Field::text(
        "Sides.Side[].SecurityGroups.SecurityGroup[].Message",
        "older than the history, which goes back to generation 8",
    ),
    Field::text("Sides.Side[].Considered.Rule[].SecurityGroupId", GROUP),
    Field::integer("Sides.Side[].Considered.Rule[].Position", "2"),
    Field::text("Sides.Side[].Considered.Rule[].Text", "ingress drop tcp to port 22"),
    Field::text("Sides.Side[].Considered.Rule[].Reason", "its destination port is 443, not 22"),
    Field::integer("Sides.Side[].ConsideredLeftOut", "0"),
    Field::text("Sides.Side[].Overruled.Rule[].SecurityGroupId", GROUP),
    Field::integer("Sides.Side[].Overruled.Rule[].Position", "3"),
    Field::text("Sides.Side[].Overruled.Rule[].Text", "ingress drop tcp"),
    Field::integer("Sides.Side[].OverruledLeftOut", "0"),
    Field::text("Sides.Side[].Enforcement.State", "Confirmed"),
    Field::text("Sides.Side[].Enforcement.NodeId", NODE),
    Field::integer("Sides.Side[].Enforcement.Generation", "57"),
    Field::integer("Sides.Side[].Enforcement.ConfirmedGeneration", "57"),
    Field::text("Sides.Side[].Enforcement.Reason", "NotConnected"),
    Field::text("Sides.Side[].Enforcement.Message", "its node has confirmed it"),
    Field::text("Sides.Side[].Flip.Kind", "AddRule"),
    Field::text("Sides.Side[].Flip.SecurityGroupId", GROUP),
    Field::text("Sides.Side[].Flip.OtherSecurityGroupIds.SecurityGroupId[]", GROUP),
    Field::text("Sides.Side[].Flip.RuleText", "ingress drop tcp from 192.0.2.9 to 10.0.0.7 port 443"),
    Field::text(
        "Sides.Side[].Flip.Text",
        "add to sg-5vn4n3y4laeb2ii9zxxltlvzi: ingress drop tcp from 192.0.2.9 to 10.0.0.7 port 443",
    ),
    Field::integer("Sides.Side[].Flip.NotComparedCount", "0"),
    Field::text("Sides.Side[].Flip.OtherPacketCount", "65535"),
    Field::boolean("Sides.Side[].Flip.Whole", "true"),
    Field::integer("Sides.Side[].Flip.PieceCount", "1"),
    Field::text("Sides.Side[].Flip.Pieces.Text[]", "ingress closes tcp from 192.0.2.9 to 10.0.0.7 port 443"),
    Field::integer("SourcePort", "49152"),
    Field::integer("DestinationPort", "443"),
];

/// The fields of the answer.
pub(super) const ANSWER: &[Field] = &joined();

const fn joined() -> [Field; 95] {
    let parts: [&[Field]; 4] = [&HEAD, &SIDE, &RULE, &FLIP_RULE];
    let mut all = [HEAD[0]; 95];
    let (mut part, mut place) = (0, 0);
    while part < parts.len() {
        let mut own = 0;
        while own < parts[part].len() {
            all[place] = parts[part][own];
            own += 1;
            place += 1;
        }
        part += 1;
    }
    assert!(place == all.len(), "as many as there are");
    all
}

/// The answer.
pub(super) fn shown(traffic: &Traffic) -> Answer {
    let packet = &traffic.packet;
    let mut answer = Answer::new();
    let mut put = |name: &str, value: Value| answer.insert(name.into(), value);
    put("Generation", json!(traffic.generation));
    put("Verdict", json!(verdict(traffic.verdict())));
    put("Packet", json!(packet.to_string()));
    put("SourceAddress", json!(packet.source().to_string()));
    put("DestinationAddress", json!(packet.destination().to_string()));
    put("Protocol", json!(protocol_name(packet.protocol())));
    put("SourcePort", json!(packet.source_port()));
    put("DestinationPort", json!(packet.destination_port()));
    put("AcrossNetworks", json!(traffic.is_across_networks()));
    if traffic.is_to_itself() {
        put("Note", json!(TO_ITSELF));
    }
    if let Some(oldest) = traffic.oldest {
        put("OldestGeneration", json!(oldest));
    }
    let sides = [&traffic.source, &traffic.destination].into_iter().flatten();
    let sides: Vec<Value> = sides.map(|own| side(own, traffic)).collect();
    put("Sides", json!({ "Side": sides }));
    answer
}

fn verdict(policy: Policy) -> &'static str {
    match policy {
        Policy::Accept => "Accept",
        Policy::Drop => "Drop",
    }
}

fn side(own: &Side, traffic: &Traffic) -> Value {
    let explanation = own.explanation(RULES_SHOWN);
    let mut shown = Answer::new();
    let mut put = |name: &str, value: Value| shown.insert(name.into(), value);
    put("Direction", json!(direction(own.flow.direction)));
    put("NetworkInterfaceId", json!(own.interface.to_string()));
    if let Some(instance) = own.instance {
        put("InstanceId", json!(instance.to_string()));
    }
    if let Some(network) = own.network {
        put("NetworkId", json!(network.to_string()));
    }
    put("Verdict", json!(verdict(own.verdict)));
    put("Text", json!(headline(&explanation)));
    put("DecidedBy", json!(if explanation.decider.is_some() { "Rule" } else { "Implicit" }));
    let membership = |of: &Membership| self::membership(of, traffic.oldest);
    if let Some(placed) = &explanation.decider {
        put("Rule", decider(placed, own));
        if let Some(of) = own.membership(placed.group) {
            put("Membership", membership(of));
        }
    }
    let groups: Vec<Value> = own.memberships.iter().map(membership).collect();
    put("SecurityGroups", json!({ "SecurityGroup": groups }));
    let considered: Vec<Value> = explanation.passed_over.rules.iter().map(passed_over).collect();
    put("Considered", json!({ "Rule": considered }));
    put("ConsideredLeftOut", json!(explanation.passed_over.left_out));
    let overruled: Vec<Value> = explanation.overruled.rules.iter().map(placed).collect();
    put("Overruled", json!({ "Rule": overruled }));
    put("OverruledLeftOut", json!(explanation.overruled.left_out));
    put("Enforcement", enforcement(&own.standing));
    if let Some(smallest) = &own.smallest {
        put("Flip", flip(smallest));
    }
    Value::Object(shown)
}

/// The first line of an explanation: what is decided, and by what.
fn headline(explanation: &Explanation<'_>) -> String {
    let text = explanation.to_string();
    text.lines().next().unwrap_or_default().into()
}

fn placed(own: &PlacedRule<'_>) -> Value {
    json!({
        "SecurityGroupId": own.group.to_string(),
        "Position": own.number(),
        "Text": RuleText(own.rule).to_string(),
    })
}

fn decider(own: &PlacedRule<'_>, side: &Side) -> Value {
    let mut shown = ens::shown_rule(own.rule);
    let name = side.membership(own.group).map_or("", |of| &of.group.name);
    if let (Some(fields), Value::Object(more)) = (shown.as_object_mut(), placed(own)) {
        fields.extend(more);
        fields.insert("SecurityGroupName".into(), json!(name));
    }
    shown
}

fn passed_over(own: &PassedOver<'_>) -> Value {
    let mut shown = placed(&own.placed);
    let whole = own.to_string();
    let reason = whole.strip_prefix(&format!("{}: ", own.placed)).unwrap_or(&whole);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("Reason".into(), json!(reason));
    }
    shown
}

fn membership(own: &Membership, oldest: Option<u64>) -> Value {
    let mut shown = Answer::new();
    shown.insert("SecurityGroupId".into(), json!(own.group.id.to_string()));
    shown.insert("SecurityGroupName".into(), json!(own.group.name));
    shown.insert("Known".into(), json!(own.since.is_some()));
    match &own.since {
        Some(event) => who::put(&mut shown, event),
        None => {
            let back = match oldest {
                Some(oldest) => format!("older than the history, which goes back to generation {oldest}"),
                None => "older than the history, which is empty".into(),
            };
            shown.insert("Message".into(), json!(back));
        }
    }
    Value::Object(shown)
}

fn enforcement(standing: &Standing) -> Value {
    let state = |state: &str, message: &str| json!({ "State": state, "Message": message });
    match standing {
        Standing::NotBound => state(
            "NotBound",
            "the network interface is bound to no node: its packets are not filtered, whatever the rules say",
        ),
        Standing::Past => state("Past", "what was in force at a moment in the past is not kept"),
        Standing::Bound { node, state, change, confirmed } => bound(*node, state, *change, *confirmed),
    }
}

/// Whether the last change that concerns an interface is in force on the node that it is bound to.
fn bound(node: NodeId, state: &BindingState, change: Option<u64>, confirmed: Option<u64>) -> Value {
    let (word, message) = match state {
        BindingState::Enforced => ("Confirmed", "its node has read it back from its kernel and confirmed it; peers that the node exempts, and what the link itself needs (such as DHCP), pass whatever the rules say".into()),
        BindingState::Absent => ("Absent", "nothing is enforced: its node has confirmed it and has no such device; DescribeNetworkInterfaceBindings says which device that is. It is in force as soon as the device is there; where the name is wrong, bind the network interface again".into()),
        other => (binding_state::word(other), binding_state::message(other).unwrap_or_default()),
    };
    let mut shown = Answer::new();
    let mut put = |name: &str, value: Value| shown.insert(name.into(), value);
    put("State", json!(word));
    put("NodeId", json!(node.to_string()));
    put("Message", json!(message));
    if let BindingState::Pending(delay) = state {
        put("Reason", json!(delay::word(delay)));
    }
    if let (Some(change), false) = (change, matches!(state, BindingState::Enforced | BindingState::Absent)) {
        put("Generation", json!(change));
    }
    if let Some(confirmed) = confirmed {
        put("ConfirmedGeneration", json!(confirmed));
    }
    Value::Object(shown)
}

fn flip(Smallest { flip, not_compared }: &Smallest) -> Value {
    let mut shown = Answer::new();
    let mut put = |name: &str, value: Value| shown.insert(name.into(), value);
    let (kind, rule) = match &flip.change {
        SingleChange::RemoveRule { rule, .. } => ("RemoveRule", Some(rule)),
        SingleChange::AddRule { rule, .. } => ("AddRule", Some(rule)),
        SingleChange::LeaveGroup { .. } => ("LeaveGroup", None),
        SingleChange::JoinGroup { .. } => ("JoinGroup", None),
    };
    put("Kind", json!(kind));
    put("SecurityGroupId", json!(flip.change.group().to_string()));
    put("Text", json!(flip.change.to_string()));
    if let Some(rule) = rule {
        put("RuleText", json!(RuleText(rule).to_string()));
        let mut fields = ens::shown_rule(rule);
        // A rule that is not there yet was made at no time.
        if let (SingleChange::AddRule { .. }, Some(fields)) = (&flip.change, fields.as_object_mut()) {
            fields.remove("CreationTime");
        }
        put("Rule", fields);
    }
    if let SingleChange::AddRule { or, .. } = &flip.change {
        let or: Vec<String> = or.iter().map(ToString::to_string).collect();
        put("OtherSecurityGroupIds", json!({ "SecurityGroupId": or }));
    }
    put("NotComparedCount", json!(not_compared));
    put("OtherPacketCount", json!(flip.others().to_string()));
    put("Whole", json!(flip.difference.is_whole()));
    put("PieceCount", json!(flip.difference.pieces().len() + flip.difference.left_out()));
    let pieces = flip.difference.pieces().iter().take(PIECES_SHOWN);
    let pieces: Vec<Value> = pieces.map(|own| json!(piece_text(own))).collect();
    put("Pieces", json!({ "Text": pieces }));
    Value::Object(shown)
}
