//! Markers: what stands in a rendered text for a value that is not known yet or must not be shown.
//!
//! A marker is `U+E000 ?path U+E001` (unknown) or `U+E000 !path U+E001` (sensitive). The YAML reader
//! refuses both characters and [`strip_markers`] takes them out of what the outside world answers,
//! so nobody can write one.

use serde_json::Value;

use crate::digest::Digest;

pub(super) const OPEN: char = '\u{E000}';
pub(super) const CLOSE: char = '\u{E001}';

/// Stands for a value that is known only after a step has run; the path says which.
pub fn unknown(path: &str) -> String {
    format!("{OPEN}?{path}{CLOSE}")
}

/// Stands for a sensitive value; the path and, where there is one, its keyed hash make it comparable.
pub fn sensitive(path: &str) -> String {
    format!("{OPEN}!{path}{CLOSE}")
}

/// Tells whether a text holds a value that is not known yet.
pub fn has_unknown(text: &str) -> bool {
    text.contains("\u{E000}?")
}

/// Tells whether a text holds a sensitive value.
pub fn has_sensitive(text: &str) -> bool {
    text.contains("\u{E000}!")
}

/// Writes markers as people read them: `(known after apply)` and `(sensitive)`.
pub fn show_markers(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        shown.push_str(before);
        let (marker, tail) = after.split_once(CLOSE).unwrap_or((after, ""));
        shown.push_str(if marker.starts_with('!') {
            crate::secret::MASK
        } else {
            "(known after apply)"
        });
        rest = tail;
    }
    shown.push_str(rest);
    shown
}

/// Takes the characters of markers out of a text from the outside world.
pub fn strip_markers(text: &str) -> String {
    text.replace([OPEN, CLOSE], "\u{FFFD}")
}

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Text between markers.
    Text(&'a str),
    /// One whole marker with its brackets.
    Marker(&'a str),
}

/// Cuts a text into its markers and what stands between them; an opening without an end is text.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(OPEN).unwrap_or(rest.len());
        let length = match rest.get(start..).and_then(|marker| marker.find(CLOSE)) {
            Some(end) if start == 0 => end + CLOSE.len_utf8(),
            Some(_) => start,
            None => rest.len(),
        };
        let (piece, after) = rest.split_at(length);
        rest = after;
        match (piece.is_empty(), piece.starts_with(OPEN) && piece.ends_with(CLOSE)) {
            (true, _) => None,
            (false, true) => Some(Piece::Marker(piece)),
            (false, false) => Some(Piece::Text(piece)),
        }
    })
}

/// Tells whether a text consists of markers, at least one, and nothing else.
pub(super) fn is_only_markers(text: &str) -> bool {
    !text.is_empty() && pieces(text).all(|piece| matches!(piece, Piece::Marker(_)))
}

/// What the markers of some values stand for, to make one marker of them.
#[derive(Debug, Default)]
pub(super) struct Held {
    paths: Vec<String>,
    unknown: bool,
    sensitive: bool,
}

impl Held {
    /// Adds the markers of a value and of everything in it.
    pub(super) fn add(&mut self, value: &Value) {
        match value {
            Value::String(text) if text.contains(OPEN) => self.add_text(text),
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Object(map) => map.values().for_each(|item| self.add(item)),
            _ => {}
        }
    }

    fn add_text(&mut self, text: &str) {
        self.unknown |= has_unknown(text);
        self.sensitive |= has_sensitive(text);
        for piece in pieces(text) {
            let Piece::Marker(marker) = piece else { continue };
            let path = marker.trim_start_matches([OPEN, '?', '!']).trim_end_matches(CLOSE);
            if !self.paths.iter().any(|known| known == path) {
                self.paths.push(path.to_owned());
            }
        }
    }

    /// Tells whether there was no marker at all.
    pub(super) fn is_empty(&self) -> bool {
        !self.unknown && !self.sensitive
    }

    /// Makes one marker of the same kinds; `rest` tells apart what the paths alone do not.
    pub(super) fn marker(&self, what: &str, rest: Option<&Digest>) -> String {
        let mut path = format!("{what}({})", self.paths.join(","));
        if path.len() > 200 {
            path = format!("{what}({})", Digest::of_bytes(path.as_bytes()).short());
        }
        if let Some(rest) = rest {
            path = format!("{path}#{}", rest.short());
        }
        let unknown = if self.unknown { unknown(&path) } else { String::new() };
        let sensitive = if self.sensitive { sensitive(&path) } else { String::new() };
        unknown + &sensitive
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_falls_into_its_markers_and_the_rest() {
        let text = format!("a{}{}b{OPEN}c", unknown("x"), sensitive("y"));
        let found: Vec<_> = pieces(&text).collect();
        assert_eq!(
            found,
            [
                Piece::Text("a"),
                Piece::Marker("\u{E000}?x\u{E001}"),
                Piece::Marker("\u{E000}!y\u{E001}"),
                Piece::Text("b\u{E000}c"),
            ]
        );
        assert!(is_only_markers(&unknown("x")) && !is_only_markers(&text) && !is_only_markers(""));
    }

    #[test]
    fn people_read_words() {
        let text = format!("url={} key={}!", unknown("outputs.a.url"), sensitive("secrets.KEY"));
        assert_eq!(show_markers(&text), "url=(known after apply) key=(sensitive)!");
        assert!(has_unknown(&text) && has_sensitive(&text) && !has_unknown(&strip_markers(&text)));
    }
}
