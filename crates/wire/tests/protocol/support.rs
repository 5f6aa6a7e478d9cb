//! Requests that own their parts, and the server's way through one.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use wire::protocol::error::ProtocolError;
use wire::protocol::query::QueryLimits;
use wire::protocol::request::{Envelope, Format, Request};
use wire::protocol::signature::client::{Call, SignedRequest, sign_v1, sign_v3};
use wire::protocol::signature::v1::Digest;

/// A request as it would arrive.
#[derive(Clone)]
pub(crate) struct Arrived {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Arrived {
    pub(crate) fn new(method: &str, target: &str, body: &[u8]) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method: method.parse().unwrap(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: HeaderMap::new(),
            body: body.to_vec(),
        }
    }

    pub(crate) fn signed(method: &Method, signed: &SignedRequest) -> Self {
        let mut arrived = Self::new(method.as_str(), &signed.target, signed.body.as_bytes());
        for (name, value) in &signed.headers {
            arrived.add(name, value);
        }
        arrived
    }

    pub(crate) fn add(&mut self, name: &str, value: &str) {
        let name: HeaderName = name.parse().unwrap();
        self.headers.append(name, HeaderValue::from_str(value).unwrap());
    }

    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.headers.insert(name, HeaderValue::from_str(value).unwrap());
    }

    pub(crate) fn open(&self) -> Result<Envelope<'_>, ProtocolError> {
        let request = Request {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &self.headers,
            body: &self.body,
        };
        Envelope::open(request, &QueryLimits::default())
    }

    /// The checks of the protocol in their order, with the clock at the request's own time stamp.
    pub(crate) fn authenticate(&self, secret: &str) -> Result<(), ProtocolError> {
        let envelope = self.open()?;
        envelope.action()?;
        envelope.version()?;
        let credentials = envelope.credentials()?;
        credentials.check_time(credentials.timestamp()?)?;
        credentials.verify(secret.as_bytes())
    }
}

/// The call of the contract's own vectors.
pub(crate) fn leave<'a>(method: &'a Method) -> Call<'a> {
    Call {
        method,
        host: "ens.aliyuncs.com",
        action: "LeaveSecurityGroup",
        version: "2017-11-10",
        query: &[("InstanceId", "i-bp67acfmxazb4p"), ("SecurityGroupId", "sg-bp67acfmxazb4p")],
        form: &[],
        format: Format::Json,
        access_key_id: "testid",
        secret: "testsecret",
        security_token: None,
        unix_seconds: 1_767_323_045,
        nonce: "3156853299f313e23d1673dc12e1703d",
    }
}

pub(crate) fn arrived_v1(call: &Call<'_>) -> Arrived {
    Arrived::signed(call.method, &sign_v1(call, Digest::Sha1))
}

pub(crate) fn arrived_v3(call: &Call<'_>) -> Arrived {
    Arrived::signed(call.method, &sign_v3(call))
}
