//! A JIRA for tests: keeps tickets, speaks what “The Jira Cloud platform REST API” (version 2) and “JIRA Server
//! platform REST API reference” document of what we use, and loses answers on command.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// What happens to the next ticket that is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trick {
    /// It is refused before anything is done.
    Before(u16),
    /// It is opened, and the answer says that something broke.
    After(u16),
    /// It is opened, and the answer never comes.
    Never,
}

#[derive(Default)]
pub(crate) struct World {
    pub(crate) tickets: Vec<Value>,
    pub(crate) links: Vec<Value>,
    pub(crate) tricks: VecDeque<Trick>,
    pub(crate) authorization: Vec<String>,
    pub(crate) searched: Vec<String>,
    /// Nobody may comment or move a ticket just now.
    pub(crate) is_stiff: bool,
}

pub(crate) struct FakeJira {
    pub(crate) address: SocketAddr,
    pub(crate) world: Arc<Mutex<World>>,
    task: JoinHandle<()>,
}

impl Drop for FakeJira {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Shared = State<Arc<Mutex<World>>>;

impl FakeJira {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let world = Arc::new(Mutex::new(World::default()));
        let router = Router::new()
            .route("/rest/api/2/search", post(search))
            .route("/rest/api/2/search/jql", post(search))
            .route("/rest/api/2/issue", post(open))
            .route("/rest/api/2/issue/{key}", any(issue))
            .route("/rest/api/2/issue/{key}/comment", any(comment))
            .route("/rest/api/2/issue/{key}/transitions", any(transition))
            .route("/rest/api/2/issueLink", post(link))
            .route("/rest/api/2/issueLinkType", get(link_types))
            .route("/rest/api/2/field", get(fields))
            .with_state(world.clone());
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self { address, world, task }
    }

    /// Moves a ticket as a person would.
    pub(crate) fn moved(&self, key: &str, status: &str, category: &str) {
        let mut world = self.world.lock().unwrap();
        let ticket = world.tickets.iter_mut().find(|ticket| ticket["key"] == key).unwrap();
        ticket["fields"]["status"] = json!({"name": status, "statusCategory": {"key": category}});
    }

    /// Says something on a ticket.
    pub(crate) fn commented(&self, key: &str, text: &str) {
        let mut world = self.world.lock().unwrap();
        let ticket = world.tickets.iter_mut().find(|ticket| ticket["key"] == key).unwrap();
        ticket["fields"]["comment"].as_array_mut().unwrap().push(json!({"body": text}));
    }

    /// Tells how each ticket stands: its key, its status, and how often it was commented.
    pub(crate) fn told(&self) -> Vec<String> {
        let world = self.world.lock().unwrap();
        let told = |ticket: &Value| {
            let (key, fields) = (ticket["key"].as_str().unwrap(), &ticket["fields"]);
            let comments = fields["comment"].as_array().unwrap().len();
            format!("{key} {} {comments}", fields["status"]["name"].as_str().unwrap())
        };
        world.tickets.iter().map(told).collect()
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        let world = self.world.lock().unwrap();
        world.tickets.iter().map(|ticket| ticket["key"].as_str().unwrap().to_owned()).collect()
    }
}

impl FakeJira {
    /// Counts the links that were asked for.
    pub(crate) fn links(&self) -> usize {
        self.world.lock().unwrap().links.len()
    }
}

async fn search(State(world): Shared, headers: HeaderMap, Json(asked): Json<Value>) -> Json<Value> {
    let mut world = world.lock().unwrap();
    let authorization = headers["authorization"].to_str().unwrap().to_owned();
    world.authorization.push(authorization);
    let jql = asked["jql"].as_str().unwrap().to_owned();
    let label = jql.split("labels = \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let has = |ticket: &&Value| {
        ticket["fields"]["labels"].as_array().unwrap().iter().any(|other| other == label)
    };
    let found: Vec<Value> = world.tickets.iter().rev().filter(has).cloned().collect();
    world.searched.push(jql);
    Json(json!({"issues": found, "isLast": true}))
}

async fn open(State(world): Shared, Json(asked): Json<Value>) -> (StatusCode, Json<Value>) {
    let trick = world.lock().unwrap().tricks.pop_front();
    if let Some(Trick::Before(status)) = trick {
        return (StatusCode::from_u16(status).unwrap(), Json(json!({})));
    }
    let mut fields = asked["fields"].clone();
    if fields["summary"].as_str().is_none_or(str::is_empty) {
        let errors = json!({"summary": "You must specify a summary of the issue."});
        return (StatusCode::BAD_REQUEST, Json(json!({"errorMessages": [], "errors": errors})));
    }
    if fields["project"]["key"] != "OPS" {
        let errors = json!({"project": "valid project is required"});
        return (StatusCode::BAD_REQUEST, Json(json!({"errorMessages": [], "errors": errors})));
    }
    let answer = {
        let mut world = world.lock().unwrap();
        let key = format!("OPS-{}", world.tickets.len() + 1);
        fields["status"] = json!({"name": "To Do", "statusCategory": {"key": "new"}});
        fields["comment"] = json!([]);
        world.tickets.push(json!({"key": key, "fields": fields}));
        json!({"id": "10000", "key": key, "self": "http://jira/10000"})
    };
    match trick {
        Some(Trick::After(status)) => (StatusCode::from_u16(status).unwrap(), Json(json!({}))),
        Some(Trick::Never) => std::future::pending().await,
        _ => (StatusCode::CREATED, Json(answer)),
    }
}

async fn issue(
    State(world): Shared,
    Path(key): Path<String>,
    method: Method,
    body: Bytes,
) -> (StatusCode, Json<Value>) {
    let mut world = world.lock().unwrap();
    let links = world.links.clone();
    let Some(ticket) = world.tickets.iter_mut().find(|ticket| ticket["key"] == key.as_str()) else {
        let errors = json!({"errorMessages": ["Issue does not exist or you do not have permission to see it."]});
        return (StatusCode::NOT_FOUND, Json(errors));
    };
    if method == Method::PUT {
        let asked: Value = serde_json::from_slice(&body).unwrap();
        for (name, value) in asked["fields"].as_object().unwrap() {
            ticket["fields"][name] = value.clone();
        }
        for change in asked["update"]["labels"].as_array().unwrap() {
            ticket["fields"]["labels"].as_array_mut().unwrap().push(change["add"].clone());
        }
        return (StatusCode::NO_CONTENT, Json(Value::Null));
    }
    let ends = |link: &Value| {
        let (inward, outward) = (&link["inwardIssue"]["key"], &link["outwardIssue"]["key"]);
        if *inward == key.as_str() {
            return Some(json!({"type": link["type"], "outwardIssue": {"key": outward}}));
        }
        (*outward == key.as_str())
            .then(|| json!({"type": link["type"], "inwardIssue": {"key": inward}}))
    };
    let mut shown = ticket.clone();
    shown["fields"]["issuelinks"] = links.iter().filter_map(ends).collect();
    (StatusCode::OK, Json(shown))
}

async fn comment(
    State(world): Shared,
    Path(key): Path<String>,
    method: Method,
    body: Bytes,
) -> (StatusCode, Json<Value>) {
    let mut world = world.lock().unwrap();
    if world.is_stiff {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({})));
    }
    let ticket = world.tickets.iter_mut().find(|ticket| ticket["key"] == key.as_str()).unwrap();
    if method == Method::POST {
        let asked: Value = serde_json::from_slice(&body).unwrap();
        ticket["fields"]["comment"].as_array_mut().unwrap().push(asked);
    }
    (StatusCode::OK, Json(json!({"comments": ticket["fields"]["comment"]})))
}

async fn transition(
    State(world): Shared,
    Path(key): Path<String>,
    method: Method,
    body: Bytes,
) -> (StatusCode, Json<Value>) {
    let done = |name: &str| json!({"name": name, "statusCategory": {"key": "done"}});
    if method == Method::GET {
        let ways = json!([{"id": "31", "to": done("Done")}, {"id": "41", "to": done("Won't Do")}]);
        return (StatusCode::OK, Json(json!({"transitions": ways})));
    }
    let asked: Value = serde_json::from_slice(&body).unwrap();
    let name = if asked["transition"]["id"] == "41" { "Won't Do" } else { "Done" };
    let mut world = world.lock().unwrap();
    let ticket = world.tickets.iter_mut().find(|ticket| ticket["key"] == key.as_str()).unwrap();
    ticket["fields"]["status"] = done(name);
    (StatusCode::NO_CONTENT, Json(Value::Null))
}

async fn link(State(world): Shared, Json(asked): Json<Value>) -> StatusCode {
    world.lock().unwrap().links.push(asked);
    StatusCode::CREATED
}

async fn link_types() -> Json<Value> {
    Json(json!({"issueLinkTypes": [
        {"id": "1", "name": "Blocks", "inward": "is blocked by", "outward": "blocks"},
        {"id": "2", "name": "Relates", "inward": "relates to", "outward": "relates to"},
    ]}))
}

async fn fields() -> Json<Value> {
    Json(json!([
        {"id": "summary", "schema": {"type": "string", "system": "summary"}},
        {"id": "customfield_10101", "schema": {"custom": "com.pyxis.greenhopper.jira:gh-epic-link"}},
    ]))
}
