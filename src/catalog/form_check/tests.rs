//! Tests of what a form says about values, and the law that its JSON Schema says the same.

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::json;

use super::*;

const FORM: &str = r#"
groups:
  - id: main
    name: Main
    fields:
      - {id: name, name: Name, type: string, required: true, description: What it is called., validation: {pattern: "^[a-z]+$", minLength: 3, maxLength: 8, message: lower-case letters only}}
      - {id: tier, name: Tier, type: select, enum: [small, {value: large, label: Large}], default: small}
      - {id: disk, name: Disk, type: number, required: true, validation: {min: 10, max: 100, step: 5}, conditional: {field: tier, operator: eq, value: large}}
      - {id: ratio, name: Ratio, type: number, validation: {min: 0, max: 1}}
      - {id: zones, name: Zones, type: multiselect, enum: [a, b, c], validation: {minItems: 1, maxItems: 2}}
      - {id: since, name: Since, type: date, validation: {min: 2026-01-01, max: 2026-12-31}}
  - id: more
    name: More
    fields:
      - {id: mail, name: Mail, type: email, validation: {pattern: "@example\\.com$"}}
      - {id: policy, name: Policy, type: file}
      - {id: backup, name: Backup, type: boolean}
      - {id: notes, name: Notes, type: textarea, conditional: {field: disk, operator: gte, value: 50}}
      - {id: password, name: Password, type: password}
"#;

fn form(text: &str) -> Form {
    serde_yaml::from_str(text).expect("the fixture is a form")
}

fn fields(text: &str) -> Map<String, Value> {
    serde_yaml::from_str(text).expect("the fixture is a mapping")
}

fn told(problems: Vec<Problem>) -> String {
    let lines: Vec<String> = problems
        .into_iter()
        .map(|problem| {
            let key = if problem.at_key { "key " } else { "" };
            let hint = problem.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
            format!("{key}{} {}: {}{hint}", problem.pointer, problem.rule, problem.message)
        })
        .collect();
    lines.join("\n")
}

fn check(input: &str) -> String {
    told(form(FORM).check(&fields(input)))
}

#[test]
fn what_is_right_is_left_alone() {
    assert_eq!(check("{name: ledger}"), "");
    assert_eq!(
        check(
            "{name: ledger, tier: large, disk: 50, ratio: 0.5, zones: [a, c], since: 2026-02-28, mail: a@example.com,
              policy: {path: files/p.json, sha256: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa},
              backup: false, notes: x, password: {secret: DB_ADMIN}}"
        ),
        ""
    );
}

#[test]
fn unknown_missing_and_hidden_fields_are_named() {
    assert_snapshot!(check("{nmae: x, colour: red}"), @r"
 fields/missing: missing field `name` (`name`: What it is called.)
key /colour fields/unknown: unknown field `colour` (its fields: `backup`, `disk`, `mail`, `name`, `notes`, `password`, `policy`, `ratio`, `since`, `tier`, `zones`)
key /nmae fields/unknown: unknown field `nmae` (did you mean `name`?)
");
    assert_snapshot!(check("{name: ledger, tier: large}"), @" fields/missing: missing field `disk` (`disk`: Disk)");
    assert_snapshot!(check("{name: ledger, disk: 50, notes: x}"), @r"
key /disk fields/hidden: field `disk` is given but not visible (it is there only when `tier` is `large`)
key /notes fields/hidden: field `notes` is given but not visible (it is there only when `disk` is at least `50`)
");
}

#[test]
fn values_are_checked_by_type() {
    assert_snapshot!(check("{name: Led9, tier: medium, ratio: 2, zones: [a, a, x], since: 2027-01-01, mail: nobody}"), @r"
        /mail fields/value: expected a mail address, found `nobody` (for example `somebody@acme.example`)
        /name fields/value: lower-case letters only
        /ratio fields/value: expected at most 1, found 2
        /since fields/value: expected `2026-12-31` or earlier, found `2027-01-01`
        /tier fields/value: expected one of `small`, `large`, found `medium`
        /zones fields/value: `a` stands in this list twice (take one of the two away)
        /zones fields/value: expected at most 2 entries, found 3
        /zones/2 fields/value: expected one of `a`, `b`, `c`, found `x`
        ");
    assert_snapshot!(check("{name: 5, tier: large, disk: 51, ratio: '1', zones: a, since: 2026-02-30, backup: 'no'}"), @r"
        /backup fields/type: expected true or false, found text `no` (write `false`)
        /disk fields/value: expected a multiple of 5, found 51
        /name fields/type: expected text, found number `5` (write text that matches `^[a-z]+$`)
        /ratio fields/type: expected a number, found text `1` (take the quotes away: 1)
        /since fields/value: expected a date written as year, month and day, found `2026-02-30` (for example `2027-01-31`)
        /zones fields/type: expected a list, found text `a` (write a list: `[a]`)
        ");
    assert_snapshot!(check("{name: ab, tier: large, disk: 5.5, zones: [], since: 2025-01-01, mail: a@b.org}"), @r"
        /disk fields/value: expected a multiple of 5, found 5.5
        /disk fields/value: expected at least 10, found 5.5
        /mail fields/value: expected a mail address, found `a@b.org` (for example `somebody@acme.example`)
        /name fields/value: expected at least 3 characters, found 2 (lower-case letters only)
        /since fields/value: expected `2026-01-01` or later, found `2025-01-01`
        /zones fields/value: expected at least 1 entry, found 0
        ");
    assert_snapshot!(check("{name: null, policy: {path: ../../etc/passwd, sha256: x, extra: 1}}"), @r"
/name fields/type: expected text, found nothing (write one, or take the property away; the text `null` stands in quotes)
key /policy/extra fields/value: unknown property `extra` (known here: `path`, `sha256`)
/policy/path fields/value: expected a path below the folder of the service, found `../../etc/passwd` (for example `files/policy.json`)
/policy/sha256 fields/value: expected a SHA-256 digest of 64 lower-case hexadecimal digits, found `x`
");
}

#[test]
fn a_password_in_clear_is_never_repeated() {
    for value in
        ["hunter22", "{secret: hunter22}", "{secret: HUNTER, extra: hunter22}", "[hunter22]", "7"]
    {
        let told = check(&format!("{{name: ledger, password: {value}}}"));
        assert!(!told.is_empty() && !told.contains("hunter22"), "{told}");
    }
    assert_snapshot!(check("{name: ledger, password: hunter22}"), @"/password secret/in-clear: a password is named, never written down (write the name of a secret: {secret: PAYMENTS_DB_ADMIN})");
    assert_snapshot!(check("{name: ledger, password: {secret: hunter22}}"), @"/password/secret fields/value: expected a name of capital letters, digits and underscores under `secret` (write the name of a secret: {secret: PAYMENTS_DB_ADMIN})");
}

#[test]
fn what_is_not_known_yet_is_neither_wrong_nor_missing() {
    let unknown = crate::template::unknown("outputs.a.b");
    let mut values = fields("{name: ledger}");
    values.insert("tier".to_owned(), json!(unknown));
    values.insert("zones".to_owned(), json!([unknown]));
    assert_eq!(told(form(FORM).check(&values)), "");
    assert!(form(FORM).visible(&values).contains("disk"));
    values.insert("disk".to_owned(), json!(7));
    assert!(
        told(form(FORM).check(&values)).starts_with("/disk fields/value"),
        "its value is checked"
    );
}

#[test]
fn templates_are_unknown_in_a_config_only() {
    let values = fields("{name: '{{fields.appName}}-db', tier: '{{fields.tier}}', zones: 1}");
    assert_eq!(form(FORM).check(&values).len(), 4);
    assert_snapshot!(told(form(FORM).check_config(&values)), @"/zones fields/type: expected a list, found number `1` (write a list: `[1]`)");
}

#[test]
fn defaults_of_the_environment_decide_what_is_visible() {
    let over = |defaults: &str, given: &str| {
        told(form(FORM).check_over(&fields(defaults), &fields(given)))
    };
    assert_eq!(over("{tier: large, name: ledger}", "{disk: 50, notes: x}"), "");
    assert_eq!(over("{tier: small, name: 7, disk: x, zzz: 1}", "{}"), "", "they are not checked");
    assert_snapshot!(over("{tier: large, disk: 5, name: ledger}", "{tier: small, disk: 50}"), @"key /disk fields/hidden: field `disk` is given but not visible (it is there only when `tier` is `large`)");
}

#[test]
fn the_author_speaks_about_limits() {
    let form = form(
        "groups: [{id: g, name: G, fields: [{id: a, name: A, type: number, validation: {max: 3, message: three at most}}]}]",
    );
    assert_snapshot!(told(form.check(&fields("{a: 4}"))), @"/a fields/value: expected at most 3, found 4 (three at most)");
}

#[test]
fn defaults_fill_what_is_visible() {
    let form = form(
        "groups: [{id: g, name: G, fields: [
            {id: a, name: A, type: boolean, default: true},
            {id: b, name: B, type: string, default: x, conditional: {field: a, operator: eq, value: true}},
            {id: c, name: C, type: number, default: 1, conditional: {field: b, operator: in, value: [y, z]}}]}]",
    );
    let resolved = |given: &str| Value::Object(form.with_defaults(&fields(given)));
    assert_eq!(resolved("{}"), json!({"a": true, "b": "x"}));
    assert_eq!(resolved("{b: y}"), json!({"a": true, "b": "y", "c": 1}));
    assert_eq!(resolved("{a: false, b: y, other: 1}"), json!({"a": false, "other": 1}));
}

#[test]
fn rings_and_endless_chains_hide_and_do_not_hang() {
    let ring = form(
        "groups: [{id: g, name: G, fields: [
            {id: a, name: A, type: string, conditional: {field: b, operator: ne, value: x}},
            {id: b, name: B, type: string, conditional: {field: a, operator: ne, value: x}}]}]",
    );
    assert!(ring.visible(&Map::new()).is_empty());
    let fields: Vec<Value> = (0..2000)
        .map(|index| {
            json!({"id": format!("f{index}"), "name": "F", "type": "string", "required": true,
                "conditional": {"field": format!("f{}", index + 1), "operator": "ne", "value": "x"}})
        })
        .collect();
    let long: Form =
        serde_json::from_value(json!({"groups": [{"id": "g", "name": "G", "fields": fields}]}))
            .expect("it is a form");
    assert!(long.check(&Map::new()).is_empty());
    assert!(compile(&long.schema()).is_some_and(|schema| schema.is_valid(&json!({}))));
}

#[test]
fn the_schema_of_a_form_is_for_people_too() {
    let form = form(
        "groups: [{id: g, name: G, fields: [
            {id: size, name: Size, type: select, enum: [{value: s, label: Small}, l], default: s, description: How large.},
            {id: disk, name: Disk, type: number, required: true, validation: {step: 1}, conditional: {field: size, operator: ne, value: s}}]}]",
    );
    insta::assert_json_snapshot!(form.schema(), @r#"
{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "additionalProperties": false,
  "allOf": [
    {
      "else": {
        "properties": {
          "disk": false
        }
      },
      "if": {
        "allOf": [
          {
            "properties": {
              "size": {
                "not": {
                  "const": "s"
                }
              }
            },
            "required": [
              "size"
            ]
          }
        ]
      },
      "then": {
        "required": [
          "disk"
        ]
      }
    }
  ],
  "properties": {
    "disk": {
      "multipleOf": 1,
      "title": "Disk",
      "type": "integer"
    },
    "size": {
      "default": "s",
      "description": "How large.",
      "enum": [
        "s",
        "l"
      ],
      "title": "Size"
    }
  },
  "type": "object"
}
"#);
}

/// A value that fits its field, or in one of eight cases any value.
fn one_value(kind: &'static str) -> impl Strategy<Value = Value> {
    let fitting = match kind {
        "string" => vec![json!("ab"), json!("abc"), json!("xyz")],
        "number" => vec![json!(1), json!(1.0), json!(2), json!(3), json!(4)],
        "boolean" => vec![json!(true), json!(false)],
        "select" => vec![json!("a"), json!("ab"), json!(1)],
        "multiselect" => vec![json!(["a"]), json!(["ab", 1])],
        "date" => vec![json!("2026-05-05"), json!("2026-05-06")],
        _ => vec![json!({"secret": "A"})],
    };
    let any = vec![json!("a"), json!(2.5), json!(8), json!(["a", "a"]), json!("9"), Value::Null];
    prop_oneof![7 => prop::sample::select(fitting), 1 => prop::sample::select(any)]
}

const KINDS: [&str; 7] =
    ["string", "number", "boolean", "select", "multiselect", "date", "password"];

/// A field, and the value that a service gives for it.
fn one_field(index: usize) -> impl Strategy<Value = (Value, Option<Value>)> {
    prop::sample::select(KINDS.to_vec()).prop_flat_map(move |kind| {
        let condition = (0..4usize, prop::sample::select(KINDS.to_vec())).prop_flat_map(one_condition);
        (
            prop::bool::weighted(0.3),
            prop::option::of(one_value(kind)),
            prop::option::weighted(0.7, condition),
            prop::option::of(one_value(kind)),
        )
            .prop_map(move |(required, default, condition, value)| {
                let choices = if kind.ends_with("select") { json!(["a", "ab", 1]) } else { json!([]) };
                let validation = match kind {
                    "string" => json!({"pattern": "^[a-z]+$", "minLength": 2}),
                    "number" => json!({"step": 1, "max": 5}),
                    _ => json!({}),
                };
                let field = json!({"id": format!("f{index}"), "name": "F", "type": kind, "required": required,
                    "default": default, "enum": choices, "validation": validation, "conditional": condition});
                (field, value)
            })
    })
}

fn one_condition((decider, kind): (usize, &'static str)) -> impl Strategy<Value = Value> {
    let operators = vec!["eq", "ne", "gt", "gte", "lt", "lte", "in", "notIn", "contains"];
    (prop::sample::select(operators), one_value(kind)).prop_map(move |(operator, value)| {
        let value = match operator {
            "in" | "notIn" => json!([value, "ab"]),
            "contains" => json!("a"),
            "gt" | "gte" | "lt" | "lte" => json!(2),
            _ => value,
        };
        json!({"field": format!("f{decider}"), "operator": operator, "value": value})
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// The schema that the API serves and the check that people read agree about every form and every value.
    #[test]
    fn the_schema_and_the_check_agree(
        parts in (one_field(0), one_field(1), one_field(2), one_field(3)),
        stray in prop::bool::weighted(0.05),
    ) {
        let parts = [parts.0, parts.1, parts.2, parts.3];
        let mut values: Map<String, Value> = parts
            .iter()
            .filter_map(|(field, value)| Some((field["id"].as_str()?.to_owned(), value.clone()?)))
            .collect();
        if stray {
            values.insert("stray".to_owned(), json!(1));
        }
        let fields: Vec<Value> = parts.into_iter().map(|(field, _)| field).collect();
        let form: Form =
            serde_json::from_value(json!({"groups": [{"id": "g", "name": "G", "fields": fields}]}))
                .expect("it is a form");
        let validator = compile(&form.schema()).expect("a form compiles");
        let problems = form.check(&values);
        let valid = validator.is_valid(&Value::Object(values.clone()));
        prop_assert_eq!(valid, problems.is_empty(), "{:?}\n{:?}\n{}", problems, values, form.schema());
    }
}
