//! The floor under a message and its answer: one TLS round trip on loopback, on a connection that is there.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Instant,
};

use anyhow::Context as _;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, ServerName},
};

use crate::statistics::Measured;

const NAME: &str = "floor";
/// Bytes each way: about those of a small delta and of its confirmation.
const MESSAGE: usize = 128;

/// A connection between two threads.
pub struct RoundTrips {
    client: Option<StreamOwned<ClientConnection, TcpStream>>,
    server: Option<JoinHandle<()>>,
}

impl RoundTrips {
    /// Connects, with a certificate of its own.
    ///
    /// # Errors
    /// The system refuses.
    pub fn connect() -> anyhow::Result<Self> {
        let own = rcgen::generate_simple_self_signed([NAME.to_owned()])?;
        let (certificate, key) = (own.cert.der().clone(), own.signing_key.serialize_der());
        let server = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], PrivateKeyDer::Pkcs8(key.into()))?;
        let mut roots = RootCertStore::empty();
        roots.add(certificate)?;
        let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let answering = thread::Builder::new().name("tls".into()).spawn(move || {
            // That the client has gone is the end, and whatever else is wrong the client sees.
            let _ = answer(&listener, server);
        })?;
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let connection = ClientConnection::new(Arc::new(client), ServerName::try_from(NAME)?)?;
        let mut trips = Self { client: Some(StreamOwned::new(connection, stream)), server: Some(answering) };
        trips.measure(1)?;
        Ok(trips)
    }

    /// Sends a message and reads its answer, so many times.
    ///
    /// # Errors
    /// The connection breaks.
    pub fn measure(&mut self, times: usize) -> anyhow::Result<Measured> {
        let client = self.client.as_mut().context("the connection is over")?;
        let (mut message, mut latencies, started) = ([7; MESSAGE], Vec::new(), Instant::now());
        for _ in 0..times {
            let begun = Instant::now();
            client.write_all(&message)?;
            client.flush()?;
            client.read_exact(&mut message)?;
            latencies.push(begun.elapsed());
        }
        Ok(Measured::of(latencies, started.elapsed()))
    }
}

fn answer(listener: &TcpListener, config: ServerConfig) -> anyhow::Result<()> {
    let (stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    let mut server = StreamOwned::new(ServerConnection::new(Arc::new(config))?, stream);
    let mut message = [0; MESSAGE];
    loop {
        server.read_exact(&mut message)?;
        server.write_all(&message)?;
        server.flush()?;
    }
}

impl Drop for RoundTrips {
    fn drop(&mut self) {
        drop(self.client.take());
        if let Some(server) = self.server.take() {
            // A thread that panicked has said so.
            let _ = server.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_answered() {
        let mut trips = RoundTrips::connect().unwrap();
        let measured = trips.measure(20).unwrap();
        assert!(measured.calls == 20 && measured.p50_us > 0.0);
    }
}
