//! What is known of a node beside the state, as fields of an answer.

use control::fleet::{NodeReport, NodeStanding};

use super::super::delay;
use crate::catalogue::prelude::*;

/// The most problems that are shown of a node.
const PROBLEMS_SHOWN: usize = 10;

/// Adds what is known of a node beside the state.
pub(super) fn put(shown: &mut Answer, standing: &NodeStanding) {
    let mut put = |name: &str, value: Value| shown.insert(name.into(), value);
    put("Connected", json!(standing.connection.is_some()));
    if let Some(connection) = &standing.connection {
        put("ConnectedTime", json!(connection.since.to_text()));
        put("SourceAddress", json!(connection.source.to_string()));
        put("AgentVersion", json!(connection.agent_version));
        if let Some(booted_at) = connection.booted_at {
            put("BootTime", json!(booted_at.to_text()));
        }
    }
    for (name, time) in [("DisconnectedTime", standing.disconnected_at), ("LastHeardTime", standing.heard_at)]
    {
        if let Some(time) = time {
            put(name, json!(time.to_text()));
        }
    }
    if let Some(generation) = standing.confirmed_generation {
        put("ConfirmedGeneration", json!(generation));
    }
    put("GenerationsBehind", json!(standing.generations_behind));
    put("MillisecondsBehind", json!(u64::try_from(standing.behind.as_millis()).unwrap_or(u64::MAX)));
    put("PendingBytes", json!(standing.pending_bytes));
    put("AbsentNetworkInterfaceCount", json!(standing.absent.len()));
    put_troubles(shown, standing);
    if let Some((at, report)) = &standing.report {
        shown.insert("Report".into(), self::report(&at.to_text(), report));
    }
}

fn put_troubles(shown: &mut Answer, standing: &NodeStanding) {
    if let Some(own) = &standing.regression {
        let regression = json!({
            "Generation": own.generation,
            "FoundTime": own.found_at.to_text(),
            "Readmitted": own.readmitted,
        });
        shown.insert("Regression".into(), regression);
    }
    if let Some(own) = &standing.refused {
        let refused = json!({
            "Generation": own.generation,
            "KeptGeneration": own.kept_generation,
            "Reason": delay::reason(own.reason),
            "Message": own.message,
        });
        shown.insert("Refused".into(), refused);
    }
    if standing.instance_problem_count > 0 {
        let problem = |problem: &control::fleet::InstanceProblem| json!({ "InstanceId": problem.instance.to_string(), "Message": problem.message });
        let problems: Vec<Value> =
            standing.instance_problems.iter().take(PROBLEMS_SHOWN).map(problem).collect();
        shown.insert("InstanceProblemCount".into(), json!(standing.instance_problem_count));
        shown.insert("InstanceProblems".into(), json!({ "InstanceProblem": problems }));
    }
    if let Some(own) = &standing.not_in_force {
        let problem = |problem: &control::fleet::NodeProblem| json!({ "NetworkInterfaceId": problem.interface.to_string(), "Message": problem.message });
        let problems: Vec<Value> = own.problems.iter().take(PROBLEMS_SHOWN).map(problem).collect();
        let not_in_force = json!({
            "Generation": own.generation,
            "ProblemCount": own.problem_count,
            "Problems": { "Problem": problems },
        });
        shown.insert("NotInForce".into(), not_in_force);
    }
}

fn report(at: &str, report: &NodeReport) -> Value {
    let dropped: Vec<Value> = report
        .dropped_packets
        .iter()
        .map(|(reason, count)| json!({ "Reason": reason, "Count": count }))
        .collect();
    let mut shown = json!({
        "Time": at,
        "NetworkInterfaceCount": report.interface_count,
        "AbsentNetworkInterfaceCount": report.absent_count,
        "GuardedDeviceCount": report.guarded_count,
        "FlowCount": report.flow_count,
        "DriftFound": report.drift_found,
        "DriftRepaired": report.drift_repaired,
        "DroppedPacketCount": report.dropped_packets.values().fold(0u64, |sum, count| sum.saturating_add(*count)),
        "DroppedPackets": { "DroppedPacket": dropped },
    });
    if let (Some(audited_at), Some(fields)) = (report.audited_at, shown.as_object_mut()) {
        fields.insert("AuditTime".into(), json!(audited_at.to_text()));
    }
    shown
}
