//! Keys, entries and scalars of a YAML text with their paths, by indentation: also of a text that no parser takes. It judges nothing.

use std::ops::Range;

use super::outline_flow::{flow, quoted_end};
use crate::yaml::{MAX_BYTES, MAX_DEPTH};

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A key of a mapping.
    Key(String),
    /// An entry of a list.
    Entry(usize),
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// On the lines below, or not at all.
    Open,
    /// Without quotes.
    Plain,
    /// `'…'` or `"…"`; the range includes the quotes.
    Quoted,
    /// `|` or `>`; the range goes from the indicator to the end of the text.
    Block,
    /// `[…]` or `{…}`.
    Flow,
    /// A word that may become a key; the path is that of the mapping it would be in.
    Word,
}

/// A key with its value, an entry of a list, or a word that is neither.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) path: Vec<Step>,
    /// Where the key stands, in bytes.
    pub(super) key: Option<Range<usize>>,
    /// Where the value stands.
    pub(super) value: Range<usize>,
    pub(super) shape: Shape,
}

/// Which part of a spot is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Key,
    Value,
}

/// All spots of a text, in its order.
#[derive(Clone, Debug, Default)]
pub(super) struct Outline {
    pub(super) spots: Vec<Spot>,
}

impl Outline {
    /// Reads a text.
    pub(super) fn of(text: &str) -> Self {
        if text.len() > MAX_BYTES {
            return Self::default();
        }
        let mut scan = Scan { text, spots: Vec::new(), frames: Vec::new() };
        let mut at = text.len() - text.trim_start_matches('\u{feff}').len();
        while at < text.len() {
            let end = line_end(text, at);
            at = after_break(text, scan.line(at, end));
        }
        Self { spots: scan.spots }
    }

    /// Returns what stands at a byte offset, the end of a key or a value included.
    pub(super) fn at(&self, offset: usize) -> Option<(&Spot, Part)> {
        let within = |range: &Range<usize>| range.start <= offset && offset <= range.end;
        self.spots.iter().rev().find_map(|spot| {
            if spot.key.as_ref().is_some_and(within) {
                return Some((spot, Part::Key));
            }
            let leaf = !matches!(spot.shape, Shape::Open | Shape::Flow);
            (leaf && within(&spot.value)).then_some((spot, Part::Value))
        })
    }

    /// Returns the spot at a path.
    pub(super) fn get(&self, path: &[Step]) -> Option<&Spot> {
        self.spots.iter().find(|spot| spot.path == path && spot.shape != Shape::Word)
    }

    /// Returns the spots directly below a path.
    pub(super) fn below<'o>(&'o self, path: &'o [Step]) -> impl Iterator<Item = &'o Spot> {
        self.spots.iter().filter(move |spot| {
            spot.shape != Shape::Word && spot.path.split_last().is_some_and(|(_, up)| up == path)
        })
    }

    /// Returns the text of the scalar at a path, without its quotes.
    pub(super) fn scalar<'t>(&self, text: &'t str, path: &[Step]) -> Option<&'t str> {
        self.get(path).map(|spot| spot.bare(text)).filter(|value| !value.is_empty())
    }
}

impl Spot {
    /// Returns where the value stands without its quotes.
    pub(super) fn inner(&self, text: &str) -> Range<usize> {
        let Range { start, end } = self.value;
        if self.shape != Shape::Quoted {
            return start..end;
        }
        let written = text.get(start..end).unwrap_or_default();
        let quote = written.chars().next().unwrap_or_default();
        let closed = written.len() > 1 && written.ends_with(quote);
        start + 1..end - usize::from(closed)
    }

    /// Returns the text of a scalar as it is written, without its quotes.
    pub(super) fn bare<'t>(&self, text: &'t str) -> &'t str {
        match self.shape {
            Shape::Plain | Shape::Quoted => text.get(self.inner(text)).unwrap_or_default(),
            _ => "",
        }
    }

    /// Returns the name of its key.
    pub(super) fn name(&self) -> Option<&str> {
        match self.path.last()? {
            Step::Key(name) => Some(name),
            Step::Entry(_) => None,
        }
    }
}

/// Returns a path as words, `*` for the entries of lists.
pub(super) fn words(path: &[Step]) -> Vec<&str> {
    path.iter()
        .map(|step| match step {
            Step::Key(name) => name.as_str(),
            Step::Entry(_) => "*",
        })
        .collect()
}

/// A key or an entry that is open.
#[derive(Debug)]
struct Frame {
    indent: usize,
    step: Step,
    dash: bool,
}

/// The reading of a text.
#[derive(Debug)]
pub(super) struct Scan<'t> {
    pub(super) text: &'t str,
    pub(super) spots: Vec<Spot>,
    frames: Vec<Frame>,
}

impl Scan<'_> {
    /// Reads a line, and the lines that its value goes on in; returns where that ends.
    fn line(&mut self, start: usize, end: usize) -> usize {
        let line = self.text.get(start..end).unwrap_or_default();
        let mut at = start + (line.len() - line.trim_start_matches([' ', '\t']).len());
        if line.starts_with("---") || line.starts_with("...") {
            self.frames.clear();
            return end;
        }
        let mut entry = false;
        loop {
            let rest = self.text.get(at..end).unwrap_or_default().trim_end();
            if rest.is_empty() || rest.starts_with('#') {
                if entry {
                    self.put(None, at..at, Shape::Open);
                }
                return end;
            }
            if rest != "-" && !rest.starts_with("- ") {
                break;
            }
            if entry {
                self.put(None, at..at, Shape::Open);
            }
            self.dash(at - start);
            entry = true;
            let after = rest.get(1..).unwrap_or_default();
            at += 1 + (after.len() - after.trim_start().len());
        }
        let indent = at - start;
        match key_in(self.text.get(at..end).unwrap_or_default()) {
            Some((name, length, behind)) => {
                if entry {
                    self.put(None, at..at, Shape::Open);
                }
                self.pop(indent);
                self.frames.push(Frame { indent, step: Step::Key(name), dash: false });
                self.value(Some(at..at + length), at + behind, end, indent)
            }
            None if entry => self.value(None, at, end, indent.saturating_sub(1)),
            None => {
                self.pop(indent);
                let first = self.text.get(at..end).and_then(|rest| rest.chars().next());
                if matches!(first, Some('{' | '[' | '"' | '\'')) {
                    return self.value(None, at, end, indent.saturating_sub(1));
                }
                let value = at..at + plain_length(self.text.get(at..end).unwrap_or_default());
                self.put(None, value, Shape::Word);
                end
            }
        }
    }

    /// Opens the next entry of the list at an indent.
    fn dash(&mut self, indent: usize) {
        let mut index = 0;
        while let Some(top) = self.frames.last() {
            if top.indent < indent || (top.indent == indent && !top.dash) {
                break;
            }
            if let (true, Step::Entry(before)) = (top.indent == indent, &top.step) {
                index = before + 1;
            }
            self.frames.pop();
        }
        self.frames.push(Frame { indent, step: Step::Entry(index), dash: true });
    }

    fn pop(&mut self, indent: usize) {
        while self.frames.last().is_some_and(|top| top.indent >= indent) {
            self.frames.pop();
        }
    }

    /// Reads the value that begins at an offset; lines that are indented deeper may belong to it.
    fn value(&mut self, key: Option<Range<usize>>, at: usize, end: usize, indent: usize) -> usize {
        let rest = self.text.get(at..end).unwrap_or_default();
        let at = at + (rest.len() - rest.trim_start().len());
        let rest = rest.trim();
        match rest.chars().next() {
            None | Some('#') => {
                self.put(key, at..at, Shape::Open);
                end
            }
            Some('|' | '>') => {
                let stop = self.block_end(end, indent);
                self.put(key, at..stop, Shape::Block);
                stop
            }
            Some('{' | '[') => {
                let number = self.spots.len();
                self.put(key, at..end, Shape::Flow);
                let path = self.path();
                let stop = flow(self, path, at, indent);
                if let Some(spot) = self.spots.get_mut(number) {
                    spot.value.end = stop;
                }
                line_end(self.text, stop)
            }
            Some('"' | '\'') => {
                let stop = quoted_end(self.text, at, indent);
                self.put(key, at..stop, Shape::Quoted);
                line_end(self.text, stop)
            }
            Some(_) => {
                self.put(key, at..at + plain_length(rest), Shape::Plain);
                end
            }
        }
    }

    /// Returns where a block text ends that begins below a line.
    fn block_end(&self, end: usize, indent: usize) -> usize {
        let mut stop = end;
        let mut at = after_break(self.text, end);
        while at < self.text.len() {
            let next = line_end(self.text, at);
            let line = self.text.get(at..next).unwrap_or_default();
            let blank = line.trim().is_empty();
            if !blank && line.len() - line.trim_start_matches(' ').len() <= indent {
                break;
            }
            // A blank line where somebody begins to write belongs to it only when it is as deep.
            if !blank || line.len() > indent {
                stop = next;
            }
            at = after_break(self.text, next);
        }
        stop
    }

    fn path(&self) -> Vec<Step> {
        self.frames.iter().map(|frame| frame.step.clone()).collect()
    }

    fn put(&mut self, key: Option<Range<usize>>, value: Range<usize>, shape: Shape) {
        if self.frames.len() <= MAX_DEPTH {
            let path = self.path();
            self.spots.push(Spot { path, key, value, shape });
        }
    }
}

/// Returns where the line of an offset ends, before its break.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.find(['\n', '\r']).map_or(text.len(), |length| at + length)
}

/// Returns where the line after a line's end begins.
pub(super) fn after_break(text: &str, end: usize) -> usize {
    let rest = text.get(end..).unwrap_or_default();
    end + if rest.starts_with("\r\n") { 2 } else { usize::from(!rest.is_empty()) }
}

/// Reads a key: its name, how long it is as written, and where its value may begin.
fn key_in(line: &str) -> Option<(String, usize, usize)> {
    let first = line.chars().next()?;
    if matches!(first, '"' | '\'') {
        let close = line.get(1..)?.find(first)? + 2;
        let behind = line.get(close..)?;
        let colon = close + (behind.len() - behind.trim_start().len());
        let rest = line.get(colon..)?.strip_prefix(':')?;
        let ends = rest.is_empty() || rest.starts_with([' ', '\t']);
        let name = line.get(1..close - 1)?.to_owned();
        return ends.then_some((name, close, colon + 1));
    }
    if matches!(first, '{' | '[' | '#' | '|' | '>' | '&' | '*' | '!' | '%' | '@' | '`') {
        return None;
    }
    let plain = line.get(..plain_length(line)).unwrap_or(line);
    let colon = plain.match_indices(':').map(|(at, _)| at).find(|at| {
        line.get(at + 1..).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
    })?;
    let name = line.get(..colon)?.trim_end();
    (!name.is_empty()).then(|| (name.to_owned(), name.len(), colon + 1))
}

/// Returns how long a plain text is: up to a comment, without the blanks at its end.
fn plain_length(rest: &str) -> usize {
    let end = rest.find(" #").unwrap_or(rest.len());
    rest.get(..end).unwrap_or(rest).trim_end().len()
}

#[cfg(test)]
#[path = "outline_tests.rs"]
mod tests;
