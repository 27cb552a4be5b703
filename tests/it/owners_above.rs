//! A catalog in a folder of a repository: GitHub reads CODEOWNERS at the root of the repository, and so do we.

use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::desk::{Desk, SERVICE};
use crate::editor::Client;

const CATALOG: &str = "infra/catalog";
const ABOVE: &str = "../../.github/CODEOWNERS";

/// A catalog in a folder, whose repository says who owns it: all but `environments/`.
fn desk() -> Desk {
    let desk = Desk::with_catalog_in(CATALOG);
    desk.git(&["rm", "-q", "--ignore-unmatch", "infra/catalog/.github/CODEOWNERS"]).fine();
    desk.write(
        ".github/CODEOWNERS",
        "/.github/ @acme/leads\n/infra/catalog/*.yaml @acme/leads\n/infra/catalog/catalog/ @acme/platform\n/infra/catalog/services/ @acme/services\n/services/ @acme/others\n",
    );
    desk.commit_unseen();
    desk
}

/// Returns what `validate -o json` finds, as place and rule.
fn found(desk: &Desk, arguments: &[&str]) -> Vec<String> {
    let line = [&["--catalog", CATALOG, "-o", "json", "validate"], arguments].concat();
    let said = desk.trueline(&line).said;
    let report: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}"));
    let findings = report["findings"].as_array().unwrap().iter();
    let shown = findings.map(|one| {
        format!(
            "{}:{} {}",
            one["path"].as_str().unwrap(),
            one["line"],
            one["rule"].as_str().unwrap()
        )
    });
    shown.collect()
}

#[test]
fn the_repository_says_who_owns_the_documents() {
    let desk = desk();
    let environment = "environments/staging.yaml:1 owners/unowned";
    let all = found(&desk, &[]);
    assert!(all.contains(&environment.to_owned()), "{all:?}");
    assert!(all.iter().all(|one| one.starts_with("environments/")), "{all:?}");
    // The directory, a commit and the index say the same.
    assert_eq!(found(&desk, &["--head", "HEAD"]), all);
    assert_eq!(found(&desk, &["--staged", "--all"]), all);
    let said = desk.trueline(&["validate", CATALOG]).said;
    assert!(said.contains("`/infra/catalog/environments/ @organisation/team`"), "{said}");

    let said = desk.trueline(&["--catalog", CATALOG, "owners", SERVICE, ABOVE]).said;
    assert!(said.contains("is not in the catalog"), "{said}");
    let said = desk.trueline(&["--catalog", CATALOG, "owners", SERVICE, "environments"]).fine();
    assert!(said.contains(&format!("{SERVICE}  @acme/services  {ABOVE}:4")), "{said}");
    assert!(said.contains(&format!("nobody          no line of {ABOVE} matches")), "{said}");
    assert!(
        !desk
            .trueline(&["--catalog", CATALOG, "owners", "."])
            .fine()
            .contains("../../.github/CODEOWNERS  ")
    );
}

#[test]
fn what_is_wrong_above_is_shown_where_it_stands() {
    let desk = desk();
    desk.write(".github/CODEOWNERS", "/infra/ @acme/leads\n* @acme/leads nobody\n");
    let wrong = format!("{ABOVE}:2 owners/syntax");
    let all = found(&desk, &[]);
    assert!(all.contains(&wrong), "{all:?}");
    assert_eq!(found(&desk, &["--base", "HEAD"]), [format!("{ABOVE}:1 owners/unowned"), wrong]);
    // Paths can be opened from where one is, and programs count them from the root.
    for (folder, catalog, expected) in [
        ("work", CATALOG, ".github/CODEOWNERS:2:15: error"),
        ("work/infra/catalog", ".", "../../.github/CODEOWNERS:2:15: error"),
    ] {
        let said = desk.run(folder, "trueline", &["validate", catalog]).said;
        assert!(said.lines().any(|line| line.starts_with(expected)), "{said}");
        assert!(said.contains("* @acme/leads nobody"), "the line is shown: {said}");
        let said = desk.run(folder, "trueline", &["validate", catalog, "--format", "sarif"]).said;
        assert!(said.contains("\"uri\": \".github/CODEOWNERS\""), "{said}");
    }
    std::fs::remove_file(desk.path("work/.github/CODEOWNERS")).unwrap();
    symlink("/etc/passwd", desk.path("work/.github/CODEOWNERS")).unwrap();
    let linked = format!("{ABOVE}:1 source/symlink");
    assert!(found(&desk, &[]).contains(&linked));
    desk.git(&["add", "-A"]).fine();
    assert!(found(&desk, &["--staged"]).contains(&linked));
    std::fs::remove_dir_all(desk.path("work/.github")).unwrap();
    symlink("/etc", desk.path("work/.github")).unwrap();
    let linked = "../../.github:1 source/symlink".to_owned();
    assert!(found(&desk, &[]).contains(&linked), "{:?}", found(&desk, &[]));
    desk.git(&["add", "-A"]).fine();
    assert!(found(&desk, &["--staged"]).contains(&linked));
}

#[test]
fn the_catalogs_own_file_counts_where_the_repository_has_none() {
    let desk = desk();
    desk.write("infra/catalog/CODEOWNERS", "* @acme/own\n");
    let note = "CODEOWNERS:1 owners/several-files".to_owned();
    assert!(found(&desk, &[]).contains(&note));
    desk.git(&["rm", "-q", ".github/CODEOWNERS"]).fine();
    assert_eq!(found(&desk, &[]), [""; 0]);
    let said = desk.trueline(&["--catalog", CATALOG, "owners", SERVICE]).fine();
    assert!(said.contains("@acme/own  CODEOWNERS:1 *"), "{said}");
    // A folder that is no part of a repository is asked for nothing above it.
    desk.run("", "mkdir", &["plain"]).fine();
    desk.run("plain", "trueline", &["init", CATALOG]).fine();
    desk.run("plain", "cp", &["-r", "../work/.git", "unrelated.git"]).fine();
    desk.run("plain", "sh", &["-c", "echo '* nobody' > CODEOWNERS"]).fine();
    desk.run("plain", "trueline", &["validate", CATALOG]).fine();
}

#[test]
fn whoever_changes_the_file_above_needs_its_owners() {
    let desk = desk();
    desk.git(&["switch", "-q", "-c", "change"]).fine();
    desk.write(".github/CODEOWNERS", "* @mallory\n");
    desk.write("services/elsewhere.yaml", "a: 1\n");
    desk.write(
        &format!("{CATALOG}/{SERVICE}"),
        &(desk.read(&format!("{CATALOG}/{SERVICE}")) + "# x\n"),
    );
    desk.commit_unseen();
    let asked = |by: &str| {
        desk.trueline(&[
            "--catalog",
            CATALOG,
            "owners",
            "--change",
            "main..change",
            "--approved-by",
            by,
        ])
    };
    asked("@mallory").refused(&["missing   @acme/leads", "missing   @acme/services", ABOVE]);
    let said = asked("@acme/leads,@acme/services").fine();
    assert!(!said.contains("@acme/others"), "{said}");
}

#[test]
fn an_editor_shows_it_too() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = folder.path().join("platform");
    crate::editor::copy(
        &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog-example"),
        &catalog,
    );
    std::fs::create_dir_all(folder.path().join(".git")).unwrap();
    std::fs::write(folder.path().join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    std::fs::write(folder.path().join("CODEOWNERS"), "* @acme/leads\n").unwrap();
    let mut client = Client::raw(folder);
    client.initialize(serde_json::json!({}));
    let path = "platform/services/payments/payments-db.yaml";
    let text = client.disk(path);
    client.open(path, &text);
    client.settled(path);
    client.open("CODEOWNERS", "* @acme/leads\n!x @a\n");
    assert_eq!(client.settled("CODEOWNERS"), ["owners/syntax 1:0-1:1"]);
    client.change("CODEOWNERS", "* @acme/leads\n");
    assert_eq!(client.settled("CODEOWNERS"), [""; 0]);
}
