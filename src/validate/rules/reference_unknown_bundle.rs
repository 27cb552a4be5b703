//! `reference/unknown-bundle`: a service of a bundle that is not there is found.

use crate::finding::Severity;
use crate::validate::context::ServiceContext;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "reference/unknown-bundle",
    severity: Severity::Error,
    summary: "A service of a bundle that is not there.",
    why: "Nobody could say how to make it.",
    mend: "Correct the id, or add the bundle. An item is named under `catalogItem`.",
    bad: "catalogBundle: bundle-webap",
    good: "catalogBundle: bundle-webapp",
    check: Check::Service(check),
};

fn check(of: &ServiceContext<'_>, findings: &mut Findings<'_>) {
    let Some(id) = &of.service.catalog_bundle else { return };
    if of.offer.is_some() || of.context.is_unusable_offer(id) {
        return;
    }
    let catalog = of.context.catalog;
    let finding = findings.at("/catalogBundle", format!("no bundle `{id}`"));
    findings.add(if catalog.items.contains_key(id) {
        finding.hint(format!("`{id}` is an item: write `catalogItem: {id}`"))
    } else {
        findings
            .near(finding, id, catalog.bundles.keys().map(String::as_str))
            .or_hint(|| format!("name a bundle of `bundles/`, or add `bundles/{id}.yaml`"))
    });
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{BUNDLE, ITEM, SERVICE, check};

    #[test]
    fn a_service_is_of_a_bundle_that_is_there() {
        let of = |id: &str| {
            SERVICE.replace("catalogItem: database-standard", &format!("catalogBundle: {id}"))
        };
        check(&format!("{ITEM}{BUNDLE}{}", of("bundle-webapp")), "");
        check(
            &format!("{ITEM}{BUNDLE}{}", of("bundle-webap")),
            "services/payments/payments-db.yaml:4:16: error reference/unknown-bundle no bundle `bundle-webap` (did you mean `bundle-webapp`?)",
        );
        check(
            &format!("{ITEM}{BUNDLE}{}", of("database-standard")),
            "services/payments/payments-db.yaml:4:16: error reference/unknown-bundle no bundle `database-standard` (`database-standard` is an item: write `catalogItem: database-standard`)",
        );
    }
}
