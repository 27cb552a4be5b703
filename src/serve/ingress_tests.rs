//! Tests of what others post, over a real socket.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::Client;
use serde_json::{Value, json};

use super::auth::AuthSettings;
use super::ingress::Ingress;
use super::server::{Server, Serving};
use crate::action::{Callbacks, Operator, about_callback};
use crate::clock::Clock;
use crate::daemon::{Health, SystemClock, Window};
use crate::store::{Sealer, SqliteStore, Store as _};

struct World {
    address: SocketAddr,
    store: Arc<SqliteStore>,
    sealer: Sealer,
    callbacks: Callbacks,
    client: Client,
    _folder: tempfile::TempDir,
}

/// Serves on a free port.
pub(super) async fn served(health: Health, ingress: Ingress) -> SocketAddr {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let serving = Serving {
        catalog: "tests".to_owned(),
        health,
        window: Window::default(),
        ingress,
        auth: AuthSettings::default(),
        overview: None,
        tls: None,
    };
    let server = Server::bind(any, serving).await.expect("bound");
    let address = server.address();
    tokio::spawn(server.run(std::future::pending()));
    address
}

async fn world() -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Arc::new(SqliteStore::in_memory("tests").await.expect("a store"));
    let sealer = Sealer::key_at(&folder.path().join("key")).expect("a key");
    let callbacks = Callbacks::new("http://trueline.example.com", sealer.derive("callbacks"));
    let operator = Operator { callbacks: Some(callbacks.clone()), ..Operator::default() };
    let mut ports = crate::action::testing::ports();
    ports.operator = Arc::new(operator);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ingress = Ingress { ports, store: store.clone(), sealer: sealer.clone(), clock };
    let address = served(Health::default(), ingress).await;
    let client = Client::builder().no_proxy().build().expect("a client");
    World { address, store, sealer, callbacks, client, _folder: folder }
}

impl World {
    fn token(&self, key: &str) -> String {
        self.callbacks.url(key).rsplit('/').next().expect("a token").to_owned()
    }

    async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
        let url = format!("http://{}/api/v1/{path}", self.address);
        let answer = self.client.post(url).body(body).send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a text");
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }
}

#[tokio::test]
async fn the_first_answer_to_a_callback_is_kept_sealed() {
    let world = world().await;
    let path = format!("callbacks/{}", world.token("step-1"));
    let (status, said) = world.post(&path, r#"{"outputs": {"password": "canary-77"}}"#).await;
    assert_eq!((status, &said["new"]), (202, &json!(true)), "{said}");
    let (status, said) = world.post(&path, r#"{"outputs": {"password": "another"}}"#).await;
    assert_eq!((status, &said["new"]), (202, &json!(false)), "{said}");
    let kept = world.store.arrived(&about_callback("step-1")).await.expect("read").expect("kept");
    assert!(!kept.to_string().contains("canary-77"), "{kept}");
    let opened = world.sealer.open(&kept).expect("opened");
    assert_eq!(opened, json!({"outputs": {"password": "canary-77"}}));
    assert_eq!(world.store.arrived(&about_callback("step-2")).await.expect("read"), None);
}

#[tokio::test]
async fn what_is_not_an_answer_is_refused_and_nothing_is_kept() {
    let world = world().await;
    let good = format!("callbacks/{}", world.token("step-1"));
    let forged = Callbacks::new("http://h", [0; 32]).url("step-1");
    let forged = format!("callbacks/{}", forged.rsplit('/').next().expect("a token"));
    let large = format!("{{\"message\": \"{}\"}}", "x".repeat(300 << 10));
    for (path, body, status, detail) in [
        (forged.as_str(), "{}", 404, "nobody waits at this address"),
        ("callbacks/x", "{}", 404, "nobody waits at this address"),
        (&good, "{", 400, "the answer is not JSON"),
        (&good, "\u{0}", 400, "the answer is not JSON"),
        (&good, "[]", 422, "an answer is a JSON object"),
        (&good, r#"{"output": {}}"#, 422, "and nothing else"),
        (&good, r#"{"status": "done"}"#, 422, "`status` is"),
        (&good, r#"{"status": 1}"#, 422, "`status` is"),
        (&good, r#"{"outputs": []}"#, 422, "`outputs` is an object"),
        (&good, r#"{"message": 7}"#, 422, "`message` is a text"),
        (&good, &large, 413, "at most 262144 bytes"),
        ("webhooks/nobody", "{}", 404, "nobody of that name"),
        ("webhooks/nobody/main", "{}", 404, "nobody of that name"),
    ] {
        let (got, said) = world.post(path, body.to_owned()).await;
        assert_eq!(got, status, "{path}: {said}");
        assert!(
            said["detail"].as_str().is_some_and(|said| said.contains(detail)),
            "{path}: {said}"
        );
        assert_eq!(said["status"], json!(status));
    }
    assert_eq!(world.store.arrivals_after(0).await.expect("read"), []);
}
