//! Tests of the server without streams: every place of real documents, cut off there as if somebody were writing.

use super::*;

fn call(server: &mut Server<Vec<u8>>, id: Option<u32>, method: &str, params: Value) {
    let id = id.map(Value::from);
    server.take(Incoming::Call(Call { id, method: method.to_owned(), params })).unwrap();
}

#[test]
fn every_place_of_a_document_that_is_being_written_is_answered() {
    let root = std::fs::canonicalize("catalog-example").unwrap();
    let mut server = Server::new(Vec::new(), root.clone());
    let uri = super::super::params::uri_of(&root).unwrap();
    let folders = json!([{"uri": uri, "name": "example"}]);
    call(&mut server, Some(0), "initialize", json!({"workspaceFolders": folders}));
    for path in [
        "bundles/bundle-webapp-standard.yaml",
        "catalog/databases/database-postgresql-standard.yaml",
        "environments/production.yaml",
        "services/payments/payments-db.yaml",
        "trueline.yaml",
    ] {
        let text = std::fs::read_to_string(root.join(path)).unwrap();
        let document = json!({"uri": format!("{uri}/{path}"), "version": 1, "text": ""});
        call(&mut server, None, "textDocument/didOpen", json!({"textDocument": document}));
        server.settle().unwrap();
        for (offset, _) in text.char_indices().step_by(11) {
            let written = &text[..offset];
            let change = json!({"textDocument": document, "contentChanges": [{"text": written}]});
            call(&mut server, None, "textDocument/didChange", change);
            let position = Text::new(written).position(offset, Encoding::Utf16);
            let at = json!({"textDocument": document, "position": position});
            for method in ["completion", "hover", "definition", "documentSymbol"] {
                call(&mut server, Some(1), &format!("textDocument/{method}"), at.clone());
            }
        }
    }
    let said = String::from_utf8(std::mem::take(&mut server.output)).unwrap();
    assert!(said.matches("\"id\":1").count() > 1000);
    assert!(!said.contains("\"error\":"), "a request was refused");
}

#[test]
fn a_folder_may_come_and_go() {
    let root = std::fs::canonicalize("catalog-example").unwrap();
    let uri = super::super::params::uri_of(&root).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let mut server = Server::new(Vec::new(), elsewhere.path().to_owned());
    call(&mut server, Some(0), "initialize", json!({"rootPath": elsewhere.path()}));
    let document = json!({"uri": format!("{uri}/trueline.yaml"), "version": 1, "text": "x"});
    call(&mut server, None, "textDocument/didOpen", json!({"textDocument": document}));
    server.settle().unwrap();
    let said = |server: &mut Server<Vec<u8>>| {
        String::from_utf8(std::mem::take(&mut server.output)).unwrap()
    };
    assert!(!said(&mut server).contains("publishDiagnostics"));
    let event = |key: &str| json!({"event": {key: [{"uri": uri, "name": "example"}]}});
    call(&mut server, None, "workspace/didChangeWorkspaceFolders", event("added"));
    server.settle().unwrap();
    assert!(said(&mut server).contains("\"code\":\"yaml/root\""));
    call(&mut server, None, "workspace/didChangeWorkspaceFolders", event("removed"));
    assert!(said(&mut server).contains("\"diagnostics\":[]"));
}
