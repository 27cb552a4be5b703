//! `id/confusable-parts`: within one document, no two fields, choices, actions, components, outputs or variables look the same.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use crate::catalog::{Body, Document, Form};
use crate::finding::Severity;
use crate::validate::findings::Findings;
use crate::validate::look_alike::look;
use crate::validate::parts::parts;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "id/confusable-parts",
    severity: Severity::Warning,
    summary: "Two fields, choices, actions, components, outputs or variables of one document look the same and are not.",
    why: "Whoever reads one takes it for the other: `l` and `1`, `o` and `0`, `rn` and `m`, letters of other scripts.",
    mend: "Rename one of them so that they can be told apart.",
    bad: "enum: [tier-1, tier-l]",
    good: "enum: [tier-1, tier-large]",
    check: Check::Document(check),
};

/// The names of one kind in one document: how they look, and which of them looks so.
#[derive(Default)]
struct Seen<'a>(HashMap<Cow<'a, str>, &'a str>);

impl<'a> Seen<'a> {
    /// Returns the first other name that looks like this one.
    fn other(&mut self, name: &'a str) -> Option<&'a str> {
        // One letter alone is looked at: sizes are `l`, priorities `1`.
        if name.len() < 2 {
            return None;
        }
        let first = *self.0.entry(look(name)).or_insert(name);
        (first != name).then_some(first)
    }
}

fn check(document: &Document, findings: &mut Findings<'_>) {
    let mut seen: HashMap<&'static str, Seen<'_>> = HashMap::new();
    for part in parts(document).into_iter().filter(|part| part.what != "group") {
        if let Some(other) = seen.entry(part.what).or_default().other(part.id) {
            let message = said(part.what, part.id, other);
            let finding = part.finding(findings, message).hint(HINT);
            findings.add(finding);
        }
    }
    match &document.body {
        Some(Body::Item(item)) => of_choices(&item.presentation.form, findings),
        Some(Body::Bundle(bundle)) => of_choices(&bundle.presentation.form, findings),
        _ => {}
    }
}

fn of_choices(form: &Form, findings: &mut Findings<'_>) {
    for (group, fields) in form.groups.iter().enumerate() {
        for (index, field) in fields.fields.iter().enumerate() {
            let pointer = format!("/presentation/form/groups/{group}/fields/{index}/enum");
            let mut choices = Seen::default();
            for (index, choice) in field.choices.iter().enumerate() {
                let Some(text) = choice.as_str().or_else(|| choice.get("value")?.as_str()) else {
                    continue;
                };
                if let Some(other) = choices.other(text) {
                    let part = if matches!(choice, Value::Object(_)) { "/value" } else { "" };
                    let message = said("choice", text, other);
                    let finding = findings.at(&format!("{pointer}/{index}{part}"), message);
                    findings.add(finding.hint(HINT));
                }
            }
        }
    }
}

const HINT: &str = "rename one of them so that they can be told apart";

fn said(what: &str, name: &str, other: &str) -> String {
    format!("the {what} `{name}` looks like the {what} `{other}`")
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, check};

    #[test]
    fn parts_that_look_the_same_are_found() {
        let item = ITEM
            .replace("[small, large]", "[small, large, tier1, tierl, sma11, {value: \"\u{455}mall\", label: S}]")
            .replace("{id: label,", "{id: siz1, name: A, type: string}\n          - {id: sizl, name: B, type: string}\n          - {id: label,")
            .replace("outputs:\n  url:", "outputs:\n  ur1: {value: x}\n  url:");
        check(
            &item,
            "
            catalog/databases/database-standard.yaml:16:78: warning id/confusable-parts the choice `tierl` looks like the choice `tier1` (rename one of them so that they can be told apart)
            catalog/databases/database-standard.yaml:16:85: warning id/confusable-parts the choice `sma11` looks like the choice `small` (rename one of them so that they can be told apart)
            catalog/databases/database-standard.yaml:16:100: warning id/confusable-parts the choice `\u{455}mall` looks like the choice `small` (rename one of them so that they can be told apart)
            catalog/databases/database-standard.yaml:16:101: warning text/look-alike `\u{455}mall` has the letter U+0455, which looks like `s` and is another (write `small`)
            catalog/databases/database-standard.yaml:18:18: warning id/confusable-parts the field `sizl` looks like the field `siz1` (rename one of them so that they can be told apart)
            catalog/databases/database-standard.yaml:32:3: warning id/confusable-parts the output `url` looks like the output `ur1` (rename one of them so that they can be told apart)
        ",
        );
    }

    #[test]
    fn choices_that_differ_are_no_mistake() {
        let sizes = "[s, m, l, xl, \"1\", \"10\", small, large, eu-west-1, eu-west-2, tls1.2, tls1.3, k8s-1.31, modern]";
        check(&ITEM.replace("[small, large]", sizes), "");
    }
}
