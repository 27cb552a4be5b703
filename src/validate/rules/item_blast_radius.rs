//! `item/blast-radius`: who changes an item, a bundle or an environment learns what that breaks elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::catalog::{Catalog, Document, Entry, Service};
use crate::finding::{Finding, Place, Severity};
use crate::owners::Owners;
use crate::validate::breaks::listed;
use crate::validate::context::{Context, Offer, ServiceContext};
use crate::validate::findings::Findings;
use crate::validate::fit::{check_bundle, check_service};
use crate::validate::registry::{Check, Rule};
use crate::validate::severities::Severities;

pub(super) static RULE: Rule = Rule {
    id: "item/blast-radius",
    severity: Severity::Note,
    summary: "After a change of an item, bundle or environment, services and bundles that did not change no longer fit.",
    why: "They are blocked until somebody mends them, and their teams did nothing.",
    mend: "Mend the services that the message names in the same change, or change the item so that they still fit.",
    bad: "enum: [small], while services give size: large",
    good: "enum: [small, large]",
    check: Check::Change(check),
};

/// How many of them are named at their places.
const MOST: usize = 5;

/// What a changed document breaks: names, and what is wrong with each.
type Broken = BTreeMap<String, (Place, String)>;

fn check(context: &Context<'_>, base: &Catalog, rule: &'static Rule, found: &mut Vec<Finding>) {
    let head = context.catalog;
    if base.documents.values().all(|old| is_same(old, head))
        && base.documents.len() == head.documents.len()
    {
        return;
    }
    let (unusable, owners) = (BTreeSet::new(), Owners::default());
    let before = Context::new(base, &unusable, &owners, context.today);
    let severities = Severities::of(&head.settings);
    let error =
        |findings: Vec<Finding>| findings.into_iter().find(|finding| severities.is_error(finding));
    let mut broken: BTreeMap<&Arc<str>, Broken> = BTreeMap::new();
    for (id, service) in head.services.iter().filter(|(_, one)| is_same(&one.document, base)) {
        let of = ServiceContext::of(context, service);
        let changed = changed(&of, base);
        if changed.is_empty() {
            continue;
        }
        let Some(finding) = error(check_service(&of, &service.document)) else { continue };
        let then = base.services.get(id).is_some_and(|old: &Entry<Service>| {
            let of = ServiceContext::of(&before, old);
            error(check_service(&of, &old.document)).is_none()
        });
        if then {
            note(&mut broken, &changed, (format!("service `{id}`"), finding));
        }
    }
    for (id, bundle) in head.bundles.iter().filter(|(_, one)| is_same(&one.document, base)) {
        let items = bundle.body.components.iter().filter_map(|c| head.items.get(&c.catalog_item));
        let items = items.map(|item| &item.document);
        let changed: Vec<&Arc<Document>> = items.filter(|item| !is_same(item, base)).collect();
        if changed.is_empty() {
            continue;
        }
        let Some(finding) = error(check_bundle(context, bundle)) else { continue };
        let then = base.bundles.get(id);
        if then.is_some_and(|old| error(check_bundle(&before, old)).is_none()) {
            note(&mut broken, &changed, (format!("bundle `{id}`"), finding));
        }
    }
    found.extend(
        broken.iter().filter_map(|(path, broken)| told(head.documents.get(*path)?, broken, rule)),
    );
}

/// Tells whether a catalog has the same document in the same place.
fn is_same(document: &Document, other: &Catalog) -> bool {
    other.documents.get(&document.path).is_some_and(|other| other.blob == document.blob)
}

/// Returns the changed documents that a service is judged by.
fn changed<'a>(of: &ServiceContext<'a>, base: &Catalog) -> Vec<&'a Arc<Document>> {
    let offer = of.offer.map(Offer::document);
    let parts = of.parts.iter().map(|(_, item)| &item.document);
    let environment = of.environment.map(|environment| &environment.document);
    let all = offer.into_iter().chain(parts).chain(environment);
    all.filter(|document| !is_same(document, base)).collect()
}

fn note<'a>(
    broken: &mut BTreeMap<&'a Arc<str>, Broken>,
    changed: &[&'a Arc<Document>],
    (name, finding): (String, Finding),
) {
    for document in changed {
        let of_document = broken.entry(&document.path).or_default();
        of_document.insert(name.clone(), (finding.place.clone(), finding.message.clone()));
    }
}

fn told(document: &Document, broken: &Broken, rule: &'static Rule) -> Option<Finding> {
    let names = broken.keys().map(|name| name.split('`').nth(1).unwrap_or(name));
    let message = match broken.len() {
        1 => format!("this change breaks {}, which did not change", broken.keys().next()?),
        count => {
            let all_services = broken.keys().all(|name| name.starts_with("service"));
            let what = if all_services { "services" } else { "services and bundles" };
            format!("this change breaks {count} {what} that did not change: {}", listed(names))
        }
    };
    let findings = Findings::new(document, rule);
    let finding = findings.at("/metadata/id", message);
    let finding = finding.hint("mend that in the same change, or keep what is relied on");
    Some(
        broken
            .values()
            .take(MOST)
            .fold(finding, |finding, (place, why)| finding.related(place.clone(), why.clone())),
    )
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{BUNDLE, ITEM, SERVICE, changed};

    fn check(before: &str, after: &str) -> String {
        changed("item/blast-radius", before, after)
    }

    #[test]
    fn services_that_no_longer_fit_are_named() {
        let narrow = ITEM.replace("[small, large], default: small", "[large]");
        let wrong = SERVICE.replace("payments-db", "payments-old").replace("size", "sise");
        let services = format!("{SERVICE}{wrong}");
        insta::assert_snapshot!(check(&format!("{ITEM}{services}"), &format!("{narrow}{services}")), @r"
        catalog/databases/database-standard.yaml:4:7: note item/blast-radius this change breaks service `payments-db`, which did not change (mend that in the same change, or keep what is relied on)
          services/payments/payments-db.yaml:5:16: expected one of `large`, found `small`
        ");
        // Who is changed at the same time is told at their own place.
        let mended = SERVICE.replace("size: small", "size: tiny");
        assert_eq!(check(&format!("{ITEM}{SERVICE}"), &format!("{narrow}{mended}")), "");
        assert_eq!(check(&format!("{ITEM}{SERVICE}"), &format!("{ITEM}{SERVICE}")), "");
    }

    #[test]
    fn many_are_counted() {
        let services: String =
            (0..7).map(|n| SERVICE.replace("payments-db", &format!("payments-db-{n}"))).collect();
        let narrow = ITEM.replace("[small, large], default: small", "[large]");
        let found = check(&format!("{ITEM}{services}"), &format!("{narrow}{services}"));
        assert!(found.contains("7 services that did not change: `payments-db-0`, `payments-db-1`, `payments-db-2`, `payments-db-3`, `payments-db-4` and 2 more ("), "{found}");
        assert_eq!(found.lines().count(), 6);
    }

    #[test]
    fn environments_and_bundles_reach_further() {
        let environment = |defaults: &str| {
            format!(
                "--- environments/staging.yaml\nschemaVersion: catalog/v1\nkind: Environment\nmetadata: {{id: staging, name: Staging}}\ndefaults: {{database-standard: {{{defaults}}}}}\n"
            )
        };
        let service = SERVICE
            .replace("team: payments}", "team: payments, environment: staging}")
            .replace("size: small", "");
        let with = |defaults: &str| format!("{ITEM}{service}{}", environment(defaults));
        insta::assert_snapshot!(check(&with("size: small"), &with("size: huge")), @r"
        environments/staging.yaml:3:16: note item/blast-radius this change breaks service `payments-db`, which did not change (mend that in the same change, or keep what is relied on)
          services/payments/payments-db.yaml:3:58: the environment's default for `size`: expected one of `small`, `large`, found `huge`
        ");
        let gone = ITEM.replace("url: {value", "address: {value");
        let found = check(&format!("{ITEM}{BUNDLE}"), &format!("{gone}{BUNDLE}"));
        insta::assert_snapshot!(found, @r"
        catalog/databases/database-standard.yaml:4:7: note item/blast-radius this change breaks bundle `bundle-webapp`, which did not change (mend that in the same change, or keep what is relied on)
          bundles/bundle-webapp.yaml:13:15: item `database-standard` has no output `url`
        ");
    }
}
