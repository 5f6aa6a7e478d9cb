//! Which generations touched what, so that nobody has to read the history for one entity's sake. In memory, as far back as
//! there are records.
//!
//! Things are kept as digests of 64 bits: two that have the same are told apart by the records themselves wherever what a
//! record holds is shown. Entries lie in segments, each sorted; the newest one grows, and the oldest goes as a whole.

use std::{
    collections::{BTreeSet, VecDeque, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    net::IpAddr,
};

use model::{AccountId, Entity, EntityKey, InstanceId, NetworkInterfaceId, SecurityGroupId};

/// From how many entries on a segment is closed.
const SEGMENT_ENTRIES: usize = 32_768;

/// What a generation can touch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Touched {
    /// An entity came, changed or went.
    Entity(EntityKey),
    /// An interface of the instance came, changed or went.
    InterfaceOf(InstanceId),
    /// An interface became a member of a group.
    Joined(NetworkInterfaceId, SecurityGroupId),
    /// A membership of the group began or ended.
    MembersOf(SecurityGroupId),
    /// An address of the account came to an interface, or left it.
    Address(AccountId, IpAddr),
    /// A group of the account went.
    GroupGone(AccountId),
}

impl Touched {
    fn digest(&self) -> u64 {
        // Fixed keys: nothing of this is ever written down.
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}

/// A digest and a generation.
type Entry = (u64, u64);

#[derive(Debug)]
struct Segment {
    /// The last generation in it.
    last: u64,
    entries: Box<[Entry]>,
}

/// The index.
#[derive(Debug, Default)]
pub(crate) struct Touches {
    closed: VecDeque<Segment>,
    open: BTreeSet<Entry>,
    last: u64,
}

impl Touches {
    /// Takes up what a generation touched; generations come in their order.
    pub(crate) fn add<'a>(
        &mut self,
        generation: u64,
        sides: impl Iterator<Item = (Option<&'a Entity>, Option<&'a Entity>)>,
    ) {
        self.last = generation;
        for (before, after) in sides {
            touched(before, after, &mut |touched| {
                self.open.insert((touched.digest(), generation));
            });
        }
        if self.open.len() >= SEGMENT_ENTRIES {
            let entries = std::mem::take(&mut self.open).into_iter().collect();
            self.closed.push_back(Segment { last: generation, entries });
        }
    }

    /// Forgets segments that have nothing from this generation on.
    pub(crate) fn forget_before(&mut self, oldest: u64) {
        while self.closed.front().is_some_and(|segment| segment.last < oldest) {
            self.closed.pop_front();
        }
    }

    /// The generations that touched it, the oldest first, from one on.
    pub(crate) fn from(&self, touched: &Touched, first: u64) -> Vec<u64> {
        let digest = touched.digest();
        let mut found = Vec::new();
        for segment in self.closed.iter().filter(|segment| segment.last >= first) {
            let begin = segment.entries.partition_point(|entry| *entry < (digest, first));
            let own = segment.entries[begin..].iter().take_while(|entry| entry.0 == digest);
            found.extend(own.map(|entry| entry.1));
        }
        found.extend(self.open.range((digest, first)..=(digest, u64::MAX)).map(|entry| entry.1));
        found
    }

    /// The first generation from this one on that touched it.
    pub(crate) fn first_from(&self, touched: &Touched, first: u64) -> Option<u64> {
        let digest = touched.digest();
        let closed = self.closed.iter().filter(|segment| segment.last >= first).find_map(|segment| {
            let place = segment.entries.partition_point(|entry| *entry < (digest, first));
            segment.entries.get(place).filter(|entry| entry.0 == digest).map(|entry| entry.1)
        });
        closed.or_else(|| self.open.range((digest, first)..=(digest, u64::MAX)).next().map(|entry| entry.1))
    }

    /// The last generation up to this one that touched it.
    pub(crate) fn last_until(&self, touched: &Touched, last: u64) -> Option<u64> {
        let digest = touched.digest();
        let open = self.open.range((digest, 0)..=(digest, last)).next_back().map(|entry| entry.1);
        open.or_else(|| {
            self.closed.iter().rev().find_map(|segment| {
                let place = segment.entries.partition_point(|entry| *entry <= (digest, last));
                let entry = segment.entries.get(place.checked_sub(1)?)?;
                (entry.0 == digest).then_some(entry.1)
            })
        })
    }
}

/// Everything that one entity's change touches.
fn touched(before: Option<&Entity>, after: Option<&Entity>, add: &mut impl FnMut(Touched)) {
    let Some(entity) = after.or(before) else { return };
    add(Touched::Entity(entity.key()));
    if let (Some(Entity::SecurityGroup(group)), None) = (before, after) {
        add(Touched::GroupGone(group.account));
    }
    let interface = |entity: Option<&Entity>| match entity {
        Some(Entity::Interface(own)) => Some(own.clone()),
        _ => None,
    };
    let (before, after) = (interface(before), interface(after));
    let (Some(one), other) = (after.as_ref().or(before.as_ref()), before.as_ref()) else { return };
    for instance in [Some(one), other].into_iter().flatten().filter_map(|own| own.instance) {
        add(Touched::InterfaceOf(instance));
    }
    let groups = |own: &Option<_>| {
        own.as_ref().map_or_else(Vec::new, |own: &std::sync::Arc<model::interface::NetworkInterface>| {
            own.groups.to_vec()
        })
    };
    let (had, has) = (groups(&before), groups(&after));
    for group in has.iter().filter(|group| !had.contains(group)) {
        add(Touched::Joined(one.id, *group));
        add(Touched::MembersOf(*group));
    }
    had.iter().filter(|group| !has.contains(group)).for_each(|group| add(Touched::MembersOf(*group)));
    let (had, has) = (addresses(before.as_deref()), addresses(after.as_deref()));
    for address in
        had.iter().filter(|own| !has.contains(own)).chain(has.iter().filter(|own| !had.contains(own)))
    {
        add(Touched::Address(one.account, *address));
    }
}

fn addresses(interface: Option<&model::interface::NetworkInterface>) -> Vec<IpAddr> {
    interface.map_or_else(Vec::new, |own| {
        let ipv4 = own.addresses().map(IpAddr::V4);
        ipv4.chain(own.ipv6_addresses.iter().copied().map(IpAddr::V6)).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thing(number: u128) -> Touched {
        Touched::Entity(EntityKey::SecurityGroup(SecurityGroupId::from_number(number)))
    }

    /// An index in which generation `g` touched thing `g % 3` and nothing else.
    fn index(generations: u64, segment: usize) -> Touches {
        let mut touches = Touches::default();
        for generation in 1..=generations {
            touches.open.insert((thing(u128::from(generation % 3)).digest(), generation));
            if touches.open.len() >= segment {
                let entries = std::mem::take(&mut touches.open).into_iter().collect();
                touches.closed.push_back(Segment { last: generation, entries });
            }
        }
        touches
    }

    #[test]
    fn what_touched_a_thing_is_found_across_segments() {
        for segment in [1, 2, 7, 100] {
            let touches = index(30, segment);
            assert_eq!(touches.from(&thing(1), 10), [10, 13, 16, 19, 22, 25, 28], "{segment}");
            assert_eq!(touches.first_from(&thing(1), 11), Some(13));
            assert_eq!(touches.first_from(&thing(1), 29), None);
            assert_eq!(touches.last_until(&thing(1), 12), Some(10));
            assert_eq!(touches.last_until(&thing(1), 0), None);
            assert_eq!((touches.first_from(&thing(9), 0), touches.last_until(&thing(9), 99)), (None, None));
        }
    }

    #[test]
    fn whole_segments_are_forgotten() {
        let mut touches = index(30, 3);
        touches.forget_before(16);
        assert_eq!(touches.from(&thing(1), 0), [16, 19, 22, 25, 28]);
        touches.forget_before(17);
        assert_eq!(touches.last_until(&thing(1), 16), Some(16), "its segment has one that is kept");
    }
}
