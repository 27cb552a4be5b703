//! `action/rollback`: the `rollback` of an action is what its type takes.

use crate::catalog::{Body, Document};
use crate::finding::Severity;
use crate::kinds;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};
use crate::validate::texts::action_lists;

pub(super) static RULE: Rule = Rule {
    id: "action/rollback",
    severity: Severity::Error,
    summary: "The `config` of an action's `rollback` is not what its type takes.",
    why: "It is carried out when something has failed already, the worst moment to hear that it can't be.",
    mend: "Give what is missing, take away what is unknown. The schemas of the types stand in `schemas/actions/`.",
    bad: "rollback: {type: rest-api, config: {url: \"https://api.example.com\"}}",
    good: "rollback: {type: rest-api, config: {endpoint: {url: \"https://api.example.com\"}}}",
    check: Check::Document(check),
};

fn check(document: &Document, findings: &mut Findings<'_>) {
    let Some(Body::Item(item)) = &document.body else { return };
    for list in action_lists(item) {
        for (index, action) in list.actions.iter().enumerate() {
            let Some(rollback) = &action.rollback else { continue };
            let kind = rollback.get("type").and_then(|kind| kinds::find(kind.as_str()?));
            let (Some(kind), Some(config)) = (kind, rollback.get("config")) else { continue };
            for fault in kinds::config_problems(kind, config) {
                let pointer =
                    format!("{}/rollback/config{}", list.pointer_to(index), fault.pointer);
                let finding = if fault.at_key {
                    findings.at_key(&pointer, fault.message)
                } else {
                    findings.at(&pointer, fault.message)
                };
                findings.add(finding.maybe_hint(fault.hint));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, check};

    #[test]
    fn a_rollback_is_what_its_type_takes() {
        let with = |rollback: &str| {
            ITEM.replacen(
                "        config:",
                &format!("        rollback: {rollback}\n        config:"),
                1,
            )
        };
        check(&with("{type: notify, config: {channel: log, message: gone}}"), "");
        check(
            &with("{type: notify, config: {channel: log, mesage: gone}}"),
            "catalog/databases/database-standard.yaml:24:42: error action/rollback missing property `message` (`message`: what is said)
             catalog/databases/database-standard.yaml:24:57: error action/rollback unknown property `mesage` (did you mean `message`?)",
        );
    }
}
