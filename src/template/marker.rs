//! Markers: what stands in a rendered text for a value that is not known yet or must not be shown.
//!
//! A marker is `U+E000 ?path U+E001` (unknown) or `U+E000 !path U+E001` (sensitive). The YAML reader
//! refuses both characters and [`strip_markers`] takes them out of what the outside world answers,
//! so nobody can write one.

const OPEN: char = '\u{E000}';
const CLOSE: char = '\u{E001}';

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_words() {
        let text = format!("url={} key={}!", unknown("outputs.a.url"), sensitive("secrets.KEY"));
        assert_eq!(show_markers(&text), "url=(known after apply) key=(sensitive)!");
        assert!(has_unknown(&text) && has_sensitive(&text) && !has_unknown(&strip_markers(&text)));
    }
}
