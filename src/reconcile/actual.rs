//! What is: what was last applied to each unit, what its steps left behind, what was observed since.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::OrdMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::change::{FieldChange, Need};
use super::definition::Definition;
use super::evaluate::Inputs;
use super::flapping::Corrections;
use super::schedule::Fired;
use crate::catalog::DeletionPolicy;
use crate::digest::Digest;
use crate::id::{RunId, Uid, UnitKey};

/// The little that is known of every unit, enough to tell that it is in sync.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitRow {
    /// Its name.
    pub key: UnitKey,
    /// What its effects are known by.
    pub uid: Uid,
    /// What was last applied in full: intent and definition; nothing while its first run is not done.
    pub applied: Option<(Digest, Digest)>,
    /// Something was observed that differs from what was last written.
    pub drifted: bool,
    /// A person stopped everything for its service.
    pub held: bool,
    /// Its file is gone, and it is kept and no longer looked after.
    pub retained: bool,
}

/// All that is known of one unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitRecord {
    /// The little that is known of every unit.
    pub row: UnitRow,
    /// Rises when an id is used again after a deletion.
    pub generation: u64,
    /// Rises with each run; part of the idempotency keys.
    pub effect: u64,
    /// What was last applied in full.
    pub applied: Option<Applied>,
    /// How the newest run went about it, applied or not.
    pub basis: Option<Arc<Definition>>,
    /// What each step left behind, by the action's id; also of runs that stopped half-way.
    pub steps: BTreeMap<String, StepRecord>,
    /// What was observed last, by the action's id.
    pub observed: BTreeMap<String, Observed>,
    /// What was put right, and how often.
    #[serde(default, skip_serializing_if = "Corrections::is_empty")]
    pub corrections: Corrections,
    /// When its scheduled operations ran last.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fired: BTreeMap<String, Fired>,
}

/// What was last applied to a unit in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    /// Digest of what was wanted.
    pub intent: Digest,
    /// Digest of how it was done.
    pub definition_digest: Digest,
    /// How it was done; deletes and drift are judged by it, whatever became of the documents.
    pub definition: Arc<Definition>,
    /// What its templates saw.
    pub inputs: Inputs,
    /// Its fields with upstream outputs filled in; sensitive values as markers.
    pub fields: Map<String, Value>,
    /// Its outputs; sensitive values sealed.
    pub outputs: Map<String, Value>,
    /// `active`, or the state an operation led to.
    pub state: String,
    /// Services that must outlive it.
    pub depends_on: Vec<String>,
    /// Units of the same service that came before it.
    pub siblings: Vec<UnitKey>,
    /// What happens when the file is gone.
    pub deletion: DeletionPolicy,
    /// Who must approve a change of it.
    pub needs: Vec<Need>,
    /// The commit it came from.
    pub commit: String,
    /// The run that did it.
    pub run: RunId,
    /// When it was done.
    pub at: Timestamp,
}

/// What a step left behind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Type of the action.
    pub action: String,
    /// Digest of what was last sent or written, secrets as markers.
    pub digest: Digest,
    /// What was last sent or written, secrets as markers.
    pub sent: Value,
    /// What the action needs to find and undo it: ids, urls, commits.
    pub result: Value,
    /// Its outputs; sensitive values sealed.
    pub outputs: Map<String, Value>,
    /// The run that did it.
    pub run: RunId,
    /// When it was done.
    pub at: Timestamp,
}

/// One look at what a step left behind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// When.
    pub at: Timestamp,
    /// What was seen.
    pub observation: Observation,
}

/// What was seen, against what we last wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Observation {
    /// As we left it.
    Same,
    /// It differs; `before` is what we wrote, `after` what is there.
    Different {
        /// What differs.
        changes: Vec<FieldChange>,
    },
    /// It is gone.
    Absent,
    /// It could not be seen; never taken for absent.
    Unknown {
        /// Why.
        reason: String,
    },
}

impl Observation {
    /// Tells whether it differs from what we wrote.
    pub fn is_drift(&self) -> bool {
        matches!(self, Observation::Different { .. } | Observation::Absent)
    }
}

/// Rows of units by name; a copy costs nothing until one of the two changes.
pub type UnitRows = OrdMap<UnitKey, UnitRow>;

/// What is: a row for every unit, and all that is known of those in question.
#[derive(Clone, Debug, Default)]
pub struct Actual {
    /// Every unit.
    pub rows: UnitRows,
    /// The units that [`super::suspects()`] named.
    pub records: BTreeMap<UnitKey, UnitRecord>,
}
