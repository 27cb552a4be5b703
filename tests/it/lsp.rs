//! The language server as an editor meets it: the built binary, over its standard streams.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::world::ended;

/// How long a client waits for a message.
const PATIENCE: Duration = Duration::from_secs(30);

const ITEM: &str = "catalog/network/network-private.yaml";
const DATABASE: &str = "catalog/databases/database-postgresql-standard.yaml";
const BUNDLE: &str = "bundles/bundle-webapp-standard.yaml";
const SERVICE: &str = "services/payments/payments-cache.yaml";

/// An editor: it speaks frames, and remembers what it was told.
struct Client {
    folder: TempDir,
    child: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    /// All that came and was not waited for.
    seen: Vec<Value>,
    last: i64,
    version: i32,
}

impl Client {
    /// Starts the server over a copy of the example catalog.
    fn start() -> Self {
        let mut client = Self::raw(example());
        client.initialize(json!({}));
        client
    }

    fn raw(folder: TempDir) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_trueline"))
            .arg("lsp")
            .current_dir(folder.path())
            .env_remove("TRUELINE_CATALOG")
            .env_remove("TRUELINE_CONFIG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Some(message) = read_frame(&mut output) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take();
        Self { folder, child, input, messages, seen: Vec::new(), last: 0, version: 0 }
    }

    fn initialize(&mut self, capabilities: Value) -> Value {
        let root = self.uri("");
        let folders = json!([{"uri": root.trim_end_matches('/'), "name": "catalog"}]);
        let params = json!({"processId": null, "rootUri": null, "workspaceFolders": folders, "capabilities": capabilities});
        let answer = self.ask("initialize", params);
        self.tell("initialized", json!({}));
        answer["result"].clone()
    }

    fn uri(&self, path: &str) -> String {
        format!("file://{}/{path}", self.folder.path().canonicalize().unwrap().display())
    }

    fn write(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).and_then(|()| input.flush()).unwrap();
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        self.write(format!("Content-Length: {}\r\n\r\n{text}", text.len()).as_bytes());
    }

    fn tell(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Sends a request; returns the whole answer.
    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let id = self.last;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        self.wait_for(&format!("the answer to {method}"), |message| {
            message["id"] == id && message.get("method").is_none()
        })
    }

    /// Waits for a message; those that came before it are kept.
    fn wait_for(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.seen.iter().position(&is_it) {
            return self.seen.remove(at);
        }
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(message) = self.messages.recv_timeout(left) else {
                panic!("never came: {what}; seen: {:#?}", self.seen)
            };
            if is_it(&message) {
                return message;
            }
            self.seen.push(message);
        }
    }

    fn disk(&self, path: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(path)).unwrap()
    }

    fn open(&mut self, path: &str, text: &str) {
        let uri = self.uri(path);
        self.version += 1;
        self.tell("textDocument/didOpen", json!({"textDocument": {"uri": uri, "languageId": "yaml", "version": self.version, "text": text}}));
    }

    /// Puts a whole new text in the place of an open one.
    fn change(&mut self, path: &str, text: &str) {
        self.edit(path, json!([{"text": text}]));
    }

    fn edit(&mut self, path: &str, changes: Value) {
        let uri = self.uri(path);
        self.version += 1;
        self.tell("textDocument/didChange", json!({"textDocument": {"uri": uri, "version": self.version}, "contentChanges": changes}));
    }

    /// Waits for the next findings of a file: rule, place and severity of each.
    fn diagnostics(&mut self, path: &str) -> Vec<String> {
        let uri = self.uri(path);
        let told = self.wait_for(&format!("findings of {path}"), |message| {
            message["method"] == "textDocument/publishDiagnostics"
                && message["params"]["uri"] == uri.as_str()
        });
        let diagnostics = told["params"]["diagnostics"].as_array().unwrap().iter();
        diagnostics
            .map(|diagnostic| {
                assert_eq!(diagnostic["source"], "trueline");
                let range = &diagnostic["range"];
                format!(
                    "{} {}:{}-{}:{}",
                    diagnostic["code"].as_str().unwrap(),
                    range["start"]["line"],
                    range["start"]["character"],
                    range["end"]["line"],
                    range["end"]["character"]
                )
            })
            .collect()
    }

    /// Waits for the findings of the version of a file that was sent last.
    fn settled(&mut self, path: &str) -> Vec<String> {
        let (uri, version) = (self.uri(path), self.version);
        let of_last = |message: &Value| {
            message["params"]["uri"] == uri.as_str() && message["params"]["version"] == version
        };
        let told = self.wait_for(&format!("findings of version {version} of {path}"), of_last);
        self.seen.retain(|message| message["params"]["uri"] != uri.as_str());
        self.seen.push(told);
        self.diagnostics(path)
    }

    fn position(&mut self, method: &str, path: &str, line: u32, character: u32) -> Value {
        let uri = self.uri(path);
        let params = json!({"textDocument": {"uri": uri}, "position": {"line": line, "character": character}});
        self.ask(method, params)["result"].clone()
    }

    /// Returns what can be written at a position.
    fn complete(&mut self, path: &str, line: u32, character: u32) -> Vec<Value> {
        let answer = self.position("textDocument/completion", path, line, character);
        let mut items = answer.as_array().cloned().unwrap_or_default();
        items.sort_by_key(|item| item["sortText"].to_string());
        items
    }

    fn hover(&mut self, path: &str, line: u32, character: u32) -> String {
        let answer = self.position("textDocument/hover", path, line, character);
        answer["contents"]["value"].as_str().unwrap_or("nothing").to_owned()
    }

    /// Returns where something is defined, as `path:line:column`, counted from 1.
    fn definition(&mut self, path: &str, line: u32, character: u32) -> Vec<String> {
        let root = self.uri("");
        let answer = self.position("textDocument/definition", path, line, character);
        let places = answer.as_array().cloned().unwrap_or_default();
        places
            .iter()
            .map(|place| {
                let path = place["uri"].as_str().unwrap().strip_prefix(&root).unwrap();
                let start = &place["range"]["start"];
                let number = |key: &str| start[key].as_u64().unwrap() + 1;
                format!("{path}:{}:{}", number("line"), number("character"))
            })
            .collect()
    }

    /// Types a text with a `¦` where the cursor is; returns the words that are proposed there.
    fn typed(&mut self, path: &str, marked: &str) -> Vec<String> {
        let (text, line, character) = cursor(marked);
        self.change(path, &text);
        let words = self.complete(path, line, character);
        words.iter().map(|word| word["label"].as_str().unwrap().to_owned()).collect()
    }

    /// Ends the conversation as it should be; returns the exit code and what was said on the standard error.
    fn finish(mut self) -> (Option<i32>, String) {
        assert_eq!(self.ask("shutdown", Value::Null)["result"], Value::Null);
        self.tell("exit", Value::Null);
        self.end()
    }

    fn end(&mut self) -> (Option<i32>, String) {
        self.input = None;
        let status = ended(&mut self.child, PATIENCE).expect("the server ends");
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (status.code(), said)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_frame(output: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some((_, value)) => length = value.parse().ok()?,
            None => break,
        }
    }
    let mut body = vec![0; length];
    output.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

/// Splits a text at its `¦`; returns it without, and where that was in units of UTF-16.
fn cursor(marked: &str) -> (String, u32, u32) {
    let at = marked.find('¦').expect("a cursor");
    let before = &marked[..at];
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().unwrap().encode_utf16().count();
    (marked.replacen('¦', "", 1), line.try_into().unwrap(), column.try_into().unwrap())
}

/// Returns the position of a needle in a text, its `¦` the cursor.
fn find(text: &str, needle: &str) -> (u32, u32) {
    let plain = needle.replacen('¦', "", 1);
    let marked = text.replacen(&plain, needle, 1);
    assert_ne!(marked, text, "{needle}");
    let (_, line, column) = cursor(&marked);
    (line, column)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target)
        } else {
            std::fs::copy(&path, target).map(drop).unwrap()
        }
    }
}

fn example() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("catalog-example"), folder.path());
    std::fs::write(folder.path().join(SERVICE), service("  name: payments-cache\n")).unwrap();
    folder
}

/// A service of the private network with some fields.
fn service(fields: &str) -> String {
    format!(
        "schemaVersion: catalog/v1\nkind: Service\nmetadata:\n  id: payments-cache\n  team: payments\n  environment: staging\ncatalogItem: network-private\nfields:\n{fields}"
    )
}

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
    let (code, said) = Client::start().end();
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
        let (code, said) = client.end();
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
        paths.iter().all(|path| path.starts_with(&inside) && path.ends_with(".yaml")),
        "{paths:?}"
    );
    assert!(!paths.iter().any(|path| path.contains("compose")), "{paths:?}");
}

#[test]
fn a_catalog_in_a_folder_of_a_repository_is_found() {
    let folder = tempfile::tempdir().unwrap();
    copy(
        &PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("catalog-example"),
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
fn a_service_is_completed() {
    let mut client = Client::start();
    client.open(SERVICE, "");
    let head = "schemaVersion: catalog/v1\nkind: Service\nmetadata: {id: payments-cache, team: payments}\n";
    for (rest, expected) in [
        // Ids, also while the line is all there is of it.
        ("catalogItem: ¦", vec!["network-private", "database-postgresql-standard"]),
        ("catalogItem: net¦work\n", vec!["network-private"]),
        ("catalogItem: \"¦", vec!["network-private"]),
        ("catalogBundle: ¦\n", vec!["bundle-webapp-standard"]),
        ("dependsOn: [¦\nfields: {}\n", vec!["payments-db"]),
        ("dependsOn:\n  - ¦\n", vec!["payments-db"]),
        ("state: ¦", vec!["active", "suspended"]),
        ("priority: ¦\n", vec!["critical", "background"]),
        // Keys that are not there yet.
        ("cat¦", vec!["catalogItem", "fields", "dependsOn"]),
        ("¦\ncatalogItem: network-private\n", vec!["fields", "version"]),
        // Fields of the form.
        ("catalogItem: network-private\nfields:\n  ¦", vec!["name", "size"]),
        ("catalogItem: network-private\nfields: {name: x, ¦}\n", vec!["size"]),
        ("catalogItem: network-private\nfields:\n  size: ¦\n", vec!["small", "medium"]),
        (
            "catalogItem: database-postgresql-standard\nfields:\n  highAvailability: ¦\n",
            vec!["true", "false"],
        ),
        (
            "catalogItem: database-postgresql-standard\nfields:\n  extensions: [pgvector, ¦",
            vec!["postgis"],
        ),
        ("catalogBundle: bundle-webapp-standard\nfields:\n  app¦\n", vec!["appName", "appSize"]),
        // Outputs of other services.
        ("catalogItem: network-private\nfields:\n  name: \"{{¦", vec!["services"]),
        (
            "catalogItem: network-private\nfields:\n  name: \"{{services.¦}}\"\n",
            vec!["payments-db"],
        ),
        (
            "catalogItem: network-private\nfields:\n  name: \"{{services.payments-db.¦}}\"\n",
            vec!["outputs"],
        ),
        (
            "catalogItem: network-private\nfields:\n  name: \"{{services.payments-db.outputs.¦}}\"\n",
            vec!["endpoint", "host"],
        ),
        ("# trueline: allow ¦", vec!["fields/missing", "yaml/syntax"]),
    ] {
        let words = client.typed(SERVICE, &format!("{head}{rest}"));
        for word in expected {
            assert!(words.iter().any(|found| found == word), "{rest}: {word} in {words:?}");
        }
    }
    let none = client
        .typed(SERVICE, &format!("{head}catalogItem: network-private\nfields: {{name: x, ¦}}\n"));
    assert!(!none.contains(&"name".to_owned()), "{none:?}");
    let head = "schemaVersion: catalog/v1\nkind: Service\nmetadata:\n";
    let keys = client.typed(SERVICE, &format!("{head}  ¦\n"));
    assert_eq!(&keys[..2], ["id", "team"], "required ones come first");
    assert_eq!(
        client
            .typed(SERVICE, &format!("{head}  team: ¦"))
            .iter()
            .filter(|team| *team == "payments")
            .count(),
        1
    );
    assert!(
        client
            .typed(SERVICE, &format!("{head}  environment: p¦\n"))
            .contains(&"production".to_owned())
    );
    assert_eq!(client.typed(SERVICE, "kind: Service # ¦"), [""; 0]);
}

#[test]
fn what_is_chosen_fits_where_it_is_put() {
    let mut client = Client::start();
    let marked = service("  name: payments-cache\n").replace("network-private", "net¦wrk");
    let (text, line, character) = cursor(&marked);
    client.open(SERVICE, &text);
    let words = client.complete(SERVICE, line, character);
    let word = words.iter().find(|word| word["label"] == "network-private").unwrap();
    assert_eq!(word["detail"], "Private network 1.2.0");
    assert!(word["documentation"]["value"].as_str().unwrap().contains("owner: "), "{word}");
    assert_eq!(word["textEdit"]["range"]["start"], json!({"line": 6, "character": 13}));
    assert_eq!(word["textEdit"]["range"]["end"], json!({"line": 6, "character": 19}));
    client.edit(
        SERVICE,
        json!([{"range": word["textEdit"]["range"], "text": word["textEdit"]["newText"]}]),
    );
    assert_eq!(client.settled(SERVICE), [""; 0]);
    // A text that would be read as a number comes with its quotes.
    let marked = "schemaVersion: catalog/v1\nkind: Service\ncatalogItem: database-postgresql-standard\nfields:\n  engineVersion: ¦\n";
    let (text, line, character) = cursor(marked);
    client.change(SERVICE, &text);
    let words = client.complete(SERVICE, line, character);
    let word = words.iter().find(|word| word["label"] == "16").unwrap();
    assert_eq!(
        (&word["textEdit"]["newText"], &word["detail"]),
        (&json!("'16'"), &json!("PostgreSQL 16 (recommended)"))
    );
}

#[test]
fn items_bundles_environments_and_settings_are_completed() {
    let mut client = Client::start();
    let item = "kind: CatalogItem\nmetadata:\n  id: network-private\n  constants: {port: 1}\npresentation:\n  form:\n    groups:\n      - id: g\n        fields:\n          - {id: name, name: Name, type: string}\n          - id: size\n            type: ¦T\nfulfillment:\n  strategy: {mode: automatic}\n  automatic:\n    actions:\n      - id: make\n        type: rest-api\n        config:\n          endpoint:\n            url: \"https://x/{{¦U\"\n        outputs: {url: /u}\n      - id: note\n        type: ¦K\n        dependsOn: [¦D]\n        config:\n          ¦C\n      - id: last\n        type: notify\n        config: {message: \"{{outputs.¦O}}\", subject: \"{{outputs.make.¦P}}\"}\noutputs:\n  url: {value: \"{{outputs.make.¦Q}}\"}\n";
    let at = |place: &str| {
        let mut text = item.replace(&format!("¦{place}"), "\u{1}");
        for other in ["T", "U", "K", "D", "C", "O", "P", "Q"] {
            text = text.replace(&format!("¦{other}"), "");
        }
        text.replace('\u{1}', "¦")
    };
    client.open(ITEM, "");
    for (place, expected) in [
        ("T", vec!["string", "password"]),
        (
            "U",
            vec![
                "fields",
                "metadata",
                "service",
                "request",
                "system",
                "environment",
                "secrets",
                "outputs",
                "upper",
                "json",
            ],
        ),
        ("K", vec!["rest-api", "manual-task"]),
        ("D", vec!["make", "last"]),
        ("C", vec![]),
        ("O", vec!["make", "note"]),
        ("P", vec!["url"]),
        ("Q", vec!["url"]),
    ] {
        let words = client.typed(ITEM, &at(place));
        for word in expected {
            assert!(words.iter().any(|found| found == word), "{place}: {word} in {words:?}");
        }
    }
    let endpoint = at("C").replace("type: \n", "type: git-commit\n");
    assert!(client.typed(ITEM, &endpoint).contains(&"repository".to_owned()));
    let fields = at("U").replace("{{¦", "{{fields.¦");
    assert_eq!(client.typed(ITEM, &fields), ["name", "size"]);
    assert!(
        client.typed(ITEM, &at("U").replace("{{¦", "{{metadata.¦")).contains(&"port".to_owned())
    );
    assert!(
        client.typed(ITEM, &at("U").replace("{{¦", "{{system.¦")).contains(&"shortId".to_owned())
    );
    assert!(!client.typed(ITEM, &at("U").replace("{{¦", "{{environment.¦")).is_empty());

    let good = client.disk(ITEM);
    client.change(ITEM, &good);
    client.open(BUNDLE, "");
    let bundle = "kind: CatalogBundle\npresentation: {form: {groups: [{id: g, fields: [{id: appName, type: string}]}]}}\ncomponents:\n  - id: net\n    catalogItem: network-private\n  - id: db\n    catalogItem: ¦I\n    dependsOn: [¦D]\n    config:\n      name: \"{{¦V\"\n      ¦F\n";
    for (place, put, expected) in [
        ("I", "", vec!["network-private"]),
        ("D", "", vec!["net"]),
        ("V", "", vec!["fields", "components", "services"]),
        ("V", "fields.", vec!["appName"]),
        ("V", "components.", vec!["net"]),
        ("V", "components.net.outputs.", vec!["cidr", "networkId"]),
        ("F", "", vec!["instanceClass"]),
    ] {
        let mut text = bundle.replace(&format!("¦{place}"), &format!("{put}\u{1}"));
        text = text.replace("¦I", "database-postgresql-standard");
        for other in ["D", "V", "F"] {
            text = text.replace(&format!("¦{other}"), "");
        }
        let words = client.typed(BUNDLE, &text.replace('\u{1}', "¦"));
        for word in expected {
            assert!(words.iter().any(|found| found == word), "{place}: {word} in {words:?}");
        }
    }

    for (path, text, expected) in [
        ("trueline.yaml", "kind: Catalog\nvalidation:\n  rules:\n    ¦", "fields/missing"),
        ("trueline.yaml", "kind: Catalog\nvalidation:\n  rules: {form/pattern: ¦}", "off"),
        ("environments/staging.yaml", "kind: Environment\ndefaults:\n  ¦", "network-private"),
        (
            "environments/staging.yaml",
            "kind: Environment\ndefaults:\n  network-private:\n    ¦",
            "size",
        ),
        ("environments/staging.yaml", "kind: Environment\n¦", "changeWindows"),
    ] {
        client.open(path, "");
        let words = client.typed(path, text);
        assert!(words.iter().any(|found| found == expected), "{text}: {words:?}");
    }
}

#[test]
fn what_the_pointer_is_on_is_explained() {
    let mut client = Client::start();
    let text =
        service("  name: payments-cache\n  size: small # trueline: allow fields/unknown because\n")
            + "priority: high\n# trueline: allow fields/missing it is so\n";
    client.open(SERVICE, &text);
    let database = client.disk(DATABASE);
    client.open(DATABASE, &database);
    for (path, text, needle, expected) in [
        (SERVICE, &text, "metad¦ata:", "Who and where the service is."),
        (SERVICE, &text, "network-pri¦vate", "**Private network** 1.2.0"),
        (SERVICE, &text, "team: pay¦ments", "**payments**"),
        (SERVICE, &text, "environment: stag¦ing", "**staging**"),
        (SERVICE, &text, "  si¦ze", "one of `small`"),
        (SERVICE, &text, "size: sm¦all", "one of `small`"),
        (SERVICE, &text, "prio¦rity", "allowed: `critical`"),
        (SERVICE, &text, "allow fields/miss¦ing", "How to mend it"),
        (DATABASE, &database, "on¦Failure:", "What follows the last retry"),
        (DATABASE, &database, "{{fields.na¦me", "Instance name"),
        (DATABASE, &database, "ow¦ner:", "The team that answers for it."),
    ] {
        let (line, column) = find(text, needle);
        let said = client.hover(path, line, column);
        assert!(said.contains(expected), "{needle}: {said}");
    }
    assert_eq!(client.hover(SERVICE, 99, 0), "nothing");
}

#[test]
fn definitions_are_found() {
    let mut client = Client::start();
    let service = service("  name: \"{{services.payments-db.outputs.endpoint}}\"\n")
        + "dependsOn: [payments-db]\n";
    let texts: Vec<(&str, String)> =
        vec![(SERVICE, service), (BUNDLE, client.disk(BUNDLE)), (DATABASE, client.disk(DATABASE))];
    for (path, text) in &texts {
        client.open(path, text);
    }
    for (path, needle, target, expected) in [
        (SERVICE, "network-pri¦vate", ITEM, "id: ¦network-private"),
        (
            SERVICE,
            "dependsOn: [pay¦ments-db",
            "services/payments/payments-db.yaml",
            "id: ¦payments-db",
        ),
        (
            SERVICE,
            "services.pay¦ments-db",
            "services/payments/payments-db.yaml",
            "id: ¦payments-db",
        ),
        (SERVICE, "outputs.end¦point", DATABASE, "outputs:\n¦  endpoint"),
        (SERVICE, "environment: sta¦ging", "environments/staging.yaml", "id: ¦staging"),
        (SERVICE, "team: pay¦ments", "trueline.yaml", "¦payments:"),
        (SERVICE, "  na¦me:", ITEM, "- id: ¦name"),
        (BUNDLE, "database-postgresql-sta¦ndard", DATABASE, "id: ¦database-postgresql-standard"),
        (BUNDLE, "dependsOn: [net¦work]", BUNDLE, "- id: ¦network"),
        (BUNDLE, "components.net¦work.outputs.networkId", BUNDLE, "- id: ¦network"),
        (BUNDLE, "components.network.outputs.ci¦dr", ITEM, "¦cidr:"),
        (BUNDLE, "{{fields.app¦Name}}-network", BUNDLE, "- id: ¦appName"),
        (BUNDLE, "outputs: [network¦Id", ITEM, "¦networkId:"),
        (DATABASE, "{{fields.na¦me", DATABASE, "- id: ¦name"),
    ] {
        let (_, text) = texts.iter().find(|(known, _)| *known == path).unwrap();
        let (line, column) = find(text, needle);
        let found = client.definition(path, line, column);
        let there = texts.iter().find(|(known, _)| *known == target);
        let there = there.map_or_else(|| client.disk(target), |(_, text)| text.clone());
        // Outputs are named like other keys: the last of that name is meant.
        let plain = expected.replacen('¦', "", 1);
        let at = match expected {
            "outputs:\n¦  endpoint" => there.rfind("  endpoint:").unwrap() + 2,
            _ if expected.ends_with(':') => {
                there.rfind(&plain).unwrap() + expected.find('¦').unwrap()
            }
            _ => there.find(&plain).unwrap() + expected.find('¦').unwrap(),
        };
        let before = &there[..at];
        let place = format!(
            "{target}:{}:{}",
            before.matches('\n').count() + 1,
            before.rsplit('\n').next().unwrap().chars().count() + 1
        );
        assert_eq!(found, [place], "{needle}");
    }
    assert_eq!(client.definition(SERVICE, 0, 0), [""; 0]);
}

#[test]
fn fixes_and_symbols_are_asked_for() {
    let mut client = Client::start();
    client.open(SERVICE, &service("  name: payments-cache\n"));
    let uri = client.uri(SERVICE);
    let range = json!({"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": 0}});
    let params =
        json!({"textDocument": {"uri": uri}, "range": range, "context": {"diagnostics": []}});
    assert_eq!(client.ask("textDocument/codeAction", params)["result"], json!([]));
    let symbols = client.ask("textDocument/documentSymbol", json!({"textDocument": {"uri": uri}}));
    let names: Vec<&Value> =
        symbols["result"].as_array().unwrap().iter().map(|symbol| &symbol["name"]).collect();
    assert_eq!(names, ["schemaVersion", "kind", "metadata", "catalogItem", "fields"]);
}

#[test]
fn a_thousand_documents_are_answered_while_one_types() {
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
    let began = Instant::now();
    let line = u32::try_from(good.lines().count()).unwrap();
    for number in 0..50 {
        let at = json!({"line": line, "character": number});
        client.edit(path, json!([{"range": {"start": at, "end": at}, "text": "#"}]));
        let words = client.complete(path, 6, 13);
        assert!(words.iter().any(|word| word["label"] == "network-private"));
        client.settled(path);
    }
    let each = began.elapsed() / 50;
    if std::env::var_os("TRUELINE_TIMES").is_some() {
        eprintln!("a keystroke with its findings: {each:?}");
    }
    assert!(each < Duration::from_secs(1), "{each:?}");
}
