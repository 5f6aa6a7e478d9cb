//! The passing of time: passing states end, subscriptions run out, instances are released when they were to be.
//!
//! Every step counts from the moment at which it was due, not from the moment at which the clock came by: a late
//! clock does not make a journey longer.

#[cfg(test)]
mod tests;

use super::{Plan, draft::Draft, instance};
use crate::{
    command::Outcome,
    context::{Context, Timing, UnixMillis},
    id::{InstanceId, NetworkInterfaceId},
    instance::{Charge, Instance, InstanceStatus, Next, Passage, duration_ms},
    interface::InterfaceStatus,
    state::{Due, State},
};

/// Everything that is due by now, the earliest first, as far as at most `most` entities change. An instance and its
/// interfaces change together: they may be more than `most` when they are the first, so that the clock never stands
/// still.
pub(super) fn advance(state: &State, most: usize, context: &Context<'_>) -> Plan {
    let mut draft = Draft::new(state);
    for due in state.due_by(context.now).take(most) {
        let together = match due {
            Due::Instance(id) => 1 + draft.instance(id).map_or(0, |instance| instance.interfaces().count()),
            // A detached interface also leaves the list of its instance.
            Due::Interface(_) => 2,
        };
        if draft.len() > 0 && draft.len() + together > most {
            break;
        }
        match due {
            Due::Instance(id) => step_instance(&mut draft, id, context.now, context.timing),
            Due::Interface(id) => step_interface(&mut draft, id, context.now),
        }
    }
    let changes = draft.finish();
    let outcome = Outcome::Advanced(changes.0.len());
    Plan { changes, outcome }
}

/// Takes an instance as far as it gets by now: a journey has few steps, each renewal ends after now, and what is
/// stable and not due ends it.
fn step_instance(draft: &mut Draft<'_>, id: InstanceId, now: UnixMillis, timing: &Timing) {
    let mut at = UnixMillis(i64::MIN);
    while let Some(instance) = draft.instance(id)
        && let Some(due) = instance.due_at().filter(|due| *due <= now)
    {
        at = at.max(due);
        let next = instance.passage.map(|passage| (passage, passage.journey.next(instance.status)));
        let (primary, released) = (instance.primary_interface, instance.auto_release_at == Some(due));
        match next {
            Some((_, Next::Gone)) => {
                draft.remove_interface(primary);
                draft.remove_instance(id);
            }
            None if released => instance::release_at(draft, id, at, timing),
            _ => {
                let Some(instance) = draft.instance_mut(id) else { return };
                match next {
                    Some((Passage { journey, .. }, Next::Passing(status))) => {
                        let due_at = at.plus(duration_ms(status, timing));
                        instance.status = status;
                        instance.passage = Some(Passage { journey, due_at });
                    }
                    Some((_, Next::Stable(status))) => {
                        instance.status = status;
                        instance.passage = None;
                    }
                    _ => expire(instance, now, timing),
                }
            }
        }
    }
}

/// The subscription of an instance is over: it renews itself until after now, or the instance is `Expired`.
fn expire(instance: &mut Instance, now: UnixMillis, timing: &Timing) {
    if let Charge::PrePaid { expires_at, renew_days: Some(days) } = &mut instance.charge {
        let period = u64::from(*days).saturating_mul(timing.billing_day_ms);
        let late = now.0.abs_diff(expires_at.0);
        if let Some(whole) = late.checked_div(period) {
            *expires_at = expires_at.plus(whole.saturating_add(1).saturating_mul(period));
            return;
        }
    }
    instance.status = InstanceStatus::Expired;
}

fn step_interface(draft: &mut Draft<'_>, id: NetworkInterfaceId, now: UnixMillis) {
    let Some(interface) = draft.interface(id).filter(|own| own.due_at.is_some_and(|due| due <= now)) else {
        // Its instance was released in this very step, and let it go.
        return;
    };
    let (status, instance) = (interface.status, interface.instance);
    if status == InterfaceStatus::Deleting {
        draft.remove_interface(id);
        return;
    }
    let detached = status == InterfaceStatus::Detaching;
    if let Some(interface) = draft.interface_mut(id) {
        interface.due_at = None;
        if detached {
            interface.status = InterfaceStatus::Available;
            interface.instance = None;
        } else if status == InterfaceStatus::Attaching {
            interface.status = InterfaceStatus::InUse;
        }
    }
    if detached && let Some(instance) = instance.and_then(|instance| draft.instance_mut(instance)) {
        let remaining = instance.secondary_interfaces.iter().copied().filter(|own| *own != id);
        instance.secondary_interfaces = remaining.collect();
    }
}
