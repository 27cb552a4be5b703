//! The row of `jira-ticket`: work that people do in JIRA. It opens no ticket.

use super::registry::{ActionKind, Reversal, Slot, known_text, none};
use super::shown::Shown;
use crate::template::Target;

/// Opens a ticket and waits for it.
pub(super) static JIRA_TICKET: ActionKind = ActionKind {
    name: "jira-ticket",
    summary: "opens a JIRA ticket and waits until people are done with it",
    schema: include_str!("../../schemas/actions/jira-ticket.json"),
    slots: &[Slot::new("/ticket/descriptionTemplate", Target::Jira)],
    secrets: &[],
    shown: |_| Shown::Masked,
    reversal: Reversal::Person,
    observable: Some("/ticket"),
    available: true,
    lacks: none,
    is_tied: true,
    repeats: false,
    claims: none,
    targets: |config| {
        let instance = known_text(config, "/instance");
        instance.map(|instance| format!("jira:{instance}")).into_iter().collect()
    },
    outputs: |_| ["key", "url", "status"].map(str::to_owned).to_vec(),
};
