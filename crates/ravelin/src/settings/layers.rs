//! One layer of settings over another: names, values written as text, and what to say of mistakes.

use anyhow::{Context as _, bail};
use toml::{Table, Value};

use super::near;

/// Whose settings they are.
#[derive(Debug, Clone, Copy)]
pub struct Owner {
    /// The prefix of environment variables that are settings: `RAVELIN_TIMING_RESETTING_MS`.
    pub prefix: &'static str,
    /// Whether every variable with that prefix is meant for it: what is no setting then is a mistake.
    pub alone: bool,
    /// The command that lists them all.
    pub lister: &'static str,
}

/// Those of the server.
pub const SERVER: Owner =
    Owner { prefix: "RAVELIN_", alone: false, lister: "ravelin serve --print-settings" };
/// Those of the agent.
pub const AGENT: Owner =
    Owner { prefix: "RAVELIN_AGENT_", alone: true, lister: "ravelin agent run --print-settings" };

/// Settings that are open: each key in them is a setting of its own.
const OPEN: [&str; 1] = ["gateway.flow.operations"];

/// The names of all settings that a single value can be given to.
pub fn names(table: &Table, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in table {
        let name = format!("{prefix}{key}");
        match value {
            Value::Table(inner) if !inner.is_empty() => found.extend(names(inner, &format!("{name}."))),
            _ => found.push(name),
        }
    }
    found
}

/// Whether there is a setting of this name: a known one, or one in an open setting.
pub fn is_setting(name: &str, known: &[String]) -> bool {
    known.iter().any(|other| other == name) || open_key(name).is_some()
}

/// The open setting that the name is in, and the key in it.
fn open_key(name: &str) -> Option<(&'static str, &str)> {
    OPEN.into_iter().find_map(|open| {
        let key = name.strip_prefix(open)?.strip_prefix('.')?;
        (!key.is_empty() && !key.contains('.')).then_some((open, key))
    })
}

/// The environment variable of a setting.
pub fn variable_of(owner: Owner, name: &str) -> String {
    format!("{}{}", owner.prefix, name.replace('.', "_").to_uppercase())
}

/// Refuses an environment variable that looks like a setting and is none. Others are other programs' business.
///
/// # Errors
/// It begins as a setting does, or nobody else has the prefix.
pub fn refuse_misspelt(owner: Owner, variable: &str, names: &[String]) -> anyhow::Result<()> {
    let first = |name: &str| name.split('_').next().unwrap_or_default().to_owned();
    let known: Vec<String> = names.iter().map(|name| variable_of(owner, name)).collect();
    let Some(rest) = variable.strip_prefix(owner.prefix) else { return Ok(()) };
    let begins = known.iter().filter_map(|name| name.strip_prefix(owner.prefix)).map(first);
    if owner.alone || begins.into_iter().any(|word| word == first(rest)) {
        bail!(
            "the environment variable {variable} is no setting{}; `{}` lists them all",
            near::suggestion(variable, known.iter().map(String::as_str)),
            owner.lister
        );
    }
    Ok(())
}

/// Puts a table over another one, section by section.
pub fn merge(table: &mut Table, over: Table) {
    for (key, value) in over {
        match (table.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(more)) => merge(inner, more),
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}

/// Gives one setting a value written as text: of the type that the setting has.
///
/// # Errors
/// There is no such setting; the text is no value for it.
pub fn assign(table: &mut Table, name: &str, text: &str) -> anyhow::Result<()> {
    let (section, last) = match open_key(name) {
        Some(open) => open,
        None => name.rsplit_once('.').unwrap_or(("", name)),
    };
    let mut place = table;
    for step in section.split('.').filter(|step| !step.is_empty()) {
        place = place.get_mut(step).and_then(Value::as_table_mut).context("there is no such section")?;
    }
    let old = place.get(last);
    if old.is_none() && open_key(name).is_none() {
        bail!("there is no such setting");
    }
    let value = value(name, text, old)?;
    if let Some(old) = old.filter(|old| !value.same_type(old)) {
        bail!("{name} takes {}, not {text:?}", kind(old));
    }
    place.insert(last.into(), value);
    Ok(())
}

fn value(name: &str, text: &str, old: Option<&Value>) -> anyhow::Result<Value> {
    if matches!(old, Some(Value::String(_))) {
        return Ok(Value::String(text.into()));
    }
    // Everything else is written as TOML has it: 5, true, ["a", "b"], { a = 1 }.
    let parsed = format!("value = {}", text.trim()).parse::<Table>().ok();
    if let Some(value) = parsed.filter(|table| table.len() == 1).and_then(|mut table| table.remove("value")) {
        return Ok(value);
    }
    if matches!(old, Some(Value::Array(_))) {
        let items: Vec<String> = text.split(',').map(|item| format!("{:?}", item.trim())).collect();
        bail!("{name} takes a list, written as [{}]", items.join(", "));
    }
    bail!("{name} takes {}, not {text:?}", old.map_or("a whole number from 0", kind))
}

/// What a setting takes, in words.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text in quotation marks",
        Value::Integer(_) => "a whole number from 0",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a time",
        Value::Array(_) => "a list, such as [\"a\", \"b\"]",
        Value::Table(_) => "a table, such as { a = 1 }",
    }
}

/// The message of a reader on one line, without the names of types that only programmers know.
pub fn plain_words(message: &str) -> String {
    let lines: Vec<&str> = message.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut text = lines.join(" ");
    for (words, plain) in [
        ("unknown variant", "unknown word"),
        ("unknown field", "there is no setting"),
        ("expected a sequence", "expected a list"),
        ("expected a map", "expected a table"),
    ] {
        text = text.replace(words, plain);
    }
    let Some((before, after)) = text.split_once("expected ") else { return text };
    let (word, rest) = after.split_once(' ').unwrap_or((after, ""));
    match word {
        "u8" | "u16" | "u32" | "u64" | "usize" | "nonzero" => {
            format!("{before}expected a whole number from 0 {rest}").trim_end().into()
        }
        "i32" | "i64" => format!("{before}expected a whole number {rest}").trim_end().into(),
        "struct" => {
            let rest = rest.split_once(' ').map_or("", |(_, rest)| rest);
            format!("{before}expected a table {rest}").trim_end().into()
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_in_plain_words() {
        let text = plain_words("invalid value: integer `-1`, expected u64\nin `timing.resetting_ms`\n");
        assert_eq!(
            text,
            "invalid value: integer `-1`, expected a whole number from 0 in `timing.resetting_ms`"
        );
        let text = plain_words("invalid type: integer `1`, expected struct HttpLimits\nin `http`\n");
        assert_eq!(text, "invalid type: integer `1`, expected a table in `http`");
    }
}
