//! Edits of the source that leave everything else as it stands. It looks at how things are written, never at what they mean.

use std::ops::Range;

use super::position::position_in;
use super::scalar::resolve;
use super::tree::{Node, Scalar, Span, Style};
use crate::finding::{Edit, Fix, Place};

/// Returns the byte, from the start of the file, at a line and column from 1; `None` where there is none.
pub fn byte_at(source: &[u8], line: u32, column: u32) -> Option<usize> {
    let start = start_of_line(source, line)?;
    let text = std::str::from_utf8(source.get(start..)?).ok()?;
    let text = text.split('\n').next().unwrap_or_default();
    let skipped = usize::try_from(column.checked_sub(1)?).ok()?;
    let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    ends.nth(skipped).map(|at| start + at)
}

/// Returns the byte at which a line starts, behind a byte order mark.
fn start_of_line(source: &[u8], line: u32) -> Option<usize> {
    let mark = if source.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
    let breaks = source.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let mut starts = std::iter::once(mark).chain(breaks.map(|(at, _)| at + 1));
    starts.nth(usize::try_from(line.checked_sub(1)?).ok()?)
}

/// Returns the bytes that a span covers.
pub fn range_of(source: &[u8], span: Span) -> Option<Range<usize>> {
    let start = byte_at(source, span.line, span.column)?;
    let end = byte_at(source, span.end_line, span.end_column)?;
    (start <= end).then_some(start..end)
}

/// Returns how lines end in a file, by its first line.
pub fn line_break(source: &[u8]) -> &'static str {
    let end = source.iter().position(|byte| *byte == b'\n');
    let before = end.and_then(|end| source.get(end.checked_sub(1)?));
    if before == Some(&b'\r') { "\r\n" } else { "\n" }
}

/// Makes the edit that writes a word in place of another that stands at a place.
///
/// The word may be a key, a whole value, or one part of a path in a template. Nothing where that very
/// word does not stand there as it is, or where the new one would have to be written in another way.
pub fn respell(source: &[u8], place: &Place, old: &str, new: &str) -> Option<Fix> {
    let start = byte_at(source, place.line, place.column)?;
    let rest = std::str::from_utf8(source.get(start..)?).ok()?;
    let bare = rest.trim_start_matches(['"', '\'']);
    let bare = bare.strip_prefix("{{").unwrap_or(bare).trim_start_matches(' ');
    let is_alone = rest.len() == bare.len();
    let start = start + (rest.len() - bare.len());
    let is_end = |each: char| each.is_whitespace() || "\"',:#|(){}[]".contains(each);
    let word = bare.split(is_end).next().unwrap_or_default();
    let at = if word == old { 0 } else { part_at(word, old)? };
    let quoted = bare.get(word.len()..).is_some_and(|rest| rest.starts_with(['"', '\'']));
    if !is_word(new)
        || (is_alone && !quoted && !matches!(resolve(new.into()), Ok(Scalar::Text(..))))
    {
        return None;
    }
    let (start, end) = (start + at, start + at + old.len());
    let edit = Edit { start, end, text: new.to_owned() };
    Some(Fix { what: format!("write `{new}`"), safe: false, edits: vec![edit] })
}

/// Returns where a word stands between the dots of a path; nothing where it does so not, or twice.
fn part_at(path: &str, word: &str) -> Option<usize> {
    let mut at = 0;
    let mut found = None;
    for part in path.split('.') {
        if part == word && found.replace(at).is_some() {
            return None;
        }
        at += part.len() + 1;
    }
    found
}

/// Tells whether a text can stand anywhere as it is, with quotes and without.
fn is_word(text: &str) -> bool {
    let plain = |each: char| each.is_ascii_alphanumeric() || "-_./+@$".contains(each);
    text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '$')
        && text.chars().all(plain)
}

/// Makes the edit that puts a number, a boolean or `null` in quotes, as it is written.
///
/// `null` may have been meant, so that one is not safe.
pub fn quote(source: &[u8], node: &Node) -> Option<Fix> {
    let (what, safe) = match node {
        Node::Scalar(Scalar::Number(_), _) => ("put the number in quotes", true),
        Node::Scalar(Scalar::Bool(_), _) => ("put the word in quotes", true),
        Node::Scalar(Scalar::Null, _) => ("put the word in quotes", false),
        _ => return None,
    };
    let range = range_of(source, node.span())?;
    let written = std::str::from_utf8(source.get(range.clone())?).ok()?;
    let text = format!("\"{written}\"");
    let is_plain = written.chars().all(|each| each.is_ascii_alphanumeric() || "+-.".contains(each));
    (is_plain && !written.is_empty()).then(|| fix(what, safe, [(range, text)]))
}

/// Makes the edit that takes the quotes from a number or boolean.
pub fn unquote(source: &[u8], node: &Node) -> Option<Fix> {
    let Node::Scalar(Scalar::Text(text, Style::Quoted), span) = node else { return None };
    let range = range_of(source, *span)?;
    let written = source.get(range.clone())?;
    let inside = written.get(1..written.len().checked_sub(1)?)?;
    let is_other = matches!(resolve(text.clone()), Ok(Scalar::Number(_) | Scalar::Bool(_)));
    let exact = inside == text.as_bytes();
    (exact && is_other).then(|| fix("take the quotes away", true, [(range, text.clone())]))
}

/// Makes the edit that takes from a list what stands in it twice.
///
/// Only texts, numbers and the like are taken, each alone on its line or between two commas of one line,
/// so that no comment is lost.
pub fn without_repeats(source: &[u8], list: &Node) -> Option<Fix> {
    let items = list.items();
    let mut edits = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let Node::Scalar(scalar, span) = item else { continue };
        let earlier = items.get(..index).unwrap_or_default();
        let is_same =
            |other: &&Node| matches!(other, Node::Scalar(other, _) if same(other, scalar));
        if !earlier.iter().any(|other| is_same(&other)) {
            continue;
        }
        let before = range_of(source, earlier.last()?.span())?;
        edits.push((entry(source, before.end, range_of(source, *span)?)?, String::new()));
    }
    (!edits.is_empty()).then(|| fix("take away what stands there twice", true, edits))
}

fn same(one: &Scalar, other: &Scalar) -> bool {
    match (one, other) {
        (Scalar::Text(one, _), Scalar::Text(other, _)) => one == other,
        _ => one == other,
    }
}

/// Returns the bytes of a list's entry with what separates it from the one before.
fn entry(source: &[u8], before: usize, item: Range<usize>) -> Option<Range<usize>> {
    let between = std::str::from_utf8(source.get(before..item.start)?).ok()?;
    if between.trim_matches(' ') == "," {
        return Some(before..item.end);
    }
    let line = between.rsplit_once('\n')?.1;
    let start = item.start - line.len();
    let rest = std::str::from_utf8(source.get(item.end..)?).ok()?;
    let after = rest.split_inclusive('\n').next().unwrap_or_default();
    let alone = line.trim_matches(' ') == "-" && after.trim().is_empty();
    alone.then(|| start..item.end + after.len())
}

/// Makes the edit that puts a line above the first key of a document, below the comments at its top.
pub fn insert_first(source: &[u8], root: &Node, line: &str) -> Option<Fix> {
    let first = root.entries().first()?.key_span;
    let at = byte_at(source, first.line, first.column)?;
    // A mapping in braces, or behind `---`, has no line of its own.
    (first.column == 1).then(|| {
        let text = format!("{line}{}", line_break(source));
        fix(&format!("add `{line}`"), true, [(at..at, text)])
    })
}

/// Makes the edit that writes another word as the value of a key.
pub fn rewrite(source: &[u8], node: &Node, word: &str) -> Option<Fix> {
    let range = range_of(source, node.span())?;
    let on_one_line = node.span().line == node.span().end_line;
    let fits = is_word(word) && on_one_line && !range.is_empty();
    let scalar = matches!(node, Node::Scalar(..));
    (fits && scalar).then(|| fix(&format!("write `{word}`"), false, [(range, word.to_owned())]))
}

/// Makes the edit that writes another text in place of a whole one, quoted as that is.
pub fn whole_text(source: &[u8], node: &Node, new: &str) -> Option<Fix> {
    let Node::Scalar(Scalar::Text(text, _), _) = node else { return None };
    let edit = in_text(source, node, 0..text.len(), new)?;
    Some(Fix { what: format!("write `{new}`"), safe: false, edits: vec![edit] })
}

/// Makes the edit that writes another text in place of some bytes of a text, escaped as its quotes want it.
///
/// Nothing where those bytes go over lines or are written with escapes of another kind, or where the new
/// ones cannot stand there.
pub fn in_text(source: &[u8], node: &Node, bytes: Range<usize>, new: &str) -> Option<Edit> {
    let Node::Scalar(Scalar::Text(text, style), span) = node else { return None };
    let old = text.get(bytes.clone())?;
    if old.is_empty() || [old, new].iter().any(|text| text.contains(char::is_control)) {
        return None;
    }
    let (line, column) = position_in(node, source, bytes.start);
    let start = byte_at(source, line, column)?;
    let is_double = source.get(byte_at(source, span.line, span.column)?) == Some(&b'"');
    let write = |text: &str| match style {
        Style::Quoted if is_double => text.replace('\\', "\\\\").replace('"', "\\\""),
        Style::Quoted => text.replace('\'', "''"),
        Style::Plain | Style::Block => text.to_owned(),
    };
    let written = write(old);
    let fits = *style != Style::Plain || stays_plain(old, new, bytes.start == 0);
    let end = start + written.len();
    (fits && source.get(start..end)? == written.as_bytes()).then(|| Edit {
        start,
        end,
        text: write(new),
    })
}

/// Tells whether a text can stand without quotes where another one does.
fn stays_plain(old: &str, new: &str, is_first: bool) -> bool {
    let first = |text: &str| text.chars().next();
    let begins = first(new) == first(old)
        || new.starts_with(|first: char| first == '^' || first.is_ascii_alphabetic());
    let free = |each: char| !":#,[]{}".contains(each) || old.contains(each);
    (begins || !is_first) && new.chars().all(free)
}

fn fix(what: &str, safe: bool, edits: impl IntoIterator<Item = (Range<usize>, String)>) -> Fix {
    let edit =
        |(range, text): (Range<usize>, String)| Edit { start: range.start, end: range.end, text };
    Fix { what: what.to_owned(), safe, edits: edits.into_iter().map(edit).collect() }
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
