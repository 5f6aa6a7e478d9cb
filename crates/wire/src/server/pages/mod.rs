//! The pages that people read: made from the catalogue, readable without script, on a phone, by day and by night.

mod errors;
mod html;
mod landing;
mod markdown;
mod reference;
mod releases;

use http::{HeaderName, header};

pub(super) use self::landing::landing;
use self::{
    errors::{error_code, error_codes},
    reference::reference_page,
    releases::release_notes,
};

/// Where the style sheet is.
pub(super) const STYLE_PATH: &str = "/style.css";

/// Where the reference documentation begins.
pub(super) const REFERENCE_PATH: &str = "/reference/";

/// Pages take nothing but the style sheet, run nothing, and stand in no frame.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Something to read.
pub(super) struct Page {
    pub(super) status: u16,
    pub(super) headers: Vec<(HeaderName, &'static str)>,
    pub(super) body: String,
    /// What is to be read, where it is a document.
    article: Option<Article>,
}

/// What is to be read, without what stands around it: for whoever puts it into pages of another look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    /// The status of a page that shows it.
    pub status: u16,
    /// Its title, as text.
    pub title: String,
    /// Markup, in which everything is escaped. Headings begin with the second level; links to other articles lead to where
    /// this server has them: below `/reference/` and `/errors`, and at `/release-notes`.
    pub body: String,
}

/// The article of a path such as `/reference/ens/LeaveSecurityGroup`, `/errors`, `/errors/NoPermission` or
/// `/release-notes`; none where there is none.
pub fn article(path: &str, query: &str) -> Option<Article> {
    find(path, query)?.article
}

/// The document at an address.
pub(super) fn find(path: &str, query: &str) -> Option<Page> {
    match path {
        "/errors" | "/errors/" => Some(error_codes()),
        "/release-notes" => Some(release_notes()),
        "/reference" => reference_page(""),
        _ => {
            let code = path.strip_prefix("/errors/").map(|code| error_code(code, query));
            code.or_else(|| reference_page(path.strip_prefix(REFERENCE_PATH)?))
        }
    }
}

impl Page {
    fn of(status: u16, content_type: &'static str, cache: &'static str, body: String) -> Self {
        let headers = vec![
            (header::CONTENT_TYPE, content_type),
            (header::CACHE_CONTROL, cache),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        Self { status, headers, body, article: None }
    }

    /// A line of plain text that holds at this moment.
    pub(super) fn text(status: u16, body: &str) -> Self {
        Self::of(status, TEXT, "no-store", body.to_owned())
    }

    /// Metrics for Prometheus.
    pub(super) fn metrics(body: String) -> Self {
        Self::of(200, OPEN_METRICS, "no-store", body)
    }

    fn html(status: u16, title: &str, body: &str) -> Self {
        let mut page = Self::of(status, HTML, "no-cache", html::document(title, body));
        page.headers.push((header::CONTENT_SECURITY_POLICY, POLICY));
        page.headers.push((header::REFERRER_POLICY, "no-referrer"));
        page.article = Some(Article { status, title: title.to_owned(), body: body.to_owned() });
        page
    }
}

/// What a person gets for an address that there is not. Programs get the error of the API.
pub(super) fn not_found() -> Page {
    let body = "<p>There is no such page here. There are <a href=\"/\">the first page</a>, \
                <a href=\"/reference/\">the reference</a>, <a href=\"/errors\">the error codes</a> and \
                <a href=\"/release-notes\">the release notes</a>.</p>\n";
    Page::html(404, "Not found", body)
}

/// The style sheet of all pages.
pub(super) fn style() -> Page {
    Page::of(200, CSS, "max-age=3600", include_str!("style.css").to_owned())
}
