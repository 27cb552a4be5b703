//! Tests of what is sent to a server, and of what its answers mean.

use std::time::Duration;

use serde_json::json;

use super::send::fresh_key;
use super::testing::{PATIENT, Stub, answer, problem};
use super::*;
use crate::cli::local::testing::context;

/// Over at once.
const IMPATIENT: Patience =
    Patience { known: Duration::ZERO, strange: Duration::ZERO, pause: Duration::from_millis(1) };

const RECORDED: &str = r#"{"decision": 1, "by": "ann", "driven": true}"#;

fn refused(url: &str, token: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let made = Server::at((url, token), &context(folder.path()), PATIENCE);
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
    let server = Server::at(("https://t.example/", "hunter22"), &context(folder.path()), PATIENCE);
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
    let server = Server::at(("https://t.example/", "t"), &context(folder.path()), PATIENCE);
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

#[tokio::test]
async fn a_name_is_one_segment_of_a_path_whatever_it_holds() {
    let stub = Stub::answering(|_, _| answer(200, "{}")).await;
    let server = stub.server(PATIENT);
    for name in ["a/../b?c#d", "%2e%2e", "..%2f", "\u{e9}"] {
        let said: Result<Value, _> = server.get(&format!("/runs/{}/x", segment(name))).await;
        assert!(said.is_ok(), "{name}");
    }
    let expected = ["a%2F%2E%2E%2Fb%3Fc%23d", "%252e%252e", "%2E%2E%252f", "%C3%A9"];
    assert_eq!(stub.paths(), expected.map(|name| format!("/api/v1/runs/{name}/x")));
    for name in [".", ".."] {
        let said: Result<Value, _> = server.get(&format!("/runs/{}/x?y", segment(name))).await;
        let said = said.err().map(|it| it.to_string()).unwrap_or_default();
        assert!(said.contains("nothing on a server is named"), "{name}: {said}");
    }
    assert_eq!(stub.asked().len(), 4, "what leads elsewhere is not asked");
}

#[tokio::test]
async fn what_was_lost_or_is_for_later_is_asked_for_again_under_one_key() {
    let stub = Stub::answering(|before, _| match before {
        0 => None,
        1 => answer(502, "<html>"),
        2 => problem(503, "too-slow"),
        3 => problem(409, "idempotency-key-underway"),
        4 => problem(429, "too-many"),
        5 => answer(504, ""),
        _ => answer(200, RECORDED),
    });
    let stub = stub.await;
    let said = stub.server(PATIENT).say("/services/x/hold", &json!({})).await;
    assert_eq!(said.map_err(|it| it.to_string()).expect("said").decision, 1);
    let asked = stub.asked();
    assert_eq!(asked.len(), 7);
    assert!(asked[0].key.is_some() && asked.iter().all(|one| one.key == asked[0].key), "{asked:?}");
}

#[tokio::test]
async fn a_server_that_answered_before_is_waited_for() {
    let stub = Stub::answering(|before, _| match before {
        1..4 => None,
        4 => problem(503, "starting"),
        _ => answer(200, "[]"),
    });
    let stub = stub.await;
    let server = stub.server(Patience { strange: Duration::ZERO, ..PATIENT });
    for _ in 0..2 {
        assert!(server.get::<Value>("/runs").await.is_ok());
    }
    assert_eq!(stub.asked().len(), 6);
}

#[tokio::test]
async fn patience_ends_and_what_may_have_been_done_is_told_as_that() {
    let check = async |said: Option<String>, expected: &[&str]| {
        let stub = Stub::answering(move |_, _| said.clone()).await;
        let failed = stub.server(IMPATIENT).say("/services/x/hold", &json!({})).await;
        let failed = format!("{:?}", failed.err());
        assert!(expected.iter().all(|word| failed.contains(word)), "{expected:?}: {failed}");
        stub.asked().len()
    };
    let unsure = "nobody knows whether it was recorded";
    for lost in [
        None,
        answer(502, ""),
        answer(503, "<html>"),
        problem(503, "too-slow"),
        problem(409, "idempotency-key-underway"),
    ] {
        assert_eq!(check(lost, &["code: 2", unsure]).await, 2, "what is lost is asked for again");
    }
    assert_eq!(check(problem(429, "too-many"), &["code: 2", "ask again in 0 s"]).await, 1);
    assert_eq!(check(problem(503, "busy"), &["code: 2", "ask again in 0 s"]).await, 1);
    // What is not a matter of time is not asked for again.
    assert_eq!(check(problem(503, "forge"), &["code: 2", "answered 503"]).await, 1);
    assert_eq!(check(problem(500, "internal"), &["code: 2", "answered 500"]).await, 1);
    assert_eq!(check(problem(403, "forbidden"), &["code: 2", "answered 403"]).await, 1);
    assert_eq!(check(problem(409, "conflict"), &["code: 1", "answered 409"]).await, 1);
}

#[tokio::test]
async fn who_never_answered_is_not_waited_for_long() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", free.local_addr().expect("an address"));
    drop(free);
    let folder = tempfile::tempdir().expect("a folder");
    let patience = Patience { strange: Duration::ZERO, ..PATIENT };
    let server = Server::at((&url, "t"), &context(folder.path()), patience);
    let server = server.map_err(|it| it.to_string()).expect("made");
    let said = format!("{:?}", server.get::<Value>("/runs").await.err());
    assert!(said.contains("code: 2") && said.contains("/livez"), "{said}");
}

#[tokio::test]
async fn a_page_that_is_too_large_is_read_in_smaller_ones() {
    let stub = Stub::answering(|_, path| {
        let of = |name: &str| {
            let url = Url::parse(&format!("http://t.example{path}")).ok()?;
            let found = url.query_pairs().find(|(key, _)| key == name)?.1.parse::<usize>();
            found.ok()
        };
        let (limit, from) = (of("limit").expect("a limit"), of("cursor").unwrap_or_default());
        // One of them alone is not.
        let to = (from + limit).min(40);
        let items: Vec<String> = (from..to).map(|_| "x".repeat(100_000)).collect();
        let next = (to < 40).then(|| to.to_string());
        answer(200, &json!({"items": items, "next": next}).to_string())
    });
    let stub = stub.await;
    let found: (Vec<String>, _) = stub
        .server(PATIENT)
        .list("/x", &[], usize::MAX)
        .await
        .map_err(|it| it.to_string())
        .expect("read");
    assert_eq!((found.0.len(), found.1), (40, false));
    let endless = Stub::answering(|_, _| answer(200, &" ".repeat(2 << 20))).await;
    let said = endless.server(PATIENT).list::<Value>("/x", &[], usize::MAX).await;
    let said = said.err().map(|it| it.to_string()).unwrap_or_default();
    assert!(said.contains("more than 1 MiB"), "{said}");
    assert_eq!(endless.asked().len(), 8);
}

#[test]
fn a_configuration_that_only_lies_here_decides_nothing_of_whom_is_trusted() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = |names_config: bool, (proxy, authorities): (Option<&str>, Option<&str>)| {
        let mut context = context(folder.path());
        context.names_config = names_config;
        context.config.egress.proxy = proxy.map(str::to_owned);
        context.config.egress.authorities = authorities.map(Into::into);
        let made = Server::at(("https://trueline.example.com", "t"), &context, PATIENCE);
        made.err().map(|it| it.to_string()).unwrap_or_default()
    };
    // What can't be used is refused where it counts.
    for own in [(Some("nonsense"), None), (None, Some("/nowhere/at/all.pem"))] {
        assert_ne!(made(true, own), "");
        assert_eq!(made(false, own), "");
    }
}

#[test]
fn no_two_requests_have_one_key() {
    assert_ne!(fresh_key(), fresh_key());
    assert!(fresh_key().len() < 255);
}
