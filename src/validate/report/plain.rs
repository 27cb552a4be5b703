//! Makes texts of strangers safe to show: nothing in them acts, hides or fills the screen.

use std::fmt::Write as _;

use crate::catalog::joined;
use crate::finding::{Finding, Place};

/// How much of one message or hint is shown, in characters.
const MOST: usize = 2_000;

/// Returns what is shown for a character: itself, or a sign that something unseen was there.
pub(super) fn visible(character: char) -> char {
    match character {
        '\t' => ' ',
        '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{fffe}'
        | '\u{ffff}'
        | '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
        character if character.is_control() => '\u{fffd}',
        character => character,
    }
}

/// Makes a text safe for one line: each character takes the place of one, and a long one is cut.
pub(super) fn plain(text: &str) -> String {
    let mut characters = text.chars();
    let shown: String = characters.by_ref().take(MOST).map(visible).collect();
    let mut shown = unnoticed(&shown);
    let rest = characters.count();
    if rest > 0 {
        // Writing to a String cannot fail.
        let _ = write!(shown, "… and {rest} characters more");
    }
    shown
}

/// Writes in JSON as escapes, which say the same, what would act on a terminal or hide.
pub(super) fn inert(json: &str) -> String {
    let mut written = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\n' || visible(character) == character {
            written.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a String cannot fail.
            let _ = write!(written, "\\u{unit:04x}");
        }
    }
    written
}

/// Breaks what the runner of GitHub Actions takes for a command in the middle of a line.
pub(super) fn unnoticed(text: &str) -> String {
    text.replace("##[", "##\u{fffd}")
}

/// Writes a place for people, below a prefix; never so that a runner takes it for a command.
pub(super) fn place(prefix: &str, place: &Place) -> String {
    let Place { path, line, column, .. } = place;
    let shown = plain(&format!("{}:{line}:{column}", joined(prefix, path)));
    if shown.trim_start().starts_with(':') { format!("./{shown}") } else { shown }
}

/// Says what to do about a finding, each with the word that stands before it.
pub(super) fn advice(finding: &Finding) -> Vec<(&'static str, String)> {
    let hint = finding.hint.as_ref().map(|hint| ("hint", plain(hint)));
    let fix = finding.fix.as_ref().and_then(|fix| match (fix.safe, &finding.hint) {
        (true, _) => Some(("fix", format!("{} (`trueline validate --fix`)", plain(&fix.what)))),
        (false, None) => Some(("fix", plain(&fix.what))),
        // The hint says already what a person has to decide.
        (false, Some(_)) => None,
    });
    hint.into_iter().chain(fix).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_acts() {
        for (text, expected) in [
            ("a `b` ü 漢", "a `b` ü 漢"),
            ("a\tb\n\u{1b}[2J\u{202e}\u{85}", "a b\u{fffd}\u{fffd}[2J\u{fffd}\u{fffd}"),
            ("x ##[add-mask]y", "x ##\u{fffd}add-mask]y"),
        ] {
            assert_eq!(plain(text), expected);
        }
        let hidden = "\u{202e}\u{9b}\u{e0041}";
        let json = serde_json::to_string(hidden).unwrap();
        assert_eq!(inert(&json), r#""\u202e\u009b\udb40\udc41""#);
        assert_eq!(serde_json::from_str::<String>(&inert(&json)).unwrap(), hidden);
        assert!(plain(&"x".repeat(1 << 20)).ends_with("x… and 1046576 characters more"));
        assert_eq!(place("", &Place::start_of(" ::error::x")), "./ ::error::x:1:1");
    }
}
