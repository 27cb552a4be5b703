//! `id/duplicate`: an id belongs to one document, and so does an id of the past.

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalog::{Body, Document, Kind};
use crate::finding::{Finding, Severity};
use crate::validate::context::Context;
use crate::validate::effective::{Space, former_ids, is_sound, key_of};
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "id/duplicate",
    severity: Severity::Error,
    summary: "Two documents claim one id.",
    why: "What belongs to that id would go from one to the other and back. Items and bundles share one space of ids.",
    mend: "Rename one of them; where it was renamed already, its old id stands under `formerIds` of one document only.",
    bad: "services/a/shop-db.yaml and services/b/shop-db.yaml",
    good: "services/a/shop-db.yaml and services/b/shop-reports-db.yaml",
    check: Check::Names(check),
};

type Holders<'a> = HashMap<(Space, &'a str), &'a Arc<Document>>;

fn check(context: &Context<'_>, rule: &'static Rule, found: &mut Vec<Finding>) {
    let documents = &context.catalog.documents;
    let mut holders: Holders<'_> = HashMap::with_capacity(documents.len());
    for document in documents.values().filter(|document| is_sound(document)) {
        let Some((kind, id)) = key_of(document) else { continue };
        if kind == Kind::Settings {
            continue;
        }
        if let Some(first) = holders.insert((Space::of(kind), id), document) {
            found.push(of_two(document, first, (rule, id)));
            found.push(of_two(first, document, (rule, id)));
        }
    }
    let mut former: Holders<'_> = HashMap::new();
    for document in documents.values() {
        check_former(document, (&holders, &mut former), rule, found);
    }
}

fn of_two(document: &Document, other: &Document, (rule, id): (&'static Rule, &str)) -> Finding {
    let findings = Findings::new(document, rule);
    let message = format!("`{}` has the id `{id}` too", other.path);
    findings
        .at("/metadata/id", message)
        .hint("give one of the two another id and file name, or delete the one that is too much")
        .related(other.place("/metadata/id"), "the other one")
}

fn check_former<'a>(
    document: &'a Arc<Document>,
    (holders, former): (&Holders<'a>, &mut Holders<'a>),
    rule: &'static Rule,
    found: &mut Vec<Finding>,
) {
    let Some(kind) = document.body.as_ref().map(Body::kind) else { return };
    // The body outlives the loop as long as the catalog does.
    for (index, id) in former_ids(document).iter().enumerate() {
        let key = (Space::of(kind), id.as_str());
        let (other, pointer) = match (holders.get(&key), former.insert(key, document)) {
            (Some(holder), _) => (*holder, "/metadata/id"),
            (None, Some(first)) => (first, "/metadata/formerIds"),
            (None, None) => continue,
        };
        let message = match pointer {
            "/metadata/id" => format!("the former id `{id}` is in use by `{}`", other.path),
            _ => format!("`{}` had the former id `{id}` too", other.path),
        };
        let findings = Findings::new(document, rule);
        let finding = findings.at(&format!("/metadata/formerIds/{index}"), message);
        if Arc::ptr_eq(other, document) {
            found.push(finding.hint("nothing is its own former id: take it out of `formerIds`"));
            continue;
        }
        let hint = format!("take `{id}` out of the `formerIds` of the one that never had it");
        found.push(finding.hint(hint).related(other.place(pointer), "the other one"));
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{BUNDLE, ITEM, SERVICE, check};

    #[test]
    fn an_id_belongs_to_one_document() {
        let twin =
            SERVICE.replace("payments/", "billing/").replace("team: payments", "team: billing");
        check(&format!("{ITEM}{SERVICE}{twin}"), "
            services/billing/payments-db.yaml:3:16: error id/duplicate `services/payments/payments-db.yaml` has the id `payments-db` too (give one of the two another id and file name, or delete the one that is too much)
            services/payments/payments-db.yaml:3:16: the other one
            services/payments/payments-db.yaml:3:16: error id/duplicate `services/billing/payments-db.yaml` has the id `payments-db` too (give one of the two another id and file name, or delete the one that is too much)
            services/billing/payments-db.yaml:3:16: the other one
        ");
    }

    #[test]
    fn items_and_bundles_share_one_space() {
        let bundle = BUNDLE.replace("bundle-webapp", "database-standard");
        check(&format!("{ITEM}{bundle}"), "
            bundles/database-standard.yaml:4:7: error id/duplicate `catalog/databases/database-standard.yaml` has the id `database-standard` too (give one of the two another id and file name, or delete the one that is too much)
            catalog/databases/database-standard.yaml:4:7: the other one
            catalog/databases/database-standard.yaml:4:7: error id/duplicate `bundles/database-standard.yaml` has the id `database-standard` too (give one of the two another id and file name, or delete the one that is too much)
            bundles/database-standard.yaml:4:7: the other one
        ");
    }

    #[test]
    fn a_former_id_is_free() {
        let renamed = SERVICE
            .replace("payments-db", "payments-new")
            .replace("{id: payments-new", "{id: payments-new, formerIds: [payments-db]");
        check(&format!("{ITEM}{renamed}"), "");
        check(&format!("{ITEM}{SERVICE}{renamed}"), "
            services/payments/payments-new.yaml:3:42: error id/duplicate the former id `payments-db` is in use by `services/payments/payments-db.yaml` (take `payments-db` out of the `formerIds` of the one that never had it)
            services/payments/payments-db.yaml:3:16: the other one
        ");
        let other = renamed.replace("payments-new", "payments-xyz");
        check(&format!("{ITEM}{renamed}{other}"), "
            services/payments/payments-xyz.yaml:3:42: error id/duplicate `services/payments/payments-new.yaml` had the former id `payments-db` too (take `payments-db` out of the `formerIds` of the one that never had it)
            services/payments/payments-new.yaml:3:41: the other one
        ");
    }
}
