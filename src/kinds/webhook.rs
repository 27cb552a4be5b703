//! The row of `webhook`: a signed message to somebody who acts on it. It sends none.

use super::registry::{ActionKind, Reversal, Slot, host_at, none};
use super::shown::Shown;
use crate::template::Target;

/// Posts a signed message.
pub(super) static WEBHOOK: ActionKind = ActionKind {
    name: "webhook",
    summary: "posts a signed message, and waits for its answer where `callback` is given",
    schema: include_str!("../../schemas/actions/webhook.json"),
    slots: &[
        Slot::new("/endpoint/url", Target::Url),
        Slot::new("/headers/*", Target::Header),
        Slot::new("/body/template", Target::Json).structured(),
    ],
    secrets: &["/signature/secret"],
    shown: |_| Shown::Nothing,
    reversal: Reversal::Person,
    observable: None,
    available: true,
    lacks: none,
    is_tied: false,
    repeats: false,
    claims: none,
    targets: |config| host_at(config, "/endpoint/url").into_iter().collect(),
    outputs: none,
};
