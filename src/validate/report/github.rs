//! Workflow commands of GitHub Actions: findings become annotations at their lines. It talks to nobody.

use std::fmt::Write as _;

use super::plain::{advice, place, plain};
use super::registry::Format;
use super::report::Report;
use super::summary::Summary;
use crate::finding::{Finding, Severity};

pub(super) const FORMAT: Format = Format {
    name: "github",
    summary: "for GitHub Actions: workflow commands, annotations in the pull request",
    about: "GitHub shows ten annotations of each kind a step: the most severe come first, the rest stands in the log \
            and is counted by a last notice. Where `GITHUB_STEP_SUMMARY` is set, the Markdown report is appended to \
            it. Paths begin at the root of the repository.",
    language: "text",
    write: github,
};

/// How many annotations of each kind GitHub shows of a step.
const SHOWN: usize = 10;
/// How many of the others stand in the log.
const LOGGED: usize = 1_000;

/// Reports findings as workflow commands.
pub fn github(report: &Report<'_>) -> String {
    let mut out = String::new();
    let mut rest: Vec<&Finding> = Vec::new();
    let most = |severity| match severity {
        // The last notice takes a place of its own.
        Severity::Note => SHOWN - 1,
        Severity::Error | Severity::Warning => SHOWN,
    };
    let mut counts = [0; 3];
    for finding in report.severe_first() {
        let [errors, warnings, notes] = &mut counts;
        let count = match finding.severity {
            Severity::Error => errors,
            Severity::Warning => warnings,
            Severity::Note => notes,
        };
        if *count < most(finding.severity) {
            *count += 1;
            command(&mut out, report, finding);
        } else {
            rest.push(finding);
        }
    }
    if !rest.is_empty() {
        others(&mut out, report, &rest);
    }
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}", report.summary());
    out
}

fn command(out: &mut String, report: &Report<'_>, finding: &Finding) {
    let word = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let at = &finding.place;
    let _ = write!(
        out,
        "::{word} file={},line={},col={}",
        property(&report.path(&at.path)),
        at.line,
        at.column
    );
    if at.length > 0 {
        let _ = write!(out, ",endColumn={}", at.column.saturating_add(at.length));
    }
    let mut message = plain(&finding.message);
    for (word, what) in advice(finding) {
        let _ = write!(message, "\n{word}: {what}");
    }
    for (other, what) in &finding.related {
        let _ = write!(message, "\n{}: {}", place(&report.from_root, other), plain(what));
    }
    let _ = writeln!(out, ",title={}::{}", property(&finding.rule), data(&message));
}

/// Puts what GitHub would not show into the log, and says so.
fn others(out: &mut String, report: &Report<'_>, rest: &[&Finding]) {
    let summary = Summary::of(rest.iter().copied());
    let _ = writeln!(out, "::group::{summary} more");
    for finding in rest.iter().take(LOGGED) {
        let at = place(&report.from_root, &finding.place);
        let (rule, message) = (plain(&finding.rule), plain(&finding.message));
        let _ = writeln!(out, "{at}: {} {rule} {message}", finding.severity);
    }
    if let Some(more @ 1..) = rest.len().checked_sub(LOGGED) {
        let _ = writeln!(out, "and {more} more");
    }
    let _ = writeln!(out, "::endgroup::");
    let message = format!("{summary} more: they stand in the log of this step");
    let _ = writeln!(out, "::notice title=trueline::{}", data(&message));
}

/// Escapes the message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a command.
fn property(text: &str) -> String {
    data(&plain(text)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::catalog::Snapshot;
    use crate::finding::Place;
    use crate::validate::report::tests::{broken, hostile};

    #[test]
    fn findings_are_commands() {
        let (snapshot, findings) = broken();
        let from_root = "platform/".to_owned();
        assert_snapshot!(github(&Report { from_root, ..Report::new(&snapshot, &findings) }), @r#"
        ::error file=platform/services/billing/payments-db.yaml,line=3,col=16,endColumn=27,title=id/duplicate::`services/payments/payments-db.yaml` has the id `payments-db` too%0Aplatform/services/payments/payments-db.yaml:3:16: the other one
        ::error file=platform/services/payments/payments-db.yaml,line=3,col=16,endColumn=27,title=id/duplicate::`services/billing/payments-db.yaml` has the id `payments-db` too%0Aplatform/services/billing/payments-db.yaml:3:16: the other one
        ::error file=platform/services/payments/payments-db.yaml,line=6,col=9,endColumn=13,title=fields/value::expected one of `small`, `large`, found `smal`%0Ahint: did you mean `small`?%0Afix: write `small` (`trueline validate --fix`)
        ::warning file=platform/services/payments/payments-db.yaml,line=7,col=14,title=template/literal::this is taken as it stands: only one lone reference is read in a field%0Ahint: write nothing but `{{services.<id>.outputs.<name>}}`
        3 errors, 1 warning
        "#);
    }

    #[test]
    fn what_github_would_not_show_is_counted() {
        let snapshot = Snapshot::default();
        let place = |line| Place { path: "a,b:c.yaml".into(), line, column: 2, length: 3 };
        let notes = (1..=12).map(|line| Finding::note("a/note", place(line), "n"));
        let errors = (1..=11).map(|line| Finding::error("a/error", place(line), "100%\r\n"));
        let findings: Vec<Finding> = notes.chain(errors).collect();
        let text = github(&Report::new(&snapshot, &findings));
        let begins = |word: &str| text.lines().filter(|line| line.starts_with(word)).count();
        assert_eq!((begins("::error "), begins("::notice ")), (10, 10));
        let tail: Vec<&str> = text.lines().skip(19).collect();
        assert_snapshot!(tail.join("\n"), @r#"
        ::group::1 error, 3 notes more
        a,b:c.yaml:11:2: error a/error 100%��
        a,b:c.yaml:10:2: note a/note n
        a,b:c.yaml:11:2: note a/note n
        a,b:c.yaml:12:2: note a/note n
        ::endgroup::
        ::notice title=trueline::1 error, 3 notes more: they stand in the log of this step
        11 errors, 12 notes
        "#);
        assert_eq!(
            text.lines().next().unwrap(),
            "::error file=a%2Cb%3Ac.yaml,line=1,col=2,endColumn=5,title=a/error::100%25\u{fffd}\u{fffd}"
        );
    }

    #[test]
    fn a_text_starts_no_command_of_its_own() {
        let (snapshot, findings) = hostile();
        let text = github(&Report::new(&snapshot, &findings));
        let commands = text.lines().filter(|line| line.trim_start().starts_with("::"));
        // Ten of each kind at most, the group, its end, and the notice.
        assert!(commands.count() <= 33);
        for line in text.lines().filter(|line| line.starts_with("::error ")) {
            let [_, properties, _message] = line.splitn(3, "::").collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            assert!((3..=4).contains(&properties.matches(',').count()), "{line}");
        }
    }
}
