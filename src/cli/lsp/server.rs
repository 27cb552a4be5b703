//! The server: its life from `initialize` to `shutdown`, its documents and catalogs, and who answers what. It reads no stream.

use std::collections::BTreeMap;
use std::io::{Result as Written, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::validate_paths::{is_catalog, split};
use super::folder::{Folder, Open, Told};
use super::params::{About, At, Changes, Client, Folders, Within, path_of};
use super::scene::Scene;
use super::subject::Schemas;
use super::text::{Encoding, Text};
use super::wire::{self, Call, Code, Incoming};
use super::{complete, definition, diagnostic, hover, symbols};

/// How far the conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Fresh,
    Running,
    ShutDown,
}

/// What becomes of a request: a result, or a code with a reason.
type Answered = Result<Value, (Code, String)>;

/// A language server that writes to a stream.
pub(super) struct Server<W> {
    output: W,
    /// The catalog where the client names none.
    fallback: PathBuf,
    phase: Phase,
    encoding: Encoding,
    watches: bool,
    /// Folders of the workspace: catalogs elsewhere are none of ours.
    workspace: Vec<PathBuf>,
    folders: Vec<Folder>,
    open: BTreeMap<String, Open>,
    schemas: Schemas,
    /// Whether something changed that nobody has judged yet.
    unsettled: bool,
}

impl<W: Write> Server<W> {
    pub(super) fn new(output: W, fallback: PathBuf) -> Self {
        Self {
            output,
            fallback,
            phase: Phase::Fresh,
            encoding: Encoding::Utf16,
            watches: false,
            workspace: Vec::new(),
            folders: Vec::new(),
            open: BTreeMap::new(),
            schemas: Schemas::new(),
            unsettled: false,
        }
    }

    pub(super) fn is_shut_down(&self) -> bool {
        self.phase == Phase::ShutDown
    }

    /// Takes a message; a request is answered at once.
    pub(super) fn take(&mut self, incoming: Incoming) -> Written<()> {
        match incoming {
            Incoming::Call(call) => self.call(call),
            Incoming::Unreadable(code, why) => {
                wire::write(&mut self.output, &wire::error(&Value::Null, code, &why))
            }
            Incoming::Answer | Incoming::End | Incoming::Broken(_) => Ok(()),
        }
    }

    fn call(&mut self, call: Call) -> Written<()> {
        let Call { id, method, params } = call;
        let Some(id) = id else {
            if self.phase == Phase::Running {
                // A notification cannot be answered: one that makes no sense is passed over.
                let taken = catch_unwind(AssertUnwindSafe(|| self.notified(&method, params)));
                return taken.unwrap_or(Ok(()));
            }
            return Ok(());
        };
        let answered = catch_unwind(AssertUnwindSafe(|| self.asked(&method, params)));
        let answered = answered.unwrap_or_else(|_| {
            Err((Code::Internal, format!("`{method}` failed; this is a fault of trueline")))
        });
        let message = match answered {
            Ok(result) => wire::answer(&id, &result),
            Err((code, why)) => wire::error(&id, code, &why),
        };
        wire::write(&mut self.output, &message)
    }

    fn asked(&mut self, method: &str, params: Value) -> Answered {
        match (self.phase, method) {
            (Phase::Fresh, "initialize") => return Ok(self.initialize(&params)),
            (Phase::Fresh, _) => {
                return Err((Code::NotInitialized, "`initialize` comes first".to_owned()));
            }
            (Phase::ShutDown, _) => {
                return Err((Code::InvalidRequest, "the server is shut down".to_owned()));
            }
            (Phase::Running, "initialize") => {
                return Err((Code::InvalidRequest, "the server is initialized".to_owned()));
            }
            (Phase::Running, "shutdown") => {
                self.phase = Phase::ShutDown;
                return Ok(Value::Null);
            }
            (Phase::Running, _) => {}
        }
        match method {
            "textDocument/completion" => self.at(params, complete::completions),
            "textDocument/hover" => self.at(params, hover::hover),
            "textDocument/definition" => self.at(params, definition::definition),
            "textDocument/codeAction" => self.code_actions(params),
            "textDocument/documentSymbol" => {
                let About { text_document } = read(params)?;
                let open = self.open.get(&text_document.uri);
                Ok(open.map_or(Value::Null, |open| symbols::symbols(&open.text, self.encoding)))
            }
            _ => Err((Code::MethodNotFound, format!("there is no `{method}` here"))),
        }
    }

    fn initialize(&mut self, params: &Value) -> Value {
        let client = Client::of(params);
        self.phase = Phase::Running;
        self.encoding = client.encoding();
        self.watches = client.watches;
        self.workspace = client.folders;
        if self.workspace.is_empty() {
            self.adopt(&self.fallback.canonicalize().unwrap_or_else(|_| self.fallback.clone()));
        }
        for folder in self.workspace.clone() {
            self.adopt(&split(&folder).0);
        }
        json!({
            "capabilities": {
                "positionEncoding": self.encoding.word(),
                "textDocumentSync": {"openClose": true, "change": 2, "save": {"includeText": false}},
                "completionProvider": {"triggerCharacters": [".", "{", ":", " ", "-"]},
                "hoverProvider": true,
                "definitionProvider": true,
                "documentSymbolProvider": true,
                "codeActionProvider": {"codeActionKinds": ["quickfix"]},
                "workspace": {"workspaceFolders": {"supported": true, "changeNotifications": true}},
            },
            "serverInfo": {"name": "trueline", "version": env!("CARGO_PKG_VERSION")},
        })
    }

    fn notified(&mut self, method: &str, params: Value) -> Written<()> {
        match method {
            "initialized" if self.watches => {
                let watchers = ["**/*.yaml", "**/*.yml", "**/CODEOWNERS"]
                    .map(|pattern| json!({"globPattern": pattern}));
                let registration = json!({
                    "id": "trueline-files", "method": "workspace/didChangeWatchedFiles",
                    "registerOptions": {"watchers": watchers},
                });
                let request = wire::request(
                    "trueline-files",
                    "client/registerCapability",
                    &json!({"registrations": [registration]}),
                );
                wire::write(&mut self.output, &request)?;
            }
            "textDocument/didOpen" => self.opened(params),
            "textDocument/didChange" => self.changed(params),
            "textDocument/didClose" => {
                if let Ok(About { text_document }) = read(params) {
                    self.open.remove(&text_document.uri);
                    self.look_again();
                }
            }
            "textDocument/didSave" | "workspace/didChangeWatchedFiles" => self.look_again(),
            "workspace/didChangeWorkspaceFolders" => self.moved(params)?,
            _ => {}
        }
        Ok(())
    }

    fn opened(&mut self, params: Value) {
        let Ok(About { text_document }) = read(params) else { return };
        let Some(path) = path_of(&text_document.uri) else { return };
        if self.folder_of(&path).is_none() {
            let (root, _) = split(&path);
            self.adopt(&root);
        }
        let open = Open {
            uri: text_document.uri.clone(),
            path,
            version: text_document.version,
            text: Text::new(text_document.text),
        };
        self.open.insert(text_document.uri, open);
        self.look_again();
    }

    fn changed(&mut self, params: Value) {
        let Ok(Changes { text_document, content_changes }) = read(params) else { return };
        let Some(open) = self.open.get_mut(&text_document.uri) else { return };
        open.version = text_document.version;
        open.text.change(content_changes, self.encoding);
        self.unsettled = true;
    }

    fn moved(&mut self, params: Value) -> Written<()> {
        let Ok(Folders { event }) = read(params) else { return Ok(()) };
        let paths = |documents: &[super::params::Document]| -> Vec<PathBuf> {
            documents.iter().filter_map(|document| path_of(&document.uri)).collect()
        };
        let removed = paths(&event.removed);
        self.workspace.retain(|folder| !removed.contains(folder));
        let (gone, kept) = std::mem::take(&mut self.folders)
            .into_iter()
            .partition(|folder| removed.iter().any(|removed| folder.root.starts_with(removed)));
        self.folders = kept;
        let gone: Vec<Folder> = gone;
        for mut folder in gone {
            for (_, told) in folder.withdraw() {
                self.publish(&told, &[])?;
            }
        }
        for folder in paths(&event.added) {
            self.workspace.push(folder.clone());
            self.adopt(&split(&folder).0);
        }
        Ok(())
    }

    /// Takes a folder for a catalog, where it looks like one and is ours.
    fn adopt(&mut self, root: &Path) {
        // Somebody may work in one folder of a catalog, or keep a catalog in a folder of a repository.
        let near = |folder: &PathBuf| root.starts_with(folder) || folder.starts_with(root);
        let ours = self.workspace.is_empty() || self.workspace.iter().any(near);
        let known = self.folders.iter().any(|folder| folder.root == root);
        if ours && !known && root.is_absolute() && is_catalog(root) {
            self.folders.push(Folder::new(root.to_owned()));
            self.unsettled = true;
        }
    }

    fn look_again(&mut self) {
        self.folders.iter_mut().for_each(|folder| folder.stale = true);
        self.unsettled = true;
    }

    /// Returns the innermost catalog that a file stands in, and its path there.
    fn folder_of(&self, path: &Path) -> Option<(&Folder, Arc<str>)> {
        let found = self.folders.iter().filter_map(|folder| Some((folder, folder.inside(path)?)));
        found.max_by_key(|(folder, _)| folder.root.as_os_str().len())
    }

    /// Judges what changed, and tells the client what is new.
    pub(super) fn settle(&mut self) -> Written<()> {
        if self.phase != Phase::Running || !std::mem::take(&mut self.unsettled) {
            return Ok(());
        }
        let mut folders = std::mem::take(&mut self.folders);
        let mut written = Ok(());
        for folder in &mut folders {
            let refreshed = catch_unwind(AssertUnwindSafe(|| {
                let refreshed = folder.refresh(self.open.values());
                (refreshed, folder.news(self.open.values()))
            }));
            let (refreshed, news) = refreshed.unwrap_or_else(|_| {
                folder.start_over();
                (Err("judging failed; this is a fault of trueline".to_owned()), Vec::new())
            });
            if let Err(why) = refreshed {
                let params = json!({"type": 1, "message": format!("trueline: {why}")});
                let message = wire::notification("window/logMessage", &params);
                written = written.and(wire::write(&mut self.output, &message));
            }
            for (path, told) in news {
                let shown = diagnostic::diagnostics(folder, &path, &told.findings, self.encoding);
                written = written.and(self.publish(&told, &shown));
            }
        }
        self.folders = folders;
        written
    }

    fn publish(&mut self, told: &Told, diagnostics: &[Value]) -> Written<()> {
        let mut params = json!({"uri": told.uri, "diagnostics": diagnostics});
        if let (Some(version), Value::Object(fields)) = (told.version, &mut params) {
            fields.insert("version".to_owned(), version.into());
        }
        let message = wire::notification("textDocument/publishDiagnostics", &params);
        wire::write(&mut self.output, &message)
    }

    /// Answers what is about a position of an open document of a catalog; nothing anywhere else.
    fn at(&mut self, params: Value, answer: fn(&Scene<'_>, usize) -> Value) -> Answered {
        let At { text_document, position } = read(params)?;
        self.know().map_err(|error| internal(&error))?;
        let Some(open) = self.open.get(&text_document.uri) else { return Ok(Value::Null) };
        let Some((folder, path)) = self.folder_of(&open.path) else { return Ok(Value::Null) };
        let offset = open.text.offset(position, self.encoding);
        let scene = Scene {
            folder,
            path: &path,
            text: &open.text,
            schemas: &self.schemas,
            encoding: self.encoding,
        };
        Ok(answer(&scene, offset))
    }

    /// Makes sure that every catalog has been read: what was typed since need not be judged for an answer.
    fn know(&mut self) -> Written<()> {
        if self.folders.iter().any(|folder| folder.stale) { self.settle() } else { Ok(()) }
    }

    fn code_actions(&mut self, params: Value) -> Answered {
        let Within { text_document, range } = read(params)?;
        self.settle().map_err(|error| internal(&error))?;
        let Some(open) = self.open.get(&text_document.uri) else { return Ok(json!([])) };
        let Some((folder, path)) = self.folder_of(&open.path) else { return Ok(json!([])) };
        Ok(diagnostic::actions(folder, &path, &open.uri, (range, self.encoding)).into())
    }
}

fn read<T: DeserializeOwned>(params: Value) -> Result<T, (Code, String)> {
    serde_json::from_value(params).map_err(|error| (Code::InvalidParams, error.to_string()))
}

fn internal(error: &std::io::Error) -> (Code, String) {
    (Code::Internal, error.to_string())
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
