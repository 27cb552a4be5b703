//! `reference/replacement`: what replaces a deprecated item is there, and is not itself on its way out.

use crate::catalog::{Document, Metadata};
use crate::finding::{Finding, Severity};
use crate::validate::context::Context;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "reference/replacement",
    severity: Severity::Error,
    summary: "The replacement of an item is not there, or is the item itself.",
    why: "Whoever is told to move on must know where to.",
    mend: "Name the id of another item or bundle under `lifecycle.replacement`.",
    bad: "lifecycle: {deprecated: true, replacement: database-postgre}",
    good: "lifecycle: {deprecated: true, replacement: database-postgresql-standard}",
    check: Check::Catalog(check),
};

fn check(context: &Context<'_>, rule: &'static Rule, found: &mut Vec<Finding>) {
    let items = context.catalog.items.values().map(|e| (&*e.document, &e.body.metadata));
    let bundles = context.catalog.bundles.values().map(|e| (&*e.document, &e.body.metadata));
    for (document, metadata) in items.chain(bundles) {
        found.extend(wrong(context, rule, (document, metadata)));
    }
}

fn wrong(
    context: &Context<'_>,
    rule: &'static Rule,
    (document, metadata): (&Document, &Metadata),
) -> Option<Finding> {
    let id = metadata.lifecycle.as_ref()?.replacement.as_ref()?;
    let catalog = context.catalog;
    let known = || catalog.items.keys().chain(catalog.bundles.keys()).map(String::as_str);
    let findings = Findings::new(document, rule);
    let pointer = "/metadata/lifecycle/replacement";
    if *id == metadata.id {
        let finding = findings.at(pointer, format!("`{id}` is named as its own replacement"));
        return Some(finding.hint("name another item or bundle, or take `replacement` away"));
    }
    let there = catalog.items.contains_key(id) || catalog.bundles.contains_key(id);
    (!there && !context.is_unusable_offer(id)).then(|| {
        let others = known().filter(|other| **other != *metadata.id);
        findings
            .near(findings.at(pointer, format!("no item or bundle `{id}`")), id, others)
            .or_hint(|| "name one that is there by its id, or take `replacement` away".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{BUNDLE, ITEM, check};

    #[test]
    fn a_replacement_is_there() {
        let with = |id: &str| {
            ITEM.replace(
                "  category:",
                &format!("  lifecycle: {{deprecated: true, replacement: {id}}}\n  category:"),
            )
        };
        check(&format!("{}{BUNDLE}", with("bundle-webapp")), "");
        let other = ITEM.replace("database-standard", "database-other");
        check(
            &format!("{}{other}", with("database-othr")),
            "catalog/databases/database-standard.yaml:8:46: error reference/replacement no item or bundle `database-othr` (did you mean `database-other`?)",
        );
        check(
            &with("database-standard"),
            "catalog/databases/database-standard.yaml:8:46: error reference/replacement `database-standard` is named as its own replacement (name another item or bundle, or take `replacement` away)",
        );
    }
}
