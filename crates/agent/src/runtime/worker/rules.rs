//! Which rules an interface is under.

use std::{collections::BTreeMap, sync::Arc};

use dataplane::{Dataplane, Stamp};
use model::NetworkInterfaceId;
use policy::intent::ClassKey;

use crate::{
    enforcer::{Enforcer, Rules},
    runtime::decided::RulesInForce,
};

/// The most classes whose rules are kept. They are asked for where packets are dropped or flows are listed, of few classes
/// at a time.
const CLASSES_MAX: usize = 64;

/// The rules of classes that were asked for, by the switch that put them in force.
#[derive(Debug, Default)]
pub(super) struct RuleNames(BTreeMap<(ClassKey, Stamp), Arc<Rules>>);

impl RuleNames {
    /// The rules that are in force at an interface; none: it is closed.
    pub(super) fn in_force<D: Dataplane>(
        &mut self,
        enforcer: &Enforcer<D>,
        interface: NetworkInterfaceId,
    ) -> Option<RulesInForce> {
        let class = enforcer.class_of(interface)?;
        let stamp = enforcer.stamp_of(class)?;
        let key = (class.clone(), stamp);
        if !self.0.contains_key(&key) {
            if self.0.len() >= CLASSES_MAX {
                self.0.clear();
            }
            self.0.insert(key.clone(), Arc::new(enforcer.rules_of(class)?));
        }
        self.0.get(&key).map(|rules| RulesInForce { stamp, rules: Arc::clone(rules) })
    }
}
