//! The first start: where the root access key goes, and who can read it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what helps tests is a test")]

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
};

fn ravelin(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ravelin"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("RAVELIN_") {
            command.env_remove(name);
        }
    }
    command.args(arguments);
    command
}

/// A server without a terminal: its address, and where its log goes.
fn serve(data: &Path, log: &Path) -> (Child, String) {
    let mut command = ravelin(&["serve", "--listen", "127.0.0.1:0", "--log", "debug", "--data"]);
    command.arg(data).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(fs::File::create(log).unwrap());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.next().unwrap().unwrap();
    // The server must never wait for a reader.
    std::thread::spawn(move || lines.count());
    (child, ready.strip_prefix("ready ").unwrap().to_owned())
}

fn stop(mut child: Child) {
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert!(child.wait().unwrap().success());
}

/// The key in the file: id and secret.
fn key(data: &Path) -> (String, String) {
    let text = fs::read_to_string(data.join("root-access-key")).unwrap();
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
    (value("RAVELIN_ACCESS_KEY_ID="), value("RAVELIN_ACCESS_KEY_SECRET="))
}

fn identity(address: &str, (id, secret): &(String, String)) -> bool {
    let call = ravelin(&["sts", "GetCallerIdentity", "--endpoint", address])
        .env("RAVELIN_ACCESS_KEY_ID", id)
        .env("RAVELIN_ACCESS_KEY_SECRET", secret)
        .env("RAVELIN_PROFILES", "/nonexistent")
        .output();
    call.unwrap().status.success()
}

#[test]
fn without_a_terminal_the_root_key_is_in_a_file_for_its_owner_and_in_no_log() {
    let place = tempfile::tempdir().unwrap();
    let (data, log) = (place.path().join("data"), place.path().join("log"));
    let (child, address) = serve(&data, &log);
    let made = key(&data);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data.join("root-access-key")), 0o600);
    assert_eq!(mode(&data), 0o700);
    assert!(identity(&address, &made));
    stop(child);
    let text = fs::read_to_string(&log).unwrap();
    assert!(!text.contains(&made.1), "the secret is in the log");
    assert!(text.contains("root-access-key"), "the log does not name the file");
    // The second start makes nothing new.
    let (child, address) = serve(&data, &log);
    assert_eq!(key(&data), made);
    assert!(identity(&address, &made));
    stop(child);
}

/// A crash between the key's file and the account leaves a file whose key opens nothing.
#[test]
fn a_key_file_without_an_account_is_replaced_by_one_that_opens_it() {
    let place = tempfile::tempdir().unwrap();
    let (data, log) = (place.path().join("data"), place.path().join("log"));
    fs::create_dir(&data).unwrap();
    fs::write(data.join("root-access-key"), "RAVELIN_ACCESS_KEY_ID=old\nRAVELIN_ACCESS_KEY_SECRET=old\n")
        .unwrap();
    let (child, address) = serve(&data, &log);
    assert_ne!(key(&data).0, "old");
    assert!(identity(&address, &key(&data)));
    stop(child);
}
