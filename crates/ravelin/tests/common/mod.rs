//! What tests of the whole program share: a `ravelin serve` process of their own, and clients that sign.
//!
//! A server lives as long as its value: it is killed when that is dropped. Its data directory is the caller's, so that
//! a test can kill a server and start another one on the same data.

// Each test program uses a part of this.
#![allow(dead_code)]

pub(crate) mod bounded;
pub(crate) mod choices;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;
use wire::protocol::{
    request::Format,
    signature::{
        client::{Call, SignedRequest, sign_v1, sign_v3},
        v1::Digest,
    },
};

/// The id of the root access key of every server started here.
pub(crate) const ACCESS_KEY_ID: &str = "LTAI5tRootKeyOfTheTests";
/// Its secret.
pub(crate) const ACCESS_KEY_SECRET: &str = "SecretOfTheRootKeyOfTheTests00";
/// The version of ENS.
pub(crate) const ENS: &str = "2017-11-10";

/// Settings with which instances and interfaces pass through their states at once.
pub(crate) const AT_ONCE: &[&str] = &[
    "timing.creating_ms=0",
    "timing.image_downloading_ms=0",
    "timing.starting_ms=0",
    "timing.stopping_ms=0",
    "timing.resetting_ms=0",
    "timing.releasing_ms=0",
    "timing.attaching_ms=0",
    "timing.detaching_ms=0",
    "timing.deleting_ms=0",
];

/// How long a server may take until it is ready, and a state until it is reached. Only a failure takes that long.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a server is started.
pub(crate) struct Launch {
    command: Command,
    nodes: bool,
}

impl Launch {
    /// A server on this data directory and any free port, with the root access key of the tests.
    pub(crate) fn on(data: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ravelin"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("RAVELIN_") {
                command.env_remove(name);
            }
        }
        command
            .env("RAVELIN_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .env("RAVELIN_ACCESS_KEY_SECRET", ACCESS_KEY_SECRET);
        command
            .arg("serve")
            .arg("--data")
            .arg(data)
            .args(["--listen", "127.0.0.1:0"])
            .env("RAVELIN_LOG", "warn");
        Self { command, nodes: false }
    }

    /// With a listener for nodes at this address.
    pub(crate) fn node_listen(mut self, address: &str) -> Self {
        self.nodes = true;
        self.arg("--node-listen").arg(address)
    }

    /// With one more argument.
    pub(crate) fn arg(mut self, argument: &str) -> Self {
        self.command.arg(argument);
        self
    }

    /// With these settings.
    pub(crate) fn set(mut self, assignments: &[&str]) -> Self {
        for assignment in assignments {
            self.command.args(["--set", assignment]);
        }
        self
    }

    /// With this environment variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// With its log going there.
    pub(crate) fn log_to(mut self, log: Stdio) -> Self {
        self.command.stderr(log);
        self
    }

    /// Starts it and waits until it is ready. Its log goes where the test's standard error goes.
    pub(crate) fn start(mut self) -> Server {
        let mut child = self.command.stdout(Stdio::piped()).spawn().expect("the server can be started");
        let output = child.stdout.take().expect("its output is a pipe");
        let mut server = Server { child, address: String::new(), nodes: String::new() };
        let (send, lines) = mpsc::channel();
        // Reads on for as long as the server lives: it must never wait for a reader.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        while server.address.is_empty() || self.nodes && server.nodes.is_empty() {
            let line = lines.recv_timeout(PATIENCE).expect("the server prints that it is ready");
            if let Some(address) = line.strip_prefix("ready http://") {
                server.address = address.trim().to_owned();
            } else if let Some(address) = line.strip_prefix("ready nodes ") {
                server.nodes = address.trim().to_owned();
            }
        }
        server
    }
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    /// Where it listens for HTTP: `127.0.0.1:port`.
    pub(crate) address: String,
    /// Where it listens for nodes: an address and a port; empty: nowhere.
    pub(crate) nodes: String,
}

impl Server {
    /// The number of its process.
    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as a power cut would, but for the page cache: SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("the server can be killed");
        self.child.wait().expect("the server's end can be awaited");
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the server's end can be awaited") {
                return status;
            }
            assert!(Instant::now() < deadline, "the server still runs");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The value of a metric without labels; 0 where there is none.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let mut response = ureq::get(format!("http://{}/metrics", self.address)).call().expect("the metrics");
        let text = response.body_mut().read_to_string().expect("a body");
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        value.unwrap_or(0.0)
    }

    /// A client with the root access key of a new account, which the operator makes while the server runs.
    pub(crate) fn other_account(&self, data: &Path, name: &str) -> Client {
        let output = Command::new(env!("CARGO_BIN_EXE_ravelin"))
            .args(["account", "create", name, "--output", "json", "--data"])
            .arg(data)
            .output()
            .expect("the operator's command can be started");
        assert!(output.status.success(), "{output:?}");
        let key: Value = serde_json::from_slice(&output.stdout).expect("a key");
        let text = |field: &str| key[field].as_str().expect("a text").to_owned();
        Client::new(&self.address, &text("AccessKeyId"), &text("AccessKeySecret"))
    }

    /// A client that signs with the root access key of the tests.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.address, ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An HTTP answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body: JSON.
    pub(crate) body: Value,
    /// The generation that it names in its header.
    pub(crate) generation: Option<u64>,
}

impl Answer {
    /// The error code; empty for success.
    pub(crate) fn code(&self) -> &str {
        if self.status == 200 { "" } else { self.body["Code"].as_str().unwrap_or_default() }
    }

    /// The text at a JSON pointer; empty where there is none.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The list at a JSON pointer, which must be there: Terraform takes a missing path for an error.
    pub(crate) fn list(&self, pointer: &str) -> &[Value] {
        let found = self.body.pointer(pointer).and_then(Value::as_array);
        found.unwrap_or_else(|| unreachable!("no list {pointer} in {}", self.body))
    }
}

/// A client of the RPC protocol with one access key.
#[derive(Clone)]
pub(crate) struct Client {
    agent: ureq::Agent,
    address: String,
    access_key_id: String,
    secret: String,
}

impl Client {
    /// A client of the server at `host:port`.
    pub(crate) fn new(address: &str, access_key_id: &str, secret: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(PATIENCE))
            .build();
        Self {
            agent: config.into(),
            address: address.into(),
            access_key_id: access_key_id.into(),
            secret: secret.into(),
        }
    }

    /// Sends a POST with a V1 signature and these parameters in query and form body.
    pub(crate) fn v1(&self, action: &str, query: &[(&str, &str)], form: &[(&str, &str)]) -> Answer {
        self.v1_with(action, query, form, &[])
    }

    /// As [`Client::v1`], with further headers.
    pub(crate) fn v1_with(
        &self,
        action: &str,
        query: &[(&str, &str)],
        form: &[(&str, &str)],
        headers: &[(&'static str, &str)],
    ) -> Answer {
        let nonce = nonce();
        self.send(&with_headers(sign_v1(&self.call(action, query, form, &nonce), Digest::Sha1), headers))
    }

    /// Sends a POST with a V3 signature and these parameters in the query, as the current SDKs do.
    pub(crate) fn v3(&self, action: &str, query: &[(&str, &str)]) -> Answer {
        let nonce = nonce();
        self.send(&sign_v3(&self.call(action, query, &[], &nonce)))
    }

    fn call<'a>(
        &'a self,
        action: &'a str,
        query: &'a [(&'a str, &'a str)],
        form: &'a [(&'a str, &'a str)],
        nonce: &'a str,
    ) -> Call<'a> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is after 1970");
        Call {
            method: &http::Method::POST,
            host: &self.address,
            action,
            version: ENS,
            query,
            form,
            format: Format::Json,
            access_key_id: &self.access_key_id,
            secret: &self.secret,
            security_token: None,
            unix_seconds: i64::try_from(now.as_secs()).expect("the clock is before the end of time"),
            nonce,
        }
    }

    /// As [`Client::v1_with`]; none where no answer comes: the server may be gone.
    pub(crate) fn try_v1_with(
        &self,
        action: &str,
        form: &[(&str, &str)],
        headers: &[(&'static str, &str)],
    ) -> Option<Answer> {
        let nonce = nonce();
        self.try_send(&with_headers(sign_v1(&self.call(action, &[], form, &nonce), Digest::Sha1), headers))
    }

    /// As [`Client::v3`]; none where no answer comes: the server may be gone.
    pub(crate) fn try_v3(&self, action: &str, query: &[(&str, &str)]) -> Option<Answer> {
        let nonce = nonce();
        self.try_send(&sign_v3(&self.call(action, query, &[], &nonce)))
    }

    /// A request of this client to a server of this name, not yet sent.
    pub(crate) fn signed_for(
        &self,
        host: &str,
        action: &str,
        query: &[(&str, &str)],
        nonce: &str,
    ) -> SignedRequest {
        sign_v3(&Call { host, ..self.call(action, query, &[], nonce) })
    }

    /// As [`Client::v3`], with this method and of this version of an API.
    pub(crate) fn v3_of(&self, method: &str, version: &str, action: &str, query: &[(&str, &str)]) -> Answer {
        let nonce = nonce();
        let method = http::Method::from_bytes(method.as_bytes()).expect("a method");
        let call = Call { method: &method, version, ..self.call(action, query, &[], &nonce) };
        self.send_as(method.as_str(), &sign_v3(&call))
    }

    /// A client with the access key of a new RAM user of this client's account.
    pub(crate) fn user(&self, name: &str) -> Self {
        let ram = |action: &str| self.v3_of("POST", "2015-05-01", action, &[("UserName", name)]);
        assert_eq!(ram("CreateUser").code(), "");
        let key = ram("CreateAccessKey");
        Self::new(&self.address, key.text("/AccessKey/AccessKeyId"), key.text("/AccessKey/AccessKeySecret"))
    }

    /// Sends a signed request.
    pub(crate) fn send(&self, signed: &SignedRequest) -> Answer {
        self.try_send(signed).expect("an answer")
    }

    /// Sends a signed request with this method.
    pub(crate) fn send_as(&self, method: &str, signed: &SignedRequest) -> Answer {
        self.try_send_as(method, signed).expect("an answer")
    }

    fn try_send(&self, signed: &SignedRequest) -> Option<Answer> {
        self.try_send_as("POST", signed)
    }

    fn try_send_as(&self, method: &str, signed: &SignedRequest) -> Option<Answer> {
        let address = format!("http://{}{}", self.address, signed.target);
        let mut request = http::Request::builder().method(method).uri(address);
        for (name, value) in &signed.headers {
            request = request.header(*name, value);
        }
        let request = request.body(signed.body.clone()).expect("a request");
        let mut response = self.agent.run(request).ok()?;
        let status = response.status().as_u16();
        let generation = response.headers().get("x-ravelin-generation");
        let generation = generation.map(|value| value.to_str().ok().and_then(|text| text.parse().ok()));
        let generation = generation.map(|number| number.expect("a generation is a number"));
        let text = response.body_mut().read_to_string().ok()?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Some(Answer { status, body, generation })
    }
}

/// A request with further headers, which are not signed.
fn with_headers(mut signed: SignedRequest, headers: &[(&'static str, &str)]) -> SignedRequest {
    for (name, value) in headers {
        signed.headers.retain(|(known, _)| known != name);
        signed.headers.push((name, (*value).to_owned()));
    }
    signed
}

/// What makes a request unique: 128 random bits.
pub(crate) fn nonce() -> String {
    let bits = || getrandom::u64().expect("there is randomness");
    format!("{:016x}{:016x}", bits(), bits())
}

/// Asks until there is something, as clients wait for a state. Fails when nothing has come for a very long time.
pub(crate) fn wait_until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < deadline, "still not: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
