//! `action/unreachable`: every action can run for some service.

use serde_json::{Map, Value};

use crate::catalog::{Body, Document, Field, FieldType, Form};
use crate::finding::Severity;
use crate::template::{self, Scope, evaluate, references, unknown};
use crate::validate::breaks::listed;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};
use crate::validate::texts::action_lists;

pub(super) static RULE: Rule = Rule {
    id: "action/unreachable",
    severity: Severity::Warning,
    summary: "The condition of an action holds for no service at all.",
    why: "What is never done looks as if it were done.",
    mend: "Compare with a choice that the field has, or take the action away.",
    bad: "when: \"{{eq fields.size 'lagre'}}\", and `size` is one of small, large",
    good: "when: \"{{eq fields.size 'large'}}\"",
    check: Check::Document(check),
};

/// How many combinations of values are tried; beyond that nobody is told.
const MOST: usize = 256;

fn check(document: &Document, findings: &mut Findings<'_>) {
    let Some(Body::Item(item)) = &document.body else { return };
    for list in action_lists(item) {
        for (index, action) in list.actions.iter().enumerate() {
            let Some(when) = &action.when else { continue };
            let Some(tried) = never(when, &item.presentation.form) else { continue };
            let id = &action.id;
            let message = match tried.as_slice() {
                [] => format!("action `{id}` never runs: `when` is always false"),
                _ => format!("action `{id}` never runs: `when` is false {}", tried.join(" and ")),
            };
            let hint = "compare with a value that there is, or take the action away";
            let pointer = format!("{}/when", list.pointer_to(index));
            findings.add(findings.at(&pointer, message).hint(hint));
        }
    }
}

/// Tries a condition with every choice that it depends on; where it never holds, says what was tried.
fn never(when: &str, form: &Form) -> Option<Vec<String>> {
    if !template::check(when).is_empty() {
        return None;
    }
    let mut roots = Map::new();
    let mut choices: Vec<(&Field, Vec<Value>)> = Vec::new();
    for reference in references(when) {
        let field = match reference.path.as_slice() {
            [root, id] if root == "fields" => form.field(id),
            _ => None,
        };
        match field.and_then(|field| Some((field, values(field)?))) {
            Some(found) if choices.iter().any(|(field, _)| field.id == found.0.id) => {}
            Some(found) => choices.push(found),
            None => put(&mut roots, &reference.path),
        }
    }
    let count = choices.iter().try_fold(1_usize, |all, (_, values)| {
        all.checked_mul(values.len()).filter(|all| *all <= MOST)
    })?;
    let is_false = |number: usize| {
        let mut roots = roots.clone();
        let mut left = number;
        let fields = roots.entry("fields").or_insert_with(|| Value::Object(Map::new()));
        for (field, values) in &choices {
            if let (Value::Object(fields), Some(value)) =
                (&mut *fields, values.get(left % values.len()))
            {
                fields.insert(field.id.clone(), value.clone());
            }
            left /= values.len();
        }
        let mut scope = Scope::new();
        roots.into_iter().for_each(|(root, value)| scope.set(&root, value));
        match evaluate(when, &scope) {
            Ok(Value::String(text)) => text.trim() == "false",
            Ok(value) => value == Value::Bool(false),
            Err(_) => false,
        }
    };
    (0..count)
        .all(is_false)
        .then(|| choices.iter().map(|(field, values)| tried(field, values)).collect())
}

fn tried(field: &Field, values: &[Value]) -> String {
    let named = values.iter().filter(|value| !value.is_null());
    let named: Vec<String> = named
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .collect();
    format!("for every value of `fields.{}` ({})", field.id, listed(named))
}

/// Returns every value that templates can see of a field, where they can be listed.
fn values(field: &Field) -> Option<Vec<Value>> {
    let mut values: Vec<Value> = match field.kind {
        FieldType::Select => field.values().cloned().collect(),
        FieldType::Boolean => vec![Value::Bool(true), Value::Bool(false)],
        _ => return None,
    };
    if field.conditional.is_some() || !(field.required || field.default.is_some()) {
        values.push(Value::Null);
    }
    Some(values)
}

/// Puts what is known only later at a path.
fn put(roots: &mut Map<String, Value>, path: &[String]) {
    let Some((last, above)) = path.split_last() else { return };
    let mut map = roots;
    for part in above {
        let next = map.entry(part.clone()).or_insert_with(|| Value::Object(Map::new()));
        // What is known only later has nothing below it.
        let Value::Object(next) = next else { return };
        map = next;
    }
    map.insert(last.clone(), Value::String(unknown(&path.join("."))));
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, check};

    #[track_caller]
    fn check_when(when: &str, expected: &str) {
        let item = ITEM.replace(
            "type: manual-task\n",
            &format!("type: manual-task\n        when: \"{when}\"\n"),
        );
        let item = item
            .replace("enum: [small, large], default", "enum: [small, large], required: true, default")
            .replace(
                "          - {id: label,",
                "          - {id: zones, name: Zones, type: select, enum: [one, two]}\n          - {id: public, name: Public, type: boolean, default: false}\n          - {id: label,",
            );
        check(&item, expected);
    }

    #[test]
    fn conditions_that_may_hold_are_left_alone() {
        for when in [
            "true",
            "{{eq fields.size 'large'}}",
            "{{ne fields.size 'huge'}}",
            "{{eq fields.label 'huge'}}",
            "{{or (eq fields.size 'huge') fields.public}}",
            "{{and (eq fields.size 'large') (eq environment.region 'moon')}}",
            "{{not (eq fields.zones 'one')}}",
            "{{not (or (eq fields.zones 'one') (eq fields.zones 'two'))}}",
            "{{eq request.operation 'create'}}",
            "{{fields.public}}",
        ] {
            check_when(when, "");
        }
    }

    #[test]
    fn conditions_that_never_hold_are_told() {
        let check = |when: &str, what: &str| {
            check_when(
                when,
                &format!(
                    "catalog/databases/database-standard.yaml:26:15: warning action/unreachable action `provision` never runs: `when` is {what} (compare with a value that there is, or take the action away)"
                ),
            );
        };
        check("false", "always false");
        check("{{eq 1 2}}", "always false");
        check(
            "{{eq fields.size 'lagre'}}",
            "false for every value of `fields.size` (`small` and `large`)",
        );
        check(
            "{{and (eq fields.zones 'three') (eq fields.label 'x')}}",
            "false for every value of `fields.zones` (`one` and `two`)",
        );
        check(
            "{{and fields.public (not fields.public)}}",
            "false for every value of `fields.public` (`true` and `false`)",
        );
    }
}
