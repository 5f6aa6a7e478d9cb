//! What people and programs are shown of a lab.

use std::{fmt::Write as _, io};

use lab::{
    Applied, Progress, Step,
    status::{ClassStatus, DropStatus, FLOWS_MAX, FlowStatus, InterfaceStatus, Status},
};
use serde_json::json;

use crate::output::{self, OutputFormat};

/// The columns of flows.
const FLOW_COLUMNS: [&str; 8] = ["interface", "flow", "rule", "state", "age", "idle", "packets", "bytes"];
/// How many characters these columns need to be read with ease.
const FLOW_CHARACTERS: usize = 140;

/// Shows what an apply does while it does it. That nobody reads it any more, or that it cannot be written, is no reason to
/// leave a lab half made: it is said at the end.
#[derive(Debug, Default)]
pub struct Told {
    failed: Option<io::Error>,
}

impl Told {
    /// Shows it.
    pub fn tell(&mut self, lab: &str, progress: Progress<'_>) {
        let text = match progress {
            Progress::Planned { generation, steps } => title(lab, generation, steps),
            Progress::Done(step) => return self.step(step),
        };
        self.say(&text);
    }

    /// Shows a step that is done.
    pub fn step(&mut self, step: &Step) {
        self.say(&format!("  {step}"));
    }

    /// Says something. What becomes of the lab does not depend on whether anybody hears it.
    pub fn say(&mut self, text: &str) {
        if self.failed.is_none() {
            self.failed = output::try_line(text).err();
        }
    }

    /// Says whether all of it was shown.
    ///
    /// # Errors
    /// It could not be written.
    pub fn end(self) -> anyhow::Result<()> {
        self.failed.map_or(Ok(()), output::unwritten)
    }
}

fn title(lab: &str, generation: u64, steps: usize) -> String {
    let count = match steps {
        0 => "nothing to do".to_owned(),
        1 => "1 step".to_owned(),
        many => format!("{many} steps"),
    };
    format!("lab {lab}, generation {generation}: {count}")
}

/// Shows what an apply did, or would do.
///
/// # Errors
/// It cannot be written.
pub fn applied(lab: &str, applied: &Applied, dry_run: bool, format: OutputFormat) -> anyhow::Result<()> {
    let steps = texts(&applied.steps);
    if format == OutputFormat::Json {
        let value = json!({
            "lab": lab, "generation": applied.generation, "dry_run": dry_run, "steps": steps,
        });
        return output::line(&serde_json::to_string_pretty(&value)?);
    }
    let tense = if dry_run { " (not carried out)" } else { "" };
    output::line(&listed(&format!("{}{tense}", title(lab, applied.generation, steps.len())), &steps))
}

/// Shows what was removed, as JSON.
///
/// # Errors
/// It cannot be written.
pub fn removed(lab: &str, steps: &[Step]) -> anyhow::Result<()> {
    output::line(&serde_json::to_string_pretty(&json!({ "lab": lab, "steps": texts(steps) }))?)
}

/// Says that there is nothing to remove.
///
/// # Errors
/// It cannot be written.
pub fn nothing_to_remove(lab: Option<&str>, format: OutputFormat) -> anyhow::Result<()> {
    if format == OutputFormat::Json {
        return output::line(&serde_json::to_string_pretty(&json!({ "lab": lab, "steps": [] }))?);
    }
    output::line(&match lab {
        Some(lab) => format!("there is nothing of lab {lab} on this host"),
        None => "there is no lab on this host".to_owned(),
    })
}

fn texts(steps: &[Step]) -> Vec<String> {
    steps.iter().map(Step::to_string).collect()
}

fn listed(title: &str, steps: &[String]) -> String {
    steps.iter().fold(title.to_owned(), |text, step| text + "\n  " + step)
}

/// How a lab stands, for people.
pub fn status(status: &Status) -> String {
    let mut text = format!("lab {}, generation {}", status.lab, status.generation);
    if !status.complete {
        text.push_str(" (not carried out to its end: apply the file again)");
    }
    // Generation and stamp are the class's, and stand there.
    let columns = ["interface", "host device", "network", "addresses", "groups", "class", "flows"];
    let _ = write!(text, "\n\n{}", output::table(&columns, status.interfaces.iter().map(interface)));
    let columns = ["class", "groups", "interfaces", "generation", "stamp", "rules"];
    let _ = write!(text, "\n\n{}", output::table(&columns, status.classes.iter().map(class)));
    let rules: Vec<Vec<String>> = status.classes.iter().flat_map(rules).collect();
    let _ = write!(text, "\n\n{}", output::table(&["class", "group", "rule", "decisions"], rules));
    let drops: Vec<Vec<String>> = status.interfaces.iter().flat_map(drops).collect();
    if !drops.is_empty() {
        let _ = write!(text, "\n\n{}", output::table(&["interface", "dropped because", "packets"], drops));
    }
    if let Some(flows) = &status.flows {
        let _ = write!(text, "\n\n{}{}", flow_table(flows, output::width()), unlisted(flows));
    }
    text
}

/// Which interfaces have as many flows as are listed of one, and perhaps more.
fn unlisted(flows: &[FlowStatus]) -> String {
    let of_interfaces = flows.chunk_by(|one, other| one.interface == other.interface);
    let full: Vec<&str> =
        of_interfaces.filter(|of| of.len() >= FLOWS_MAX).map(|of| of[0].interface.as_str()).collect();
    if full.is_empty() {
        return String::new();
    }
    format!("\n(at most {FLOWS_MAX} flows of an interface are listed; {} may have more)", full.join(", "))
}

fn name(of: &InterfaceStatus) -> String {
    format!("{}/{}", of.instance, of.device)
}

fn number(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".into(), |value| value.to_string())
}

fn interface(of: &InterfaceStatus) -> Vec<String> {
    let addresses: Vec<String> = of.addresses.iter().map(ToString::to_string).collect();
    let class = match (of.enforced, of.class) {
        (false, _) => "NOT ENFORCED".into(),
        (true, None) => "closed".into(),
        (true, Some(class)) => class.to_string(),
    };
    let groups = if of.groups.is_empty() { "-".into() } else { of.groups.join(" ") };
    vec![
        name(of),
        of.host_device.clone(),
        of.network.clone(),
        addresses.join(" "),
        groups,
        class,
        of.flows.to_string(),
    ]
}

fn class(of: &ClassStatus) -> Vec<String> {
    let groups = match &of.groups {
        None => "(not in the file)".into(),
        Some(groups) if groups.is_empty() => "(no groups)".into(),
        Some(groups) => groups.join(" "),
    };
    // Each direction has what happens where no rule matches, beside its rules.
    let rules = of.rules.len().saturating_sub(2);
    vec![
        of.class.to_string(),
        groups,
        of.interfaces.to_string(),
        number(of.generation),
        number(of.stamp),
        rules.to_string(),
    ]
}

fn rules(of: &ClassStatus) -> Vec<Vec<String>> {
    let row = |rule: &lab::status::RuleStatus| {
        let text = match rule.group {
            None => format!("{}, {}", rule.direction, rule.rule),
            Some(_) => rule.rule.clone(),
        };
        vec![of.class.to_string(), number(rule.group.as_ref()), text, rule.decisions.to_string()]
    };
    of.rules.iter().map(row).collect()
}

fn drops(of: &InterfaceStatus) -> Vec<Vec<String>> {
    let row = |(reason, count): (&&str, &u64)| vec![name(of), (*reason).to_owned(), count.to_string()];
    of.drops.iter().map(row).collect()
}

/// Flows, a line each where there is room for so many columns, otherwise two columns with what is known in lines.
fn flow_table(flows: &[FlowStatus], width: usize) -> String {
    if flows.is_empty() {
        return "no flows".into();
    }
    let rows = flows.iter().map(flow);
    if width >= FLOW_CHARACTERS {
        return output::table(&FLOW_COLUMNS, rows.map(Vec::from));
    }
    let narrow = rows.map(|[interface, flow, rule, state, age, idle, packets, bytes]| {
        let known = format!("{state}, {age} old, idle {idle}, {packets} packets, {bytes} bytes");
        vec![interface, [flow, rule, known].join("\n")]
    });
    output::table_of_lines(&["interface", "flow, rule, state"], narrow)
}

fn flow(of: &FlowStatus) -> [String; FLOW_COLUMNS.len()] {
    let state = if of.alive { of.state.to_owned() } else { "cut".to_owned() };
    [
        of.interface.clone(),
        of.flow.clone(),
        of.rule.clone(),
        state,
        format!("{:.0} s", of.age_seconds),
        format!("{:.0} s", of.idle_seconds),
        of.packets.to_string(),
        of.bytes.to_string(),
    ]
}

/// A packet that was dropped, on one line.
pub fn dropped(of: &DropStatus) -> String {
    let interface = of.interface.as_deref().unwrap_or("a device that is not bound");
    let rule = of.rule.as_ref().map_or_else(String::new, |rule| format!(" ({rule})"));
    format!("{interface}: {} {} dropped: {}{rule}", of.direction, of.packet, of.reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_are_shown_on_wide_and_on_narrow_terminals() {
        let flow = FlowStatus {
            interface: "web-1/eth0".into(),
            flow: "ingress tcp 10.77.1.5:50396 > 10.77.1.11:80".into(),
            rule: "web: ingress accept tcp to port 80".into(),
            state: "established",
            alive: true,
            age_seconds: 61.2,
            idle_seconds: 0.4,
            packets: 12,
            bytes: 1143,
        };
        assert_eq!(flow_table(&[], 80), "no flows");
        assert_eq!(
            flow_table(std::slice::from_ref(&flow), FLOW_CHARACTERS - 1),
            "INTERFACE   FLOW, RULE, STATE\n\
             web-1/eth0  ingress tcp 10.77.1.5:50396 > 10.77.1.11:80\n            \
             web: ingress accept tcp to port 80\n            \
             established, 61 s old, idle 0 s, 12 packets, 1143 bytes"
        );
        let wide = flow_table(&[FlowStatus { alive: false, ..flow.clone() }], FLOW_CHARACTERS);
        assert_eq!(wide.lines().count(), 2, "{wide}");
        assert!(wide.contains("web: ingress accept tcp to port 80  cut"), "{wide}");
        assert_eq!(unlisted(&[]), "");
        let full = vec![flow; FLOWS_MAX];
        assert_eq!(
            unlisted(&full),
            "\n(at most 1000 flows of an interface are listed; web-1/eth0 may have more)"
        );
    }
}
