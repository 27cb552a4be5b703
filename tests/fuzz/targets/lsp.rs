//! The language server: whatever comes, each request has one answer, and what is written is the protocol.
//!
//! Parts stand between lines of `----`. A part is sent as it is where it begins with a header, as a message
//! where it is JSON, and is what somebody types into a document otherwise, who then asks about it.

use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;
use trueline::cli::converse;

use super::catalog::{FILES, path_of};
use super::{choice, soon};

pub(super) fn run(bytes: &[u8]) {
    let folder = folder();
    let root = format!("file://{}", folder.path().display());
    let mut sent = Vec::new();
    let initialize = json!({"capabilities": {}, "rootUri": root});
    frame(
        &mut sent,
        &json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": initialize}),
    );
    let mut asked = 1;
    for (number, part) in split(bytes).into_iter().take(16).enumerate() {
        if part.to_ascii_lowercase().starts_with(b"content-") {
            sent.extend_from_slice(part);
        } else if let Ok(message) = serde_json::from_slice::<Value>(part) {
            // No other folder of the machine is anybody's business.
            if !message.to_string().contains("file:") {
                frame(&mut sent, &message);
            }
        } else {
            asked += type_in(&mut sent, &root, &String::from_utf8_lossy(part), number);
        }
    }
    let answers = soon(8 * sent.len() + (1 << 18), || {
        let mut written = Vec::new();
        converse(&mut sent.as_slice(), &mut written, folder.path().to_owned());
        written
    });
    let answers = messages(&answers);
    let ours =
        answers.iter().filter(|message| message["id"].as_u64().is_some_and(|id| id < 1_000_000));
    assert!(ours.count() <= asked + 16, "more answers than requests");
    for message in &answers {
        assert_eq!(message["jsonrpc"], "2.0");
        assert!(!message.to_string().contains("fault of trueline"), "{message}");
    }
}

/// The catalog on disk: the server reads the folder that it serves.
fn folder() -> &'static TempDir {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = TempDir::new().expect("a folder for a while");
        for (path, text) in FILES {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder is made");
            std::fs::write(path, text).expect("a file is written");
        }
        folder
    })
}

fn split(bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(6).position(|window| window == b"\n----\n") {
        parts.push(&rest[..at]);
        rest = &rest[at + 6..];
    }
    parts.push(rest);
    parts
}

fn frame(sent: &mut Vec<u8>, message: &Value) {
    let text = message.to_string();
    sent.extend_from_slice(format!("Content-Length: {}\r\n\r\n{text}", text.len()).as_bytes());
}

/// Types a text into a document, asks at some places, and returns how many answers that makes.
fn type_in(sent: &mut Vec<u8>, root: &str, text: &str, number: usize) -> usize {
    let uri = format!("{root}/{}", path_of(text));
    let mut id = 1 + number * 100;
    let mut send = |method: &str, params: Value, is_request: bool| {
        let mut message = json!({"jsonrpc": "2.0", "method": method, "params": params});
        if is_request {
            message["id"] = id.into();
            id += 1;
        }
        frame(sent, &message);
    };
    send(
        "textDocument/didOpen",
        json!({"textDocument": {"uri": uri, "version": 1, "languageId": "yaml", "text": text}}),
        false,
    );
    let mut asked = 0;
    let lines: Vec<&str> = text.lines().collect();
    for turn in 0..3_u64 {
        let random = choice(text.as_bytes()).rotate_left(u32::try_from(turn).unwrap_or(0) * 21);
        let line = usize::try_from(random >> 8).unwrap_or(0) % (lines.len() + 1);
        let width = lines.get(line).map_or(0, |line| line.chars().count());
        let character = usize::try_from(random >> 32).unwrap_or(0) % (width + 2);
        let position = json!({"line": line, "character": character});
        let at = json!({"textDocument": {"uri": uri}, "position": position});
        for method in ["completion", "hover", "definition"] {
            send(&format!("textDocument/{method}"), at.clone(), true);
        }
        let range = json!({"start": {"line": 0, "character": 0}, "end": position});
        let about =
            json!({"textDocument": {"uri": uri}, "range": range, "context": {"diagnostics": []}});
        send("textDocument/codeAction", about, true);
        let typed = ["", "{{", "x: ", "\u{1f642}\r\n"][usize::try_from(random % 4).unwrap_or(0)];
        let change = json!({"range": range, "text": typed});
        send(
            "textDocument/didChange",
            json!({"textDocument": {"uri": uri, "version": 2 + turn}, "contentChanges": [change]}),
            false,
        );
        asked += 4;
    }
    send("textDocument/documentSymbol", json!({"textDocument": {"uri": uri}}), true);
    asked + 1
}

/// Reads what was written: nothing but whole messages.
fn messages(written: &[u8]) -> Vec<Value> {
    let mut found = Vec::new();
    let mut rest = written;
    while !rest.is_empty() {
        let end = rest.windows(4).position(|window| window == b"\r\n\r\n").expect("a header ends");
        let header = std::str::from_utf8(&rest[..end]).expect("a header is text");
        let length = header.strip_prefix("Content-Length: ").expect("a length");
        let length: usize = length.parse().expect("a number");
        let (body, next) = rest[end + 4..].split_at(length);
        found.push(serde_json::from_slice(body).expect("JSON"));
        rest = next;
    }
    found
}
