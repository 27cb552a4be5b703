//! The JSON report of findings, `trueline.findings/v1`. Its shape changes only with its version.

use serde::Serialize;
use serde_json::Value;

use super::Summary;
use crate::finding::{Finding, Place, Severity};

#[derive(Serialize)]
struct Report<'a> {
    schema: &'static str,
    commit: &'a str,
    summary: Counts,
    findings: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Counts {
    errors: usize,
    warnings: usize,
    notes: usize,
}

#[derive(Serialize)]
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
}

#[derive(Serialize)]
struct Related<'a> {
    #[serde(flatten)]
    place: At<'a>,
    message: &'a str,
}

#[derive(Serialize)]
struct At<'a> {
    path: &'a str,
    line: u32,
    column: u32,
    length: u32,
}

impl<'a> At<'a> {
    fn of(place: &'a Place) -> Self {
        Self { path: &place.path, line: place.line, column: place.column, length: place.length }
    }
}

/// Reports findings as JSON; `schemas/reports/findings.json` describes it.
pub fn json(commit: &str, findings: &[Finding]) -> Value {
    let Summary { errors, warnings, notes } = Summary::of(findings);
    let row = |finding: &'_ Finding| -> Value {
        let row = Row {
            rule: &finding.rule,
            severity: finding.severity,
            place: At::of(&finding.place),
            message: &finding.message,
            hint: finding.hint.as_deref(),
            related: finding
                .related
                .iter()
                .map(|(place, message)| Related { place: At::of(place), message })
                .collect(),
        };
        serde_json::to_value(row).unwrap_or_default()
    };
    let report = Report {
        schema: "trueline.findings/v1",
        commit,
        summary: Counts { errors, warnings, notes },
        findings: Vec::new(),
    };
    let mut value = serde_json::to_value(report).unwrap_or_default();
    if let Some(rows) = value.get_mut("findings") {
        *rows = findings.iter().map(row).collect();
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::testing::{ITEM, SERVICE, judge};

    #[test]
    fn the_report_is_what_its_schema_says() {
        let wrong = SERVICE.replace("size: small", "sise: small");
        let twin =
            SERVICE.replace("payments/", "billing/").replace("team: payments", "team: billing");
        let judged = judge(&format!("{ITEM}{wrong}{twin}"));
        let report = json("dir:1", &judged.findings);
        let schema: Value =
            serde_json::from_str(include_str!("../../../schemas/reports/findings.json")).unwrap();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let errors: Vec<String> = validator.iter_errors(&report).map(|e| e.to_string()).collect();
        assert_eq!(errors, [""; 0]);
        assert!(!validator.is_valid(&serde_json::json!({"schema": "trueline.findings/v2"})));
        assert!(report["findings"].as_array().unwrap().len() > 1);
        let empty = json("", &[]);
        assert!(validator.is_valid(&empty));
    }
}
