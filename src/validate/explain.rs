//! What people are told about rules: one at a time, or all of them as `docs/rules.md`.

use std::fmt::Write as _;

use super::credentials::IN_CLEAR;
use super::registry::{Check, Rule, rule, rules};
use crate::finding::Severity;

/// Explains a rule, as text for a terminal; nothing where there is no such rule.
pub fn explain(id: &str) -> Option<String> {
    let rule = rule(id)?;
    let mut text = format!("{} ({})\n\n{}\n", rule.id, rule.severity, rule.summary);
    let indented = |example: &str| format!("    {}\n", example.replace('\n', "\n    "));
    let parts = [
        ("Why", format!("{}\n", rule.why)),
        ("How to mend it", format!("{}\n", rule.mend)),
        ("Wrong", indented(rule.bad)),
        ("Right", indented(rule.good)),
        ("Found", format!("{}\n", found(rule))),
    ];
    for (title, body) in parts {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n{title}:\n{body}");
    }
    if !rule.is_fixed() {
        let _ = write!(text, "\nTo have it otherwise:\n{}\n", otherwise(rule));
    }
    Some(text)
}

/// Says how a catalog can do without a rule, or take it less seriously.
fn otherwise(rule: &Rule) -> String {
    let mut text = format!(
        "`validation: {{rules: {{{}: off}}}}` in `trueline.yaml` turns it off in the whole catalog; `error`, `warning` and `note` say how bad it is.",
        rule.id
    );
    if rule.severity < Severity::Error {
        let _ = write!(text, " A comment `# trueline: allow {} REASON` allows it once.", rule.id);
    } else if rule.id == IN_CLEAR {
        text.push_str(
            " A comment `# trueline: allow secret/in-clear REASON` allows once what only looks like a credential; \
             nothing allows what a password field holds.",
        );
    }
    text
}

/// Says when a rule is checked, and what follows from an error.
fn found(rule: &Rule) -> &'static str {
    let check = match rule.check {
        Check::With(other) => super::registry::rule(other).map_or(rule.check, |rule| rule.check),
        check => check,
    };
    match check {
        Check::Reader if rule.is_fixed() => {
            "While documents are read. The last good version of the document stays in force; the severity cannot be set."
        }
        Check::Reader => "While documents are read.",
        Check::Document(_) | Check::With(_) => {
            "In one document by itself. On an error the last good version of the document stays in force."
        }
        Check::Text(_) => {
            "In the text of one document, comments included, also while it cannot be read. On an error its last good version stays in force."
        }
        Check::Service(_) => {
            "In a service with what it is of and what it reads. An error blocks the service."
        }
        Check::Bundle(_) => {
            "In a bundle with its items. An error blocks the services of the bundle."
        }
        Check::ServiceAndBundle(..) => {
            "In services and in bundles, with what they are of. An error blocks the service, or the services of the bundle."
        }
        Check::Catalog(_) | Check::Names(_) if rule.is_fixed() => {
            "In the catalog as a whole. An error in a service blocks it; the severity cannot be set."
        }
        Check::Catalog(_) | Check::Names(_) => {
            "In the catalog as a whole. An error in a service blocks it."
        }
        Check::Change(_) => "In a change against its base (`validate --base`), nowhere else.",
    }
}

/// Writes `docs/rules.md`: an entry for every rule.
pub fn rules_document() -> String {
    let mut text = String::from(
        "# Rules\n\n\
         <!-- Written by `UPDATE_DOCS=1 cargo test rules_document`; a test compares it with the registry. -->\n\n\
         What `trueline validate` finds, and how to mend it. `trueline explain RULE` says the same.\n\
         The settings of a catalog may say how bad a rule is, unless it says below that they cannot:\n\n\
         ```yaml\nvalidation:\n  rules: {template/literal: error, form/pattern: off}\n```\n\n\
         What is a warning or a note can be allowed where it stands, with a reason: \
         [fixes and exceptions](guide/fixes-and-exceptions.md).\n",
    );
    let mut group = "";
    for rule in rules() {
        if rule.group() != group {
            group = rule.group();
            let _ = write!(text, "\n## {group}\n");
        }
        let _ = write!(
            text,
            "\n### {}\n\n**{}** · {}\n\n{} {}\n\n{}\n\n",
            rule.id,
            rule.severity,
            rule.summary,
            rule.why,
            rule.mend,
            found(rule),
        );
        let _ = write!(
            text,
            "Wrong:\n\n```yaml\n{}\n```\n\nRight:\n\n```yaml\n{}\n```\n",
            rule.bad, rule.good
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn rules_document_is_what_the_registry_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, rules_document()).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(written == rules_document(), "run `UPDATE_DOCS=1 cargo test rules_document`");
    }

    #[test]
    fn every_rule_explains_itself() {
        let mut ids = BTreeSet::new();
        for rule in rules() {
            assert!(ids.insert(rule.id), "{} stands twice", rule.id);
            assert!(rule.id.split('/').count() == 2, "{}", rule.id);
            for text in [rule.summary, rule.why, rule.mend] {
                assert!(text.ends_with('.') && text.len() > 9, "{}: {text}", rule.id);
            }
            assert!(!rule.bad.is_empty() && rule.bad != rule.good, "{}", rule.id);
            if let Check::With(other) = rule.check {
                let other = super::super::registry::rule(other).unwrap();
                assert!(!matches!(other.check, Check::With(_)), "{}", rule.id);
            }
        }
        assert!(explain("no/rule").is_none());
    }

    /// Everything that the rooms above say under a rule's id has its row here.
    #[test]
    fn every_id_in_the_sources_has_a_row() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut folders: Vec<_> =
            ["yaml", "catalog", "validate", "source"].map(|room| root.join(room)).into();
        let pattern = regex::Regex::new(
            "\"((?:yaml|document|schema|source|form|fields|secret|template|action|reference|component)/[a-z]+(?:-[a-z]+)*)\"",
        )
        .unwrap();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                // Tests may speak of anything.
                let text = text.split("#[cfg(test)]").next().unwrap_or_default();
                for found in pattern.captures_iter(text) {
                    assert!(rule(&found[1]).is_some(), "{} in {}", &found[1], path.display());
                }
            }
        }
    }

    #[test]
    fn one_rule_is_explained() {
        insta::assert_snapshot!(explain("operation/state").unwrap(), @r#"
        operation/state (error)

        Two operations of an item lead to the same state, or one that leads to a state has a schedule.

        Why:
        When a service asks for that state, nobody could say which of them runs; and a state that comes by a schedule would be undone at once, for `state` of the service says what is wanted.

        How to mend it:
        Give each its own state, or leave `state` out where an operation runs on demand or by a schedule.

        Wrong:
            operations: {sleep: {state: hibernated, …}, nap: {state: hibernated, …}}

        Right:
            operations: {sleep: {state: hibernated, …}, nap: {…}}

        Found:
        In one document by itself. On an error the last good version of the document stays in force.

        To have it otherwise:
        `validation: {rules: {operation/state: off}}` in `trueline.yaml` turns it off in the whole catalog; `error`, `warning` and `note` say how bad it is.
        "#);
    }
}
