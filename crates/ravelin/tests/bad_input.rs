//! Bad input: each kind gets a clear, documented error, changes nothing, and the server keeps serving.

mod common;

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{SystemTime, UNIX_EPOCH},
};

use common::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, AT_ONCE, Answer, Client, ENS, Launch, Server, nonce};
use http::Method;
use wire::protocol::{
    request::Format,
    signature::{
        client::{Call, SignedRequest, sign_v1, sign_v3},
        v1::Digest,
    },
};

struct Rig {
    server: Server,
    client: Client,
    group: String,
    instance: String,
    _data: tempfile::TempDir,
}

impl Rig {
    fn new() -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let server = Launch::on(data.path()).set(AT_ONCE).start();
        let client = server.client();
        let group = client.v3("CreateSecurityGroup", &[]).text("/SecurityGroupId").to_owned();
        let run = [("EnsRegionId", "edge-1"), ("ScheduleAreaLevel", "Region")];
        let instance = client.v3("RunInstances", &run).text("/InstanceIds/0").to_owned();
        assert!(!group.is_empty() && !instance.is_empty());
        Self { server, client, group, instance, _data: data }
    }

    /// The call is refused so, and the group is as it was.
    fn refused(&self, action: &str, parameters: &[(&str, &str)], code: &str) {
        let answer = self.client.v3(action, parameters);
        assert_eq!((answer.status, answer.code()), (400, code), "{action} {parameters:?}: {answer:?}");
        assert!(!answer.text("/RequestId").is_empty() && !answer.text("/Message").is_empty());
        self.serves();
    }

    fn serves(&self) {
        let shown = self.client.v3("DescribeSecurityGroupAttribute", &[("SecurityGroupId", &self.group)]);
        assert_eq!(shown.list("/Permissions/Permission").len(), 0, "{shown:?}");
    }

    fn rule_refused(&self, changed: &str, value: &str, code: &str) {
        let mut rule = serde_json::json!({
            "Direction": "ingress", "IpProtocol": "TCP", "PortRange": "80/80", "Policy": "Accept", "Priority": 1,
            "SourceCidrIp": "10.0.0.0/8",
        });
        rule[changed] = serde_json::from_str(value).expect("JSON");
        let rules = serde_json::json!([rule]).to_string();
        self.refused(
            "CreateSecurityGroupPermissions",
            &[("SecurityGroupId", &self.group), ("Permissions", &rules)],
            code,
        );
    }

    fn call<'a>(&'a self, query: &'a [(&'a str, &'a str)], now: i64, nonce: &'a str) -> Call<'a> {
        Call {
            method: &Method::POST,
            host: &self.server.address,
            action: "DescribeSecurityGroups",
            version: ENS,
            query,
            form: &[],
            format: Format::Json,
            access_key_id: ACCESS_KEY_ID,
            secret: ACCESS_KEY_SECRET,
            security_token: None,
            unix_seconds: now,
            nonce,
        }
    }

    /// Sends bytes as they are and reads the whole answer.
    fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.server.address).expect("a connection");
        // A server that refuses early may close while the rest is still being sent.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is after 1970");
    i64::try_from(now.as_secs()).expect("the clock is before the end of time")
}

#[test]
fn values_out_of_range_are_named() {
    let rig = Rig::new();
    rig.rule_refused("PortRange", "\"200/1\"", "InvalidParameter.PortRange");
    rig.rule_refused("PortRange", "\"-1/-1\"", "InvalidParameter.PortRange");
    rig.rule_refused("SourceCidrIp", "\"10.0.0.5/99\"", "InvalidParameter.SourceCidrIp");
    rig.rule_refused("Priority", "0", "InvalidParameter.Priority");
    rig.rule_refused("Priority", "101", "InvalidParameter.Priority");
    rig.rule_refused("Priority", "\"one\"", "InvalidParameter.Priority");
    rig.rule_refused("IpProtocol", "\"tcp\"", "InvalidParameter.IpProtocol");
    rig.rule_refused("Policy", "\"accept\"", "InvalidParameter.Policy");
    rig.rule_refused("Description", "\"\"", "InvalidParameter");
    rig.rule_refused("Ipv6SourceCidrIp", "\"::/0\"", "InvalidParameter");
    rig.rule_refused("Direction", "null", "MissingParameter");
    let old = |port, cidr, priority, code| {
        let group = ("SecurityGroupId", rig.group.as_str());
        let rule = [
            group,
            ("IpProtocol", "tcp"),
            ("PortRange", port),
            ("SourceCidrIp", cidr),
            ("Priority", priority),
        ];
        rig.refused("AuthorizeSecurityGroup", &rule, code);
    };
    old("200/1", "10.0.0.0/8", "1", "InvalidParameter.PortRange");
    old("80/80", "10.0.0.5/99", "1", "InvalidParameter.SourceCidrIp");
    old("80/80", "10.0.0.0/8", "0", "InvalidParameter.Priority");
    old("80/80", "10.0.0.0/8", "101", "InvalidParameter.Priority");
}

#[test]
fn json_that_is_none_or_too_deep_is_refused() {
    let rig = Rig::new();
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let many = format!("[{}]", vec!["{}"; 1_001].join(","));
    for (text, code) in [
        (deep.as_str(), "InvalidParameter.Permissions"),
        (many.as_str(), "InvalidParameter.Permissions"),
        ("[{]", "InvalidParameter.Permissions"),
        ("{\"Direction\":\"ingress\"}", "InvalidParameter.Permissions"),
        ("[1]", "InvalidParameter.Permissions.1"),
        ("[{}]", "MissingParameter"),
    ] {
        let parameters = [("SecurityGroupId", rig.group.as_str()), ("Permissions", text)];
        let answer = rig.client.v3("CreateSecurityGroupPermissions", &parameters);
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.code().starts_with(code), "{:.60} is answered {answer:?}", text);
        rig.serves();
    }
}

#[test]
fn a_leave_needs_exactly_one_well_formed_target() {
    let rig = Rig::new();
    let group = ("SecurityGroupId", rig.group.as_str());
    let leave = |parameters: &[(&str, &str)], code| rig.refused("LeaveSecurityGroup", parameters, code);
    leave(&[group], "MissingParameter");
    leave(&[("InstanceId", &rig.instance)], "MissingParameter");
    leave(&[group, ("InstanceId", ""), ("NetworkInterfaceId", "")], "MissingParameter");
    leave(&[group, ("InstanceId", &rig.instance), ("NetworkInterfaceId", "eni-1")], "InvalidParameter");
    leave(&[group, ("InstanceId", "i/1")], "InvalidParameter.InstanceId");
    leave(
        &[("SecurityGroupId", &"s".repeat(129)), ("InstanceId", "i-1")],
        "InvalidParameter.SecurityGroupId",
    );
    leave(&[("SecurityGroupId", "sg-nonexistent"), ("InstanceId", "i-1")], "InvalidSecurityGroupId.NotFound");
    leave(&[group, ("InstanceId", "i-nonexistent")], "InvalidInstanceId.NotFound");
    leave(&[group, ("NetworkInterfaceId", "eni-nonexistent")], "InvalidEniId.NotFound");
    // The order of checks: missing before malformed, malformed before exclusive, the group before the target.
    leave(&[("InstanceId", "i/1")], "MissingParameter");
    leave(&[group, ("InstanceId", "i/1"), ("NetworkInterfaceId", "eni-1")], "InvalidParameter.InstanceId");
    leave(&[("SecurityGroupId", "sg-x"), ("InstanceId", "i-x")], "InvalidSecurityGroupId.NotFound");
    let not_a_member = rig.client.v3("LeaveSecurityGroup", &[group, ("InstanceId", &rig.instance)]);
    assert_eq!(not_a_member.code(), "InvalidParameter");
    let message = not_a_member.text("/Message");
    assert!(message.contains(&rig.group) && message.contains(&rig.instance), "{message}");
}

#[test]
fn what_names_no_operation_is_refused() {
    let rig = Rig::new();
    let answer = rig.client.v3("LeaveSecurityGroups", &[]);
    assert_eq!((answer.status, answer.code()), (404, "InvalidAction.NotFound"));
    let answer = rig.client.v3_of("POST", "2017-11-11", "LeaveSecurityGroup", &[]);
    assert_eq!((answer.status, answer.code()), (400, "InvalidVersion"));
    let answer = rig.client.v3_of("GET", ENS, "ReinitInstance", &[]);
    assert_eq!((answer.status, answer.code()), (400, "UnsupportedHTTPMethod"));
    rig.serves();
}

#[test]
fn a_nonce_a_time_and_a_signature_are_good_once_and_now() {
    let rig = Rig::new();
    let send = |signed: &SignedRequest| rig.client.send(signed);
    let code = |answer: Answer| answer.code().to_owned();
    let once = nonce();
    assert_eq!(code(send(&sign_v3(&rig.call(&[], now(), &once)))), "");
    assert_eq!(code(send(&sign_v3(&rig.call(&[], now(), &once)))), "SignatureNonceUsed");
    assert_eq!(code(send(&sign_v1(&rig.call(&[], now(), &once), Digest::Sha1))), "SignatureNonceUsed");
    for away in [-1_000, 1_000] {
        let fresh = nonce();
        assert_eq!(code(send(&sign_v3(&rig.call(&[], now() + away, &fresh)))), "InvalidTimeStamp.Expired");
    }
    let fresh = nonce();
    assert_eq!(code(send(&sign_v1(&rig.call(&[], now(), &fresh), Digest::Sha256))), "");
    let fresh = nonce();
    let wrong = Call { secret: "wrong", ..rig.call(&[], now(), &fresh) };
    assert_eq!(code(send(&sign_v3(&wrong))), "SignatureDoesNotMatch");
    assert_eq!(code(send(&sign_v1(&wrong, Digest::Sha1))), "SignatureDoesNotMatch");
    let fresh = nonce();
    let mut altered = sign_v3(&rig.call(&[("PageSize", "10")], now(), &fresh));
    altered.target = altered.target.replace("10", "11");
    assert_eq!(code(send(&altered)), "SignatureDoesNotMatch");
    rig.serves();
}

#[test]
fn a_mutations_nonce_is_refused_after_a_restart_too() {
    let data = tempfile::tempdir().expect("a directory");
    let mut server = Launch::on(data.path()).set(AT_ONCE).start();
    let (accepted, refused) = (nonce(), nonce());
    // The address is signed, and the second server has another port: both are called by one name.
    let signed = |action, nonce: &str| {
        sign_v3(&Call {
            method: &Method::POST,
            host: "ravelin.test",
            action,
            version: ENS,
            query: &[("SecurityGroupId", "sg-x"), ("SecurityGroupName", "web")],
            form: &[],
            format: Format::Json,
            access_key_id: ACCESS_KEY_ID,
            secret: ACCESS_KEY_SECRET,
            security_token: None,
            unix_seconds: now(),
            nonce,
        })
    };
    let send =
        |server: &Server, action, nonce: &str| server.client().send(&signed(action, nonce)).code().to_owned();
    assert_eq!(send(&server, "CreateSecurityGroup", &accepted), "");
    assert_eq!(send(&server, "DeleteSecurityGroup", &refused), "InvalidSecurityGroupId.NotFound");
    server.kill();
    drop(server);
    let server = Launch::on(data.path()).set(AT_ONCE).start();
    assert_eq!(send(&server, "CreateSecurityGroup", &accepted), "SignatureNonceUsed");
    assert_eq!(send(&server, "DeleteSecurityGroup", &refused), "SignatureNonceUsed");
}

#[test]
fn what_cannot_be_decoded_is_refused() {
    let rig = Rig::new();
    let request = |target: &str| format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    for target in ["/?Action=%ff%fe", "/?Action=%zz", "/?Action=a%"] {
        let answer = rig.raw(request(target).as_bytes());
        assert!(
            answer.starts_with("HTTP/1.1 400") && answer.contains("InvalidParameter"),
            "{target}: {answer}"
        );
    }
    let many: Vec<String> = (0..10_000).map(|n| format!("p{n}=1")).collect();
    let body = many.join("&");
    let form = format!(
        "POST /?Action=LeaveSecurityGroup HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: \
         application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = rig.raw(form.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("InvalidParameter"), "{answer}");
    let oversized = format!(
        "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{}",
        64 << 20,
        "x".repeat(1 << 20)
    );
    let answer = rig.raw(oversized.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("RequestEntityTooLarge"), "{answer}");
    let answer = rig.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 this is no HTTP\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    rig.serves();
}

#[test]
fn a_mutation_that_was_not_permitted_cannot_be_sent_again_after_a_restart() {
    let data = tempfile::tempdir().expect("a directory");
    let mut server = Launch::on(data.path()).set(AT_ONCE).start();
    let root = server.client();
    let user = root.user("later");
    let once = nonce();
    let captured = user.signed_for("ravelin.test", "CreateSecurityGroup", &[], &once);
    assert_eq!(server.client().send(&captured).code(), "NoPermission");
    let policy = [("PolicyType", "System"), ("PolicyName", "AliyunENSFullAccess"), ("UserName", "later")];
    assert_eq!(root.v3_of("POST", "2015-05-01", "AttachPolicyToUser", &policy).code(), "");
    server.kill();
    drop(server);
    let server = Launch::on(data.path()).set(AT_ONCE).start();
    assert_eq!(server.client().send(&captured).code(), "SignatureNonceUsed");
}

#[test]
fn a_text_that_is_sent_as_a_list_is_not_given() {
    let rig = Rig::new();
    let group = ("SecurityGroupId", rig.group.as_str());
    rig.refused("LeaveSecurityGroup", &[group, ("InstanceId.1", &rig.instance)], "MissingParameter");
    let dotted = [("SecurityGroupId.1", rig.group.as_str()), ("InstanceId", &rig.instance)];
    rig.refused("LeaveSecurityGroup", &dotted, "MissingParameter");
}
