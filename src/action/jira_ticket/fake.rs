//! A JIRA for tests: keeps tickets, speaks what “The Jira Cloud platform REST API” (version 2) and “JIRA Server
//! platform REST API reference” document of what we use, and loses answers on command. The search of the Cloud shows what
//! was some searches ago (“Search and reconcile issues”).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
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

pub(crate) struct World {
    pub(crate) tickets: Vec<Value>,
    pub(crate) links: Vec<Value>,
    pub(crate) tricks: VecDeque<Trick>,
    pub(crate) authorization: Vec<String>,
    pub(crate) searched: Vec<String>,
    /// What the search of the Cloud shows.
    index: Vec<Value>,
    /// How many searches pass before it shows what is; for ever where there is no number.
    pub(crate) lag: Option<usize>,
    behind: usize,
    /// What was asked otherwise than it is documented.
    problems: Vec<String>,
    /// Nobody may comment or move a ticket just now.
    pub(crate) is_stiff: bool,
}

impl Default for World {
    fn default() -> Self {
        Self {
            tickets: Vec::new(),
            links: Vec::new(),
            tricks: VecDeque::new(),
            authorization: Vec::new(),
            searched: Vec::new(),
            index: Vec::new(),
            lag: Some(3),
            behind: 0,
            problems: Vec::new(),
            is_stiff: false,
        }
    }
}

impl World {
    /// Notes what a body has that is not documented, and what it lacks.
    fn documented(&mut self, page: &str, body: &Value, (must, may): (&[&str], &[&str])) {
        let Some(body) = body.as_object() else {
            self.problems.push(format!("{page}: the body is no mapping"));
            return;
        };
        let odd =
            body.keys().filter(|key| !must.contains(&key.as_str()) && !may.contains(&key.as_str()));
        self.problems.extend(odd.map(|key| format!("{page}: `{key}` is not documented")));
        let lacking = must.iter().filter(|key| !body.contains_key(**key));
        self.problems.extend(lacking.map(|key| format!("{page}: `{key}` is missing")));
    }

    /// Something changed, which the search does not show yet.
    fn changed(&mut self) {
        if self.behind == 0 {
            self.behind = self.lag.unwrap_or(usize::MAX);
        }
    }

    /// Returns what the search shows now.
    pub(crate) fn shown(&mut self, is_cloud: bool) -> &[Value] {
        if !is_cloud {
            return &self.tickets;
        }
        match self.behind.checked_sub(1) {
            Some(left) => self.behind = left,
            None => self.index.clone_from(&self.tickets),
        }
        &self.index
    }
}

pub(crate) struct FakeJira {
    pub(crate) address: SocketAddr,
    pub(crate) world: Arc<Mutex<World>>,
    /// Where whoever speaks with it may keep what it knows.
    pub(crate) state: tempfile::TempDir,
    task: JoinHandle<()>,
}

impl Drop for FakeJira {
    fn drop(&mut self) {
        self.task.abort();
        let Ok(world) = self.world.lock() else { return };
        if !std::thread::panicking() {
            assert!(world.problems.is_empty(), "not as documented: {:?}", world.problems);
        }
    }
}

type Shared = State<Arc<Mutex<World>>>;

impl FakeJira {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let world = Arc::new(Mutex::new(World::default()));
        let router = Router::new()
            // “Search for issues using JQL (POST)” of Server, “… using JQL enhanced search (POST)” of the Cloud.
            .route("/rest/api/2/search", post(search))
            .route("/rest/api/2/search/jql", post(search_of_cloud))
            // “Create issue”, “Get issue”, “Edit issue”.
            .route("/rest/api/2/issue", post(open))
            .route("/rest/api/2/issue/{key}", any(issue))
            // “Get comments”, “Add comment”.
            .route("/rest/api/2/issue/{key}/comment", any(comment))
            // “Get transitions”, “Transition issue”.
            .route("/rest/api/2/issue/{key}/transitions", any(transition))
            // “Create issue link”, “Get issue link types”, “Get fields”.
            .route("/rest/api/2/issueLink", post(link))
            .route("/rest/api/2/issueLinkType", get(link_types))
            .route("/rest/api/2/field", get(fields))
            .layer(axum::middleware::from_fn_with_state(world.clone(), admitted))
            .with_state(world.clone());
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self { address, world, state: tempfile::tempdir().unwrap(), task }
    }

    /// Moves a ticket as a person would.
    pub(crate) fn moved(&self, key: &str, status: &str, category: &str) {
        let mut world = self.world.lock().unwrap();
        let ticket = world.tickets.iter_mut().find(|ticket| ticket["key"] == key).unwrap();
        let status = json!({"name": status, "statusCategory": {"key": category}});
        if ticket["fields"]["status"] != status {
            ticket["fields"]["status"] = status;
            world.changed();
        }
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

    /// Counts the links that were asked for.
    pub(crate) fn links(&self) -> usize {
        self.world.lock().unwrap().links.len()
    }
}

/// Lets in who says who they are (“Basic auth for REST APIs”, “Personal access tokens”), and speaks JSON.
async fn admitted(State(world): Shared, request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    let header = |name: &str| headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let who = header("authorization");
    if !who.starts_with("Basic ") && !who.starts_with("Bearer ") {
        let errors = json!({"errorMessages": ["You are not authenticated."], "errors": {}});
        return (StatusCode::UNAUTHORIZED, Json(errors)).into_response();
    }
    let has_body = matches!(*request.method(), Method::POST | Method::PUT);
    let speaks = !has_body || header("content-type") == "application/json";
    if !speaks || header("accept") != "application/json" {
        let problem = format!("{} {}: not as JSON", request.method(), request.uri().path());
        world.lock().unwrap().problems.push(problem);
    }
    next.run(request).await
}

async fn search(State(world): Shared, headers: HeaderMap, Json(asked): Json<Value>) -> Json<Value> {
    Json(found(&mut world.lock().unwrap(), &headers, &asked, false))
}

async fn search_of_cloud(
    State(world): Shared,
    headers: HeaderMap,
    Json(asked): Json<Value>,
) -> Json<Value> {
    Json(found(&mut world.lock().unwrap(), &headers, &asked, true))
}

fn found(world: &mut World, headers: &HeaderMap, asked: &Value, is_cloud: bool) -> Value {
    let authorization = headers["authorization"].to_str().unwrap().to_owned();
    world.authorization.push(authorization);
    let more: &[&str] = if is_cloud {
        &[
            "nextPageToken",
            "maxResults",
            "fields",
            "expand",
            "properties",
            "fieldsByKeys",
            "failFast",
            "reconcileIssues",
        ]
    } else {
        &[
            "startAt",
            "maxResults",
            "fields",
            "expand",
            "properties",
            "fieldsByKeys",
            "validateQuery",
        ]
    };
    world.documented("search", asked, (&["jql"], more));
    let jql = asked["jql"].as_str().unwrap().to_owned();
    let label = jql.split("labels = \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let has = |ticket: &&Value| {
        ticket["fields"]["labels"].as_array().unwrap().iter().any(|other| other == label)
    };
    let found: Vec<Value> = world.shown(is_cloud).iter().rev().filter(has).cloned().collect();
    world.searched.push(jql);
    if is_cloud {
        return json!({"issues": found, "isLast": true});
    }
    let (count, most) = (found.len(), &asked["maxResults"]);
    json!({"expand": "names,schema", "startAt": 0, "maxResults": most, "total": count, "issues": found})
}

async fn open(State(world): Shared, Json(asked): Json<Value>) -> (StatusCode, Json<Value>) {
    let trick = {
        let mut world = world.lock().unwrap();
        let more = ["update", "transition", "historyMetadata", "properties"];
        world.documented("Create issue", &asked, (&["fields"], &more));
        world.tricks.pop_front()
    };
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
        world.changed();
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
    if method == Method::PUT {
        let asked = serde_json::from_slice(&body).unwrap();
        let may = ["fields", "update", "transition", "historyMetadata", "properties"];
        world.documented("Edit issue", &asked, (&[], &may));
    }
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
        world.changed();
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
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    if method == Method::POST {
        world.documented("Add comment", &asked, (&["body"], &["visibility", "properties"]));
    }
    let ticket = world.tickets.iter_mut().find(|ticket| ticket["key"] == key.as_str()).unwrap();
    let comments = ticket["fields"]["comment"].as_array_mut().unwrap();
    if method == Method::POST {
        comments.push(asked.clone());
        return (StatusCode::CREATED, Json(asked));
    }
    let count = comments.len();
    let page = json!({"comments": comments, "startAt": 0, "maxResults": 5000, "total": count});
    (StatusCode::OK, Json(page))
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
    let more = ["fields", "update", "historyMetadata", "properties"];
    world.documented("Transition issue", &asked, (&["transition"], &more));
    let ticket = world.tickets.iter_mut().find(|ticket| ticket["key"] == key.as_str()).unwrap();
    ticket["fields"]["status"] = done(name);
    world.changed();
    (StatusCode::NO_CONTENT, Json(Value::Null))
}

async fn link(State(world): Shared, Json(asked): Json<Value>) -> StatusCode {
    let mut world = world.lock().unwrap();
    let must = ["type", "inwardIssue", "outwardIssue"];
    world.documented("Create issue link", &asked, (&must, &["comment"]));
    world.links.push(asked);
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
