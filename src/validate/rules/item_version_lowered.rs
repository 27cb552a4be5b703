//! `item/version-lowered`: versions of items and bundles only rise.

use std::cmp::Ordering;

use crate::catalog::Catalog;
use crate::finding::{Finding, Severity};
use crate::validate::breaks::changed_offers;
use crate::validate::context::Context;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};
use crate::validate::versions::both;

pub(super) static RULE: Rule = Rule {
    id: "item/version-lowered",
    severity: Severity::Error,
    summary: "The version of an item or bundle is lower than it was.",
    why: "A change reaches services only where the version rises, and one version must always mean one thing.",
    mend: "Raise the version also where an older definition comes back: that is a new version of it.",
    bad: "version: 1.3.0 after 1.4.0",
    good: "version: 1.4.1 after 1.4.0",
    check: Check::Change(check),
};

fn check(context: &Context<'_>, base: &Catalog, rule: &'static Rule, found: &mut Vec<Finding>) {
    for offer in changed_offers(base, context.catalog) {
        let (then, now) = (offer.before.metadata(), offer.after.metadata());
        let Some((before, after)) = both(&then.version, &now.version) else { continue };
        if after.cmp_precedence(&before) != Ordering::Less {
            continue;
        }
        let message = format!("version {after} is lower than {before}, which `{}` had", now.id);
        let hint = format!(
            "write a higher one, {}.{}.{} for example; an older definition that comes back is a new version",
            before.major,
            before.minor,
            before.patch + 1
        );
        let findings = Findings::new(offer.after.document(), rule);
        found.push(findings.at("/metadata/version", message).hint(hint));
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, changed};

    #[test]
    fn a_version_rises() {
        let check =
            |version: &str| changed("item/version-lowered", ITEM, &ITEM.replace("1.4.0", version));
        assert_eq!(
            check("1.3.9"),
            "catalog/databases/database-standard.yaml:7:12: error item/version-lowered version 1.3.9 is lower than 1.4.0, which `database-standard` had (write a higher one, 1.4.1 for example; an older definition that comes back is a new version)"
        );
        assert!(check("1.4.0-beta").contains("1.4.0-beta is lower"));
        for version in ["1.4.0", "1.4.0+2", "1.4.1", "2.0.0"] {
            assert_eq!(check(version), "", "{version}");
        }
    }
}
