//! Plans to take over what exists: every step that would make a unit looks instead, and none is carried out.

use serde_json::Map;

use super::change::{ChangeKind, Effect, PlannedStep, When};
use super::definition::Definition;
use super::desired::Unit;
use super::diff::{Against, Difference, finish};
use super::evaluate::Inputs;
use super::recorded::field_changes;
use super::steps::{self, Keeping, Source};
use crate::kinds::{self, Reversal};

/// Plans to take over a unit, where a person asked for that; nothing where it is looked after already.
///
/// What leaves nothing behind is left out: nobody is notified of what was there before, and nobody asked.
pub(super) fn taken_over(unit: &Unit, inputs: Inputs, against: &Against<'_>) -> Difference {
    if against.record.is_some_and(|record| record.applied.is_some()) {
        return Difference::Nothing;
    }
    let without_hooks =
        Definition { before: Vec::new(), after: Vec::new(), ..(*unit.definition).clone() };
    let source =
        Source { unit: &unit.key, definition: &without_hooks, inputs: &inputs, record: None };
    let planned = steps::performed(&source, &unit.definition.create, "create", Keeping::Nothing);
    let fields = field_changes(&Map::new(), &inputs.fields, &[]);
    let planned = planned.map(|steps| (steps.into_iter().map(looked_at).collect(), fields));
    finish(unit, inputs, against, (ChangeKind::Adopt, "active"), planned)
}

fn looked_at(mut step: PlannedStep) -> PlannedStep {
    let leaves_nothing =
        kinds::find(&step.action.kind).is_some_and(|kind| kind.reversal == Reversal::Nothing);
    if leaves_nothing {
        step.when = When::No;
    } else {
        step.effect = Effect::Adopt;
    }
    step
}
