//! The law that makes speed safe: going on from what was judged and built last gives what beginning anew gives.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::{Desired, DesiredBuilder};
use crate::catalog::{Kind, Snapshot};
use crate::validate::testing::{BUNDLE, ITEM, SERVICE, shown};
use crate::validate::{Good, Judge, Judged};

/// The states that one file can be in; nothing where it is not there.
type States = (&'static str, Vec<Option<String>>);

fn body(file: &str) -> String {
    file.split_once('\n').expect("a file has a path").1.to_owned()
}

fn files() -> Vec<States> {
    let (item, bundle, service) = (body(ITEM), body(BUNDLE), body(SERVICE));
    let other = |id: &str, rest: &str| format!("{}{rest}", service.replace("payments-db", id));
    let of_bundle = other("payments-web", "")
        .replace("catalogItem: database-standard", "catalogBundle: bundle-webapp");
    let broken = |text: &str| format!("{text}what: is this\n");
    vec![
        (
            "catalog/databases/database-standard.yaml",
            vec![
                Some(item.clone()),
                Some(item.replace("enum: [small, large]", "enum: [small, huge]")),
                Some(item.replace(
                    "enum: [small, large], default: small",
                    "enum: [large], default: large",
                )),
                Some(broken(&item)),
                None,
            ],
        ),
        ("bundles/bundle-webapp.yaml", vec![Some(bundle.clone()), Some(broken(&bundle)), None]),
        (
            "services/payments/payments-db.yaml",
            vec![
                Some(service.clone()),
                Some(other("payments-db", "dependsOn: [payments-web]\n")),
                Some(broken(&service)),
                Some("metadata: {id: 'pay\n".to_owned()),
                None,
            ],
        ),
        (
            "services/payments/payments-web.yaml",
            vec![
                Some(of_bundle.clone()),
                Some(other("payments-web", "dependsOn: [payments-db]\n")),
                Some(
                    other("payments-web", "")
                        .replace("size: small", "label: \"{{services.payments-db.outputs.url}}\""),
                ),
                Some(other("payments-db", "")),
                None,
            ],
        ),
        (
            "services/billing/payments-db.yaml",
            vec![None, Some(service.replace("team: payments", "team: billing")), None],
        ),
        ("services/Payments/payments-db.yaml", vec![None, None, Some(service.clone())]),
        (
            "trueline.yaml",
            vec![
                None,
                Some(settings("{reference/unknown-service: note}")),
                Some(settings("{fields/value: warning, reference/cycle: off}")),
                Some("kind: Catalog\n".to_owned()),
            ],
        ),
        ("environments/production.yml", vec![None, None, Some("x: 1\n".to_owned())]),
    ]
}

fn settings(rules: &str) -> String {
    format!(
        "schemaVersion: catalog/v1\nkind: Catalog\nmetadata: {{id: platform, name: Platform}}\nvalidation: {{rules: {rules}}}\n"
    )
}

fn snapshot(files: &[States], chosen: &[usize]) -> Snapshot {
    let there = files.iter().zip(chosen).filter_map(|((path, states), chosen)| {
        let state = states.get(chosen % states.len())?.clone()?;
        Some(((*path).to_owned(), state.into_bytes()))
    });
    Snapshot::of_files(there)
}

/// All that a judgement says, as text.
fn told(judged: &Judged) -> String {
    let documents: Vec<String> = judged
        .catalog
        .documents
        .values()
        .map(|d| format!("{} {} {}", d.path, d.blob, d.body.is_some()))
        .collect();
    let services: Vec<String> =
        judged.catalog.services.iter().map(|(id, e)| format!("{id} {}", e.document.path)).collect();
    let good = |good: &Good| format!("{} {} {} {}", good.kind, good.id, good.path, good.blob);
    let remember: Vec<String> = judged.remember.iter().map(good).collect();
    format!(
        "{}\n{documents:#?}\n{services:#?}\n{:#?}\n{:#?}\n{:?}\n{remember:#?}\n{:?}",
        shown(judged),
        judged.misfits,
        judged.overlay,
        judged.absent_is_unknown,
        judged.forget
    )
}

fn wanted(desired: &Desired) -> String {
    let units: Vec<String> = desired
        .units
        .values()
        .map(|u| format!("{} {} {} {} {:?}", u.key, u.intent, u.source, u.path, u.requires))
        .collect();
    format!("{units:#?} {:#?}", desired.blocked)
}

/// Judges and builds revision after revision, going on and beginning anew, and compares.
fn compare(revisions: Vec<Vec<usize>>) -> Result<(), TestCaseError> {
    let files = files();
    let (mut judge, mut builder) = (Judge::default(), DesiredBuilder::default());
    let mut good: BTreeMap<(Kind, String), Good> = BTreeMap::new();
    let mut before = vec![0; 8];
    for (number, mut chosen) in revisions.into_iter().enumerate() {
        // Every other revision changes two files only.
        if number % 2 == 1 {
            let keep = chosen.iter().sum::<usize>() % 8;
            for (index, chosen) in chosen.iter_mut().enumerate() {
                if index != keep && index != (keep + 3) % 8 {
                    *chosen = before[index];
                }
            }
        }
        let snapshot = snapshot(&files, &chosen);
        let judged = judge.judge(&snapshot);
        let anew = Judge::new(good.values().cloned().collect()).judge(&snapshot);
        prop_assert_eq!(told(&judged), told(&anew));
        let desired = builder.build(&judged.catalog, &judged.misfits, Arc::default());
        let fresh = DesiredBuilder::default().build(&anew.catalog, &anew.misfits, Arc::default());
        prop_assert_eq!(wanted(&desired), wanted(&fresh));
        for key in &judged.forget {
            good.remove(key);
        }
        good.extend(judged.remember.into_iter().map(|row| ((row.kind, row.id.to_string()), row)));
        before = chosen;
    }
    Ok(())
}

#[test]
fn what_rules_about_names_found_is_kept() {
    let revisions = [[0, 0, 5, 0, 10, 2, 0, 0], [3, 0, 7, 0, 10, 8, 11, 0]];
    compare(revisions.map(Vec::from).into()).expect("going on is beginning anew");
    let revisions = [[0, 0, 5, 0, 10, 8, 0, 0], [14, 0, 12, 6, 2, 1, 3, 9]];
    compare(revisions.map(Vec::from).into()).expect("going on is beginning anew");
}

#[test]
fn what_was_wrong_and_is_contested_has_another_name() {
    let nothing = [0; 8];
    let revisions = [nothing, nothing, [0, 0, 2, 0, 1, 3, 0, 0], [3, 0, 11, 8, 10, 13, 0, 5]];
    compare(revisions.map(Vec::from).into()).expect("going on is beginning anew");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn going_on_is_beginning_anew(
        revisions in prop::collection::vec(prop::collection::vec(0_usize..15, 8), 1..7)
    ) {
        compare(revisions)?;
    }
}
