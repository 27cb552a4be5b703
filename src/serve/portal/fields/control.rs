//! What a field is filled in with: a line, a choice, a date, the name of a secret, a file. It reads nothing.

use maud::{Markup, html};
use serde_json::Value;

use super::read::{UPLOAD, kept};
use super::words::choices;
use super::{PREFIX, Shown};
use crate::catalog::{Field, FieldType};
use crate::serve::portal::form::Form;
use crate::serve::portal::marks::told;

/// So many choices stand beside each other; more are behind a list.
const MOST_BESIDE: usize = 4;

/// What names of secrets look like.
const SECRET: &str = "[A-Z][A-Z0-9_]{0,63}";

/// What names of fields that stay as they are begin with, where they are to be taken away.
pub(super) const UNSET: &str = "unset.";

/// Tells whether a field is filled in with several inputs.
pub(super) fn is_group(field: &Field, shown: &Shown<'_>) -> bool {
    match field.kind {
        FieldType::Multiselect => true,
        FieldType::Boolean | FieldType::Select => {
            let all = choices(field);
            all.len() <= MOST_BESIDE && odd(field, &given(field, shown), &all).is_none()
        }
        _ => false,
    }
}

/// Returns what was given and is none of the choices: a reference to another service, for example.
fn odd(field: &Field, given: &str, all: &[(String, String)]) -> Option<String> {
    let is_known = given.is_empty() || all.iter().any(|(value, _)| value == given);
    (!is_known && field.kind != FieldType::Multiselect).then(|| given.to_owned())
}

/// What stands in a field: what was filled in, or its default where that is to stand there.
fn given(field: &Field, shown: &Shown<'_>) -> String {
    let default = || match &field.default {
        Some(_) if !shown.prefills => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    shown.form.get(&format!("{PREFIX}{}", field.id)).map_or_else(default, str::to_owned)
}

/// Tells whether a browser need refuse an empty field: never where it may not be asked for at all.
fn is_required(field: &Field, shown: &Shown<'_>) -> bool {
    field.is_demanded() && field.conditional.is_none() && !shown.keeps.contains(&field.id)
}

/// Shows what a field is filled in with.
pub(super) fn control(
    field: &Field,
    ids: (&str, &str),
    (shown, is_wrong): (&Shown<'_>, bool),
) -> Markup {
    match field.kind {
        FieldType::Multiselect => boxes(field, ids.0, shown.form),
        FieldType::Boolean | FieldType::Select if is_group(field, shown) => {
            radios(field, ids.0, (shown, is_wrong))
        }
        FieldType::Boolean | FieldType::Select => list(field, ids, (shown, is_wrong)),
        FieldType::File => file(field, ids, (shown, is_wrong)),
        FieldType::Password => secret(field, ids, (shown, is_wrong)),
        _ => line(field, ids, (shown, is_wrong)),
    }
}

fn line(field: &Field, (id, about): (&str, &str), (shown, is_wrong): (&Shown<'_>, bool)) -> Markup {
    let (name, given) = (format!("{PREFIX}{}", field.id), given(field, shown));
    let required = is_required(field, shown);
    let kind = match field.kind {
        FieldType::Email => "email",
        // A reference to another service is no day.
        FieldType::Date if !given.contains("{{") => "date",
        _ => "text",
    };
    let limit = |name: &str| field.limit(name).and_then(Value::as_u64);
    let day = |name: &str| field.limit(name).and_then(Value::as_str).filter(|_| kind == "date");
    html! {
        @if field.kind == FieldType::Textarea {
            textarea id=(id) name=(name) required[required] aria-describedby=(about) aria-invalid[is_wrong]
                maxlength=[limit("maxLength")] placeholder=[field.placeholder.as_ref()] { (given) }
        } @else {
            input id=(id) name=(name) type=(kind) value=(given) required[required] autocomplete="off"
                inputmode=[(field.kind == FieldType::Number).then_some("decimal")]
                min=[day("min")] max=[day("max")] maxlength=[limit("maxLength")] spellcheck="false"
                aria-describedby=(about) aria-invalid[is_wrong] placeholder=[field.placeholder.as_ref()];
        }
    }
}

fn list(field: &Field, (id, about): (&str, &str), (shown, is_wrong): (&Shown<'_>, bool)) -> Markup {
    let (name, given, all) = (format!("{PREFIX}{}", field.id), given(field, shown), choices(field));
    let required = is_required(field, shown);
    html! {
        select id=(id) name=(name) required[required] aria-describedby=(about) aria-invalid[is_wrong] {
            @if given.is_empty() || !required { option value="" { (nothing(field)) } }
            @if let Some(odd) = odd(field, &given, &all) { option value=(odd) selected { (told(&odd)) } }
            @for (value, name) in &all { option value=(value) selected[*value == given] { (name) } }
        }
    }
}

/// What is chosen where nothing is.
fn nothing(field: &Field) -> &'static str {
    match (&field.default, field.required) {
        (Some(_), _) => "By default",
        (None, true) => "Choose…",
        (None, false) => "None",
    }
}

fn radios(field: &Field, id: &str, (shown, is_wrong): (&Shown<'_>, bool)) -> Markup {
    let (name, given) = (format!("{PREFIX}{}", field.id), given(field, shown));
    let required = is_required(field, shown);
    html! {
        @for (index, (value, label)) in choices(field).iter().enumerate() {
            label.check { input id=(format!("{id}-{index}")) type="radio" name=(name) value=(value) checked[*value == given] required[required] aria-invalid[is_wrong]; (label) }
        }
        @if !field.is_demanded() {
            label.check { input type="radio" name=(name) value="" checked[given.is_empty()]; (nothing(field)) }
        }
    }
}

fn boxes(field: &Field, id: &str, form: &Form) -> Markup {
    let name = format!("{PREFIX}{}", field.id);
    let chosen: Vec<&str> = form.all(&name).collect();
    html! {
        @for (index, (value, label)) in choices(field).iter().enumerate() {
            label.check { input id=(format!("{id}-{index}")) type="checkbox" name=(name) value=(value) checked[chosen.contains(&value.as_str())]; (label) }
        }
    }
}

fn secret(
    field: &Field,
    (id, about): (&str, &str),
    (shown, is_wrong): (&Shown<'_>, bool),
) -> Markup {
    let (name, given) = (format!("{PREFIX}{}", field.id), given(field, shown));
    let keeps = shown.keeps.contains(&field.id);
    html! {
        input id=(id) name=(name) type="text" value=(given) required[is_required(field, shown)] autocomplete="off"
            autocapitalize="characters" spellcheck="false" maxlength="64" pattern=(SECRET)
            list=[(!shown.secrets.is_empty()).then_some("secrets")]
            placeholder=(if keeps { "stays as it is" } else { "NAME_OF_THE_SECRET" })
            aria-describedby=(about) aria-invalid[is_wrong];
        @if keeps { (unset(field, shown.form)) }
    }
}

fn file(field: &Field, (id, about): (&str, &str), (shown, is_wrong): (&Shown<'_>, bool)) -> Markup {
    let name = format!("{UPLOAD}{}", field.id);
    let keeps = shown.keeps.contains(&field.id);
    let kinds = field.limit("mediaTypes").and_then(Value::as_array);
    let kinds = kinds.map(|kinds| {
        kinds.iter().filter_map(Value::as_str).map(told).collect::<Vec<_>>().join(",")
    });
    html! {
        input id=(id) name=(name) type="file" accept=[kinds] aria-describedby=(about) aria-invalid[is_wrong];
        @if let Some(kept) = kept(field, shown.form) {
            p.help { "Taken in: " strong { (told(&kept.name)) } ". Choose another to have that instead." }
            input type="hidden" name=(name) value=(kept.written());
        } @else if keeps { (unset(field, shown.form)) }
    }
}

/// Offers to take away what stays as it is.
fn unset(field: &Field, form: &Form) -> Markup {
    let name = format!("{UNSET}{}", field.id);
    html! {
        p.help { "There is one. It stays as it is, unless another is given here." }
        @if !field.required {
            label.check { input type="checkbox" name=(name) value="yes" checked[form.get(&name).is_some()]; "Take it away" }
        }
    }
}
