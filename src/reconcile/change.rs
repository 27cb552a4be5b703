//! A Change: what one service needs, exact enough that carrying it out makes no choices.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::definition::Definition;
use super::evaluate::Inputs;
use super::forecast::Forecast;
use super::schedule::Due;
use crate::catalog::{Action, DeletionPolicy, ErrorHandling, Priority};
use crate::digest::Digest;
use crate::id::{StepPath, Uid, UnitKey};

/// What a change does to a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It is not there yet.
    Create,
    /// It is there and wanted differently.
    Update,
    /// Something changed that can't be changed in place: delete, then create.
    Replace,
    /// It is no longer wanted.
    Delete,
    /// A named operation leads to the state that is wanted.
    Operate,
    /// It differs from what was last written and is put right.
    Correct,
    /// It is there already and is taken over.
    Adopt,
}

impl ChangeKind {
    /// Returns the sign that diffs show before it.
    pub fn sign(self) -> &'static str {
        match self {
            ChangeKind::Create => "+",
            ChangeKind::Update => "~",
            ChangeKind::Replace => "-/+",
            ChangeKind::Delete => "-",
            ChangeKind::Operate => ">",
            ChangeKind::Correct => "!",
            ChangeKind::Adopt => "=",
        }
    }
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ChangeKind::Create => "create",
            ChangeKind::Update => "update",
            ChangeKind::Replace => "replace",
            ChangeKind::Delete => "delete",
            ChangeKind::Operate => "operate",
            ChangeKind::Correct => "correct",
            ChangeKind::Adopt => "adopt",
        })
    }
}

/// What one service needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Covers everything that decides what will be done; approvals are bound to it.
    pub digest: Digest,
    /// Id of the service.
    pub service: String,
    /// Its team.
    pub team: String,
    /// Its environment.
    pub environment: Option<String>,
    /// The file that asks for it; where a deletion is planned, the file that did.
    pub path: String,
    /// Its place in the queue.
    pub priority: Priority,
    /// Its units, in the order in which they are done.
    pub units: Vec<UnitChange>,
    /// Approvals it takes.
    pub needs: Vec<Need>,
    /// Services whose changes must succeed before it starts.
    pub after: Vec<String>,
    /// Who wrote the commit that asks for it, as `name <email>`; no part of the digest.
    pub author: Option<String>,
    /// Who else wrote or committed some of what it comes from, alike; no part of the digest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coauthors: Vec<String>,
    /// The item or bundle that the service is of, where its file is there; no part of the digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    /// What follows the failure of one of its units.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub error_handling: ErrorHandling,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_usual(error_handling: &ErrorHandling) -> bool {
    *error_handling == ErrorHandling::Stop
}

impl Change {
    /// Returns the kind that stands for the whole: the units' own where they agree, else `Update`.
    pub fn kind(&self) -> ChangeKind {
        let mut kinds = self.units.iter().map(|unit| unit.kind);
        let first = kinds.next().unwrap_or(ChangeKind::Update);
        if kinds.all(|kind| kind == first) { first } else { ChangeKind::Update }
    }

    /// Returns the item or bundle that it is of, as far as it knows by itself.
    pub fn offered(&self) -> Option<&str> {
        let mut items = self.units.iter().map(|unit| unit.definition.item.as_str());
        let first = items.next();
        let one = first.filter(|first| items.all(|item| item == *first));
        self.offer.as_deref().or(one)
    }

    /// Counts the units that it takes away, replaced ones included.
    pub fn deletions(&self) -> usize {
        let gone =
            |unit: &&UnitChange| matches!(unit.kind, ChangeKind::Delete | ChangeKind::Replace);
        self.units.iter().filter(gone).count()
    }

    /// Computes the digest: no commit, no time, no text for people.
    pub fn compute_digest(&self) -> Digest {
        let units: Vec<Value> = self.units.iter().map(UnitChange::digest_input).collect();
        let lasting = |need: &&Need| matches!(need.kind, NeedKind::Rule | NeedKind::Deletion);
        let needs: Vec<&Need> = self.needs.iter().filter(lasting).collect();
        let mut input = json!({"service": self.service, "units": units, "needs": needs});
        if let (false, Some(input)) = (is_usual(&self.error_handling), input.as_object_mut()) {
            input.insert("errorHandling".to_owned(), json!(self.error_handling));
        }
        Digest::of_json(&input)
    }
}

/// What one unit needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitChange {
    /// The unit.
    pub unit: UnitKey,
    /// What its effects are known by; nothing where it is not there yet.
    pub uid: Option<Uid>,
    /// What is done to it.
    pub kind: ChangeKind,
    /// Fingerprint of the recorded actual that the change starts from.
    pub from: Option<Digest>,
    /// What is wanted.
    pub intent: Digest,
    /// How it is done.
    pub definition_digest: Digest,
    /// Digest of what git says, upstream outputs left out: tells a newer revision from a newly known output.
    pub source: Digest,
    /// Fields that change; sensitive values as markers.
    pub fields: Vec<FieldChange>,
    /// Units, of this change, that come before it.
    pub depends_on: Vec<UnitKey>,
    /// What is done, kept steps included.
    pub steps: Vec<PlannedStep>,
    /// How it is done, frozen.
    pub definition: Arc<Definition>,
    /// What its templates see, frozen.
    pub inputs: Inputs,
    /// The state it leads to.
    pub state: String,
    /// What is recorded as its deletion policy.
    pub deletion: DeletionPolicy,
    /// Services that must outlive it.
    pub requires: Vec<String>,
    /// The scheduled operation that it carries out, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Due>,
}

impl UnitChange {
    fn digest_input(&self) -> Value {
        let steps: Vec<Value> = self
            .steps
            .iter()
            .map(|step| {
                let mut input = json!({"path": step.path, "kind": step.action.kind,
                       "effect": step.effect, "when": step.when, "config": step.config,
                       "dependsOn": step.depends_on});
                if let (Some(forecast), Some(input)) = (&step.forecast, input.as_object_mut()) {
                    input.insert("forecast".to_owned(), json!(forecast.digest));
                }
                input
            })
            .collect();
        let mut input = json!({"unit": self.unit, "uid": self.uid, "kind": self.kind, "from": self.from,
               "intent": self.intent, "definition": self.definition_digest, "steps": steps});
        // Which time it is for, so that one night's approval is not the next one's.
        if let (Some(due), Some(input)) = (&self.due, input.as_object_mut()) {
            input.insert("due".to_owned(), json!(due));
        }
        input
    }
}

/// One value that changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Its name, or a JSON pointer.
    pub name: String,
    /// What it was; absent where it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What it will be; absent where it goes away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Its change means replace.
    #[serde(default)]
    pub immutable: bool,
}

/// What is done with a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It is carried out.
    Perform,
    /// It was done, and nothing of it changed.
    Keep,
    /// What it left behind is taken away by the action's own reverse.
    Undo,
    /// A person takes away what it left behind.
    UndoByHand,
    /// What was last sent before is sent again.
    Restore,
    /// It is there already, and is looked at.
    Adopt,
}

/// Whether a step is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// Yes.
    Yes,
    /// No: its condition is false.
    No,
    /// That depends on something not known yet.
    Maybe,
}

/// One step of a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Its name in the run.
    pub path: StepPath,
    /// What is done with it.
    pub effect: Effect,
    /// Whether it is carried out.
    pub when: When,
    /// Steps of the same unit that come before it.
    pub depends_on: Vec<StepPath>,
    /// The action as its author wrote it, frozen.
    pub action: Action,
    /// Its `config` rendered as far as it is known: markers for what is unknown or sensitive.
    pub config: Value,
    /// What was last sent or written, where something was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Value>,
    /// Outputs that are known before it runs: those of a kept step; sensitive values sealed.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub outputs: Map<String, Value>,
    /// What its program says that it would bring about, where that is known beforehand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast: Option<Forecast>,
    /// What its templates see of the failure that people stand in for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Value>,
}

/// What kind of word asks for an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NeedKind {
    /// A rule of an item, bundle, environment or the catalog.
    Rule,
    /// Something is taken away.
    Deletion,
    /// The guard; depends on the plan as a whole, and so is no part of the digest.
    Guard,
    /// Something is touched for the first time; is no part of the digest, for it ends with the first approval.
    Contact,
}

/// An approval that a change takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Need {
    /// What kind of word asks for it.
    pub kind: NeedKind,
    /// What asks for it: `environment production`, `deletion`, `first contact with git:…`.
    pub why: String,
    /// How many approvers.
    pub required: u32,
    /// Teams or users they must be of; empty means anybody.
    #[serde(default)]
    pub from: Vec<String>,
    /// What is acknowledged with it: a first contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}
