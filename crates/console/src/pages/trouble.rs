//! What is shown where there is no page, or not for this caller.

use maud::html;

use crate::{
    ROOT,
    response::Page,
    trouble::Trouble,
    view::{self, Tone},
};

/// The page about some trouble.
pub(crate) fn page(trouble: &Trouble) -> Page {
    let (title, body) = match trouble {
        Trouble::Fault { operation, fault } => (
            if fault.code.starts_with("NoPermission") { "Not permitted" } else { "That did not work" },
            html! {
                (view::refusal_of(operation, fault))
                p { "This was answered to " (view::operation_link(operation)) "." }
                p { a href=(ROOT) { "To the overview" } }
            },
        ),
        Trouble::NotFound => (
            "Not found",
            view::empty(
                "There is nothing at this address.",
                &html! { "What it showed may be deleted, or the address is not complete." },
                Some(&view::main_link(ROOT, "To the overview")),
            ),
        ),
        Trouble::ForeignForm => (
            "Not sent",
            view::notice(
                Tone::Bad,
                "This form does not belong to your session.",
                &html! { p { "It is from before you signed in, or from elsewhere. Nothing was changed. Open the page again and send its form once more." } },
            ),
        ),
        Trouble::NoCookies => (
            "Not sent",
            view::notice(
                Tone::Bad,
                "Cookies are needed.",
                &html! { p { "Your browser keeps no cookies for this address. They are what keeps you signed in; allow them and " a href={ (ROOT) "/sign-in" } { "sign in again" } "." } },
            ),
        ),
        Trouble::MalformedForm => (
            "Not sent",
            view::notice(
                Tone::Bad,
                "This form cannot be read.",
                &html! { p { "Nothing was changed. Open the page again and send its form once more." } },
            ),
        ),
        Trouble::SignedOut => ("Signed out", html! { p { a href={ (ROOT) "/sign-in" } { "Sign in" } } }),
    };
    Page::new("-", title, body).status(trouble.status())
}

/// The page about a method that an address does not take.
pub(crate) fn wrong_method() -> Page {
    let text = html! { "This address is for " em { "sending" } " a form, or for reading alone. Nothing was changed." };
    let body =
        view::empty("It cannot be used this way.", &text, Some(&view::main_link(ROOT, "To the overview")));
    Page::new("-", "Method not allowed", body).status(405)
}
