//! Tests of the schemas and of the words they are explained in.

use insta::assert_snapshot;

use super::*;

fn document(text: &str) -> Value {
    serde_yaml::from_str(text).expect("the fixture is YAML")
}

/// Merges a patch (RFC 7396) into a document that is right, and lists what is wrong then.
fn check(kind: Kind, patch: &str) -> String {
    let mut value = document(right(kind));
    merge(&mut value, document(patch));
    let lines: Vec<String> = problems(kind, &value)
        .into_iter()
        .map(|problem| {
            let key = if problem.at_key { "key " } else { "" };
            let hint = problem.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
            format!("{key}{} {}: {}{hint}", problem.pointer, problem.rule, problem.message)
        })
        .collect();
    lines.join("\n")
}

fn merge(target: &mut Value, patch: Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (key, value) in patch {
                if value.is_null() {
                    target.remove(&key);
                } else {
                    merge(target.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (target, patch) => *target = patch,
    }
}

fn right(kind: Kind) -> &'static str {
    match kind {
        Kind::Item => include_str!("fixtures/item.yaml"),
        Kind::Bundle => include_str!("fixtures/bundle.yaml"),
        Kind::Service => include_str!("fixtures/service.yaml"),
        Kind::Environment => include_str!("fixtures/environment.yaml"),
        Kind::Settings => include_str!("fixtures/trueline.yaml"),
    }
}

#[test]
fn everything_on_the_page_of_the_format_is_known() {
    for kind in Kind::ALL {
        assert_eq!(check(kind, "{}"), "", "{kind}");
    }
}

#[test]
fn unknown_keys_are_named_with_what_was_probably_meant() {
    assert_snapshot!(check(Kind::Service, "{prioritiy: low, metadata: {zzz: 1}, 'a/b~c': 1}"), @r"
key /a~1b~0c schema/unknown-key: unknown property `a/b~c` (known here: `catalogBundle`, `catalogItem`, `deletionPolicy`, `dependsOn`, `drift`, `expires`, `fields`, `kind`, `metadata`, `onExpiry`, `priority`, `schemaVersion`, `state`, `version`)
key /metadata/zzz schema/unknown-key: unknown property `zzz` (known here: `description`, `environment`, `formerIds`, `id`, `labels`, `team`)
key /prioritiy schema/unknown-key: unknown property `prioritiy` (did you mean `priority`?)
");
    assert_snapshot!(
        check(Kind::Item, "{fulfillment: {automatic: {actions: [{type: notify, config: {}, depends_on: []}]}}}"), @"key /fulfillment/automatic/actions/0/depends_on schema/unknown-key: unknown property `depends_on` (did you mean `dependsOn`?)");
}

#[test]
fn missing_keys_stand_at_their_parent() {
    assert_snapshot!(check(Kind::Item, "{metadata: {owner: {team: null}, category: null}}"), @r"
/metadata schema/missing-key: missing property `category` (`category`: the folder under `catalog/` that an item stands in)
/metadata/owner schema/missing-key: missing property `team` (`team`: id of the team that answers for it)
");
    assert_snapshot!(check(Kind::Item, "{fulfillment: {manual: null, automatic: null}}"), @r"
/fulfillment schema/missing-key: missing property `automatic` (`automatic`: how machines do it; required when the mode is automatic)
/fulfillment schema/missing-key: missing property `manual` (`manual`: how people do it; always required)
");
    assert_snapshot!(check(Kind::Service, "{catalogItem: null}"), @" schema/missing-key: missing one of `catalogItem`, `catalogBundle` (write exactly one of them)");
    assert_snapshot!(check(Kind::Bundle, "{components: [{id: a}]}"), @"/components/0 schema/missing-key: missing property `catalogItem` (`catalogItem`: id of the item)");
}

#[test]
fn one_of_two_is_explained() {
    assert_snapshot!(check(Kind::Service, "{catalogBundle: bundle-web}"), @" schema/value: only one of `catalogItem`, `catalogBundle` may be given (keep one of them, take the others away)");
    assert_snapshot!(check(Kind::Environment, "{changeWindows: [{reason: x}]}"), @"/changeWindows/0 schema/missing-key: missing one of `allow`, `deny` (write exactly one of them)");
}

#[test]
fn wrong_types_name_both_and_say_what_to_write() {
    assert_snapshot!(check(Kind::Item, "{metadata: {version: 1.4, name: true, tags: sql}}"), @r#"
        /metadata/name schema/type: expected text, found `true` (put it in quotes: "true")
        /metadata/tags schema/type: expected a list, found text `sql` (write a list: `[sql]`)
        /metadata/version schema/type: expected text, found number `1.4` (write a semantic version of three numbers, with an optional pre-release and build, for example `1.4.0`)
        "#);
    assert_snapshot!(check(Kind::Settings, "{guard: {maxDeletions: '5', maxUpdates: 1.5}, owners: {required: 'true'}}"), @r"
/guard/maxDeletions schema/type: expected a whole number, found text `5` (take the quotes away: 5)
/guard/maxUpdates schema/type: expected a whole number, found number `1.5`
/owners/required schema/type: expected true or false, found text `true` (take the quotes away: true)
");
    assert_snapshot!(check(Kind::Item, "{metadata: [], fulfillment: {approval: 2}}"), @r"
/fulfillment/approval schema/type: expected a mapping, found number `2` (write `{key: value}`, or each `key: value` on its own line below)
/metadata schema/type: expected a mapping, found a list (write `{key: value}`, or each `key: value` on its own line below)
");
}

#[test]
fn values_are_explained_by_their_rule() {
    assert_snapshot!(check(Kind::Service, "{metadata: {id: Päyments, team: a b}, state: ''}"), @r"
/metadata/id schema/value: expected a lower-case word of 4 to 30 letters, digits and hyphens, beginning with a letter and not ending in a hyphen, found `Päyments` (for example `payments-db`)
/metadata/team schema/value: expected a lower-case word of up to 63 letters, digits and hyphens, beginning with a letter and not ending in a hyphen, found `a b` (for example `payments-eu`)
/state schema/value: expected a lower-case word of up to 63 letters, digits and hyphens, beginning with a letter and not ending in a hyphen, found empty text (for example `hibernated`)
");
    assert_snapshot!(check(Kind::Service, "{expires: 2027-02-30, version: latest, priority: hihg}"), @r"
/expires schema/value: expected a date written as year, month and day, found `2027-02-30` (for example `2027-01-31`)
/priority schema/value: expected one of `critical`, `high`, `normal`, `low`, `background`, found `hihg` (did you mean `high`?)
/version schema/value: expected a requirement on a semantic version, found `latest` (for example `^1.4`)
");
    assert_snapshot!(check(Kind::Item, "{metadata: {version: '01.0.0', name: pg, description: short}}"), @r"
/metadata/description schema/value: expected at least 50 characters, found 5
/metadata/name schema/value: expected at least 3 characters, found 2
/metadata/version schema/value: expected a semantic version of three numbers, with an optional pre-release and build, found `01.0.0` (for example `1.4.0`)
");
    assert_snapshot!(check(Kind::Item, "{metadata: {sla: {provisioningTime: 0m}, cost: {currency: EURO, monthly: -1}, lifecycle: {sunset: soon}}}"), @r"
/metadata/cost/currency schema/value: expected an ISO 4217 code of three capital letters, found `EURO` (for example `EUR`)
/metadata/cost/monthly schema/value: expected at least 0, found -1
/metadata/lifecycle/sunset schema/value: expected a date written as year, month and day, found `soon` (for example `2027-01-31`)
/metadata/sla/provisioningTime schema/value: expected a whole number above zero with a unit: ms, s, m, h or d, found `0m` (for example `30m`)
");
    assert_snapshot!(check(Kind::Item, "{fulfillment: {operations: {Rotate: {actions: []}, rotate: {state: suspended, schedule: {cron: 0 25 * * *, timezone: ''}}}}}"), @r"
        key /fulfillment/operations/Rotate schema/value: expected a lower-case word of up to 63 letters, digits and hyphens, beginning with a letter and not ending in a hyphen, found `Rotate` (for example `payments-eu`)
        /fulfillment/operations/Rotate/actions schema/value: expected at least 1 entry, found 0
        /fulfillment/operations/rotate/schedule/cron schema/value: expected a cron expression of five fields: minute, hour, day, month and weekday, found `0 25 * * *` (for example `0 9 * * MON-FRI`)
        /fulfillment/operations/rotate/schedule/timezone schema/value: expected an IANA time zone, found empty text (for example `Europe/Berlin`)
        /fulfillment/operations/rotate/state schema/value: `state` must not be `suspended` (state that the operation leads to, where a service may ask for it; `suspended` is one that every item has, so choose another name)
        ");
    assert_snapshot!(check(Kind::Item, "{fulfillment: {manual: {actions: [{type: jira, config: {}, retry: {attempts: 0, delay: 5 s, backoff: linear}}]}}}"), @r"
/fulfillment/manual/actions/0/retry/attempts schema/value: expected at least 1, found 0
/fulfillment/manual/actions/0/retry/backoff schema/value: expected one of `exponential`, `fixed`, found `linear`
/fulfillment/manual/actions/0/retry/delay schema/value: expected a whole number above zero with a unit: ms, s, m, h or d, found `5 s` (for example `30m`)
/fulfillment/manual/actions/0/type schema/value: expected one of `approval`, `command`, `git-commit`, `github-workflow`, `jira-ticket`, `manual-task`, `notify`, `rest-api`, `terraform`, `webhook`, found `jira`
");
    assert_snapshot!(check(Kind::Item, "{fulfillment: {health: {expect: {status: [99, '2xx', 200, 200]}}}}"), @r"
/fulfillment/health/expect/status schema/value: number `200` stands in this list twice (take one of the two away)
/fulfillment/health/expect/status/0 schema/value: expected at least 100, found 99
/fulfillment/health/expect/status/1 schema/value: expected an HTTP status code or a range of them, found `2xx` (for example `200-299`)
");
    assert_snapshot!(check(Kind::Environment, "{changeWindows: [{deny: {from: x, to: 2027-01-15, timezone: UTC}}], metadata: {name: ''}}"), @r"
/changeWindows/0/deny/from schema/value: expected a date written as year, month and day, found `x` (for example `2027-01-31`)
/metadata/name schema/value: expected text that is not empty
");
    assert_snapshot!(check(Kind::Settings, "{validation: {rules: {x: loud}}, guard: {maxDeletionsPercent: 101, firstContact: go}, owners: {fallback: [acme]}}"), @r"
/guard/firstContact schema/value: expected one of `observe`, `apply`, found `go`
/guard/maxDeletionsPercent schema/value: expected at most 100, found 101
/owners/fallback/0 schema/value: expected an owner as CODEOWNERS writes it: @user, @organisation/team or a mail address, found `acme` (for example `@acme/platform`)
key /validation/rules/x schema/value: expected a rule of validation, written as group and name, found `x` (for example `description/length`)
/validation/rules/x schema/value: expected one of `error`, `warning`, `note`, `off`, found `loud`
");
}

#[test]
fn what_is_not_a_mapping_is_one_problem() {
    for value in [Value::Null, Value::from(3), Value::from(vec![1]), Value::from("x")] {
        assert_eq!(problems(Kind::Service, &value).len(), 1, "{value}");
    }
}

#[test]
fn control_characters_and_long_texts_are_cut() {
    let long = "x".repeat(500);
    let shown =
        check(Kind::Service, &format!("{{priority: \"\\u001b[31m{long}\", \"{long}\": 1}}"));
    assert!(!shown.contains('\u{1b}') && shown.len() < 1200, "{shown}");
}

fn walk(schema: &Value, path: &str, visit: &mut impl FnMut(&Value, &str)) {
    visit(schema, path);
    match schema {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| walk(value, &format!("{path}/{key}"), visit));
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, value)| walk(value, &format!("{path}/{index}"), visit));
        }
        _ => {}
    }
}

#[test]
fn every_property_is_described_and_every_object_closed() {
    let mut seen = 0;
    for (file, text) in schemas() {
        let schema: Value = serde_json::from_str(text).expect("a schema is JSON");
        walk(&schema, file, &mut |node, path| {
            let inside_condition = path.contains("/if") || path.contains("/then");
            for place in ["properties", "$defs"] {
                let Some(members) = node[place].as_object().filter(|_| !inside_condition) else {
                    continue;
                };
                for (name, member) in members {
                    seen += 1;
                    for word in ["title", "description"] {
                        let text = member[word].as_str().unwrap_or_default();
                        assert!(!text.is_empty(), "{path}/{place}/{name} has no {word}");
                    }
                    let description = member["description"].as_str().unwrap_or_default();
                    assert!(description.ends_with('.'), "{path}/{place}/{name}: {description}");
                }
                let closed =
                    node["additionalProperties"] == false || node["unevaluatedProperties"] == false;
                assert!(place == "$defs" || closed, "{path} is open");
            }
        });
    }
    assert!(seen > 150, "only {seen} properties were seen");
}

#[test]
fn a_schema_refers_to_nothing_outside_itself_and_holds_nothing_idle() {
    for kind in Kind::ALL {
        let schema = schema_of(kind);
        let text = schema.to_string();
        walk(&schema, "", &mut |node, path| {
            let Some(target) = node["$ref"].as_str() else { return };
            let found = target.strip_prefix('#').and_then(|pointer| schema.pointer(pointer));
            assert!(found.is_some(), "{path}: {target}");
        });
        for name in schema["$defs"].as_object().into_iter().flatten().map(|(name, _)| name) {
            assert!(text.contains(&format!("\"#/$defs/{name}\"")), "{kind}: {name} is idle");
        }
    }
}

#[test]
fn every_example_and_default_obeys_its_own_rule() {
    let common: Value = serde_json::from_str(FILES[5].1).expect("a schema is JSON");
    for (name, definition) in common["$defs"].as_object().expect("it has definitions") {
        for example in definition["examples"].as_array().into_iter().flatten() {
            let validator = compile(definition).expect("a definition with examples stands alone");
            assert!(validator.is_valid(example), "{name}: {example}");
        }
        let patterned = definition.get("pattern").is_some() || definition.get("format").is_some();
        assert!(!patterned || definition.get("examples").is_some(), "{name} has no example");
    }
}
