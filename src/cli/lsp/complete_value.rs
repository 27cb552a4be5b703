//! The values that can stand at a path: ids that there are, choices of a schema or a field. It knows no keys.

use lsp_types::CompletionItemKind;
use serde_json::{Value, json};

use super::super::sample::inline;
use super::complete::{Choice, bare};
use super::outline::Step;
use super::reference::{Word, names};
use super::scene::Page;
use super::subject::Subject;
use crate::catalog::{Field, FieldType};

/// Returns the values that can stand at a path.
pub(super) fn values(page: &Page<'_>, path: &[Step], quoted: bool) -> Vec<Choice> {
    if let Some(names) = names(page.kind, path) {
        let words = page.all(names, path).into_iter();
        return words.map(|word| Choice::new(word, CompletionItemKind::REFERENCE)).collect();
    }
    match page.subject(path) {
        Subject::Schema(node, _) => {
            let default = node.default();
            let mut allowed = node.allowed();
            if node.type_words() == "true or false" {
                allowed = vec!["true".to_owned(), "false".to_owned()];
            }
            let word = |value: &String| {
                let is_default = Some(value) == default.as_ref();
                let word = Word::new(value, if is_default { "default" } else { "" }, "");
                Choice::new(word, CompletionItemKind::ENUM_MEMBER)
            };
            allowed.iter().map(word).collect()
        }
        Subject::Field(field) => field_values(field, quoted),
        _ => Vec::new(),
    }
}

fn field_values(field: &Field, quoted: bool) -> Vec<Choice> {
    let label = |value: &Value| {
        let choice = field.choices.iter().find(|choice| choice.get("value") == Some(value))?;
        choice.get("label")?.as_str()
    };
    let mut values: Vec<(Value, &str)> =
        field.values().map(|value| (value.clone(), label(value).unwrap_or_default())).collect();
    if field.kind == FieldType::Boolean {
        values = vec![(json!(true), ""), (json!(false), "")];
    }
    if let (true, Some(default)) = (values.is_empty(), &field.default) {
        values.push((default.clone(), "default"));
    }
    values
        .into_iter()
        .map(|(value, detail)| {
            let is_default = field.default.as_ref() == Some(&value);
            let detail = if detail.is_empty() && is_default { "default" } else { detail };
            let word = Word::new(&bare(&value), detail, "");
            // `16` in the place of a text is no text.
            let text = (!quoted).then(|| inline(&value));
            Choice { text, ..Choice::new(word, CompletionItemKind::ENUM_MEMBER) }
        })
        .collect()
}
