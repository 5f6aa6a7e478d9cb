//! `DescribeEnforcement`.

use control::fleet::{EnforcementState, NodeEnforcement, Progress};
use model::node::Node;

use super::{
    super::{
        delay,
        page::{PAGE_NUMBER, PAGE_SIZE, Page},
    },
    parameters::NODE_EXAMPLE,
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "DescribeEnforcement",
    family: "enforcement",
    summary: "Shows which nodes a change concerns, and how far it is in force there.",
    description: "`Generation` is the number of the change: the header `x-ravelin-generation` of its answer.\n\n`State` is Confirmed when every node that the change concerns has read it back from its kernel and said so, also where it concerns none; Pending while some node has not; Unknown where that is not known any more: receipts are kept in memory, as many as the server's settings `fleet.receipts_max` and `fleet.receipt_nodes_max` say, the newest ones, and not beyond a restart of the server. What a node has confirmed was in force there then, and stays so in what is shown here. How the node is now, DescribeNodes says: where `ConfirmedGeneration` is not smaller it has not said otherwise since, and where something is not in force any more `NotInForce` is there.\n\nNodes that have not confirmed stand first, with a word for the reason (NeverConnected, NotConnected, NotInForce, Refused, Regressed, NotAnswered, NotTold) and a sentence. A node to which an interface was bound that is unbound since is waited for: until it has heard of that, it goes by what it was told before. A node that is deleted is not.\n\nTimes beside the date are in microseconds: `ConfirmedAfterMicroseconds` from when the change was on disk until the confirmation was here; `TookMicroseconds` and `SwitchedMicroseconds` are the node's own, from when it got the update until it had read it back, and until the last store that put it in force.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::required(
            "Generation",
            Kind::Integer { min: 1, max: i64::MAX },
            "The number of the change.",
            "42",
        ),
        PAGE_NUMBER,
        PAGE_SIZE,
    ],
    exactly_one: &[],
    answer: &[
        Field::integer("Generation", "42"),
        Field::text("State", "Pending"),
        Field::text("DurableTime", "2026-11-22T03:04:05Z"),
        Field::integer("DurableUnixMilliseconds", "1795316645123"),
        Field::integer("ConfirmedCount", "1"),
        Field::integer("PageNumber", "1"),
        Field::integer("PageSize", "10"),
        Field::integer("TotalCount", "2"),
        Field::text("Nodes.Node[].NodeId", NODE_EXAMPLE),
        Field::text("Nodes.Node[].NodeName", "rack-7"),
        Field::boolean("Nodes.Node[].Confirmed", "true"),
        Field::text("Nodes.Node[].ConfirmedTime", "2026-11-22T03:04:05Z"),
        Field::integer("Nodes.Node[].ConfirmedAfterMicroseconds", "2150"),
        Field::integer("Nodes.Node[].TookMicroseconds", "1400"),
        Field::integer("Nodes.Node[].SwitchedMicroseconds", "900"),
        Field::text("Nodes.Node[].Reason", "NotConnected"),
        Field::text(
            "Nodes.Node[].Message",
            "it is not connected since 2026-11-22T03:01:02Z; see that its agent runs and reaches the server",
        ),
    ],
    errors: &[&code::GENERATION_NOT_FOUND],
    ram: Ram::all("ravelin:DescribeEnforcement", Access::Get),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let generation = call.arguments.integer("Generation").and_then(|number| u64::try_from(number).ok());
    let enforcement = generation.and_then(|generation| call.fleet.enforcement(generation));
    let enforcement = enforcement.ok_or_else(|| Fault::of(&code::GENERATION_NOT_FOUND))?;
    // Other accounts' nodes do not exist for the caller, and it waits for none of them.
    let own = enforcement.nodes.into_iter().filter_map(|own| {
        let node = state.nodes().of(call.account, &own.node)?;
        Some((node, own))
    });
    let (confirmed, pending): (Vec<_>, Vec<_>) = own.partition(|(_, own)| is_confirmed(own));
    let shown_state = match enforcement.state {
        EnforcementState::Unknown => "Unknown",
        _ if pending.is_empty() => "Confirmed",
        _ => "Pending",
    };
    let (confirmed_count, total) = (confirmed.len(), confirmed.len() + pending.len());
    let page = Page::of(call.arguments, 10);
    let (head, nodes) = page.cut_counted(pending.into_iter().chain(confirmed), total);
    let mut answer = Answer::new();
    answer.insert("Generation".into(), json!(enforcement.generation));
    answer.insert("State".into(), json!(shown_state));
    if let Some(durable_at) = enforcement.durable_at.filter(|_| total > 0) {
        answer.insert("DurableTime".into(), json!(durable_at.to_text()));
        answer.insert("DurableUnixMilliseconds".into(), json!(durable_at.0));
    }
    answer.insert("ConfirmedCount".into(), json!(confirmed_count));
    answer.extend(head);
    let nodes: Vec<Value> = nodes.iter().map(|(node, own)| shown(node, own)).collect();
    answer.insert("Nodes".into(), json!({ "Node": nodes }));
    Ok(answer)
}

fn is_confirmed(own: &NodeEnforcement) -> bool {
    matches!(own.progress, Progress::Confirmed { .. })
}

fn shown(node: &Node, own: &NodeEnforcement) -> Value {
    let mut shown = Answer::new();
    let mut put = |name: &str, value: Value| shown.insert(name.into(), value);
    put("NodeId", json!(node.id.to_string()));
    put("NodeName", json!(node.name));
    put("Confirmed", json!(is_confirmed(own)));
    match &own.progress {
        Progress::Confirmed { at, after, took, switched } => {
            put("ConfirmedTime", json!(at.to_text()));
            put("ConfirmedAfterMicroseconds", microseconds(*after));
            put("TookMicroseconds", microseconds(*took));
            if let Some(switched) = switched {
                put("SwitchedMicroseconds", microseconds(*switched));
            }
        }
        Progress::Behind(behind) => {
            put("Reason", json!(delay::word(behind)));
            put("Message", json!(delay::text(behind)));
        }
        // Gone from the state in the very same moment.
        Progress::Deleted => {}
    }
    Value::Object(shown)
}

fn microseconds(time: std::time::Duration) -> Value {
    json!(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}
