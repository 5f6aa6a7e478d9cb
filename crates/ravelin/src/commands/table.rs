//! An answer as tables: its own fields, and below them a table for each list of objects.
//!
//! Nothing vanishes silently: what does not fit is counted and named.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::column;
use crate::{output, visible};

/// The longest list of names in one cell.
const NAMES_SHOWN: usize = 3;
/// The most columns that are named because they do not fit.
const COLUMNS_NAMED: usize = 8;

/// The most fields of an answer that stand in one line above its lists.
const FIELDS_IN_A_LINE: usize = 6;

/// The answer for people, on a terminal of so many characters.
pub fn render(answer: &Value, width: usize) -> String {
    let (mut fields, mut lists) = (Vec::new(), Vec::new());
    split(answer, "", &mut fields, &mut lists);
    let mut parts = Vec::new();
    let flat = fields.iter().all(|(path, _)| !path.contains('.'));
    let has_rows = lists.iter().any(|(_, rows)| !rows.is_empty());
    if flat && !lists.is_empty() && (has_rows || fields.len() <= FIELDS_IN_A_LINE) {
        let words: Vec<String> = fields.iter().map(|(path, value)| format!("{path}: {value}")).collect();
        parts.push(output::wrapped(&words.join(", "), width));
    } else if !fields.is_empty() {
        let rows = fields.into_iter().map(|(path, value)| vec![path, value]);
        parts.push(output::table(&["field", "value"], rows));
    }
    let many = lists.len() > 1 || !flat;
    for (path, rows) in lists {
        if rows.is_empty() {
            parts.push(format!("{path}: (none)"));
            continue;
        }
        let table = rows_table(&path, rows, width);
        parts.push(if many { format!("{path}:\n{table}") } else { table });
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

/// The answer's lists of objects, and everything else as paths and texts.
fn split<'a>(
    value: &'a Value,
    path: &str,
    fields: &mut Vec<(String, String)>,
    lists: &mut Vec<(String, &'a [Value])>,
) {
    match value {
        Value::Object(inner) => {
            for (name, value) in inner {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                split(value, &path, fields, lists);
            }
        }
        // Whether it is a list of objects cannot be seen; it has nothing either way.
        Value::Array(items) if items.iter().all(Value::is_object) => lists.push((path.into(), items)),
        _ => fields.push((path.into(), text(value))),
    }
}

/// A value on one line, all of it.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let pairs = fields.iter().map(|(name, value)| format!("{name}={}", text(value)));
            pairs.collect::<Vec<_>>().join(" ")
        }
    }
}

/// A list of objects: its columns and the cells of each row. A cell is a list of texts, most often of one.
struct Grid {
    columns: Vec<String>,
    rows: Vec<Map<String, Value>>,
}

fn rows_table(path: &str, objects: &[Value], width: usize) -> String {
    let grid = Grid::new(path, objects);
    // Side by side where all of it fits, below each other where that shows more.
    let (shown, separator) = match grid.fitting(width, " ") {
        all if all.len() == grid.columns.len() => (all, " "),
        _ => (grid.fitting(width, "\n"), "\n"),
    };
    let headers = shown.iter().map(|column| match separator {
        "\n" => grid.header(column),
        _ => (*column).to_owned(),
    });
    let headers: Vec<String> = headers.collect();
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let rows = grid.rows.iter().map(|row| {
        shown.iter().map(|column| row.get(*column).map(|v| cell(v, separator)).unwrap_or_default()).collect()
    });
    let table = output::table_of_lines(&headers, rows);
    let hidden: Vec<&str> =
        grid.columns.iter().map(String::as_str).filter(|column| !shown.contains(column)).collect();
    if hidden.is_empty() {
        return table;
    }
    let others = match hidden.len().saturating_sub(COLUMNS_NAMED) {
        0 => String::new(),
        others => format!(" and {others} others"),
    };
    let named: Vec<&str> = hidden.iter().copied().take(COLUMNS_NAMED).collect();
    let (count, named) = (hidden.len(), named.join(", "));
    let note = format!("({count} more columns: {named}{others}; --output json shows everything)");
    format!("{table}\n{}", output::wrapped(&note, width))
}

impl Grid {
    fn new(path: &str, objects: &[Value]) -> Self {
        let mut rows = Vec::with_capacity(objects.len());
        let mut columns: Vec<String> = Vec::new();
        let mut known = BTreeSet::new();
        for object in objects {
            let mut row = Map::new();
            flatten(object, "", &mut row);
            for (column, value) in &row {
                if !cell(value, " ").is_empty() && known.insert(column.clone()) {
                    columns.push(column.clone());
                }
            }
            rows.push(row);
        }
        let columns = column::in_order(path, columns, &rows);
        Self { columns, rows }
    }

    fn widest(&self, column: &str, separator: &str) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|value| cell(value, separator));
        cells.map(|text| widest_line(&text)).max().unwrap_or(0)
    }

    /// The column's name in lines that are no wider than its cells, as far as its words allow.
    fn header(&self, column: &str) -> String {
        let words = words(column);
        let longest = words.iter().map(|word| word.chars().count()).max().unwrap_or(0);
        let most = self.widest(column, "\n").max(longest);
        let mut header = String::new();
        let mut used = 0;
        for word in words {
            let length = word.chars().count();
            if used > 0 && used + length > most {
                header.push('\n');
                used = 0;
            }
            header.push_str(&word);
            used += length;
        }
        header
    }

    /// The columns that fit beside each other; at least one.
    fn fitting(&self, width: usize, separator: &str) -> Vec<&str> {
        // The last column needs no gap after it.
        let mut left = width + output::GAP;
        let mut shown = Vec::new();
        for column in &self.columns {
            let header = if separator == "\n" { self.header(column) } else { column.clone() };
            let needed = self.widest(column, separator).max(widest_line(&header)) + output::GAP;
            if needed <= left || shown.is_empty() {
                left = left.saturating_sub(needed);
                shown.push(column.as_str());
            }
        }
        shown
    }
}

/// A name such as `SecurityGroupIds` in its words.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut after_small = true;
    for c in name.chars() {
        match words.last_mut() {
            Some(word) if !(c.is_uppercase() && after_small) => word.push(c),
            _ => words.push(c.into()),
        }
        after_small = !c.is_uppercase();
    }
    words
}

fn widest_line(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

/// A row's fields: of an object within it each field by itself, named by its path; a lone field by its owner's name.
fn flatten(value: &Value, path: &str, row: &mut Map<String, Value>) {
    match value {
        Value::Object(fields) if fields.len() == 1 && !path.is_empty() => {
            for value in fields.values() {
                flatten(value, path, row);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(value, &path, row);
            }
        }
        _ => {
            row.insert(path.into(), value.clone());
        }
    }
}

/// What a cell shows: of a list the first items, and how many more there are. Each item is one line, whatever is in it.
fn cell(value: &Value, separator: &str) -> String {
    let line = |value: &Value| visible::line(&text(value)).into_owned();
    let Value::Array(items) = value else { return line(value) };
    let mut shown: Vec<String> = items.iter().take(NAMES_SHOWN).map(line).collect();
    if items.len() > NAMES_SHOWN {
        shown.push(format!("+{}", items.len() - NAMES_SHOWN));
    }
    shown.join(separator)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_found_in_its_wrapper_below_the_answers_own_fields() {
        let answer = json!({"RequestId": "r", "TotalCount": 1, "Instances": {"Instance": [
            {"InstanceId": "i-1", "Status": "Running", "Tags": {"Tags": []}, "HostName": "",
             "SecurityGroupIds": {"SecurityGroupId": ["sg-1", "sg-2", "sg-3", "sg-4"]}},
        ]}});
        let text = render(&answer, 160);
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.starts_with("RequestId: r, TotalCount: 1\n\n"), "{text}");
        assert!(text.contains("INSTANCEID") && !text.contains("HOSTNAME"), "{text}");
        assert!(text.contains("sg-1 sg-2 sg-3 +1"), "{text}");
    }

    #[test]
    fn what_matters_of_instances_fits_a_narrow_terminal() {
        let answer = json!({"Instances": {"Instance": [{
            "AutoRenew": "false", "InstanceName": "i-59y41wvs0f43sekagtgjav5jk",
            "SecurityGroupIds": {"SecurityGroupId": ["sg-591nvc1jp0z4fn2eak8gw9dl1", "sg-591nvc1jp0z4fn2eak8gw9dl2"]},
            "PrivateIpAddresses": {"PrivateIpAddress": [{"Ip": "172.17.0.3", "GateWay": "172.17.0.1", "Isp": "local"}]},
            "InnerIpAddress": {"IpAddress": ["172.17.0.3"]}, "Status": "Running",
            "InstanceId": "i-59y41wvs0f43sekagtgjav5jk",
        }]}});
        let text = render(&answer, 80);
        for shown in ["i-59y41wvs0f43sekagtgjav5jk", "Running", "gw9dl1", "gw9dl2", "172.17.0.3"] {
            assert!(text.contains(shown), "{shown}: {text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let ids: Vec<&str> = text.lines().skip(2).map(|line| line.trim_start()).collect();
        assert!(ids.contains(&"sg-591nvc1jp0z4fn2eak8gw9dl2"), "below each other: {text}");
        assert_eq!(words("SecurityGroupIds"), ["Security", "Group", "Ids"]);
        assert_eq!(words("OSName"), ["OSName"]);
    }

    #[test]
    fn an_item_of_a_cell_is_one_line_whatever_is_in_it() {
        let answer = json!({"Items": {"Item": [{"ItemId": "1", "Names": {"Name": ["a\nb", "c"]}, "Description": "x\ny"}]}});
        for width in [20, 200] {
            let text = render(&answer, width);
            assert!(
                text.contains("a\\nb") && !text.lines().any(|line| line.trim_start().starts_with('b')),
                "{text}"
            );
        }
        assert!(render(&answer, 200).contains("x\\ny"));
    }

    #[test]
    fn an_answer_without_a_list_shows_its_fields() {
        assert!(render(&json!({"RequestId": "r"}), 80).contains("RequestId"));
        let text = render(&json!({"RequestId": "r", "Tags": {"Tag": []}}), 80);
        assert_eq!(text, "RequestId: r\n\nTags.Tag: (none)");
    }

    #[test]
    fn an_id_is_there_however_narrow_the_terminal_is() {
        let answer = json!({"NetworkInterfaceSets": {"NetworkInterfaceSet": [{
            "Description": "x", "NetworkInterfaceId": "eni-59y41wvs0f43sekagtgjav5jk", "PrimaryIp": "10.66.0.2",
            "MacAddress": "00:16:3e:08:60:0a", "Status": "InUse", "InstanceId": "i-59y41wvs0f43sekagtgjav5jk",
            "PrivateIpSets": {"PrivateIpSet": [{"Primary": true, "PrivateIpAddress": "10.66.0.2"}]},
        }]}});
        for width in [20, 40, 80, 160] {
            let text = render(&answer, width);
            assert!(text.starts_with("NETWORK"), "{text}");
            assert!(text.contains("eni-59y41wvs0f43sekagtgjav5jk"), "{text}");
        }
        assert!(render(&answer, 80).contains("00:16:3e:08:60:0a"), "{}", render(&answer, 80));
    }

    #[test]
    fn a_secret_that_is_shown_once_is_shown() {
        let text = render(
            &json!({"RequestId": "r", "AccessKey": {"AccessKeyId": "a", "AccessKeySecret": "s3"}}),
            80,
        );
        assert!(text.contains("AccessKey.AccessKeySecret") && text.contains("s3"), "{text}");
    }

    /// Every leaf is there, or it is said that there is more.
    #[test]
    fn no_leaf_vanishes_without_a_note() {
        let answer = json!({
            "RequestId": "leaf-1", "NetworkId": "leaf-2", "Deep": {"Deeper": {"Deepest": "leaf-3", "Two": 40004}},
            "VSwitchIds": {"VSwitchId": ["leaf-5", "leaf-6", "leaf-7", "leaf-8"]},
            "Mixed": ["leaf-9", {"A": "leaf-10"}],
            "Ones": {"One": [{"Id": "leaf-11", "In": {"A": "leaf-12", "B": "leaf-13"}, "List": [{"C": "leaf-14"}]}]},
            "Others": [{"OtherId": "leaf-15", "Flag": false}],
        });
        let text = render(&answer, 160);
        for n in (1..=15).filter(|n| *n != 4) {
            assert!(text.contains(&format!("leaf-{n}")), "leaf-{n}: {text}");
        }
        assert!(text.contains("40004") && text.contains("false"), "{text}");
        let narrow = render(&answer, 20);
        for column in ["In.A", "In.B", "List"] {
            assert!(narrow.to_uppercase().contains(&column.to_uppercase()), "{column}: {narrow}");
        }
    }
}
