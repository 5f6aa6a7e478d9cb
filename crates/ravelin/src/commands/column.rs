//! In which order the columns of a list are worth seeing, and which only repeat another.

use serde_json::{Map, Value};

/// The columns, those first that people look for: ids, states, groups, addresses, regions, names. A name that is no more
/// than the id again is left out.
pub fn in_order(path: &str, mut columns: Vec<String>, rows: &[Map<String, Value>]) -> Vec<String> {
    let thing = thing(path);
    let id = columns.iter().find(|column| is_id_of(&thing, column)).cloned();
    if let Some(id) = id {
        columns.retain(|column| *column == id || !is_name(column) || !repeats(rows, column, &id));
    }
    columns.sort_by_key(|column| rank(&thing, column));
    columns
}

/// What the list is of: `Instances.Instance` is of `Instance`.
fn thing(path: &str) -> String {
    let last = path.rsplit('.').next().unwrap_or(path);
    let singular = last.strip_suffix("ies").map(|stem| format!("{stem}y"));
    singular.unwrap_or_else(|| last.strip_suffix('s').unwrap_or(last).into())
}

fn is_id_of(thing: &str, column: &str) -> bool {
    column.strip_suffix("Id").is_some_and(|stem| stem.eq_ignore_ascii_case(thing))
}

fn is_name(column: &str) -> bool {
    column.ends_with("Name") && !column.contains('.')
}

/// Whether the column says in every row what the other one says.
fn repeats(rows: &[Map<String, Value>], column: &str, other: &str) -> bool {
    rows.iter().all(|row| row.get(column).is_none_or(|value| Some(value) == row.get(other)))
}

fn rank(thing: &str, column: &str) -> u8 {
    let last = column.rsplit('.').next().unwrap_or(column);
    match column {
        _ if is_id_of(thing, column) => 0,
        _ if column.strip_suffix("Name").is_some_and(|stem| stem == thing) => 1,
        "Status" => 2,
        _ if last.starts_with("SecurityGroupId") => 3,
        // Of the addresses first the one that others use.
        _ if column.starts_with("InnerIp") || column.starts_with("PrimaryIp") => 4,
        _ if column.starts_with("PrivateIp")
            || column.starts_with("PublicIp")
            || last == "Ip"
            || last == "IpAddress" =>
        {
            5
        }
        _ if column.ends_with("RegionId") => 6,
        _ if last.ends_with("Id") || last.ends_with("Ids") => 7,
        _ if last.contains("Name") => 8,
        _ if last.contains("Ip") || last.contains("Cidr") => 9,
        _ => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_look_for_comes_first_and_a_name_that_is_the_id_not_at_all() {
        let row = |id: &str, name: &str| {
            let fields = [("InstanceId", id), ("HostName", id), ("InstanceName", name)];
            fields.into_iter().map(|(n, v)| (n.to_owned(), Value::from(v))).collect::<Map<_, _>>()
        };
        let columns = ["AutoRenew", "EnsRegionId", "HostName", "InstanceId", "InstanceName", "Status"];
        let columns: Vec<String> = columns.map(Into::into).into();
        let rows = [row("i-1", "i-1"), row("i-2", "mine")];
        let ordered = in_order("Instances.Instance", columns.clone(), &rows);
        assert_eq!(ordered, ["InstanceId", "InstanceName", "Status", "EnsRegionId", "AutoRenew"]);
        let ordered = in_order("Instances.Instance", columns, &rows[..1]);
        assert_eq!(ordered, ["InstanceId", "Status", "EnsRegionId", "AutoRenew"]);
    }
}
