//! Ending a connection so that the peer gets what was sent to it.
//!
//! A socket that is closed with unread bytes in it resets the connection, and a reset can take an answer away that the peer
//! has not read yet. So the sending side is closed first, and what still comes is read and dropped, within bounds.

use std::{io, time::Duration};

use http::{HeaderName, HeaderValue, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::gateway::RawResponse;

/// How long closing may take.
const CLOSING: Duration = Duration::from_secs(2);
/// How much of what still comes is read, in bytes.
const DROPPED_BYTES_MAX: usize = 64 << 20;

/// Closes a connection; `linger` where the peer may still be sending.
pub(super) async fn close<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, linger: bool) {
    let closing = async {
        stream.shutdown().await?;
        if linger { drop_rest(&mut stream).await } else { Ok(()) }
    };
    // What cannot be closed in time or at all is dropped: there is nobody left to tell.
    let _ = tokio::time::timeout(CLOSING, closing).await;
}

/// Sends a last answer and closes the connection.
pub(super) async fn answer_and_close<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, answer: &RawResponse) {
    let bytes = encode(answer);
    let closing = async {
        stream.write_all(&bytes).await?;
        stream.shutdown().await?;
        drop_rest(&mut stream).await
    };
    // As above.
    let _ = tokio::time::timeout(CLOSING, closing).await;
}

async fn drop_rest<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    let mut dropped = 0;
    while dropped < DROPPED_BYTES_MAX {
        match stream.read(&mut buffer).await? {
            0 => break,
            read => dropped += read,
        }
    }
    Ok(())
}

/// A header that can be sent; one with bytes that HTTP does not allow cannot.
pub(super) fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?))
}

/// The bytes of a last answer.
fn encode(answer: &RawResponse) -> Vec<u8> {
    let reason = StatusCode::from_u16(answer.status).ok().and_then(|status| status.canonical_reason());
    let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, reason.unwrap_or("Error"));
    for (name, value) in &answer.headers {
        if header(name, value).is_some() {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    head.push_str(&format!("connection: close\r\ncontent-length: {}\r\n\r\n", answer.body.len()));
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(&answer.body);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_cannot_add_a_line() {
        let headers =
            vec![("content-type", "text/plain".to_owned()), ("x-host", "a\r\nx-evil: 1".to_owned())];
        let bytes = encode(&RawResponse { status: 503, headers, body: b"no".to_vec() });
        let expected = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\nconnection: close\r\n\
                        content-length: 2\r\n\r\nno";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }
}
