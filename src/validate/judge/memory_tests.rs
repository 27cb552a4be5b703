//! What is remembered changes no finding: random edits, judged with and without it.

use proptest::prelude::*;

use super::super::testing::{BUNDLE, ITEM, SERVICE, snapshot};
use super::*;

/// Texts of the world, each with what it may become.
const EDITS: [(&str, &str); 22] = [
    ("size: small}", "size: huge}"),
    ("size: small}", "sise: small}"),
    ("payments-db, team: payments", "payments-db, team: payments, environment: production"),
    ("enum: [small, large]", "enum: [large]"),
    ("version: 1.4.0", "version: 1.5.0"),
    ("Make it.", "\"{{fields.nothing}}\""),
    ("Make it.", "\"{{environment.region}}\""),
    ("catalogItem: database-standard\nfields", "catalogItem: database-other\nfields"),
    ("{region: eu}", "{}"),
    ("id: payments-app", "id: payments-db"),
    ("outputs.url}}\"}", "outputs.uri}}\"}"),
    ("team: payments}", "team: billing}"),
    ("owner: {team: platform", "visibility: {teams: [billing]}\n  owner: {team: platform"),
    ("sunset: 2027-01-01", "sunset: 2026-01-01"),
    ("output/unused: warning", "output/unused: error"),
    ("output/unused: warning", "output/unused: off"),
    ("fields/value: error", "fields/value: warning"),
    ("quota: {services: 9}", "quota: {services: 1}"),
    ("allow item/deprecated", "allow item/visibility"),
    ("kind: Service\n", "kind: Servise\n"),
    ("size: small}\n", "size: small}\ndependsOn: [payments-nowhere]\n"),
    ("label: b", "label: \"{{services.payments-db.outputs.url}}\""),
];

fn world() -> String {
    let app = SERVICE
        .replace("payments-db", "payments-app")
        .replace("size: small", "label: b")
        .replace("catalogItem", "# trueline: allow item/deprecated it is being moved\ncatalogItem");
    let site = SERVICE
        .replace("payments-db", "payments-site")
        .replace("catalogItem: database-standard", "catalogBundle: bundle-webapp");
    let item = ITEM
        .replace(
            "outputs:\n  url:",
            "outputs:\n  address: {value: \"{{outputs.provision.url}}\"}\n  url:",
        )
        .replace(
            "presentation:",
            "  lifecycle: {deprecated: true, sunset: 2027-01-01}\npresentation:",
        );
    let settings = "--- trueline.yaml\nschemaVersion: catalog/v1\nkind: Catalog\nvalidation:\n  rules: {output/unused: warning, fields/value: error}\nteams:\n  payments: {quota: {services: 9}}\n  platform: {}\n";
    let environment = "--- environments/production.yaml\nschemaVersion: catalog/v1\nkind: Environment\nmetadata: {id: production, name: Production}\nvariables: {region: eu}\n";
    format!("{settings}{environment}{item}{BUNDLE}{SERVICE}{app}{site}")
}

/// Judges as a process does that read what was written before, and writes what it knows then; returns how many
/// documents it read.
fn remembering(
    kept: &mut Vec<u8>,
    snapshot: &Snapshot,
    today: Option<Date>,
) -> (Vec<Finding>, usize) {
    let mut judge = Judge::recalling(Memory::read("test", kept.clone()));
    let findings = judge.judge_against(snapshot, &Against { base: None, today }).findings;
    let read = judge.fresh + judge.flaws.len();
    assert!(!judge.is_torn());
    kept.clear();
    if !judge.write("test", snapshot, kept).unwrap() {
        kept.clear();
    }
    (findings, read)
}

#[test]
fn every_edit_finds_something_or_mends_it() {
    let files = world();
    for (old, _) in EDITS {
        assert!(files.contains(old), "{old}");
    }
}

#[test]
fn what_is_right_is_not_read_again() {
    let (mut kept, files) = (Vec::new(), world());
    let first = remembering(&mut kept, &snapshot(&files), None);
    let again = remembering(&mut kept, &snapshot(&files), None);
    assert_eq!(first.0, again.0);
    assert!(first.1 == 7 && again.1 < first.1, "{} {}", first.1, again.1);
    let other = files
        .replace("catalogBundle: bundle-webapp", "catalogBundle: bundle-webapp\nstate: suspended");
    let (_, read) = remembering(&mut kept, &snapshot(&other), None);
    assert!(read <= again.1 + 1, "{read} {}", again.1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn findings_are_the_same_with_and_without(
        rounds in prop::collection::vec((prop::collection::vec(0..EDITS.len(), 0..4), 0..3_usize, 0..9_usize), 1..6),
        harm in any::<Option<(prop::sample::Index, u8)>>(),
    ) {
        let mut kept = Vec::new();
        for (edits, day, gone) in rounds {
            let mut files = world();
            for edit in edits {
                let (old, new) = EDITS[edit];
                files = files.replace(old, new);
            }
            let mut snapshot = snapshot(&files);
            if let Some(path) = snapshot.files.keys().nth(gone).cloned() {
                snapshot.files.remove(&path);
            }
            let today: Option<Date> = ["2026-11-21", "2027-11-21"].get(day).map(|day| day.parse().unwrap());
            let expected = Judge::default().judge_against(&snapshot, &Against { base: None, today }).findings;
            prop_assert_eq!(&remembering(&mut kept, &snapshot, today).0, &expected);
            prop_assert_eq!(&remembering(&mut kept, &snapshot, today).0, &expected);
            if let Some((at, bit)) = harm.as_ref().filter(|_| !kept.is_empty()) {
                let at = at.index(kept.len());
                kept[at] ^= bit;
            }
        }
    }
}
