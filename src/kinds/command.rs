//! The row of `command`: a program that the operator allows. It starts nothing.

use super::registry::{ActionKind, Reversal, none};
use super::shown::Shown;

/// Variables that decide which code runs, and so are the operator's.
const RESERVED: [&str; 12] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "BASH_ENV",
    "ENV",
    "IFS",
    "SHELLOPTS",
    "PYTHONPATH",
    "PYTHONHOME",
    "NODE_OPTIONS",
    "RUBYOPT",
    "PERL5OPT",
];

/// Tells whether a variable decides which code runs, or is set by Trueline, so that no document sets it.
pub fn is_reserved_variable(name: &str) -> bool {
    let leads = ["LD_", "DYLD_", "TRUELINE_", "GIT_"];
    leads.iter().any(|lead| name.starts_with(lead)) || RESERVED.contains(&name)
}

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
