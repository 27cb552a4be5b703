//! `component/config`: the `config` of a component gives the fields of its item.

use crate::catalog::{Bundle, Entry};
use crate::finding::{Finding, Severity};
use crate::validate::context::Context;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "component/config",
    severity: Severity::Error,
    summary: "The `config` of a component does not give its item what the item's form asks for.",
    why: "No service of the bundle could be made.",
    mend: "Give the fields that are required, by their names in the item. Templates are checked once they are known.",
    bad: "catalogItem: network-private\nconfig: {nmae: \"{{fields.appName}}\"}",
    good: "catalogItem: network-private\nconfig: {name: \"{{fields.appName}}\"}",
    check: Check::Bundle(check),
};

fn check(context: &Context<'_>, bundle: &Entry<Bundle>, findings: &mut Findings<'_>) {
    for (index, component) in bundle.body.components.iter().enumerate() {
        let Some(item) = context.catalog.items.get(&component.catalog_item) else { continue };
        let form = &item.body.presentation.form;
        let at = format!("/components/{index}/config");
        for problem in form.check_config(&component.config) {
            let missing = problem.rule == "fields/missing";
            // Where an environment gives it, only a service can tell whether it is missing.
            if missing && is_default_somewhere(context, &component.catalog_item, &problem.message) {
                continue;
            }
            let rule = if problem.rule == "secret/in-clear" { problem.rule } else { RULE.id };
            let finding = findings.of_problem(&at, problem);
            findings.add(Finding { rule: rule.to_owned(), ..finding });
        }
    }
}

/// Tells whether some environment has a default for the field that a message names.
fn is_default_somewhere(context: &Context<'_>, item: &str, message: &str) -> bool {
    context.catalog.environments.values().any(|environment| {
        let defaults = environment.body.defaults.get(item);
        defaults.is_some_and(|fields| {
            fields.keys().any(|field| message.contains(&format!("`{field}`")))
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{BUNDLE, ITEM, check};

    #[test]
    fn a_config_gives_the_fields_of_the_item() {
        let with = |config: &str| {
            format!("{ITEM}{}", BUNDLE.replace("{size: \"{{fields.size}}\"}", config))
        };
        check(&with("{size: \"{{fields.size}}\"}"), "");
        check(
            &with("{sise: \"{{fields.size}}\"}"),
            "bundles/bundle-webapp.yaml:12:14: error component/config unknown field `sise` (did you mean `size`?)",
        );
        check(
            &with("{size: huge}"),
            "bundles/bundle-webapp.yaml:12:20: error component/config expected one of `small`, `large`, found `huge`",
        );
    }

    #[test]
    fn what_is_required_is_given() {
        let item =
            ITEM.replace("name: Label, type: string", "name: Label, type: string, required: true");
        check(
            &format!("{item}{BUNDLE}"),
            "bundles/bundle-webapp.yaml:12:13: error component/config missing field `label` (`label`: Label)",
        );
        let environment = "--- environments/production.yaml\nschemaVersion: catalog/v1\nkind: Environment\nmetadata: {id: production, name: Production}\ndefaults: {database-standard: {label: mine}}\n";
        check(&format!("{item}{BUNDLE}{environment}"), "");
    }
}
