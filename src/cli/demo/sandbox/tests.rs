//! The sandbox is what the demo says it is.

use axum::http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};

use super::shelf::{Asked, Fault, Shelf};

/// Takes a request of the form `PUT /v1/<collection>/<id>`, with a key and a body; gives status and body.
fn ask(shelf: &mut Shelf, line: &str, key: &str, body: &Value) -> (u16, Value, Option<Fault>) {
    let (method, path) = line.split_once(' ').unwrap();
    let mut headers = HeaderMap::new();
    if !key.is_empty() {
        headers.insert("idempotency-key", HeaderValue::from_str(key).unwrap());
    }
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let asked = Asked::of(&method, path.trim_start_matches("/v1/"), &headers, &bytes).unwrap();
    let (answer, fault) = shelf.take(&asked);
    (answer.status, answer.body, fault)
}

#[test]
fn a_resource_lives_from_put_to_delete() {
    let mut shelf = Shelf::default();
    let size = json!({"size": "small"});
    let (status, made, _) = ask(&mut shelf, "PUT /v1/networks/shop", "", &size);
    assert_eq!((status, &made["size"]), (201, &json!("small")));
    assert!(made["cidr"].as_str().unwrap().ends_with("/24"), "{made}");
    let (status, again, _) = ask(&mut shelf, "PUT /v1/networks/shop", "", &size);
    assert_eq!((status, again), (200, made.clone()));
    assert_eq!(ask(&mut shelf, "GET /v1/networks/shop", "", &Value::Null).1, made);
    let (status, patched, _) =
        ask(&mut shelf, "PATCH /v1/networks/shop", "", &json!({"egress": "none"}));
    assert_eq!(
        (status, &patched["size"], &patched["egress"]),
        (200, &json!("small"), &json!("none"))
    );
    assert_eq!(ask(&mut shelf, "DELETE /v1/networks/shop", "", &Value::Null).0, 204);
    assert_eq!(ask(&mut shelf, "GET /v1/networks/shop", "", &Value::Null).0, 404);
    assert_eq!(ask(&mut shelf, "DELETE /v1/networks/shop", "", &Value::Null).0, 404);
    assert_eq!(ask(&mut shelf, "POST /v1/things", "", &json!({"name": "a"})).0, 201);
    assert_eq!(ask(&mut shelf, "POST /v1/things", "", &json!({"name": "a"})).0, 409);
    assert_eq!(ask(&mut shelf, "PUT /v1/things", "", &json!({})).0, 400);
}

#[test]
fn a_key_takes_effect_once_and_is_for_one_thing() {
    let mut shelf = Shelf::default();
    let body = json!({"name": "a"});
    let first = ask(&mut shelf, "POST /v1/apps", "k1", &body);
    assert_eq!(ask(&mut shelf, "POST /v1/apps", "k1", &body), first);
    assert_eq!(ask(&mut shelf, "POST /v1/apps", "k1", &json!({"name": "b"})).0, 422);
    let told = shelf.told();
    assert_eq!((&told["writes"], &told["effects"]), (&json!(3), &json!(1)));
    assert_eq!(told["askedByKey"], json!({"k1": 3}));
}

#[test]
fn a_refused_write_does_nothing_and_a_lost_one_is_done() {
    let mut shelf = Shelf::default();
    shelf.fail(Fault::Refuse, 1);
    shelf.fail(Fault::Lose, 1);
    let body = json!({});
    assert_eq!(ask(&mut shelf, "GET /v1/apps/a", "", &Value::Null).0, 404);
    let (status, _, fault) = ask(&mut shelf, "PUT /v1/apps/a", "k", &body);
    assert_eq!((status, fault), (503, Some(Fault::Refuse)));
    assert_eq!(ask(&mut shelf, "GET /v1/apps/a", "", &Value::Null).0, 404);
    let (status, _, fault) = ask(&mut shelf, "PUT /v1/apps/a", "k", &body);
    assert_eq!((status, fault), (201, Some(Fault::Lose)));
    assert_eq!(ask(&mut shelf, "GET /v1/apps/a", "", &Value::Null).0, 200);
    assert_eq!(ask(&mut shelf, "PUT /v1/apps/a", "k", &body).2, None);
    assert_eq!(shelf.told()["effects"], json!(1));
}

#[tokio::test]
async fn a_lost_answer_never_arrives_and_large_bodies_are_refused() {
    let sandbox = super::Sandbox::bind().await.unwrap();
    let address = sandbox.address();
    let running = tokio::spawn(sandbox.run());
    let request = |method: &str, path: &str, body: &str| {
        format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let spoken = async |text: String| {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        // A connection that is cut may end in an error; what was read before counts.
        let _ = stream.read_to_string(&mut answer).await;
        answer
    };
    let fault = spoken(request("POST", "/sandbox/faults", r#"{"fault":"lose"}"#)).await;
    assert!(fault.starts_with("HTTP/1.1 200"), "{fault}");
    assert_eq!(spoken(request("PUT", "/v1/apps/a", "{}")).await, "");
    assert!(spoken(request("GET", "/v1/apps/a", "")).await.starts_with("HTTP/1.1 200"));
    let large = format!(r#"{{"x":"{}"}}"#, "y".repeat(70_000));
    assert!(spoken(request("PUT", "/v1/apps/b", &large)).await.starts_with("HTTP/1.1 413"));
    assert!(spoken(request("PUT", "/v1/apps/b", "[1]")).await.starts_with("HTTP/1.1 400"));
    running.abort();
}
