//! `template/literal`: a text that looks like a reference but stands where no template is read.

use serde_json::{Map, Value};

use crate::catalog::{Body, Document, Service};
use crate::finding::Severity;
use crate::template::{ROOTS, is_template, lone_reference, references};
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};
use crate::validate::texts::{each_text, escape};

pub(super) static RULE: Rule = Rule {
    id: "template/literal",
    severity: Severity::Warning,
    summary: "A field of a service holds a reference among other text, or another variable; or a constant holds a variable. Both are taken as they stand.",
    why: "What people enter is never a template; only one lone reference to an output is read.",
    mend: "Give the reference alone, and let the item put it together with other text.",
    bad: "databaseUrl: \"postgresql://{{services.payments-db.outputs.host}}/app\"",
    good: "databaseHost: \"{{services.payments-db.outputs.host}}\"",
    check: Check::Document(check),
};

fn check(document: &Document, findings: &mut Findings<'_>) {
    match &document.body {
        Some(Body::Service(service)) => in_fields(service, findings),
        Some(Body::Item(item)) => in_constants(&item.metadata.constants, findings),
        Some(Body::Bundle(bundle)) => in_constants(&bundle.metadata.constants, findings),
        _ => {}
    }
}

fn in_constants(constants: &Map<String, Value>, findings: &mut Findings<'_>) {
    for (name, value) in constants {
        let mut pointer = format!("/metadata/constants/{}", escape(name));
        each_text(value, &mut pointer, &mut |text, pointer| {
            let Some((offset, _)) = variable(text) else { return };
            let message = "`{{` stands for itself here: a constant is taken as it stands";
            let finding = findings.in_text(pointer, offset, message);
            findings.add(finding.hint("write the variable where the constant is used"));
        });
    }
}

fn in_fields(service: &Service, findings: &mut Findings<'_>) {
    for (field, value) in service.fields.iter() {
        // A lone reference is read where it is the whole field.
        let is_fine = |text: &str| !is_template(text) || lone_reference(text).is_some();
        if value.as_str().is_some_and(is_fine) {
            continue;
        }
        let mut pointer = format!("/fields/{}", escape(field));
        each_text(value, &mut pointer, &mut |text, pointer| {
            let Some((offset, root)) = variable(text) else { return };
            let message = "`{{` stands for itself here: a field takes one reference and nothing else, or plain text";
            let finding = findings.in_text(pointer, offset, message);
            findings.add(finding.hint(match root.as_str() {
                "services" => "write nothing but `{{services.<id>.outputs.<name>}}`",
                _ => "write the value itself: other variables are read in items and bundles only",
            }));
        });
    }
}

/// Finds the first tag of a text, where a variable of ours is read in it, and the root of that variable.
fn variable(text: &str) -> Option<(usize, String)> {
    let offset = text.find("{{")?;
    let mut roots = references(text).into_iter().filter_map(|found| found.path.into_iter().next());
    Some((offset, roots.find(|root| ROOTS.contains(&root.as_str()))?))
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, SERVICE, check};

    #[test]
    fn a_constant_holds_no_variable() {
        let with = |text: &str| {
            ITEM.replace(
                "presentation:",
                &format!("  constants: {{key: \"{text}\"}}\npresentation:"),
            )
        };
        check(&with("{{x}}"), "");
        check(
            &with("a {{secrets.API_TOKEN}}"),
            "catalog/databases/database-standard.yaml:10:23: warning template/literal `{{` stands for itself here: a constant is taken as it stands (write the variable where the constant is used)",
        );
    }

    #[test]
    fn a_reference_stands_alone() {
        let with = |text: &str| {
            format!("{ITEM}{}", SERVICE.replace("size: small", &format!("label: \"{text}\"")))
        };
        check(&with("{{x}}"), "");
        check(
            &with("{{service.id}}-db"),
            "services/payments/payments-db.yaml:5:18: warning template/literal `{{` stands for itself here: a field takes one reference and nothing else, or plain text (write the value itself: other variables are read in items and bundles only)",
        );
        check(
            &with("http://{{services.payments-db.outputs.url}}"),
            "services/payments/payments-db.yaml:5:25: warning template/literal `{{` stands for itself here: a field takes one reference and nothing else, or plain text (write nothing but `{{services.<id>.outputs.<name>}}`)",
        );
    }
}
