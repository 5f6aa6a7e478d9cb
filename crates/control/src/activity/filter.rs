//! Which events somebody wants to see.

use model::{AccountId, Actor, EntityKey, UnixMillis, ram::UserId};

use super::{Activity, Event, EventPlace, Head, Kept, OutcomeKind, touches::Touched};
use crate::control::Control;

/// A RAM user, as somebody names it: by its number, or by what it was called when it acted. Whether it is there still does
/// not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedUser {
    name: Box<str>,
    id: Option<UserId>,
}

impl NamedUser {
    /// The user of this name or number.
    pub fn new(text: &str) -> Self {
        Self { name: text.into(), id: text.parse().ok().map(UserId) }
    }

    /// Its number, where it is named by one.
    pub fn id(&self) -> Option<UserId> {
        self.id
    }

    fn is(&self, user: UserId, name: Option<&str>) -> bool {
        self.id == Some(user) || name == Some(&*self.name)
    }
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActorFilter {
    /// The account's root.
    Root,
    /// A RAM user: this one, or any.
    User(Option<NamedUser>),
    /// A node.
    Node,
    /// The operator of the server.
    Operator,
    /// The clock: what time brings about.
    Clock,
    /// Everybody but the clock.
    NotTheClock,
}

impl ActorFilter {
    fn admits(&self, actor: Actor, name: Option<&str>) -> bool {
        match self {
            Self::Root => matches!(actor, Actor::Root(_)),
            Self::User(None) => matches!(actor, Actor::User(..)),
            Self::User(Some(wanted)) => matches!(actor, Actor::User(_, user) if wanted.is(user, name)),
            Self::Node => matches!(actor, Actor::Node(_)),
            Self::Operator => actor == Actor::Operator,
            Self::Clock => actor == Actor::Clock,
            Self::NotTheClock => actor != Actor::Clock,
        }
    }
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceFilter {
    /// The entities; none: nothing that there ever was.
    pub entities: Vec<EntityKey>,
    /// The id, as refused calls named it.
    pub id: Box<str>,
    /// Of the refused calls those of this actor alone; none: those of everybody.
    pub refused_of: Option<Actor>,
}

/// Which events. All that is said must fit.
#[derive(Debug, Clone)]
pub struct EventFilter {
    /// Whose events.
    pub account: AccountId,
    /// Of this operation.
    pub operation: Option<Box<str>>,
    /// By whom.
    pub actor: ActorFilter,
    /// About what.
    pub resource: Option<ResourceFilter>,
    /// Not before this time.
    pub from: Option<UnixMillis>,
    /// Not after this time.
    pub until: Option<UnixMillis>,
    /// With which outcome.
    pub outcome: Option<OutcomeKind>,
}

/// Some events, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// They.
    pub events: Vec<Event>,
    /// Whether there are older ones.
    pub more: bool,
    /// The oldest generation that history has; none: it has none.
    pub oldest: Option<(u64, UnixMillis)>,
}

impl EventFilter {
    fn admits(&self, at: UnixMillis, (actor, name): (Actor, Option<&str>), operation: &str) -> bool {
        self.operation.as_deref().is_none_or(|wanted| wanted == operation)
            && self.actor.admits(actor, name)
            && self.from.is_none_or(|from| at >= from)
            && self.until.is_none_or(|until| at <= until)
    }

    fn admits_applied(&self, head: &Head) -> bool {
        let who = (head.actor, head.actor_name.as_deref());
        head.accounts.contains(&self.account) && self.admits(head.at, who, &head.operation)
    }

    fn admits_refused(&self, event: &Event) -> bool {
        let is_about = |resource: &ResourceFilter| {
            event.about.contains(&resource.id) && resource.refused_of.is_none_or(|actor| actor == event.actor)
        };
        let who = (event.actor, event.actor_name.as_deref());
        self.resource.as_ref().is_none_or(is_about) && self.admits(event.at, who, &event.operation)
    }
}

impl Kept {
    /// The heads that fit and stand before a place, the newest first.
    fn applied<'a>(
        &'a self,
        filter: &'a EventFilter,
        before: EventPlace,
    ) -> Box<dyn Iterator<Item = &'a Head> + 'a> {
        let fits = move |head: &&Head| head.place() < before && filter.admits_applied(head);
        let Some(resource) = &filter.resource else {
            let end = self.heads.partition_point(|head| head.place() < before);
            return Box::new(self.heads.range(..end).rev().filter(fits));
        };
        let mut generations: Vec<u64> = Vec::new();
        for entity in &resource.entities {
            let also = match entity {
                EntityKey::Instance(id) => Some(Touched::InterfaceOf(*id)),
                EntityKey::SecurityGroup(id) => Some(Touched::MembersOf(*id)),
                _ => None,
            };
            for touched in [Some(Touched::Entity(entity.clone())), also].into_iter().flatten() {
                generations.extend(self.touches.from(&touched, 0));
            }
        }
        generations.sort_unstable();
        generations.dedup();
        Box::new(generations.into_iter().rev().filter_map(|generation| self.head(generation)).filter(fits))
    }

    pub(super) fn head(&self, generation: u64) -> Option<&Head> {
        let place = self.heads.binary_search_by_key(&generation, |head| head.generation).ok()?;
        self.heads.get(place)
    }
}

impl Activity {
    /// The events that fit and stand before a place, the newest first, at most so many.
    pub(crate) fn page(&self, filter: &EventFilter, before: Option<EventPlace>, most: usize) -> EventPage {
        let kept = self.kept.read();
        let before = before.unwrap_or(EventPlace { generation: u64::MAX, refusal: u64::MAX });
        let wants = |kind| filter.outcome.is_none_or(|outcome| outcome == kind);
        let applied = kept.applied(filter, before).filter(|_| wants(OutcomeKind::Applied));
        let refused = kept.refused.get(&filter.account).into_iter().flat_map(|own| own.iter().rev());
        let refused = refused.filter(|_| wants(OutcomeKind::Refused));
        let refused = refused.filter(|event| event.place < before && filter.admits_refused(event));
        let (mut applied, mut refused) = (applied.peekable(), refused.peekable());
        let mut events = Vec::new();
        let mut more = false;
        loop {
            let is_applied = match (applied.peek(), refused.peek()) {
                (None, None) => break,
                (Some(head), Some(event)) => head.place() > event.place,
                (applied, _) => applied.is_some(),
            };
            if events.len() == most {
                more = true;
                break;
            }
            let next = if is_applied { applied.next().map(Head::event) } else { refused.next().cloned() };
            events.extend(next);
        }
        let oldest = kept.heads.front().map(|head| (head.generation, head.at));
        EventPage { events, more, oldest }
    }
}

impl Control {
    /// The events that fit and stand before a place, the newest first, at most so many. What changes changed is in their
    /// history records.
    pub fn events(&self, filter: &EventFilter, before: Option<EventPlace>, most: usize) -> EventPage {
        self.core().activity.page(filter, before, most)
    }
}
