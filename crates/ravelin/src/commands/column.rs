//! In which order the columns of a list are worth seeing, and which only repeat another.

use serde_json::{Map, Value};

/// The columns, those first that people look for: ids, names, states, addresses, groups, regions; then what is wrong, and times
/// and lists of objects at last. A name that is no more than the id again is left out.
pub fn in_order(path: &str, mut columns: Vec<String>, rows: &[Map<String, Value>]) -> Vec<String> {
    let thing = thing(path);
    let id = columns.iter().find(|column| is_id_of(&thing, column)).cloned();
    if let Some(id) = id {
        columns.retain(|column| *column == id || !is_name(column) || !repeats(rows, column, &id));
    }
    columns.sort_by_key(|column| if holds_objects(rows, column) { LAST } else { rank(&thing, column) });
    columns
}

/// What the list is of: `Instances.Instance` is of `Instance`.
fn thing(path: &str) -> String {
    let last = path.rsplit('.').next().unwrap_or(path);
    let singular = last.strip_suffix("ies").map(|stem| format!("{stem}y"));
    singular.unwrap_or_else(|| last.strip_suffix('s').unwrap_or(last).into())
}

/// Whether it is the id of the thing itself. A binding has none of its own, and is known by its network interface.
fn is_id_of(thing: &str, column: &str) -> bool {
    let own = match thing {
        "Binding" => "NetworkInterface",
        thing => thing.strip_suffix("Set").unwrap_or(thing),
    };
    column.strip_suffix("Id").is_some_and(|stem| stem.eq_ignore_ascii_case(own))
}

/// Whether a cell has objects in it: long, and for programs more than for people.
fn holds_objects(rows: &[Map<String, Value>], column: &str) -> bool {
    let lists = rows.iter().filter_map(|row| row.get(column)?.as_array());
    lists.flatten().any(Value::is_object)
}

fn is_name(column: &str) -> bool {
    column.ends_with("Name") && !column.contains('.')
}

/// Whether the column says in every row what the other one says.
fn repeats(rows: &[Map<String, Value>], column: &str, other: &str) -> bool {
    rows.iter().all(|row| row.get(column).is_none_or(|value| Some(value) == row.get(other)))
}

/// The rank of what is shown where there is room for everything.
const LAST: u8 = 13;

fn rank(thing: &str, column: &str) -> u8 {
    let last = column.rsplit('.').next().unwrap_or(column);
    let own = thing.strip_suffix("Set").unwrap_or(thing);
    match column {
        _ if is_id_of(thing, column) => 0,
        _ if column.strip_suffix("Name").is_some_and(|stem| stem == own) => 1,
        "Status" | "Connected" => 2,
        // What says that something is not as it should be.
        "GenerationsBehind"
        | "AbsentNetworkInterfaceCount"
        | "InstanceProblemCount"
        | "NotInForce.ProblemCount"
        | "Regression.Generation"
        | "Refused.Generation" => 3,
        // Of the addresses first the one that others use.
        "PrimaryIpType" => 11,
        _ if column.starts_with("InnerIp") || column.starts_with("PrimaryIp") => 4,
        "MacAddress" => 5,
        _ if last.starts_with("SecurityGroupId") => 6,
        _ if column.starts_with("PrivateIp")
            || column.starts_with("PublicIp")
            || last == "Ip"
            || last == "IpAddress" =>
        {
            7
        }
        _ if column.ends_with("RegionId") => 8,
        _ if last.ends_with("Id") || last.ends_with("Ids") => 9,
        _ if column.starts_with("Report.") => 12,
        _ if last.ends_with("Time") || last.ends_with("Fingerprint") => 12,
        _ if last.contains("Name") || last.contains("Ip") || last.contains("Cidr") => 10,
        _ => 11,
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

    #[test]
    fn a_network_interface_has_its_id_and_mac_before_what_is_nested() {
        let row = serde_json::json!({
            "CreationTime": "2026-11-22T03:53:25Z", "InstanceId": "i-1", "MacAddress": "00:16:3e:08:60:0a",
            "NetworkInterfaceId": "eni-1", "PrimaryIp": "172.17.0.2", "PrivateIpSets": [{ "Primary": true }],
            "SecurityGroupIds": ["sg-1"], "Status": "InUse",
        });
        let row = row.as_object().unwrap().clone();
        let columns = row.keys().cloned().collect();
        let ordered = in_order("NetworkInterfaceSets.NetworkInterfaceSet", columns, &[row]);
        let expected = [
            "NetworkInterfaceId",
            "Status",
            "PrimaryIp",
            "MacAddress",
            "SecurityGroupIds",
            "InstanceId",
            "CreationTime",
            "PrivateIpSets",
        ];
        assert_eq!(ordered, expected);
    }

    #[test]
    fn what_is_wrong_with_a_node_comes_before_its_times() {
        let columns = [
            "CreationTime",
            "CertificateExpiredTime",
            "Connected",
            "GenerationsBehind",
            "NodeId",
            "NodeName",
            "NotInForce.ProblemCount",
            "Regression.Generation",
            "AbsentNetworkInterfaceCount",
        ];
        let ordered = in_order("Nodes.Node", columns.map(Into::into).into(), &[]);
        assert_eq!(ordered[..3], ["NodeId", "Connected", "GenerationsBehind"], "{ordered:?}");
        assert_eq!(ordered[ordered.len() - 2..], ["CreationTime", "CertificateExpiredTime"], "{ordered:?}");
    }
}
