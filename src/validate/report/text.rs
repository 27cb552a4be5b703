//! The text report of findings: a line for each, with the source below it where that is at hand.

use std::fmt::Write as _;

use super::excerpt::{Excerpt, Lines};
use super::plain::{advice, place, plain};
use super::registry::Format;
use super::report::{Report, Shown, encoded};
use crate::finding::{Finding, Place, Severity};

pub(super) const FORMAT: Format = Format {
    name: "text",
    summary: "for people",
    about: "A line for each finding, the line of the source with what is meant underlined, and what to do. On a \
            terminal it has colours, and places that open the file when they are clicked on. Of one file 20 findings \
            are shown, all with `--verbose`; `--quiet` leaves the sources out.",
    language: "text",
    write: text,
};

/// Reports findings as text, a summary in its last line.
pub fn text(report: &Report<'_>) -> String {
    let mut page = Page { report, shown: &report.shown, out: String::new() };
    let same = |one: &Finding, other: &Finding| one.place.path == other.place.path;
    for of_file in report.findings.chunk_by(same) {
        page.file(of_file);
    }
    let Page { mut out, .. } = page;
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}{}", report.summary(), allowed(report.suppressed.len()));
    out
}

/// Counts what comments took away.
fn allowed(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "; 1 allowed by a comment".to_owned(),
        many => format!("; {many} allowed by comments"),
    }
}

struct Page<'a> {
    report: &'a Report<'a>,
    shown: &'a Shown,
    out: String,
}

impl Page<'_> {
    fn file(&mut self, findings: &[Finding]) {
        let Some(path) = findings.first().map(|finding| &finding.place.path) else { return };
        let most = match self.shown.most_per_file {
            0 => usize::MAX,
            most => most,
        };
        let source = self.report.snapshot.files.get(path).filter(|_| self.shown.source);
        let bytes = source.map(|blob| blob.bytes.get());
        let lines = bytes.as_ref().map(|bytes| Lines::of(bytes).hiding(findings));
        for finding in findings.iter().take(most) {
            self.finding(finding, lines.as_ref());
        }
        if let Some(more @ 1..) = findings.len().checked_sub(most) {
            let start = place(&self.report.from_here, &Place::start_of(path.clone()));
            let path = start.trim_end_matches(":1:1");
            let _ = writeln!(self.out, "{path}: {more} more");
        }
    }

    fn finding(&mut self, finding: &Finding, lines: Option<&Lines<'_>>) {
        let colour = match finding.severity {
            Severity::Error => "1;31",
            Severity::Warning => "1;33",
            Severity::Note => "1;34",
        };
        let at = self.paint("1", &place(&self.report.from_here, &finding.place));
        let at = self.link(&finding.place, at);
        let severity = self.paint(colour, &finding.severity.to_string());
        let rule = self.paint("2", &plain(&finding.rule));
        let _ = writeln!(self.out, "{at}: {severity} {rule} {}", plain(&finding.message));
        if let Some(line) = lines.and_then(|lines| lines.get(finding.place.line)) {
            self.excerpt(&line, &finding.place, colour);
        }
        for (word, what) in advice(finding) {
            let word = self.paint("1;36", word);
            let _ = writeln!(self.out, "  {word}: {what}");
        }
        for (other, what) in &finding.related {
            let at = self.link(other, place(&self.report.from_here, other));
            let _ = writeln!(self.out, "  {at}: {}", plain(what));
        }
        if self.shown.source {
            self.out.push('\n');
        }
    }

    /// Shows the line of the source, and underlines what is meant.
    fn excerpt(&mut self, line: &str, place: &Place, colour: &str) {
        let excerpt = Excerpt::of(line, place);
        let number = place.line.to_string();
        let margin = " ".repeat(number.len());
        let before = " ".repeat(excerpt.before);
        let mark = self.paint(colour, &"^".repeat(excerpt.marked));
        let _ = writeln!(self.out, "  {number} | {}", excerpt.line);
        let _ = writeln!(self.out, "  {margin} | {before}{mark}");
    }

    /// Makes a place open its file on terminals that know links; others show the text alone.
    fn link(&self, place: &Place, text: String) -> String {
        match &self.shown.links {
            Some(folder) if self.shown.colour => {
                let url = format!("{folder}{}", encoded(&place.path));
                format!("\u{1b}]8;;{url}\u{1b}\\{text}\u{1b}]8;;\u{1b}\\")
            }
            _ => text,
        }
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if !self.shown.colour {
            return text.to_owned();
        }
        format!("\u{1b}[{colour}m{text}\u{1b}[0m")
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::finding::Fix;
    use crate::validate::Judge;
    use crate::validate::testing::{ITEM, SERVICE, snapshot};

    fn report(files: &str, shown: Shown) -> String {
        let snapshot = snapshot(files);
        let judged = Judge::default().judge(&snapshot);
        text(&Report { shown, ..Report::new(&snapshot, &judged.findings) })
    }

    const SOURCE: Shown = Shown { colour: false, source: true, most_per_file: 0, links: None };

    #[test]
    fn a_finding_is_shown_with_its_source() {
        let twin =
            SERVICE.replace("payments/", "billing/").replace("team: payments", "team: billing");
        let wrong = SERVICE.replace("size: small", "sise: small");
        assert_snapshot!(report(&format!("{ITEM}{wrong}{twin}"), SOURCE), @r"
            services/billing/payments-db.yaml:3:16: error id/duplicate `services/payments/payments-db.yaml` has the id `payments-db` too
              3 | metadata: {id: payments-db, team: billing}
                |                ^^^^^^^^^^^
              hint: give one of the two another id and file name, or delete the one that is too much
              services/payments/payments-db.yaml:3:16: the other one

            services/payments/payments-db.yaml:3:16: error id/duplicate `services/billing/payments-db.yaml` has the id `payments-db` too
              3 | metadata: {id: payments-db, team: payments}
                |                ^^^^^^^^^^^
              hint: give one of the two another id and file name, or delete the one that is too much
              services/billing/payments-db.yaml:3:16: the other one

            2 errors
            ");
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
        let text = report(&format!("{ITEM}{hostile}"), SOURCE);
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

    #[test]
    fn places_open_their_file_where_that_was_asked_for() {
        let wrong = format!("{ITEM}{}", SERVICE.replace("size: small", "sise: small"));
        let links = Some("file:///home/a%20b/".to_owned());
        let shown = Shown { colour: true, links: links.clone(), ..Shown::default() };
        let text = report(&wrong, shown);
        let url = "\u{1b}]8;;file:///home/a%20b/services/payments/payments-db.yaml\u{1b}\\";
        assert!(text.starts_with(url) && text.contains("\u{1b}]8;;\u{1b}\\: "), "{text}");
        assert!(!report(&wrong, Shown { links, ..Shown::default() }).contains('\u{1b}'));
    }

    #[test]
    fn what_comments_allow_is_counted() {
        let text = |comment: &str| {
            let files = snapshot(&format!(
                "{ITEM}{}",
                SERVICE.replace(
                    "{size: small}",
                    &format!(
                        "{{size: small, label: 'at {{{{services.x.outputs.url}}}}'}}{comment}"
                    )
                )
            ));
            let judged = Judge::default().judge(&files);
            let report =
                Report { suppressed: &judged.suppressed, ..Report::new(&files, &judged.findings) };
            let reasons =
                judged.suppressed.iter().map(|one| one.reason.clone()).collect::<Vec<_>>();
            (text(&report).lines().last().unwrap().to_owned(), reasons.join(","))
        };
        assert_eq!(text("").0, "1 warning");
        let allowed = text(" # trueline: allow template/literal it is meant as it stands ");
        let expected = ("nothing found; 1 allowed by a comment", "it is meant as it stands");
        assert_eq!((allowed.0.as_str(), allowed.1.as_str()), expected);
        assert_eq!(super::allowed(2), "; 2 allowed by comments");
    }

    #[test]
    fn what_a_fix_does_is_told() {
        let files = snapshot(SERVICE);
        let edit = |safe| Fix { what: "quote the number".to_owned(), safe, edits: Vec::new() };
        let finding = Finding::error("a/b", Place::start_of("x"), "m");
        let findings = [
            finding.clone().hint("h").fix(edit(true)),
            finding.clone().hint("h").fix(edit(false)),
            finding.fix(edit(false)),
        ];
        let shown = Shown::default();
        assert_snapshot!(text(&Report { shown, ..Report::new(&files, &findings) }), @r#"
        x:1:1: error a/b m
          hint: h
          fix: quote the number (`trueline validate --fix`)
        x:1:1: error a/b m
          hint: h
        x:1:1: error a/b m
          fix: quote the number
        3 errors
        "#);
    }
}
