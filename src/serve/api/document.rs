//! The OpenAPI document: what the handlers say of themselves, with what holds for all of them. It answers nothing.

use serde_json::{Value, json};

/// What is said of the API as a whole.
const ABOUT: &str = "Everything that can be done here is recorded as a decision, or becomes a reviewed change of the catalog; \
whoever drives acts on it within a second. Refusals are problems (RFC 9457) with a stable `type`. Lists come by the page: \
`limit`, `cursor`, and `next` in the answer. Every answer carries `X-Correlation-Id`.";

/// Statuses that every operation may answer with.
const ALL: [(&str, &str); 6] = [
    ("400", "The request can't be read: a parameter, a header or the body"),
    ("401", "Nobody knows who asks"),
    ("403", "Whoever asks may not"),
    ("404", "There is no such thing that whoever asks can see"),
    ("429", "Too many requests; `Retry-After` says when to ask again"),
    ("503", "It can't be answered now; `Retry-After` says when to ask again"),
];

/// Statuses that operations with a body may answer with besides.
const WITH_BODY: [(&str, &str); 5] = [
    ("408", "The body came too slowly"),
    ("409", "It makes no sense as things stand, or the first request with this key is underway"),
    ("412", "It is no longer as whoever asks saw it"),
    ("413", "The body is too large"),
    ("422", "The body can be read and does not fit; `errors` say where"),
];

/// Operations that nobody needs to be known for.
const OPEN: [&str; 4] = ["setUp", "beginSession", "createTokens", "refreshTokens"];

/// Puts what holds for all operations into what the handlers say of themselves.
pub(in crate::serve) fn completed(document: Value) -> Value {
    // What is a wire form here is the thing itself to who reads it.
    let named = document.to_string().replace("Wire\"", "\"");
    let mut document = serde_json::from_str(&named).unwrap_or(document);
    if let Some(info) = document.get_mut("info") {
        *info = json!({
            "title": "Trueline", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT,
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        });
    }
    set(&mut document, "security", json!([{"key": []}, {"session": []}]));
    set(&mut document, "servers", json!([{"url": "/"}]));
    set(
        &mut document,
        "tags",
        json!(TAGS.map(|(name, about)| { json!({"name": name, "description": about}) })),
    );
    let schemes = json!({
        "key": {"type": "http", "scheme": "bearer", "description": "A key of the API, or an access token"},
        "session": {"type": "apiKey", "in": "cookie", "name": "trueline",
            "description": "A session of a browser; everything but reads needs `X-CSRF-Token` too"},
    });
    if let Some(components) = document.get_mut("components") {
        set(components, "securitySchemes", schemes);
    }
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (_, path) in paths.into_iter().flatten() {
        for (method, operation) in path.as_object_mut().into_iter().flatten() {
            complete(method, operation);
        }
    }
    document
}

const TAGS: [(&str, &str); 14] = [
    ("catalog", "What is offered: items, bundles, their forms"),
    ("services", "What teams have, and how it stands"),
    ("requests", "Asks for services and changes of them, which become proposals, and follows them"),
    (
        "proposals",
        "What Trueline filed, and what people opened: pull requests, and proposals on the forge of this machine",
    ),
    ("plans", "What would be done, and what people say of it"),
    ("runs", "What is being done, step by step"),
    ("approvals", "What runs ask people to approve"),
    ("tasks", "What people have to do"),
    ("audit", "What happened, in a chain that shows every edit"),
    ("insights", "What happened of late, and how well it went"),
    ("operating", "What keeps a catalog running: catalogs, breakers, schedules"),
    ("tools", "Tries documents out; nothing is kept"),
    ("auth", "Who you are, what you may, sessions, tokens and keys"),
    ("users", "Who may do what"),
];

fn set(value: &mut Value, key: &str, to: Value) {
    if let Some(map) = value.as_object_mut() {
        map.insert(key.to_owned(), to);
    }
}

fn complete(method: &str, operation: &mut Value) {
    let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default().to_owned();
    if OPEN.contains(&id.as_str()) {
        set(operation, "security", json!([]));
    }
    let is_list = id.starts_with("list")
        && operation
            .pointer("/responses/200/content/application~1json/schema/$ref")
            .is_some_and(|name| name.as_str().is_some_and(|name| name.contains("/Page_")))
        || matches!(id.as_str(), "getRunJournal" | "getRequestLogs" | "listProposals");
    let mut more = Vec::new();
    if is_list {
        more.push(json!({"name": "limit", "in": "query", "description": "Length of the page",
            "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}}));
        more.push(json!({"name": "cursor", "in": "query",
            "description": "`next` of the page before", "schema": {"type": "string"}}));
    }
    if method == "get" {
        more.push(json!({"name": "If-None-Match", "in": "header",
            "description": "Tag of what you have; 304 where it is still the same", "schema": {"type": "string"}}));
    }
    if method == "post" {
        more.push(json!({"name": "Idempotency-Key", "in": "header",
            "description": "Sent again with the same key within a day, it takes effect once and is answered as it was",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255}}));
    }
    more.push(json!({"name": "X-Correlation-Id", "in": "header",
        "description": "Ties together all that is told of the request; made where absent",
        "schema": {"type": "string", "maxLength": 128}}));
    match operation.get_mut("parameters").and_then(Value::as_array_mut) {
        Some(parameters) => parameters.extend(more),
        None => set(operation, "parameters", Value::Array(more)),
    }
    let bodied: &[_] = if method == "get" { &[] } else { &WITH_BODY };
    let media = [("415", "The body is not `application/json`")];
    let media: &[_] = if operation.get("requestBody").is_some() { &media } else { &[] };
    let same = [("304", "It is still the same")];
    let same: &[_] = if method == "get" { &same } else { &[] };
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else {
        return;
    };
    for (status, about) in ALL.iter().chain(bodied).chain(media) {
        let content = json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}});
        let answer = json!({"description": about, "content": content});
        responses.entry((*status).to_owned()).or_insert(answer);
    }
    for (status, about) in same {
        responses.entry((*status).to_owned()).or_insert(json!({"description": about}));
    }
}
