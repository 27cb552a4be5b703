//! What holds for all tables: a lease that was lost writes nothing, others see what was written, nothing is lost.

use std::path::PathBuf;

use super::SqliteStore;
use super::fixtures::change;
use super::fixtures::{at, beginning, definition, driven, end, holder, plan, run, take, unit};
use crate::catalog::Kind;
use crate::id::{RunId, StepPath, UnitKey};
use crate::store::{
    CatalogState, DecisionKind, Lease, Proposal, Store, StoreError, Task, TaskState, UnitWrite,
    verify_chain,
};
use crate::validate::Good;

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("trueline.db");
    (folder, path)
}

async fn open(path: &std::path::Path) -> SqliteStore {
    SqliteStore::open(path, "main").await.expect("opens")
}

fn task() -> Task {
    Task {
        number: 0,
        run: RunId("r1".to_owned()),
        step: StepPath("make".to_owned()),
        service: "shop".to_owned(),
        title: "Create the ticket".to_owned(),
        instructions: "by hand".to_owned(),
        outputs: [("id".to_owned(), "string".to_owned())].into(),
        state: TaskState::Open,
        created_at: at(5),
        done_by: None,
    }
}

fn proposal() -> Proposal {
    let (repository, service) = ("infra".to_owned(), "shop".to_owned());
    Proposal { repository, number: 4, run: Some(RunId("r1".to_owned())), step: None, service }
}

fn document(id: &str, bytes: &[u8]) -> Good {
    let path = format!("services/payments/{id}.yaml").into();
    Good { kind: Kind::Service, id: id.into(), path, blob: "b10b".into(), bytes: bytes.into() }
}

/// Carries out every write of a driver, and returns what became of each.
async fn write_everything(store: &SqliteStore, lease: &Lease) -> Vec<Result<(), StoreError>> {
    let state = CatalogState { services: 3, ..CatalogState::default() };
    let definition = definition("postgres", "1.0.0");
    let put = [UnitWrite::Put(Box::new(unit("shop", &definition)))];
    let mut run = run("r1", "shop");
    let plan = plan("c0ffee", vec![change("shop", &definition)]);
    let created = store.create_run(lease, &run, &put).await;
    let entries = take(&mut run, beginning());
    vec![
        created,
        store.append(lease, &run, &entries, &put).await,
        store.save_catalog_state(lease, &state).await,
        store.save_last_good(lease, &[document("shop", b"x")], &[]).await,
        store.write_units(lease, &put).await,
        store.save_plan(lease, &plan, at(1)).await,
        store.open_task(lease, &task()).await.map(drop),
        store.close_task(lease, 1, TaskState::Done, "ada").await,
        store.save_proposal(lease, &proposal()).await,
    ]
}

#[tokio::test]
async fn a_lease_that_was_lost_or_given_back_writes_nothing() {
    let (_folder, path) = place();
    let (old, new) = (open(&path).await, open(&path).await);
    let lost = old.acquire(&holder("serve"), at(1)).await.expect("free");
    std::fs::remove_file(path.with_file_name("driver.lock")).expect("removed");
    let current = new.acquire(&holder("apply"), at(2)).await.expect("takes over");
    assert!(current.token > lost.token);
    let before = new.audit_after(0, 100).await.expect("read");
    for stale in [lost, Lease { token: 0 }, Lease { token: current.token + 1 }] {
        for (index, outcome) in write_everything(&old, &stale).await.into_iter().enumerate() {
            assert!(matches!(outcome, Err(StoreError::LeaseLost)), "{index} {outcome:?}");
        }
        assert!(matches!(old.release(&stale).await, Err(StoreError::LeaseLost)));
    }
    assert!(new.unit_rows().await.expect("read").is_empty());
    assert!(new.runs(None, 9).await.expect("read").is_empty());
    assert_eq!(new.latest_plan().await.expect("read"), None);
    assert!(new.tasks(false).await.expect("read").is_empty());
    assert_eq!(new.audit_after(0, 100).await.expect("read"), before);
    new.release(&current).await.expect("given back");
    for outcome in write_everything(&new, &current).await {
        assert!(matches!(outcome, Err(StoreError::LeaseLost)), "{outcome:?}");
    }
}

#[tokio::test]
async fn everything_is_there_again_after_the_process_ended() {
    let (_folder, path) = place();
    let store = open(&path).await;
    let lease = store.acquire(&holder("serve"), at(1)).await.expect("free");
    for outcome in write_everything(&store, &lease).await {
        outcome.expect("written");
    }
    let (runs, units) = (store.open_runs().await, store.unit_rows().await);
    drop(store);
    let store = open(&path).await;
    assert_eq!(store.open_runs().await.expect("read"), runs.expect("read"));
    assert_eq!(store.unit_rows().await.expect("read"), units.expect("read"));
    let next = store.acquire(&holder("serve"), at(2)).await.expect("the lock died with its owner");
    assert_eq!(next.token, lease.token + 1);
    assert_eq!(store.catalog_state().await.expect("read").services, 3);
    assert_eq!(store.last_good().await.expect("read"), [document("shop", b"x")]);
    assert_eq!(store.proposals().await.expect("read"), [proposal()]);
    let done = Task { number: 1, state: TaskState::Done, done_by: Some("ada".into()), ..task() };
    assert_eq!(store.tasks(false).await.expect("read"), [done]);
    assert_eq!(store.latest_plan().await.expect("read").expect("kept").commit, "c0ffee");
    let chain = store.audit_after(0, 1000).await.expect("read");
    assert_eq!(verify_chain(&chain), Ok(()));
}

#[tokio::test]
async fn a_step_has_one_open_task_and_asks_anew_once_that_has_ended() {
    let (store, lease) = driven().await;
    store.create_run(&lease, &run("r1", "shop"), &[]).await.expect("created");
    for number in [1, 1] {
        assert_eq!(store.open_task(&lease, &task()).await.expect("opened"), number);
    }
    store.close_task(&lease, 1, TaskState::Cancelled, "eve").await.expect("closed");
    assert_eq!(store.open_task(&lease, &task()).await.expect("opened"), 2);
    let states: Vec<_> =
        store.tasks(false).await.expect("read").iter().map(|task| task.state).collect();
    assert_eq!(states, [TaskState::Open, TaskState::Cancelled]);
}

#[tokio::test]
async fn everything_done_twice_is_done_once() {
    let (store, lease) = driven().await;
    for outcome in write_everything(&store, &lease).await {
        outcome.expect("written");
    }
    let definition = definition("postgres", "1.0.0");
    let put = [UnitWrite::Put(Box::new(unit("shop", &definition)))];
    let plan = plan("c0ffee", vec![change("shop", &definition)]);
    store.write_units(&lease, &put).await.expect("again");
    store.save_plan(&lease, &plan, at(2)).await.expect("again");
    store.save_last_good(&lease, &[document("shop", b"x")], &[]).await.expect("again");
    store.save_proposal(&lease, &proposal()).await.expect("again");
    store.create_run(&lease, &run("r1", "shop"), &[]).await.expect("again");
    store.close_task(&lease, 1, TaskState::Cancelled, "eve").await.expect("again");
    assert_eq!(store.unit_rows().await.expect("read").len(), 1);
    assert_eq!(store.plans_by_prefix("").await.expect("read"), [plan]);
    assert_eq!(store.last_good().await.expect("read").len(), 1);
    assert_eq!(store.proposals().await.expect("read").len(), 1);
    assert_eq!(store.journal(&RunId("r1".into())).await.expect("read").len(), 3);
    let tasks = store.tasks(false).await.expect("read");
    assert_eq!(tasks[0].done_by.as_deref(), Some("ada"), "who was first");
    assert!(store.tasks(true).await.expect("read").is_empty());
    let gone = [UnitWrite::Remove(UnitKey::service("shop"))];
    for _ in 0..2 {
        store.write_units(&lease, &gone).await.expect("removed");
        let remove = [(Kind::Service, "shop".to_owned())];
        store.save_last_good(&lease, &[], &remove).await.expect("removed");
    }
    let chain = store.audit_after(0, 1000).await.expect("read");
    let removals = chain.iter().filter(|entry| entry.what == "unit.removed").count();
    assert_eq!(removals, 1);
}

#[tokio::test]
async fn a_write_is_whole_or_not_at_all() {
    let (store, lease) = driven().await;
    let mut unknown = run("r9", "shop");
    let entries = take(&mut unknown, beginning());
    let put = [UnitWrite::Put(Box::new(unit("shop", &definition("postgres", "1.0.0"))))];
    let before = store.audit_after(0, 100).await.expect("read");
    let outcome = store.append(&lease, &unknown, &entries, &put).await;
    assert!(matches!(outcome, Err(StoreError::Missing(_))), "{outcome:?}");
    assert!(store.unit_rows().await.expect("read").is_empty());
    assert!(store.journal(&unknown.id).await.expect("read").is_empty());
    assert_eq!(store.audit_after(0, 100).await.expect("read"), before);
    let outcome = store.close_task(&lease, 77, TaskState::Done, "ada").await;
    assert!(matches!(outcome, Err(StoreError::Missing(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_write_that_is_called_off_leaves_the_store_usable() {
    let definition = definition("postgres", "1.0.0");
    let many: Vec<UnitWrite> = (0..500)
        .map(|number| UnitWrite::Put(Box::new(unit(&format!("s{number}"), &definition))))
        .collect();
    // On a busy machine the whole write may be done at its first poll; then another store is tried.
    let mut called_off = None;
    for _ in 0..50 {
        let (store, lease) = driven().await;
        let mut write = store.write_units(&lease, &many);
        let pending = std::future::poll_fn(|context| {
            std::task::Poll::Ready(write.as_mut().poll(context).is_pending())
        });
        let pending = pending.await;
        drop(write);
        if pending {
            called_off = Some((store, lease));
            break;
        }
    }
    let (store, lease) = called_off.expect("a write that was called off");
    assert!(store.unit_rows().await.expect("read").is_empty());
    store.write_units(&lease, &many).await.expect("written");
    assert_eq!(store.unit_rows().await.expect("read").len(), 500);
}

#[tokio::test]
async fn another_process_reads_beside_the_driver_and_decides() {
    let (_folder, path) = place();
    let (driver, other) = (open(&path).await, open(&path).await);
    let lease = driver.acquire(&holder("serve"), at(1)).await.expect("free");
    for outcome in write_everything(&driver, &lease).await {
        outcome.expect("written");
    }
    assert_eq!(other.unit_rows().await.expect("read").len(), 1);
    assert_eq!(driver.last_decision().await.expect("read"), 0);
    let apply = DecisionKind::Apply { service: Some("shop".to_owned()) };
    assert_eq!(other.decide("ada", at(3), &apply).await.expect("decided"), 1);
    assert_eq!(driver.decide("bob", at(4), &apply).await.expect("decided"), 2);
    let seen = driver.decisions_after(0).await.expect("read");
    assert_eq!(seen.iter().map(|it| it.by.as_str()).collect::<Vec<_>>(), ["ada", "bob"]);
    assert_eq!(driver.decisions_after(1).await.expect("read").len(), 1);
    assert_eq!(other.last_decision().await.expect("read"), 2);
    let mut run = run("r1", "shop");
    take(&mut run, beginning());
    let entries = take(&mut run, end());
    driver.append(&lease, &run, &entries, &[]).await.expect("written");
    let chain = other.audit_after(0, 1000).await.expect("read");
    assert_eq!(verify_chain(&chain), Ok(()));
}

#[tokio::test]
async fn catalogs_in_one_file_do_not_see_one_another() {
    let (_folder, path) = place();
    let main = open(&path).await;
    let other = SqliteStore::open(&path, "other").await.expect("opens");
    let lease = main.acquire(&holder("serve"), at(1)).await.expect("free");
    for outcome in write_everything(&main, &lease).await {
        outcome.expect("written");
    }
    main.decide("ada", at(2), &DecisionKind::Apply { service: None }).await.expect("decided");
    assert!(other.unit_rows().await.expect("read").is_empty());
    assert!(other.units(&[UnitKey::service("shop")]).await.expect("read").is_empty());
    assert!(other.open_runs().await.expect("read").is_empty());
    assert_eq!(other.run(&RunId("r1".into())).await.expect("read"), None);
    assert_eq!(other.last_decision().await.expect("read"), 0);
    assert!(other.plans_by_prefix("").await.expect("read").is_empty());
    assert!(other.audit_after(0, 9).await.expect("read").is_empty());
    assert_eq!(other.catalog_state().await.expect("read"), CatalogState::default());
}
