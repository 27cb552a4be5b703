//! Compares what was last sent with what is there. What the other side added is left out of account, and
//! so is what held a secret.

use std::collections::BTreeMap;

use serde_json::Value;

use super::config::Compare;
use crate::action::scrub::{Scrub, is_masked};
use crate::reconcile::FieldChange;

/// Returns what differs: objects key by key, everything else whole.
pub(super) fn compare(ours: &Value, theirs: &Value, scrub: &Scrub) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    walk(ours, Some(theirs), &mut String::new(), &mut changes);
    for change in &mut changes {
        change.after = change.after.as_ref().map(|value| scrub.value(value));
    }
    changes
}

/// Returns which of the named values differ from what should stand there.
pub(super) fn compare_named(
    named: &BTreeMap<String, Compare>,
    theirs: &Value,
    scrub: &Scrub,
) -> Vec<FieldChange> {
    let change = |(name, compare): (&String, &Compare)| {
        let before = scrub.value(&compare.value);
        let after = theirs.pointer(&compare.pointer);
        let differs = !after.is_some_and(|after| same_as_written(&before, after));
        let after = after.map(|value| scrub.value(value));
        (differs && !is_masked(&before)).then(|| changed(name, &before, after))
    };
    named.iter().filter_map(change).collect()
}

/// Compares with what a template rendered, which is text whatever the type on the other side.
fn same_as_written(ours: &Value, theirs: &Value) -> bool {
    same(ours, theirs)
        || match (ours, theirs) {
            (Value::String(ours), Value::Number(_) | Value::Bool(_)) => {
                theirs.to_string().as_str() == ours
            }
            _ => false,
        }
}

fn walk(
    ours: &Value,
    theirs: Option<&Value>,
    pointer: &mut String,
    changes: &mut Vec<FieldChange>,
) {
    if let (Value::Object(ours), Some(Value::Object(theirs))) = (ours, theirs) {
        for (key, value) in ours {
            let length = pointer.len();
            pointer.push('/');
            pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            walk(value, theirs.get(key), pointer, changes);
            pointer.truncate(length);
        }
        return;
    }
    // Nothing and null are the same to most other sides.
    let same = theirs.map_or(ours.is_null(), |theirs| same(ours, theirs));
    if !same && !is_masked(ours) {
        changes.push(changed(pointer, ours, theirs.cloned()));
    }
}

fn changed(name: &str, before: &Value, after: Option<Value>) -> FieldChange {
    FieldChange { name: name.to_owned(), before: Some(before.clone()), after, immutable: false }
}

/// Compares exactly, except that `1` and `1.0` are the same number.
fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Number(a), Value::Number(b)) => {
            let exact = (a.is_f64() || b.is_f64())
                && a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| a.total_cmp(&b).is_eq());
            a == b || exact
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => ours == theirs,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::action::testing::call;
    use crate::secret::MASK;

    fn check(ours: &Value, theirs: &Value, expected: &[&str]) {
        let scrub = Scrub::of(&call(json!({})));
        let changes = compare(ours, theirs, &scrub);
        let found: Vec<&str> = changes.iter().map(|change| change.name.as_str()).collect();
        assert_eq!(found, expected, "{ours} {theirs}");
    }

    #[test]
    fn what_we_sent_counts_and_what_others_added_does_not() {
        check(
            &json!({"a": 1, "b": {"c": "x"}}),
            &json!({"id": 7, "b": {"z": 0, "c": "x"}, "a": 1.0}),
            &[],
        );
        check(
            &json!({"a": 1, "b": {"c/d": "x"}}),
            &json!({"a": 2, "b": {"c/d": "y"}}),
            &["/a", "/b/c~1d"],
        );
        check(&json!({"a": {"b": 1}}), &json!({"a": [1]}), &["/a"]);
        check(&json!({"a": null}), &json!({}), &[]);
        check(&json!({"a": ""}), &json!({}), &["/a"]);
        check(&json!({}), &json!({"a": 1}), &[]);
    }

    #[test]
    fn lists_count_whole() {
        check(&json!({"a": [1, {"b": 2}]}), &json!({"a": [1.0, {"b": 2}]}), &[]);
        check(&json!({"a": [1, 2]}), &json!({"a": [2, 1]}), &["/a"]);
        check(&json!({"a": [{"b": 2}]}), &json!({"a": [{"b": 2, "c": 3}]}), &["/a"]);
        check(&json!({"a": [1]}), &json!({"a": []}), &["/a"]);
    }

    #[test]
    fn secrets_are_neither_compared_nor_shown() {
        check(
            &json!({"password": MASK, "list": [MASK]}),
            &json!({"password": "***", "list": []}),
            &[],
        );
        let scrub = Scrub::of(&call(json!({})));
        let changes = compare(&json!({"note": "x"}), &json!({"note": "is hunter22"}), &scrub);
        assert_eq!(changes[0].after, Some(json!("is (sensitive)")));
    }

    #[test]
    fn named_values_are_compared_alone() {
        let scrub = Scrub::of(&call(json!({})));
        let named: BTreeMap<String, Compare> = serde_json::from_value(json!({
            "size": {"pointer": "/spec/size", "value": "3"},
            "public": {"pointer": "/public", "value": true},
            "name": {"pointer": "/name", "value": "a"},
            "gone": {"pointer": "/gone", "value": "x"},
            "nothing": {"pointer": "/nothing", "value": "null"},
            "password": {"pointer": "/password", "value": "hunter22"},
        }))
        .unwrap();
        let theirs = json!({"spec": {"size": 3}, "public": true, "name": "b", "nothing": null, "password": "***"});
        let changes = compare_named(&named, &theirs, &scrub);
        let found: Vec<&str> = changes.iter().map(|change| change.name.as_str()).collect();
        assert_eq!(found, ["gone", "name", "nothing"]);
    }
}
