//! New instances: `RunInstances` and `CreateInstance`.

#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{
    check_protection, ends_at, enter, find_image,
    place::{self, Place},
};
use crate::{
    account::AccountId,
    address::Mac,
    change::Changes,
    command::{AddressFamily, ChargeWish, DiskWish, InstanceWish, Outcome},
    context::Context,
    id::{DiskId, InstanceId, NetworkInterfaceId, NodeId},
    instance::{Charge, Disk, Instance, InstanceStatus, Journey, Passage},
    interface::{InterfaceStatus, NetworkInterface},
    plan::{
        Plan, Serials,
        hosting::{self, Hosts},
        security_group,
    },
    refusal::{Kind, Refusal},
    site::{Image, Symbol},
    state::State,
    tag::{self, Tags},
};

/// How many instances one command may make (the vendor's reference, RunInstances).
const AMOUNT_MAX: usize = 100;
/// How many IPv6 addresses an instance may get at first.
const IPV6_COUNT_MAX: usize = 10;
/// How many data disks an instance may have.
const DATA_DISKS_MAX: usize = 16;
/// The kinds of disks; the first is what a disk is where nothing is said.
const DISK_CATEGORIES: [&str; 4] = ["cloud_efficiency", "cloud_ssd", "local_hdd", "local_ssd"];

/// What all instances of one command have in common.
struct Pattern {
    region: Symbol,
    instance_type: Symbol,
    image: Symbol,
    system_disk: DiskPattern,
    data_disks: Vec<DiskPattern>,
    charge: Charge,
    tags: Tags,
}

struct DiskPattern {
    size_gib: u32,
    category: Symbol,
    encrypted: bool,
    key_id: Box<str>,
}

pub(super) fn run(
    state: &State,
    account: AccountId,
    wish: &InstanceWish,
    context: &mut Context<'_>,
) -> Result<Plan, Refusal> {
    let site = context.site;
    let region = place::region(site, &wish.placement)?;
    let image = match &wish.image {
        Some(id) => find_image(id, context)?,
        None => site.images.first().ok_or(Refusal::ImageNotFound)?,
    };
    let instance_type = match &wish.instance_type {
        Some(id) => site.instance_type(id),
        None => site.instance_types.first(),
    };
    let instance_type = instance_type.ok_or(Refusal::InstanceTypeNotFound)?;
    if let Some(group) = wish.group {
        security_group::find(state, account, group)?;
    }
    if !(1..=AMOUNT_MAX).contains(&wish.amount) {
        return Err(Refusal::unfit("Amount", format!("{} is not 1 to {AMOUNT_MAX}", wish.amount)));
    }
    let mut serials = Serials::after(state);
    let place = place::choose(state, account, region, wish, &mut serials, context)?;
    let pattern = Pattern {
        region: state.symbol(&region.id),
        instance_type: state.symbol(&instance_type.id),
        image: state.symbol(&image.id),
        system_disk: system_disk(state, wish, image, context)?,
        data_disks: data_disks(state, wish, context)?,
        charge: charge(wish, context),
        tags: tag::with(&[], &wish.tags),
    };
    check_wish(wish, pattern.charge, context)?;
    check_limits(state, account, wish, &pattern, context)?;
    let hosts = Hosts::at(state, account, &region.id, context.limits);
    make(state, account, (wish, &pattern), (place, hosts), serials, context)
}

fn check_wish(wish: &InstanceWish, charge: Charge, context: &Context<'_>) -> Result<(), Refusal> {
    check_protection(wish.deletion_protection, charge)?;
    let bandwidth_max = context.site.bandwidth_mbps_max;
    if wish.internet_bandwidth_mbps > bandwidth_max {
        let reason = format!("{} Mbit/s; at most {bandwidth_max} are offered", wish.internet_bandwidth_mbps);
        return Err(Refusal::unfit("InternetMaxBandwidthOut", reason));
    }
    if let Some(at) = wish.auto_release_at.filter(|at| *at <= context.now) {
        return Err(Refusal::unfit("AutoReleaseTime", format!("{} is not in the future", at.to_text())));
    }
    if wish.family == AddressFamily::Dual && wish.ipv6_count > IPV6_COUNT_MAX {
        let reason = format!("{} is more than {IPV6_COUNT_MAX}", wish.ipv6_count);
        return Err(Refusal::unfit("Ipv6AddressCount", reason));
    }
    Ok(())
}

fn check_limits(
    state: &State,
    account: AccountId,
    wish: &InstanceWish,
    pattern: &Pattern,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    let limits = context.limits;
    let within = |kind, wanted: usize, limit| {
        if wanted > limit { Err(Refusal::Limit { kind, limit }) } else { Ok(()) }
    };
    let instances = state.instances().count(account).saturating_add(wish.amount);
    within(Kind::Instance, instances, limits.instances_per_account)?;
    if let Some(group) = wish.group {
        within(Kind::GroupOfInterface, 1, limits.groups_per_interface)?;
        let members = state.member_count(group).saturating_add(wish.amount);
        within(Kind::InterfaceOfGroup, members, limits.interfaces_per_group)?;
        security_group::check_rules(state, [&group], None, limits)?;
    }
    within(Kind::Tag, pattern.tags.len(), limits.tags_per_resource)
}

fn charge(wish: &InstanceWish, context: &Context<'_>) -> Charge {
    match wish.charge {
        ChargeWish::PostPaid => Charge::PostPaid,
        ChargeWish::PrePaid { days, renew } => Charge::PrePaid {
            expires_at: context.now.plus(u64::from(days).saturating_mul(context.timing.billing_day_ms)),
            renew_days: renew.then_some(days),
        },
    }
}

fn system_disk(
    state: &State,
    wish: &InstanceWish,
    image: &Image,
    context: &Context<'_>,
) -> Result<DiskPattern, Refusal> {
    disk(state, "SystemDisk", &wish.system_disk, (image.size_gib, context.site.system_disk_gib_max))
}

fn data_disks(
    state: &State,
    wish: &InstanceWish,
    context: &Context<'_>,
) -> Result<Vec<DiskPattern>, Refusal> {
    let count = wish.data_disks.len();
    if count > DATA_DISKS_MAX {
        return Err(Refusal::unfit("DataDisk", format!("{count} data disks; there may be {DATA_DISKS_MAX}")));
    }
    let sizes = (context.site.data_disk_gib_min, context.site.data_disk_gib_max);
    wish.data_disks.iter().map(|wish| disk(state, "DataDisk", wish, sizes)).collect()
}

fn disk(
    state: &State,
    field: &'static str,
    wish: &DiskWish,
    (min, max): (u32, u32),
) -> Result<DiskPattern, Refusal> {
    let size_gib = wish.size_gib.unwrap_or(min);
    if !(min..=max).contains(&size_gib) {
        return Err(Refusal::unfit(
            field,
            format!("{size_gib} GiB; the size must be {min} to {max} GiB here"),
        ));
    }
    let category = wish.category.as_deref().unwrap_or(DISK_CATEGORIES[0]);
    if !DISK_CATEGORIES.contains(&category) {
        return Err(Refusal::unfit(field, format!("Category is none of {}", DISK_CATEGORIES.join(", "))));
    }
    let category = state.symbol(category);
    Ok(DiskPattern { size_gib, category, encrypted: wish.encrypted, key_id: wish.key_id.clone() })
}

fn make(
    state: &State,
    account: AccountId,
    (wish, pattern): (&InstanceWish, &Pattern),
    (place, mut hosts): (Place, Hosts),
    mut serials: Serials,
    context: &mut Context<'_>,
) -> Result<Plan, Refusal> {
    let mut changes = Changes::default();
    place.made.into_iter().for_each(|entity| changes.create(entity));
    let mut ids = Vec::with_capacity(wish.amount);
    let mut public: Vec<Ipv4Addr> = Vec::new();
    let mut ipv6: Vec<Ipv6Addr> = Vec::new();
    let ipv6_count = if wish.family == AddressFamily::Dual { wish.ipv6_count.max(1) } else { 0 };
    for (index, address) in place.addresses.into_iter().enumerate() {
        let id = InstanceId::from_entropy(context.entropy.next());
        let primary_interface = NetworkInterfaceId::from_entropy(context.entropy.next());
        if wish.public_address {
            public.push(place::public_address(state, &public, context.entropy)?);
        }
        let ipv6_before = ipv6.len();
        for _ in 0..ipv6_count {
            ipv6.extend(place::ipv6_address(state, &place.vswitch, &ipv6, context.entropy));
        }
        changes.create(NetworkInterface {
            id: primary_interface,
            account,
            serial: serials.next(),
            vswitch: place.vswitch.id,
            instance: Some(id),
            primary: true,
            status: InterfaceStatus::InUse,
            due_at: None,
            address,
            secondary_addresses: [].into(),
            ipv6_addresses: ipv6[ipv6_before..].into(),
            mac: Mac::in_network(place.vswitch.network, address),
            name: "".into(),
            description: "".into(),
            created_at: context.now,
            groups: wish.group.into_iter().collect(),
        });
        let host = hosts.take(1)?;
        let own = Own { id, primary_interface, serial: serials.next(), number: index + 1, account, host };
        changes.create(instance(own, wish, pattern, public.get(index).copied(), context));
        if let Some(node) = host {
            let interface = (primary_interface, account);
            changes.create(hosting::binding(interface, serials.next(), node, context.now));
            changes.create(hosting::begun(id, account, serials.next(), node));
        }
        ids.push(id);
    }
    Ok(Plan { changes, outcome: Outcome::Instances(ids) })
}

/// What one instance has for itself.
struct Own {
    id: InstanceId,
    primary_interface: NetworkInterfaceId,
    serial: u64,
    /// Its place among those of the command, from 1.
    number: usize,
    account: AccountId,
    /// The lab node that it is on.
    host: Option<NodeId>,
}

fn instance(
    own: Own,
    wish: &InstanceWish,
    pattern: &Pattern,
    public_address: Option<Ipv4Addr>,
    context: &mut Context<'_>,
) -> Instance {
    let suffixed = |name: &Option<Box<str>>| match name {
        Some(name) if wish.unique_suffix => Some(format!("{name}{:03}", own.number).into()),
        other => other.clone(),
    };
    let mut instance = Instance {
        id: own.id,
        account: own.account,
        serial: own.serial,
        region: pattern.region.clone(),
        instance_type: pattern.instance_type.clone(),
        image: pattern.image.clone(),
        status: InstanceStatus::Creating,
        passage: None::<Passage>,
        primary_interface: own.primary_interface,
        secondary_interfaces: [].into(),
        charge: pattern.charge,
        auto_release_at: wish.auto_release_at,
        name: suffixed(&wish.name),
        host_name: suffixed(&wish.host_name),
        key_pair: wish.key_pair.clone(),
        user_data: wish.user_data.clone(),
        deletion_protection: wish.deletion_protection,
        internet_bandwidth_mbps: wish.internet_bandwidth_mbps,
        public_address,
        system_disk: new_disk(&pattern.system_disk, context),
        data_disks: pattern.data_disks.iter().map(|disk| new_disk(disk, context)).collect(),
        tags: pattern.tags.clone(),
        created_at: context.now,
    };
    begin(&mut instance, own.host.is_some(), context);
    instance
}

/// The image is fetched first, where that takes any time; there is none on a node.
fn begin(instance: &mut Instance, hosted: bool, context: &Context<'_>) {
    let fetched = context.timing.image_downloading_ms > 0 && !hosted;
    let status = if fetched { InstanceStatus::ImageDownloading } else { InstanceStatus::Creating };
    enter(instance, status, Journey::Creation, ends_at(hosted, status, context.now, context.timing));
}

fn new_disk(pattern: &DiskPattern, context: &mut Context<'_>) -> Disk {
    Disk {
        id: DiskId::from_entropy(context.entropy.next()),
        size_gib: pattern.size_gib,
        category: pattern.category.clone(),
        encrypted: pattern.encrypted,
        key_id: pattern.key_id.clone(),
    }
}
