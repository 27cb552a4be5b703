//! The rules, one file each; rows that the readers fill stand together by their group.

mod item_outputs;

use super::registry::Rule;

/// Returns all rules.
pub(super) fn all() -> impl Iterator<Item = &'static Rule> {
    [&item_outputs::RULE].into_iter()
}
