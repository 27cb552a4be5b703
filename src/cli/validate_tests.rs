//! Tests of `trueline validate`: exit codes, what is covered, how it is shown.

use std::path::Path;

use super::super::init;
use super::super::local::testing::{context, example};
use super::*;

/// Makes a new catalog, with some files in it changed.
fn catalog(changes: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let new = init::Options { directory: folder.path().to_owned(), force: false };
    init::run(&context(folder.path()), &new).unwrap();
    for (path, text) in changes {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn code(folder: &Path, options: &Options) -> u8 {
    match run(&context(folder), options) {
        Ok(exit) => exit.code(),
        Err(failure) => {
            let text = format!("{failure:?}");
            let code = text.split("code: ").nth(1).and_then(|rest| rest.chars().next()).unwrap();
            u8::try_from(code.to_digit(10).unwrap()).unwrap()
        }
    }
}

fn of(folder: &Path, paths: &[&str]) -> Options {
    Options { paths: paths.iter().map(|path| folder.join(path)).collect(), ..Options::default() }
}

fn in_format(name: &str) -> Reports {
    let file = Some(PathBuf::from("/dev/null"));
    Reports { format: crate::validate::report::format(name), output_file: file, others: Vec::new() }
}

const BROKEN: (&str, &str) =
    ("services/platform/platform-broken.yaml", "schemaVersion: catalog/v1\nkind: Servise\n");

#[test]
fn exit_codes_are_as_documented() {
    let clean = catalog(&[]);
    let broken = catalog(&[BROKEN]);
    let empty = tempfile::tempdir().unwrap();
    std::fs::write(empty.path().join("README.md"), "x").unwrap();
    let here = Options::default;
    for (folder, options, expected) in [
        (clean.path(), here(), 0),
        (clean.path(), Options { fail_on: Level::Note, ..here() }, 0),
        (clean.path(), of(clean.path(), &["", "services"]), 0),
        (clean.path(), Options { reports: in_format("json"), ..here() }, 0),
        (broken.path(), here(), 1),
        (broken.path(), Options { reports: in_format("json"), ..here() }, 1),
        (broken.path(), of(broken.path(), &["services/platform"]), 1),
        (broken.path(), of(broken.path(), &["environments"]), 0),
        (broken.path(), of(broken.path(), &["nowhere"]), 2),
        (Path::new("/nowhere/at/all"), here(), 2),
        (empty.path(), here(), 3),
        (empty.path(), of(empty.path(), &["."]), 3),
        (clean.path(), of(clean.path(), &["README.md"]), 3),
    ] {
        assert_eq!(code(folder, &options), expected, "{options:?}");
    }
}

#[test]
fn a_level_says_what_fails() {
    let item = include_str!("scaffold/repository-standard.yaml");
    let warned = catalog(&[(
        "catalog/repositories/repository-standard.yaml",
        &item.replace("tags: [git]", "lifecycle: {deprecated: true, replacement: no-such-item}"),
    )]);
    let found = found(&context(warned.path()), &Options::default()).unwrap();
    let worst = found.findings.iter().map(|finding| finding.severity).max();
    let codes = [Level::Error, Level::Warning, Level::Note]
        .map(|fail_on| code(warned.path(), &Options { fail_on, ..Options::default() }));
    let expected = match worst {
        Some(Severity::Error) => [1, 1, 1],
        Some(Severity::Warning) => [0, 1, 1],
        Some(Severity::Note) => [0, 0, 1],
        None => [0, 0, 0],
    };
    assert_eq!(codes, expected, "{:?}", found.findings);
    assert!(worst.is_some());
}

#[test]
fn findings_are_shown_with_a_path_that_opens_and_the_line() {
    let folder = catalog(&[BROKEN]);
    let mut context = context(folder.path());
    context.quiet = false;
    let found = found(&context, &Options::default()).unwrap();
    let shown = validate_report::as_text(&context, &found);
    let root = folder.path().display().to_string();
    insta::assert_snapshot!(shown.replace(&root, "ROOT"), @r#"
    ROOT/services/platform/platform-broken.yaml:1:1: error schema/missing-key missing one of `catalogItem`, `catalogBundle`
      1 | schemaVersion: catalog/v1
        | ^
      hint: write exactly one of them

    ROOT/services/platform/platform-broken.yaml:1:1: error schema/missing-key missing property `metadata`
      1 | schemaVersion: catalog/v1
        | ^
      hint: `metadata`: who and where the service is

    ROOT/services/platform/platform-broken.yaml:2:7: error document/kind unknown kind `Servise`, expected one of `CatalogItem`, `CatalogBundle`, `Service`, `Environment`, `Catalog`
      2 | kind: Servise
        |       ^^^^^^^
      hint: did you mean `Service`?
      fix: write `Service` (`trueline validate --fix`)

    3 errors
    "#);
}

#[test]
fn the_example_is_clean() {
    let found = found(&example(), &Options::default()).unwrap();
    assert_eq!(found.findings, []);
}
