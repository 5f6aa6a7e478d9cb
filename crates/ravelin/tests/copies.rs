//! A call as people copy it (`wire::snippet`): pasted into a shell it arrives at a server with the very values that were
//! given, whatever they are, signed as the server wants it, and nothing of them is run.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at the first thing that is not as it should be, and says what it leaves out"
)]

mod common;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Output},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use common::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, AT_ONCE, Launch};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};
use wire::{
    catalogue::{self, Kind, Operation, Parameter, Product},
    protocol::{
        parameters::Parameters,
        query::QueryLimits,
        request::{Envelope, Format, Request},
    },
    snippet::{Call, Given, PASSWORD_VARIABLE, Server, pairs},
};

/// Values that a shell, Python, a form or a header would take for something else if it was let.
const HOSTILE: &[&str] = &[
    "it's",
    "a$(touch hostile)b`touch hostile`",
    "\"; touch hostile; \"",
    "${RAVELIN_ACCESS_KEY_SECRET}",
    "two\nlines\n\n'\n",
    "a\\",
    "\\'; touch hostile #",
    "--endpoint",
    "-x",
    "a,b",
    "[\"c\"]",
    "100%=&+ ü€\u{1f600}",
    "!!",
    "~ * ? # \t{a,b}",
];
const PASSWORD: &str = "Pa$$w0rd'\"`!&=% +";

/// Runs lines in a shell, in a directory of its own in which nothing may be made.
fn paste(lines: &str) -> Output {
    let place = tempfile::tempdir().expect("a directory");
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_ravelin")).parent().expect("a directory");
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("RAVELIN_") || name.to_lowercase().ends_with("_proxy") {
            shell.env_remove(name);
        }
    }
    let output = shell
        .args(["-c", lines])
        .current_dir(place.path())
        .env("PATH", path)
        .env("HOME", place.path())
        .env("RAVELIN_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("RAVELIN_ACCESS_KEY_SECRET", ACCESS_KEY_SECRET)
        .env(PASSWORD_VARIABLE, PASSWORD)
        .output()
        .expect("a shell");
    let made = std::fs::read_dir(place.path()).expect("the directory").count();
    assert_eq!(made, 0, "something of this was run: {lines}");
    output
}

/// Whether what the copies for curl need is there; says so where it is not.
fn has_curl() -> bool {
    let works = |program: &str, argument: &str| Command::new(program).arg(argument).output().is_ok();
    let there = works("curl", "--version") && works("openssl", "version");
    if !there {
        println!("skipped: curl or openssl is not installed");
    }
    there
}

/// A request as it arrived.
struct Arrived {
    method: Method,
    query: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// A server that takes one request after the other down and answers each with nothing.
struct Recorder(TcpListener);

impl Recorder {
    fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").expect("a port"))
    }

    fn address(&self) -> String {
        self.0.local_addr().expect("an address").to_string()
    }

    /// What arrives while these lines run.
    fn arriving(&self, lines: &str) -> Arrived {
        std::thread::scope(|scope| {
            let running = scope.spawn(|| paste(lines));
            self.0.set_nonblocking(true).expect("a listener");
            let stream = common::wait_until("a request, or the end of what should send one", || {
                match self.0.accept() {
                    Ok((stream, _)) => Some(Some(stream)),
                    Err(_) => running.is_finished().then_some(None),
                }
            });
            let arrived = stream.map(read);
            let output = running.join().expect("a shell");
            arrived.unwrap_or_else(|| unreachable!("nothing arrived of {lines}: {output:?}"))
        })
    }
}

fn read(stream: TcpStream) -> Arrived {
    stream.set_nonblocking(false).expect("a socket");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket");
    let mut reader = BufReader::new(&stream);
    let mut line = String::new();
    reader.read_line(&mut line).expect("a request line");
    let mut words = line.split(' ');
    let method = words.next().expect("a method").parse().expect("a method");
    let target = words.next().expect("a target").to_owned();
    let mut headers = HeaderMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a header");
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        let name: HeaderName = name.parse().expect("a name");
        headers.append(name, HeaderValue::from_str(value.trim()).expect("a value"));
    }
    let length = headers.get("content-length").map_or(0, |text| text.to_str().unwrap().parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    (&stream)
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
        .expect("an answer can be sent");
    let query = target.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default();
    Arrived { method, query, headers, body }
}

impl Arrived {
    /// Checks the signature as a server does; gives the parameters.
    fn verified(&self, operation: &Operation) -> Parameters {
        let raw = Request {
            method: &self.method,
            path: "/",
            query: &self.query,
            headers: &self.headers,
            body: &self.body,
        };
        let envelope = Envelope::open(raw, &QueryLimits::default()).expect("a request");
        assert_eq!(envelope.action(), Ok(operation.name));
        assert_eq!(envelope.version(), Ok(operation.product.version()));
        let credentials = envelope.credentials().expect("credentials");
        assert_eq!(credentials.access_key_id, ACCESS_KEY_ID);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is after 1970").as_secs();
        credentials.check_time(i64::try_from(now).unwrap()).expect("the time of now");
        credentials.verify(ACCESS_KEY_SECRET.as_bytes()).expect("the right signature");
        envelope.into_parameters()
    }
}

/// A value for a parameter, hostile where its type lets it be.
fn hostile(parameter: &Parameter, turn: &mut usize) -> Value {
    let mut next = || {
        *turn += 1;
        HOSTILE[*turn % HOSTILE.len()]
    };
    match parameter.kind {
        Kind::List { .. } => json!([next(), next(), next()]),
        Kind::Object { fields, .. } => object(fields, turn),
        Kind::Objects { fields, .. } => json!([object(fields, turn), object(fields, turn)]),
        Kind::Integer { .. } => json!(1),
        Kind::Boolean => json!(true),
        Kind::Password => json!(PASSWORD),
        _ => json!(next()),
    }
}

fn object(fields: &[Parameter], turn: &mut usize) -> Value {
    Value::Object(fields.iter().map(|field| (field.name.into(), hostile(field, turn))).collect())
}

/// What a server reads of the parameters, whichever of the ways they came.
fn read_as(given: &[Given], parameters: &Parameters) -> Vec<String> {
    let shown = |given: &Given| {
        let name = given.parameter.name;
        match given.parameter.kind {
            Kind::List { .. } => format!("{name}: {:?}", parameters.list_or_commas(name)),
            Kind::Object { .. } => format!("{name}: {:?}", parameters.object(name)),
            Kind::Objects { .. } => format!("{name}: {:?}", parameters.objects(name)),
            _ => format!("{name}: {:?}", parameters.pairs().get(name)),
        }
    };
    given.iter().map(shown).collect()
}

fn as_pairs(given: &[Given]) -> Parameters {
    use wire::protocol::{percent::encode, query::Pairs};
    let encoded: Vec<String> =
        pairs(given).iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    Parameters::new(Pairs::decode(encoded.join("&").as_bytes(), b"", &QueryLimits::default()).expect("pairs"))
}

/// Every operation with all its parameters, each with a hostile value, in every way of writing it.
fn every_operation(write: impl Fn(&Call<'_>, Server<'_>) -> String) {
    let recorder = Recorder::start();
    let address = recorder.address();
    let server = Server { host: &address, secure: false };
    let mut turn = 0;
    for operation in catalogue::all() {
        let given: Vec<Given> = operation
            .parameters
            .iter()
            .map(|parameter| Given { parameter, value: hostile(parameter, &mut turn) })
            .collect();
        let wait_seconds = operation.handler.mutates().then_some(0);
        let call = Call { operation, given: &given, wait_seconds };
        let lines = write(&call, server);
        assert!(!lines.contains(ACCESS_KEY_SECRET) && !lines.contains(PASSWORD), "{lines}");
        let arrived = recorder.arriving(&lines);
        let parameters = arrived.verified(operation);
        assert_eq!(read_as(&given, &parameters), read_as(&given, &as_pairs(&given)), "{lines}");
        let waits = arrived.headers.get("x-ravelin-wait").map(|value| value.to_str().unwrap());
        assert_eq!(waits, wait_seconds.map(|_| "0"), "{lines}");
    }
}

#[test]
fn a_copied_command_says_what_was_given() {
    every_operation(|call, server| call.command(Some(server)));
}

#[test]
fn a_copied_curl_says_what_was_given() {
    if has_curl() {
        every_operation(|call, server| call.curl(server, Format::Json));
    }
}

#[test]
fn a_copy_works_again_and_again() {
    let data = tempfile::tempdir().expect("a directory");
    let server = Launch::on(data.path()).set(AT_ONCE).start();
    let place = Server { host: &server.address, secure: false };
    let operation = catalogue::find(Product::Ens, "CreateSecurityGroup").expect("an operation");
    let parameter = operation.parameter("Description").expect("a parameter");
    let texts: Vec<String> = HOSTILE.iter().map(|text| format!("A {text}")).collect();
    let mut wanted = Vec::new();
    for text in &texts {
        let given = [Given { parameter, value: json!(text) }];
        let call = Call { operation, given: &given, wait_seconds: Some(5) };
        let mut copies = vec![call.command(Some(place))];
        if has_curl() {
            copies.extend([call.curl(place, Format::Json), call.curl(place, Format::Xml)]);
        }
        for lines in &copies {
            // A nonce is good once: a copy makes a new one each time.
            for _ in 0..2 {
                let output = paste(lines);
                assert!(output.status.success(), "{lines}\n{output:?}");
                wanted.push(text.as_str());
            }
        }
    }
    let client = server.client();
    let shown = client.v3("DescribeSecurityGroups", &[("PageSize", "100")]);
    let groups = shown.list("/SecurityGroups/SecurityGroup");
    let mut found: Vec<&str> = groups.iter().map(|group| group["Description"].as_str().unwrap()).collect();
    found.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(found, wanted);
}

#[test]
fn a_refused_copy_tells_the_shell() {
    let data = tempfile::tempdir().expect("a directory");
    let server = Launch::on(data.path()).set(AT_ONCE).start();
    let place = Server { host: &server.address, secure: false };
    let operation = catalogue::find(Product::Ens, "LeaveSecurityGroup").expect("an operation");
    let call = Call { operation, given: &[], wait_seconds: None };
    let mut copies = vec![call.command(Some(place))];
    if has_curl() {
        copies.push(call.curl(place, Format::Json));
    }
    for lines in copies {
        let output = paste(&lines);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success() && text.contains("MissingParameter"), "{lines}\n{output:?}");
    }
}
