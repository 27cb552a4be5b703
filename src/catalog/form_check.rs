//! Checks values against a form: of a service, or of a component's `config`. It never shows what may be a secret.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind as Broken;
use serde_json::{Map, Value};

use super::form::{Field, FieldType, Form};
use super::form_certain::is_right;
use super::form_schema::value_schema;
use super::form_visibility::{Shown, compare, in_words, is_unknown, shown};
use super::schema::{Problem, compile, explain};
use crate::finding::nearest;
use crate::kinds::MOST;
use crate::kinds::words::{cut, join, listed, shown as quoted};

impl Form {
    /// Returns what is wrong with the `fields` of a service; pointers are relative to them.
    pub fn check(&self, fields: &Map<String, Value>) -> Vec<Problem> {
        self.check_values(fields, fields, false)
    }

    /// Returns what is wrong with the `fields` of a service that stand over the defaults of its environment: those decide
    /// what is visible and what is missing, and are not checked themselves.
    pub fn check_over(
        &self,
        defaults: &Map<String, Value>,
        fields: &Map<String, Value>,
    ) -> Vec<Problem> {
        let mut all = defaults.clone();
        all.extend(fields.clone());
        self.check_values(fields, &all, false)
    }

    /// Returns what is wrong with the `config` of a component, whose texts may be templates; pointers are relative to it.
    pub fn check_config(&self, config: &Map<String, Value>) -> Vec<Problem> {
        self.check_values(config, config, true)
    }

    fn check_values(
        &self,
        fields: &Map<String, Value>,
        all: &Map<String, Value>,
        templates: bool,
    ) -> Vec<Problem> {
        let shown = shown(self, all, templates);
        let mut problems = Vec::new();
        for (id, value) in fields {
            match shown.get(id.as_str()) {
                _ if problems.len() >= MOST => break,
                None => problems.push(unknown(id, &shown.keys().copied().collect::<Vec<_>>())),
                Some(Shown::No) => problems.push(self.hidden(id)),
                Some(_) if is_unknown(value, templates) => {}
                Some(_) => {
                    let field = self.field(id).filter(|field| !is_right(field, value));
                    let check = field.and_then(|field| self.checks.of(self, field));
                    problems.extend(
                        check.iter().flat_map(|check| check.problems(&join("", id), value)),
                    );
                }
            }
        }
        let missing = self.fields().filter(|field| {
            field.is_demanded()
                && !all.contains_key(&field.id)
                && shown.get(field.id.as_str()) == Some(&Shown::Yes)
        });
        problems.extend(missing.map(missing_field));
        Problem::sorted(problems)
    }

    fn hidden(&self, id: &str) -> Problem {
        let condition = self.field(id).and_then(|field| field.conditional.as_ref());
        let hint =
            condition.map(|condition| format!("it is there only when {}", in_words(condition)));
        let message = format!("field `{}` is given but not visible", cut(id));
        Problem::new("fields/hidden", join("", id), message, hint).at_key()
    }
}

fn unknown(id: &str, known: &[&str]) -> Problem {
    let near = nearest(id, known.iter().copied());
    let hint = match near {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if known.is_empty() => Some("it has no fields".to_owned()),
        None => Some(format!("its fields: {}", listed(known))),
    };
    let message = format!("unknown field `{}`", cut(id));
    Problem::new("fields/unknown", join("", id), message, hint).at_key().meant(id, near)
}

fn missing_field(field: &Field) -> Problem {
    let message = format!("missing field `{}`", cut(&field.id));
    let hint =
        format!("`{}`: {}", cut(&field.id), cut(field.description.as_ref().unwrap_or(&field.name)));
    Problem::new("fields/missing", "", message, Some(hint))
}

/// What the fields of a form compile to, each remembered from its first check on until it is released.
#[derive(Default)]
pub struct Checks(Mutex<Arc<Compiled>>);

/// What fields compile to, by their ids; nothing for fields that were not checked yet.
type Compiled = OnceLock<BTreeMap<String, OnceLock<Arc<FieldCheck>>>>;

impl Checks {
    fn of(&self, form: &Form, field: &Field) -> Option<Arc<FieldCheck>> {
        let compiled = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let checks = compiled.get_or_init(|| {
            form.fields().map(|field| (field.id.clone(), OnceLock::new())).collect()
        });
        Some(checks.get(&field.id)?.get_or_init(|| Arc::new(FieldCheck::of(field))).clone())
    }

    /// Forgets what was compiled: it takes more room than the form.
    pub(super) fn release(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }
}

// Memory of a form, not part of what it is: two forms are equal whatever they remember.
impl Clone for Checks {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Checks {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Checks")
    }
}

/// What one field compiles to.
pub(super) struct FieldCheck {
    kind: FieldType,
    schema: Value,
    /// Nothing where its limits make no sense, which is the author's mistake and reported elsewhere.
    validator: Option<Arc<Validator>>,
    message: Option<String>,
    earliest: Option<Value>,
    latest: Option<Value>,
}

impl FieldCheck {
    pub(super) fn of(field: &Field) -> Self {
        let mut schema = value_schema(field);
        let mut validator = shared(field, &schema);
        if let (None, Value::Object(map)) = (&validator, &mut schema) {
            map.remove("pattern");
            validator = compile(&schema).map(Arc::new);
        }
        let date = |name| field.limit(name).filter(|_| field.kind == FieldType::Date).cloned();
        Self {
            kind: field.kind,
            schema,
            validator,
            message: field.limit("message").and_then(Value::as_str).map(str::to_owned),
            earliest: date("min"),
            latest: date("max"),
        }
    }

    /// Returns what is wrong with a value; the pointer is that of the value.
    pub(super) fn problems(&self, pointer: &str, value: &Value) -> Vec<Problem> {
        let Some(validator) = &self.validator else { return Vec::new() };
        if validator.is_valid(value) {
            return self.out_of_dates(pointer, value);
        }
        if self.kind == FieldType::Password {
            return vec![in_clear(pointer, value)];
        }
        let mut problems = Vec::new();
        let errors = validator.iter_errors(value).take(MOST);
        for error in errors.filter(|error| !self.is_said_twice(error.kind(), value)) {
            for problem in explain(&error, &self.schema) {
                let (message, hint) = self.in_words(error.kind(), &problem);
                problems.push(Problem {
                    message,
                    hint,
                    pointer: format!("{pointer}{}", problem.pointer),
                    rule: if problem.rule == "schema/type" {
                        "fields/type"
                    } else {
                        "fields/value"
                    },
                    ..problem
                });
            }
        }
        problems
    }

    /// Tells whether another violation says the same: a whole step asks for a whole number besides.
    fn is_said_twice(&self, broken: &Broken, value: &Value) -> bool {
        let is_step_one = || self.schema.get("multipleOf").and_then(Value::as_f64) == Some(1.0);
        match broken {
            Broken::MultipleOf { .. } => is_step_one(),
            Broken::Type { .. } if self.kind == FieldType::Number && value.is_number() => {
                !is_step_one()
            }
            _ => false,
        }
    }

    /// Lets the author speak: instead of us about a pattern, beside us about other limits.
    fn in_words(&self, broken: &Broken, problem: &Problem) -> (String, Option<String>) {
        match (&self.message, broken) {
            (Some(message), Broken::Pattern { .. }) => (message.clone(), problem.hint.clone()),
            (_, Broken::Type { .. })
                if self.kind == FieldType::File && problem.pointer.is_empty() =>
            {
                let hint =
                    "write `{path: …, sha256: …}`: a file beside the service, and its digest";
                (problem.message.clone(), Some(hint.to_owned()))
            }
            (Some(message), _) if problem.rule == "schema/value" => {
                (problem.message.clone(), Some(message.clone()))
            }
            _ => (problem.message.clone(), problem.hint.clone()),
        }
    }

    fn out_of_dates(&self, pointer: &str, value: &Value) -> Vec<Problem> {
        let beyond = |limit: &Option<Value>, wrong| {
            limit.clone().filter(|limit| compare(value, limit) == Some(wrong))
        };
        let message =
            match (beyond(&self.earliest, Ordering::Less), beyond(&self.latest, Ordering::Greater))
            {
                (Some(limit), _) => format!("expected {} or later", quoted(&limit)),
                (None, Some(limit)) => format!("expected {} or earlier", quoted(&limit)),
                (None, None) => return Vec::new(),
            };
        let message = format!("{message}, found {}", quoted(value));
        vec![Problem::new("fields/value", pointer, message, self.message.clone())]
    }
}

/// Compiles what a field takes; fields of a type that has no limits share it.
fn shared(field: &Field, schema: &Value) -> Option<Arc<Validator>> {
    static DATE: OnceLock<Option<Arc<Validator>>> = OnceLock::new();
    static EMAIL: OnceLock<Option<Arc<Validator>>> = OnceLock::new();
    static PASSWORD: OnceLock<Option<Arc<Validator>>> = OnceLock::new();
    let compiled = || compile(schema).map(Arc::new);
    match (field.kind, &field.validation) {
        (FieldType::Date, None) => DATE.get_or_init(compiled).clone(),
        (FieldType::Email, None) => EMAIL.get_or_init(compiled).clone(),
        (FieldType::Password, None) => PASSWORD.get_or_init(compiled).clone(),
        _ => compiled(),
    }
}

/// Says that a value is not the name of a secret, without a word of the value.
fn in_clear(pointer: &str, value: &Value) -> Problem {
    let hint = Some("write the name of a secret: {secret: PAYMENTS_DB_ADMIN}".to_owned());
    let names = value.get("secret").is_some_and(Value::is_string);
    if names && value.as_object().is_some_and(|map| map.len() == 1) {
        let message = "expected a name of capital letters, digits and underscores under `secret`";
        return Problem::new("fields/value", format!("{pointer}/secret"), message, hint);
    }
    let message = "a password is named, never written down";
    Problem::new("secret/in-clear", pointer, message, hint)
}

#[cfg(test)]
mod tests;
