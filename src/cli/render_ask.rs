//! A made-up service to render an item with: its fields read from the command line. It plans nothing.

use serde_json::{Map, Value, json};

use super::local::unknown;
use super::output::Failure;
use super::render::Options;
use crate::catalog::{Blob, Catalog, Field, FieldType, Form, Item, Service, Snapshot};
use crate::digest::Digest;

/// Id of a service that nobody named.
const MADE_UP: &str = "example-service";

/// Returns a catalog's snapshot with the service in it, and the service's id and path.
pub(super) fn with_service(
    mut snapshot: Snapshot,
    catalog: &Catalog,
    options: &Options,
) -> Result<(Snapshot, String, String), Failure> {
    let known = || catalog.items.keys().map(String::as_str).collect::<Vec<_>>();
    let item = catalog
        .items
        .get(&options.item)
        .ok_or_else(|| not_an_item(catalog, &options.item, &known()))?;
    let id = options.service.as_deref().unwrap_or(MADE_UP);
    let there = catalog.services.get(id);
    if let Some(entry) = there {
        snapshot.files.remove(&entry.document.path);
    }
    let lender = there
        .filter(|entry| entry.body.catalog_item.as_deref() == Some(&options.item))
        .map(|entry| &*entry.body);
    let document = document(&item.body, lender, id, options)?;
    let team = document.pointer("/metadata/team").and_then(Value::as_str).unwrap_or_default();
    let path = format!("services/{team}/{id}.yaml");
    // JSON is YAML.
    let bytes = document.to_string().into_bytes();
    let blob = Blob { id: Digest::of_bytes(&bytes).to_string().into(), bytes: bytes.into() };
    snapshot.files.insert(path.as_str().into(), blob);
    Ok((snapshot, id.to_owned(), path))
}

fn not_an_item(catalog: &Catalog, id: &str, known: &[&str]) -> Failure {
    if catalog.bundles.contains_key(id) {
        return Failure::usage(format!("`{id}` is a bundle"))
            .hint("render the items that it is made of, or `trueline plan` a service of it");
    }
    unknown("item", id, known)
}

/// Writes the service; what an existing one of the same id and item says holds where nothing else is asked for.
fn document(
    item: &Item,
    lender: Option<&Service>,
    id: &str,
    options: &Options,
) -> Result<Value, Failure> {
    let mut fields = lender.map(|service| service.fields.to_map()).unwrap_or_default();
    fields.extend(given(&item.presentation.form, &options.field)?);
    let form = &item.presentation.form;
    if form.field("name").is_some_and(Field::is_demanded) {
        fields.entry("name").or_insert_with(|| json!(id));
    }
    let lent = lender.map(|service| &service.metadata);
    let team = options.team.as_deref().or(lent.map(|metadata| metadata.team.as_str()));
    let visible = item.metadata.visibility.as_ref().and_then(|visibility| visibility.teams.first());
    let team = team.or(visible.map(String::as_str)).unwrap_or(&item.metadata.owner.team);
    let environment =
        options.environment.clone().or_else(|| lent.and_then(|lent| lent.environment.clone()));
    let mut metadata = json!({"id": id, "team": team});
    if let (Some(environment), Value::Object(map)) = (environment, &mut metadata) {
        map.insert("environment".to_owned(), json!(environment));
    }
    Ok(json!({
        "schemaVersion": "catalog/v1",
        "kind": "Service",
        "metadata": metadata,
        "catalogItem": item.metadata.id,
        "fields": fields,
    }))
}

/// Reads `NAME=VALUE` by the types of the form.
pub(super) fn given(form: &Form, texts: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut values = Map::new();
    for text in texts {
        let Some((name, value)) = text.split_once('=') else {
            return Err(Failure::usage(format!("`--field {text}` has no value"))
                .hint("write --field NAME=VALUE"));
        };
        let Some(field) = form.field(name) else {
            let known: Vec<&str> = form.fields().map(|field| field.id.as_str()).collect();
            return Err(unknown("field", name, &known));
        };
        values.insert(name.to_owned(), value_of(field, value)?);
    }
    Ok(values)
}

fn value_of(field: &Field, text: &str) -> Result<Value, Failure> {
    let json = || serde_json::from_str::<Value>(text).ok();
    let wrong = |expected: &str| {
        Failure::usage(format!("field `{}` takes {expected}, not `{text}`", field.id))
    };
    match field.kind {
        FieldType::String | FieldType::Textarea | FieldType::Date | FieldType::Email => {
            Ok(json!(text))
        }
        FieldType::Number => json().filter(Value::is_number).ok_or_else(|| wrong("a number")),
        FieldType::Boolean => {
            json().filter(Value::is_boolean).ok_or_else(|| wrong("true or false"))
        }
        FieldType::Select => Ok(choice(field, text)),
        FieldType::Multiselect => match json() {
            Some(list @ Value::Array(_)) => Ok(list),
            _ if text.is_empty() => Ok(json!([])),
            _ => Ok(text.split(',').map(|word| choice(field, word.trim())).collect()),
        },
        FieldType::File => {
            json().filter(Value::is_object).ok_or_else(|| wrong("{\"path\": …, \"sha256\": …}"))
        }
        // Only ever the name of a secret, never the secret itself.
        FieldType::Password => Ok(json!({"secret": text})),
    }
}

/// Finds the choice that a word means, which may be a number; the form finds fault with what is none.
fn choice(field: &Field, word: &str) -> Value {
    let same = |value: &&Value| match value {
        Value::String(text) => text == word,
        other => *word == *other.to_string(),
    };
    field.values().find(same).cloned().unwrap_or_else(|| json!(word))
}
