//! `ravelin demo`, as a newcomer runs it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what helps tests is a test")]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

fn demo(place: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ravelin"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("RAVELIN_") {
            command.env_remove(name);
        }
    }
    command.arg("demo").env("TMPDIR", place);
    command
}

fn is_empty(place: &Path) -> bool {
    fs::read_dir(place).unwrap().next().is_none()
}

/// The step that calls this operation and has this status.
fn step<'a>(steps: &'a [Value], operation: &str, status: u64) -> &'a Value {
    let found = steps.iter().find(|step| step["operation"] == operation && step["status"] == status);
    found.unwrap_or_else(|| panic!("no {operation} with {status}"))
}

#[test]
fn the_demo_tells_the_whole_story_and_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    let output = demo(place.path()).arg("--json").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let steps: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(steps.iter().all(|step| step["ok"] == true));
    assert!(steps.iter().enumerate().all(|(n, step)| step["step"] == n + 1));
    assert!(step(&steps, "LeaveSecurityGroup", 200)["generation"].is_u64());
    let leaves: Vec<&str> = steps
        .iter()
        .filter(|step| step["operation"] == "LeaveSecurityGroup")
        .map(|step| step["answer"]["Code"].as_str().unwrap_or("OK"))
        .collect();
    assert_eq!(leaves, ["OK", "InvalidParameter", "IncorrectInstanceStatus", "NoPermission", "OK"]);
    assert_eq!(step(&steps, "DeleteSecurityGroup", 400)["answer"]["Code"], "DependencyViolation");
    assert_eq!(step(&steps, "CreateAccessKey", 200)["answer"]["AccessKey"]["AccessKeySecret"], "(hidden)");
    assert!(is_empty(place.path()), "the demo left its data behind");
}

#[test]
fn the_demo_leaves_nothing_behind_when_it_is_interrupted_or_nobody_listens() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let place = tempfile::tempdir().unwrap();
        let mut child = demo(place.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // The first step is told, so that it is in the middle.
        lines
            .find(|line| line.as_ref().is_ok_and(|line| line.contains("GetCallerIdentity")))
            .unwrap()
            .unwrap();
        let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{signal}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, "Interrupted; the demo's data is removed.\n", "{signal}");
        assert!(is_empty(place.path()), "{signal}");
    }
    let place = tempfile::tempdir().unwrap();
    let mut child = demo(place.path()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(!child.wait().unwrap().success());
    assert!(is_empty(place.path()));
}

#[test]
fn a_full_disk_is_told_as_what_it_is() {
    let place = tempfile::tempdir().unwrap();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = demo(place.path()).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("cannot write to standard output") && !said.contains("nobody reads"), "{said}");
    assert!(is_empty(place.path()));
}
