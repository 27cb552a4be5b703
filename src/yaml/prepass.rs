//! Bytes → text, before any parsing: size, encoding and characters. Never looks at structure.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::parse::MAX_BYTES;
use super::source::Source;
use crate::finding::{Finding, Place};

/// Turns bytes into text without its byte order mark, or says why they can't be read.
pub(super) fn decode<'a>(path: &Arc<str>, bytes: &'a [u8]) -> Result<&'a str, Box<Finding>> {
    let start = Place::start_of(Arc::clone(path));
    if bytes.len() > MAX_BYTES {
        let message =
            format!("the document has {} bytes, and at most {MAX_BYTES} are read", bytes.len());
        let hint = "make it shorter: documents have a few thousand; look for what was repeated or pasted in";
        return Err(Box::new(Finding::error("yaml/size", start, message).hint(hint)));
    }
    if is_utf16(bytes) {
        let finding = Finding::error("yaml/encoding", start, "the file is UTF-16");
        return Err(Box::new(finding.hint("save it as UTF-8")));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let offset = error.valid_up_to();
        let valid = bytes.get(..offset).unwrap_or_default();
        let valid = strip_mark(std::str::from_utf8(valid).unwrap_or_default());
        let byte = bytes.get(offset).copied().unwrap_or_default();
        let source = Source::new(path, valid);
        let place = source.place(source.at(valid.len()), 1);
        let message = format!("byte 0x{byte:02X} at offset {offset} is not UTF-8");
        Box::new(Finding::error("yaml/encoding", place, message).hint("save the file as UTF-8"))
    })?;
    Ok(strip_mark(text))
}

fn strip_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn is_utf16(bytes: &[u8]) -> bool {
    match bytes {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => true,
        [a, b, c, d, ..] => {
            (*a == 0 && *c == 0 && *b != 0 && *d != 0) || (*a != 0 && *c != 0 && *b == 0 && *d == 0)
        }
        _ => false,
    }
}

/// Returns a finding for each character that no document may contain, and the byte offsets of
/// those that can't be seen.
pub(super) fn characters(source: &Source) -> (Vec<Finding>, Vec<usize>) {
    let bytes = source.text.as_bytes();
    if bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t')) {
        return (Vec::new(), Vec::new());
    }
    let mut refused = Places::default();
    let mut invisible = Vec::new();
    for (offset, character) in source.text.char_indices() {
        if is_refused(character) || (character == '\r' && source.byte(offset + 1) != b'\n') {
            refused.note(character, offset);
        } else if is_invisible(character) {
            invisible.push(offset);
        }
    }
    let findings = refused.findings(source, |character, place, more| {
        let (what, hint) = explain(character);
        let message = format!("{what}: {}{more}", code_point(character));
        Finding::error("yaml/character", place, message).hint(hint)
    });
    (findings, invisible)
}

/// Returns a warning for each kind of unseen character at the given byte offsets.
pub(super) fn warn_invisible(
    source: &Source,
    offsets: impl IntoIterator<Item = usize>,
) -> Vec<Finding> {
    let mut places = Places::default();
    for offset in offsets {
        let rest = source.text.get(offset..).unwrap_or_default();
        rest.chars().next().into_iter().for_each(|character| places.note(character, offset));
    }
    places.findings(source, |character, place, more| {
        let message = format!("invisible character {}{more}", code_point(character));
        Finding::warning("yaml/invisible", place, message)
            .hint("remove it, or write it as an escape in double quotes")
    })
}

/// The first place of each character and how often it stands in the text.
#[derive(Default)]
struct Places(BTreeMap<char, (usize, usize)>);

impl Places {
    fn note(&mut self, character: char, offset: usize) {
        self.0.entry(character).or_insert((offset, 0)).1 += 1;
    }

    fn findings(
        self,
        source: &Source,
        make: impl Fn(char, Place, String) -> Finding,
    ) -> Vec<Finding> {
        let places = self.0.into_iter().map(|(character, (offset, count))| {
            let more = match count {
                1 => String::new(),
                _ => format!(", and {} more", count - 1),
            };
            make(character, source.place(source.at(offset), 1), more)
        });
        places.collect()
    }
}

/// Tells whether no text may contain a character, not even as an escape.
pub(super) fn is_refused(character: char) -> bool {
    match character {
        '\n' | '\t' | '\r' => false,
        '\u{2028}' | '\u{2029}' | '\u{e000}' | '\u{e001}' | '\u{feff}' | '\u{fffe}'
        | '\u{ffff}' => true,
        _ => character.is_control(),
    }
}

/// Tells whether a character shows nothing, or turns the direction of what follows.
pub(super) fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e01ef}')
}

/// Names a character for people.
pub(super) fn code_point(character: char) -> String {
    format!("U+{:04X}", u32::from(character))
}

fn explain(character: char) -> (&'static str, &'static str) {
    match character {
        '\r' => ("carriage return without a line feed", "save the file with LF line ends"),
        '\u{85}' | '\u{2028}' | '\u{2029}' => (
            "line separator that reviews don't show",
            "write a space or an ordinary line break instead",
        ),
        '\u{e000}' | '\u{e001}' => ("reserved private character", "remove it"),
        '\u{feff}' => ("byte order mark inside the document", "remove it"),
        '\u{fffe}' | '\u{ffff}' => ("unassigned character", "remove it"),
        _ => ("control character", "remove it"),
    }
}
