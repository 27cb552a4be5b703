//! The one helper of this room's tests: files as one text, findings one a line.

use super::effective::Good;
use super::judge::{Against, Judge, Judged};
use crate::catalog::Snapshot;

/// Reads files out of one text: each begins with a line `--- path`.
pub(crate) fn snapshot(files: &str) -> Snapshot {
    let mut read: Vec<(String, Vec<u8>)> = Vec::new();
    for line in files.lines() {
        match (line.strip_prefix("--- "), read.last_mut()) {
            (Some(path), _) => read.push((path.trim().to_owned(), Vec::new())),
            (None, Some((_, bytes))) => {
                bytes.extend_from_slice(line.as_bytes());
                bytes.push(b'\n');
            }
            (None, None) => assert!(line.trim().is_empty(), "files begin with `--- path`"),
        }
    }
    Snapshot::of_files(read)
}

/// Judges files that nothing is known of.
pub(crate) fn judge(files: &str) -> Judged {
    Judge::default().judge(&snapshot(files))
}

/// Judges files against what was good in others.
pub(crate) fn judge_after(good: &str, files: &str) -> Judged {
    let mut judge = Judge::default();
    let before = judge.judge(&snapshot(good));
    assert_eq!(before.forget, []);
    judge.judge(&snapshot(files))
}

/// Expects the findings in files, one a line, with what belongs to each below it.
#[track_caller]
pub(crate) fn check(files: &str, expected: &str) {
    let expected: Vec<&str> = expected.trim().lines().map(str::trim).collect();
    let found = shown(&judge(files));
    assert_eq!(found.lines().map(str::trim).collect::<Vec<_>>().join("\n"), expected.join("\n"));
}

/// Expects the findings in files on a day.
#[track_caller]
pub(crate) fn check_on(day: &str, files: &str, expected: &str) {
    let against = Against { base: None, today: Some(day.parse().unwrap()) };
    let found = shown(&Judge::default().judge_against(&snapshot(files), &against));
    let trimmed = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    assert_eq!(trimmed(&found), trimmed(expected.trim()));
}

/// Shows what a rule finds in a change from some files to others.
pub(crate) fn changed(rule: &str, before: &str, after: &str) -> String {
    let base = Some(judge(before).catalog);
    let against = Against { base, today: None };
    let mut judged = Judge::default().judge_against(&snapshot(after), &against);
    judged.findings.retain(|finding| finding.rule == rule);
    shown(&judged)
}

/// Shows findings one a line.
pub(crate) fn shown(judged: &Judged) -> String {
    let mut lines = Vec::new();
    for finding in &judged.findings {
        lines.push(finding.to_string());
        let related = finding.related.iter().map(|(place, what)| format!("  {place}: {what}"));
        lines.extend(related);
    }
    lines.join("\n")
}

/// Versions as `kind id path`.
pub(crate) fn names(good: &[Good]) -> Vec<String> {
    good.iter().map(|good| format!("{} {} {}", good.kind, good.id, good.path)).collect()
}

/// An item `database-standard` with a field `size`, followed by more of its `fulfillment` and the rest.
pub(crate) const ITEM: &str = "\
--- catalog/databases/database-standard.yaml
schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: database-standard
  name: Database
  description: A database for one service, with backups every night and a URL.
  version: 1.4.0
  category: databases
  owner: {team: platform, contact: platform@acme.example}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: size, name: Size, type: select, enum: [small, large], default: small}
          - {id: label, name: Label, type: string}
fulfillment:
  strategy: {mode: manual}
  manual:
    actions:
      - id: provision
        type: manual-task
        config:
          title: \"{{request.operation}} {{service.id}}\"
          instructions: Make it.
          outputs: [{name: url, type: string}]
outputs:
  url: {value: \"{{outputs.provision.url}}\"}
";

/// A service `payments-db` of that item.
pub(crate) const SERVICE: &str = "\
--- services/payments/payments-db.yaml
schemaVersion: catalog/v1
kind: Service
metadata: {id: payments-db, team: payments}
catalogItem: database-standard
fields: {size: small}
";

/// A bundle `bundle-webapp` of two components of that item.
pub(crate) const BUNDLE: &str = "\
--- bundles/bundle-webapp.yaml
schemaVersion: catalog/v1
kind: CatalogBundle
metadata:
  id: bundle-webapp
  name: Web application
  description: A web application with a database of its own, made and looked after together.
  version: 1.0.0
  owner: {team: platform, contact: platform@acme.example}
components:
  - id: database
    catalogItem: database-standard
    config: {size: \"{{fields.size}}\"}
    outputs: [url]
  - id: replica
    catalogItem: database-standard
    config: {label: \"{{components.database.outputs.url}}\"}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: size, name: Size, type: select, enum: [small, large], default: small}
outputs:
  url: {value: \"{{components.database.outputs.url}}\"}
";
