//! Classes: put in force before an interface has them, removed when none has.

use std::collections::BTreeSet;

use dataplane::{Dataplane, DataplaneError, Generation};
use model::NetworkInterfaceId;
use policy::{Plan, PolicyClass, intent::ClassKey};

use super::{Enforcer, Work, chain};
use crate::{
    loaded::{LoadedClass, LoadedPlan},
    outcome::ProblemKind,
};

impl<D: Dataplane> Enforcer<D> {
    /// The classes that are wanted.
    pub(super) fn every_load(&self) -> impl Iterator<Item = (&ClassKey, &PolicyClass)> {
        self.intent.classes()
    }

    /// Puts a class in force. Where that fails, its interfaces are closed: its rules may take access away.
    pub(super) fn load(&mut self, key: &ClassKey, class: &PolicyClass, work: &mut Work) {
        // A later step of the same update may have unloaded it again.
        if self.intent.class(key) != Some(class) {
            return;
        }
        let plan = Plan::compile(class);
        let (generation, digest) = (Generation(self.wanted.generation), plan.digest());
        let loaded = self.classes.get(&key.label()).copied();
        // Where the generation has gone back, the plan is put in force anew: none is from after what is wanted.
        let is_it = |found: LoadedPlan| found.digest == digest && found.generation <= generation;
        if loaded.and_then(|loaded| loaded.plan).is_some_and(is_it) {
            return;
        }
        work.classes.insert(key.clone());
        let switched = (|| {
            let id = match loaded {
                Some(loaded) => loaded.id,
                None => self.dataplane.create_class(key.label())?,
            };
            self.classes.insert(key.label(), LoadedClass { id, plan: None });
            let stamp = self.dataplane.switch(id, generation, &plan)?;
            let plan = Some(LoadedPlan { generation, digest, stamp });
            Ok::<_, DataplaneError>(LoadedClass { id, plan })
        })();
        match switched {
            Ok(loaded) => drop(self.classes.insert(key.label(), loaded)),
            Err(error) => self.close_members(key, &ProblemKind::Dataplane(chain(&error)), work),
        }
    }

    /// Closes the interfaces of a class that is not in force as it should be, until it is.
    pub(super) fn close_members(&mut self, key: &ClassKey, wrong: &ProblemKind, work: &mut Work) {
        self.failed.insert(key.clone());
        if let Some(loaded) = self.classes.get_mut(&key.label()) {
            loaded.plan = None;
        }
        let members: Vec<NetworkInterfaceId> =
            self.intent.interfaces().filter(|(_, of)| *of == key).map(|(interface, _)| interface).collect();
        for interface in members {
            work.problems.entry(interface).or_insert_with(|| wrong.clone());
            self.close(interface, work);
        }
    }

    /// Interfaces are assigned to others before, so that none has them; where one could not be moved, the next update tries
    /// again.
    pub(super) fn drop_unwanted_classes(&mut self) {
        if self.classes.len() == self.intent.classes().count() {
            return;
        }
        let wanted: BTreeSet<u128> = self.intent.classes().map(|(key, _)| key.label()).collect();
        let unwanted: Vec<_> = self
            .classes
            .iter()
            .filter(|(label, _)| !wanted.contains(label))
            .map(|(l, c)| (*l, c.id))
            .collect();
        for (label, id) in unwanted {
            match self.dataplane.remove_class(id) {
                Ok(()) => drop(self.classes.remove(&label)),
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "a class stays"),
            }
        }
    }
}
