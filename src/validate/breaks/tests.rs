//! Tests of what a change breaks: forms, outputs, visibility, operations, components.

use super::super::testing::{BUNDLE, ITEM, SERVICE, judge};
use super::*;

/// Compares `database-standard` before and after replacements in its text.
#[track_caller]
fn check(before: &[(&str, &str)], after: &[(&str, &str)], expected: &[&str]) {
    let with = |all: &[(&str, &str)]| {
        let text = all.iter().fold(ITEM.to_owned(), |text, (old, new)| {
            assert!(text.contains(old), "{old}");
            text.replace(old, new)
        });
        let judged = judge(&text);
        assert!(judged.findings.iter().all(|finding| !finding.is_error()), "{:?}", judged.findings);
        judged.catalog.items["database-standard"].body.clone()
    };
    let found = item_breaks(&with(before), &with(after));
    let found: Vec<String> =
        found.iter().map(|one| format!("{} {}", one.pointer, one.what)).collect();
    assert_eq!(found, expected);
}

const LABEL: &str = "{id: label, name: Label, type: string}";
const FIELD: &str = "/presentation/form/groups/0/fields/1";

/// Compares two ways to write the field `label`; where it stands is left out of what is expected.
#[track_caller]
fn check_label(before: &str, after: &str, expected: &[&str]) {
    let expected: Vec<String> = expected.iter().map(|one| format!("{FIELD}/{one}")).collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    let field = |rest: &str| format!("{{id: label, name: Label, {rest}}}");
    check(&[(LABEL, &field(before))], &[(LABEL, &field(after))], &expected);
}

#[test]
fn fields_come_and_go() {
    check(&[], &[], &[]);
    check(
        &[],
        &[(&format!("\n          - {LABEL}"), "")],
        &["/presentation/form/groups field `label` is gone"],
    );
    let more =
        |rest: &str| format!("{LABEL}\n          - {{id: zone, name: Zone, type: string{rest}}}");
    check(&[], &[(LABEL, &more(""))], &[]);
    check(&[], &[(LABEL, &more(", required: true, default: a"))], &[]);
    check(
        &[],
        &[(LABEL, &more(", required: true"))],
        &["/presentation/form/groups/0/fields/2/required the new field `zone` must be given"],
    );
    let when = |value: &str| {
        more(&format!(
            ", required: true, conditional: {{field: size, operator: eq, value: {value}}}"
        ))
    };
    check(
        &[],
        &[(LABEL, &when("large"))],
        &["/presentation/form/groups/0/fields/2/required the new field `zone` must be given"],
    );
    // Nobody can have chosen what was not there.
    check(&[], &[(LABEL, &when("huge")), ("[small, large]", "[small, large, huge]")], &[]);
}

#[test]
fn types_may_widen() {
    check_label("type: string", "type: textarea", &[]);
    check_label("type: email", "type: string", &[]);
    check_label("type: select, enum: [a, b]", "type: string", &[]);
    check_label(
        "type: string",
        "type: number",
        &["type field `label` is of type number now, and was of type string"],
    );
    check_label(
        "type: string",
        "type: email",
        &["type field `label` is of type email now, and was of type string"],
    );
    check_label(
        "type: select, enum: [a]",
        "type: multiselect, enum: [a]",
        &["type field `label` is of type multiselect now, and was of type select"],
    );
}

#[test]
fn what_must_be_given() {
    check_label(
        "type: string",
        "type: string, required: true",
        &["required field `label` must be given now"],
    );
    check_label("type: string", "type: string, required: true, default: a", &[]);
    check_label(
        "type: string, required: true, default: a",
        "type: string, required: true",
        &["default field `label` must be given now"],
    );
    check_label("type: string, required: true", "type: string", &[]);
    check_label(
        "type: string",
        "type: string, immutable: true",
        &["immutable a change of field `label` deletes and makes anew now"],
    );
}

#[test]
fn choices_and_limits_may_widen() {
    check_label(
        "type: select, enum: [a, b]",
        "type: select, enum: [b, c]",
        &["enum field `label` no longer takes `a`"],
    );
    check_label("type: select, enum: [a]", "type: select, enum: [{value: a, label: A}]", &[]);
    for (kind, was, is, expected) in [
        ("string", "", "minLength: 0", ""),
        ("string", "", "minLength: 3", "minLength` `3` now, and there was none"),
        ("string", "minLength: 3", "minLength: 2", ""),
        ("string", "maxLength: 9", "maxLength: 8", "maxLength` `8` now, and it was `9`"),
        ("string", "maxLength: 9", "", ""),
        ("string", "pattern: '^a+$'", "pattern: '^b+$'", "pattern` `^b+$` now, and it was `^a+$`"),
        ("string", "pattern: '^a+$'", "pattern: '^a+$', message: x", ""),
        ("number", "min: 1.5", "min: 2", "min` `2` now, and it was `1.5`"),
        ("number", "max: 10", "max: 9.5", "max` `9.5` now, and it was `10`"),
        ("number", "step: 2", "step: 1", ""),
        ("number", "step: 2", "step: 3", "step` `3` now, and it was `2`"),
        ("date", "min: 2026-01-01", "min: 2025-12-31", ""),
        (
            "date",
            "max: 2026-01-01",
            "max: 2025-12-31",
            "max` `2025-12-31` now, and it was `2026-01-01`",
        ),
        ("file", "mediaTypes: [text/plain]", "mediaTypes: [text/plain, text/csv]", ""),
        ("file", "maxBytes: 10", "maxBytes: 9", "maxBytes` `9` now, and it was `10`"),
    ] {
        let with = |limits: &str| match limits {
            "" => format!("type: {kind}"),
            _ => format!("type: {kind}, validation: {{{limits}}}"),
        };
        let name = expected.split('`').next().unwrap_or_default();
        let full = format!("validation/{name} field `label` has the `{expected}");
        let full = [full.as_str()];
        check_label(&with(was), &with(is), if expected.is_empty() { &[] } else { &full });
    }
}

#[test]
fn conditions_may_widen() {
    let when = |operator: &str, value: &str| {
        format!("type: string, conditional: {{field: size, operator: {operator}, value: {value}}}")
    };
    check_label(
        "type: string",
        &when("eq", "large"),
        &["conditional field `label` is shown under a condition only now"],
    );
    check_label(&when("eq", "large"), "type: string", &[]);
    check_label(&when("eq", "large"), &when("in", "[large, small]"), &[]);
    check_label(
        &when("in", "[large, small]"),
        &when("eq", "small"),
        &["conditional field `label` is shown under another condition now"],
    );
    let demanded = |text: &str| format!("{text}, required: true");
    check_label(
        &demanded(&when("eq", "large")),
        &demanded("type: string"),
        &["required field `label` must be given where it was not shown before"],
    );
}

#[test]
fn outputs_operations_and_visibility() {
    let url = "  url: {value: \"{{outputs.provision.url}}\"";
    check(
        &[],
        &[(url, "  address: {value: \"{{outputs.provision.url}}\"")],
        &["/outputs/url output `url` is gone"],
    );
    check(
        &[],
        &[(url, &format!("{url}, sensitive: true"))],
        &["/outputs/url/sensitive output `url` is sensitive now"],
    );
    check(
        &[(url, &format!("{url}, share: [a-team, b-team]"))],
        &[(url, &format!("{url}, share: [a-team]"))],
        &["/outputs/url/share output `url` is no longer shared with `b-team`"],
    );
    let operation = |name: &str, rest: &str| {
        format!(
            "  operations:\n    {name}: {{{rest}actions: [{{type: notify, config: {{channel: log, subject: s, message: m}}}}]}}\noutputs:\n  url:"
        )
    };
    let from = "outputs:\n  url:";
    let sleep = operation("sleep", "state: hibernated, ");
    check(&[(from, &sleep)], &[], &["/fulfillment/operations/sleep operation `sleep` is gone"]);
    check(
        &[(from, &sleep)],
        &[(from, &operation("sleep", ""))],
        &[
            "/fulfillment/operations/sleep/state operation `sleep` no longer leads to the state `hibernated`",
        ],
    );
    let visible = |rest: &str| format!("  visibility: {rest}\n  category:");
    check(
        &[],
        &[("  category:", &visible("{teams: [a-team, b-team]}"))],
        &[
            "/metadata/visibility/teams it is no longer offered to every team, but to `a-team` and `b-team` only",
        ],
    );
    check(
        &[("  category:", &visible("{teams: [a-team, b-team]}"))],
        &[("  category:", &visible("{teams: [b-team, c-team]}"))],
        &["/metadata/visibility/teams it is no longer offered to team `a-team`"],
    );
}

#[test]
fn bundles_have_components() {
    let judged = |text: &str| judge(&format!("{ITEM}{text}")).catalog;
    let base = judged(BUNDLE);
    let check = |head: &str, expected: &[&str]| {
        let head = judged(head);
        let id = "bundle-webapp";
        let found = bundle_breaks(&base.bundles[id].body, &head.bundles[id].body, &head);
        let found: Vec<&str> = found.iter().map(|one| one.what.as_str()).collect();
        assert_eq!(found, expected);
    };
    check(BUNDLE, &[]);
    let renamed = BUNDLE.replace("  - id: replica", "  - id: copy");
    check(&renamed, &["component `replica` is gone, and what services have of it is deleted"]);
    check(&renamed.replace("id: copy", "id: copy\n    formerIds: [replica]"), &[]);
    let other = ITEM.replace("database-standard", "database-other");
    let of_other = BUNDLE.replace(
        "id: replica\n    catalogItem: database-standard",
        "id: replica\n    catalogItem: database-other",
    );
    check(
        &format!("{of_other}{other}"),
        &[
            "component `replica` is of `database-other` now, and replaces what services have of `database-standard`",
        ],
    );
}

#[test]
fn paths_that_owners_must_look_at() {
    let paths = |before: &str, after: &str| {
        let paths = breaking_items(&judge(before).catalog, &judge(after).catalog);
        paths.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let path = "catalog/databases/database-standard.yaml";
    let narrow = ITEM.replace("[small, large]", "[small]");
    assert_eq!(paths(ITEM, ITEM), Vec::<String>::new());
    assert_eq!(paths(ITEM, &narrow), [path]);
    assert_eq!(paths(ITEM, &narrow.replace("1.4.0", "2.0.0")), [path]);
    assert_eq!(paths(ITEM, SERVICE), Vec::<String>::new());
    assert_eq!(paths(&format!("{ITEM}{SERVICE}"), SERVICE), [path]);
    let moved = ITEM
        .replace("database-standard", "database-plain")
        .replace("  name: Database", "  formerIds: [database-standard]\n  name: Database");
    assert_eq!(paths(&format!("{ITEM}{SERVICE}"), &moved), Vec::<String>::new());
    let both = moved.replace("[small, large]", "[small]");
    assert_eq!(paths(ITEM, &both), ["catalog/databases/database-plain.yaml", path]);
}
