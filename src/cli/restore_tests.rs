//! Proves when a backup is put back and when not, and what is said about the key.

use super::super::local::testing::context;
use super::*;
use crate::engine::view_sample::{World, at, begin, change, of_step, run};
use crate::run::StepEvent;
use crate::store::Store as _;
use serde_json::json;

/// Makes a store whose journal holds something that was sealed with the key of a folder, and backs it up.
async fn backed_up(folder: &std::path::Path) -> PathBuf {
    let world = World::new().await;
    let sealer = Sealer::key_at(&folder.join(".trueline/key")).expect("a key");
    let outputs = json!({"password": sealer.seal(&json!("hunter22"))});
    let outputs = outputs.as_object().cloned().expect("an object");
    let mut events = begin("db/make");
    events.push(of_step("db/make", StepEvent::Succeeded { result: json!(null), outputs }));
    world.runs(run("0a1", change("db", &["db"])), events).await;
    let file = folder.join("backup.db");
    world.store.backup(&file).await.expect("backed up");
    file
}

async fn restore(context: &Context, file: &std::path::Path, force: bool) -> Result<String, String> {
    let options = Options { file: file.to_owned(), force };
    let put = put_back(context, &options).await;
    put.map(|wire| wire.text()).map_err(|failure| failure.to_string())
}

#[tokio::test]
async fn the_key_must_be_the_one_that_sealed_what_is_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = backed_up(folder.path()).await;
    let context = context(folder.path());
    let checked = SqliteStore::check(&file).await.expect("whole");
    assert_eq!(key(&context, &checked), Key::Fits);
    let place = folder.path().join(".trueline/key");
    std::fs::remove_file(&place).expect("removed");
    let said = restore(&context, &file, false).await.expect_err("refused");
    assert!(said.contains("is not there") && said.contains("--force"), "{said}");
    assert!(!place.exists(), "no key is made by asking for it");
    Sealer::key_at(&place).expect("another key");
    let said = restore(&context, &file, false).await.expect_err("refused");
    assert!(said.contains("does not open what is sealed"), "{said}");
    let said = restore(&context, &file, true).await.expect("restored");
    assert!(said.contains("does not open what is sealed"), "{said}");
}

#[tokio::test]
async fn a_store_that_stands_there_is_put_aside_only_by_force() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = backed_up(folder.path()).await;
    let context = context(folder.path());
    let said = restore(&context, &file, false).await.expect("restored");
    assert!(said.contains("opens what is sealed") && !said.contains("stood there"), "{said}");
    let said = restore(&context, &file, false).await.expect_err("refused");
    assert!(said.contains("there already") && said.contains("--force"), "{said}");
    let said = restore(&context, &file, true).await.expect("restored");
    assert!(said.contains("what stood there is now"), "{said}");
    let names: Vec<String> = super::super::local::testing::files(&context.state);
    let aside = names.iter().filter(|name| name.contains("before-restore")).count();
    assert_eq!(aside, 1, "{names:?}");
    assert!(
        !names.iter().any(|name| name.ends_with("-wal") || name.contains("-restore-x")),
        "{names:?}"
    );
    let store = SqliteStore::open(&context.state.join("trueline.db"), "main").await.expect("opens");
    let restored = store.catalog_state().await.expect("read").restored.expect("marked");
    assert_eq!(restored.until, at(904), "the last moment that it knows of");
    assert!(store.holder().await.expect("read").is_none());
}
