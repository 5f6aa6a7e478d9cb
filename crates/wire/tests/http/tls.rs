//! HTTPS: with an own certificate, with a generated one, with none that will do.

use std::{
    error::Error as _,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, crypto::ring, version};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use wire::server::{HttpLimits, Server, ServerError, ServerSettings, TlsError, TlsSettings};

use crate::support::{Connection, Running, StandIn, patiently};

fn https(tls: TlsSettings) -> ServerSettings {
    ServerSettings { listen_tls: Some(([127, 0, 0, 1], 0).into()), tls, ..ServerSettings::default() }
}

fn generated(directory: &Path) -> TlsSettings {
    TlsSettings { directory: Some(directory.into()), ..TlsSettings::default() }
}

async fn connect(
    address: SocketAddr,
    name: &str,
    root: &Path,
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(root).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    patiently(TlsConnector::from(Arc::new(config)).connect(name, stream)).await
}

#[tokio::test]
async fn a_client_that_trusts_the_generated_certificate_is_served_under_each_name() {
    let directory = tempfile::tempdir().unwrap();
    let tls =
        TlsSettings { names: vec!["ens.example".into(), "192.0.2.9".into()], ..generated(directory.path()) };
    let server = Running::begin(https(tls));
    let root = directory.path().join("tls-certificate.pem");
    for name in ["localhost", "127.0.0.1", "::1", "ens.example", "192.0.2.9"] {
        for version in [&version::TLS12, &version::TLS13] {
            let stream = connect(server.tls.unwrap(), name, &root, &[version]).await.unwrap();
            let answer = Connection::over(stream).ask("GET /?a=b HTTP/1.1\r\nhost: x\r\n\r\n").await;
            assert_eq!(answer.body, "GET / query=3 body=0 secure=true peer=127.0.0.1");
        }
    }
    let stranger = connect(server.tls.unwrap(), "other.example", &root, &[&version::TLS13]).await;
    assert!(stranger.is_err());
}

#[tokio::test]
async fn a_generated_certificate_outlives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = Running::begin(https(generated(directory.path())));
    let kept = fs::read(directory.path().join("tls-certificate.pem")).unwrap();
    first.ask_to_stop();
    first.stopped().await;
    let _second = Running::begin(https(generated(directory.path())));
    assert_eq!(fs::read(directory.path().join("tls-certificate.pem")).unwrap(), kept);
}

#[tokio::test]
async fn http_and_https_are_served_side_by_side() {
    let directory = tempfile::tempdir().unwrap();
    let settings =
        ServerSettings { listen: Some(([127, 0, 0, 1], 0).into()), ..https(generated(directory.path())) };
    let server = Running::begin(settings);
    assert_ne!(Some(server.address), server.tls);
    server.still_serves().await;
    let root = directory.path().join("tls-certificate.pem");
    let stream = connect(server.tls.unwrap(), "localhost", &root, &[&version::TLS13]).await.unwrap();
    assert_eq!(Connection::over(stream).ask("GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n").await.status, 200);
}

#[tokio::test]
async fn a_request_in_flight_over_tls_is_finished_when_the_server_stops() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Running::begin(https(generated(directory.path())));
    let root = directory.path().join("tls-certificate.pem");
    let address = server.tls.unwrap();
    let mut idle = Connection::over(connect(address, "localhost", &root, &[&version::TLS13]).await.unwrap());
    assert_eq!(idle.ask("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.status, 200);
    let mut busy = Connection::over(connect(address, "localhost", &root, &[&version::TLS13]).await.unwrap());
    busy.send("GET /?Action=Wait HTTP/1.1\r\nhost: x\r\n\r\n").await;
    patiently(server.application.entered.acquire()).await.unwrap().forget();
    server.ask_to_stop();
    idle.ends().await;
    server.application.gate.add_permits(1);
    assert_eq!(busy.answer().await.status, 200);
    busy.ends().await;
    drop(busy);
    assert_eq!(server.stopped().await.connections_cut, 0);
}

#[tokio::test]
async fn handshakes_that_stop_or_are_none_are_ended() {
    let directory = tempfile::tempdir().unwrap();
    let limits = HttpLimits { handshake_seconds_max: 1, ..HttpLimits::default() };
    let server = Running::begin(ServerSettings { limits, ..https(generated(directory.path())) });
    let address = server.tls.unwrap();
    let mut silent = Connection::to(address).await;
    let mut half = Connection::to(address).await;
    // The beginning of a ClientHello whose rest never comes.
    half.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await;
    silent.ends().await;
    half.ends().await;
    let mut plain = Connection::to(address).await;
    plain.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(plain.try_answer().await.is_none());
    let root = directory.path().join("tls-certificate.pem");
    let stream = connect(address, "localhost", &root, &[&version::TLS13]).await.unwrap();
    assert_eq!(Connection::over(stream).ask("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.status, 200);
}

/// A certificate of one's own, and its key.
fn own(directory: &Path, name: &str) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(vec!["own.example".to_owned()]).unwrap();
    let (certificate, key) = (directory.join(format!("{name}.crt")), directory.join(format!("{name}.key")));
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (certificate, key)
}

fn files(certificate: &Path, key: &Path) -> ServerSettings {
    https(TlsSettings {
        certificate: Some(certificate.into()),
        key: Some(key.into()),
        ..TlsSettings::default()
    })
}

#[tokio::test]
async fn an_own_certificate_is_served() {
    let directory = tempfile::tempdir().unwrap();
    let (certificate, key) = own(directory.path(), "own");
    let server = Running::begin(files(&certificate, &key));
    let stream = connect(server.tls.unwrap(), "own.example", &certificate, &[&version::TLS13]).await.unwrap();
    assert_eq!(Connection::over(stream).ask("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.status, 200);
}

fn refusal(settings: ServerSettings) -> TlsError {
    match Server::bind(settings, StandIn::new()) {
        Err(ServerError::Tls(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn files_that_will_not_do_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let (certificate, key) = own(directory.path(), "own");
    let (_, other_key) = own(directory.path(), "other");
    let missing = directory.path().join("missing.pem");
    let empty = directory.path().join("empty.pem");
    fs::write(&empty, "nothing here\n").unwrap();
    let torn = directory.path().join("torn.pem");
    fs::write(&torn, "-----BEGIN CERTIFICATE-----\n!!!\n").unwrap();
    let huge = directory.path().join("huge.pem");
    fs::write(&huge, vec![b'x'; (1 << 20) + 1]).unwrap();
    let bogus = directory.path().join("bogus.pem");
    fs::write(&bogus, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();

    let error = refusal(files(&missing, &key));
    assert!(matches!(&error, TlsError::Unreadable { path, .. } if *path == missing), "{error}");
    assert!(error.source().is_some());
    assert!(matches!(refusal(files(&certificate, &missing)), TlsError::Unreadable { .. }));
    assert!(matches!(refusal(files(&empty, &key)), TlsError::NoCertificate { .. }));
    assert!(matches!(refusal(files(&key, &key)), TlsError::NoCertificate { .. }));
    assert!(matches!(refusal(files(&certificate, &certificate)), TlsError::NoKey { .. }));
    assert!(matches!(refusal(files(&torn, &key)), TlsError::Malformed { .. }));
    assert!(matches!(refusal(files(&huge, &key)), TlsError::TooLarge { .. }));
    assert!(matches!(refusal(files(&bogus, &key)), TlsError::Unusable { .. }));
    assert!(matches!(refusal(files(&certificate, &other_key)), TlsError::Mismatch { .. }));
    let half = TlsSettings { certificate: Some(certificate), ..TlsSettings::default() };
    assert!(matches!(refusal(https(half)), TlsError::Half));
    assert!(matches!(refusal(https(TlsSettings::default())), TlsError::NoDirectory));
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let server = Running::begin(crate::support::local());
    let settings = ServerSettings { listen: Some(server.address), ..ServerSettings::default() };
    let error = Server::bind(settings, StandIn::new()).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {}", server.address));
    assert!(error.source().is_some());
}
