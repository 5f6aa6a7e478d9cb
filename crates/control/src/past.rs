//! The state as it was: what is now, with what happened since taken back, one entity at a time.
//!
//! What an entity was after a generation is what the first later record that touches it says was before; where none touches
//! it, what it is now. The index of `activity` says which record that is, so that only that one is read. As far back as
//! there are records: before the oldest of them nothing is known, and that is an error, never a guess.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use model::{
    AccountId, Entity, EntityKey, InstanceId, NetworkId, NetworkInterfaceId, NodeId, SecurityGroupId, State,
    UnixMillis, VSwitchId, instance::Instance, interface::NetworkInterface, node::Node,
    security_group::SecurityGroup,
};
use store::Snapshot;

use crate::{
    activity::{Event, Touched},
    control::{Control, HistoryError},
    history::{self, HistoryRecord},
    published::Unavailable,
    survey,
};

/// The most members of a group that are listed.
pub const MEMBERS_MAX: usize = 1_000;
/// The most records that are read of groups that went since: the oldest.
const GONE_MAX: usize = 1_000;

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// After this generation.
    Generation(u64),
    /// After the last generation that was made by this time, with the second that it lies in.
    Time(UnixMillis),
}

/// Why the past is not told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PastError {
    /// It is longer ago than history goes back.
    #[error("the history goes back to generation {oldest} of {}", .at.to_text())]
    BeyondHistory {
        /// The oldest generation of which there is a record.
        oldest: u64,
        /// When it was made.
        at: UnixMillis,
    },
    /// There is no such generation yet, or the time has not come.
    #[error("that moment has not come yet: the newest generation is {newest}")]
    NotYet {
        /// The newest generation.
        newest: u64,
    },
    /// Nothing can be read at present.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The history cannot be read.
    #[error(transparent)]
    History(#[from] HistoryError),
}

/// What explanations and descriptions ask of a state, now or in the past.
pub(crate) trait View {
    /// The generation that it is of.
    fn generation(&self) -> u64;
    /// An entity.
    fn entity(&self, key: &EntityKey) -> Result<Option<Entity>, PastError>;
    /// The account's interfaces that have an address, in whatever network.
    fn interfaces_at(
        &self,
        account: AccountId,
        address: IpAddr,
    ) -> Result<Vec<Arc<NetworkInterface>>, PastError>;

    /// An interface.
    fn interface(&self, id: NetworkInterfaceId) -> Result<Option<Arc<NetworkInterface>>, PastError> {
        Ok(match self.entity(&EntityKey::Interface(id))? {
            Some(Entity::Interface(own)) => Some(own),
            _ => None,
        })
    }

    /// An instance.
    fn instance(&self, id: InstanceId) -> Result<Option<Arc<Instance>>, PastError> {
        Ok(match self.entity(&EntityKey::Instance(id))? {
            Some(Entity::Instance(own)) => Some(own),
            _ => None,
        })
    }

    /// A node.
    fn node(&self, id: NodeId) -> Result<Option<Arc<Node>>, PastError> {
        Ok(match self.entity(&EntityKey::Node(id))? {
            Some(Entity::Node(own)) => Some(own),
            _ => None,
        })
    }

    /// A group.
    fn group(&self, id: SecurityGroupId) -> Result<Option<Arc<SecurityGroup>>, PastError> {
        Ok(match self.entity(&EntityKey::SecurityGroup(id))? {
            Some(Entity::SecurityGroup(own)) => Some(own),
            _ => None,
        })
    }

    /// The network of a vSwitch.
    fn network_of(&self, id: VSwitchId) -> Result<Option<NetworkId>, PastError> {
        Ok(match self.entity(&EntityKey::VSwitch(id))? {
            Some(Entity::VSwitch(own)) => Some(own.network),
            _ => None,
        })
    }
}

/// The state as it is.
pub(crate) struct Present<'a>(pub(crate) &'a State);

impl View for Present<'_> {
    /// Whoever reads the state is told which generation it is of.
    fn generation(&self) -> u64 {
        u64::MAX
    }

    fn entity(&self, key: &EntityKey) -> Result<Option<Entity>, PastError> {
        Ok(present(self.0, key))
    }

    fn interfaces_at(
        &self,
        account: AccountId,
        address: IpAddr,
    ) -> Result<Vec<Arc<NetworkInterface>>, PastError> {
        Ok(self.0.interfaces_at(account, address).cloned().collect())
    }
}

/// An entity as it is.
fn present(state: &State, key: &EntityKey) -> Option<Entity> {
    match key {
        EntityKey::Interface(id) => state.interfaces().get(id).cloned().map(Entity::from),
        EntityKey::Instance(id) => state.instances().get(id).cloned().map(Entity::from),
        EntityKey::SecurityGroup(id) => state.groups().get(id).cloned().map(Entity::from),
        EntityKey::VSwitch(id) => state.vswitches().get(id).cloned().map(Entity::from),
        EntityKey::Network(id) => state.networks().get(id).cloned().map(Entity::from),
        EntityKey::Node(id) => state.nodes().get(id).cloned().map(Entity::from),
        EntityKey::Binding(id) => state.bindings().get(id).cloned().map(Entity::from),
        _ => None,
    }
}

/// The state after a generation. Reads the disk: for threads that may wait.
pub(crate) struct Past {
    control: Control,
    generation: u64,
    snapshot: RefCell<Box<dyn Snapshot>>,
}

/// The last millisecond of the second that a time lies in. People know times in whole seconds, and mean what they saw then.
fn end_of_second(time: UnixMillis) -> UnixMillis {
    UnixMillis(time.0 - time.0.rem_euclid(1_000)).plus(999)
}

/// A thing as it was.
#[derive(Debug, Clone)]
pub struct ThingAt {
    /// The generation after which it was so.
    pub generation: u64,
    /// The thing; none: it was not there.
    pub entity: Option<Entity>,
    /// Of a group: its members by id, at most [`MEMBERS_MAX`].
    pub members: Vec<NetworkInterfaceId>,
    /// Of a group: how many members it had.
    pub member_count: usize,
    /// The event that made it what it was; none: it is older than history.
    pub made_by: Option<Event>,
}

impl Past {
    /// The state at a moment.
    pub(crate) fn open(control: &Control, as_of: AsOf) -> Result<Self, PastError> {
        let newest = control.read_blocking(|_| ())?.generation;
        let activity = &control.core().activity;
        let oldest = activity.oldest();
        let beyond = |(oldest, at)| PastError::BeyondHistory { oldest, at };
        let generation = match as_of {
            AsOf::Generation(generation) if generation > newest => return Err(PastError::NotYet { newest }),
            AsOf::Generation(generation) => generation,
            AsOf::Time(time) if time > control.now() => return Err(PastError::NotYet { newest }),
            AsOf::Time(time) => match (activity.generation_at(end_of_second(time)), oldest) {
                (Some(generation), _) => generation,
                (None, None) => 0,
                (None, Some(oldest)) => return Err(beyond(oldest)),
            },
        };
        match oldest {
            Some(oldest) if generation + 1 < oldest.0 => return Err(beyond(oldest)),
            None if generation < newest => return Err(beyond((newest, control.now()))),
            _ => {}
        }
        let snapshot = control.snapshot_blocking()?;
        // What a damaged record took back nobody knows: it may be just what is asked for.
        if let Some(damaged) = activity.first_damaged_after(generation) {
            history::read(&*snapshot, damaged, 1)?;
        }
        let snapshot = RefCell::new(snapshot);
        Ok(Self { control: control.clone(), generation, snapshot })
    }

    fn beyond(&self) -> PastError {
        let (oldest, at) =
            self.control.core().activity.oldest().unwrap_or((self.generation, self.control.now()));
        PastError::BeyondHistory { oldest, at }
    }

    /// The record of a generation that the index knows.
    fn record(&self, generation: u64) -> Result<HistoryRecord, PastError> {
        let read = |snapshot: &dyn Snapshot| -> Result<Option<HistoryRecord>, HistoryError> {
            let found = history::read(snapshot, generation, 1)?.pop();
            Ok(found.filter(|record| record.generation == generation))
        };
        if let Some(record) = read(&**self.snapshot.borrow())? {
            return Ok(record);
        }
        // It may be newer than the view of the disk; otherwise history has forgotten it meanwhile.
        *self.snapshot.borrow_mut() = self.control.snapshot_blocking()?;
        read(&**self.snapshot.borrow())?.ok_or_else(|| self.beyond())
    }

    /// The groups that an account had, the newest first, this many at most. Of those that went since the ones that went
    /// in the first [`GONE_MAX`] changes of that kind are among them.
    pub(crate) fn groups(
        &self,
        account: AccountId,
        most: usize,
    ) -> Result<Vec<Arc<SecurityGroup>>, PastError> {
        // First the state, then the index: what went meanwhile is in both.
        let now = |state: &State| {
            let present = state.groups().newest_first(account);
            present.map(|group| (group.serial, group.id)).collect::<BTreeSet<_>>()
        };
        let mut known = self.control.read_blocking(now)?.value;
        let gone = self.control.core().activity.touched_after(&Touched::GroupGone(account), self.generation);
        for generation in gone.into_iter().take(GONE_MAX) {
            for change in self.record(generation)?.changes {
                if let (Some(Entity::SecurityGroup(group)), None) = (change.before, change.after)
                    && group.account == account
                {
                    known.insert((group.serial, group.id));
                }
            }
        }
        // In the order of creation, so that those which were there come before those which were not yet.
        let known: Vec<SecurityGroupId> = known.into_iter().map(|(_, id)| id).collect();
        let (mut there, mut not_yet) = (0, known.len());
        while there < not_yet {
            let middle = there + (not_yet - there) / 2;
            match self.group(known[middle])? {
                Some(_) => there = middle + 1,
                None => not_yet = middle,
            }
        }
        let mut found = Vec::new();
        for id in known[..there].iter().rev().take(most) {
            found.extend(self.group(*id)?);
        }
        Ok(found)
    }

    /// How many members a group had; none: that takes more than `reads_left` records, of which the ones that are read are
    /// taken off.
    pub(crate) fn member_count(
        &self,
        group: SecurityGroupId,
        reads_left: &mut usize,
    ) -> Result<Option<usize>, PastError> {
        let now = self.control.read_blocking(|state| state.member_count(group))?.value;
        let touched = self.control.core().activity.touched_after(&Touched::MembersOf(group), self.generation);
        let Some(left) = reads_left.checked_sub(touched.len()) else { return Ok(None) };
        *reads_left = left;
        match touched.is_empty() {
            true => Ok(Some(now)),
            false => self.members(group).map(|members| Some(members.len())),
        }
    }

    /// The interfaces that were members of a group.
    fn members(&self, group: SecurityGroupId) -> Result<Vec<NetworkInterfaceId>, PastError> {
        let now = |state: &State| state.members(group).map(|own| own.id).collect::<Vec<_>>();
        let mut members: BTreeMap<NetworkInterfaceId, bool> =
            self.control.read_blocking(now)?.value.into_iter().map(|id| (id, true)).collect();
        let touched = self.control.core().activity.touched_after(&Touched::MembersOf(group), self.generation);
        let was_in = |entity: &Option<Entity>| matches!(entity, Some(Entity::Interface(own)) if own.groups.contains(&group));
        for generation in touched.into_iter().rev() {
            for change in self.record(generation)?.changes {
                let Some(Entity::Interface(one)) = change.after.as_ref().or(change.before.as_ref()) else {
                    continue;
                };
                members.insert(one.id, was_in(&change.before));
            }
        }
        // An interface that such a record only mentions is a member if it was one before that record.
        Ok(members.into_iter().filter(|(_, is_in)| *is_in).map(|(id, _)| id).collect())
    }

    fn thing(&self, key: &EntityKey) -> Result<ThingAt, PastError> {
        let entity = self.entity(key)?;
        let mut members = Vec::new();
        if let (EntityKey::SecurityGroup(group), Some(_)) = (key, &entity) {
            members = self.members(*group)?;
        }
        let activity = &self.control.core().activity;
        let made_by = activity.last_touched(&[Touched::Entity(key.clone())], self.generation);
        let member_count = members.len();
        members.truncate(MEMBERS_MAX);
        Ok(ThingAt {
            generation: self.generation,
            entity,
            members,
            member_count,
            made_by: made_by.and_then(|generation| activity.event(generation)),
        })
    }
}

impl View for Past {
    fn generation(&self) -> u64 {
        self.generation
    }

    fn entity(&self, key: &EntityKey) -> Result<Option<Entity>, PastError> {
        // First the state, then the index: what the state shows the index knows.
        let now = self.control.read_blocking(|state| present(state, key))?.value;
        let activity = &self.control.core().activity;
        let mut after = self.generation;
        while let Some(generation) = activity.first_touched_after(&Touched::Entity(key.clone()), after) {
            let is_key = |entity: &Option<Entity>| entity.as_ref().is_some_and(|own| own.key() == *key);
            let changes = self.record(generation)?.changes;
            let change = changes.into_iter().find(|change| is_key(&change.after) || is_key(&change.before));
            if let Some(change) = change {
                return Ok(change.before);
            }
            after = generation;
        }
        Ok(now)
    }

    fn interfaces_at(
        &self,
        account: AccountId,
        address: IpAddr,
    ) -> Result<Vec<Arc<NetworkInterface>>, PastError> {
        let now = |state: &State| state.interfaces_at(account, address).map(|own| own.id).collect::<Vec<_>>();
        let mut candidates = self.control.read_blocking(now)?.value;
        let touched = Touched::Address(account, address);
        for generation in self.control.core().activity.touched_after(&touched, self.generation) {
            for change in self.record(generation)?.changes {
                if let Some(Entity::Interface(before)) = change.before {
                    candidates.push(before.id);
                }
            }
        }
        candidates.sort_unstable();
        candidates.dedup();
        let mut found = Vec::new();
        for id in candidates {
            let own = self.interface(id)?;
            found.extend(own.filter(|own| own.account == account && has(own, address)));
        }
        Ok(found)
    }
}

/// Whether an interface has an address.
pub(crate) fn has(interface: &NetworkInterface, address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => interface.addresses().any(|own| own == address),
        IpAddr::V6(address) => interface.ipv6_addresses.contains(&address),
    }
}

impl Control {
    /// A group, interface, instance, vSwitch, network, node or binding as it was at a moment. Whose it is, the caller looks
    /// at.
    ///
    /// # Errors
    /// History does not go back so far, or cannot be read.
    pub async fn thing_at(&self, key: EntityKey, as_of: AsOf) -> Result<ThingAt, PastError> {
        let control = self.clone();
        let reading = survey::blocking(move || Past::open(&control, as_of)?.thing(&key));
        reading.await.map_err(|_| Unavailable)?
    }

    /// What `pick` keeps of the records of these generations, as far as there are any, in the order that they are given in.
    /// One record is in memory at a time.
    ///
    /// # Errors
    /// The history cannot be read.
    pub async fn records_of<T: Send + 'static>(
        &self,
        generations: Vec<u64>,
        pick: impl Fn(HistoryRecord) -> T + Send + 'static,
    ) -> Result<Vec<T>, HistoryError> {
        if generations.is_empty() {
            return Ok(Vec::new());
        }
        let snapshot = self.snapshot().await?;
        let reading = survey::blocking(move || {
            let mut found = Vec::with_capacity(generations.len());
            for generation in generations {
                let record = history::read(&*snapshot, generation, 1)?.pop();
                found.extend(record.filter(|record| record.generation == generation).map(&pick));
            }
            Ok(found)
        });
        reading.await.map_err(|_| Unavailable)?
    }
}
