//! What a case needs to know of an action: a document that asks for it, what it reaches, and the ledger of that.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use super::failure::Failure;
use super::programs::Programs;
use super::wire::Wire;
use crate::action::{Operator, Owner, SecretSource};
use crate::run::Fault;
use crate::secret::Secret;

/// What lies between us and the other side.
pub(super) enum Between<'a> {
    Wire(&'a Wire),
    Programs(&'a Programs),
    /// There is no other side.
    Nothing,
}

impl Between<'_> {
    pub(super) fn seen(&self) -> Vec<String> {
        match self {
            Self::Wire(wire) => wire.seen(),
            Self::Programs(programs) => programs.seen(),
            Self::Nothing => Vec::new(),
        }
    }

    pub(super) async fn arm(&self, at: usize, failure: Failure, limit: Duration) {
        match self {
            Self::Wire(wire) => wire.arm(at, failure, limit).await,
            Self::Programs(programs) => programs.arm(at, failure, limit),
            Self::Nothing => {}
        }
    }

    pub(super) async fn heal(&self) {
        match self {
            Self::Wire(wire) => wire.heal().await,
            Self::Programs(programs) => programs.heal(),
            Self::Nothing => {}
        }
    }

    pub(super) fn trapped(&self) -> usize {
        match self {
            Self::Wire(wire) => wire.trapped(),
            _ => 0,
        }
    }
}

/// One action with a counterpart of its own.
#[async_trait]
pub(super) trait Subject: Send + Sync {
    /// The rendered `config` and `outputs` of the action in the item.
    fn document(&self) -> (Value, Value);

    fn between(&self) -> Between<'_>;

    /// What the operator set up.
    fn operator(&self) -> Operator {
        Operator::default()
    }

    /// What is found by name, beside what everybody has.
    fn secrets(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// Tells whether what passes the wire is meant to have an effect.
    fn is_effect(&self, line: &str) -> bool;

    /// How often each effect took place, by the counterpart's ledger; each is wanted once.
    fn effects(&self) -> Vec<usize>;

    /// How often what took effect was taken away again, where that is to be proven.
    fn removals(&self) -> Vec<usize> {
        Vec::new()
    }

    /// What people on the other side do meanwhile.
    async fn people(&self) {}

    /// Lets time pass for what is kept in the state folder.
    fn later(&self, _: &Path, _: Duration) {}

    /// How long an attempt may take where it is to meet its limit.
    fn limit(&self) -> Duration {
        Duration::from_secs(3)
    }

    /// Tells whether it can fail so.
    fn can(&self, failure: Failure) -> bool;
}

/// The secret of everybody in these tests, by its name; each is looked for in all that is kept.
const SECRETS: [(&str, &str); 2] = [("TOKEN", "hunter22-t0ken"), ("GITHUB", "t0ken-of-acme")];

/// Finds secrets: the fixed ones, and addresses that a subject adds.
pub(super) struct Known(pub(super) BTreeMap<String, String>);

#[async_trait]
impl SecretSource for Known {
    async fn find(&self, _: Owner<'_>, name: &str) -> Result<Secret, Fault> {
        let fixed = SECRETS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let found = fixed.or_else(|| self.0.get(name).map(String::as_str));
        found.map(Secret::new).ok_or_else(|| Fault::terminal(format!("there is no `{name}`")))
    }
}

/// Returns what nothing that is kept may hold.
pub(super) fn canaries() -> impl Iterator<Item = String> {
    use base64::Engine as _;
    let encode = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
    SECRETS.iter().flat_map(move |(_, value)| {
        [
            (*value).to_owned(),
            encode(format!("x-access-token:{value}")),
            encode(format!("robot:{value}")),
        ]
    })
}

pub(super) type Shared = Arc<dyn Subject>;

/// Lets time pass for the notes of what was sent.
pub(super) fn age(notes: &Path, by: Duration) {
    for entry in std::fs::read_dir(notes).into_iter().flatten().flatten() {
        let Ok(text) = std::fs::read_to_string(entry.path()) else { continue };
        let Some((since, word)) = text.split_once(' ') else { continue };
        let since: Timestamp = since.parse().unwrap();
        std::fs::write(entry.path(), format!("{} {word}", since - by)).unwrap();
    }
}
