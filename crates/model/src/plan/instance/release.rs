//! The end of an instance.

use super::{super::draft::Draft, Plan, ends_at, enter, find};
use crate::{
    account::AccountId,
    command::ReleaseCharge,
    context::{Context, Timing, UnixMillis},
    id::InstanceId,
    instance::{Charge, InstanceStatus, Journey},
    interface::InterfaceStatus,
    refusal::Refusal,
    state::State,
};

pub(super) fn release(
    state: &State,
    account: AccountId,
    id: InstanceId,
    charge: Option<ReleaseCharge>,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let instance = find(state, account, id)?;
    match (charge, instance.charge) {
        (Some(ReleaseCharge::PostPaid), Charge::PrePaid { .. }) => {
            return Err(Refusal::unfit("InstanceId", format!("{id} is a subscription (PrePaid)")));
        }
        (Some(ReleaseCharge::PrePaid), Charge::PostPaid) => {
            return Err(Refusal::unfit("InstanceId", format!("{id} is paid by use (PostPaid)")));
        }
        _ => {}
    }
    match instance.status {
        InstanceStatus::Running | InstanceStatus::Stopped | InstanceStatus::Expired => {}
        other => return Err(Refusal::InstanceStatus(other)),
    }
    if instance.deletion_protection {
        return Err(Refusal::DeletionProtected);
    }
    let mut draft = Draft::new(state);
    release_at(&mut draft, id, context.now, context.timing);
    Ok(Plan::done(draft.finish()))
}

/// The instance begins to go, and the bindings of its interfaces end. Its primary interface, which goes with it, is in
/// no group from now on. Its secondary interfaces stay: they are `Available` from now on, in the groups in which they
/// were. Where a node hosts the instance, its primary interface stays bound, and so closed, until the node says that it is
/// gone.
pub(in crate::plan) fn release_at(draft: &mut Draft<'_>, id: InstanceId, at: UnixMillis, timing: &Timing) {
    let hosted = draft.hosting(id).is_some();
    let Some(instance) = draft.instance_mut(id) else { return };
    let due_at = ends_at(hosted, InstanceStatus::Releasing, at, timing);
    enter(instance, InstanceStatus::Releasing, Journey::Release, due_at);
    let primary = instance.primary_interface;
    let secondary = std::mem::take(&mut instance.secondary_interfaces);
    if let Some(interface) = draft.interface_mut(primary) {
        interface.groups = [].into();
    }
    if !hosted {
        draft.unbind(primary);
    }
    for other in secondary {
        draft.unbind(other);
        if let Some(interface) = draft.interface_mut(other) {
            interface.status = InterfaceStatus::Available;
            interface.due_at = None;
            interface.instance = None;
        }
    }
}
