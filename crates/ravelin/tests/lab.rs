//! `ravelin lab`, as people and programs call it. Needs root; without it only what is said then is looked at.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::{
    fs::Permissions,
    io::{BufRead, BufReader},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

fn ravelin(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ravelin"));
    command.arg("lab").args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    ravelin(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn error(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A lab's file, under a name of its own; the lab is removed when this is dropped.
struct File {
    name: String,
    path: tempfile::TempPath,
}

impl File {
    fn new(prefix: &str) -> Self {
        let name = format!("{prefix}{}", std::process::id());
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let example = text(&run(&["example"])).replace("name = \"shop\"", &format!("name = \"{name}\""));
        std::fs::write(&path, example).unwrap();
        Self { name, path }
    }

    fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }

    fn replace(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(&self.path).unwrap();
        assert!(text.contains(from));
        std::fs::write(&self.path, text.replace(from, to)).unwrap();
    }
}

impl Drop for File {
    fn drop(&mut self) {
        run(&["down", &self.name]);
    }
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&text(&run(&[arguments, &["--output", "json"]].concat()))).unwrap()
}

#[test]
fn a_lab_is_made_shown_changed_and_removed() {
    if !is_root() {
        println!("skipped: labs need root");
        return;
    }
    let file = File::new("cli");
    let planned = json(&["apply", file.path(), "--dry-run"]);
    assert_eq!((planned["dry_run"].as_bool(), planned["generation"].as_u64()), (Some(true), Some(1)));
    let made = json(&["apply", file.path()]);
    assert_eq!(made["steps"], planned["steps"]);
    assert_eq!(
        text(&run(&["apply", file.path()])),
        format!("lab {}, generation 2: nothing to do\n", file.name)
    );

    let addresses = text(&run(&["exec", "web-1", "--lab", &file.name, "--", "cat", "/proc/net/fib_trie"]));
    assert!(addresses.contains("10.77.1.11") && addresses.contains("10.77.2.11"), "{addresses}");
    let missing = error(&run(&["exec", "web-9", "--lab", &file.name, "--", "true"]));
    assert!(missing.contains("it has client, database, web-1, web-2"), "{missing}");
    for (command, code) in [(&["sh", "-c", "exit 7"][..], 7), (&["/etc/passwd"], 126), (&["no-such"], 127)] {
        let failed = run(&[&["exec", "client", "--lab", &file.name, "--"], command].concat());
        assert_eq!(failed.status.code(), Some(code), "{command:?}");
    }

    file.replace("to port 80\"", "to port 8080\"");
    let changed = text(&run(&["apply", file.path()]));
    assert_eq!(
        changed,
        format!("lab {}, generation 3: 1 step\n  switch class web to its new rules\n", file.name)
    );
    let status = json(&["status", &file.name, "--flows"]);
    assert_eq!(status["generation"], 3);
    assert_eq!(status["interfaces"].as_array().unwrap().len(), 5);
    let shown = text(&run(&["status", &file.name]));
    assert!(shown.contains("ingress accept tcp to port 8080"), "{shown}");

    assert!(text(&run(&["down", &file.name])).ends_with(&format!("\nlab {} is removed\n", file.name)));
    assert_eq!(
        text(&run(&["down", &file.name])),
        format!("there is nothing of lab {} on this host\n", file.name)
    );
    let gone = error(&run(&["status", &file.name]));
    assert!(gone.contains(&format!("no lab {:?} runs on this host", file.name)), "{gone}");
}

/// Applies a lab, and watches it: the watcher, and its lines after the first.
fn watched(file: &File) -> (Child, impl Iterator<Item = String>) {
    text(&run(&["apply", file.path()]));
    let mut watcher = ravelin(&["watch", &file.name]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watcher.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), format!("lab {}: generation 1", file.name));
    (watcher, lines)
}

#[test]
fn a_watcher_writes_lines_until_it_is_interrupted() {
    if !is_root() {
        println!("skipped: labs need root");
        return;
    }
    let file = File::new("watched");
    let (mut watcher, mut lines) = watched(&file);
    // Nobody listens there, and nobody may. What is written after it finds a reader still.
    let mut knock = ravelin(&["exec", "client", "--lab", &file.name, "--", "bash", "-c"]);
    let mut knock = knock.arg("exec 3<>/dev/tcp/10.77.1.11/81").spawn().unwrap();
    let dropped = lines.find(|line| line.contains(":81 dropped: implicit"));
    assert!(dropped.is_some_and(|line| line.starts_with("web-1/eth0: ingress tcp 10.77.1.5:")));
    knock.kill().unwrap();
    knock.wait().unwrap();
    text(&Command::new("kill").args(["-INT", &watcher.id().to_string()]).output().unwrap());
    assert!(watcher.wait().unwrap().success());
    drop(lines);
}

#[test]
fn a_watcher_ends_when_the_lab_is_removed() {
    if !is_root() {
        println!("skipped: labs need root");
        return;
    }
    let file = File::new("ended");
    let (mut watcher, lines) = watched(&file);
    text(&run(&["down", &file.name]));
    assert_eq!(lines.last().unwrap(), format!("lab {} is removed", file.name));
    assert!(watcher.wait().unwrap().success());
}

#[test]
fn a_file_that_is_no_lab_is_refused_with_its_lines() {
    let file = File::new("wrong");
    file.replace("\"web\"]", "\"wbe\"]");
    let refused = error(&run(&["apply", file.path()]));
    assert!(refused.contains("there is no group \"wbe\"; add [groups.wbe]"), "{refused}");
    assert!(refused.contains("line "), "{refused}");
    let endless = error(&run(&["apply", "/dev/zero"]));
    assert!(endless.contains("a lab's file has at most 1048576 bytes"), "{endless}");
    let missing = error(&run(&["apply", "no-such-file.toml"]));
    assert!(missing.contains("cannot read no-such-file.toml"), "{missing}");
}

#[test]
fn who_is_not_root_is_told_so() {
    // Where nobody else may look at the program, nobody could run it.
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    let program = directory.path().join("ravelin");
    std::fs::copy(env!("CARGO_BIN_EXE_ravelin"), &program).unwrap();
    let file = directory.path().join("lab.toml");
    std::fs::write(&file, text(&run(&["example"]))).unwrap();
    for arguments in [&["apply"][..], &["apply", "--dry-run"], &["status"], &["watch"]] {
        let mut command = Command::new(&program);
        command.arg("lab").args(arguments);
        if arguments[0] == "apply" {
            command.arg(&file);
        }
        if is_root() {
            command.uid(65_534).gid(65_534);
        }
        let refused = error(&command.output().unwrap());
        assert_eq!(
            refused,
            "ravelin: a lab makes network namespaces and loads programs into the kernel: run it as root\n",
            "{arguments:?}"
        );
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}
