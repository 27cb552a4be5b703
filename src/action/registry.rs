//! The registry of actions: one line each.

use super::action::Action;

/// Returns the action of a type.
pub fn find(kind: &str) -> Option<&'static dyn Action> {
    let _ = kind;
    None
}
