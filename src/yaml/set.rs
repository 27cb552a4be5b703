//! Writes, changes and takes away what stands under a key, and leaves comments, order and style of everything else as they
//! stand. What it can't write so that it reads back as meant, it does not write.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::edit::{byte_at, line_break, range_of};
use super::put::{read, splice, written};
use super::tree::{Entry, Node, Scalar, Style};

/// Writes a value under a key, or takes the key away where there is none; nothing where that can't be done in place.
///
/// The key is one of the document, or of a mapping in it: `["state"]`, `["fields", "size"]`.
pub fn set(
    path: &Arc<str>,
    source: &[u8],
    (keys, value): (&[&str], Option<&Value>),
) -> Option<Vec<u8>> {
    let root = read(path, source)?;
    let expected = expected(&root, keys, value)?;
    if root.to_json() == expected {
        return Some(source.to_vec());
    }
    let text = match (keys, value) {
        ([key], Some(value)) => put_in(source, &root, (key, value), true)?,
        ([key], None) => without(source, &root, key)?,
        ([parent, key], Some(value)) => match root.get(parent) {
            Some(mapping @ Node::Mapping(..)) => put_in(source, mapping, (key, value), false)?,
            Some(_) => return None,
            None => appended(source, &format!("{parent}:{}  {key}: ", line_break(source)), value)?,
        },
        ([parent, key], None) => without(source, root.get(parent)?, key)?,
        _ => return None,
    };
    // What reads back as anything else is not written at all.
    (read(path, &text)?.to_json() == expected).then_some(text)
}

/// Returns what the document is to read as.
fn expected(root: &Node, keys: &[&str], value: Option<&Value>) -> Option<Value> {
    let mut all = root.to_json();
    let mut map = all.as_object_mut()?;
    let (last, above) = keys.split_last()?;
    for key in above {
        if value.is_none() && !map.contains_key(*key) {
            return Some(all);
        }
        let inner = map.entry(*key).or_insert_with(|| Value::Object(Map::new()));
        map = inner.as_object_mut()?;
    }
    match value {
        Some(value) => map.insert((*last).to_owned(), value.clone()),
        None => map.remove(*last),
    };
    Some(all)
}

fn put_in(
    source: &[u8],
    mapping: &Node,
    (key, value): (&str, &Value),
    is_root: bool,
) -> Option<Vec<u8>> {
    if let Some(entry) = mapping.entry(key) {
        return changed(source, mapping, entry, value);
    }
    let added = format!("{key}: {}", inline(value, None)?);
    let start = range_of(source, mapping.span())?.start;
    let (first, last) = (mapping.entries().first(), mapping.entries().last());
    if source.get(start) == Some(&b'{') {
        let Some(last) = last else { return Some(splice(source, start + 1..start + 1, &added)) };
        let end = end_of(source, &last.value)?;
        return Some(splice(source, end..end, &format!(", {added}")));
    }
    if is_root {
        return appended(source, &format!("{key}: "), value);
    }
    // Above the first, where it is certain that nothing is cut in two.
    let first = first?.key_span;
    let at = byte_at(source, first.line, first.column)?;
    let indent = " ".repeat(usize::try_from(first.column).ok()?.checked_sub(1)?);
    Some(splice(source, at..at, &format!("{added}{}{indent}", line_break(source))))
}

fn appended(source: &[u8], before: &str, value: &Value) -> Option<Vec<u8>> {
    let line = line_break(source);
    let gap = if source.ends_with(b"\n") || source.is_empty() { "" } else { line };
    let added = format!("{gap}{before}{}{line}", inline(value, None)?);
    Some([source, added.as_bytes()].concat())
}

/// Writes another value in the place of one.
fn changed(source: &[u8], mapping: &Node, entry: &Entry, value: &Value) -> Option<Vec<u8>> {
    let node = &entry.value;
    let start = range_of(source, node.span())?.start;
    let old = start..end_of(source, node)?;
    let quote = match node {
        Node::Scalar(Scalar::Text(_, Style::Quoted), _) => source.get(old.start).copied(),
        Node::Scalar(Scalar::Null, _) if source.get(old.clone()) == Some(b":") => {
            return Some(splice(source, old, &format!(": {}", inline(value, None)?)));
        }
        _ => None,
    };
    let is_block = matches!(node, Node::Sequence(..) | Node::Mapping(..))
        && !matches!(source.get(old.start), Some(b'[' | b'{'));
    if !is_block {
        return Some(splice(source, old, &inline(value, quote)?));
    }
    let column = usize::try_from(node.span().column).ok()?.checked_sub(1)?;
    if let (Node::Sequence(..), Value::Array(items)) = (node, value)
        && !items.is_empty()
    {
        let items: Option<Vec<String>> =
            items.iter().map(|item| Some(format!("- {}", inline(item, None)?))).collect();
        let between = format!("{}{}", line_break(source), " ".repeat(column));
        return Some(splice(source, old, &items?.join(&between)));
    }
    // What stands in brackets must be further in than its key.
    let own = mapping.span().column;
    let gap = if node.span().column <= own { "  " } else { "" };
    Some(splice(source, old, &format!("{gap}{}", inline(value, None)?)))
}

/// Takes an entry away; the last one leaves an empty mapping.
fn without(source: &[u8], mapping: &Node, key: &str) -> Option<Vec<u8>> {
    let entries = mapping.entries();
    let at = entries.iter().position(|entry| entry.key == key)?;
    let entry = entries.get(at)?;
    let begin = |entry: &Entry| byte_at(source, entry.key_span.line, entry.key_span.column);
    let (start, end) = (begin(entry)?, end_of(source, &entry.value)?);
    let flow = source.get(range_of(source, mapping.span())?.start) == Some(&b'{');
    let before = at.checked_sub(1).and_then(|at| entries.get(at));
    match (flow, before, entries.get(at + 1)) {
        (true, Some(before), _) => Some(splice(source, end_of(source, &before.value)?..end, "")),
        (true, None, Some(next)) => Some(splice(source, start..begin(next)?, "")),
        (true, None, None) => Some(splice(source, start..end, "")),
        (false, None, None) => Some(splice(source, start..end, "{}")),
        (false, ..) => {
            let lines = whole_lines(source, start..end)?;
            Some(splice(source, lines, ""))
        }
    }
}

/// Returns the lines that something stands on alone, but for a comment behind it.
fn whole_lines(source: &[u8], range: Range<usize>) -> Option<Range<usize>> {
    let before = source.get(..range.start)?;
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let alone = before.get(start..)?.iter().all(|byte| *byte == b' ');
    let rest = source.get(range.end..)?;
    let end =
        rest.iter().position(|byte| *byte == b'\n').map_or(source.len(), |at| range.end + at + 1);
    let behind = std::str::from_utf8(source.get(range.end..end)?).ok()?.trim();
    (alone && (behind.is_empty() || behind.starts_with('#'))).then_some(start..end)
}

/// Returns where a value ends: of what goes over lines without brackets, where the last of its parts does.
fn end_of(source: &[u8], node: &Node) -> Option<usize> {
    let range = range_of(source, node.span())?;
    let flow = matches!(source.get(range.start), Some(b'[' | b'{'));
    let last = match node {
        Node::Scalar(..) => None,
        _ if flow => None,
        Node::Sequence(items, _) => items.last(),
        Node::Mapping(entries, _) => entries.last().map(|entry| &entry.value),
    };
    last.map_or(Some(range.end), |last| end_of(source, last))
}

/// Writes a value on one line.
fn inline(value: &Value, quote: Option<u8>) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Array(_) | Value::Object(_) => serde_json::to_string(value).ok(),
        _ => written(value, quote),
    }
}

/// Writes keys and values over lines, each of which begins with an indent, in the order in which they come.
pub fn block<'v>(
    entries: impl IntoIterator<Item = (&'v String, &'v Value)>,
    indent: usize,
) -> String {
    let mut text = String::new();
    for (key, value) in entries {
        let name = written(&Value::String(key.clone()), None).unwrap_or_else(|| key.clone());
        text += &" ".repeat(indent);
        text += &name;
        text += ":";
        under(value, indent, &mut text);
    }
    text
}

fn under(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            text.push('\n');
            text.push_str(&block(map, indent + 2));
        }
        Value::Array(items) if !items.is_empty() && items.iter().all(is_plain) => {
            text.push('\n');
            for item in items {
                let item = inline(item, None).unwrap_or_else(|| "null".to_owned());
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{}- {item}", " ".repeat(indent + 2));
            }
        }
        Value::String(words) if is_lines(words) => {
            text.push_str(if words.ends_with('\n') { " |\n" } else { " |-\n" });
            for line in words.trim_end_matches('\n').split('\n') {
                let gap = if line.is_empty() { 0 } else { indent + 2 };
                let _ = writeln!(text, "{}{line}", " ".repeat(gap));
            }
        }
        _ => {
            let written = inline(value, None).unwrap_or_else(|| value.to_string());
            let _ = writeln!(text, " {written}");
        }
    }
}

fn is_plain(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

/// Tells whether a text reads back from a literal block as it is.
fn is_lines(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let odd = |each: char| {
        (each.is_control() && each != '\n')
            || matches!(each, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
    };
    text.contains('\n')
        && !body.is_empty()
        && !body.ends_with('\n')
        && !body.starts_with(['\n', ' '])
        && !text.contains(odd)
        && body
            .split('\n')
            .all(|line| !line.ends_with(' ') && (line.is_empty() || !line.trim().is_empty()))
}

#[cfg(test)]
#[path = "set_tests.rs"]
mod tests;
