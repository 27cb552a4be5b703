//! Tests of `trueline validate` on a change, with catalogs in repositories that the real program `git` made.

use std::path::Path;
use std::process::Command;

use super::super::local::testing::context;
use super::super::output::Exit;
use super::super::validate;
use super::*;

const ITEM: &str = "\
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
      - {id: provision, type: manual-task, config: {title: Make, instructions: Make it.}}
";
const ITEM_PATH: &str = "catalog/databases/database-standard.yaml";

fn service(id: &str, fields: &str) -> String {
    format!(
        "schemaVersion: catalog/v1\nkind: Service\nmetadata: {{id: {id}, team: payments}}\ncatalogItem: database-standard\nfields: {{{fields}}}\n"
    )
}

/// A catalog in a folder of a repository.
struct World {
    folder: tempfile::TempDir,
    below: &'static str,
}

impl World {
    fn new(below: &'static str) -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap(), below };
        world.git(&["init", "--quiet", "--initial-branch=main"]);
        world
    }

    /// One commit: an item, a service that fits, and one that never did.
    fn started(below: &'static str) -> Self {
        let world = Self::new(below);
        world.write(ITEM_PATH, ITEM);
        world.write("services/payments/payments-db.yaml", &service("payments-db", "size: large"));
        world.write("services/payments/payments-old.yaml", &service("payments-old", "sise: large"));
        world.commit();
        world
    }

    fn catalog(&self) -> PathBuf {
        self.folder.path().join(self.below)
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(self.folder.path(), arguments)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.catalog().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn commit(&self) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message=change"]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn check(&self, change: Change, expected: &[&str]) {
        assert_eq!(ends(&self.catalog(), change), expected);
    }
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Ann", "-c", "user.email=ann@team.example"])
        .args(["-c", "protocol.file.allow=always"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Judges a change; its findings as place and rule, or why it could not be judged.
fn ends(catalog: &Path, change: Change) -> Vec<String> {
    let options = Options { change, ..Options::default() };
    match found(&context(catalog), &options) {
        Ok(found) => {
            let short = |one: &Finding| format!("{} {}", one.place, one.rule);
            found.findings.iter().map(short).collect()
        }
        Err(failure) => vec![failure.to_string()],
    }
}

fn since(base: &str) -> Change {
    Change { base: Some(base.to_owned()), ..Change::default() }
}

fn staged() -> Change {
    Change { staged: true, ..Change::default() }
}

const OLD: &str = "services/payments/payments-old.yaml:5:10 fields/unknown";

#[test]
fn what_is_staged_is_judged_and_not_the_directory() {
    for below in ["", "sub/dir"] {
        let world = World::started(below);
        let path = "services/payments/payments-db.yaml";
        world.check(staged(), &[]);
        world.write(path, &service("payments-db", "size: huge"));
        world.check(staged(), &[]);
        world.check(since("HEAD"), &["services/payments/payments-db.yaml:5:16 fields/value"]);
        world.git(&["add", "--all"]);
        world.write(path, &service("payments-db", "size: small"));
        world.check(staged(), &["services/payments/payments-db.yaml:5:16 fields/value"]);
        world.check(since("HEAD"), &[]);
        world.check(Change { all: true, ..since("HEAD") }, &[OLD]);
    }
}

#[test]
fn a_change_of_an_item_is_told_where_it_breaks_a_service() {
    let world = World::started("");
    world.write(ITEM_PATH, &ITEM.replace("[small, large]", "[small]").replace("1.4.0", "2.0.0"));
    let broken = "services/payments/payments-db.yaml:5:16 fields/value";
    let services = |found: Vec<String>| -> Vec<String> {
        found.into_iter().filter(|line| line.starts_with("services/")).collect()
    };
    assert_eq!(services(ends(&world.catalog(), since("main"))), [broken]);
    world.commit();
    let head = Change { head: Some("HEAD".to_owned()), ..since("HEAD~1") };
    assert_eq!(services(ends(&world.catalog(), head)), [broken]);
    world.check(since("HEAD"), &[]);
    world.git(&["switch", "--quiet", "--detach", "HEAD~1"]);
    world.check(since("main"), &[]);
}

#[test]
fn what_moves_is_not_new() {
    let world = World::started("");
    let old = service("payments-old", "sise: large");
    let path = "services/payments/payments-old.yaml";
    world.write(path, &format!("# A remark.\n# Another.\n{old}"));
    world.check(since("HEAD"), &[]);
    // A second one of its kind is one too many.
    world.write(path, &old.replace("sise: large", "sise: large, sice: small"));
    let found = ends(&world.catalog(), since("HEAD"));
    assert_eq!(found, ["services/payments/payments-old.yaml:5:23 fields/unknown"]);
    // With the folder, its team changes, and so does what is wrong with it.
    std::fs::remove_file(world.catalog().join(path)).unwrap();
    world.write("services/billing/payments-old.yaml", &old.replace("payments}", "billing}"));
    world.check(since("HEAD"), &[]);
    world.write("services/billing/payments-old.yaml", "kind: [");
    assert_eq!(ends(&world.catalog(), since("HEAD")).len(), 1);
    world.commit();
    world.git(&["mv", "services/billing", "services/sales"]);
    world.check(staged(), &[]);
}

#[test]
fn a_branch_is_compared_with_where_it_left() {
    let world = World::started("");
    world.git(&["switch", "--quiet", "--create", "feature"]);
    world.write("services/payments/payments-new.yaml", &service("payments-new", "size: nope"));
    world.commit();
    world.git(&["switch", "--quiet", "main"]);
    // Mended on main meanwhile: that the branch still has it is no fault of its own.
    world.write("services/payments/payments-old.yaml", &service("payments-old", "size: large"));
    world.commit();
    let feature = Change { head: Some("feature".to_owned()), ..since("main") };
    let new = "services/payments/payments-new.yaml:5:16 fields/value";
    world.check(feature.clone(), &[new]);
    // Where the one takes the place of the other, as with a forced push, it counts.
    let instead = Change { no_merge_base: true, ..feature };
    world.check(instead, &[new, "services/payments/payments-old.yaml:5:10 fields/unknown"]);
}

#[test]
fn the_first_commit_has_nothing_before_it() {
    let world = World::new("");
    world.check(staged(), &[]);
    world.write("services/payments/payments-old.yaml", &service("payments-old", "x: y"));
    world.check(staged(), &[]);
    world.git(&["add", "--all"]);
    let expected = ["services/payments/payments-old.yaml:4:14 reference/unknown-item"];
    world.check(staged(), &expected);
    world.commit();
    world.check(staged(), &[]);
    let zeros = "0".repeat(40);
    world.check(since(&zeros), &expected);
    world.check(Change { head: Some("HEAD".to_owned()), ..Change::default() }, &expected);
}

#[test]
fn a_bare_repository_is_judged_by_its_commits() {
    let world = World::started("sub/dir");
    world.write("services/payments/payments-db.yaml", &service("payments-db", "size: huge"));
    world.commit();
    let bare = world.folder.path().join("bare.git");
    world.git(&["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
    let expected = ["services/payments/payments-db.yaml:5:16 fields/value"];
    let head = Change { head: Some("main".to_owned()), ..since("HEAD~1") };
    assert_eq!(ends(&bare.join("sub/dir"), head), expected);
    assert_eq!(ends(&bare.join("sub/dir"), since("HEAD~1")), expected);
    let nothing = Change { head: Some("main".to_owned()), ..Change::default() };
    let found = ends(&bare.join("nowhere"), nothing);
    assert!(found[0].contains("holds no catalog"), "{found:?}");
}

#[test]
fn what_cannot_be_compared_says_what_to_do() {
    let world = World::started("");
    let first = world.git(&["rev-parse", "HEAD"]);
    world.write("services/payments/payments-db.yaml", &service("payments-db", "size: huge"));
    world.commit();
    world.git(&["branch", "other", "HEAD~1"]);
    let shallow = world.folder.path().join("shallow");
    let url = format!("file://{}", world.folder.path().display());
    world.git(&[
        "clone",
        "--quiet",
        "--depth=1",
        "--no-single-branch",
        &url,
        shallow.to_str().unwrap(),
    ]);
    let check = |base: &str, expected: &str| {
        let found = ends(&shallow, since(base));
        assert!(found.len() == 1 && found[0].contains(expected), "{base}: {found:?}");
    };
    check(&first[..12], "fetch-depth: 0");
    check("HEAD~1", "there is no revision `HEAD~1`");
    check("--output=x", "there is no revision `--output=x`");
    assert_eq!(ends(&shallow, since("HEAD")), Vec::<String>::new());
    git(&shallow, &["switch", "--quiet", "--orphan", "empty"]);
    let found = ends(world.folder.path(), since("nowhere"));
    assert!(found[0].contains("`git fetch` may bring it"), "{found:?}");
    let nowhere = tempfile::tempdir().unwrap();
    let found = ends(nowhere.path(), staged());
    assert!(found[0].contains("there is no git repository at"), "{found:?}");
}

#[test]
fn nothing_relevant_is_no_fault() {
    let world = World::new("");
    world.write("README.md", "x");
    world.commit();
    world.write("README.md", "y");
    let options = Options { change: since("HEAD"), ..Options::default() };
    let exit = validate::run(&context(&world.catalog()), &options).unwrap();
    assert_eq!(exit, Exit::Success);
    let world = World::started("");
    world.write("README.md", "y");
    world.check(since("HEAD"), &[]);
    world.check(Change { all: true, ..since("HEAD") }, &[OLD]);
}

#[test]
fn paths_say_what_is_reported() {
    let world = World::started("");
    world.write("services/payments/payments-db.yaml", &service("payments-db", "size: huge"));
    world.write("services/payments/payments-two.yaml", &service("payments-two", "size: huge"));
    world.git(&["add", "--all"]);
    std::fs::remove_file(world.catalog().join("services/payments/payments-two.yaml")).unwrap();
    let paths = vec![world.catalog().join("services/payments/payments-two.yaml")];
    let options = Options { paths, change: staged(), ..Options::default() };
    let found = found(&context(&world.catalog()), &options).unwrap();
    let places: Vec<_> = found.findings.iter().map(|one| one.place.to_string()).collect();
    assert_eq!(places, ["services/payments/payments-two.yaml:5:16"]);
}
