//! `DescribeNetworkInterfaceFlows`.

use control::fleet::{self, FlowFilter, NodeFlow, NodeStanding, Question, protocol_name, protocol_number};

use super::{
    asking::{self, MAX_RESULTS, most},
    parameters::{INTERFACE_EXAMPLE, INTERFACE_ID, NODE_EXAMPLE},
};
use crate::catalogue::{ERRORS_OF_ASKING, form, prelude::*};

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "DescribeNetworkInterfaceFlows",
    family: "traffic",
    summary: "Lists the flows of a network interface, with the rule that decided about each.",
    description: "The node to which the interface is bound is asked, and answers from its kernel: what is listed is so at that moment. Of the flows that fit all filters those that had a packet last are listed; `TotalCount` counts all of them, and `Truncated` is true where there are more than are listed. The filters are asked about every flow, not about those that are listed.\n\n`Flow` is the packet that began it as one line, and `Direction` who did: `ingress` the peer, `egress` the interface. `State` is where its protocol stands, such as `established`. `Status` is Alive while its packets pass; a Dead one was revoked: its packets are dropped, and it is remembered until it has been quiet for some time. `DecidedBy` is Rule, with the rule and its security group; NoRule, where no rule is about it and egress is accepted; Exempt, where the peer is one that no rule is asked about; or EarlierRules, where it was judged under rules that are not in force any more: its next packet is judged by those that are. Packets and bytes are those that passed; `In` is to the interface.\n\n`ConfirmedGeneration` is the newest generation that the node has confirmed. `ravelin flows` shows the same as a table.",
    methods: Methods::GetOrPost,
    parameters: &[
        INTERFACE_ID,
        Parameter::optional(
            "Protocol",
            Kind::form(1, 6, Form::FLOW_PROTOCOL),
            "Flows of this protocol alone.",
            "tcp",
        ),
        Parameter::optional(
            "PeerCidrBlock",
            Kind::form(1, 64, Form::PREFIX),
            "Flows with a peer in this block alone.",
            "10.0.0.0/8",
        ),
        Parameter::optional(
            "Port",
            Kind::Integer { min: 1, max: 65_535 },
            "Flows with this port at either end alone; also the identifier of an echo.",
            "443",
        ),
        Parameter::optional(
            "Status",
            Kind::OneOf(&["Alive", "Dead"]),
            "Flows that pass, or flows that were revoked.",
            "Alive",
        ),
        MAX_RESULTS,
    ],
    exactly_one: &[],
    answer: &[
        Field::text("NetworkInterfaceId", INTERFACE_EXAMPLE),
        Field::text("NodeId", NODE_EXAMPLE),
        Field::text("NodeName", "rack-7"),
        Field::integer("ConfirmedGeneration", "42"),
        Field::integer("TotalCount", "1"),
        Field::boolean("Truncated", "false"),
        Field::text("Flows.Flow[].Flow", "ingress tcp 10.0.0.9:50396 > 10.0.0.5:443"),
        Field::text("Flows.Flow[].Direction", "ingress"),
        Field::text("Flows.Flow[].Protocol", "tcp"),
        Field::text("Flows.Flow[].LocalAddress", "10.0.0.5"),
        Field::integer("Flows.Flow[].LocalPort", "443"),
        Field::text("Flows.Flow[].PeerAddress", "10.0.0.9"),
        Field::integer("Flows.Flow[].PeerPort", "50396"),
        Field::text("Flows.Flow[].Status", "Alive"),
        Field::text("Flows.Flow[].State", "established"),
        Field::text("Flows.Flow[].DecidedBy", "Rule"),
        Field::text("Flows.Flow[].SecurityGroupId", "sg-5g9w3n8y4laeb2ii9zxxltlvz"),
        Field::text("Flows.Flow[].Rule", "ingress accept tcp to port 443"),
        Field::integer("Flows.Flow[].AgeMilliseconds", "61200"),
        Field::integer("Flows.Flow[].IdleMilliseconds", "350"),
        Field::integer("Flows.Flow[].PacketsIn", "12"),
        Field::integer("Flows.Flow[].BytesIn", "1143"),
        Field::integer("Flows.Flow[].PacketsOut", "10"),
        Field::integer("Flows.Flow[].BytesOut", "20480"),
    ],
    errors: ERRORS_OF_ASKING,
    ram: Ram::all("ravelin:DescribeNetworkInterfaceFlows", Access::List),
    handler: Handler::Ask { inquiry, answer },
};

fn inquiry(call: &Call<'_>, state: &State) -> Result<Inquiry, Fault> {
    let arguments = call.arguments;
    let filter = FlowFilter {
        protocol: arguments.text("Protocol").and_then(protocol_number),
        remote: arguments.text("PeerCidrBlock").and_then(form::prefix),
        port: arguments.integer("Port").and_then(|port| u16::try_from(port).ok()),
        alive: arguments.text("Status").map(|status| status == "Alive"),
    };
    let most = most(arguments);
    asking::inquiry(call, state, |interface| Question::Flows { interface, most, filter })
}

fn answer(inquiry: &Inquiry, standing: &NodeStanding, told: &fleet::Answer) -> Option<Answer> {
    let (Question::Flows { filter, .. }, fleet::Answer::Flows { flows, left_out }) =
        (&inquiry.question, told)
    else {
        return None;
    };
    // An agent of an earlier version knows of no filter, and lists others too.
    let listed: Vec<Value> = flows.iter().filter(|flow| filter.admits(flow)).map(shown).collect();
    let total = left_out.saturating_add(u64::try_from(listed.len()).unwrap_or(u64::MAX));
    let mut answer = asking::head(inquiry, standing);
    answer.insert("TotalCount".into(), json!(total));
    answer.insert("Truncated".into(), json!(*left_out > 0));
    answer.insert("Flows".into(), json!({ "Flow": listed }));
    Some(answer)
}

fn shown(flow: &NodeFlow) -> Value {
    let mut shown = Answer::new();
    let mut put = |name: &str, value: Value| shown.insert(name.into(), value);
    let milliseconds = |span: std::time::Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    if let Some(text) = flow.text() {
        put("Flow", json!(text));
    }
    put("Direction", json!(asking::direction(flow.direction)));
    put("Protocol", json!(protocol_name(flow.protocol)));
    put("LocalAddress", json!(flow.local_address.to_string()));
    put("LocalPort", json!(flow.local_port));
    put("PeerAddress", json!(flow.remote_address.to_string()));
    put("PeerPort", json!(flow.remote_port));
    put("Status", json!(if flow.alive { "Alive" } else { "Dead" }));
    put("State", json!(flow.state));
    put("AgeMilliseconds", json!(milliseconds(flow.age)));
    put("IdleMilliseconds", json!(milliseconds(flow.idle)));
    put("PacketsIn", json!(flow.packets_in));
    put("BytesIn", json!(flow.bytes_in));
    put("PacketsOut", json!(flow.packets_out));
    put("BytesOut", json!(flow.bytes_out));
    asking::put_decision(&mut shown, flow.decision, (flow.rule, &flow.rule_text));
    Value::Object(shown)
}
