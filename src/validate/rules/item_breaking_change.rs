//! `item/breaking-change`: what breaks those who use an item raises its major version.

use crate::catalog::Catalog;
use crate::finding::{Finding, Severity};
use crate::validate::breaks::{Break, ChangedOffer, changed_offers};
use crate::validate::context::Context;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};
use crate::validate::versions::{both, next_breaking, says_breaking};

pub(super) static RULE: Rule = Rule {
    id: "item/breaking-change",
    severity: Severity::Error,
    summary: "A change of an item or bundle breaks what services rely on, and its version does not say so.",
    why: "Services pin a range of versions. Only a rise of the major version (below 1.0: of the minor) keeps a break out of it.",
    mend: "Raise `metadata.version` to what the message names, or change the item so that nothing breaks: a new field with a default, a choice that stays.",
    bad: "enum: [small], and it was [small, large]; version: 1.5.0 after 1.4.0",
    good: "enum: [small]; version: 2.0.0 after 1.4.0",
    check: Check::Change(check),
};

/// How many breaks the message names before the rest is counted; all of them are named at their places.
const MOST: usize = 3;

fn check(context: &Context<'_>, base: &Catalog, rule: &'static Rule, found: &mut Vec<Finding>) {
    for offer in changed_offers(base, context.catalog) {
        let breaks = offer.breaks(context.catalog);
        if !breaks.is_empty() {
            found.extend(unsaid(&offer, &breaks, rule));
        }
    }
}

fn unsaid(offer: &ChangedOffer<'_>, breaks: &[Break], rule: &'static Rule) -> Option<Finding> {
    let (then, now) = (offer.before.metadata(), offer.after.metadata());
    let (before, after) = both(&then.version, &now.version)?;
    if says_breaking(&before, &after) {
        return None;
    }
    let mut named: Vec<&str> = breaks.iter().take(MOST).map(|one| one.what.as_str()).collect();
    let more = format!("and {} more", breaks.len().saturating_sub(MOST));
    if breaks.len() > MOST {
        named.push(&more);
    }
    let named = named.join("; ");
    let message = match before == after {
        true => format!(
            "the version is still {after}, and this change can break services of `{}`: {named}",
            now.id
        ),
        false => format!(
            "the version goes from {before} to {after} only, and this change can break services of `{}`: {named}",
            now.id
        ),
    };
    let hint = format!("raise it to {}, or keep what services rely on", next_breaking(&before));
    let findings = Findings::new(offer.after.document(), rule);
    let finding = findings.at("/metadata/version", message).hint(hint);
    Some(breaks.iter().fold(finding, |finding, one| {
        finding.related(findings.place(&one.pointer), one.what.clone())
    }))
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{BUNDLE, ITEM, changed};

    #[test]
    fn a_break_asks_for_a_major_version() {
        let narrow = ITEM.replace("[small, large]", "[small]");
        let check = |after: &str| changed("item/breaking-change", ITEM, after);
        insta::assert_snapshot!(check(&narrow), @r"
        catalog/databases/database-standard.yaml:7:12: error item/breaking-change the version is still 1.4.0, and this change can break services of `database-standard`: field `size` no longer takes `large` (raise it to 2.0.0, or keep what services rely on)
          catalog/databases/database-standard.yaml:16:56: field `size` no longer takes `large`
        ");
        insta::assert_snapshot!(check(&narrow.replace("1.4.0", "1.5.0")), @r"
        catalog/databases/database-standard.yaml:7:12: error item/breaking-change the version goes from 1.4.0 to 1.5.0 only, and this change can break services of `database-standard`: field `size` no longer takes `large` (raise it to 2.0.0, or keep what services rely on)
          catalog/databases/database-standard.yaml:16:56: field `size` no longer takes `large`
        ");
        assert_eq!(check(&narrow.replace("1.4.0", "2.0.0")), "");
        assert_eq!(check(&ITEM.replace("[small, large]", "[small, large, huge]")), "");
    }

    #[test]
    fn every_break_is_named_at_its_place() {
        let after = ITEM
            .replace("[small, large]", "[small]")
            .replace("name: Label, type: string}", "name: Label, type: number, required: true}")
            .replace("  url: {", "  address: {")
            .replace("  category:", "  visibility: {teams: [data]}\n  category:");
        insta::assert_snapshot!(changed("item/breaking-change", ITEM, &after), @r"
        catalog/databases/database-standard.yaml:7:12: error item/breaking-change the version is still 1.4.0, and this change can break services of `database-standard`: it is no longer offered to every team, but to `data` only; field `size` no longer takes `large`; field `label` is of type number now, and was of type string; and 1 more (raise it to 2.0.0, or keep what services rely on)
          catalog/databases/database-standard.yaml:8:23: it is no longer offered to every team, but to `data` only
          catalog/databases/database-standard.yaml:17:56: field `size` no longer takes `large`
          catalog/databases/database-standard.yaml:18:44: field `label` is of type number now, and was of type string
          catalog/databases/database-standard.yaml:30:3: output `url` is gone
        ");
    }

    #[test]
    fn bundles_are_offers_too() {
        let after = BUNDLE.replace("enum: [small, large]", "enum: [small]");
        let found =
            changed("item/breaking-change", &format!("{ITEM}{BUNDLE}"), &format!("{ITEM}{after}"));
        insta::assert_snapshot!(found, @r"
        bundles/bundle-webapp.yaml:7:12: error item/breaking-change the version is still 1.0.0, and this change can break services of `bundle-webapp`: field `size` no longer takes `large` (raise it to 2.0.0, or keep what services rely on)
          bundles/bundle-webapp.yaml:23:56: field `size` no longer takes `large`
        ");
    }

    #[test]
    fn the_settings_of_the_base_count() {
        let settings = |word: &str| {
            format!(
                "--- trueline.yaml\nschemaVersion: catalog/v1\nkind: Catalog\nvalidation: {{rules: {{item/breaking-change: {word}}}}}\n"
            )
        };
        let narrow = ITEM.replace("[small, large]", "[small]");
        let check = |before: &str, after: &str| {
            changed("item/breaking-change", &format!("{before}{ITEM}"), &format!("{after}{narrow}"))
        };
        assert!(check(&settings("warning"), &settings("off")).contains(": warning item/"));
        assert!(check("", &settings("off")).contains(": error item/"));
        assert_eq!(check(&settings("off"), ""), "");
    }
}
