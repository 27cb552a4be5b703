//! Tests of what is written under keys: the value, and that all else stands as it stood.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Expects what comes of setting a key (or of taking it away with `null`), in every way that lines can end.
#[track_caller]
fn check(source: &str, keys: &[&str], value: &Value, expected: Option<&str>) {
    let value = Some(value).filter(|value| !value.is_null());
    for crlf in [false, true] {
        let ended = |text: &str| if crlf { text.replace('\n', "\r\n") } else { text.to_owned() };
        let text = set(&"x.yaml".into(), ended(source).as_bytes(), (keys, value));
        let text = text.map(|text| String::from_utf8(text).expect("text"));
        assert_eq!(text, expected.map(ended));
    }
}

const SERVICE: &str = "# top\nid: a # its id\nfields: # all of it\n  # how large\n  size: small # why\n  tags:\n    - a # first\n    - b\n  name: 'x'\n\n# end\nstate: active\n";

#[test]
fn values_are_written_where_they_stand() {
    check(
        SERVICE,
        &["fields", "size"],
        &json!("large"),
        Some(&SERVICE.replace("small # why", "large # why")),
    );
    check(SERVICE, &["state"], &json!("suspended"), Some(&SERVICE.replace("active", "suspended")));
    check(
        SERVICE,
        &["fields", "tags"],
        &json!(["b", "c d"]),
        Some(&SERVICE.replace("- a # first\n    - b", "- b\n    - \"c d\"")),
    );
    check(
        SERVICE,
        &["fields", "tags"],
        &json!([]),
        Some(&SERVICE.replace("- a # first\n    - b", "[]")),
    );
    check(
        SERVICE,
        &["fields", "name"],
        &json!({"secret": "A_B"}),
        Some(&SERVICE.replace("'x'", "{\"secret\":\"A_B\"}")),
    );
    check(SERVICE, &["id"], &json!("a"), Some(SERVICE));
    check("a:\nb: 1\n", &["a"], &json!(3), Some("a: 3\nb: 1\n"));
    check("a:\n- 1\n- 2\nb: 1\n", &["a"], &json!(3), Some("a:\n  3\nb: 1\n"));
}

#[test]
fn keys_are_added_and_taken_away() {
    check(
        SERVICE,
        &["fields", "more"],
        &json!(["x"]),
        Some(&SERVICE.replace("  size: small", "  more: [\"x\"]\n  size: small")),
    );
    check(
        SERVICE,
        &["expires"],
        &json!("2030-01-31"),
        Some(&format!("{SERVICE}expires: 2030-01-31\n")),
    );
    check(
        SERVICE,
        &["fields", "size"],
        &json!(null),
        Some(&SERVICE.replace("  size: small # why\n", "")),
    );
    check(
        SERVICE,
        &["fields", "tags"],
        &json!(null),
        Some(&SERVICE.replace("  tags:\n    - a # first\n    - b\n", "")),
    );
    check(SERVICE, &["fields", "none"], &json!(null), Some(SERVICE));
    check(SERVICE, &["none", "none"], &json!(null), Some(SERVICE));
    check(SERVICE, &["state"], &json!(null), Some(&SERVICE.replace("state: active\n", "")));
    check("f: {a: 1, b: 2, c: 3}\n", &["f", "b"], &json!(null), Some("f: {a: 1, c: 3}\n"));
    check("f: {a: 1, b: 2}\n", &["f", "a"], &json!(null), Some("f: {b: 2}\n"));
    check("f: {a: 1}\n", &["f", "a"], &json!(null), Some("f: {}\n"));
    check("f:\n  a: 1 # c\n", &["f", "a"], &json!(null), Some("f:\n  {} # c\n"));
    check("a: 1\n", &["f", "x"], &json!([1]), Some("a: 1\nf:\n  x: [1]\n"));
    check("f: {}", &["f", "x"], &json!(true), Some("f: {x: true}"));
}

#[test]
fn what_cannot_be_written_in_place_is_not_written() {
    check("f: 3\n", &["f", "x"], &json!(1), None);
    check("f: {a: 1\n", &["f", "a"], &json!(1), None);
    check("- 1\n", &["f"], &json!(1), None);
    check("", &["f"], &json!(1), None);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[ -~äß\\n\\t]{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "yes",
            "0o7",
            "1e3",
            "null",
            "~",
            "- a",
            "a: b",
            "#",
            "2030-01-01",
            "a\nb",
            "a\n\nb\n",
            "\u{85}"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,3}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_written_reads_back_and_every_comment_stays(
        value in value(), key in prop::sample::select(vec!["size", "name", "new"]), at_root in any::<bool>(),
    ) {
        let keys: &[&str] = if at_root { &[key] } else { &["fields", key] };
        if let Some(text) = set(&"x.yaml".into(), SERVICE.as_bytes(), (keys, Some(&value))) {
            let text = String::from_utf8(text).expect("text");
            let read = read(&"x.yaml".into(), text.as_bytes()).expect("reads").to_json();
            let pointer = format!("/{}", keys.join("/"));
            prop_assert_eq!(read.pointer(&pointer), Some(&value));
            for comment in ["# top", "# its id", "# all of it", "# how large", "# why", "# end"] {
                prop_assert!(text.contains(comment), "{comment}: {text}");
            }
        } else {
            // Plain values of a line can always be written.
            prop_assert!(value.is_array() || value.is_object() || value.is_string(), "{value}");
        }
    }

    #[test]
    fn a_block_reads_back_as_what_it_was_written_from(value in value()) {
        let map = Map::from_iter([("one".to_owned(), value), ("two".to_owned(), json!(2))]);
        let text = format!("fields:\n{}", block(&map, 2));
        if let Some(read) = read(&"x.yaml".into(), text.as_bytes()) {
            prop_assert_eq!(&read.to_json()["fields"], &Value::Object(map), "{}", text);
        }
    }
}
