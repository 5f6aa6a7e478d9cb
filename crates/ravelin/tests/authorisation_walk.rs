//! Every operation of the catalogue, called by nobody, by a user without permission, and by another account.
//!
//! The walk is over the catalogue itself: a new operation is walked without being named here.

mod common;

use std::collections::BTreeMap;

use common::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, AT_ONCE, Answer, Client, Launch, Server, wait_until};
use serde_json::Value;
use wire::{
    catalogue::{self, Access, Encoding, Kind, Operation, Parameter},
    protocol::signature::client::SignedRequest,
};

/// One thing of each kind that the first account has, by the parameter that names it.
type Things = BTreeMap<&'static str, String>;

/// The products that have resources of accounts.
const PRODUCTS: [catalogue::Product; 2] = [catalogue::Product::Ens, catalogue::Product::Ravelin];

fn ravelin(client: &Client, action: &str, query: &[(&str, &str)]) -> Answer {
    client.v3_of("POST", catalogue::Product::Ravelin.version(), action, query)
}

fn world(server: &Server) -> Things {
    let client = server.client();
    let text = |answer: Answer, pointer: &str| {
        let found = answer.text(pointer).to_owned();
        assert!(!found.is_empty(), "no {pointer} in {answer:?}");
        found
    };
    let region = ("EnsRegionId", "edge-1");
    let network = client.v3("CreateNetwork", &[region, ("CidrBlock", "10.0.0.0/8")]);
    let network = text(network, "/NetworkId");
    let vswitch = [region, ("CidrBlock", "10.1.0.0/16"), ("NetworkId", network.as_str())];
    let vswitch = text(client.v3("CreateVSwitch", &vswitch), "/VSwitchId");
    let group = text(client.v3("CreateSecurityGroup", &[]), "/SecurityGroupId");
    let run = [
        region,
        ("ScheduleAreaLevel", "Region"),
        ("Amount", "1"),
        ("VSwitchId", vswitch.as_str()),
        ("SecurityId", group.as_str()),
    ];
    let instance = text(client.v3("RunInstances", &run), "/InstanceIds/0");
    let groups = format!("[\"{group}\"]");
    let interface = [("VSwitchId", vswitch.as_str()), ("SecurityGroupIds", groups.as_str())];
    let interface = text(client.v3("CreateNetworkInterface", &interface), "/NetworkInterfaceIds/0");
    let node = text(ravelin(&client, "CreateNodeToken", &[region]), "/NodeId");
    let bound = [("NetworkInterfaceId", interface.as_str()), ("NodeId", node.as_str())];
    assert_eq!(ravelin(&client, "BindNetworkInterface", &bound).code(), "");
    let disk = wait_until("the instance runs", || {
        let shown = client.v3("DescribeInstances", &[("InstanceId", instance.as_str())]);
        let running = shown.text("/Instances/Instance/0/Status") == "Running";
        running.then(|| text(shown, "/Instances/Instance/0/SystemDisk/DiskId"))
    });
    BTreeMap::from([
        ("NetworkId", network.clone()),
        ("NetWorkId", network),
        ("VSwitchId", vswitch),
        ("SecurityGroupId", group.clone()),
        ("SecurityId", group.clone()),
        ("SecurityGroupIds", group),
        ("InstanceId", instance.clone()),
        ("InstanceIds", instance.clone()),
        ("ResourceId", instance),
        ("NetworkInterfaceId", interface.clone()),
        ("NetworkInterfaceIds", interface),
        ("DiskId", disk),
        ("NodeId", node),
        ("Generation", "1".into()),
        ("AsOf", "1".into()),
        ("ImageId", "m-debian-12".into()),
        ("EnsRegionId", "edge-1".into()),
        ("ScheduleAreaLevel", "Region".into()),
    ])
}

/// Well-formed arguments of an operation, about what the first account has.
fn arguments(operation: &Operation, things: &Things) -> Vec<(String, String)> {
    let one_of: Vec<&str> = operation.exactly_one.iter().filter_map(|set| set.first().copied()).collect();
    // Some operations need more than the catalogue can say; what names a thing is given where it can be.
    let also = ["InstanceIds", "TagKey", "VSwitchId", "EnsRegionId", "ScheduleAreaLevel"];
    let wanted = operation.parameters.iter().filter(|parameter| {
        parameter.required || one_of.contains(&parameter.name) || also.contains(&parameter.name)
    });
    wanted.flat_map(|parameter| argument(parameter, things)).collect()
}

fn argument(parameter: &Parameter, things: &Things) -> Vec<(String, String)> {
    let name = parameter.name;
    let value = things.get(name).cloned().unwrap_or_else(|| parameter.example.to_owned());
    match parameter.kind {
        Kind::List { encoding: Encoding::Json, .. } if !value.starts_with('[') => {
            vec![(name.into(), format!("[\"{value}\"]"))]
        }
        Kind::List { encoding: Encoding::Numbered, .. } => vec![(format!("{name}.1"), value)],
        Kind::Objects { fields, encoding: Encoding::Numbered, .. } => fields
            .iter()
            .map(|field| (format!("{name}.1.{}", field.name), field.example.to_owned()))
            .collect(),
        _ => vec![(name.into(), value)],
    }
}

fn call(client: &Client, operation: &Operation, arguments: &[(String, String)]) -> Answer {
    let query: Vec<(&str, &str)> = arguments.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    client.v3_of(operation.methods.usual(), operation.product.version(), operation.name, &query)
}

/// Everything that the first account sees of itself.
fn snapshot(client: &Client, things: &Things) -> Vec<Value> {
    let mut shown = Vec::new();
    for operation in catalogue::all().filter(|operation| !operation.handler.mutates()) {
        // Times that pass and who the caller is are no part of the account's state.
        if PRODUCTS.contains(&operation.product) {
            let mut answer = call(client, operation, &arguments(operation, things)).body;
            forget_what_passes(&mut answer);
            shown.push(answer);
        }
    }
    shown
}

/// Takes out what is another with every look.
fn forget_what_passes(answer: &mut Value) {
    match answer {
        Value::Object(fields) => {
            // A recommendation has the id of its request, and a preview the newest generation, which is everybody's.
            let passes = ["RequestId", "Recommend", "MillisecondsBehind", "Generation"];
            fields.retain(|name, _| !passes.contains(&name.as_str()));
            fields.values_mut().for_each(forget_what_passes);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_what_passes),
        _ => {}
    }
}

#[test]
fn nobody_gets_anything() {
    let data = tempfile::tempdir().expect("a directory");
    let server = Launch::on(data.path()).set(AT_ONCE).set(&["node_listen=127.0.0.1:0"]).start();
    let things = world(&server);
    let stranger = Client::new(&server.address, "LTAI5tNobodyHasThisKey", ACCESS_KEY_SECRET);
    let forger = Client::new(&server.address, ACCESS_KEY_ID, "not-the-secret");
    for operation in catalogue::all() {
        let arguments = arguments(operation, &things);
        assert_eq!(
            call(&stranger, operation, &arguments).code(),
            "InvalidAccessKeyId.NotFound",
            "{}",
            operation.name
        );
        assert_eq!(
            call(&forger, operation, &arguments).code(),
            "SignatureDoesNotMatch",
            "{}",
            operation.name
        );
        let mut unsigned =
            vec![format!("Action={}", operation.name), format!("Version={}", operation.product.version())];
        unsigned.extend(
            arguments
                .iter()
                .filter(|(_, value)| !value.contains(['"', '{', ' ']))
                .map(|(n, v)| format!("{n}={v}")),
        );
        let unsigned = SignedRequest {
            target: format!("/?{}", unsigned.join("&")),
            headers: Vec::new(),
            body: String::new(),
        };
        let answer = server.client().send_as(operation.methods.usual(), &unsigned);
        assert_eq!(
            (answer.status, answer.code()),
            (400, "MissingParameter"),
            "{} {answer:?}",
            operation.name
        );
    }
}

#[test]
fn a_user_without_permission_is_refused_everywhere() {
    let data = tempfile::tempdir().expect("a directory");
    let server = Launch::on(data.path()).set(AT_ONCE).set(&["node_listen=127.0.0.1:0"]).start();
    let things = world(&server);
    let user = server.client().user("powerless");
    for operation in catalogue::all() {
        let answer = call(&user, operation, &arguments(operation, &things));
        if operation.ram.access == Access::None {
            assert_eq!(answer.code(), "", "{}", operation.name);
        } else {
            assert_eq!(answer.code(), "NoPermission", "{} {answer:?}", operation.name);
        }
    }
}

#[test]
fn another_account_sees_and_changes_nothing() {
    let data = tempfile::tempdir().expect("a directory");
    let server = Launch::on(data.path()).set(AT_ONCE).set(&["node_listen=127.0.0.1:0"]).start();
    let things = world(&server);
    let before = snapshot(&server.client(), &things);
    let other = server.other_account(data.path(), "other");
    for operation in catalogue::all().filter(|operation| PRODUCTS.contains(&operation.product)) {
        let answer = call(&other, operation, &arguments(operation, &things));
        assert_ne!(answer.code(), "NoPermission", "others' resources do not exist: {}", operation.name);
        assert_ne!(answer.code(), "MissingParameter", "{} is not walked: {answer:?}", operation.name);
        let ids = ["InstanceId", "SecurityGroupId", "NetworkInterfaceId", "NetworkId", "VSwitchId", "NodeId"];
        let about = ids.iter().filter(|name| operation.parameter(name).is_some_and(|p| p.required));
        if about.count() > 0 && !operation.name.starts_with("Describe") {
            assert!(answer.code().contains("NotFound"), "{} answers {answer:?}", operation.name);
        }
        if answer.status == 200 {
            let shown = answer.body.to_string();
            // The batch operations repeat the id with the error; nothing else may know it.
            let leaked =
                things.iter().filter(|(name, _)| ids.contains(*name)).find(|(_, id)| shown.contains(*id));
            let refused = shown.contains("NotFound");
            assert!(leaked.is_none() || refused, "{} shows {leaked:?}: {shown}", operation.name);
        }
    }
    assert_eq!(snapshot(&server.client(), &things), before, "the other account changed something");
}
