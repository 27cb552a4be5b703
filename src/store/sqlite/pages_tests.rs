//! Tests of lists by the page: nothing is shown twice or left out while rows are added.

use super::fixtures::{beginning, definition, driven, run, take, unit};
use crate::id::RunId;
use crate::run::RunState;
use crate::store::{Before, PageStore as _, RunFilter, SqliteStore, Store as _, UnitWrite};

async fn page(store: &SqliteStore, number: Option<i64>, limit: u32) -> Vec<(i64, String)> {
    let page = Before { number, limit };
    let found = store.runs_page(&RunFilter::default(), page).await.expect("listed");
    found.into_iter().map(|run| (run.number, run.row.id.0)).collect()
}

#[tokio::test]
async fn pages_of_runs_stay_whole_while_runs_are_added() {
    let (store, lease) = driven().await;
    for id in ["r1", "r2", "r3", "r4", "r5"] {
        store.create_run(&lease, &run(id, "shop"), &[]).await.expect("created");
    }
    let first = page(&store, None, 2).await;
    assert_eq!(first, [(5, "r5".to_owned()), (4, "r4".to_owned())]);
    store.create_run(&lease, &run("r6", "shop"), &[]).await.expect("created");
    assert_eq!(page(&store, Some(4), 2).await, [(3, "r3".to_owned()), (2, "r2".to_owned())]);
    assert_eq!(page(&store, Some(2), 2).await, [(1, "r1".to_owned())]);
    assert_eq!(page(&store, Some(1), 2).await, []);
}

#[tokio::test]
async fn runs_are_filtered_and_tell_their_team() {
    let (store, lease) = driven().await;
    let mut begun = run("r1", "shop");
    store.create_run(&lease, &begun, &[]).await.expect("created");
    let entries = take(&mut begun, beginning());
    store.append(&lease, &begun, &entries, &[]).await.expect("appended");
    store.create_run(&lease, &run("r2", "wiki"), &[]).await.expect("created");
    let listed = async |service: Option<&str>, state: Option<RunState>| {
        let filter = RunFilter { service: service.map(str::to_owned), state };
        let page = Before { number: None, limit: 9 };
        let found = store.runs_page(&filter, page).await.expect("listed");
        found.into_iter().map(|run| run.row.id.0).collect::<Vec<_>>()
    };
    assert_eq!(listed(Some("shop"), None).await, ["r1"]);
    assert_eq!(listed(None, Some(RunState::Queued)).await, ["r2"]);
    assert_eq!(listed(Some("shop"), Some(RunState::Queued)).await, Vec::<String>::new());
    let newest = store.newest_runs(&["shop".to_owned(), "none".to_owned()]).await.expect("read");
    assert_eq!(newest.len(), 1);
    assert_eq!(newest[0].team.as_deref(), Some(begun.change.team.as_str()));
    let journal = store.journal_after(&begun.id, 1, 1).await.expect("read");
    assert_eq!(journal.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [2]);
    let state = store.run_state(&begun.id).await.expect("read");
    assert_eq!(state, Some((RunState::Running, 3)));
    assert_eq!(store.run_state(&RunId("r9".to_owned())).await.expect("read"), None);
}

#[tokio::test]
async fn services_are_found_by_their_units() {
    let (store, lease) = driven().await;
    let definition = definition("postgres", "1.0.0");
    let keys = ["a", "a-b", "a/x", "a/y", "b/x"];
    let writes: Vec<UnitWrite> =
        keys.iter().map(|key| UnitWrite::Put(Box::new(unit(key, &definition)))).collect();
    store.write_units(&lease, &writes).await.expect("written");
    let rows = store.unit_rows_of(&["a".to_owned()]).await.expect("read");
    let mut keys: Vec<String> = rows.iter().map(|row| row.key.to_string()).collect();
    keys.sort();
    assert_eq!(keys, ["a", "a/x", "a/y"]);
    assert!(rows.iter().all(|row| row.applied.is_some()));
}
