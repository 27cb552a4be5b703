//! What a JSON Schema error means, in our words. No text of the validating library ever leaves this file.

use jsonschema::error::{TypeKind, ValidationErrorKind as Broken};
use jsonschema::{JsonType, ValidationError};
use regex::Regex;
use serde_json::Value;

use super::words::{bare, cut, join, kind_and_value, listed, shown};
use crate::finding::nearest;

/// How many faults of one value are told; whoever has more has other worries.
pub const MOST: usize = 200;

/// One thing that a schema says is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer to the value (for an unknown key, to that key; for a missing one, to its parent).
    pub pointer: String,
    /// Whether the key and not the value is wrong.
    pub at_key: bool,
    /// Id of the rule that it breaks: `schema/type`, `schema/value`, `schema/missing-key` or `schema/unknown-key`.
    pub rule: &'static str,
    /// What is wrong, in our words.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// How the value can be written instead, where that is known.
    pub mend: Option<Mend>,
}

/// How a value or key can be written instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mend {
    /// In quotes, for a text is wanted.
    Quote,
    /// Without quotes, for a number or boolean is wanted.
    Unquote,
    /// With another word in place of the first.
    Respell(String, String),
    /// With this text in place of the whole, which may not be what was meant.
    Rewrite(String),
    /// Without the entries that stand in a list twice.
    Once,
}

impl Fault {
    fn new(
        rule: &'static str,
        pointer: impl Into<String>,
        message: impl Into<String>,
        hint: Option<String>,
    ) -> Self {
        let (pointer, message) = (pointer.into(), message.into());
        Self { pointer, at_key: false, rule, message, hint, mend: None }
    }

    fn mend(self, mend: Option<Mend>) -> Self {
        Self { mend, ..self }
    }
}

/// Says what one error of a schema means; several unknown keys are several faults.
pub fn explain(error: &ValidationError<'_>, schema: &Value) -> Vec<Fault> {
    let pointer = error.instance_path().as_str().to_owned();
    let keyword = error.schema_path().as_str();
    let at = keyword.rsplit_once('/').map_or("", |(parent, _)| parent);
    let around = schema.pointer(at).unwrap_or(&Value::Null);
    let found = error.instance();
    let value = |message: String, hint| vec![Fault::new("schema/value", &*pointer, message, hint)];
    match error.kind() {
        Broken::AdditionalProperties { unexpected }
        | Broken::UnevaluatedProperties { unexpected } => {
            unexpected.iter().take(MOST).map(|key| unknown_key(&pointer, key, around)).collect()
        }
        Broken::Required { property } => vec![missing_key(pointer, property, schema, at)],
        Broken::Type { kind } => vec![wrong_type(pointer, kind, found, around)],
        Broken::Enum { options } => not_one_of(&pointer, found, options),
        Broken::Constant { expected_value } => {
            let message = format!("expected `{}`, found {}", bare(expected_value), shown(found));
            value(message, None)
        }
        Broken::OneOfNotValid { .. } | Broken::AnyOf { .. } => {
            let message = format!("missing one of {}", listed(&branches(around)));
            let hint = match error.kind() {
                Broken::AnyOf { .. } => "write at least one of them",
                _ => "write exactly one of them",
            };
            vec![Fault::new("schema/missing-key", pointer, message, Some(hint.to_owned()))]
        }
        Broken::OneOfMultipleValid { .. } => {
            let message = format!("only one of {} may be given", listed(&branches(around)));
            value(message, Some("keep one of them, take the others away".to_owned()))
        }
        Broken::PropertyNames { error } => {
            let name = error.instance().as_str().unwrap_or_default();
            explain(error, schema)
                .into_iter()
                .map(|fault| Fault { pointer: join(&pointer, name), at_key: true, ..fault })
                .collect()
        }
        Broken::FalseSchema => {
            value("nothing may stand here".to_owned(), Some("take it away".to_owned()))
        }
        Broken::Not { .. } => {
            let why = part(around, "description").as_str().map(lowered);
            value(excluded(around, found, &pointer), why)
        }
        Broken::UniqueItems => {
            let message = format!("{} stands in this list twice", twice(found));
            let hint = Some("take one of the two away".to_owned());
            vec![Fault::new("schema/value", &*pointer, message, hint).mend(Some(Mend::Once))]
        }
        Broken::Pattern { .. } | Broken::Format { .. } => {
            let (message, hint) = rule_in_words(around, found);
            value(message, hint)
        }
        other => value(out_of_bounds(other, found), None),
    }
}

/// Says that a value is the one, or one of those, that a schema excludes.
fn excluded(around: &Value, found: &Value, pointer: &str) -> String {
    let name = pointer.rsplit('/').next().unwrap_or_default();
    match part(part(around, "not"), "const") == found {
        true => format!("`{}` must not be {}", cut(name), shown(found)),
        false => format!("{} cannot be used here", shown(found)),
    }
}

fn rule_in_words(around: &Value, found: &Value) -> (String, Option<String>) {
    let (rule, example) = form_of(around);
    (format!("expected {rule}, found {}", shown(found)), example)
}

/// Returns what stands at a schema: its description as part of a sentence, and an example.
fn form_of(around: &Value) -> (String, Option<String>) {
    let rule = match (part(around, "description"), part(around, "format").as_str()) {
        (Value::String(text), _) => lowered(text),
        (_, Some("date")) => "a date written as year, month and day".to_owned(),
        (_, Some("email")) => "a mail address".to_owned(),
        _ => format!("text that matches `{}`", bare(part(around, "pattern"))),
    };
    let example = match (part(around, "examples").get(0), part(around, "format").as_str()) {
        (Some(example), _) => Some(bare(example)),
        (None, Some("date")) => Some("2027-01-31".to_owned()),
        (None, Some("email")) => Some("somebody@acme.example".to_owned()),
        (None, _) => None,
    };
    (rule, example.map(|example| format!("for example `{example}`")))
}

fn part<'a>(node: &'a Value, key: &str) -> &'a Value {
    node.get(key).unwrap_or(&Value::Null)
}

fn unknown_key(pointer: &str, key: &str, around: &Value) -> Fault {
    let known: Vec<&str> = part(around, "properties")
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .collect();
    let near = nearest(key, known.iter().copied());
    let hint = match near {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if known.is_empty() => Some("take it away: nothing is known here".to_owned()),
        None => Some(format!("known here: {}", listed(&known))),
    };
    let message = format!("unknown property `{}`", cut(key));
    let fault = Fault::new("schema/unknown-key", join(pointer, key), message, hint);
    let mend = near.map(|near| Mend::Respell(key.to_owned(), near.to_owned()));
    Fault { at_key: true, mend, ..fault }
}

/// Names what is missing; the hint says what it is for, from the schema that describes it.
fn missing_key(pointer: String, property: &Value, schema: &Value, at: &str) -> Fault {
    let name = property.as_str().unwrap_or_default();
    // The demand may stand in a branch (`allOf`, `then`) below the schema that has the properties.
    let above = std::iter::successors(Some(at), |at| at.rsplit_once('/').map(|(above, _)| above));
    let hint = above.take(4).find_map(|at| described(schema, at, name));
    let hint = hint.map(|text| format!("`{name}`: {}", lowered(text)));
    Fault::new("schema/missing-key", pointer, format!("missing property `{name}`"), hint)
}

/// Finds the description of a property at a schema, or at what that schema refers to.
fn described<'a>(schema: &'a Value, at: &str, name: &str) -> Option<&'a str> {
    let around = schema.pointer(at)?;
    let target = part(around, "$ref").as_str().and_then(|target| target.strip_prefix('#'));
    let referred = target.and_then(|target| schema.pointer(target)).unwrap_or(&Value::Null);
    [around, referred]
        .into_iter()
        .find_map(|node| node.get("properties")?.get(name)?.get("description")?.as_str())
}

fn wrong_type(pointer: String, kind: &TypeKind, found: &Value, around: &Value) -> Fault {
    let wanted: Vec<&str> = match kind {
        TypeKind::Single(one) => vec![type_word(*one)],
        TypeKind::Multiple(several) => several.iter().map(type_word).collect(),
    };
    let text_wanted = wanted.contains(&"text");
    let (hint, mend) = match found {
        // Quotes would only show the next mistake.
        Value::Number(_) | Value::Bool(_) if text_wanted && !has_form(around, &bare(found)) => {
            let (rule, example) = form_of(around);
            let example = example.map(|example| format!(", {example}")).unwrap_or_default();
            (Some(format!("write {rule}{example}")), None)
        }
        // `1.10` is the number 1.1 and another text: that one is shown only in the file.
        Value::Number(number) if text_wanted && number.is_f64() => {
            (Some("put it in quotes as it stands there".to_owned()), Some(Mend::Quote))
        }
        Value::Number(_) | Value::Bool(_) if text_wanted => {
            (Some(format!("put it in quotes: \"{}\"", cut(&bare(found)))), Some(Mend::Quote))
        }
        Value::Null if text_wanted => {
            let hint = "write one, or take the property away; the text `null` stands in quotes";
            (Some(hint.to_owned()), Some(Mend::Quote))
        }
        Value::String(text) if !text_wanted && unquotes_to(text, &wanted) => {
            (Some(format!("take the quotes away: {text}")), Some(Mend::Unquote))
        }
        Value::Null => {
            let below = wanted.iter().any(|word| ["a mapping", "a list"].contains(word));
            let below = if below { ", its lines indented further than the key" } else { "" };
            (Some(format!("write it{below}, or take the property away")), None)
        }
        Value::String(word) if wanted == ["true or false"] => (meant_as(word), None),
        _ => (shape(&wanted, found), None),
    };
    let message = format!("expected {}, found {}", wanted.join(" or "), kind_and_value(found));
    Fault::new("schema/type", pointer, message, hint).mend(mend)
}

/// Tells whether a text would have the form that a schema asks for.
fn has_form(around: &Value, text: &str) -> bool {
    let pattern = part(around, "pattern").as_str().and_then(|pattern| Regex::new(pattern).ok());
    pattern.is_none_or(|pattern| pattern.is_match(text))
}

/// What older readers of YAML took for a boolean.
fn meant_as(word: &str) -> Option<String> {
    let meant = match word.to_ascii_lowercase().as_str() {
        "yes" | "y" | "on" | "true" => "true",
        "no" | "n" | "off" | "false" => "false",
        _ => return None,
    };
    Some(format!("write `{meant}`"))
}

/// Shows how a list or mapping is written.
fn shape(wanted: &[&str], found: &Value) -> Option<String> {
    if let (["a mapping"], Some((key, value))) =
        (wanted, found.as_str().and_then(|text| text.split_once(':')))
        && !value.is_empty()
        && !value.starts_with([' ', '/'])
        && !key.contains(' ')
    {
        return Some(format!("write a space after the colon: `{}: {}`", cut(key), cut(value)));
    }
    let hint = match (wanted, found) {
        (["a list"], Value::String(_) | Value::Number(_) | Value::Bool(_)) => {
            return Some(format!("write a list: `[{}]`", cut(&bare(found))));
        }
        (["a list"], _) => "write `[one, two]`, or each entry on its own line after `- `",
        (["a mapping"], _) => "write `{key: value}`, or each `key: value` on its own line below",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Returns the first entry of a list that stands in it twice.
fn twice(list: &Value) -> String {
    let entries = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let is_repeated =
        |(at, entry): &(usize, &Value)| entries.iter().take(*at).any(|other| other == *entry);
    let repeated = entries.iter().enumerate().find(is_repeated);
    repeated.map_or_else(|| "an entry".to_owned(), |(_, entry)| shown(entry))
}

fn unquotes_to(text: &str, wanted: &[&str]) -> bool {
    match serde_json::from_str(text) {
        Ok(Value::Number(_)) => wanted.contains(&"a number") || wanted.contains(&"a whole number"),
        Ok(Value::Bool(_)) => wanted.contains(&"true or false"),
        _ => false,
    }
}

fn not_one_of(pointer: &str, found: &Value, options: &Value) -> Vec<Fault> {
    let known: Vec<String> = options.as_array().into_iter().flatten().map(bare).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let message = format!("expected one of {}, found {}", listed(&known), shown(found));
    // Every short word is near every other.
    let word = found.as_str().filter(|word| word.chars().count() > 2);
    let near = word.and_then(|word| Some((word, nearest(word, known.iter().copied())?)));
    let hint = near.map(|(_, near)| format!("did you mean `{near}`?"));
    let mend = near.map(|(word, near)| Mend::Respell(word.to_owned(), near.to_owned()));
    vec![Fault::new("schema/value", pointer, message, hint).mend(mend)]
}

fn out_of_bounds(broken: &Broken, found: &Value) -> String {
    let length = || found.as_str().map_or(0, |text| text.chars().count());
    let count = || match found {
        Value::Array(items) => items.len(),
        Value::Object(map) => map.len(),
        _ => 0,
    };
    match broken {
        Broken::MinLength { limit: 1 } => "expected text that is not empty".to_owned(),
        Broken::MinLength { limit } => {
            format!("expected at least {limit} characters, found {}", length())
        }
        Broken::MaxLength { limit } => {
            format!("expected at most {limit} characters, found {}", length())
        }
        Broken::MinItems { limit } | Broken::MinProperties { limit } => {
            format!("expected at least {}, found {}", entries(*limit), count())
        }
        Broken::MaxItems { limit } | Broken::MaxProperties { limit } => {
            format!("expected at most {}, found {}", entries(*limit), count())
        }
        Broken::Minimum { limit } => format!("expected at least {limit}, found {}", bare(found)),
        Broken::Maximum { limit } => format!("expected at most {limit}, found {}", bare(found)),
        Broken::ExclusiveMinimum { limit } => {
            format!("expected more than {limit}, found {}", bare(found))
        }
        Broken::ExclusiveMaximum { limit } => {
            format!("expected less than {limit}, found {}", bare(found))
        }
        Broken::MultipleOf { multiple_of } => {
            format!("expected a multiple of {multiple_of}, found {}", bare(found))
        }
        _ => format!("{} does not fit here", shown(found)),
    }
}

fn entries(count: u64) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

fn branches(around: &Value) -> Vec<&str> {
    let branches = part(around, "oneOf").as_array().or(part(around, "anyOf").as_array());
    branches
        .into_iter()
        .flatten()
        .filter_map(|branch| branch.get("required")?.get(0)?.as_str())
        .collect()
}

fn type_word(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Null => "nothing",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::String => "text",
        JsonType::Array => "a list",
        JsonType::Object => "a mapping",
    }
}

/// Makes a description part of a sentence: no capital at its start, no full stop.
fn lowered(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}
