//! Forms that were sent already: a form that is sent twice, by a second press, a reload or the way back, does what it does
//! once. Remembered for each session, no more than the newest, and never what a secret was.
//!
//! Of a form whose change has begun, and of which nothing is known but that, is remembered just that: it is not done a second
//! time. Where no change had begun, such as where its preview failed, nothing was done, and it may be sent again.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use maud::{Markup, html};
use parking_lot::Mutex;

use crate::{
    ROOT, layout, pages,
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

/// Whether a request has begun a change of which it is not known that it was refused.
#[derive(Debug, Clone, Default)]
pub(crate) struct Begun(Arc<AtomicBool>);

impl Begun {
    /// Makes a call that changes something. `is_refused` says of what came of it that nothing was changed. Where nobody waits
    /// for that any more it stays begun.
    pub(crate) async fn during<T>(
        &self,
        call: impl Future<Output = T>,
        is_refused: impl FnOnce(&T) -> bool,
    ) -> T {
        let before = self.0.swap(true, Ordering::Relaxed);
        let came = call.await;
        if !before && is_refused(&came) {
            self.0.store(false, Ordering::Relaxed);
        }
        came
    }

    /// Whether there is such a change.
    pub(crate) fn has(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What came of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sent {
    /// It led to another page.
    Led(String),
    /// It showed something that is shown once: a page of this title, in this section.
    Shown { title: String, section: &'static str },
    /// Its change was begun, and nobody waited for what came of it, or the server failed.
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

/// A form at work. However that ends: where its change has begun, and nothing better is known, that is remembered.
struct AtWork<'s> {
    sent: tokio::sync::MutexGuard<'s, Option<Sent>>,
    begun: Begun,
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        if self.sent.is_none() && self.begun.has() {
            *self.sent = Some(Sent::Unknown);
        }
    }
}

/// Does what a form asks for; where the same was done before, leads to what came of it.
pub(crate) async fn carry_out<'v>(visit: &'v Visit<'v>, work: impl Future<Output = Outcome> + 'v) -> Outcome {
    let (Some(session), Some(_)) = (&visit.session, visit.form.given(FORM_ID)) else {
        return told(visit, work.await);
    };
    let slot = session.sent.slot(digest(visit));
    let mut at_work = AtWork { sent: slot.lock().await, begun: visit.api.begun.clone() };
    if let Some(sent) = &*at_work.sent {
        return Ok(again(visit, sent));
    }
    let outcome = work.await;
    *at_work.sent = known(&outcome);
    told(visit, outcome)
}

/// What is known of what came of a form; none where it was refused, or where nothing is known.
fn known(outcome: &Outcome) -> Option<Sent> {
    match outcome {
        // Cookies are not kept: what sets them may be done again.
        Ok(Response::See { address, cookies }) if cookies.is_empty() => Some(Sent::Led(address.clone())),
        Ok(Response::Page(page)) if page.once => {
            Some(Sent::Shown { title: page.title.clone(), section: page.section })
        }
        _ => None,
    }
}

/// The outcome, in which it is said where it is not known what came of a change.
fn told(visit: &Visit<'_>, outcome: Outcome) -> Outcome {
    if !visit.api.begun.has() || known(&outcome).is_some() {
        return outcome;
    }
    let page = match outcome {
        Ok(Response::Page(page)) => page,
        Err(trouble) => Page { title: NOT_KNOWN.into(), ..pages::trouble::page(&trouble) },
        Ok(other) => return Ok(other),
    };
    let first = view::notice(
        Tone::Warning,
        "It is not known what came of this.",
        &html! {
            p { "The change was begun, and the server did not say how it ended: it may be made or not. Look before you send it "
                "once more." }
            (ways_to_look(visit))
        },
    );
    Ok(Page { body: html! { (first) (page.body) }, ..page }.into())
}

/// The title of what is said where nobody knows what came of a change.
const NOT_KNOWN: &str = "Not known what came of it";

/// The digest of all that a form says, and to which address it says it.
fn digest(visit: &Visit<'_>) -> [u8; 32] {
    let body =
        visit.form.pairs().map(|(name, value)| format!("{}:{name}{}:{value}", name.len(), value.len()));
    token::digest(&format!("{}\n{}", visit.request.path, body.collect::<String>()))
}

/// The section of the navigation that the address of the form is in.
fn section(visit: &Visit<'_>) -> &'static str {
    layout::section_of(visit.request.path.strip_prefix(ROOT).unwrap_or_default())
}

/// Where one sees whether a change was made.
fn ways_to_look(visit: &Visit<'_>) -> Markup {
    html! {
        div .buttons {
            (view::button_link(&format!("{ROOT}{}", section(visit)), "Look whether it is there"))
            (view::button_link(&format!("{ROOT}/activity"), "Activity"))
        }
    }
}

fn again(visit: &Visit<'_>, sent: &Sent) -> Response {
    match sent {
        Sent::Led(address) => Response::see(address.clone()),
        Sent::Shown { title, section } => said(
            section,
            "Done once",
            html! {
                p { "It was done when this form was sent first, and \u{201c}" (title) "\u{201d} was shown then. What is secret "
                    "is shown that once: who did not keep it deletes what was made, and makes a new one." }
            },
            &html! { p { (view::main_link(&format!("{ROOT}{section}"), "Look")) } },
        ),
        Sent::Unknown => said(
            section(visit),
            NOT_KNOWN,
            html! {
                p { "The change was begun then, and nobody knows how it ended. It is not done a second time: look whether it is "
                    "there, or on its way, and open the form anew if it is not." }
            },
            &ways_to_look(visit),
        ),
    }
}

fn said(section: &'static str, title: &str, text: Markup, ways: &Markup) -> Response {
    let body = html! {
        (view::notice(Tone::Warning, "This form was sent before.", &text))
        (ways)
    };
    Page::new(section, title, body).status(409).into()
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

    /// What is remembered of a form nobody waits for any more, while this is under way.
    async fn left(work: impl AsyncFn(&Begun)) -> Option<Sent> {
        let slot = Slot::default();
        let begun = Begun::default();
        let at_work = async {
            let _at_work = AtWork { sent: slot.lock().await, begun: begun.clone() };
            work(&begun).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            () = at_work => {}
            () = std::future::ready(()) => {}
        }
        slot.try_lock().expect("nobody is at work").clone()
    }

    #[tokio::test]
    async fn who_goes_away_leaves_in_doubt_what_has_begun_and_nothing_else() {
        assert_eq!(left(async |_| {}).await, None);
        let refused = left(async |begun| begun.during(std::future::ready(()), |()| true).await);
        assert_eq!(refused.await, None);
        let under_way = left(async |begun| begun.during(std::future::pending(), |()| true).await);
        assert_eq!(under_way.await, Some(Sent::Unknown));
        let twice = left(async |begun| {
            begun.during(std::future::ready(()), |()| false).await;
            begun.during(std::future::ready(()), |()| true).await;
        });
        assert_eq!(twice.await, Some(Sent::Unknown), "the first may have changed something");
    }
}
