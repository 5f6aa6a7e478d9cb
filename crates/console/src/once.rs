//! Forms that were sent already: a form that is sent twice, by a second press, a reload or the way back, does what it does
//! once. Remembered for each session, no more than the newest, and never what a secret was.

use std::{collections::VecDeque, sync::Arc};

use maud::html;
use parking_lot::Mutex;

use crate::{
    ROOT,
    response::{Page, Response},
    router::Outcome,
    token,
    view::{self, Tone},
    visit::Visit,
};

/// The name of the field that no two forms have the same of.
pub(crate) const FORM_ID: &str = "form-id";
/// The most forms of one session that are remembered. Of older ones a repeat is carried out again.
const REMEMBERED_MAX: usize = 64;

/// What came of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sent {
    /// It led to another page.
    Led(String),
    /// It showed something that is shown once: a page of this title, in this section.
    Shown { title: String, section: &'static str },
    /// Nobody waited for what came of it, or the server failed.
    Unknown,
}

/// A form at work, or done; whoever sends it again waits until it is known. Nothing: it was refused, and may be sent again.
type Slot = Arc<tokio::sync::Mutex<Option<Sent>>>;

/// The forms of a session, the oldest first, each by the digest of everything that it says.
#[derive(Debug, Default)]
pub(crate) struct SentForms {
    all: Mutex<VecDeque<([u8; 32], Slot)>>,
}

impl SentForms {
    fn slot(&self, form: [u8; 32]) -> Slot {
        let mut all = self.all.lock();
        if let Some((_, slot)) = all.iter().find(|(own, _)| *own == form) {
            return Arc::clone(slot);
        }
        if all.len() >= REMEMBERED_MAX {
            all.pop_front();
        }
        let slot = Slot::default();
        all.push_back((form, Arc::clone(&slot)));
        slot
    }
}

/// Does what a form asks for; where the same was done before, leads to what came of it.
pub(crate) async fn carry_out<'v>(visit: &'v Visit<'v>, work: impl Future<Output = Outcome> + 'v) -> Outcome {
    let (Some(session), Some(_)) = (&visit.session, visit.form.given(FORM_ID)) else { return work.await };
    let slot = session.sent.slot(digest(visit));
    let mut sent = slot.lock().await;
    if let Some(sent) = &*sent {
        return Ok(again(sent));
    }
    // Who goes away in between leaves it at that.
    *sent = Some(Sent::Unknown);
    let outcome = work.await;
    *sent = match &outcome {
        // Cookies are not kept: what sets them may be done again.
        Ok(Response::See { address, cookies }) if cookies.is_empty() => Some(Sent::Led(address.clone())),
        Ok(Response::Page(page)) if page.once => {
            Some(Sent::Shown { title: page.title.clone(), section: page.section })
        }
        // A server that fails, or is too slow, may have made the change all the same.
        Ok(Response::Page(page)) if page.status >= 500 => Some(Sent::Unknown),
        Err(trouble) if trouble.status() >= 500 => Some(Sent::Unknown),
        _ => None,
    };
    outcome
}

/// The digest of all that a form says, and to which address it says it.
fn digest(visit: &Visit<'_>) -> [u8; 32] {
    let body =
        visit.form.pairs().map(|(name, value)| format!("{}:{name}{}:{value}", name.len(), value.len()));
    token::digest(&format!("{}\n{}", visit.request.path, body.collect::<String>()))
}

fn again(sent: &Sent) -> Response {
    match sent {
        Sent::Led(address) => Response::see(address.clone()),
        Sent::Shown { title, section } => said(
            section,
            html! {
                p { "It was done when this form was sent first, and \u{201c}" (title) "\u{201d} was shown then. What is secret "
                    "is shown that once: who did not keep it deletes what was made, and makes a new one." }
            },
        ),
        Sent::Unknown => said(
            "",
            html! {
                p { "Nobody knows what came of it, and it is not done a second time. Look whether it is there, or is on "
                    "its way; if it is not, open the form anew." }
            },
        ),
    }
}

fn said(section: &'static str, text: maud::Markup) -> Response {
    let body = html! {
        (view::notice(Tone::Warning, "This form was sent before.", &text))
        p { (view::main_link(&format!("{ROOT}{section}"), "Look")) }
    };
    Page::new(section, "Done once", body).status(409).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_form_is_forgotten_first() {
        let sent = SentForms::default();
        let first = sent.slot([0; 32]);
        assert!(Arc::ptr_eq(&first, &sent.slot([0; 32])), "it is the same form");
        for form in 1..=64 {
            sent.slot([form; 32]);
        }
        assert!(!Arc::ptr_eq(&first, &sent.slot([0; 32])));
        assert_eq!(sent.all.lock().len(), REMEMBERED_MAX);
    }
}
