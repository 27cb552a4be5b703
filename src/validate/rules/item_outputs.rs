//! `item/outputs`: an output of an item names an output of one of its actions.

use std::collections::BTreeSet;

use crate::catalog::{Action, Body, Document, Item, Mode};
use crate::finding::{Severity, did_you_mean};
use crate::kinds;
use crate::template::references;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "item/outputs",
    severity: Severity::Error,
    summary: "An output of an item reads an output that none of its actions has.",
    why: "The run would succeed, and then nothing could be offered to those who read it.",
    mend: "Name an action of the block that runs, and one of the outputs that it maps or that its type has.",
    bad: "outputs: {url: {value: \"{{outputs.provison.url}}\"}}",
    good: "outputs: {url: {value: \"{{outputs.provision.url}}\"}}",
    check: Check::Document(check),
};

fn check(document: &Document, findings: &mut Findings<'_>) {
    let Some(Body::Item(item)) = &document.body else { return };
    let actions = active(item);
    for (name, output) in &item.outputs {
        let pointer = format!("/outputs/{name}/value");
        for reference in references(&output.value) {
            let [root, action, rest @ ..] = reference.path.as_slice() else { continue };
            if root != "outputs" {
                continue;
            }
            let at = |message: String, hint| {
                findings.in_text(&pointer, reference.offset, message).maybe_hint(hint)
            };
            let finding = match (actions.iter().find(|known| known.id == *action), rest.first()) {
                (None, _) => {
                    let known = actions.iter().map(|known| known.id.as_str());
                    let hint = did_you_mean(action, known);
                    Some(at(format!("no action `{action}` runs for this item"), hint))
                }
                (Some(found), Some(output)) => unknown(found, output).map(|known| {
                    let hint = did_you_mean(output, known.iter().map(String::as_str));
                    at(format!("action `{action}` has no output `{output}`"), hint)
                }),
                (Some(_), None) => None,
            };
            finding.into_iter().for_each(|finding| findings.add(finding));
        }
    }
}

/// Returns the actions whose outputs an item's own outputs are made of.
fn active(item: &Item) -> Vec<&Action> {
    let fulfillment = &item.fulfillment;
    let automatic = fulfillment.automatic.as_ref();
    let block = match (fulfillment.strategy.mode, automatic) {
        (Mode::Automatic, Some(automatic)) => &automatic.actions,
        _ => &fulfillment.manual.actions,
    };
    fulfillment.hooks.before.iter().chain(block).chain(&fulfillment.hooks.after).collect()
}

/// Returns the outputs that an action has, where one is not among them.
pub(super) fn unknown(action: &Action, output: &str) -> Option<BTreeSet<String>> {
    let kind = kinds::find(&action.kind)?;
    let mut known: BTreeSet<String> = action.outputs.keys().cloned().collect();
    known.extend((kind.outputs)(&action.config));
    (!known.contains(output)).then_some(known)
}
