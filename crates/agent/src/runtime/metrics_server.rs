//! Metrics over HTTP, for Prometheus: `GET /metrics`.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};

use super::{
    order::{Ask, Orders},
    shared::Shared,
};

/// The most connections at the same time.
const CONNECTIONS_MAX: usize = 16;
/// How long a connection may last.
const CONNECTION_PATIENCE: Duration = Duration::from_secs(60);
/// How long a request may take to come.
const REQUEST_PATIENCE: Duration = Duration::from_secs(10);
/// How long the kernel's counts may take; then those from before are shown.
const MEASURE_PATIENCE: Duration = Duration::from_secs(5);
/// How long accepting rests after an error.
const REST: Duration = Duration::from_millis(100);
/// What Prometheus reads.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Nobody can read the metrics.
#[derive(Debug, Error)]
#[error("cannot serve metrics on {address}")]
pub struct MetricsError {
    /// Where.
    pub address: String,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// Where metrics are served.
pub(crate) struct MetricsServer(TcpListener);

impl MetricsServer {
    /// Listens on an address.
    ///
    /// # Errors
    /// [`MetricsError`].
    pub(crate) async fn listen(address: &str) -> Result<Self, MetricsError> {
        let failed = |source| MetricsError { address: address.to_owned(), source };
        TcpListener::bind(address).await.map(Self).map_err(failed)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.0.local_addr().ok()
    }

    /// Serves until the agent ends.
    pub(crate) async fn serve(self, orders: Orders, shared: Arc<Shared>) {
        let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
            match self.0.accept().await {
                Ok((stream, _)) => {
                    let (orders, shared) = (orders.clone(), Arc::clone(&shared));
                    tokio::spawn(async move {
                        let _ = timeout(CONNECTION_PATIENCE, connection(stream, orders, shared)).await;
                        drop(seat);
                    });
                }
                Err(error) => {
                    tracing::debug!(%error, "a reader of metrics could not be accepted");
                    sleep(REST).await;
                }
            }
        }
    }
}

async fn connection(stream: TcpStream, orders: Orders, shared: Arc<Shared>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (orders, shared) = (orders.clone(), Arc::clone(&shared));
        async move { Ok::<_, Infallible>(answer(&request, &orders, &shared).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_PATIENCE)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a reader of metrics is gone");
    }
}

async fn answer(request: &Request<Incoming>, orders: &Orders, shared: &Shared) -> Response<Full<Bytes>> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let (status, text) = match request.uri().path() {
        "/metrics" if is_read => {
            if let Ok(Ok(measures)) = timeout(MEASURE_PATIENCE, orders.ask(Ask::Measure)).await {
                shared.metrics.set_measures(&measures);
            }
            // How long something is behind grows without anybody saying so.
            let standing = shared.enforcement();
            shared.metrics.set(&standing, standing.behind_since.map(|since| since.elapsed()));
            (StatusCode::OK, shared.metrics.text())
        }
        "/metrics" => (StatusCode::METHOD_NOT_ALLOWED, "metrics are read with GET\n".to_owned()),
        _ => (StatusCode::NOT_FOUND, "metrics are at /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let kind = if status == StatusCode::OK { CONTENT_TYPE } else { "text/plain; charset=utf-8" };
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
