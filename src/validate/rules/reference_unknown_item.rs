//! `reference/unknown-item`: services and components are of items that there are.

use crate::catalog::{Bundle, Entry};
use crate::finding::{Finding, Severity};
use crate::validate::context::{Context, ServiceContext};
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "reference/unknown-item",
    severity: Severity::Error,
    summary: "A service or component is of an item that is not there.",
    why: "Nobody could say how to make it.",
    mend: "Correct the id, or add the item. A bundle is named under `catalogBundle`.",
    bad: "catalogItem: database-postgres",
    good: "catalogItem: database-postgresql-standard",
    check: Check::ServiceAndBundle(check_service, check_bundle),
};

fn check_service(of: &ServiceContext<'_>, findings: &mut Findings<'_>) {
    let Some(id) = &of.service.catalog_item else { return };
    if of.offer.is_none()
        && let Some(finding) = unknown(of.context, id, "/catalogItem", findings)
    {
        findings.add(finding);
    }
}

fn check_bundle(context: &Context<'_>, bundle: &Entry<Bundle>, findings: &mut Findings<'_>) {
    for (index, component) in bundle.body.components.iter().enumerate() {
        let pointer = format!("/components/{index}/catalogItem");
        if let Some(finding) = unknown(context, &component.catalog_item, &pointer, findings) {
            findings.add(finding);
        }
    }
}

fn unknown(
    context: &Context<'_>,
    id: &str,
    pointer: &str,
    findings: &Findings<'_>,
) -> Option<Finding> {
    let catalog = context.catalog;
    if catalog.items.contains_key(id) || context.is_unusable_offer(id) {
        return None;
    }
    let finding = findings.at(pointer, format!("no item `{id}`"));
    Some(match catalog.bundles.contains_key(id) {
        true if pointer == "/catalogItem" => {
            finding.hint(format!("`{id}` is a bundle: write `catalogBundle: {id}`"))
        }
        true => finding.hint(format!("`{id}` is a bundle, and a component is of an item")),
        false => findings
            .near(finding, id, catalog.items.keys().map(String::as_str))
            .or_hint(|| format!("name an item of `catalog/`, or add one with the id `{id}`")),
    })
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{BUNDLE, ITEM, SERVICE, check, judge};

    #[test]
    fn a_service_is_of_an_item_that_is_there() {
        check(
            &format!("{ITEM}{}", SERVICE.replace("database-standard", "database-standrad")),
            "services/payments/payments-db.yaml:4:14: error reference/unknown-item no item `database-standrad` (did you mean `database-standard`?)",
        );
        check(
            &format!("{ITEM}{BUNDLE}{}", SERVICE.replace("database-standard", "bundle-webapp")),
            "services/payments/payments-db.yaml:4:14: error reference/unknown-item no item `bundle-webapp` (`bundle-webapp` is a bundle: write `catalogBundle: bundle-webapp`)",
        );
    }

    #[test]
    fn a_component_is_of_an_item_that_is_there() {
        let service =
            SERVICE.replace("catalogItem: database-standard", "catalogBundle: bundle-webapp");
        let bundle = BUNDLE.replace("database-standard", "database-standrad");
        check(&format!("{ITEM}{bundle}{service}"), "
            bundles/bundle-webapp.yaml:11:18: error reference/unknown-item no item `database-standrad` (did you mean `database-standard`?)
            bundles/bundle-webapp.yaml:15:18: error reference/unknown-item no item `database-standrad` (did you mean `database-standard`?)
        ");
        let judged = judge(&format!("{ITEM}{bundle}{service}"));
        assert_eq!(
            judged.misfits["payments-db"],
            ["bundle `bundle-webapp` does not fit: no item `database-standrad`"]
        );
    }
}
