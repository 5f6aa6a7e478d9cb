//! Where new instances go: the edge site, the vSwitch, the addresses.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use crate::{
    account::AccountId,
    change::Entity,
    command::{AddressFamily, InstanceWish, Placement},
    context::{Context, Entropy},
    id::NetworkId,
    network::VSwitch,
    plan::{Serials, network},
    refusal::Refusal,
    site::{Catalogue, EnsRegion},
    state::{AddressPool, State},
};

/// The block of public addresses: set aside for benchmarks (RFC 2544), so that none of them is anybody's.
const PUBLIC_FIRST: u32 = u32::from_be_bytes([198, 18, 0, 1]);
/// How many public addresses there are: those of 198.18.0.0/15 but the first and the last one.
const PUBLIC_COUNT: u32 = (1 << 17) - 2;

/// Where new instances go.
pub(super) struct Place {
    /// Their vSwitch.
    pub(super) vswitch: Arc<VSwitch>,
    /// Their addresses, one each.
    pub(super) addresses: Vec<Ipv4Addr>,
    /// The network and vSwitch, where they had to be made.
    pub(super) made: Vec<Entity>,
}

/// The edge site.
pub(super) fn region<'a>(site: &'a Catalogue, placement: &Placement) -> Result<&'a EnsRegion, Refusal> {
    let found = match placement {
        Placement::Region(id) => site.region(id),
        Placement::District { code, isp } => site.regions.iter().find(|region| {
            let has = |isp: &str| region.isps.iter().any(|own| own == isp);
            *region.district_code == **code && isp.as_deref().is_none_or(has)
        }),
    };
    found.ok_or(Refusal::RegionNotFound)
}

/// The vSwitch and the addresses: in the vSwitch that is named, in some vSwitch of the network that is named, or in
/// the account's default network at the site, which is made where there is none.
pub(super) fn choose(
    state: &State,
    account: AccountId,
    region: &EnsRegion,
    wish: &InstanceWish,
    serials: &mut Serials,
    context: &mut Context<'_>,
) -> Result<Place, Refusal> {
    if let Some(id) = wish.vswitch {
        let vswitch = state.vswitches().of(account, &id).ok_or(Refusal::VSwitchNotFound)?;
        if vswitch.region.as_str() != region.id {
            let reason = format!("{id} is at {}, not at {}", vswitch.region, region.id);
            return Err(Refusal::unfit("VSwitchId", reason));
        }
        return existing(state, vswitch, wish);
    }
    if let Some(id) = wish.network {
        let network = state.networks().of(account, &id).ok_or(Refusal::NetworkNotFound)?;
        if network.region.as_str() != region.id {
            let reason = format!("{id} is at {}, not at {}", network.region, region.id);
            return Err(Refusal::unfit("NetWorkId", reason));
        }
        let none = || Refusal::unfit("NetWorkId", format!("{id} has no vSwitch"));
        return in_network(state, id, wish)?.ok_or_else(none);
    }
    let mut made = Vec::new();
    let network = match network::default_at(state, account, &region.id) {
        Some(network) => Arc::clone(network),
        None => {
            let network = network::new_default(state, account, &region.id, serials, context)?;
            made.push(Entity::Network(Arc::clone(&network)));
            network
        }
    };
    if let Some(place) = in_network(state, network.id, wish)? {
        return Ok(place);
    }
    let vswitch = network::default_vswitch(&network, serials, context);
    let addresses = addresses(&AddressPool::new(&vswitch), &vswitch, wish)?;
    made.push(Entity::VSwitch(Arc::clone(&vswitch)));
    Ok(Place { vswitch, addresses, made })
}

/// The oldest vSwitch of the network that the instances fit into. None: it has no vSwitch.
fn in_network(state: &State, network: NetworkId, wish: &InstanceWish) -> Result<Option<Place>, Refusal> {
    let mut vswitches: Vec<_> = state.vswitches_of(network).collect();
    vswitches.sort_by_key(|vswitch| vswitch.serial);
    let mut refusal = None;
    for vswitch in vswitches {
        match existing(state, vswitch, wish) {
            Ok(place) => return Ok(Some(place)),
            Err(reason) => refusal = refusal.or(Some(reason)),
        }
    }
    refusal.map_or(Ok(None), Err)
}

fn existing(state: &State, vswitch: &Arc<VSwitch>, wish: &InstanceWish) -> Result<Place, Refusal> {
    let pool = state.pool(vswitch.id).ok_or(Refusal::VSwitchNotFound)?;
    let addresses = addresses(pool, vswitch, wish)?;
    Ok(Place { vswitch: Arc::clone(vswitch), addresses, made: Vec::new() })
}

/// The IPv4 addresses for as many instances as are wanted.
fn addresses(pool: &AddressPool, vswitch: &VSwitch, wish: &InstanceWish) -> Result<Vec<Ipv4Addr>, Refusal> {
    let id = vswitch.id;
    if wish.family == AddressFamily::Dual && vswitch.ipv6_cidr.is_none() {
        return Err(Refusal::unfit("IpType", format!("{id} has no IPv6 block")));
    }
    let Some(address) = wish.address else {
        let found = pool.lowest_free(wish.amount, &[]);
        if found.len() < wish.amount {
            let reason = format!("{id} has {} free addresses; {} are wanted", pool.free(), wish.amount);
            return Err(Refusal::unfit("VSwitchId", reason));
        }
        return Ok(found);
    };
    let reason = if wish.amount != 1 {
        "one address is for one instance; Amount must be 1".into()
    } else if !vswitch.may_assign(address) {
        format!("{address} is none that interfaces of {id} ({}) may have", vswitch.cidr)
    } else if !pool.is_free(address) {
        format!("{address} is taken in {id}")
    } else {
        return Ok(vec![address]);
    };
    Err(Refusal::unfit("PrivateIpAddress", reason))
}

/// An IPv6 address of the vSwitch that nobody has. The subnet's own address and the gateway's are left out.
pub(super) fn ipv6_address(
    state: &State,
    vswitch: &VSwitch,
    besides: &[Ipv6Addr],
    entropy: &mut dyn Entropy,
) -> Option<Ipv6Addr> {
    let block = u128::from(vswitch.ipv6_cidr?.network());
    // The last 64 bits are the host's.
    let hosts = u128::from(u64::MAX);
    let first = entropy.next() & hosts;
    let free = |address: &Ipv6Addr| {
        !besides.contains(address) && state.interfaces_at(vswitch.account, (*address).into()).next().is_none()
    };
    (0..hosts)
        .map(|step| first.wrapping_add(step) & hosts)
        .filter(|host| *host > 1)
        .map(|host| Ipv6Addr::from(block | host))
        .find(free)
}

/// A public address that nobody has.
pub(super) fn public_address(
    state: &State,
    besides: &[Ipv4Addr],
    entropy: &mut dyn Entropy,
) -> Result<Ipv4Addr, Refusal> {
    // The remainder is below 2^17.
    #[allow(clippy::cast_possible_truncation)]
    let first = (entropy.next() % u128::from(PUBLIC_COUNT)) as u32;
    (0..PUBLIC_COUNT)
        .map(|step| Ipv4Addr::from(PUBLIC_FIRST + (first + step) % PUBLIC_COUNT))
        .find(|address| !besides.contains(address) && state.instance_at(*address).is_none())
        .ok_or_else(|| Refusal::unfit("PublicIpIdentification", "no public address is free"))
}
