//! GitHub's own OpenAPI description (npm `@octokit/openapi`), and what is asked and answered held against it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

pub(super) struct Contract {
    document: Value,
    compiled: Mutex<BTreeMap<String, Arc<Validator>>>,
}

/// Returns the description; nothing where none is named, which is said once.
pub(super) fn contract() -> Option<&'static Contract> {
    static CONTRACT: OnceLock<Option<Contract>> = OnceLock::new();
    let read = || {
        let Some(path) = std::env::var_os("TRUELINE_GITHUB_OPENAPI") else {
            eprintln!("TRUELINE_GITHUB_OPENAPI is not set: GitHub's description is not checked");
            return None;
        };
        let text = std::fs::read_to_string(path).unwrap();
        let document = serde_json::from_str(&text).unwrap();
        Some(Contract { document, compiled: Mutex::default() })
    };
    CONTRACT.get_or_init(read).as_ref()
}

impl Contract {
    /// Says what is wrong with a request.
    pub(super) fn request(
        &self,
        (method, path): (&str, &str),
        query: &[(String, String)],
        body: &[u8],
    ) -> Vec<String> {
        let Some((template, operation)) = self.operation(method, path) else {
            return vec![format!("{method} {path}: not documented")];
        };
        let name = format!("{method} {template}");
        let mut problems = self.parameters(operation, (template, path), query);
        let asked = operation.get("requestBody").map(|it| self.resolved(it));
        let schema = asked.and_then(|it| it.pointer("/content/application~1json/schema"));
        match schema {
            Some(schema) if !body.is_empty() => {
                problems.extend(self.held(&format!("{name} asked"), schema, body));
            }
            Some(_) if asked.is_some_and(|it| it["required"] == true) => {
                problems.push("the body is missing".to_owned());
            }
            None if !matches!(body, b"" | b"{}") => {
                problems.push("a body is sent where none is documented".to_owned());
            }
            _ => {}
        }
        let told = |problem: String| match problem.starts_with(&name) {
            true => problem,
            false => format!("{name}: {problem}"),
        };
        problems.into_iter().map(told).collect()
    }

    /// Says what is wrong with the parts of a path and with the query.
    fn parameters(
        &self,
        operation: &Value,
        (template, path): (&str, &str),
        query: &[(String, String)],
    ) -> Vec<String> {
        let parameters = operation.get("parameters").and_then(Value::as_array);
        let parameters: Vec<&Value> =
            parameters.into_iter().flatten().map(|it| self.resolved(it)).collect();
        let find = |place: &str, name: &str| {
            parameters.iter().find(|it| it["in"] == place && it["name"] == name)
        };
        let mut problems = Vec::new();
        for (part, value) in template.split('/').zip(path.split('/')) {
            let Some(part) = part.strip_prefix('{').and_then(|it| it.strip_suffix('}')) else {
                continue;
            };
            match find("path", part) {
                Some(known) if self.takes(known, value) => {}
                Some(_) => problems.push(format!("`{part}` can't be `{value}`")),
                None => problems.push(format!("`{part}` is not documented")),
            }
        }
        for (key, value) in query {
            match find("query", key) {
                None => problems.push(format!("query `{key}` is not documented")),
                Some(known) if self.takes(known, value) => {}
                Some(_) => problems.push(format!("query `{key}` can't be `{value}`")),
            }
        }
        let wanted = parameters.iter().filter(|it| it["in"] == "query" && it["required"] == true);
        let missing = wanted.filter(|it| query.iter().all(|(key, _)| it["name"] != key.as_str()));
        problems.extend(missing.map(|it| format!("query {} is missing", it["name"])));
        problems
    }

    /// Tells whether a parameter takes a text: its type, and its choices. Several types are not looked into.
    fn takes(&self, parameter: &Value, text: &str) -> bool {
        let schema = self.resolved(&parameter["schema"]);
        let fits = match schema["type"].as_str() {
            Some("integer") => text.parse::<i64>().is_ok(),
            Some("boolean") => matches!(text, "true" | "false"),
            _ => !text.is_empty(),
        };
        let allowed = schema["enum"].as_array();
        fits && allowed.is_none_or(|allowed| allowed.contains(&json!(text)))
    }

    /// Says what is wrong with an answer.
    pub(super) fn answer(
        &self,
        (method, path): (&str, &str),
        status: u16,
        body: &[u8],
    ) -> Vec<String> {
        let Some((template, operation)) = self.operation(method, path) else { return Vec::new() };
        let name = format!("{method} {template} {status}");
        let Some(answer) = operation["responses"].get(status.to_string()) else {
            // Documented for all: «Authenticating», «Rate limits», «Conditional requests», and servers that break.
            let general = matches!(status, 304 | 401 | 403 | 404 | 422 | 429 | 500..);
            return if general { Vec::new() } else { vec![format!("{name}: not documented")] };
        };
        match self.resolved(answer).pointer("/content/application~1json/schema") {
            Some(schema) => self.held(&name, schema, body),
            None if body.is_empty() || status >= 400 => Vec::new(),
            None => vec![format!("{name}: documented without a body")],
        }
    }

    fn held(&self, name: &str, schema: &Value, body: &[u8]) -> Vec<String> {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return vec![format!("{name}: no JSON")];
        };
        let known = self.compiled.lock().unwrap().get(name).cloned();
        let validator = known.unwrap_or_else(|| {
            let validator = jsonschema::draft202012::options().build(&self.closed(schema)).unwrap();
            let validator = Arc::new(validator);
            self.compiled.lock().unwrap().insert(name.to_owned(), Arc::clone(&validator));
            validator
        });
        let told = |error: jsonschema::ValidationError<'_>| {
            let mut what = error.to_string();
            what.truncate(what.floor_char_boundary(300));
            format!("{name} at {}: {what}", error.instance_path())
        };
        validator.iter_errors(&body).map(told).collect()
    }

    /// Finds the operation of a path; the template with the most literal parts wins.
    fn operation(&self, method: &str, path: &str) -> Option<(&str, &Value)> {
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |template: &str| {
            let wanted: Vec<&str> = template.split('/').collect();
            let same = |(one, other): (&&str, &&str)| one.starts_with('{') || one == other;
            wanted.len() == parts.len() && wanted.iter().zip(&parts).all(same)
        };
        let paths = self.document["paths"].as_object()?;
        let found = paths.iter().filter(|(template, _)| fits(template));
        let (template, item) = found.min_by_key(|(template, _)| template.matches('{').count())?;
        Some((template, item.get(method.to_ascii_lowercase())?))
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(name) => self.document.pointer(name.trim_start_matches('#')).unwrap_or(value),
            None => value,
        }
    }

    /// Returns a schema with all that it refers to, as JSON Schema instead of OpenAPI 3.0.
    fn closed(&self, schema: &Value) -> Value {
        let mut wanted = BTreeSet::new();
        let mut root = translated(schema, &mut wanted);
        let mut definitions = Map::new();
        while let Some(name) = wanted.pop_first() {
            if definitions.contains_key(&name) {
                continue;
            }
            let component = name.strip_prefix(OPEN).unwrap_or(&name);
            let mut schema =
                translated(&self.document["components"]["schemas"][component], &mut wanted);
            if name.starts_with(OPEN) {
                opened(&mut schema);
            }
            definitions.insert(name, schema);
        }
        root["$defs"] = Value::Object(definitions);
        root
    }
}

/// What the names of those begin with that may have more properties than they describe: parts of a whole.
const OPEN: &str = "open-";

fn opened(schema: &mut Value) {
    let schema = if schema["anyOf"][0].is_object() { &mut schema["anyOf"][0] } else { schema };
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("additionalProperties");
    }
}

/// A part of a whole, which says nothing of the other parts.
fn part(schema: &Value, wanted: &mut BTreeSet<String>) -> Value {
    let named = schema.get("$ref").and_then(Value::as_str);
    if let Some(name) = named.map(|name| name.trim_start_matches("#/components/schemas/")) {
        let name = format!("{OPEN}{name}");
        let reference = json!({"$ref": format!("#/$defs/{name}")});
        wanted.insert(name);
        return reference;
    }
    let mut schema = translated(schema, wanted);
    opened(&mut schema);
    schema
}

fn translated(schema: &Value, wanted: &mut BTreeSet<String>) -> Value {
    match schema {
        Value::Object(map) => {
            let mut new = Map::new();
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("$ref", Value::String(text)) => {
                        let name = text.trim_start_matches("#/components/schemas/").to_owned();
                        new.insert(key.clone(), json!(format!("#/$defs/{name}")));
                        wanted.insert(name);
                    }
                    ("allOf", Value::Array(parts)) => {
                        let parts = parts.iter().map(|schema| part(schema, wanted)).collect();
                        new.insert(key.clone(), parts);
                    }
                    // JavaScript's patterns, and words that are no constraint.
                    ("pattern" | "format" | "description", Value::String(_))
                    | ("nullable", Value::Bool(_))
                    | ("example" | "examples", _) => {}
                    _ => {
                        new.insert(key.clone(), translated(value, wanted));
                    }
                }
            }
            // What is described by its properties has no others: a name that GitHub does not know is a mistake.
            let is_described = map.get("type") == Some(&json!("object"))
                && map.get("properties").is_some_and(Value::is_object);
            if is_described && !map.contains_key("additionalProperties") {
                new.insert("additionalProperties".to_owned(), json!(false));
            }
            match map.get("nullable") {
                Some(Value::Bool(true)) => json!({"anyOf": [new, {"type": "null"}]}),
                _ => Value::Object(new),
            }
        }
        Value::Array(items) => items.iter().map(|item| translated(item, wanted)).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As much of a description as has each kind of rule.
    fn small() -> Contract {
        let labels = json!({"type": "array", "items": {"type": "string"}});
        let pull = json!({"type": "object", "required": ["number", "merged"], "properties": {
            "number": {"type": "integer"}, "merged": {"type": "boolean", "nullable": true},
        }});
        let answered = json!({"content": {"application/json": {"schema": {"$ref": "#/components/schemas/pull"}}}});
        let document = json!({
            "components": {
                "schemas": {"pull": pull},
                "parameters": {"number": {"in": "path", "name": "number", "schema": {"type": "integer"}}},
            },
            "paths": {
                "/repos/{owner}/pulls/{number}": {
                    "parameters": [],
                    "get": {
                        "parameters": [
                            {"in": "path", "name": "owner", "schema": {"type": "string"}},
                            {"$ref": "#/components/parameters/number"},
                            {"in": "query", "name": "state", "schema": {"type": "string", "enum": ["open"]}},
                            {"in": "query", "name": "page", "required": true, "schema": {"type": "integer"}},
                        ],
                        "responses": {"200": answered, "204": {"description": "nothing"}},
                    },
                },
                "/labels": {"post": {
                    "requestBody": {"required": true, "content": {"application/json": {"schema": {
                        "type": "object", "required": ["labels"], "properties": {"labels": labels},
                    }}}},
                    "responses": {},
                }},
                "/cancel": {"post": {"responses": {}}},
            },
        });
        Contract { document, compiled: Mutex::default() }
    }

    #[test]
    fn a_request_that_is_not_as_described_is_told() {
        let small = small();
        let check = |(method, path): (&str, &str), query: &[(&str, &str)], body: &str| {
            let query: Vec<(String, String)> =
                query.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            small.request((method, path), &query, body.as_bytes()).join("; ")
        };
        let page = ("page", "1");
        assert_eq!(check(("GET", "/repos/acme/pulls/7"), &[page, ("state", "open")], ""), "");
        let said = [
            check(("GET", "/elsewhere"), &[], ""),
            check(("PUT", "/labels"), &[], ""),
            check(("GET", "/repos/acme/pulls/x"), &[page], ""),
            check(("GET", "/repos/acme/pulls/7"), &[], ""),
            check(("GET", "/repos/acme/pulls/7"), &[page, ("state", "shut")], ""),
            check(("GET", "/repos/acme/pulls/7"), &[page, ("colour", "red")], ""),
            check(("POST", "/labels"), &[], ""),
            check(("POST", "/labels"), &[], r#"{"labels": [1]}"#),
            check(("POST", "/labels"), &[], r#"{"labels": [], "label": "x"}"#),
            check(("POST", "/cancel"), &[], r#"{"why": "x"}"#),
        ];
        insta::assert_snapshot!(said.join("\n"), @r#"
        GET /elsewhere: not documented
        PUT /labels: not documented
        GET /repos/{owner}/pulls/{number}: `number` can't be `x`
        GET /repos/{owner}/pulls/{number}: query "page" is missing
        GET /repos/{owner}/pulls/{number}: query `state` can't be `shut`
        GET /repos/{owner}/pulls/{number}: query `colour` is not documented
        POST /labels: the body is missing
        POST /labels asked at /labels/0: 1 is not of type "string"
        POST /labels asked at : Additional properties are not allowed ('label' was unexpected)
        POST /cancel: a body is sent where none is documented
        "#);
        assert_eq!(check(("POST", "/labels"), &[], r#"{"labels": ["x"]}"#), "");
        assert_eq!(check(("POST", "/cancel"), &[], "{}"), "");
    }

    #[test]
    fn an_answer_that_is_not_as_described_is_told() {
        let small = small();
        let check = |status: u16, body: &str| {
            small.answer(("GET", "/repos/acme/pulls/7"), status, body.as_bytes()).join("; ")
        };
        for (status, body) in [(200, r#"{"number": 1, "merged": null}"#), (204, ""), (404, "")] {
            assert_eq!(check(status, body), "");
        }
        let said = [
            check(200, "<html>"),
            check(200, r#"{"number": 1}"#),
            check(200, r#"{"number": "1", "merged": true}"#),
            check(200, r#"{"number": 1, "merged": true, "merger": "x"}"#),
            check(204, "{}"),
            check(201, "{}"),
        ];
        insta::assert_snapshot!(said.join("\n"), @r#"
        GET /repos/{owner}/pulls/{number} 200: no JSON
        GET /repos/{owner}/pulls/{number} 200 at : "merged" is a required property
        GET /repos/{owner}/pulls/{number} 200 at /number: "1" is not of type "integer"
        GET /repos/{owner}/pulls/{number} 200 at : Additional properties are not allowed ('merger' was unexpected)
        GET /repos/{owner}/pulls/{number} 204: documented without a body
        GET /repos/{owner}/pulls/{number} 201: not documented
        "#);
    }
}
