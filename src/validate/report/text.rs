//! The text report of findings: a line for each, with the source below it where that is at hand.

use std::fmt::Write as _;

use super::Summary;
use crate::catalog::Catalog;
use crate::finding::{Finding, Place, Severity};

/// How a text report is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// With colours.
    pub colour: bool,
    /// With the line of the source, and what is meant underlined; otherwise one line a finding.
    pub source: bool,
    /// How many findings are shown of one file; the rest is counted. 0 means all.
    pub most_per_file: usize,
}

/// How much of a long line is shown, in characters.
const WIDTH: usize = 120;

/// Reports findings as text, a summary in its last line; the catalog has the sources.
pub fn text(findings: &[Finding], catalog: &Catalog, shown: Shown) -> String {
    let mut report = Report { catalog, shown, out: String::new() };
    let mut rest = findings;
    while let Some(first) = rest.first() {
        let same = rest.iter().take_while(|finding| finding.place.path == first.place.path).count();
        let (of_file, after) = rest.split_at(same);
        report.file(of_file);
        rest = after;
    }
    let Report { mut out, .. } = report;
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}", Summary::of(findings));
    out
}

struct Report<'a> {
    catalog: &'a Catalog,
    shown: Shown,
    out: String,
}

impl Report<'_> {
    fn file(&mut self, findings: &[Finding]) {
        let most = match self.shown.most_per_file {
            0 => usize::MAX,
            most => most,
        };
        for finding in findings.iter().take(most) {
            self.finding(finding);
        }
        if let (Some(first), Some(more @ 1..)) =
            (findings.first(), findings.len().checked_sub(most))
        {
            let path = plain(&first.place.path);
            let _ = writeln!(self.out, "{path}: {more} more");
        }
    }

    fn finding(&mut self, finding: &Finding) {
        let colour = match finding.severity {
            Severity::Error => "1;31",
            Severity::Warning => "1;33",
            Severity::Note => "1;34",
        };
        let at = self.paint("1", &place(&finding.place));
        let severity = self.paint(colour, &finding.severity.to_string());
        let rule = self.paint("2", &finding.rule);
        let _ = writeln!(self.out, "{at}: {severity} {rule} {}", plain(&finding.message));
        if self.shown.source {
            self.excerpt(&finding.place, colour);
        }
        if let Some(hint) = &finding.hint {
            let word = self.paint("1;36", "hint");
            let _ = writeln!(self.out, "  {word}: {}", plain(hint));
        }
        for (other, what) in &finding.related {
            let _ = writeln!(self.out, "  {}: {}", place(other), plain(what));
        }
        if self.shown.source {
            self.out.push('\n');
        }
    }

    /// Shows the line of the source, and underlines what is meant.
    fn excerpt(&mut self, place: &Place, colour: &str) {
        let Some(line) = self.source_line(place) else { return };
        let column = usize::try_from(place.column).unwrap_or(usize::MAX).saturating_sub(1);
        // Of a long line the part is shown that is meant.
        let skipped = if column < WIDTH { 0 } else { column.saturating_sub(WIDTH / 2) };
        let part: String = plain(&line).chars().skip(skipped).take(WIDTH).collect();
        let before = column.saturating_sub(skipped);
        let room = part.chars().count().saturating_sub(before);
        let length = usize::try_from(place.length).unwrap_or(usize::MAX).clamp(1, room.max(1));
        let number = place.line.to_string();
        let margin = " ".repeat(number.len());
        let mark = self.paint(colour, &"^".repeat(length));
        let _ = writeln!(self.out, "  {number} | {part}");
        let _ = writeln!(self.out, "  {margin} | {}{mark}", " ".repeat(before));
    }

    fn source_line(&self, place: &Place) -> Option<String> {
        let document = self.catalog.documents.get(&place.path)?;
        let text = String::from_utf8_lossy(&document.bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let index = usize::try_from(place.line.checked_sub(1)?).ok()?;
        let line = text.lines().nth(index)?;
        (!line.trim().is_empty()).then(|| line.to_owned())
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if !self.shown.colour {
            return text.to_owned();
        }
        format!("\u{1b}[{colour}m{text}\u{1b}[0m")
    }
}

fn place(place: &Place) -> String {
    plain(&place.to_string())
}

/// Makes a text of strangers safe for a terminal: nothing in it acts, each character takes one place.
fn plain(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\t' => ' ',
            '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}' => '\u{fffd}',
            character if character.is_control() => '\u{fffd}',
            character => character,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::validate::testing::{ITEM, SERVICE, judge};

    fn report(files: &str, shown: Shown) -> String {
        let judged = judge(files);
        text(&judged.findings, &judged.catalog, shown)
    }

    const SOURCE: Shown = Shown { colour: false, source: true, most_per_file: 0 };

    #[test]
    fn a_finding_is_shown_with_its_source() {
        let twin =
            SERVICE.replace("payments/", "billing/").replace("team: payments", "team: billing");
        let wrong = SERVICE.replace("size: small", "sise: small");
        assert_snapshot!(report(&format!("{ITEM}{wrong}{twin}"), SOURCE), @r#"
        services/billing/payments-db.yaml:3:16: error id/duplicate `services/payments/payments-db.yaml` has the id `payments-db` too
          3 | metadata: {id: payments-db, team: billing}
            |                ^^^^^^^^^^^
          services/payments/payments-db.yaml:3:16: the other one

        services/payments/payments-db.yaml:3:16: error id/duplicate `services/billing/payments-db.yaml` has the id `payments-db` too
          3 | metadata: {id: payments-db, team: payments}
            |                ^^^^^^^^^^^
          services/billing/payments-db.yaml:3:16: the other one

        2 errors
        "#);
    }

    #[test]
    fn nothing_is_nothing() {
        assert_snapshot!(report(&format!("{ITEM}{SERVICE}"), SOURCE), @r#"nothing found"#);
    }

    #[test]
    fn many_findings_of_a_file_are_counted() {
        let many = ["a", "b", "c", "d", "e"].map(|n| format!("unknown{n}: 1\n")).concat();
        let shown = Shown { most_per_file: 2, ..Shown::default() };
        assert_snapshot!(report(&format!("{ITEM}{SERVICE}{many}"), shown), @r#"
        services/payments/payments-db.yaml:6:1: error schema/unknown-key unknown property `unknowna`
          hint: known here: `catalogBundle`, `catalogItem`, `deletionPolicy`, `dependsOn`, `drift`, `expires`, `fields`, `kind`, `metadata`, `onExpiry`, `priority`, `schemaVersion`, `state`, `version`
        services/payments/payments-db.yaml:7:1: error schema/unknown-key unknown property `unknownb`
          hint: known here: `catalogBundle`, `catalogItem`, `deletionPolicy`, `dependsOn`, `drift`, `expires`, `fields`, `kind`, `metadata`, `onExpiry`, `priority`, `schemaVersion`, `state`, `version`
        services/payments/payments-db.yaml: 3 more
        5 errors
        "#);
    }

    #[test]
    fn nothing_in_a_document_acts_on_the_terminal() {
        let hostile = SERVICE.replace("size: small", "\"\u{1b}[2J\": small, sise\u{202e}: small");
        let shown = Shown { colour: false, source: true, most_per_file: 0 };
        let text = report(&format!("{ITEM}{hostile}"), shown);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text}");
        assert!(text.contains("error"));
    }

    #[test]
    fn colours_are_colours() {
        let wrong = SERVICE.replace("size: small", "sise: small");
        let shown = Shown { colour: true, ..Shown::default() };
        let text = report(&format!("{ITEM}{wrong}"), shown);
        assert!(text.contains("\u{1b}[1;31merror\u{1b}[0m"), "{text}");
    }

    #[test]
    fn a_long_line_is_shown_where_it_matters() {
        let long =
            SERVICE.replace("size: small", &format!("label: {}, sise: small", "x".repeat(5_000)));
        let text = report(&format!("{ITEM}{long}"), SOURCE);
        assert!(text.lines().all(|line| line.chars().count() < 200), "{text}");
        assert!(text.contains("sise"));
    }
}
