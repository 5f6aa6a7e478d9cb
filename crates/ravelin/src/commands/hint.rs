//! What an error answer means for the command that was typed, as far as the catalogue knows.

use wire::catalogue::{Kind, Operation, Parameter};

/// A hint for an error code; none where the answer says it all.
pub fn of(operation: &Operation, code: &str, sent: &[(String, String)]) -> Option<String> {
    if code == "MissingParameter" {
        return missing(operation, sent);
    }
    if code == "InvalidEnsRegionId.NotFound" {
        return Some("`ravelin ens DescribeEnsRegions` lists the edge sites that there are.".to_owned());
    }
    if code == "DependencyViolation" && operation.name == "DeleteNode" {
        return Some(
            "End its bindings with `ravelin unbind --network-interface eni-...` (`ravelin api \
             DescribeNetworkInterfaceBindings --NodeId node-...` lists them), or delete it with them: --Force true. The host then keeps what it was told last, and no later \
             change waits for it."
                .to_owned(),
        );
    }
    let path = code.strip_prefix("InvalidParameter.")?;
    let (name, constraint) = constraint(operation.parameters, path)?;
    Some(format!("{name} takes: {constraint}"))
}

/// The required parameters that were not sent.
fn missing(operation: &Operation, sent: &[(String, String)]) -> Option<String> {
    let given = |name: &str| {
        sent.iter().any(|(sent, value)| {
            let rest = sent.strip_prefix(name);
            !value.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    let required =
        operation.parameters.iter().filter(|parameter| parameter.required && !given(parameter.name));
    let mut missing: Vec<String> = required.map(|parameter| format!("--{}", parameter.name)).collect();
    for set in operation.exactly_one.iter().filter(|set| !set.iter().any(|name| given(name))) {
        let names: Vec<String> = set.iter().map(|name| format!("--{name}")).collect();
        missing.push(format!("one of {}", names.join(", ")));
    }
    (!missing.is_empty()).then(|| format!("Missing: {}", missing.join("; ")))
}

/// The parameter, or the field of one, that a code names; and its constraint.
fn constraint(parameters: &[Parameter], path: &str) -> Option<(String, String)> {
    let whole = |parameter: &Parameter| Some((parameter.name.to_owned(), described(parameter)?));
    if let Some(parameter) = parameters.iter().find(|parameter| parameter.name.eq_ignore_ascii_case(path)) {
        return whole(parameter);
    }
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let parameter = parameters.iter().find(|parameter| parameter.name.eq_ignore_ascii_case(first));
    if let Some(parameter) = parameter {
        let inner = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        return constraint(fields(parameter), inner).or_else(|| whole(parameter));
    }
    // A code may name the field alone.
    parameters.iter().find_map(|parameter| {
        let field = fields(parameter).iter().find(|field| field.name.eq_ignore_ascii_case(path))?;
        Some((format!("{}.{}", parameter.name, field.name), described(field)?))
    })
}

fn fields(parameter: &Parameter) -> &'static [Parameter] {
    match parameter.kind {
        Kind::Objects { fields, .. } | Kind::Object { fields, .. } => fields,
        _ => &[],
    }
}

fn described(parameter: &Parameter) -> Option<String> {
    let constraint = parameter.kind.constraint().replace('`', "");
    let example = (!parameter.example.is_empty()).then(|| format!("such as {}", parameter.example));
    let words: Vec<String> =
        Some(constraint).filter(|text| !text.is_empty()).into_iter().chain(example).collect();
    (!words.is_empty()).then(|| words.join("; "))
}

#[cfg(test)]
mod tests {
    use wire::catalogue::{self, Product};

    use super::*;

    fn hint(name: &str, code: &str, sent: &[(&str, &str)]) -> Option<String> {
        let operation = catalogue::find(Product::Ens, name).unwrap();
        let sent: Vec<_> = sent.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        of(operation, code, &sent)
    }

    #[test]
    fn what_is_missing_is_named_and_what_was_sent_is_not() {
        let text = hint("JoinSecurityGroup", "MissingParameter", &[("InstanceId", "i-1")]).unwrap();
        assert!(text.contains("--SecurityGroupId"), "{text}");
        assert!(!text.contains("--InstanceId"), "{text}");
    }

    #[test]
    fn an_invalid_parameter_has_its_constraint() {
        let text = hint("DescribeInstances", "InvalidParameter.PageNumber", &[]).unwrap();
        assert!(text.starts_with("PageNumber takes: from 1"), "{text}");
        assert_eq!(hint("DescribeInstances", "InvalidParameter.Nothing", &[]), None);
        let explain = catalogue::find(Product::Ravelin, "ExplainTraffic").unwrap();
        for name in ["From", "Protocol"] {
            let text = of(explain, &format!("InvalidParameter.{name}"), &[]).unwrap();
            assert!(text.starts_with(&format!("{name} takes: ")), "{text}");
        }
        assert_eq!(hint("DescribeInstances", "NoPermission", &[]), None);
    }

    #[test]
    fn a_refusal_has_the_command_that_helps() {
        let text = hint("RunInstances", "InvalidEnsRegionId.NotFound", &[]).unwrap();
        assert!(text.contains("DescribeEnsRegions"), "{text}");
        let operation = catalogue::find(Product::Ravelin, "DeleteNode").unwrap();
        assert!(of(operation, "DependencyViolation", &[]).unwrap().contains("--Force true"));
        assert_eq!(hint("DeleteSecurityGroup", "DependencyViolation", &[]), None);
    }
}
