//! Proves what is kept: backups beside a driver, what is put back, and which runs are forgotten.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::SignedDuration;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::SqliteStore;
use super::fixtures::{at, beginning, definition, driven, end, holder, run, take, unit, waiting};
use super::restore::Restoring;
use crate::id::RunId;
use crate::store::{
    BreakKind, DecisionKind, Lease, Retention, Store as _, StoreError, UnitWrite, verify_audit,
};

async fn carried(store: &SqliteStore, lease: &Lease, id: &str, service: &str, over: bool) {
    let mut run = run(id, service);
    store.create_run(lease, &run, &[]).await.expect("created");
    let events =
        if over { [beginning(), end()].concat() } else { [beginning(), vec![waiting()]].concat() };
    let entries = take(&mut run, events);
    store.append(lease, &run, &entries, &[]).await.expect("appended");
}

async fn execute(path: &Path, sql: &'static str) {
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await.expect("opens");
    sqlx::raw_sql(sql).execute(&mut connection).await.expect("executes");
    connection.close().await.expect("closes");
}

fn how(force: bool) -> Restoring {
    Restoring { by: "ada".to_owned(), at: at(1_000), force }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn backups_in_a_loop_beside_a_driver_are_each_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trueline.db");
    let store = Arc::new(SqliteStore::open(&path, "main").await.expect("opens"));
    let lease = store.acquire(&holder("serve"), at(1)).await.expect("free");
    let stop = Arc::new(AtomicBool::new(false));
    let driver = tokio::spawn({
        let (store, stop) = (store.clone(), stop.clone());
        async move {
            let mut runs = 0;
            while !stop.load(Ordering::Relaxed) {
                carried(&store, &lease, &format!("r{runs:05}"), "shop", runs % 3 > 0).await;
                runs += 1;
            }
            runs
        }
    });
    let beside = SqliteStore::open(&path, "main").await.expect("opens");
    let mut heads = Vec::new();
    for number in 0..8 {
        let file = folder.path().join(format!("backup-{number}.db"));
        let checked = beside.backup(&file).await.expect("backed up");
        assert_eq!(SqliteStore::check(&file).await.expect("whole"), checked);
        heads.push(checked.catalogs[0].head.expect("a head").0);
        let restored = folder.path().join(format!("restored-{number}/trueline.db"));
        SqliteStore::restore(&restored, &file, &how(false)).await.expect("restored");
        let opened = SqliteStore::open(&restored, "main").await.expect("opens");
        opened.open_runs().await.expect("every journal replays");
        assert_eq!(verify_audit(&opened).await.expect("reads").1, None);
    }
    stop.store(true, Ordering::Relaxed);
    assert!(driver.await.expect("ends") > 0);
    assert!(heads.is_sorted(), "{heads:?}");
    let left: Vec<String> = std::fs::read_dir(folder.path())
        .expect("listed")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with(".trueline"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

#[tokio::test]
async fn a_backup_is_for_its_owner_alone_and_written_over_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _) = driven().await;
    let file = folder.path().join("backup.db");
    store.backup(&file).await.expect("backed up");
    let mode = file.metadata().expect("there").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let before = std::fs::read(&file).expect("read");
    assert!(matches!(store.backup(&file).await, Err(StoreError::Exists(_))));
    assert_eq!(std::fs::read(&file).expect("read"), before);
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(folder.path().join("nowhere.db"), &link).expect("linked");
    assert!(matches!(store.backup(&link).await, Err(StoreError::Exists(_))));
    let nowhere = folder.path().join("no/such/folder.db");
    assert!(matches!(store.backup(&nowhere).await, Err(StoreError::File { .. })));
}

/// Makes a backup, damages it, and returns why it is refused; nothing may stand where it was to be put.
async fn refused(damage: impl AsyncFnOnce(&Path)) -> StoreError {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, lease) = driven().await;
    carried(&store, &lease, "r1", "shop", true).await;
    let file = folder.path().join("backup.db");
    store.backup(&file).await.expect("backed up");
    damage(&file).await;
    let target = folder.path().join("state/trueline.db");
    let error = SqliteStore::restore(&target, &file, &how(true)).await.expect_err("refused");
    assert!(!target.exists(), "{error}");
    assert!(SqliteStore::check(&file).await.is_err(), "{error}");
    error
}

#[tokio::test]
async fn what_is_not_whole_is_not_put_back() {
    let cut = refused(async |file: &Path| {
        let bytes = std::fs::read(file).expect("read");
        std::fs::write(file, &bytes[..bytes.len() / 2]).expect("written");
    });
    assert!(cut.await.advice().is_some());
    let garbage = refused(async |file: &Path| std::fs::write(file, "garbage").expect("written"));
    assert!(matches!(garbage.await, StoreError::Foreign(_)));
    let flipped = refused(async |file: &Path| {
        let mut bytes = std::fs::read(file).expect("read");
        let start = 4096 + bytes.len() / 3;
        bytes.iter_mut().skip(start).take(5000).for_each(|byte| *byte ^= 0x5a);
        std::fs::write(file, bytes).expect("written");
    });
    flipped.await;
    let altered = refused(async |file: &Path| {
        execute(file, "DROP TRIGGER audit_stays; UPDATE audit SET actor = 'eve' WHERE seq = 2")
            .await;
    });
    match altered.await {
        StoreError::Broken { path, broken } => {
            assert_eq!((broken.seq, broken.kind), (2, BreakKind::Altered));
            assert!(path.ends_with("backup.db"));
        }
        other => panic!("{other:?}"),
    }
    let newer = refused(async |file: &Path| execute(file, "PRAGMA user_version = 99").await);
    assert!(matches!(newer.await, StoreError::Newer { found: 99, .. }));
    let used = refused(async |file: &Path| {
        let mut log = file.as_os_str().to_owned();
        log.push("-wal");
        std::fs::write(PathBuf::from(log), "the last writes").expect("written");
        std::fs::write(file, "x").expect("written");
    });
    assert!(matches!(used.await, StoreError::Foreign(_)));
}

#[tokio::test]
async fn a_store_that_is_driven_or_open_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state/trueline.db");
    let store = SqliteStore::open(&path, "main").await.expect("opens");
    let lease = store.acquire(&holder("serve"), at(1)).await.expect("free");
    let file = folder.path().join("backup.db");
    store.backup(&file).await.expect("backed up");
    let tried = async |force| SqliteStore::restore(&path, &file, &how(force)).await;
    for force in [false, true] {
        match tried(force).await {
            Err(StoreError::Held(by)) => assert_eq!(by, holder("serve")),
            other => panic!("{other:?}"),
        }
    }
    store.release(&lease).await.expect("released");
    assert!(matches!(tried(false).await, Err(StoreError::Exists(_))));
    assert!(matches!(tried(true).await, Err(StoreError::InUse(_))), "it is still open");
    store.decide("ada", at(2), &DecisionKind::Apply { service: None }).await.expect("decided");
    store.close().await;
    let put = tried(true).await.expect("restored");
    let aside = SqliteStore::open(&put.aside.expect("put aside"), "main").await.expect("opens");
    assert_eq!(aside.last_decision().await.expect("read"), 1, "nothing of it was lost");
    let back = SqliteStore::open(&path, "main").await.expect("opens");
    assert_eq!(back.last_decision().await.expect("read"), 0);
    let told = back.audit_after(0, 9).await.expect("read");
    let last = told.last().expect("an entry");
    assert_eq!((last.what.as_str(), last.actor.as_str()), ("store.restored", "ada"));
    assert_eq!(verify_audit(&back).await.expect("reads").1, None);
    let next = back.acquire(&holder("serve"), at(3)).await.expect("free");
    assert!(next.token > lease.token);
}

#[tokio::test]
async fn a_damaged_store_is_put_aside_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trueline.db");
    let (store, _) = driven().await;
    let file = folder.path().join("backup.db");
    store.backup(&file).await.expect("backed up");
    std::fs::write(&path, "garbage").expect("written");
    std::fs::write(folder.path().join("trueline.db-wal"), "its log").expect("written");
    let put = SqliteStore::restore(&path, &file, &how(true)).await.expect("restored");
    let aside = put.aside.expect("put aside");
    assert_eq!(std::fs::read_to_string(&aside).expect("read"), "garbage");
    let log = PathBuf::from(format!("{}-wal", aside.display()));
    assert_eq!(std::fs::read_to_string(log).expect("read"), "its log");
    SqliteStore::open(&path, "main").await.expect("opens");
}

#[tokio::test]
async fn a_chain_whose_end_was_cut_off_is_noticed_by_the_decisions() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trueline.db");
    let store = SqliteStore::open(&path, "main").await.expect("opens");
    for _ in 0..3 {
        let apply = DecisionKind::Apply { service: None };
        store.decide("ada", at(2), &apply).await.expect("decided");
    }
    assert_eq!(verify_audit(&store).await.expect("reads").1, None);
    execute(&path, "DROP TRIGGER audit_remains; DELETE FROM audit WHERE seq = 3").await;
    let broken = verify_audit(&store).await.expect("reads").1.expect("broken");
    assert_eq!((broken.seq, broken.kind), (3, BreakKind::Cut));
    execute(&path, "DROP TRIGGER audit_stays; UPDATE audit SET previous = 'x' WHERE seq = 2").await;
    let broken = verify_audit(&store).await.expect("reads").1.expect("broken");
    assert_eq!((broken.seq, broken.kind), (2, BreakKind::Unreadable));
    execute(&path, "DELETE FROM audit WHERE seq = 1").await;
    execute(&path, "UPDATE audit SET previous = hash WHERE seq = 2").await;
    let broken = verify_audit(&store).await.expect("reads").1.expect("broken");
    assert_eq!((broken.seq, broken.kind), (2, BreakKind::Gap { missing: 1 }));
}

const EVERYTHING: Retention = Retention { runs: Some(SignedDuration::ZERO), per_service: 1 };

async fn old(store: &SqliteStore, retention: &Retention, second: i64) -> Vec<String> {
    let old = store.old_runs(retention, at(second), 100).await.expect("reads");
    old.into_iter().map(|id| id.0).collect()
}

#[tokio::test]
async fn runs_that_are_old_and_many_may_go() {
    let (store, lease) = driven().await;
    for id in ["a1", "a2", "a3"] {
        carried(&store, &lease, id, "shop", true).await;
    }
    carried(&store, &lease, "b1", "desk", true).await;
    let of = |seconds, per_service| Retention {
        runs: Some(SignedDuration::from_secs(seconds)),
        per_service,
    };
    assert_eq!(old(&store, &of(60, 1), 1_000).await, ["a1", "a2"], "the newest of each stays");
    assert_eq!(old(&store, &of(60, 2), 1_000).await, ["a1"]);
    assert_eq!(old(&store, &of(900, 1), 1_000).await, Vec::<String>::new(), "too young");
    assert_eq!(
        old(&store, &Retention { runs: None, per_service: 1 }, 1_000).await,
        Vec::<String>::new()
    );
    assert_eq!(old(&store, &of(60, 0), 1_000).await, ["a1", "a2"], "none is not a count");
    let gone = [RunId("a1".to_owned()), RunId("a2".to_owned()), RunId("no".to_owned())];
    assert_eq!(store.prune_runs(&lease, &gone, at(1_000)).await.expect("pruned"), 2);
    assert_eq!(store.run(&gone[0]).await.expect("read"), None);
    assert_eq!(store.journal(&gone[0]).await.expect("read"), []);
    assert!(
        store.run(&RunId("a3".to_owned())).await.expect("read").is_some(),
        "its change is kept"
    );
    let told = store.audit_after(0, 100).await.expect("read");
    let last = told.last().expect("an entry");
    assert_eq!((last.what.as_str(), &last.detail["count"]), ("runs.pruned", &2.into()));
    assert_eq!(verify_audit(&store).await.expect("reads").1, None);
    let other = Lease { token: 99 };
    assert!(matches!(store.prune_runs(&other, &gone, at(1)).await, Err(StoreError::LeaseLost)));
}

#[tokio::test]
async fn what_anything_refers_to_stays() {
    let (store, lease) = driven().await;
    // `r1` is what the fixture's unit says that it was applied by; under another name, as after a renaming.
    carried(&store, &lease, "r1", "shop", true).await;
    carried(&store, &lease, "stepped", "shop", true).await;
    carried(&store, &lease, "waits", "shop", false).await;
    carried(&store, &lease, "proposed", "shop", true).await;
    carried(&store, &lease, "loose", "shop", true).await;
    carried(&store, &lease, "newest", "shop", true).await;
    let mut record = unit("renamed", &definition("postgres", "1.0.0"));
    let step = serde_json::json!({
        "action": "notify", "digest": record.row.applied.expect("applied").0, "sent": null,
        "result": null, "outputs": {}, "run": "stepped", "at": at(1),
    });
    record.steps.insert("make".to_owned(), serde_json::from_value(step).expect("a step"));
    store.write_units(&lease, &[UnitWrite::Put(Box::new(record))]).await.expect("written");
    assert_eq!(old(&store, &EVERYTHING, 1_000).await, ["proposed", "loose"]);
    let mut failed = run("failed", "desk");
    store.create_run(&lease, &failed, &[]).await.expect("created");
    let why = "no".to_owned();
    let cancelled = crate::run::RunEvent::Cancelled { why, by: "ada".to_owned() };
    let on = crate::run::Wait {
        on: "ticket".to_owned(),
        reference: serde_json::json!({"key": "OPS-1"}),
        what: "OPS-1".to_owned(),
    };
    let waits = super::fixtures::of_step(crate::run::StepEvent::Waiting { on });
    let events = [beginning(), vec![waits, super::fixtures::of_run(cancelled)]].concat();
    let entries = take(&mut failed, events);
    store.append(&lease, &failed, &entries, &[]).await.expect("appended");
    carried(&store, &lease, "later", "desk", true).await;
    assert_eq!(old(&store, &EVERYTHING, 1_000).await, ["proposed", "loose"]);
    let adrift = store.adrift().await.expect("read");
    let [ticket] = adrift.as_slice() else { panic!("{adrift:?}") };
    store.settle_adrift(&lease, ticket, ("withdrawn", None), at(2)).await.expect("settled");
    assert_eq!(old(&store, &EVERYTHING, 1_000).await, ["proposed", "loose", "failed"]);
    let open = [RunId("waits".to_owned())];
    assert_eq!(store.prune_runs(&lease, &open, at(1_000)).await.expect("asked"), 0, "it is open");
}
