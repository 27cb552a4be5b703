//! The documents that a world for tests begins with: an automatic item, a manual one, and a bundle of both.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::catalog::{Body, Document, Held, Kind, Layout};
use crate::digest::Digest;

pub(super) fn merge(value: &mut Value, more: Value) {
    match (value, more) {
        (Value::Object(map), Value::Object(more)) => {
            for (key, item) in more {
                merge(map.entry(key).or_insert(Value::Null), item);
            }
        }
        (value, more) => *value = more,
    }
}

fn of<T: DeserializeOwned>(body: &Value) -> Held<T> {
    Held::from(serde_json::from_value::<T>(body.clone()).unwrap())
}

pub(super) fn document(path: &str, body: &Value) -> Arc<Document> {
    let bytes = body.to_string().into_bytes();
    let read = |kind| match kind {
        Kind::Item => Body::Item(of(body)),
        Kind::Bundle => Body::Bundle(of(body)),
        Kind::Service => Body::Service(of(body)),
        Kind::Environment => Body::Environment(of(body)),
        Kind::Settings => Body::Settings(Arc::new(serde_json::from_value(body.clone()).unwrap())),
    };
    let Layout::Document { kind, .. } = Layout::of(path) else { panic!("`{path}` is no document") };
    Arc::new(Document {
        path: path.into(),
        blob: Digest::of_bytes(&bytes).to_string().into(),
        bytes: bytes.into(),
        kind: Some(kind),
        id: body.pointer("/metadata/id").and_then(Value::as_str).map(Arc::from),
        body: Some(read(kind)),
        findings: Vec::new(),
        is_recalled: false,
        brief: None,
    })
}

pub(super) fn item(id: &str, fulfillment: &Value) -> Value {
    let field = |id: &str, more: Value| {
        let mut field = json!({"id": id, "name": id, "type": "string"});
        merge(&mut field, more);
        field
    };
    json!({
        "metadata": {
            "id": id, "name": id, "description": "for tests", "version": "1.0.0",
            "owner": {"team": "platform", "contact": "p@example.com"},
            "constants": {"port": "5432"},
        },
        "presentation": {"form": {"groups": [{"id": "all", "name": "All", "fields": [
            field("size", json!({"default": "small"})),
            field("zone", json!({"default": "a", "immutable": true})),
            field("link", json!({"default": ""})),
        ]}]}},
        "fulfillment": fulfillment,
        "outputs": {"url": {"value": "{{outputs.provision.url}}", "share": ["billing"]}},
    })
}

/// Two calls, the second with what the first answers, and a word to people.
pub(super) fn database() -> Value {
    let url = "https://api.example.com/{{environment.region}}/{{service.name}}";
    json!({
        "strategy": {"mode": "automatic"},
        "manual": {"actions": [{"id": "provision", "type": "manual-task",
            "config": {"title": "make {{service.name}}", "outputs": [{"name": "url", "type": "string"}]}}]},
        "automatic": {"actions": [
            {"id": "provision", "type": "rest-api", "outputs": {"url": "/body/url"}, "config": {
                "endpoint": {"url": url, "method": "PUT"},
                "body": {"type": "json", "contentTemplate":
                    "{\"size\": \"{{fields.size}}\", \"zone\": \"{{fields.zone}}\", \"port\": \"{{metadata.port}}\"}"},
                "delete": {"url": url, "method": "DELETE"}}},
            {"id": "register", "type": "rest-api", "config": {
                "endpoint": {"url": "https://dns.example.com/{{service.name}}", "method": "PUT"},
                "body": {"type": "json", "contentTemplate": "{\"url\": \"{{outputs.provision.url}}\"}"},
                "delete": {"url": "https://dns.example.com/{{service.name}}", "method": "DELETE"}}},
            {"id": "tell", "type": "notify", "config": {"channel": "ops", "message": "{{service.name}} is {{fields.size}}"}},
        ]},
        "operations": {
            "hibernate": {"state": "hibernated", "actions": [
                {"id": "stop", "type": "notify", "config": {"channel": "ops", "message": "stop {{service.name}}"}}]},
            "resume": {"state": "active", "actions": [
                {"id": "start", "type": "notify", "config": {"channel": "ops", "message": "start {{service.name}}"}}]},
        },
    })
}

pub(super) fn desk() -> Value {
    json!({
        "strategy": {"mode": "manual"},
        "manual": {"actions": [{"id": "provision", "type": "manual-task", "config": {
            "title": "a {{fields.size}} desk for {{service.name}}",
            "instructions": "beside {{fields.link}}",
            "outputs": [{"name": "url", "type": "string"}]}}]},
    })
}

pub(super) fn bundle() -> Value {
    json!({
        "metadata": {
            "id": "shop", "name": "shop", "description": "for tests", "version": "1.0.0",
            "owner": {"team": "platform", "contact": "p@example.com"},
        },
        "components": [
            {"id": "data", "catalogItem": "database", "config": {"size": "{{fields.size}}", "zone": "{{fields.zone}}"}},
            {"id": "desk", "catalogItem": "desk", "config": {"link": "{{components.data.outputs.url}}"}},
        ],
        "presentation": {"form": {"groups": [{"id": "all", "name": "All", "fields": [
            {"id": "size", "name": "Size", "type": "string", "default": "small"},
            {"id": "zone", "name": "Zone", "type": "string", "default": "a"},
        ]}]}},
        "outputs": {"url": {"value": "{{components.data.outputs.url}}"}},
    })
}
