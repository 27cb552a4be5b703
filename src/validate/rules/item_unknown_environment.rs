//! `item/unknown-environment`: an item is offered in environments that are there.

use crate::catalog::{Document, Metadata};
use crate::finding::{Finding, Severity};
use crate::validate::context::Context;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};
use crate::validate::scope::listed;

pub(super) static RULE: Rule = Rule {
    id: "item/unknown-environment",
    severity: Severity::Error,
    summary: "An item or bundle is offered in an environment that is not there.",
    why: "No service can be in that environment, so the item is offered to fewer than it seems, or to nobody.",
    mend: "Correct the id in `metadata.visibility.environments`, add `environments/<id>.yaml`, or take it away.",
    bad: "visibility: {environments: [prodction]}",
    good: "visibility: {environments: [production]}",
    check: Check::Catalog(check),
};

fn check(context: &Context<'_>, rule: &'static Rule, found: &mut Vec<Finding>) {
    let items = context.catalog.items.values().map(|it| (&it.document, &it.body.metadata));
    let bundles = context.catalog.bundles.values().map(|it| (&it.document, &it.body.metadata));
    for (document, metadata) in items.chain(bundles) {
        found.extend(of(context, rule, (document, metadata)));
    }
}

fn of(
    context: &Context<'_>,
    rule: &'static Rule,
    (document, metadata): (&Document, &Metadata),
) -> Vec<Finding> {
    let Some(visibility) = &metadata.visibility else { return Vec::new() };
    let known = &context.catalog.environments;
    let mut findings = Findings::new(document, rule);
    for (index, id) in visibility.environments.iter().enumerate() {
        if known.contains_key(id) || context.is_unusable_environment(id) {
            continue;
        }
        let message =
            format!("`{}` is offered in environment `{id}`, which is not there", metadata.id);
        let finding = findings.at(&format!("/metadata/visibility/environments/{index}"), message);
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        let finding = findings.near(finding, id, names.iter().copied());
        findings.add(finding.or_hint(|| match names.as_slice() {
            [] => format!("add `environments/{id}.yaml`, or take it away"),
            names => format!("there are: {}; or add `environments/{id}.yaml`", listed(names)),
        }));
    }
    findings.into_found()
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, check};

    #[test]
    fn an_item_is_offered_where_services_can_be() {
        let with = |visibility: &str| {
            ITEM.replace("  category:", &format!("  visibility: {visibility}\n  category:"))
        };
        let environment = |id: &str| {
            format!(
                "--- environments/{id}.yaml\nschemaVersion: catalog/v1\nkind: Environment\nmetadata: {{id: {id}, name: One}}\n"
            )
        };
        let there = environment("staging") + &environment("production");
        check(&(with("{environments: [staging, production]}") + &there), "");
        check(
            &(with("{environments: [staging, prodction]}") + &there),
            "catalog/databases/database-standard.yaml:8:40: error item/unknown-environment `database-standard` is offered in environment `prodction`, which is not there (did you mean `production`?)",
        );
        check(
            &(with("{environments: [test]}") + &there),
            "catalog/databases/database-standard.yaml:8:31: error item/unknown-environment `database-standard` is offered in environment `test`, which is not there (there are: `production`, `staging`; or add `environments/test.yaml`)",
        );
        check(
            &with("{environments: [test]}"),
            "catalog/databases/database-standard.yaml:8:31: error item/unknown-environment `database-standard` is offered in environment `test`, which is not there (add `environments/test.yaml`, or take it away)",
        );
        // It is there and wrong: its own findings say so.
        let broken = there.replace("{id: staging, name: One}", "{id: staging, nam: One}");
        let told = crate::validate::testing::judge(&(with("{environments: [staging]}") + &broken));
        assert!(told.findings.iter().all(|finding| finding.rule != "item/unknown-environment"));
    }
}
