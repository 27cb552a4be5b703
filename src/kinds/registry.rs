//! The registry of action types.

use serde_json::Value;

use crate::template::Target;

/// What one action type is, in one row.
#[derive(Debug)]
pub struct ActionKind {
    /// The word that documents use, `rest-api`.
    pub name: &'static str,
    /// One sentence for people.
    pub summary: &'static str,
    /// JSON Schema of its `config`, as text.
    pub schema: &'static str,
    /// Places in its `config` whose texts are escaped for something else than plain text.
    pub slots: &'static [Slot],
    /// How it is undone.
    pub reversal: Reversal,
    /// Whether what it made can be looked at afterwards; the pointer names the key of `config` that it takes.
    pub observable: Option<&'static str>,
    /// Whether this build can perform it.
    pub available: bool,
    /// Whether it is done again in an update although nothing of it changed.
    pub repeats: bool,
    /// Names the things in the outside world that a rendered `config` claims for itself, for two units must not claim one.
    pub claims: fn(&Value) -> Vec<String>,
    /// Names the targets (hosts, repositories) that a rendered `config` touches, for first contact.
    pub targets: fn(&Value) -> Vec<String>,
    /// Names of the outputs that it has, given its unrendered `config`, beside those that an action maps itself.
    pub outputs: fn(&Value) -> Vec<String>,
}

/// A place in a `config`, and what its text is rendered into.
#[derive(Debug)]
pub struct Slot {
    /// JSON pointer, `*` for any one key or index: `/files/*/path`.
    pub pointer: &'static str,
    /// What its text is rendered into.
    pub target: Target,
}

/// How an action is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reversal {
    /// It has a reverse of its own.
    Natural,
    /// It has one where this pointer into its `config` holds something.
    Configured(&'static str),
    /// A person undoes it.
    Person,
    /// There is nothing to undo.
    Nothing,
}

/// Returns all action types, by name.
pub fn all() -> &'static [&'static ActionKind] {
    &[]
}

/// Returns an action type by its name.
pub fn find(name: &str) -> Option<&'static ActionKind> {
    all().iter().copied().find(|kind| kind.name == name)
}
