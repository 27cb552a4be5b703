//! What a cloud adds to a resource by itself: addresses, ranges, identifiers. The same name gives the same ones.

use serde_json::{Map, Value, json};

use crate::digest::Digest;

/// Returns what is added to a resource of a collection.
pub(super) fn of(collection: &str, id: &str, given: &Map<String, Value>) -> Map<String, Value> {
    let hash = Digest::of_bytes(format!("{collection}/{id}").as_bytes()).to_string();
    let short = hash.get(..8).unwrap_or_default();
    let number = u32::from_str_radix(short, 16).unwrap_or_default();
    let added = match collection {
        "databases" => {
            json!({"host": format!("{id}-{short}.db.sandbox.example"), "port": 5432, "ready": true})
        }
        "networks" => {
            let bits = match given.get("size").and_then(Value::as_str) {
                Some("large") => 20,
                Some("medium") => 22,
                _ => 24,
            };
            let third = (number & 0xff) & (0xff << (24 - bits));
            json!({"id": format!("net-{short}"), "cidr": format!("10.{}.{third}.0/{bits}", (number >> 8) & 0xff)})
        }
        "apps" => json!({"url": format!("https://{id}.apps.sandbox.example"), "running": true}),
        "buckets" => json!({"endpoint": format!("https://{id}.buckets.sandbox.example")}),
        "secret-stores" => json!({"id": format!("secrets/{short}")}),
        _ => json!({"id": format!("{collection}-{short}")}),
    };
    match added {
        Value::Object(added) => added,
        _ => Map::new(),
    }
}
