//! Tests of what is sent to a server, and of what its answers mean.

use super::*;
use crate::cli::local::testing::context;

fn refused(url: &str, token: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let made = Server::at(url, token, &context(folder.path()));
    made.err().map(|it| it.to_string()).unwrap_or_default()
}

#[test]
fn a_token_is_sent_nowhere_in_the_open() {
    assert_eq!(refused("https://trueline.example.com/", "t"), "");
    assert_eq!(refused("http://127.0.0.1:7700", "t"), "");
    assert_eq!(refused("http://[::1]:7700", "t"), "");
    for (url, expected) in [
        ("http://trueline.example.com", "must begin with `https://`"),
        ("http://127.0.0.1.example.com", "must begin with `https://`"),
        ("ftp://127.0.0.1", "must begin with `https://`"),
        ("trueline.example.com", "is no URL"),
        ("https://a:hunter22@trueline.example.com", "holds a user or a password"),
        ("https://trueline.example.com/?x=1", "holds more"),
        ("https://trueline.example.com/#x", "holds more"),
        ("\u{1b}[31m", "is no URL"),
    ] {
        let said = refused(url, "t");
        assert!(said.contains(expected), "{url}: {said}");
        assert!(!said.contains('\u{1b}') && !said.contains("hunter22"), "{url}: {said}");
    }
    assert!(refused("https://trueline.example.com", "").contains("Settings, Keys"));
    for token in ["hunter22\n", "hunter22 x", "hunter22\u{e4}", "\u{1b}hunter22"] {
        let said = refused("https://trueline.example.com", token);
        assert!(said.contains("that no token has") && !said.contains("hunter22"), "{said}");
    }
}

#[test]
fn what_is_refused_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::at("https://t.example/", "hunter22", &context(folder.path()));
    let server = server.map_err(|it| it.to_string()).expect("made");
    let said = |status: u16, body: &str| {
        let mut headers = reqwest::header::HeaderMap::new();
        let value = reqwest::header::HeaderValue::from_static;
        headers.insert("retry-after", value("7"));
        headers.insert("location", value("https://elsewhere.example/"));
        let body = body.as_bytes().to_vec();
        server.refusal(&Response { status, headers, body, truncated: false }).to_string()
    };
    let problem = r#"{"type": "urn:trueline:problem:unauthenticated", "title": "Unauthorized",
                      "detail": "the key \u001b[31mis not known"}"#;
    let text = said(401, problem);
    let expected = "https://t.example answered 401 Unauthorized: the key \\u{1b}[31mis not known";
    assert!(text.starts_with(expected) && text.contains("TRUELINE_TOKEN"), "{text}");
    let text = said(502, "<html>");
    assert!(text.starts_with("https://t.example answered 502 (what stands before"), "{text}");
    assert!(said(404, "<html>").contains("is it the address of a Trueline server?"));
    assert!(said(503, "{}").ends_with("(ask again in 7 s)"));
    assert!(said(302, "").contains("where `https://elsewhere.example/` is the server"));
    let forbidden = r#"{"type": "urn:trueline:problem:forbidden", "title": "Forbidden"}"#;
    assert!(said(403, forbidden).contains("trueline auth explain"));
    let unfit = r#"{"type": "urn:trueline:problem:unfit", "title": "Unprocessable Content", "detail": "it does not fit",
                    "errors": [{"pointer": "/a", "detail": "is wrong"}, {"pointer": "/b", "detail": "neither"}]}"#;
    let text = said(422, unfit);
    assert!(text.ends_with("it does not fit: /a is wrong; /b neither"), "{text}");
    for garbage in ["[]", "\"x\"", "{\"errors\": 3}", "\u{0}", "{\"type\": null}"] {
        assert!(said(500, garbage).starts_with("https://t.example answered 500"), "{garbage}");
    }
}

#[test]
fn what_is_not_understood_is_told_as_that() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::at("https://t.example/", "t", &context(folder.path()));
    let server = server.map_err(|it| it.to_string()).expect("made");
    let said = |body: &str, truncated: bool| {
        let (headers, body) = (reqwest::header::HeaderMap::new(), body.as_bytes().to_vec());
        let read = server.read::<Recorded>(&Response { status: 200, headers, body, truncated });
        read.err().map(|it| it.to_string()).unwrap_or_default()
    };
    assert_eq!(said(r#"{"decision": 1, "by": "ann", "driven": true}"#, false), "");
    assert!(said("<html>", false).contains("does not understand"));
    assert!(said("{}", false).contains("missing field"));
    assert!(said(r#"{"decision": 1"#, true).contains("more than 1 MiB"));
}

#[test]
fn a_name_is_one_segment_of_a_path_whatever_it_holds() {
    assert_eq!(segment("a/../b?c"), "a%2F%2E%2E%2Fb%3Fc");
    assert_eq!(segment(".."), "%2E%2E");
}

#[test]
fn no_two_requests_have_one_key() {
    assert_ne!(fresh_key(), fresh_key());
    assert!(fresh_key().len() < 255);
}
