//! The authority of nodes: how there comes to be one, and another one in its place.

use std::sync::Arc;

use super::super::Plan;
use crate::{
    account::Actor,
    change::Changes,
    context::UnixMillis,
    node::{AuthorityFingerprint, NodeAuthority, PreviousAuthority},
    ram::Secret,
    refusal::Refusal,
    state::State,
};

/// A certificate and its key.
pub(super) struct Pair<'a> {
    pub(super) certificate: &'a [u8],
    pub(super) key: &'a Secret,
}

impl Pair<'_> {
    fn authority(&self, now: UnixMillis, previous: Option<PreviousAuthority>) -> NodeAuthority {
        NodeAuthority {
            certificate: self.certificate.into(),
            key: self.key.clone(),
            created_at: now,
            previous,
        }
    }
}

pub(super) fn establish(
    state: &State,
    actor: Actor,
    pair: &Pair<'_>,
    now: UnixMillis,
) -> Result<Plan, Refusal> {
    of_the_operator(actor)?;
    let mut changes = Changes::default();
    if state.node_authority().is_none() {
        changes.create(pair.authority(now, None));
    }
    Ok(Plan::done(changes))
}

/// Tokens that were not used yet stay as they are here. Their texts name the authority that was replaced, so that a host
/// with one could verify nothing; the session server, which reads the texts, refuses them.
pub(super) fn replace(
    state: &State,
    actor: Actor,
    present: AuthorityFingerprint,
    pair: &Pair<'_>,
    previous: Option<&PreviousAuthority>,
    now: UnixMillis,
) -> Result<Plan, Refusal> {
    of_the_operator(actor)?;
    let before = state.node_authority().ok_or(Refusal::NoNodeAuthority)?;
    if before.fingerprint() != present {
        return Err(Refusal::OtherNodeAuthority);
    }
    let mut changes = Changes::default();
    changes.update(Arc::clone(before), pair.authority(now, previous.cloned()));
    Ok(Plan::done(changes))
}

/// To everybody else there is no such thing.
fn of_the_operator(actor: Actor) -> Result<(), Refusal> {
    if actor == Actor::Operator { Ok(()) } else { Err(Refusal::NoNodeAuthority) }
}
