//! From an offset in a scalar's text back to its place in the source. Never guesses a line.

use super::tree::{Node, Scalar, Span, Style};

/// Returns the line and column, from 1, of a byte offset in a text scalar's value.
///
/// `source` is the whole file that the node was parsed from. Exact for block texts and for plain
/// and quoted texts on one line; the start of the scalar otherwise.
pub fn position_in(node: &Node, source: &[u8], offset: usize) -> (u32, u32) {
    let span = node.span();
    let start = (span.line, span.column);
    let Node::Scalar(Scalar::Text(text, style), _) = node else { return start };
    let source = std::str::from_utf8(source).unwrap_or_default();
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let skipped = usize::try_from(span.line - u32::from(span.line > 0)).unwrap_or(usize::MAX);
    let mut lines = source.lines().skip(skipped);
    let offset = (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    let offset = offset.unwrap_or_default();
    match style {
        Style::Block => in_block(lines, span, text, offset),
        _ if span.line != span.end_line => start,
        Style::Plain => (span.line, span.column + count(text.get(..offset).unwrap_or_default())),
        Style::Quoted => {
            let skipped = usize::try_from(span.column).unwrap_or(usize::MAX).saturating_sub(1);
            let quoted = lines.next().unwrap_or_default().chars().skip(skipped);
            (span.line, span.column + in_quotes(quoted, offset))
        }
    }
}

/// Returns how many characters of the source stand before a byte of the value, quote included.
fn in_quotes(mut source: impl Iterator<Item = char>, offset: usize) -> u32 {
    let quote = source.next();
    let mut passed = 1;
    let mut value = 0;
    while value < offset {
        let Some(character) = source.next() else { break };
        let (written, bytes) = match character {
            '\'' if quote == Some('\'') => (1 + count_some(source.next()), 1),
            '\\' if quote == Some('"') => escape(&mut source),
            _ => (1, character.len_utf8()),
        };
        value += bytes;
        if value > offset {
            break;
        }
        passed += written;
    }
    passed
}

/// Returns how many characters an escape takes, and how many bytes what it stands for.
fn escape(source: &mut impl Iterator<Item = char>) -> (u32, usize) {
    let digits = match source.next() {
        Some('x') => 2,
        Some('u') => 4,
        Some('U') => 8,
        Some('_') => return (2, 2),
        _ => return (2, 1),
    };
    let code: String = source.take(digits).collect();
    let character = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
    (2 + count(&code), character.map_or(1, char::len_utf8))
}

/// Follows the text line by line; a folded text joins lines, so blanks between them are skipped.
fn in_block<'a>(
    lines: impl Iterator<Item = &'a str>,
    span: Span,
    text: &str,
    offset: usize,
) -> (u32, u32) {
    let mut indent = None;
    let mut passed = 0;
    let mut place = (span.line, span.column);
    for (number, line) in (span.line + 1..=span.end_line).zip(lines.skip(1)) {
        let blanks = line.len() - line.trim_start_matches(' ').len();
        if blanks == line.len() && indent.is_none() {
            continue;
        }
        let indented = blanks.min(*indent.get_or_insert(blanks));
        let content = line.get(indented..).unwrap_or_default();
        let column = u32::try_from(indented).unwrap_or(u32::MAX) + 1;
        let rest = text.get(passed..).unwrap_or_default();
        let gap = gap_before(rest, content);
        if content.is_empty() {
            if offset < passed + gap {
                return (number, column);
            }
            continue;
        }
        let start = passed + gap;
        if offset < start {
            return place;
        }
        let within = text.get(start..offset).unwrap_or_default();
        place = (number, column + count(content));
        if offset < start + content.len() {
            return (number, column + count(within));
        }
        passed = start + content.len();
    }
    place
}

/// Returns how many bytes of breaks and blanks stand in a text before a line of its source.
fn gap_before(text: &str, content: &str) -> usize {
    let blanks = text.len() - text.trim_start_matches([' ', '\n']).len();
    (0..=blanks)
        .find(|gap| text.get(*gap..).is_some_and(|rest| rest.starts_with(content)))
        .unwrap_or(0)
}

fn count(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

fn count_some(character: Option<char>) -> u32 {
    u32::from(character.is_some())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Marks in the source with `‸` where the value's `!` is said to stand, and expects it there.
    fn check(source: &str) {
        for source in [source.to_owned(), source.replace('\n', "\r\n"), format!("\u{feff}{source}")]
        {
            let (tree, findings) = super::super::parse(&Arc::from("a.yaml"), source.as_bytes());
            let tree = tree.unwrap_or_else(|| panic!("{findings:?}"));
            let node = tree.get("a").unwrap();
            let offset = node.text().unwrap().find('!').unwrap();
            let (line, column) = position_in(node, source.as_bytes(), offset);
            let source = source.trim_start_matches('\u{feff}');
            let found =
                source.lines().nth(line as usize - 1).unwrap().chars().nth(column as usize - 1);
            assert_eq!(found, Some('!'), "{line}:{column} in {source:?}");
        }
    }

    #[test]
    fn a_text_on_one_line_is_exact() {
        for source in [
            "a: b!\n",
            "a:   éé! # c\n",
            "a: 'b!'\n",
            "a: 'é''''!'\n",
            "a: \"b\\t\\\"\\x41\\u00e9\\U0001F600\\_!\\n\" # c\n",
            "a: \"é✓ 🦀!\"\n",
            "b: 1\n\na:\n  'x!'\n",
            "{b: [1, 2], a: \"x!\"}\n",
        ] {
            check(source);
        }
    }

    #[test]
    fn a_block_text_is_exact() {
        for source in [
            "a: |\n  !\n",
            "a: |\n  b\n  é!\n",
            "b: 1\na: |- # c\n\n\n  b\n\n    c\n    d !\n\n  e\n",
            "a: |2\n    b\n   c!\n",
            "a:\n  |\n    b\n    !\n",
            "a: >\n  b\n  c\n\n  d !\n",
            "a: >-\n  b\n\n    more\n    !\n  c\n",
            "a: >+\n\n\n  b\n  c!\n\n",
            "a: |\n  b  \n   \n  {{x}} !\n",
        ] {
            check(source);
        }
    }

    #[test]
    fn what_is_not_exact_is_the_start() {
        let at = |source: &str, offset: usize| {
            let (tree, _) = super::super::parse(&Arc::from("a.yaml"), source.as_bytes());
            position_in(tree.unwrap().get("a").unwrap(), source.as_bytes(), offset)
        };
        assert_eq!(at("a: b\n  c\n", 2), (1, 4));
        assert_eq!(at("a: 'b\n  c'\n", 2), (1, 4));
        assert_eq!(at("a: 12\n", 1), (1, 4));
        assert_eq!(at("a: [b]\n", 1), (1, 4));
        assert_eq!(at("a: é\n", 1), (1, 4));
        assert_eq!(at("a: b\n", 99), (1, 5));
        assert_eq!(at("a: 'b'\n", 99), (1, 6));
        assert_eq!(at("a: |\n  b\n  c\n", 99), (3, 4));
        assert_eq!(at("a: |\n", 0), (1, 4));
    }
}
