//! `action/target`: an action touches only what its item says that it touches.

use crate::catalog::{Body, Document};
use crate::finding::Severity;
use crate::kinds::is_target_named;
use crate::validate::findings::Findings;
use crate::validate::readings::Acting;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "action/target",
    severity: Severity::Error,
    summary: "An action touches a host, repository, workspace or program that `fulfillment.targets` does not name.",
    why: "The step would be refused: an item that lists its targets touches nothing else, whatever is entered in its form.",
    mend: "Name the target in `fulfillment.targets`, or correct the action.",
    bad: "targets: [\"git:acme/{{service.team}}-*\"]\nconfig: {repository: acme/dns}",
    good: "targets: [\"git:acme/{{service.team}}-*\", \"git:acme/dns\"]\nconfig: {repository: acme/dns}",
    check: Check::Document(check),
};

fn check(document: &Document, findings: &mut Findings<'_>) {
    let Some(Body::Item(item)) = &document.body else { return };
    let Some(named) = &item.fulfillment.targets else { return };
    for Acting { at, kind, config, .. } in findings.actions().iter() {
        let Some(kind) = kind else { continue };
        for target in (kind.targets)(config) {
            // What a template makes of it is known where it is planned.
            let is_open = target.contains("{{");
            if is_open || named.iter().any(|pattern| is_target_named(pattern, &target)) {
                continue;
            }
            let message = format!("`{target}` is not among the item's `targets`");
            let hint = format!("add `{target}` to `fulfillment.targets`, or correct the action");
            findings.add(findings.at_key(&format!("{at}/config"), message).hint(hint));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, check};

    fn with(targets: &str, config: &str) -> String {
        ITEM.replace("strategy: {mode: manual}", &format!("strategy: {{mode: automatic}}\n  targets: {targets}")).replace(
            "outputs:\n  url",
            &format!("  automatic:\n    actions:\n      - id: provision\n        type: git-commit\n        config: {{repository: {config}, commitMessage: m, files: [{{path: a, contentTemplate: b}}]}}\n        outputs: {{url: /commit}}\noutputs:\n  url"),
        )
    }

    #[test]
    fn an_action_touches_what_the_item_names() {
        check(&with("[\"git:acme/dns\"]", "acme/dns"), "");
        check(&with("[\"git:{{environment.owner}}/dns\"]", "acme/dns"), "");
        check(&with("[\"git:acme/dns\"]", "\"acme/{{fields.label}}\""), "");
        check(
            &with("[\"git:acme/{{service.team}}-*\"]", "acme/dns"),
            "catalog/databases/database-standard.yaml:33:9: error action/target `git:acme/dns` is not among the item's `targets` (add `git:acme/dns` to `fulfillment.targets`, or correct the action)",
        );
        check(
            &with("[]", "acme/dns"),
            "catalog/databases/database-standard.yaml:33:9: error action/target `git:acme/dns` is not among the item's `targets` (add `git:acme/dns` to `fulfillment.targets`, or correct the action)",
        );
    }

    #[test]
    fn targets_are_of_a_known_kind_and_bound_to_what_nobody_chooses() {
        check(
            &with("[\"git:acme/{{fields.label}}\"]", "acme/dns"),
            "catalog/databases/database-standard.yaml:20:25: error template/unknown-variable `fields` is not known in the targets of an item (known here: `environment`, `metadata`, `service`)",
        );
        check(
            &with("[\"git:acme/{{service.labels.a}}\"]", "acme/dns"),
            "catalog/databases/database-standard.yaml:20:25: error template/unknown-variable `service` has no `labels` (known here: `environment`, `id`, `team`)",
        );
        check(
            &with("[\"acme/dns\"]", "\"{{fields.label}}/a\""),
            "catalog/databases/database-standard.yaml:20:13: error schema/value expected a target such as `git:acme/{{service.team}}-*`, `github:acme/deploy`, `host:dns.example.com`, `jira:main`, `program:mint-cert` or `terraform:{{service.id}}`, found `acme/dns` (for example `git:acme/{{service.team}}-*`)",
        );
    }
}
