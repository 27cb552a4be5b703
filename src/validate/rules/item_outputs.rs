//! `item/outputs`: an output of an item names an output of one of its actions.

use crate::catalog::{Action, Body, Document, Item};
use crate::finding::Severity;
use crate::validate::findings::Findings;
use crate::validate::readings::Acting;
use crate::validate::registry::{Check, Rule};
use crate::validate::scope::{active, listed, outputs_with};
use crate::validate::texts::escape;
use crate::validate::wrong::Wrong;

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
    for (name, output) in &item.outputs {
        for reference in &findings.read(&output.value).references {
            if let Some(wrong) = wrong(item, &findings.actions(), &reference.path) {
                let pointer = format!("/outputs/{}/value", escape(name));
                findings.add(wrong.at(findings, &pointer, reference.offset));
            }
        }
    }
}

fn wrong(item: &Item, all: &[Acting<'_>], path: &[String]) -> Option<Wrong> {
    let [root, id, rest @ ..] = path else { return None };
    if root != "outputs" {
        return None;
    }
    let hooks = &item.fulfillment.hooks;
    let actions: Vec<&Action> =
        hooks.before.iter().chain(active(item)).chain(&hooks.after).collect();
    let Some(action) = actions.iter().find(|action| action.id == *id) else {
        let known: Vec<&str> = actions.iter().map(|action| action.id.as_str()).collect();
        let wrong = Wrong::new(format!("no action `{id}` runs for this item"));
        let hint = || format!("the actions that run: {}", listed(&known));
        return Some(wrong.near(id, known.iter().copied()).or_hint(hint));
    };
    let acting = all.iter().find(|acting| std::ptr::eq(acting.action, *action))?;
    let known = outputs_with(action, acting.kind, &acting.config)?;
    let name = rest.first()?;
    (!known.contains(name)).then(|| {
        Wrong::new(format!("action `{id}` has no output `{name}`"))
            .near(name, known.iter().map(String::as_str))
            .or_hint(|| {
                let has = if known.is_empty() {
                    String::new()
                } else {
                    let known: Vec<&str> = known.iter().map(String::as_str).collect();
                    format!("it has {}; ", listed(&known))
                };
                format!(
                    "{has}map another under `outputs` of `{id}`: `{name}: /pointer/into/its/result`"
                )
            })
    })
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, check};

    #[test]
    fn an_output_reads_what_an_action_gives() {
        check(
            &ITEM.replace("provision.url", "provison.url"),
            "catalog/databases/database-standard.yaml:29:19: error item/outputs no action `provison` runs for this item (did you mean `provision`?)",
        );
        check(
            &ITEM.replace("provision.url", "provision.adress"),
            "catalog/databases/database-standard.yaml:29:19: error item/outputs action `provision` has no output `adress` (it has `url`; map another under `outputs` of `provision`: `adress: /pointer/into/its/result`)",
        );
    }
}
