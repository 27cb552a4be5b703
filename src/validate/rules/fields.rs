//! `fields/…`: a service gives the fields that its form asks for. The catalog room finds; these rows explain.

use serde_json::{Map, Value};

use crate::catalog::Form;
use crate::finding::Severity;
use crate::template::{lone_reference, unknown};
use crate::validate::context::{Offer, ServiceContext};
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};

const CHECKED_BY: Check = Check::With("fields/unknown");

pub(super) static RULES: [Rule; 5] = [
    Rule {
        id: "fields/unknown",
        severity: Severity::Error,
        summary: "A service gives a field that the form does not have.",
        why: "It would have no effect, and somebody thinks that it has.",
        mend: "Correct the name, or take the field away.",
        bad: "fields: {instanceNmae: payments-db}",
        good: "fields: {instanceName: payments-db}",
        check: Check::Service(check),
    },
    Rule {
        id: "fields/missing",
        severity: Severity::Error,
        summary: "A service leaves out a field that the form requires.",
        why: "What is asked for cannot be made without it.",
        mend: "Give the field. It is required while it is visible and has no default.",
        bad: "fields: {}",
        good: "fields: {instanceName: payments-db}",
        check: CHECKED_BY,
    },
    Rule {
        id: "fields/hidden",
        severity: Severity::Error,
        summary: "A service gives a field that is not visible with its other fields.",
        why: "It would have no effect, and somebody thinks that it has.",
        mend: "Take the field away, or change the field that decides over it.",
        bad: "fields: {exposure: internal, hostName: shop.acme.example}",
        good: "fields: {exposure: public, hostName: shop.acme.example}",
        check: CHECKED_BY,
    },
    Rule {
        id: "fields/type",
        severity: Severity::Error,
        summary: "The value of a field has another type than the field.",
        why: "Text and numbers are not the same to those who receive them; nothing is converted silently.",
        mend: "Write it as the field's type: numbers without quotes, texts that look like numbers in quotes.",
        bad: "fields: {replicas: \"3\"}",
        good: "fields: {replicas: 3}",
        check: CHECKED_BY,
    },
    Rule {
        id: "fields/value",
        severity: Severity::Error,
        summary: "The value of a field is not one that the form allows.",
        why: "The limits of a form are what the owner of the item can answer for.",
        mend: "Choose a value within the limits that the message names.",
        bad: "fields: {size: huge}",
        good: "fields: {size: large}",
        check: CHECKED_BY,
    },
];

fn check(of: &ServiceContext<'_>, findings: &mut Findings<'_>) {
    let Some(offer) = of.offer else { return };
    let (form, id) = match offer {
        Offer::Item(item) => (&item.body.presentation.form, &item.body.metadata.id),
        Offer::Bundle(bundle) => (&bundle.body.presentation.form, &bundle.body.metadata.id),
    };
    let defaults = of.environment.and_then(|environment| environment.body.defaults.get(id));
    report(form, (&of.service.fields.to_map(), defaults), findings);
}

fn report(
    form: &Form,
    (own, defaults): (&Map<String, Value>, Option<&Map<String, Value>>),
    findings: &mut Findings<'_>,
) {
    let read = |value: &Value| value.as_str().and_then(lone_reference);
    let problems = if defaults.is_none() && own.values().all(|value| read(value).is_none()) {
        form.check(own)
    } else {
        let mut fields = defaults.cloned().unwrap_or_default();
        for (field, value) in own {
            // What another service offers is known only later.
            let value = match read(value) {
                Some((id, name)) => {
                    Value::String(unknown(&format!("services.{id}.outputs.{name}")))
                }
                None => value.clone(),
            };
            fields.insert(field.clone(), value);
        }
        form.check(&fields)
    };
    for problem in problems {
        let field = problem.pointer.split('/').nth(1).unwrap_or_default();
        let given =
            field.is_empty() || own.contains_key(&field.replace("~1", "/").replace("~0", "~"));
        if given {
            findings.add(findings.of_problem("/fields", problem));
        } else if !matches!(problem.rule, "fields/hidden" | "fields/unknown") {
            // The environment's own document is told what is wrong with its defaults.
            let message = format!("the environment's default for `{field}`: {}", problem.message);
            let finding = findings.of_problem("/metadata/environment", problem.clone());
            findings.add(crate::finding::Finding {
                place: findings.place("/metadata/environment"),
                message,
                ..finding
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, SERVICE, check};

    #[track_caller]
    fn with(fields: &str, expected: &str) {
        let item = ITEM.replace(
            "{id: label, name: Label, type: string}",
            "{id: label, name: Label, type: string, required: true, conditional: {field: size, operator: eq, value: large}}\n          - {id: admin, name: Admin, type: password}",
        );
        check(&format!("{item}{}", SERVICE.replace("fields: {size: small}", fields)), expected);
    }

    #[test]
    fn unknown() {
        with(
            "fields: {sise: small}",
            "services/payments/payments-db.yaml:5:10: error fields/unknown unknown field `sise` (did you mean `size`?)",
        );
    }

    #[test]
    fn missing() {
        with(
            "fields: {size: large}",
            "services/payments/payments-db.yaml:5:9: error fields/missing missing field `label` (`label`: Label)",
        );
    }

    #[test]
    fn hidden() {
        with(
            "fields: {size: small, label: mine}",
            "services/payments/payments-db.yaml:5:23: error fields/hidden field `label` is given but not visible (it is there only when `size` is `large`)",
        );
    }

    #[test]
    fn type_of_a_field() {
        with(
            "fields: {size: large, label: 7}",
            r#"services/payments/payments-db.yaml:5:30: error fields/type expected text, found number `7` (put it in quotes: "7")"#,
        );
    }

    #[test]
    fn value() {
        with(
            "fields: {size: huge}",
            "services/payments/payments-db.yaml:5:16: error fields/value expected one of `small`, `large`, found `huge`",
        );
    }

    #[test]
    fn in_clear() {
        with(
            "fields: {admin: hunter2}",
            "services/payments/payments-db.yaml:5:17: error secret/in-clear a password is named, never written down (write the name of a secret: {secret: PAYMENTS_DB_ADMIN})",
        );
        with("fields: {admin: {secret: PAYMENTS_ADMIN}}", "");
    }

    #[test]
    fn defaults_of_the_environment_count_before_visibility() {
        let environment = "--- environments/production.yaml\nschemaVersion: catalog/v1\nkind: Environment\nmetadata: {id: production, name: Production}\ndefaults: {database-standard: {size: large}}\n";
        let item = ITEM.replace(
            "{id: label, name: Label, type: string}",
            "{id: label, name: Label, type: string, required: true, conditional: {field: size, operator: eq, value: large}}",
        );
        let service = SERVICE
            .replace("team: payments}", "team: payments, environment: production}")
            .replace("{size: small}", "{}");
        check(
            &format!("{environment}{item}{service}"),
            "services/payments/payments-db.yaml:5:9: error fields/missing missing field `label` (`label`: Label)",
        );
        check(
            &format!(
                "{environment}{item}{}",
                service.replace("fields: {}", "fields: {label: mine}")
            ),
            "",
        );
    }

    #[test]
    fn what_another_service_offers_is_not_judged() {
        let reader = SERVICE
            .replace("payments-db", "payments-app")
            .replace("size: small", "label: \"{{services.payments-db.outputs.url}}\"");
        check(&format!("{ITEM}{SERVICE}{reader}"), "");
    }
}
