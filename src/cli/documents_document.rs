//! Writes `docs/reference/documents.md` from the JSON Schemas of kinds and actions. It reads no catalog.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use super::schema_node::SchemaNode;
use crate::catalog::{Kind, schema_of};
use crate::kinds::{self, ActionKind, Reversal};

const HEAD: &str = "\
# Documents

<!-- Written by `UPDATE_DOCS=1 cargo test documents_document`; a test compares it with the schemas. -->

Every key of every kind of document, and of the `config` of every type of action. `trueline explain PATH.TO.KEY`
says the same on a terminal, `trueline schema KIND` prints the JSON Schema. A `*` marks what must be given, `[]` the
entries of a list, `<name>` a name that is free. The settings of an action's `config` stand under [Actions](#actions).
";

/// Where the documents of a kind stand.
fn place_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Item => "catalog/<category>/<id>.yaml",
        Kind::Bundle => "bundles/<id>.yaml",
        Kind::Service => "services/<team>/<id>.yaml",
        Kind::Environment => "environments/<id>.yaml",
        Kind::Settings => "trueline.yaml",
    }
}

/// Writes the reference of all kinds and actions.
pub fn documents_document() -> String {
    let mut text = HEAD.to_owned();
    let mut shared = Shared::default();
    for kind in Kind::ALL {
        let schema = schema_of(kind);
        let node = SchemaNode::root(&schema);
        let place = place_of(kind);
        // Writing to a String cannot fail.
        let _ = write!(text, "\n## {kind}\n\n{} Stands in `{place}`.\n\n", description(&node));
        shared.table(&mut text, &node);
        shared.take_definitions(&schema);
    }
    text.push_str("\n## Shared parts\n\nWhat several kinds have in common.\n");
    shared.write_all(&mut text);
    text.push_str("\n## Actions\n");
    for kind in kinds::all() {
        action(&mut text, kind);
    }
    text
}

fn action(text: &mut String, kind: &ActionKind) {
    let undone = match kind.reversal {
        Reversal::Natural => "It undoes itself.".to_owned(),
        Reversal::Configured(pointer) => {
            format!("It undoes itself where `{}` says how; else a person does.", dotted(pointer))
        }
        Reversal::Person => "A person undoes it.".to_owned(),
        Reversal::Nothing => "There is nothing to undo.".to_owned(),
    };
    let available = if kind.available { "" } else { " **Not available in this build.**" };
    let schema: Value = serde_json::from_str(kind.schema).unwrap_or_default();
    let about = description(&SchemaNode::root(&schema));
    let _ = write!(text, "\n### {}\n\n{about} {undone}{available}\n\n", kind.name);
    text.push_str(&settings_table(kind));
}

/// Writes the table of the settings of a type of action.
pub(super) fn settings_table(kind: &ActionKind) -> String {
    let schema: Value = serde_json::from_str(kind.schema).unwrap_or_default();
    let mut text = String::new();
    Shared::default().table(&mut text, &SchemaNode::root(&schema));
    text
}

fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

/// Definitions that several places refer to: each is written once, and linked to.
#[derive(Debug, Default)]
struct Shared {
    wanted: BTreeSet<String>,
    definitions: BTreeMap<String, Value>,
}

impl Shared {
    fn take_definitions(&mut self, schema: &Value) {
        for (name, _) in schema.get("$defs").and_then(Value::as_object).into_iter().flatten() {
            // The definition in the midst of the schema, where what it refers to can be found.
            let mut alone = schema.clone();
            if let Value::Object(map) = &mut alone {
                map.retain(|key, _| key == "$defs");
                map.insert("$ref".to_owned(), Value::String(format!("#/$defs/{name}")));
            }
            self.definitions.insert(name.clone(), alone);
        }
    }

    /// Writes the definitions that were linked to, and those that these link to.
    fn write_all(&mut self, text: &mut String) {
        let mut written: BTreeMap<String, String> = BTreeMap::new();
        while let Some(name) = self.wanted.iter().find(|name| !written.contains_key(*name)).cloned()
        {
            let schema = self.definitions.get(&name).cloned().unwrap_or_default();
            let node = SchemaNode::root(&schema);
            let mut part = format!("\n### {name}\n\n{}\n\n", description(&node));
            self.table(&mut part, &node);
            written.insert(name, part);
        }
        text.extend(written.into_values());
    }

    fn table(&mut self, text: &mut String, node: &SchemaNode<'_>) {
        text.push_str("| key | what | type |\n|---|---|---|\n");
        self.rows(text, "", node);
    }

    fn rows(&mut self, text: &mut String, path: &str, node: &SchemaNode<'_>) {
        for (name, required, child) in node.properties() {
            let path = if path.is_empty() { name } else { format!("{path}.{name}") };
            self.row(text, (&path, required), &child);
        }
        if let Some(values) = node.values() {
            let path = if path.is_empty() { "<name>".to_owned() } else { format!("{path}.<name>") };
            self.row(text, (&path, false), &values);
        }
    }

    fn row(&mut self, text: &mut String, (path, required): (&str, bool), node: &SchemaNode<'_>) {
        let star = if required { " *" } else { "" };
        let entries = node.entries();
        let inner = entries.as_ref().unwrap_or(node);
        let has_keys = !inner.properties().is_empty() || inner.values().is_some();
        // What has a name of its own is written once; `metadata` differs by what it demands.
        let linked = [inner, node].into_iter().find_map(|node| node.shared.clone());
        let linked = linked.filter(|name| has_keys && name != "metadata");
        let kind = match &linked {
            Some(name) => format!("{} [{name}](#{})", node.type_words(), name.to_lowercase()),
            None => node.type_words(),
        };
        let _ = writeln!(text, "| `{path}`{star} | {} | {} |", cell(&what(node)), cell(&kind));
        if let Some(name) = linked {
            self.wanted.insert(name);
            return;
        }
        if has_keys {
            let path = if entries.is_some() { format!("{path}[]") } else { path.to_owned() };
            self.rows(text, &path, inner);
        }
    }
}

fn description(node: &SchemaNode<'_>) -> String {
    node.text("description").unwrap_or_default().to_owned()
}

/// Says what a value is for and what bounds it.
fn what(node: &SchemaNode<'_>) -> String {
    let about = Some(description(node)).filter(|about| !about.is_empty());
    let mut words = vec![about.unwrap_or_else(|| "One value.".to_owned())];
    let allowed: Vec<String> = node.allowed().iter().map(|word| format!("`{word}`")).collect();
    if !allowed.is_empty() {
        words.push(format!("One of {}.", allowed.join(", ")));
    }
    let limits: Vec<String> =
        node.limits().into_iter().filter(|limit| !limit.starts_with("matches")).collect();
    if !limits.is_empty() {
        words.push(format!("Limits: {}.", limits.join(", ")));
    }
    if let Some(default) = node.default() {
        words.push(format!("Default: `{default}`."));
    }
    if let Some(example) = node.example() {
        words.push(format!("Example: `{example}`."));
    }
    words.join(" ")
}

/// Makes a text a cell of a table.
fn cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::super::local::testing::is_written;
    use super::*;

    #[test]
    fn documents_document_is_what_the_schemas_say() {
        is_written("docs/reference/documents.md", &documents_document(), "documents_document");
    }

    #[test]
    fn every_link_leads_to_a_heading_and_every_key_is_explained() {
        let text = documents_document();
        let headings: BTreeSet<String> = text
            .lines()
            .filter_map(|line| line.trim_start_matches('#').strip_prefix(' '))
            .map(|heading| heading.to_lowercase().replace(' ', "-"))
            .collect();
        let links: Vec<&str> =
            text.split("](#").skip(1).filter_map(|rest| rest.split(')').next()).collect();
        assert!(links.len() > 10);
        for link in links {
            assert!(headings.contains(link), "nothing is called {link}");
        }
        for row in text.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = row.split(" | ").collect();
            assert!(cells.get(1).is_some_and(|what| what.len() > 3), "{row}");
        }
    }
}
