//! Why traffic passes or does not: what the interface that sends it decides, and what the one that gets it.
//!
//! The verdicts are the evaluator's. What is told beside them: which rules were looked at, how the interface came into the
//! group that decides, whether that is in force on its node, and the smallest single change that would flip the verdict.
//! All of it is of one generation, the newest or one of the past (`past`).

mod ends;
mod joinable;
mod smallest;
mod standing;

use std::{net::IpAddr, sync::Arc};

use model::{
    AccountId, InstanceId, NetworkId, NetworkInterfaceId, NodeId, SecurityGroupId,
    interface::NetworkInterface,
    node::NodeStatus,
    rule::{Direction, Policy},
    security_group::SecurityGroup,
};
use policy::{
    Packet, PolicyClass, evaluate,
    explain::{Explanation, explain},
    text::Flow,
};

use self::joinable::Joinable;
pub use self::{
    ends::{End, TrafficError},
    smallest::Smallest,
    standing::Standing,
};
use crate::{
    activity::Event,
    control::Control,
    desired,
    past::{AsOf, Past, Present, View},
    published::{Read, Unavailable},
    survey,
};

/// The port that flows are from where none is given: the first of the dynamic ones (RFC 6335).
pub const SOURCE_PORT: u16 = 49_152;

/// Which traffic.
#[derive(Debug, Clone)]
pub struct TrafficWish {
    /// Whose interfaces.
    pub account: AccountId,
    /// Who begins the flow.
    pub from: End,
    /// Whom it is for.
    pub to: End,
    /// The number of its protocol.
    pub protocol: u8,
    /// Its ports, source first; they count for TCP and UDP.
    pub ports: (u16, u16),
    /// Of which moment; none: now.
    pub as_of: Option<AsOf>,
}

/// A group that an interface is in, and since when.
#[derive(Debug, Clone)]
pub struct Membership {
    /// The group.
    pub group: Arc<SecurityGroup>,
    /// The event by which the interface came to be in it; none: it is older than history.
    pub since: Option<Event>,
}

/// What one interface decides.
#[derive(Debug, Clone)]
pub struct Side {
    /// The interface.
    pub interface: NetworkInterfaceId,
    /// Its instance.
    pub instance: Option<InstanceId>,
    /// Its network.
    pub network: Option<NetworkId>,
    /// The flow as it sees it.
    pub flow: Flow,
    /// Accept or drop.
    pub verdict: Policy,
    /// The groups that it is in.
    pub memberships: Vec<Membership>,
    /// Their rules.
    pub class: PolicyClass,
    /// The change that flips the verdict and does the least beside; none: no single change does.
    pub smallest: Option<Smallest>,
    /// Whether all of this is in force on its node.
    pub standing: Standing,
}

impl Side {
    /// The rules that were looked at; of each kind at most so many.
    pub fn explanation(&self, listed_max: usize) -> Explanation<'_> {
        explain(&self.class, &self.flow, listed_max)
    }

    /// The membership of one of its groups.
    pub fn membership(&self, group: SecurityGroupId) -> Option<&Membership> {
        self.memberships.iter().find(|own| own.group.id == group)
    }
}

/// Why traffic passes or does not.
#[derive(Debug, Clone)]
pub struct Traffic {
    /// The generation that it is about.
    pub generation: u64,
    /// Its first packet.
    pub packet: Packet,
    /// What the interface decides that sends it; none: nobody's of the account.
    pub source: Option<Side>,
    /// What the interface decides that gets it.
    pub destination: Option<Side>,
    /// The oldest generation of which there is a record.
    pub oldest: Option<u64>,
}

impl Traffic {
    /// Whether it passes at all of the account's interfaces on its way.
    pub fn verdict(&self) -> Policy {
        let sides = [&self.source, &self.destination];
        match sides.into_iter().flatten().all(|side| side.verdict == Policy::Accept) {
            true => Policy::Accept,
            false => Policy::Drop,
        }
    }

    /// Whether both ends are the same interface: its host keeps such packets to itself.
    pub fn is_to_itself(&self) -> bool {
        let interface = |side: &Option<Side>| side.as_ref().map(|side| side.interface);
        interface(&self.source).is_some_and(|source| interface(&self.destination) == Some(source))
    }

    /// Whether both ends are the account's, in networks that do not reach each other by themselves.
    pub fn is_across_networks(&self) -> bool {
        let network = |side: &Option<Side>| side.as_ref().and_then(|side| side.network);
        match (network(&self.source), network(&self.destination)) {
            (Some(source), Some(destination)) => source != destination,
            _ => false,
        }
    }
}

/// An interface of the account at one end, with everything that decides.
#[derive(Clone)]
pub(crate) struct Own {
    pub(crate) interface: Arc<NetworkInterface>,
    pub(crate) network: Option<NetworkId>,
    pub(crate) node: Option<NodeId>,
    pub(crate) node_status: Option<NodeStatus>,
    pub(crate) address: IpAddr,
    pub(crate) groups: Vec<Arc<SecurityGroup>>,
}

/// Everything that was found about the two ends.
pub(crate) struct Found {
    pub(crate) from: ends::Resolved,
    pub(crate) to: ends::Resolved,
}

impl Control {
    /// Why traffic passes or does not.
    ///
    /// # Errors
    /// What is named does not exist, none of it is the account's, or the past is not known.
    pub async fn explain_traffic(&self, wish: TrafficWish) -> Result<Traffic, TrafficError> {
        let control = self.clone();
        let explained = match wish.as_of {
            Some(as_of) => survey::blocking(move || {
                let past = Past::open(&control, as_of)?;
                let found = ends::find(&past, &wish)?;
                explained(&control, &wish, &found, past.generation(), &Joinable::then(&past, wish.account))
            }),
            None => {
                let members_max = self.core().settings.limits.interfaces_per_group;
                let find = |state: &model::State| {
                    let joinable = joinable::now(state, wish.account, members_max);
                    ends::find(&Present(state), &wish).map(|found| (found, joinable))
                };
                let Read { value: found, generation } = self.read(find).await.map_err(TrafficError::from)?;
                let (found, joinable) = found?;
                survey::blocking(move || {
                    explained(&control, &wish, &found, generation, &Joinable::Now(joinable))
                })
            }
        };
        explained.await.map_err(|_| Unavailable)?
    }
}

fn explained(
    control: &Control,
    wish: &TrafficWish,
    found: &Found,
    generation: u64,
    joinable: &Joinable<'_>,
) -> Result<Traffic, TrafficError> {
    let classes = |own: &ends::Resolved| own.own().map(class).transpose();
    let (from_class, to_class) = (classes(&found.from)?, classes(&found.to)?);
    let (source, destination) =
        ends::addresses(found, wish.protocol, from_class.as_ref(), to_class.as_ref())?;
    let packet = Packet::new(wish.protocol, source, destination, wish.ports)
        .map_err(|_| TrafficError::MixedFamilies)?;
    let side = |own: Option<&Own>, class: Option<PolicyClass>, direction| {
        let Some((own, class)) = own.zip(class) else { return Ok(None) };
        let flow = Flow { direction, first: packet };
        side(control, own, class, flow, joinable, (generation, wish.as_of.is_some())).map(Some)
    };
    Ok(Traffic {
        generation,
        packet,
        source: side(found.from.own(), from_class, Direction::Egress)?,
        destination: side(found.to.own(), to_class, Direction::Ingress)?,
        oldest: control.core().activity.oldest().map(|(generation, _)| generation),
    })
}

fn class(own: &Own) -> Result<PolicyClass, TrafficError> {
    let rules = own.groups.iter().map(|group| desired::rules_of(group));
    PolicyClass::new(rules).map_err(|error| TrafficError::TooManyRules(error.to_string()))
}

fn side(
    control: &Control,
    own: &Own,
    class: PolicyClass,
    flow: Flow,
    joinable: &Joinable<'_>,
    (generation, is_past): (u64, bool),
) -> Result<Side, TrafficError> {
    let activity = &control.core().activity;
    let membership = |group: &Arc<SecurityGroup>| Membership {
        group: Arc::clone(group),
        since: activity.joined((own.interface.id, group.id), generation),
    };
    let verdict = evaluate(&class, flow.direction, &flow.first).policy;
    let limits = &control.core().settings.limits;
    let joinable = || match own.groups.len() < limits.groups_per_interface {
        true => joinable.groups(&class, &flow, limits.interfaces_per_group),
        false => Ok(Vec::new()),
    };
    let smallest = smallest::smallest(&class, &flow, limits.rules_per_group, joinable)?;
    let standing = match is_past {
        true => Standing::Past,
        false => standing::standing(control, own, generation),
    };
    Ok(Side {
        interface: own.interface.id,
        instance: own.interface.instance,
        network: own.network,
        flow,
        verdict,
        memberships: own.groups.iter().map(membership).collect(),
        class,
        smallest,
        standing,
    })
}
