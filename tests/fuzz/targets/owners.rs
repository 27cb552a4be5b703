//! CODEOWNERS: the last line that matches decides, however it is looked up.

use trueline::owners::{Owners, Pattern};

use super::{grown, soon};

/// Paths that are asked about, beside those that the file itself suggests.
const PATHS: [&str; 9] = [
    "a",
    "a/b",
    "services/payments/payments-db.yaml",
    "docs/a b.md",
    "*",
    "\\",
    ".",
    "ä/é",
    "a/b/c/d/e",
];

pub(super) fn run(bytes: &[u8]) {
    check(bytes);
    if let Some(grown) = grown(bytes, 1 << 16) {
        check(&grown);
    }
}

fn check(bytes: &[u8]) {
    let owners = soon(bytes.len(), || {
        let owners = Owners::read("CODEOWNERS", bytes);
        let _ = owners.shadowed();
        owners
    });
    assert!(owners.findings.len() <= 1001);
    let patterns: Vec<Pattern> = owners
        .lines
        .iter()
        .map(|line| Pattern::parse(&line.pattern).expect("a line that counts has a pattern"))
        .collect();
    let suggested = owners.lines.iter().take(24).map(|line| {
        let path = line.pattern.replace("**", "x/y").replace(['*', '?'], "z").replace('\\', "");
        path.trim_matches('/').to_owned()
    });
    let paths: Vec<String> = PATHS.iter().map(|path| (*path).to_owned()).chain(suggested).collect();
    let shadowed = owners.shadowed();
    for path in &paths {
        let matching = |at: &usize| patterns.get(*at).is_some_and(|pattern| pattern.matches(path));
        let last = (0..patterns.len()).rev().find(matching);
        let line = owners.line_of(path);
        assert_eq!(line, last.and_then(|at| owners.lines.get(at)), "{path:?}");
        assert!(!shadowed.iter().any(|(never, _)| Some(*never) == line), "{path:?} by {line:?}");
        let _ = (owners.owners_of(path), owners.skipped_line_of(path));
    }
    let lines = bytes.split(|byte| *byte == b'\n').count();
    for finding in &owners.findings {
        assert!((1..=lines).contains(&(finding.place.line as usize)), "{finding}");
        assert!(finding.place.column > 0 && !finding.message.is_empty(), "{finding}");
    }
}
