//! The fields of a form of the catalog as a page asks for them, and what was filled in as the API takes it. Whether it
//! fits is decided there.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::form::Form;
use super::marks::told;
use super::problem_page::{Refused, sentence};
use crate::catalog::{Field, FieldType, Form as CatalogForm};
use crate::reconcile::show::literal;

/// What names of fields begin with, so that they are never taken for ours.
const PREFIX: &str = "field-";

/// Shows the groups and fields of a form, as they were filled in before.
pub(super) fn inputs(asked: &CatalogForm, form: &Form, wrong: Option<&Refused>) -> Markup {
    html! {
        @for group in &asked.groups {
            fieldset {
                legend { (told(&group.name)) }
                @if let Some(about) = &group.description { p.help { (told(about)) } }
                @for field in &group.fields { (input(field, form, wrong)) }
            }
        }
    }
}

fn input(field: &Field, form: &Form, wrong: Option<&Refused>) -> Markup {
    let id = format!("{PREFIX}{}", field.id);
    let help = format!("{id}-help");
    let wrong = wrong.and_then(|wrong| wrong.of(&format!("/fields/{}", field.id)));
    let described =
        field.description.is_some() || wrong.is_some() || field.kind == FieldType::Password;
    html! {
        div.field {
            @if matches!(field.kind, FieldType::Multiselect) {
                fieldset aria-describedby=[described.then_some(&help)] { legend { (name(field)) } (choices(field, &id, form)) }
            } @else {
                label for=(id) { (name(field)) }
                (control(field, (&id, &help), (form, wrong.is_some(), described)))
            }
            @if described {
                div id=(help) {
                    @if let Some(about) = &field.description { p.help { (told(about)) } }
                    @if field.kind == FieldType::Password { p.help { "The name of a secret; never its value." } }
                    @if let Some(wrong) = wrong { p.wrong { (sentence(wrong)) } }
                }
            }
        }
    }
}

fn name(field: &Field) -> Markup {
    html! { (told(&field.name)) @if !field.is_demanded() { " " span.quiet { "(optional)" } } }
}

/// What is chosen where nothing was filled in yet.
fn given(field: &Field, id: &str, form: &Form) -> String {
    let default = || match &field.default {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    form.get(id).map_or_else(default, str::to_owned)
}

fn control(
    field: &Field,
    (id, help): (&str, &str),
    (form, is_wrong, described): (&Form, bool, bool),
) -> Markup {
    let given = given(field, id, form);
    let described = described.then_some(help);
    let kind = match field.kind {
        FieldType::Email => "email",
        FieldType::Date => "date",
        _ => "text",
    };
    let required = field.is_demanded();
    let words: Vec<(String, String)> = match field.kind {
        FieldType::Boolean => [("true", "Yes"), ("false", "No")]
            .map(|(one, name)| (one.to_owned(), name.to_owned()))
            .into(),
        _ => field.choices.iter().map(choice).collect(),
    };
    html! {
        @if field.kind == FieldType::Textarea {
            textarea id=(id) name=(id) required[required] aria-describedby=[described] aria-invalid[is_wrong] placeholder=[field.placeholder.as_ref()] { (given) }
        } @else if !words.is_empty() {
            select id=(id) name=(id) required[required] aria-describedby=[described] aria-invalid[is_wrong] {
                @if given.is_empty() || !required { option value="" { "Choose…" } }
                @for (value, name) in &words { option value=(value) selected[*value == given] { (name) } }
            }
        } @else {
            input id=(id) name=(id) type=(kind) value=(given) required[required] autocomplete="off"
                inputmode=[(field.kind == FieldType::Number).then_some("decimal")]
                aria-describedby=[described] aria-invalid[is_wrong] placeholder=[field.placeholder.as_ref()];
        }
    }
}

/// Returns a choice as it is sent, and as it is shown.
fn choice(choice: &Value) -> (String, String) {
    let value = choice.get("value").unwrap_or(choice);
    let sent = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let label = choice.get("label").and_then(Value::as_str).map(told);
    let label = label.unwrap_or_else(|| value.as_str().map_or_else(|| literal(value), told));
    (sent, label)
}

fn choices(field: &Field, id: &str, form: &Form) -> Markup {
    let chosen: Vec<&str> = form.all(id).collect();
    html! {
        @for (value, name) in field.choices.iter().map(choice) {
            label.check { input type="checkbox" name=(id) value=(value) checked[chosen.contains(&value.as_str())]; (name) }
        }
    }
}

/// Reads what was filled in; what is empty is left out.
pub(super) fn filled(asked: &CatalogForm, form: &Form) -> Map<String, Value> {
    let read = |field: &Field| {
        let id = format!("{PREFIX}{}", field.id);
        if field.kind == FieldType::Multiselect {
            let chosen: Vec<Value> = form.all(&id).map(|one| chosen(field, one)).collect();
            return (!chosen.is_empty()).then(|| (field.id.clone(), Value::Array(chosen)));
        }
        let text = form.get(&id)?;
        let value = match field.kind {
            FieldType::Number => text
                .trim()
                .parse::<serde_json::Number>()
                .map_or_else(|_| Value::from(text), Value::Number),
            FieldType::Boolean => Value::Bool(text == "true"),
            FieldType::Select => chosen(field, text),
            FieldType::Password => serde_json::json!({ "secret": text }),
            _ => Value::from(text),
        };
        Some((field.id.clone(), value))
    };
    asked.fields().filter_map(read).collect()
}

/// Finds the choice that is meant; what is none stays a text, which the API refuses.
fn chosen(field: &Field, sent: &str) -> Value {
    let mut found = field.choices.iter().filter(|one| choice(one).0 == sent);
    let found = found.next().map(|one| one.get("value").unwrap_or(one).clone());
    found.unwrap_or_else(|| Value::from(sent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_filled_in_has_the_types_of_the_form() {
        let asked: CatalogForm = serde_json::from_value(json!({"groups": [{"id": "g", "name": "<b>G", "fields": [
            {"id": "size", "name": "Size", "type": "number", "required": true},
            {"id": "on", "name": "On", "type": "boolean"},
            {"id": "zone", "name": "Zone", "type": "select", "enum": [{"value": 1, "label": "One"}, "two"]},
            {"id": "tags", "name": "Tags", "type": "multiselect", "enum": ["a", "b", "c"]},
            {"id": "pin", "name": "Pin", "type": "password", "description": "\"><script>"},
            {"id": "none", "name": "None", "type": "string"},
        ]}]})).expect("a form");
        let form = Form::read(b"field-size=4&field-on=true&field-zone=1&field-tags=a&field-tags=c&field-pin=KEY&field-none=&field-more=x");
        let filled = Value::Object(filled(&asked, &form));
        assert_eq!(
            filled,
            json!({"size": 4, "on": true, "zone": 1, "tags": ["a", "c"], "pin": {"secret": "KEY"}})
        );
        let html = inputs(&asked, &form, None).into_string();
        assert!(!html.contains("<b>") && !html.contains("<script"), "{html}");
        assert!(html.contains("<option value=\"1\" selected>One</option>"), "{html}");
    }
}
