//! A client of the RPC protocol: one signed call, one answer.

pub mod profile;

use std::{
    io::Read,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, anyhow, bail};
use serde_json::Value;
use ureq::{
    Agent,
    tls::{Certificate, RootCerts, TlsConfig, TlsProvider},
};
use wire::{
    catalogue::Operation,
    protocol::{
        request::Format,
        signature::client::{Call, SignedRequest, sign_v3},
    },
};

/// The largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How long a call may take: a minute, and one more where the server waits for nodes.
const PATIENCE: Duration = Duration::from_secs(125);

/// The header that asks for an answer when the change is in force.
const WAIT_HEADER: &str = "x-ravelin-wait";

/// Whom to trust over HTTPS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// The certificates of the system.
    System,
    /// Those of a PEM file.
    File(std::path::PathBuf),
    /// Everybody. For trying things out.
    Anybody,
}

/// An access key.
#[derive(Clone)]
pub struct Credentials {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

/// A client of one server.
pub struct Client {
    agent: Agent,
    base: String,
    host: String,
    credentials: Credentials,
}

/// What the server answered.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The generation that the change made, where it made one.
    pub generation: Option<u64>,
    /// The body.
    pub body: Value,
    /// What to do about an error, where whoever asked knows it.
    pub hint: Option<String>,
}

impl Reply {
    /// The error code, where it is an error.
    pub fn error_code(&self) -> Option<&str> {
        if self.status == 200 { None } else { self.body.get("Code").and_then(Value::as_str).or(Some("")) }
    }
}

impl Client {
    /// A client of the server at this address: `http://host:port`, `https://host:port`, or `host:port` for HTTPS.
    ///
    /// # Errors
    /// The address is none; the certificates cannot be read.
    pub fn new(endpoint: &str, credentials: Credentials, trust: &Trust) -> anyhow::Result<Self> {
        let (scheme, host) = match endpoint.split_once("://") {
            Some((scheme, host)) if scheme == "http" || scheme == "https" => (scheme, host),
            Some((scheme, _)) => bail!("an endpoint begins with http:// or https://, not {scheme}://"),
            None => ("https", endpoint),
        };
        let host = host.trim_end_matches('/');
        if host.is_empty() || host.contains('/') {
            bail!("{endpoint:?} is not an endpoint, such as http://127.0.0.1:8017");
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .max_redirects(0)
            .tls_config(tls(trust, scheme)?);
        Ok(Self {
            agent: config.build().into(),
            base: format!("{scheme}://{host}"),
            host: host.into(),
            credentials,
        })
    }

    /// Calls an operation with these parameters, as they stand on the wire. With `wait_seconds` a change is answered when the
    /// nodes that it concerns have confirmed it, or when so many seconds are over; without, the settings of account and
    /// server say how long.
    ///
    /// # Errors
    /// The server cannot be reached, or its answer cannot be read. An error that the server answers is a reply.
    pub fn call(
        &self,
        operation: &Operation,
        parameters: &[(String, String)],
        wait_seconds: Option<u32>,
    ) -> anyhow::Result<Reply> {
        let parameters: Vec<(&str, &str)> =
            parameters.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let method = if operation.methods.usual() == "GET" { http::Method::GET } else { http::Method::POST };
        // Where a form is possible parameters go there: an address may be logged on the way, and is shorter.
        let (query, form): (&[_], &[_]) =
            if method == http::Method::GET { (&parameters, &[]) } else { (&[], &parameters) };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
        let signed = sign_v3(&Call {
            method: &method,
            host: &self.host,
            action: operation.name,
            version: operation.product.version(),
            query,
            form,
            format: Format::Json,
            access_key_id: &self.credentials.id,
            secret: &self.credentials.secret,
            security_token: None,
            unix_seconds: i64::try_from(now.as_secs())?,
            nonce: &nonce()?,
        });
        self.send(&method, &signed, wait_seconds)
    }

    fn send(
        &self,
        method: &http::Method,
        signed: &SignedRequest,
        wait_seconds: Option<u32>,
    ) -> anyhow::Result<Reply> {
        let mut request =
            http::Request::builder().method(method.clone()).uri(format!("{}{}", self.base, signed.target));
        for (name, value) in &signed.headers {
            request = request.header(*name, value);
        }
        if let Some(seconds) = wait_seconds {
            request = request.header(WAIT_HEADER, seconds);
        }
        let request = request.body(signed.body.clone()).context("the request cannot be written")?;
        let mut response = self.agent.run(request).map_err(|error| {
            let problem = format!("{error}");
            let hint = hint(&problem, &self.host, self.base.starts_with("https://"));
            anyhow!(error).context(format!("cannot reach the server at {}{hint}", self.base))
        })?;
        let status = response.status().as_u16();
        let generation = response.headers().get("x-ravelin-generation");
        let generation = generation.and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
        let mut text = String::new();
        response
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES_MAX)
            .reader()
            .read_to_string(&mut text)
            .context("the answer cannot be read")?;
        let body = serde_json::from_str(&text).map_err(|_| {
            anyhow!("{} answers {status} with something that is not JSON: is it an ENS endpoint?", self.base)
        })?;
        Ok(Reply { status, generation, body, hint: None })
    }
}

/// What somebody should try who cannot reach the server, in parentheses; empty where nothing is known.
fn hint(problem: &str, host: &str, secure: bool) -> String {
    // The libraries below keep these causes as text only.
    if secure && problem.contains("corrupt message") {
        format!(" (it seems to speak HTTP without TLS: write the address as http://{host})")
    } else if secure && problem.contains("UnknownIssuer") {
        " (nobody who is trusted vouches for its certificate: name the certificate to trust with --ca-certificate, or \
         try with --insecure)"
            .into()
    } else if problem.contains("Connection refused") {
        " (nobody listens there: does `ravelin serve` run, and is this its address? --endpoint and RAVELIN_ENDPOINT name another)"
            .into()
    } else if !secure && problem.contains("parse fail") {
        format!(" (it does not speak plain HTTP; if it speaks TLS, write the address as https://{host})")
    } else {
        String::new()
    }
}

fn tls(trust: &Trust, scheme: &str) -> anyhow::Result<TlsConfig> {
    let config = TlsConfig::builder().provider(TlsProvider::Rustls);
    let config = match trust {
        _ if scheme == "http" => config,
        Trust::Anybody => config.disable_verification(true),
        Trust::File(path) => config.root_certs(certificates(path)?),
        Trust::System => {
            let found = rustls_native_certs::load_native_certs();
            let certificates = found.certs.iter().map(|der| Certificate::from_der(der).to_owned());
            config.root_certs(RootCerts::from(certificates.collect::<Vec<_>>()))
        }
    };
    Ok(config.build())
}

fn certificates(path: &Path) -> anyhow::Result<RootCerts> {
    use rustls_pki_types::{CertificateDer, pem::PemObject};
    let found = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("cannot read certificates from {}", path.display()))?;
    if found.is_empty() {
        bail!("there is no certificate in {}", path.display());
    }
    Ok(RootCerts::from(found.iter().map(|der| Certificate::from_der(der).to_owned()).collect::<Vec<_>>()))
}

/// What makes a request unique: 128 random bits.
fn nonce() -> anyhow::Result<String> {
    let high = getrandom::u64().map_err(|error| anyhow!("there is no randomness: {error}"))?;
    let low = getrandom::u64().map_err(|error| anyhow!("there is no randomness: {error}"))?;
    Ok(format!("{high:016x}{low:016x}"))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
    };

    use wire::catalogue::{self, Product};

    use super::*;

    /// What a client says of a server that answers every connection with these bytes.
    fn said(scheme: &str, answer: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer);
        });
        let _ = rustls::crypto::ring::default_provider().install_default();
        let credentials = Credentials { id: "id".into(), secret: "secret".into() };
        let client = Client::new(&format!("{scheme}{address}"), credentials, &Trust::Anybody).unwrap();
        let operation = catalogue::find(Product::Sts, "GetCallerIdentity").unwrap();
        let error = client.call(operation, &[], None).err().unwrap();
        server.join().unwrap();
        format!("{error:#}")
    }

    #[test]
    fn the_wrong_scheme_is_told() {
        let text = said("https://", b"HTTP/1.1 400 Bad Request\r\n\r\n");
        assert!(text.contains("write the address as http://127.0.0.1"), "{text}");
        // What a TLS server answers to a line that is not TLS: an alert.
        let text = said("http://", &[0x15, 3, 3, 0, 2, 2, 22]);
        assert!(text.contains("write the address as https://127.0.0.1"), "{text}");
        let text = hint("invalid peer certificate: UnknownIssuer", "host", true);
        assert!(text.contains("--ca-certificate") && text.contains("--insecure"), "{text}");
        let text = hint("io: Connection refused (os error 111)", "host", false);
        assert!(text.contains("ravelin serve"), "{text}");
    }
}
