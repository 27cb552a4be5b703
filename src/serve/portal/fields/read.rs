//! Reads what was filled in as the API takes it, by the types of the form. It finds fault with nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::PREFIX;
use super::control::UNSET;
use super::words::choice;
use crate::catalog::{Field, FieldType, Form as CatalogForm};
use crate::serve::portal::form::Form;

/// What names of files begin with.
pub(super) const UPLOAD: &str = "file.";

/// A file that was sent, as a form keeps it and as the API takes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::serve::portal) struct Kept {
    pub(in crate::serve::portal) name: String,
    pub(in crate::serve::portal) media_type: String,
    /// As base64.
    pub(in crate::serve::portal) content: String,
}

impl Kept {
    /// Writes it so that a form keeps it.
    pub(in crate::serve::portal) fn written(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Returns the file that a form holds for a field: the last one that was sent.
pub(super) fn kept(field: &Field, form: &Form) -> Option<Kept> {
    let name = format!("{UPLOAD}{}", field.id);
    let all: Vec<&str> = form.all(&name).collect();
    all.into_iter().rev().find_map(|text| serde_json::from_str(text).ok())
}

/// Returns the files that a form holds, by their fields.
pub(in crate::serve::portal) fn uploads(
    asked: &CatalogForm,
    form: &Form,
) -> BTreeMap<String, Kept> {
    let files = asked.fields().filter(|field| field.kind == FieldType::File);
    files.filter_map(|field| Some((field.id.clone(), kept(field, form)?))).collect()
}

/// Reads what was filled in; what is empty is left out, and what is to be taken away is `null`. What the form does not know is
/// passed on as it stands, so that it is refused by name.
pub(in crate::serve::portal) fn filled(asked: &CatalogForm, form: &Form) -> Map<String, Value> {
    let read = |field: &Field| {
        let id = format!("{PREFIX}{}", field.id);
        if field.kind == FieldType::Multiselect {
            let chosen: Vec<Value> =
                form.all(&id).filter(|one| !one.is_empty()).map(|one| chosen(field, one)).collect();
            return (!chosen.is_empty()).then(|| (field.id.clone(), Value::Array(chosen)));
        }
        let Some(text) = form.get(&id) else {
            let gone = form.get(&format!("{UNSET}{}", field.id)).is_some();
            return gone.then(|| (field.id.clone(), Value::Null));
        };
        let value = match field.kind {
            FieldType::Number => text
                .trim()
                .parse::<serde_json::Number>()
                .map_or_else(|_| Value::from(text), Value::Number),
            FieldType::Boolean => match text {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                other => Value::from(other),
            },
            FieldType::Select => chosen(field, text),
            FieldType::Password => json!({ "secret": text }),
            _ => Value::from(text),
        };
        Some((field.id.clone(), value))
    };
    let mut all: Map<String, Value> = asked.fields().filter_map(read).collect();
    for (name, value) in form.pairs() {
        let unknown = name.strip_prefix(PREFIX).filter(|id| asked.field(id).is_none());
        if let Some(id) = unknown {
            all.insert(id.to_owned(), Value::from(value));
        }
    }
    all
}

/// Finds the choice that is meant; what is none stays a text, which the API refuses.
fn chosen(field: &Field, sent: &str) -> Value {
    let mut found = field.choices.iter().filter(|one| choice(one).0 == sent);
    let found = found.next().map(|one| one.get("value").unwrap_or(one).clone());
    found.unwrap_or_else(|| Value::from(sent))
}
