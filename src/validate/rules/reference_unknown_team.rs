//! `reference/unknown-team`: teams are those that the settings list, where they list any.

use serde_json::Value;

use crate::catalog::{ApprovalRule, Catalog, Document, Item, Metadata, Output};
use crate::finding::{Finding, Severity, nearest};
use crate::validate::context::Context;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};
use crate::validate::texts::{action_lists, escape};

pub(super) static RULE: Rule = Rule {
    id: "reference/unknown-team",
    severity: Severity::Error,
    summary: "A team is named that the settings of the catalog do not list.",
    why: "Nobody would own it, be asked for approval, or be told.",
    mend: "Correct the name, or list the team under `teams` in `trueline.yaml`.",
    bad: "owner: {team: platfrom-databases, …}",
    good: "owner: {team: platform-databases, …}",
    check: Check::Catalog(check),
};

fn check(context: &Context<'_>, rule: &'static Rule, found: &mut Vec<Finding>) {
    let catalog = context.catalog;
    if catalog.settings.teams.is_empty() {
        return;
    }
    for entry in catalog.services.values() {
        let team = entry.team();
        // Most are right, and nothing is made for those.
        if !catalog.settings.teams.contains_key(team) {
            let mut teams = Teams { catalog, findings: Findings::new(&entry.document, rule) };
            teams.check("/metadata/team", team);
            found.extend(teams.findings.into_found());
        }
    }
    for entry in catalog.items.values() {
        let mut teams = Teams::of(catalog, &entry.document, rule);
        teams.check_offer(&entry.body.metadata, entry.body.outputs.iter());
        teams.check_approval("/fulfillment/approval", entry.body.fulfillment.approval.as_ref());
        teams.check_approvers(&entry.body);
        found.extend(teams.findings.into_found());
    }
    for entry in catalog.bundles.values() {
        let mut teams = Teams::of(catalog, &entry.document, rule);
        teams.check_offer(&entry.body.metadata, entry.body.outputs.iter());
        teams.check_approval("/fulfillment/approval", entry.body.fulfillment.approval.as_ref());
        found.extend(teams.findings.into_found());
    }
    for entry in catalog.environments.values() {
        let mut teams = Teams::of(catalog, &entry.document, rule);
        teams.check_approval("/approval", entry.body.approval.as_ref());
        found.extend(teams.findings.into_found());
    }
}

struct Teams<'a> {
    catalog: &'a Catalog,
    findings: Findings<'a>,
}

impl<'a> Teams<'a> {
    fn of(catalog: &'a Catalog, document: &'a Document, rule: &'static Rule) -> Self {
        Self { catalog, findings: Findings::new(document, rule) }
    }

    fn check_offer<'o>(
        &mut self,
        metadata: &Metadata,
        outputs: impl Iterator<Item = (&'o String, &'o Output)>,
    ) {
        self.check("/metadata/owner/team", &metadata.owner.team);
        let seen_by = metadata.visibility.iter().flat_map(|visibility| &visibility.teams);
        for (index, team) in seen_by.enumerate() {
            self.check(&format!("/metadata/visibility/teams/{index}"), team);
        }
        for (name, output) in outputs {
            for (index, team) in output.share.iter().enumerate() {
                self.check(&format!("/outputs/{}/share/{index}", escape(name)), team);
            }
        }
    }

    /// Approvers may be users too: only what was probably meant as a team is found.
    fn check_approval(&mut self, at: &str, approval: Option<&ApprovalRule>) {
        for (index, from) in approval.iter().flat_map(|approval| &approval.from).enumerate() {
            let known = &self.catalog.settings.teams;
            let is_meant = || nearest(from, known.keys().map(String::as_str)).is_some();
            if !known.contains_key(from) && is_meant() {
                self.check(&format!("{at}/from/{index}"), from);
            }
        }
    }

    /// Teams whose members approve in the middle of a run.
    fn check_approvers(&mut self, item: &Item) {
        for list in action_lists(item) {
            let asking =
                list.actions.iter().enumerate().filter(|(_, action)| action.kind == "approval");
            for (index, action) in asking {
                let config = action.config.value();
                let teams = config.pointer("/approvers/teams").and_then(Value::as_array);
                let names = teams.into_iter().flatten().enumerate();
                for (place, team) in names.filter_map(|(place, team)| Some((place, team.as_str()?)))
                {
                    if !team.contains("{{") {
                        let at = list.pointer_to(index);
                        self.check(&format!("{at}/config/approvers/teams/{place}"), team);
                    }
                }
            }
        }
    }

    fn check(&mut self, pointer: &str, team: &str) {
        let known = &self.catalog.settings.teams;
        if known.contains_key(team) {
            return;
        }
        let finding = self.findings.at(pointer, format!("no team `{team}`"));
        let finding = self.findings.near(finding, team, known.keys().map(String::as_str));
        self.findings
            .add(finding.or_hint(|| "list it under `teams` in `trueline.yaml`".to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, SERVICE, check};

    #[test]
    fn teams_are_those_that_are_listed() {
        let settings = |teams: &str| {
            format!(
                "{ITEM}{SERVICE}--- trueline.yaml\nschemaVersion: catalog/v1\nkind: Catalog\nteams: {teams}\n"
            )
        };
        check(&settings("{payments: {}, platform: {}}"), "");
        check(&settings("{}"), "");
        check(
            &settings("{payments: {}, platfrom: {}}"),
            "catalog/databases/database-standard.yaml:9:17: error reference/unknown-team no team `platform` (did you mean `platfrom`?)",
        );
        check(
            &settings("{billing: {}, platform: {}}"),
            "services/payments/payments-db.yaml:3:35: error reference/unknown-team no team `payments` (list it under `teams` in `trueline.yaml`)",
        );
    }

    #[test]
    fn so_are_those_that_approve_in_the_middle_of_a_run() {
        let asks = "      - {id: ask, type: approval, config: {approvers: {teams: [platform, leads, '{{fields.size}}']}}}\n";
        let item = ITEM.replace("    actions:\n", &format!("    actions:\n{asks}"));
        check(
            &format!(
                "{item}--- trueline.yaml\nschemaVersion: catalog/v1\nkind: Catalog\nteams: {{platform: {{}}}}\n"
            ),
            "catalog/databases/database-standard.yaml:22:74: error reference/unknown-team no team `leads` (list it under `teams` in `trueline.yaml`)",
        );
    }

    #[test]
    fn approvers_that_are_nearly_a_team_are_found() {
        let item = ITEM.replace(
            "  strategy:",
            "  approval: {required: 1, from: [platfrom, somebody]}\n  strategy:",
        );
        check(
            &format!(
                "{item}--- trueline.yaml\nschemaVersion: catalog/v1\nkind: Catalog\nteams: {{platform: {{}}}}\n"
            ),
            "catalog/databases/database-standard.yaml:19:34: error reference/unknown-team no team `platfrom` (did you mean `platform`?)",
        );
    }
}
