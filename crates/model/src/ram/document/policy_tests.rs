//! What documents are taken and refused, and what they decide.

use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use super::*;
use crate::{account::AccountId, context::UnixMillis};

const ACCOUNT: AccountId = AccountId(1_000_000_000_000_001);

/// A request about all resources of ENS.
pub(super) fn request(action: &str) -> AccessRequest<'_> {
    AccessRequest {
        action,
        resource: ResourceName::all("ens", ACCOUNT),
        source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        secure_transport: false,
        now: UnixMillis(0),
    }
}

fn document(statements: &str) -> PolicyDocument {
    let text = format!(r#"{{"Version":"1","Statement":[{statements}]}}"#);
    PolicyDocument::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn decide(documents: &[PolicyDocument], action: &str) -> Decision {
    evaluate(documents, &request(action))
}

const ALLOW_ALL: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
const DENY_LEAVE: &str =
    r#"{"Effect":"Deny","Action":["ens:Join*","ens:LeaveSecurityGroup"],"Resource":["*"]}"#;

#[test]
fn nothing_is_allowed_unless_a_statement_says_so() {
    assert_eq!(decide(&[], "ens:LeaveSecurityGroup"), Decision::ImplicitDeny);
    let other = document(r#"{"Effect":"Allow","Action":"oss:*","Resource":"*"}"#);
    assert_eq!(decide(&[other], "ens:LeaveSecurityGroup"), Decision::ImplicitDeny);
    let unrelated = document(DENY_LEAVE);
    assert_eq!(decide(&[unrelated], "ens:DescribeInstances"), Decision::ImplicitDeny);
}

#[test]
fn a_denial_wins_wherever_it_stands() {
    let denied = Decision::ExplicitDeny(DecidedBy { document: 0, statement: 1 });
    let both = document(&format!("{ALLOW_ALL},{DENY_LEAVE}"));
    assert_eq!(decide(std::slice::from_ref(&both), "ens:LeaveSecurityGroup"), denied);
    let allowed = Decision::Allow(DecidedBy { document: 0, statement: 0 });
    assert_eq!(decide(&[both], "ens:DescribeInstances"), allowed);

    let apart = [document(ALLOW_ALL), document(ALLOW_ALL), document(DENY_LEAVE)];
    let denied = Decision::ExplicitDeny(DecidedBy { document: 2, statement: 0 });
    assert_eq!(decide(&apart, "ens:LeaveSecurityGroup"), denied);
    assert!(!denied.is_allowed() && allowed.is_allowed() && !Decision::ImplicitDeny.is_allowed());
}

#[test]
fn denying_everything_is_one_statement() {
    assert_eq!(PolicyDocument::deny_all(), document(r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#));
    let documents = [document(ALLOW_ALL), PolicyDocument::deny_all()];
    assert!(!decide(&documents, "ens:DescribeInstances").is_allowed());
}

#[test]
fn not_action_and_not_resource_select_the_rest() {
    let but_ram = [document(r#"{"Effect":"Allow","NotAction":["ram:*","sts:*"],"Resource":"*"}"#)];
    assert!(decide(&but_ram, "ens:LeaveSecurityGroup").is_allowed());
    assert!(!decide(&but_ram, "ram:CreateUser").is_allowed());

    let text = r#"{"Effect":"Allow","Action":"ens:*","NotResource":"acs:ens:*:*:instance/i-1"}"#;
    let but_one = [document(text)];
    let mut request = request("ens:StopInstance");
    for (relative_id, expected) in [("instance/i-1", false), ("instance/i-2", true), ("*", true)] {
        request.resource.relative_id = relative_id;
        assert_eq!(evaluate(&but_one, &request).is_allowed(), expected, "{relative_id}");
    }
}

#[test]
fn statements_hold_for_the_account_that_they_name() {
    let text = r#"{"Effect":"Allow","Action":"ens:*","Resource":"acs:ens:*:1000000000000001:*"}"#;
    let own = [document(text)];
    let mut request = request("ens:LeaveSecurityGroup");
    assert!(evaluate(&own, &request).is_allowed());
    request.resource.owner = ResourceOwner::Account(AccountId(1_000_000_000_000_002));
    assert!(!evaluate(&own, &request).is_allowed());
}

#[test]
fn one_value_is_a_list_of_one() {
    let plain = document(r#"{"Effect":"Deny","Action":"ens:*","Resource":"*"}"#);
    let lists = document(r#"{"Effect":"Deny","Action":["ens:*"],"Resource":["*"]}"#);
    assert_eq!(plain, lists);
    assert_eq!(plain.statement_count(), 1);
}

#[test]
fn what_cannot_be_understood_is_refused_with_its_place() {
    let table = [
        ("", "the document is not JSON: it ends too early at line 1, column 0"),
        ("{]", "the document is not JSON: something else was expected at line 1, column 2"),
        (r#"{"Version":"1"} x"#, "not JSON: something else was expected at line 1, column 17"),
        ("{}", "the document is empty"),
        ("null", "the document is null; it must be an object"),
        (r#"{"Version":"1"}"#, "the document has no Statement"),
        (r#"{"Statement":[{}]}"#, "the document has no Version"),
        (r#"{"Version":1,"Statement":[]}"#, "Version is a number without quotation marks; it must be a text"),
        (r#"{"Version":"2012-10-17","Statement":[]}"#, "Version is \"2012-10-17\"; it must be \"1\""),
        (r#"{"Version":"1","Statement":[]}"#, "Statement is empty"),
        (r#"{"Version":"1","Statement":{}}"#, "Statement is an object; it must be a list"),
        (r#"{"Version":"1","Statement":["x"]}"#, "Statement[0] is a text; it must be an object"),
        (r#"{"Version":"1","Version":"1","Statement":[]}"#, "the document has \"Version\" twice"),
        (
            r#"{"Version":"1","Id":"x","Statement":[]}"#,
            "the document has the unknown element \"Id\"; it may have Version and Statement",
        ),
    ];
    for (text, expected) in table {
        let message = PolicyDocument::parse(text).expect_err(text).to_string();
        assert!(message.contains(expected), "{text}\nexpected: {expected}\nfound:    {message}");
    }
}

#[test]
fn what_no_statement_is_is_refused_with_its_place() {
    let rest = r#""Action":"*","Resource":"*""#;
    let table = [
        (format!("{{{rest}}}"), "Statement[1] has no Effect"),
        (
            format!(r#"{{"Effect":"allow",{rest}}}"#),
            "Statement[1].Effect is \"allow\"; it must be \"Allow\" or \"Deny\"",
        ),
        (format!(r#"{{"Effect":["Allow"],{rest}}}"#), "Statement[1].Effect is a list; it must be a text"),
        (format!(r#"{{"Effect":"Allow","Sid":"x",{rest}}}"#), "Statement[1] has the unknown element \"Sid\""),
        (format!(r#"{{"Effect":"Allow","Principal":"*",{rest}}}"#), "has the unknown element \"Principal\""),
        (format!(r#"{{"Effect":"Allow","Effect":"Deny",{rest}}}"#), "Statement[1] has \"Effect\" twice"),
        (r#"{"Effect":"Allow","Resource":"*"}"#.to_owned(), "Statement[1] has no Action"),
        (r#"{"Effect":"Allow","Action":"*"}"#.to_owned(), "Statement[1] has no Resource"),
        (
            format!(r#"{{"Effect":"Allow","NotAction":"*",{rest}}}"#),
            "Statement[1] has both Action and NotAction; it must have one of them",
        ),
        (format!(r#"{{"Effect":"Allow","NotResource":"*",{rest}}}"#), "has both Resource and NotResource"),
        (r#"{"Effect":"Allow","Action":[],"Resource":"*"}"#.to_owned(), "Statement[1].Action is empty"),
        (r#"{"Effect":"Allow","Action":{},"Resource":"*"}"#.to_owned(), "Statement[1].Action is an object"),
        (
            r#"{"Effect":"Allow","Action":["ens:*",null],"Resource":"*"}"#.to_owned(),
            "Statement[1].Action[1] is null; it must be a text",
        ),
        (
            r#"{"Effect":"Allow","Action":["ens:*","Leave"],"Resource":"*"}"#.to_owned(),
            "Statement[1].Action[1] is \"Leave\", which is not an action: write it as service:Action",
        ),
        (
            r#"{"Effect":"Allow","Action":"*","Resource":"acs:ens"}"#.to_owned(),
            "Statement[1].Resource is \"acs:ens\", which is not a resource: write it as acs:service:region",
        ),
    ];
    for (statement, expected) in table {
        let text = format!(r#"{{"Version":"1","Statement":[{ALLOW_ALL},{statement}]}}"#);
        let message = PolicyDocument::parse(&text).expect_err(&text).to_string();
        assert!(message.contains(expected), "{text}\nexpected: {expected}\nfound:    {message}");
    }
}

#[test]
fn the_longest_document_is_taken_and_a_longer_one_refused() {
    let shortest = format!(r#"{{"Version":"1","Statement":[{ALLOW_ALL}]}}"#);
    let padded = |characters| format!("{shortest}{}", " ".repeat(characters - shortest.len()));
    assert!(PolicyDocument::parse(&padded(6_144)).is_ok());
    let error = PolicyDocument::parse(&padded(6_145)).expect_err("too long");
    assert_eq!(error, DocumentError::TooLong { characters: 6_145, limit: 6_144 });
    assert!(matches!(PolicyDocument::parse(&padded(1 << 20)), Err(DocumentError::TooLong { .. })));
    // Characters, not bytes.
    let wide = format!(r#"["{}"]"#, "é".repeat(6_000));
    assert!(!matches!(PolicyDocument::parse(&wide), Err(DocumentError::TooLong { .. })));
}

#[test]
fn a_refusal_is_short_whatever_the_document() {
    let name = "n".repeat(5_000);
    let text = format!(r#"{{"Version":"1","Statement":[{{"{name}":"{name}"}}]}}"#);
    let message = PolicyDocument::parse(&text).expect_err("unknown element").to_string();
    assert!(message.len() < 300, "{message}");
}

/// A statement of the property test, before it is written down.
#[derive(Debug, Clone)]
struct Sketch {
    deny: bool,
    not_action: bool,
    actions: Vec<&'static str>,
    not_resource: bool,
    resources: Vec<&'static str>,
    tls: Option<bool>,
}

impl Sketch {
    fn text(&self) -> String {
        let element = |inverted, name: &str, values: &[&str]| {
            format!(r#","{}{name}":{}"#, if inverted { "Not" } else { "" }, serde_json::json!(values))
        };
        let condition = |tls| format!(r#","Condition":{{"Bool":{{"acs:SecureTransport":"{tls}"}}}}"#);
        format!(
            r#"{{"Effect":"{}"{}{}{}}}"#,
            if self.deny { "Deny" } else { "Allow" },
            element(self.not_action, "Action", &self.actions),
            element(self.not_resource, "Resource", &self.resources),
            self.tls.map(condition).unwrap_or_default(),
        )
    }

    /// Whether it is about `ens:Leave` or `ens:Join` on instance 1 or 2, told by a list of what each word means.
    fn applies(&self, leave: bool, first: bool, tls: bool) -> bool {
        let action = self.actions.iter().any(|action| match *action {
            "*" | "ens:*" => true,
            "ens:Leave" => leave,
            "ENS:jo?n" => !leave,
            _ => false,
        });
        let resource = self.resources.iter().any(|resource| match *resource {
            "*" | "acs:ens:*:1000000000000001:instance/i-?" => true,
            "acs:ens:*:*:*1" => first,
            _ => false,
        });
        action != self.not_action
            && resource != self.not_resource
            && self.tls.is_none_or(|wanted| wanted == tls)
    }
}

fn sketch() -> impl Strategy<Value = Sketch> {
    let actions = prop::sample::subsequence(vec!["*", "ens:*", "ens:Leave", "ENS:jo?n", "oss:*"], 1..3);
    let resources = vec!["*", "acs:ens:*:1000000000000001:instance/i-?", "acs:ens:*:*:*1", "acs:ens:*:1:*"];
    let resources = prop::sample::subsequence(resources, 1..3);
    let parts = (any::<bool>(), any::<bool>(), actions, any::<bool>(), resources, any::<Option<bool>>());
    parts.prop_map(|(deny, not_action, actions, not_resource, resources, tls)| Sketch {
        deny,
        not_action,
        actions,
        not_resource,
        resources,
        tls,
    })
}

proptest! {
    #[test]
    fn decisions_equal_the_reference(
        sketches in prop::collection::vec(prop::collection::vec(sketch(), 1..4), 0..4),
        leave: bool, first: bool, tls: bool,
    ) {
        let written = |statements: &Vec<Sketch>| {
            document(&statements.iter().map(Sketch::text).collect::<Vec<_>>().join(","))
        };
        let documents: Vec<_> = sketches.iter().map(written).collect();
        let mut request = request(if leave { "ens:Leave" } else { "ens:Join" });
        request.resource.region = "cn-beijing-9";
        request.resource.relative_id = if first { "instance/i-1" } else { "instance/i-2" };
        request.secure_transport = tls;

        let applying = |deny: bool| {
            sketches.iter().enumerate().find_map(|(document, statements)| {
                let decides = |sketch: &Sketch| sketch.deny == deny && sketch.applies(leave, first, tls);
                let statement = statements.iter().position(decides)?;
                Some(DecidedBy { document, statement })
            })
        };
        let expected = match (applying(true), applying(false)) {
            (Some(by), _) => Decision::ExplicitDeny(by),
            (None, Some(by)) => Decision::Allow(by),
            (None, None) => Decision::ImplicitDeny,
        };
        prop_assert_eq!(evaluate(&documents, &request), expected);
    }

    #[test]
    fn reading_never_panics(text in any::<String>()) {
        let _ = PolicyDocument::parse(&text);
    }

    #[test]
    fn reading_what_almost_is_a_document_never_panics(
        cut in 0..400_usize, len in 0..8_usize, with in "[\\[\\]{}\":,*?a1\\\\é]{0,4}",
    ) {
        let whole = format!(
            r#"{{"Version":"1","Statement":[{ALLOW_ALL},{DENY_LEAVE},{{"Effect":"Deny","NotAction":"ens:*",
            "NotResource":"acs:ens:*:*:instance/*","Condition":{{"IpAddress":{{"acs:SourceIp":["10.0.0.0/8","::1"]}},
            "DateLessThan":{{"acs:CurrentTime":"2026-01-01T00:00:00Z"}}}}}}]}}"#
        );
        prop_assert!(PolicyDocument::parse(&whole).is_ok());
        let cut = cut.min(whole.len());
        let end = (cut + len).min(whole.len());
        let text = format!("{}{with}{}", &whole[..cut], &whole[end..]);
        if let Ok(document) = PolicyDocument::parse(&text) {
            prop_assert!(document.statement_count() > 0);
        }
    }
}
