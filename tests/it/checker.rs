//! The checker: what must hold after whatever happened, read from the counterpart's ledger, the database and the audit
//! chain. It knows the promises, and nothing of the test that it is called from.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use trueline::run::{Event, Run, StepEvent};
use trueline::store::{AuditEntry, JournalEntry, SqliteStore, Store as _, verify_chain};

use crate::world::World;

/// What was read of a world.
struct Read {
    runs: Vec<(Run, Vec<JournalEntry>, String)>,
    audit: Vec<AuditEntry>,
    integrity: Vec<String>,
    foreign: usize,
}

/// Checks everything that must hold of a world in which nothing is under way.
pub(crate) fn check(world: &World) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let read = runtime.block_on(read(world));
    assert_eq!(read.integrity, ["ok"], "PRAGMA integrity_check");
    assert_eq!(read.foreign, 0, "PRAGMA foreign_key_check");
    assert_eq!(verify_chain(&read.audit), Ok(()));
    assert_eq!(read.audit.first().map(|entry| entry.seq), Some(1), "the chain has its beginning");
    nothing_is_lost(&read);
    effects_are_intended_and_happen_once(world, &read);
    effects_follow_the_runs(world, &read);
    one_drives_after_the_other(world, &read);
    revisions_form_a_path(world, &read);
    somebody_approved(&read);
    no_secret_is_kept(world);
}

async fn read(world: &World) -> Read {
    let path = world.path(".trueline/trueline.db");
    let store = SqliteStore::open(&path, "test").await.unwrap();
    let mut runs = Vec::new();
    for summary in store.runs(None, 100_000).await.unwrap() {
        let run = store.run(&summary.id).await.unwrap().expect("a listed run is there");
        let journal = store.journal(&summary.id).await.unwrap();
        runs.push((run, journal, summary.state.to_string()));
    }
    runs.reverse();
    let audit = store.audit_after(0, 1_000_000).await.unwrap();
    store.close().await;
    let options = SqliteConnectOptions::new().filename(&path).read_only(true);
    let mut database = options.connect().await.unwrap();
    let integrity = sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&mut database).await;
    let foreign = foreign(&mut database).await;
    Read { runs, audit, integrity: integrity.unwrap(), foreign }
}

async fn foreign(database: &mut SqliteConnection) -> usize {
    sqlx::query("PRAGMA foreign_key_check").fetch_all(database).await.unwrap().len()
}

/// Accepted is terminal and open together: whatever the audit chain says was accepted is there, and replays to the state
/// that it is listed in; its numbers have no gap.
fn nothing_is_lost(read: &Read) {
    let told = |what: &str| {
        let told = read.audit.iter().filter(|entry| entry.what == what);
        told.filter_map(|entry| entry.detail["run"].as_str().map(str::to_owned))
            .collect::<BTreeSet<_>>()
    };
    let known: BTreeSet<String> = read.runs.iter().map(|(run, ..)| run.id.0.clone()).collect();
    assert_eq!(known, told("run.created"), "runs that were accepted, and runs that are there");
    for (run, journal, listed) in &read.runs {
        assert_eq!(run.state.to_string(), *listed, "{}: its journal, and its row", run.id);
        let numbers: Vec<i64> = journal.iter().map(|entry| entry.seq).collect();
        let expected: Vec<i64> = (1..).take(numbers.len()).collect();
        assert_eq!(numbers, expected, "{}", run.id);
        let in_chain = read.audit.iter().filter(|entry| {
            entry.what != "run.created" && entry.detail["run"].as_str() == Some(&run.id.0)
        });
        assert!(in_chain.count() >= journal.len(), "{}: each event is in the chain", run.id);
    }
}

/// Keys that a journal intended, with how often.
fn intents(journal: &[JournalEntry]) -> BTreeMap<String, usize> {
    let mut intents = BTreeMap::new();
    for entry in journal {
        if let Event::Step { event: StepEvent::Started { key, .. }, .. } = &entry.event {
            *intents.entry(key.clone()).or_insert(0) += 1;
        }
    }
    intents
}

/// Each key that arrived stands in a journal, is of one thing alone, and took effect once at most; each step that a
/// journal says was done took effect.
fn effects_are_intended_and_happen_once(world: &World, read: &Read) {
    let ledger = world.counterpart.ledger();
    let mut intended: BTreeMap<String, usize> = BTreeMap::new();
    for (_, journal, _) in &read.runs {
        intended.extend(intents(journal));
    }
    let mut things: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (path, key) in &ledger.arrived {
        assert_ne!(key, "none", "{path} came without a key");
        assert!(intended.contains_key(key), "{path}: no journal intended {key}");
        things.entry(key).or_default().insert(path);
    }
    for (key, paths) in &things {
        assert_eq!(paths.len(), 1, "{key} was sent for {paths:?}");
        assert!(ledger.asked[*key] <= intended[*key], "{key}: each call has its own intent");
    }
    let mut effects: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, key, _) in &ledger.order {
        *effects.entry(key).or_insert(0) += 1;
    }
    for (key, times) in &effects {
        assert_eq!(*times, 1, "{key} took effect {times} times");
    }
    for (run, journal, _) in &read.runs {
        for (path, progress) in &run.steps {
            let done = journal.iter().any(|entry| {
                matches!(&entry.event, Event::Step { path: of, event: StepEvent::Succeeded { .. } } if of == path)
            });
            let Some(key) = progress.key.as_ref().filter(|_| done) else { continue };
            assert!(effects.contains_key(key.as_str()), "{} {path} is lost: {key}", run.id);
        }
    }
}

/// Of one thing, an effect of an older run never follows one of a newer run.
fn effects_follow_the_runs(world: &World, read: &Read) {
    let mut run_of: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for (number, (run, journal, _)) in read.runs.iter().enumerate() {
        for key in intents(journal).into_keys() {
            run_of.insert(key, (number, run.change.service.clone()));
        }
    }
    let mut newest: BTreeMap<&str, usize> = BTreeMap::new();
    for (path, key, _) in &world.counterpart.ledger().order {
        let (number, service) = &run_of[key];
        let last = newest.entry(service).or_insert(0);
        assert!(*number >= *last, "{path}: an effect of an older run came late");
        *last = *number;
    }
}

/// Drivers follow one another: each has the token after the last one's, nothing of a run comes before the first, and no
/// two attempts at one thing are in effect at once.
fn one_drives_after_the_other(world: &World, read: &Read) {
    let taken = read.audit.iter().filter(|entry| entry.what == "lease.taken");
    let tokens: Vec<i64> = taken.clone().filter_map(|it| it.detail["token"].as_i64()).collect();
    assert_eq!(tokens, (1..).take(tokens.len()).collect::<Vec<_>>(), "tokens of drivers");
    let first = taken.map(|entry| entry.seq).next();
    let driven = read.audit.iter().find(|it| it.what.starts_with("run.") && it.actor == "trueline");
    assert!(driven.is_none_or(|it| first.is_some_and(|first| first < it.seq)), "nobody drove");
    assert_eq!(world.counterpart.ledger().overlaps, [""; 0]);
}

/// Runs are of commits of the branch, in its order.
fn revisions_form_a_path(world: &World, read: &Read) {
    let log = world.git(&["-C", "catalog.git", "rev-list", "--reverse", "--first-parent", "main"]);
    let place: BTreeMap<&str, usize> = log.lines().zip(0..).collect();
    let mut last = 0;
    for (run, ..) in &read.runs {
        let number = place[run.commit.as_str()];
        assert!(number >= last, "{}: its commit is older than that of the run before", run.id);
        last = number;
    }
}

/// The first contact was acknowledged before anything was done.
fn somebody_approved(read: &Read) {
    let number = |what: &str| read.audit.iter().find(|entry| entry.what == what).map(|it| it.seq);
    if let Some(first) = number("run.created") {
        assert!(number("approve").is_some_and(|approved| approved < first), "nobody approved");
    }
}

/// The value of the secret that the counterpart is asked with.
pub(crate) const CANARY: &str = "canary-checker-8d1f0b7a5c";

/// The forms in which a secret may hide: as it is, as hexadecimal digits, and inside of Base64 at each of its offsets.
fn forms(secret: &str) -> Vec<String> {
    use base64::Engine as _;
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let inside = (0..3).map(|offset| {
        let padded = [&b"xxx"[..offset], secret.as_bytes()].concat();
        let text = base64::engine::general_purpose::STANDARD_NO_PAD.encode(padded);
        // The ends depend on what stands beside it.
        text[4..text.len() - 4].to_owned()
    });
    inside.chain([secret.to_owned(), hex]).collect()
}

fn no_secret_is_kept(world: &World) {
    let kept = [".trueline/trueline.db", ".trueline/trueline.db-wal", "serve.log"];
    for name in kept {
        let Ok(bytes) = std::fs::read(world.path(name)) else { continue };
        for form in forms(CANARY) {
            let found = bytes.windows(form.len()).any(|part| part == form.as_bytes());
            assert!(!found, "{name} holds a secret as `{form}`");
        }
    }
}
