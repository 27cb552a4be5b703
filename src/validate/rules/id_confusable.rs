//! `id/confusable`: no two ids, teams or categories look the same.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use crate::catalog::{Document, Kind, Layout};
use crate::finding::{Finding, Place, Severity};
use crate::validate::context::Context;
use crate::validate::effective::{Space, key_of};
use crate::validate::findings::Findings;
use crate::validate::look_alike::look;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "id/confusable",
    severity: Severity::Warning,
    summary: "Two ids, teams or categories look the same and are not.",
    why: "Whoever reads one takes it for the other, in a review as well: `l` and `1`, `o` and `0`, `rn` and `m`.",
    mend: "Rename the newer one so that it can be told apart; write its old id under `formerIds` where it is in use.",
    bad: "services/payments/shop-dbl.yaml beside services/payments/shop-db1.yaml",
    good: "services/payments/shop-reports-db.yaml beside services/payments/shop-db1.yaml",
    check: Check::Names(check),
};

/// What a name is unique in.
#[derive(PartialEq, Eq, Hash)]
enum Names {
    Ids(Space),
    Folders(Kind),
}

type Holders<'a> = HashMap<(Names, Cow<'a, str>), (&'a str, &'a Arc<Document>)>;

fn check(context: &Context<'_>, rule: &'static Rule, found: &mut Vec<Finding>) {
    let documents = &context.catalog.documents;
    let mut holders: Holders<'_> = HashMap::with_capacity(documents.len());
    for document in documents.values() {
        let Some((kind, id)) = key_of(document).filter(|(kind, _)| *kind != Kind::Settings) else {
            continue;
        };
        if let Some((other, first)) = alike(&mut holders, Names::Ids(Space::of(kind)), id, document)
        {
            let message = format!("the id `{id}` looks like the id `{other}`");
            let finding = Findings::new(document, rule).at("/metadata/id", message);
            let finding = finding.related(first.place("/metadata/id"), "the other one");
            found.push(finding.hint("rename one of them so that they can be told apart"));
        }
        let Layout::Document { folder: Some(folder), .. } = Layout::of(&document.path) else {
            continue;
        };
        if let Some((other, first)) = alike(&mut holders, Names::Folders(kind), folder, document) {
            let what = if kind == Kind::Service { "team" } else { "category" };
            let message = format!("the {what} `{folder}` looks like the {what} `{other}`");
            let place = Place::start_of(document.path.clone());
            let finding = Finding::warning(rule.id, place, message);
            let finding = finding.related(Place::start_of(first.path.clone()), "the other one");
            found.push(finding.hint("rename one of them so that they can be told apart"));
        }
    }
}

/// Returns the first other name that looks like this one; of one name there may be many documents.
fn alike<'a>(
    holders: &mut Holders<'a>,
    names: Names,
    name: &'a str,
    document: &'a Arc<Document>,
) -> Option<(&'a str, &'a Arc<Document>)> {
    let (other, first) = *holders.entry((names, look(name))).or_insert((name, document));
    (other != name).then_some((other, first))
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, SERVICE, check, judge};

    #[test]
    fn ids_that_look_the_same_are_found() {
        let one = SERVICE.replace("payments-db", "payments-db1");
        let other = SERVICE.replace("payments-db", "payments-dbl");
        check(
            &format!("{ITEM}{one}{other}"),
            "
            services/payments/payments-dbl.yaml:3:16: warning id/confusable the id `payments-dbl` looks like the id `payments-db1` (rename one of them so that they can be told apart)
            services/payments/payments-db1.yaml:3:16: the other one
        ",
        );
        // What can be told apart, and ids of different spaces, are no mistake.
        let item = ITEM.replace("database-standard", "payments-dbl");
        check(&format!("{ITEM}{item}{one}"), "");
    }

    #[test]
    fn teams_that_look_the_same_are_found() {
        let other = SERVICE.replace("payments-db", "billing-db").replace("payments", "payrnents");
        check(
            &format!("{ITEM}{SERVICE}{other}"),
            "
            services/payrnents/billing-db.yaml:1:1: warning id/confusable the team `payrnents` looks like the team `payments` (rename one of them so that they can be told apart)
            services/payments/payments-db.yaml:1:1: the other one
        ",
        );
    }

    /// Ids as teams give them, by number, place and stage, are told apart.
    #[test]
    fn numbered_ids_are_no_mistake() {
        let mut files = ITEM.to_owned();
        for name in ["db", "model", "email", "vlan", "mail", "worker", "l", "io", "modern", "storm"]
        {
            for stage in ["dev", "prod", "eu-west-1", "us-east-1a"] {
                for number in 0..25 {
                    let id = format!("{name}-{stage}-{number:02}");
                    files.push_str(&SERVICE.replace("payments-db", &id));
                }
            }
        }
        let found = judge(&files).findings;
        assert_eq!(found.iter().filter(|finding| finding.rule == "id/confusable").count(), 0);
    }
}
