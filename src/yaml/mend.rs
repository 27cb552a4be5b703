//! How a text can be mended that YAML does not take as it stands. Edits count from behind the byte order mark.

use std::ops::Range;

use super::source::Source;
use crate::finding::{Edit, Fix, Place};

/// Puts a number that readers disagree about in quotes: it may have been meant as a number.
pub(super) fn quote(source: &Source, range: Range<usize>) -> Option<Fix> {
    let written = source.slice(range.start, range.end);
    let is_plain =
        written.chars().all(|each| each.is_ascii_alphanumeric() || "+-._".contains(each));
    (is_plain && !written.is_empty()).then(|| Fix {
        what: "put it in quotes".to_owned(),
        safe: false,
        edits: vec![Edit { start: range.start, end: range.end, text: format!("\"{written}\"") }],
    })
}

/// Puts two spaces for every tab that indents: how deep a tab was meant to be is a guess.
pub(super) fn tabs(source: &Source) -> Option<Fix> {
    let mut edits = Vec::new();
    let mut start = 0;
    for line in source.text.split_inclusive('\n') {
        let content = line.trim_start_matches([' ', '\t']);
        let blanks = line.get(..line.len() - content.len()).unwrap_or_default();
        // Behind blanks a tab may be part of a text.
        if blanks.starts_with('\t') && !content.trim().is_empty() {
            let end = start + blanks.len();
            edits.push(Edit { start, end, text: blanks.replace('\t', "  ") });
        }
        start += line.len();
    }
    let what = "put two spaces for every tab that indents".to_owned();
    (!edits.is_empty()).then_some(Fix { what, safe: false, edits })
}

/// Puts a value that begins with a template in quotes, where it surely ends with its line.
pub(super) fn template(source: &Source, place: &Place) -> Option<Fix> {
    let (line, column) = (source.line(place.line), usize::try_from(place.column).ok()?);
    let (within, _) = line.char_indices().nth(column.checked_sub(1)?)?;
    let (before, rest) = line.split_at_checked(within)?;
    let start = source.start_of(place.line) + within;
    let begins = before.trim_end_matches(' ');
    let is_value = begins.len() < before.len() && begins.ends_with([':', '-']);
    // In brackets a value ends with a comma or bracket, which may be part of the template.
    if !is_value || before.contains(['{', '[', '"', '\'', '#']) {
        return None;
    }
    let value = rest.split(" #").next().unwrap_or_default().trim_end();
    let closed = value.matches("{{").count() == value.matches("}}").count();
    if !closed || !value.ends_with(|last: char| last.is_alphanumeric() || last == '}') {
        return None;
    }
    let quote = ['"', '\''].into_iter().find(|quote| !value.contains([*quote, '\\']))?;
    Some(Fix {
        what: "put the template in quotes".to_owned(),
        safe: value.ends_with("}}") && value.matches("{{").count() == 1,
        edits: vec![Edit {
            start,
            end: start + value.len(),
            text: format!("{quote}{value}{quote}"),
        }],
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::parse;
    use crate::finding::Fix;

    fn fix(source: &str) -> Option<Fix> {
        let (_, findings) = parse(&Arc::from("a.yaml"), source.as_bytes());
        findings.into_iter().find_map(|finding| finding.fix)
    }

    /// Expects what the first fix makes of a source, and whether it is safe.
    #[track_caller]
    fn check(source: &str, safe: bool, expected: &str) {
        for mark in ["", "\u{feff}"] {
            let source = format!("{mark}{source}");
            let fix = fix(&source).unwrap_or_else(|| panic!("no fix in {source:?}"));
            let mut text = source.clone();
            for edit in fix.edits.iter().rev() {
                text.replace_range(edit.start..edit.end, &edit.text);
            }
            assert_eq!((text, fix.safe), (format!("{mark}{expected}"), safe));
        }
    }

    #[test]
    fn doubtful_numbers_are_quoted() {
        check("é: 1\na: 007 # c\r\n", false, "é: 1\na: \"007\" # c\r\n");
        check("a: [0x1F, b]\n", false, "a: [\"0x1F\", b]\n");
    }

    #[test]
    fn tabs_become_spaces() {
        check("a:\n\tb: 1\t# c\n\t\n\tc: 2\n", false, "a:\n  b: 1\t# c\n\t\n  c: 2\n");
    }

    #[test]
    fn templates_are_quoted() {
        check("é: 1\na: {{fields.x}}  # c\n", true, "é: 1\na: \"{{fields.x}}\"  # c\n");
        check("a:\n  - {{x 'y'}}\r\n", true, "a:\n  - \"{{x 'y'}}\"\r\n");
        check("a: {{x \"y\"}}\n", true, "a: '{{x \"y\"}}'\n");
        check("a: {{x}}-{{y}}\n", false, "a: \"{{x}}-{{y}}\"\n");
        for source in ["{a: {{x}}}\n", "a: [{{x}}]\n", "a: {{x \"y\" 'z'}}\n", "a: {{x\n  }}\n"] {
            assert_eq!(fix(source), None, "{source:?}");
        }
    }
}
