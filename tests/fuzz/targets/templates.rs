//! Templates: the first line is a value, the rest a template. What is checked renders or says why, and no value changes a shape.

use serde_json::{Value, json};
use trueline::template::{
    MAX_OUTPUT_BYTES, Scope, Target, check, evaluate, lone_reference, marker_paths, references,
    render, show_markers, strip_markers, unknown,
};

use super::{grown, soon};

const TARGETS: [Target; 7] = [
    Target::Text,
    Target::Json,
    Target::Url,
    Target::Header,
    Target::Path,
    Target::Hcl,
    Target::Jira,
];

pub(super) fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (value, template) = text.split_once('\n').unwrap_or(("value", &text));
    let value = strip_markers(value);
    judge(template, &value);
    keeps_its_shape(&value);
    if let Some(grown) = grown(template.as_bytes(), 1 << 16) {
        judge(&String::from_utf8_lossy(&grown), &value);
    }
}

fn scope_of(value: &str) -> Scope {
    let mut scope = Scope::new();
    scope.set("fields", json!({"a": value, "list": [value, {"b": value}], "n": 1, "yes": true}));
    scope.set("outputs", json!({"x": unknown("outputs.x")}));
    scope.set("system", json!({"timestamp": "2026-07-31T22:15:00Z", "uuid": "u"}));
    scope
}

fn judge(template: &str, value: &str) {
    let scope = scope_of(value);
    let problems = soon(template.len(), || check(template));
    for problem in &problems {
        assert!(template.is_char_boundary(problem.offset), "{problem:?}");
        assert!(!problem.message.is_empty(), "{problem:?}");
    }
    for reference in references(template) {
        assert!(template.is_char_boundary(reference.offset) && !reference.path.is_empty());
    }
    let _ = (lone_reference(template), marker_paths(template), show_markers(template));
    for target in TARGETS {
        // A loop in a loop makes much of little: what is made counts as well as what is read.
        let bytes = template.len() + 64 * value.len() + MAX_OUTPUT_BYTES / 4;
        match soon(bytes, || render(template, target, &scope)) {
            Ok(rendered) => {
                assert!(problems.is_empty(), "{problems:?}");
                assert!(rendered.len() <= MAX_OUTPUT_BYTES + 64, "{} bytes", rendered.len());
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    let _ = evaluate(template, &scope);
}

fn keeps_its_shape(value: &str) {
    let scope = scope_of(value);
    let json =
        render("{\"v\": \"{{fields.a}}\", \"w\": {{json fields.list}}}", Target::Json, &scope);
    let parsed: Value =
        serde_json::from_str(&json.expect("any text can stand in JSON")).expect("JSON");
    assert_eq!(parsed, json!({"v": value, "w": [value, {"b": value}]}));
    if let Ok(url) = render("https://host/{{fields.a}}?q={{fields.a}}", Target::Url, &scope) {
        let inside = url.strip_prefix("https://host/").expect("the host stays");
        assert_eq!(inside.matches(['/', '#', '@', '\\', ' ']).count(), 0, "{url}");
        assert_eq!(inside.matches(['?', '&', '=']).count(), 2, "{url}");
    }
    if let Ok(header) = render("x: {{fields.a}}", Target::Header, &scope) {
        assert!(!header.contains(char::is_control), "{header:?}");
    }
    if let Ok(path) = render("a/{{fields.a}}/b", Target::Path, &scope) {
        let names: Vec<&str> = path.split('/').collect();
        assert_eq!(names, ["a", value, "b"]);
        assert!(!["", ".", "..", ".git"].contains(&value));
    }
    let hcl = render("\"{{fields.a}}\"", Target::Hcl, &scope).expect("any text can stand in HCL");
    let escaped = hcl[1..hcl.len() - 1].replace("\\\\", "").replace("\\\"", "");
    assert!(!escaped.contains(['"', '\n']), "{hcl}");
    let lone = escaped.replace("$${", "").replace("%%{", "");
    assert!(!lone.contains("${") && !lone.contains("%{"), "{hcl}");
}
