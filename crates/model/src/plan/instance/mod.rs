//! Instances and their disks: from [`run`] to [`release`], and what happens to them between.

mod place;
mod release;
mod run;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub(super) use self::release::release_at;
use super::{Plan, hosting};
use crate::{
    account::AccountId,
    change::Changes,
    command::InstanceCommand as Command,
    context::{Context, Timing, UnixMillis},
    id::{DiskId, InstanceId},
    instance::{Charge, Instance, InstanceStatus, Journey, Passage, duration_ms},
    refusal::Refusal,
    site::Image,
    state::State,
};

pub(super) fn plan(
    state: &State,
    account: AccountId,
    command: &Command,
    context: &mut Context<'_>,
) -> Result<Plan, Refusal> {
    use InstanceStatus as S;
    match command {
        Command::Run(wish) => run::run(state, account, wish, context),
        Command::Start { instance } => {
            let before = find(state, account, *instance)?;
            set_out(state, before, &[S::Stopped], |_| (S::Starting, Journey::Start), context)
        }
        Command::Stop { instance } => {
            let before = find(state, account, *instance)?;
            set_out(state, before, &[S::Running], |_| (S::Stopping, Journey::Stop), context)
        }
        Command::Reboot { instance } => {
            let before = find(state, account, *instance)?;
            set_out(state, before, &[S::Running], |_| (S::Stopping, Journey::Reboot), context)
        }
        Command::Reinit { instance, image } => {
            let before = find(state, account, *instance)?;
            let image = image.as_deref().map(|image| find_image(image, context)).transpose()?;
            reset(state, before, before.system_disk.id, image, context)
        }
        Command::ReinitDisk { disk, image } => {
            let holder = state.instance_with_disk(*disk).filter(|instance| instance.account == account);
            let before = holder.ok_or(Refusal::DiskNotFound)?;
            reset(state, before, *disk, Some(find_image(image, context)?), context)
        }
        Command::Transfer { instance } => {
            let before = find(state, account, *instance)?;
            let journey = |running| (S::Transferring, Journey::Transfer { running });
            set_out(state, before, &[S::Running, S::Stopped], journey, context)
        }
        Command::Modify { instance, .. } => modify(find(state, account, *instance)?, command),
        Command::Release { instance, charge } => {
            release::release(state, account, *instance, *charge, context)
        }
    }
}

/// The instance, if it is the account's.
pub(super) fn find(state: &State, account: AccountId, id: InstanceId) -> Result<&Arc<Instance>, Refusal> {
    state.instances().of(account, &id).ok_or(Refusal::InstanceNotFound)
}

fn find_image<'a>(id: &str, context: &Context<'a>) -> Result<&'a Image, Refusal> {
    let site = context.site;
    site.image(id).ok_or(Refusal::ImageNotFound)
}

/// Puts an instance into a passing state.
fn enter(instance: &mut Instance, status: InstanceStatus, journey: Journey, due_at: UnixMillis) {
    instance.status = status;
    instance.passage = Some(Passage { journey, due_at });
}

/// When a passing state ends that begins at `at`. What a node hosts ends its states when the node says so.
fn ends_at(hosted: bool, status: InstanceStatus, at: UnixMillis, timing: &Timing) -> UnixMillis {
    if hosted { UnixMillis::NEVER } else { at.plus(duration_ms(status, timing)) }
}

fn replaced(before: &Arc<Instance>, after: Instance) -> Plan {
    let mut changes = Changes::default();
    changes.update(Arc::clone(before), after);
    Plan::done(changes)
}

/// An instance, as far as it has changed, begins a journey now.
fn begun(
    state: &State,
    (before, mut after): (&Arc<Instance>, Instance),
    (status, journey): (InstanceStatus, Journey),
    context: &Context<'_>,
) -> Plan {
    let hosted = state.hostings().get(&before.id).is_some();
    enter(&mut after, status, journey, ends_at(hosted, status, context.now, context.timing));
    let mut plan = replaced(before, after);
    hosting::begin(state, before.id, journey, &mut plan.changes);
    plan
}

/// Begins a journey, which is given whether the instance is running, from one of the `legal` states.
fn set_out(
    state: &State,
    before: &Arc<Instance>,
    legal: &[InstanceStatus],
    journey: impl Fn(bool) -> (InstanceStatus, Journey),
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    if !legal.contains(&before.status) {
        return Err(Refusal::InstanceStatus(before.status));
    }
    let passing = journey(before.status == InstanceStatus::Running);
    Ok(begun(state, (before, Instance::clone(before)), passing, context))
}

/// Resets a disk. Another image than the one the instance has is fetched to the site first; there is none on a node.
fn reset(
    state: &State,
    before: &Arc<Instance>,
    disk: DiskId,
    image: Option<&Image>,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    if !matches!(before.status, InstanceStatus::Running | InstanceStatus::Stopped) {
        return Err(Refusal::InstanceStatus(before.status));
    }
    let size_gib = before.disks().find(|own| own.id == disk).map_or(0, |own| own.size_gib);
    let mut after = Instance::clone(before);
    let mut status = InstanceStatus::Resetting;
    if let Some(image) = image {
        if size_gib < image.size_gib {
            let reason = format!("{} needs {} GiB, the disk {disk} has {size_gib}", image.id, image.size_gib);
            return Err(Refusal::unfit("ImageId", reason));
        }
        let hosted = state.hostings().get(&before.id).is_some();
        if image.id != before.image.as_str() && context.timing.image_downloading_ms > 0 && !hosted {
            status = InstanceStatus::ImageDownloading;
        }
        if disk == before.system_disk.id {
            after.image = state.symbol(&image.id);
        }
    }
    let running = before.status == InstanceStatus::Running;
    Ok(begun(state, (before, after), (status, Journey::Reset { running }), context))
}

fn modify(before: &Arc<Instance>, command: &Command) -> Result<Plan, Refusal> {
    let Command::Modify { name, host_name, user_data, deletion_protection, password, .. } = command else {
        return Ok(Plan::done(Changes::default()));
    };
    let running = matches!(before.status, InstanceStatus::Running | InstanceStatus::Starting);
    if before.status == InstanceStatus::Releasing || (*password && running) {
        return Err(Refusal::InstanceStatus(before.status));
    }
    let mut after = Instance::clone(before);
    for (own, new) in
        [(&mut after.name, name), (&mut after.host_name, host_name), (&mut after.user_data, user_data)]
    {
        if let Some(new) = new {
            *own = Some(new.clone()).filter(|text| !text.is_empty());
        }
    }
    if let Some(protected) = *deletion_protection {
        check_protection(protected, before.charge)?;
        after.deletion_protection = protected;
    }
    Ok(replaced(before, after))
}

/// Protection from release is for instances that are paid by use (the vendor's reference, RunInstances).
fn check_protection(protected: bool, charge: Charge) -> Result<(), Refusal> {
    match charge {
        Charge::PrePaid { .. } if protected => {
            Err(Refusal::unfit("DeletionProtection", "subscriptions (PrePaid) cannot be protected"))
        }
        _ => Ok(()),
    }
}
