//! Tests of approvals: who is asked about what, and whose word counts.

use std::collections::BTreeSet;

use super::*;
use crate::catalog::BreakingChange;

const FILE: &str = "\
/.github/ @acme/leads
/catalog/ @acme/platform
/catalog/databases/ @acme/databases @dba
/services/payments/ @acme/payments
/services/data/ @acme/payments
/services/open/
/services/bad/ @acme/bad nobody
/schemas/ @acme/architecture
";

fn set(words: &str) -> BTreeSet<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

fn people(approved_by: &str, authors: &str) -> People {
    let members = [
        ("@acme/payments", "@pat @Ann"),
        ("@acme/databases", "@dora @art"),
        ("@acme/architecture", "@art @arno"),
    ];
    People {
        approved_by: set(approved_by),
        authors: set(authors),
        stranger: false,
        members: members.map(|(team, members)| (team.to_owned(), set(members))).into(),
    }
}

fn settings() -> OwnerSettings {
    OwnerSettings {
        required: false,
        fallback: vec!["@acme/leads".to_owned()],
        breaking_change: Some(BreakingChange {
            approvals: 1,
            from: vec!["@acme/architecture".to_owned()],
        }),
    }
}

/// Shows demands one a line: what is missing, of whom, by whom it is met, for which paths.
fn shown(approval: &Approval) -> String {
    let line = |demand: &Demand| {
        let paths: Vec<String> = demand
            .paths
            .iter()
            .map(|asked| match &asked.line {
                Some((number, _)) => format!("{}:{number}", asked.path),
                None => asked.path.clone(),
            })
            .collect();
        format!(
            "{:?} {}/{} of [{}] by [{}]: {}",
            demand.why,
            demand.missing,
            demand.needed,
            demand.owners.join(" "),
            demand.by.join(" "),
            paths.join(" ")
        )
    };
    let mut lines: Vec<String> = approval.demands.iter().map(line).collect();
    lines.extend(approval.void.iter().map(|(who, why)| format!("{who} {why}")));
    lines.join("\n")
}

fn asked(settings: &OwnerSettings, (paths, breaking): (&str, &str), people: &People) -> Approval {
    let owners = Owners::read(".github/CODEOWNERS", FILE.as_bytes());
    approval(&owners, settings, &Touched { paths: set(paths), breaking: set(breaking) }, people)
}

fn check(paths: &str, approved_by: &str, authors: &str) -> String {
    shown(&asked(&settings(), (paths, ""), &people(approved_by, authors)))
}

#[test]
fn paths_are_grouped_by_their_owners() {
    let paths = "services/payments/a.yaml services/data/b.yaml catalog/databases/c.yaml README.md";
    insta::assert_snapshot!(check(paths, "@DORA @acme/payments", ""), @r"
    Owners 0/1 of [@acme/databases @dba] by [@DORA]: catalog/databases/c.yaml:3
    Owners 0/1 of [@acme/payments] by [@acme/payments]: services/data/b.yaml:5 services/payments/a.yaml:4
    Fallback 1/1 of [@acme/leads] by []: README.md
    ");
}

#[test]
fn one_owner_of_a_line_is_enough() {
    let by = |who: &str| {
        asked(&settings(), ("catalog/databases/c.yaml", ""), &people(who, "")).is_approved()
    };
    for who in ["@dba", "@acme/databases", "@dora", "@Dora @pat"] {
        assert!(by(who), "{who}");
    }
    for who in ["", "@pat", "dba", "@acme/platform", "@acme/leads"] {
        assert!(!by(who), "{who}");
    }
    assert!(asked(&settings(), ("services/open/x.yaml", ""), &people("", "")).demands.len() == 1);
}

#[test]
fn an_author_never_counts_and_a_stranger_voids_all() {
    insta::assert_snapshot!(check("services/payments/a.yaml", "@pat", "@Pat"), @r"
    Owners 1/1 of [@acme/payments] by []: services/payments/a.yaml:4
    @pat takes part in the change as an author
    ");
    insta::assert_snapshot!(check("services/payments/a.yaml", "@pat @ann", "@pat"), @r"
    Owners 0/1 of [@acme/payments] by [@ann]: services/payments/a.yaml:4
    @pat takes part in the change as an author
    ");
    let stranger = People { stranger: true, ..people("@pat", "") };
    let found = asked(&settings(), ("services/payments/a.yaml", ""), &stranger);
    insta::assert_snapshot!(shown(&found), @r"
    Owners 1/1 of [@acme/payments] by []: services/payments/a.yaml:4
    @pat may have pushed to the change: somebody did whom nobody knows
    ");
    assert!(!found.is_approved());
}

#[test]
fn what_nobody_owns_goes_to_the_fallback_or_to_nobody() {
    insta::assert_snapshot!(check("README.md services/open/x.yaml services/bad/y.yaml", "", ""), @"Fallback 1/1 of [@acme/leads] by []: README.md services/bad/y.yaml:7 services/open/x.yaml:6");
    let without = OwnerSettings { fallback: Vec::new(), ..settings() };
    let open = ("README.md services/open/x.yaml", "");
    assert_eq!(shown(&asked(&without, open, &people("", ""))), "");
    let required = OwnerSettings { required: true, ..without };
    insta::assert_snapshot!(shown(&asked(&required, open, &people("@pat", ""))), @"Nobody 1/1 of [] by []: README.md");
}

#[test]
fn codeowners_needs_the_owners_of_codeowners() {
    insta::assert_snapshot!(check(".github/CODEOWNERS", "@pat", ""), @"Owners 1/1 of [@acme/leads] by []: .github/CODEOWNERS:1");
    let owners = Owners::read("docs/CODEOWNERS", b"* @all\n/docs/ @keepers\n");
    let touched = Touched { paths: set("CODEOWNERS src/x"), ..Touched::default() };
    let found = approval(&owners, &OwnerSettings::default(), &touched, &people("@all", ""));
    insta::assert_snapshot!(shown(&found), @r"
    Owners 0/1 of [@all] by [@all]: CODEOWNERS:1 src/x:1
    Owners 1/1 of [@keepers] by []: CODEOWNERS:2
    ");
    // Even where its line names nobody.
    let owners = Owners::read("CODEOWNERS", b"* @all\n/CODEOWNERS\n");
    let touched = Touched { paths: set("CODEOWNERS"), ..Touched::default() };
    let required = OwnerSettings { required: true, ..OwnerSettings::default() };
    assert!(!approval(&owners, &required, &touched, &people("@all", "")).is_approved());
}

#[test]
fn a_breaking_change_asks_others_besides() {
    let item = "catalog/databases/c.yaml";
    let check = |approved_by: &str| {
        let found = asked(&settings(), (item, item), &people(approved_by, ""));
        shown(&found)
            .lines()
            .map(|line| line.split(" of ").next().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join(", ")
    };
    assert_eq!(check(""), "Owners 1/1, Breaking 1/1");
    assert_eq!(check("@dora"), "Owners 0/1, Breaking 1/1");
    assert_eq!(check("@arno"), "Owners 1/1, Breaking 0/1");
    assert_eq!(check("@dora @arno"), "Owners 0/1, Breaking 0/1");
    // One person for both is one approval.
    assert_eq!(check("@art"), "Owners 0/1, Breaking 1/1");
    assert_eq!(check("@art @dora"), "Owners 0/1, Breaking 0/1");
    assert_eq!(check("@art @arno"), "Owners 0/1, Breaking 0/1");
    let two = OwnerSettings {
        breaking_change: Some(BreakingChange {
            approvals: 2,
            from: vec!["@acme/architecture".to_owned()],
        }),
        ..settings()
    };
    let missing = |who: &str| {
        let found = asked(&two, (item, item), &people(who, ""));
        found.missing().map(|demand| demand.missing).sum::<u32>()
    };
    assert_eq!(missing("@art @arno"), 1);
    assert_eq!(missing("@art @arno @dora"), 0);
    // A team's word may be that of a member who is counted already.
    assert_eq!(missing("@acme/architecture @arno @dba"), 1);
    // Nobody owns it, and others are asked nevertheless.
    let none = OwnerSettings { fallback: Vec::new(), ..settings() };
    let open = ("services/open/x.yaml", "services/open/x.yaml");
    insta::assert_snapshot!(shown(&asked(&none, open, &people("", ""))), @"Breaking 1/1 of [@acme/architecture] by []: services/open/x.yaml");
}

#[test]
fn nothing_touched_needs_nobody() {
    assert_eq!(asked(&settings(), ("", ""), &people("", "")), Approval::default());
}
