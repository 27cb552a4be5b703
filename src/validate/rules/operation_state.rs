//! `operation/state`: one operation leads to a state, and none does so by a schedule.

use std::collections::BTreeMap;

use crate::catalog::{Body, Document};
use crate::finding::Severity;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};
use crate::validate::texts::escape;

pub(super) static RULE: Rule = Rule {
    id: "operation/state",
    severity: Severity::Error,
    summary: "Two operations of an item lead to the same state, or one that leads to a state has a schedule.",
    why: "When a service asks for that state, nobody could say which of them runs; and a state that comes by a schedule would be undone at once, for `state` of the service says what is wanted.",
    mend: "Give each its own state, or leave `state` out where an operation runs on demand or by a schedule.",
    bad: "operations: {sleep: {state: hibernated, …}, nap: {state: hibernated, …}}",
    good: "operations: {sleep: {state: hibernated, …}, nap: {…}}",
    check: Check::Document(check),
};

fn check(document: &Document, findings: &mut Findings<'_>) {
    let Some(Body::Item(item)) = &document.body else { return };
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, operation) in &item.fulfillment.operations {
        let Some(state) = &operation.state else { continue };
        if operation.schedule.is_some() {
            let at = format!("/fulfillment/operations/{}/schedule", escape(name));
            let message = format!(
                "operation `{name}` has a schedule and leads to the state `{state}`, which only `state` of a service asks for"
            );
            let hint = "leave `schedule` out, or leave `state` out where it changes no state";
            findings.add(findings.at(&at, message).hint(hint));
        }
        if let Some(first) = seen.insert(state, name) {
            let pointer = |name: &str| format!("/fulfillment/operations/{}/state", escape(name));
            let message = format!("operation `{first}` leads to the state `{state}` already");
            let finding = findings.at(&pointer(name), message);
            let finding =
                finding.hint("one operation leads to a state: name another state, or leave it out");
            findings.add(finding.related(findings.place(&pointer(first)), "the other one"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, check};

    #[test]
    fn a_state_comes_by_no_schedule() {
        let action = "actions: [{type: notify, config: {channel: log, subject: s, message: m}}]";
        let schedule = "schedule: {cron: \"0 3 * * *\", timezone: Etc/UTC}";
        let operations = format!(
            "  operations:\n    check: {{{schedule}, {action}}}\n    nap: {{state: hibernated, {schedule}, {action}}}\noutputs:\n  url"
        );
        check(&ITEM.replace("outputs:\n  url", &operations), "
            catalog/databases/database-standard.yaml:30:40: error operation/state operation `nap` has a schedule and leads to the state `hibernated`, which only `state` of a service asks for (leave `schedule` out, or leave `state` out where it changes no state)
        ");
    }

    #[test]
    fn one_operation_leads_to_a_state() {
        let action = "actions: [{type: notify, config: {channel: log, subject: s, message: m}}]";
        let operations = format!(
            "  operations:\n    nap: {{state: hibernated, {action}}}\n    sleep: {{state: hibernated, {action}}}\noutputs:\n  url"
        );
        check(&ITEM.replace("outputs:\n  url", &operations), "
            catalog/databases/database-standard.yaml:30:20: error operation/state operation `nap` leads to the state `hibernated` already (one operation leads to a state: name another state, or leave it out)
            catalog/databases/database-standard.yaml:29:18: the other one
        ");
    }
}
