//! Writes values of keys into a document, and leaves comments, order and style of everything else as they stand. What it
//! can't write so that it reads back as meant, it does not write.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::edit::{line_break, range_of};
use super::parse::parse;
use super::scalar::resolve;
use super::tree::{Node, Scalar, Style};

/// Writes plain values under a key of a document, a mapping; nothing where that can't be done in place.
pub fn put(
    path: &Arc<str>,
    source: &[u8],
    (parent, values): (&str, &BTreeMap<String, Value>),
) -> Option<Vec<u8>> {
    let mut text = source.to_vec();
    for (key, value) in values {
        let root = read(path, &text)?;
        let mut expected = root.to_json();
        let map = expected
            .as_object_mut()?
            .entry(parent)
            .or_insert_with(|| Value::Object(<_>::default()));
        map.as_object_mut()?.insert(key.clone(), value.clone());
        text = one(&text, &root, (parent, key, value))?;
        // What reads back as anything else is not written at all.
        (read(path, &text)?.to_json() == expected).then_some(())?;
    }
    Some(text)
}

pub(super) fn read(path: &Arc<str>, text: &[u8]) -> Option<Node> {
    let (root, findings) = parse(path, text);
    root.filter(|_| !findings.iter().any(crate::finding::Finding::is_error))
}

fn one(text: &[u8], root: &Node, (parent, key, value): (&str, &str, &Value)) -> Option<Vec<u8>> {
    let Some(mapping) = root.get(parent) else {
        let line = line_break(text);
        let gap = if text.ends_with(b"\n") || text.is_empty() { "" } else { line };
        let added = format!("{gap}{parent}:{line}  {key}: {}{line}", written(value, None)?);
        return Some([text, added.as_bytes()].concat());
    };
    if let Some(node) = mapping.get(key) {
        let old = range_of(text, node.span())?;
        let is_plain = node.span().line == node.span().end_line && !old.is_empty();
        let style = match node {
            Node::Scalar(Scalar::Text(_, Style::Block), _) => return None,
            Node::Scalar(Scalar::Text(_, Style::Quoted), _) => text.get(old.start).copied(),
            Node::Scalar(..) => None,
            _ => return None,
        };
        return is_plain
            .then(|| written(value, style))
            .flatten()
            .map(|new| splice(text, old, &new));
    }
    let added = format!("{key}: {}", written(value, None)?);
    let range = range_of(text, mapping.span())?;
    let (first, last) = (mapping.entries().first(), mapping.entries().last());
    if text.get(range.start) == Some(&b'{') {
        let Some(last) = last else {
            let inside = range.start + 1..range.start + 1;
            return Some(splice(text, inside, &added));
        };
        let end = range_of(text, last.value.span())?.end;
        return Some(splice(text, end..end, &format!(", {added}")));
    }
    // Above the first, where it is certain that nothing is cut in two.
    let first = first?.key_span;
    let at = super::edit::byte_at(text, first.line, first.column)?;
    let indent = " ".repeat(usize::try_from(first.column).ok()?.checked_sub(1)?);
    Some(splice(text, at..at, &format!("{added}{}{indent}", line_break(text))))
}

pub(super) fn splice(text: &[u8], range: std::ops::Range<usize>, new: &str) -> Vec<u8> {
    let (before, after) = (text.get(..range.start), text.get(range.end..));
    [before.unwrap_or_default(), new.as_bytes(), after.unwrap_or_default()].concat()
}

/// Writes a plain value, in the quotes that stood there before where it is a text.
pub(super) fn written(value: &Value, quote: Option<u8>) -> Option<String> {
    let Value::String(text) = value else {
        return matches!(value, Value::Bool(_) | Value::Number(_)).then(|| value.to_string());
    };
    let bare = |each: char| each.is_ascii_alphanumeric() || "-_./+@".contains(each);
    let is_bare = text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.chars().all(bare)
        && matches!(resolve(text.as_str().into()), Ok(Scalar::Text(..)));
    match quote {
        Some(b'\'') if !text.contains(char::is_control) => {
            Some(format!("'{}'", text.replace('\'', "''")))
        }
        None if is_bare => Some(text.clone()),
        _ => serde_json::to_string(text).ok(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn check(source: &str, values: &Value, expected: Option<&str>) {
        let values: BTreeMap<String, Value> =
            values.as_object().expect("a map").clone().into_iter().collect();
        let written = put(&"x.yaml".into(), source.as_bytes(), ("fields", &values));
        let written = written.map(|text| String::from_utf8(text).expect("text"));
        assert_eq!(written.as_deref(), expected);
    }

    #[test]
    fn a_value_is_written_where_it_stands_and_all_else_stays() {
        check(
            "# top\nid: a\nfields: # all of it\n  size:   small # why\n  'name': \"x\"\n\n  # end\n  more: [1, 2]\n",
            &json!({"size": "large", "name": "y \"z\""}),
            Some(
                "# top\nid: a\nfields: # all of it\n  size:   large # why\n  'name': \"y \\\"z\\\"\"\n\n  # end\n  more: [1, 2]\n",
            ),
        );
        check(
            "fields: {size: small, n: 1}\r\n",
            &json!({"n": 2, "size": "no: way"}),
            Some("fields: {size: \"no: way\", n: 2}\r\n"),
        );
        check(
            "fields: {a: 'it''s'}\n",
            &json!({"a": "it's me"}),
            Some("fields: {a: 'it''s me'}\n"),
        );
        check("fields: {a: x}\n", &json!({"a": "12"}), Some("fields: {a: \"12\"}\n"));
        check("fields: {a: \"12\"}\n", &json!({"a": 13}), Some("fields: {a: 13}\n"));
    }

    #[test]
    fn a_value_that_had_a_default_is_added_in_the_style_of_its_neighbours() {
        check(
            "fields:\n  # first\n  b: 1\n",
            &json!({"a": 2}),
            Some("fields:\n  # first\n  a: 2\n  b: 1\n"),
        );
        check("fields: {b: 1}\n", &json!({"a": true}), Some("fields: {b: 1, a: true}\n"));
        check("fields: {}\n", &json!({"a": "x"}), Some("fields: {a: x}\n"));
        check("id: x", &json!({"a": "x"}), Some("id: x\nfields:\n  a: x\n"));
    }

    #[test]
    fn what_cannot_be_written_in_place_is_not_written() {
        check("fields:\n  a: |\n    text\n", &json!({"a": "x"}), None);
        check("fields:\n  a: [1]\n", &json!({"a": "x"}), None);
        check("fields:\n  a: 1\n", &json!({"a": [1]}), None);
        check("fields: 3\n", &json!({"a": "x"}), None);
        check("fields: {a: 1\n", &json!({"a": "x"}), None);
    }

    proptest! {
        #[test]
        fn whatever_is_written_reads_back_and_nothing_else_changed(
            new in "[ -~äß\\n\\t]{0,12}", old in prop::sample::select(vec!["x", "'x'", "\"x\"", "1", "true"]),
        ) {
            for source in [format!("a: 1\nfields:\n  one: {old} # c\n  two: 2\n"), format!("fields: {{one: {old}, two: 2}}\n")] {
                let values = BTreeMap::from([("one".to_owned(), json!(new))]);
                if let Some(text) = put(&"x.yaml".into(), source.as_bytes(), ("fields", &values)) {
                    let read = read(&"x.yaml".into(), &text).expect("reads").to_json();
                    prop_assert_eq!(&read["fields"], &json!({"one": new, "two": 2}));
                    let text = String::from_utf8(text).expect("text");
                    prop_assert!(!source.contains('#') || text.contains("# c"), "{}", text);
                }
            }
        }
    }
}
