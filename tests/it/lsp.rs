//! The language server as an editor meets it: how the conversation goes, and what is told of findings.

use std::path::Path;

use serde_json::{Value, json};

use crate::editor::{BUNDLE, Client, ITEM, SERVICE, copy, example, service};

#[test]
fn a_conversation_begins_and_ends() {
    let mut client = Client::raw(example());
    assert_eq!(client.ask("textDocument/hover", json!({}))["error"]["code"], -32002);
    let capabilities = client.initialize(json!({}))["capabilities"].clone();
    assert_eq!(capabilities["positionEncoding"], "utf-16");
    assert_eq!(capabilities["textDocumentSync"]["change"], 2);
    assert_eq!(client.ask("initialize", json!({}))["error"]["code"], -32600);
    assert_eq!(client.ask("workspace/nothing", json!({}))["error"]["code"], -32601);
    assert_eq!(client.ask("$/nothing", Value::Null)["error"]["code"], -32601);
    assert_eq!(client.ask("textDocument/hover", json!([1]))["error"]["code"], -32602);
    client.tell("$/cancelRequest", json!({"id": 1}));
    client.tell("textDocument/didOpen", json!({"nonsense": true}));
    client.send(&json!({"jsonrpc": "2.0", "id": "text", "method": "shutdown"}));
    client.wait_for("the answer to shutdown", |message| message["id"] == "text");
    assert_eq!(client.ask("textDocument/hover", json!({}))["error"]["code"], -32600);
    client.tell("exit", Value::Null);
    assert_eq!(client.end(), (Some(0), String::new()));
}

#[test]
fn whoever_leaves_without_a_word_is_told_by_the_exit_code() {
    let mut client = Client::start();
    client.tell("exit", Value::Null);
    assert_eq!(client.end().0, Some(1));
    let (code, said) = Client::start().leave();
    assert_eq!(code, Some(1));
    assert!(said.contains("without saying `exit`"), "{said}");
    let mut client = Client::raw(example());
    client.tell("exit", Value::Null);
    assert_eq!(client.end().0, Some(1));
}

#[test]
fn garbage_is_answered_or_ends_it_with_a_word() {
    let mut client = Client::start();
    client.write(b"Content-Length: 4\r\n\r\n{]}[");
    let answer = client.wait_for("an error", |message| message["error"]["code"] == -32700);
    assert_eq!(answer["id"], Value::Null);
    client.write(b"Content-Length: 2\r\n\r\n[]");
    client.wait_for("an error", |message| message["error"]["code"] == -32600);
    client.open(SERVICE, "\u{0}\u{feff}{{{{[[[[\t: - - : ? |\r\r\n&a *a !!x");
    assert!(!client.settled(SERVICE).is_empty());
    for (line, character) in [(0, 0), (0, 9), (99, 99), (u32::MAX, u32::MAX)] {
        client.complete(SERVICE, line, character);
        client.hover(SERVICE, line, character);
        client.definition(SERVICE, line, character);
    }
    client.edit("services/never/opened.yaml", json!([{"text": "x"}]));
    client.edit(SERVICE, json!([{"range": {"start": {"line": 9, "character": 9}, "end": {"line": 0, "character": 0}}, "text": "x"}]));
    client.settled(SERVICE);
    assert_eq!(client.finish(), (Some(0), String::new()));

    for garbage in [
        "GET / HTTP/1.1\r\n\r\n",
        "Content-Length: 99999999999999\r\n\r\n",
        "Content-Length: 20\r\n\r\n{}",
    ] {
        let mut client = Client::start();
        client.write(garbage.as_bytes());
        let (code, said) = client.leave();
        assert_eq!(code, Some(1), "{garbage}: {said}");
        assert!(said.starts_with("error: this is not the language server protocol: "), "{said}");
    }
}

#[test]
fn findings_come_as_one_types_and_go_when_mended() {
    let mut client = Client::start();
    let good = client.disk(SERVICE);
    client.open(SERVICE, &good);
    assert_eq!(client.settled(SERVICE), [""; 0]);
    client.change(SERVICE, &good.replace("network-private", "network-privat"));
    assert_eq!(client.settled(SERVICE), ["reference/unknown-item 6:13-6:27"]);
    client.change(SERVICE, &good.replace("fields:\n", "fields: ["));
    let broken = client.settled(SERVICE);
    assert!(broken.iter().all(|finding| finding.starts_with("yaml/")), "{broken:?}");
    assert!(!broken.is_empty());
    client.change(SERVICE, &good);
    assert_eq!(client.settled(SERVICE), [""; 0]);
    assert_eq!(client.finish().0, Some(0));
}

#[test]
fn what_breaks_an_item_shows_in_its_services() {
    let mut client = Client::start();
    let good = client.disk(ITEM);
    client.open(ITEM, &good);
    assert_eq!(client.settled(ITEM), [""; 0]);
    let field = "          - id: costCentre\n            name: Cost centre\n            type: string\n            required: true\n";
    let at = good.find("          - id: ").unwrap();
    client.change(ITEM, &format!("{}{field}{}", &good[..at], &good[at..]));
    let found = client.diagnostics(SERVICE);
    assert!(found.iter().any(|finding| finding.starts_with("fields/missing ")), "{found:?}");
    client.change(ITEM, &good);
    assert_eq!(client.diagnostics(SERVICE), [""; 0]);
    assert_eq!(client.settled(ITEM), [""; 0]);
}

#[test]
fn changes_on_disk_are_seen() {
    let mut client = Client::raw(example());
    client
        .initialize(json!({"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": true}}}));
    let asked = client
        .wait_for("the wish to watch", |message| message["method"] == "client/registerCapability");
    client.send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": null}));
    let good = client.disk(SERVICE);
    std::fs::write(
        client.folder.path().join(SERVICE),
        good.replace("network-private", "gone-item"),
    )
    .unwrap();
    let uri = client.uri(SERVICE);
    client.tell("workspace/didChangeWatchedFiles", json!({"changes": [{"uri": uri, "type": 2}]}));
    assert_eq!(client.diagnostics(SERVICE), ["reference/unknown-item 6:13-6:22"]);
    // What is open counts, whatever is on disk; closed, the disk counts again.
    client.open(SERVICE, &good);
    assert_eq!(client.settled(SERVICE), [""; 0]);
    client.tell("textDocument/didClose", json!({"textDocument": {"uri": uri}}));
    assert_eq!(client.diagnostics(SERVICE), ["reference/unknown-item 6:13-6:22"]);
    std::fs::remove_file(client.folder.path().join(SERVICE)).unwrap();
    client.tell("textDocument/didSave", json!({"textDocument": {"uri": uri}}));
    assert_eq!(client.diagnostics(SERVICE), [""; 0]);
}

#[test]
fn it_finds_what_the_command_finds() {
    let folder = example();
    let write = |path: &str, text: &str| std::fs::write(folder.path().join(path), text).unwrap();
    let read = |path: &str| std::fs::read_to_string(folder.path().join(path)).unwrap();
    write(ITEM, &read(ITEM).replace("metadata:", "metadata: ["));
    write(SERVICE, &service("  nam: x\n").replace("network-private", "dns-record"));
    write("services/data/too-many.yml", "kind: Service\n");
    write(BUNDLE, &read(BUNDLE).replace("{{fields.appName}}", "{{fields.appNme}}"));
    let said = std::process::Command::new(env!("CARGO_BIN_EXE_trueline"))
        .args(["validate", "-o", "json"])
        .arg(folder.path())
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&said.stdout).unwrap();
    let mut expected: Vec<(String, String)> = Vec::new();
    for finding in report["findings"].as_array().unwrap() {
        let path = finding["path"].as_str().unwrap();
        let (line, column) =
            (finding["line"].as_u64().unwrap(), finding["column"].as_u64().unwrap());
        let told = format!("{} {}:{}", finding["rule"].as_str().unwrap(), line - 1, column - 1);
        expected.push((path.to_owned(), told));
    }
    assert!(expected.len() > 4, "{expected:?}");
    let paths: std::collections::BTreeSet<String> =
        expected.iter().map(|(path, _)| path.clone()).collect();
    let mut client = Client::raw(folder);
    client.initialize(json!({}));
    let mut found = Vec::new();
    for path in paths {
        let told = client.diagnostics(&path);
        let start = |told: &String| told.rsplit_once('-').map(|(start, _)| start.to_owned());
        found.extend(told.iter().filter_map(start).map(|told| (path.clone(), told)));
    }
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn files_elsewhere_are_none_of_its_business() {
    let mut client = Client::start();
    let outside = tempfile::tempdir().unwrap();
    let path = outside.path().join("services/web/app.yaml");
    let uri = format!("file://{}", path.display());
    for uri in [uri.as_str(), "untitled:Untitled-1", "file://[broken"] {
        client.tell("textDocument/didOpen", json!({"textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": "kind: [Service"}}));
        let at = json!({"textDocument": {"uri": uri}, "position": {"line": 0, "character": 3}});
        assert_eq!(client.ask("textDocument/hover", at.clone())["result"], Value::Null);
        assert_eq!(client.ask("textDocument/completion", at)["result"], Value::Null);
    }
    client.open("README.md", "kind: [Service");
    client.open("docs/compose.yaml", "services: [x");
    client.open(SERVICE, "kind: [Service");
    assert!(!client.settled(SERVICE).is_empty());
    let told =
        client.seen.iter().filter(|message| message["method"] == "textDocument/publishDiagnostics");
    let paths: Vec<&str> = told.filter_map(|message| message["params"]["uri"].as_str()).collect();
    let inside = client.uri("");
    assert!(
        paths.iter().all(|path| path.starts_with(&inside) && !path.ends_with("README.md")),
        "{paths:?}"
    );
    assert!(!paths.iter().any(|path| path.contains("compose")), "{paths:?}");
}

#[test]
fn a_catalog_in_a_folder_of_a_repository_is_found() {
    let folder = tempfile::tempdir().unwrap();
    copy(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog-example"),
        &folder.path().join("platform"),
    );
    let mut client = Client::raw(folder);
    client.initialize(json!({}));
    let path = "platform/services/payments/payments-cache.yaml";
    client.open(path, &service("  name: payments-cache\n  nam: x\n"));
    assert_eq!(client.settled(path), ["fields/unknown 9:2-9:5"]);
}

#[test]
fn columns_are_counted_as_the_client_asks() {
    let text = service("  name: payments-cache\n  \"🙂ü\": x # 🙂\n");
    for (encodings, expected) in [
        (json!(["utf-16"]), "fields/unknown 9:2-9:7"),
        (json!(["utf-32", "utf-8", "utf-16"]), "fields/unknown 9:2-9:10"),
    ] {
        let mut client = Client::raw(example());
        client.initialize(json!({"general": {"positionEncodings": encodings}}));
        client.open(SERVICE, &text);
        assert_eq!(client.settled(SERVICE), [expected]);
    }
    // Typed in the middle of a line with characters of two units.
    let mut client = Client::start();
    client.open(SERVICE, &text);
    let range = |from: u32, to: u32| json!({"start": {"line": 9, "character": from}, "end": {"line": 9, "character": to}});
    client.edit(
        SERVICE,
        json!([{"range": range(2, 7), "text": "size"}, {"range": range(8, 9), "text": "small"}]),
    );
    assert_eq!(client.settled(SERVICE), [""; 0]);
}

#[test]
fn lines_may_end_as_on_windows() {
    let mut client = Client::start();
    let text = service("  name: payments-cache\n  nam: x\n").replace('\n', "\r\n");
    client.open(SERVICE, &text);
    assert_eq!(client.settled(SERVICE), ["fields/unknown 9:2-9:5"]);
    let end = json!({"start": {"line": 9, "character": 0}, "end": {"line": 10, "character": 0}});
    client.edit(SERVICE, json!([{"range": end, "text": ""}]));
    assert_eq!(client.settled(SERVICE), [""; 0]);
    let words =
        client.typed(SERVICE, &service("  name: payments-cache\n  s¦\n").replace('\n', "\r\n"));
    assert_eq!(words.first().map(String::as_str), Some("size"), "{words:?}");
    assert_eq!(words.last().map(String::as_str), Some("egressReason"), "hidden ones come last");
    assert!(client.hover(SERVICE, 6, 20).starts_with("**Private network** "));
}

#[test]
fn every_keystroke_is_answered_beside_a_thousand_documents() {
    let folder = example();
    for number in 0..1000 {
        let id = format!("payments-{number}");
        let text = service("  name: payments-cache\n").replace("payments-cache", &id);
        std::fs::write(folder.path().join(format!("services/payments/{id}.yaml")), text).unwrap();
    }
    let mut client = Client::raw(folder);
    client.initialize(json!({}));
    let path = "services/payments/payments-500.yaml";
    let good = client.disk(path);
    client.open(path, &good);
    assert_eq!(client.settled(path), [""; 0]);
    let line = u32::try_from(good.lines().count()).unwrap();
    for number in 0..50 {
        let at = json!({"line": line, "character": number});
        client.edit(path, json!([{"range": {"start": at, "end": at}, "text": "#"}]));
        let words = client.complete(path, 6, 13);
        assert!(words.iter().any(|word| word["label"] == "network-private"));
        client.settled(path);
    }
}
