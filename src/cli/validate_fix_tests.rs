//! Tests of `validate --fix` and `--diff` on real files.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::super::init;
use super::super::local::testing::context;
use super::super::output::Exit;
use super::super::validate::{self, Options};
use super::*;

const PATH: &str = "services/platform/platform-wiki.yaml";

const WRONG: &str = "# c\nschemaVersion: catalog/v1\nkind: Service\nmetadata: {id: platform-wiki, team: platform, environment: staging}\ncatalogItem: repository-standard # why\nversion: 1\nfields: {name: wiki, visibility: private}\n";

/// Makes a new catalog with a service that is wrong.
fn catalog(service: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let new = init::Options { directory: folder.path().to_owned(), force: false };
    init::run(&context(folder.path()), &new).unwrap();
    fs::write(folder.path().join(PATH), service).unwrap();
    folder
}

fn run_in(folder: &Path, mend: Mend) -> Result<Exit, Failure> {
    validate::run(&context(folder), &Options { mend, ..Options::default() })
}

fn text(folder: &Path) -> String {
    fs::read_to_string(folder.join(PATH)).unwrap()
}

const FIX: Mend = Mend { fix: true, diff: false, unsafe_fixes: false };
const DIFF: Mend = Mend { fix: false, diff: true, unsafe_fixes: false };

#[test]
fn what_is_fixed_is_written_and_what_is_left_decides() {
    let folder = catalog(WRONG);
    let file = folder.path().join(PATH);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(run_in(folder.path(), Mend::default()).unwrap(), Exit::Findings);
    assert_eq!(run_in(folder.path(), DIFF).unwrap(), Exit::Findings);
    assert_eq!(text(folder.path()), WRONG);
    assert_eq!(run_in(folder.path(), FIX).unwrap(), Exit::Success);
    assert_eq!(text(folder.path()), WRONG.replace("version: 1", "version: \"1\""));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(run_in(folder.path(), FIX).unwrap(), Exit::Success);
    let left: Vec<_> = fs::read_dir(file.parent().unwrap()).unwrap().flatten().collect();
    assert!(left.iter().all(|entry| !entry.file_name().to_string_lossy().starts_with('.')));
}

#[test]
fn guesses_are_fixed_only_when_asked_for() {
    let guess = WRONG.replace("version: 1", "version: \"1\"").replace("visibility", "visibilty");
    let folder = catalog(&guess);
    assert_eq!(run_in(folder.path(), FIX).unwrap(), Exit::Findings);
    assert_eq!(text(folder.path()), guess);
    assert_eq!(run_in(folder.path(), Mend { unsafe_fixes: true, ..FIX }).unwrap(), Exit::Success);
    assert_eq!(text(folder.path()), guess.replace("visibilty", "visibility"));
    assert!(run_in(folder.path(), Mend { unsafe_fixes: true, ..Mend::default() }).is_err());
}

#[test]
fn only_what_is_named_is_fixed() {
    let folder = catalog(WRONG);
    let paths = vec![folder.path().join("environments")];
    let options = Options { paths, mend: FIX, ..Options::default() };
    assert_eq!(validate::run(&context(folder.path()), &options).unwrap(), Exit::Success);
    assert_eq!(text(folder.path()), WRONG);
}

#[test]
fn a_commit_cannot_be_fixed() {
    let folder = catalog(WRONG);
    let found = Found {
        asked: super::super::validate_paths::Asked::default(),
        snapshot: crate::catalog::Snapshot::default(),
        prefix: String::new(),
        findings: Vec::new(),
        suppressed: Vec::new(),
    };
    assert!(run(&context(folder.path()), FIX, found).is_err());
    let git = |arguments: &[&str]| {
        let done = std::process::Command::new("git")
            .args(["-c", "user.name=Ann", "-c", "user.email=ann@team.example"])
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    git(&["init", "--quiet", "--initial-branch=main"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message=x"]);
    let by_commit =
        super::super::context::Context { branch: Some("main".into()), ..context(folder.path()) };
    let options = Options { mend: FIX, ..Options::default() };
    let failure = validate::run(&by_commit, &options).unwrap_err();
    assert!(failure.to_string().starts_with("what a commit holds cannot be changed"), "{failure}");
    assert_eq!(text(folder.path()), WRONG);
}

fn mended(before: &str) -> MendedFile {
    MendedFile { path: PATH.into(), before: before.as_bytes().into(), after: b"new"[..].into() }
}

#[test]
fn what_is_no_plain_file_or_has_changed_is_left() {
    let folder = catalog(WRONG);
    let root = folder.path();
    let fails = |file: &MendedFile, why: &str| {
        let failure = write_all(root, std::slice::from_ref(file)).unwrap_err();
        assert!(failure.to_string().contains(why), "{failure}");
    };
    fails(&mended("old"), "has changed meanwhile");
    assert_eq!(text(root), WRONG);
    let file = root.join(PATH);
    fs::rename(&file, root.join("elsewhere")).unwrap();
    fails(&mended(WRONG), "No such file");
    std::os::unix::fs::symlink(root.join("elsewhere"), &file).unwrap();
    fails(&mended(WRONG), "symbolic link");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    fails(&mended(WRONG), "not a file");
    let folder = root.join("services/platform");
    fs::rename(&folder, root.join("moved")).unwrap();
    std::os::unix::fs::symlink(root.join("moved"), &folder).unwrap();
    fails(&mended(WRONG), "symbolic link");
    assert_eq!(fs::read_to_string(root.join("elsewhere")).unwrap(), WRONG);
}

#[test]
fn a_difference_reads_as_that_of_git() {
    let file = MendedFile {
        path: PATH.into(),
        before: b"a: 1\nb: 2\n"[..].into(),
        after: b"a: 1\nb: \"2\"\n"[..].into(),
    };
    insta::assert_snapshot!(difference("x/", &file), @r#"
    --- a/x/services/platform/platform-wiki.yaml
    +++ b/x/services/platform/platform-wiki.yaml
    @@ -1,2 +1,2 @@
     a: 1
    -b: 2
    +b: "2"
    "#);
}
