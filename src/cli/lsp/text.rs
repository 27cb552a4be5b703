//! The text of a document, and its places as editors count them. It interprets no YAML.

use std::ops::Range;
use std::sync::Arc;

use lsp_types::{Position, TextDocumentContentChangeEvent};

use crate::finding::Place;

/// What the columns of a client count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Bytes.
    Utf8,
    /// Units of 16 bits: what every client understands.
    Utf16,
}

impl Encoding {
    /// Returns the name that the protocol has for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Encoding::Utf8 => "utf-8",
            Encoding::Utf16 => "utf-16",
        }
    }

    fn length(self, character: char) -> usize {
        match self {
            Encoding::Utf8 => character.len_utf8(),
            Encoding::Utf16 => character.len_utf16(),
        }
    }
}

/// A text with the offsets of its lines.
#[derive(Clone, Debug)]
pub(super) struct Text {
    text: Arc<str>,
    /// Byte offset of the start of each line; a line ends with LF, CRLF or CR.
    lines: Vec<usize>,
}

impl Text {
    pub(super) fn new(text: impl Into<Arc<str>>) -> Self {
        let text: Arc<str> = text.into();
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        let lines = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Self { text, lines }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns where a line stands, counted from 0, without its break.
    fn line(&self, line: usize) -> Range<usize> {
        let end = self.text.len();
        let start = self.lines.get(line).copied().unwrap_or(end);
        let next = self.lines.get(line + 1).copied().unwrap_or(end);
        let text = self.text.get(start..next).unwrap_or_default();
        start..start + text.trim_end_matches(['\r', '\n']).len()
    }

    /// Returns the byte offset of a position; positions behind a line or the text are its end.
    pub(super) fn offset(&self, position: Position, encoding: Encoding) -> usize {
        let line = self.line(narrow(position.line));
        let wanted = narrow(position.character);
        let mut passed = 0;
        for (at, character) in self.text.get(line.clone()).unwrap_or_default().char_indices() {
            if passed >= wanted {
                return line.start + at;
            }
            passed += encoding.length(character);
        }
        line.end
    }

    /// Returns the position of a byte offset.
    pub(super) fn position(&self, offset: usize, encoding: Encoding) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.lines.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = self.lines.get(line).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or_default();
        let units = before.chars().map(|character| encoding.length(character)).sum();
        Position { line: wide(line), character: wide(units) }
    }

    /// Returns the positions of a stretch of bytes.
    pub(super) fn range(&self, bytes: Range<usize>, encoding: Encoding) -> lsp_types::Range {
        let start = self.position(bytes.start, encoding);
        lsp_types::Range { start, end: self.position(bytes.end, encoding) }
    }

    /// Returns what a finding marks: where it does not say how much, the rest of its line.
    pub(super) fn range_of(&self, place: &Place, encoding: Encoding) -> lsp_types::Range {
        let line = self.line(narrow(place.line.saturating_sub(1)));
        let text = self.text.get(line.clone()).unwrap_or_default();
        // A byte order mark is no character of the document.
        let mark = usize::from(line.start == 0 && text.starts_with('\u{feff}'));
        let at = |column: usize| {
            let found = text.char_indices().nth(column + mark);
            found.map_or(line.end, |(offset, _)| line.start + offset)
        };
        let column = narrow(place.column.saturating_sub(1));
        let end = match place.length {
            0 => line.start + text.trim_end().len(),
            length => at(column + narrow(length)),
        };
        let start = at(column);
        self.range(start..end.max(start), encoding)
    }

    /// Applies changes as a client reports them: each is about what the one before it left.
    pub(super) fn change(
        &mut self,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) {
        for change in changes {
            let Some(range) = change.range else {
                *self = Self::new(change.text);
                continue;
            };
            let start = self.offset(range.start, encoding);
            let end = self.offset(range.end, encoding).max(start);
            let mut text = self.text.to_string();
            text.replace_range(start..end, &change.text);
            *self = Self::new(text);
        }
    }
}

fn narrow(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn wide(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, character: u32) -> Position {
        Position { line, character }
    }

    #[test]
    fn columns_are_counted_as_the_client_does() {
        let text = Text::new("a: 1\r\nb🙂ü: x\n\rc");
        for (encoding, position, offset) in [
            (Encoding::Utf16, at(1, 0), 6),
            (Encoding::Utf16, at(1, 3), 11),
            (Encoding::Utf16, at(1, 4), 13),
            (Encoding::Utf8, at(1, 5), 11),
            (Encoding::Utf8, at(1, 7), 13),
            (Encoding::Utf8, at(3, 0), 18),
            (Encoding::Utf16, at(3, 1), 19),
        ] {
            assert_eq!(text.offset(position, encoding), offset, "{encoding:?} {position:?}");
            assert_eq!(text.position(offset, encoding), position, "{encoding:?} {offset}");
        }
        // Behind a line is its end, before its break; in the middle of a character is behind it.
        assert_eq!(text.offset(at(0, 99), Encoding::Utf16), 4);
        assert_eq!(text.offset(at(99, 0), Encoding::Utf16), 19);
        assert_eq!(text.offset(at(1, 2), Encoding::Utf16), 11);
    }

    #[test]
    fn a_place_is_what_it_marks() {
        let check = |text: &str, line, column, length| {
            let place = Place { path: "a".into(), line, column, length };
            let range = Text::new(text).range_of(&place, Encoding::Utf16);
            let (start, end) = (range.start, range.end);
            format!("{}:{}-{}:{}", start.line, start.character, end.line, end.character)
        };
        assert_eq!(check("k: 🙂 wrong # x\r\n", 1, 6, 5), "0:6-0:11");
        assert_eq!(check("k: 🙂 wrong  \r\n", 1, 4, 0), "0:3-0:11");
        assert_eq!(check("\u{feff}key: x", 1, 1, 3), "0:1-0:4");
        assert_eq!(check("", 1, 1, 0), "0:0-0:0");
        assert_eq!(check("a\n", 9, 9, 9), "1:0-1:0");
    }

    #[test]
    fn changes_follow_one_another() {
        let mut text = Text::new("one\n🙂two\n");
        let part = |start, end, text: &str| TextDocumentContentChangeEvent {
            range: Some(lsp_types::Range { start, end }),
            range_length: None,
            text: text.to_owned(),
        };
        text.change(vec![part(at(1, 2), at(1, 5), "2\n3")], Encoding::Utf16);
        assert_eq!(text.as_str(), "one\n🙂2\n3\n");
        text.change(
            vec![part(at(0, 0), at(1, 0), ""), part(at(9, 9), at(0, 0), "!")],
            Encoding::Utf16,
        );
        assert_eq!(text.as_str(), "🙂2\n3\n!");
        let whole =
            TextDocumentContentChangeEvent { range: None, range_length: None, text: "x".into() };
        text.change(vec![whole], Encoding::Utf16);
        assert_eq!(text.as_str(), "x");
    }
}
