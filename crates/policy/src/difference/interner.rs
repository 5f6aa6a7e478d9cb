//! Sets, each kept once.

use std::collections::HashMap;

use super::set::Ranges;

/// A set that is kept once.
pub(super) type SetId = u32;

/// Sets, each kept once: equal sets have equal ids.
#[derive(Default)]
pub(super) struct Sets {
    all: Vec<Ranges>,
    ids: HashMap<Ranges, SetId>,
}

impl Sets {
    pub(super) fn intern(&mut self, ranges: Ranges) -> SetId {
        let next = SetId::try_from(self.all.len()).unwrap_or(SetId::MAX);
        *self.ids.entry(ranges).or_insert_with_key(|ranges| {
            self.all.push(ranges.clone());
            next
        })
    }

    pub(super) fn get(&self, id: SetId) -> &Ranges {
        &self.all[id as usize]
    }
}
