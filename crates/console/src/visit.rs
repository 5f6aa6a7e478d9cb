//! One request of a person: what it asks for, and who asks.

use wire::gateway::RawRequest;

use crate::{ROOT, api::Api, form::Form, router, session::Session};

/// A request that found its page.
pub(crate) struct Visit<'a> {
    /// The request as it came.
    pub(crate) request: RawRequest<'a>,
    /// Calls in the name of whoever is signed in.
    pub(crate) api: Api,
    /// Who is signed in. Pages for everybody are shown without, too.
    pub(crate) session: Option<Session>,
    /// What the cookie says.
    pub(crate) cookie: Option<&'a str>,
    /// The parts of the path that the route names.
    pub(crate) parts: Vec<(&'static str, String)>,
    /// The query string.
    pub(crate) query: Form,
    /// The form that was sent.
    pub(crate) form: Form,
}

/// The colours that somebody chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the system has it.
    System,
    /// Light, whatever the system has.
    Light,
    /// Dark, whatever the system has.
    Dark,
}

impl Theme {
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The word for forms and cookies.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of a word.
    pub(crate) fn of(word: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.word() == word).unwrap_or(Self::System)
    }
}

impl<'a> Visit<'a> {
    /// A part of the path that the route names.
    pub(crate) fn part(&self, name: &str) -> &str {
        self.parts.iter().find(|(own, _)| *own == name).map_or("", |(_, value)| value)
    }

    /// The path with its query string, for the way back.
    pub(crate) fn address(&self) -> String {
        let (path, query) = (self.request.path, self.request.query);
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    /// What forms of this session carry.
    pub(crate) fn form_token(&self) -> &str {
        self.session.as_ref().map_or("", |session| &session.form_token)
    }

    /// The colours that were chosen.
    pub(crate) fn theme(&self) -> Theme {
        cookie(&self.request, THEME_COOKIE).map_or(Theme::System, Theme::of)
    }

    /// Whether the browser calls over TLS: to this server, or to a proxy before it.
    pub(crate) fn is_secure(&self) -> bool {
        self.request.secure || self.api.inner.gateway.is_public_over_tls()
    }

    /// Whether the request wants to see something, and not to change it.
    pub(crate) fn reads(&self) -> bool {
        self.request.method != http::Method::POST
    }
}

/// The name of the cookie of a session.
pub(crate) const SESSION_COOKIE: &str = "ravelin-session";
/// The name of the cookie of the chosen colours.
pub(crate) const THEME_COOKIE: &str = "ravelin-theme";

/// The cookie of this name.
pub(crate) fn cookie<'a>(request: &RawRequest<'a>, name: &str) -> Option<&'a str> {
    let headers = request.headers.get_all(http::header::COOKIE);
    let pairs = headers.into_iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(';'));
    let mut found = pairs.filter_map(|pair| pair.trim().split_once('='));
    found.find(|(own, _)| *own == name).map(|(_, value)| value)
}

/// An address of the console that a form or a link names; the first page where it names another one. Nobody is sent
/// anywhere else.
pub(crate) fn own_address(address: &str) -> &str {
    let visible = address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let below = address
        .strip_prefix(ROOT)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']) && !rest.starts_with("//"));
    let path = address.split(['?', '#']).next().unwrap_or_default();
    // Browsers take dots away before they ask, however they are written, and go to another address then.
    let is_step = |part: &str| matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    let stays = !path.contains("//") && !path.split('/').any(is_step);
    let is_page = || path.strip_prefix(ROOT).is_some_and(router::is_page);
    if visible && below && stays && is_page() { address } else { ROOT }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_away_from_the_console() {
        for own in [
            "/console",
            "/console/",
            "/console?a=b",
            "/console/groups?page=2&back=/console/../x",
            "/console/groups/sg-1/leave?instance=i-1",
        ] {
            assert_eq!(own_address(own), own);
        }
        for other in [
            "",
            "/",
            "//evil",
            "https://evil/console",
            "/consoles",
            "/console//evil",
            "/console/\r\nx",
            "/console/\\evil",
            "/console/../..//evil.com",
            "/console/..",
            "/console/groups/%2e%2E/..",
            "/console/groups/.?page=2",
            "/console/groups//evil",
            "/console/sign-out",
            "/console/theme",
            "/console/nowhere",
        ] {
            assert_eq!(own_address(other), ROOT, "{other}");
        }
    }
}
