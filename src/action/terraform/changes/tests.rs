//! Tests of what a saved plan says: shown in a normal form, cut, and compared with what was approved.

use serde_json::json;

use super::*;
use crate::action::testing::call;

fn changes(resources: &Value, outputs: &Value) -> Changes {
    let plan =
        json!({"timestamp": "2026", "resource_changes": resources, "output_changes": outputs});
    Changes::of_plan(&plan, &Scrub::of(&call(json!({}))))
}

fn sample() -> Changes {
    changes(
        &json!([
            {"address": "a.db", "change": {"actions": ["create"], "before": null,
             "after": {"input": {"pw": "s3cret", "size": 3, "tags": ["x", "hunter22"]}, "none": null},
             "after_unknown": {"id": true, "input": {}}, "before_sensitive": false,
             "after_sensitive": {"input": {"pw": true}}}},
            {"address": "a.same", "change": {"actions": ["no-op"], "before": {}, "after": {}}},
            {"address": "a.old", "change": {"actions": ["delete"], "before": {"pw": "s3cret"}, "after": null}},
            {"address": "a.new", "change": {"actions": ["delete", "create"], "before": {"n": 1, "m": "a\nb"},
             "after": {"n": 2, "m": "a\nb"}, "after_unknown": {}}},
        ]),
        &json!({"id": {"actions": ["create"], "before": null, "after_unknown": true},
                "pw": {"actions": ["create"], "before": null, "after": "s3cret", "after_sensitive": true},
                "trueline_sensitive_id": {"actions": ["create"], "before": null, "after": true}}),
    )
}

#[test]
fn what_changes_is_shown_without_what_is_sensitive() {
    let shown = sample();
    assert_eq!(shown.summary(), "2 to add, 0 to change, 2 to destroy, 2 outputs change");
    insta::assert_snapshot!(shown.lines().join("\n"), @r#"
    + a.db
        id: (known after apply)
        input.pw: (sensitive)
        input.size: 3
        input.tags: ["x","(sensitive)"]
    -/+ a.new
        n: 1 → 2
    - a.old
    + output id
        (known after apply)
    + output pw
        (sensitive)
    "#);
    assert!(!json!(shown).to_string().contains("s3cret"));
    assert_eq!(changes(&json!(null), &json!(null)).summary(), "no changes");
}

#[test]
fn a_plan_of_many_megabytes_is_cut_and_acts_on_no_terminal() {
    let long = "é\u{1b}[2J\n".repeat(1 << 20);
    let made = |name: &str, value: &str| {
        json!({"address": name, "change": {"actions": ["create"], "before": null,
               "after": {"a": value, "\u{1b}]0;b": 1}, "after_unknown": {}}})
    };
    let many = (0..2000).map(|n| made(&format!("a.b[\"\u{1b}[31m{n}\"]"), "x"));
    let all = [made("a.a", &long)].into_iter().chain(many).collect();
    let lines = changes(&all, &json!(null)).lines();
    assert_eq!((lines.len(), lines[400].as_str()), (401, "… 5603 more lines"));
    assert!(lines.iter().all(|line| line.len() < 1000 && !line.contains(char::is_control)));
    assert_eq!(lines[3], "+ a.b[\"\\u{1b}[31m0\"]");
}

#[test]
fn what_is_left_of_an_approved_plan_is_part_of_it() {
    let db = |actions: &[&str], id: Value, size: u32| {
        json!([{"address": "a.db", "change": {"actions": actions, "before": null,
                "after": {"id": id, "input": {"size": size}}, "after_unknown": {}}}])
    };
    let part = |resources: &Value| changes(resources, &json!(null)).is_part_of(&sample());
    assert!(part(&json!([])));
    assert!(part(&db(&["create"], json!("now-known"), 3)), "what was unknown may be known");
    assert!(part(&db(&["create"], json!({"deep": 1}), 3)));
    assert!(!part(&db(&["create"], json!("x"), 4)), "another value");
    assert!(!part(&db(&["update"], json!("x"), 3)), "another action");
    let other = json!([{"address": "a.other", "change": {"actions": ["create"], "before": null, "after": {}}}]);
    assert!(!part(&other), "another resource");
}
