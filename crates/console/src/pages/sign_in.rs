//! Signing in with an access key, signing out, and the choice of colours.

use std::net::{IpAddr, Ipv4Addr};

use maud::{Markup, html};
use wire::gateway::SignInRefusal;

use crate::{
    ROOT,
    response::{Page, Response},
    router::{FORM_TOKEN, Outcome, Route},
    token,
    trouble::Trouble,
    view::{self, Tone, fields::Field},
    visit::{self, SESSION_COOKIE, THEME_COOKIE, Theme, Visit, own_address},
};

pub(crate) const ROUTES: &[Route] = &[
    Route::read("/sign-in", |visit| Box::pin(show(visit))).public(),
    Route::send("/sign-in", |visit| Box::pin(sign_in(visit))).public(),
    Route::send("/sign-out", |visit| Box::pin(sign_out(visit))),
    Route::send("/theme", |visit| Box::pin(choose_theme(visit))),
];

/// The cookie that belongs to the form of somebody who is not signed in: what the form carries is its seal.
const FORM_COOKIE: &str = "ravelin-sign-in";
/// How long the chosen colours are kept, in seconds.
const THEME_SECONDS: u32 = 365 * 24 * 3_600;
/// The longest key or secret that is looked at, in bytes.
const TEXT_BYTES_MAX: usize = 256;

/// What the address of this page ends with where somebody sent a form who was not signed in any more.
pub(crate) const UNSENT: &str = "&unsent=1";

/// Whether a form for somebody who is not signed in was made here for this browser.
pub(crate) fn is_ours(visit: &Visit<'_>, given: &str) -> bool {
    form_cookie(visit).is_some_and(|cookie| visit.api.inner.sealer.is_sealed(cookie, given))
}

/// Whether the browser has the cookie of the form to sign in.
pub(crate) fn has_cookie(visit: &Visit<'_>) -> bool {
    form_cookie(visit).is_some()
}

fn form_cookie<'a>(visit: &Visit<'a>) -> Option<&'a str> {
    visit::cookie(&visit.request, FORM_COOKIE).filter(|cookie| token::is_token(cookie))
}

/// A cookie of the console, kept from scripts and from other sites.
fn cookie(visit: &Visit<'_>, name: &str, value: &str, seconds: Option<u32>) -> String {
    let secure = if visit.is_secure() { "; Secure" } else { "" };
    let age = seconds.map_or(String::new(), |seconds| format!("; Max-Age={seconds}"));
    format!("{name}={value}; Path={ROOT}; HttpOnly; SameSite=Strict{secure}{age}")
}

async fn show(visit: &Visit<'_>) -> Outcome {
    let back = own_address(visit.query.get("back"));
    if visit.session.is_some() {
        return Ok(Response::see(back));
    }
    // The form needs a cookie, which comes with it: a browser that was sent here by another site shows none of those it has.
    // Who keeps none is told so when the form is sent.
    let notice = if visit.query.given("unsent").is_some() {
        unsent()
    } else {
        html! {}
    };
    let Some(known) = form_cookie(visit) else {
        let own = token::random().ok_or(Trouble::NotFound)?;
        let page = form(visit, &own, "", back, &notice);
        return Ok(page.cookie(cookie(visit, FORM_COOKIE, &own, None)).into());
    };
    Ok(form(visit, known, "", back, &notice).into())
}

/// Whether a form is about the session alone: nothing is lost with it that outlives the session.
pub(crate) fn is_of_session(visit: &Visit<'_>) -> bool {
    let path = visit.request.path.strip_prefix(ROOT).unwrap_or_default();
    ["/sign-out", "/theme"].contains(&path.trim_end_matches('/'))
}

/// What somebody is told whose form came when the session had ended.
fn unsent() -> Markup {
    view::notice(
        Tone::Warning,
        "Your session has ended.",
        &html! {
            p { "What you sent now was not carried out. If you had sent it before, as by a second press, look under Activity whether it "
                "was made then. Sign in, and you are back at the page that you sent it from; what you had typed there is to be typed "
                "again. Your browser may still have it: go back to the page before." }
        },
    )
}

fn form(visit: &Visit<'_>, known: &str, access_key_id: &str, back: &str, notice: &Markup) -> Page {
    let seal = visit.api.inner.sealer.seal(known).unwrap_or_default();
    let body = html! {
        div .card .narrow {
            (notice)
            form .form method="post" action={ (ROOT) "/sign-in" } {
                input type="hidden" name=(FORM_TOKEN) value=(seal);
                input type="hidden" name="back" value=(back);
                (access_key_field(access_key_id))
                (Field::new("access-key-secret", "Access key secret", "").required().secret())
                div .buttons { button .button .primary type="submit" { "Sign in" } }
            }
            details .help {
                summary { "Where do I get an access key?" }
                p { "The server makes one for the account's root at its first start: shown on the terminal, or written to " code { "root-access-key" } " in its data directory." }
                p { "For daily work make a RAM user and a key for it: " code { "ravelin ram CreateAccessKey --UserName ..." } "." }
            }
        }
    };
    Page::new("-", "Sign in", body)
        .lead(html! { "With an access key of this server. What its owner may do, you may do here." })
}

fn access_key_field(value: &str) -> Markup {
    html! {
        div .field {
            label for="access-key-id" { "Access key ID" }
            input type="text" id="access-key-id" name="access-key-id" value=(value) required autocomplete="username"
                spellcheck="false" autocapitalize="none";
        }
    }
}

async fn sign_in(visit: &Visit<'_>) -> Outcome {
    let back = own_address(visit.form.get("back"));
    let source = visit.request.peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let id = visit.form.get("access-key-id");
    let known = form_cookie(visit).unwrap_or_default();
    let refused = |status: u16, title: &str, text: &str| {
        let notice = view::notice(Tone::Bad, title, &html! { p { (text) } });
        Ok(Response::from(form(visit, known, id, back, &notice).status(status)))
    };
    if let Err(wait) = visit.api.inner.attempts.count(source) {
        tracing::warn!(%source, "too many attempts to sign in to the console");
        let seconds = wait.as_secs().saturating_add(1);
        let text = format!("Try again in {seconds} seconds.");
        let notice = view::notice(Tone::Bad, "Too many attempts.", &html! { p { (text) } });
        return Ok(form(visit, known, id, back, &notice).status(429).retry_after(seconds).into());
    }
    let secret = visit.form.get("access-key-secret");
    let unproven = || {
        refused(
            403,
            "That is not a key of this server.",
            "The id or the secret is wrong, or the key is switched off.",
        )
    };
    if id.len() > TEXT_BYTES_MAX || secret.len() > TEXT_BYTES_MAX {
        return unproven();
    }
    match visit.api.inner.gateway.sign_in(id, secret).await {
        Ok(()) => {}
        Err(SignInRefusal::Unproven) => {
            tracing::info!(%source, "an attempt to sign in to the console was refused");
            return unproven();
        }
        Err(SignInRefusal::Unavailable) => {
            return refused(
                503,
                "The server cannot answer now.",
                "It is recovering its storage. Try again in a moment.",
            );
        }
    }
    let Some(session) = visit.api.inner.sessions.begin(id) else {
        return refused(
            503,
            "The server cannot answer now.",
            "It has no randomness for a new session. Try again in a moment.",
        );
    };
    // It replaces the one that this browser had.
    if let Some(cookie) = visit.cookie {
        visit.api.inner.sessions.end(cookie);
    }
    tracing::info!(%source, access_key = id, "signed in to the console");
    let cookies =
        vec![cookie(visit, SESSION_COOKIE, &session, None), cookie(visit, FORM_COOKIE, "", Some(0))];
    Ok(Response::See { address: back.to_owned(), cookies })
}

async fn sign_out(visit: &Visit<'_>) -> Outcome {
    if let Some(cookie) = visit.cookie {
        visit.api.inner.sessions.end(cookie);
    }
    let cookies = vec![cookie(visit, SESSION_COOKIE, "", Some(0))];
    Ok(Response::See { address: format!("{ROOT}/sign-in"), cookies })
}

async fn choose_theme(visit: &Visit<'_>) -> Outcome {
    let theme = Theme::of(visit.form.get("theme"));
    let seconds = if theme == Theme::System { 0 } else { THEME_SECONDS };
    let cookies = vec![cookie(visit, THEME_COOKIE, theme.word(), Some(seconds))];
    Ok(Response::See { address: own_address(visit.form.get("back")).to_owned(), cookies })
}
