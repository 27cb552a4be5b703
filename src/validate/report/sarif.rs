//! SARIF 2.1.0, for code scanning and editors. It names no machine and no time, so the same is written twice.

use std::collections::{BTreeMap, HashMap};

use super::plain::{inert, plain};
use super::registry::Format;
use super::report::{Report, rows};
use super::sarif_log::{
    Artifact, ArtifactChange, Base, Bytes, Configuration, Content, Descriptor, Driver, FixRow,
    Invocation, Location, Log, PhysicalLocation, Properties, Region, Replacement, ResultRow, Run,
    Suppression, Text, Tool,
};
use crate::digest::Digest;
use crate::finding::{Finding, Fix, Place, Severity};
use crate::validate::{Rule, Suppressed};

pub(super) const FORMAT: Format = Format {
    name: "sarif",
    summary: "for code scanning and editors: SARIF 2.1.0",
    about: "URIs are relative to `SRCROOT`, the root of the repository; columns count Unicode code points. The \
            fingerprint stays while rule, path and message do, so that a finding that moved is the same one. Safe and \
            unsafe fixes are both given, as SARIF leaves the choice to a person. What a comment allows is there too, last and with \
            the comment's reason, as `suppressions` of the kind `inSource`.",
    language: "json",
    write: sarif,
};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
const ROOT: &str = "SRCROOT";
const FINGERPRINT: &str = "ruleAndMessage/v1";

/// Reports findings as SARIF 2.1.0.
pub fn sarif(report: &Report<'_>) -> String {
    let suppressed = || report.suppressed.iter().map(|one| &one.finding);
    let rules = rows(report.findings.iter().chain(suppressed()));
    let index: HashMap<&str, usize> =
        rules.iter().enumerate().map(|(at, rule)| (rule.id, at)).collect();
    let mut seen = HashMap::new();
    let mut row = |finding, reason| ResultRow {
        suppressions: reason,
        ..result(report, &index, finding, &mut seen)
    };
    let mut results: Vec<ResultRow<'_>> =
        report.findings.iter().map(|finding| row(finding, None)).collect();
    let told =
        |one: &Suppressed| [Suppression { kind: "inSource", justification: plain(&one.reason) }];
    results.extend(report.suppressed.iter().map(|one| row(&one.finding, Some(told(one)))));
    let run = Run {
        tool: Tool {
            driver: Driver {
                name: "Trueline",
                version: env!("CARGO_PKG_VERSION"),
                semantic_version: env!("CARGO_PKG_VERSION"),
                rules: rules.into_iter().map(descriptor).collect(),
            },
        },
        invocations: [Invocation { execution_successful: true }],
        column_kind: "unicodeCodePoints",
        original_uri_base_ids: BTreeMap::from([(
            ROOT,
            Base { description: text("The root of the repository.") },
        )]),
        results,
    };
    let log = Log { schema: SCHEMA, version: "2.1.0", runs: [run] };
    inert(&serde_json::to_string_pretty(&log).unwrap_or_default()) + "\n"
}

fn descriptor(rule: &'static Rule) -> Descriptor {
    let help = format!("{}\n\nWrong:\n{}\n\nRight:\n{}", rule.mend, rule.bad, rule.good);
    let markdown = format!(
        "{}\n\n{}\n\nWrong:\n\n```yaml\n{}\n```\n\nRight:\n\n```yaml\n{}\n```\n",
        rule.why, rule.mend, rule.bad, rule.good
    );
    Descriptor {
        id: rule.id,
        name: pascal_case(rule.id),
        short_description: text(rule.summary),
        full_description: text(&format!("{} {}", rule.summary, rule.why)),
        help: Text { text: help, markdown: Some(markdown) },
        default_configuration: Configuration { level: level(rule.severity) },
        properties: Properties {
            tags: vec!["catalog", rule.group()],
            severity: match rule.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "recommendation",
            },
        },
    }
}

fn result<'a>(
    report: &Report<'_>,
    rules: &HashMap<&str, usize>,
    finding: &'a Finding,
    seen: &mut HashMap<Digest, usize>,
) -> ResultRow<'a> {
    let message = match &finding.hint {
        Some(hint) => format!("{} ({})", plain(&finding.message), plain(hint)),
        None => plain(&finding.message),
    };
    let related = finding.related.iter().enumerate().map(|(at, (place, what))| Location {
        id: Some(at + 1),
        message: Some(text(&plain(what))),
        ..location(report, place)
    });
    ResultRow {
        rule_id: plain(&finding.rule),
        rule_index: rules.get(finding.rule.as_str()).copied(),
        level: level(finding.severity),
        message: text(&message),
        locations: [location(report, &finding.place)],
        related_locations: related.collect(),
        partial_fingerprints: BTreeMap::from([(FINGERPRINT, fingerprint(finding, seen))]),
        suppressions: None,
        fixes: finding.fix.iter().map(|fix| fix_row(report, &finding.place, fix)).collect(),
    }
}

/// Names a finding by what does not change when lines move; of several alike, each gets its number.
fn fingerprint(finding: &Finding, seen: &mut HashMap<Digest, usize>) -> String {
    let parts = [&finding.rule, &*finding.place.path, &finding.message];
    let digest = Digest::of_digests(&parts.map(|part| Digest::of_bytes(part.as_bytes())));
    let count = seen.entry(digest).and_modify(|count| *count += 1).or_insert(1);
    format!("{}:{count}", digest.to_string().get(..32).unwrap_or_default())
}

fn location(report: &Report<'_>, place: &Place) -> Location {
    let start_column = place.column.max(1);
    let region = Region {
        start_line: place.line.max(1),
        start_column,
        end_column: (place.length > 0).then(|| start_column.saturating_add(place.length)),
    };
    let artifact_location = artifact(report, &place.path);
    let physical = PhysicalLocation { artifact_location, region };
    Location { id: None, physical, message: None }
}

fn artifact(report: &Report<'_>, path: &str) -> Artifact {
    Artifact { uri: report.uri(path), uri_base_id: ROOT }
}

fn fix_row<'a>(report: &Report<'_>, place: &Place, fix: &'a Fix) -> FixRow<'a> {
    let replacements = fix.edits.iter().map(|edit| Replacement {
        deleted_region: Bytes {
            byte_offset: edit.start,
            byte_length: edit.end.saturating_sub(edit.start),
        },
        inserted_content: Content { text: &edit.text },
    });
    FixRow {
        description: text(&plain(&fix.what)),
        artifact_changes: [ArtifactChange {
            artifact_location: artifact(report, &place.path),
            replacements: replacements.collect(),
        }],
    }
}

/// Makes a message. SARIF takes `[text](url)` for a link: what looks like one is escaped as it says.
fn text(message: &str) -> Text {
    let text = match message.contains("](") {
        true => message.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]"),
        false => message.to_owned(),
    };
    Text { text, markdown: None }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn pascal_case(id: &str) -> String {
    id.split(['/', '-'])
        .flat_map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            first.into_iter().chain(letters)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::validate::report::tests::{broken, hostile};
    use crate::validate::rules;

    /// The official schema; `tests/fixtures/README.md` says where it is from.
    fn schema() -> jsonschema::Validator {
        let schema = include_str!("../../../tests/fixtures/sarif-2.1.0.json");
        let mut schema: Value = serde_json::from_str(schema).unwrap();
        // The one pattern in it that is no regular expression has a bracket too many. We write no language.
        for part in ["run", "toolComponent"] {
            let language = &mut schema["definitions"][part]["properties"]["language"];
            assert!(language.as_object_mut().unwrap().remove("pattern").is_some());
        }
        jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
    }

    fn written(report: &Report<'_>) -> Value {
        serde_json::from_str(&sarif(report)).unwrap()
    }

    #[test]
    fn the_report_is_what_the_official_schema_says() {
        let (snapshot, findings) = broken();
        let (hostile_snapshot, hostile_findings) = hostile();
        let of_every_rule: Vec<Finding> = rules()
            .iter()
            .map(|rule| Finding::error(rule.id, findings[0].place.clone(), "x"))
            .collect();
        let schema = schema();
        for report in [
            Report::new(&snapshot, &[]),
            Report::new(&snapshot, &findings),
            Report::new(&snapshot, &of_every_rule),
            Report::new(&hostile_snapshot, &hostile_findings),
        ] {
            let log = written(&report);
            let errors = schema.iter_errors(&log).map(|error| error.to_string());
            assert_eq!(errors.collect::<Vec<_>>(), [""; 0]);
            assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), report.findings.len());
        }
        let mut log = written(&Report::new(&snapshot, &findings));
        log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] =
            0.into();
        assert!(!schema.is_valid(&log));
    }

    #[test]
    fn a_result_points_at_its_rule_and_place() {
        let (snapshot, findings) = broken();
        let from_root = "my platform/".to_owned();
        let log = written(&Report { from_root, ..Report::new(&snapshot, &findings) });
        let run = &log["runs"][0];
        for (result, finding) in run["results"].as_array().unwrap().iter().zip(&findings) {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(run["tool"]["driver"]["rules"][index]["id"], finding.rule);
            let at = &result["locations"][0]["physicalLocation"];
            let uri = format!("my%20platform/{}", finding.place.path);
            assert_eq!(at["artifactLocation"]["uri"], uri);
            assert_eq!(at["region"]["startColumn"], finding.place.column);
            let end = finding.place.column + finding.place.length;
            assert_eq!(at["region"].get("endColumn").is_some(), finding.place.length > 0);
            assert!(at["region"].get("endColumn").is_none_or(|column| *column == end));
        }
        assert_eq!(pascal_case("reference/unknown-item"), "ReferenceUnknownItem");
    }

    #[test]
    fn what_a_comment_allows_is_told_with_its_reason() {
        let (snapshot, findings) = broken();
        let suppressed = [Suppressed {
            finding: Finding::note("action/unreachable", findings[3].place.clone(), "never runs"),
            reason: "switched on in May, see #7".to_owned(),
        }];
        let report = Report { suppressed: &suppressed, ..Report::new(&snapshot, &findings) };
        let log = written(&report);
        let errors = schema().iter_errors(&log).map(|error| error.to_string()).collect::<Vec<_>>();
        assert_eq!(errors, [""; 0]);
        let results = log["runs"][0]["results"].as_array().unwrap();
        assert_eq!(results.len(), findings.len() + 1);
        assert!(results[..findings.len()].iter().all(|row| row.get("suppressions").is_none()));
        let expected = serde_json::json!([
            {"kind": "inSource", "justification": "switched on in May, see #7"}
        ]);
        let last = &results[findings.len()];
        assert_eq!(last["suppressions"], expected);
        let index = usize::try_from(last["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(log["runs"][0]["tool"]["driver"]["rules"][index]["id"], "action/unreachable");
        let mut wrong = log.clone();
        wrong["runs"][0]["results"][findings.len()]["suppressions"][0]["kind"] = "x".into();
        assert!(!schema().is_valid(&wrong));
    }

    #[test]
    fn a_finding_that_moved_is_the_same() {
        let finding = |line, message: &str| {
            let place = Place { path: "a.yaml".into(), line, column: 1, length: 0 };
            Finding::error("a/b", place, message)
        };
        let prints = |findings: &[Finding]| -> Vec<String> {
            let mut seen = HashMap::new();
            findings.iter().map(|finding| fingerprint(finding, &mut seen)).collect()
        };
        let before = prints(&[finding(1, "x"), finding(2, "x"), finding(3, "y")]);
        assert_eq!(before, prints(&[finding(7, "x"), finding(8, "x"), finding(9, "y")]));
        assert_eq!(before[0].replace(":1", ":2"), before[1]);
        assert_ne!(before[0].split(':').next(), before[2].split(':').next());
    }

    #[test]
    fn a_fix_says_which_bytes() {
        let (snapshot, _) = broken();
        let edit = crate::finding::Edit { start: 4, end: 9, text: "\"7\"".to_owned() };
        let fix = Fix { what: "quote the number".to_owned(), safe: true, edits: vec![edit] };
        let finding =
            [Finding::error("a/b", Place::start_of("a b.yaml"), "see [x](https://y)").fix(fix)];
        let log = written(&Report::new(&snapshot, &finding));
        let result = &log["runs"][0]["results"][0];
        assert_eq!(result["message"]["text"], r"see \[x\](https://y)");
        let expected = serde_json::json!([{
            "description": {"text": "quote the number"},
            "artifactChanges": [{
                "artifactLocation": {"uri": "a%20b.yaml", "uriBaseId": "SRCROOT"},
                "replacements": [{
                    "deletedRegion": {"byteOffset": 4, "byteLength": 5},
                    "insertedContent": {"text": "\"7\""}
                }]
            }]
        }]);
        assert_eq!(result["fixes"], expected);
        assert!(result.get("ruleIndex").is_none());
    }
}
