//! Answers: pages, ways elsewhere, and what browsers are told about them.

use bytes::Bytes;
use maud::Markup;
use tokio::sync::mpsc;
use wire::server::{PageAnswer, PageBody};

/// Pages take style, script, pictures and data from this server alone, run nothing that stands in them, send forms nowhere
/// else, and stand in no frame.
pub(crate) const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                                 connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What a handler gives.
pub(crate) enum Response {
    /// A page, to be put into the layout.
    Page(Page),
    /// Another address, with cookies to keep.
    See {
        /// Where to.
        address: String,
        /// `Set-Cookie`, each.
        cookies: Vec<String>,
    },
    /// Bits of a page as they change.
    Stream(mpsc::Receiver<Bytes>),
}

/// A page without what stands around each.
pub(crate) struct Page {
    /// The title, which is its heading too.
    pub(crate) title: String,
    /// Where it stands in the navigation: the address of an entry.
    pub(crate) section: &'static str,
    /// The way to it: names and addresses.
    pub(crate) trail: Vec<(String, String)>,
    /// A line beneath the title.
    pub(crate) lead: Option<Markup>,
    /// What can be done with it, beside the title.
    pub(crate) actions: Option<Markup>,
    /// What it says.
    pub(crate) body: Markup,
    /// The status.
    pub(crate) status: u16,
    /// The address of a stream that keeps it up to date.
    pub(crate) live: Option<String>,
    /// Whether, where there is no script, it is to be loaded again every few seconds.
    pub(crate) reload: bool,
    /// `Set-Cookie`, each.
    pub(crate) cookies: Vec<String>,
    /// In how many seconds to try again.
    pub(crate) retry_after_seconds: Option<u64>,
    /// Whether it says what is not shown again: who sends its form twice sees it once.
    pub(crate) once: bool,
}

impl Page {
    /// A page in a section of the navigation.
    pub(crate) fn new(section: &'static str, title: impl Into<String>, body: Markup) -> Self {
        Self {
            title: title.into(),
            section,
            trail: Vec::new(),
            lead: None,
            actions: None,
            body,
            status: 200,
            live: None,
            reload: false,
            cookies: Vec::new(),
            retry_after_seconds: None,
            once: false,
        }
    }

    /// Not to be asked for again before so many seconds are over.
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// What came of a form, and is not shown again.
    pub(crate) fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// With a step of the way to it.
    pub(crate) fn under(mut self, name: impl Into<String>, address: impl Into<String>) -> Self {
        self.trail.push((name.into(), address.into()));
        self
    }

    /// With a line beneath the title.
    pub(crate) fn lead(mut self, lead: Markup) -> Self {
        self.lead = Some(lead);
        self
    }

    /// With what can be done with it.
    pub(crate) fn actions(mut self, actions: Markup) -> Self {
        self.actions = Some(actions);
        self
    }

    /// With a cookie to keep.
    pub(crate) fn cookie(mut self, cookie: String) -> Self {
        self.cookies.push(cookie);
        self
    }

    /// With another status.
    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Kept up to date by a stream at this address.
    pub(crate) fn live(mut self, address: impl Into<String>) -> Self {
        self.live = Some(address.into());
        self
    }

    /// Loaded again every few seconds where there is no script.
    pub(crate) fn reload(mut self, reload: bool) -> Self {
        self.reload = reload;
        self
    }
}

impl From<Page> for Response {
    fn from(page: Page) -> Self {
        Self::Page(page)
    }
}

impl Response {
    /// Another address.
    pub(crate) fn see(address: impl Into<String>) -> Self {
        Self::See { address: address.into(), cookies: Vec::new() }
    }
}

/// The headers that every answer has.
fn headers(content_type: &str, cache: &str) -> Vec<(&'static str, String)> {
    vec![
        ("content-type", content_type.into()),
        ("cache-control", cache.into()),
        ("content-security-policy", POLICY.into()),
        ("x-content-type-options", "nosniff".into()),
        ("x-frame-options", "DENY".into()),
        ("referrer-policy", "same-origin".into()),
        ("cross-origin-opener-policy", "same-origin".into()),
        ("cross-origin-resource-policy", "same-origin".into()),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()".into()),
    ]
}

/// A whole document.
pub(crate) fn document(status: u16, markup: Markup) -> PageAnswer {
    whole(status, "text/html; charset=utf-8", "no-store", Bytes::from(markup.into_string()))
}

/// A whole body of some type.
pub(crate) fn whole(status: u16, content_type: &str, cache: &str, body: Bytes) -> PageAnswer {
    PageAnswer { status, headers: headers(content_type, cache), body: PageBody::Whole(body) }
}

/// The way to another address.
pub(crate) fn see(address: &str, cookies: Vec<String>) -> PageAnswer {
    let mut answer = whole(303, "text/plain; charset=utf-8", "no-store", Bytes::new());
    answer.headers.push(("location", address.to_owned()));
    answer.headers.extend(cookies.into_iter().map(|cookie| ("set-cookie", cookie)));
    answer
}

/// Bits of a page as they change.
pub(crate) fn stream(chunks: mpsc::Receiver<Bytes>) -> PageAnswer {
    let headers = headers("text/event-stream; charset=utf-8", "no-store");
    PageAnswer { status: 200, headers, body: PageBody::Stream(chunks) }
}
