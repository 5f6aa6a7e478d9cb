//! One connection: its requests, its deadlines, its end.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    net::IpAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};

use http::{HeaderMap, Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::{Instant, Sleep, sleep_until},
};

use super::{
    Application, HttpLimits, Shared, Stop, closing,
    progress::{Progress, Stage},
    service,
    watched::Watched,
};
use crate::catalogue::{Fault, error_code as code};

/// The least buffer that hyper takes, in bytes.
const BUFFER_BYTES_LEAST: usize = 8 << 10;
/// What stands around the target in the first line of a request, in bytes.
const FIRST_LINE_BYTES: usize = 64;
/// How many headers hyper takes without being told.
const HEADER_COUNT_USUAL: usize = 100;

/// Where a connection comes from, and how far it is.
pub(super) struct Link {
    pub(super) peer: IpAddr,
    pub(super) secure: bool,
    pub(super) progress: Arc<Progress>,
}

impl Link {
    pub(super) fn new(peer: IpAddr, secure: bool, limits: &HttpLimits) -> Self {
        Self { peer, secure, progress: Arc::new(Progress::new(limits)) }
    }

    /// The same connection, beginning now.
    pub(super) fn restarted(self, limits: &HttpLimits) -> Self {
        Self::new(self.peer, self.secure, limits)
    }
}

/// How a connection comes to its end.
enum End {
    /// HTTP says that it is over.
    Done(hyper::Result<()>),
    /// A deadline has passed.
    Expired(Stage),
    /// The server does not wait any longer.
    Cut,
}

/// What hyper is told once for all connections.
pub(super) fn builder(limits: &HttpLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    let head = limits.target_bytes_max + limits.header_bytes_max + FIRST_LINE_BYTES;
    builder
        .max_buf_size(head.max(BUFFER_BYTES_LEAST))
        // A peer that has sent all it wants to say may close its side and still get its answer.
        .half_close(true)
        // The deadlines are kept here: hyper's has no difference between a slow head and a quiet connection.
        .header_read_timeout(None);
    if limits.header_count_max != HEADER_COUNT_USUAL {
        // Costs an allocation a request.
        builder.max_headers(limits.header_count_max);
    }
    builder
}

/// Serves a connection to its end.
pub(super) async fn drive<A, S>(shared: &Arc<Shared<A>>, stream: S, link: Link)
where
    A: Application,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let progress = Arc::clone(&link.progress);
    let link = Arc::new(link);
    let service = service_fn(|request: Request<Incoming>| {
        let (shared, link) = (Arc::clone(shared), Arc::clone(&link));
        async move { Ok::<_, Infallible>(service::answer(&shared, &link, request).await) }
    });
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&progress)));
    let mut connection = shared.http.serve_connection(io, service);
    let mut stop = shared.stop.clone();
    let mut quiet = false;
    let end = match run_until(&mut connection, &progress, &mut stop, Stop::Draining).await {
        Some(end) => end,
        None => {
            quiet = matches!(progress.stage(), Stage::Fresh | Stage::Waiting);
            Pin::new(&mut connection).graceful_shutdown();
            run_until(&mut connection, &progress, &mut stop, Stop::Cut).await.unwrap_or(End::Cut)
        }
    };
    let draining = *shared.stop.borrow() >= Stop::Draining;
    let stream = connection.into_parts().io.into_inner().stream;
    // A peer that was in the middle of something may have sent more, which must not take its answer away.
    finish(shared, &link, stream, end, draining && !quiet).await;
}

/// Runs a connection to its end, or until the server is as far with stopping as `point`: then there is no end.
async fn run_until<C>(
    connection: &mut C,
    progress: &Progress,
    stop: &mut watch::Receiver<Stop>,
    point: Stop,
) -> Option<End>
where
    C: Future<Output = hyper::Result<()>> + Unpin,
{
    let mut timer = pin!(sleep_until(progress.deadline().unwrap_or_else(Instant::now)));
    // An error means that the server is gone: as far as it can be.
    let mut reached = pin!(stop.wait_for(|stop| *stop >= point));
    poll_fn(|cx| match poll_connection(connection, progress, timer.as_mut(), cx) {
        Poll::Ready(end) => Poll::Ready(Some(end)),
        Poll::Pending => reached.as_mut().poll(cx).map(|_| None),
    })
    .await
}

/// Moves a connection on and keeps its deadline.
///
/// The timer is set again only where the deadline comes sooner than it goes off, or when it has gone off: a request that
/// arrives in one piece touches no timer.
fn poll_connection<C>(
    connection: &mut C,
    progress: &Progress,
    mut timer: Pin<&mut Sleep>,
    cx: &mut Context<'_>,
) -> Poll<End>
where
    C: Future<Output = hyper::Result<()>> + Unpin,
{
    if let Poll::Ready(result) = Pin::new(connection).poll(cx) {
        return Poll::Ready(End::Done(result));
    }
    let Some(deadline) = progress.deadline() else { return Poll::Pending };
    if deadline < timer.deadline() {
        timer.as_mut().reset(deadline);
    }
    while timer.as_mut().poll(cx).is_ready() {
        if deadline <= Instant::now() {
            return Poll::Ready(End::Expired(progress.stage()));
        }
        timer.as_mut().reset(deadline);
    }
    Poll::Pending
}

/// Tells the peer why the connection ends, where it does not know, and closes it.
async fn finish<A, S>(shared: &Shared<A>, link: &Link, stream: S, end: End, linger: bool)
where
    A: Application,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let refusal = match &end {
        End::Cut => return,
        End::Expired(Stage::Head) => Some(Fault::with(
            &code::INVALID_REQUEST,
            &format!("its headers did not arrive within {} seconds", shared.limits.header_seconds_max),
        )),
        End::Expired(Stage::Fresh | Stage::Waiting) => None,
        // The peer takes no answer: closing in order would wait for it once more.
        End::Expired(Stage::Answering | Stage::Serving | Stage::Streaming) => return,
        End::Done(Err(error)) if link.progress.is_swallowed() => Some(unparsed(error)),
        End::Done(_) => None,
    };
    if let End::Done(Err(error)) = &end {
        tracing::debug!(peer = %link.peer, %error, "connection failed");
    }
    match refusal {
        Some(fault) => {
            let answer = shared.application.refuse(&HeaderMap::new(), fault);
            closing::answer_and_close(stream, &answer).await;
        }
        None => closing::close(stream, linger || link.progress.is_unread()).await,
    }
}

/// The fault of a head that hyper cannot take.
fn unparsed(error: &hyper::Error) -> Fault {
    if error.is_parse_too_large() {
        Fault::of(&code::REQUEST_TOO_LARGE)
    } else {
        Fault::with(&code::INVALID_REQUEST, "it is not well-formed HTTP")
    }
}
