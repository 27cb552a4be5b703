//! `output/unused`: what an action gives is read by somebody.

use std::collections::BTreeSet;

use crate::catalog::{Body, Document};
use crate::finding::Severity;
use crate::template::is_template;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};
use crate::validate::templates::Placed;
use crate::validate::texts::{action_lists, escape};

pub(super) static RULE: Rule = Rule {
    id: "output/unused",
    severity: Severity::Note,
    summary: "An action maps an output that nothing of its item reads.",
    why: "Somebody meant to pass it on, or it is left over; a run fails where the answer has no such value.",
    mend: "Read it in a later action, offer it under the item's `outputs`, or take it away.",
    bad: "outputs: {url: /url, zone: /zone}, and only `outputs.provision.url` is read",
    good: "outputs: {url: /url}",
    check: Check::Document(check),
};

fn check(document: &Document, findings: &mut Findings<'_>) {
    let Some(Body::Item(item)) = &document.body else { return };
    let lists = action_lists(item);
    if lists.iter().all(|list| list.actions.iter().all(|action| action.outputs.is_empty())) {
        return;
    }
    // Paths below `outputs`: one that stops early reads everything below it.
    let mut read: BTreeSet<Vec<String>> = BTreeSet::new();
    for Placed { text, .. } in findings.texts().iter().filter(|it| is_template(&it.text)) {
        for reference in &findings.read(text).references {
            if let Some(("outputs", rest)) =
                reference.path.split_first().map(|(root, rest)| (root.as_str(), rest))
            {
                read.insert(rest.iter().take(2).cloned().collect());
            }
        }
    }
    for list in &lists {
        for (index, action) in list.actions.iter().enumerate() {
            for name in action.outputs.keys() {
                let path = [action.id.clone(), name.clone()];
                if (0..=path.len()).any(|length| read.contains(path.get(..length).unwrap_or(&path)))
                {
                    continue;
                }
                let pointer = format!("{}/outputs/{}", list.pointer_to(index), escape(name));
                let message =
                    format!("nothing reads the output `{name}` of action `{}`", action.id);
                let hint = "read it in a later action, offer it under the item's `outputs`, or take it away";
                findings.add(findings.at_key(&pointer, message).hint(hint));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, check};

    fn with(outputs: &str, offered: &str) -> String {
        let automatic = format!(
            "  automatic:\n    actions:\n      - id: make\n        type: rest-api\n        config: {{endpoint: {{url: \"https://api.example\", method: POST}}}}\n        outputs: {outputs}\noutputs:\n  url: {{value: \"{offered}\"}}"
        );
        ITEM.replace("mode: manual", "mode: automatic")
            .replace("outputs:\n  url: {value: \"{{outputs.provision.url}}\"}", &automatic)
    }

    #[test]
    fn what_nobody_reads_is_told() {
        check(&with("{url: /url}", "{{outputs.make.url}}"), "");
        check(&with("{url: /url}", "{{output.make.url}}"), "");
        check(&with("{url: /url, zone: /zone}", "{{json outputs.make}}"), "");
        check(
            &with("{url: /url, zone: /zone}", "{{outputs.make.url}}"),
            "catalog/databases/database-standard.yaml:33:30: note output/unused nothing reads the output `zone` of action `make` (read it in a later action, offer it under the item's `outputs`, or take it away)",
        );
    }
}
