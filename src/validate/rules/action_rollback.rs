//! `action/rollback`: the `rollback` of an action is what its type takes.

use super::action_config::check_config;
use crate::catalog::Document;
use crate::finding::Severity;
use crate::validate::findings::Findings;
use crate::validate::readings::Acting;
use crate::validate::registry::{Check, Rule};

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

fn check(_: &Document, findings: &mut Findings<'_>) {
    for (kind, config, at) in findings.actions().iter().filter_map(Acting::rollback) {
        check_config(findings, (kind, config), &at);
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
