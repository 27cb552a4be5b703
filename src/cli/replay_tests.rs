//! Proves what a replay says, and that no file can break it.

use super::*;
use crate::engine::view_sample::{begin, change, fails, run as queued, take};

fn export(extra: impl FnOnce(&mut serde_json::Value)) -> std::path::PathBuf {
    let mut run = queued("0a1", change("db", &["db"]));
    let mut events = begin("db/make");
    events.extend(fails("db/make"));
    let entries: Vec<JournalEntry> = (1..)
        .zip(take(&mut run, events))
        .map(|(seq, (at, event))| JournalEntry { seq, at, event })
        .collect();
    let mut wire =
        serde_json::to_value(ExportWire::of("main", &run, &entries)).expect("serializes");
    extra(&mut wire);
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), wire.to_string()).expect("written");
    file.into_temp_path().keep().expect("kept")
}

fn check(edit: impl FnOnce(&mut serde_json::Value)) -> String {
    let path = export(edit);
    let read = read(&path);
    std::fs::remove_file(&path).expect("removed");
    let told = read.and_then(|export| Ok((compared(&export)?, export)));
    match told {
        Ok((told, export)) => ReplayWire::of(&export, &told).text(&export, &told),
        Err(failure) => failure.to_string(),
    }
}

#[test]
fn the_same_journal_is_said_to_be_the_same() {
    insta::assert_snapshot!(check(|_| {}), @"run 0a1: the same journal, 5 events of which 3 answers");
}

#[test]
fn another_journal_is_shown_where_it_differs() {
    let other = |wire: &mut serde_json::Value| {
        wire["journal"][4]["event"]["event"]["why"] = "somebody wished it".into();
    };
    insta::assert_snapshot!(check(other), @r"
    run 0a1: another journal, from entry 5 on
         2  1970-01-01T00:15:02Z  db/make  ready
         3  1970-01-01T00:15:03Z  db/make  started  attempt 1, key key-1
         4  1970-01-01T00:15:04Z  db/make  failed  the \u{1b}[31mAPI said no
    -    5  1970-01-01T00:15:05Z  run  failed  somebody wished it
    +    5  1970-01-01T00:15:05Z  run  failed  step `db/make` failed: the \u{1b}[31mAPI said no
    ");
    let refused = |wire: &mut serde_json::Value| {
        wire["journal"][2]["event"]["event"]["attempt"] = 7.into();
    };
    insta::assert_snapshot!(check(refused), @r"
    run 0a1: another journal, from entry 3 on
         1  1970-01-01T00:15:01Z  run  started
         2  1970-01-01T00:15:02Z  db/make  ready
    -    3  1970-01-01T00:15:03Z  db/make  started  attempt 7, key key-1
      refused: step `db/make` can't be started as attempt 7 under key `key-1` while it is ready with 0 attempts behind it
    ");
    let cut = |wire: &mut serde_json::Value| {
        wire["journal"].as_array_mut().expect("a list").pop();
    };
    insta::assert_snapshot!(check(cut), @"run 0a1: the export says failed, and its journal leads to running");
}

#[test]
fn no_file_breaks_it() {
    for (pointer, value) in [
        ("/version", serde_json::json!("trueline.run-export/v9")),
        ("/journal", serde_json::json!("\u{1b}[2J")),
        ("/journal/0/event", serde_json::json!({"of": "run", "event": {"event": "\u{1b}[2J"}})),
        ("/journal/0/seq", serde_json::json!(1e99)),
        ("/change/units/0/steps/0/effect", serde_json::json!("explode")),
        ("/change/units", serde_json::json!([])),
        ("/change/units/0/steps", serde_json::json!([])),
        ("/change/units/0/steps/0/dependsOn", serde_json::json!(["db/make"])),
    ] {
        let said = check(|wire| *wire.pointer_mut(pointer).expect("it is there") = value);
        assert!(
            !said.contains("the same journal") && !said.contains('\u{1b}'),
            "{pointer}: {said}"
        );
    }
    let itself =
        check(|wire| wire["change"]["units"][0]["dependsOn"] = serde_json::json!(["db", "gone"]));
    assert!(itself.starts_with("run 0a1"), "{itself}");
    assert!(read(Path::new("/nowhere.json")).is_err());
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "[".repeat(100_000)).expect("written");
    assert!(read(file.path()).is_err());
}
