//! The text of one document and where its characters stand. Never interprets them.

use std::borrow::Cow;
use std::sync::Arc;

use saphyr_parser::Marker;

use super::tree::Span;
use crate::finding::Place;

/// How many characters lie between two remembered byte offsets of a text that is not ASCII.
const STRIDE: usize = 64;

/// One position: its byte offset, and its line and column from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot {
    /// Byte offset in the text.
    pub(super) offset: usize,
    /// Line, from 1.
    pub(super) line: u32,
    /// Column in characters, from 1.
    pub(super) column: u32,
}

/// A text, without a byte order mark, with what it takes to find a place in it quickly.
pub(super) struct Source<'a> {
    path: &'a Arc<str>,
    /// The text.
    pub(super) text: &'a str,
    /// Byte offset of the start of each line.
    lines: Vec<usize>,
    /// Byte offset of every `STRIDE`-th character; empty where a character is a byte.
    strides: Vec<usize>,
}

impl<'a> Source<'a> {
    /// Takes a text.
    pub(super) fn new(path: &'a Arc<str>, text: &'a str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(breaks.map(|(offset, _)| offset + 1)).collect();
        let strides = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().step_by(STRIDE).map(|(offset, _)| offset).collect()
        };
        Self { path, text, lines, strides }
    }

    /// Returns the same document, cut off at a byte offset.
    pub(super) fn before(&self, offset: usize) -> Self {
        Self::new(self.path, self.text.get(..offset).unwrap_or(self.text))
    }

    /// Returns the byte at an offset; 0 behind the end.
    pub(super) fn byte(&self, offset: usize) -> u8 {
        self.text.as_bytes().get(offset).copied().unwrap_or(0)
    }

    /// Returns a part of the text; nothing where the offsets are none.
    pub(super) fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// Returns the byte offset of a line's start.
    pub(super) fn start_of(&self, line: u32) -> usize {
        let index = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
        self.lines.get(index).copied().unwrap_or(self.text.len())
    }

    /// Returns a line without its break.
    pub(super) fn line(&self, line: u32) -> &'a str {
        let rest = self.text.get(self.start_of(line)..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default();
        line.strip_suffix('\r').unwrap_or(line)
    }

    /// Returns the byte offset of a character, counted from 0.
    fn offset_of(&self, character: usize) -> usize {
        if self.strides.is_empty() {
            return character.min(self.text.len());
        }
        let Some(near) = self.strides.get(character / STRIDE).copied() else {
            return self.text.len();
        };
        let rest = self.text.get(near..).unwrap_or_default();
        let within = rest.char_indices().nth(character % STRIDE);
        within.map_or(self.text.len(), |(offset, _)| near + offset)
    }

    /// Returns where one of the parser's marks stands.
    pub(super) fn spot(&self, mark: Marker) -> Spot {
        let offset = self.offset_of(mark.index());
        // At the end the parser starts a line that is not there.
        if offset == self.text.len() {
            return self.at(offset);
        }
        Spot { offset, line: narrow(mark.line()), column: narrow(mark.col() + 1) }
    }

    /// Returns where a byte offset stands; takes as long as its line is.
    pub(super) fn at(&self, offset: usize) -> Spot {
        let offset = offset.min(self.text.len());
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let column = self.slice(start, offset).chars().count() + 1;
        Spot { offset, line: narrow(line), column: narrow(column) }
    }

    /// Returns where a byte offset behind a spot stands; takes as long as the way to it is.
    pub(super) fn advance(&self, from: Spot, offset: usize) -> Spot {
        let passed = self.slice(from.offset, offset);
        match passed.rfind('\n') {
            None => Spot {
                offset,
                line: from.line,
                column: from.column + narrow(passed.chars().count()),
            },
            Some(last) => Spot {
                offset,
                line: from.line + narrow(passed.bytes().filter(|byte| *byte == b'\n').count()),
                column: narrow(passed.get(last..).unwrap_or_default().chars().count()),
            },
        }
    }

    /// Returns the last place at or before an offset that has something to see.
    pub(super) fn visible(&self, spot: Spot) -> Spot {
        if spot.offset < self.text.len() {
            return spot;
        }
        self.at(self.text.trim_end().len())
    }

    /// Returns a spot as a finding's place.
    pub(super) fn place(&self, spot: Spot, length: u32) -> Place {
        Place { path: Arc::clone(self.path), line: spot.line, column: spot.column, length }
    }

    /// Returns a span as a finding's place, marked up to the end of its first line.
    pub(super) fn place_of(&self, span: Span) -> Place {
        let length = if span.line == span.end_line {
            span.end_column.saturating_sub(span.column)
        } else {
            let length = narrow(self.line(span.line).trim_end().chars().count());
            (length + 1).saturating_sub(span.column)
        };
        Place { path: Arc::clone(self.path), line: span.line, column: span.column, length }
    }
}

/// Returns the span from one spot to another.
pub(super) fn between(start: Spot, end: Spot) -> Span {
    Span { line: start.line, column: start.column, end_line: end.line, end_column: end.column }
}

/// Returns a text as a message quotes it: never longer than a line.
pub(super) fn shorten(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(60) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
    }
}

/// Returns a count as it stands in a place; no document is large enough to lose anything.
pub(super) fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_bytes_lines_and_columns_agree() {
        let text = "añb: 1\r\n".repeat(40) + "end";
        let path = Arc::from("a.yaml");
        let source = Source::new(&path, &text);
        for (character, (offset, _)) in text.char_indices().enumerate() {
            assert_eq!(source.offset_of(character), offset);
        }
        assert_eq!(source.offset_of(10_000), text.len());
        assert_eq!(source.at(5), Spot { offset: 5, line: 1, column: 5 });
        assert_eq!(source.advance(source.at(5), 12), source.at(12));
        assert_eq!(source.line(1), "añb: 1");
        assert_eq!(source.line(41), "end");
        assert_eq!(source.line(42), "");
    }
}
