//! `id/case-collision`: no two paths differ in case only.

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalog::Document;
use crate::finding::{Finding, Place, Severity};
use crate::validate::context::Context;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "id/case-collision",
    severity: Severity::Error,
    summary: "Two paths differ in upper and lower case only.",
    why: "On many machines they are one file, and a checkout silently loses one of them.",
    mend: "Rename one of them; names of files and folders are written in lower case.",
    bad: "services/Payments/shop-db.yaml beside services/payments/shop-db.yaml",
    good: "services/payments/shop-db.yaml",
    check: Check::Names(check),
};

fn check(context: &Context<'_>, rule: &'static Rule, found: &mut Vec<Finding>) {
    let documents = &context.catalog.documents;
    // Of two that collide at least one has capitals, and most paths have none.
    let mut alike: HashMap<String, Vec<&Arc<Document>>> = HashMap::new();
    for document in documents.values().filter(|d| d.path.chars().any(char::is_uppercase)) {
        alike.entry(document.path.to_lowercase()).or_default().push(document);
    }
    for (lower, mut same) in alike {
        same.extend(documents.get(lower.as_str()));
        for document in &same {
            let Some(other) = same.iter().find(|other| other.path != document.path) else {
                continue;
            };
            let message = format!("the path differs from `{}` in case only", other.path);
            let place = Place::start_of(document.path.clone());
            let finding =
                Finding::error(rule.id, place, message).hint("rename one of them in lower case");
            found.push(finding.related(Place::start_of(other.path.clone()), "the other one"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, SERVICE, check};

    #[test]
    fn paths_differ_in_more_than_case() {
        let twin = SERVICE.replace("services/payments/", "services/Payments/");
        check(&format!("{ITEM}{SERVICE}{twin}"), "
            services/Payments/payments-db.yaml:1:1: error id/case-collision the path differs from `services/payments/payments-db.yaml` in case only (rename one of them in lower case)
            services/payments/payments-db.yaml:1:1: the other one
            services/Payments/payments-db.yaml:3:35: error document/folder the team is `payments`, and the folder is `Payments` (move the file to `services/payments/payments-db.yaml`, or write `team: Payments`)
            services/payments/payments-db.yaml:1:1: error id/case-collision the path differs from `services/Payments/payments-db.yaml` in case only (rename one of them in lower case)
            services/Payments/payments-db.yaml:1:1: the other one
        ");
    }
}
