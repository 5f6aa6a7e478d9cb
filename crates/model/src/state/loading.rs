//! How a state comes from a store: all of it at once.

use super::State;
use crate::change::Entity;

/// Entities that become a [`State`] together.
///
/// Twice as fast as [`State::load`] for one after the other, because everything is indexed in the order in which it
/// was created: most indexes then grow at their ends alone.
#[derive(Debug, Default)]
pub struct Loading {
    state: State,
    waiting: Vec<Entity>,
}

impl Loading {
    /// Nothing so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an entity, in any order. Texts that many of them share are kept once from here on.
    pub fn add(&mut self, mut entity: Entity) {
        if let Entity::Instance(instance) = &mut entity {
            self.state.share_symbols(instance);
        }
        self.waiting.push(entity);
    }

    /// The state of all that was added.
    pub fn finish(mut self) -> State {
        self.waiting.sort_by_cached_key(Entity::serial);
        for entity in self.waiting {
            self.state.load(&entity);
        }
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{World, wish};

    #[test]
    fn the_order_of_loading_does_not_matter() {
        let mut world = World::new();
        let group = world.group();
        let vswitch = world.subnet();
        world.interface_in(vswitch, &[group]);
        world.running(crate::command::InstanceWish { amount: 3, group: Some(group), ..wish() });
        let mut entities: Vec<Entity> = world.state.entities().collect();
        entities.sort_by_key(|entity| format!("{:?}", entity.key()));
        let (mut loading, mut one_by_one) = (Loading::new(), State::new());
        for entity in entities {
            one_by_one.load(&entity);
            loading.add(entity);
        }
        assert_eq!(loading.finish().same_as(&world.state), Ok(()));
        assert_eq!(one_by_one.same_as(&world.state), Ok(()));
    }
}
