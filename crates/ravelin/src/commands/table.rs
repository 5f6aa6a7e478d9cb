//! An answer as a table: its first list of objects, or its own fields.

use serde_json::{Map, Value};

use crate::output;

/// The widest list of names in one cell.
const NAMES_SHOWN: usize = 3;

/// The answer for people.
pub fn render(answer: &Value) -> String {
    match list(answer) {
        Some([]) => "(nothing)".into(),
        Some(rows) => rows_table(rows),
        None => fields_table(answer),
    }
}

/// The first list of objects in the answer, however it is wrapped.
fn list(value: &Value) -> Option<&[Value]> {
    let Value::Object(fields) = value else { return None };
    for field in fields.values() {
        match field {
            Value::Array(items) if items.iter().all(Value::is_object) => return Some(items),
            Value::Object(inner) if inner.len() == 1 => {
                if let Some(items) = list(field) {
                    return Some(items);
                }
            }
            _ => {}
        }
    }
    None
}

fn rows_table(rows: &[Value]) -> String {
    let objects: Vec<&Map<String, Value>> = rows.iter().filter_map(Value::as_object).collect();
    let mut columns: Vec<&str> = Vec::new();
    for object in &objects {
        for (name, value) in *object {
            if !columns.contains(&name.as_str()) && cell(value).is_some_and(|text| !text.is_empty()) {
                columns.push(name);
            }
        }
    }
    let all = columns.len();
    columns.truncate(fitting(&objects, &columns));
    let rows = objects.iter().map(|object| {
        columns.iter().map(|column| object.get(*column).and_then(cell).unwrap_or_default()).collect()
    });
    let table = output::table(&columns, rows);
    match all - columns.len() {
        0 => table,
        hidden => format!("{table}\n({hidden} more columns; --output json shows everything)"),
    }
}

/// How many of the columns fit beside each other; at least one.
fn fitting(objects: &[&Map<String, Value>], columns: &[&str]) -> usize {
    let mut left = output::width();
    let fit = columns.iter().take_while(|column| {
        let cells = objects.iter().filter_map(|object| object.get(**column).and_then(cell));
        let widest = cells.map(|text| text.chars().count()).max().unwrap_or(0).max(column.len());
        let fits = left >= widest + 2;
        left = left.saturating_sub(widest + 2);
        fits
    });
    fit.count().max(1)
}

fn fields_table(answer: &Value) -> String {
    let fields = answer.as_object().into_iter().flatten();
    let rows = fields.filter_map(|(name, value)| Some(vec![name.clone(), cell(value)?]));
    output::table(&["field", "value"], rows)
}

/// What a cell shows of a value: scalars, and lists of scalars; nothing of deeper things.
fn cell(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(items) => {
            let shown: Option<Vec<String>> = items
                .iter()
                .take(NAMES_SHOWN)
                .map(|item| item.is_string().then(|| cell(item)).flatten())
                .collect();
            let more = items.len().saturating_sub(NAMES_SHOWN);
            let suffix = if more > 0 { format!(" +{more}") } else { String::new() };
            shown.map(|names| format!("{}{suffix}", names.join(" ")))
        }
        Value::Object(fields) if fields.len() == 1 => fields.values().next().and_then(cell),
        Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_found_in_its_wrapper() {
        let answer = json!({"RequestId": "r", "TotalCount": 1, "Instances": {"Instance": [
            {"InstanceId": "i-1", "Status": "Running", "Tags": {"Tags": []}, "HostName": "",
             "SecurityGroupIds": {"SecurityGroupId": ["sg-1", "sg-2", "sg-3", "sg-4"]}},
        ]}});
        let text = render(&answer);
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("INSTANCEID") && !text.contains("HOSTNAME"), "{text}");
        assert!(text.contains("sg-1 sg-2 sg-3 +1"), "{text}");
    }

    #[test]
    fn an_answer_without_a_list_shows_its_fields() {
        assert!(render(&json!({"RequestId": "r"})).contains("RequestId"));
        assert_eq!(render(&json!({"RequestId": "r", "Tags": {"Tag": []}})), "(nothing)");
    }
}
