//! Gives actions without an id one by their position, so that every step has a name. It changes nothing else.

use super::item::{Action, Item};

/// Names each action without an id `action-<n>`, counted from 1 in its list.
pub(super) fn name_actions(item: &mut Item) {
    let fulfillment = &mut item.fulfillment;
    name(&mut fulfillment.manual.actions);
    if let Some(automatic) = &mut fulfillment.automatic {
        name(&mut automatic.actions);
        for block in [&mut automatic.update, &mut automatic.delete].into_iter().flatten() {
            name(&mut block.actions);
        }
    }
    for operation in fulfillment.operations.values_mut() {
        name(&mut operation.actions);
    }
    let hooks = &mut fulfillment.hooks;
    for actions in [&mut hooks.before, &mut hooks.after, &mut hooks.on_failure] {
        name(actions);
    }
}

fn name(actions: &mut [Action]) {
    for (index, action) in actions.iter_mut().enumerate() {
        if action.id.is_empty() {
            action.id = format!("action-{}", index + 1);
        }
    }
}
