//! From diagrams to pieces: every way through a diagram is one, and then pieces are merged for as long as any two can be.

use std::collections::HashMap;

use super::{
    diagram::{CLOSES, Diagram, NodeId, OPENS},
    extent::DIMENSIONS,
    interner::{SetId, Sets},
    piece::Effect,
    protocols::Protocols,
    set::Ranges,
};

/// A piece while it is made: the sets are those of the dimensions, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Draft {
    pub(super) effect: Effect,
    pub(super) protocols: Protocols,
    pub(super) sets: [SetId; DIMENSIONS],
}

/// The most steps that are made through a diagram, whose ways can be many more than its nodes.
const STEPS_MAX: usize = 200_000;

/// All ways through a diagram that end in a difference, and whether these are all differences: they are not where the
/// work was not enough, or the steps.
pub(super) fn ways(diagram: &Diagram) -> (Vec<Draft>, bool) {
    let mut walk = Walk { diagram, left: STEPS_MAX, drafts: Vec::new(), is_whole: true };
    for (protocols, root) in &diagram.roots {
        walk.follow(*root, *protocols, diagram.every());
    }
    (walk.drafts, walk.is_whole)
}

struct Walk<'a> {
    diagram: &'a Diagram,
    /// How many steps may still be made.
    left: usize,
    drafts: Vec<Draft>,
    is_whole: bool,
}

impl Walk<'_> {
    /// Follows a node's branches. Dimensions that no node on the way is about keep all their values.
    fn follow(&mut self, node: NodeId, protocols: Protocols, sets: [SetId; DIMENSIONS]) {
        let effect = match node {
            OPENS => Effect::Opens,
            CLOSES => Effect::Closes,
            _ => return self.follow_branches(node, protocols, sets),
        };
        self.drafts.push(Draft { effect, protocols, sets });
    }

    fn follow_branches(&mut self, node: NodeId, protocols: Protocols, sets: [SetId; DIMENSIONS]) {
        let Some((dimension, branches)) = self.diagram.node(node) else {
            self.is_whole = false;
            return;
        };
        for branch in branches {
            let Some(left) = self.left.checked_sub(1) else {
                self.is_whole = false;
                return;
            };
            self.left = left;
            let mut sets = sets;
            sets[dimension] = branch.set;
            self.follow(branch.child, protocols, sets);
        }
    }
}

/// Merges pieces until no two of them agree in everything but one dimension. What comes of it does not depend on the order
/// of the pieces: in each step all that agree in everything else become one.
pub(super) fn merged(mut drafts: Vec<Draft>, sets: &mut Sets) -> Vec<Draft> {
    loop {
        let before = drafts.len();
        for dimension in (0..DIMENSIONS).rev() {
            drafts = merged_in_sets(drafts, dimension, sets);
        }
        drafts = merged_in_protocols(drafts);
        if drafts.len() == before {
            return drafts;
        }
    }
}

fn merged_in_sets(drafts: Vec<Draft>, dimension: usize, sets: &mut Sets) -> Vec<Draft> {
    let rest = |draft: &Draft| {
        let mut rest = *draft;
        rest.sets[dimension] = 0;
        rest
    };
    let groups = grouped(&drafts, rest);
    let one = |group: Vec<&Draft>| {
        let mut draft = *group[0];
        if group.len() > 1 {
            let ranges = group.iter().flat_map(|draft| sets.get(draft.sets[dimension]).as_slice());
            let union = Ranges::new(ranges.copied().collect());
            draft.sets[dimension] = sets.intern(union);
        }
        draft
    };
    groups.into_iter().map(one).collect()
}

fn merged_in_protocols(drafts: Vec<Draft>) -> Vec<Draft> {
    let groups = grouped(&drafts, |draft| Draft { protocols: Protocols::NONE, ..*draft });
    let one = |group: Vec<&Draft>| {
        let protocols = group.iter().fold(Protocols::NONE, |all, draft| all.or(draft.protocols));
        Draft { protocols, ..*group[0] }
    };
    groups.into_iter().map(one).collect()
}

/// The pieces with the same rest, together, in the order in which the first of each comes.
fn grouped(drafts: &[Draft], rest: impl Fn(&Draft) -> Draft) -> Vec<Vec<&Draft>> {
    let mut places: HashMap<Draft, usize> = HashMap::with_capacity(drafts.len());
    let mut groups: Vec<Vec<&Draft>> = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let place = *places.entry(rest(draft)).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(draft),
            None => groups.push(vec![draft]),
        }
    }
    groups
}
