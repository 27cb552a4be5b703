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
        let mut problems = Vec::new();
        let parameters = operation.get("parameters").and_then(Value::as_array);
        let parameters: Vec<&Value> =
            parameters.into_iter().flatten().map(|it| self.resolved(it)).collect();
        for (key, value) in query {
            let known =
                parameters.iter().find(|it| it["in"] == "query" && it["name"] == key.as_str());
            match known {
                None => problems.push(format!("{name}: query `{key}` is not documented")),
                Some(it) => {
                    let allowed = self.resolved(&it["schema"])["enum"].as_array().cloned();
                    if allowed.is_some_and(|allowed| !allowed.contains(&json!(value))) {
                        problems.push(format!("{name}: query `{key}={value}` is none of those"));
                    }
                }
            }
        }
        let asked = operation.get("requestBody").map(|it| self.resolved(it));
        let schema = asked.and_then(|it| it.pointer("/content/application~1json/schema"));
        match schema {
            Some(schema) if !body.is_empty() => {
                problems.extend(self.held(&format!("{name} asked"), schema, body));
            }
            Some(_) if asked.is_some_and(|it| it["required"] == true) => {
                problems.push(format!("{name}: the body is missing"));
            }
            _ => {}
        }
        problems
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
            let schema = translated(&self.document["components"]["schemas"][&name], &mut wanted);
            definitions.insert(name, schema);
        }
        root["$defs"] = Value::Object(definitions);
        root
    }
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
                    // JavaScript's patterns, and words that are no constraint.
                    ("pattern" | "format" | "description", Value::String(_))
                    | ("nullable", Value::Bool(_))
                    | ("example" | "examples", _) => {}
                    _ => {
                        new.insert(key.clone(), translated(value, wanted));
                    }
                }
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
