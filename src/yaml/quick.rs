//! Reads the plain YAML that most documents are written in straight to a value. It reports nothing: whatever it is not
//! sure of is left to `parse`, which says the same wherever this says anything.

use serde_json::{Map, Value};

use super::parse::MAX_BYTES;
use super::quick_flow::Flow;
use super::scalar::resolve;
use super::tree::Scalar;

/// How deep it goes before it leaves a document to `parse`.
pub(super) const DEPTH: usize = 24;

/// Longer keys are left to `parse`.
const KEY: usize = 128;

/// Returns the value of a document that `parse` reads without any finding, or nothing where that is not certain.
pub fn quick(bytes: &[u8]) -> Option<Value> {
    if bytes.len() > MAX_BYTES || bytes.last() != Some(&b'\n') {
        return None;
    }
    // Without an end at the first that is not, many bytes are looked at in one step.
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n');
    if !bytes.iter().fold(true, |all, byte| all & is_plain(byte)) {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = Lines { rest: text, next: None };
    lines.peek()?;
    let root = lines.mapping(0, Map::new(), 0)?;
    lines.peek().is_none().then_some(root)
}

/// A line with something on it.
#[derive(Clone, Copy)]
struct Line<'a> {
    indent: usize,
    /// From its first character that is not blank, without the break.
    text: &'a str,
}

/// The lines that are left.
struct Lines<'a> {
    rest: &'a str,
    next: Option<Line<'a>>,
}

impl<'a> Lines<'a> {
    /// Returns the next line that is neither empty nor a comment.
    fn peek(&mut self) -> Option<Line<'a>> {
        while self.next.is_none() {
            let (line, rest) = split_line(self.rest)?;
            let indent = line.bytes().take_while(|byte| *byte == b' ').count();
            let text = line.get(indent..)?;
            if !text.is_empty() && !text.starts_with('#') {
                self.next = Some(Line { indent, text });
            }
            self.rest = rest;
        }
        self.next
    }

    fn pass(&mut self) {
        self.next = None;
    }

    /// Reads the block that stands below a key or a dash.
    fn block(&mut self, above: usize, in_mapping: bool, depth: usize) -> Option<Value> {
        let Some(line) = self.peek() else { return Some(Value::Null) };
        let is_item = item(line.text).is_some();
        if line.indent > above {
            return match is_item {
                true => self.sequence(line.indent, depth),
                false => self.mapping(line.indent, Map::new(), depth),
            };
        }
        match is_item && in_mapping && line.indent == above {
            true => self.sequence(above, depth),
            false => Some(Value::Null),
        }
    }

    /// Reads the entries at an indent, behind those that are read already.
    fn mapping(
        &mut self,
        indent: usize,
        mut map: Map<String, Value>,
        depth: usize,
    ) -> Option<Value> {
        while let Some(line) = self.peek().filter(|line| line.indent >= indent) {
            if line.indent > indent || depth > DEPTH {
                return None;
            }
            if item(line.text).is_some() {
                break;
            }
            self.pass();
            self.entry(line.text, (indent, depth), &mut map)?;
        }
        Some(Value::Object(map))
    }

    /// Reads `key: …`, and what stands below it.
    fn entry(
        &mut self,
        text: &'a str,
        (indent, depth): (usize, usize),
        map: &mut Map<String, Value>,
    ) -> Option<()> {
        let (key, rest) = key(text)?;
        let value = match bare(rest) {
            "" => self.block(indent, true, depth + 1)?,
            rest => self.value(rest, indent, depth)?,
        };
        map.insert(key.to_owned(), value).is_none().then_some(())
    }

    fn sequence(&mut self, indent: usize, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        while let Some(line) = self.peek().filter(|line| line.indent >= indent) {
            let Some(rest) = item(line.text).filter(|_| line.indent == indent && depth <= DEPTH)
            else {
                // A key may follow at the same indent; anything else is not known here.
                if line.indent == indent && depth <= DEPTH {
                    break;
                }
                return None;
            };
            self.pass();
            let content = bare(rest);
            items.push(if content.is_empty() {
                self.block(indent, false, depth + 1)?
            } else if key(content).is_some() {
                let column = line.indent + line.text.len() - content.len();
                let mut map = Map::new();
                self.entry(content, (column, depth + 1), &mut map)?;
                self.mapping(column, map, depth + 1)?
            } else {
                self.value(content, indent, depth)?
            });
        }
        Some(Value::Array(items))
    }

    /// Reads a value that begins on the line of its key or dash.
    fn value(&mut self, text: &'a str, indent: usize, depth: usize) -> Option<Value> {
        match text.as_bytes().first()? {
            b'|' | b'>' => self.scalar(text, indent),
            b'"' | b'\'' | b'[' | b'{' => {
                let mut flow = Flow::new(text);
                let value = flow.value(depth)?;
                is_comment(flow.rest()).then_some(value)
            }
            _ => plain(text),
        }
    }

    /// Reads a text below `|` or `>`.
    fn scalar(&mut self, header: &'a str, above: usize) -> Option<Value> {
        let folded = header.starts_with('>');
        let (strip, rest) = match header.get(1..)?.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, header.get(1..)?),
        };
        if !is_comment(rest) {
            return None;
        }
        let mut text = String::new();
        let (mut indent, mut blank) = (None, 0);
        while let Some((line, rest)) = split_line(self.rest) {
            let content = line.trim_start_matches(' ');
            let blanks = line.len() - content.len();
            if line.is_empty() {
                blank += 1;
            } else if content.is_empty() {
                return None;
            } else if blanks <= above {
                break;
            } else {
                let indent = *indent.get_or_insert(blanks);
                if blanks < indent || (text.is_empty() && blank > 0) {
                    return None;
                }
                let content = line.get(indent..)?;
                if folded && (content.starts_with(' ') || content.ends_with(' ')) {
                    return None;
                }
                let breaks = if folded { blank } else { blank + usize::from(!text.is_empty()) };
                text.extend(std::iter::repeat_n('\n', breaks));
                if folded && blank == 0 && !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(content);
                blank = 0;
            }
            self.rest = rest;
        }
        if text.is_empty() {
            return None;
        }
        if !strip {
            text.push('\n');
        }
        Some(Value::String(text))
    }
}

/// Splits off a line; nothing where no break ends it.
fn split_line(text: &str) -> Option<(&str, &str)> {
    let end = memchr::memchr(b'\n', text.as_bytes())?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

/// Returns what stands behind the dash of an item.
fn item(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('-')?;
    (rest.is_empty() || rest.starts_with(' ')).then_some(rest)
}

/// Splits `key:` off, where the key is surely a text.
pub(super) fn key(text: &str) -> Option<(&str, &str)> {
    let is_word =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/');
    let length = text.as_bytes().iter().take_while(|byte| is_word(byte)).count();
    let (key, rest) = text.split_at_checked(length)?;
    let rest = rest.strip_prefix(':').filter(|rest| rest.is_empty() || rest.starts_with(' '))?;
    let is_text = key.as_bytes().first()?.is_ascii_alphabetic()
        && key.len() <= KEY
        && !matches!(key, "true" | "false" | "null");
    is_text.then_some((key, rest))
}

/// Returns what stands behind a key or a dash; nothing where that is a comment.
fn bare(rest: &str) -> &str {
    let text = rest.trim_matches(' ');
    if is_comment(rest) { "" } else { text }
}

/// Tells whether nothing but a comment stands at the end of a line; one with braces may have been meant for more.
fn is_comment(rest: &str) -> bool {
    let comment = rest.trim_start_matches(' ');
    comment.is_empty()
        || (comment.starts_with('#') && comment.len() < rest.len() && !comment.contains(['{', '}']))
}

/// Reads a text without quotes outside of brackets, up to a comment. Braces may have been meant for more, in both.
fn plain(text: &str) -> Option<Value> {
    let (mut end, mut before) = (None, 0);
    for (at, byte) in text.bytes().enumerate() {
        match (before, byte) {
            (_, b'{' | b'}') => return None,
            (b':', b' ') if end.is_none() => return None,
            (b' ', b'#') => end = end.or(Some(at)),
            _ => {}
        }
        before = byte;
    }
    let text = text.get(..end.unwrap_or(text.len()))?.trim_end_matches(' ');
    if text.ends_with(':') { None } else { word(text) }
}

/// Reads a text without quotes that ends where it ends.
pub(super) fn word(text: &str) -> Option<Value> {
    let is_first = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'/' | b'.' | b'_' | b'$' | b'(' | b'^' | b'+')
    };
    let mut bytes = text.as_bytes().iter();
    let first = bytes.next()?;
    let mut is_negative = || *first == b'-' && bytes.next().is_some_and(u8::is_ascii_digit);
    if !(is_first(first) || is_negative()) {
        return None;
    }
    match resolve(text.to_owned()).ok()? {
        Scalar::Null => Some(Value::Null),
        Scalar::Bool(value) => Some(Value::Bool(value)),
        Scalar::Number(number) => Some(Value::Number(number)),
        Scalar::Text(text, _) => Some(Value::String(text)),
    }
}

#[cfg(test)]
#[path = "quick_tests.rs"]
mod tests;
