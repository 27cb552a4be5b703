//! `reference/unknown-service`: a service that depends on, or reads from, one that is not there is found.

use crate::finding::Severity;
use crate::validate::context::ServiceContext;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "reference/unknown-service",
    severity: Severity::Error,
    summary: "A service that depends on, or reads from, one that is not there.",
    why: "It would wait for ever.",
    mend: "Correct the id, or add that service in the same change.",
    bad: "dependsOn: [payments-netwrok]",
    good: "dependsOn: [payments-network]",
    check: Check::Service(check),
};

fn check(of: &ServiceContext<'_>, findings: &mut Findings<'_>) {
    let named = of.service.depends_on.iter().enumerate();
    let named = named.map(|(index, id)| (id.as_str(), format!("/dependsOn/{index}")));
    let read = of.reads.iter().map(|read| {
        let pointer = read.pointer.clone().unwrap_or_else(|| "/catalogBundle".to_owned());
        (read.service.as_str(), pointer)
    });
    let services = &of.context.catalog.services;
    for (id, pointer) in named.chain(read) {
        if services.contains_key(id) || of.context.is_unusable_service(id) {
            continue;
        }
        let finding = findings.at(&pointer, format!("no service `{id}`"));
        let finding = findings.near(finding, id, services.keys().map(String::as_str));
        findings.add(finding.or_hint(|| "name a service of `services/`, by its id".to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, SERVICE, check};

    #[test]
    fn what_is_depended_on_is_there() {
        let reader = SERVICE.replace("payments-db", "payments-app");
        check(&format!("{ITEM}{SERVICE}{reader}dependsOn: [payments-db]"), "");
        check(
            &format!("{ITEM}{SERVICE}{reader}dependsOn: [payments-bd]"),
            "services/payments/payments-app.yaml:6:13: error reference/unknown-service no service `payments-bd` (did you mean `payments-db`?)",
        );
        let reader =
            reader.replace("size: small", "label: \"{{services.payments-bd.outputs.url}}\"");
        check(
            &format!("{ITEM}{SERVICE}{reader}"),
            "services/payments/payments-app.yaml:5:17: error reference/unknown-service no service `payments-bd` (did you mean `payments-db`?)",
        );
    }
}
