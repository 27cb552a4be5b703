//! What the sandbox holds: resources, what was asked of it, what took effect under which key.

use std::collections::{BTreeMap, VecDeque};

use axum::http::{HeaderMap, Method};
use serde_json::{Map, Value, json};

use super::answer::{Answer, problem};
use super::properties;
use crate::digest::Digest;

/// How many requests are remembered, newest first to stay.
const MAX_REQUESTS: usize = 10_000;

/// What goes wrong on request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The request is turned down with 503, and nothing is done.
    Refuse,
    /// It is done, and the answer never arrives.
    Lose,
}

impl Fault {
    /// Reads `refuse` or `lose`.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "refuse" => Some(Fault::Refuse),
            "lose" => Some(Fault::Lose),
            _ => None,
        }
    }
}

/// One request.
pub(super) struct Asked {
    method: Method,
    collection: String,
    id: Option<String>,
    key: Option<String>,
    fault: Option<Fault>,
    body: Map<String, Value>,
}

impl Asked {
    /// Reads a request; a body must be a JSON object.
    pub(super) fn of(
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Self, Answer> {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let body = match body {
            [] => Map::new(),
            body => serde_json::from_slice(body)
                .map_err(|_| problem(400, "the body is not a JSON object"))?,
        };
        let (collection, id) = match path.split_once('/') {
            Some((_, id)) if id.is_empty() || id.contains('/') => {
                return Err(problem(404, "resources are at /v1/<collection>/<id>"));
            }
            Some((collection, id)) => (collection, Some(id.to_owned())),
            None => (path, None),
        };
        Ok(Self {
            method: method.clone(),
            collection: collection.to_owned(),
            id,
            key: header("idempotency-key").map(str::to_owned),
            fault: header("x-sandbox-fault").and_then(Fault::named),
            body,
        })
    }

    fn path(&self) -> String {
        match &self.id {
            Some(id) => format!("/v1/{}/{id}", self.collection),
            None => format!("/v1/{}", self.collection),
        }
    }

    fn is_write(&self) -> bool {
        !matches!(self.method, Method::GET | Method::HEAD)
    }

    /// Digest of what is asked for: the same key with something else is a mistake.
    fn content(&self) -> Digest {
        Digest::of_json(&json!([self.method.as_str(), self.path(), self.body]))
    }
}

/// What took effect under a key.
struct Effect {
    content: Digest,
    answer: Answer,
    asked: u64,
}

/// What the sandbox holds.
#[derive(Default)]
pub(super) struct Shelf {
    resources: BTreeMap<(String, String), Map<String, Value>>,
    effects: BTreeMap<String, Effect>,
    requests: VecDeque<Value>,
    faults: VecDeque<Fault>,
    writes: u64,
    took_effect: u64,
}

impl Shelf {
    /// Lets the next writes fail.
    pub(super) fn fail(&mut self, fault: Fault, times: u64) -> Value {
        self.faults.extend((0..times).map(|_| fault));
        json!({"waiting": self.faults.len()})
    }

    /// Lists resources, all or those of a collection.
    pub(super) fn list(&self, collection: Option<&str>) -> Value {
        let wanted =
            self.resources.iter().filter(|((of, _), _)| collection.is_none_or(|it| it == of));
        wanted
            .map(|((collection, id), body)| json!({"collection": collection, "id": id, "body": body}))
            .collect()
    }

    /// Tells what was asked, and what took effect under which key.
    pub(super) fn told(&self) -> Value {
        let keys: Map<String, Value> =
            self.effects.iter().map(|(key, effect)| (key.clone(), json!(effect.asked))).collect();
        json!({
            "writes": self.writes, "effects": self.took_effect,
            "requests": self.requests, "askedByKey": keys,
        })
    }

    /// Takes a request; tells the answer, and what goes wrong with it.
    pub(super) fn take(&mut self, asked: &Asked) -> (Answer, Option<Fault>) {
        let waiting = if asked.is_write() { self.faults.pop_front() } else { None };
        let fault = asked.fault.or(waiting);
        let answer = match fault {
            Some(Fault::Refuse) => problem(503, "the sandbox was told to refuse this request"),
            _ if asked.is_write() => self.write(asked),
            _ => self.read(asked),
        };
        if asked.is_write() {
            self.writes += 1;
        }
        if self.requests.len() == MAX_REQUESTS {
            self.requests.pop_front();
        }
        self.requests.push_back(json!({
            "method": asked.method.as_str(), "path": asked.path(), "key": asked.key,
            "status": answer.status, "lost": fault == Some(Fault::Lose),
        }));
        (answer, fault)
    }

    fn read(&self, asked: &Asked) -> Answer {
        let Some(id) = &asked.id else { return Answer::ok(self.list(Some(&asked.collection))) };
        match self.resources.get(&(asked.collection.clone(), id.clone())) {
            Some(body) => Answer::ok(Value::Object(body.clone())),
            None => problem(404, "there is no such resource"),
        }
    }

    /// Writes once under each key, and gives the first answer again to whoever asks again.
    fn write(&mut self, asked: &Asked) -> Answer {
        let Some(key) = &asked.key else { return self.change(asked) };
        if let Some(effect) = self.effects.get_mut(key) {
            effect.asked += 1;
            if effect.content != asked.content() {
                return problem(422, "this key was used for something else");
            }
            return effect.answer.clone();
        }
        let answer = self.change(asked);
        let effect = Effect { content: asked.content(), answer: answer.clone(), asked: 1 };
        self.effects.insert(key.clone(), effect);
        answer
    }

    fn change(&mut self, asked: &Asked) -> Answer {
        let named = || asked.body.get("name").and_then(Value::as_str).map(str::to_owned);
        let Some(id) = asked.id.clone().or_else(named) else {
            return problem(400, "give the resource a `name`");
        };
        let place = (asked.collection.clone(), id);
        let is_there = self.resources.contains_key(&place);
        let mut body = match (&asked.method, asked.id.is_some()) {
            (&Method::POST, _) if is_there => return problem(409, "it is there already"),
            (&Method::POST, _) | (&Method::PUT, true) => Map::new(),
            (&Method::PATCH, true) => match self.resources.get(&place) {
                Some(body) => body.clone(),
                None => return problem(404, "there is no such resource"),
            },
            (&Method::DELETE, true) => {
                return match self.resources.remove(&place) {
                    Some(_) => {
                        self.took_effect += 1;
                        Answer { status: 204, body: Value::Null }
                    }
                    None => problem(404, "there is no such resource"),
                };
            }
            _ => return problem(405, "GET, PUT, PATCH, POST and DELETE are understood"),
        };
        body.extend(asked.body.clone());
        let added = properties::of(&place.0, &place.1, &body);
        body.extend(added);
        self.took_effect += 1;
        self.resources.insert(place, body.clone());
        Answer { status: if is_there { 200 } else { 201 }, body: Value::Object(body) }
    }
}
