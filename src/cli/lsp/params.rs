//! What messages of the client bring along, as far as it is needed. It answers nothing.

use std::path::PathBuf;

use lsp_types::Position;
use serde::Deserialize;
use serde_json::Value;

use super::text::Encoding;

/// What the client says about itself.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Client {
    pub(super) folders: Vec<PathBuf>,
    /// What its columns count.
    pub(super) utf8: bool,
    /// Whether it can be asked to watch files.
    pub(super) watches: bool,
}

impl Client {
    /// Reads the parameters of `initialize`; what is not understood is left out.
    pub(super) fn of(params: &Value) -> Self {
        let many = params.get("workspaceFolders").and_then(Value::as_array);
        let uris = many.into_iter().flatten().filter_map(|folder| folder.get("uri")?.as_str());
        let mut folders: Vec<PathBuf> = uris.filter_map(path_of).collect();
        if folders.is_empty() {
            let uri = params.get("rootUri").and_then(Value::as_str).and_then(path_of);
            let path = || params.get("rootPath").and_then(Value::as_str).map(PathBuf::from);
            folders.extend(uri.or_else(path));
        }
        let encodings = params.pointer("/capabilities/general/positionEncodings");
        let named = encodings.and_then(Value::as_array).into_iter().flatten();
        let watches =
            params.pointer("/capabilities/workspace/didChangeWatchedFiles/dynamicRegistration");
        Self {
            folders,
            utf8: named.into_iter().any(|name| name == "utf-8"),
            watches: watches == Some(&Value::Bool(true)),
        }
    }

    pub(super) fn encoding(&self) -> Encoding {
        if self.utf8 { Encoding::Utf8 } else { Encoding::Utf16 }
    }
}

/// Returns the path of a `file:` URI.
pub(super) fn path_of(uri: &str) -> Option<PathBuf> {
    let uri = url::Url::parse(uri).ok()?;
    (uri.scheme() == "file").then(|| uri.to_file_path().ok()).flatten()
}

/// Returns the URI of a path.
pub(super) fn uri_of(path: &std::path::Path) -> Option<String> {
    url::Url::from_file_path(path).ok().map(String::from)
}

/// A document, by its URI.
#[derive(Debug, Deserialize)]
pub(super) struct Document {
    pub(super) uri: String,
    #[serde(default)]
    pub(super) version: Option<i32>,
    #[serde(default)]
    pub(super) text: String,
}

/// What is about a document as a whole.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct About {
    pub(super) text_document: Document,
}

/// What is about a position in a document.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct At {
    pub(super) text_document: Document,
    pub(super) position: Position,
}

/// What is about a stretch of a document.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Within {
    pub(super) text_document: Document,
    pub(super) range: lsp_types::Range,
}

/// Changes of a document.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Changes {
    pub(super) text_document: Document,
    pub(super) content_changes: Vec<lsp_types::TextDocumentContentChangeEvent>,
}

/// Folders that were added to the workspace, and taken from it.
#[derive(Debug, Deserialize)]
pub(super) struct Folders {
    pub(super) event: FoldersEvent,
}

/// See [`Folders`].
#[derive(Debug, Deserialize)]
pub(super) struct FoldersEvent {
    #[serde(default)]
    pub(super) added: Vec<Document>,
    #[serde(default)]
    pub(super) removed: Vec<Document>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_client_says_where_it_is() {
        let folders = |params: Value| Client::of(&params).folders;
        let both = json!({"workspaceFolders": [{"uri": "file:///a%20b", "name": "x"}, {"uri": "vscode:///y"}], "rootUri": "file:///c"});
        assert_eq!(folders(both), [PathBuf::from("/a b")]);
        assert_eq!(
            folders(json!({"workspaceFolders": null, "rootUri": "file:///c"})),
            [PathBuf::from("/c")]
        );
        assert_eq!(folders(json!({"rootUri": null, "rootPath": "/d"})), [PathBuf::from("/d")]);
        assert_eq!(Client::of(&json!(null)), Client::default());
        let modern =
            json!({"capabilities": {"general": {"positionEncodings": ["utf-16", "utf-8"]}}});
        assert_eq!(Client::of(&modern).encoding(), Encoding::Utf8);
        assert_eq!(Client::of(&json!({})).encoding(), Encoding::Utf16);
    }
}
