//! `DescribeNetworkInterfaceCounters`.

use control::fleet::{self, Decision, NodeStanding, Question, RuleCounters};

use super::{
    asking,
    parameters::{INTERFACE_EXAMPLE, INTERFACE_ID, NODE_EXAMPLE},
};
use crate::catalogue::{ERRORS_OF_ASKING, prelude::*};

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "DescribeNetworkInterfaceCounters",
    family: "traffic",
    summary: "Shows how often each rule of a network interface decided, and what passed and what was dropped there.",
    description: "The node to which the interface is bound is asked. `Rules` has every rule that the interface is under, of all its security groups, in the order in which they decide: the first that is about a packet does. Each direction ends with what happens to packets that no rule is about (`DecidedBy` NoRule).\n\n`Decisions` counts how often a rule decided: flows that it admitted, packets that it refused, and flows that were judged again after a change; packets of a flow that goes on are not counted. It is kept for all network interfaces of the node that are in the same security groups together, goes on while the rule stays as it is, and begins anew with the first change of these groups after the agent was restarted. `FlowCount`, packets and bytes of a rule are those of the flows that the interface has now and that the rule decided; without a rule, of all flows that it has now. Packets and bytes of flows that have ended are not kept. `In` is to the interface.\n\n`DroppedPackets` counts what was dropped since the interface was bound to its device, by reason. An interface that is closed has no rules in force.",
    methods: Methods::GetOrPost,
    parameters: &[INTERFACE_ID],
    exactly_one: &[],
    answer: &[
        Field::text("NetworkInterfaceId", INTERFACE_EXAMPLE),
        Field::text("NodeId", NODE_EXAMPLE),
        Field::text("NodeName", "rack-7"),
        Field::integer("ConfirmedGeneration", "42"),
        Field::integer("FlowCount", "1"),
        Field::integer("PacketsIn", "12"),
        Field::integer("BytesIn", "1143"),
        Field::integer("PacketsOut", "10"),
        Field::integer("BytesOut", "20480"),
        Field::integer("DroppedPacketCount", "3"),
        Field::text("DroppedPackets.DroppedPacket[].Reason", "implicit"),
        Field::integer("DroppedPackets.DroppedPacket[].Count", "3"),
        Field::text("Rules.Rule[].Direction", "ingress"),
        Field::text("Rules.Rule[].DecidedBy", "Rule"),
        Field::text("Rules.Rule[].Policy", "drop"),
        Field::text("Rules.Rule[].SecurityGroupId", "sg-5g9w3n8y4laeb2ii9zxxltlvz"),
        Field::text("Rules.Rule[].Rule", "ingress accept tcp to port 443"),
        Field::integer("Rules.Rule[].Decisions", "7"),
        Field::integer("Rules.Rule[].FlowCount", "1"),
        Field::integer("Rules.Rule[].PacketsIn", "12"),
        Field::integer("Rules.Rule[].BytesIn", "1143"),
        Field::integer("Rules.Rule[].PacketsOut", "10"),
        Field::integer("Rules.Rule[].BytesOut", "20480"),
    ],
    errors: ERRORS_OF_ASKING,
    ram: Ram::all("ravelin:DescribeNetworkInterfaceCounters", Access::Get),
    handler: Handler::Ask { inquiry, answer },
};

fn inquiry(call: &Call<'_>, state: &State) -> Result<Inquiry, Fault> {
    asking::inquiry(call, state, |interface| Question::Counters { interface })
}

fn answer(inquiry: &Inquiry, standing: &NodeStanding, told: &fleet::Answer) -> Option<Answer> {
    let fleet::Answer::Counters(counters) = told else { return None };
    let mut answer = asking::head(inquiry, standing);
    for (name, count) in [
        ("FlowCount", counters.flow_count),
        ("PacketsIn", counters.packets_in),
        ("BytesIn", counters.bytes_in),
        ("PacketsOut", counters.packets_out),
        ("BytesOut", counters.bytes_out),
    ] {
        answer.insert(name.into(), json!(count));
    }
    asking::put_dropped(&mut answer, &counters.dropped_packets);
    let rules: Vec<Value> = counters.rules.iter().map(shown).collect();
    answer.insert("Rules".into(), json!({ "Rule": rules }));
    Some(answer)
}

fn shown(counted: &RuleCounters) -> Value {
    let mut shown = Answer::new();
    shown.insert("Direction".into(), json!(asking::direction(counted.direction)));
    let decision = if counted.rule.is_some() { Decision::Rule } else { Decision::Implicit };
    asking::put_decision(&mut shown, Some(decision), (counted.rule, &counted.rule_text));
    if counted.rule.is_none() {
        shown.insert("Policy".into(), json!(counted.rule_text));
    }
    for (name, count) in [
        ("Decisions", counted.decisions),
        ("FlowCount", counted.flow_count),
        ("PacketsIn", counted.packets_in),
        ("BytesIn", counted.bytes_in),
        ("PacketsOut", counted.packets_out),
        ("BytesOut", counted.bytes_out),
    ] {
        shown.insert(name.into(), json!(count));
    }
    Value::Object(shown)
}
