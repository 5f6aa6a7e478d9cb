//! How an agent stands, for people.

use std::collections::BTreeMap;

use agent::status::{InterfaceState, InterfaceStatus, Status};

use crate::output::{self, Mark, marked, table};

/// Whether the control plane is reached, and everything that is wanted is in force.
pub(super) fn is_healthy(status: &Status) -> bool {
    let generation = &status.generation;
    status.session.connected
        && generation.wanted == generation.confirmed
        && generation.refused.is_none()
        && status.counts.troubled == 0
        && status.counts.open == 0
}

/// How it stands.
pub(super) fn status(status: &Status) -> String {
    let mut parts = vec![head(status)];
    let problems = problems(status);
    if !problems.is_empty() {
        parts.push(format!("{}\n{}", marked("PROBLEMS", Mark::Strong), problems.join("\n")));
    }
    if !status.interfaces.is_empty() {
        parts.push(interfaces(&status.interfaces));
    }
    if !status.devices.is_empty() {
        let rows = status.devices.iter().map(|device| {
            let state = if device.closed { "closed" } else { "OPEN" };
            vec![
                device.device.clone(),
                device.ifindex.to_string(),
                state.into(),
                device.problem.clone().unwrap_or_default(),
            ]
        });
        parts.push(table(&["device without binding", "index", "state", "problem"], rows));
    }
    if !status.instances.is_empty() {
        let rows = status.instances.iter().map(|instance| {
            // A running one has a namespace, and one that failed a message.
            let about = instance.message.as_ref().or(instance.namespace.as_ref()).cloned();
            let state = match instance.state == instance.wanted {
                true => instance.state.clone(),
                false => format!("{}, to be {}", instance.state, instance.wanted),
            };
            let id = instance.instance_id.clone();
            vec![id, instance.host_name.clone(), state, about.unwrap_or_default()]
        });
        parts.push(table(&["instance", "host name", "state", "namespace or problem"], rows));
    }
    parts.join("\n\n")
}

fn head(status: &Status) -> String {
    let session = &status.session;
    let reached = match session.connected {
        true => marked(&format!("connected since {}", session.since), Mark::Good),
        false => {
            marked(&format!("FROZEN since {}: what is in force stays as it is", session.since), Mark::Bad)
        }
    };
    let generation = &status.generation;
    let confirmed = match generation.behind_ms {
        None => marked(&format!("{}, confirmed", generation.confirmed), Mark::Good),
        Some(behind) => {
            let text = format!(
                "{}, and {} is wanted since {:.1} s",
                generation.confirmed,
                generation.wanted,
                std::time::Duration::from_millis(behind).as_secs_f64()
            );
            marked(&text, Mark::Bad)
        }
    };
    let took = generation.took_us.map(|took| format!(" (the last one took {took} us)")).unwrap_or_default();
    let counts = status.counts;
    let rows = [
        ("node", format!("{}, agent {} since {}", status.node_id, status.agent_version, status.started_at)),
        ("control plane", format!("{}, {reached}", status.server)),
        ("generation", format!("{confirmed}{took}")),
        (
            "interfaces",
            format!("{}: {} bound, {} without a device", counts.interfaces, counts.bound, counts.absent),
        ),
        ("flows", counts.flows.to_string()),
        ("dropped packets", format!("{} (since the agent began)", by_reason(&status.dropped_packets))),
        ("audit", audit(status)),
        (
            "certificate",
            format!(
                "good until {}, renewed at {}",
                status.certificate.valid_until, status.certificate.renews_at
            ),
        ),
    ];
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default() + output::GAP;
    rows.iter().map(|(name, text)| format!("{name:<width$}{text}")).collect::<Vec<_>>().join("\n")
}

/// When the kernel was compared with what was put in force, and what was found.
fn audit(status: &Status) -> String {
    let found = match status.audit.drift_found {
        0 => "the kernel has what was put in force".to_owned(),
        found => format!(
            "{found} differences from what was put in force, {} repaired",
            status.audit.drift_repaired
        ),
    };
    match status.audit.at.as_deref() {
        Some(at) => format!("{at}: {found}"),
        None => "none yet since the agent began".to_owned(),
    }
}

fn problems(status: &Status) -> Vec<String> {
    let generation = &status.generation;
    let mut found = Vec::new();
    found.extend(status.session.error.as_ref().map(|error| format!("session: {error}")));
    found.extend(generation.refused.as_ref().map(|refused| {
        let what = if refused.regressed { "REGRESSED control plane" } else { "refused update" };
        format!("{what}, generation {}: {}", refused.generation, refused.message)
    }));
    found.extend(generation.unsaved.as_ref().map(|error| format!("disk: {error}")));
    found.extend(status.certificate.error.as_ref().map(|error| format!("certificate: {error}")));
    found.extend(status.audit.error.as_ref().map(|error| format!("audit: {error}")));
    found.extend(status.audit.left.iter().map(|drift| format!("not as it was put in force: {drift}")));
    let interfaces = status.interfaces.iter();
    found.extend(interfaces.filter_map(|interface| {
        interface.problem.as_ref().map(|problem| format!("{}: {problem}", interface.network_interface_id))
    }));
    found
}

fn interfaces(interfaces: &[InterfaceStatus]) -> String {
    let rows = interfaces.iter().map(|interface| {
        let mark = match interface.state {
            InterfaceState::InForce => Mark::Good,
            InterfaceState::Absent => Mark::Faint,
            InterfaceState::Closed | InterfaceState::Troubled => Mark::Bad,
        };
        let wanted = &interface.wanted_device;
        let device = match &interface.device {
            Some(device) if device == wanted || wanted == "alias" => device.clone(),
            Some(device) => format!("{device} (was {wanted})"),
            None => format!("({wanted})"),
        };
        vec![
            interface.network_interface_id.clone(),
            device,
            marked(interface.state.name(), mark),
            interface.class.map(|class| class.to_string()).unwrap_or_default(),
            interface.flows.to_string(),
            by_reason(&interface.dropped_packets),
        ]
    });
    table(&["interface", "device", "state", "class", "flows", "dropped since it was bound"], rows)
}

fn by_reason(dropped: &BTreeMap<String, u64>) -> String {
    let counts: Vec<String> = dropped
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(reason, count)| format!("{reason} {count}"))
        .collect();
    if counts.is_empty() { "none".into() } else { counts.join(", ") }
}
