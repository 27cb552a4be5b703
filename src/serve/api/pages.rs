//! The OpenAPI document for people: a page without a script, and the reference in `docs/`. It says nothing of its own.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse as _, Response};
use serde_json::{Map, Value};

use super::router::openapi;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
code,pre{font-family:ui-monospace,monospace;font-size:.9em}table{border-collapse:collapse;width:100%}\
td,th{text-align:left;vertical-align:top;padding:.2rem .6rem .2rem 0;border-top:1px solid #8884}\
summary{cursor:pointer;padding:.3rem 0}.m{display:inline-block;min-width:4.5rem;font-weight:700}\
@media (prefers-color-scheme:dark){body{background:#111;color:#ddd}a{color:#8bf}}";

/// Answers with the page.
pub(super) fn docs() -> Response {
    static PAGE: LazyLock<String> = LazyLock::new(html);
    // Only the style that stands in the page, by its hash, and no script at all.
    static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
        let hash = <sha2::Sha256 as sha2::Digest>::digest(STYLE.as_bytes());
        let hash = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, hash);
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'; base-uri 'none'"
        );
        HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
    });
    let mut response = Html(PAGE.as_str()).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    response
}

/// One operation as it is shown.
struct Operation<'d> {
    method: String,
    path: &'d str,
    body: &'d Value,
}

/// Returns the operations of a tag, by path.
fn operations<'d>(document: &'d Value, tag: &str) -> Vec<Operation<'d>> {
    let paths = document.get("paths").and_then(Value::as_object);
    let all = paths.into_iter().flatten().flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, body)| Operation { method: method.to_uppercase(), path, body })
    });
    let of_tag = |operation: &Operation<'_>| {
        operation.body.pointer("/tags/0").and_then(Value::as_str) == Some(tag)
    };
    let mut found: Vec<_> = all.filter(of_tag).collect();
    found.sort_by(|one, other| (one.path, &one.method).cmp(&(other.path, &other.method)));
    found
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Says a schema in a word or two.
fn type_of(schema: &Value) -> String {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        return name.rsplit('/').next().unwrap_or_default().to_owned();
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        if let Some(all) = schema.get(key).and_then(Value::as_array) {
            let words: Vec<String> =
                all.iter().map(type_of).filter(|word| word != "null").collect();
            return words.join(" or ");
        }
    }
    let word = match schema.get("type") {
        Some(Value::Array(words)) => {
            words.iter().filter_map(Value::as_str).find(|word| *word != "null").unwrap_or("any")
        }
        Some(Value::String(word)) => word,
        _ => "any",
    };
    match (word, schema.get("items"), text(schema, "format")) {
        ("array", Some(items), _) => format!("list of {}", type_of(items)),
        (word, _, "") => word.to_owned(),
        (word, _, format) => format!("{word} ({format})"),
    }
}

/// Parameters that stand at every operation are told once.
const EVERYWHERE: [&str; 3] = ["X-Correlation-Id", "Idempotency-Key", "If-None-Match"];

/// Rows of parameters: name, where, what.
fn parameters(operation: &Value) -> Vec<[String; 3]> {
    let all = operation.get("parameters").and_then(Value::as_array);
    let told = all.into_iter().flatten().filter(|one| !EVERYWHERE.contains(&text(one, "name")));
    told.map(|one| ["name", "in", "description"].map(|key| text(one, key).to_owned())).collect()
}

fn body_of(operation: &Value) -> Option<String> {
    let schema = operation.pointer("/requestBody/content/application~1json/schema")?;
    Some(type_of(schema))
}

/// The answer that is meant: its status, what it is, and its type.
fn answer_of(operation: &Value) -> (String, String, String) {
    let answers = operation.get("responses").and_then(Value::as_object);
    let right = answers.into_iter().flatten().find(|(status, _)| status.starts_with('2'));
    let Some((status, answer)) = right else { return Default::default() };
    let content = answer.get("content").and_then(Value::as_object);
    let schema = content.and_then(|content| content.values().next());
    let schema = schema.and_then(|content| content.get("schema"));
    let kind = schema.map(type_of).unwrap_or_default();
    (status.clone(), text(answer, "description").to_owned(), kind)
}

/// Returns fields of a schema: name, type, what; those of schemas that it is put together of too.
fn fields(document: &Value, schema: &Value) -> Vec<[String; 3]> {
    let mut rows = Vec::new();
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        let named = part
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|name| document.pointer(name.strip_prefix('#')?));
        rows.extend(fields(document, named.unwrap_or(part)));
    }
    let none = Map::new();
    let own = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let required = schema.get("required").and_then(Value::as_array);
    let is_required =
        |name: &str| required.is_some_and(|all| all.iter().any(|one| one.as_str() == Some(name)));
    rows.extend(own.iter().map(|(name, field)| {
        let optional = if is_required(name) { "" } else { ", optional" };
        let kind = format!("{}{optional}", type_of(field));
        [name.clone(), kind, text(field, "description").to_owned()]
    }));
    rows
}

fn tags(document: &Value) -> impl Iterator<Item = (&str, &str)> {
    let tags = document.get("tags").and_then(Value::as_array).into_iter().flatten();
    tags.map(|tag| (text(tag, "name"), text(tag, "description")))
}

fn schemas(document: &Value) -> impl Iterator<Item = (&String, &Value)> {
    document.pointer("/components/schemas").and_then(Value::as_object).into_iter().flatten()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn html() -> String {
    let document = openapi();
    let info = document.get("info").cloned().unwrap_or_default();
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Trueline API</title><style>{STYLE}</style>\
         <h1>Trueline API</h1><p>{}</p><p><a href=\"/api/openapi.json\">openapi.json</a></p>",
        escaped(text(&info, "description"))
    );
    let table = |rows: Vec<[String; 3]>| {
        let row = |cells: [String; 3]| {
            let [name, kind, about] = cells.map(|cell| escaped(&cell));
            format!("<tr><td><code>{name}</code><td>{kind}<td>{about}")
        };
        format!("<table>{}</table>", rows.into_iter().map(row).collect::<String>())
    };
    for (tag, about) in tags(document) {
        // Writing to a String can't fail.
        let _ = write!(page, "<h2>{}</h2><p>{}</p>", escaped(tag), escaped(about));
        for operation in operations(document, tag) {
            let (status, what, kind) = answer_of(operation.body);
            let body = body_of(operation.body)
                .map(|body| format!("<p>Body: <a href=\"#{body}\">{body}</a></p>"));
            let _ = write!(
                page,
                "<details><summary><span class=\"m\">{}</span> <code>{}</code></summary><p>{} {}</p>{}{}<p>{status}: {} \
                 <a href=\"#{kind}\">{kind}</a></p></details>",
                operation.method,
                escaped(operation.path),
                escaped(text(operation.body, "summary")),
                escaped(text(operation.body, "description")),
                table(parameters(operation.body)),
                body.unwrap_or_default(),
                escaped(&what),
            );
        }
    }
    page += "<h2>Types</h2>";
    for (name, schema) in schemas(document) {
        let about = escaped(text(schema, "description"));
        let rows = table(fields(document, schema));
        let _ = write!(page, "<h3 id=\"{name}\">{name}</h3><p>{about}</p>{rows}");
    }
    page
}

/// Writes the reference of the API, `docs/reference/api.md`.
pub fn reference() -> String {
    let document = openapi();
    let info = document.get("info").cloned().unwrap_or_default();
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    let mut page = format!(
        "# The API\n\n<!-- Generated from the handlers: UPDATE_DOCS=1 cargo test --lib document -->\n\n{}\n\n\
         The document is served as `/api/openapi.json` (OpenAPI 3.1), and as a page at `/api/docs`. Who you are is said with \
         `Authorization: Bearer` and a key or an access token: [people and their rights](../guide/people.md).\n\n\
         Every `GET` takes `If-None-Match`, every `POST` takes `Idempotency-Key`, and all take `X-Correlation-Id` and `traceparent`.\n",
        text(&info, "description")
    );
    for (tag, about) in tags(document) {
        let _ = write!(page, "\n## {tag}\n\n{about}.\n\n| | | answers |\n|---|---|---|\n");
        for operation in operations(document, tag) {
            let (status, what, kind) = answer_of(operation.body);
            let names: Vec<String> = parameters(operation.body)
                .into_iter()
                .filter(|[_, place, _]| place == "query")
                .map(|[name, ..]| format!("`{name}`"))
                .collect();
            let asks =
                if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
            let body = body_of(operation.body).map(|body| format!(" Body: `{body}`."));
            let kind = if kind.is_empty() { kind } else { format!(", `{kind}`") };
            let _ = writeln!(
                page,
                "| `{} {}` | {}{asks}{} | {status}: {}{kind} |",
                operation.method,
                operation.path,
                cell(text(operation.body, "summary")),
                body.unwrap_or_default(),
                cell(&what),
            );
        }
    }
    page += "\n## Types\n";
    for (name, schema) in schemas(document) {
        let _ = write!(page, "\n### {name}\n\n{}\n", text(schema, "description"));
        let rows = fields(document, schema);
        if !rows.is_empty() {
            page += "\n| field | type | |\n|---|---|---|\n";
        }
        for [field, kind, about] in rows {
            let _ = writeln!(page, "| `{field}` | {kind} | {} |", cell(&about));
        }
    }
    page
}
