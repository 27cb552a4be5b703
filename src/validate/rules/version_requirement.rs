//! `version/requirement`: the version of an item is one that its service asks for.

use semver::{Version, VersionReq};

use crate::finding::Severity;
use crate::validate::context::{Offer, ServiceContext};
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "version/requirement",
    severity: Severity::Warning,
    summary: "The version of an item or bundle is not one that its service asks for.",
    why: "A requirement pins: the service stays on the definition that was applied last, and receives nothing new.",
    mend: "Read what changed in the item, then widen the requirement.",
    bad: "version: \"^1.4\" while the item is at 2.0.0",
    good: "version: \"^2\"",
    check: Check::Service(check),
};

fn check(of: &ServiceContext<'_>, findings: &mut Findings<'_>) {
    let (Some(wanted), Some(offer)) = (&of.service.version, of.offer) else { return };
    let version = match offer {
        Offer::Item(item) => &item.body.metadata.version,
        Offer::Bundle(bundle) => &bundle.body.metadata.version,
    };
    // The schemas ask for both to be readable.
    let (Ok(requirement), Ok(found)) = (VersionReq::parse(wanted), Version::parse(version)) else {
        return;
    };
    if requirement.matches(&found) {
        return;
    }
    let id = of.service.offer();
    let message = format!("`{id}` is at version {version}, and `{wanted}` is asked for");
    let place = offer.document().place("/metadata/version");
    let hint = format!(
        "write `^{version}` to follow it; until then the service stays on what was applied last"
    );
    findings.add(findings.at("/version", message).hint(hint).related(place, "the version"));
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, SERVICE, check, judge};

    #[test]
    fn a_version_that_is_not_asked_for_is_told() {
        let with = |version: &str| format!("{ITEM}{SERVICE}version: \"{version}\"\n");
        check(&with("^1.4"), "");
        check(&with("~1.3"), "
            services/payments/payments-db.yaml:6:10: warning version/requirement `database-standard` is at version 1.4.0, and `~1.3` is asked for (write `^1.4.0` to follow it; until then the service stays on what was applied last)
            catalog/databases/database-standard.yaml:7:12: the version
        ");
        assert!(judge(&with("~1.3")).misfits.is_empty());
        check(
            &with("one"),
            "services/payments/payments-db.yaml:6:10: error schema/value expected a requirement on a semantic version, found `one` (for example `^1.4`)",
        );
    }
}
