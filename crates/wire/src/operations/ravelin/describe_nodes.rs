//! `DescribeNodes`.

use std::sync::Arc;

use model::node::{NODE_NAME_MAX, Node, NodeStatus};

use super::{
    super::{
        filter::{REGION, REGIONS, passes, regions},
        page::{PAGE_NUMBER, PAGE_SIZE, Page},
    },
    parameters::{NODE_EXAMPLE, NODE_ID_FILTER},
    standing,
};
use crate::catalogue::prelude::*;

const STATUS: &[&str] = &[NodeStatus::Pending.name(), NodeStatus::Ready.name(), NodeStatus::Gone.name()];

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "DescribeNodes",
    family: "node",
    summary: "Lists nodes, the newest first.",
    description: "A node is Pending until a host joins with its token, Ready from then on, and Gone when its certificates were revoked. `InstanceCount` says how many instances a lab node runs. `TokenExpiredTime` is there while its newest token has neither been used nor expired; where the authority of nodes was replaced since, it is refused all the same. `CertificateFingerprint` is the SHA-256 of its newest certificate.\n\n`ConfirmedGeneration` is the newest change that it has confirmed since the server began to run; it is absent until the node confirms again, where it has said since that this one is not in force, or has come back with an older one. `GenerationsBehind` counts the changes that concern it and that it has not confirmed, and `MillisecondsBehind` says for how long the oldest of them has been on disk; a node that nothing new concerns is not behind, whatever the number. `NotInForce` is there where something is not in force at the node, `InstanceProblems` where instances on it are not as they are wanted, `Refused` where it does not obey an update, and `Regression` where it holds a generation that this server never gave or has lost: see ReadmitNode. `Report` is what its agent said last of itself, every few seconds; it counts from when the agent began.",
    methods: Methods::GetOrPost,
    parameters: &[
        NODE_ID_FILTER,
        Parameter::optional("NodeName", Kind::text(NODE_NAME_MAX), "Nodes of exactly this name.", "rack-7"),
        REGION,
        REGIONS,
        Parameter::optional("Status", Kind::OneOf(STATUS), "Nodes in this state.", "Ready"),
        PAGE_NUMBER,
        PAGE_SIZE,
    ],
    exactly_one: &[],
    answer: &[
        Field::integer("PageNumber", "1"),
        Field::integer("PageSize", "10"),
        Field::integer("TotalCount", "1"),
        Field::text("Nodes.Node[].NodeId", NODE_EXAMPLE),
        Field::text("Nodes.Node[].NodeName", "rack-7"),
        Field::text("Nodes.Node[].EnsRegionId", "cn-hangzhou-telecom"),
        Field::text("Nodes.Node[].Status", "Ready"),
        Field::boolean("Nodes.Node[].Lab", "false"),
        Field::integer("Nodes.Node[].NetworkInterfaceCount", "12"),
        Field::integer("Nodes.Node[].InstanceCount", "3"),
        Field::text("Nodes.Node[].CreationTime", "2026-11-22T03:04:05Z"),
        Field::text("Nodes.Node[].JoinedTime", "2026-11-22T03:09:05Z"),
        Field::text("Nodes.Node[].TokenExpiredTime", "2026-11-22T04:04:05Z"),
        Field::text(
            "Nodes.Node[].CertificateFingerprint",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ),
        Field::text("Nodes.Node[].CertificateExpiredTime", "2027-02-20T03:09:05Z"),
        Field::boolean("Nodes.Node[].Connected", "true"),
        Field::text("Nodes.Node[].ConnectedTime", "2026-11-22T03:10:00Z"),
        Field::text("Nodes.Node[].DisconnectedTime", "2026-11-22T03:09:58Z"),
        Field::text("Nodes.Node[].LastHeardTime", "2026-11-22T04:00:01Z"),
        Field::text("Nodes.Node[].SourceAddress", "192.0.2.17:41812"),
        Field::text("Nodes.Node[].AgentVersion", "0.1.0"),
        Field::text("Nodes.Node[].BootTime", "2026-11-20T08:00:00Z"),
        Field::integer("Nodes.Node[].ConfirmedGeneration", "42"),
        Field::integer("Nodes.Node[].GenerationsBehind", "0"),
        Field::integer("Nodes.Node[].MillisecondsBehind", "0"),
        Field::integer("Nodes.Node[].PendingBytes", "0"),
        Field::integer("Nodes.Node[].AbsentNetworkInterfaceCount", "0"),
        Field::integer("Nodes.Node[].Regression.Generation", "57"),
        Field::text("Nodes.Node[].Regression.FoundTime", "2026-11-22T03:10:00Z"),
        Field::boolean("Nodes.Node[].Regression.Readmitted", "false"),
        Field::integer("Nodes.Node[].Refused.Generation", "43"),
        Field::integer("Nodes.Node[].Refused.KeptGeneration", "42"),
        Field::text("Nodes.Node[].Refused.Reason", "Invalid"),
        Field::text("Nodes.Node[].Refused.Message", "the update of generation 43 contradicts itself"),
        Field::integer("Nodes.Node[].NotInForce.Generation", "43"),
        Field::integer("Nodes.Node[].NotInForce.ProblemCount", "1"),
        Field::text(
            "Nodes.Node[].NotInForce.Problems.Problem[].NetworkInterfaceId",
            "eni-5f6533jbifugr5fo2j1wabcde",
        ),
        Field::text(
            "Nodes.Node[].NotInForce.Problems.Problem[].Message",
            "read back from the kernel, it has another class",
        ),
        Field::integer("Nodes.Node[].InstanceProblemCount", "1"),
        Field::text(
            "Nodes.Node[].InstanceProblems.InstanceProblem[].InstanceId",
            "i-5f6533jbifugr5fo2j1wabcde",
        ),
        Field::text(
            "Nodes.Node[].InstanceProblems.InstanceProblem[].Message",
            "the network namespace cannot be made",
        ),
        Field::text("Nodes.Node[].Report.Time", "2026-11-22T04:00:01Z"),
        Field::integer("Nodes.Node[].Report.NetworkInterfaceCount", "12"),
        Field::integer("Nodes.Node[].Report.AbsentNetworkInterfaceCount", "0"),
        Field::integer("Nodes.Node[].Report.GuardedDeviceCount", "0"),
        Field::integer("Nodes.Node[].Report.FlowCount", "310"),
        Field::integer("Nodes.Node[].Report.DriftFound", "0"),
        Field::integer("Nodes.Node[].Report.DriftRepaired", "0"),
        Field::text("Nodes.Node[].Report.AuditTime", "2026-11-22T03:59:30Z"),
        Field::integer("Nodes.Node[].Report.DroppedPacketCount", "17"),
        Field::text("Nodes.Node[].Report.DroppedPackets.DroppedPacket[].Reason", "no rule"),
        Field::integer("Nodes.Node[].Report.DroppedPackets.DroppedPacket[].Count", "17"),
    ],
    errors: &[],
    ram: Ram::named("ravelin:DescribeNodes", Access::List, "node", "NodeId"),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let arguments = call.arguments;
    let (name, status) = (arguments.text("NodeName"), arguments.text("Status"));
    let regions = regions(arguments);
    let matches = |node: &&Arc<Node>| {
        node.account == call.account
            && name.is_none_or(|name| name == &*node.name)
            && status.is_none_or(|status| status == node.status.name())
            && passes(regions.as_deref(), &node.region.as_str())
    };
    let page = Page::of(arguments, 10);
    let (mut answer, entries) = match arguments.id("NodeId") {
        Some(id) => page.cut(state.nodes().get(&id).into_iter().filter(matches)),
        None => page.cut(state.nodes().newest_first(call.account).filter(matches)),
    };
    let shown: Vec<Value> = entries.into_iter().map(|node| shown(call, state, node)).collect();
    answer.insert("Nodes".into(), json!({ "Node": shown }));
    Ok(answer)
}

fn shown(call: &Call<'_>, state: &State, node: &Node) -> Value {
    let mut shown = Answer::new();
    let mut put = |name: &str, value: Value| shown.insert(name.into(), value);
    put("NodeId", json!(node.id.to_string()));
    put("NodeName", json!(node.name));
    put("EnsRegionId", json!(node.region.as_str()));
    put("Status", json!(node.status.name()));
    put("Lab", json!(node.lab));
    put("NetworkInterfaceCount", json!(state.bound_count(node.id)));
    put("InstanceCount", json!(state.hosted_count(node.id)));
    put("CreationTime", json!(node.created_at.to_text()));
    if let Some(joined_at) = node.joined_at {
        put("JoinedTime", json!(joined_at.to_text()));
    }
    let usable = node.token.filter(|token| token.used_at.is_none() && call.now < token.expires_at);
    if let Some(token) = usable {
        put("TokenExpiredTime", json!(token.expires_at.to_text()));
    }
    if let Some(certificate) = node.certificates.first() {
        put("CertificateFingerprint", json!(certificate.fingerprint.to_string()));
        put("CertificateExpiredTime", json!(certificate.expires_at.to_text()));
    }
    standing::put(&mut shown, &call.fleet.standing(node.id));
    Value::Object(shown)
}
