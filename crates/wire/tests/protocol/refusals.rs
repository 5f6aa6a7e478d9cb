//! Every bad input of the protocol with its error on the wire.

use http::Method;
use wire::gateway::protocol_fault;
use wire::protocol::error::{CommonParameter, ProtocolError, SignatureFlaw};
use wire::protocol::query::QueryError;
use wire::protocol::signature::client::Call;

use crate::support::{Arrived, arrived_v1, arrived_v3, leave};

fn code_of(arrived: &Arrived) -> String {
    let fault = protocol_fault(&arrived.authenticate("testsecret").unwrap_err());
    format!("{} {}", fault.status, fault.code)
}

/// A V1 request whose query is edited after signing.
fn edited_v1(edit: impl FnOnce(&str) -> String) -> Arrived {
    let method = Method::POST;
    let mut arrived = arrived_v1(&leave(&method));
    arrived.query = edit(&arrived.query);
    arrived
}

fn without(query: &str, name: &str) -> String {
    let kept = query.split('&').filter(|pair| pair.split('=').next() != Some(name));
    kept.collect::<Vec<_>>().join("&")
}

#[test]
fn v1_each_missing_common_parameter_has_its_code() {
    for (name, code) in [
        ("Action", "400 MissingParameter"),
        ("Version", "400 MissingParameter"),
        ("AccessKeyId", "400 MissingParameter"),
        ("Signature", "400 MissingParameter"),
        ("Timestamp", "400 MissingParameter"),
        ("SignatureMethod", "400 MissingSignatureMethod"),
        ("SignatureVersion", "400 MissingSignatureVersion"),
        ("SignatureNonce", "400 MissingSignatureNonce"),
    ] {
        assert_eq!(code_of(&edited_v1(|query| without(query, name))), code, "{name}");
        let emptied = edited_v1(|query| format!("{}&{name}=", without(query, name)));
        assert_eq!(code_of(&emptied), code, "{name} empty");
    }
}

#[test]
fn v1_each_wrong_common_parameter_has_its_code() {
    let long = "n".repeat(129);
    for (name, value, code) in [
        ("Format", "yaml", "400 InvalidParameter.Format"),
        ("SignatureMethod", "SHA256withRSA", "400 UnsupportedSignatureMethod"),
        ("SignatureMethod", "hmac-sha1", "400 InvalidSignatureMethod"),
        ("SignatureMethod", "HMAC-MD5", "400 InvalidSignatureMethod"),
        ("SignatureMethod", "HMAC-SHA256", "400 SignatureDoesNotMatch"),
        ("SignatureType", "BEARERTOKEN", "400 UnsupportedSignatureMethod"),
        ("SignatureVersion", "2.0", "400 IncompleteSignature"),
        ("SignatureNonce", long.as_str(), "400 InvalidParameter.SignatureNonce"),
        ("AccessKeyId", long.as_str(), "404 InvalidAccessKeyId.NotFound"),
        ("Action", long.as_str(), "404 InvalidAction.NotFound"),
        ("Version", long.as_str(), "400 InvalidVersion"),
        ("AccessKeyId", "STS.abc", "400 MissingSecurityToken"),
        ("Timestamp", "2026-01-02 03:04:05", "400 InvalidTimeStamp.Format"),
        ("Signature", "bogus", "400 SignatureDoesNotMatch"),
        ("Signature", "%00", "400 SignatureDoesNotMatch"),
        ("InstanceId", "i-other", "400 SignatureDoesNotMatch"),
    ] {
        let arrived = edited_v1(|query| format!("{}&{name}={value}", without(query, name)));
        assert_eq!(code_of(&arrived), code, "{name}={value}");
    }
    let token = "t".repeat(8 * 1024 + 1);
    let arrived = edited_v1(|query| format!("{query}&SecurityToken={token}"));
    assert_eq!(code_of(&arrived), "400 InvalidSecurityToken.Malformed");
}

#[test]
fn what_cannot_be_decoded_is_refused_whoever_sent_it() {
    for (more, cause) in [
        ("&a=%f", QueryError::BadEscape),
        ("&a=%ff", QueryError::NotUtf8),
        ("&=1", QueryError::Unnamed),
        ("&InstanceId=i-2", QueryError::Repeated("InstanceId".to_owned())),
    ] {
        let arrived = edited_v1(|query| format!("{query}{more}"));
        assert_eq!(arrived.authenticate("testsecret"), Err(ProtocolError::Query(cause)));
        assert_eq!(code_of(&arrived), "400 InvalidParameter");
    }
    let many: String = (0..10_000).map(|number| format!("&p{number}=1")).collect();
    assert_eq!(code_of(&edited_v1(|query| format!("{query}{many}"))), "400 InvalidParameter");
}

#[test]
fn other_methods_are_refused() {
    for method in ["PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"] {
        assert_eq!(code_of(&Arrived::new(method, "/", b"")), "400 UnsupportedHTTPMethod");
    }
}

#[test]
fn a_request_without_any_signature_is_told_what_is_missing() {
    assert_eq!(code_of(&Arrived::new("GET", "/", b"")), "400 MissingParameter");
    let anonymous = Arrived::new("GET", "/?Action=LeaveSecurityGroup&Version=2017-11-10", b"");
    let missing = Err(ProtocolError::Missing(CommonParameter::AccessKeyId));
    assert_eq!(anonymous.authenticate("testsecret"), missing);
    let method = Method::POST;
    let mut anonymous = arrived_v3(&leave(&method));
    anonymous.headers.remove("authorization");
    assert_eq!(anonymous.authenticate("testsecret"), missing);
    anonymous.set("authorization", "Bearer token");
    let malformed = Err(ProtocolError::MalformedSignature(SignatureFlaw::Authorization));
    assert_eq!(anonymous.authenticate("testsecret"), malformed);
    anonymous.headers.remove("authorization");
    anonymous.query = "SignatureType=BEARERTOKEN".to_owned();
    assert_eq!(code_of(&anonymous), "400 UnsupportedSignatureMethod");
}

/// A V3 request after signing, edited.
fn edited_v3(edit: impl FnOnce(&mut Arrived)) -> Result<(), ProtocolError> {
    let method = Method::POST;
    let form = Call { form: &[("a", "1")], security_token: Some("token"), ..leave(&method) };
    let mut arrived = arrived_v3(&form);
    assert_eq!(arrived.authenticate("testsecret"), Ok(()));
    edit(&mut arrived);
    arrived.authenticate("testsecret")
}

fn replaced(arrived: &mut Arrived, from: &str, to: &str) {
    let authorization = arrived.headers["authorization"].to_str().unwrap().replace(from, to);
    arrived.set("authorization", &authorization);
}

fn flaw(flaw: SignatureFlaw) -> Result<(), ProtocolError> {
    Err(ProtocolError::MalformedSignature(flaw))
}

#[test]
fn v3_algorithms_other_than_the_one_offered_are_refused() {
    for (algorithm, expected) in [
        ("ACS3-HMAC-SM3", ProtocolError::UnsupportedSignatureMethod),
        ("ACS3-RSA-SHA256", ProtocolError::UnsupportedSignatureMethod),
        ("ACS3-HMAC-MD5", ProtocolError::UnknownSignatureMethod),
    ] {
        let result = edited_v3(|arrived| replaced(arrived, "ACS3-HMAC-SHA256", algorithm));
        assert_eq!(result, Err(expected));
    }
}

#[test]
fn v3_whatever_carries_meaning_must_be_signed() {
    for name in [
        "content-type",
        "host",
        "x-acs-accesskey-id",
        "x-acs-action",
        "x-acs-content-sha256",
        "x-acs-date",
        "x-acs-security-token",
        "x-acs-signature-nonce",
    ] {
        let result = edited_v3(|arrived| replaced(arrived, &format!("{name};"), ""));
        assert_eq!(result, flaw(SignatureFlaw::Unsigned(name.to_owned())));
    }
    let result = edited_v3(|arrived| arrived.set("x-acs-extra", "1"));
    assert_eq!(result, flaw(SignatureFlaw::Unsigned("x-acs-extra".to_owned())));
    assert_eq!(edited_v3(|arrived| arrived.set("x-acs-retry-attempts", "1")), Ok(()));
    assert_eq!(edited_v3(|arrived| arrived.set("user-agent", "other")), Ok(()));
}

#[test]
fn v3_headers_that_are_missing_repeated_or_unreadable_are_refused() {
    for (name, parameter) in [
        ("x-acs-action", CommonParameter::Action),
        ("x-acs-version", CommonParameter::Version),
        ("x-acs-date", CommonParameter::Timestamp),
        ("x-acs-signature-nonce", CommonParameter::SignatureNonce),
    ] {
        let result = edited_v3(|arrived| drop(arrived.headers.remove(name)));
        assert_eq!(result, Err(ProtocolError::Missing(parameter)));
        let result = edited_v3(|arrived| arrived.set(name, ""));
        assert!(result.is_err(), "{name} empty");
    }
    for name in ["accept", "content-type", "host", "x-acs-content-sha256", "x-acs-security-token"] {
        let result = edited_v3(|arrived| drop(arrived.headers.remove(name)));
        assert_eq!(result, flaw(SignatureFlaw::Absent(name.to_owned())));
    }
    for name in
        ["authorization", "content-type", "host", "x-acs-action", "x-acs-date", "x-acs-content-sha256"]
    {
        let result = edited_v3(|arrived| {
            let value = arrived.headers[name].to_str().unwrap().to_owned();
            arrived.add(name, &value);
        });
        assert_eq!(result, flaw(SignatureFlaw::Repeated(name.to_owned())));
    }
    let unreadable = http::HeaderValue::from_bytes(b"2026\xff").unwrap();
    let result = edited_v3(|arrived| drop(arrived.headers.insert("x-acs-date", unreadable)));
    assert_eq!(result, flaw(SignatureFlaw::Unreadable("x-acs-date".to_owned())));
}

#[test]
fn v3_the_form_of_the_authorization_is_strict() {
    for (from, to, expected) in [
        ("host;x-acs-accesskey-id", "x-acs-accesskey-id;host", flaw(SignatureFlaw::HeaderList)),
        ("host;", "host;host;", flaw(SignatureFlaw::HeaderList)),
        ("host;", "host;;", flaw(SignatureFlaw::HeaderList)),
        ("accept;", ";accept;", flaw(SignatureFlaw::HeaderList)),
        ("accept;", "Accept;", flaw(SignatureFlaw::HeaderList)),
        ("Credential=testid", "Credential=other", flaw(SignatureFlaw::AccessKey)),
        ("Credential=testid,", "", Err(ProtocolError::Missing(CommonParameter::AccessKeyId))),
        ("Signature=", "Signatur=", flaw(SignatureFlaw::Authorization)),
    ] {
        assert_eq!(edited_v3(|arrived| replaced(arrived, from, to)), expected, "{from} {to}");
    }
    let unsigned = edited_v3(|arrived| {
        let authorization = arrived.headers["authorization"].to_str().unwrap().to_owned();
        arrived.set("authorization", authorization.split(",Signature=").next().unwrap());
    });
    assert_eq!(unsigned, Err(ProtocolError::Missing(CommonParameter::Signature)));
    for signature in ["Signature=zz", "Signature=0", "Signature=00"] {
        let result = edited_v3(|arrived| replaced(arrived, "Signature=", signature));
        assert!(matches!(result, Err(ProtocolError::SignatureMismatch(_))), "{signature}");
    }
}

#[test]
fn v3_a_changed_body_is_a_mismatch_that_names_the_digest() {
    let result = edited_v3(|arrived| arrived.body = b"a=2".to_vec());
    assert_eq!(result, Err(ProtocolError::BodyMismatch));
    let fault = protocol_fault(&ProtocolError::BodyMismatch);
    assert_eq!((fault.code.as_ref(), fault.status), ("SignatureDoesNotMatch", 400));
    assert!(fault.message.contains("x-acs-content-sha256") && !fault.message.contains(':'));
}

#[test]
fn v3_the_meaning_of_a_body_cannot_be_changed() {
    let result = edited_v3(|arrived| arrived.set("content-type", "text/plain"));
    assert!(matches!(result, Err(ProtocolError::SignatureMismatch(_))));
    let method = Method::POST;
    let mut arrived = arrived_v3(&leave(&method));
    arrived.body = b"InstanceId=i-other".to_vec();
    arrived.set("content-type", "application/x-www-form-urlencoded");
    let expected = flaw(SignatureFlaw::Unsigned("content-type".to_owned()));
    assert_eq!(arrived.authenticate("testsecret"), expected);
}
