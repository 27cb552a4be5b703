//! `owners/…`: CODEOWNERS says what it seems to say, and everything has an owner. What is wrong with a line is found while reading it.

use crate::catalog::{Catalog, place_in};
use crate::finding::{Finding, Place, Severity};
use crate::validate::context::Context;
use crate::validate::registry::{Check, Rule};

pub(super) static RULES: [Rule; 6] = [
    Rule {
        id: "owners/syntax",
        severity: Severity::Error,
        summary: "A line of CODEOWNERS has a pattern that GitHub does not take, or an owner that is none.",
        why: "GitHub skips the line: somebody else is asked, or nobody, and no one is told.",
        mend: "Write the pattern without `!`, `[` and `]`, and owners as @user, @organisation/team or a mail address, with spaces between them.",
        bad: "/services/[ab]/ acme/payments, @dba",
        good: "/services/payments/ @acme/payments @dba",
        check: Check::Names(told),
    },
    Rule {
        id: "owners/too-large",
        severity: Severity::Error,
        summary: "CODEOWNERS is larger than 3 MB.",
        why: "GitHub does not use such a file at all, so nobody is asked about anything.",
        mend: "Let one pattern stand for many.",
        bad: "a line for every service",
        good: "/services/payments/ @acme/payments",
        check: Check::Names(told),
    },
    Rule {
        id: "owners/unreadable",
        severity: Severity::Error,
        summary: "CODEOWNERS, or a line of it, is not UTF-8.",
        why: "What cannot be read names no owner.",
        mend: "Save the file as UTF-8.",
        bad: "a file in UTF-16",
        good: "the same file in UTF-8",
        check: Check::Names(told),
    },
    Rule {
        id: "owners/several-files",
        severity: Severity::Note,
        summary: "There is a second CODEOWNERS file, and only the first of `.github/`, the root and `docs/` is used.",
        why: "Whoever writes into the other one believes that it counts.",
        mend: "Move its lines to the file that is used, and delete it.",
        bad: ".github/CODEOWNERS and docs/CODEOWNERS",
        good: ".github/CODEOWNERS alone",
        check: Check::Names(told),
    },
    Rule {
        id: "owners/shadowed",
        severity: Severity::Warning,
        summary: "A line of CODEOWNERS never decides, because a later one matches all that it matches.",
        why: "The last line that matches wins; the owners of this one are never asked.",
        mend: "Move it below the later line, or delete it. What holds for everything stands first.",
        bad: "/services/payments/ @acme/payments, and below it * @acme/platform",
        good: "* @acme/platform, and below it /services/payments/ @acme/payments",
        check: Check::Names(shadowed),
    },
    Rule {
        id: "owners/unowned",
        severity: Severity::Warning,
        summary: "Nobody owns a document, or CODEOWNERS itself, and `owners.fallback` names nobody to ask instead.",
        why: "Nobody is asked about its changes. Where `owners.required` is true this is an error: such a change could never be approved.",
        mend: "Add a line for it to CODEOWNERS (with no owner, where nobody needs to be asked), or name `owners.fallback` in `trueline.yaml`.",
        bad: "/catalog/ @acme/platform, and nothing about services",
        good: "* @acme/platform",
        check: Check::Names(unowned),
    },
];

/// Tells what was found while reading the file.
fn told(context: &Context<'_>, rule: &'static Rule, found: &mut Vec<Finding>) {
    let own = context.owners.findings.iter().filter(|finding| finding.rule == rule.id);
    found.extend(own.map(|finding| Finding { severity: rule.severity, ..finding.clone() }));
}

fn shadowed(context: &Context<'_>, rule: &'static Rule, found: &mut Vec<Finding>) {
    let owners = context.owners;
    for (line, later) in owners.shadowed() {
        let message = format!(
            "`{}` never decides: `{}` in line {} matches all that it matches",
            line.pattern, later.pattern, later.number
        );
        let finding = Finding {
            severity: rule.severity,
            ..Finding::error(rule.id, owners.place_of(line), message)
        };
        let hint = match line.pattern == later.pattern {
            true => "keep one of the two".to_owned(),
            false => format!("move it below line {}, or delete it", later.number),
        };
        found.push(finding.hint(hint).related(owners.place_of(later), "this line decides"));
    }
}

fn unowned(context: &Context<'_>, rule: &'static Rule, found: &mut Vec<Finding>) {
    let (catalog, owners) = (context.catalog, context.owners);
    let settings = &catalog.settings.owners;
    if !settings.fallback.is_empty() {
        return;
    }
    let severity = if settings.required { Severity::Error } else { rule.severity };
    let mut add = |place: Place, message: String, hint: String| {
        let finding = Finding { severity, ..Finding::error(rule.id, place, message) };
        found.push(finding.hint(hint));
    };
    let Some(file) = &owners.path else {
        if settings.required {
            let message = "owners are required, and there is no CODEOWNERS file";
            let first = owners.locations().next().unwrap_or_default();
            let hint = format!("add {first}, or name `owners.fallback`");
            add(of_settings(catalog), message.to_owned(), hint);
        }
        return;
    };
    let hint = |path: &str| {
        format!(
            "add a line such as `{} @organisation/team` to {file}, or name `owners.fallback` in `trueline.yaml`",
            folder(&owners.in_patterns(path))
        )
    };
    // Whoever writes this file decides who owns the rest, so an empty line does not do for it.
    if owners.owners_of(file).is_empty() {
        let message = "nobody owns CODEOWNERS itself, so anybody may change who is asked";
        add(Place::start_of(file.clone()), message.to_owned(), hint(file));
    }
    for path in catalog.documents.keys().filter(|path| owners.line_of(path).is_none()) {
        let message = format!("nobody owns this document: no line of {file} matches its path");
        add(Place::start_of(path.clone()), message, hint(path));
    }
}

/// Returns the place where the settings demand owners.
fn of_settings(catalog: &Catalog) -> Place {
    let document = catalog.documents.get("trueline.yaml");
    let tree = document.and_then(|document| Some((document, document.tree()?)));
    match tree {
        Some((document, tree)) => place_in(&document.path, &tree, "/owners/required", false),
        None => Place::start_of("trueline.yaml"),
    }
}

/// Writes the pattern of the folder that a path is in.
fn folder(path: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, _)) => format!("/{folder}/"),
        None => format!("/{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::owners::Owners;
    use crate::validate::testing::{ITEM, SERVICE, check, judge};

    /// Returns a catalog with a CODEOWNERS file, and settings.
    fn with(owners: &str, settings: &str) -> String {
        format!(
            "{ITEM}{SERVICE}--- CODEOWNERS\n{owners}\n--- trueline.yaml\nschemaVersion: catalog/v1\nkind: Catalog\n{settings}\n"
        )
    }

    #[test]
    fn every_document_has_an_owner() {
        check(&with("* @a", ""), "");
        check(&with("* @a\n/services/", ""), "");
        check(&with("/CODEOWNERS @a", "owners: {fallback: ['@a']}"), "");
        check(&with("/CODEOWNERS @a\n/catalog/ @a\n*.yaml", ""), "");
        check(
            &with("/CODEOWNERS @a\n/catalog/ @a", ""),
            "
            services/payments/payments-db.yaml:1:1: warning owners/unowned nobody owns this document: no line of CODEOWNERS matches its path (add a line such as `/services/payments/ @organisation/team` to CODEOWNERS, or name `owners.fallback` in `trueline.yaml`)
            trueline.yaml:1:1: warning owners/unowned nobody owns this document: no line of CODEOWNERS matches its path (add a line such as `/trueline.yaml @organisation/team` to CODEOWNERS, or name `owners.fallback` in `trueline.yaml`)
            ",
        );
        check(
            &with("*.yaml @a", ""),
            "CODEOWNERS:1:1: warning owners/unowned nobody owns CODEOWNERS itself, so anybody may change who is asked (add a line such as `/CODEOWNERS @organisation/team` to CODEOWNERS, or name `owners.fallback` in `trueline.yaml`)",
        );
    }

    #[test]
    fn where_owners_are_required_it_is_an_error() {
        let file = with("* @a", "owners: {required: true}")
            .replace("* @a", "/catalog/ @a\n/CODEOWNERS @a\n/trueline.yaml @a");
        let judged = judge(&file);
        assert_eq!(judged.findings.len(), 1);
        assert!(judged.findings[0].is_error());
        assert!(judged.misfits.contains_key("payments-db"));
        check(
            &format!(
                "{ITEM}{SERVICE}--- trueline.yaml\nschemaVersion: catalog/v1\nkind: Catalog\nowners:\n  required: true\n"
            ),
            "trueline.yaml:4:13: error owners/unowned owners are required, and there is no CODEOWNERS file (add .github/CODEOWNERS, or name `owners.fallback`)",
        );
        check(&format!("{ITEM}{SERVICE}"), "");
    }

    #[test]
    fn lines_that_do_nothing_are_found() {
        check(
            &with("/services/ @b\n* @a", ""),
            "
            CODEOWNERS:1:1: warning owners/shadowed `/services/` never decides: `*` in line 2 matches all that it matches (move it below line 2, or delete it)
            CODEOWNERS:2:1: this line decides
            ",
        );
        check(
            &with("* @a\n!x @a", "validation: {rules: {owners/syntax: note}}"),
            "CODEOWNERS:2:1: note owners/syntax the line is skipped: a pattern cannot be negated with `!` (write the exception without `!` on a line further down, with its owners or none)",
        );
        check(
            &format!("{}--- docs/CODEOWNERS\n* @b\n", with("* @a", "")),
            "docs/CODEOWNERS:1:1: note owners/several-files this file is not used: CODEOWNERS comes before it (move its lines there, and delete it)",
        );
    }

    #[test]
    fn what_reading_finds_is_explained_by_a_rule_of_its_severity() {
        let large = vec![b'#'; crate::owners::MAX_BYTES + 1];
        for bytes in [&b"!x @a"[..], b"\xff", b"\0", &large] {
            let read = Owners::read("CODEOWNERS", bytes);
            let finding = read.findings.first().expect("something is found");
            let rule = RULES.iter().find(|rule| rule.id == finding.rule).expect("a rule");
            assert_eq!(rule.severity, finding.severity);
        }
    }
}
