//! The line of a source with what is meant underlined, as wide as a terminal shows it. It colours nothing.

use unicode_width::UnicodeWidthChar;

use super::plain::{unnoticed, visible};
use crate::finding::{Finding, Place};

/// How much of a long line is shown, in columns of the terminal.
const WIDTH: usize = 120;
/// Columns from one tab stop to the next.
const TAB: usize = 4;

/// A part of a line, and where in it the mark stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    /// What is shown.
    pub(super) line: String,
    /// Columns before the mark.
    pub(super) before: usize,
    /// Columns of the mark; at least one.
    pub(super) marked: usize,
}

impl Excerpt {
    /// Shows the part of a line that a place means.
    pub(super) fn of(line: &str, place: &Place) -> Self {
        let line: Vec<char> = line.chars().collect();
        let start = index(place.column).saturating_sub(1).min(line.len());
        let end = start.saturating_add(index(place.length).max(1));
        let skipped = skipped(line.get(..start).unwrap_or_default());
        let mut excerpt = Self { line: String::new(), before: 0, marked: 0 };
        let mut column = 0;
        for (at, character) in line.iter().enumerate().skip(skipped).take(4 * WIDTH) {
            let width = match character {
                '\t' => TAB - column % TAB,
                character => columns(*character),
            };
            if column + width > WIDTH {
                break;
            }
            match character {
                '\t' => excerpt.line.extend(std::iter::repeat_n(' ', width)),
                character => excerpt.line.push(visible(*character)),
            }
            if at < start {
                excerpt.before += width;
            } else if at < end {
                excerpt.marked += width;
            }
            column += width;
        }
        excerpt.line = unnoticed(&excerpt.line);
        excerpt.marked = excerpt.marked.max(1);
        excerpt
    }
}

/// Says how many characters are left out before what is meant, so that it can be seen.
fn skipped(before: &[char]) -> usize {
    let wide: usize = before.iter().copied().map(columns).sum();
    if wide < WIDTH - WIDTH / 4 && before.len() < 2 * WIDTH {
        return 0;
    }
    let mut room = WIDTH / 2;
    let kept = before.iter().rev().take(2 * WIDTH).take_while(|character| {
        let fits = room.checked_sub(columns(**character));
        room = fits.unwrap_or(0);
        fits.is_some()
    });
    before.len() - kept.count()
}

/// Says how wide a terminal shows a character; of a tab, the most.
fn columns(character: char) -> usize {
    match character {
        '\t' => TAB,
        character => visible(character).width().unwrap_or(0),
    }
}

/// The lines of a file, found once for all findings in it, and what of them must not be shown.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    lines: Vec<&'a [u8]>,
    hidden: Vec<&'a Place>,
}

impl<'a> Lines<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        Self { lines: bytes.split(|byte| *byte == b'\n').collect(), hidden: Vec::new() }
    }

    /// Hides what these findings say is secret: logs are read by more people than the repository.
    pub(super) fn hiding(mut self, findings: &'a [Finding]) -> Self {
        let secret = findings.iter().filter(|finding| finding.rule.starts_with("secret/"));
        self.hidden = secret.map(|finding| &finding.place).collect();
        self
    }

    /// Returns a line, from 1; nothing where it is blank or not there.
    pub(super) fn get(&self, line: u32) -> Option<String> {
        let bytes = self.lines.get(index(line).checked_sub(1)?)?;
        let text = String::from_utf8_lossy(bytes.strip_suffix(b"\r").unwrap_or(bytes));
        let hidden: Vec<&Place> =
            self.hidden.iter().copied().filter(|place| place.line == line).collect();
        if hidden.is_empty() {
            return (!text.trim().is_empty()).then(|| text.into_owned());
        }
        let is_hidden = |column: usize| {
            hidden.iter().any(|place| {
                let start = index(place.column);
                let length = if place.length == 0 { usize::MAX } else { index(place.length) };
                (start..start.saturating_add(length)).contains(&column)
            })
        };
        let shown = text.chars().zip(1..).map(|(each, at)| if is_hidden(at) { '*' } else { each });
        Some(shown.collect())
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows an excerpt as two lines.
    fn check(line: &str, column: u32, length: u32, expected: &str) {
        let place = Place { path: "x".into(), line: 1, column, length };
        let excerpt = Excerpt::of(line, &place);
        let mark = "^".repeat(excerpt.marked);
        let shown = format!("{}\n{}{mark}", excerpt.line, " ".repeat(excerpt.before));
        assert_eq!(shown, expected);
    }

    #[test]
    fn the_mark_stands_under_what_is_meant() {
        check("a: bc", 4, 2, "a: bc\n   ^^");
        check("a: bc", 6, 0, "a: bc\n     ^");
        check("ü: öä", 4, 2, "ü: öä\n   ^^");
        // Wide characters take two columns, marks above a letter none.
        check("漢字: 値x", 5, 2, "漢字: 値x\n      ^^^");
        check("e\u{301}: x", 5, 1, "e\u{301}: x\n   ^");
        check("🦀🦀 x", 4, 1, "🦀🦀 x\n     ^");
        check("\ta\tb", 4, 1, "    a   b\n        ^");
        check("\t\u{1b}x", 3, 1, "    \u{fffd}x\n     ^");
    }

    #[test]
    fn a_place_beyond_the_line_stands_behind_it() {
        check("ab", u32::MAX, u32::MAX, "ab\n  ^");
        check("", 1, 0, "\n^");
        check("ab", 0, 0, "ab\n^");
    }

    #[test]
    fn a_long_line_is_shown_where_it_matters() {
        for filler in ["x", "漢", "\t", "\u{301}"] {
            let line = format!("{}sise: small{}", filler.repeat(5_000), filler.repeat(5_000));
            let place = Place { path: "x".into(), line: 1, column: 5_001, length: 4 };
            let excerpt = Excerpt::of(&line, &place);
            let wide: usize = excerpt.line.chars().filter_map(UnicodeWidthChar::width).sum();
            assert!(wide <= WIDTH && excerpt.line.len() < 2_000, "{filler:?}");
            assert!(excerpt.line.contains("sise") && excerpt.marked == 4, "{filler:?}");
        }
    }

    #[test]
    fn what_is_secret_is_hidden_in_every_excerpt_of_its_line() {
        let at = |column, length| Place { path: "x".into(), line: 1, column, length };
        let findings = [Finding::error("secret/in-clear", at(4, 2), "x")];
        let other = [Finding::error("fields/type", at(4, 2), "x")];
        let to_the_end = [Finding::error("secret/in-clear", at(4, 0), "x")];
        let shown = |findings| Lines::of("a: ü1, b".as_bytes()).hiding(findings).get(1).unwrap();
        assert_eq!(shown(&findings), "a: **, b");
        assert_eq!(shown(&to_the_end), "a: *****");
        assert_eq!(shown(&other), "a: ü1, b");
    }

    #[test]
    fn lines_are_those_that_people_count() {
        let lines = Lines::of("\u{feff}a\r\n\n  \nb".as_bytes());
        let shown: Vec<_> = (0..6).map(|line| lines.get(line)).collect();
        assert_eq!(shown, [None, Some("a".into()), None, None, Some("b".into()), None]);
        assert_eq!(Lines::of(b"\xff").get(1), Some("\u{fffd}".to_owned()));
    }
}
