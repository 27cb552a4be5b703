//! The App of the fake GitHub, and what is posted to its hook («REST API endpoints for GitHub Apps», «… for GitHub App
//! webhooks», «Webhook events and payloads»). Deliveries are lost, repeated and reordered on command; nothing is posted
//! by itself.

use std::fmt::Write as _;
use std::net::SocketAddr;

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::FakeGitHub;
use super::serve::{Answer, Asked};
use super::shapes::user;
use super::state::State;

/// What was or is to be posted.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) id: u64,
    pub(crate) guid: String,
    pub(crate) event: String,
    pub(crate) payload: Value,
    pub(crate) at: Timestamp,
    /// What was answered to the last attempt; nothing where there was none yet.
    pub(crate) status: Option<u16>,
    pub(crate) is_again: bool,
}

/// The App as it is answered («integration»).
pub(super) fn app(base: &str) -> Value {
    json!({
        "id": super::APP, "slug": "trueline", "node_id": "A_1", "owner": user(base, "acme"),
        "name": "Trueline", "description": null, "external_url": "https://trueline.example",
        "html_url": format!("{base}/apps/trueline"), "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z", "permissions": {"contents": "write", "metadata": "read"},
        "events": ["push"],
    })
}

/// What the App asks as itself.
pub(super) fn of_app(state: &mut State, asked: &Asked, rest: &[&str]) -> Answer {
    match (asked.method.as_str(), rest) {
        ("GET", []) => Answer::json(200, &app(&state.base)),
        ("GET", ["hook", "deliveries"]) => {
            let failed =
                asked.query.iter().any(|(key, value)| key == "status" && value == "failure");
            let shown = state.deliveries.iter().rev().filter(|it| {
                it.status.is_some_and(|status| !failed || !(200..300).contains(&status))
            });
            after_cursor(&state.base, asked, shown.map(item).collect())
        }
        ("POST", ["hook", "deliveries", id, "attempts"]) => {
            let id: u64 = id.parse().unwrap_or(0);
            let next = state.next();
            let Some(sent) = state.deliveries.iter().find(|it| it.id == id).cloned() else {
                return Answer::missing();
            };
            // The same delivery again has the same GUID, and a number of its own.
            let again =
                Sent { id: next, status: None, is_again: true, at: Timestamp::now(), ..sent };
            state.deliveries.push(again);
            Answer::json(202, &json!({}))
        }
        _ => Answer::missing(),
    }
}

/// Serves a page of what comes after a cursor («Using pagination in the REST API»).
fn after_cursor(base: &str, asked: &Asked, items: Vec<Value>) -> Answer {
    let find = |key: &str| {
        let found = asked.query.iter().find(|(it, _)| it == key);
        found.and_then(|(_, value)| value.parse::<u64>().ok())
    };
    let (size, cursor) = (find("per_page").unwrap_or(30).min(100), find("cursor"));
    let before = |it: &Value| cursor.is_none_or(|cursor| it["id"].as_u64() < Some(cursor));
    let left: Vec<Value> = items.into_iter().filter(before).collect();
    let size = usize::try_from(size).unwrap();
    let shown = left.get(..size.min(left.len())).unwrap();
    let mut answer = Answer::json(200, &json!(shown));
    if left.len() > size {
        let path = &asked.path;
        let last = &shown[size - 1]["id"];
        let link = format!("<{base}{path}?per_page={size}&cursor={last}>; rel=\"next\"");
        answer.headers.push(("link", link));
    }
    answer
}

fn item(sent: &Sent) -> Value {
    let status = sent.status.unwrap_or(0);
    json!({
        "id": sent.id, "guid": sent.guid, "delivered_at": sent.at.to_string(), "redelivery": sent.is_again,
        "duration": 0.1, "status": if (200..300).contains(&status) { "OK" } else { "Failed" },
        "status_code": status, "event": sent.event, "action": sent.payload.get("action"),
        "installation_id": 42, "repository_id": sent.payload.pointer("/repository/id"),
    })
}

/// Hands out what a manifest became («Create a GitHub App from a manifest»); the code is good once, and is `c0de`.
pub(super) fn converted(base: &str, code: &str) -> Answer {
    if code != "c0de" {
        return Answer::refusal(StatusCode::NOT_FOUND, "Not Found");
    }
    let mut made = app(base);
    for (name, value) in [
        ("client_id", "Iv1.0"),
        ("client_secret", "client-s3cret"),
        ("webhook_secret", "hook-s3cret"),
        ("pem", super::APP_KEY),
    ] {
        made[name] = json!(value);
    }
    Answer::json(201, &made)
}

impl State {
    /// Remembers an event that is to be posted.
    pub(super) fn tell(&mut self, name: &str, event: &str, mut payload: Value) {
        let id = self.next();
        payload["repository"] = self.repository(name);
        payload["installation"] = json!({"id": 42, "node_id": "MDIz"});
        payload["sender"] = user(&self.base, "ann");
        let (guid, event) = (format!("guid-{id}"), event.to_owned());
        self.deliveries.push(Sent {
            id,
            guid,
            event,
            payload,
            at: Timestamp::now(),
            status: None,
            is_again: false,
        });
    }

    pub(super) fn tell_pull(&mut self, name: &str, number: u64, action: &str) {
        let pull = self.pull(name, number);
        self.tell(
            name,
            "pull_request",
            json!({"action": action, "number": number, "pull_request": pull}),
        );
    }

    pub(super) fn tell_review(&mut self, name: &str, number: u64, action: &str) {
        let (pull, reviews) = (self.small_pull(name, number), self.list_reviews(name, number));
        let review = reviews.and_then(|reviews| reviews.last().cloned());
        let payload = json!({"action": action, "pull_request": pull, "review": review});
        self.tell(name, "pull_request_review", payload);
    }

    pub(super) fn tell_comment(&mut self, name: &str, number: u64, id: u64) {
        let comment = self.comment(name, id);
        let issue = json!({"number": number, "pull_request": {"url": "https://x"}});
        self.tell(
            name,
            "issue_comment",
            json!({"action": "created", "issue": issue, "comment": comment}),
        );
    }
}

impl FakeGitHub {
    /// Takes all that is to be posted; whoever takes it decides in which order, how often and whether it is posted.
    pub(crate) fn undelivered(&self) -> Vec<Sent> {
        self.state().deliveries.iter().filter(|it| it.status.is_none()).cloned().collect()
    }

    /// Has something happen that is told, and changes nothing.
    pub(crate) fn happen(&self, name: &str, event: &str) {
        self.state().tell(name, event, json!({}));
    }

    /// Says that an attempt failed, as where the receiver is down.
    pub(crate) fn lose(&self, sent: &Sent) {
        self.answered(sent, 502);
    }

    /// Says that one was taken, as where nobody need look at it.
    pub(crate) fn take(&self, sent: &Sent) {
        self.answered(sent, 202);
    }

    fn answered(&self, sent: &Sent, status: u16) {
        let mut state = self.state();
        if let Some(known) = state.deliveries.iter_mut().find(|it| it.id == sent.id) {
            known.status = Some(status);
        }
    }

    /// Posts a delivery, signed, to `/api/v1/webhooks/github` of a receiver, and returns the status of the answer.
    pub(crate) async fn deliver(&self, to: SocketAddr, secret: &str, sent: &Sent) -> u16 {
        let (headers, body) = Self::webhook(secret, &sent.event, &sent.payload);
        let mut head =
            format!("POST /api/v1/webhooks/github HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\n");
        for (name, value) in headers {
            let value = if name == "x-github-delivery" { sent.guid.clone() } else { value };
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        write!(head, "content-length: {}\r\n\r\n", body.len()).unwrap();
        let mut stream = tokio::net::TcpStream::connect(to).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let status = String::from_utf8_lossy(&answer).split(' ').nth(1).unwrap().parse().unwrap();
        self.answered(sent, status);
        status
    }
}
