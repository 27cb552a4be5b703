//! Tests of what `validate` keeps: where, and that harm to it changes nothing that is found.

use std::process::Command;

use super::super::local::testing::context;
use super::super::validate::{Options, found};
use super::*;
use crate::catalog::Torn;
use crate::finding::Finding;

/// A catalog in a repository with enough services that it is worth keeping something.
fn catalog() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new("git").args(["init", "--quiet"]).arg(folder.path()).status();
    assert!(status.unwrap().success());
    write(folder.path(), "catalog/repositories/repository-standard.yaml", ITEM);
    for number in 0..220 {
        let path = format!("services/payments/payments-{number:03}.yaml");
        write(folder.path(), &path, &service(number, "size: small"));
    }
    folder
}

const ITEM: &str = "schemaVersion: catalog/v1\nkind: CatalogItem\nmetadata:\n  id: repository-standard\n  name: Repository\n  description: A repository for one service, with reviews of every change that is made to it.\n  version: 1.4.0\n  category: repositories\n  owner: {team: platform, contact: platform@acme.example}\npresentation:\n  form:\n    groups:\n      - id: main\n        name: Main\n        fields:\n          - {id: size, name: Size, type: select, enum: [small, large], default: small}\nfulfillment:\n  strategy: {mode: manual}\n  manual:\n    actions:\n      - {id: provision, type: manual-task, config: {title: Make, instructions: Make it.}}\n";

fn service(number: usize, fields: &str) -> String {
    format!(
        "schemaVersion: catalog/v1\nkind: Service\nmetadata: {{id: payments-{number:03}, team: payments}}\ncatalogItem: repository-standard\nfields: {{{fields}}}\n"
    )
}

fn write(folder: &Path, path: &str, text: &str) {
    let file = folder.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

fn findings(folder: &Path, no_cache: bool) -> Vec<Finding> {
    found(&context(folder), &Options { no_cache, ..Options::default() }).unwrap().findings
}

fn kept(folder: &Path) -> PathBuf {
    let place = Place::of(folder).unwrap();
    assert!(place.memory.starts_with(fs::canonicalize(folder).unwrap().join(".git/trueline")));
    place.memory
}

/// Writes down the stamps of a catalog as they are when some time has passed; returns where.
fn stamped(folder: &Path) -> PathBuf {
    let mut reader = DirectoryReader::new(folder);
    reader.read().unwrap();
    let file = Place::of(folder).unwrap().stamps;
    let stamps = reader.settled_stamps().write();
    super::write(&file, |out| out.write_all(&stamps).map(|()| true));
    file
}

#[test]
fn it_stands_in_the_repository_and_is_asked() {
    let folder = catalog();
    assert_eq!(findings(folder.path(), true), []);
    assert!(!folder.path().join(".git/trueline").exists());
    assert_eq!(findings(folder.path(), false), []);
    let bytes = fs::read(kept(folder.path())).unwrap();
    let snapshot = DirectoryReader::new(folder.path()).read().unwrap();
    let known = Memory::read(&program(), bytes).recall(&snapshot, &Torn::default()).unwrap();
    let known = known.documents.values().filter(|document| !document.blob.is_empty()).count();
    assert_eq!(known, 221);
}

#[test]
fn whatever_happens_to_it_changes_no_finding() {
    let folder = catalog();
    findings(folder.path(), false);
    let file = kept(folder.path());
    let good = fs::read(&file).unwrap();
    write(folder.path(), "services/payments/payments-007.yaml", &service(7, "size: huge"));
    let expected = findings(folder.path(), true);
    assert_eq!(expected.len(), 1);
    let other = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 0x40;
        bytes
    };
    let harms = [
        good.clone(),
        Vec::new(),
        b"x".to_vec(),
        good[..good.len() / 2].to_vec(),
        other(20),
        other(good.len() - 1),
    ];
    for harm in harms {
        fs::write(&file, harm).unwrap();
        assert_eq!(findings(folder.path(), false), expected);
    }
    assert_ne!(fs::read(&file).unwrap(), b"x");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert_eq!(findings(folder.path(), false), expected);
    fs::remove_dir_all(folder.path().join(".git/trueline")).unwrap();
    fs::write(folder.path().join(".git/trueline"), "a file").unwrap();
    assert_eq!(findings(folder.path(), false), expected);
}

#[test]
fn files_that_are_as_they_were_are_not_opened_and_nothing_is_missed() {
    let folder = catalog();
    findings(folder.path(), false);
    let file = stamped(folder.path());
    let good = fs::read(&file).unwrap();
    assert_eq!(findings(folder.path(), false), []);
    // A change of one document breaks others that nobody opened: their places are told all the same.
    let item = ITEM.replace("enum: [small, large]", "enum: [large]").replace("small", "large");
    write(folder.path(), "catalog/repositories/repository-standard.yaml", &item);
    let expected = findings(folder.path(), true);
    assert_eq!((expected.len(), expected[0].place.line), (220, 5));
    let mut other = good.clone();
    other[30] ^= 1;
    for stamps in [good.clone(), good[..good.len() / 2].to_vec(), other, Vec::new()] {
        fs::write(&file, stamps).unwrap();
        assert_eq!(findings(folder.path(), false), expected);
    }
    let (fix, mended) = (stamped(folder.path()), ITEM);
    write(folder.path(), "catalog/repositories/repository-standard.yaml", mended);
    assert_eq!(findings(folder.path(), false), [], "{}", fix.display());
}

#[test]
fn a_comment_in_a_file_that_is_as_it_was_counts() {
    let folder = catalog();
    let path = "services/payments/payments-007.yaml";
    let item = ITEM.replace("  owner:", "  lifecycle: {deprecated: true}\n  owner:");
    write(folder.path(), "catalog/repositories/repository-standard.yaml", &item);
    let text = service(7, "size: small").replace(
        "catalogItem:",
        "# trueline: allow item/deprecated it moves next week\ncatalogItem:",
    );
    write(folder.path(), path, &text);
    let expected = findings(folder.path(), true);
    assert!(!expected.is_empty() && expected.iter().all(|finding| &*finding.place.path != path));
    findings(folder.path(), false);
    stamped(folder.path());
    assert_eq!(findings(folder.path(), false), expected);
}

#[test]
fn it_follows_no_link() {
    let folder = catalog();
    findings(folder.path(), false);
    let file = kept(folder.path());
    let elsewhere = folder.path().join("elsewhere");
    fs::write(&elsewhere, "mine").unwrap();
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
    assert_eq!(findings(folder.path(), false), []);
    assert_eq!(fs::read(&elsewhere).unwrap(), b"mine");
    assert!(fs::symlink_metadata(&file).unwrap().is_file());
}

#[test]
fn several_may_read_and_write_it_at_once() {
    let folder = catalog();
    write(folder.path(), "services/payments/payments-007.yaml", &service(7, "size: huge"));
    let expected = findings(folder.path(), true);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..4 {
                    let _ = fs::remove_dir_all(folder.path().join(".git/trueline"));
                    assert_eq!(findings(folder.path(), false), expected);
                }
            });
        }
    });
}

#[test]
fn without_a_repository_it_stands_among_the_caches_of_the_user() {
    let path = |text: &str| Some(PathBuf::from(text));
    assert_eq!(folder_among(path("/c"), path("/h")), path("/c/trueline"));
    assert_eq!(folder_among(path("relative"), path("/h")), path("/h/.cache/trueline"));
    assert_eq!(folder_among(None, path("/h")), path("/h/.cache/trueline"));
    assert_eq!(folder_among(None, None), None);
}
