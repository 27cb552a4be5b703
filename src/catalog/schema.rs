//! The JSON Schemas of the kinds, embedded, and what they say about a document. It resolves nothing outside the binary.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::LazyLock;

use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::{Map, Value};

use super::document::Kind;
use crate::finding::{Finding, Place, Severity};
use crate::kinds::{self, Fault, MOST, Mend};
use crate::yaml::{Node, edit};

/// One thing that a schema says is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// JSON pointer to the value (for an unknown key, to that key; for a missing one, to its parent).
    pub pointer: String,
    /// Whether the key and not the value is wrong.
    pub at_key: bool,
    /// The byte of the value, a text, at which it is wrong, where that is known.
    pub offset: Option<usize>,
    /// Id of the rule that it breaks.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in our words.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// How the value can be written instead, where that is known.
    pub mend: Option<Mend>,
}

impl Problem {
    /// Makes an error about a value.
    pub fn new(
        rule: &'static str,
        pointer: impl Into<String>,
        message: impl Into<String>,
        hint: Option<String>,
    ) -> Self {
        Self {
            pointer: pointer.into(),
            at_key: false,
            offset: None,
            rule,
            severity: Severity::Error,
            message: message.into(),
            hint,
            mend: None,
        }
    }

    /// Says which word was meant instead of one that stands there.
    #[must_use]
    pub fn meant(mut self, word: &str, instead: Option<&str>) -> Self {
        self.mend = instead.map(|instead| Mend::Respell(word.to_owned(), instead.to_owned()));
        self
    }

    /// Says at which byte of the text it is wrong.
    #[must_use]
    pub fn offset(mut self, offset: usize) -> Self {
        self.offset = Some(offset);
        self
    }

    /// Says how the whole text can be written instead.
    #[must_use]
    pub fn instead(mut self, text: impl Into<String>) -> Self {
        self.mend = Some(Mend::Rewrite(text.into()));
        self
    }

    /// Says that the key is what is wrong.
    #[must_use]
    pub fn at_key(mut self) -> Self {
        self.at_key = true;
        self
    }

    /// Makes it a warning.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Makes a finding of it, with how it can be mended in the file where that is known.
    pub fn within(self, source: &[u8], tree: &Node, place: Place) -> Finding {
        let fix = self.mend.as_ref().and_then(|mend| {
            let node = || tree.pointer(&self.pointer);
            match mend {
                Mend::Quote => edit::quote(source, node()?),
                Mend::Unquote => edit::unquote(source, node()?),
                Mend::Once => edit::without_repeats(source, node()?),
                Mend::Respell(old, new) => edit::respell(source, &place, old, new),
                Mend::Rewrite(new) => edit::whole_text(source, node()?, new),
            }
        });
        Finding { fix, ..self.at(place) }
    }

    /// Makes a finding of it.
    pub fn at(self, place: Place) -> Finding {
        let finding = Finding::error(self.rule, place, self.message).maybe_hint(self.hint);
        Finding { severity: self.severity, ..finding }
    }

    /// Orders problems by place and leaves each out that is there already.
    pub(super) fn sorted(mut problems: Vec<Problem>) -> Vec<Problem> {
        problems.sort_by(|a, b| {
            (&a.pointer, a.rule, &a.message).cmp(&(&b.pointer, b.rule, &b.message))
        });
        problems.dedup();
        problems
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let Fault { pointer, at_key, rule, message, hint, mend } = fault;
        let severity = Severity::Error;
        Self { pointer, at_key, offset: None, rule, severity, message, hint, mend }
    }
}

/// Says what one error of a schema means.
pub(super) fn explain(error: &ValidationError<'_>, schema: &Value) -> Vec<Problem> {
    kinds::explain(error, schema).into_iter().map(Problem::from).collect()
}

const FILES: [(&str, &str); 6] = [
    ("catalog-item.json", include_str!("../../schemas/catalog-item.json")),
    ("catalog-bundle.json", include_str!("../../schemas/catalog-bundle.json")),
    ("service.json", include_str!("../../schemas/service.json")),
    ("environment.json", include_str!("../../schemas/environment.json")),
    ("catalog.json", include_str!("../../schemas/catalog.json")),
    ("common.json", include_str!("../../schemas/common.json")),
];

/// The largest compiled pattern, in bytes: what costs more is refused.
const PATTERN_BYTES: usize = 1 << 20;

const SHARED: &str = "common.json";

/// Returns the embedded schema files, as `(file name, text)`.
pub fn schemas() -> &'static [(&'static str, &'static str)] {
    &FILES
}

/// Returns the JSON Schema of a kind with everything it refers to inside it.
pub fn schema_of(kind: Kind) -> Value {
    compiled(kind).schema.clone()
}

/// Returns what the schema of a kind says about a document, ordered by place.
pub fn problems(kind: Kind, document: &Value) -> Vec<Problem> {
    let Compiled { schema, validator } = compiled(kind);
    problems_of(validator, schema, document)
}

/// Returns what a compiled schema says about a value.
pub(super) fn problems_of(validator: &Validator, schema: &Value, value: &Value) -> Vec<Problem> {
    if validator.is_valid(value) {
        return Vec::new();
    }
    let found: Vec<Problem> =
        validator.iter_errors(value).take(MOST).flat_map(|error| explain(&error, schema)).collect();
    let mistyped: BTreeSet<String> = found
        .iter()
        .filter(|problem| problem.rule == "schema/type")
        .map(|problem| problem.pointer.clone())
        .collect();
    // What has the wrong type breaks other rules only because of that.
    let keep =
        |problem: &Problem| problem.rule == "schema/type" || !mistyped.contains(&problem.pointer);
    Problem::sorted(found.into_iter().filter(keep).collect())
}

/// Compiles a schema: formats are asserted, patterns run in linear time, nothing is fetched.
pub(super) fn compile(schema: &Value) -> Option<Validator> {
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES))
        .with_format("semver", |text: &str| semver::Version::parse(text).is_ok())
        .with_format("semver-requirement", |text: &str| semver::VersionReq::parse(text).is_ok())
        .with_format("cron", |text: &str| croner::Cron::from_str(text).is_ok())
        .offline()
        .build(schema)
        .ok()
}

struct Compiled {
    schema: Value,
    validator: Validator,
}

static ITEM: LazyLock<Compiled> = LazyLock::new(|| compile_kind(Kind::Item));
static BUNDLE: LazyLock<Compiled> = LazyLock::new(|| compile_kind(Kind::Bundle));
static SERVICE: LazyLock<Compiled> = LazyLock::new(|| compile_kind(Kind::Service));
static ENVIRONMENT: LazyLock<Compiled> = LazyLock::new(|| compile_kind(Kind::Environment));
static SETTINGS: LazyLock<Compiled> = LazyLock::new(|| compile_kind(Kind::Settings));

fn compiled(kind: Kind) -> &'static Compiled {
    match kind {
        Kind::Item => &ITEM,
        Kind::Bundle => &BUNDLE,
        Kind::Service => &SERVICE,
        Kind::Environment => &ENVIRONMENT,
        Kind::Settings => &SETTINGS,
    }
}

fn compile_kind(kind: Kind) -> Compiled {
    let schema = bundle(file_of(kind));
    let validator = compile(&schema).expect("tests compile every embedded schema");
    Compiled { schema, validator }
}

fn file_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Item => "catalog-item.json",
        Kind::Bundle => "catalog-bundle.json",
        Kind::Service => "service.json",
        Kind::Environment => "environment.json",
        Kind::Settings => "catalog.json",
    }
}

fn parse_file(name: &str) -> Value {
    FILES
        .iter()
        .find(|(file, _)| *file == name)
        .and_then(|(_, text)| serde_json::from_str(text).ok())
        .expect("tests parse every embedded schema")
}

/// Puts the shared definitions that a schema needs beside it, where its own references find them.
fn bundle(name: &str) -> Value {
    let mut schema = parse_file(name);
    let shared = parse_file(SHARED);
    let mut wanted: Vec<String> = take_references(&mut schema).into_iter().collect();
    let mut definitions = Map::new();
    while let Some(name) = wanted.pop() {
        if definitions.contains_key(&name) {
            continue;
        }
        let mut definition = shared.pointer(&format!("/$defs/{name}")).cloned().unwrap_or_default();
        wanted.extend(take_references(&mut definition));
        definitions.insert(name, definition);
    }
    if let Value::Object(map) = &mut schema {
        map.insert("$defs".to_owned(), Value::Object(definitions));
    }
    schema
}

/// Makes references to the shared file local, and returns the names of what they refer to.
fn take_references(schema: &mut Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    match schema {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value {
                    Value::String(target) if key == "$ref" => {
                        *target = target.trim_start_matches(SHARED).to_owned();
                        names.extend(target.strip_prefix("#/$defs/").map(str::to_owned));
                    }
                    _ => names.extend(take_references(value)),
                }
            }
        }
        Value::Array(items) => names.extend(items.iter_mut().flat_map(take_references)),
        _ => {}
    }
    names
}

#[cfg(test)]
mod tests;
