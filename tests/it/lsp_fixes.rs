//! Fixes and words as an editor gets them: what is offered is applied as the editor would, and the findings go.

use std::process::Command;

use serde_json::{Value, json};

use crate::editor::{Client, SERVICE, find};

/// A service in which everything that is wrong has a fix; characters of two units stand before some of it.
const WRONG: &str = "\
schemaVersion: catalog/v1
kind: Servise
metadata:
  id: payments-cache
  team: payments
  environment: stagin
  labels: {\"🙂\": \"x\", tier: 1}
catalogItem: network-privat
fields:
  # trueline: allow template/literal not needed any more 🙂
  name: payments-cache
  siz: smal
";

/// Returns the byte of a position, whose character counts units of UTF-16.
fn byte(text: &str, position: &Value) -> usize {
    let line = usize::try_from(position["line"].as_u64().unwrap()).unwrap();
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let mut units = position["character"].as_u64().unwrap();
    let rest = text[start..].chars().take_while(|c| {
        let is_before = units > 0;
        units = units.saturating_sub(c.len_utf16() as u64);
        is_before
    });
    start + rest.map(char::len_utf8).sum::<usize>()
}

/// Applies edits, all of them about the text as it is, and tells the server what was done.
fn apply(client: &mut Client, path: &str, text: &mut String, edits: &[Value]) {
    let mut edits = edits.to_vec();
    edits.sort_by_key(|edit| byte(text, &edit["range"]["start"]));
    let mut changes = Vec::new();
    for edit in edits.iter().rev() {
        let range = &edit["range"];
        let bytes = byte(text, &range["start"])..byte(text, &range["end"]);
        let new = edit["newText"].as_str().unwrap();
        text.replace_range(bytes, new);
        changes.push(json!({"range": range, "text": new}));
    }
    client.edit(path, changes.into());
}

fn actions(client: &mut Client, path: &str, range: &Value) -> Vec<Value> {
    let uri = client.uri(path);
    let params =
        json!({"textDocument": {"uri": uri}, "range": range, "context": {"diagnostics": []}});
    client.ask("textDocument/codeAction", params)["result"].as_array().unwrap().clone()
}

fn everywhere() -> Value {
    json!({"start": {"line": 0, "character": 0}, "end": {"line": 999, "character": 0}})
}

/// Takes every fix that is offered, one after the other; returns the text and what was done.
fn mended(client: &mut Client, path: &str, wrong: &str) -> (String, Vec<String>) {
    let mut text = wrong.to_owned();
    client.open(path, &text);
    let mut done = Vec::new();
    while let Some(action) = actions(client, path, &everywhere()).first() {
        assert!(done.len() < 20, "{done:?}");
        assert_eq!(action["kind"], "quickfix");
        done.push(action["title"].as_str().unwrap().to_owned());
        let changes = action["edit"]["changes"].as_object().unwrap();
        assert_eq!(changes.keys().collect::<Vec<_>>(), [&client.uri(path)]);
        let edits = changes.values().next().unwrap().as_array().unwrap().clone();
        apply(client, path, &mut text, &edits);
        client.settled(path);
    }
    (text, done)
}

#[test]
fn every_fix_that_is_offered_mends_what_it_is_about() {
    for ending in ["\n", "\r\n"] {
        let mut client = Client::start();
        let wrong = WRONG.replace('\n', ending);
        let (text, done) = mended(&mut client, SERVICE, &wrong);
        assert!(done.len() >= 5, "{done:?}");
        client.change(SERVICE, &text);
        assert_eq!(client.settled(SERVICE), [""; 0], "{done:?}\n{text}");
        // The command does the same to the file.
        std::fs::write(client.folder.path().join(SERVICE), &wrong).unwrap();
        let fixed = Command::new(env!("CARGO_BIN_EXE_trueline"))
            .args(["validate", "--fix", "--unsafe-fixes"])
            .arg(client.folder.path())
            .output()
            .unwrap();
        assert_eq!(fixed.status.code(), Some(0), "{}", String::from_utf8_lossy(&fixed.stdout));
        assert_eq!(client.disk(SERVICE), text);
    }
}

#[test]
fn a_fix_is_offered_where_its_finding_stands() {
    let mut client = Client::start();
    let good = client.disk(SERVICE);
    let wrong = good.replace("network-private", "network-privat");
    client.open(SERVICE, &wrong);
    assert_eq!(client.settled(SERVICE), ["reference/unknown-item 6:13-6:27"]);
    let at = |(line, character): (u32, u32)| {
        let position = json!({"line": line, "character": character});
        json!({"start": position, "end": position})
    };
    let elsewhere = at(find(&wrong, "team¦:"));
    assert_eq!(actions(&mut client, SERVICE, &elsewhere), [] as [Value; 0]);
    let offered = actions(&mut client, SERVICE, &at(find(&wrong, "network-¦privat")));
    let [action] = offered.as_slice() else { panic!("{offered:?}") };
    assert_eq!(action["title"], "Write `network-private`");
    let diagnostic = &action["diagnostics"][0];
    assert_eq!(diagnostic["code"], "reference/unknown-item");
    assert!(diagnostic["message"].as_str().unwrap().contains("did you mean `network-private`?"));
    let mut text = wrong;
    let uri = client.uri(SERVICE);
    let edits = action["edit"]["changes"][&uri].as_array().unwrap().clone();
    apply(&mut client, SERVICE, &mut text, &edits);
    assert_eq!(client.settled(SERVICE), [""; 0]);
    assert_eq!(text, good);
    assert_eq!(actions(&mut client, SERVICE, &everywhere()), [] as [Value; 0]);
}

#[test]
fn a_word_that_is_proposed_mends_what_was_begun() {
    let mut client = Client::start();
    let good = client.disk(SERVICE);
    for (begun, word) in [
        (good.replace("network-private", "network-p¦"), "network-private"),
        (good.replace("environment: staging", "environment: stag¦"), "staging"),
        (good.replace("  name: payments-cache\n", "  na¦: payments-cache\n"), "name"),
        (good.replace("network-private", "\"🙂¦\""), "network-private"),
    ] {
        let (mut text, line, character) = crate::editor::cursor(&begun);
        client.open(SERVICE, &text);
        assert_ne!(client.settled(SERVICE), [""; 0], "{text}");
        let words = client.complete(SERVICE, line, character);
        let found = words.iter().find(|found| found["label"] == word);
        let edit = found.unwrap_or_else(|| panic!("{word} in {words:?}"))["textEdit"].clone();
        apply(&mut client, SERVICE, &mut text, &[edit]);
        assert_eq!(client.settled(SERVICE), [""; 0], "{text}");
    }
}
