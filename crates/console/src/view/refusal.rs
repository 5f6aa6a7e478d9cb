//! What an operation refused: what it says, what would have been right, and where more stands.

use maud::{Markup, html};
use wire::catalogue::{Fault, Kind, Operation, Parameter};

use super::{Tone, notice, operation_link, prose};
use crate::{ROOT, api};

/// What an operation refused: its message, its code, and what to do.
pub(crate) fn refusal(fault: &Fault) -> Markup {
    shown(fault, &html! {})
}

/// The same of an operation that is known by its name: what a value that it did not take must look like.
pub(crate) fn refusal_of(operation: &str, fault: &Fault) -> Markup {
    shown(fault, &takes(operation, fault, &[]))
}

/// What is wrong about a form that narrows a list, in the words that stand beside its fields.
pub(crate) fn wrong_filter(operation: &str, fault: &Fault, labels: &[(&str, &str)]) -> Markup {
    let name = fault.code.strip_prefix("InvalidParameter.").unwrap_or_default();
    let Some((_, label)) = labels.iter().find(|(own, _)| *own == name) else { return refusal(fault) };
    let takes = takes(operation, fault, labels);
    notice(Tone::Bad, &format!("\u{201c}{label}\u{201d} is not what it must look like."), &takes)
}

/// Whether a refusal is about what was asked for, so that asking otherwise helps; and not about who asked, or when.
pub(crate) fn is_of_the_question(fault: &Fault) -> bool {
    let elsewhere = ["NoPermission", "Throttling", "InvalidAccessKeyId."];
    (400..500).contains(&fault.status) && !elsewhere.iter().any(|code| fault.code.starts_with(code))
}

fn shown(fault: &Fault, takes: &Markup) -> Markup {
    let advice = wire::catalogue::error_code::ALL.iter().find(|code| code.matches(&fault.code));
    notice(
        Tone::Bad,
        &fault.message,
        &html! {
            @if let Some(denied) = &fault.denied {
                p {
                    "Not permitted: " code { (denied.action) }
                    @if let Some(resource) = &denied.resource { " for " code { (resource) } }
                    @if denied.explicitly { ", which a policy denies." } @else { ", which no policy allows." }
                }
            }
            @if !takes.0.is_empty() { (takes) } @else if let Some(known) = advice { p { (prose(known.meaning)) } }
            p { "Code " a href={ (ROOT) "/errors/" (wire::protocol::percent::encode(&fault.code)) } { code { (fault.code) } } ", status " (fault.status) "." }
        },
    )
}

/// What the parameter that a fault names must look like, with the way to the operation's page. Nothing where it names none.
fn takes(operation: &str, fault: &Fault, labels: &[(&str, &str)]) -> Markup {
    let path = fault.code.strip_prefix("InvalidParameter.");
    let found = api::operation(operation)
        .and_then(|operation: &'static Operation| Some((operation, named(operation.parameters, path?)?)));
    let Some((operation, parameter)) = found else { return html! {} };
    let label = labels.iter().find(|(own, _)| *own == parameter.name).map(|(_, label)| *label);
    let constraint = parameter.kind.constraint();
    html! {
        p {
            @match label { Some(label) => strong { (label) }, None => code { (parameter.name) } }
            " takes: "
            @if !constraint.is_empty() { (prose(&constraint)) }
            @if !constraint.is_empty() && !parameter.example.is_empty() { "; " }
            @if !parameter.example.is_empty() { "such as " code { (parameter.example) } }
            ". All about it: " (operation_link(operation.name)) "."
        }
    }
}

/// The parameter, or the field of one, that a code names.
fn named(parameters: &'static [Parameter], path: &str) -> Option<&'static Parameter> {
    let of_name = |parameters: &'static [Parameter], name: &str| {
        parameters.iter().find(|parameter| parameter.name.eq_ignore_ascii_case(name))
    };
    let field = path.rsplit('.').find(|part| part.parse::<u32>().is_err()).unwrap_or(path);
    let fields = parameters.iter().find_map(|parameter| of_name(fields(parameter), field));
    of_name(parameters, path).or(fields)
}

fn fields(parameter: &Parameter) -> &'static [Parameter] {
    match parameter.kind {
        Kind::Objects { fields, .. } | Kind::Object { fields, .. } => fields,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_value_is_told_what_it_must_look_like() {
        let said = refusal_of("CreateSecurityGroupPermissions", &Fault::malformed("PortRange")).into_string();
        assert!(said.contains("<code>PortRange</code> takes: "), "{said}");
        assert!(said.contains("/reference/ens/CreateSecurityGroupPermissions"), "{said}");
        let said = wrong_filter("ListEvents", &Fault::malformed("BeginTime"), &[("BeginTime", "From")]);
        let said = said.into_string();
        assert!(said.contains("\u{201c}From\u{201d}") && said.contains("such as <code>20"), "{said}");
        let other = Fault::invalid("something else");
        assert_eq!(refusal_of("ListEvents", &other).0, refusal(&other).0);
    }
}
