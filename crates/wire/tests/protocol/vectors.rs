//! The worked vectors of both signature versions, to the letter.

use http::Method;
use sha2::{Digest as _, Sha256};
use wire::protocol::error::ProtocolError;
use wire::protocol::signature::client::{Call, sign_v1, sign_v3};
use wire::protocol::signature::v1::{self, Digest};
use wire::protocol::signature::v3;

use crate::support::{Arrived, leave};

const LEAVE_V1: [(&str, &str); 8] = [
    ("AccessKeyId", "testid"),
    ("Action", "LeaveSecurityGroup"),
    ("Format", "json"),
    ("SignatureMethod", "HMAC-SHA1"),
    ("SignatureNonce", "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf"),
    ("SignatureVersion", "1.0"),
    ("Timestamp", "2026-01-02T03:04:05Z"),
    ("Version", "2017-11-10"),
];

/// Signs, and has the server's side accept the same request.
fn signed_v1(method: &str, parameters: &[(&str, &str)], secret: &str) -> (String, String) {
    let mut sorted = parameters.to_vec();
    sorted.sort_unstable();
    let text = v1::string_to_sign(method, sorted.iter().copied(), 0);
    let digest =
        if parameters.contains(&("SignatureMethod", "HMAC-SHA256")) { Digest::Sha256 } else { Digest::Sha1 };
    let signature = v1::sign(&text, digest, secret.as_bytes());
    let encode = wire::protocol::percent::encode;
    let mut query = format!("/?Signature={}", encode(&signature));
    for (name, value) in parameters {
        query.push_str(&format!("&{}={}", encode(name), encode(value).replace("%20", "+")));
    }
    assert_eq!(Arrived::new(method, &query, b"").authenticate(secret), Ok(()));
    (text, signature)
}

#[test]
fn v1_the_published_example() {
    let parameters = [
        ("Action", "DescribeRegions"),
        ("Version", "2014-05-26"),
        ("Format", "XML"),
        ("Timestamp", "2016-02-23T12:46:24Z"),
        ("SignatureNonce", "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf"),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("AccessKeyId", "testid"),
    ];
    let (text, signature) = signed_v1("GET", &parameters, "testsecret");
    assert_eq!(
        text,
        "GET&%2F&AccessKeyId%3Dtestid%26Action%3DDescribeRegions%26Format%3DXML%26SignatureMethod%3DHMAC-SHA1\
         %26SignatureNonce%3D3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf%26SignatureVersion%3D1.0\
         %26Timestamp%3D2016-02-23T12%253A46%253A24Z%26Version%3D2014-05-26"
    );
    assert_eq!(signature, "OLeaidS1JvxuMvnyHOwuJ+uX5qY=");
}

#[test]
fn v1_leave_security_group() {
    let mut parameters = LEAVE_V1.to_vec();
    parameters.extend([("InstanceId", "i-bp67acfmxazb4p"), ("SecurityGroupId", "sg-bp67acfmxazb4p")]);
    let (text, signature) = signed_v1("POST", &parameters, "testsecret");
    assert_eq!(
        text,
        "POST&%2F&AccessKeyId%3Dtestid%26Action%3DLeaveSecurityGroup%26Format%3Djson\
         %26InstanceId%3Di-bp67acfmxazb4p%26SecurityGroupId%3Dsg-bp67acfmxazb4p%26SignatureMethod%3DHMAC-SHA1\
         %26SignatureNonce%3D3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf%26SignatureVersion%3D1.0\
         %26Timestamp%3D2026-01-02T03%253A04%253A05Z%26Version%3D2017-11-10"
    );
    assert_eq!(signature, "zzZvPt0dj+TJtoiYUXPlsh5sVv0=");
    assert_eq!(signed_v1("GET", &parameters, "testsecret").1, "tAeVxzOYO2OdZ/U7ozeLclnrBok=");
    parameters[3].1 = "HMAC-SHA256";
    let (_, signature) = signed_v1("POST", &parameters, "testsecret");
    assert_eq!(signature, "p2ZGBAmpYlMr/bhx+P26ZOoBDELpVNlg4ftmsnPcBrk=");
}

#[test]
fn v1_awkward_characters() {
    let mut parameters = LEAVE_V1.to_vec();
    parameters[1].1 = "TagResources";
    parameters.extend([("ResourceType", "instance"), ("ResourceId.1", "i-1")]);
    parameters.extend([("Tag.1.Key", "a b"), ("Tag.1.Value", "c&d*~+/=")]);
    let (text, signature) = signed_v1("POST", &parameters, "testsecret");
    let tail = "%26Tag.1.Key%3Da%2520b%26Tag.1.Value%3Dc%2526d%252A~%252B%252F%253D\
                %26Timestamp%3D2026-01-02T03%253A04%253A05Z%26Version%3D2017-11-10";
    assert!(text.ends_with(tail), "{text}");
    assert_eq!(signature, "dIgu/c8B3a3L4Qx0ZIpj2L8NYwk=");
}

#[test]
fn v1_parameters_may_travel_in_either_place() {
    let method = Method::POST;
    let in_query = sign_v1(&leave(&method), Digest::Sha1);
    let mut call = leave(&method);
    call.form = call.query;
    call.query = &[("InstanceId", "the body wins")];
    let in_form = sign_v1(&call, Digest::Sha1);
    let signature = |target: &str| target.split("Signature=").nth(1).map(str::to_owned);
    assert_eq!(signature(&in_query.target), signature(&in_form.target));
    assert_eq!(Arrived::signed(&method, &in_form).authenticate("testsecret"), Ok(()));
}

/// The signature of a published canonical request with one `host` and no other header than the V3 ones.
fn published() -> Vec<u8> {
    let query =
        [("ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"), ("RegionId", "cn-shanghai")];
    let mut canonical = v3::CanonicalRequest::begin("POST", "/", query.into_iter(), 0);
    let headers = [
        ("host", "ecs.cn-shanghai.aliyuncs.com"),
        ("x-acs-action", "RunInstances"),
        ("x-acs-content-sha256", v3::EMPTY_DIGEST),
        ("x-acs-date", "2023-10-26T10:22:32Z"),
        ("x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d"),
        ("x-acs-version", "2014-05-26"),
    ];
    for (name, value) in headers {
        canonical.header(name, std::iter::once(value.as_bytes()));
    }
    canonical.finish(&headers.map(|(name, _)| name), v3::EMPTY_DIGEST)
}

#[test]
fn v3_the_published_example() {
    let canonical = published();
    assert_eq!(
        hex::encode(Sha256::digest(&canonical)),
        "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259"
    );
    assert_eq!(
        v3::sign(&canonical, b"YourAccessKeySecret"),
        "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    );
}

const LEAVE_CANONICAL: &str = "POST
/
InstanceId=i-bp67acfmxazb4p&SecurityGroupId=sg-bp67acfmxazb4p
host:ens.aliyuncs.com
x-acs-action:LeaveSecurityGroup
x-acs-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
x-acs-date:2026-01-02T03:04:05Z
x-acs-signature-nonce:3156853299f313e23d1673dc12e1703d
x-acs-version:2017-11-10

host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A request as a client that signs only what the specification names would send it.
fn bare_v3(call: &Call<'_>, signed_headers: &str, signature: &str) -> Arrived {
    let mut arrived = Arrived::signed(call.method, &sign_v3(call));
    let authorization =
        format!("ACS3-HMAC-SHA256 Credential=testid, SignedHeaders={signed_headers}, Signature={signature}");
    arrived.set("authorization", &authorization);
    arrived
}

#[test]
fn v3_leave_security_group() {
    assert_eq!(
        hex::encode(Sha256::digest(LEAVE_CANONICAL)),
        "b081165cb00e03b9c61930f6e744c92060f0cc9cd017f58d1516ec6cbd61fee5"
    );
    let signature = "621f1709c21aa8b2ded6659c034c9663803a302eb9efd7a452e00a63f929bf6f";
    assert_eq!(v3::sign(LEAVE_CANONICAL.as_bytes(), b"testsecret"), signature);
    let method = Method::POST;
    let signed_headers = LEAVE_CANONICAL.lines().nth(10).unwrap();
    let arrived = bare_v3(&leave(&method), signed_headers, signature);
    assert_eq!(arrived.authenticate("testsecret"), Ok(()));
    let Err(ProtocolError::SignatureMismatch(calculation)) = arrived.authenticate("another") else {
        panic!("another secret is accepted")
    };
    assert_eq!(calculation.reveal(), LEAVE_CANONICAL);
}

#[test]
fn v3_with_a_form_body() {
    let method = Method::POST;
    let mut call = leave(&method);
    call.action = "ReinitInstance";
    call.query = &[];
    call.form = &[("ImageId", "m-1"), ("InstanceId", "i-1"), ("Password", "P@ss w0rd*~")];
    let list =
        "content-type;host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version";
    let signature = "5b936695e0b7cceab05946533893c799c993738aeab4ffcc91eca1c9fe6d751b";
    let mut arrived = bare_v3(&call, list, signature);
    arrived.body = b"ImageId=m-1&InstanceId=i-1&Password=P%40ss+w0rd%2A~".to_vec();
    let digest = v3::body_digest(&arrived.body);
    assert_eq!(digest, "7e2f7deb6c453895fe950116cd71b08f217f00802fc7a5d1f11cb1db6ec0eb3e");
    arrived.set("x-acs-content-sha256", &digest);
    assert_eq!(arrived.authenticate("testsecret"), Ok(()));
    let Err(ProtocolError::SignatureMismatch(calculation)) = arrived.authenticate("another") else {
        panic!("another secret is accepted")
    };
    assert_eq!(
        hex::encode(Sha256::digest(calculation.reveal())),
        "39e7831e253b698e0ce80397190c7b8ed614184ee9a594195261911b8ed311b4"
    );
}
