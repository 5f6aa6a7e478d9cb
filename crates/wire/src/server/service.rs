//! One request: read whole, sent where it belongs, answered.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use control::Phase;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use http_body_util::Full;
use hyper::body::{Body, Incoming};

use super::{
    Application, HttpLimits, Shared, Stop,
    body::{self, BodyRefusal},
    closing,
    connection::Link,
    mounted::{AnswerBody, PageBody, Pages, Stream, is_below},
    pages::{self, Page},
};
use crate::{
    catalogue::{ErrorCode, Fault, error_code as code},
    gateway::{RawRequest, RawResponse},
};

type Answer = Response<AnswerBody>;

/// What stands around the name and the value of a header, in bytes.
const AROUND_HEADER: usize = 4;
/// The methods that pages and the API take between them.
const ALLOWED: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, OPTIONS");

/// Answers a request.
pub(super) async fn answer<A: Application>(
    shared: &Shared<A>,
    link: &Link,
    request: Request<Incoming>,
) -> Answer {
    link.progress.entered();
    let (parts, mut body) = request.into_parts();
    let answer = match admit(shared, &parts, &mut body).await {
        Ok(whole) => route(shared, link, &parts, &whole.bytes).await,
        Err(fault) => {
            let mut answer = refuse(shared, &parts.headers, fault);
            if !body.is_end_stream() {
                link.progress.leave_unread();
                answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            answer
        }
    };
    match answer.body() {
        AnswerBody::Whole(_) => link.progress.answered(),
        AnswerBody::Stream(_) => link.progress.streaming(),
    }
    answer
}

/// Checks the size of the head and reads the body.
async fn admit<'a, A: Application>(
    shared: &'a Shared<A>,
    parts: &Parts,
    body: &mut Incoming,
) -> Result<body::Whole<'a>, Fault> {
    if is_oversized(parts, &shared.limits) {
        return Err(Fault::of(&code::REQUEST_TOO_LARGE));
    }
    body::collect(body, &shared.limits, &shared.budget).await.map_err(|refusal| match refusal {
        BodyRefusal::TooLarge => Fault::of(&code::REQUEST_TOO_LARGE),
        BodyRefusal::NoRoom => Fault::of(&code::SERVICE_UNAVAILABLE),
        BodyRefusal::Broken => {
            Fault::with(&code::INVALID_REQUEST, "its body ended early or is not well-formed")
        }
        BodyRefusal::TooSlow => Fault::with(
            &code::INVALID_REQUEST,
            &format!("its body did not arrive within {} seconds", shared.limits.body_seconds_max),
        ),
    })
}

fn is_oversized(parts: &Parts, limits: &HttpLimits) -> bool {
    let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
    let header =
        |(name, value): (&http::HeaderName, &HeaderValue)| name.as_str().len() + value.len() + AROUND_HEADER;
    target > limits.target_bytes_max
        || parts.headers.iter().map(header).sum::<usize>() > limits.header_bytes_max
}

async fn route<A: Application>(shared: &Shared<A>, link: &Link, parts: &Parts, body: &[u8]) -> Answer {
    let path = parts.uri.path();
    if parts.method == Method::OPTIONS {
        return options();
    }
    let reads = parts.method == Method::GET || parts.method == Method::HEAD;
    if let Some(mounted) = shared.pages.as_deref() {
        if is_below(mounted.root(), path) {
            return browse(shared, mounted, link, parts, body).await;
        }
        if path == "/" && reads && wants_page(parts) {
            return see(mounted.root());
        }
    }
    if path == "/" {
        return if reads && wants_page(parts) {
            let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
            page(pages::landing(host.unwrap_or("localhost"), link.secure))
        } else if parts.method == Method::GET || parts.method == Method::POST {
            call(shared, link, parts, body).await
        } else {
            refuse(shared, &parts.headers, Fault::of(&code::UNSUPPORTED_HTTP_METHOD))
        };
    }
    match find_page(shared, path, parts.uri.query().unwrap_or_default()) {
        Some(found) if reads => page(found),
        None if reads && is_browser(parts) => page(pages::not_found()),
        Some(_) => refuse(shared, &parts.headers, Fault::of(&code::UNSUPPORTED_HTTP_METHOD)),
        None => refuse(shared, &parts.headers, Fault::of(&code::INVALID_ACTION_NOT_FOUND)),
    }
}

/// Whether a person looks at the address of the API with a browser.
fn wants_page(parts: &Parts) -> bool {
    parts.uri.query().is_none_or(str::is_empty) && is_browser(parts)
}

fn is_browser(parts: &Parts) -> bool {
    let headers = &parts.headers;
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accept.contains("text/html")
        && !headers.contains_key("x-acs-action")
        && !headers.contains_key(header::AUTHORIZATION)
}

fn find_page<A: Application>(shared: &Shared<A>, path: &str, query: &str) -> Option<Page> {
    let page = match path {
        "/healthz" => Page::text(200, "ok\n"),
        "/readyz" => readiness(shared),
        "/metrics" => Page::metrics(shared.application.metrics()),
        pages::STYLE_PATH => pages::style(),
        _ => return pages::find(path, query),
    };
    Some(page)
}

fn readiness<A: Application>(shared: &Shared<A>) -> Page {
    if *shared.stop.borrow() >= Stop::Draining {
        return Page::text(503, "stopping\n");
    }
    match shared.application.phase() {
        Phase::Serving => Page::text(200, "serving\n"),
        Phase::Recovering => Page::text(503, "recovering\n"),
        Phase::Stopped => Page::text(503, "stopped\n"),
    }
}

/// Sends a browser to another address of this server.
fn see(address: &str) -> Answer {
    let mut answer = Response::new(AnswerBody::default());
    *answer.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(address) = HeaderValue::from_str(address) {
        answer.headers_mut().insert(header::LOCATION, address);
    }
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

fn raw<'a>(limits: &HttpLimits, link: &Link, parts: &'a Parts, body: &'a [u8]) -> RawRequest<'a> {
    RawRequest {
        method: &parts.method,
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
        body,
        peer: Some(link.peer),
        secure: link.secure,
        within: Duration::from_secs(limits.request_seconds_max),
    }
}

/// Hands a request to the pages that are mounted.
async fn browse<A: Application>(
    shared: &Shared<A>,
    mounted: &dyn Pages,
    link: &Link,
    parts: &Parts,
    body: &[u8],
) -> Answer {
    // A page may show an answer that waits for nodes.
    let seconds = shared.limits.request_seconds_max + shared.application.wait_seconds_max();
    let working = caught(mounted.answer(raw(&shared.limits, link, parts, body)));
    let failed = |code: &'static ErrorCode| refuse(shared, &parts.headers, Fault::of(code));
    let found = match tokio::time::timeout(Duration::from_secs(seconds), working).await {
        Ok(Some(found)) => found,
        Ok(None) => {
            tracing::error!("making a page panicked");
            return failed(&code::INTERNAL_ERROR);
        }
        Err(_) => {
            tracing::warn!(seconds, "making a page took too long");
            return failed(&code::SERVICE_UNAVAILABLE);
        }
    };
    let body = match found.body {
        PageBody::Whole(bytes) => AnswerBody::Whole(Full::new(bytes)),
        PageBody::Stream(chunks) => {
            AnswerBody::Stream(Stream::new(chunks, shared.stop.clone(), link.progress.clone()))
        }
    };
    with_headers(found.status, &found.headers, body)
}

/// Hands a request to the API.
async fn call<A: Application>(shared: &Shared<A>, link: &Link, parts: &Parts, body: &[u8]) -> Answer {
    let request = raw(&shared.limits, link, parts, body);
    // What is carried out ends earlier: this is for an answer that waits for nodes, and for whatever goes wrong.
    let seconds = shared.limits.request_seconds_max + shared.application.wait_seconds_max();
    let deadline = Duration::from_secs(seconds);
    let failed = |code: &'static ErrorCode| refuse(shared, &parts.headers, Fault::of(code));
    match tokio::time::timeout(deadline, caught(shared.application.handle(request))).await {
        Ok(Some(answer)) => response(answer),
        Ok(None) => {
            tracing::error!("answering a request panicked");
            failed(&code::INTERNAL_ERROR)
        }
        Err(_) => {
            tracing::warn!(seconds, "answering a request took too long");
            failed(&code::SERVICE_UNAVAILABLE)
        }
    }
}

/// Runs a future to its end; `None` where it panics, so that its caller still gets an answer.
async fn caught<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}

fn refuse<A: Application>(shared: &Shared<A>, headers: &HeaderMap, fault: Fault) -> Answer {
    response(shared.application.refuse(headers, fault))
}

fn response(raw: RawResponse) -> Answer {
    with_headers(raw.status, &raw.headers, AnswerBody::Whole(Full::new(Bytes::from(raw.body))))
}

fn with_headers(status: u16, headers: &[(&'static str, String)], body: AnswerBody) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().extend(headers.iter().filter_map(|(name, value)| closing::header(name, value)));
    answer
}

fn page(page: Page) -> Answer {
    let mut answer = Response::new(AnswerBody::Whole(Full::new(Bytes::from(page.body))));
    *answer.status_mut() = StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = page.headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
    answer.headers_mut().extend(headers);
    answer
}

fn options() -> Answer {
    let mut answer = Response::new(AnswerBody::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer.headers_mut().insert(header::ALLOW, ALLOWED);
    answer
}
