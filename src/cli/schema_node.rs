//! One schema of a JSON Schema document, with what it refers to beside it. It checks no value.

use serde_json::{Map, Value};

/// One schema: its own words over those of what it refers to.
#[derive(Clone, Debug)]
pub(super) struct SchemaNode<'a> {
    root: &'a Value,
    own: Map<String, Value>,
    /// Name of the shared definition that it refers to.
    pub(super) shared: Option<String>,
}

/// One step from a schema to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A property by its name.
    Property(String),
    /// Any name; what the names are.
    AnyKey,
    /// An entry of a list.
    Entry,
}

impl<'a> SchemaNode<'a> {
    /// Takes a schema document as a whole.
    pub(super) fn root(root: &'a Value) -> Self {
        Self::of(root, root)
    }

    fn of(root: &'a Value, schema: &Value) -> Self {
        let mut own = schema.as_object().cloned().unwrap_or_default();
        let mut shared = None;
        // A definition may refer to another one; a ring would be a broken schema, and is not followed.
        for _ in 0..8 {
            let Some(Value::String(target)) = own.remove("$ref") else { break };
            let name = target.strip_prefix("#/$defs/").unwrap_or_default().to_owned();
            let referred = root.pointer(target.trim_start_matches('#'));
            for (key, value) in referred.and_then(Value::as_object).into_iter().flatten() {
                merge(&mut own, key, value);
            }
            shared.get_or_insert(name);
        }
        Self { root, own, shared }
    }

    /// Returns one of its words, a text.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.own.get(key)?.as_str()
    }

    /// Returns its properties with whether they must be given, in the order of their names.
    pub(super) fn properties(&self) -> Vec<(String, bool, SchemaNode<'a>)> {
        let required = self.own.get("required").and_then(Value::as_array);
        let is_required =
            |name: &str| required.is_some_and(|names| names.iter().any(|n| n == name));
        let properties = self.own.get("properties").and_then(Value::as_object);
        let mut found: Vec<_> = properties
            .into_iter()
            .flatten()
            .map(|(name, schema)| (name.clone(), is_required(name), Self::of(self.root, schema)))
            .collect();
        found.sort_by(|(a, _, _), (b, _, _)| a.cmp(b));
        found
    }

    /// Returns the schema of the entries of a list.
    pub(super) fn entries(&self) -> Option<SchemaNode<'a>> {
        let items = self.own.get("items").filter(|items| items.is_object())?;
        Some(Self::of(self.root, items))
    }

    /// Returns the schema of the values of a mapping whose names are free.
    pub(super) fn values(&self) -> Option<SchemaNode<'a>> {
        let values = self.own.get("additionalProperties").filter(|schema| schema.is_object())?;
        Some(Self::of(self.root, values))
    }

    /// Goes to a property, through the entries of lists and the values of free mappings on the way.
    pub(super) fn child(&self, name: &str) -> Option<(Vec<Step>, bool, SchemaNode<'a>)> {
        let mut steps = Vec::new();
        let mut node = self.clone();
        while let Some(entries) = node.entries() {
            steps.push(Step::Entry);
            node = entries;
            if name == "[]" {
                return Some((steps, false, node));
            }
        }
        let own = node.properties().into_iter().find(|(property, _, _)| property == name);
        if let Some((property, required, child)) = own {
            steps.push(Step::Property(property));
            return Some((steps, required, child));
        }
        let values = node.values()?;
        steps.push(Step::AnyKey);
        Some((steps, false, values))
    }

    /// Returns the names that may follow, through the entries of lists on the way.
    pub(super) fn names(&self) -> Vec<String> {
        let mut node = self.clone();
        while let Some(entries) = node.entries() {
            node = entries;
        }
        node.properties().into_iter().map(|(name, _, _)| name).collect()
    }

    /// Says in words what may stand here.
    pub(super) fn type_words(&self) -> String {
        self.types().join(" or ")
    }

    fn is_choice(&self) -> bool {
        self.own.contains_key("const") || self.own.contains_key("enum")
    }

    fn types(&self) -> Vec<String> {
        if self.is_choice() {
            return vec!["choice".to_owned()];
        }
        match self.own.get("type") {
            Some(Value::String(word)) => vec![self.type_word(word)],
            Some(Value::Array(words)) => {
                words.iter().filter_map(Value::as_str).map(|word| self.type_word(word)).collect()
            }
            _ => vec!["anything".to_owned()],
        }
    }

    fn type_word(&self, word: &str) -> String {
        match (word, self.text("format")) {
            ("string", Some("date")) => "date".to_owned(),
            ("string", Some("email")) => "mail address".to_owned(),
            ("string", _) => "text".to_owned(),
            ("integer", _) => "whole number".to_owned(),
            ("boolean", _) => "true or false".to_owned(),
            ("array", _) => match self.entries() {
                Some(entries) if entries.own.contains_key("type") || entries.is_choice() => {
                    let types: Vec<String> =
                        entries.types().iter().map(|word| several(word)).collect();
                    format!("list of {}", types.join(" or "))
                }
                _ => "list".to_owned(),
            },
            ("object", _) => "mapping".to_owned(),
            ("null", _) => "nothing".to_owned(),
            (other, _) => other.to_owned(),
        }
    }

    /// Returns the only values that may stand here; nothing where there are more.
    pub(super) fn allowed(&self) -> Vec<String> {
        match (self.own.get("const"), self.own.get("enum").and_then(Value::as_array)) {
            (Some(only), _) => vec![bare(only)],
            (None, Some(values)) => values.iter().map(bare).collect(),
            (None, None) => Vec::new(),
        }
    }

    /// Says in words what bounds a value.
    pub(super) fn limits(&self) -> Vec<String> {
        const WORDS: [(&str, &str); 10] = [
            ("minLength", "at least {} characters"),
            ("maxLength", "at most {} characters"),
            ("minItems", "at least {} entries"),
            ("maxItems", "at most {} entries"),
            ("minProperties", "at least {} keys"),
            ("maxProperties", "at most {} keys"),
            ("minimum", "at least {}"),
            ("maximum", "at most {}"),
            ("multipleOf", "a multiple of {}"),
            ("pattern", "matches `{}`"),
        ];
        let mut limits: Vec<String> = WORDS
            .iter()
            .filter_map(|(key, words)| Some((*key, *words, bare(self.own.get(*key)?))))
            .map(|(key, words, value)| match (key, &*value) {
                ("minLength" | "minItems" | "minProperties", "1") => "not empty".to_owned(),
                (_, "1") => words
                    .replace("{}", "1")
                    .replace("entries", "entry")
                    .trim_end_matches('s')
                    .to_owned(),
                _ => words.replace("{}", &value),
            })
            .collect();
        if self.own.get("uniqueItems") == Some(&Value::Bool(true)) {
            limits.push("no entry twice".to_owned());
        }
        limits
    }

    /// Returns the value that holds where none is given.
    pub(super) fn default(&self) -> Option<String> {
        self.own.get("default").map(bare)
    }

    /// Returns an example.
    pub(super) fn example(&self) -> Option<String> {
        self.own.get("examples")?.get(0).map(bare)
    }
}

/// Adds a word of what is referred to, under a schema's own: what is demanded adds up.
fn merge(own: &mut Map<String, Value>, key: &str, value: &Value) {
    match (own.get_mut(key), value) {
        (None, _) => {
            own.insert(key.to_owned(), value.clone());
        }
        (Some(Value::Array(mine)), Value::Array(theirs)) if key == "required" => {
            mine.extend(theirs.iter().cloned());
        }
        (Some(Value::Object(mine)), Value::Object(theirs)) if key == "properties" => {
            for (name, schema) in theirs {
                mine.entry(name.clone()).or_insert_with(|| schema.clone());
            }
        }
        _ => {}
    }
}

/// Makes the word of a type that of several: `mapping` → `mappings`.
fn several(word: &str) -> String {
    match word {
        "true or false" | "anything" => word.to_owned(),
        list if list.starts_with("list") => list.replacen("list", "lists", 1),
        word if word.ends_with('s') => format!("{word}es"),
        word => format!("{word}s"),
    }
}

fn bare(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Kind, schema_of};

    #[test]
    fn what_is_referred_to_stands_under_the_own_words() {
        let schema = schema_of(Kind::Item);
        let (_, required, metadata) = SchemaNode::root(&schema).child("metadata").unwrap();
        assert!(required);
        assert_eq!(metadata.text("description"), Some("Who and what the item is."));
        assert_eq!(metadata.shared.as_deref(), Some("metadata"));
        let demanded = |name: &str| metadata.child(name).unwrap().1;
        assert!(demanded("id") && demanded("category") && !demanded("tags"));
    }

    #[test]
    fn lists_and_free_names_are_gone_through() {
        let schema = schema_of(Kind::Item);
        let mut node = SchemaNode::root(&schema);
        let mut way = Vec::new();
        for name in ["fulfillment", "operations", "rotate", "actions", "retry", "attempts"] {
            let (steps, _, child) = node.child(name).unwrap();
            way.extend(steps);
            node = child;
        }
        assert_eq!(way.iter().filter(|step| **step == Step::AnyKey).count(), 1);
        assert_eq!(way.iter().filter(|step| **step == Step::Entry).count(), 1);
        assert_eq!(node.type_words(), "whole number");
        assert_eq!(node.limits(), ["at least 1", "at most 100"]);
    }
}
