//! `form/…`: the form of an item or bundle is right in itself. The catalog room finds; these rows explain.

use serde::Deserialize as _;

use crate::catalog::{Body, Document, Form};
use crate::finding::Severity;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};

const CHECKED_BY: Check = Check::With("form/duplicate-id");

pub(super) static RULES: [Rule; 8] = [
    Rule {
        id: "form/duplicate-id",
        severity: Severity::Error,
        summary: "Two fields or two groups of a form have the same id.",
        why: "`fields.<id>` would mean two things.",
        mend: "Rename one of them; ids are unique in the whole form, not in their group.",
        bad: "fields: [{id: size, …}, {id: size, …}]",
        good: "fields: [{id: size, …}, {id: diskSize, …}]",
        check: Check::Document(check),
    },
    Rule {
        id: "form/condition",
        severity: Severity::Error,
        summary: "The condition of a field cannot be decided.",
        why: "The field would never be seen, or nobody could say when.",
        mend: "Let it hang on another field of the form, with an operator and a value that fit that field's type.",
        bad: "conditional: {field: highAvailability, operator: gt, value: true}",
        good: "conditional: {field: highAvailability, operator: eq, value: true}",
        check: CHECKED_BY,
    },
    Rule {
        id: "form/limits",
        severity: Severity::Error,
        summary: "The limits of a field do not belong to its type, or leave nothing between them.",
        why: "A limit that is not understood protects nothing; one that leaves nothing refuses everybody.",
        mend: "Use the limits of the type, the lower not above the upper.",
        bad: "type: string\nvalidation: {min: 4}",
        good: "type: string\nvalidation: {minLength: 4}",
        check: CHECKED_BY,
    },
    Rule {
        id: "form/choices",
        severity: Severity::Error,
        summary: "The choices of a field are missing, stand twice, or belong to no such type.",
        why: "A `select` without choices can be given no value.",
        mend: "List the choices of a `select` or `multiselect` under `enum`, each once.",
        bad: "type: select",
        good: "type: select\nenum: [small, large]",
        check: CHECKED_BY,
    },
    Rule {
        id: "form/pattern",
        severity: Severity::Error,
        summary: "The pattern of a field is no regular expression of linear time.",
        why: "Patterns run on what strangers enter; one that backtracks can stop the service.",
        mend: "Write it without look-around, back-references and atomic groups: say what is allowed, not what is not.",
        bad: "pattern: \"(?!admin)[a-z]+\"",
        good: "pattern: \"^[a-z]{3,20}$\"",
        check: CHECKED_BY,
    },
    Rule {
        id: "form/pattern-anchored",
        severity: Severity::Warning,
        summary: "The pattern of a field is not anchored on both sides.",
        why: "It lets through every text that only contains what it describes: `[a-z]+` takes `x; rm -rf /`.",
        mend: "Write it between `^` and `$`, with its choices in a group; where anything may follow, say so with `.*`.",
        bad: "pattern: \"^dev-|prod-$\"",
        good: "pattern: \"^(?:dev|prod)-[a-z]{3,20}$\"",
        check: CHECKED_BY,
    },
    Rule {
        id: "form/never-visible",
        severity: Severity::Warning,
        summary: "No value of the deciding field fulfils the condition of a field, so that it is never visible.",
        why: "Nobody can ever give it, however much it is required.",
        mend: "Compare with a value that the deciding field can have.",
        bad: "conditional: {field: replicas, operator: gt, value: 5}, and `replicas` has `max: 5`",
        good: "conditional: {field: replicas, operator: gte, value: 5}",
        check: CHECKED_BY,
    },
    Rule {
        id: "form/default",
        severity: Severity::Error,
        summary: "The default of a field breaks the field's own rules.",
        why: "Every service that leaves the field out would be refused.",
        mend: "Give a default that the field would accept. It is static, never a template.",
        bad: "{type: select, enum: [small, large], default: medium}",
        good: "{type: select, enum: [small, large], default: small}",
        check: CHECKED_BY,
    },
];

fn check(document: &Document, findings: &mut Findings<'_>) {
    let form = match &document.body {
        Some(Body::Item(item)) => {
            check_approvals(findings);
            &item.presentation.form
        }
        Some(Body::Bundle(bundle)) => &bundle.presentation.form,
        _ => return,
    };
    for problem in form.problems() {
        findings.add(findings.of_problem("/presentation/form", problem));
    }
}

/// The forms of approvals in the middle of a run; one of another shape is a finding of `action/config`.
fn check_approvals(findings: &mut Findings<'_>) {
    for asking in findings.actions().iter().filter(|it| it.action.kind == "approval") {
        let form = asking.config.get("form").map(Form::deserialize);
        let Some(Ok(form)) = form else { continue };
        let at = format!("{}/config/form", asking.at);
        // Its texts are templates, those of its defaults too.
        for problem in form
            .problems()
            .into_iter()
            .filter(|problem| problem.severity == Severity::Error || problem.rule != "form/default")
        {
            findings.add(findings.of_problem(&at, problem));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, check, judge};

    #[track_caller]
    fn with(field: &str, expected: &str) {
        check(&ITEM.replace("{id: label, name: Label, type: string}", field), expected);
    }

    #[test]
    fn duplicate_id() {
        with(
            "{id: size, name: Label, type: string}",
            "catalog/databases/database-standard.yaml:17:18: error form/duplicate-id another field, in group `Main`, has the id `size` already (give one of the two fields another id, or take it away)",
        );
    }

    #[test]
    fn condition() {
        with(
            "{id: label, name: Label, type: string, conditional: {field: sise, operator: eq, value: small}}",
            "catalog/databases/database-standard.yaml:17:73: error form/condition no field `sise` (did you mean `size`?)",
        );
        with(
            "{id: label, name: Label, type: string, conditional: {field: size, operator: eq, value: medium}}",
            "catalog/databases/database-standard.yaml:17:100: error form/condition expected one of `small`, `large`, found `medium`",
        );
    }

    #[test]
    fn limits() {
        with(
            "{id: label, name: Label, type: string, validation: {min: 4}}",
            "catalog/databases/database-standard.yaml:17:65: error form/limits `min` means nothing for a field of type `string` (its limits: `pattern`, `minLength`, `maxLength`, `message`)",
        );
        with(
            "{id: label, name: Label, type: string, validation: {minLength: 9, maxLength: 4}}",
            "catalog/databases/database-standard.yaml:17:76: error form/limits `minLength` 9 is beyond `maxLength` 4 (correct one of the two)",
        );
    }

    #[test]
    fn choices() {
        with(
            "{id: label, name: Label, type: select}",
            "catalog/databases/database-standard.yaml:17:13: error form/choices a field of type `select` needs choices (list them under `enum`)",
        );
    }

    #[test]
    fn pattern() {
        with(
            "{id: label, name: Label, type: string, validation: {pattern: \"^(?!a)b$\"}}",
            "catalog/databases/database-standard.yaml:17:76: error form/pattern `(?!` is a negative look-ahead at character 2: patterns take linear time and never go back (say what is allowed instead, or check it with `minLength` and `maxLength`)",
        );
    }

    #[test]
    fn pattern_anchored() {
        let field = "{id: label, name: Label, type: string, validation: {pattern: '^a|b$'}}";
        with(
            field,
            "catalog/databases/database-standard.yaml:17:74: warning form/pattern-anchored the pattern is not anchored: it matches a part of a text, whatever else is in it (write `^(?:a|b)$`, or `.*` at that end where anything may stand there)",
        );
        let files = ITEM.replace("{id: label, name: Label, type: string}", field);
        let fix = judge(&files).findings.remove(0).fix.unwrap();
        assert_eq!((fix.safe, &*fix.edits[0].text), (false, "^(?:a|b)$"));
    }

    #[test]
    fn never_visible() {
        with(
            "{id: label, name: Label, type: string, required: true, conditional: {field: size, operator: notIn, value: [small, large]}}",
            "catalog/databases/database-standard.yaml:17:81: warning form/never-visible required field `label` can never be visible: there is no value with which `size` is none of `small`, `large` (compare with a value that `size` can have, or take `label` away)",
        );
        with(
            "{id: label, name: Label, type: string, required: true, conditional: {field: size, operator: in, value: [small]}}",
            "",
        );
    }

    #[test]
    fn of_an_approval() {
        let action = |fields: &str| {
            let asks = format!(
                "      - {{id: ask, type: approval, config: {{approvers: {{users: [ada]}}, form: {{groups: [{{id: main, name: Main, fields: [{fields}]}}]}}}}}}\n"
            );
            ITEM.replace("    actions:\n", &format!("    actions:\n{asks}"))
        };
        check(
            &action(
                "{id: a, name: A, type: select}, {id: b, name: 'B {{service.id}}', type: string, default: '{{service.id}}'}",
            ),
            "catalog/databases/database-standard.yaml:22:119: error form/choices a field of type `select` needs choices (list them under `enum`)",
        );
        check(
            &action("{id: a, name: A, type: password}"),
            "catalog/databases/database-standard.yaml:22:142: error action/config expected one of `string`, `textarea`, `number`, `boolean`, `select`, `multiselect`, `date`, `email`, found `password`",
        );
    }

    #[test]
    fn default() {
        with(
            "{id: label, name: Label, type: number, default: many}",
            "catalog/databases/database-standard.yaml:17:61: error form/default the default does not obey its field: expected a number, found text `many`",
        );
    }
}
