//! A run as one JSON file: what it was to do, and its journal. It holds no secret, and nothing that only we can read.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::output::Failure;
use crate::catalog::ErrorHandling;
use crate::digest::Digest;
use crate::id::{RunId, StepPath, UnitKey};
use crate::reconcile::show::masked;
use crate::reconcile::{Change, ChangeKind, Effect, PlannedStep, UnitChange, When};
use crate::run::{Event, Run, RunEvent, RunState, StepEvent};
use crate::store::JournalEntry;

/// Version of the file; `schemas/reports/run-export.json` describes it.
pub(super) const VERSION: &str = "trueline.run-export/v1";

/// A run as one file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ExportWire {
    pub(super) version: String,
    trueline: String,
    catalog: String,
    pub(super) run: RunId,
    pub(super) state: RunState,
    effect: u64,
    commit: String,
    created_at: Timestamp,
    change: ChangeWire,
    pub(super) journal: Vec<EntryWire>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ChangeWire {
    digest: Digest,
    service: String,
    team: String,
    environment: Option<String>,
    path: String,
    author: Option<String>,
    /// Who else wrote some of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    coauthors: Vec<String>,
    after: Vec<String>,
    #[serde(default, skip_serializing_if = "is_stop")]
    error_handling: ErrorHandling,
    units: Vec<UnitWire>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_stop(error_handling: &ErrorHandling) -> bool {
    *error_handling == ErrorHandling::Stop
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UnitWire {
    unit: UnitKey,
    kind: ChangeKind,
    item: String,
    version: String,
    depends_on: Vec<UnitKey>,
    steps: Vec<StepWire>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StepWire {
    step: StepPath,
    id: String,
    action: String,
    effect: Effect,
    when: When,
    depends_on: Vec<StepPath>,
    config: Value,
    outputs: Map<String, Value>,
}

/// One entry of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntryWire {
    pub(super) seq: i64,
    pub(super) at: Timestamp,
    pub(super) event: Event,
}

impl ExportWire {
    /// Takes a run and its journal; sealed outputs and what names a secret are masked.
    pub(super) fn of(catalog: &str, run: &Run, entries: &[JournalEntry]) -> Self {
        // What people's words added to it is in the journal.
        let change = &run.planned;
        Self {
            version: VERSION.to_owned(),
            trueline: env!("CARGO_PKG_VERSION").to_owned(),
            catalog: catalog.to_owned(),
            run: run.id.clone(),
            state: run.state,
            effect: run.first_effect,
            commit: run.commit.clone(),
            created_at: run.created_at,
            change: ChangeWire {
                digest: change.digest,
                service: change.service.clone(),
                team: change.team.clone(),
                environment: change.environment.clone(),
                path: change.path.clone(),
                author: change.author.clone(),
                coauthors: change.coauthors.clone(),
                after: change.after.clone(),
                error_handling: change.error_handling,
                units: change.units.iter().map(UnitWire::of).collect(),
            },
            journal: entries.iter().map(EntryWire::of).collect(),
        }
    }

    /// Returns the events of its journal.
    pub(super) fn events(&self) -> Vec<Event> {
        self.journal.iter().map(|entry| entry.event.clone()).collect()
    }

    /// Makes the run as it was when it was new.
    pub(super) fn fresh(&self) -> Result<Run, Failure> {
        let change = &self.change;
        let units: Vec<Value> = change.units.iter().map(UnitWire::whole).collect();
        let change: Change = serde_json::from_value(json!({
            "digest": change.digest, "service": change.service, "team": change.team,
            "environment": change.environment, "path": change.path, "priority": "normal",
            "units": units, "needs": [], "after": change.after, "author": change.author,
            "coauthors": change.coauthors,
            "error_handling": change.error_handling,
        }))?;
        let (id, commit) = (self.run.clone(), self.commit.clone());
        Ok(Run::new(id, change.into(), self.effect, commit, self.created_at))
    }
}

fn masked_map(map: &Map<String, Value>) -> Map<String, Value> {
    map.iter().map(|(name, value)| (name.clone(), masked(value))).collect()
}

impl UnitWire {
    fn of(unit: &UnitChange) -> Self {
        Self {
            unit: unit.unit.clone(),
            kind: unit.kind,
            item: unit.definition.item.clone(),
            version: unit.definition.version.clone(),
            depends_on: unit.depends_on.clone(),
            steps: unit.steps.iter().map(StepWire::of).collect(),
        }
    }

    /// Fills in what a replay does not need: how it is rendered.
    fn whole(&self) -> Value {
        let nothing = Digest::of_bytes(b"");
        let steps: Vec<Value> = self.steps.iter().map(StepWire::whole).collect();
        json!({
            "unit": self.unit, "uid": null, "kind": self.kind, "from": null, "intent": nothing,
            "definition_digest": nothing, "source": nothing, "fields": [],
            "depends_on": self.depends_on, "steps": steps,
            "definition": {
                "item": self.item, "version": self.version, "mode": "automatic",
                "onFailure": "stop", "create": [], "update": null, "delete": null, "before": [],
                "after": [], "operations": {}, "outputs": {}, "metadata": {}, "immutable": [],
                "fields": [], "secretFields": [],
            },
            "inputs": {"fields": {}, "service": {}, "environment": {}},
            "state": "active", "deletion": "confirm", "requires": [],
        })
    }
}

impl StepWire {
    fn of(step: &PlannedStep) -> Self {
        Self {
            step: step.path.clone(),
            id: step.action.id.clone(),
            action: step.action.kind.clone(),
            effect: step.effect,
            when: step.when,
            depends_on: step.depends_on.clone(),
            config: masked(&step.config),
            outputs: masked_map(&step.outputs),
        }
    }

    fn whole(&self) -> Value {
        json!({
            "path": self.step, "effect": self.effect, "when": self.when,
            "depends_on": self.depends_on,
            "action": {"id": self.id, "type": self.action}, "config": self.config,
            "outputs": self.outputs,
        })
    }
}

impl EntryWire {
    fn of(entry: &JournalEntry) -> Self {
        Self { seq: entry.seq, at: entry.at, event: without_secrets(entry.event.clone()) }
    }
}

/// Masks what an event carries that is sealed; all else in it was masked before it was journaled.
fn without_secrets(mut event: Event) -> Event {
    if let Event::Run {
        event:
            RunEvent::Escalated { units, .. }
            | RunEvent::RollingBack { units, .. }
            | RunEvent::Hooked { units, .. },
    } = &mut event
    {
        for step in units.iter_mut().flat_map(|unit| &mut unit.steps) {
            step.config = masked(&step.config);
            step.previous = step.previous.as_ref().map(masked);
            step.outputs = masked_map(&step.outputs);
        }
    }
    if let Event::Step { event, .. } = &mut event {
        match event {
            StepEvent::Succeeded { result, outputs } => {
                *result = masked(result);
                *outputs = masked_map(outputs);
            }
            StepEvent::Answered { outputs, .. } => *outputs = masked_map(outputs),
            StepEvent::Waiting { on } => on.reference = masked(&on.reference),
            _ => {}
        }
    }
    event
}

#[cfg(test)]
#[path = "run_export_tests.rs"]
mod tests;
