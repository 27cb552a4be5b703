//! `team/quota`: a team has no more services than it may.

use std::collections::BTreeMap;

use crate::catalog::Team;
use crate::finding::{Finding, Severity};
use crate::validate::context::Context;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};
use crate::validate::texts::escape;

pub(super) static RULE: Rule = Rule {
    id: "team/quota",
    severity: Severity::Warning,
    summary: "A team has more services than its quota.",
    why: "Quotas keep what is asked for within what was agreed on.",
    mend: "Remove services that nobody needs, or agree on another quota.",
    bad: "quota: {services: 50}, and the team has 51",
    good: "quota: {services: 60}",
    check: Check::Catalog(check),
};

fn check(context: &Context<'_>, rule: &'static Rule, found: &mut Vec<Finding>) {
    let catalog = context.catalog;
    let Some(document) = catalog.documents.get("trueline.yaml") else { return };
    let quota = |team: &Team| team.quota.as_ref()?.services;
    let quotas: BTreeMap<&str, u64> = catalog
        .settings
        .teams
        .iter()
        .filter_map(|(id, team)| Some((id.as_str(), quota(team)?)))
        .collect();
    if quotas.is_empty() {
        return;
    }
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for service in catalog.services.values() {
        *counts.entry(service.team()).or_default() += 1;
    }
    for (team, most) in quotas {
        let count = counts.get(team).copied().unwrap_or_default();
        if count > most {
            let services = if count == 1 { "service" } else { "services" };
            let message = format!("team `{team}` has {count} {services}, and its quota is {most}");
            let pointer = format!("/teams/{}/quota/services", escape(team));
            let finding = Findings::new(document, rule).at(&pointer, message);
            found
                .push(finding.hint("remove services that nobody needs, or agree on another quota"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, SERVICE, check};

    #[test]
    fn a_quota_holds() {
        let with = |quota: u64| {
            let other = SERVICE.replace("payments-db", "payments-queue");
            format!(
                "--- trueline.yaml\nschemaVersion: catalog/v1\nkind: Catalog\nteams:\n  payments: {{quota: {{services: {quota}}}}}\n  platform: {{quota: {{services: 0}}}}\n{ITEM}{SERVICE}{other}"
            )
        };
        check(&with(2), "");
        check(
            &with(1),
            "trueline.yaml:4:32: warning team/quota team `payments` has 2 services, and its quota is 1 (remove services that nobody needs, or agree on another quota)",
        );
    }
}
