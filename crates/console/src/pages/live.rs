//! Keeping a page up to date: a stream of those parts of it that have changed.
//!
//! What is sent is made by the same functions, by the same calls in the name of the same person, as the page itself. A stream
//! ends with its session, with its time, or when nobody listens; it does not let the session last.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use maud::Markup;
use tokio::{sync::mpsc, time::Instant};
use wire::server::STREAM_SECONDS_MAX;

use crate::{api::Api, response::Response, router::Outcome, trouble::Trouble, visit::Visit};

/// What tells the browser that nothing more comes.
const END: &[u8] = b"event: end\ndata:\n\n";

/// How often a page is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// How long a stream lasts; shorter than what the server lets it. The browser then asks for another one.
const LASTS: Duration = Duration::from_secs(STREAM_SECONDS_MAX - 60);
/// After how many looks without news the browser is told that the stream is alive.
const SILENT_MAX: u32 = 2;

/// How often what a page shows is made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// At each look: for what is awaited.
    Brisk,
    /// When something was changed, and else at every fifth look: each costs calls of whoever looks.
    Calm,
}

/// After how many looks a calm page is made anew where nothing was changed.
const CALM_LOOKS: u32 = 5;

/// What a page shows at a moment: an element with an id, which takes the place of the one that is there.
pub(crate) struct Shown {
    /// The element.
    pub(crate) markup: Markup,
    /// Whether it will not change any more.
    pub(crate) settled: bool,
}

/// Begins to keep a page up to date. Where too many are, the page is as it was when it was opened.
pub(crate) fn begin<F, W>(visit: &Visit<'_>, pace: Pace, show: F) -> Outcome
where
    F: Fn(Api) -> W + Send + Sync + 'static,
    W: Future<Output = Option<Shown>> + Send,
{
    if *visit.request.method == http::Method::HEAD {
        return Err(Trouble::NotFound);
    }
    let (send, chunks) = mpsc::channel(2);
    let seats = visit.session.as_ref().and_then(|session| {
        let own = Arc::clone(&session.streams).try_acquire_owned().ok()?;
        Some((own, Arc::clone(&visit.api.inner.streams).try_acquire_owned().ok()?))
    });
    let Some(seats) = seats else {
        // The channel holds it: it is read when the answer is sent.
        let _ = send.try_send(Bytes::from_static(END));
        return Ok(Response::Stream(chunks));
    };
    let (api, cookie) = (visit.api.clone(), visit.cookie.unwrap_or_default().to_owned());
    tokio::spawn(async move {
        let until = Instant::now() + LASTS;
        let (mut last, mut silent, mut known, mut looks) = (String::new(), 0, None, 0u32);
        // At its time the browser asks for another one; at every other end it is told not to.
        let ends = loop {
            if Instant::now() >= until {
                break false;
            }
            if !is_open(&api, &cookie).await {
                break true;
            }
            let generation = Some(api.inner.gateway.status().durable);
            let news = pace == Pace::Brisk || known != generation || looks % CALM_LOOKS == 0;
            (known, looks) = (generation, looks.wrapping_add(1));
            let shown = if news { show(api.clone()).await } else { None };
            if news && shown.is_none() {
                break true;
            }
            let settled = shown.as_ref().is_some_and(|shown| shown.settled);
            let markup = shown.map(|shown| shown.markup.into_string()).filter(|markup| *markup != last);
            silent = if markup.is_some() { 0 } else { silent + 1 };
            let message = match &markup {
                Some(markup) => Some(event(markup)),
                None => (silent % SILENT_MAX == 0).then(|| Bytes::from_static(b": alive\n\n")),
            };
            last = markup.unwrap_or(last);
            if let Some(message) = message
                && send.send(message).await.is_err()
            {
                break false;
            }
            if settled {
                break true;
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = send.closed() => break false,
            }
        };
        if ends {
            let _ = send.send(Bytes::from_static(END)).await;
        }
        drop(seats);
    });
    Ok(Response::Stream(chunks))
}

/// Whether the session lasts still, and its key is active as far as anybody can tell.
async fn is_open(api: &Api, cookie: &str) -> bool {
    api.inner.sessions.peek(cookie).is_some()
        && api.inner.gateway.is_active(&api.access_key_id).await != Ok(false)
}

/// A part of the page as an event.
fn event(markup: &str) -> Bytes {
    let mut text = String::with_capacity(markup.len() + 32);
    text.push_str("event: part\n");
    for line in markup.lines() {
        text.push_str("data: ");
        text.push_str(line);
        text.push('\n');
    }
    text.push('\n');
    Bytes::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_with_lines_is_one_event() {
        assert_eq!(&event("<p>a\nb</p>")[..], b"event: part\ndata: <p>a\ndata: b</p>\n\n");
    }
}
