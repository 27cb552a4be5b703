//! The row of `notify`: a message to people. It sends none.

use super::registry::{ActionKind, Reversal, none};
use super::shown::Shown;

/// Tells people something.
pub(super) static NOTIFY: ActionKind = ActionKind {
    name: "notify",
    summary: "tells people something, and never fails a run",
    schema: include_str!("../../schemas/actions/notify.json"),
    slots: &[],
    secrets: &[],
    shown: |_| Shown::Masked,
    reversal: Reversal::Nothing,
    observable: None,
    available: true,
    lacks: none,
    is_tied: false,
    repeats: true,
    claims: none,
    targets: none,
    outputs: none,
};
