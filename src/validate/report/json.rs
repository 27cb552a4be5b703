//! The JSON report of findings, `trueline.findings/v1`. Its shape changes only with its version.

use serde::Serialize;

use super::plain::inert;
use super::registry::Format;
use super::report::Report;
use super::summary::Summary;
use crate::finding::{Finding, Fix, Place, Severity};
use crate::validate::Rule;

pub(super) const FORMAT: Format = Format {
    name: "json",
    summary: "for programs: `trueline.findings/v1`",
    about: "Everything there is to know, as `schemas/reports/findings.json` describes it. Paths begin at the root of \
            the catalog. The edits of a fix count bytes from the start of the file, and none overlap.",
    language: "json",
    write: |report| inert(&serde_json::to_string_pretty(&json(report)).unwrap_or_default()) + "\n",
};

/// The report as it is written.
#[derive(Debug, Serialize)]
pub struct FindingsReport<'a> {
    schema: &'static str,
    commit: &'a str,
    summary: Counts,
    findings: Vec<Row<'a>>,
    rules: Vec<About>,
}

#[derive(Debug, Serialize)]
struct Counts {
    errors: usize,
    warnings: usize,
    notes: usize,
    suppressed: usize,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    rule: &'a str,
    severity: Severity,
    #[serde(flatten)]
    place: At<'a>,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related: Vec<Related<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<Mend<'a>>,
}

#[derive(Debug, Serialize)]
struct Related<'a> {
    #[serde(flatten)]
    place: At<'a>,
    message: &'a str,
}

#[derive(Debug, Serialize)]
struct At<'a> {
    path: &'a str,
    line: u32,
    column: u32,
    length: u32,
}

#[derive(Debug, Serialize)]
struct Mend<'a> {
    what: &'a str,
    safe: bool,
    edits: Vec<Change<'a>>,
}

#[derive(Debug, Serialize)]
struct Change<'a> {
    start: usize,
    end: usize,
    text: &'a str,
}

#[derive(Debug, Serialize)]
struct About {
    rule: &'static str,
    summary: &'static str,
    why: &'static str,
    mend: &'static str,
}

/// Reports findings for programs; `schemas/reports/findings.json` describes it.
pub fn json<'a>(report: &Report<'a>) -> FindingsReport<'a> {
    let Summary { errors, warnings, notes } = report.summary();
    let suppressed = report.suppressed.len();
    FindingsReport {
        schema: "trueline.findings/v1",
        commit: &report.snapshot.commit,
        summary: Counts { errors, warnings, notes, suppressed },
        findings: report.findings.iter().map(Row::of).collect(),
        rules: report.rules().into_iter().map(About::of).collect(),
    }
}

impl<'a> Row<'a> {
    fn of(finding: &'a Finding) -> Self {
        let related = finding.related.iter();
        let related = related.map(|(place, message)| Related { place: At::of(place), message });
        Self {
            rule: &finding.rule,
            severity: finding.severity,
            place: At::of(&finding.place),
            message: &finding.message,
            hint: finding.hint.as_deref(),
            related: related.collect(),
            fix: finding.fix.as_ref().map(Mend::of),
        }
    }
}

impl<'a> At<'a> {
    fn of(place: &'a Place) -> Self {
        Self { path: &place.path, line: place.line, column: place.column, length: place.length }
    }
}

impl<'a> Mend<'a> {
    fn of(fix: &'a Fix) -> Self {
        let edits = fix.edits.iter();
        let edits = edits.map(|edit| Change { start: edit.start, end: edit.end, text: &edit.text });
        Self { what: &fix.what, safe: fix.safe, edits: edits.collect() }
    }
}

impl About {
    fn of(rule: &'static Rule) -> Self {
        Self { rule: rule.id, summary: rule.summary, why: rule.why, mend: rule.mend }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::validate::report::tests::{broken, hostile};

    #[test]
    fn the_report_is_what_its_schema_says() {
        let schema: Value =
            serde_json::from_str(include_str!("../../../schemas/reports/findings.json")).unwrap();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        assert!(!validator.is_valid(&serde_json::json!({"schema": "trueline.findings/v2"})));
        let (snapshot, findings) = broken();
        let (hostile_snapshot, hostile_findings) = hostile();
        for report in [
            Report::new(&snapshot, &[]),
            Report::new(&snapshot, &findings),
            Report::new(&hostile_snapshot, &hostile_findings),
        ] {
            let written: Value = serde_json::from_str(&(FORMAT.write)(&report)).unwrap();
            let errors = validator.iter_errors(&written).map(|error| error.to_string());
            assert_eq!(errors.collect::<Vec<_>>(), [""; 0]);
            let rows = written["findings"].as_array().unwrap();
            let messages: Vec<&str> =
                rows.iter().filter_map(|row| row["message"].as_str()).collect();
            let expected: Vec<&str> = report.findings.iter().map(|f| f.message.as_str()).collect();
            assert_eq!(messages, expected);
        }
    }
}
