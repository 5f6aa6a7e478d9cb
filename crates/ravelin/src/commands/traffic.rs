//! What looking at flows and drops has in common: an operation that is called once, or again and again until Ctrl-C.

use std::{future::Future, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context as _;
use serde_json::Value;
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
    task::spawn_blocking,
    time::sleep,
};
use wire::catalogue::{self, Operation, Product};

use super::product::{self, ServerAccess};
use crate::{
    client::{Client, Reply},
    output::{self, OutputFormat},
};

/// The first pause after what may pass by itself; it doubles with each further one.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(15);

/// Codes of what passes by itself: whoever follows goes on then.
const PASSING: [&str; 6] = [
    "InvalidOperation.NodeNotConnected",
    "InvalidOperation.NodeNotAnswering",
    "InvalidOperation.NodeBusy",
    "InvalidOperation.NodeCannotSay",
    "Throttling.User",
    "ServiceUnavailable",
];

/// An operation of a server.
pub(super) struct Caller {
    client: Arc<Client>,
    operation: &'static Operation,
    /// The command to look up.
    command: &'static str,
    format: OutputFormat,
}

/// What came of a call.
pub(super) enum Called {
    /// The answer.
    Answer(Value),
    /// It was refused, which was printed.
    Refused(ExitCode),
}

impl Caller {
    /// Of an operation of the product Ravelin.
    ///
    /// # Errors
    /// As [`ServerAccess::client`].
    pub(super) fn of(
        name: &str,
        command: &'static str,
        access: &ServerAccess,
        format: OutputFormat,
    ) -> anyhow::Result<Self> {
        let operation = catalogue::find(Product::Ravelin, name);
        let operation = operation.with_context(|| format!("this program has no operation {name}"))?;
        Ok(Self { client: Arc::new(access.client()?), operation, command, format })
    }

    /// Calls it once.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub(super) fn call(&self, sent: &[(String, String)]) -> anyhow::Result<Called> {
        let reply = self.client.call(self.operation, sent, None)?;
        self.called(reply, sent)
    }

    fn called(&self, reply: Reply, sent: &[(String, String)]) -> anyhow::Result<Called> {
        if reply.error_code().is_none() {
            return Ok(Called::Answer(reply.body));
        }
        let code = product::refused(self.operation, &reply, self.format, (sent, self.command))?;
        Ok(Called::Refused(code))
    }

    /// Calls it, and goes on through what passes by itself, which is said once.
    ///
    /// # Errors
    /// What came of it cannot be written.
    pub(super) async fn call_on(&self, sent: Vec<(String, String)>) -> anyhow::Result<Called> {
        let (mut pause, mut told) = (PAUSE, false);
        loop {
            let (client, operation) = (Arc::clone(&self.client), self.operation);
            let own = sent.clone();
            let reply = spawn_blocking(move || client.call(operation, &own, None)).await?;
            let why = match reply {
                Ok(reply) if reply.error_code().is_some_and(|code| PASSING.contains(&code)) => {
                    let message = reply.body.get("Message").and_then(Value::as_str);
                    message.unwrap_or("the server cannot answer now").to_owned()
                }
                Ok(reply) => {
                    if told {
                        output::note("ravelin: it answers again");
                    }
                    return self.called(reply, &sent);
                }
                Err(error) => format!("{error:#}"),
            };
            if !std::mem::replace(&mut told, true) {
                let why = why.trim_end_matches('.');
                output::note(&format!("ravelin: {why}. It is asked again until it answers."));
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

/// Runs what follows something until it ends by itself, or by Ctrl-C or SIGTERM, which is how it ends well.
///
/// # Errors
/// What it ended with.
pub(super) fn until_interrupted(
    follow: impl Future<Output = anyhow::Result<ExitCode>>,
) -> anyhow::Result<ExitCode> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::select! {
            ended = follow => ended,
            _ = interrupt.recv() => Ok(ExitCode::SUCCESS),
            _ = terminate.recv() => Ok(ExitCode::SUCCESS),
        }
    });
    // A call that is under way ends with the process.
    runtime.shutdown_background();
    ended
}

/// A parameter of a call.
pub(super) fn sent(name: &str, value: impl ToString) -> (String, String) {
    (name.to_owned(), value.to_string())
}

/// The text of a field; empty where it is not there.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The number of a field; 0 where it is not there.
pub(super) fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or_default()
}

/// The list at a pointer.
pub(super) fn list<'a>(answer: &'a Value, pointer: &str) -> &'a [Value] {
    answer.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Which node says so, and what is in force there: the first line for people.
pub(super) fn title(answer: &Value) -> String {
    let [interface, node, name] =
        ["NetworkInterfaceId", "NodeId", "NodeName"].map(|field| text(answer, field));
    let generation = match answer.get("ConfirmedGeneration") {
        Some(generation) => format!("generation {generation} confirmed"),
        None => "no generation confirmed".to_owned(),
    };
    format!("{interface} at {node} ({name}), {generation}")
}

/// What decided, for people.
pub(super) fn decided(of: &Value) -> String {
    match text(of, "DecidedBy") {
        "Rule" => format!("{}: {}", text(of, "SecurityGroupId"), text(of, "Rule")),
        "NoRule" => "no rule is about it".to_owned(),
        "Exempt" => "no rule is asked".to_owned(),
        "EarlierRules" => "one of earlier rules; its next packet is judged anew".to_owned(),
        _ => String::new(),
    }
}
