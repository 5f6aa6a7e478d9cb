//! Examples of requests and answers, made from the examples of single parameters and fields.

use serde_json::{Map, Value, json};

use crate::{
    catalogue::{self, Answer, Encoding, Field, Kind, Operation, Parameter, Scalar},
    snippet::Given,
};

/// Parameters that are optional each by itself, but without which a call is not complete or not worth an example.
const ALSO_SHOWN: &[(&str, &[&str])] = &[
    ("CreateNetworkInterface", &["VSwitchId"]),
    ("CreateSecurityGroup", &["Description"]),
    ("CreateVSwitch", &["NetworkId"]),
    ("DescribeInstances", &["SecurityGroupId"]),
    ("DescribeNetworkInterfaces", &["SecurityGroupId"]),
    ("ModifyInstanceAttribute", &["InstanceName"]),
    ("ModifyNetworkAttribute", &["NetworkName"]),
    ("BindNetworkInterface", &["Device"]),
    ("ModifyNetworkInterfaceAttribute", &["NetworkInterfaceName"]),
    ("ModifyNetworkInterfaceEnforcement", &["AllowedPrefixes"]),
    ("ModifySecurityGroupAttribute", &["SecurityGroupName"]),
    ("ModifyVSwitchAttribute", &["VSwitchName"]),
    ("RebootInstances", &["InstanceIds"]),
    ("ReinitInstances", &["InstanceIds", "ImageId"]),
    ("RunInstances", &["EnsRegionId", "InstanceType", "ImageId", "SecurityId"]),
    ("StartInstances", &["InstanceIds"]),
    ("StopInstances", &["InstanceIds"]),
    ("UntagResources", &["TagKey"]),
    ("UpdateUser", &["NewDisplayName"]),
];

/// The parameters that the example of an operation gives: the required ones, and one of each set of which one must be
/// given.
fn shown(operation: &Operation) -> Vec<&'static Parameter> {
    let also =
        ALSO_SHOWN.iter().find(|(name, _)| *name == operation.name).map_or(&[][..], |(_, names)| names);
    let one_of: Vec<&str> = operation.exactly_one.iter().filter_map(|set| set.first().copied()).collect();
    let is_shown = |parameter: &&Parameter| {
        parameter.required || one_of.contains(&parameter.name) || also.contains(&parameter.name)
    };
    operation.parameters.iter().filter(is_shown).collect()
}

/// The example of an operation as parameters with values.
pub fn given(operation: &Operation) -> Vec<Given> {
    shown(operation).into_iter().map(|parameter| Given { parameter, value: value(parameter) }).collect()
}

/// The arguments of the example of an operation, as clients put them on the wire.
pub fn arguments(operation: &Operation) -> Vec<(String, String)> {
    shown(operation).into_iter().flat_map(|parameter| on_the_wire(parameter.name, parameter)).collect()
}

fn on_the_wire(name: &str, parameter: &Parameter) -> Vec<(String, String)> {
    match parameter.kind {
        Kind::List { encoding: Encoding::Numbered, .. } => {
            let items = items(parameter).into_iter().enumerate();
            items.map(|(n, item)| (format!("{name}.{}", n + 1), item)).collect()
        }
        Kind::List { encoding: Encoding::Comma, .. } => vec![(name.into(), items(parameter).join(","))],
        Kind::List { .. } => vec![(name.into(), json!(items(parameter)).to_string())],
        Kind::Objects { fields, encoding: Encoding::Numbered, .. } => dotted(&format!("{name}.1"), fields),
        Kind::Object { fields, encoding: Encoding::Dotted } => dotted(name, fields),
        Kind::Object { .. } | Kind::Objects { .. } => vec![(name.into(), value(parameter).to_string())],
        _ => vec![(name.into(), parameter.example.into())],
    }
}

fn dotted(prefix: &str, fields: &[Parameter]) -> Vec<(String, String)> {
    let given = fields.iter().filter(|field| !field.example.is_empty());
    given.flat_map(|field| on_the_wire(&format!("{prefix}.{}", field.name), field)).collect()
}

/// The items of a list's example, which is JSON text or has commas.
fn items(parameter: &Parameter) -> Vec<String> {
    match serde_json::from_str(parameter.example) {
        Ok(Value::Array(items)) => {
            items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), Into::into)).collect()
        }
        _ => parameter.example.split(',').map(|item| item.trim().into()).collect(),
    }
}

/// The example of a parameter as a value: an object for objects, and so on.
fn value(parameter: &Parameter) -> Value {
    match parameter.kind {
        Kind::List { .. } => json!(items(parameter)),
        Kind::Object { fields, .. } => {
            serde_json::from_str(parameter.example).unwrap_or_else(|_| object(fields))
        }
        Kind::Objects { fields, .. } => {
            serde_json::from_str(parameter.example).unwrap_or_else(|_| json!([object(fields)]))
        }
        Kind::Integer { .. } => {
            parameter.example.parse::<i64>().map_or_else(|_| parameter.example.into(), Value::from)
        }
        Kind::Boolean => Value::from(parameter.example.eq_ignore_ascii_case("true")),
        _ => parameter.example.into(),
    }
}

fn object(fields: &[Parameter]) -> Value {
    let given = fields.iter().filter(|field| !field.example.is_empty());
    Value::Object(given.map(|field| (field.name.into(), value(field))).collect())
}

/// The example of an operation's answer, without `RequestId`: every field once, every list with one item.
pub fn answer(operation: &Operation) -> Answer {
    let mut answer = Answer::new();
    for field in operation.answer {
        let steps: Vec<&str> = field.path.split('.').collect();
        put(&mut answer, &steps, scalar(field));
    }
    answer
}

fn put(object: &mut Map<String, Value>, steps: &[&str], value: Value) {
    let Some((step, rest)) = steps.split_first() else { return };
    let (name, many) = step.strip_suffix("[]").map_or((*step, false), |name| (name, true));
    if rest.is_empty() {
        object.insert(name.into(), if many { json!([value]) } else { value });
        return;
    }
    let empty = || if many { json!([{}]) } else { json!({}) };
    let place = object.entry(name).or_insert_with(empty);
    let inner = if many { place.get_mut(0) } else { Some(place) };
    if let Some(inner) = inner.and_then(Value::as_object_mut) {
        put(inner, rest, value);
    }
}

fn scalar(field: &Field) -> Value {
    match field.scalar {
        Scalar::Boolean => Value::from(field.example != "false"),
        Scalar::Integer => Value::from(field.example.parse::<i64>().unwrap_or(0)),
        Scalar::Text if !field.example.is_empty() => field.example.into(),
        Scalar::Text => elsewhere(last(field.path)).into(),
    }
}

/// The example that the first field or parameter of this name has: where a field has none of its own, such as the ids of
/// a list of members.
fn elsewhere(name: &str) -> &'static str {
    let fields = catalogue::all()
        .flat_map(|operation| operation.answer)
        .map(|field| (last(field.path), field.example));
    let parameters = catalogue::all().flat_map(|operation| operation.parameters);
    let mut examples = parameters.map(|parameter| (parameter.name, parameter.example)).chain(fields);
    examples.find(|(other, example)| *other == name && !example.is_empty()).map_or("", |(_, example)| example)
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path).trim_end_matches("[]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        catalogue::{all, conforms, validate},
        protocol::{
            parameters::Parameters,
            query::{Pairs, QueryLimits},
        },
    };

    #[test]
    fn the_server_takes_the_example_of_every_operation() {
        for operation in all() {
            let encode = crate::protocol::percent::encode;
            let given = arguments(operation);
            let query: Vec<String> =
                given.iter().map(|(n, v)| format!("{}={}", encode(n), encode(v))).collect();
            let pairs = Pairs::decode(query.join("&").as_bytes(), b"", &QueryLimits::default()).unwrap();
            let read = validate(operation, &Parameters::new(pairs));
            assert!(read.is_ok(), "{} {given:?}: {:?}", operation.name, read.err());
        }
    }

    #[test]
    fn what_is_shown_besides_is_there() {
        for (name, parameters) in ALSO_SHOWN {
            let operation = all().find(|operation| operation.name == *name);
            let known = |parameter: &&str| {
                operation.is_some_and(|operation| operation.parameter(parameter).is_some())
            };
            assert!(parameters.iter().all(known), "{name}");
        }
    }

    #[test]
    fn the_example_of_every_answer_is_what_the_catalogue_says() {
        for operation in all() {
            assert_eq!(conforms(operation, &answer(operation)), Ok(()));
        }
    }
}
