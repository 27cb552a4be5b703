//! The row of `command`: a program that the operator allows. It starts nothing.

use super::registry::{ActionKind, Reversal, none};
use super::shown::Shown;

/// Runs an allowed program.
pub(super) static COMMAND: ActionKind = ActionKind {
    name: "command",
    summary: "runs a program that the operator allows and takes the JSON it prints",
    schema: include_str!("../../schemas/actions/command.json"),
    slots: &[],
    secrets: &[],
    shown: |_| Shown::Never(&["/program", "/args"]),
    reversal: Reversal::Person,
    observable: None,
    available: true,
    lacks: none,
    is_tied: false,
    repeats: false,
    claims: none,
    targets: |config| {
        let program = super::registry::known_text(config, "/program");
        program.map(|program| format!("program:{program}")).into_iter().collect()
    },
    outputs: none,
};
