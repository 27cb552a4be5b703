//! What a field of a document means, by a walk through the JSON Schemas. It explains no rule.

use serde::Serialize;
use serde_json::Value;

use super::output::Failure;
use super::schema::{action_schema, kind_named};
use super::schema_node::{SchemaNode, Step};
use crate::catalog::{Kind, schema_of};
use crate::finding::did_you_mean;
use crate::kinds;

/// A field of a document, or a document as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Explained {
    /// Where it stands, with `[]` for the entries of lists and `<name>` for free names.
    pub(super) path: String,
    title: String,
    description: String,
    #[serde(rename = "type")]
    kind: String,
    required: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    limits: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    example: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Below>,
}

/// A field below another one.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Below {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    required: bool,
    description: String,
}

/// Explains a path such as `CatalogItem.fulfillment.strategy.mode`; nothing where its first word names no schema.
pub(super) fn explained(path: &str) -> Option<Result<Explained, Failure>> {
    let mut words = path.split('.');
    let first = words.next().unwrap_or_default();
    let (name, schema) = schema_named(first)?;
    let words: Vec<&str> = words.filter_map(without_brackets).collect();
    Some(walk(&name, &schema, &words))
}

/// Names the kinds in which a path without a kind leads somewhere.
pub(super) fn kinds_with(path: &str) -> Vec<&'static str> {
    let words: Vec<&str> = path.split('.').filter_map(without_brackets).collect();
    let leads = |kind: &Kind| walk(kind.word(), &schema_of(*kind), &words).is_ok();
    Kind::ALL.into_iter().filter(leads).map(Kind::word).collect()
}

fn schema_named(word: &str) -> Option<(String, Value)> {
    if let Some(kind) = kind_named(word) {
        return Some((kind.word().to_owned(), schema_of(kind)));
    }
    Some((word.to_owned(), action_schema(word)?))
}

/// `actions[]` and `actions[0]` mean what `actions` does: the entries of a list are gone through.
fn without_brackets(word: &str) -> Option<&str> {
    let word = word.split('[').next().unwrap_or_default();
    (!word.is_empty()).then_some(word)
}

fn walk(name: &str, schema: &Value, words: &[&str]) -> Result<Explained, Failure> {
    let mut node = SchemaNode::root(schema);
    let mut path = name.to_owned();
    let mut required = false;
    for word in words {
        let Some((steps, demanded, child)) = node.child(word) else {
            return Err(nothing_there(&path, word, &node));
        };
        for step in steps {
            match step {
                Step::Property(name) => path.extend([".", &name]),
                Step::AnyKey => path.push_str(".<name>"),
                Step::Entry => path.push_str("[]"),
            }
        }
        required = demanded;
        node = child;
    }
    Ok(explain(path, required, &node))
}

fn nothing_there(path: &str, word: &str, node: &SchemaNode<'_>) -> Failure {
    let known = node.names();
    let failure = Failure::usage(format!("`{path}` has no `{word}`"));
    if path.ends_with(".config") {
        let types: Vec<&str> = kinds::all().iter().map(|kind| kind.name).collect();
        return failure.hint(format!(
            "its settings depend on the type: `trueline explain TYPE`, one of {}",
            types.join(", ")
        ));
    }
    if let Some(hint) = did_you_mean(word, known.iter().map(String::as_str)) {
        return failure.hint(hint);
    }
    if known.is_empty() { failure } else { failure.hint(format!("it has: {}", known.join(", "))) }
}

fn explain(path: String, required: bool, node: &SchemaNode<'_>) -> Explained {
    let text = |node: &SchemaNode<'_>, key: &str| node.text(key).unwrap_or_default().to_owned();
    let mut below = node.clone();
    while let Some(entries) = below.entries() {
        below = entries;
    }
    let mut fields: Vec<Below> = Vec::new();
    let values = below.values().map(|values| ("<name>".to_owned(), false, values));
    for (name, required, child) in below.properties().into_iter().chain(values) {
        fields.push(Below {
            name,
            kind: child.type_words(),
            required,
            description: text(&child, "description"),
        });
    }
    Explained {
        path,
        title: text(node, "title"),
        description: text(node, "description"),
        kind: node.type_words(),
        required,
        allowed: node.allowed(),
        default: node.default(),
        limits: node.limits(),
        example: node.example(),
        fields,
    }
}

impl Explained {
    /// Writes it for people.
    pub(super) fn as_text(&self) -> String {
        let mut lines = vec![self.path.clone(), String::new()];
        lines.push(format!("{}: {}", self.title, self.description));
        lines.push(String::new());
        let required = if self.required { "yes" } else { "no" };
        let rows = [
            ("type", Some(self.kind.clone())),
            ("allowed", Some(self.allowed.join(", ")).filter(|list| !list.is_empty())),
            ("required", Some(required.to_owned()).filter(|_| self.path.contains('.'))),
            ("default", self.default.clone()),
            ("limits", Some(self.limits.join("; ")).filter(|list| !list.is_empty())),
            ("example", self.example.clone()),
        ];
        let told = rows.into_iter().filter_map(|(name, value)| Some((name, value?)));
        lines.extend(told.map(|(name, value)| format!("  {name:9} {value}")));
        if !self.fields.is_empty() {
            lines.push("\nfields (* must be given):".to_owned());
            let widest = self.fields.iter().map(|field| field.name.len()).max().unwrap_or(0);
            lines.extend(self.fields.iter().map(|field| {
                let star = if field.required { '*' } else { ' ' };
                format!("  {star} {:widest$}  {} ({})", field.name, field.description, field.kind)
            }));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str) -> String {
        match explained(path) {
            None => "nothing of that name".to_owned(),
            Some(Ok(explained)) => explained.as_text(),
            Some(Err(failure)) => format!("{failure:?}"),
        }
    }

    #[test]
    fn a_field_is_explained() {
        insta::assert_snapshot!(check("CatalogItem.fulfillment.strategy.mode"), @r#"
        CatalogItem.fulfillment.strategy.mode

        Mode: Whether people or machines fulfil; exactly one of the two blocks runs.

          type      choice
          allowed   manual, automatic
          required  yes
        "#);
    }

    #[test]
    fn a_list_shows_what_its_entries_have() {
        insta::assert_snapshot!(check("environment.changeWindows"), @r#"
        Environment.changeWindows

        Change windows: When runs may start; plans are made and shown at any time.

          type      list of mappings
          required  no

        fields (* must be given):
            allow   Runs start only in here. (mapping)
            deny    Runs never start in here. (mapping)
            reason  Why. (text)
        "#);
    }

    #[test]
    fn a_kind_and_an_action_are_explained() {
        assert!(
            check("Service")
                .contains("\n  * metadata        Who and where the service is. (mapping)"),
            "{}",
            check("Service")
        );
        assert!(check("rest-api.endpoint.method").contains("GET, HEAD, POST"));
        assert!(check("git-commit.files[].path").starts_with("git-commit.files[].path\n"));
        assert!(check("Catalog.teams.payments.quota").starts_with("Catalog.teams.<name>.quota\n"));
    }

    #[test]
    fn what_is_not_there_is_told() {
        for (path, expected) in [
            ("CatalogItem.fulfillment.stratgy", "did you mean `strategy`?"),
            ("CatalogItem.fulfillment.automatic.actions.config.url", "explain TYPE"),
            ("Service.fields.x", "`Service.fields` has no `x`"),
            ("Environment.metadata.xyzzy", "it has: id, name"),
            ("Nothing.at.all", "nothing of that name"),
        ] {
            assert!(check(path).contains(expected), "{path}: {}", check(path));
        }
        assert_eq!(kinds_with("fulfillment.strategy.mode"), ["CatalogItem"]);
        assert_eq!(kinds_with("xyzzy"), [""; 0]);
    }
}
