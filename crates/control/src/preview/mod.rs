//! What a change would do, without doing it.
//!
//! The very planner of the real change is asked, against the state as it is: so it is refused for the same reasons. What
//! it would change is taken apart by policy classes (`concerned`): interfaces that are in the same groups before and after
//! have one difference, which is computed once. Nodes are asked for the flows of the interfaces concerned (`flows`), and
//! each is judged by the policy that would be. What is bounded is counted where it is cut short.

mod accepting;
mod concerned;
mod flows;
mod unchanged;
mod warning;

use std::{net::IpAddr, sync::Arc, time::Duration};

use model::{Actor, Command, Context, Refusal, SecurityGroupId, UnixMillis};
use policy::{
    Group, PolicyClass,
    difference::{Bounds, Difference, Region},
};

pub use self::{
    concerned::Concerned,
    flows::{AskedNode, FlowFate, FlowsFound, JudgedFlow},
    unchanged::Unchanged,
    warning::Warning,
};
use crate::{
    control::Control,
    desired,
    published::{Read, Unavailable},
    survey,
};

/// How much of a preview is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreviewBounds {
    /// The most classes whose difference is computed, those of the most interfaces first.
    pub policies_max: usize,
    /// How much is done for the difference of one in any case, and how much of it is listed.
    pub difference: Bounds,
    /// How much more is done for those that take more, all together.
    pub more_work_max: usize,
    /// The most interfaces whose flows are asked for.
    pub asked_interfaces_max: usize,
    /// The most flows that are listed.
    pub flows_max: usize,
}

impl Default for PreviewBounds {
    fn default() -> Self {
        Self {
            policies_max: 20,
            difference: Bounds { pieces_max: 200, work_max: 500_000 },
            // Ten millions take less than a second. Rules that people write are far from it; of 1,000 that cut each other in
            // four dimensions the difference may still not be whole.
            more_work_max: 10_000_000,
            asked_interfaces_max: 64,
            flows_max: 200,
        }
    }
}

/// What is previewed, and for whom.
#[derive(Debug)]
pub struct PreviewWish {
    /// Who asks.
    pub actor: Actor,
    /// What would be done.
    pub command: Command,
    /// The address that the caller is at, to warn of cutting it off.
    pub source: Option<IpAddr>,
    /// How long nodes may take to answer; zero: they are not asked.
    pub flow_wait: Duration,
    /// How much is shown.
    pub bounds: PreviewBounds,
}

/// Why there is no preview.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PreviewError {
    /// The change itself would be refused, for this reason.
    #[error(transparent)]
    Refused(Refusal),
    /// The state cannot be shown at present.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// What a change would do to interfaces that are in the same groups before it and after.
#[derive(Debug, Clone)]
pub struct PolicyChange {
    /// Their groups now.
    pub before: Vec<SecurityGroupId>,
    /// Their groups then.
    pub after: Vec<SecurityGroupId>,
    /// The interfaces, in the order of their ids.
    pub interfaces: Vec<Concerned>,
    /// What would be decided otherwise; none: the groups have more rules together than can be enforced.
    pub difference: Option<Difference>,
    /// Whether they accept anything new now.
    pub accepts_before: bool,
    /// Whether they would.
    pub accepts_after: bool,
}

/// What a change would do.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The generation of the state that it is about.
    pub generation: u64,
    /// How many interfaces the change concerns.
    pub interface_count: usize,
    /// How many nodes they are bound to.
    pub node_count: usize,
    /// How many of them are bound to no node.
    pub unbound_count: usize,
    /// What changes for them, most interfaces first.
    pub policies: Vec<PolicyChange>,
    /// How many further classes there are, whose differences were not computed.
    pub policies_left_out: usize,
    /// How many interfaces have one of those.
    pub interfaces_left_out: usize,
    /// The flows of the interfaces.
    pub flows: FlowsFound,
    /// What people should know before they do it.
    pub warnings: Vec<Warning>,
}

/// A change of policy that is to be computed.
struct Computed {
    change: PolicyChange,
    after: Option<Arc<PolicyClass>>,
    /// A piece, as text, of what the caller's address may do now and could not do then.
    own_access_ends: Option<String>,
}

impl Control {
    /// What a change would do. Nothing is changed, and no generation is used up.
    ///
    /// # Errors
    /// The change would be refused, or the state cannot be shown.
    pub async fn preview(&self, wish: PreviewWish) -> Result<Preview, PreviewError> {
        let PreviewWish { actor, command, source, flow_wait, bounds } = wish;
        let settings = &self.core().settings;
        let now = self.core().clock.now();
        let planned = self.read(|state| {
            // Nothing is made, so that nobody can guess what its id would be.
            let mut entropy = || 0;
            let mut context = Context {
                now,
                entropy: &mut entropy,
                limits: &settings.limits,
                timing: &settings.timing,
                site: &settings.site,
            };
            model::plan(state, actor, &command, &mut context)
                .map(|plan| concerned::concerned(&plan.changes, state))
        });
        let Read { value: concerned, generation } = planned.await?;
        let concerned = concerned.map_err(PreviewError::Refused)?;
        let computing = survey::blocking(move || (compute(&concerned, source, bounds), concerned));
        let (computed, concerned) = computing.await.map_err(|_| Unavailable)?;
        let flows = flows::ask(self, &computed, &concerned, flow_wait, source, bounds).await;
        let warnings = warning::warnings(&computed, &concerned, &flows, source);
        Ok(Preview {
            generation,
            interface_count: concerned.interface_count(),
            node_count: concerned.nodes.len(),
            unbound_count: concerned.unbound_count(),
            policies_left_out: concerned.classes.len() - computed.len(),
            interfaces_left_out: concerned
                .classes
                .iter()
                .skip(computed.len())
                .map(|own| own.interfaces.len())
                .sum(),
            policies: computed.into_iter().map(|own| own.change).collect(),
            flows,
            warnings,
        })
    }

    /// The time, as this control plane has it.
    pub fn now(&self) -> UnixMillis {
        self.core().clock.now()
    }
}

fn compute(
    concerned: &concerned::ConcernedClasses,
    source: Option<IpAddr>,
    bounds: PreviewBounds,
) -> Vec<Computed> {
    let mut groups = concerned::Groups::default();
    let mut more_work = bounds.more_work_max;
    let classes = concerned.classes.iter().take(bounds.policies_max);
    classes.map(|own| computed(own, &mut groups, source, (bounds.difference, &mut more_work))).collect()
}

fn computed(
    own: &concerned::ConcernedClass,
    groups: &mut concerned::Groups,
    source: Option<IpAddr>,
    (bounds, more_work): (Bounds, &mut usize),
) -> Computed {
    let before = PolicyClass::new(own.before.iter().map(|group| groups.rules_of(group))).ok();
    let after = PolicyClass::new(own.after.iter().map(|group| groups.rules_of(group))).ok();
    let both = before.as_ref().zip(after.as_ref());
    // What concerns the caller is looked for in everything, and only then is the list cut short.
    let work_max = bounds.work_max.saturating_add(*more_work);
    let all = Bounds { pieces_max: usize::MAX, work_max };
    let mut difference = both.map(|(before, after)| {
        let (difference, work) = Difference::with_work(before, after, &Region::every(), all);
        *more_work = more_work.saturating_sub(work.saturating_sub(bounds.work_max));
        difference
    });
    let own_access_ends = difference.as_ref().zip(source).and_then(|(own, at)| warning::own_access(own, at));
    if let Some(difference) = &mut difference {
        difference.list_most(bounds.pieces_max);
    }
    let ids =
        |groups: &[Arc<model::security_group::SecurityGroup>]| groups.iter().map(|group| group.id).collect();
    let change = PolicyChange {
        before: ids(&own.before),
        after: ids(&own.after),
        interfaces: own.interfaces.clone(),
        difference,
        accepts_before: before.as_ref().is_none_or(|class| accepting::accepts(class, bounds)),
        accepts_after: after.as_ref().is_none_or(|class| accepting::accepts(class, bounds)),
    };
    Computed { change, after: after.map(Arc::new), own_access_ends }
}

/// The rules of a group, as classes have them.
fn rules_of(group: &model::security_group::SecurityGroup) -> Group {
    desired::rules_of(group)
}
