//! `trueline schema`: JSON Schemas of kinds, of action types, and of the forms of a catalog.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::context::Context;
use super::local::{offers, unknown};
use super::output::{Exit, Failure};
use crate::catalog::{Catalog, Form, Kind, schema_of, schemas};
use crate::kinds;

/// What `schema` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// A kind (`Service`), an action type (`rest-api`), or the id of an item or bundle, whose form it is; a list where absent.
    #[arg(value_name = "KIND|ITEM")]
    pub name: Option<String>,
    /// Writes the schemas of all kinds into this folder, for editors; those that are there are replaced.
    #[arg(long, value_name = "DIR", conflicts_with = "name")]
    pub out: Option<PathBuf>,
}

/// Prints a schema, or what there is.
pub(super) fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    if let Some(folder) = &options.out {
        write_all(folder)?;
        context.remark(format!("wrote {} schemas to {}", schemas().len(), folder.display()));
        return Ok(Exit::Success);
    }
    let Some(name) = &options.name else {
        let list = list(context);
        context.show(&list, || as_text(&list))?;
        return Ok(Exit::Success);
    };
    let schema = schema_named(context, name)?;
    context.show(&schema, || serde_json::to_string_pretty(&schema).unwrap_or_default())?;
    Ok(Exit::Success)
}

/// Finds the kind that a person means: by the word of documents, or by the short word of commands.
pub(super) fn kind_named(name: &str) -> Option<Kind> {
    let short = |kind: Kind| match kind {
        Kind::Item => "item",
        Kind::Bundle => "bundle",
        Kind::Service => "service",
        Kind::Environment => "environment",
        Kind::Settings => "catalog",
    };
    let name = name.to_ascii_lowercase();
    Kind::ALL
        .into_iter()
        .find(|kind| kind.word().to_ascii_lowercase() == name || short(*kind) == name)
}

/// Returns the schema of the `config` of an action type.
pub(super) fn action_schema(name: &str) -> Option<Value> {
    serde_json::from_str(kinds::find(name)?.schema).ok()
}

fn schema_named(context: &Context, name: &str) -> Result<Value, Failure> {
    if let Some(kind) = kind_named(name) {
        return Ok(schema_of(kind));
    }
    if let Some(schema) = action_schema(name) {
        return Ok(schema);
    }
    let catalog = context.judged()?.catalog;
    if let Some((form, title)) = form_of(&catalog, name) {
        let mut schema = form.schema();
        if let Value::Object(map) = &mut schema {
            map.insert("title".to_owned(), json!(title));
        }
        return Ok(schema);
    }
    let mut known: Vec<&str> = Kind::ALL.into_iter().map(Kind::word).collect();
    known.extend(kinds::all().iter().map(|kind| kind.name));
    known.extend(offers(&catalog));
    Err(unknown("kind, action type or item", name, &known))
}

/// Returns the form of an item or bundle, and its name.
pub(super) fn form_of<'a>(catalog: &'a Catalog, id: &str) -> Option<(&'a Form, &'a str)> {
    if let Some(item) = catalog.items.get(id) {
        return Some((&item.body.presentation.form, &item.body.metadata.name));
    }
    let bundle = catalog.bundles.get(id)?;
    Some((&bundle.body.presentation.form, &bundle.body.metadata.name))
}

fn list(context: &Context) -> Value {
    let kinds: Vec<Value> = Kind::ALL
        .into_iter()
        .map(|kind| {
            let description = schema_of(kind).get("description").cloned().unwrap_or_default();
            json!({"name": kind.word(), "description": description})
        })
        .collect();
    let actions: Vec<Value> = kinds::all()
        .iter()
        .map(|kind| json!({"name": kind.name, "description": kind.summary}))
        .collect();
    // Kinds can be listed anywhere; forms only where a catalog is.
    let judged = context.judged().ok();
    let catalog = judged.map(|judged| judged.catalog).unwrap_or_default();
    let items = catalog.items.values().map(|entry| &entry.body.metadata);
    let forms: Vec<Value> = items
        .chain(catalog.bundles.values().map(|entry| &entry.body.metadata))
        .map(|metadata| json!({"name": metadata.id, "description": metadata.name}))
        .collect();
    json!({"kinds": kinds, "actions": actions, "forms": forms})
}

fn as_text(list: &Value) -> String {
    let titles = [("Kinds", "kinds"), ("Settings of actions", "actions"), ("Forms", "forms")];
    let mut lines = Vec::new();
    for (title, key) in titles {
        let rows = list.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if rows.is_empty() {
            continue;
        }
        lines.push(title.to_owned());
        for row in rows {
            let cell = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
            lines.push(format!("  {:32} {}", cell("name"), cell("description")));
        }
        lines.push(String::new());
    }
    lines.push("`trueline schema NAME` prints one of them.".to_owned());
    lines.join("\n")
}

fn write_all(folder: &Path) -> Result<(), Failure> {
    let wrong = |path: &Path, error: std::io::Error| {
        Failure::usage(format!("can't write {}: {error}", path.display()))
    };
    std::fs::create_dir_all(folder).map_err(|error| wrong(folder, error))?;
    for (name, text) in schemas() {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|error| wrong(&path, error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::local::testing::{context, example};
    use super::*;

    fn title(name: &str) -> String {
        match schema_named(&example(), name) {
            Ok(schema) => schema["title"].as_str().unwrap_or_default().to_owned(),
            Err(failure) => format!("{failure:?}"),
        }
    }

    #[test]
    fn kinds_actions_and_forms_have_schemas() {
        for (name, expected) in [
            ("Service", "Service"),
            ("catalogitem", "CatalogItem"),
            ("bundle", "CatalogBundle"),
            ("manual-task", "Task"),
            ("dns-record", "DNS record"),
            ("bundle-observability-basic", "Basic observability"),
        ] {
            assert_eq!(title(name), expected, "{name}");
        }
        assert!(title("dns-recrod").contains("did you mean `dns-record`?"));
        assert!(title("Servise").contains("did you mean `Service`?"));
    }

    #[test]
    fn a_form_is_a_schema_that_compiles() {
        let schema = schema_named(&example(), "dns-record").unwrap();
        assert!(jsonschema::draft202012::new(&schema).is_ok());
        assert_eq!(schema["properties"]["ttl"]["maximum"], 86_400);
    }

    #[test]
    fn the_list_needs_no_catalog() {
        let nowhere = list(&context(Path::new("/nowhere/at/all")));
        assert_eq!(nowhere["kinds"].as_array().map(Vec::len), Some(5));
        assert_eq!(nowhere["forms"], json!([]));
        let text = as_text(&list(&example()));
        assert!(text.contains("  dns-record                       DNS record\n"), "{text}");
    }

    #[test]
    fn editors_get_every_file() {
        let folder = tempfile::tempdir().unwrap();
        write_all(&folder.path().join("schemas")).unwrap();
        for (name, text) in schemas() {
            let path = folder.path().join("schemas").join(name);
            assert_eq!(std::fs::read_to_string(path).unwrap(), *text);
        }
    }

    /// Editors resolve references beside the file, without a network.
    #[test]
    fn every_reference_leads_into_a_file_that_is_written() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(map) => {
                    found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                    map.values().for_each(|value| references(value, found));
                }
                Value::Array(values) => values.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let read = |name: &str| {
            let (_, text) = schemas().iter().find(|(known, _)| *known == name)?;
            serde_json::from_str::<Value>(text).ok()
        };
        for (name, _) in schemas() {
            let schema = read(name).unwrap();
            assert_eq!(schema.get("$id"), None, "{name} would be looked for elsewhere");
            let mut found = Vec::new();
            references(&schema, &mut found);
            for reference in found {
                let (file, pointer) = reference.split_once('#').unwrap();
                let target = read(if file.is_empty() { name } else { file });
                assert!(target.unwrap().pointer(pointer).is_some(), "{name}: {reference}");
            }
        }
    }
}
