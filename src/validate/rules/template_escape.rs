//! `template/escape`: what a template puts into JSON, HCL, a URL, a path or a header can be right there.

use crate::catalog::{Body, Document, FieldType, Form};
use crate::finding::{Finding, Severity};
use crate::kinds::{is_structured, target_of};
use crate::template::{Misfit, Place, Shape, Target, is_template, misfits};
use crate::validate::findings::Findings;
use crate::validate::readings::Acting;
use crate::validate::registry::{Check, Rule};
use crate::validate::texts::{each_text, escape};

pub(super) static RULE: Rule = Rule {
    id: "template/escape",
    severity: Severity::Error,
    summary: "A template puts a value where it cannot be right: a text without quotes into JSON, quotes twice, a URL without a host.",
    why: "Values are escaped for the place where they stand; what is escaped for another place fails there, or arrives mangled. \
          It is an error where it fails in any case, else a warning.",
    mend: "In JSON write `\"{{fields.name}}\"` or `{{json fields.name}}`, not both; in URLs, paths and headers the path alone.",
    bad: "contentTemplate: '{\"name\": {{fields.name}}, \"owner\": \"{{json service.team}}\"}'",
    good: "contentTemplate: '{\"name\": {{json fields.name}}, \"owner\": \"{{service.team}}\"}'",
    check: Check::Document(check),
};

fn check(document: &Document, findings: &mut Findings<'_>) {
    match &document.body {
        Some(Body::Item(item)) => {
            let form = &item.presentation.form;
            for (kind, config, at) in findings.actions().iter().flat_map(Acting::configs) {
                each_text(config, &mut String::new(), &mut |text, pointer| {
                    let target = target_of(kind, config, pointer);
                    if target == Target::Text && !is_template(text) {
                        return;
                    }
                    let place = Place { target, structured: is_structured(kind, pointer) };
                    told(findings, &format!("{at}{pointer}"), text, (place, form));
                });
            }
        }
        Some(Body::Bundle(bundle)) => {
            let place = Place { target: Target::Text, structured: true };
            let form = &bundle.presentation.form;
            for (index, component) in bundle.components.iter().enumerate() {
                for (key, value) in &component.config {
                    let mut pointer = format!("/components/{index}/config/{}", escape(key));
                    each_text(value, &mut pointer, &mut |text, pointer| {
                        if is_template(text) {
                            told(findings, pointer, text, (place, form));
                        }
                    });
                }
            }
        }
        _ => {}
    }
}

fn told(findings: &mut Findings<'_>, pointer: &str, text: &str, (place, form): (Place, &Form)) {
    for misfit in misfits(text, &findings.read(text), place, &|path| shape(form, path)) {
        let Misfit { offset, message, hint, certain, instead } = misfit;
        let finding = findings.in_text(pointer, offset, message).hint(hint);
        let severity = if certain { Severity::Error } else { Severity::Warning };
        let finding = Finding { severity, ..finding };
        findings.add(match instead {
            Some(rewrite) => findings.rewrite(finding, pointer, &rewrite),
            None => finding,
        });
    }
}

/// Tells what the value of a path is, as far as that is known of every service.
fn shape(form: &Form, path: &[String]) -> Shape {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["fields", id] => form.field(id).map_or(Shape::Unknown, |field| match field.kind {
            FieldType::String | FieldType::Textarea | FieldType::Email | FieldType::Date => {
                Shape::Text
            }
            FieldType::Number | FieldType::Boolean => Shape::Bare,
            FieldType::Select if field.values().all(serde_json::Value::is_string) => Shape::Text,
            FieldType::Multiselect | FieldType::File => Shape::Parts,
            FieldType::Select | FieldType::Password => Shape::Unknown,
        }),
        ["service", "id" | "team"]
        | ["metadata", "id" | "name" | "version" | "description" | "category"]
        | ["request", "operation"] => Shape::Text,
        // The rest of `request` and `system` is a marker in a plan, and a marker brings its quotes.
        _ => Shape::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{BUNDLE, ITEM, check, judge};

    fn with(config: &str) -> String {
        ITEM.replace("mode: manual", "mode: automatic").replace(
            "outputs:\n  url",
            &format!("  automatic:\n    actions:\n      - id: provision\n        type: rest-api\n        config:\n          {config}\n        outputs: {{url: /url}}\noutputs:\n  url"),
        )
    }

    #[test]
    fn what_verifies_and_takes_back_is_checked_too() {
        let rest = "endpoint: {url: \"https://api.example.com/a\"}\n        verify: {poll: {url: \"/things/{{fields.size}}\"}}\n        rollback: {type: rest-api, config: {endpoint: {url: \"https://api.example.com/a\"}, body: {contentTemplate: '{\"a\": {{fields.label}}}'}}}";
        let found = judge(&with(rest)).findings;
        let found: Vec<_> = found.iter().filter(|found| found.rule == "template/escape").collect();
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn a_body_is_checked_by_what_it_is() {
        let body = |body: &str| {
            with(&format!(
                "endpoint: {{url: \"https://api.example.com/a\"}}\n          body: {body}"
            ))
        };
        check(&body("{type: text, contentTemplate: '{\"a\": {{fields.size}}}'}"), "");
        check(&body("{contentTemplate: '{\"a\": {{request.id}}, \"b\": {{system.date}}}'}"), "");
        let files =
            body("{contentTemplate: '{\"a\": {{fields.size}}, \"b\": \"{{json fields.label}}\"}'}");
        check(
            &files,
            "
            catalog/databases/database-standard.yaml:34:44: error template/escape `fields.size` is a text, and stands outside of quotes (write `{{json fields.size}}`, or quotes around it)
            catalog/databases/database-standard.yaml:34:67: warning template/escape `json` writes quotes, and stands inside quotes (write `{{fields.label}}`, or take the quotes around it away)
        ",
        );
        let fixes: Vec<_> =
            judge(&files).findings.into_iter().map(|found| found.fix.unwrap()).collect();
        let shown: Vec<_> = fixes.iter().map(|fix| (fix.safe, &*fix.edits[0].text)).collect();
        assert_eq!(shown, [(true, "json fields.size"), (false, "fields.label")]);
        check(
            &body(
                "{contentTemplate: {a: [\"{{json fields.size}}\"], b: \"x {{json fields.size}}\"}}",
            ),
            "catalog/databases/database-standard.yaml:34:43: warning template/escape `json` makes a text of the value here (write `{{fields.size}}`: a lone path keeps its type, lists too)",
        );
    }

    #[test]
    fn a_url_is_one() {
        check(
            &with("endpoint: {url: \"api.example.com/{{fields.label}}\"}"),
            "catalog/databases/database-standard.yaml:33:28: error template/escape the text is not an http or https URL (begin it with `https://` and a host, or with a variable that holds them)",
        );
    }

    #[test]
    fn components_take_values_as_they_are() {
        check(
            &format!("{ITEM}{}", BUNDLE.replace("{{fields.size}}", "{{json fields.size}}")),
            "bundles/bundle-webapp.yaml:12:23: warning template/escape `json` makes a text of the value here (write `{{fields.size}}`: a lone path keeps its type, lists too)",
        );
    }
}
