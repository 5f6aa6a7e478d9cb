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
    token,
    trouble::Trouble,
    view::{self, Tone, difference, fields},
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
    /// The form in which it was filled in, with what was filled in; none where it is not from a form.
    pub(crate) form: Option<String>,
}

impl Proposal {
    fn pairs(&self) -> Vec<(&str, &str)> {
        self.parameters.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// The page that shows what would come of it, and asks.
    pub(crate) async fn ask(&self, visit: &Visit<'_>, page: impl FnOnce(String, Markup) -> Page) -> Outcome {
        let preview = preview(visit, self.operation, &self.pairs()).await;
        Ok(self.asked(visit, &preview, &html! {}, page).into())
    }

    fn asked(
        &self,
        visit: &Visit<'_>,
        preview: &Result<Value, Fault>,
        first: &Markup,
        page: impl FnOnce(String, Markup) -> Page,
    ) -> Page {
        let body = html! {
            (first)
            p .measure { (self.sentence) " Nothing is changed yet." }
            (shown(self.operation, preview))
            @if preview.as_ref().is_err_and(is_of_the_change) {
                // What would be refused is not offered.
                div .buttons {
                    @if let Some(form) = &self.form { (view::main_link(form, "Fill it in otherwise")) }
                    (view::button_link(&self.back, "Back"))
                }
            } @else {
                div .card .measure {
                    h2 { "Make this change?" }
                    (view::form(visit, &self.action, &html! {
                        @for (name, value) in &self.fields { input type="hidden" name=(name) value=(value); }
                        (seen_field(preview))
                        (fields::buttons(self.verb, &self.back))
                    }))
                }
            }
        };
        page(self.title.clone(), body)
    }

    /// Makes the change, and goes to its page. Where it would do something else by now than what its form was shown with,
    /// nothing is changed: it is shown, and asked, anew.
    pub(crate) async fn carry_out(
        &self,
        visit: &Visit<'_>,
        page: impl FnOnce(String, Markup) -> Page,
    ) -> Outcome {
        match look_again(visit, self.operation, &self.pairs()).await {
            Again::AsShown => {}
            Again::Changed => {
                let preview = preview(visit, self.operation, &self.pairs()).await;
                return Ok(self.asked(visit, &preview, &changed_since(), page).status(409).into());
            }
            Again::NotKnown(fault) => {
                let status = fault.status;
                return Ok(self.asked(visit, &Err(fault), &html! {}, page).status(status).into());
            }
        }
        let made = visit.api.try_call(self.operation, &self.pairs()).await;
        let changed = made.map_err(|fault| Trouble::fault(self.operation, fault))?;
        Ok(after(changed.generation, self.operation, &self.back))
    }
}

/// What would come of a change, as the operation says that previews it; nothing where none does.
pub(crate) async fn preview(
    visit: &Visit<'_>,
    operation: &str,
    parameters: &[(&str, &str)],
) -> Result<Value, Fault> {
    if !has_preview(operation) {
        return Ok(Value::Null);
    }
    visit.api.try_call(&preview_of(operation), parameters).await.map(|changed| changed.answer)
}

fn preview_of(operation: &str) -> String {
    format!("Preview{operation}")
}

fn has_preview(operation: &str) -> bool {
    api::operation(&preview_of(operation)).is_some()
}

/// How a change stands that was shown before, when it is about to be made.
pub(crate) enum Again {
    /// It would do what was shown; or nothing was shown; or it is refused, which it says itself.
    AsShown,
    /// It would do something else.
    Changed,
    /// Whether it would cannot be told.
    NotKnown(Fault),
}

/// Looks once more at what a change would do, and compares that with what its form was shown with.
pub(crate) async fn look_again(visit: &Visit<'_>, operation: &str, parameters: &[(&str, &str)]) -> Again {
    if !has_preview(operation) {
        return Again::AsShown;
    }
    // Flows come and go: they are no reason to ask again, and no node is waited for.
    let parameters = [parameters, &[("FlowWaitSeconds", "0")]].concat();
    let now = preview(visit, operation, &parameters).await;
    let shown = visit.form.get(SEEN);
    match now {
        Ok(_) if seen(&now) != shown => Again::Changed,
        Err(fault) if shown != NOTHING_SEEN && !is_of_the_change(&fault) => Again::NotKnown(fault),
        _ => Again::AsShown,
    }
}

/// The name of the field that says what was shown with a form.
const SEEN: &str = "seen";
/// What it says where nothing could be shown.
const NOTHING_SEEN: &str = "nothing";

/// The field of a form that says what was shown with it.
pub(crate) fn seen_field(preview: &Result<Value, Fault>) -> Markup {
    html! { input type="hidden" name=(SEEN) value=(seen(preview)); }
}

/// A digest of what a preview shows.
fn seen(preview: &Result<Value, Fault>) -> String {
    match preview {
        Ok(answer) => hex::encode(token::digest(&difference::settled(answer).to_string())),
        Err(_) => NOTHING_SEEN.to_owned(),
    }
}

/// What is said where a change would do something else by now than was shown.
pub(crate) fn changed_since() -> Markup {
    view::notice(
        Tone::Warning,
        "This has changed since you looked at it.",
        &html! { p { "What it would do is not what you were shown. Nothing was changed: look at it again." } },
    )
}

/// Where a change leads: to its page, or back where nothing had to be changed.
pub(crate) fn after(generation: Option<u64>, operation: &str, back: &str) -> Response {
    match generation {
        Some(generation) => Response::see(changes::address(generation, operation, back)),
        None => Response::see(back),
    }
}

/// A way to the page of a change, where something else is shown first.
pub(crate) fn way_to(generation: Option<u64>, operation: &str, back: &str) -> Markup {
    html! {
        @if let Some(generation) = generation {
            (view::button_link(&changes::address(generation, operation, back), &format!("Change {generation}")))
        }
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

/// What a preview says, or why there is none.
pub(crate) fn shown(operation: &str, preview: &Result<Value, Fault>) -> Markup {
    match preview {
        Ok(Value::Null) => html! {},
        Ok(answer) => difference::shown(answer),
        Err(fault) => without_preview(operation, fault),
    }
}

fn without_preview(operation: &str, fault: &Fault) -> Markup {
    if is_forbidden(fault) {
        return view::notice(
            Tone::Warning,
            "You may not see what this would do.",
            &html! { p { "No policy lets you call the operation that shows it. Whether you may make the change is decided when you make it." } },
        );
    }
    view::refusal_of(operation, fault)
}
