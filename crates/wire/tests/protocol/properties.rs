//! Generated requests: what is signed is accepted, what is changed on the way is not, and no bytes make a
//! decoder panic.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderValue, Method};
use proptest::prelude::*;
use wire::protocol::error::ProtocolError;
use wire::protocol::parameters::Parameters;
use wire::protocol::query::{Pairs, QueryLimits};
use wire::protocol::request::{Envelope, Request};
use wire::protocol::signature::client::{Call, sign_v1, sign_v3};
use wire::protocol::signature::v1::Digest;
use wire::protocol::timestamp;

use crate::support::{Arrived, leave};

/// Names and values full of what encoders get wrong.
fn awkward() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        prop::sample::select(
            " +%&=?#;,/*~'\"()[]{}<>@:$!-_.\u{e9}\u{1f600}\u{0}\u{7f}\r\n".chars().collect::<Vec<_>>()
        ),
        any::<char>(),
        prop::char::range('a', 'z'),
    ];
    prop::collection::vec(character, 0..12).prop_map(|characters| characters.into_iter().collect())
}

/// Parameters with names that no common parameter has.
fn some_parameters() -> impl Strategy<Value = BTreeMap<String, String>> {
    prop::collection::btree_map(awkward().prop_map(|name| format!("p{name}")), awkward(), 0..6)
}

fn borrowed(parameters: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
    parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Signs one call in all three ways.
fn signed(method: &Method, call: &Call<'_>) -> [Arrived; 3] {
    [sign_v1(call, Digest::Sha1), sign_v1(call, Digest::Sha256), sign_v3(call)]
        .map(|signed| Arrived::signed(method, &signed))
}

/// What a request means once it is decoded: its merged parameters, and for V3, which signs the query by
/// itself, those of the query too. In V1 a value that the body overrides means nothing and is not signed.
fn meaning(arrived: &Arrived, with_query: bool) -> Option<Vec<(String, String)>> {
    let is_form = arrived.headers.contains_key("content-type");
    let form: &[u8] = if is_form { &arrived.body } else { b"" };
    let pairs = Pairs::decode(arrived.query.as_bytes(), form, &QueryLimits::default()).ok()?;
    let query = pairs.of_query().filter(|_| with_query);
    Some(pairs.merged().chain(query).map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

proptest! {
    #[test]
    fn what_is_signed_is_accepted(
        query in some_parameters(),
        form in some_parameters(),
        secret in "[!-~]{1,80}",
        token in prop::option::of("[A-Za-z0-9+/=]{1,40}"),
        get in any::<bool>(),
    ) {
        let method = if get { Method::GET } else { Method::POST };
        let (query, form) = (borrowed(&query), borrowed(&form));
        let call = Call {
            query: &query,
            form: &form,
            secret: &secret,
            security_token: token.as_deref(),
            ..leave(&method)
        };
        for arrived in signed(&method, &call) {
            prop_assert_eq!(arrived.authenticate(&secret), Ok(()));
            let envelope = arrived.open().unwrap();
            prop_assert_eq!(envelope.credentials().unwrap().security_token, token.as_deref());
            let parameters = envelope.into_parameters();
            let in_form = |name: &str| form.iter().any(|(other, _)| *other == name);
            for (name, value) in query.iter().filter(|(name, _)| !in_form(name)) {
                prop_assert_eq!(parameters.pairs().get(name), Some(*value));
            }
            for (name, value) in &form {
                prop_assert_eq!(parameters.pairs().get(name), Some(*value));
            }
            let other_secret = format!("{secret}x");
            let refused = arrived.authenticate(&other_secret);
            prop_assert!(matches!(refused, Err(ProtocolError::SignatureMismatch(_))));
        }
    }

    #[test]
    fn what_is_changed_on_the_way_is_refused(
        query in some_parameters(),
        form in some_parameters(),
        in_body in any::<bool>(),
        at in any::<prop::sample::Index>(),
        byte in 32u8..127,
    ) {
        let method = Method::POST;
        let (query, form) = (borrowed(&query), borrowed(&form));
        let call = Call { query: &query, form: &form, ..leave(&method) };
        for (version, arrived) in signed(&method, &call).into_iter().enumerate() {
            let mut changed = arrived.clone();
            if in_body && !arrived.body.is_empty() {
                changed.body[at.index(arrived.body.len())] = byte;
            } else if !arrived.query.is_empty() {
                let mut bytes = arrived.query.clone().into_bytes();
                bytes[at.index(arrived.query.len())] = byte;
                changed.query = String::from_utf8(bytes).unwrap();
            }
            // Another spelling of the same parameters (%2a for %2A) is the same request, except in a body
            // that V3 digests.
            let is_v3 = version == 2;
            let bytes_count = is_v3 && changed.body != arrived.body;
            if bytes_count || meaning(&changed, is_v3) != meaning(&arrived, is_v3) {
                prop_assert!(changed.authenticate(call.secret).is_err());
            } else {
                prop_assert_eq!(changed.authenticate(call.secret), Ok(()));
            }
        }
    }

    #[test]
    fn arbitrary_bytes_are_decoded_or_refused(
        query in prop::collection::vec(any::<u8>(), 0..200),
        form in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        if let Ok(pairs) = Pairs::decode(&query, &form, &QueryLimits::default()) {
            for (name, value) in pairs.merged() {
                prop_assert_eq!(pairs.get(name), Some(value));
            }
        }
    }

    #[test]
    fn decoding_undoes_encoding(query in some_parameters(), plus in any::<bool>()) {
        let encode = wire::protocol::percent::encode;
        let mut text: String =
            query.iter().map(|(name, value)| format!("&{}={}", encode(name), encode(value))).collect();
        if plus {
            text = text.replace("%20", "+");
        }
        let pairs = Pairs::decode(text.as_bytes(), b"", &QueryLimits::default()).unwrap();
        prop_assert_eq!(pairs.merged().collect::<Vec<_>>(), borrowed(&query));
    }

    #[test]
    fn arbitrary_headers_are_read_or_refused(
        query in "[ -~]{0,80}",
        authorization in prop_oneof![
            "ACS3-HMAC-SHA256 [ -~]{0,120}",
            "ACS3-HMAC-SHA256 Credential=a, ?SignedHeaders=[a-z;-]{0,40},Signature=[0-9a-f]{0,64}",
            "[ -~]{0,80}",
        ],
        values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 8),
    ) {
        let names = [
            "host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce",
            "x-acs-content-sha256", "content-type", "accept",
        ];
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_str(&authorization).unwrap());
        for (name, value) in names.iter().zip(&values) {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                headers.insert(*name, value);
            }
        }
        let (method, body) = (&Method::POST, &values[0]);
        let request = Request { method, path: "/", query: &query, headers: &headers, body };
        if let Ok(envelope) = Envelope::open(request, &QueryLimits::default())
            && let Ok(credentials) = envelope.credentials()
        {
            prop_assert!(credentials.verify(b"secret").is_err());
        }
    }

    #[test]
    fn arbitrary_parameters_are_read_or_refused(
        parameters in prop::collection::btree_map(
            "P(\\.([0-9]{1,4}|[A-C]{1,2}|)){0,4}",
            prop_oneof!["[\\[\\]{}\",:0-9a-c ]{0,30}", Just(r#"[{"A":[1,"b",null]}]"#.to_owned()), awkward()],
            0..8,
        ),
    ) {
        let text: String = parameters
            .iter()
            .map(|(name, value)| format!("&{name}={}", wire::protocol::percent::encode(value)))
            .collect();
        let pairs = Pairs::decode(text.as_bytes(), b"", &QueryLimits::default()).unwrap();
        let parameters = Parameters::new(pairs);
        let _ = (parameters.text("P"), parameters.integer("P"), parameters.boolean("P"));
        let _ = (parameters.list("P"), parameters.list_or_commas("P"), parameters.object("P"));
        if let Ok(Some(objects)) = parameters.objects("P") {
            for object in &objects {
                let _ = (object.text("A"), object.list("A"), object.object("A"), object.objects("A"));
            }
        }
    }

    #[test]
    fn time_stamps_come_back(seconds in -62_135_596_800i64..253_402_300_799) {
        prop_assert_eq!(timestamp::parse(&timestamp::format(seconds)), Some(seconds));
    }

    #[test]
    fn arbitrary_text_is_a_time_stamp_or_not(text in "\\PC{0,24}") {
        let _ = timestamp::parse(&text);
    }
}
