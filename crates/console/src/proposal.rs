//! A change that somebody is about to make: first what it would open and close, then whether to make it, then what came of
//! it.
//!
//! The preview is an operation that changes nothing; it is asked with the very parameters of the change.

use maud::{Markup, html};
use serde_json::Value;
use wire::catalogue::Fault;

use crate::{
    api,
    pages::changes,
    response::{Page, Response},
    router::Outcome,
    trouble::Trouble,
    view::{self, Tone, fields},
    visit::Visit,
};

/// A change, not made yet.
pub(crate) struct Proposal {
    /// The operation that makes it.
    pub(crate) operation: &'static str,
    /// Its parameters.
    pub(crate) parameters: Vec<(&'static str, String)>,
    /// What it does, as a title: `Leave web`.
    pub(crate) title: String,
    /// What it does, in a sentence.
    pub(crate) sentence: Markup,
    /// The word on the button.
    pub(crate) verb: &'static str,
    /// Where its form is sent.
    pub(crate) action: String,
    /// The fields of that form.
    pub(crate) fields: Vec<(&'static str, String)>,
    /// Where it was asked for.
    pub(crate) back: String,
}

impl Proposal {
    fn pairs(&self) -> Vec<(&str, &str)> {
        self.parameters.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// The page that shows what would come of it, and asks.
    pub(crate) async fn ask(&self, visit: &Visit<'_>, page: impl FnOnce(String, Markup) -> Page) -> Outcome {
        let preview = format!("Preview{}", self.operation);
        let preview = match api::operation(&preview) {
            Some(_) => visit.api.try_call(&preview, &self.pairs()).await.map(|changed| changed.answer),
            None => Ok(Value::Null),
        };
        let body = html! {
            p .measure { (self.sentence) " Nothing is changed yet." }
            @match &preview {
                Ok(Value::Null) => {}
                Ok(answer) => (crate::view::difference::shown(answer)),
                Err(fault) => (without_preview(fault)),
            }
            @if preview.as_ref().is_err_and(is_of_the_change) {
                // What would be refused is not offered.
                p { (view::button_link(&self.back, "Back")) }
            } @else {
                div .card .measure {
                    h2 { "Make this change?" }
                    (view::form(visit, &self.action, &html! {
                        @for (name, value) in &self.fields { input type="hidden" name=(name) value=(value); }
                        (fields::buttons(self.verb, &self.back))
                    }))
                }
            }
        };
        Ok(page(self.title.clone(), body).into())
    }

    /// Makes the change, and goes to its page.
    pub(crate) async fn carry_out(&self, visit: &Visit<'_>) -> Outcome {
        let made = visit.api.try_call(self.operation, &self.pairs()).await;
        let changed = made.map_err(|fault| Trouble::fault(self.operation, fault))?;
        Ok(after(changed.generation, self.operation, &self.back))
    }
}

/// Where a change leads: to its page, or back where nothing had to be changed.
pub(crate) fn after(generation: Option<u64>, operation: &str, back: &str) -> Response {
    match generation {
        Some(generation) => Response::see(changes::address(generation, operation, back)),
        None => Response::see(back),
    }
}

/// Whether the change itself would be refused: a server that is busy, or may not show what it would do, says nothing of that.
fn is_of_the_change(fault: &Fault) -> bool {
    fault.status < 500 && !fault.code.starts_with("Throttling") && !is_forbidden(fault)
}

/// Whether it is the preview alone that somebody may not see.
fn is_forbidden(fault: &Fault) -> bool {
    fault.code.starts_with("NoPermission")
}

fn without_preview(fault: &Fault) -> Markup {
    if is_forbidden(fault) {
        return view::notice(
            Tone::Warning,
            "You may not see what this would do.",
            &html! { p { "No policy lets you call the operation that shows it. Whether you may make the change is decided when you make it." } },
        );
    }
    view::refusal(fault)
}
