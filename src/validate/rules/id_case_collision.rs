//! `id/case-collision`: no two paths differ in case, or in how accents are stored, only.

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalog::Document;
use crate::finding::{Finding, Place, Severity};
use crate::id::{as_one_file, how_files_differ};
use crate::validate::context::Context;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "id/case-collision",
    severity: Severity::Error,
    summary: "Two paths differ only in upper and lower case, or in how Unicode stores their accents.",
    why: "On many machines they are one file, and a checkout silently loses one of them.",
    mend: "Rename one of them; names of files and folders are written in lower case.",
    bad: "services/Payments/shop-db.yaml beside services/payments/shop-db.yaml",
    good: "services/payments/shop-db.yaml",
    check: Check::Names(check),
};

fn check(context: &Context<'_>, rule: &'static Rule, found: &mut Vec<Finding>) {
    let documents = &context.catalog.documents;
    // Of two that collide at least one has capitals or accents, and most paths have none.
    let mut alike: HashMap<String, Vec<&Arc<Document>>> = HashMap::new();
    let is_plain = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
    for document in documents.values().filter(|document| !document.path.bytes().all(is_plain)) {
        alike.entry(as_one_file(&document.path).into_owned()).or_default().push(document);
    }
    for (folded, mut same) in alike {
        if folded.bytes().all(is_plain) {
            same.extend(documents.get(folded.as_str()));
        }
        for document in &same {
            let Some(other) = same.iter().find(|other| other.path != document.path) else {
                continue;
            };
            let how = how_files_differ(&document.path, &other.path);
            let message = format!("the path differs from `{}` {how}", other.path);
            let place = Place::start_of(document.path.clone());
            let finding = Finding::error(rule.id, place, message)
                .hint("rename one of them in lower case, without accents");
            found.push(finding.related(Place::start_of(other.path.clone()), "the other one"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, SERVICE, check, judge};

    #[test]
    fn paths_differ_in_more_than_accents() {
        let composed = SERVICE.replace("payments-db", "payments-caf\u{e9}");
        let apart = SERVICE.replace("payments-db", "payments-cafe\u{301}");
        let judged = judge(&format!("{ITEM}{composed}{apart}"));
        let found: Vec<&str> = judged
            .findings
            .iter()
            .filter(|finding| finding.rule == "id/case-collision")
            .map(|finding| finding.message.as_str())
            .collect();
        assert_eq!(
            found,
            [
                "the path differs from `services/payments/payments-caf\u{e9}.yaml` only in how its accents are stored: they are characters of their own here (Unicode NFD)",
                "the path differs from `services/payments/payments-cafe\u{301}.yaml` only in how its accents are stored: they are one character with their letter here (Unicode NFC)",
            ]
        );
    }

    #[test]
    fn paths_differ_in_more_than_case() {
        let twin = SERVICE.replace("services/payments/", "services/Payments/");
        check(&format!("{ITEM}{SERVICE}{twin}"), "
            services/Payments/payments-db.yaml:1:1: error id/case-collision the path differs from `services/payments/payments-db.yaml` in case only (rename one of them in lower case, without accents)
            services/payments/payments-db.yaml:1:1: the other one
            services/Payments/payments-db.yaml:3:35: error document/folder the team is `payments`, and the folder is `Payments` (move the file to `services/payments/payments-db.yaml`, or write `team: Payments`)
            services/payments/payments-db.yaml:1:1: error id/case-collision the path differs from `services/Payments/payments-db.yaml` in case only (rename one of them in lower case, without accents)
            services/Payments/payments-db.yaml:1:1: the other one
        ");
    }
}
