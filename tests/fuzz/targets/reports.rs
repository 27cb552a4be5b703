//! Reports of hostile findings: the first lines are path, message, hint and numbers, the rest is the source that they stand in.

use serde_json::Value;
use trueline::catalog::Snapshot;
use trueline::finding::{Edit, Finding, Fix, Place};
use trueline::validate::report::{self, Report, Shown};

use super::{grown, soon};

pub(super) fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut parts = text.splitn(5, '\n');
    let mut next = || parts.next().unwrap_or_default().replace('\u{85}', "\n");
    let (path, message, hint, numbers) = (next(), next(), next(), next());
    let source = next();
    judge(&(&path, &message, &hint), &numbers, source.as_bytes());
    if let Some(grown) = grown(source.as_bytes(), 1 << 17) {
        judge(&(&path, &message, &hint), &numbers, &grown);
    }
    if let Some(grown) = grown(message.as_bytes(), 1 << 17) {
        let message = String::from_utf8_lossy(&grown);
        judge(&(&path, &message, &hint), &numbers, source.as_bytes());
    }
}

/// Makes findings of texts: one of each severity, at places that the numbers name.
fn findings(texts: &(&String, &str, &String), numbers: &str) -> Vec<Finding> {
    let (path, message, hint) = *texts;
    let mut numbers =
        numbers.split([' ', ',']).map(|number| number.parse::<u32>().unwrap_or(u32::MAX));
    let mut place = |path: &str| {
        let mut next = || numbers.next().unwrap_or(1);
        Place { path: path.into(), line: next(), column: next(), length: next() }
    };
    let edit =
        Edit { start: place("").line as usize, end: place("").line as usize, text: hint.clone() };
    let fix = Fix { what: hint.clone(), safe: true, edits: vec![edit] };
    vec![
        Finding::error("yaml/syntax", place(path), message).hint(hint).fix(fix),
        Finding::warning(message, place(path), hint.clone()).related(place(path), message),
        Finding::note("form/pattern", place("services/a/b.yaml"), message)
            .related(place(hint), hint),
    ]
}

fn judge(texts: &(&String, &str, &String), numbers: &str, source: &[u8]) {
    let snapshot = Snapshot::of_files([
        (texts.0.clone(), source.to_vec()),
        ("services/a/b.yaml".to_owned(), source.to_vec()),
    ]);
    let findings = findings(texts, numbers);
    let plain = Report::new(&snapshot, &findings);
    let coloured = Report {
        from_here: texts.2.clone(),
        from_root: format!("{}/", texts.0),
        shown: Shown {
            colour: true,
            source: true,
            most_per_file: 1,
            links: Some("file:///x/".to_owned()),
        },
        ..plain.clone()
    };
    let bytes = source.len() + texts.0.len() + texts.1.len() + texts.2.len();
    for (report, colour) in [(&plain, false), (&coloured, true)] {
        for format in report::formats() {
            let written = soon(4 * bytes, || (format.write)(report));
            assert_eq!(written, (format.write)(report));
            can_be_read(format.name, &written, colour);
        }
    }
}

fn can_be_read(format: &str, written: &str, colour: bool) {
    match format {
        "json" | "sarif" => {
            let value: Value = serde_json::from_str(written).expect("JSON");
            assert!(value.is_object());
        }
        "junit" => is_xml(written),
        "github" => {
            // A command of the runner begins a line, or stands in it behind `##[`: none is there but ours.
            let ours = ["::error ", "::warning ", "::notice "];
            for line in written.lines().filter(|line| line.trim_start().starts_with("::")) {
                assert!(ours.iter().any(|start| line.starts_with(start)), "{line:?}");
            }
            assert!(!written.contains("##["), "{written:?}");
        }
        _ => {}
    }
    let coloured = colour && format == "text";
    let acts =
        |c: &char| c.is_control() && *c != '\n' && !(coloured && matches!(c, '\u{1b}' | '\u{9c}'));
    assert_eq!(written.chars().find(acts), None, "{format}: {written:?}");
    let turns = |c: &char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert_eq!(written.chars().find(turns), None, "{format}: {written:?}");
}

/// Expects tags that close what they open, and no bare `<` or `&`.
fn is_xml(text: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        references_are_known(&rest[..at]);
        let end = at + rest[at..].find('>').expect("a tag ends");
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{text}");
        } else if !tag.starts_with('?') && !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().expect("a name"));
        }
        assert!(!tag.contains('<') && tag.matches('"').count().is_multiple_of(2), "{tag}");
        references_are_known(tag);
    }
    assert!(open.is_empty() && !rest.contains('&'), "{text}");
}

fn references_are_known(text: &str) {
    for (at, _) in text.match_indices('&') {
        let known = ["&lt;", "&gt;", "&amp;", "&quot;", "&apos;", "&#"];
        assert!(known.iter().any(|known| text[at..].starts_with(known)), "{text}");
    }
}
