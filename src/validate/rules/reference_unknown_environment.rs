//! `reference/unknown-environment`: a service in an environment that is not there is found.

use crate::finding::Severity;
use crate::validate::context::ServiceContext;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};
use crate::validate::scope::listed;

pub(super) static RULE: Rule = Rule {
    id: "reference/unknown-environment",
    severity: Severity::Error,
    summary: "A service in an environment that is not there.",
    why: "Its variables, approvals and windows would all be missing.",
    mend: "Correct the id, or add `environments/<id>.yaml`.",
    bad: "metadata: {environment: prod}",
    good: "metadata: {environment: production}",
    check: Check::Service(check),
};

fn check(of: &ServiceContext<'_>, findings: &mut Findings<'_>) {
    let Some(id) = &of.service.metadata.environment else { return };
    if of.environment.is_some() || of.context.is_unusable_environment(id) {
        return;
    }
    let known = &of.context.catalog.environments;
    let names: Vec<&str> = known.keys().map(String::as_str).collect();
    let finding = findings.at("/metadata/environment", format!("no environment `{id}`"));
    findings.add(findings.near(finding, id, names.iter().copied()).or_hint(|| {
        if names.is_empty() {
            return format!("add `environments/{id}.yaml`");
        }
        format!("there are: {}", listed(&names))
    }));
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, SERVICE, check};

    #[test]
    fn a_service_is_in_an_environment_that_is_there() {
        let placed = SERVICE.replace("team: payments}", "team: payments, environment: producton}");
        let environment = "--- environments/production.yaml\nschemaVersion: catalog/v1\nkind: Environment\nmetadata: {id: production, name: Production}\n";
        check(
            &format!("{ITEM}{placed}"),
            "services/payments/payments-db.yaml:3:58: error reference/unknown-environment no environment `producton` (add `environments/producton.yaml`)",
        );
        check(
            &format!("{ITEM}{placed}{environment}"),
            "services/payments/payments-db.yaml:3:58: error reference/unknown-environment no environment `producton` (did you mean `production`?)",
        );
        check(
            &format!("{ITEM}{}{environment}", placed.replace("producton", "prod")),
            "services/payments/payments-db.yaml:3:58: error reference/unknown-environment no environment `prod` (there are: `production`)",
        );
    }
}
