//! `action/duplicate-id`: the id of an action is unique in its list, and in what runs together.

use std::collections::BTreeMap;

use crate::catalog::{Body, Document};
use crate::finding::Severity;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};
use crate::validate::texts::{ActionList, action_lists};

pub(super) static RULE: Rule = Rule {
    id: "action/duplicate-id",
    severity: Severity::Error,
    summary: "Two actions that run together have the same id.",
    why: "A step is known by the id of its action: its outputs, its record and its undoing hang on it.",
    mend: "Rename one of them. Hooks run together with every list, so their ids must differ from all others.",
    bad: "actions: [{id: create, …}, {id: create, …}]",
    good: "actions: [{id: create, …}, {id: announce, …}]",
    check: Check::Document(check),
};

fn check(document: &Document, findings: &mut Findings<'_>) {
    let Some(Body::Item(item)) = &document.body else { return };
    let lists = action_lists(item);
    let mut hooked = BTreeMap::new();
    for hooks in [true, false] {
        for list in lists.iter().filter(|list| is_hook(list) == hooks) {
            check_list(list, &mut hooked, findings);
        }
    }
}

fn is_hook(list: &ActionList<'_>) -> bool {
    matches!(list.pointer, "/fulfillment/hooks/before" | "/fulfillment/hooks/after")
}

/// Checks one list; ids of hooks are kept, for they are in all that runs.
fn check_list<'a>(
    list: &ActionList<'a>,
    hooked: &mut BTreeMap<&'a str, String>,
    findings: &mut Findings<'_>,
) {
    let mut seen = hooked.clone();
    for (index, action) in list.actions.iter().enumerate() {
        let pointer = format!("{}/id", list.pointer_to(index));
        if let Some(first) = seen.get(action.id.as_str()) {
            let message =
                format!("an action that runs together with it has the id `{}` already", action.id);
            let finding = findings.at(&pointer, message).hint("give this one another id");
            findings.add(finding.related(findings.place(first), "the first one"));
            continue;
        }
        if is_hook(list) {
            hooked.insert(&action.id, pointer.clone());
        }
        seen.insert(&action.id, pointer);
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, check};

    const SECOND: &str =
        "      - {id: provision, type: notify, config: {channel: log, subject: s, message: m}}\n";

    #[test]
    fn ids_are_unique_in_a_list() {
        check(&ITEM.replace("outputs:\n  url", &format!("{SECOND}outputs:\n  url")), "
            catalog/databases/database-standard.yaml:28:14: error action/duplicate-id an action that runs together with it has the id `provision` already (give this one another id)
            catalog/databases/database-standard.yaml:22:13: the first one
        ");
    }

    #[test]
    fn ids_of_hooks_are_unique_in_all_that_runs() {
        let hooks = format!("  hooks:\n    after:\n{SECOND}outputs:\n  url");
        check(&ITEM.replace("outputs:\n  url", &hooks), "
            catalog/databases/database-standard.yaml:22:13: error action/duplicate-id an action that runs together with it has the id `provision` already (give this one another id)
            catalog/databases/database-standard.yaml:30:14: the first one
        ");
    }

    #[test]
    fn lists_that_never_run_together_may_share_ids() {
        let automatic = format!("  automatic:\n    actions:\n{SECOND}outputs:\n  url");
        check(&ITEM.replace("outputs:\n  url", &automatic), "");
    }
}
