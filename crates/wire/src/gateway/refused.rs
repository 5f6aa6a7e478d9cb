//! Calls that were refused, as events of their caller's account.

use std::net::IpAddr;

use control::activity::RefusedCall;
use model::Actor;

use super::{Gateway, Seen};
use crate::{
    catalogue::{Call, Fault, Kind, Operation, error_code as code},
    protocol::parameters::Parameters,
};

/// The most ids that are kept of one call.
const ABOUT_MAX: usize = 8;
/// The longest id, in bytes.
const ID_BYTES_MAX: usize = 128;

/// The ids that a call names.
pub(super) fn about(operation: &Operation, parameters: &Parameters) -> Box<[Box<str>]> {
    let ids = operation.parameters.iter().filter(|parameter| parameter.kind == Kind::Id);
    let texts = ids.filter_map(|parameter| parameters.text(parameter.name).ok().flatten());
    let short = texts.filter(|text| !text.is_empty() && text.len() <= ID_BYTES_MAX);
    short.take(ABOUT_MAX).map(Into::into).collect()
}

impl Gateway {
    /// Keeps a request that was refused: one that asked for a change, or whose caller may not call the operation. One that
    /// came too soon is not kept: a caller has thousands of those in a second, and they would push out all others.
    pub(super) fn note_refused(&self, request_id: &str, seen: &Seen, fault: &Fault, source: Option<IpAddr>) {
        let (Some(operation), Some(actor)) = (seen.operation, seen.actor) else { return };
        let denied =
            [&code::NO_PERMISSION, &code::RAM_NO_PERMISSION].iter().any(|own| own.matches(&fault.code));
        // Where something was made, the answer was late, and not a refusal; where something may have been, nobody can tell.
        let may_be_made = !seen.generations.is_empty() || seen.in_doubt;
        let throttled = code::THROTTLING_USER.matches(&fault.code);
        if !may_be_made && !throttled && (operation.handler.mutates() || denied) {
            self.note((request_id, operation, actor, source), fault, seen.about.clone());
        }
    }

    /// Keeps one of many commands of a call that was refused.
    pub(super) fn note_refused_item(&self, request_id: &str, call: &Call<'_>, id: &str, fault: &Fault) {
        let about = Box::new([id.into()]);
        self.note((request_id, call.operation, call.actor, call.source), fault, about);
    }

    fn note(
        &self,
        (request_id, operation, actor, source): (&str, &Operation, Actor, Option<IpAddr>),
        fault: &Fault,
        about: Box<[Box<str>]>,
    ) {
        self.control.note_refusal(RefusedCall {
            at: self.clock.now(),
            actor,
            operation: operation.name.into(),
            request_id: request_id.into(),
            source,
            code: fault.code.as_ref().into(),
            message: fault.message.as_str().into(),
            about,
        });
    }
}
