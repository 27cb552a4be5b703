//! `item/version-not-raised`: another definition is another version.

use serde_json::{Value, json};

use crate::catalog::{Action, Catalog, Item, Mode};
use crate::finding::{Finding, Severity};
use crate::validate::breaks::changed_offers;
use crate::validate::context::{Context, Offer};
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "item/version-not-raised",
    severity: Severity::Warning,
    summary: "What fulfils an item changed, and its version did not.",
    why: "Services that exist stay on the old definition until the version rises, and two definitions have one name.",
    mend: "Raise `metadata.version`: the patch for a mended template, the minor for something new.",
    bad: "a changed template under version: 1.4.0, as before",
    good: "a changed template under version: 1.4.1",
    check: Check::Change(check),
};

fn check(context: &Context<'_>, base: &Catalog, rule: &'static Rule, found: &mut Vec<Finding>) {
    for offer in changed_offers(base, context.catalog) {
        let (Offer::Item(before), Offer::Item(after)) = (offer.before, offer.after) else {
            continue;
        };
        let (then, now) = (&before.body.metadata, &after.body.metadata);
        let mode = |item: &Item| item.fulfillment.strategy.mode;
        // Who fulfils is no part of a definition: to change that disturbs nobody.
        let same = then.version != now.version
            || mode(&before.body) != mode(&after.body)
            || definition(&before.body) == definition(&after.body);
        // A break asks for more than this rule.
        if same || !offer.breaks(context.catalog).is_empty() {
            continue;
        }
        let message =
            format!("what fulfils `{}` changed, and its version is still {}", now.id, now.version);
        let hint = "raise it; until then services that exist stay on what was applied last";
        let findings = Findings::new(&after.document, rule);
        found.push(findings.at("/metadata/version", message).hint(hint));
    }
}

/// Returns what the reconciler compares of an item: templates and constants of the block that runs.
fn definition(item: &Item) -> Value {
    let fulfillment = &item.fulfillment;
    let automatic = match fulfillment.strategy.mode {
        Mode::Automatic => fulfillment.automatic.as_ref(),
        Mode::Manual => None,
    };
    let outputs: Vec<(&String, &String)> =
        item.outputs.iter().map(|(name, output)| (name, &output.value)).collect();
    let create = automatic.map_or(&fulfillment.manual.actions, |block| &block.actions);
    json!({
        "create": actions(create),
        "update": automatic.and_then(|block| Some(actions(&block.update.as_ref()?.actions))),
        "delete": automatic.and_then(|block| Some(actions(&block.delete.as_ref()?.actions))),
        "before": actions(&fulfillment.hooks.before),
        "after": actions(&fulfillment.hooks.after),
        "constants": item.metadata.constants,
        "outputs": outputs,
    })
}

fn actions(list: &[Action]) -> Vec<Value> {
    let definition = |action: &Action| {
        json!({
            "id": action.id, "type": action.kind, "dependsOn": action.depends_on,
            "when": action.when, "config": action.config, "outputs": action.outputs,
            "verify": action.verify,
        })
    };
    list.iter().map(definition).collect()
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, changed};

    #[test]
    fn another_definition_is_another_version() {
        let check = |after: &str| changed("item/version-not-raised", ITEM, after);
        let mended = ITEM.replace("Make it.", "Make it well.");
        assert_eq!(
            check(&mended),
            "catalog/databases/database-standard.yaml:7:12: warning item/version-not-raised what fulfils `database-standard` changed, and its version is still 1.4.0 (raise it; until then services that exist stay on what was applied last)"
        );
        assert_eq!(check(&mended.replace("1.4.0", "1.4.1")), "");
        assert_eq!(check(&ITEM.replace("name: Size", "name: How large")), "");
        let timeout = "type: manual-task\n        timeout: 5m";
        assert_eq!(check(&ITEM.replace("type: manual-task", timeout)), "");
        // A break is told by its own rule.
        assert_eq!(check(&mended.replace("[small, large]", "[small]")), "");
    }
}
