//! `ravelin preview`, `explain`, `findings` and `events` against a server, with what scripts go by; and the event log.

mod common;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use common::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, AT_ONCE, Launch, Server, wait_until};
use serde_json::Value;

/// Runs the program as a client of the server.
fn run(server: &Server, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ravelin"));
    command.args(arguments).args(["--endpoint", &format!("http://{}", server.address)]);
    command.env("RAVELIN_ACCESS_KEY_ID", ACCESS_KEY_ID).env("RAVELIN_ACCESS_KEY_SECRET", ACCESS_KEY_SECRET);
    command.output().expect("the program can be started")
}

#[track_caller]
fn shows(output: &Output, code: i32, words: &[&str]) {
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    for word in words {
        assert!(text.contains(word), "no {word:?} in {text}");
    }
}

/// A group that lets TCP 22 in from everywhere, and an interface in it.
fn scene(server: &Server) -> (String, String) {
    let client = server.client();
    let region = ("EnsRegionId", "edge-1");
    let network = client.v3("CreateNetwork", &[region, ("CidrBlock", "10.0.0.0/8")]);
    let network = network.text("/NetworkId").to_owned();
    let vswitch = [region, ("CidrBlock", "10.1.0.0/16"), ("NetworkId", network.as_str())];
    let vswitch = client.v3("CreateVSwitch", &vswitch).text("/VSwitchId").to_owned();
    let group = client.v3("CreateSecurityGroup", &[]).text("/SecurityGroupId").to_owned();
    let rule = [
        ("SecurityGroupId", group.as_str()),
        ("IpProtocol", "tcp"),
        ("PortRange", "22/22"),
        ("SourceCidrIp", "0.0.0.0/0"),
    ];
    assert_eq!(client.v3("AuthorizeSecurityGroup", &rule).code(), "");
    let groups = format!("[\"{group}\"]");
    let interface = [("VSwitchId", vswitch.as_str()), ("SecurityGroupIds", groups.as_str())];
    let interface = client.v3("CreateNetworkInterface", &interface);
    (group, interface.text("/NetworkInterfaceIds/0").to_owned())
}

fn events(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    // The last line may be half written.
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn named(events: &[Value], operation: &str) -> bool {
    events.iter().any(|event| event["OperationName"] == operation)
}

#[test]
fn people_and_scripts_are_told_before_and_after() {
    let data = tempfile::tempdir().expect("a directory");
    let server = Launch::on(data.path()).set(AT_ONCE).start();
    let (group, interface) = scene(&server);
    let leave = ["preview", "leave", "--group", &group, "--network-interface", &interface];
    shows(
        &run(&server, &leave),
        5,
        &["ingress closes tcp", "to port 22", "would be in no group", "-> no group"],
    );
    let json = run(&server, &[&leave[..], &["-o", "json"]].concat());
    let preview: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!((json.status.code(), &preview["NetworkInterfaceCount"]), (Some(5), &Value::from(1)));
    let add =
        ["preview", "add-rule", "--group", &group, "--rule", "ingress accept udp from 10.0.0.0/8 to port 53"];
    shows(&run(&server, &add), 0, &["ingress opens udp from 10.0.0.0/8 to port 53"]);
    let join = ["preview", "join", "--group", &group, "--network-interface", &interface];
    shows(&run(&server, &join), 3, &["InvalidParameter"]);
    shows(&run(&server, &["preview", "leave", "--group", &group]), 2, &[]);
    let explain = ["explain", "--from", "internet", "--to", &interface, "--port"];
    shows(
        &run(&server, &[&explain[..], &["22"]].concat()),
        0,
        &["passes", "is accepted by rule 1 of", "since "],
    );
    shows(&run(&server, &[&explain[..], &["23"]].concat()), 5, &["is dropped", "add to "]);
    shows(&run(&server, &[&explain[..], &["22", "--as-of", "999999"]].concat()), 3, &["InvalidAsOf.NotYet"]);
    shows(&run(&server, &["findings"]), 5, &["OpenToTheWorld", "tcp 22", "1 finding in 1 security group"]);
    shows(&run(&server, &["findings", "--kind", "NoMembers"]), 0, &["0 findings"]);
    let listed = run(&server, &["events", "--resource", &group, "--limit", "2"]);
    shows(&listed, 0, &["CreateNetworkInterface", "AuthorizeSecurityGroup", "there are older ones"]);
}

#[test]
fn the_event_log_has_every_event_and_may_be_rotated() {
    let data = tempfile::tempdir().expect("a directory");
    let (log, moved) = (data.path().join("events.jsonl"), data.path().join("events.1"));
    let log_name = log.to_string_lossy().into_owned();
    let launch = Launch::on(&data.path().join("data")).set(AT_ONCE).arg("--event-log").arg(&log_name);
    let mut server = launch.start();
    let (group, interface) = scene(&server);
    wait_until("the first events are written", || {
        named(&events(&log), "CreateNetworkInterface").then_some(())
    });
    fs::rename(&log, &moved).expect("it can be moved");
    let hang_up = Command::new("kill").args(["-HUP", &server.process_id().to_string()]).status();
    assert!(hang_up.expect("kill can be started").success());
    wait_until("the file is made anew", || log.exists().then_some(()));
    let target = [("SecurityGroupId", group.as_str()), ("NetworkInterfaceId", interface.as_str())];
    assert_eq!(server.client().v3("LeaveSecurityGroup", &target).code(), "");
    assert_eq!(server.client().v3("LeaveSecurityGroup", &target).code(), "InvalidParameter");
    let stop = Command::new("kill").arg(server.process_id().to_string()).status();
    assert!(stop.expect("kill can be started").success());
    assert!(server.wait().success());
    let written = events(&log);
    let outcomes: Vec<&Value> = written.iter().map(|event| &event["Outcome"]).collect();
    assert_eq!(outcomes, ["Applied", "Refused"], "{written:?}");
    assert_eq!(written[0]["Changes"][0]["Removed"]["SecurityGroupIds"][0], Value::from(group));
    assert_eq!(written[1]["ErrorCode"], "InvalidParameter");
    assert!(!named(&events(&moved), "LeaveSecurityGroup"));
}
