//! What a step may not do now that all of it is known: show a secret to others, touch what its item does not name.

use serde_json::Value;

use crate::kinds::ActionKind;
use crate::reconcile::{UnitChange, refused_target, shows_a_secret};
use crate::run::Fault;
use crate::secret::{Secret, mask};

/// Refuses a step, by its `config` in public and as it would be sent.
pub(super) fn refuse(
    unit: &UnitChange,
    kind: &ActionKind,
    (public, private): (&Value, &Value),
    secrets: &[Secret],
) -> Result<(), Fault> {
    let refused = || refused_target(kind, private, (&unit.definition, &unit.inputs));
    match shows_a_secret(kind, public).or_else(refused) {
        Some(why) => Err(Fault::terminal(mask(&why, secrets))),
        None => Ok(()),
    }
}
