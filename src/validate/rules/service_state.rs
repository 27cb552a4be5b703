//! `service/state`: the state that a service asks for is one that an operation leads to.

use std::collections::BTreeSet;

use crate::finding::Severity;
use crate::validate::context::ServiceContext;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};
use crate::validate::scope::listed;

pub(super) static RULE: Rule = Rule {
    id: "service/state",
    severity: Severity::Error,
    summary: "A service asks for a state that no operation of its item leads to.",
    why: "Nobody could say how to bring it there.",
    mend: "Ask for `active`, `suspended`, or a state that an operation of the item names.",
    bad: "state: hibernating",
    good: "state: hibernated",
    check: Check::Service(check),
};

fn check(of: &ServiceContext<'_>, findings: &mut Findings<'_>) {
    let state = of.service.state.as_str();
    if of.offer.is_none() || matches!(state, "active" | "suspended") {
        return;
    }
    let mut known: BTreeSet<&str> = BTreeSet::from(["active", "suspended"]);
    for (_, item) in of.items() {
        let operations = item.body.fulfillment.operations.values();
        known.extend(operations.filter_map(|operation| operation.state.as_deref()));
    }
    if known.contains(state) {
        return;
    }
    let known: Vec<&str> = known.into_iter().collect();
    let message = format!("no operation of `{}` leads to the state `{state}`", of.service.offer());
    let finding = findings.near(findings.at("/state", message), state, known.iter().copied());
    findings.add(finding.or_hint(|| format!("possible: {}", listed(&known))));
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, SERVICE, check};

    #[test]
    fn a_state_is_one_that_an_operation_leads_to() {
        let item = ITEM.replace(
            "outputs:\n  url",
            "  operations:\n    sleep: {state: hibernated, actions: [{type: notify, config: {channel: log, subject: s, message: m}}]}\noutputs:\n  url",
        );
        check(&format!("{item}{SERVICE}state: hibernated\n"), "");
        check(&format!("{item}{SERVICE}state: suspended\n"), "");
        check(
            &format!("{item}{SERVICE}state: hibernatd\n"),
            "services/payments/payments-db.yaml:6:8: error service/state no operation of `database-standard` leads to the state `hibernatd` (did you mean `hibernated`?)",
        );
        check(
            &format!("{ITEM}{SERVICE}state: asleep\n"),
            "services/payments/payments-db.yaml:6:8: error service/state no operation of `database-standard` leads to the state `asleep` (possible: `active`, `suspended`)",
        );
    }
}
