//! Every operator by table, and what conditions are refused.

use super::{policy_tests::request, *};
use crate::context::UnixMillis;

/// 2026-03-01T12:00:00Z.
const NOON: i64 = 1_772_366_400;

/// Whether a statement with this condition applies to a request from 10.1.2.3 over TLS at noon.
fn holds(condition: &str) -> bool {
    let text = format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}]}}"#
    );
    let document = PolicyDocument::parse(&text).unwrap_or_else(|error| panic!("{condition}: {error}"));
    let mut request = request("ens:LeaveSecurityGroup");
    request.source_ip = [10, 1, 2, 3].into();
    request.secure_transport = true;
    request.now = UnixMillis(NOON * 1_000 + 999);
    evaluate([&document], &request).is_allowed()
}

fn refusal(condition: &str) -> String {
    let text = format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}]}}"#
    );
    match PolicyDocument::parse(&text) {
        Ok(_) => panic!("{condition} was taken"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn string_operators() {
    let table = [
        ("StringEquals", r#""true""#, true),
        ("StringEquals", r#""True""#, false),
        ("StringEquals", r#"["x","true"]"#, true),
        ("StringNotEquals", r#""true""#, false),
        ("StringNotEquals", r#"["x","true"]"#, false),
        ("StringNotEquals", r#"["x","y"]"#, true),
        ("StringEqualsIgnoreCase", r#""TRUE""#, true),
        ("StringEqualsIgnoreCase", r#""tru""#, false),
        ("StringNotEqualsIgnoreCase", r#""TRUE""#, false),
        ("StringNotEqualsIgnoreCase", r#""tru""#, true),
        ("StringLike", r#""t*e""#, true),
        ("StringLike", r#""T*e""#, false),
        ("StringLike", r#"["x","?rue"]"#, true),
        ("StringNotLike", r#""t*""#, false),
        ("StringNotLike", r#"["f*","x"]"#, true),
    ];
    for (operator, values, expected) in table {
        let condition = format!(r#"{{"{operator}":{{"acs:SecureTransport":{values}}}}}"#);
        assert_eq!(holds(&condition), expected, "{condition}");
    }
}

#[test]
fn string_operators_see_every_key_as_text() {
    assert!(holds(r#"{"StringEquals":{"acs:SourceIp":"10.1.2.3"}}"#));
    assert!(holds(r#"{"StringLike":{"acs:CurrentTime":"2026-03-01T12:00:00Z"}}"#));
    assert!(holds(r#"{"StringLike":{"acs:CurrentTime":"2026-03-*"}}"#));
    assert!(holds(r#"{"StringEquals":{"acs:MFAPresent":"false"}}"#));
}

#[test]
fn numeric_and_date_operators() {
    // Each compares noon with a second before it, noon, and a second after it.
    let table = [
        ("Equals", [false, true, false]),
        ("NotEquals", [true, false, true]),
        ("LessThan", [false, false, true]),
        ("LessThanEquals", [false, true, true]),
        ("GreaterThan", [true, false, false]),
        ("GreaterThanEquals", [true, true, false]),
    ];
    let dates = ["2026-03-01T11:59:59Z", "2026-03-01T20:00:00+08:00", "2026-03-01T12:00:01Z"];
    for (name, expected) in table {
        for (index, expected) in expected.into_iter().enumerate() {
            let date = format!(r#"{{"Date{name}":{{"acs:CurrentTime":"{}"}}}}"#, dates[index]);
            assert_eq!(holds(&date), expected, "{date}");
            let number = NOON - 1 + i64::try_from(index).unwrap();
            let number = format!(r#"{{"Numeric{name}":{{"acs:CurrentTime":"{number}"}}}}"#);
            assert_eq!(holds(&number), expected, "{number}");
        }
    }
    // Several values: one is enough, or for the opposite none may match.
    let both = format!(r#"["0","{NOON}"]"#);
    assert!(holds(&format!(r#"{{"NumericEquals":{{"acs:CurrentTime":{both}}}}}"#)));
    assert!(!holds(&format!(r#"{{"NumericNotEquals":{{"acs:CurrentTime":{both}}}}}"#)));
}

#[test]
fn bool_operator() {
    assert!(holds(r#"{"Bool":{"acs:SecureTransport":"true"}}"#));
    assert!(!holds(r#"{"Bool":{"acs:SecureTransport":["false"]}}"#));
    assert!(!holds(r#"{"Bool":{"acs:MFAPresent":"true"}}"#));
    assert!(holds(r#"{"Bool":{"acs:MFAPresent":"false"}}"#));
}

#[test]
fn address_operators() {
    let table = [
        (r#""10.0.0.0/8""#, true),
        (r#"["192.168.0.0/16","10.1.2.3"]"#, true),
        (r#""10.1.2.4""#, false),
        (r#""::ffff:10.0.0.0/104""#, true),
        (r#"["::/0","2001:db8::1"]"#, false),
        (r#"["::/0","0.0.0.0/0"]"#, true),
    ];
    for (values, expected) in table {
        assert_eq!(holds(&format!(r#"{{"IpAddress":{{"acs:SourceIp":{values}}}}}"#)), expected, "{values}");
        assert_eq!(
            holds(&format!(r#"{{"NotIpAddress":{{"acs:SourceIp":{values}}}}}"#)),
            !expected,
            "{values}"
        );
    }
}

#[test]
fn an_ipv4_address_in_ipv6_form_is_the_ipv4_address() {
    let text = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*",
        "Condition":{"IpAddress":{"acs:SourceIp":"10.0.0.0/8"},"StringEquals":{"acs:SourceIp":"10.1.2.3"}}}]}"#;
    let document = PolicyDocument::parse(text).unwrap();
    let mut request = request("ens:LeaveSecurityGroup");
    request.source_ip = "::ffff:10.1.2.3".parse().unwrap();
    assert!(evaluate([&document], &request).is_allowed());
    request.source_ip = "2001:db8::1".parse().unwrap();
    assert!(!evaluate([&document], &request).is_allowed());
}

#[test]
fn all_conditions_must_hold() {
    let tls = r#""Bool":{"acs:SecureTransport":"true"}"#;
    assert!(holds(&format!(r#"{{{tls},"IpAddress":{{"acs:SourceIp":"10.0.0.0/8"}}}}"#)));
    assert!(!holds(&format!(r#"{{{tls},"IpAddress":{{"acs:SourceIp":"11.0.0.0/8"}}}}"#)));
    assert!(!holds(r#"{"Bool":{"acs:SecureTransport":"true","acs:MFAPresent":"true"}}"#));
}

#[test]
fn what_no_condition_is_is_refused_with_its_place() {
    let at = "Statement[0].Condition";
    let table = [
        ("{}", format!("{at} is empty")),
        ("[]", format!("{at} is a list; it must be an object")),
        (r#"{"Bool":{}}"#, format!("{at}.Bool is empty")),
        (r#"{"IpEquals":{"acs:SourceIp":"::1"}}"#, format!("{at} has the unknown operator \"IpEquals\"")),
        (
            r#"{"stringequals":{"acs:SourceIp":"::1"}}"#,
            format!("{at} has the unknown operator \"stringequals\""),
        ),
        (
            r#"{"BoolIfExists":{"acs:MFAPresent":"true"}}"#,
            format!("{at} has the unknown operator \"BoolIfExists\"; every key has a value here"),
        ),
        (
            r#"{"Null":{"acs:MFAPresent":"true"}}"#,
            format!("{at} has the unknown operator \"Null\"; every key"),
        ),
        (
            r#"{"StringEquals":{"acs:SourceVpc":"vpc-1"}}"#,
            format!(
                "{at}.StringEquals has the condition key \"acs:SourceVpc\", whose value this server does not know"
            ),
        ),
        (
            r#"{"StringEquals":{"acs:sourceip":"::1"}}"#,
            "it knows acs:SourceIp, acs:SecureTransport".to_owned(),
        ),
        (
            r#"{"Bool":{"acs:SourceIp":"true"}}"#,
            format!(
                "{at}.Bool.acs:SourceIp compares acs:SourceIp with an operator for other keys; use IpAddress"
            ),
        ),
        (r#"{"IpAddress":{"acs:CurrentTime":"::1"}}"#, "use a Date, Numeric or String operator".to_owned()),
        (r#"{"NumericEquals":{"acs:SecureTransport":"1"}}"#, "use Bool or a String operator".to_owned()),
        (r#"{"IpAddress":{"acs:SourceIp":[]}}"#, format!("{at}.IpAddress.acs:SourceIp is empty")),
        (
            r#"{"IpAddress":{"acs:SourceIp":["::1","10.0.0.5/99"]}}"#,
            format!("{at}.IpAddress.acs:SourceIp[1] is \"10.0.0.5/99\"; it must be an address or a range"),
        ),
        (
            r#"{"Bool":{"acs:SecureTransport":true}}"#,
            format!(
                "{at}.Bool.acs:SecureTransport is true or false without quotation marks; it must be a text"
            ),
        ),
        (
            r#"{"Bool":{"acs:SecureTransport":"yes"}}"#,
            format!("{at}.Bool.acs:SecureTransport is \"yes\"; it must be \"true\" or \"false\""),
        ),
        (
            r#"{"Bool":{"acs:SecureTransport":["true","false"]}}"#,
            format!("{at}.Bool.acs:SecureTransport has more than one value"),
        ),
        (
            r#"{"DateLessThan":{"acs:CurrentTime":"2026-03-01"}}"#,
            format!("{at}.DateLessThan.acs:CurrentTime is \"2026-03-01\"; it must be a time"),
        ),
        (
            r#"{"NumericEquals":{"acs:CurrentTime":"1.5"}}"#,
            format!("{at}.NumericEquals.acs:CurrentTime is \"1.5\"; it must be a whole number"),
        ),
        (
            r#"{"StringEquals":{"acs:SourceIp":"${acs:SourceIp}"}}"#,
            "it must be a text without policy variables".to_owned(),
        ),
        (
            r#"{"Bool":{"acs:SecureTransport":"true"},"Bool":{"acs:SecureTransport":"false"}}"#,
            format!("{at} has \"Bool\" twice"),
        ),
    ];
    for (condition, expected) in table {
        let message = refusal(condition);
        assert!(message.contains(&expected), "{condition}\nexpected: {expected}\nfound:    {message}");
    }
}
