//! `template/literal`: a text that looks like a reference but stands where no template is read.

use crate::catalog::{Body, Document};
use crate::finding::Severity;
use crate::template::lone_reference;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};
use crate::validate::texts::{each_text, escape};

pub(super) static RULE: Rule = Rule {
    id: "template/literal",
    severity: Severity::Warning,
    summary: "A field of a service holds a reference among other text, and is taken as it stands.",
    why: "What people enter is never a template; only one lone reference to an output is read.",
    mend: "Give the reference alone, and let the item put it together with other text.",
    bad: "databaseUrl: \"postgresql://{{services.payments-db.outputs.host}}/app\"",
    good: "databaseHost: \"{{services.payments-db.outputs.host}}\"",
    check: Check::Document(check),
};

fn check(document: &Document, findings: &mut Findings<'_>) {
    let Some(Body::Service(service)) = &document.body else { return };
    for (field, value) in &service.fields {
        // A lone reference is read where it is the whole field.
        if value.as_str().is_some_and(|text| lone_reference(text).is_some()) {
            continue;
        }
        let mut pointer = format!("/fields/{}", escape(field));
        each_text(value, &mut pointer, &mut |text, pointer| {
            let Some(offset) = text.find("{{").filter(|_| text.contains("services.")) else {
                return;
            };
            let message = "this is taken as it stands: only one lone reference is read in a field";
            let finding = findings.in_text(pointer, offset, message);
            findings.add(finding.hint("write nothing but `{{services.<id>.outputs.<name>}}`"));
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, SERVICE, check};

    #[test]
    fn a_reference_stands_alone() {
        let with = |text: &str| {
            format!("{ITEM}{}", SERVICE.replace("size: small", &format!("label: \"{text}\"")))
        };
        check(&with("{{x}}"), "");
        check(
            &with("http://{{services.payments-db.outputs.url}}"),
            "services/payments/payments-db.yaml:5:25: warning template/literal this is taken as it stands: only one lone reference is read in a field (write nothing but `{{services.<id>.outputs.<name>}}`)",
        );
    }
}
