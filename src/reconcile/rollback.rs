//! What takes back what a change did: each step by its own reverse, and what was changed by what stood there before.

use super::actual::{StepRecord, UnitRecord};
use super::change::{ChangeKind, Effect, PlannedStep, UnitChange, When};
use super::undo::undo_effect;
use crate::id::StepPath;

/// Plans what takes back a step, as it was recorded; nothing where it left nothing behind.
///
/// `sure` tells whether it is known to have taken effect; otherwise a person looks.
pub fn taken_back(
    unit: &UnitChange,
    step: &PlannedStep,
    record: Option<&UnitRecord>,
    sure: bool,
) -> Option<PlannedStep> {
    if step.effect == Effect::Adopt {
        return None;
    }
    let left = record.and_then(|record| left_by(record, step));
    let by_hand = (Effect::UndoByHand, step.config.clone());
    let (effect, config) = match (left, &step.previous) {
        _ if !sure => by_hand,
        // What an operation did has no reverse, and leaves no record.
        (None, _) if unit.kind == ChangeKind::Operate => by_hand,
        (None, _) => return None,
        (Some(left), previous) => match (undo_effect(left)?, previous) {
            (_, Some(previous)) if unit.kind != ChangeKind::Replace => {
                (Effect::Restore, previous.clone())
            }
            (effect, _) => (effect, left.sent.clone()),
        },
    };
    Some(PlannedStep {
        path: StepPath(format!("{}~undo", step.path)),
        effect,
        when: When::Yes,
        depends_on: Vec::new(),
        config,
        forecast: None,
        outputs: serde_json::Map::new(),
        ..step.clone()
    })
}

/// Returns what a step left behind: a step that stands in for others has a name of its own where theirs is taken.
fn left_by<'a>(record: &'a UnitRecord, step: &PlannedStep) -> Option<&'a StepRecord> {
    record.steps.get(&recorded_as(record, step)).filter(|left| left.action == step.action.kind)
}

/// Names what a step leaves behind in the record of its unit.
pub fn recorded_as(record: &UnitRecord, step: &PlannedStep) -> String {
    let id = &step.action.id;
    let stands_in = step.failure.is_some();
    let taken = record.steps.get(id).is_some_and(|left| left.action != step.action.kind);
    if stands_in && taken { format!("{id}~manual") } else { id.clone() }
}
