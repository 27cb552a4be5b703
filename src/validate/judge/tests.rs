//! Tests of the judge: what counts, what is replaced, what is unknown.

use insta::assert_snapshot;

use super::super::testing::{ITEM, SERVICE, judge, judge_after, names, shown, snapshot};
use super::*;

fn world() -> String {
    format!("{ITEM}{SERVICE}")
}

#[test]
fn a_good_catalog_is_remembered_whole() {
    let judged = judge(&world());
    assert_eq!(shown(&judged), "");
    assert_eq!(
        names(&judged.remember),
        [
            "CatalogItem database-standard catalog/databases/database-standard.yaml",
            "Service payments-db services/payments/payments-db.yaml"
        ]
    );
    assert!(judged.misfits.is_empty() && judged.absent_is_unknown.is_none());
    assert_eq!(judged.catalog.services.len(), 1);
}

#[test]
fn what_is_known_is_not_remembered_again_and_what_is_gone_is_forgotten() {
    let judged = judge_after(&world(), &world());
    assert!(judged.remember.is_empty() && judged.forget.is_empty());
    let judged = judge_after(&world(), ITEM);
    assert_eq!(judged.forget, [(Kind::Service, "payments-db".to_owned())]);
}

#[test]
fn a_wrong_document_leaves_its_last_good_version_in_force() {
    let judged = judge_after(&world(), &world().replace("fields: {size: small}", "feilds: {}"));
    assert_eq!(
        judged.catalog.services["payments-db"].body.fields.get("size").expect("size"),
        "small"
    );
    assert!(judged.misfits.is_empty() && judged.absent_is_unknown.is_none());
    let [overlay] = judged.overlay.as_slice() else { panic!("{:?}", judged.overlay) };
    assert_eq!((&*overlay.id, overlay.kind), ("payments-db", Kind::Service));
    assert_snapshot!(overlay.why, @"services/payments/payments-db.yaml:5:1: error schema/unknown-key unknown property `feilds` (did you mean `fields`?)");
    assert!(judged.remember.is_empty() && judged.forget.is_empty());
}

#[test]
fn a_document_that_cannot_be_read_counts_by_the_name_of_its_file_and_makes_absence_unknown() {
    let broken = format!("{ITEM}--- services/payments/payments-db.yaml\nmetadata: {{id: 'pay\n");
    let judged = judge_after(
        &format!("{}{}", world(), SERVICE.replace("payments-db", "payments-two")),
        &broken,
    );
    assert_eq!(judged.catalog.services.keys().collect::<Vec<_>>(), ["payments-db"]);
    assert_eq!(
        judged.absent_is_unknown.as_deref(),
        Some("the id of `services/payments/payments-db.yaml` cannot be read")
    );
    assert!(judged.forget.is_empty());
}

#[test]
fn an_id_that_changes_in_the_file_alone_loses_nothing() {
    let judged = judge_after(&world(), &world().replace("id: payments-db", "id: payments-xy"));
    assert_eq!(judged.catalog.services.keys().collect::<Vec<_>>(), ["payments-db"]);
    assert_eq!(judged.overlay.len(), 1);
}

#[test]
fn an_ending_that_nobody_reads_makes_absence_unknown() {
    let judged = judge_after(&world(), &world().replace("payments-db.yaml", "payments-db.yml"));
    assert!(judged.catalog.services.is_empty() && judged.forget.is_empty());
    assert!(judged.absent_is_unknown.is_some());
}

#[test]
fn what_could_not_be_taken_in_makes_absence_unknown() {
    let mut snapshot = snapshot(&world());
    let place = crate::finding::Place::start_of("services/a");
    snapshot.findings.push(Finding::error("source/symlink", place, "a link"));
    let judged = Judge::default().judge(&snapshot);
    assert_eq!(judged.absent_is_unknown.as_deref(), Some("`services/a` is not read: a link"));
    assert_eq!(judged.findings.len(), 1);
}

#[test]
fn services_of_an_item_that_was_never_good_do_not_fit() {
    let judged = judge(&world().replace("name: Database", "nmae: Database"));
    assert_snapshot!(shown(&judged), @r"
    catalog/databases/database-standard.yaml:4:3: error schema/missing-key missing property `name` (`name`: name for people, of 3 to 64 characters)
    catalog/databases/database-standard.yaml:5:3: error schema/unknown-key unknown property `nmae` (did you mean `name`?)
    ");
    assert_eq!(
        judged.misfits["payments-db"],
        ["`database-standard` cannot be used until its document is mended"]
    );
}

#[test]
fn of_two_services_with_one_id_the_place_of_the_last_good_one_decides() {
    let twin = SERVICE.replace("payments/", "billing/").replace("team: payments", "team: billing");
    let both = format!("{ITEM}{twin}{SERVICE}");
    let judged = judge(&both);
    assert_eq!(judged.misfits.keys().collect::<Vec<_>>(), ["payments-db"]);
    assert_eq!(names(&judged.remember).len(), 1);
    let judged = judge_after(&world(), &both);
    assert_eq!(
        &*judged.catalog.services["payments-db"].document.path,
        "services/payments/payments-db.yaml"
    );
    assert!(judged.remember.is_empty() && judged.forget.is_empty());
}

#[test]
fn the_same_snapshot_gives_the_same_findings_twice() {
    let wrong = snapshot(&world().replace("provision.url", "provison.url"));
    let mut judge = Judge::default();
    let first = judge.judge(&wrong);
    let second = judge.judge(&wrong);
    assert_eq!(first.findings, second.findings);
    assert_eq!(first.findings.len(), 1);
}

/// Reads all files below a folder, by their path from it.
fn files_below(root: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    files
}

#[test]
fn the_example_has_no_finding() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog-example");
    let judged = Judge::default().judge(&Snapshot::of_files(files_below(&root)));
    assert_eq!(shown(&judged), "");
    assert!(judged.misfits.is_empty() && judged.catalog.services.len() >= 10);
}

/// Not a measure, a guard: one changed file among many must not make all of them be checked again.
#[test]
fn one_changed_file_is_checked_alone() {
    let service = |n: usize, size: &str| {
        let text =
            SERVICE.replace("payments-db", &format!("payments-{n:05}")).replace("small", size);
        let (path, text) = text.trim_start_matches("--- ").split_once('\n').unwrap();
        (path.to_owned(), text.as_bytes().to_vec())
    };
    let item = snapshot(ITEM)
        .files
        .into_iter()
        .map(|(path, blob)| (path.to_string(), blob.bytes.get().to_vec()));
    let mut files: Vec<_> = item.chain((0..3_000).map(|n| service(n, "small"))).collect();
    let mut judge = Judge::default();
    let start = std::time::Instant::now();
    let first = judge.judge(&Snapshot::of_files(files.clone()));
    let cold = start.elapsed();
    assert_eq!((first.findings.len(), first.remember.len()), (0, 3_001));
    files.pop();
    files.push(service(2_999, "huge"));
    let changed = Snapshot::of_files(files);
    let start = std::time::Instant::now();
    let second = judge.judge(&changed);
    let warm = start.elapsed();
    assert_eq!((second.findings.len(), second.remember.len(), second.misfits.len()), (1, 1, 1));
    assert!(warm * 4 < cold, "{warm:?} against {cold:?}");
}
