//! `ravelin demo`, as a newcomer runs it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what helps tests is a test")]

mod common;

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::common::{
    bounded::Bounded,
    choices::{self, Choices},
};

/// The longest time after its first word in which a demo is interrupted, in milliseconds: about as long as it takes.
const MOMENT_MS: u64 = 12_000;

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

/// Starts a demo, whose output is waited for.
fn start(command: &mut Command) -> Bounded {
    Bounded::new("the demo", command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

/// Sends a signal to a demo that may have ended.
fn send(signal: &str, to: u32) -> bool {
    Command::new("kill")
        .args(["-s", signal, &to.to_string()])
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success()
}

fn is_empty(place: &Path) -> bool {
    fs::read_dir(place).unwrap().next().is_none()
}

/// The steps of a demo that went well, and what it left out.
fn told(output: &Output) -> (Vec<Value>, Option<Value>) {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let (steps, mut others): (Vec<Value>, Vec<Value>) = lines.partition(|line| line["step"].is_u64());
    assert!(steps.iter().all(|step| step["ok"] == true));
    assert!(steps.iter().enumerate().all(|(n, step)| step["step"] == n + 1));
    let left_out = others.pop();
    assert!(others.is_empty(), "{others:?}");
    (steps, left_out)
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// The step that calls this operation and has this status.
fn step<'a>(steps: &'a [Value], operation: &str, status: u64) -> &'a Value {
    let found = steps.iter().find(|step| step["operation"] == operation && step["status"] == status);
    found.unwrap_or_else(|| panic!("no {operation} with {status}"))
}

#[test]
fn the_demo_tells_the_whole_story_and_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    let output = start(demo(place.path()).arg("--json")).output();
    let (mut steps, left_out) = told(&output);
    assert_eq!(left_out.is_none(), is_root(), "{left_out:?}");
    // What is told of real packets has a test of its own.
    let first = |step: &Value| step["operation"] == "CreateNodeToken";
    steps.truncate(steps.iter().position(first).unwrap_or(steps.len()));
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
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129), ("QUIT", 131)] {
        let place = tempfile::tempdir().unwrap();
        let mut demo = start(&mut demo(place.path()));
        // The first step is told, so that it is in the middle.
        demo.says("GetCallerIdentity");
        assert!(send(signal, demo.id()));
        let output = demo.output();
        assert_eq!(output.status.code(), Some(code), "{signal}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, "Interrupted; the demo's data is removed.\n", "{signal}");
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(!told.contains("The story ends here"), "{signal}: what fails then is no news: {told}");
        assert!(is_empty(place.path()), "{signal}");
    }
    let place = tempfile::tempdir().unwrap();
    let mut child = demo(place.path()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(!Bounded::new("the demo", child).output().status.success());
    assert!(is_empty(place.path()));
}

#[test]
fn a_full_disk_is_told_as_what_it_is() {
    let place = tempfile::tempdir().unwrap();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let full = demo(place.path()).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let output = Bounded::new("the demo", full).output();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("cannot write to standard output") && !said.contains("nobody reads"), "{said}");
    assert!(is_empty(place.path()));
}

#[test]
fn as_root_a_leave_cuts_real_packets_and_a_time_line_says_when() {
    if !is_root() {
        eprintln!("skipped: only root may make namespaces");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    // Two at the same time do not meet.
    let both = [(); 2].map(|()| start(demo(place.path()).arg("--json")));
    for output in both.map(Bounded::output) {
        let (steps, left_out) = told(&output);
        assert_eq!(left_out, None);
        assert_eq!(step(&steps, "CreateNodeToken", 200)["answer"]["Token"], "(hidden)");
        let line = steps.iter().find_map(|step| step["time_line"].as_array()).unwrap();
        let at = |name: &str| {
            let moments = line.iter().filter(|moment| moment["moment"] == name);
            let times: Vec<f64> = moments.map(|moment| moment["milliseconds"].as_f64().unwrap()).collect();
            assert!(!times.is_empty(), "no {name} in {line:?}");
            times
        };
        let (asked, answered) = (at("asked")[0], at("answered")[0]);
        let way = [asked, at("durable")[0], at("switched")[0], at("confirmed")[0], answered];
        assert!(way.is_sorted(), "{line:?}");
        let last = at("last packet");
        assert_eq!(last.len(), 2, "one of TCP, one of UDP");
        assert!(last.iter().all(|last| *last <= answered), "{line:?}");
        let kept = steps.iter().rev().filter_map(|step| step["flows"].as_array()).nth(1).unwrap();
        assert!(kept.iter().all(|flow| flow["group"] == "telemetry" && flow["missing"] == 0), "{kept:?}");
    }
    assert!(is_empty(place.path()));
}

#[test]
fn without_root_real_packets_are_left_out_and_that_is_said_in_one_line() {
    // Where nobody else may look at the program, nobody could run it.
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = directory.path().join("ravelin");
    fs::copy(env!("CARGO_BIN_EXE_ravelin"), &program).unwrap();
    let place = directory.path().join("place");
    fs::create_dir(&place).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o777)).unwrap();
    let mut command = Command::new(&program);
    command.args(["demo", "--json"]).env("TMPDIR", &place);
    if is_root() {
        command.uid(65_534).gid(65_534);
    }
    let (_, left_out) = told(&start(&mut command).output());
    let left_out = left_out.unwrap();
    assert_eq!(left_out["why"], "this is not root");
    assert!(left_out["left_out"].as_str().unwrap().contains("a Leave cuts"), "{left_out}");
    assert!(is_empty(&place));
}

/// The namespaces that a process is in.
fn namespaces(process: &Path) -> Vec<PathBuf> {
    ["net", "mnt"].into_iter().filter_map(|kind| fs::read_link(process.join("ns").join(kind)).ok()).collect()
}

#[test]
fn as_root_nothing_is_left_behind_whenever_it_is_interrupted() {
    if !is_root() {
        eprintln!("skipped: only root may make namespaces");
        return;
    }
    let own = namespaces(Path::new("/proc/self"));
    let mut choices = Choices::from_seed(choices::seed());
    for signal in ["INT", "TERM", "HUP", "QUIT", "INT", "INT"] {
        let place = tempfile::tempdir().unwrap();
        let mut demo = start(demo(place.path()).arg("--json"));
        // From the first word on, anywhere, whatever is told until then: no wait for anything.
        demo.says("{");
        thread::sleep(Duration::from_millis(choices.below(MOMENT_MS)));
        let process = PathBuf::from(format!("/proc/{}", demo.id()));
        let private: Vec<PathBuf> =
            namespaces(&process).into_iter().filter(|namespace| !own.contains(namespace)).collect();
        // It may have told everything meanwhile.
        let sent = send(signal, demo.id());
        let output = demo.output();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.code().is_some(), "{signal}: {:?} {sent}", output.status);
        assert!(is_empty(place.path()), "{signal}");
        // The kernel takes down what is in namespaces that nobody is in.
        for process in fs::read_dir("/proc").unwrap() {
            let found = namespaces(&process.unwrap().path());
            assert!(
                !found.iter().any(|namespace| private.contains(namespace)),
                "{signal}: a process is left"
            );
        }
        for instance in text.split('"').filter(|word| word.starts_with("i-")) {
            assert!(!Path::new("/run/netns").join(format!("ravelin-{instance}")).exists(), "{instance}");
        }
        assert!(!Path::new("/sys/fs/bpf/ravelin/demo").exists());
    }
}

#[test]
fn an_interrupt_before_the_first_word_leaves_nothing_behind() {
    for delay_ms in (0..400).step_by(40) {
        let place = tempfile::tempdir().unwrap();
        let demo = start(&mut demo(place.path()));
        // No wait for anything: the moment is what is tested.
        thread::sleep(Duration::from_millis(delay_ms));
        assert!(send("INT", demo.id()));
        demo.output();
        assert!(is_empty(place.path()), "after {delay_ms} ms");
    }
}
