//! Plans the operations of an item: one that leads to the state that is wanted, and one whose time has come.

use super::actual::Applied;
use super::change::{ChangeKind, UnitChange};
use super::definition::OperationBlock;
use super::desired::Unit;
use super::diff::{Against, Difference, finish};
use super::evaluate::Inputs;
use super::schedule::Due;
use super::steps::{self, Keeping, Source};
use crate::catalog::Action;

/// Plans the operation that leads to the state that is wanted.
pub(super) fn operate(
    unit: &Unit,
    inputs: Inputs,
    (against, applied): (&Against<'_>, &Applied),
) -> Difference {
    let state = unit.service.state.as_str();
    let operation =
        unit.definition.operations.iter().find(|(_, block)| block.state.as_deref() == Some(state));
    let Some((name, block)) = operation else {
        return Difference::Blocked(vec![format!(
            "`{}` has no operation that leads from `{}` to `{state}`",
            unit.item.metadata.id, applied.state
        )]);
    };
    by_operation(unit, inputs, against, ((name, block), state))
}

/// Plans a scheduled operation of a unit that is as it is wanted; the state that it is in stays.
pub(super) fn scheduled(
    unit: &Unit,
    inputs: Inputs,
    against: &Against<'_>,
    due: &Due,
) -> Difference {
    let applied = against.record.and_then(|record| record.applied.as_ref());
    let operation = unit.definition.operations.get_key_value(&due.operation);
    let (Some(applied), Some((name, block))) = (applied, operation) else {
        return Difference::Nothing;
    };
    let state = block.state.as_ref().unwrap_or(&applied.state);
    let planned = by_operation(unit, inputs, against, ((name, block), state));
    match planned {
        Difference::Change(change) => {
            Difference::Change(Box::new(UnitChange { due: Some(due.clone()), ..*change }))
        }
        other => other,
    }
}

fn by_operation(
    unit: &Unit,
    inputs: Inputs,
    against: &Against<'_>,
    ((name, block), state): ((&String, &OperationBlock), &str),
) -> Difference {
    // What an operation does leaves nothing behind that a later update could keep.
    let actions: Vec<Action> = block
        .actions
        .iter()
        .map(|action| {
            let named = |id: &String| format!("{name}~{id}");
            let depends_on = action.depends_on.as_ref().map(|ids| ids.iter().map(named).collect());
            Action { id: named(&action.id), depends_on, ..action.clone() }
        })
        .collect();
    let source = Source {
        unit: &unit.key,
        definition: &unit.definition,
        inputs: &inputs,
        record: against.record,
    };
    let planned = steps::performed(&source, &actions, name, Keeping::Nothing);
    finish(
        unit,
        inputs,
        against,
        (ChangeKind::Operate, state),
        planned.map(|steps| (steps, Vec::new())),
    )
}
