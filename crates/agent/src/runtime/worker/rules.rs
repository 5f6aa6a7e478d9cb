//! Which rule of which group a place in a plan is.

use std::collections::BTreeMap;

use dataplane::{Dataplane, RulePlace, Stamp};
use model::{NetworkInterfaceId, SecurityGroupId, rule::Direction};
use policy::intent::ClassKey;

use crate::enforcer::{Enforcer, Rules};

/// The most classes whose rules are kept. They are asked for where packets are dropped or flows are listed, of few classes
/// at a time.
const CLASSES_MAX: usize = 64;

/// The rules of classes that were asked for, by the switch that put them in force.
#[derive(Debug, Default)]
pub(super) struct RuleNames(BTreeMap<(ClassKey, Stamp), Rules>);

impl RuleNames {
    /// The group of the rule that decided at an interface, and its place in the group. None: no rule did, or others are in
    /// force than those that did (`judged`; none: those in force now).
    pub(super) fn find<D: Dataplane>(
        &mut self,
        enforcer: &Enforcer<D>,
        interface: NetworkInterfaceId,
        judged: Option<Stamp>,
        (direction, place): (Direction, RulePlace),
    ) -> Option<(SecurityGroupId, usize)> {
        let class = enforcer.class_of(interface)?;
        let stamp = enforcer.stamp_of(class)?;
        if judged.is_some_and(|judged| judged != stamp) {
            return None;
        }
        let key = (class.clone(), stamp);
        if !self.0.contains_key(&key) {
            if self.0.len() >= CLASSES_MAX {
                self.0.clear();
            }
            self.0.insert(key.clone(), enforcer.rules_of(class)?);
        }
        self.0.get(&key)?.find(direction, place)
    }
}
