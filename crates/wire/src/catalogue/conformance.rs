//! Whether an answer is what the catalogue says it is.

use serde_json::Value;

use super::{Answer, Operation, Scalar};

/// Checks that an answer has declared fields only, each of its declared type. Fields may be missing, lists empty.
///
/// # Errors
/// The first place where the answer differs, and how.
pub fn conforms(operation: &Operation, answer: &Answer) -> Result<(), String> {
    let mut path = String::new();
    object(operation, answer, &mut path).map_err(|difference| format!("{}: {difference}", operation.name))
}

fn object(operation: &Operation, fields: &Answer, path: &mut String) -> Result<(), String> {
    for (name, value) in fields {
        if path.is_empty() && name == "RequestId" && value.is_string() {
            continue;
        }
        let outside = path.len();
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(name);
        below(operation, value, path)?;
        path.truncate(outside);
    }
    Ok(())
}

fn below(operation: &Operation, value: &Value, path: &mut String) -> Result<(), String> {
    let scalar = match value {
        Value::Null => return Err(format!("{path} is null; leave it out")),
        Value::Object(fields) => {
            declared_below(operation, path, |rest| rest.starts_with('.'))?;
            return object(operation, fields, path);
        }
        Value::Array(items) => {
            let outside = path.len();
            path.push_str("[]");
            declared_below(operation, path, |rest| rest.is_empty() || rest.starts_with('.'))?;
            for item in items {
                below(operation, item, path)?;
            }
            path.truncate(outside);
            return Ok(());
        }
        Value::Bool(_) => Scalar::Boolean,
        Value::String(_) => Scalar::Text,
        Value::Number(number) if number.is_i64() || number.is_u64() => Scalar::Integer,
        Value::Number(number) => return Err(format!("{path} is {number}, which is not whole")),
    };
    match operation.answer.iter().find(|field| field.path == path) {
        Some(field) if field.scalar == scalar => Ok(()),
        Some(field) => Err(format!("{path} is declared as {:?}, and is {scalar:?}", field.scalar)),
        None => Err(format!("{path} is not declared")),
    }
}

/// Whether what follows the path in some declared field's path is what it has to be.
fn declared_below(operation: &Operation, path: &str, follows: fn(&str) -> bool) -> Result<(), String> {
    let declared = operation.answer.iter().any(|field| field.path.strip_prefix(path).is_some_and(follows));
    if declared { Ok(()) } else { Err(format!("{path} is not declared")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalogue::{Product, find};

    fn check(answer: Value) -> Result<(), String> {
        let operation = find(Product::Ens, "DescribeSecurityGroups").unwrap();
        conforms(operation, answer.as_object().unwrap())
    }

    #[test]
    fn declared_fields_of_declared_types_conform() {
        let group =
            json!({ "SecurityGroupName": "n", "InstanceCount": 1, "InstanceIds": { "InstanceId": ["i-1"] } });
        let whole = json!({
            "RequestId": "r", "TotalCount": 1, "PageNumber": 1, "SecurityGroups": { "SecurityGroup": [group] }
        });
        for answer in [whole, json!({}), json!({ "SecurityGroups": { "SecurityGroup": [] } })] {
            assert_eq!(check(answer.clone()), Ok(()), "{answer}");
        }
    }

    #[test]
    fn every_difference_is_found_where_it_is() {
        let group = |fields: Value| json!({ "SecurityGroups": { "SecurityGroup": [fields] } });
        for (answer, place) in [
            (json!({ "Total": 1 }), "Total is not declared"),
            (json!({ "TotalCount": "1" }), "TotalCount is declared as Integer"),
            (json!({ "TotalCount": 1.5 }), "TotalCount is 1.5"),
            (json!({ "TotalCount": null }), "TotalCount is null"),
            (json!({ "TotalCount": {} }), "TotalCount"),
            (json!({ "TotalCount": [] }), "TotalCount[] is not declared"),
            (json!({ "SecurityGroups": [] }), "SecurityGroups[] is not declared"),
            (json!({ "SecurityGroup": {} }), "SecurityGroup is not declared"),
            (json!({ "SecurityGroups": { "SecurityGroup": {} } }), ""),
            (group(json!({ "Name": "n" })), "SecurityGroups.SecurityGroup[].Name is not declared"),
            (group(json!({ "RequestId": "r" })), "SecurityGroups.SecurityGroup[].RequestId is not declared"),
            (
                group(json!({ "InstanceIds": { "InstanceId": [1] } })),
                "InstanceIds.InstanceId[] is declared as Text",
            ),
        ] {
            let difference = check(answer.clone()).expect_err(&answer.to_string());
            assert!(difference.contains(place), "{difference}");
        }
    }
}
