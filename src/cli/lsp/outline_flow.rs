//! What stands in `[…]`, `{…}` and quotes, open or closed, for the outline of a text. It never looks behind lines that are indented less.

use std::ops::Range;

use super::outline::{Scan, Shape, Spot, Step, after_break, line_end};
use crate::yaml::MAX_DEPTH;

/// One `[` or `{` that is open.
struct Level {
    mapping: bool,
    index: usize,
    /// A key whose value has not come yet, and whether its colon has.
    key: Option<(Range<usize>, bool)>,
}

/// Reads a flow that begins at an offset; returns where it ends.
pub(super) fn flow(scan: &mut Scan<'_>, path: Vec<Step>, from: usize, indent: usize) -> usize {
    let mut reading = Reading { scan, path, levels: Vec::new() };
    let text = reading.scan.text;
    let mut at = from;
    while let Some(character) = text.get(at..).and_then(|rest| rest.chars().next()) {
        match character {
            '\n' | '\r' => match next_line(text, at, indent) {
                Some(next) => at = next,
                None => break,
            },
            ' ' | '\t' => at += 1,
            '#' if text.get(..at).is_some_and(|before| before.ends_with([' ', '\t'])) => {
                at = line_end(text, at);
            }
            '{' | '[' => {
                if reading.levels.len() >= MAX_DEPTH {
                    break;
                }
                reading.open(character == '{', at);
                at += 1;
            }
            '}' | ']' => {
                at += 1;
                if reading.close(at) {
                    return at;
                }
            }
            ',' => {
                reading.comma(at);
                at += 1;
            }
            ':' => {
                reading.colon();
                at += 1;
            }
            _ => at = reading.scalar(at, indent),
        }
    }
    while !reading.close(at) {}
    at
}

struct Reading<'s, 't> {
    scan: &'s mut Scan<'t>,
    path: Vec<Step>,
    levels: Vec<Level>,
}

impl Reading<'_, '_> {
    fn put(&mut self, key: Option<Range<usize>>, value: Range<usize>, shape: Shape) {
        let path = self.path.clone();
        self.scan.spots.push(Spot { path, key, value, shape });
    }

    /// Takes the step to the value that comes now; returns its key.
    fn enter(&mut self) -> Option<Range<usize>> {
        let text = self.scan.text;
        let level = self.levels.last_mut()?;
        let key = level.key.take().map(|(key, _)| key);
        let step = match &key {
            Some(key) => Step::Key(unquoted(text.get(key.clone()).unwrap_or_default()).to_owned()),
            None => Step::Entry(level.index),
        };
        self.path.push(step);
        key
    }

    fn open(&mut self, mapping: bool, at: usize) {
        if !self.levels.is_empty() {
            let key = self.enter();
            self.put(key, at..at + 1, Shape::Flow);
        }
        self.levels.push(Level { mapping, index: 0, key: None });
    }

    /// Closes the innermost level; true where it was the outermost.
    fn close(&mut self, at: usize) -> bool {
        self.pending(at);
        self.levels.pop();
        if self.levels.is_empty() {
            return true;
        }
        self.path.pop();
        false
    }

    fn comma(&mut self, at: usize) {
        self.pending(at);
        if let Some(level) = self.levels.last_mut() {
            level.index += 1;
        }
    }

    fn colon(&mut self) {
        if let Some(Level { key: Some((_, colon)), .. }) = self.levels.last_mut() {
            *colon = true;
        }
    }

    /// Puts down a key without a value.
    fn pending(&mut self, at: usize) {
        let Some(level) = self.levels.last_mut() else { return };
        match &level.key {
            Some((_, true)) => {
                let key = self.enter();
                self.put(key, at..at, Shape::Open);
                self.path.pop();
            }
            Some((key, false)) => {
                let key = key.clone();
                level.key = None;
                self.put(None, key, Shape::Word);
            }
            None => {}
        }
    }

    fn scalar(&mut self, at: usize, indent: usize) -> usize {
        let text = self.scan.text;
        let rest = text.get(at..).unwrap_or_default();
        let (end, shape) = if rest.starts_with(['"', '\'']) {
            (quoted_end(text, at, indent), Shape::Quoted)
        } else {
            (at + plain(rest), Shape::Plain)
        };
        let Some(level) = self.levels.last_mut() else { return end };
        let is_value = matches!(level.key, Some((_, true)));
        if level.mapping && !is_value {
            level.key = Some((at..end, false));
            return end;
        }
        let key = self.enter();
        self.put(key, at..end, shape);
        self.path.pop();
        end
    }
}

/// Returns how long a plain scalar of a flow is; at least one character.
fn plain(rest: &str) -> usize {
    let mut before = ' ';
    let mut end = 0;
    for (at, character) in rest.char_indices() {
        let next = rest.get(at + 1..).and_then(|rest| rest.chars().next());
        let stops = match character {
            ',' | '[' | ']' | '{' | '}' | '\n' | '\r' => true,
            ':' => next.is_none_or(|next| next.is_whitespace() || ",[]{}".contains(next)),
            '#' => before == ' ',
            _ => false,
        };
        if stops && at > 0 {
            break;
        }
        if !character.is_whitespace() {
            end = at + character.len_utf8();
        }
        before = character;
    }
    end.max(rest.chars().next().map_or(0, char::len_utf8))
}

/// Returns where the quotes that open at an offset close; the end of the line where they do not.
pub(super) fn quoted_end(text: &str, at: usize, indent: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let mut characters = rest.char_indices();
    let Some((_, quote)) = characters.next() else { return at };
    // Lines up to here belong to it for sure: blank ones are not looked through twice.
    let mut sure = 0;
    while let Some((offset, character)) = characters.next() {
        match character {
            '\\' if quote == '"' => {
                characters.next();
            }
            '\n' | '\r' if at + offset >= sure => match next_line(text, at + offset, indent) {
                Some(next) => sure = next,
                None => break,
            },
            found if found == quote => {
                let behind = at + offset + 1;
                let doubled = text.get(behind..).is_some_and(|rest| rest.starts_with('\''));
                if quote == '\'' && doubled {
                    characters.next();
                    continue;
                }
                return behind;
            }
            _ => {}
        }
    }
    line_end(text, at)
}

/// Returns where the next line begins that belongs to a value: one that is indented deeper, or only closes.
fn next_line(text: &str, end: usize, indent: usize) -> Option<usize> {
    let mut start = after_break(text, end);
    while start < text.len() {
        let line = text.get(start..line_end(text, start)).unwrap_or_default();
        let content = line.trim_start_matches(' ');
        if !content.trim().is_empty() {
            let deeper = line.len() - content.len() > indent;
            return (deeper || content.starts_with([']', '}'])).then_some(start);
        }
        start = after_break(text, start + line.len());
    }
    None
}

fn unquoted(key: &str) -> &str {
    let quote = key.chars().next().filter(|first| matches!(first, '"' | '\''));
    let inner = quote.and_then(|quote| key.strip_prefix(quote)?.strip_suffix(quote));
    inner.unwrap_or(key)
}
