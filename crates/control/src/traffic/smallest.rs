//! The smallest single change that would flip a verdict.

use policy::{
    Group, PolicyClass,
    difference::Bounds,
    flip::{self, Flip, Flips, SingleChange},
    text::Flow,
};

use crate::past::PastError;

/// The most changes that are measured first: to remove a rule, and to add one.
const MEASURED_FIRST: usize = 2;
/// The most that are measured where neither flips the verdict.
const MEASURED_MAX: usize = 8;
/// How much is done to measure one.
const BOUNDS: Bounds = Bounds { pieces_max: 20, work_max: 200_000 };

/// The change that flips a verdict and does the least beside, of those that were compared.
#[derive(Debug, Clone)]
pub struct Smallest {
    /// The change.
    pub flip: Flip,
    /// How many groups there are beside that would flip it if the interface joined them, and were not compared: their
    /// rules may do more.
    pub not_compared: usize,
}

/// The change that flips the verdict and does the least beside. Leaving and joining groups are measured only where no change
/// of a rule flips it: what the rules of a whole group do is more, and takes long to tell. So `joinable` is asked only then.
pub(super) fn smallest(
    class: &PolicyClass,
    flow: &Flow,
    rules_per_group_max: usize,
    joinable: impl FnOnce() -> Result<Vec<Group>, PastError>,
) -> Result<Option<Smallest>, PastError> {
    let is_of_a_rule =
        |own: &Flip| matches!(own.change, SingleChange::RemoveRule { .. } | SingleChange::AddRule { .. });
    let options =
        flip::Options { joinable: &[], rules_per_group_max, measured_max: MEASURED_FIRST, bounds: BOUNDS };
    let mut found = flip::flip(class, flow, &options);
    if !found.changes.iter().any(is_of_a_rule) {
        let joinable = joinable()?;
        let options = flip::Options { joinable: &joinable, measured_max: MEASURED_MAX, ..options };
        found = flip::flip(class, flow, &options);
    }
    let Flips { changes, unmeasured } = found;
    // Beside changes of rules there is only leaving the group that decides, which is no group to join.
    let is_of_groups = |own: &Flip| !is_of_a_rule(own);
    Ok(changes
        .into_iter()
        .next()
        .map(|flip| Smallest { not_compared: if is_of_groups(&flip) { unmeasured } else { 0 }, flip }))
}
