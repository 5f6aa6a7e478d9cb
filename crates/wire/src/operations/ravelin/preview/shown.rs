//! Previews as answers.

use std::fmt;

use control::{
    fleet::protocol_name,
    preview::{AskedNode, Concerned, FlowFate, JudgedFlow, PolicyChange, Preview, Warning},
};
use policy::{
    Family,
    difference::{AddressSet, Addresses, Effect, Piece, PortSet},
    text::ShortPiece,
};

use super::super::asking::direction;
use crate::catalogue::prelude::*;

/// The most interfaces that are named of one class.
const INTERFACES_SHOWN: usize = 20;
/// The most prefixes or ranges of ports of one list.
const LISTED_MAX: usize = 1_000;
/// The most of all lists of one answer; from there on each list has no more than [`LATE_MAX`].
const LISTED_TOTAL_MAX: usize = 20_000;
/// The most of a list where the answer has as many as it may have.
const LATE_MAX: usize = 32;
/// The most prefixes or ranges in the text of a piece.
const IN_TEXT_MAX: usize = 4;

const GROUP: &str = "sg-5vn4n3y4laeb2ii9zxxltlvzi";
const INTERFACE: &str = "eni-5f6533jbifugr5fo2j1wabcde";
const NODE: &str = "node-5qk3n8y4laeb2ii9zxxltlvzi";

/// The fields of the answer.
pub(super) const ANSWER: &[Field] = &[
    Field::integer("Generation", "57"),
    Field::integer("NetworkInterfaceCount", "1"),
    Field::integer("NodeCount", "1"),
    Field::integer("UnboundNetworkInterfaceCount", "0"),
    Field::integer("PolicyCount", "1"),
    Field::integer("PoliciesLeftOut", "0"),
    Field::integer("NetworkInterfacesLeftOut", "0"),
    Field::text("Policies.Policy[].SecurityGroupIdsBefore.SecurityGroupId[]", GROUP),
    Field::text("Policies.Policy[].SecurityGroupIdsAfter.SecurityGroupId[]", GROUP),
    Field::integer("Policies.Policy[].NetworkInterfaceCount", "1"),
    Field::text("Policies.Policy[].NetworkInterfaces.NetworkInterface[].NetworkInterfaceId", INTERFACE),
    Field::text(
        "Policies.Policy[].NetworkInterfaces.NetworkInterface[].InstanceId",
        "i-5vn4n3y4laeb2ii9zxxltlvzi",
    ),
    Field::text("Policies.Policy[].NetworkInterfaces.NetworkInterface[].NodeId", NODE),
    Field::text("Policies.Policy[].NetworkInterfaces.NetworkInterface[].Addresses.Address[]", "10.0.0.7"),
    Field::boolean("Policies.Policy[].Differs", "true"),
    Field::boolean("Policies.Policy[].Whole", "true"),
    Field::boolean("Policies.Policy[].AcceptsBefore", "true"),
    Field::boolean("Policies.Policy[].AcceptsAfter", "false"),
    Field::text("Policies.Policy[].PacketCount", "about 2^48"),
    Field::integer("Policies.Policy[].PieceCount", "1"),
    Field::integer("Policies.Policy[].OpeningPieceCount", "0"),
    Field::integer("Policies.Policy[].ClosingPieceCount", "1"),
    Field::text("Policies.Policy[].Pieces.Piece[].Direction", "ingress"),
    Field::text("Policies.Policy[].Pieces.Piece[].Effect", "Closes"),
    Field::text("Policies.Policy[].Pieces.Piece[].Family", "IPv4"),
    Field::text("Policies.Policy[].Pieces.Piece[].Protocols.Protocol[]", "tcp"),
    Field::text("Policies.Policy[].Pieces.Piece[].Sources.Prefix[]", "10.0.0.0/8"),
    Field::integer("Policies.Policy[].Pieces.Piece[].SourceCount", "1"),
    Field::text("Policies.Policy[].Pieces.Piece[].Destinations.Prefix[]", "192.0.2.0/24"),
    Field::integer("Policies.Policy[].Pieces.Piece[].DestinationCount", "1"),
    Field::text("Policies.Policy[].Pieces.Piece[].SourcePorts.PortRange[]", "1024/65535"),
    Field::integer("Policies.Policy[].Pieces.Piece[].SourcePortCount", "1"),
    Field::text("Policies.Policy[].Pieces.Piece[].DestinationPorts.PortRange[]", "443/443"),
    Field::integer("Policies.Policy[].Pieces.Piece[].DestinationPortCount", "1"),
    Field::text("Policies.Policy[].Pieces.Piece[].Text", "ingress closes tcp from 10.0.0.0/8 to port 443"),
    Field::boolean("FlowsAsked", "true"),
    Field::boolean("FlowsWhole", "true"),
    Field::integer("CutFlowCount", "1"),
    Field::integer("RevivedFlowCount", "0"),
    Field::integer("ContinuingFlowCount", "3"),
    Field::text("Flows.Flow[].Fate", "Cut"),
    Field::text("Flows.Flow[].NetworkInterfaceId", INTERFACE),
    Field::text("Flows.Flow[].NodeId", NODE),
    Field::text("Flows.Flow[].Direction", "ingress"),
    Field::text("Flows.Flow[].Protocol", "tcp"),
    Field::text("Flows.Flow[].LocalAddress", "10.0.0.7"),
    Field::integer("Flows.Flow[].LocalPort", "443"),
    Field::text("Flows.Flow[].RemoteAddress", "10.0.0.9"),
    Field::integer("Flows.Flow[].RemotePort", "41812"),
    Field::text("Flows.Flow[].State", "established"),
    Field::integer("Flows.Flow[].AgeSeconds", "310"),
    Field::integer("Flows.Flow[].IdleSeconds", "2"),
    Field::integer("Flows.Flow[].PacketsIn", "1200"),
    Field::integer("Flows.Flow[].PacketsOut", "1100"),
    Field::boolean("Flows.Flow[].Own", "false"),
    Field::text("Nodes.Node[].NodeId", NODE),
    Field::text("Nodes.Node[].NodeName", "rack-7"),
    Field::boolean("Nodes.Node[].Answered", "true"),
    Field::integer("Nodes.Node[].AskedNetworkInterfaceCount", "1"),
    Field::integer("Nodes.Node[].AnsweredNetworkInterfaceCount", "1"),
    Field::integer("Nodes.Node[].FlowsLeftOut", "0"),
    Field::text("Nodes.Node[].Message", "the node is not connected"),
    Field::text("Warnings.Warning[].Code", "LastGroup"),
    Field::text(
        "Warnings.Warning[].Message",
        "The network interface eni-5f6533jbifugr5fo2j1wabcde would be in no group: nothing new would come in, everything may go out, and replies to that come in.",
    ),
];

/// The answer.
pub(super) fn shown(preview: &Preview, source: Option<std::net::IpAddr>) -> Answer {
    let mut answer = Answer::new();
    let mut put = |name: &str, value: Value| answer.insert(name.into(), value);
    put("Generation", json!(preview.generation));
    put("NetworkInterfaceCount", json!(preview.interface_count));
    put("NodeCount", json!(preview.node_count));
    put("UnboundNetworkInterfaceCount", json!(preview.unbound_count));
    put("PolicyCount", json!(preview.policies.len() + preview.policies_left_out));
    put("PoliciesLeftOut", json!(preview.policies_left_out));
    put("NetworkInterfacesLeftOut", json!(preview.interfaces_left_out));
    let mut room = Room(LISTED_TOTAL_MAX);
    let policies: Vec<Value> = preview.policies.iter().map(|own| policy(own, &mut room)).collect();
    put("Policies", json!({ "Policy": policies }));
    let flows = &preview.flows;
    put("FlowsAsked", json!(flows.asked));
    put("FlowsWhole", json!(flows.is_whole()));
    put("CutFlowCount", json!(flows.cut));
    put("RevivedFlowCount", json!(flows.revived));
    put("ContinuingFlowCount", json!(flows.continuing));
    let source = source.map(|source| source.to_canonical());
    put("Flows", json!({ "Flow": flows.listed.iter().map(|own| flow(own, source)).collect::<Vec<_>>() }));
    put("Nodes", json!({ "Node": flows.nodes.iter().map(node).collect::<Vec<_>>() }));
    put("Warnings", json!({ "Warning": preview.warnings.iter().map(warning).collect::<Vec<_>>() }));
    answer
}

fn policy(change: &PolicyChange, room: &mut Room) -> Value {
    let ids = |groups: &[model::SecurityGroupId]| {
        let ids: Vec<String> = groups.iter().map(ToString::to_string).collect();
        json!({ "SecurityGroupId": ids })
    };
    let interfaces: Vec<Value> = change.interfaces.iter().take(INTERFACES_SHOWN).map(interface).collect();
    let mut shown = Answer::new();
    let mut put = |name: &str, value: Value| shown.insert(name.into(), value);
    put("SecurityGroupIdsBefore", ids(&change.before));
    put("SecurityGroupIdsAfter", ids(&change.after));
    put("NetworkInterfaceCount", json!(change.interfaces.len()));
    put("NetworkInterfaces", json!({ "NetworkInterface": interfaces }));
    put("Differs", json!(change.difference.as_ref().is_none_or(|own| !own.is_empty())));
    put("Whole", json!(change.difference.as_ref().is_some_and(policy::difference::Difference::is_whole)));
    put("AcceptsBefore", json!(change.accepts_before));
    put("AcceptsAfter", json!(change.accepts_after));
    if let Some(difference) = &change.difference {
        put("PacketCount", json!(difference.count().to_string()));
        put("PieceCount", json!(difference.pieces().len() + difference.left_out()));
        put("OpeningPieceCount", json!(difference.opens_count()));
        put("ClosingPieceCount", json!(difference.closes_count()));
        let pieces: Vec<Value> = difference.pieces().iter().map(|own| piece(own, room)).collect();
        put("Pieces", json!({ "Piece": pieces }));
    }
    Value::Object(shown)
}

fn interface(own: &Concerned) -> Value {
    let mut shown = Answer::new();
    shown.insert("NetworkInterfaceId".into(), json!(own.id.to_string()));
    shown.extend(own.instance.map(|id| ("InstanceId".to_owned(), json!(id.to_string()))));
    shown.extend(own.node.map(|id| ("NodeId".to_owned(), json!(id.to_string()))));
    let addresses: Vec<String> = own.addresses.iter().map(ToString::to_string).collect();
    shown.insert("Addresses".into(), json!({ "Address": addresses }));
    Value::Object(shown)
}

/// A piece of a difference as one line, which is cut short where its lists are long.
pub(in super::super) fn piece_text(piece: &Piece) -> String {
    ShortPiece { piece, listed_max: IN_TEXT_MAX }.to_string()
}

/// How many entries of lists an answer may have besides those that it has.
struct Room(usize);

/// A piece of a difference, as structured fields and as one line.
fn piece(piece: &Piece, room: &mut Room) -> Value {
    let (sources, destinations) = match piece.addresses() {
        Addresses::Every => (None, None),
        Addresses::Between { sources, destinations } => (Some(sources), Some(destinations)),
    };
    let protocols: Vec<String> = piece.protocols().iter().map(|kind| kind.to_string()).collect();
    let mut shown = Answer::new();
    let mut put = |name: &str, value: Value| shown.insert(name.into(), value);
    put("Direction", json!(direction(piece.direction())));
    put("Effect", json!(effect(piece.effect())));
    put("Family", json!(family(piece)));
    put("Protocols", json!({ "Protocol": protocols }));
    for (name, count, set) in
        [("Sources", "SourceCount", sources), ("Destinations", "DestinationCount", destinations)]
    {
        let (listed, total) = prefixes(set, room);
        put(name, json!({ "Prefix": listed }));
        put(count, json!(total));
    }
    for (name, count, set) in [
        ("SourcePorts", "SourcePortCount", piece.source_ports()),
        ("DestinationPorts", "DestinationPortCount", piece.destination_ports()),
    ] {
        let (listed, total) = ports(set, room);
        put(name, json!({ "PortRange": listed }));
        put(count, json!(total));
    }
    put("Text", json!(piece_text(piece)));
    Value::Object(shown)
}

/// The family of a piece's packets; `any` where there are such of both.
fn family(piece: &Piece) -> String {
    match Family::ALL.map(|family| piece.is_of(family)) {
        [true, false] => Family::Ipv4.to_string(),
        [false, true] => Family::Ipv6.to_string(),
        _ => "any".into(),
    }
}

/// The first prefixes of a set, and how many it has; none where it is all addresses.
fn prefixes(set: Option<&AddressSet>, room: &mut Room) -> (Vec<String>, usize) {
    match set.filter(|set| !set.is_every()) {
        None => (Vec::new(), 0),
        Some(set) => cut(set.prefixes(), room),
    }
}

fn ports(set: &PortSet, room: &mut Room) -> (Vec<String>, usize) {
    if set.is_every() {
        return (Vec::new(), 0);
    }
    cut(set.ranges().map(|range| format!("{}/{}", range.start(), range.end())), room)
}

/// The first of a list, and how long it is.
fn cut<T: fmt::Display>(items: impl Iterator<Item = T>, room: &mut Room) -> (Vec<String>, usize) {
    let most = room.0.clamp(LATE_MAX, LISTED_MAX);
    let (mut listed, mut total) = (Vec::new(), 0);
    for item in items {
        total += 1;
        if listed.len() < most {
            listed.push(item.to_string());
        }
    }
    room.0 = room.0.saturating_sub(listed.len());
    (listed, total)
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Opens => "Opens",
        Effect::Closes => "Closes",
    }
}

fn flow(own: &JudgedFlow, source: Option<std::net::IpAddr>) -> Value {
    let flow = &own.flow;
    let fate = match own.fate {
        FlowFate::Cut => "Cut",
        FlowFate::Revived => "Revived",
        FlowFate::Continues => "Continues",
    };
    let is_own = source.is_some_and(|source| [flow.local_address, flow.remote_address].contains(&source));
    json!({
        "Fate": fate,
        "NetworkInterfaceId": own.interface.to_string(),
        "NodeId": own.node.to_string(),
        "Direction": direction(flow.direction),
        "Protocol": protocol_name(flow.protocol),
        "LocalAddress": flow.local_address.to_string(),
        "LocalPort": flow.local_port,
        "RemoteAddress": flow.remote_address.to_string(),
        "RemotePort": flow.remote_port,
        "State": flow.state,
        "AgeSeconds": flow.age.as_secs(),
        "IdleSeconds": flow.idle.as_secs(),
        "PacketsIn": flow.packets_in,
        "PacketsOut": flow.packets_out,
        "Own": is_own,
    })
}

fn node(own: &AskedNode) -> Value {
    let mut shown = json!({
        "NodeId": own.node.to_string(),
        "NodeName": own.name,
        "Answered": own.error.is_none(),
        "AskedNetworkInterfaceCount": own.asked,
        "AnsweredNetworkInterfaceCount": own.answered,
        "FlowsLeftOut": own.left_out,
    });
    if let (Some(error), Some(fields)) = (&own.error, shown.as_object_mut()) {
        fields.insert("Message".into(), json!(error.to_string()));
    }
    shown
}

fn warning(warning: &Warning) -> Value {
    json!({ "Code": warning.code(), "Message": warning.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_whole_as_long_as_there_is_room() {
        let mut room = Room(LISTED_MAX + 250);
        let mut listed = |length: usize| {
            let (listed, total) = cut(0..length, &mut room);
            assert_eq!(total, length);
            listed.len()
        };
        assert_eq!([listed(100), listed(1_000), listed(1_000)], [100, 1_000, 150]);
        assert_eq!([listed(7), listed(1_000)], [7, LATE_MAX]);
    }
}
