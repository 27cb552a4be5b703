//! `action/config`: the `config` of an action is what its type takes.

use serde_json::Value;

use crate::catalog::Document;
use crate::finding::Severity;
use crate::kinds::{self, ActionKind};
use crate::validate::findings::Findings;
use crate::validate::readings::Acting;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "action/config",
    severity: Severity::Error,
    summary: "The `config` of an action is not what its type takes.",
    why: "The action could not be done; better to hear that now than in the middle of a run.",
    mend: "Give what is missing, take away what is unknown. The schemas of the types stand in `schemas/actions/`.",
    bad: "type: rest-api\nconfig: {url: \"https://api.example.com\"}",
    good: "type: rest-api\nconfig: {endpoint: {url: \"https://api.example.com\"}}",
    check: Check::Document(check),
};

fn check(_: &Document, findings: &mut Findings<'_>) {
    for Acting { at, kind, config, .. } in findings.actions().iter() {
        let Some(kind) = kind else { continue };
        check_config(findings, (kind, config), &format!("{at}/config"));
    }
}

/// Finds what a config is that its type does not take.
pub(super) fn check_config(
    findings: &mut Findings<'_>,
    (kind, config): (&ActionKind, &Value),
    at: &str,
) {
    for fault in kinds::config_problems(kind, config) {
        let pointer = format!("{at}{}", fault.pointer);
        let finding = if fault.at_key {
            findings.at_key(&pointer, fault.message)
        } else {
            findings.at(&pointer, fault.message)
        };
        findings.add(finding.maybe_hint(fault.hint));
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, check};

    #[test]
    fn a_config_is_what_the_type_takes() {
        check(
            &ITEM.replace("instructions:", "instuctions:"),
            "catalog/databases/database-standard.yaml:26:11: error action/config unknown property `instuctions` (did you mean `instructions`?)",
        );
        check(
            &ITEM.replace("type: string}]", "type: strnig}]"),
            "catalog/databases/database-standard.yaml:27:39: error action/config expected one of `string`, `number`, `boolean`, found `strnig` (did you mean `string`?)",
        );
    }
}
