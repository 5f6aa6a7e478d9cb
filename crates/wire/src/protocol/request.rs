//! The envelope of a request: which operation, which version, in which format, with which parameters, signed
//! how.
//!
//! Reads what every operation shares and leaves the rest to [`super::parameters`]. A request is of the third
//! signature version when its `Authorization` header names an `ACS3-` algorithm; then headers carry the
//! common parameters. Otherwise parameters do. Must not know which operations and versions exist.

use http::{HeaderMap, Method, header};

use super::error::{CommonParameter, ProtocolError, SignatureFlaw};
use super::parameters::Parameters;
use super::query::{Pairs, QueryLimits};
use super::signature::Credentials;

/// The longest `Action`, `Version` and access key id, in bytes: a longer one is the name of nothing.
const NAME_BYTES_MAX: usize = 128;

/// One HTTP request as it arrived, in borrowed pieces.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path of the target, still encoded; RPC requests go to `/`.
    pub path: &'a str,
    /// The query string without its `?`, still encoded; empty when there is none.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The whole body.
    pub body: &'a [u8],
}

/// The encoding of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// JSON, the default: some clients cannot read anything else.
    #[default]
    Json,
    /// XML, where the request asks for it.
    Xml,
}

impl Format {
    /// What the `Accept` header prefers: the first of its types that is JSON or XML, else JSON. Weights are
    /// not looked at.
    #[must_use]
    pub fn preferred(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        for media_type in accepted.flat_map(|value| value.split(',')) {
            match media_type.split(';').next().unwrap_or_default().trim() {
                "application/json" => return Self::Json,
                "application/xml" | "text/xml" => return Self::Xml,
                _ => {}
            }
        }
        Self::Json
    }
}

/// Which signature version a request follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    V1,
    V3,
}

/// A request whose parameters are decoded, before anybody knows who sent it.
pub struct Envelope<'a> {
    pub(super) request: Request<'a>,
    pub(super) pairs: Pairs,
    pub(super) dialect: Dialect,
    format: Format,
}

impl<'a> Envelope<'a> {
    /// Decodes the parameters and the format of a request.
    ///
    /// The body carries parameters only where `content-type` is `application/x-www-form-urlencoded`.
    ///
    /// # Errors
    /// `UnsupportedMethod`, `Query` and `UnknownFormat`; such an answer goes out in [`Format::preferred`].
    pub fn open(request: Request<'a>, limits: &QueryLimits) -> Result<Self, ProtocolError> {
        if request.method != Method::GET && request.method != Method::POST {
            return Err(ProtocolError::UnsupportedMethod);
        }
        let form = if has_form(request.headers) { request.body } else { &[] };
        let pairs = Pairs::decode(request.query.as_bytes(), form, limits)?;
        let format = match pairs.get("Format") {
            None | Some("") => Format::preferred(request.headers),
            Some(text) if text.eq_ignore_ascii_case("json") => Format::Json,
            Some(text) if text.eq_ignore_ascii_case("xml") => Format::Xml,
            Some(_) => return Err(ProtocolError::UnknownFormat),
        };
        let dialect = dialect(request.headers, &pairs);
        Ok(Self { request, pairs, dialect, format })
    }

    /// The encoding that the answer must have.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The name of the operation.
    ///
    /// # Errors
    /// `Missing`; `UnknownAction` for a name longer than any operation's; `MalformedSignature` for a repeated
    /// header.
    pub fn action(&self) -> Result<&str, ProtocolError> {
        let action = self.common("Action", "x-acs-action")?;
        let action = action.ok_or(ProtocolError::Missing(CommonParameter::Action))?;
        if action.len() > NAME_BYTES_MAX { Err(ProtocolError::UnknownAction) } else { Ok(action) }
    }

    /// The version of the API.
    ///
    /// # Errors
    /// `Missing`; `UnknownVersion` for one that is too long; `MalformedSignature` for a repeated header.
    pub fn version(&self) -> Result<&str, ProtocolError> {
        let version = self.common("Version", "x-acs-version")?;
        let version = version.ok_or(ProtocolError::Missing(CommonParameter::Version))?;
        if version.len() > NAME_BYTES_MAX { Err(ProtocolError::UnknownVersion) } else { Ok(version) }
    }

    /// Who says to have signed the request, and how.
    ///
    /// # Errors
    /// `Missing` for whichever common parameter is not there, `MalformedSignature`, `UnknownSignatureMethod`,
    /// `UnsupportedSignatureMethod`, `UnknownAccessKey` for an id longer than any, `LongNonce`,
    /// `MalformedToken`.
    pub fn credentials(&self) -> Result<Credentials<'_>, ProtocolError> {
        let credentials = Credentials::read(self)?;
        if credentials.access_key_id.len() > NAME_BYTES_MAX {
            return Err(ProtocolError::UnknownAccessKey);
        }
        Ok(credentials)
    }

    /// The parameters of the operation; the common ones stay among them, under their names.
    #[must_use]
    pub fn into_parameters(self) -> Parameters {
        Parameters::new(self.pairs)
    }

    /// A common parameter: `name` among the parameters in V1, `header` among the headers in V3. Empty is
    /// missing.
    pub(super) fn common(&self, name: &str, header: &str) -> Result<Option<&str>, ProtocolError> {
        let value = match self.dialect {
            Dialect::V1 => self.pairs.get(name),
            Dialect::V3 => single_header(self.request.headers, header)?,
        };
        Ok(value.filter(|value| !value.is_empty()))
    }
}

/// A header that the protocol reads: it may stand once, in visible ASCII. Blanks around the value are not
/// part of it.
pub(super) fn single_header<'a>(
    headers: &'a HeaderMap,
    name: &str,
) -> Result<Option<&'a str>, ProtocolError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(ProtocolError::MalformedSignature(SignatureFlaw::Repeated(name.to_owned())));
    }
    let text = value
        .to_str()
        .map_err(|_| ProtocolError::MalformedSignature(SignatureFlaw::Unreadable(name.to_owned())))?;
    Ok(Some(text.trim_ascii()))
}

fn has_form(headers: &HeaderMap) -> bool {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// `Authorization` with an `ACS3-` algorithm decides for V3, any V1 parameter for V1; a request with neither
/// is held to what its `x-acs-action` header suggests, so that the refusal names what is missing.
fn dialect(headers: &HeaderMap, pairs: &Pairs) -> Dialect {
    let acs3 =
        headers.get_all(header::AUTHORIZATION).iter().any(|value| value.as_bytes().starts_with(b"ACS3-"));
    let signed_by_parameters =
        ["AccessKeyId", "Signature", "Action"].iter().any(|name| pairs.get(name).is_some());
    if acs3 || (!signed_by_parameters && headers.contains_key("x-acs-action")) {
        Dialect::V3
    } else {
        Dialect::V1
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn opened<T>(
        method: Method,
        query: &str,
        headers: &HeaderMap,
        body: &str,
        check: impl FnOnce(Result<Envelope<'_>, ProtocolError>) -> T,
    ) -> T {
        let request = Request { method: &method, path: "/", query, headers, body: body.as_bytes() };
        check(Envelope::open(request, &QueryLimits::default()))
    }

    #[test]
    fn only_get_and_post_are_served() {
        for method in [Method::PUT, Method::DELETE, Method::HEAD, Method::OPTIONS] {
            opened(method, "", &headers(&[]), "", |envelope| {
                assert_eq!(envelope.err(), Some(ProtocolError::UnsupportedMethod));
            });
        }
    }

    #[test]
    fn the_format_is_the_parameter_then_the_accept_header_then_json() {
        for (query, accept, expected) in [
            ("", "", Format::Json),
            ("", "*/*", Format::Json),
            ("", "application/json", Format::Json),
            ("", "application/xml;q=0.9, application/json", Format::Xml),
            ("", "text/html,text/xml", Format::Xml),
            ("Format=xMl", "application/json", Format::Xml),
            ("Format=json", "application/xml", Format::Json),
            ("Format=", "application/xml", Format::Xml),
        ] {
            opened(Method::GET, query, &headers(&[("accept", accept)]), "", |envelope| {
                assert_eq!(
                    envelope.map(|envelope| envelope.format()).ok(),
                    Some(expected),
                    "{query} {accept}"
                );
            });
        }
        opened(Method::GET, "Format=yaml", &headers(&[]), "", |envelope| {
            assert_eq!(envelope.err(), Some(ProtocolError::UnknownFormat));
        });
    }

    #[test]
    fn a_body_is_parameters_only_as_a_form() {
        let form = headers(&[("content-type", "application/x-www-form-urlencoded; charset=utf-8")]);
        opened(Method::POST, "", &form, "Action=A", |envelope| {
            assert_eq!(envelope.as_ref().map(Envelope::action), Ok(Ok("A")));
        });
        opened(Method::POST, "", &headers(&[("content-type", "text/plain")]), "Action=A", |envelope| {
            let missing = ProtocolError::Missing(CommonParameter::Action);
            assert_eq!(envelope.as_ref().map(Envelope::action), Ok(Err(missing)));
        });
    }

    #[test]
    fn action_and_version_come_from_what_is_signed() {
        let both = headers(&[("x-acs-action", "FromHeader"), ("x-acs-version", "2017-11-10")]);
        opened(Method::POST, "Action=FromQuery&AccessKeyId=a", &both, "", |envelope| {
            let envelope = envelope.map_err(|error| error.to_string());
            assert_eq!(envelope.as_ref().map(|envelope| envelope.action()), Ok(Ok("FromQuery")));
            let missing = ProtocolError::Missing(CommonParameter::Version);
            assert_eq!(envelope.as_ref().map(|envelope| envelope.version()), Ok(Err(missing)));
        });
        let mut signed = both.clone();
        signed.insert("authorization", HeaderValue::from_static("ACS3-HMAC-SHA256 Credential=a"));
        opened(Method::POST, "Action=FromQuery", &signed, "", |envelope| {
            let envelope = envelope.map_err(|error| error.to_string());
            assert_eq!(envelope.as_ref().map(|envelope| envelope.action()), Ok(Ok("FromHeader")));
            assert_eq!(envelope.as_ref().map(|envelope| envelope.version()), Ok(Ok("2017-11-10")));
        });
        let long = format!("Action={0}&Version={0}", "x".repeat(129));
        opened(Method::POST, &long, &headers(&[]), "", |envelope| {
            let envelope = envelope.map_err(|error| error.to_string());
            assert_eq!(envelope.as_ref().map(|e| e.action()), Ok(Err(ProtocolError::UnknownAction)));
            assert_eq!(envelope.as_ref().map(|e| e.version()), Ok(Err(ProtocolError::UnknownVersion)));
        });
    }

    #[test]
    fn a_repeated_protocol_header_is_refused() {
        let twice = headers(&[("x-acs-action", "A"), ("x-acs-action", "B")]);
        opened(Method::POST, "", &twice, "", |envelope| {
            let repeated = SignatureFlaw::Repeated("x-acs-action".to_owned());
            let expected = Err(ProtocolError::MalformedSignature(repeated));
            assert_eq!(envelope.as_ref().map(Envelope::action), Ok(expected));
        });
    }
}
