//! Tests of what is wrong with a form in itself: one for each way to write it wrong.

use insta::assert_snapshot;

use super::*;
use crate::finding::Severity;

/// Checks the fields of a form of one group.
fn check(fields: &str) -> String {
    let text = format!("groups: [{{id: main, name: Main, fields: [{fields}]}}]");
    let form: Form = serde_yaml::from_str(&text).expect("the fixture is a form");
    told(&form)
}

fn told(form: &Form) -> String {
    let lines: Vec<String> = form
        .problems()
        .into_iter()
        .map(|problem| {
            let key = if problem.at_key { "key " } else { "" };
            let warning = if problem.severity == Severity::Warning { "warning " } else { "" };
            let hint = problem.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
            format!("{warning}{key}{} {}: {}{hint}", problem.pointer, problem.rule, problem.message)
        })
        .collect();
    lines.join("\n")
}

const TIER: &str = "{id: tier, name: Tier, type: select, enum: [small, large]}";
const SIZE: &str = "{id: size, name: Size, type: number}";

#[test]
fn what_is_right_is_left_alone() {
    assert_eq!(
        check(&format!(
            "{TIER}, {SIZE}, {{id: a, name: A, type: string, default: ab, validation: {{pattern: '^[a-z]+$', minLength: 2, maxLength: 2}}, conditional: {{field: tier, operator: in, value: [small]}}}}, \
             {{id: b, name: B, type: date, validation: {{min: 2026-01-01, max: 2026-01-01}}, conditional: {{field: size, operator: gt, value: 3}}}}"
        )),
        ""
    );
}

#[test]
fn ids_are_unique_in_the_form() {
    let form: Form = serde_yaml::from_str(
        "groups: [{id: g, name: G, fields: [{id: g, name: A, type: boolean}]}, {id: g, name: G, fields: [{id: g, name: A, type: boolean}]}]",
    )
    .expect("the fixture is a form");
    assert_snapshot!(told(&form), @r"
/groups/1/fields/0/id form/duplicate-id: another field, in group `G`, has the id `g` already (give one of the two fields another id, or take it away)
/groups/1/id form/duplicate-id: another group has the id `g` already (give one of the two groups another id, or take it away)
");
}

#[test]
fn limits_belong_to_types_and_leave_room() {
    assert_snapshot!(check("{id: a, name: A, type: number, validation: {maxLength: 3, min: x, max: 2}}"), @r"
key /groups/0/fields/0/validation/maxLength form/limits: `maxLength` means nothing for a field of type `number` (its limits: `min`, `max`, `step`, `message`)
/groups/0/fields/0/validation/min form/limits: expected a number, found text `x`
");
    assert_snapshot!(check("{id: a, name: A, type: boolean, validation: {message: x}}"), @"key /groups/0/fields/0/validation/message form/limits: `message` means nothing for a field of type `boolean` (this type has no limits)");
    assert_snapshot!(check("{id: a, name: A, type: number, validation: {min: 3, max: 2}}"), @"/groups/0/fields/0/validation/min form/limits: `min` 3 is beyond `max` 2 (correct one of the two)");
    assert_snapshot!(check("{id: a, name: A, type: string, validation: {minLength: 3, maxLength: 2}}"), @"/groups/0/fields/0/validation/minLength form/limits: `minLength` 3 is beyond `maxLength` 2 (correct one of the two)");
    assert_snapshot!(check("{id: a, name: A, type: date, validation: {min: 2026-02-01, max: 2026-01-01}}"), @"/groups/0/fields/0/validation/min form/limits: `min` 2026-02-01 is beyond `max` 2026-01-01 (correct one of the two)");
    assert_snapshot!(check("{id: a, name: A, type: date, validation: {min: 5, max: 2026-13-01}}"), @r#"
        /groups/0/fields/0/validation/max form/limits: expected a date written as year, month and day, found `2026-13-01` (for example `2027-01-31`)
        /groups/0/fields/0/validation/min form/limits: expected text, found number `5` (put it in quotes: "5")
        "#);
    assert_snapshot!(check("{id: a, name: A, type: multiselect, enum: [x], validation: {minItems: 2}}"), @"/groups/0/fields/0/validation/minItems form/limits: `minItems` 2 is more than the 1 choice there is (lower it, or list more under `enum`)");
}

#[test]
fn something_fits_between_the_limits() {
    let field = |rest: &str| check(&format!("{{id: a, name: A, {rest}}}"));
    assert_snapshot!(field("type: number, validation: {min: 6, max: 9, step: 5}"), @"/groups/0/fields/0/validation/step form/limits: no multiple of `step` 5 lies between `min` 6 and `max` 9 (correct one of the three)");
    assert_snapshot!(field("type: string, validation: {pattern: '^[a-z]{3}-\\p{L}{3,}$', maxLength: 6}"), @"/groups/0/fields/0/validation/maxLength form/limits: `maxLength` 6 is less than the 7 characters that `pattern` asks for (correct one of the two)");
    assert_snapshot!(field("type: string, validation: {pattern: '^(é|ab){1,2}$', minLength: 5}"), @"/groups/0/fields/0/validation/minLength form/limits: `minLength` 5 is more than the 4 characters that `pattern` allows (correct one of the two)");
    assert_snapshot!(field("type: string, required: true, validation: {maxLength: 0}"), @"/groups/0/fields/0/validation/maxLength form/limits: the field is required, and `maxLength` 0 lets nothing be given (raise it, or take `required` away)");
    assert_snapshot!(field("type: multiselect, enum: [x, y], required: true, validation: {maxItems: 0}"), @"/groups/0/fields/0/validation/maxItems form/limits: the field is required, and `maxItems` 0 lets nothing be given (raise it, or take `required` away)");
    for fits in [
        "type: number, validation: {min: 6, max: 10, step: 5}",
        "type: number, validation: {min: -4, max: 4, step: 5}",
        "type: number, validation: {min: 0.1, max: 0.3, step: 0.1}",
        "type: number, validation: {min: 0.3, max: 0.3, step: 0.1}",
        "type: string, validation: {pattern: '^é{4}$', minLength: 4, maxLength: 4}",
        "type: string, validation: {pattern: '^(|abc)$', maxLength: 1}",
        "type: string, validation: {pattern: '^.*$', minLength: 900}",
        "type: string, validation: {maxLength: 0}",
    ] {
        assert_eq!(field(fits), "", "{fits}");
    }
}

#[test]
fn choices_belong_to_selects() {
    assert_snapshot!(check("{id: a, name: A, type: select}, {id: b, name: B, type: string, enum: [x]}"), @r"
        /groups/0/fields/0 form/choices: a field of type `select` needs choices (list them under `enum`)
        key /groups/0/fields/1/enum form/choices: a field of type `string` has no choices (make it a `select` or `multiselect`, or take `enum` away)
        ");
    assert_snapshot!(check("{id: a, name: A, type: select, enum: [x, {value: x, label: Other}]}"), @"/groups/0/fields/0/enum/1 form/choices: the choice `x` stands in this list twice (take one of the two away)");
}

#[test]
fn defaults_obey_their_field() {
    assert_snapshot!(check("{id: a, name: A, type: select, enum: [small], default: smal}"), @"/groups/0/fields/0/default form/default: the default does not obey its field: expected one of `small`, found `smal` (did you mean `small`?)");
    assert_snapshot!(check("{id: a, name: A, type: number, default: '5', validation: {max: 3}}"), @"/groups/0/fields/0/default form/default: the default does not obey its field: expected a number, found text `5` (take the quotes away: 5)");
    assert_snapshot!(check("{id: a, name: A, type: date, default: 2026-01-01, validation: {min: 2026-02-01}}"), @"/groups/0/fields/0/default form/default: the default does not obey its field: expected `2026-02-01` or later, found `2026-01-01`");
    assert_snapshot!(check("{id: a, name: A, type: string, default: '{{service.id}}'}"), @"warning /groups/0/fields/0/default form/default: a default is static: `{{` stands for itself here (write the value itself; templates stand in the actions of the item)");
    assert_snapshot!(check("{id: a, name: A, type: password, default: hunter22}"), @"/groups/0/fields/0/default secret/in-clear: a password is named, never written down (write the name of a secret: {secret: PAYMENTS_DB_ADMIN})");
}

#[test]
fn patterns_are_linear_valid_and_anchored() {
    let pattern = |pattern: &str| {
        check(&format!("{{id: a, name: A, type: string, validation: {{pattern: '{pattern}'}}}}"))
    };
    let told = [
        "^(?!x)[a-z]+$",
        "^ab(?<=b)$",
        r"^(a)\1$",
        "^(?<n>a)\\k<n>$",
        "^(?>a)$",
        "^[(?=]$",
        "^(a",
        "^((a{1,1000}){1,1000}){1,1000}$",
    ];
    let told = told.map(pattern).join("\n");
    assert_snapshot!(told, @r"
/groups/0/fields/0/validation/pattern form/pattern: `(?!` is a negative look-ahead at character 2: patterns take linear time and never go back (say what is allowed instead, or check it with `minLength` and `maxLength`)
/groups/0/fields/0/validation/pattern form/pattern: `(?<=` is a look-behind at character 4: patterns take linear time and never go back (say what is allowed instead, or check it with `minLength` and `maxLength`)
/groups/0/fields/0/validation/pattern form/pattern: `\1` is a back-reference at character 5: patterns take linear time and never go back (write out what may stand there)
/groups/0/fields/0/validation/pattern form/pattern: `\k` is a back-reference at character 9: patterns take linear time and never go back (write out what may stand there)
/groups/0/fields/0/validation/pattern form/pattern: `(?>` is an atomic group at character 2: patterns take linear time and never go back (write `(?:`: nothing goes back here in any case)

/groups/0/fields/0/validation/pattern form/pattern: the pattern is not a regular expression: unclosed group at character 2 (escape `( ) [ ] { } . * + ? \` where they stand for themselves)
/groups/0/fields/0/validation/pattern form/pattern: the pattern is too costly (repeat less: repetitions in one another multiply)
");
    let open = [
        "[a-z]+", "^a", "a$", "^a|b$", "^(a|b)$", "^a$|^b$", ".*a.*", "^a.*", "^a\\$", "^$",
        "(?i)^a$",
    ];
    let open = open.map(|text| format!("{text}    {}", pattern(text))).join("\n");
    assert_snapshot!(open, @r"
[a-z]+    warning /groups/0/fields/0/validation/pattern form/pattern-anchored: the pattern is not anchored: it matches a part of a text, whatever else is in it (write `^[a-z]+$`, or `.*` at that end where anything may stand there)
^a    warning /groups/0/fields/0/validation/pattern form/pattern-anchored: the pattern is not anchored at its end: anything may follow what it matches (write `^a$`, or `.*` at that end where anything may stand there)
a$    warning /groups/0/fields/0/validation/pattern form/pattern-anchored: the pattern is not anchored at its start: anything may stand before what it matches (write `^a$`, or `.*` at that end where anything may stand there)
^a|b$    warning /groups/0/fields/0/validation/pattern form/pattern-anchored: the pattern is not anchored: it matches a part of a text, whatever else is in it (write `^(?:a|b)$`, or `.*` at that end where anything may stand there)
^(a|b)$    
^a$|^b$    
.*a.*    
^a.*    
^a\$    warning /groups/0/fields/0/validation/pattern form/pattern-anchored: the pattern is not anchored at its end: anything may follow what it matches (write `^a\$$`, or `.*` at that end where anything may stand there)
^$    
(?i)^a$
");
}

#[test]
fn what_can_never_be_visible_is_told() {
    let with = |deciders: &str, condition: &str| {
        check(&format!(
            "{deciders}, {{id: a, name: A, type: string, required: true, conditional: {condition}}}"
        ))
    };
    let most = "{id: size, name: Size, type: number, required: true, validation: {min: 1, max: 5}}";
    let small = "{id: tier, name: Tier, type: select, enum: [small, large], default: small}";
    let chain = format!(
        "{small}, {{id: b, name: B, type: boolean, conditional: {{field: tier, operator: eq, value: small}}}}, \
         {{id: c, name: C, type: boolean, conditional: {{field: b, operator: eq, value: true}}}}"
    );
    let key = "{id: key, name: Key, type: string, validation: {pattern: '^[a-z]+$'}}";
    let never = [
        with(most, "{field: size, operator: gt, value: 5}"),
        with(most, "{field: size, operator: eq, value: 9}"),
        with(small, "{field: tier, operator: notIn, value: [small, large]}"),
        with(key, "{field: key, operator: eq, value: ABC}"),
    ];
    assert_snapshot!(never.join("\n"), @r"
warning /groups/0/fields/1/conditional form/never-visible: required field `a` can never be visible: there is no value with which `size` is more than `5` (compare with a value that `size` can have, or take `a` away)
warning /groups/0/fields/1/conditional form/never-visible: required field `a` can never be visible: there is no value with which `size` is `9` (compare with a value that `size` can have, or take `a` away)
warning /groups/0/fields/1/conditional form/never-visible: required field `a` can never be visible: there is no value with which `tier` is none of `small`, `large` (compare with a value that `tier` can have, or take `a` away)
warning /groups/0/fields/1/conditional form/never-visible: required field `a` can never be visible: there is no value with which `key` is `ABC` (compare with a value that `key` can have, or take `a` away)
");
    for (deciders, condition) in [
        (most, "{field: size, operator: gt, value: 4}"),
        (most, "{field: size, operator: ne, value: 3}"),
        (most, "{field: size, operator: lt, value: 2}"),
        (small, "{field: tier, operator: ne, value: small}"),
        (TIER, "{field: tier, operator: notIn, value: [small, large]}"),
        (chain.as_str(), "{field: c, operator: ne, value: true}"),
        (key, "{field: key, operator: contains, value: ABC}"),
    ] {
        assert_eq!(with(deciders, condition), "", "{condition}");
    }
}

#[test]
fn conditions_name_fields_and_compare_what_compares() {
    let when = |condition: &str| {
        check(&format!(
            "{TIER}, {SIZE}, {{id: key, name: Key, type: password}}, {{id: a, name: A, type: string, conditional: {condition}}}"
        ))
    };
    assert_snapshot!(when("{field: teir, operator: eq, value: small}"), @"/groups/0/fields/3/conditional/field form/condition: no field `teir` (did you mean `tier`?)");
    assert_snapshot!(when("{field: a, operator: eq, value: small}"), @"/groups/0/fields/3/conditional/field form/condition: a field cannot decide over itself (name another field, or take the condition away)");
    assert_snapshot!(when("{field: tier, operator: gt, value: small}"), @"/groups/0/fields/3/conditional/operator form/condition: `gt` cannot be asked of a field of type `select` (possible: `eq`, `ne`, `in`, `notIn`)");
    assert_snapshot!(when("{field: key, operator: eq, value: x}"), @"/groups/0/fields/3/conditional/operator form/condition: `eq` cannot be asked of a field of type `password` (no condition can hang on a `password`)");
    assert_snapshot!(when("{field: tier, operator: eq, value: smal}"), @"/groups/0/fields/3/conditional/value form/condition: expected one of `small`, `large`, found `smal` (did you mean `small`?)");
    assert_snapshot!(when("{field: size, operator: gt, value: '3'}"), @"/groups/0/fields/3/conditional/value form/condition: expected a number, found text `3` (take the quotes away: 3)");
    assert_snapshot!(when("{field: tier, operator: in, value: small}"), @"/groups/0/fields/3/conditional/value form/condition: expected a list, found text `small` (write a list: `[small]`)");
    assert_snapshot!(when("{field: tier, operator: notIn, value: []}"), @"/groups/0/fields/3/conditional/value form/condition: expected at least 1 entry, found 0");
}

#[test]
fn rings_of_conditions_are_printed_once() {
    let field = |id: &str, decider: &str| {
        format!(
            "{{id: {id}, name: F, type: string, conditional: {{field: {decider}, operator: eq, value: x}}}}"
        )
    };
    let fields = [field("a", "b"), field("b", "c"), field("c", "a"), field("d", "a")].join(", ");
    assert_snapshot!(check(&fields), @"/groups/0/fields/0/conditional/field form/condition: conditions go in a ring: a → b → c → a (none of them is ever visible: take the condition of one of them away)");
    let long: Vec<String> =
        (0..18).map(|index| field(&format!("f{index}"), &format!("f{}", index + 1))).collect();
    let long = format!("{}, {{id: f18, name: F, type: string}}", long.join(", "));
    assert_snapshot!(check(&long), @r"
/groups/0/fields/0/conditional/field form/condition: more than 16 conditions hang on one another (let it hang on a field further up directly)
/groups/0/fields/1/conditional/field form/condition: more than 16 conditions hang on one another (let it hang on a field further up directly)
");
}
