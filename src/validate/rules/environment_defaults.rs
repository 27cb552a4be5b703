//! `environment/defaults`: defaults of an environment name items and fields that there are, with values they take.

use crate::catalog::{Entry, Environment, Form};
use crate::finding::{Finding, Severity};
use crate::validate::context::Context;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "environment/defaults",
    severity: Severity::Error,
    summary: "An environment has a default for an item or field that is not there, or one that the field refuses.",
    why: "It would have no effect, or break every service of that item in the environment.",
    mend: "Name the item by its id and the field by its id in the item's form.",
    bad: "defaults: {database-postgres: {instanceClas: large}}",
    good: "defaults: {database-postgresql-standard: {instanceClass: large}}",
    check: Check::Catalog(check),
};

fn check(context: &Context<'_>, rule: &'static Rule, found: &mut Vec<Finding>) {
    for entry in context.catalog.environments.values() {
        let mut findings = Findings::new(&entry.document, rule);
        check_one(context, entry, &mut findings);
        found.extend(findings.into_found());
    }
}

fn check_one(context: &Context<'_>, entry: &Entry<Environment>, findings: &mut Findings<'_>) {
    let catalog = context.catalog;
    for (id, fields) in &entry.body.defaults {
        let at = format!("/defaults/{id}");
        let item = catalog.items.get(id).map(|item| &item.body.presentation.form);
        let form: Option<&Form> =
            item.or_else(|| catalog.bundles.get(id).map(|bundle| &bundle.body.presentation.form));
        let Some(form) = form else {
            if !context.is_unusable_offer(id) {
                let known = catalog.items.keys().chain(catalog.bundles.keys());
                let finding = findings.at_key(&at, format!("no item or bundle `{id}`"));
                let finding = findings.near(finding, id, known.map(String::as_str));
                let hint = || "defaults stand below the id of an item or bundle".to_owned();
                findings.add(finding.or_hint(hint));
            }
            continue;
        };
        // Which fields are missing or visible depends on the service.
        let own = form.check(fields).into_iter();
        for problem in
            own.filter(|problem| !matches!(problem.rule, "fields/missing" | "fields/hidden"))
        {
            let rule = if problem.rule == "secret/in-clear" { problem.rule } else { RULE.id };
            let finding = findings.of_problem(&at, problem);
            findings.add(Finding { rule: rule.to_owned(), ..finding });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, check};

    #[test]
    fn defaults_name_what_is_there() {
        let with = |defaults: &str| {
            format!(
                "{ITEM}--- environments/production.yaml\nschemaVersion: catalog/v1\nkind: Environment\nmetadata: {{id: production, name: Production}}\ndefaults: {defaults}\n"
            )
        };
        check(&with("{database-standard: {size: large}}"), "");
        check(
            &with("{database-standrad: {size: large}}"),
            "environments/production.yaml:4:12: error environment/defaults no item or bundle `database-standrad` (did you mean `database-standard`?)",
        );
        check(
            &with("{database-standard: {sise: large}}"),
            "environments/production.yaml:4:32: error environment/defaults unknown field `sise` (did you mean `size`?)",
        );
        check(
            &with("{database-standard: {size: huge}}"),
            "environments/production.yaml:4:38: error environment/defaults expected one of `small`, `large`, found `huge`",
        );
    }
}
