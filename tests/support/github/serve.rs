//! The routes of the fake GitHub: who may ask («Authenticating to the REST API»), how much («Rate limits for the REST
//! API»), what did not change («Best practices: conditional requests»), page by page («Using pagination»).

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::State as Shared;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::contract::contract;
use super::git;
use super::state::{State, Trick};

/// An answer before it is sent.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Answer {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json; charset=utf-8".to_owned())];
        Self { status, body: body.to_string().into_bytes(), headers }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self { status, body: Vec::new(), headers: Vec::new() }
    }

    pub(super) fn refusal(status: StatusCode, message: &str) -> Self {
        let body = json!({"message": message, "documentation_url": "https://docs.github.com/rest"});
        Self::json(status.as_u16(), &body)
    }

    pub(super) fn missing() -> Self {
        Self::refusal(StatusCode::NOT_FOUND, "Not Found")
    }
}

/// A request as it came.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) path: String,
    /// The same before it was decoded: a slash in a name is no end of it.
    raw: String,
    pub(super) query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
}

impl Asked {
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

pub(super) async fn serve(
    Shared(state): Shared<Arc<Mutex<State>>>,
    request: Request<Body>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 64 << 20).await.unwrap();
    let text = parts.uri.query().unwrap_or_default().to_owned();
    let query = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    let path = percent_encoding::percent_decode_str(parts.uri.path()).decode_utf8().unwrap();
    let (path, raw) = (path.into_owned(), parts.uri.path().to_owned());
    let asked = Asked { method: parts.method, path, raw, query, headers: parts.headers, body };
    if state.lock().unwrap().down {
        let body = b"<html>unicorn</html>".to_vec();
        return sent(Answer { status: 503, body, headers: Vec::new() });
    }
    if let Some(api) = asked.path.strip_prefix("/api/v3") {
        let api = api.to_owned();
        return rest(&state, &asked, &api);
    }
    if asked.path.starts_with("/login/oauth/") {
        return sent(super::oauth::route(&mut state.lock().unwrap(), &asked));
    }
    if asked.path == "/api/graphql" {
        return sent(graphql(&state, &asked));
    }
    if let Some(id) = asked.path.strip_prefix("/blobs/") {
        return sent(blob(&state, &asked, id.parse().unwrap()));
    }
    let root = {
        let state = state.lock().unwrap();
        let name = asked.path.trim_start_matches('/').split(".git/").next().unwrap_or_default();
        if !git_may(&state, asked.header("authorization"), name) {
            let mut answer = Answer::empty(401);
            answer.headers.push(("www-authenticate", "Basic realm=\"GitHub\"".to_owned()));
            return sent(answer);
        }
        state.root.path().to_owned()
    };
    let name = asked.path.trim_start_matches('/').split(".git/").next().unwrap_or_default();
    let before = git::branches(&root.join(format!("{name}.git")));
    let answer = git::backend(
        &root,
        (&asked.method, &asked.path, &text),
        &asked.headers,
        asked.body.clone(),
    )
    .await;
    if asked.path.ends_with("/git-receive-pack") {
        let mut state = state.lock().unwrap();
        let by = git_token(asked.header("authorization")).unwrap_or_default();
        let by = state.tokens.get(&by).map(|token| token.login.clone()).unwrap_or_default();
        state.received(name, &by, &before);
    }
    answer
}

fn git_may(state: &State, authorization: &str, name: &str) -> bool {
    git_token(authorization).is_some_and(|token| may(state, &token, name))
}

fn git_token(authorization: &str) -> Option<String> {
    use base64::Engine as _;
    let encoded = authorization.strip_prefix("Basic ").unwrap_or_default();
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap_or_default();
    let text = String::from_utf8_lossy(&decoded).into_owned();
    text.strip_prefix("x-access-token:").map(str::to_owned)
}

fn may(state: &State, token: &str, repository: &str) -> bool {
    state.tokens.get(token).is_some_and(|token| {
        token.expires_at.is_none_or(|at| at > Timestamp::now())
            && token.repository.as_ref().is_none_or(|only| only == repository)
    })
}

fn rest(shared: &Mutex<State>, asked: &Asked, path: &str) -> Response<Body> {
    let mut state = shared.lock().unwrap();
    let method = asked.method.as_str();
    let line = format!("{method} {path}");
    state.seen.push(line.clone());
    if let Some(contract) = contract() {
        let raw = asked.raw.trim_start_matches("/api/v3");
        let found = contract.request((method, raw), &asked.query, &asked.body);
        state.problems.extend(found);
    }
    state.problems.extend(headers(asked).map(|wrong| format!("{line}: {wrong}")));
    let trick = state.trick(method, path);
    match &trick {
        Some(Trick::CutBefore) => return cut(),
        Some(Trick::Answer(status, headers, body)) => {
            let (status, headers) = (*status, headers.clone());
            return sent(Answer { status, headers, body: body.clone().into_bytes() });
        }
        _ => {}
    }
    let mut answer = limited(&mut state, asked).unwrap_or_else(|| {
        let answer = route(&mut state, asked, path);
        if method != "GET" && answer.status < 300 {
            state.ledger.push(line);
        }
        answer
    });
    if let Some(contract) = contract() {
        let raw = asked.raw.trim_start_matches("/api/v3");
        let found = contract.answer((method, raw), answer.status, &answer.body);
        state.problems.extend(found);
    }
    conditional(&mut state, asked, &mut answer);
    match trick {
        Some(Trick::CutAfter) => cut(),
        Some(Trick::FailAfter(status)) => sent(Answer {
            status,
            body: b"<html>upstream broke</html>".to_vec(),
            headers: Vec::new(),
        }),
        _ => sent(answer),
    }
}

/// Says what is wrong with the headers of a request («Getting started with the REST API», «API versions»).
fn headers(asked: &Asked) -> impl Iterator<Item = &'static str> {
    let typed = asked.body.is_empty() || asked.header("content-type") == "application/json";
    let wrong = [
        (asked.header("user-agent").is_empty(), "there is no user agent"),
        (asked.header("accept") != "application/vnd.github+json", "it accepts something else"),
        (asked.header("x-github-api-version") != "2022-11-28", "it names no version"),
        (!typed, "its body is not said to be JSON"),
    ];
    wrong.into_iter().filter_map(|(is_wrong, what)| is_wrong.then_some(what))
}

/// Counts a request; refuses it where the limit is used up.
fn limited(state: &mut State, asked: &Asked) -> Option<Answer> {
    let rate = state.rate.as_mut()?;
    if rate.remaining == 0 && rate.reset > Timestamp::now() {
        let mut answer = Answer::refusal(StatusCode::FORBIDDEN, "API rate limit exceeded");
        answer.headers.push(("x-ratelimit-remaining", "0".to_owned()));
        answer.headers.push(("x-ratelimit-reset", rate.reset.as_second().to_string()));
        return Some(answer);
    }
    if asked.header("if-none-match").is_empty() {
        rate.remaining = rate.remaining.saturating_sub(1);
    }
    None
}

fn conditional(state: &mut State, asked: &Asked, answer: &mut Answer) {
    if asked.method == Method::GET && answer.status == 200 {
        let mut hasher = DefaultHasher::new();
        answer.body.hash(&mut hasher);
        let etag = format!("W/\"{:x}\"", hasher.finish());
        if asked.header("if-none-match") == etag {
            *answer = Answer::empty(304);
        }
        answer.headers.push(("etag", etag));
    }
    if let Some(rate) = state.rate {
        answer.headers.push(("x-ratelimit-limit", rate.limit.to_string()));
        answer.headers.push(("x-ratelimit-remaining", rate.remaining.to_string()));
        answer.headers.push(("x-ratelimit-reset", rate.reset.as_second().to_string()));
    }
}

fn route(state: &mut State, asked: &Asked, path: &str) -> Answer {
    let bearer = asked.header("authorization").trim_start_matches("Bearer ").to_owned();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or_else(|_| json!({}));
    let method = asked.method.as_str();
    match parts.as_slice() {
        ["app", "installations", _, "access_tokens"] => {
            return super::apps::mint(state, &bearer, &body);
        }
        ["repos", _, _, "installation"] => return super::apps::installation(state, &bearer),
        ["app", rest @ ..] => {
            return match super::apps::is_app(&bearer) {
                true => super::hooks::of_app(state, asked, rest),
                false => Answer::refusal(
                    StatusCode::UNAUTHORIZED,
                    "A JSON web token could not be decoded",
                ),
            };
        }
        ["app-manifests", code, "conversions"] => {
            return super::hooks::converted(&state.base, code);
        }
        _ => {}
    }
    let Some(actor) = state.tokens.get(&bearer).cloned() else {
        return Answer::refusal(StatusCode::UNAUTHORIZED, "Bad credentials");
    };
    match parts.as_slice() {
        ["user"] => return super::people::whoami(&state.base, &actor),
        ["user", "teams"] => return super::oauth::teams(state, asked, &actor),
        ["user", "memberships", "orgs", organization] => {
            return super::oauth::membership(state, &actor, organization);
        }
        ["rate_limit"] => return super::people::rate_limit(state),
        ["orgs", owner, "teams", slug, "members"] => {
            let members = super::people::members(state, &format!("{owner}/{slug}"));
            return members.map_or_else(Answer::missing, |members| {
                paged(&state.base, asked, (members, None))
            });
        }
        _ => {}
    }
    let ["repos", owner, short, rest @ ..] = parts.as_slice() else { return Answer::missing() };
    let name = format!("{owner}/{short}");
    if !state.repositories.contains_key(&name) || !may(state, &bearer, &name) {
        return Answer::missing();
    }
    let number = |text: &str| text.parse::<u64>().unwrap_or(0);
    let page = |items, key| paged(&state.base, asked, (items, key));
    match (method, rest) {
        ("GET", []) => Answer::json(200, &state.repository(&name)),
        ("GET", ["pulls"]) => page(state.list_pulls(&name, &asked.query), None),
        ("GET", ["pulls", id]) => {
            let pull = state.pull(&name, number(id));
            pull.map_or_else(Answer::missing, |pull| Answer::json(200, &pull))
        }
        ("GET", ["actions", "workflows", workflow, "runs"]) => {
            page(state.list_runs((&name, workflow), &asked.query), Some("workflow_runs"))
        }
        ("GET", ["actions", "runs", id]) => {
            let run = state.run(number(id));
            run.map_or_else(Answer::missing, |run| Answer::json(200, &run))
        }
        ("GET", ["actions", "runs", id, "artifacts"]) => {
            page(state.list_artifacts(number(id), &asked.query), Some("artifacts"))
        }
        ("GET", ["actions", "artifacts", id, "zip"]) => {
            let mut answer = Answer::empty(302);
            answer.headers.push(("location", format!("{}/blobs/{id}", state.base)));
            answer
        }
        ("POST", ["pulls"]) => state.open_pull(&name, &actor.login, &body),
        ("PATCH", ["pulls", id]) => state.change_pull(&name, number(id), &body),
        ("PUT", ["pulls", id, "merge"]) => state.merge_asked(&name, number(id), &body),
        ("POST", ["pulls", id, "requested_reviewers"]) => {
            state.request_reviews(&name, number(id), &body)
        }
        ("POST", ["issues", id, "labels"]) => state.add_labels(&name, number(id), &body),
        ("POST", ["actions", "workflows", workflow, "dispatches"]) => {
            state.dispatch((&name, workflow), &body)
        }
        ("POST", ["actions", "runs", id, "cancel"]) => state.cancel_run(number(id)),
        _ => super::routes::route(state, (&name, &actor), asked, (rest, &body)),
    }
}

/// Serves one page of a list, and says where the next is.
pub(super) fn paged(base: &str, asked: &Asked, (items, key): (Vec<Value>, Option<&str>)) -> Answer {
    let find = |key: &str| {
        let found = asked.query.iter().find(|(it, _)| it == key);
        found.and_then(|(_, value)| value.parse::<usize>().ok())
    };
    let (size, page) = (find("per_page").unwrap_or(30).min(100), find("page").unwrap_or(1));
    let total = items.len();
    let shown: Vec<Value> = items.into_iter().skip(size * (page - 1)).take(size).collect();
    let body = match key {
        Some(key) => json!({"total_count": total, key: shown}),
        None => json!(shown),
    };
    let mut answer = Answer::json(200, &body);
    if size * page < total {
        let others = asked.query.iter().filter(|(key, _)| key != "page");
        let mut next = url::form_urlencoded::Serializer::new(String::new());
        next.extend_pairs(others).append_pair("page", &(page + 1).to_string());
        let link = format!("<{base}{}?{}>; rel=\"next\"", asked.path, next.finish());
        answer.headers.push(("link", link));
    }
    answer
}

fn graphql(shared: &Mutex<State>, asked: &Asked) -> Answer {
    let mut state = shared.lock().unwrap();
    state.seen.push("POST /graphql".to_owned());
    let bearer = asked.header("authorization").trim_start_matches("Bearer ");
    if !state.tokens.contains_key(bearer) {
        return Answer::refusal(StatusCode::UNAUTHORIZED, "Bad credentials");
    }
    let body = serde_json::from_slice(&asked.body).unwrap();
    state.graphql(&body)
}

/// What lies elsewhere: no credential may come along.
fn blob(shared: &Mutex<State>, asked: &Asked, id: u64) -> Answer {
    let mut state = shared.lock().unwrap();
    if !asked.header("authorization").is_empty() {
        state.problems.push("a credential was sent to another host".to_owned());
    }
    let body = state.artifacts.get(&id).cloned();
    body.map_or_else(Answer::missing, |body| Answer { status: 200, body, headers: Vec::new() })
}

fn sent(answer: Answer) -> Response<Body> {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).unwrap()
}

/// Hangs up in the middle of an answer.
fn cut() -> Response<Body> {
    Response::builder().status(200).header("content-length", "99").body(Body::new(Cut)).unwrap()
}

struct Cut;

impl HttpBody for Cut {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into())))
    }
}
