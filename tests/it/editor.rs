//! An editor for the tests: it starts the language server, speaks frames with it, and remembers what it was told.
#![expect(clippy::needless_pass_by_value, reason = "what is sent reads best where it is sent")]

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

pub(crate) const ITEM: &str = "catalog/network/network-private.yaml";
pub(crate) const DATABASE: &str = "catalog/databases/database-postgresql-standard.yaml";
pub(crate) const BUNDLE: &str = "bundles/bundle-webapp-standard.yaml";
pub(crate) const SERVICE: &str = "services/payments/payments-cache.yaml";

/// An editor: it speaks frames, and remembers what it was told.
pub(crate) struct Client {
    pub(crate) folder: TempDir,
    child: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    /// All that came and was not waited for.
    pub(crate) seen: Vec<Value>,
    last: i64,
    version: i32,
}

impl Client {
    /// Starts the server over a copy of the example catalog.
    pub(crate) fn start() -> Self {
        let mut client = Self::raw(example());
        client.initialize(json!({}));
        client
    }

    pub(crate) fn raw(folder: TempDir) -> Self {
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

    pub(crate) fn initialize(&mut self, capabilities: Value) -> Value {
        let root = self.uri("");
        let folders = json!([{"uri": root.trim_end_matches('/'), "name": "catalog"}]);
        let params = json!({"processId": null, "rootUri": null, "workspaceFolders": folders, "capabilities": capabilities});
        let answer = self.ask("initialize", params);
        self.tell("initialized", json!({}));
        answer["result"].clone()
    }

    pub(crate) fn uri(&self, path: &str) -> String {
        format!("file://{}/{path}", self.folder.path().canonicalize().unwrap().display())
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).and_then(|()| input.flush()).unwrap();
    }

    pub(crate) fn send(&mut self, message: &Value) {
        let text = message.to_string();
        self.write(format!("Content-Length: {}\r\n\r\n{text}", text.len()).as_bytes());
    }

    pub(crate) fn tell(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Sends a request; returns the whole answer.
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let id = self.last;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        self.wait_for(&format!("the answer to {method}"), |message| {
            message["id"] == id && message.get("method").is_none()
        })
    }

    /// Waits for a message; those that came before it are kept.
    pub(crate) fn wait_for(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
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

    pub(crate) fn disk(&self, path: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(path)).unwrap()
    }

    pub(crate) fn open(&mut self, path: &str, text: &str) {
        let uri = self.uri(path);
        self.version += 1;
        self.tell("textDocument/didOpen", json!({"textDocument": {"uri": uri, "languageId": "yaml", "version": self.version, "text": text}}));
    }

    /// Puts a whole new text in the place of an open one.
    pub(crate) fn change(&mut self, path: &str, text: &str) {
        self.edit(path, json!([{"text": text}]));
    }

    pub(crate) fn edit(&mut self, path: &str, changes: Value) {
        let uri = self.uri(path);
        self.version += 1;
        self.tell("textDocument/didChange", json!({"textDocument": {"uri": uri, "version": self.version}, "contentChanges": changes}));
    }

    /// Waits for the next findings of a file: rule, place and severity of each.
    pub(crate) fn diagnostics(&mut self, path: &str) -> Vec<String> {
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
    pub(crate) fn settled(&mut self, path: &str) -> Vec<String> {
        let (uri, version) = (self.uri(path), self.version);
        let of_last = |message: &Value| {
            message["params"]["uri"] == uri.as_str() && message["params"]["version"] == version
        };
        let told = self.wait_for(&format!("findings of version {version} of {path}"), of_last);
        self.seen.retain(|message| message["params"]["uri"] != uri.as_str());
        self.seen.push(told);
        self.diagnostics(path)
    }

    pub(crate) fn position(
        &mut self,
        method: &str,
        path: &str,
        line: u32,
        character: u32,
    ) -> Value {
        let uri = self.uri(path);
        let params = json!({"textDocument": {"uri": uri}, "position": {"line": line, "character": character}});
        self.ask(method, params)["result"].clone()
    }

    /// Returns what can be written at a position.
    pub(crate) fn complete(&mut self, path: &str, line: u32, character: u32) -> Vec<Value> {
        let answer = self.position("textDocument/completion", path, line, character);
        let mut items = answer.as_array().cloned().unwrap_or_default();
        items.sort_by_key(|item| item["sortText"].to_string());
        items
    }

    pub(crate) fn hover(&mut self, path: &str, line: u32, character: u32) -> String {
        let answer = self.position("textDocument/hover", path, line, character);
        answer["contents"]["value"].as_str().unwrap_or("nothing").to_owned()
    }

    /// Returns where something is defined, as `path:line:column`, counted from 1.
    pub(crate) fn definition(&mut self, path: &str, line: u32, character: u32) -> Vec<String> {
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
    pub(crate) fn typed(&mut self, path: &str, marked: &str) -> Vec<String> {
        let (text, line, character) = cursor(marked);
        self.change(path, &text);
        let words = self.complete(path, line, character);
        words.iter().map(|word| word["label"].as_str().unwrap().to_owned()).collect()
    }

    /// Ends the conversation as it should be; returns the exit code and what was said on the standard error.
    pub(crate) fn finish(mut self) -> (Option<i32>, String) {
        assert_eq!(self.ask("shutdown", Value::Null)["result"], Value::Null);
        self.tell("exit", Value::Null);
        self.end()
    }

    /// Leaves without a word.
    pub(crate) fn leave(&mut self) -> (Option<i32>, String) {
        self.input = None;
        self.end()
    }

    /// Waits for the end of the server, which has nothing more to read.
    pub(crate) fn end(&mut self) -> (Option<i32>, String) {
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
pub(crate) fn cursor(marked: &str) -> (String, u32, u32) {
    let at = marked.find('¦').expect("a cursor");
    let before = &marked[..at];
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().unwrap().encode_utf16().count();
    (marked.replacen('¦', "", 1), line.try_into().unwrap(), column.try_into().unwrap())
}

/// Returns the position of a needle in a text, its `¦` the cursor.
pub(crate) fn find(text: &str, needle: &str) -> (u32, u32) {
    let plain = needle.replacen('¦', "", 1);
    let marked = text.replacen(&plain, needle, 1);
    assert_ne!(marked, text, "{needle}");
    let (_, line, column) = cursor(&marked);
    (line, column)
}

pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, target).unwrap();
        }
    }
}

pub(crate) fn example() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("catalog-example"), folder.path());
    std::fs::write(folder.path().join(SERVICE), service("  name: payments-cache\n")).unwrap();
    folder
}

/// A service of the private network with some fields.
pub(crate) fn service(fields: &str) -> String {
    format!(
        "schemaVersion: catalog/v1\nkind: Service\nmetadata:\n  id: payments-cache\n  team: payments\n  environment: staging\ncatalogItem: network-private\nfields:\n{fields}"
    )
}
