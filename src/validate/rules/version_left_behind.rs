//! `version/left-behind`: who owns an item learns which services a new version leaves behind.

use std::collections::HashMap;

use semver::VersionReq;

use crate::catalog::{Catalog, Entry, Service};
use crate::finding::{Finding, Severity};
use crate::validate::breaks::changed_offers;
use crate::validate::context::Context;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};
use crate::validate::versions::both;

pub(super) static RULE: Rule = Rule {
    id: "version/left-behind",
    severity: Severity::Note,
    summary: "A new version of an item or bundle is not one that its services ask for.",
    why: "They stay on the definition that was applied last until somebody widens their requirement.",
    mend: "Tell the teams of these services what changed, or offer the change within the old range.",
    bad: "version: 2.0.0 while services ask for \"^1.4\"",
    good: "version: 1.5.0",
    check: Check::Change(check),
};

/// How many services are named before the rest is counted.
const MOST: usize = 5;

fn check(context: &Context<'_>, base: &Catalog, rule: &'static Rule, found: &mut Vec<Finding>) {
    let changed = changed_offers(base, context.catalog);
    if changed.is_empty() {
        return;
    }
    let mut users: HashMap<&str, Vec<(&Entry<Service>, VersionReq)>> = HashMap::new();
    for service in context.catalog.services.values() {
        let wanted = service.body.version.as_ref().and_then(|text| VersionReq::parse(text).ok());
        if let Some(wanted) = wanted {
            users.entry(service.body.offer()).or_default().push((service, wanted));
        }
    }
    for offer in changed {
        let (then, now) = (offer.before.metadata(), offer.after.metadata());
        let Some((before, after)) = both(&then.version, &now.version) else { continue };
        let users = users.get(now.id.as_str()).map(Vec::as_slice).unwrap_or_default();
        let is_lost = |wanted: &VersionReq| wanted.matches(&before) && !wanted.matches(&after);
        let lost: Vec<_> = users.iter().filter(|(_, wanted)| is_lost(wanted)).collect();
        if lost.is_empty() {
            continue;
        }
        let named = lost.iter().take(MOST).map(|(service, _)| {
            let wanted = service.body.version.as_deref().unwrap_or_default();
            format!("`{}` asks for `{wanted}`", service.body.metadata.id)
        });
        let mut named = named.collect::<Vec<_>>().join(", ");
        if lost.len() > MOST {
            named = format!("{named} and {} more", lost.len() - MOST);
        }
        let message = match lost.len() {
            1 => format!("version {after} leaves 1 service behind: {named}"),
            count => format!("version {after} leaves {count} services behind: {named}"),
        };
        let findings = Findings::new(offer.after.document(), rule);
        let hint = "they stay on what was applied last until their requirement allows this version";
        found.push(findings.at("/metadata/version", message).hint(hint));
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, SERVICE, changed};

    #[test]
    fn services_that_stay_behind_are_named() {
        let with = |item: &str, service: &str| format!("{item}{SERVICE}version: \"{service}\"\n");
        let newer = ITEM.replace("1.4.0", "2.0.0");
        let notes = |before: &str, after: &str| changed("version/left-behind", before, after);
        assert_eq!(
            notes(&with(ITEM, "^1.4"), &with(&newer, "^1.4")),
            "catalog/databases/database-standard.yaml:7:12: note version/left-behind version 2.0.0 leaves 1 service behind: `payments-db` asks for `^1.4` (they stay on what was applied last until their requirement allows this version)"
        );
        assert_eq!(notes(&with(ITEM, ">=1"), &with(&newer, ">=1")), "");
        assert_eq!(notes(&with(ITEM, "^1.4"), &with(&newer, "^2")), "");
        assert_eq!(notes(&with(ITEM, "^3"), &with(&newer, "^3")), "");
        let many = |item: &str| {
            let services = (0..7).map(|n| {
                SERVICE.replace("payments-db", &format!("payments-db-{n}")) + "version: ^1\n"
            });
            services.fold(item.to_owned(), |all, one| all + &one)
        };
        let found = notes(&many(ITEM), &many(&newer));
        assert!(found.contains("leaves 7 services behind"), "{found}");
        assert!(found.contains("`payments-db-4` asks for `^1` and 2 more ("), "{found}");
    }
}
