//! The row of what is asked after an action's success. No document names it: it is spelled out of `verify`.

use serde_json::Value;

use super::registry::{ActionKind, Reversal, Slot, host_at, none};
use super::rest_api::SECRETS;
use super::shown::Shown;
use crate::template::Target;

/// Asks until the answer is as it should be.
pub static VERIFY: ActionKind = ActionKind {
    name: "verify",
    summary: "asks whether what an action did is as it should be, until it is",
    schema: "{}",
    slots: &[
        Slot::new("/url", Target::Url),
        Slot::new("/meantFor", Target::Url),
        Slot::new("/headers/*", Target::Header),
        Slot::new("/authentication/header", Target::Header),
        Slot::new("/authentication/tokenUrl", Target::Url),
    ],
    secrets: SECRETS,
    shown: |_| Shown::Nothing,
    reversal: Reversal::Nothing,
    observable: None,
    available: true,
    lacks: none,
    is_tied: false,
    repeats: false,
    claims: none,
    targets,
    outputs: none,
};

/// The hosts that are asked.
fn targets(config: &Value) -> Vec<String> {
    let mut hosts: Vec<String> = ["/url", "/authentication/tokenUrl"]
        .into_iter()
        .filter_map(|pointer| host_at(config, pointer))
        .collect();
    hosts.dedup();
    hosts
}
