//! From the parameters of an operation to a form, and from what was filled in to values.

use maud::{Markup, html};
use wire::{
    catalogue::{Kind, Operation, Parameter},
    reference,
    snippet::{self, Given},
};

use crate::{
    form::Form,
    view::{self, fields::Field},
};

/// The name of the boxes that say which parameters are sent empty.
const EMPTIED: &str = "emptied";

/// What somebody filled in.
pub(super) struct Filled {
    operation: &'static Operation,
    /// Each parameter with its text; empty: it is not given.
    texts: Vec<(&'static Parameter, String)>,
    emptied: Vec<String>,
}

/// A parameter whose text is none that it can have, and why.
pub(super) type Problem = (&'static str, String);

/// What a parameter asks of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// It must be given.
    Always,
    /// It, or another of its set.
    OneOfThem,
    /// It may be left out.
    Never,
}

impl Filled {
    /// What a query string or a form says.
    pub(super) fn read(operation: &'static Operation, form: &Form) -> Self {
        let text = |parameter: &'static Parameter| {
            let found = form.pairs().find(|(name, _)| *name == parameter.name);
            // Browsers end the lines of what people type with two characters.
            (parameter, found.map(|(_, text)| text.replace("\r\n", "\n")).unwrap_or_default())
        };
        let emptied =
            form.pairs().filter(|(name, _)| *name == EMPTIED).map(|(_, value)| value.to_owned()).collect();
        Self { operation, texts: parameters(operation).map(text).collect(), emptied }
    }

    /// The example of the operation.
    pub(super) fn example(operation: &'static Operation) -> Self {
        let examples = reference::given(operation);
        let text = |parameter: &'static Parameter| {
            let example = examples.iter().find(|given| given.parameter.name == parameter.name);
            (parameter, example.map(shown).unwrap_or_default())
        };
        Self { operation, texts: parameters(operation).map(text).collect(), emptied: Vec::new() }
    }

    fn text(&self, name: &str) -> &str {
        self.texts.iter().find(|(parameter, _)| parameter.name == name).map_or("", |(_, text)| text)
    }

    fn is_emptied(&self, parameter: &Parameter) -> bool {
        can_be_emptied(parameter) && self.emptied.iter().any(|name| name == parameter.name)
    }

    /// The parameters that are given, with their values.
    ///
    /// # Errors
    /// The texts that are no values.
    pub(super) fn given(&self) -> Result<Vec<Given>, Vec<Problem>> {
        let (mut given, mut problems) = (Vec::new(), Vec::new());
        for (parameter, text) in &self.texts {
            if text.contains('\0') {
                problems.push((parameter.name, "it has a character that no client can send".into()));
                continue;
            }
            match snippet::given(parameter, text) {
                Ok(Some(value)) => given.push(value),
                Ok(None) if self.is_emptied(parameter) => {
                    given.push(Given { parameter, value: "".into() });
                }
                Ok(None) => {}
                Err(problem) => problems.push((parameter.name, problem)),
            }
        }
        if problems.is_empty() { Ok(given) } else { Err(problems) }
    }

    /// What was filled in, without passwords, as it would be read again.
    pub(super) fn open_pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let is_open = |(parameter, text): &&(&'static Parameter, String)| {
            !text.is_empty() && parameter.kind != Kind::Password
        };
        let texts =
            self.texts.iter().filter(is_open).map(|(parameter, text)| (parameter.name, text.as_str()));
        texts.chain(self.emptied.iter().map(|name| (EMPTIED, name.as_str())))
    }

    /// The same for an address, which histories and logs keep: also without what a machine is told at its first start, which
    /// often is a secret.
    pub(super) fn address_pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.open_pairs().filter(|(name, _)| *name != "UserData")
    }

    /// What was filled in, without passwords, as fields that nobody sees.
    pub(super) fn hidden(&self) -> Markup {
        html! {
            @for (name, text) in self.open_pairs() { input type="hidden" name=(name) value=(text); }
        }
    }

    /// The passwords that were given, to be typed again: they are in no page.
    pub(super) fn passwords(&self) -> Markup {
        html! {
            @for (parameter, text) in &self.texts {
                @if !text.is_empty() && parameter.kind == Kind::Password { (password(parameter, true)) }
            }
        }
    }

    /// The fields of the form: what must be given first.
    pub(super) fn fields(&self) -> Markup {
        let all = || parameters(self.operation);
        let needed: Vec<_> = all().filter(|parameter| self.need(parameter) != Need::Never).collect();
        let others: Vec<_> = all().filter(|parameter| self.need(parameter) == Need::Never).collect();
        let is_given = |parameter: &&'static Parameter| {
            !self.text(parameter.name).is_empty() || self.is_emptied(parameter)
        };
        let open = needed.is_empty() || others.iter().any(is_given);
        html! {
            @for parameter in &needed {
                @if let Some(set) = self.operation.exactly_one.iter().find(|set| set.first() == Some(&parameter.name)) {
                    p .hint { "Give exactly one of " (set.join(" and ")) ":" }
                }
                (self.field(parameter))
            }
            @if needed.is_empty() && others.is_empty() { p { "It takes no parameters." } }
            @if !others.is_empty() {
                details .more open[open] {
                    summary { "Optional parameters (" (others.len()) ")" }
                    div .form { @for parameter in &others { (self.field(parameter)) } }
                }
            }
        }
    }

    fn need(&self, parameter: &Parameter) -> Need {
        if parameter.required {
            Need::Always
        } else if self.operation.exactly_one.iter().any(|set| set.contains(&parameter.name)) {
            Need::OneOfThem
        } else {
            Need::Never
        }
    }

    fn field(&self, parameter: &'static Parameter) -> Markup {
        let hint = hint(parameter);
        let required = self.need(parameter) == Need::Always;
        let field = Field {
            required,
            ..Field::new(parameter.name, parameter.name, self.text(parameter.name)).hint(&hint)
        };
        html! {
            @match parameter.kind {
                Kind::Password => (password(parameter, required)),
                Kind::Boolean => (field.choice([("", "Not given"), ("true", "true"), ("false", "false")])),
                Kind::OneOf(words) => {
                    (field.choice([("", "Not given")].into_iter().chain(words.iter().map(|word| (*word, *word)))))
                }
                Kind::Integer { min, max } => (field.number(min, max)),
                Kind::List { .. } => (field.lines(3)),
                Kind::Object { fields, .. } => { (field.lines(4)) (inner(parameter, fields)) }
                Kind::Objects { fields, .. } => { (field.lines(6)) (inner(parameter, fields)) }
                // A text that may have lines.
                Kind::Text { max, .. } if max > 256 => (field.lines(3)),
                _ => (field.text()),
            }
            @if can_be_emptied(parameter) {
                label .tick {
                    input type="checkbox" name=(EMPTIED) value=(parameter.name) checked[self.is_emptied(parameter)];
                    span { "Send " (parameter.name) " empty" }
                }
            }
        }
    }
}

/// What a form asks for: parameters without effect are left out.
fn parameters(operation: &'static Operation) -> impl Iterator<Item = &'static Parameter> {
    operation.parameters.iter().filter(|parameter| parameter.kind != Kind::Ignored)
}

fn can_be_emptied(parameter: &Parameter) -> bool {
    matches!(parameter.kind, Kind::Text { min: 0, .. })
}

/// A value as it is typed.
fn shown(given: &Given) -> String {
    match (&given.parameter.kind, &given.value) {
        (Kind::List { .. }, serde_json::Value::Array(items)) => {
            items.iter().filter_map(serde_json::Value::as_str).collect::<Vec<_>>().join("\n")
        }
        (Kind::Object { .. } | Kind::Objects { .. }, value) => {
            serde_json::to_string_pretty(value).unwrap_or_default()
        }
        (_, serde_json::Value::String(text)) => text.clone(),
        (_, value) => value.to_string(),
    }
}

/// What a parameter means and what it must look like, on one line.
fn hint(parameter: &Parameter) -> String {
    let form = match parameter.kind {
        Kind::List { of, max, .. } => match of.constraint() {
            inner if inner.is_empty() => format!("One a line, at most {max}"),
            inner => format!("One a line, at most {max}: {inner}"),
        },
        Kind::Object { .. } => "A JSON object".into(),
        Kind::Objects { max, .. } => format!("A JSON list of at most {max} objects"),
        // The choice shows what there is.
        Kind::OneOf(_) | Kind::Boolean => return parameter.summary.replace('`', ""),
        kind => kind.constraint(),
    };
    let such =
        if parameter.example.is_empty() { String::new() } else { format!("such as {}", parameter.example) };
    let parts: Vec<String> = [form, such].into_iter().filter(|part| !part.is_empty()).collect();
    let text = [parameter.summary, &capital(&parts.join(", "))].join(" ");
    text.trim_end().replace('`', "")
}

/// A text with its first letter large.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The fields of the objects of a parameter.
fn inner(parameter: &Parameter, fields: &[Parameter]) -> Markup {
    html! {
        details .help {
            summary { "Fields of " (parameter.name) }
            ul .list {
                @for field in fields {
                    li {
                        code { (field.name) } @if field.required { " (required)" } ": " (view::prose(field.summary))
                        @let constraint = field.kind.constraint();
                        @if !constraint.is_empty() { span .soft { " " (view::prose(&constraint)) } }
                    }
                }
            }
        }
    }
}

/// A password of an instance. It is in no page, and browsers do not mistake it for the one that people sign in with.
fn password(parameter: &Parameter, required: bool) -> Markup {
    let hint = format!("{}-hint", parameter.name);
    html! {
        div .field {
            label for=(parameter.name) { (parameter.name) @if !required { span .soft { " (optional)" } } }
            input type="password" id=(parameter.name) name=(parameter.name) required[required]
                autocomplete="new-password" aria-describedby=(hint);
            p .hint id=(hint) { (view::prose(parameter.summary)) " (" (parameter.kind.constraint()) ")" }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wire::catalogue::{self, Product};

    use super::*;

    fn operation(name: &str) -> &'static Operation {
        catalogue::find(Product::Ens, name).unwrap()
    }

    fn filled(name: &str, form: &str) -> Filled {
        Filled::read(operation(name), &Form::read(form.as_bytes()).unwrap())
    }

    fn values(filled: &Filled) -> Vec<(&'static str, serde_json::Value)> {
        filled.given().unwrap().into_iter().map(|given| (given.parameter.name, given.value)).collect()
    }

    #[test]
    fn names_of_parameters_are_none_of_the_form() {
        for parameter in catalogue::all().flat_map(|operation| operation.parameters) {
            assert!(parameter.name.starts_with(|c: char| c.is_ascii_uppercase()), "{}", parameter.name);
        }
    }

    #[test]
    fn the_example_of_every_operation_goes_through_the_form() {
        for operation in catalogue::all() {
            let example = Filled::example(operation);
            let given = example.given().unwrap();
            assert_eq!(snippet::pairs(&given), reference::arguments(operation), "{}", operation.name);
            let encoded: Vec<String> = example
                .texts
                .iter()
                .map(|(parameter, text)| {
                    format!("{}={}", parameter.name, wire::protocol::percent::encode(text))
                })
                .collect();
            let again = Filled::read(operation, &Form::read(encoded.join("&").as_bytes()).unwrap());
            assert_eq!(again.given().unwrap(), given, "{}", operation.name);
        }
    }

    #[test]
    fn a_field_says_what_it_means_and_what_it_must_look_like() {
        let hint = |name: &str, parameter: &str| hint(operation(name).parameter(parameter).unwrap());
        let group = hint("LeaveSecurityGroup", "SecurityGroupId");
        assert_eq!(group, "The security group. A resource id, such as sg-5vn4n3y4laeb2ii9zxxltlvzi");
        assert!(
            hint("StartInstances", "InstanceIds")
                .contains(" One a line, at most 100: a resource id, such as ")
        );
        assert!(
            hint("CreateSecurityGroup", "Permissions")
                .contains(" A JSON list of at most 200 objects, such as [{")
        );
        assert_eq!(
            hint("StopInstance", "ForceStop"),
            operation("StopInstance").parameter("ForceStop").unwrap().summary
        );
    }

    #[test]
    fn what_is_typed_becomes_values() {
        let leave =
            filled("LeaveSecurityGroup", "SecurityGroupId=sg-1&InstanceId=&Unknown=1&NetworkInterfaceId=");
        assert_eq!(values(&leave), [("SecurityGroupId", json!("sg-1"))]);
        let start = filled("StartInstances", "InstanceIds=i-1%0D%0A+i-2+%0D%0A");
        assert_eq!(values(&start), [("InstanceIds", json!(["i-1", "i-2"]))]);
        let text = "A%0D%0Ab";
        let renamed = filled("CreateSecurityGroup", &format!("Description={text}"));
        assert_eq!(values(&renamed), [("Description", json!("A\nb"))]);
    }

    #[test]
    fn what_is_no_value_is_told() {
        let rules = filled("CreateSecurityGroup", "Permissions=%5B%7B&Description=a%00b");
        let problems = rules.given().unwrap_err();
        assert_eq!(
            problems.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
            ["Description", "Permissions"]
        );
        let rules = filled("CreateSecurityGroup", "Permissions=%7B%7D");
        assert_eq!(
            rules.given().unwrap_err(),
            [("Permissions", "it is not a list of objects: [{\"Name\": ...}]".into())]
        );
    }

    #[test]
    fn what_is_needed_comes_first_and_passwords_do_not_come_back() {
        let markup = filled("LeaveSecurityGroup", "").fields().into_string();
        let place = |text: &str| markup.find(text).unwrap_or_else(|| unreachable!("{text} in {markup}"));
        assert!(place("name=\"SecurityGroupId\"") < place("name=\"InstanceId\""));
        assert!(
            place("Give exactly one of InstanceId and NetworkInterfaceId:") < place("name=\"InstanceId\"")
        );
        let run = filled("RunInstances", "Password=Secret-123");
        assert_eq!(run.given().unwrap().len(), 1);
        for markup in [run.fields(), run.hidden(), run.passwords()] {
            assert!(!markup.into_string().contains("Secret-123"));
        }
        assert!(run.passwords().into_string().contains("type=\"password\""));
    }

    #[test]
    fn a_text_that_may_be_empty_can_be_sent_so() {
        let named = catalogue::all().flat_map(|operation| {
            operation
                .parameters
                .iter()
                .filter(|parameter| can_be_emptied(parameter))
                .map(move |parameter| (operation, parameter))
        });
        for (operation, parameter) in named {
            let form = Form::read(format!("{EMPTIED}={}", parameter.name).as_bytes()).unwrap();
            let given = Filled::read(operation, &form).given().unwrap();
            assert_eq!(snippet::pairs(&given), [(parameter.name.to_owned(), String::new())]);
        }
    }
}
