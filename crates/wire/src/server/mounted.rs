//! Pages that somebody else makes, mounted under an address of their own.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::{mpsc, watch};

use super::{Stop, progress::Progress};
use crate::gateway::RawRequest;

/// What answers everything under one address. The server reads requests whole and keeps its bounds on them before it asks.
pub trait Pages: Send + Sync + 'static {
    /// The address, such as `/console`. Browsers that open `/` are sent there.
    fn root(&self) -> &str;

    /// Answers a request whose path is the root or stands below it.
    fn answer<'a>(&'a self, request: RawRequest<'a>)
    -> Pin<Box<dyn Future<Output = PageAnswer> + Send + 'a>>;
}

/// An answer of [`Pages`].
#[derive(Debug)]
pub struct PageAnswer {
    /// The status.
    pub status: u16,
    /// The headers, the content type among them.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: PageBody,
}

/// The body of an answer of [`Pages`].
#[derive(Debug)]
pub enum PageBody {
    /// It is there.
    Whole(Bytes),
    /// It comes bit by bit, until the sender is dropped. The server ends it when it stops, and cuts it off after
    /// [`STREAM_SECONDS_MAX`].
    Stream(mpsc::Receiver<Bytes>),
}

/// How long an answer that comes bit by bit may take, in seconds. Whoever wants more asks again, as browsers do.
pub const STREAM_SECONDS_MAX: u64 = 900;

/// Whether a path is the root of pages or stands below it.
pub(super) fn is_below(root: &str, path: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The body of any answer.
pub(super) enum AnswerBody {
    /// It is there.
    Whole(Full<Bytes>),
    /// It comes bit by bit.
    Stream(Stream),
}

/// A body that comes bit by bit.
pub(super) struct Stream {
    pub(super) chunks: mpsc::Receiver<Bytes>,
    /// Resolves when the server stops.
    pub(super) stopping: Pin<Box<dyn Future<Output = ()> + Send>>,
    pub(super) progress: Arc<Progress>,
}

impl Stream {
    pub(super) fn new(
        chunks: mpsc::Receiver<Bytes>,
        mut stop: watch::Receiver<Stop>,
        progress: Arc<Progress>,
    ) -> Self {
        let stopping = Box::pin(async move {
            // An error means that the server is gone: as far as it can be.
            let _ = stop.wait_for(|stop| *stop >= Stop::Draining).await;
        });
        Self { chunks, stopping, progress }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Whole(whole) => Pin::new(whole).poll_frame(cx),
            Self::Stream(stream) => {
                let next = match stream.stopping.as_mut().poll(cx) {
                    Poll::Ready(()) => None,
                    Poll::Pending => std::task::ready!(stream.chunks.poll_recv(cx)),
                };
                if next.is_none() {
                    stream.progress.answered();
                }
                Poll::Ready(next.map(|chunk| Ok(Frame::data(chunk))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(whole) => whole.is_end_stream(),
            Self::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => whole.size_hint(),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

impl Default for AnswerBody {
    fn default() -> Self {
        Self::Whole(Full::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_below_the_root_is_the_pages() {
        for path in ["/console", "/console/", "/console/groups"] {
            assert!(is_below("/console", path), "{path}");
        }
        for path in ["/", "/consoles", "/other/console"] {
            assert!(!is_below("/console", path), "{path}");
        }
    }
}
