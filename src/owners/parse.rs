//! Reads a CODEOWNERS file line by line: what GitHub would skip is skipped, and told. It asks about no path.

use std::sync::Arc;

use super::name::{hint, is_owner};
use super::owners::{Line, MAX_BYTES};
use super::pattern::{Fault, Pattern};
use super::steps::step;
use crate::finding::{Finding, Place};

/// How many findings are told about one file; more only hide the first.
const MOST: usize = 1000;

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// The lines that count.
    pub(super) lines: Vec<(Line, Pattern)>,
    /// The lines that are skipped because of an owner: what they are about is known.
    pub(super) skipped: Vec<(Line, Pattern)>,
    pub(super) findings: Vec<Finding>,
}

/// A word, and where it begins in its line, in characters from 1.
#[derive(Clone, Copy, Debug)]
struct Word<'a> {
    text: &'a str,
    column: usize,
}

/// Reads a file.
pub(super) fn parse(path: &Arc<str>, bytes: &[u8]) -> Parsed {
    let mut reader = Reader { path, parsed: Parsed::default(), untold: 0 };
    if let Some(finding) = unusable(path, bytes) {
        reader.parsed.findings.push(finding);
        return reader.parsed;
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    for (number, line) in (1_u32..).zip(bytes.split(|byte| *byte == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match std::str::from_utf8(line) {
            Ok(text) => reader.line(number, text),
            Err(fault) => reader.tell(unreadable(path, number, line, fault.valid_up_to())),
        }
    }
    reader.end()
}

/// Says why a file is not used at all.
fn unusable(path: &Arc<str>, bytes: &[u8]) -> Option<Finding> {
    let start = Place::start_of(path.clone());
    if bytes.len() > MAX_BYTES {
        let message = format!(
            "the file has {} bytes; GitHub does not use more than 3 MB, so nobody owns anything",
            bytes.len()
        );
        let finding = Finding::error("owners/too-large", start, message);
        return Some(finding.hint("let one pattern stand for many: `/services/payments/`"));
    }
    let is_utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    if is_utf16 || bytes.contains(&0) {
        let message = "the file is not text in UTF-8, so nobody owns anything";
        let finding = Finding::error("owners/unreadable", start, message);
        return Some(finding.hint("save it as UTF-8"));
    }
    None
}

fn unreadable(path: &Arc<str>, line: u32, bytes: &[u8], valid: usize) -> Finding {
    let before = String::from_utf8_lossy(bytes.get(..valid).unwrap_or_default());
    let place = place(path, line, (before.chars().count() + 1, 1));
    let message = "the line is skipped: from here on it is not UTF-8";
    Finding::error("owners/unreadable", place, message).hint("save the file as UTF-8")
}

fn place(path: &Arc<str>, line: u32, (column, length): (usize, usize)) -> Place {
    // A file has at most 3 MB.
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Place { path: path.clone(), line, column: number(column), length: number(length) }
}

struct Reader<'a> {
    path: &'a Arc<str>,
    parsed: Parsed,
    untold: usize,
}

impl Reader<'_> {
    fn tell(&mut self, finding: Finding) {
        if self.parsed.findings.len() < MOST {
            self.parsed.findings.push(finding);
        } else {
            self.untold += 1;
        }
    }

    fn end(mut self) -> Parsed {
        if self.untold > 0 {
            let message = format!("{} more lines have findings that are not told", self.untold);
            let place = Place::start_of(self.path.clone());
            self.parsed.findings.push(Finding::error("owners/syntax", place, message));
        }
        self.parsed
    }

    fn line(&mut self, number: u32, text: &str) {
        let mut words = words(text).into_iter();
        let Some(first) = words.next() else { return };
        let pattern = Pattern::parse(first.text);
        let (owners, wrong): (Vec<Word<'_>>, Vec<Word<'_>>) =
            words.partition(|word| is_owner(word.text));
        let place = place(self.path, number, (first.column, first.text.chars().count()));
        let line = Line {
            number,
            column: place.column,
            pattern: first.text.to_owned(),
            owners: owners.iter().map(|word| word.text.to_owned()).collect(),
        };
        match pattern {
            Err(fault) => self.bad_pattern(number, first, fault),
            Ok(pattern) if wrong.is_empty() => self.parsed.lines.push((line, pattern)),
            Ok(pattern) => {
                self.parsed.skipped.push((line, pattern));
                wrong.first().into_iter().for_each(|word| self.bad_owner(number, *word));
            }
        }
    }

    fn bad_pattern(&mut self, number: u32, word: Word<'_>, fault: Fault) {
        let at = place(self.path, number, (word.column + fault.start, fault.length));
        let message = format!("the line is skipped: {}", fault.message);
        self.tell(Finding::error("owners/syntax", at, message).hint(fault.hint));
    }

    fn bad_owner(&mut self, number: u32, word: Word<'_>) {
        let at = place(self.path, number, (word.column, word.text.chars().count()));
        let shown: String = word.text.chars().take(80).flat_map(char::escape_debug).collect();
        let message = format!("the line is skipped: `{shown}` is not an owner");
        self.tell(Finding::error("owners/syntax", at, message).hint(hint(word.text)));
    }
}

/// Splits a line at spaces that are not escaped, up to a comment.
fn words(line: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut start: Option<(usize, usize)> = None;
    let mut escaped = false;
    let ended = line.char_indices().map(|(at, c)| (at, Some(c))).chain([(line.len(), None)]);
    for (column, (at, c)) in (1..).zip(ended) {
        step(1);
        // Only a pattern has escapes.
        let is_space = matches!(c, None | Some(' ' | '\t')) && (c.is_none() || !escaped);
        match start {
            None if c == Some('#') => break,
            None if !is_space => start = Some((at, column)),
            Some((from, column)) if is_space => {
                let text = line.get(from..at).unwrap_or_default();
                words.push(Word { text, column });
                start = None;
            }
            _ => {}
        }
        escaped = c == Some('\\') && !escaped && words.is_empty();
    }
    words
}
