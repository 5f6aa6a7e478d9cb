//! What the Describe operations of all products share: filters that come alone and as a list, and the order of what
//! was found.

use std::{cmp::Reverse, sync::Arc};

use model::state::Record;

use crate::catalogue::prelude::*;

/// The most values in one filter.
const VALUES_MAX: usize = 100;

/// The longest id of an edge site, in characters.
pub(super) const REGION_MAX: usize = 128;

/// `EnsRegionId` of a request that makes something at an edge site.
pub(super) const REGION_REQUIRED: Parameter =
    Parameter::required("EnsRegionId", Kind::text(REGION_MAX), "The edge site.", "cn-hangzhou-telecom");

/// `EnsRegionId` as a filter.
pub(super) const REGION: Parameter = Parameter::optional(
    "EnsRegionId",
    Kind::text(REGION_MAX),
    "At this edge site alone.",
    "cn-hangzhou-telecom",
);

/// `EnsRegionIds` as a filter.
pub(super) const REGIONS: Parameter = Parameter::optional(
    "EnsRegionIds",
    Kind::List { of: &Kind::text(REGION_MAX), max: VALUES_MAX, encoding: Encoding::Numbered },
    "At these edge sites alone.",
    "cn-hangzhou-telecom",
);

/// A list of ids as a filter.
pub(super) const IDS: Kind = Kind::List { of: &Kind::Id, max: VALUES_MAX, encoding: Encoding::Numbered };

/// The values that pass a filter of one value and a filter of a list; none: neither is given, and all pass. Both hold
/// at once, and nothing passes an empty list.
pub(super) fn both<T: PartialEq>(one: Option<T>, many: Option<Vec<T>>) -> Option<Vec<T>> {
    match (one, many) {
        (None, many) => many,
        (Some(one), None) => Some(vec![one]),
        (Some(one), Some(many)) => Some(if many.contains(&one) { vec![one] } else { Vec::new() }),
    }
}

/// The edge sites that pass the filters of a call.
pub(super) fn regions(arguments: &Arguments) -> Option<Vec<&str>> {
    both(arguments.text("EnsRegionId"), arguments.texts("EnsRegionIds"))
}

/// Whether a value passes what [`both`] found.
pub(super) fn passes<T: PartialEq>(filter: Option<&[T]>, value: &T) -> bool {
    filter.is_none_or(|values| values.contains(value))
}

/// The entities, the newest first and none of them twice.
pub(super) fn newest_first<'a, R: Record>(found: impl Iterator<Item = &'a Arc<R>>) -> Vec<&'a Arc<R>> {
    let mut found: Vec<_> = found.collect();
    found.sort_unstable_by_key(|entity| Reverse(entity.serial()));
    found.dedup_by_key(|entity| entity.serial());
    found
}

/// The values of a list that must not be empty.
///
/// # Errors
/// The list is malformed: it is empty.
pub(super) fn at_least_one<T>(name: &str, values: Option<Vec<T>>) -> Result<Vec<T>, Fault> {
    values.filter(|values| !values.is_empty()).ok_or_else(|| Fault::malformed(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_and_a_list_of_values_hold_at_once() {
        assert_eq!(both::<u8>(None, None), None);
        assert_eq!(both(Some(1), None), Some(vec![1]));
        assert_eq!(both(None, Some(vec![1, 2])), Some(vec![1, 2]));
        assert_eq!(both(Some(1), Some(vec![1, 2])), Some(vec![1]));
        assert_eq!(both(Some(3), Some(vec![1, 2])), Some(vec![]));
        assert_eq!(both(None, Some(Vec::<u8>::new())), Some(vec![]));
    }

    #[test]
    fn no_filter_lets_all_pass_and_an_empty_one_none() {
        assert!(passes(None, &1));
        assert!(passes(Some(&[1, 2]), &1));
        assert!(!passes(Some(&[]), &1));
    }

    #[test]
    fn a_list_that_must_not_be_empty_is_malformed_when_it_is() {
        assert_eq!(at_least_one("Ids", Some(vec![1])), Ok(vec![1]));
        assert_eq!(at_least_one::<u8>("Ids", Some(vec![])), Err(Fault::malformed("Ids")));
    }
}
