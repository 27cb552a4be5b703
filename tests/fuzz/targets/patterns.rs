//! Patterns of forms: the first line is a pattern, the rest a value. Either it is refused, or every value is judged soon.

use serde_json::{Value, json};
use trueline::catalog::Form;
use trueline::template::strip_markers;

use super::{grown, soon};

pub(super) fn run(bytes: &[u8]) {
    // What stands for a value that is not known yet comes in with no document.
    let text = strip_markers(&String::from_utf8_lossy(bytes));
    let (pattern, value) =
        text.split_once('\n').unwrap_or((&text, "aaaaaaaaaaaaaaaaaaaaaaaaaaaa!"));
    judge(pattern, value);
    if let Some(grown) = grown(value.as_bytes(), 1 << 18) {
        judge(pattern, &String::from_utf8_lossy(&grown));
    }
    if let Some(grown) = grown(pattern.as_bytes(), 1000) {
        judge(&String::from_utf8_lossy(&grown), value);
    }
}

/// What the form of an item says of a value; the schema of documents bounds a pattern to 1,000 characters.
fn judge(pattern: &str, value: &str) {
    let pattern: String = pattern.chars().take(1000).collect();
    let form: Form = serde_json::from_value(json!({"groups": [{"id": "g", "name": "G", "fields": [
        {"id": "a", "name": "A", "type": "string", "default": value, "validation": {"pattern": pattern}},
        {"id": "b", "name": "B", "type": "email", "validation": {"pattern": pattern, "message": "m"}},
    ]}]}))
    .expect("a form");
    let problems = soon(value.len() + (1 << 20), || form.problems());
    for problem in &problems {
        assert!(!problem.message.is_empty(), "{problem:?}");
        assert!(problem.message.len() < 2_000, "{} bytes of message", problem.message.len());
    }
    let refused = problems.iter().any(|problem| problem.rule == "form/pattern");
    let fields = json!({"a": value});
    let Value::Object(fields) = fields else { return };
    let found = soon(value.len() + (1 << 20), || form.check(&fields));
    if !refused {
        // The default is judged by the same pattern as a value that is given.
        let by_default = problems.iter().any(|problem| problem.rule == "form/default");
        let given = found.iter().any(|problem| problem.pointer.starts_with("/a"));
        // A default that holds `{{` is warned of, and not judged any further.
        let is_template = value.contains("{{");
        assert!(by_default == given || is_template, "{problems:?} {found:?}");
    }
    let _ = form.schema();
}
