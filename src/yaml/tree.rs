//! The tree: JSON's shapes, each node with its span in the source.

use serde_json::{Map, Number, Value};

/// Where a node stands: lines and columns from 1, columns in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First line.
    pub line: u32,
    /// First column.
    pub column: u32,
    /// Last line.
    pub end_line: u32,
    /// Column after the last character.
    pub end_column: u32,
}

/// How a text is written, which decides how its characters map to lines of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// `'…'` or `"…"`.
    Quoted,
    /// `|` or `>`; `span.line` is the line of the indicator, the text starts on the next one.
    Block,
}

/// A value that has no parts.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An exact number.
    Number(Number),
    /// A text.
    Text(String, Style),
}

/// One key with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

/// A node of the tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A value that has no parts.
    Scalar(Scalar, Span),
    /// A list.
    Sequence(Vec<Node>, Span),
    /// Keys with values, in the order of the source; keys are unique.
    Mapping(Vec<Entry>, Span),
}

impl Node {
    /// Returns where the node stands.
    pub fn span(&self) -> Span {
        match self {
            Node::Scalar(_, span) | Node::Sequence(_, span) | Node::Mapping(_, span) => *span,
        }
    }

    /// Returns the value under a key; nothing where this is not a mapping or has no such key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Returns the entry under a key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// Returns the entries of a mapping; none for anything else.
    pub fn entries(&self) -> &[Entry] {
        match self {
            Node::Mapping(entries, _) => entries,
            _ => &[],
        }
    }

    /// Returns the items of a sequence; none for anything else.
    pub fn items(&self) -> &[Node] {
        match self {
            Node::Sequence(items, _) => items,
            _ => &[],
        }
    }

    /// Returns the text of a text scalar.
    pub fn text(&self) -> Option<&str> {
        match self {
            Node::Scalar(Scalar::Text(text, _), _) => Some(text),
            _ => None,
        }
    }

    /// Returns the node at a JSON pointer (RFC 6901), or `None`.
    pub fn pointer(&self, pointer: &str) -> Option<&Node> {
        pointer.split('/').skip(1).try_fold(self, |node, part| node.child(&unescape(part)))
    }

    /// Returns the span of the deepest node on the way to a JSON pointer, and whether it is the whole way.
    ///
    /// For a key of a mapping that is `key_span` when `of_key` is set.
    pub fn locate(&self, pointer: &str, of_key: bool) -> (Span, bool) {
        let mut node = self;
        let mut span = self.span();
        for part in pointer.split('/').skip(1) {
            let part = unescape(part);
            match node.entry(&part) {
                Some(entry) if of_key => span = entry.key_span,
                Some(entry) => span = entry.value.span(),
                None => match node.child(&part) {
                    Some(child) => span = child.span(),
                    None => return (span, false),
                },
            }
            match node.child(&part) {
                Some(child) => node = child,
                None => return (span, false),
            }
        }
        (span, true)
    }

    fn child(&self, part: &str) -> Option<&Node> {
        match self {
            Node::Mapping(..) => self.get(part),
            Node::Sequence(items, _) => items.get(part.parse::<usize>().ok()?),
            Node::Scalar(..) => None,
        }
    }

    /// Returns the tree as a JSON value, without places.
    pub fn to_json(&self) -> Value {
        match self {
            Node::Scalar(Scalar::Null, _) => Value::Null,
            Node::Scalar(Scalar::Bool(value), _) => Value::Bool(*value),
            Node::Scalar(Scalar::Number(number), _) => Value::Number(number.clone()),
            Node::Scalar(Scalar::Text(text, _), _) => Value::String(text.clone()),
            Node::Sequence(items, _) => items.iter().map(Node::to_json).collect(),
            Node::Mapping(entries, _) => {
                let map: Map<String, Value> = entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.value.to_json()))
                    .collect();
                Value::Object(map)
            }
        }
    }
}

fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}
