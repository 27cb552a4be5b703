//! `JUnit` XML: each document is a test that passed or failed. No time is in it, so the same is written twice.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Report as Xml, TestCase, TestCaseStatus, TestSuite};

use super::plain::{advice, place, plain};
use super::registry::Format;
use super::report::Report;
use crate::finding::Finding;

pub(super) const FORMAT: Format = Format {
    name: "junit",
    summary: "for CI systems that show tests: JUnit XML",
    about: "Each document that was asked about is a test case, so that the counts make sense. It fails where a finding \
            is as bad as `--fail-on` says; milder ones stand in its output. Paths begin at the root of the repository.",
    language: "xml",
    write: junit,
};

/// How many findings of one document are written.
const MOST: usize = 100;

/// Reports findings as `JUnit` XML.
pub fn junit(report: &Report<'_>) -> String {
    let mut documents: BTreeMap<&str, Vec<&Finding>> =
        report.documents().map(|path| (path, Vec::new())).collect();
    for finding in report.findings {
        documents.entry(&finding.place.path).or_default().push(finding);
    }
    let mut suite = TestSuite::new("trueline validate");
    for (path, findings) in documents {
        suite.add_test_case(test_case(report, path, &findings));
    }
    let mut xml = Xml::new("trueline");
    xml.add_test_suite(suite);
    xml.to_string().expect("text is written to memory")
}

fn test_case(report: &Report<'_>, path: &str, findings: &[&Finding]) -> TestCase {
    let (failed, passed): (Vec<&Finding>, Vec<&Finding>) =
        findings.iter().copied().partition(|finding| report.fails(finding));
    let status = match failed.as_slice() {
        [] => TestCaseStatus::success(),
        [first, more @ ..] => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let message = plain(&first.message);
            status.set_message(match more.len() {
                0 => message,
                more => format!("{message} (and {more} more)"),
            });
            status.set_type(plain(&first.rule));
            status.set_description(listed(report, &failed));
            status
        }
    };
    let path = plain(&report.path(path));
    let mut case = TestCase::new(path.as_str(), status);
    case.set_classname(path.rsplit_once('/').map_or("", |(folder, _)| folder));
    case.extra.insert("file".into(), path.into());
    if !passed.is_empty() {
        case.set_system_out(listed(report, &passed));
    }
    case
}

fn listed(report: &Report<'_>, findings: &[&Finding]) -> String {
    let mut lines = Vec::new();
    for finding in findings.iter().take(MOST) {
        let at = place(&report.from_root, &finding.place);
        let (rule, message) = (plain(&finding.rule), plain(&finding.message));
        lines.push(format!("{at}: {} {rule} {message}", finding.severity));
        lines.extend(advice(finding).iter().map(|(word, what)| format!("  {word}: {what}")));
        let related = finding.related.iter().take(MOST);
        lines.extend(related.map(|(other, what)| {
            format!("  {}: {}", place(&report.from_root, other), plain(what))
        }));
    }
    if let Some(more @ 1..) = findings.len().checked_sub(MOST) {
        lines.push(format!("and {more} more"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::finding::Severity;
    use crate::validate::report::tests::{broken, hostile};

    #[test]
    fn a_document_is_a_test() {
        let (snapshot, findings) = broken();
        assert_snapshot!(junit(&Report::new(&snapshot, &findings)), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="trueline" tests="3" failures="2" errors="0">
            <testsuite name="trueline validate" tests="3" disabled="0" errors="0" failures="2">
                <testcase name="catalog/databases/database-standard.yaml" classname="catalog/databases" file="catalog/databases/database-standard.yaml">
                </testcase>
                <testcase name="services/billing/payments-db.yaml" classname="services/billing" file="services/billing/payments-db.yaml">
                    <failure message="`services/payments/payments-db.yaml` has the id `payments-db` too" type="id/duplicate">services/billing/payments-db.yaml:3:16: error id/duplicate `services/payments/payments-db.yaml` has the id `payments-db` too
          services/payments/payments-db.yaml:3:16: the other one</failure>
                </testcase>
                <testcase name="services/payments/payments-db.yaml" classname="services/payments" file="services/payments/payments-db.yaml">
                    <failure message="`services/billing/payments-db.yaml` has the id `payments-db` too (and 1 more)" type="id/duplicate">services/payments/payments-db.yaml:3:16: error id/duplicate `services/billing/payments-db.yaml` has the id `payments-db` too
          services/billing/payments-db.yaml:3:16: the other one
        services/payments/payments-db.yaml:6:9: error fields/value expected one of `small`, `large`, found `smal`
          hint: did you mean `small`?
          fix: write `small` (`trueline validate --fix`)</failure>
                    <system-out>services/payments/payments-db.yaml:7:14: warning template/literal this is taken as it stands: only one lone reference is read in a field
          hint: write nothing but `{{services.&lt;id&gt;.outputs.&lt;name&gt;}}`</system-out>
                </testcase>
            </testsuite>
        </testsuites>
        "#);
    }

    #[test]
    fn what_fails_is_what_was_asked_for() {
        let (snapshot, findings) = broken();
        let failed = |fail_on| {
            let xml = junit(&Report { fail_on, ..Report::new(&snapshot, &findings) });
            (xml.contains("(and 2 more)"), xml.contains("<system-out>"))
        };
        assert_eq!(failed(Severity::Error), (false, true));
        assert_eq!(failed(Severity::Warning), (true, false));
    }

    #[test]
    fn whatever_stands_in_a_text_it_is_xml() {
        let (snapshot, findings) = hostile();
        let xml = junit(&Report::new(&snapshot, &findings));
        let read = Xml::deserialize_from_str(&xml).unwrap();
        assert_eq!(read.test_suites.len(), 1);
        assert!(read.failures > 0 && read.tests >= read.failures);
        let legal = |c: char| matches!(c, '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        assert_eq!(xml.chars().find(|c| !legal(*c)), None);
    }
}
