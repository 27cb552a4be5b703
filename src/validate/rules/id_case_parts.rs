//! `id/case-parts`: within one document, no two fields, groups, outputs or variables differ in case only.

use std::collections::HashMap;

use crate::catalog::Document;
use crate::finding::Severity;
use crate::validate::findings::Findings;
use crate::validate::parts::parts;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "id/case-parts",
    severity: Severity::Error,
    summary: "Two fields, groups, outputs or variables of one document differ in upper and lower case only.",
    why: "People take one for the other, and what they are handed to may take them for the same: variables of Windows, columns, JIRA.",
    mend: "Rename one of them.",
    bad: "{id: userName, …} beside {id: username, …}",
    good: "{id: userName, …} beside {id: loginName, …}",
    check: Check::Document(check),
};

fn check(document: &Document, findings: &mut Findings<'_>) {
    let parts = parts(document);
    let mut first: HashMap<(&str, String), &str> = HashMap::with_capacity(parts.len());
    for part in &parts {
        let folded = (part.what, part.id.to_lowercase());
        let other = *first.entry(folded).or_insert(part.id);
        if other != part.id {
            let what = part.what;
            let message =
                format!("the {what} `{}` differs from the {what} `{other}` in case only", part.id);
            let finding = part.finding(findings, message);
            findings.add(finding.hint("rename one of them so that they differ in more than that"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, check};

    #[test]
    fn parts_differ_in_more_than_case() {
        let item = ITEM
            .replace("- {id: label,", "- {id: diskSize, name: A, type: string}\n          - {id: disksize, name: B, type: string}\n          - {id: label,")
            .replace("outputs:\n  url:", "outputs:\n  uRl: {value: x}\n  url:");
        check(&item, "
            catalog/databases/database-standard.yaml:18:18: error id/case-parts the field `disksize` differs from the field `diskSize` in case only (rename one of them so that they differ in more than that)
            catalog/databases/database-standard.yaml:32:3: error id/case-parts the output `url` differs from the output `uRl` in case only (rename one of them so that they differ in more than that)
        ");
        // A field and an output, a group and a field, are no mistake.
        let item = ITEM
            .replace("- id: main", "- id: siZe")
            .replace("outputs:\n  url:", "outputs:\n  sIze: {value: x}\n  url:");
        check(&item, "");
    }
}
