//! From a request to the page that it asks for: who is signed in, whether a form is ours, and what is shown where there is
//! no page.

use std::{future::Future, pin::Pin, sync::Arc};

use http::{HeaderMap, Method, header};
use wire::{gateway::RawRequest, protocol::percent, server::PageAnswer};

use crate::{
    Inner, ROOT,
    api::Api,
    assets,
    form::Form,
    layout, once, pages,
    response::{self, Response},
    token,
    trouble::Trouble,
    visit::{self, SESSION_COOKIE, Visit},
};

/// What a handler comes to.
pub(crate) type Outcome = Result<Response, Trouble>;
/// A handler at work.
pub(crate) type Working<'v> = Pin<Box<dyn Future<Output = Outcome> + Send + 'v>>;
/// What makes a page: `|visit| Box::pin(list(visit))`.
pub(crate) type Handler = for<'v> fn(&'v Visit<'v>) -> Working<'v>;

/// Parts of a path, by the names that a route gives them.
type Parts = Vec<(&'static str, String)>;

/// The name of the field that carries the token of a form.
pub(crate) const FORM_TOKEN: &str = "form-token";

/// A page and its address.
pub(crate) struct Route {
    /// The address below the root, such as `/groups/{group}`.
    pattern: &'static str,
    changes: bool,
    public: bool,
    live: bool,
    handler: Handler,
}

impl Route {
    /// A page to read, for people who are signed in.
    pub(crate) const fn read(pattern: &'static str, handler: Handler) -> Self {
        Self { pattern, changes: false, public: false, live: false, handler }
    }

    /// What keeps a page up to date, for people who are signed in. A browser asks for it by itself: it lets no session last.
    pub(crate) const fn live(pattern: &'static str, handler: Handler) -> Self {
        Self { live: true, ..Self::read(pattern, handler) }
    }

    /// A form to send, for people who are signed in. It is refused before the handler where it is not ours.
    pub(crate) const fn send(pattern: &'static str, handler: Handler) -> Self {
        Self { pattern, changes: true, public: false, live: false, handler }
    }

    /// The same for everybody.
    pub(crate) const fn public(self) -> Self {
        Self { public: true, ..self }
    }

    /// The parts of a path that fits.
    fn parts(&self, path: &str) -> Option<Parts> {
        let mut wanted = self.pattern.split('/');
        let mut given = path.split('/');
        let mut parts = Vec::new();
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return Some(parts),
                (Some(wanted), Some(given)) => {
                    match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                        Some(name) if !given.is_empty() => parts.push((name, unescape(given)?)),
                        None if wanted == given => {}
                        _ => return None,
                    }
                }
                _ => return None,
            }
        }
    }
}

/// Whether there is a page to read at an address below the root.
pub(crate) fn exists(address: &str) -> bool {
    pages::routes().any(|route| !route.changes && route.pattern == address)
}

/// Whether there is a page to read at this path below the root.
pub(crate) fn is_page(path: &str) -> bool {
    find(path.trim_end_matches('/'), false).is_ok_and(|(route, _)| !route.live)
}

/// A part of a path as it is meant.
fn unescape(part: &str) -> Option<String> {
    // A plus sign is one in a path.
    let form = Form::read(format!("part={}", part.replace('+', "%2B")).as_bytes())?;
    Some(form.get("part").to_owned())
}

/// Answers a request.
pub(crate) async fn answer(inner: &Arc<Inner>, request: RawRequest<'_>) -> PageAnswer {
    if let Some(asset) = assets::find(request.path)
        && matches!(*request.method, Method::GET | Method::HEAD)
    {
        return asset.answer();
    }
    let path = request.path.strip_prefix(ROOT).unwrap_or_default();
    let cookie = visit::cookie(&request, SESSION_COOKIE);
    let session = match cookie.and_then(|cookie| inner.sessions.peek(cookie)) {
        // Its key was switched off or deleted since. Where nobody can tell, calls say so.
        Some(session) if inner.gateway.is_active(&session.access_key_id).await == Ok(false) => None,
        found => found,
    };
    let api = Api {
        inner: Arc::clone(inner),
        access_key_id: session.as_ref().map_or_else(|| "".into(), |session| session.access_key_id.clone()),
        source: request.peer,
        secure: request.secure,
        within: request.within,
        begun: once::Begun::default(),
    };
    let query = Form::read(request.query.as_bytes()).unwrap_or_default();
    let mut visit = Visit { request, api, session, cookie, parts: Vec::new(), query, form: Form::default() };
    let outcome = go(&mut visit, path).await;
    finish(&visit, outcome).await
}

async fn go(visit: &mut Visit<'_>, path: &str) -> Result<PageAnswer, Failure> {
    let method = visit.request.method;
    let changes = *method == Method::POST;
    if !changes && !matches!(*method, Method::GET | Method::HEAD) {
        return Err(Failure::Method);
    }
    let (route, parts) = find(path.trim_end_matches('/'), changes)?;
    visit.parts = parts;
    if let (false, true, Some(cookie)) = (route.live, visit.session.is_some(), visit.cookie) {
        visit.session = visit.api.inner.sessions.see(cookie);
    }
    if visit.session.is_none() && !route.public {
        return Err(Failure::Trouble(Trouble::SignedOut));
    }
    if changes {
        visit.form = read_form(&visit.request).ok_or(Failure::Trouble(Trouble::MalformedForm))?;
        if !is_ours(visit, route.public) {
            let is_without = visit.session.is_none() && !pages::sign_in::has_cookie(visit);
            return Err(Failure::Trouble(if is_without { Trouble::NoCookies } else { Trouble::ForeignForm }));
        }
    }
    let work = (route.handler)(visit);
    let outcome = if changes { once::carry_out(visit, work).await } else { work.await };
    let response = outcome.map_err(Failure::Trouble)?;
    Ok(match response {
        Response::Page(page) => {
            let mut answer = response::document(page.status, layout::render(visit, &page));
            let seconds = page.retry_after_seconds;
            answer.headers.extend(seconds.map(|seconds| ("retry-after", seconds.to_string())));
            answer.headers.extend(page.cookies.into_iter().map(|cookie| ("set-cookie", cookie)));
            answer
        }
        Response::See { address, cookies } => response::see(&address, cookies),
        Response::Stream(chunks) => response::stream(chunks),
    })
}

/// The page at an address, and the parts of the address that it names. Of two that fit the first counts.
fn find(path: &str, changes: bool) -> Result<(&'static Route, Parts), Failure> {
    let mut refused = Failure::Trouble(Trouble::NotFound);
    for route in pages::routes() {
        let Some(parts) = route.parts(path) else { continue };
        if route.changes == changes {
            return Ok((route, parts));
        }
        refused = Failure::Method;
    }
    Err(refused)
}

/// Why there is no answer of a handler.
enum Failure {
    /// The address does not take this method.
    Method,
    Trouble(Trouble),
}

async fn finish(visit: &Visit<'_>, outcome: Result<PageAnswer, Failure>) -> PageAnswer {
    match outcome {
        Ok(answer) => answer,
        Err(Failure::Method) => {
            let page = pages::trouble::wrong_method();
            let mut answer = response::document(page.status, layout::render(visit, &page));
            answer.headers.push(("allow", "GET, HEAD, POST".into()));
            answer
        }
        Err(Failure::Trouble(Trouble::SignedOut)) => {
            if let Some(cookie) = visit.cookie {
                visit.api.inner.sessions.end(cookie);
            }
            let (wanted, said) = if visit.reads() {
                (visit.address(), "")
            } else {
                // A change that has begun may be made, and nothing is said of it; nor of what is lost with the session anyway.
                let is_said = !visit.api.begun.has() && !pages::sign_in::is_of_session(visit);
                (page_of_form(visit), if is_said { pages::sign_in::UNSENT } else { "" })
            };
            let wanted = percent::encode(&wanted);
            response::see(&format!("{ROOT}/sign-in?back={wanted}{said}"), Vec::new())
        }
        Err(Failure::Trouble(trouble)) => {
            let page = pages::trouble::page(&trouble);
            response::document(page.status, layout::render(visit, &page))
        }
    }
}

/// The page that a form stood on: what the browser says, or else what the form's own address lies beneath.
fn page_of_form(visit: &Visit<'_>) -> String {
    let headers = visit.request.headers;
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = |address: &'_ str| address.split_once("://").map(|(_, rest)| rest.to_owned());
    let from = text(header::REFERER).and_then(origin);
    let from =
        from.zip(text(header::HOST)).and_then(|(from, host)| Some(from.strip_prefix(host)?.to_owned()));
    let from = from.unwrap_or_default();
    let mut place = if from.starts_with(ROOT) { from.as_str() } else { visit.request.path };
    while visit::own_address(place) != place {
        // Without what is searched for first, and then step by step up.
        let Some(end) = place.rfind('?').or_else(|| place.rfind('/')) else { return ROOT.to_owned() };
        place = place.get(..end).unwrap_or_default();
    }
    place.to_owned()
}

fn read_form(request: &RawRequest<'_>) -> Option<Form> {
    let content_type = request.headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded").then(|| Form::read(request.body))?
}

/// Whether a form was made by this server for this session, and sent from one of its pages.
fn is_ours(visit: &Visit<'_>, public: bool) -> bool {
    let given = visit.form.get(FORM_TOKEN);
    let of_session = visit.session.as_ref().is_some_and(|own| token::same(&own.form_token, given));
    // Who came from another site was asked to sign in though there is a session: the form is one of nobody who is signed in.
    let token = of_session || public && pages::sign_in::is_ours(visit, given);
    token && comes_from_here(visit.request.headers)
}

/// Whether the browser says that the form stands on a page of this very host. Browsers that say nothing are believed: the
/// token is what counts.
fn comes_from_here(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    // What hides where it comes from is no page of ours.
    if text(header::ORIGIN) == Some("null") {
        return false;
    }
    if let Some(site) = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok()) {
        return matches!(site, "same-origin" | "none");
    }
    // The page that the form stood on, where the browser does not say from which site it comes.
    let from = text(header::ORIGIN).or_else(|| text(header::REFERER));
    match (from, text(header::HOST)) {
        (Some(from), Some(host)) => {
            let own = from
                .split_once("://")
                .map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
            own.is_some_and(|own| own.eq_ignore_ascii_case(host))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_names_parts_of_a_path() {
        let route = Route::read("/groups/{group}/rules", |_| Box::pin(async { Err(Trouble::NotFound) }));
        assert_eq!(route.parts("/groups/sg-1/rules"), Some(vec![("group", "sg-1".into())]));
        assert_eq!(route.parts("/groups/a%2Fb+c/rules"), Some(vec![("group", "a/b+c".into())]));
        for other in
            ["/groups", "/groups//rules", "/groups/sg-1", "/groups/sg-1/rules/1", "/groups/%zz/rules"]
        {
            assert_eq!(route.parts(other), None, "{other}");
        }
    }

    #[test]
    fn forms_of_other_sites_are_not_ours() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect::<HeaderMap>()
        };
        assert!(comes_from_here(&headers(&[])));
        assert!(comes_from_here(&headers(&[("origin", "http://a:1"), ("host", "a:1")])));
        assert!(!comes_from_here(&headers(&[("origin", "http://b"), ("host", "a:1")])));
        assert!(!comes_from_here(&headers(&[("sec-fetch-site", "cross-site")])));
        assert!(comes_from_here(&headers(&[("referer", "http://a:1/console?x=y"), ("host", "a:1")])));
        for other in ["http://evil/", "http://evil?http://a:1/", "a:1", "http://a:1@evil/"] {
            assert!(!comes_from_here(&headers(&[("referer", other), ("host", "a:1")])), "{other}");
        }
        let both = [("origin", "http://a:1"), ("referer", "http://evil/"), ("host", "a:1")];
        assert!(comes_from_here(&headers(&both)));
        assert!(!comes_from_here(&headers(&[("origin", "null"), ("host", "a:1")])));
        assert!(!comes_from_here(&headers(&[("origin", "null"), ("sec-fetch-site", "none")])));
    }
}
