//! One unit, desired against actual: what it needs, if anything. Pure, and the only place that decides.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Map;

use super::actual::{Applied, StepRecord, UnitRecord};
use super::change::{ChangeKind, FieldChange, PlannedStep, UnitChange};
use super::definition::Definition;
use super::desired::Unit;
use super::evaluate::{Inputs, intent_digest, reads_of};
use super::hooks;
use super::operate::operate;
use super::recorded::{drift_changes, field_changes, fingerprint};
use super::steps::{self, Keeping, Source};
use super::undo::undone;
use crate::catalog::{DeletionPolicy, DriftMode, Mode, Settings};
use crate::digest::Digest;
use crate::id::UnitKey;

/// What one unit needs.
#[derive(Clone, Debug)]
pub(super) enum Difference {
    /// Nothing.
    Nothing,
    /// This.
    Change(Box<UnitChange>),
    /// Its definition is newer than what was applied, which is only shown.
    Outdated(String),
    /// It does not fit.
    Blocked(Vec<String>),
}

/// What a unit is compared with, besides itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Against<'a> {
    /// What is recorded of it.
    pub record: Option<&'a UnitRecord>,
    /// The catalog's settings.
    pub settings: &'a Settings,
    /// A person asked to converge it although only its definition differs.
    pub requested: bool,
}

/// Compares what is wanted of a unit with what is.
pub(super) fn wanted(unit: &Unit, inputs: Inputs, against: &Against<'_>) -> Difference {
    if let Some(why) = pinned(unit, against.record) {
        return why;
    }
    let Some(applied) = against.record.and_then(|record| record.applied.as_ref()) else {
        return create(unit, inputs, against);
    };
    if applied.definition.item != unit.item.metadata.id
        && !unit.item.metadata.former_ids.contains(&applied.definition.item)
    {
        return replace(unit, inputs, (against, applied));
    }
    let state = unit.service.state.as_str();
    let same_state = applied.state == state;
    // By what the applied definition read: a template that reads something else is no change of intent.
    let item = &unit.item.metadata.id;
    let reads = reads_of(&inputs, &applied.definition.reads());
    let intent = intent_digest(item, &inputs.fields, &applied.state, &reads);
    if intent != applied.intent {
        let fields = field_changes(&applied.fields, &inputs.fields, &unit.definition.immutable);
        if fields.iter().any(|field| field.immutable) {
            return replace(unit, inputs, (against, applied));
        }
        return update(unit, inputs, (against, applied), Keeping::Same);
    }
    if !same_state {
        return operate(unit, inputs, (against, applied));
    }
    if unit.definition_digest != applied.definition_digest {
        return newer_definition(unit, inputs, (against, applied));
    }
    correct(unit, inputs, (against, applied))
}

/// A version requirement pins: unsatisfied, the unit stays on what was applied.
fn pinned(unit: &Unit, record: Option<&UnitRecord>) -> Option<Difference> {
    let wanted = unit.service.version.as_ref()?;
    let requirement = semver::VersionReq::parse(wanted).ok()?;
    let version = semver::Version::parse(&unit.item.metadata.version).ok()?;
    if requirement.matches(&version) {
        return None;
    }
    let why =
        format!("version `{wanted}` is wanted, and `{}` is at {version}", unit.item.metadata.id);
    Some(match record.and_then(|record| record.applied.as_ref()) {
        Some(applied) => {
            Difference::Outdated(format!("{why}; it stays at {}", applied.definition.version))
        }
        None => Difference::Blocked(vec![why]),
    })
}

fn create(unit: &Unit, inputs: Inputs, against: &Against<'_>) -> Difference {
    let source = Source {
        unit: &unit.key,
        definition: &unit.definition,
        inputs: &inputs,
        record: against.record,
    };
    let planned = steps::performed(&source, &unit.definition.create, "create", Keeping::Same);
    finish(
        unit,
        inputs,
        against,
        (ChangeKind::Create, "active"),
        planned.map(|steps| (steps, Vec::new())),
    )
}

fn update(
    unit: &Unit,
    inputs: Inputs,
    (against, applied): (&Against<'_>, &Applied),
    keeping: Keeping,
) -> Difference {
    let kind = if keeping == Keeping::Undrifted { ChangeKind::Correct } else { ChangeKind::Update };
    let definition = &unit.definition;
    let source = Source { unit: &unit.key, definition, inputs: &inputs, record: against.record };
    // What drifted is put right by what made it; `update` is for what is wanted differently.
    let actions = match (&definition.update, kind) {
        (Some(update), ChangeKind::Update) => update,
        _ => &definition.create,
    };
    let planned = steps::performed(&source, actions, "update", keeping).map(|mut planned| {
        if kind == ChangeKind::Update && definition.update.is_none() {
            planned.extend(left_over(against.record, definition, &planned));
        }
        let fields = field_changes(&applied.fields, &inputs.fields, &definition.immutable);
        (planned, fields)
    });
    let state = applied.state.clone();
    finish(unit, inputs, against, (kind, &state), planned)
}

/// Steps of an earlier definition that the new one no longer has, taken away after the new ones.
fn left_over(
    record: Option<&UnitRecord>,
    definition: &Definition,
    planned: &[PlannedStep],
) -> Vec<PlannedStep> {
    let Some(record) = record else { return Vec::new() };
    let kept: BTreeSet<&String> = planned
        .iter()
        .flat_map(|step| std::iter::once(&step.action.id).chain(&step.action.former_ids))
        .collect();
    // What the other mode of the item made is not taken away because its mode was switched.
    let is_gone = |(id, left): &(&String, &StepRecord)| {
        !kept.contains(id) && !definition.is_dormant(id, left)
    };
    let gone: BTreeSet<String> =
        record.steps.iter().filter(is_gone).map(|(id, _)| id.clone()).collect();
    if gone.is_empty() {
        return Vec::new();
    }
    let mut undoing = undone(record, definition, Some(&gone));
    if let Some(first) = undoing.first_mut() {
        first.depends_on = planned.iter().map(|step| step.path.clone()).collect();
    }
    undoing
}

fn replace(
    unit: &Unit,
    inputs: Inputs,
    (against, applied): (&Against<'_>, &Applied),
) -> Difference {
    if applied.deletion == DeletionPolicy::Deny {
        return Difference::Blocked(vec![format!(
            "{} would have to be replaced, and its deletion policy is `deny`",
            unit.key
        )]);
    }
    let removed = against.record.map(|record| undone(record, &applied.definition, None));
    let removed = removed.unwrap_or_default();
    let source =
        Source { unit: &unit.key, definition: &unit.definition, inputs: &inputs, record: None };
    let planned = steps::performed(&source, &unit.definition.create, "create", Keeping::Nothing);
    let planned = planned.map(|created| {
        let last = removed.last().map(|step| step.path.clone());
        let created = created.into_iter().map(|mut step| {
            if step.depends_on.is_empty() {
                step.depends_on.extend(last.clone());
            }
            step
        });
        let fields = field_changes(&applied.fields, &inputs.fields, &unit.definition.immutable);
        (removed.iter().cloned().chain(created).collect(), fields)
    });
    finish(unit, inputs, against, (ChangeKind::Replace, "active"), planned)
}

fn newer_definition(
    unit: &Unit,
    inputs: Inputs,
    (against, applied): (&Against<'_>, &Applied),
) -> Difference {
    let version = |text: &str| semver::Version::parse(text).ok();
    let (now, then) = (&unit.item.metadata.version, &applied.definition.version);
    let rose = version(now) > version(then);
    if against.requested || (rose && unit.definition.mode == Mode::Automatic) {
        return update(unit, inputs, (against, applied), Keeping::Same);
    }
    let how = format!("`trueline service reconcile {}` converges it", unit.key.service);
    Difference::Outdated(if rose {
        format!(
            "item {} went from {then} to {now}, and people fulfil it; {how}",
            unit.item.metadata.id
        )
    } else {
        format!("item {} changed without a new version ({now}); {how}", unit.item.metadata.id)
    })
}

/// Drift is judged against what was last written; it is put right only where somebody said so.
fn correct(
    unit: &Unit,
    inputs: Inputs,
    (against, applied): (&Against<'_>, &Applied),
) -> Difference {
    let drifted = against
        .record
        .is_some_and(|record| record.observed.values().any(|seen| seen.observation.is_drift()));
    if !drifted || drift_mode(unit, against.settings) != DriftMode::Correct {
        return Difference::Nothing;
    }
    update(unit, inputs, (against, applied), Keeping::Undrifted)
}

/// What becomes of a unit's drift: the service's word, the item's, the catalog's.
pub fn drift_mode(unit: &Unit, settings: &Settings) -> DriftMode {
    unit.service
        .drift
        .or(unit.item.fulfillment.drift)
        .or(settings.defaults.drift)
        .unwrap_or_default()
}

pub(super) fn finish(
    unit: &Unit,
    inputs: Inputs,
    against: &Against<'_>,
    (kind, state): (ChangeKind, &str),
    planned: Result<(Vec<PlannedStep>, Vec<FieldChange>), Vec<String>>,
) -> Difference {
    let (steps, mut fields) = match planned {
        Ok(planned) => planned,
        Err(why) => return Difference::Blocked(why),
    };
    if kind == ChangeKind::Create {
        fields = field_changes(&Map::new(), &inputs.fields, &[]);
    }
    if kind == ChangeKind::Correct {
        fields = drift_changes(against.record);
    }
    Difference::Change(Box::new(UnitChange {
        unit: unit.key.clone(),
        uid: against.record.map(|record| record.row.uid.clone()),
        kind,
        from: against.record.map(fingerprint),
        intent: unit.intent_of(&inputs.fields, &inputs, state),
        definition_digest: unit.definition_digest,
        source: unit.source,
        fields,
        depends_on: unit.depends_on.clone(),
        steps,
        definition: unit.definition.clone(),
        inputs,
        state: state.to_owned(),
        deletion: deletion_policy(unit, against.settings),
        requires: unit.requires.clone(),
        due: None,
    }))
}

/// What happens when the file is gone: the service's word, or the catalog's.
pub(super) fn deletion_policy(unit: &Unit, settings: &Settings) -> DeletionPolicy {
    unit.service.deletion_policy.or(settings.defaults.deletion_policy).unwrap_or_default()
}

/// Plans to take a unit away, by what was applied last; nothing where it is only to be forgotten.
///
/// `stopped` tells that its last run did not come to its end, and may have left what nobody recorded.
pub(super) fn unwanted(record: &UnitRecord, unit: &UnitKey, stopped: bool) -> Difference {
    let applied = record.applied.as_ref();
    let deletion = match applied {
        Some(applied) => applied.deletion,
        // Nothing was made yet, so nothing is taken away but the record.
        None if record.steps.is_empty() && !stopped => DeletionPolicy::Delete,
        None => DeletionPolicy::Confirm,
    };
    if deletion == DeletionPolicy::Deny {
        return Difference::Blocked(vec![format!(
            "the file of {unit} is gone, and its deletion policy is `deny`; put the file back, or change the policy first"
        )]);
    }
    let Some(definition) =
        applied.map(|applied| applied.definition.clone()).or_else(|| record.basis.clone())
    else {
        return Difference::Nothing;
    };
    let inputs = applied.map(|applied| applied.inputs.clone()).unwrap_or_default();
    let fields = applied.map(|applied| applied.fields.clone()).unwrap_or_default();
    let had = Inputs { fields, ..inputs.clone() };
    let source = Source { unit, definition: &definition, inputs: &had, record: Some(record) };
    let planned = match (&definition.delete, deletion, applied) {
        (_, DeletionPolicy::Retain, _) => Ok(Vec::new()),
        (Some(actions), _, Some(_)) => {
            steps::performed(&source, actions, "delete", Keeping::Nothing)
        }
        (None, _, Some(_)) => hooks::around(&source, undone(record, &definition, None)),
        _ => Ok(undone(record, &definition, None)),
    };
    let steps = match planned {
        Ok(steps) => steps,
        Err(why) => return Difference::Blocked(why),
    };
    Difference::Change(Box::new(UnitChange {
        unit: unit.clone(),
        uid: Some(record.row.uid.clone()),
        kind: ChangeKind::Delete,
        from: Some(fingerprint(record)),
        intent: applied.map_or_else(|| definition.digest(), |applied| applied.intent),
        definition_digest: applied
            .map_or_else(|| definition.digest(), |applied| applied.definition_digest),
        source: Digest::of_bytes(b"deleted"),
        fields: applied
            .map(|applied| field_changes(&applied.fields, &Map::new(), &[]))
            .unwrap_or_default(),
        depends_on: applied.map(|applied| applied.siblings.clone()).unwrap_or_default(),
        steps,
        definition: Arc::clone(&definition),
        inputs,
        state: "deleted".to_owned(),
        deletion,
        requires: applied.map(|applied| applied.depends_on.clone()).unwrap_or_default(),
        due: None,
    }))
}
