//! Reads `# trueline: allow …` where it is a comment, and never where it is part of a text.

use std::ops::Range;

use memchr::memmem;

use crate::catalog::Document;
use crate::yaml::{Node, Scalar, Span, Style, edit};

/// What every such comment holds; most documents hold none, and are not looked at any further.
const MARK: &[u8] = b"trueline:";

/// A rule that a comment names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// The rule's id, as it is written.
    pub(super) rule: String,
    /// Its bytes.
    pub(super) range: Range<usize>,
}

/// Where a comment counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// From one line to another, both included.
    Lines(u32, u32),
    /// In the whole file.
    File,
    /// Nowhere: nothing stands below it.
    Nothing,
    /// Nowhere: it is about the file and does not stand at its top.
    Below,
}

/// A comment that allows something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Comment {
    /// Its line.
    pub(super) line: u32,
    /// Its bytes from the `#` on, without the end of the line.
    pub(super) range: Range<usize>,
    /// What has to go where the comment goes: its line, or the blanks before it.
    pub(super) whole: Range<usize>,
    /// The rules that it names.
    pub(super) words: Vec<Word>,
    /// What stands behind the rules.
    pub(super) reason: String,
    /// Where it counts.
    pub(super) scope: Scope,
}

impl Comment {
    /// Tells whether it says why.
    pub(super) fn has_reason(&self) -> bool {
        self.reason.chars().any(char::is_alphanumeric)
    }
}

/// Reads the comments of a document; none where it cannot be parsed.
pub(super) fn comments(document: &Document) -> Vec<Comment> {
    // What is recalled was remembered because it has none.
    if document.is_recalled {
        return Vec::new();
    }
    let bytes = document.bytes.get();
    if memmem::find(&bytes, MARK).is_none() {
        return Vec::new();
    }
    let (Ok(text), Some(tree)) = (std::str::from_utf8(&bytes), document.tree()) else {
        return Vec::new();
    };
    let found = memmem::find_iter(text.as_bytes(), MARK);
    let mut found: Vec<Comment> = found.filter_map(|at| comment(text, &tree, at)).collect();
    // A comment may speak of another: the line is one comment.
    found.dedup_by_key(|comment| comment.line);
    found
}

/// Reads the comment whose mark begins at a byte.
fn comment(text: &str, tree: &Node, mark: usize) -> Option<Comment> {
    let start = text.get(..mark)?.rfind('\n').map_or(0, |at| at + 1);
    let before = text.get(start..mark)?.trim_end_matches([' ', '\t']).strip_suffix('#')?;
    let content = before.trim_start_matches('\u{feff}');
    if !content.is_empty() && !content.ends_with([' ', '\t']) {
        return None;
    }
    let hash = start + before.len();
    let line_text = text.get(start..)?.split('\n').next()?;
    let end = start + line_text.trim_end().len();
    let line = narrow(text.get(..start)?.matches('\n').count()) + 1;
    let column = narrow(content.chars().count()) + 1;
    if is_in_text(tree, (line, column)) {
        return None;
    }
    let at = mark + MARK.len();
    let rest = text.get(at..end)?;
    let verb = rest.trim_start();
    let name = verb.split_whitespace().next().unwrap_or_default();
    if !matches!(name, "allow" | "allow-file") {
        return None;
    }
    let said = at + (rest.len() - verb.len()) + name.len();
    let (words, reason) = words(text.get(said..end)?, said);
    let alone = content.trim().is_empty();
    let whole = if alone {
        start + (before.len() - content.len())..(start + line_text.len() + 1).min(text.len())
    } else {
        start + before.trim_end().len()..end
    };
    let scope = match (name, alone) {
        ("allow-file", true) if line < tree.span().line => Scope::File,
        ("allow-file", _) => Scope::Below,
        (_, false) => lines_from(tree, line),
        (_, true) => next_content(text, line).map_or(Scope::Nothing, |line| lines_from(tree, line)),
    };
    let reason = reason.trim().to_owned();
    Some(Comment { line, range: hash..end, whole, words, reason, scope })
}

/// Splits `a/b, c/d because …` into rules and reason; a word behind a comma is a rule where it has a `/`.
fn words(text: &str, start: usize) -> (Vec<Word>, &str) {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    loop {
        let end = rest.find(|each: char| each == ',' || each.is_whitespace()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() || !(words.is_empty() || word.contains('/')) {
            return (words, rest);
        }
        let from = start + (text.len() - rest.len());
        words.push(Word { rule: word.to_owned(), range: from..from + word.len() });
        match after.trim_start().strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None => return (words, after),
        }
    }
}

/// Returns the next line that is neither blank nor a comment.
fn next_content(text: &str, line: u32) -> Option<u32> {
    let lines = (1..).zip(text.lines()).skip(usize::try_from(line).ok()?);
    let is_content = |text: &str| !text.trim().is_empty() && !text.trim_start().starts_with('#');
    lines.into_iter().find(|(_, text)| is_content(text)).map(|(number, _)| number)
}

/// Returns a line with those that the texts go on over which begin in it.
fn lines_from(tree: &Node, line: u32) -> Scope {
    let mut last = line;
    each_text(tree, &mut |span, _| {
        if span.line == line {
            last = last.max(span.end_line);
        }
    });
    Scope::Lines(line, last)
}

/// Tells whether a place is part of a key or text.
fn is_in_text(tree: &Node, place: (u32, u32)) -> bool {
    let mut found = false;
    each_text(tree, &mut |span, is_block| {
        // Behind the `|` of a block a comment is one.
        let start = if is_block { (span.line + 1, 0) } else { (span.line, span.column) };
        found |= start <= place && place < (span.end_line, span.end_column);
    });
    found
}

/// Calls back with the span of every key and every scalar, and whether it is a block.
fn each_text(node: &Node, visit: &mut dyn FnMut(Span, bool)) {
    match node {
        Node::Scalar(scalar, span) => {
            visit(*span, matches!(scalar, Scalar::Text(_, Style::Block)));
        }
        Node::Sequence(items, _) => items.iter().for_each(|item| each_text(item, visit)),
        Node::Mapping(entries, _) => {
            for entry in entries {
                visit(entry.key_span, false);
                each_text(&entry.value, visit);
            }
        }
    }
}

/// Returns the line and column, from 1, of a byte.
pub(super) fn place_of(source: &[u8], line: u32, byte: usize) -> u32 {
    let start = edit::byte_at(source, line, 1).unwrap_or(byte);
    let text = source.get(start..byte).and_then(|bytes| std::str::from_utf8(bytes).ok());
    narrow(text.unwrap_or_default().chars().count()) + 1
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "comments_tests.rs"]
mod tests;
