//! Tests of `trueline owners`, with a catalog in a repository that the real program `git` made.

use std::process::Command;

use serde_json::Value;

use super::super::local::testing::context;
use super::super::owners_text::{ChangeReport, change_text};
use super::*;

const CODEOWNERS: &str = "\
* @acme/leads
/services/payments/ @acme/payments
/services/open/
/catalog/ @acme/platform
";
const SETTINGS: &str = "schemaVersion: catalog/v1
kind: Catalog
owners:
  fallback: ['@acme/leads']
  breakingChange: {approvals: 1, from: ['@acme/architecture']}
";

/// A catalog in a repository.
struct World(tempfile::TempDir);

impl World {
    /// One commit on `main`, and a branch `change` that is checked out.
    fn new() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        world.git(&["init", "--quiet", "--initial-branch=main"]);
        world.write(".github/CODEOWNERS", CODEOWNERS);
        world.write("trueline.yaml", SETTINGS);
        world.write(
            "services/payments/a.yaml",
            "a: 1\n# long enough to be recognised as the same file\n",
        );
        world.write("services/open/b.yaml", "b: 1\n");
        world.write("catalog/db/c.yaml", "c: 1\n");
        world.commit("ann@acme.example");
        world.git(&["switch", "--quiet", "--create", "change"]);
        world
    }

    fn git(&self, arguments: &[&str]) -> String {
        let done = Command::new("git")
            .args(["-c", "user.name=Ann", "-c", "user.email=ann@acme.example"])
            .args(arguments)
            .current_dir(self.0.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn commit(&self, author: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "-m", "change", &format!("--author=A <{author}>")]);
    }

    fn context(&self) -> Context {
        context(self.0.path())
    }

    /// Returns the exit code and the report of a change.
    fn change(&self, range: &str, options: &Options) -> (u8, String) {
        let options = Options { change: Some(range.to_owned()), ..options.clone() };
        let (between, approval) = owners_change::needed(&self.context(), range, &options).unwrap();
        let report = ChangeReport::new(between, &approval);
        is_valid(&serde_json::to_value(&report).unwrap());
        let exit = run(&self.context(), &options).unwrap();
        (exit.code(), change_text(&report))
    }

    /// Expects who is missing for what `change` brings.
    #[track_caller]
    fn missing(&self, approved_by: &str, expected: &[&str]) {
        let (code, text) = self.change("main..change", &approved(approved_by));
        let missing: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("missing   ")).collect();
        assert_eq!(missing, expected, "{text}");
        assert_eq!(code, u8::from(!expected.is_empty()));
    }
}

fn approved(by: &str) -> Options {
    let approved_by = by.split_whitespace().map(str::to_owned).collect();
    Options { approved_by, ..Options::default() }
}

/// Holds a report against its schema.
fn is_valid(report: &Value) {
    let schema = serde_json::from_str(include_str!("../../schemas/reports/owners.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> =
        validator.iter_errors(report).map(|problem| problem.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?} in {report:#}");
}

fn paths(paths: &[&str]) -> Options {
    Options { paths: paths.iter().map(PathBuf::from).collect(), ..Options::default() }
}

fn shown(world: &World, asked: &[&str]) -> String {
    let (report, _) = report(&world.context(), &paths(asked)).unwrap();
    is_valid(&serde_json::to_value(&report).unwrap());
    paths_text(&report)
}

#[test]
fn paths_are_shown_with_the_line_that_decides() {
    let world = World::new();
    let absolute = world.0.path().join("services/payments/a.yaml");
    let asked = ["services", "./README.md", absolute.to_str().unwrap()];
    insta::assert_snapshot!(shown(&world, &asked), @r"
    PATH                      OWNERS          BY
    services/open/b.yaml      nobody          .github/CODEOWNERS:3 /services/open/
    services/payments/a.yaml  @acme/payments  .github/CODEOWNERS:2 /services/payments/
    README.md                 @acme/leads     .github/CODEOWNERS:1 *
    services/payments/a.yaml  @acme/payments  .github/CODEOWNERS:2 /services/payments/
    ");
    assert_eq!(shown(&world, &["."]).lines().count(), 6);
    let code = |options: &Options| run(&world.context(), options).unwrap().code();
    let open = paths(&["services/open/b.yaml"]);
    assert_eq!(code(&open), 0);
    assert_eq!(code(&Options { fail_unowned: true, ..open }), 1);
    assert_eq!(code(&Options { fail_unowned: true, ..paths(&["README.md"]) }), 0);
    let without = Options { approved_by: vec!["@a".to_owned()], ..paths(&["README.md"]) };
    assert!(run(&world.context(), &without).is_err());
    for outside in ["../x", "/nowhere/x"] {
        assert!(run(&world.context(), &paths(&[outside])).is_err());
    }
    world.git(&["rm", "--quiet", "-r", ".github"]);
    insta::assert_snapshot!(shown(&world, &["README.md"]), @r"
    PATH       OWNERS  BY
    README.md  nobody  there is no CODEOWNERS file
    ");
}

#[test]
fn nothing_changed_needs_nobody() {
    let world = World::new();
    assert_eq!(
        world.change("main..change", &Options::default()),
        (0, "nobody needs to be asked".to_owned())
    );
    world.write("services/payments/a.yaml", "a: 2\n");
    world.commit("pat@acme.example");
    // What happens on main since is not part of the change.
    world.git(&["switch", "--quiet", "main"]);
    world.write("catalog/db/c.yaml", "c: 2\n");
    world.commit("pat@acme.example");
    world.missing("", &["@acme/payments"]);
    world.missing("@acme/payments", &[]);
    assert_eq!(world.change("main...change", &Options::default()).0, 1);
    assert_eq!(world.change("HEAD~1..main", &approved("@acme/platform")).0, 0);
}

#[test]
fn a_rename_and_a_deletion_count_for_the_old_path() {
    let world = World::new();
    world.git(&["mv", "services/payments/a.yaml", "services/open/a.yaml"]);
    world.git(&["rm", "--quiet", "catalog/db/c.yaml"]);
    world.commit("ann@acme.example");
    let (code, text) = world.change("main..", &approved("@acme/payments"));
    assert_eq!(code, 1);
    insta::assert_snapshot!(text, @r"
    missing   @acme/platform
       catalog/db/c.yaml  .github/CODEOWNERS:4 /catalog/

    missing   @acme/leads, asked where CODEOWNERS names nobody
       services/open/a.yaml  .github/CODEOWNERS:3 /services/open/

    approved  @acme/payments (by @acme/payments)
       services/payments/a.yaml  .github/CODEOWNERS:2 /services/payments/

    not approved: 2 of 3 still missing
    ");
    world.missing("@acme/payments @acme/platform @acme/leads", &[]);
}

#[test]
fn the_file_of_the_base_counts() {
    let world = World::new();
    world.write(".github/CODEOWNERS", "* @mallory\n");
    world.write("trueline.yaml", "schemaVersion: catalog/v1\nkind: Catalog\n");
    world.write("services/payments/a.yaml", "a: 3\n");
    world.commit("mallory@acme.example");
    world.missing("@mallory", &["@acme/leads", "@acme/payments"]);
}

#[test]
fn authors_never_count() {
    let world = World::new();
    world.write(".github/CODEOWNERS", "* @pat pat@acme.example\n");
    world.commit("ann@acme.example");
    world.git(&["branch", "--force", "main", "change"]);
    world.write("x.yaml", "x: 1\n");
    world.commit("7+pat@users.noreply.github.com");
    let owners = "any of @pat, pat@acme.example";
    world.missing("@pat", &[owners]);
    world.missing("pat@acme.example", &[]);
    let by_author =
        Options { author: vec!["PAT@acme.example".to_owned()], ..approved("pat@acme.example") };
    assert_eq!(world.change("main..change", &by_author).0, 1);
}

#[test]
fn members_and_breaking_changes() {
    let world = World::new();
    world.write("catalog/db/c.yaml", "c: 2\n");
    world.commit("ann@acme.example");
    let options = |by: &str| Options {
        breaking: vec!["catalog/db/c.yaml".into()],
        member: vec!["@acme/platform=@a,@b".to_owned(), "@acme/architecture=@b".to_owned()],
        ..approved(by)
    };
    assert_eq!(world.change("main..change", &options("@a @b")).0, 0);
    let (code, text) = world.change("main..change", &options("@b"));
    assert_eq!(code, 1);
    insta::assert_snapshot!(text, @r"
    missing   @acme/architecture (and not @b again, who approved as an owner), besides the owners: this breaks those who use it
       catalog/db/c.yaml  .github/CODEOWNERS:4 /catalog/

    approved  @acme/platform (by @b)
       catalog/db/c.yaml  .github/CODEOWNERS:4 /catalog/

    not approved: 1 of 2 still missing
    ");
    let other = Options { breaking: vec!["trueline.yaml".into()], ..Options::default() };
    assert!(owners_change::needed(&world.context(), "main..change", &other).is_err());
}

#[test]
fn what_breaks_is_found_by_comparing() {
    let world = World::new();
    let (_, item) = crate::validate::testing::ITEM.split_once('\n').expect("a path and a text");
    let path = "catalog/databases/database-standard.yaml";
    world.write(path, item);
    world.commit("ann@acme.example");
    world.git(&["branch", "--force", "main", "change"]);
    let asked = |text: String| {
        world.write(path, &text);
        world.commit("ann@acme.example");
        let (_, text) = world.change("main..change", &Options::default());
        text.contains("@acme/architecture")
    };
    assert!(asked(item.replace("enum: [small, large]", "enum: [small]")), "it takes less");
    assert!(!asked(item.replace("enum: [small, large]", "enum: [small, large, huge]")), "more");
}

#[test]
fn what_cannot_be_compared_is_usage() {
    let world = World::new();
    let outside = tempfile::tempdir().unwrap();
    let needed = |context: &Context, range: &str, by: &str| {
        let failure = owners_change::needed(context, range, &approved(by)).err().expect("refused");
        failure.to_string()
    };
    for (range, by, expected) in [
        ("main", "", "`main` is not a range (write two revisions: `--change main..my-branch`)"),
        (
            "..change",
            "",
            "`..change` is not a range (write two revisions: `--change main..my-branch`)",
        ),
        (
            "main..nope",
            "",
            "there is no revision `nope` (name a branch, a tag or a commit that is in this repository; `git fetch` may bring it)",
        ),
        (
            "main..change",
            "pat",
            "`pat` is not an owner (write @user, @organisation/team or a mail address)",
        ),
    ] {
        assert_eq!(needed(&world.context(), range, by), expected);
    }
    assert!(needed(&context(outside.path()), "main..change", "").contains("no git repository"));
}
