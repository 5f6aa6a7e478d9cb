//! Load: connections that are kept, each sending one signed call after the other.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use wire::{
    catalogue::Product,
    protocol::{
        request::Format,
        signature::client::{Call, sign_v3},
    },
};

use crate::{
    server::{KEY_ID, KEY_SECRET},
    statistics::Measured,
};

/// A call to make: product, operation and parameters.
pub type Request = (Product, &'static str, Vec<(&'static str, String)>);

/// One kept connection.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    wait_seconds: Option<u32>,
}

impl Connection {
    /// Connects.
    pub async fn open(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, host: address.into(), wait_seconds: None })
    }

    /// Has every change answered when the nodes that it concerns have confirmed it, or refused after so many seconds.
    #[must_use]
    pub fn waiting(self, seconds: u32) -> Self {
        Self { wait_seconds: Some(seconds), ..self }
    }

    /// Whether the other side has closed it, as it does with one on which nothing is asked for.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a call and reads its answer to the end; gives the time it took and the answer.
    pub async fn call(
        &mut self,
        (product, action, parameters): &Request,
    ) -> anyhow::Result<(Duration, Bytes)> {
        let query: Vec<(&str, &str)> =
            parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let begun = Instant::now();
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let nonce = format!("{:016x}", getrandom::u64().map_err(|e| anyhow::anyhow!("{e}"))?);
        let signed = sign_v3(&Call {
            method: &http::Method::POST,
            host: &self.host,
            action,
            version: product.version(),
            query: &query,
            form: &[],
            format: Format::Json,
            access_key_id: KEY_ID,
            secret: KEY_SECRET,
            security_token: None,
            unix_seconds: i64::try_from(now)?,
            nonce: &nonce,
        });
        let mut request = http::Request::builder().method("POST").uri(&signed.target);
        for (name, value) in &signed.headers {
            request = request.header(*name, value);
        }
        if let Some(seconds) = self.wait_seconds {
            request = request.header("x-ravelin-wait", seconds);
        }
        let request = request.body(Full::new(Bytes::from(signed.body)))?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        let took = begun.elapsed();
        if status != 200 {
            bail!("{action} is answered {status}: {}", String::from_utf8_lossy(&body));
        }
        Ok((took, body))
    }
}

/// Where the next call comes from; none: there is no more to do.
pub type Source = Arc<dyn Fn(usize) -> Option<Request> + Send + Sync>;

/// What a load gave: the time that each call took, and the time that all of them took together.
#[derive(Debug, Default)]
pub struct Sample {
    /// One for each call.
    pub latencies: Vec<Duration>,
    /// From the first call to the end of the last.
    pub wall: Duration,
}

impl Sample {
    /// Counts another load of the same kind to this one.
    pub fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.wall += other.wall;
    }

    /// Sums it up.
    pub fn measured(self) -> Measured {
        Measured::of(self.latencies, self.wall)
    }
}

/// Sends calls over so many connections until the time is over or the source is dry. The calls are numbered from 0.
///
/// Every connection has made a call that is not counted before the time begins: connecting is not what is measured, and
/// it would count more for a load that ends soon.
pub async fn run(
    address: &str,
    connections: usize,
    time: Duration,
    source: Source,
) -> anyhow::Result<Sample> {
    run_over(address, connections, time, source, |connection| connection).await
}

/// The same, over connections that were prepared.
pub async fn run_over(
    address: &str,
    connections: usize,
    time: Duration,
    source: Source,
    prepare: impl Fn(Connection) -> Connection,
) -> anyhow::Result<Sample> {
    let nothing = (Product::Sts, "GetCallerIdentity", Vec::new());
    let mut open = Vec::new();
    for _ in 0..connections {
        let mut connection = prepare(Connection::open(address).await.context("cannot connect")?);
        connection.call(&nothing).await?;
        open.push(connection);
    }
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let workers: Vec<_> = open
        .into_iter()
        .map(|mut connection| {
            let (source, next) = (Arc::clone(&source), Arc::clone(&next));
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while started.elapsed() < time {
                    let Some(request) = source(next.fetch_add(1, Ordering::Relaxed)) else { break };
                    latencies.push(connection.call(&request).await?.0);
                }
                anyhow::Ok(latencies)
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for worker in workers {
        latencies.extend(worker.await??);
    }
    Ok(Sample { latencies, wall: started.elapsed() })
}
