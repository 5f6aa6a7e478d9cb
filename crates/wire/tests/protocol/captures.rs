//! Requests of the official Python clients, current and old, as they left them: each must be accepted, and no
//! byte of it may be changed on the way.
//!
//! `tests/captures` holds them as sent (the kernel's name in an unsigned `User-Agent` apart); the keys were
//! made up.

use wire::gateway::protocol_fault;
use wire::protocol::error::ProtocolError;
use wire::protocol::parameters::Parameters;
use wire::protocol::signature::Scheme;

use crate::support::Arrived;

const SECRET: &str = "FakeAccessKeySecret0000000000";

fn captured() -> Vec<Arrived> {
    let files = [include_str!("../captures/sdk-12.1.0.txt"), include_str!("../captures/sdk-old-3.0.23.txt")];
    let requests = files.iter().flat_map(|file| file.split(">>> ").skip(1));
    requests.map(parse).collect()
}

fn parse(text: &str) -> Arrived {
    let (head, rest) = text.split_once("\n\n").unwrap();
    let mut lines = head.lines();
    let request_line: Vec<&str> = lines.next().unwrap().split(' ').collect();
    let mut arrived = Arrived::new(request_line[0], request_line[1], b"");
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        arrived.add(name, value);
    }
    let length =
        arrived.headers.get("content-length").map_or(0, |value| value.to_str().unwrap().parse().unwrap());
    arrived.body = rest.as_bytes()[..length].to_vec();
    arrived
}

fn parameters_of(action: &str) -> Vec<Parameters> {
    let of_action = captured()
        .into_iter()
        .filter(|request| request.open().is_ok_and(|envelope| envelope.action() == Ok(action)));
    of_action.map(|request| request.open().map(|envelope| envelope.into_parameters()).unwrap()).collect()
}

#[test]
fn every_captured_request_is_accepted() {
    let requests = captured();
    assert_eq!(requests.len(), 18);
    let mut of_v1 = 0;
    for request in &requests {
        let envelope = request.open().unwrap_or_else(|error| panic!("{error}: {}", request.query));
        assert_eq!(envelope.version(), Ok("2017-11-10"));
        let credentials = envelope.credentials().unwrap();
        assert_eq!(credentials.access_key_id, "LTAI5tFakeAccessKeyId00");
        assert_eq!(credentials.verify(SECRET.as_bytes()), Ok(()), "{}", request.query);
        let stamp = credentials.timestamp().unwrap();
        assert_eq!(credentials.check_time(stamp + 900), Ok(stamp));
        assert_eq!(credentials.check_time(stamp - 900), Ok(stamp));
        for late in [stamp + 901, stamp - 901, i64::MAX, i64::MIN] {
            assert_eq!(credentials.check_time(late), Err(ProtocolError::ExpiredTimestamp));
        }
        of_v1 += usize::from(matches!(credentials.scheme, Scheme::V1 { .. }));
    }
    assert_eq!(of_v1, 7);
}

#[test]
fn tokens_of_temporary_keys_are_handed_on() {
    let tokens: Vec<String> = captured()
        .iter()
        .filter_map(|request| {
            let envelope = request.open().unwrap();
            envelope.credentials().unwrap().security_token.map(str::to_owned)
        })
        .collect();
    assert_eq!(tokens, ["FakeStsToken+/==", "FakeSts+/=="]);
}

#[test]
fn another_secret_is_refused_with_what_the_server_signed() {
    for request in captured() {
        let error = request.authenticate("FakeAccessKeySecret0000000001").unwrap_err();
        let fault = protocol_fault(&error);
        assert_eq!((fault.code.as_ref(), fault.status), ("SignatureDoesNotMatch", 400));
        let (_, signed) = fault.message.split_once(':').unwrap();
        assert!(
            signed.starts_with("POST&%2F&")
                || signed.starts_with("POST\n/\n")
                || signed.starts_with("GET\n/\n")
        );
        assert!(!fault.message.contains("FakeAccessKeySecret"));
    }
}

#[test]
fn no_byte_of_the_query_may_change() {
    for request in captured() {
        for index in 0..request.query.len() {
            let mut bytes = request.query.clone().into_bytes();
            bytes[index] ^= 1;
            let changed = Arrived { query: String::from_utf8(bytes).unwrap(), ..request.clone() };
            assert!(changed.authenticate(SECRET).is_err(), "{}", changed.query);
        }
    }
}

#[test]
fn no_byte_of_the_body_may_change() {
    let mut changes = 0;
    for request in captured() {
        for index in 0..request.body.len() {
            let mut changed = request.clone();
            changed.body[index] ^= 1;
            assert!(changed.authenticate(SECRET).is_err(), "{index}");
            changes += 1;
        }
        let mut longer = request.clone();
        longer.body.extend_from_slice(b"&SecurityGroupId=sg-2");
        longer.set("content-type", "application/x-www-form-urlencoded");
        assert!(longer.authenticate(SECRET).is_err());
    }
    assert_eq!(changes, 51 * 2);
}

#[test]
fn no_byte_of_a_signed_header_may_change_nor_the_method() {
    for request in captured() {
        let other = if request.method == http::Method::GET { "POST" } else { "GET" };
        let changed = Arrived { method: other.parse().unwrap(), ..request.clone() };
        assert!(changed.authenticate(SECRET).is_err());
        let authorization = request.headers.get("authorization").map(|value| value.to_str().unwrap());
        let Some(authorization) = authorization else { continue };
        let list = authorization.split("SignedHeaders=").nth(1).unwrap().split(',').next().unwrap();
        for name in list.split(';').chain(["authorization"]) {
            let value = request.headers[name].to_str().unwrap();
            for index in 0..value.len() {
                let mut bytes = value.as_bytes().to_vec();
                bytes[index] ^= 1;
                let mut changed = request.clone();
                let name: http::HeaderName = name.parse().unwrap();
                let Ok(value) = http::HeaderValue::from_bytes(&bytes) else { continue };
                changed.headers.insert(name.clone(), value);
                // The key id is the one thing that no signature covers: it decides whose secret is asked for.
                let same_key = changed.open().is_ok_and(|envelope| {
                    envelope.credentials().is_ok_and(|sent| sent.access_key_id == "LTAI5tFakeAccessKeyId00")
                });
                assert!(!same_key || changed.authenticate(SECRET).is_err(), "{name} {index}");
            }
            let mut without = request.clone();
            without.headers.remove(name);
            assert!(without.authenticate(SECRET).is_err(), "{name}");
        }
    }
}

#[test]
fn the_captured_parameters_are_read_in_every_dialect() {
    let list = |of: &Parameters, name: &str| of.list(name).unwrap().unwrap();
    for parameters in parameters_of("CreateNetworkInterface") {
        assert_eq!(list(&parameters, "SecurityGroupIds"), ["sg-1", "sg-2"]);
    }
    for parameters in parameters_of("ReinitInstance") {
        assert_eq!(parameters.text("Password"), Ok(Some("P@ss w0rd*~")));
    }
    let [tag_resources] = &parameters_of("TagResources")[..] else { panic!("one is captured") };
    assert_eq!(list(tag_resources, "ResourceId"), ["i-1", "i-2"]);
    let tags = tag_resources.objects("Tag").unwrap().unwrap();
    assert_eq!(tags[0].text("Key"), Ok(Some("a b".into())));
    assert_eq!(tags[0].text("Value"), Ok(Some("c&d".into())));
    let [stop_instances] = &parameters_of("StopInstances")[..] else { panic!("one is captured") };
    assert_eq!(stop_instances.list_or_commas("InstanceIds").unwrap().unwrap(), ["i-1", "i-2"]);
    let [run_instances] = &parameters_of("RunInstances")[..] else { panic!("one is captured") };
    let disk = run_instances.object("SystemDisk").unwrap().unwrap();
    assert_eq!(disk.integer("Size"), Ok(Some(20)));
    assert_eq!(run_instances.integer("Amount"), Ok(Some(1)));
    let [permissions] = &parameters_of("CreateSecurityGroupPermissions")[..] else {
        panic!("one is captured")
    };
    let rules = permissions.objects("Permissions").unwrap().unwrap();
    assert_eq!(rules[0].integer("Priority"), Ok(Some(1)));
    assert_eq!(rules[0].text("PortRange"), Ok(Some("80/80".into())));
}
