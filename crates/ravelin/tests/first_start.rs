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

/// A first start that fails makes neither an account nor its key: the next one shows it.
#[test]
fn an_address_that_is_taken_does_not_burn_the_first_key() {
    let place = tempfile::tempdir().unwrap();
    let (data, log) = (place.path().join("data"), place.path().join("log"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused =
        ravelin(&["serve", "--listen", &address, "--data", data.to_str().unwrap()]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains(&address));
    assert!(!data.join("root-access-key").exists());
    let (child, address) = serve(&data, &log);
    assert!(identity(&address, &key(&data)));
    stop(child);
}

/// Secrets that are shown once and cannot be written: the message says what was made and how to replace it.
#[test]
fn a_secret_that_cannot_be_written_is_no_success() {
    let place = tempfile::tempdir().unwrap();
    let (data, log) = (place.path().join("data"), place.path().join("log"));
    let (child, address) = serve(&data, &log);
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let failed = |mut command: Command| {
        let output = command.stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let said = failed(ravelin(&["account", "create", "other", "--data", data.to_str().unwrap()]));
    assert!(said.contains("reset-root-key other"), "{said}");
    let (id, secret) = key(&data);
    let call = |arguments: &[&str]| {
        let mut command = ravelin(arguments);
        command.args(["--endpoint", &address]).env("RAVELIN_ACCESS_KEY_ID", &id);
        command.env("RAVELIN_ACCESS_KEY_SECRET", &secret).env("RAVELIN_PROFILES", "/nonexistent");
        command
    };
    let said = failed(call(&["ram", "CreateAccessKey"]));
    assert!(said.contains("DeleteAccessKey --UserAccessKeyId LTAI5t"), "{said}");
    let said = failed(call(&["sts", "GetCallerIdentity"]));
    assert!(said.contains("cannot write to standard output"), "{said}");
    stop(child);
}

/// A second signal does not wait for the requests in flight.
#[test]
fn a_second_signal_ends_the_server_at_once() {
    use std::{
        io::{Read, Write},
        net::TcpStream,
    };
    let place = tempfile::tempdir().unwrap();
    let (data, log) = (place.path().join("data"), place.path().join("log"));
    let (mut child, address) = serve(&data, &log);
    // A request whose body does not come keeps the server waiting.
    let mut stream = TcpStream::connect(address.strip_prefix("http://").unwrap()).unwrap();
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n")
        .unwrap();
    let mut begun = [0; 12];
    stream.read_exact(&mut begun).unwrap();
    assert_eq!(&begun, b"HTTP/1.1 100");
    let kill = || assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    kill();
    // Signals of one kind that come together are one: the second is sent when the first has been taken.
    while !fs::read_to_string(&log).unwrap().contains("stopping: finishing") {
        std::thread::yield_now();
    }
    kill();
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn profiles_are_kept_selected_and_forgotten_by_name() {
    let place = tempfile::tempdir().unwrap();
    let profiles = place.path().join("profiles.toml");
    let run = |arguments: &[&str], selected: &str| {
        let mut command = ravelin(arguments);
        command.env("RAVELIN_PROFILES", &profiles).env("RAVELIN_PROFILE", selected);
        let output = command.stdin(Stdio::null()).output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let (done, said) = run(&["configure", "set", "--profile", "a"], "");
    assert!(!done && said.contains("--endpoint") && said.contains("--access-key-id"), "{said}");
    for name in ["a", "b"] {
        assert!(run(&["configure", "set", "--profile", name, "--endpoint", "http://127.0.0.1:1"], "").0);
    }
    let (_, said) = run(&["sts", "GetCallerIdentity"], "a");
    assert!(said.contains("there is no access key"), "{said}");
    assert!(run(&["configure", "delete", "a"], "").0);
    let (_, said) = run(&["sts", "GetCallerIdentity"], "a");
    assert!(said.contains("there is no profile \"a\""), "{said}");
    assert!(run(&["configure", "delete", "--profile", "b"], "").0);
    assert!(!run(&["configure", "delete"], "").0);
}
