//! Tests of what `trueline validate` writes where: formats, files, paths from the root of a repository.

use std::fs;

use clap::{Args as _, FromArgMatches as _};

use super::super::init;
use super::super::local::testing::context;
use super::super::output::Exit;
use super::super::validate::{self, Options};
use super::*;

/// Makes a repository with a catalog in a folder of it, in which a service is wrong.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".git")).unwrap();
    let catalog = folder.path().join("my platform");
    let new = init::Options { directory: catalog.clone(), force: false };
    init::run(&context(&catalog), &new).unwrap();
    let wrong = catalog.join("services/platform/platform-broken.yaml");
    fs::write(wrong, "schemaVersion: catalog/v1\nkind: Servise\n").unwrap();
    folder
}

fn read(line: &[&str]) -> Result<Reports, clap::Error> {
    let command = Reports::augment_args(clap::Command::new("validate"));
    let line = std::iter::once("validate").chain(line.iter().copied());
    command.try_get_matches_from(line).and_then(|matches| Reports::from_arg_matches(&matches))
}

#[test]
fn several_reports_are_written_in_one_run() {
    let folder = repository();
    let catalog = folder.path().join("my platform");
    let file = |name: &str| folder.path().join(name);
    for format in report::formats() {
        let reports = Reports {
            format: Some(format),
            output_file: Some(file("main")),
            others: report::formats()
                .iter()
                .map(|format| Wanted { format, file: file(format.name) })
                .collect(),
        };
        let options = Options { reports, ..Options::default() };
        let exit = validate::run(&context(&catalog), &options);
        assert_eq!(exit.unwrap(), Exit::Findings, "{}", format.name);
        let text = fs::read_to_string(file(format.name)).unwrap();
        assert_eq!(fs::read_to_string(file("main")).unwrap(), text, "{}", format.name);
        let path = match format.name {
            "text" => format!("{}/services", catalog.display()),
            "json" => "\"services".to_owned(),
            "sarif" => "\"my%20platform/services".to_owned(),
            _ => "my platform/services".to_owned(),
        };
        assert!(text.contains(&format!("{path}/platform/platform-broken.yaml")), "{text}");
    }
}

#[test]
fn a_clean_catalog_is_a_success_in_every_format() {
    let folder = repository();
    let catalog = folder.path().join("my platform");
    fs::remove_file(catalog.join("services/platform/platform-broken.yaml")).unwrap();
    for format in report::formats() {
        let file = folder.path().join(format.name);
        let reports =
            Reports { format: Some(format), output_file: Some(file.clone()), ..Reports::default() };
        let exit = validate::run(&context(&catalog), &Options { reports, ..Options::default() });
        assert_eq!(exit.unwrap(), Exit::Success, "{}", format.name);
        assert!(!fs::read_to_string(file).unwrap().is_empty(), "{}", format.name);
    }
}

#[test]
fn options_are_read() {
    let reports =
        read(&["--format", "github", "--report", "sarif=a=b.sarif", "--report", "text=t"]).unwrap();
    let others =
        reports.others.iter().map(|other| (other.format.name, other.file.to_str().unwrap()));
    assert_eq!(others.collect::<Vec<_>>(), [("sarif", "a=b.sarif"), ("text", "t")]);
    assert_eq!(reports.format.map(|format| format.name), Some("github"));
    for (line, expected) in [
        (["--format", "sarf"], "[possible values: text, json, sarif, junit, github, markdown]"),
        (["--report", "sarif"], "write FORMAT=FILE"),
        (["--report", "sarf=x"], "there is: text, json"),
        (["--report", "sarif="], "write FORMAT=FILE"),
    ] {
        let error = read(&line).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_report_that_cannot_be_written_is_no_success() {
    let folder = repository();
    let catalog = folder.path().join("my platform");
    let reports = Reports { output_file: Some("/nowhere/at/all".into()), ..Reports::default() };
    let options = Options { reports, ..Options::default() };
    let failure = validate::run(&context(&catalog), &options).unwrap_err();
    assert!(failure.to_string().starts_with("cannot write the report /nowhere/at/all: "));
    assert!(format!("{failure:?}").contains("code: 2"));
}

#[test]
fn paths_begin_at_the_root_of_the_repository() {
    let folder = repository();
    let catalog = folder.path().join("my platform");
    let asked = |root: &Path| Asked { root: Some(root.to_owned()), only: Vec::new() };
    assert_eq!(from_root(&asked(&catalog), None), "my platform/");
    // A checkout inside a workspace is a repository of its own.
    let above = folder.path().parent().map(Path::as_os_str);
    assert_eq!(from_root(&asked(&catalog), above), "my platform/");
    assert_eq!(from_root(&asked(folder.path()), above), "");
    fs::remove_dir(folder.path().join(".git")).unwrap();
    assert_eq!(from_root(&asked(&catalog), Some(folder.path().as_os_str())), "my platform/");
    assert_eq!(from_root(&asked(&catalog), Some(catalog.as_os_str())), "");
    assert_eq!(from_root(&asked(&catalog), None), "");
    assert_eq!(from_root(&Asked::default(), None), "");
}

#[test]
fn a_summary_is_appended() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("summary.md");
    append(&file, "a\n").unwrap();
    append(&file, "b\n").unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "a\nb\n");
    assert!(append(folder.path(), "c").is_err());
}
