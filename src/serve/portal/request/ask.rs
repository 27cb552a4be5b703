//! What a filled-in form asks of the API: a new service, or what is to be different in one. It judges nothing.

use serde_json::{Map, Value, json};

use super::subject::{Desired, Subject, split};
use crate::catalog::FieldType;
use crate::secret::MASK;
use crate::serve::portal::fields::{filled, uploads};
use crate::serve::portal::form::Form;

/// Returns the body of a request.
pub(super) fn ask_of(subject: &Subject, form: &Form) -> Value {
    let mut ask = Map::new();
    let mut put = |name: &str, value: Value| drop(ask.insert(name.to_owned(), value));
    let fields = filled(&subject.form, form);
    let text = |name: &str| Some(form.text(name).trim()).filter(|text| !text.is_empty());
    put("files", json!(uploads(&subject.form, form)));
    put("reason", json!(form.text("reason")));
    match &subject.service {
        None => {
            put("item", json!(subject.offer));
            put("fields", Value::Object(fields));
            for name in ["team", "id", "environment", "description", "expires"] {
                if let Some(text) = text(name) {
                    put(name, json!(text));
                }
            }
            if let Some(list) = text("dependsOn") {
                put("dependsOn", json!(split(list)));
            }
        }
        Some((standing, desired)) => {
            put("service", json!(standing.id));
            put("fields", Value::Object(different(subject, desired, fields)));
            let environment = text("environment").map(str::to_owned);
            if environment.is_some() && environment != standing.environment {
                put("environment", json!(environment));
            }
            let description = text("description").map(str::to_owned);
            if description != desired.description {
                put("description", json!(description.unwrap_or_default()));
            }
            let expires = text("expires").map(str::to_owned);
            if expires != desired.expires {
                put("expires", json!(expires.unwrap_or_default()));
            }
            let depends_on = split(form.text("dependsOn"));
            if depends_on != desired.depends_on {
                put("dependsOn", json!(depends_on));
            }
        }
    }
    Value::Object(ask)
}

/// Returns the fields that are to be different; what was there and is not given any more has its default again.
fn different(
    subject: &Subject,
    desired: &Desired,
    mut given: Map<String, Value>,
) -> Map<String, Value> {
    for field in subject.form.fields() {
        let is_unseen = matches!(field.kind, FieldType::Password | FieldType::File);
        match (desired.fields.get(&field.id), given.get(&field.id)) {
            (Some(now), Some(new)) if now == new && *now != json!(MASK) => {
                given.remove(&field.id);
            }
            (Some(_), None) if !is_unseen => {
                given.insert(field.id.clone(), Value::Null);
            }
            // There is nothing to take away.
            (None, Some(Value::Null)) => drop(given.remove(&field.id)),
            _ => {}
        }
    }
    given
}
