//! Findings as an editor shows them, and their fixes as it offers them. It finds and applies nothing.

use lsp_types::{DiagnosticSeverity, Range};
use serde_json::{Value, json};

use super::folder::Folder;
use super::text::{Encoding, Text};
use crate::finding::{Finding, Fix, Severity};

/// Returns the diagnostics of a file.
pub(super) fn diagnostics(
    folder: &Folder,
    path: &str,
    findings: &[Finding],
    encoding: Encoding,
) -> Vec<Value> {
    let text = folder.text(path).unwrap_or_else(|| Text::new(""));
    findings.iter().map(|finding| diagnostic(folder, &text, finding, encoding)).collect()
}

fn diagnostic(folder: &Folder, text: &Text, finding: &Finding, encoding: Encoding) -> Value {
    let severity = match finding.severity {
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Note => DiagnosticSeverity::INFORMATION,
    };
    let message = match &finding.hint {
        Some(hint) => format!("{}\nhint: {hint}", finding.message),
        None => finding.message.clone(),
    };
    let related = finding.related.iter().filter_map(|(place, what)| {
        let other = folder.text(&place.path)?;
        let uri = folder.uri_of(&place.path)?;
        let location = json!({"uri": uri, "range": other.range_of(place, encoding)});
        Some(json!({"location": location, "message": what}))
    });
    let related: Vec<Value> = related.collect();
    let mut diagnostic = json!({
        "range": text.range_of(&finding.place, encoding),
        "severity": severity,
        "code": finding.rule,
        "source": "trueline",
        "message": message,
    });
    if let (false, Value::Object(fields)) = (related.is_empty(), &mut diagnostic) {
        fields.insert("relatedInformation".to_owned(), related.into());
    }
    diagnostic
}

/// Returns the fixes of the findings of a file that touch a range.
pub(super) fn actions(
    folder: &Folder,
    path: &str,
    uri: &str,
    (range, encoding): (Range, Encoding),
) -> Vec<Value> {
    let Some(text) = folder.text(path) else { return Vec::new() };
    let fixable = folder.told(path).iter().filter_map(|finding| {
        let fix = finding.fix.as_ref()?;
        let marked = text.range_of(&finding.place, encoding);
        let touches = marked.start <= range.end && range.start <= marked.end;
        touches.then_some((finding, fix))
    });
    fixable
        .filter_map(|(finding, fix)| {
            Some(json!({
                "title": capital(&fix.what),
                "kind": "quickfix",
                "isPreferred": fix.safe,
                "diagnostics": [diagnostic(folder, &text, finding, encoding)],
                "edit": {"changes": {uri: edits(&text, fix, encoding)?}},
            }))
        })
        .collect()
}

/// Returns the edits of a fix; nothing where one is not about this text.
fn edits(text: &Text, fix: &Fix, encoding: Encoding) -> Option<Vec<Value>> {
    let edit = |edit: &crate::finding::Edit| {
        text.as_str().get(edit.start..edit.end)?;
        Some(json!({"range": text.range(edit.start..edit.end, encoding), "newText": edit.text}))
    };
    fix.edits.iter().map(edit).collect()
}

fn capital(words: &str) -> String {
    let mut characters = words.chars();
    characters.next().into_iter().flat_map(char::to_uppercase).chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Edit, Place};

    #[test]
    fn a_fix_is_a_change_of_its_text_only() {
        let text = Text::new("a: 🙂x\r\n");
        let edit = |start, end| Edit { start, end, text: "y".into() };
        let fix = |edits| Fix { what: "write y".into(), safe: true, edits };
        let made = edits(&text, &fix(vec![edit(7, 8)]), Encoding::Utf16).unwrap();
        assert_eq!(made[0]["range"]["start"], json!({"line": 0, "character": 5}));
        assert_eq!(edits(&text, &fix(vec![edit(7, 8), edit(4, 8)]), Encoding::Utf16), None);
        assert_eq!(edits(&text, &fix(vec![edit(0, 99)]), Encoding::Utf16), None);
        assert_eq!(capital("quote the number"), "Quote the number");
    }

    #[test]
    fn the_fixes_of_what_is_touched_are_offered() {
        let fix = |what: &str, safe| Fix {
            what: what.to_owned(),
            safe,
            edits: vec![Edit { start: 3, end: 4, text: "\"1\"".to_owned() }],
        };
        let finding = |line, fix| {
            let place = Place { path: "a.yaml".into(), line, column: 4, length: 1 };
            Finding { fix, ..Finding::error("group/name", place, "so") }
        };
        let findings = vec![
            finding(1, Some(fix("quote the number", true))),
            finding(1, Some(fix("remove it", false))),
            finding(1, None),
            finding(2, Some(fix("elsewhere", true))),
        ];
        let folder = Folder::telling("/c".into(), "a.yaml", "a: 1\nb: 2\n", findings);
        let at = |line, character| lsp_types::Position { line, character };
        let range = Range { start: at(0, 0), end: at(0, 4) };
        let offered = actions(&folder, "a.yaml", "file:///c/a.yaml", (range, Encoding::Utf16));
        let told: Vec<String> =
            offered.iter().map(|one| format!("{} {}", one["title"], one["isPreferred"])).collect();
        assert_eq!(told, ["\"Quote the number\" true", "\"Remove it\" false"]);
        assert_eq!(
            offered[0]["edit"]["changes"]["file:///c/a.yaml"][0],
            json!({
                "range": {"start": {"line": 0, "character": 3}, "end": {"line": 0, "character": 4}},
                "newText": "\"1\"",
            })
        );
        assert_eq!(offered[0]["diagnostics"][0]["code"], "group/name");
    }

    #[test]
    fn a_finding_is_shown_with_what_to_do() {
        let folder = Folder::new("/nowhere".into());
        let place = Place { path: "a.yaml".into(), line: 1, column: 4, length: 1 };
        let finding = Finding::warning("group/name", place, "this is so").hint("do that");
        let shown = diagnostic(&folder, &Text::new("a: x\n"), &finding, Encoding::Utf16);
        assert_eq!(
            shown,
            json!({
                "range": {"start": {"line": 0, "character": 3}, "end": {"line": 0, "character": 4}},
                "severity": 2, "code": "group/name", "source": "trueline",
                "message": "this is so\nhint: do that",
            })
        );
    }
}
