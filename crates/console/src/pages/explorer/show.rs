//! The page of one operation: its form, and what came of it.

use maud::{Markup, html};
use serde_json::Value;
use wire::{
    catalogue::{self, Fault, Kind, Operation, Product},
    gateway::{self, Principal, Sent, Unsigned},
    protocol::request::Format,
    snippet::{Call, Given, pairs},
};

use super::{
    SECTION, address, answer, effect,
    input::{Filled, Problem},
    request,
};
use crate::{
    ROOT,
    form::{self, Form},
    proposal::{self, Again},
    response::Page,
    router::Outcome,
    trouble::Trouble,
    view::{self, Tone, fields::Field},
    visit::Visit,
};

/// The longest that a call may wait for nodes, in seconds.
const WAIT_SECONDS_MAX: u8 = 60;

/// A call that somebody is about to make.
struct Attempt {
    operation: &'static Operation,
    given: Vec<Given>,
    format: Format,
    wait_seconds: Option<u8>,
}

/// What was filled in, beside the parameters.
struct Options<'f> {
    format: Format,
    wait: &'f str,
}

impl<'f> Options<'f> {
    fn read(form: &'f Form) -> Self {
        let format = if form.get("format") == "xml" { Format::Xml } else { Format::Json };
        Self { format, wait: form.get("wait") }
    }

    fn wait_seconds(&self) -> Result<Option<u8>, Problem> {
        if self.wait.is_empty() {
            return Ok(None);
        }
        let seconds = self.wait.parse().ok().filter(|seconds| *seconds <= WAIT_SECONDS_MAX);
        seconds
            .map(Some)
            .ok_or_else(|| ("wait", format!("it must be a whole number from 0 to {WAIT_SECONDS_MAX}")))
    }

    fn word(&self) -> &'static str {
        if self.format == Format::Xml { "xml" } else { "json" }
    }
}

fn operation_of(visit: &Visit<'_>) -> Result<&'static Operation, Trouble> {
    let product = Product::ALL.into_iter().find(|product| product.subcommand() == visit.part("product"));
    let operation = product.and_then(|product| catalogue::find(product, visit.part("operation")));
    operation.ok_or(Trouble::NotFound)
}

/// The form, with what the query string says in it.
pub(super) async fn form(visit: &Visit<'_>) -> Outcome {
    let operation = operation_of(visit)?;
    let filled = match visit.query.given("example") {
        Some(_) => Filled::example(operation),
        None => Filled::read(operation, &visit.query),
    };
    let hint = html! {
        (view::empty("Nothing is sent yet.", &html! {
            "\u{201c}Sign and show\u{201d} makes the request and sends nothing. \u{201c}Send\u{201d} sends it in your name"
            @if operation.handler.mutates() { ", after it has asked you once more" }
            "."
        }, None))
    };
    Ok(page(visit, operation, &filled, &Options::read(&visit.query), &hint).into())
}

/// The page of an operation: form and result side by side.
fn page(
    visit: &Visit<'_>,
    operation: &'static Operation,
    filled: &Filled,
    options: &Options<'_>,
    result: &Markup,
) -> Page {
    let own = address(operation);
    let body = html! {
        div .explorer {
            div .card {
                h2 { "Parameters" }
                (view::form(visit, &format!("{own}#result"), &html! {
                    (filled.fields())
                    (choices(operation, options))
                    div .buttons {
                        button .button type="submit" name="do" value="show" { "Sign and show" }
                        button .button .primary type="submit" name="do" value="send" { "Send" }
                    }
                }))
                @if !operation.parameters.is_empty() {
                    p { a href={ (own) "?example=1" } { "Fill in the example" } }
                }
            }
            div #result .stack { (result) }
        }
    };
    let lead = html! { (view::prose(operation.summary)) " " (effect(operation)) };
    let reference = format!("{ROOT}/reference/{}/{}", operation.product.subcommand(), operation.name);
    Page::new(SECTION, operation.name, body)
        .under("Try it now", format!("{ROOT}{SECTION}"))
        .lead(lead)
        .actions(view::button_link(&reference, "Reference"))
}

fn choices(operation: &Operation, options: &Options<'_>) -> Markup {
    html! {
        div .fields {
            (Field::new("format", "Answer as", options.word()).required().choice([("json", "JSON"), ("xml", "XML")]))
            @if operation.handler.mutates() {
                (Field::new("wait", "Wait for nodes", options.wait)
                    .hint("Seconds, up to 60: the answer comes when the nodes concerned have confirmed the change.")
                    .number(0, i64::from(WAIT_SECONDS_MAX)))
            }
        }
    }
}

/// Signs what was filled in, and sends it where that is wanted.
pub(super) async fn send(visit: &Visit<'_>) -> Outcome {
    let operation = operation_of(visit)?;
    let filled = Filled::read(operation, &visit.form);
    let options = Options::read(&visit.form);
    let (given, wait_seconds) = match (filled.given(), options.wait_seconds()) {
        (Ok(given), Ok(wait_seconds)) => (given, wait_seconds),
        (given, wait) => {
            let problems: Vec<Problem> = given.err().into_iter().flatten().chain(wait.err()).collect();
            return Ok(page(visit, operation, &filled, &options, &wrong(&problems)).status(400).into());
        }
    };
    let attempt = Attempt { operation, given, format: options.format, wait_seconds };
    let sends = visit.form.get("do") == "send";
    if sends && operation.handler.mutates() {
        let question = Question { filled: &filled, options: &options, attempt: &attempt };
        if let Some(page) = question.open(visit).await {
            return Ok(page.into());
        }
    }
    let (result, is_changed) = attempt.carry_out(visit, sends).await?;
    let page = page(visit, operation, &filled, &options, &result);
    Ok(if is_changed { page.once() } else { page }.into())
}

fn wrong(problems: &[Problem]) -> Markup {
    view::notice(
        Tone::Bad,
        "This cannot be sent.",
        &html! { ul { @for (name, problem) in problems { li { code { (name) } ": " (problem) } } } },
    )
}

impl Attempt {
    /// What came of it, and whether something was changed.
    async fn carry_out(&self, visit: &Visit<'_>, sends: bool) -> Result<(Markup, bool), Trouble> {
        let owned = pairs(&self.given);
        let parameters: Vec<(&str, &str)> =
            owned.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let unsigned = Unsigned {
            operation: self.operation,
            parameters: &parameters,
            format: self.format,
            host: gateway::host(visit.request.headers),
            wait_seconds: self.wait_seconds,
        };
        let call = Call { operation: self.operation, given: &self.given, wait_seconds: self.wait_seconds };
        let (api, secure) = (&visit.api, visit.request.secure);
        // What is signed over a password, a page does not show: whoever has the page could try passwords at its digest.
        let masked: Vec<(&str, &str)> = parameters.iter().map(|pair| self.masked(*pair)).collect();
        let shown = Unsigned { parameters: &masked, ..unsigned };
        let copies = request::copies(&call, &unsigned, visit.is_secure(), &api.access_key_id);
        let failed = |fault| Trouble::fault(self.operation.name, fault);
        if !sends {
            let signed = api.inner.gateway.sign(&api.access_key_id, &shown).await.map_err(failed)?;
            return Ok((html! { (request::explained(&call, &shown, &signed)) (copies) }, false));
        }
        let principal =
            Principal { access_key_id: &api.access_key_id, source: api.source, secure, within: api.within };
        let has_generation =
            |sent: &Sent| sent.answer.headers.iter().any(|(name, _)| *name == "x-ravelin-generation");
        let send = api.inner.gateway.send(&principal, &unsigned);
        let sent = if self.operation.handler.mutates() {
            let is_refused = |sent: &Result<Sent, Fault>| match sent {
                Ok(sent) => sent.answer.status != 200 && !sent.in_doubt && !has_generation(sent),
                // It was not so much as signed.
                Err(_) => true,
            };
            api.begun.during(send, is_refused).await
        } else {
            send.await
        };
        let sent = sent.map_err(failed)?;
        let explained = if call.has_password() {
            api.inner.gateway.sign(&api.access_key_id, &shown).await.ok()
        } else {
            Some(sent.request.clone())
        };
        // A change that not every node confirmed in time is made, though the status is an error's.
        let is_changed =
            self.operation.handler.mutates() && (sent.answer.status == 200 || has_generation(&sent));
        let result = html! {
            (answer::shown(self.operation, self.format, &sent))
            (copies)
            @if let Some(explained) = &explained { (request::explained(&call, &shown, explained)) }
        };
        Ok((result, is_changed))
    }

    /// A parameter, with a placeholder where it is a password.
    fn masked<'p>(&self, (name, value): (&'p str, &'p str)) -> (&'p str, &'p str) {
        let is_password =
            |given: &Given| given.parameter.kind == Kind::Password && given.parameter.name == name;
        (name, if self.given.iter().any(is_password) { request::HIDDEN } else { value })
    }
}

/// A call that is asked about once more before something is changed.
struct Question<'q> {
    filled: &'q Filled,
    options: &'q Options<'q>,
    attempt: &'q Attempt,
}

impl Question<'_> {
    /// The page that asks; none where it was answered, and the call would do still what was shown then.
    async fn open(&self, visit: &Visit<'_>) -> Option<Page> {
        let name = self.attempt.operation.name;
        let owned = pairs(&self.attempt.given);
        let parameters: Vec<(&str, &str)> =
            owned.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        if visit.form.get("sure") != "yes" {
            let preview = proposal::preview(visit, name, &parameters).await;
            return Some(self.page(visit, &preview, &html! {}));
        }
        match proposal::look_again(visit, name, &parameters).await {
            Again::AsShown => None,
            Again::Changed => {
                let preview = proposal::preview(visit, name, &parameters).await;
                Some(self.page(visit, &preview, &proposal::changed_since()).status(409))
            }
            Again::NotKnown(fault) => {
                let status = fault.status;
                Some(self.page(visit, &Err(fault), &html! {}).status(status))
            }
        }
    }

    /// What is about to be called, what would come of it where an operation can tell, and the form that calls it.
    fn page(&self, visit: &Visit<'_>, preview: &Result<Value, Fault>, first: &Markup) -> Page {
        let Attempt { operation, given, .. } = self.attempt;
        let own = address(operation);
        let body = html! {
            (first)
            p .measure {
                code { (operation.name) } " is about to be called in your name. " (view::prose(operation.summary))
            }
            (proposal::shown(operation.name, preview))
            div .card .measure {
                h2 { "Make this call?" }
                (view::facts(&given.iter().map(fact).collect::<Vec<_>>()))
                form .form method="post" action={ (own) "#result" } {
                    (view::form_marks(visit))
                    input type="hidden" name="do" value="send";
                    input type="hidden" name="sure" value="yes";
                    (proposal::seen_field(preview))
                    input type="hidden" name="format" value=(self.options.word());
                    input type="hidden" name="wait" value=(self.options.wait);
                    (self.filled.hidden())
                    (self.filled.passwords())
                    div .buttons {
                        button .button .primary type="submit" { "Call " (operation.name) }
                        a .button href=(self.form_address()) { "Cancel" }
                    }
                }
            }
        };
        Page::new(SECTION, format!("Call {}?", operation.name), body)
            .under("Try it now", format!("{ROOT}{SECTION}"))
            .under(operation.name, own)
    }

    /// The form with what was filled in, without secrets.
    fn form_address(&self) -> String {
        let options = [("format", self.options.word()), ("wait", self.options.wait)];
        let query = form::query(self.filled.address_pairs().chain(options));
        format!("{}?{query}", address(self.attempt.operation))
    }
}

fn fact(given: &Given) -> (&str, Markup) {
    let is_password = given.parameter.kind == Kind::Password;
    let shown = given.value.as_str().map_or_else(|| given.value.to_string(), Into::into);
    (
        given.parameter.name,
        html! { @if is_password { "given" } @else if shown.is_empty() { "empty" } @else { (shown) } },
    )
}
