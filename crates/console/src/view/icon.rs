//! Small pictures, drawn here. All of them only repeat what words say, and are hidden from who listens.

use maud::{Markup, html};

/// The mark of Ravelin: an outwork before a wall.
pub(crate) fn mark() -> Markup {
    html! {
        svg .mark viewBox="0 0 32 32" width="24" height="24" aria-hidden="true" focusable="false" {
            path d="M3 21 16 4 29 21" fill="none" stroke="currentColor" stroke-width="3" stroke-linejoin="round" stroke-linecap="round" {}
            path d="M9.5 22.5 16 14l6.5 8.5" fill="none" stroke="currentColor" stroke-width="3" stroke-linejoin="round" stroke-linecap="round" {}
            path d="M3 29h26" stroke="currentColor" stroke-width="3" stroke-linecap="round" {}
        }
    }
}

/// Whoever is signed in.
pub(crate) fn person() -> Markup {
    html! {
        svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true" focusable="false" {
            circle cx="10" cy="6.5" r="3.5" fill="none" stroke="currentColor" stroke-width="1.7" {}
            path d="M3 17.5c.8-3.6 3.6-5.5 7-5.5s6.200 1.900 7 5.500" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" {}
        }
    }
}

/// The navigation.
pub(crate) fn list() -> Markup {
    html! {
        svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true" focusable="false" {
            path d="M3 5h14M3 10h14M3 15h14" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" {}
        }
    }
}
