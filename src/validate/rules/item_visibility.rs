//! `item/visibility`: a service is of an item that its team may ask for, in its environment.

use crate::finding::Severity;
use crate::validate::breaks::listed;
use crate::validate::context::ServiceContext;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "item/visibility",
    severity: Severity::Error,
    summary: "A service is of an item that is not offered to its team, or not in its environment.",
    why: "The owner of an item can answer for those whom it was made for, and for no others.",
    mend: "Use another item, or ask the owner to add the team or the environment to `metadata.visibility`.",
    bad: "metadata: {team: data, …} of an item with visibility: {teams: [storefront]}",
    good: "metadata: {team: storefront, …}",
    check: Check::Service(check),
};

fn check(of: &ServiceContext<'_>, findings: &mut Findings<'_>) {
    let Some(offer) = of.offer else { return };
    let owner = &offer.metadata().owner;
    let Some(visibility) = &offer.metadata().visibility else { return };
    let id = of.service.offer();
    let metadata = &of.service.metadata;
    let mut add = |own: &str, key: &str, message: String| {
        let hint = format!(
            "team `{}` ({}) decides over that: `metadata.visibility.{key}` of `{id}`",
            owner.team, owner.contact
        );
        let place = offer.document().place(&format!("/metadata/visibility/{key}"));
        let finding = findings.at(&format!("/metadata/{own}"), message).hint(hint);
        findings.add(finding.related(place, "whom it is offered to"));
    };
    if !visibility.teams.is_empty() && !visibility.teams.contains(&metadata.team) {
        let others = listed(&visibility.teams);
        add(
            "team",
            "teams",
            format!("`{id}` is not offered to team `{}`, only to {others}", metadata.team),
        );
    }
    if visibility.environments.is_empty() {
        return;
    }
    let others = listed(&visibility.environments);
    match &metadata.environment {
        Some(own) if visibility.environments.contains(own) => {}
        Some(own) => {
            let message = format!("`{id}` is not offered in environment `{own}`, only in {others}");
            add("environment", "environments", message);
        }
        None => {
            let message =
                format!("`{id}` is offered in {others} only, and no environment is named");
            add("environment", "environments", message);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, SERVICE, check, judge};

    #[test]
    fn a_service_is_of_what_is_offered_to_it() {
        let with = |visibility: &str| {
            ITEM.replace("  category:", &format!("  visibility: {visibility}\n  category:"))
                + SERVICE
                + "--- environments/staging.yaml\nschemaVersion: catalog/v1\nkind: Environment\nmetadata: {id: staging, name: Staging}\n"
        };
        check(&with("{teams: [billing, payments]}"), "");
        check(&with("{teams: [billing, data]}"), "
            services/payments/payments-db.yaml:3:35: error item/visibility `database-standard` is not offered to team `payments`, only to `billing` and `data` (team `platform` (platform@acme.example) decides over that: `metadata.visibility.teams` of `database-standard`)
            catalog/databases/database-standard.yaml:8:23: whom it is offered to
        ");
        check(&with("{environments: [staging]}"), "
            services/payments/payments-db.yaml:3:11: error item/visibility `database-standard` is offered in `staging` only, and no environment is named (team `platform` (platform@acme.example) decides over that: `metadata.visibility.environments` of `database-standard`)
            catalog/databases/database-standard.yaml:8:30: whom it is offered to
        ");
        let there = with("{environments: [staging]}")
            .replace("team: payments}", "team: payments, environment: staging}");
        check(&there, "");
        assert!(judge(&with("{teams: [data]}")).misfits.contains_key("payments-db"));
    }
}
