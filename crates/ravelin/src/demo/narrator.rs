//! How the demo is told: numbered steps for people, a JSON object a step for programs.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use serde_json::{Value, json};

use crate::output::{self, Mark, marked};
use anyhow::anyhow;

/// One step, when it is over.
pub(super) struct Step<'a> {
    /// What it is about.
    pub(super) title: &'a str,
    /// Who called.
    pub(super) caller: &'a str,
    /// The product's subcommand, such as `ens`.
    pub(super) product: &'a str,
    /// The operation.
    pub(super) operation: &'a str,
    /// What was sent.
    pub(super) parameters: &'a [(String, String)],
    /// For how many seconds the answer was to wait until the change is in force.
    pub(super) wait_seconds: Option<u32>,
    /// How many calls it took: more than one where it waited.
    pub(super) calls: usize,
    /// The HTTP status of the last answer.
    pub(super) status: u16,
    /// Its body, without secrets.
    pub(super) body: &'a Value,
    /// The generation that the change made.
    pub(super) generation: Option<u64>,
    /// How long the step took, in milliseconds.
    pub(super) milliseconds: f64,
    /// What is worth seeing of the answer; or what was expected, and what came instead.
    pub(super) result: Result<Vec<(&'static str, String)>, String>,
}

/// A step that calls nobody: something is looked at.
pub(super) struct Look<'a> {
    /// What it is about.
    pub(super) title: &'a str,
    /// What is looked at.
    pub(super) subject: &'a str,
    /// What is seen, for people: the heads of the columns, and the rows.
    pub(super) table: Option<(&'a [&'static str], Vec<Vec<String>>)>,
    /// What is seen, for programs: its name, and itself.
    pub(super) seen: (&'static str, Value),
    /// How long the step took, in milliseconds.
    pub(super) milliseconds: f64,
    /// What is worth saying; or what was expected, and what is so instead.
    pub(super) result: Result<String, String>,
}

/// The longest line of running text, in characters.
const WIDTH_MAX: usize = 100;

/// Tells the steps.
pub(super) struct Narrator {
    json: bool,
    told: usize,
    calls: usize,
    unheard: Option<io::Error>,
    hushed: Arc<AtomicBool>,
}

impl Narrator {
    /// A narrator for people, or for programs.
    pub(super) fn new(json: bool) -> Self {
        Self { json, told: 0, calls: 0, unheard: None, hushed: Arc::default() }
    }

    /// Where it can be said that nothing more is to be told: the demo was interrupted, and what fails then is no news.
    pub(super) fn hush(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.hushed)
    }

    /// Why nobody hears the story any more, once that is so.
    pub(super) fn unheard(&mut self) -> Option<anyhow::Error> {
        let error = self.unheard.take()?;
        Some(match error.kind() {
            io::ErrorKind::BrokenPipe => anyhow!("nobody reads standard output any more"),
            _ => anyhow!(error).context(output::UNWRITABLE),
        })
    }

    fn say(&mut self, text: &str) {
        if self.hushed.load(Relaxed) {
            return;
        }
        if let Err(error) = output::try_line(text) {
            self.unheard.get_or_insert(error);
        }
    }

    /// Says where the story takes place.
    pub(super) fn begin(&mut self, url: &str) {
        if self.json {
            return;
        }
        let intro = format!(
            "An embedded server answers at {url}; its data is removed at the end. Every step is a real HTTP request, \
             signed with ACS3-HMAC-SHA256 as the official SDKs sign theirs, and 200 means on disk."
        );
        self.say(&format!(
            "{}\n\n{}\n",
            marked("Ravelin: an instance joins a security group and leaves it", Mark::Strong),
            output::wrapped(&intro, output::width().min(WIDTH_MAX))
        ));
    }

    /// Begins a part of the story.
    pub(super) fn part(&mut self, title: &str) {
        if !self.json {
            self.say(&format!("{}\n", marked(title, Mark::Strong)));
        }
    }

    /// Tells a step.
    pub(super) fn step(&mut self, step: &Step<'_>) {
        self.told += 1;
        self.calls += step.calls;
        if self.json {
            let told = self.as_json(step).to_string();
            self.say(&told);
        } else {
            let told = self.as_text(step);
            self.say(&told);
        }
    }

    /// Tells a step that called nobody.
    pub(super) fn look(&mut self, look: &Look<'_>) {
        self.told += 1;
        let told = if self.json { self.look_as_json(look).to_string() } else { self.look_as_text(look) };
        self.say(&told);
    }

    /// Tells why a part of the story is left out, and what it would show.
    pub(super) fn left_out(&mut self, part: &str, why: &str, advice: &str) {
        if self.json {
            self.say(&json!({ "left_out": part, "why": why }).to_string());
        } else {
            let text = format!("Left out: {part}, since {why}. {advice}");
            let text = output::wrapped(&text, output::width().min(WIDTH_MAX));
            self.say(&format!("{}\n", marked(&text, Mark::Faint)));
        }
    }

    /// Says how it went, and what to do next.
    pub(super) fn end(&mut self, succeeded: bool) {
        if self.json {
            return;
        }
        if !succeeded {
            self.say(&marked("The story ends here: a step did not do what it should.", Mark::Bad));
            return;
        }
        let all = format!("All {} steps ({} calls) did what they should.", self.told, self.calls);
        let program =
            std::env::args().next().filter(|name| name.contains('/')).unwrap_or_else(|| "ravelin".into());
        self.say(&format!(
            "{}\n\n{}\n\n  # In one terminal; it shows a root access key, once:\n  {program} serve\n\n  # In another:\n  \
             export RAVELIN_ACCESS_KEY_ID=... RAVELIN_ACCESS_KEY_SECRET=...\n  {program} ens CreateSecurityGroup \
             --SecurityGroupName web\n  {program} ens RunInstances --EnsRegionId edge-1\n  # The instance takes \
             about a second to be Running; before that it may not join.\n  {program} ens JoinSecurityGroup --SecurityGroupId sg-... --InstanceId i-...\n  {program} ens LeaveSecurityGroup \
             --SecurityGroupId sg-... --InstanceId i-...\n\n  # With an agent, whose host runs instances as namespaces: \
             a server for nodes, and, as root, a node.\n  {program} serve --node-listen 127.0.0.1:8019\n  {program} api CreateNodeToken \
             --EnsRegionId edge-1 --Lab true   # put the Token into the file token\n  sudo {program} agent join --server \
             127.0.0.1:8019 --token-file token\n  sudo {program} agent run\n  # RunInstances and JoinSecurityGroup as \
             above, with --wait 10; then, as root: {program} agent status\n\nThe official SDKs do the same, unchanged: \
             Config(endpoint='127.0.0.1:8017', protocol='http', ...).\nREADME.md has an example; docs/reference has one \
             for every operation.",
            marked(&all, Mark::Good),
            marked("Do it yourself:", Mark::Strong),
        ));
    }

    fn as_text(&self, step: &Step<'_>) -> String {
        let parameters: Vec<String> =
            step.parameters.iter().map(|(name, value)| format!("--{name} {}", quoted(value))).collect();
        let call = format!("{} {} {}", step.product, step.operation, parameters.join(" "));
        let mut caller =
            if step.caller == "root" { String::new() } else { format!("  (as {})", step.caller) };
        if let Some(seconds) = step.wait_seconds {
            caller.push_str(&format!("  (x-ravelin-wait: {seconds})"));
        }
        let mut text = format!(
            "{:>3}  {}\n     {}{}\n",
            self.told,
            step.title,
            marked(call.trim_end(), Mark::Faint),
            marked(&caller, Mark::Faint)
        );
        let (sign, mark) = if step.result.is_ok() { ("ok", Mark::Good) } else { ("FAILED", Mark::Bad) };
        let mut facts = vec![format!("{:.1} ms", step.milliseconds)];
        if step.calls > 1 {
            facts.push(format!("{} calls", step.calls));
        }
        facts.extend(step.generation.map(|generation| format!("generation {generation}")));
        let code = step.body.get("Code").and_then(Value::as_str);
        let code = code.map(|code| format!(" {code}")).filter(|_| step.status != 200).unwrap_or_default();
        text.push_str(&format!(
            "     {}  HTTP {}{}  {}\n",
            marked(sign, mark),
            step.status,
            marked(&code, Mark::Strong),
            marked(&facts.join(", "), Mark::Faint)
        ));
        match &step.result {
            Ok(shown) => {
                for (path, value) in shown {
                    let name = path.rsplit('.').next().unwrap_or(path).trim_end_matches("[]");
                    text.push_str(&format!("         {name}: {value}\n"));
                }
            }
            Err(problem) => text.push_str(&format!("         {}\n", marked(problem, Mark::Bad))),
        }
        text
    }

    fn look_as_text(&self, look: &Look<'_>) -> String {
        let (sign, said, mark) = match &look.result {
            Ok(said) => ("ok", said, Mark::Good),
            Err(problem) => ("FAILED", problem, Mark::Bad),
        };
        let mut text = format!("{:>3}  {}\n", self.told, look.title);
        if !look.subject.is_empty() {
            text.push_str(&format!("     {}\n", marked(look.subject, Mark::Faint)));
        }
        if let Some((columns, rows)) = &look.table {
            let table = output::table(columns, rows.iter().cloned());
            let mut lines = table.lines();
            text.extend(lines.next().map(|heads| format!("         {}\n", marked(heads, Mark::Faint))));
            text.extend(lines.map(|line| format!("         {line}\n")));
        }
        let said = if look.result.is_ok() { said.clone() } else { marked(said, mark) };
        text.push_str(&format!("     {}  {said}\n", marked(sign, mark)));
        text
    }

    fn look_as_json(&self, look: &Look<'_>) -> Value {
        json!({
            "step": self.told,
            "title": look.title,
            "subject": look.subject,
            "milliseconds": (look.milliseconds * 1_000.0).round() / 1_000.0,
            look.seen.0: look.seen.1,
            "ok": look.result.is_ok(),
            "said": look.result.as_ref().ok(),
            "problem": look.result.as_ref().err(),
        })
    }

    fn as_json(&self, step: &Step<'_>) -> Value {
        let parameters: serde_json::Map<String, Value> =
            step.parameters.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        json!({
            "step": self.told,
            "title": step.title,
            "caller": step.caller,
            "product": step.product,
            "operation": step.operation,
            "parameters": parameters,
            "wait_seconds": step.wait_seconds,
            "calls": step.calls,
            "status": step.status,
            "milliseconds": (step.milliseconds * 1_000.0).round() / 1_000.0,
            "generation": step.generation,
            "answer": step.body,
            "ok": step.result.is_ok(),
            "problem": step.result.as_ref().err(),
        })
    }
}

fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.into() } else { format!("'{text}'") }
}
