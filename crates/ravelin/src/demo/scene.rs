//! What the story is played with: callers, calls, and what is expected of an answer.

use std::{
    thread,
    time::{Duration, Instant, SystemTime},
};

use anyhow::anyhow;
use serde_json::Value;
use wire::catalogue::{self, Product, value_at};

use super::narrator::{Look, Narrator, Step};
use crate::client::{Client, Credentials, Reply, Trust};

/// How long a step waits for something to come about.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(50);
/// What stands in place of a secret.
const HIDDEN: &str = "(hidden)";

/// What is shown of an answer; or what was expected of it and did not come.
pub(super) type Judgement = Result<Vec<(&'static str, String)>, String>;

/// The story cannot go on. What is wrong was told with the step.
#[derive(Debug)]
pub(super) enum Stop {
    /// A step did not do what it should.
    Failed,
    /// A call could not be made at all.
    Broken(anyhow::Error),
}

/// Somebody who calls.
pub(super) struct Caller {
    name: String,
    client: Client,
}

/// An answer, and when it was asked for and came.
pub(super) struct Answered {
    /// The answer.
    pub(super) reply: Reply,
    /// When the call was made.
    pub(super) asked: SystemTime,
    /// When the answer was there.
    pub(super) answered: SystemTime,
}

/// What is looked at in a step that calls nobody.
pub(super) struct Seen {
    /// For people: the heads of the columns, and the rows.
    pub(super) table: Option<(&'static [&'static str], Vec<Vec<String>>)>,
    /// For programs: its name, and itself.
    pub(super) json: (&'static str, Value),
    /// What is worth saying; or what was expected, and what is so instead.
    pub(super) result: Result<String, String>,
}

/// A server and a narrator.
pub(super) struct Scene {
    url: String,
    /// Who tells the steps.
    pub(super) narrator: Narrator,
}

impl Scene {
    /// A scene on the server at this address.
    pub(super) fn new(url: &str, narrator: Narrator) -> Self {
        Self { url: url.into(), narrator }
    }

    /// The server's address.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Somebody who calls with this access key.
    ///
    /// # Errors
    /// The server's address is none.
    pub(super) fn caller(&self, name: &str, credentials: Credentials) -> Result<Caller, Stop> {
        let client = Client::new(&self.url, credentials, &Trust::System).map_err(Stop::Broken)?;
        Ok(Caller { name: name.into(), client })
    }

    /// A step: one call, and what is made of its answer.
    ///
    /// # Errors
    /// The step did not do what it should.
    pub(super) fn call(
        &mut self,
        caller: &Caller,
        title: &str,
        operation: (Product, &str),
        parameters: &[(&str, &str)],
        judge: impl Fn(&Reply) -> Judgement,
    ) -> Result<Reply, Stop> {
        self.wait(caller, title, operation, parameters, |reply| Some(judge(reply)))
    }

    /// A step: the same call again and again, until something can be made of its answer.
    ///
    /// # Errors
    /// The step did not do what it should, or nothing came of it in time.
    pub(super) fn wait(
        &mut self,
        caller: &Caller,
        title: &str,
        operation: (Product, &str),
        parameters: &[(&str, &str)],
        judge: impl FnMut(&Reply) -> Option<Judgement>,
    ) -> Result<Reply, Stop> {
        Ok(self.step(caller, title, operation, parameters, None, judge)?.reply)
    }

    /// A step: one call, whose answer comes when the change is in force.
    ///
    /// # Errors
    /// The step did not do what it should.
    pub(super) fn enforce(
        &mut self,
        caller: &Caller,
        title: &str,
        operation: (Product, &str),
        parameters: &[(&str, &str)],
        judge: impl Fn(&Reply) -> Judgement,
    ) -> Result<Answered, Stop> {
        let seconds = u32::try_from(PATIENCE.as_secs()).ok();
        self.step(caller, title, operation, parameters, seconds, |reply| Some(judge(reply)))
    }

    fn step(
        &mut self,
        caller: &Caller,
        title: &str,
        (product, name): (Product, &str),
        parameters: &[(&str, &str)],
        wait_seconds: Option<u32>,
        mut judge: impl FnMut(&Reply) -> Option<Judgement>,
    ) -> Result<Answered, Stop> {
        let operation = catalogue::find(product, name);
        let operation = operation.ok_or_else(|| Stop::Broken(anyhow!("there is no operation {name}")))?;
        let parameters: Vec<(String, String)> =
            parameters.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let started = Instant::now();
        let mut calls = 0;
        let (answer, result) = loop {
            let asked = SystemTime::now();
            let reply = caller.client.call(operation, &parameters, wait_seconds).map_err(Stop::Broken)?;
            let answer = Answered { reply, asked, answered: SystemTime::now() };
            calls += 1;
            if let Some(result) = judge(&answer.reply) {
                break (answer, result);
            }
            if started.elapsed() > PATIENCE {
                let waited = format!("expected this within {} s; {}", PATIENCE.as_secs(), got(&answer.reply));
                break (answer, Err(waited));
            }
            thread::sleep(PAUSE);
        };
        let (failed, reply) = (result.is_err(), &answer.reply);
        self.narrator.step(&Step {
            title,
            caller: &caller.name,
            product: product.subcommand(),
            operation: name,
            parameters: &parameters,
            wait_seconds,
            calls,
            status: reply.status,
            body: &without_secrets(reply.body.clone()),
            generation: reply.generation,
            milliseconds: started.elapsed().as_secs_f64() * 1_000.0,
            result,
        });
        self.told(failed)?;
        Ok(answer)
    }

    /// A step that calls nobody: looks at something.
    ///
    /// # Errors
    /// It could not be looked at, or is not what it should be.
    pub(super) fn look(
        &mut self,
        title: &str,
        subject: &str,
        look: impl FnOnce() -> anyhow::Result<Seen>,
    ) -> Result<(), Stop> {
        let started = Instant::now();
        let seen = look().map_err(Stop::Broken)?;
        let failed = seen.result.is_err();
        self.narrator.look(&Look {
            title,
            subject,
            table: seen.table.as_ref().map(|(columns, rows)| (*columns, rows.clone())),
            seen: seen.json,
            milliseconds: started.elapsed().as_secs_f64() * 1_000.0,
            result: seen.result,
        });
        self.told(failed)
    }

    fn told(&mut self, failed: bool) -> Result<(), Stop> {
        if let Some(error) = self.narrator.unheard() {
            return Err(Stop::Broken(error));
        }
        if failed { Err(Stop::Failed) } else { Ok(()) }
    }
}

fn without_secrets(mut body: Value) -> Value {
    for path in ["/AccessKey/AccessKeySecret", "/Token"] {
        if let Some(secret) = body.pointer_mut(path) {
            *secret = HIDDEN.into();
        }
    }
    body
}

fn got(reply: &Reply) -> String {
    let text = |name: &str| reply.body.get(name).and_then(Value::as_str).unwrap_or("-");
    match reply.error_code() {
        None => format!("got HTTP {}: {}", reply.status, without_secrets(reply.body.clone())),
        Some(code) => format!("got HTTP {} {code}: {}", reply.status, text("Message")),
    }
}

/// The call succeeded.
pub(super) fn done(reply: &Reply) -> Judgement {
    if reply.status == 200 { Ok(Vec::new()) } else { Err(format!("expected HTTP 200; {}", got(reply))) }
}

/// The call succeeded, and these fields are worth seeing.
pub(super) fn shows(reply: &Reply, paths: &[&'static str]) -> Judgement {
    done(reply)?;
    Ok(paths.iter().map(|path| (*path, texts(reply, path).join(", "))).collect())
}

/// The call succeeded, and this field is just that.
pub(super) fn is(reply: &Reply, path: &'static str, expected: &[&str]) -> Judgement {
    done(reply)?;
    let found = texts(reply, path);
    if found == expected {
        let shown = if found.is_empty() { "none".into() } else { found.join(", ") };
        return Ok(vec![(path, shown)]);
    }
    Err(format!("expected {path} to be [{}]; got [{}]", expected.join(", "), found.join(", ")))
}

/// The call was refused with this HTTP status and code, and the message has all these words in it.
pub(super) fn refused(reply: &Reply, status: u16, code: &str, words: &[&str]) -> Judgement {
    let message = reply.body.get("Message").and_then(Value::as_str).unwrap_or_default();
    let named = words.iter().all(|word| message.contains(word));
    if reply.status == status && reply.error_code() == Some(code) && named {
        return Ok(vec![("Message", message.into())]);
    }
    let naming = if words.is_empty() { String::new() } else { format!(" naming {}", words.join(" and ")) };
    Err(format!("expected HTTP {status} {code}{naming}; {}", got(reply)))
}

/// What stands at a path, as texts.
pub(super) fn texts(reply: &Reply, path: &str) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), Into::into);
    value_at(&reply.body, path).into_iter().map(text).collect()
}

/// The one text that stands at a path.
///
/// # Errors
/// There is none.
pub(super) fn one(reply: &Reply, path: &str) -> Result<String, Stop> {
    let found = texts(reply, path).into_iter().next();
    found.ok_or_else(|| Stop::Broken(anyhow!("the answer has no {path}")))
}
