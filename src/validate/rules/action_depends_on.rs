//! `action/depends-on`: actions depend on others of their list, and not in a ring.

use crate::catalog::{Action, Body, Document};
use crate::finding::Severity;
use crate::validate::findings::Findings;
use crate::validate::graph::{Ring, rings};
use crate::validate::registry::{Check, Rule};
use crate::validate::scope::{directly_before, listed};
use crate::validate::texts::{ActionList, action_lists};

pub(super) static RULE: Rule = Rule {
    id: "action/depends-on",
    severity: Severity::Error,
    summary: "An action depends on an action that is not there, on itself, or on one that waits for it.",
    why: "It could never start.",
    mend: "Name actions of the same list, and break the ring where one does not truly need the other.",
    bad: "- {id: a, dependsOn: [b], …}\n- {id: b, dependsOn: [a], …}",
    good: "- {id: a, dependsOn: [], …}\n- {id: b, dependsOn: [a], …}",
    check: Check::Document(check),
};

fn check(document: &Document, findings: &mut Findings<'_>) {
    let Some(Body::Item(item)) = &document.body else { return };
    for list in action_lists(item) {
        for (index, action) in list.actions.iter().enumerate() {
            check_named(&list, (index, action), findings);
        }
        let before = (0..list.actions.len()).map(|index| directly_before(list.actions, index));
        for ring in rings(&before.collect::<Vec<_>>()) {
            report(&list, &ring, findings);
        }
    }
}

fn check_named(
    list: &ActionList<'_>,
    (index, action): (usize, &Action),
    findings: &mut Findings<'_>,
) {
    for (at, id) in action.depends_on.iter().flatten().enumerate() {
        let pointer = format!("{}/dependsOn/{at}", list.pointer_to(index));
        if *id == action.id {
            let finding = findings.at(&pointer, format!("action `{id}` depends on itself"));
            findings.add(finding.hint("take it out of its own `dependsOn`"));
        } else if !list.actions.iter().any(|other| other.id == *id) {
            let others = list.actions.iter().map(|other| other.id.as_str());
            let others: Vec<&str> = others.filter(|other| *other != action.id).collect();
            let finding = findings.at(&pointer, format!("no action `{id}` in this list"));
            let finding = findings.near(finding, id, others.iter().copied());
            findings.add(finding.or_hint(|| match &others[..] {
                [] => "it is alone in its list: take `dependsOn` away".to_owned(),
                others => format!("the others of the list: {}", listed(others)),
            }));
        }
    }
}

fn report(list: &ActionList<'_>, ring: &Ring, findings: &mut Findings<'_>) {
    let name = |index: &usize| list.actions.get(*index).map_or("", |action| action.id.as_str());
    let Some(first) = ring.first().filter(|_| ring.len() > 1) else { return };
    let path: Vec<&str> = ring.iter().chain(ring.first()).map(name).collect();
    let place = |index: &usize| findings.place(&format!("{}/dependsOn", list.pointer_to(*index)));
    let message = format!("actions wait for one another: {}", path.join(" → "));
    let hint = "break the ring: take a name out of `dependsOn`; an action without it waits for the one above, one with `dependsOn: []` for none";
    let finding = findings.at(&format!("{}/dependsOn", list.pointer_to(*first)), message);
    let mut finding = finding.hint(hint);
    for (from, to) in ring.iter().zip(ring.iter().skip(1).chain(ring.first())) {
        finding =
            finding.related(place(from), format!("`{}` waits for `{}`", name(from), name(to)));
    }
    findings.add(finding);
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, check};

    fn with(actions: &[(&str, &str)]) -> String {
        let mut list = String::new();
        for (id, depends_on) in actions {
            let action = format!(
                "      - {{id: {id}, type: notify, {depends_on}config: {{channel: log, subject: s, message: m}}}}\n"
            );
            list.push_str(&action);
        }
        ITEM.replace("outputs:\n  url", &format!("{list}outputs:\n  url"))
    }

    #[test]
    fn an_action_depends_on_others_of_its_list() {
        check(
            &with(&[("tell", "dependsOn: [provison], ")]),
            "catalog/databases/database-standard.yaml:28:46: error action/depends-on no action `provison` in this list (did you mean `provision`?)",
        );
        check(
            &with(&[("tell", "dependsOn: [tell], ")]),
            "catalog/databases/database-standard.yaml:28:46: error action/depends-on action `tell` depends on itself (take it out of its own `dependsOn`)",
        );
    }

    #[test]
    fn a_ring_is_printed() {
        check(&with(&[("a", "dependsOn: [c], "), ("b", ""), ("c", "dependsOn: [b], ")]), "
            catalog/databases/database-standard.yaml:28:42: error action/depends-on actions wait for one another: a → c → b → a (break the ring: take a name out of `dependsOn`; an action without it waits for the one above, one with `dependsOn: []` for none)
            catalog/databases/database-standard.yaml:28:42: `a` waits for `c`
            catalog/databases/database-standard.yaml:30:42: `c` waits for `b`
            catalog/databases/database-standard.yaml:29:9: `b` waits for `a`
        ");
    }
}
