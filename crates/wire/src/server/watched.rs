//! The stream of a connection, as hyper sees it.
//!
//! It notes the progress of requests, leaves closing to the loop that drives the connection, and keeps back the bare answer
//! that hyper gives to what it cannot parse: the caller gets the service's own error instead.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::progress::Progress;

/// A stream whose progress is noted.
pub(super) struct Watched<S> {
    pub(super) stream: S,
    progress: Arc<Progress>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, progress: Arc<Progress>) -> Self {
        Self { stream, progress }
    }
}

/// Whether these bytes are hyper's own answer to a head that it cannot parse. The service's errors all have a body.
fn is_bare_refusal(bytes: &[u8]) -> bool {
    let starts = [&b"HTTP/1.1 400 "[..], b"HTTP/1.1 414 ", b"HTTP/1.1 431 "];
    let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    starts.iter().any(|start| bytes.starts_with(start))
        && bytes.ends_with(b"\r\n\r\n")
        && bytes.windows(4).filter(|window| window == b"\r\n\r\n").count() == 1
        && has(b"\r\ncontent-length: 0\r\n")
        && !has(b"\r\ncontent-type:")
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            this.progress.received();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if is_bare_refusal(buf) {
            this.progress.swallow();
            return Poll::Ready(Ok(buf.len()));
        }
        Pin::new(&mut this.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let [only] = bufs
            && is_bare_refusal(only)
        {
            this.progress.swallow();
            return Poll::Ready(Ok(only.len()));
        }
        Pin::new(&mut this.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.stream).poll_flush(cx))?;
        this.progress.flushed();
        Poll::Ready(Ok(()))
    }

    /// Flushes alone: how the connection closes is decided when it is known why.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_the_service_is_never_kept_back() {
        let own = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/xml\r\ncontent-length: 0\r\n\r\n";
        let hyper =
            b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        assert!(!is_bare_refusal(own));
        assert!(is_bare_refusal(hyper));
        assert!(!is_bare_refusal(&[&b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"[..], hyper].concat()));
    }
}
