//! `settings/rule`: the settings name rules that there are, and whose severity can be set.

use crate::catalog::{Body, Document};
use crate::finding::Severity;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule, rule, rules};
use crate::validate::texts::escape;

pub(super) static RULE: Rule = Rule {
    id: "settings/rule",
    severity: Severity::Error,
    summary: "The settings of the catalog name a rule that is not there, or whose severity cannot be set.",
    why: "Somebody believes that a rule is off, or on, and it is not.",
    mend: "Name a rule of this list. What makes a document unreadable is always an error.",
    bad: "validation: {rules: {template/unkown-variable: warning}}",
    good: "validation: {rules: {template/unknown-variable: warning}}",
    check: Check::Document(check),
};

fn check(document: &Document, findings: &mut Findings<'_>) {
    let Some(Body::Settings(settings)) = &document.body else { return };
    for (id, severity) in &settings.validation.rules {
        let pointer = format!("/validation/rules/{}", escape(id));
        match rule(id) {
            None => {
                let finding = findings.at_key(&pointer, format!("no rule `{id}`"));
                let finding = findings.near(finding, id, rules().iter().map(|rule| rule.id));
                let hint = || "`trueline explain` lists them all".to_owned();
                findings.add(finding.or_hint(hint));
            }
            Some(rule) if rule.is_fixed() && severity != "error" => {
                let message = format!("the severity of `{id}` cannot be set");
                let hint = "it is always an error: take this line away";
                findings.add(findings.at(&pointer, message).hint(hint));
            }
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, SERVICE, check, judge};

    fn settings(rules: &str) -> String {
        format!(
            "--- trueline.yaml\nschemaVersion: catalog/v1\nkind: Catalog\nvalidation: {{rules: {rules}}}\n"
        )
    }

    #[test]
    fn rules_are_those_that_there_are() {
        check(
            &settings("{template/unkown-variable: warning}"),
            "trueline.yaml:3:22: error settings/rule no rule `template/unkown-variable` (did you mean `template/unknown-variable`?)",
        );
        check(
            &settings("{yaml/syntax: off}"),
            "trueline.yaml:3:35: error settings/rule the severity of `yaml/syntax` cannot be set (it is always an error: take this line away)",
        );
        check(&settings("{yaml/syntax: error, template/syntax: note}"), "");
    }

    #[test]
    fn severities_are_what_the_settings_say() {
        let wrong = format!("{ITEM}{}", SERVICE.replace("size: small", "sise: small"));
        let with = |severity: &str| {
            format!("{wrong}{}", settings(&format!("{{fields/unknown: {severity}}}")))
        };
        check(
            &with("warning"),
            "services/payments/payments-db.yaml:5:10: warning fields/unknown unknown field `sise` (did you mean `size`?)",
        );
        check(&with("off"), "");
        assert!(judge(&with("warning")).misfits.is_empty());
        assert_eq!(judge(&with("error")).misfits.len(), 1);
    }
}
