//! Tests of fields: what is filled in has the types of the form, and nothing of it becomes markup.

use serde_json::{Value, json};

use super::*;

fn asked() -> CatalogForm {
    serde_json::from_value(json!({"groups": [{"id": "g", "name": "<b>G", "fields": [
        {"id": "size", "name": "Size", "type": "number", "required": true},
        {"id": "on", "name": "On", "type": "boolean", "default": true},
        {"id": "zone", "name": "Zone", "type": "select", "enum": [{"value": 1, "label": "One"}, "two"]},
        {"id": "tags", "name": "Tags", "type": "multiselect", "enum": ["a", "b", "c"]},
        {"id": "pin", "name": "Pin", "type": "password", "description": "\"><script>"},
        {"id": "cert", "name": "Certificate", "type": "file"},
        {"id": "none", "name": "None", "type": "string",
         "conditional": {"field": "zone", "operator": "in", "value": [1, "two"]}},
    ]}]}))
    .expect("a form")
}

const FILLED: &[u8] =
    b"field.size=4&field.on=true&field.zone=1&field.tags=a&field.tags=c&field.pin=KEY&field.none=";

#[test]
fn what_is_filled_in_has_the_types_of_the_form() {
    let form = Form::read(FILLED);
    assert_eq!(
        Value::Object(filled(&asked(), &form)),
        json!({"size": 4, "on": true, "zone": 1, "tags": ["a", "c"], "pin": {"secret": "KEY"}})
    );
    let odd =
        Form::read(b"field.more=x&field.on=maybe&unset.pin=yes&field.zone=%7B%7Bx%7D%7D&other=1");
    assert_eq!(
        Value::Object(filled(&asked(), &odd)),
        json!({"more": "x", "on": "maybe", "pin": null, "zone": "{{x}}"})
    );
}

#[test]
fn fields_are_shown_as_they_were_filled_in() {
    let form = Form::read(FILLED);
    let html = inputs(&asked(), &Shown::filled_in(&form, None)).into_string();
    assert!(!html.contains("<b>") && !html.contains("<script"), "{html}");
    assert!(html.contains("name=\"field.zone\" value=\"1\" checked"), "{html}");
    assert!(html.contains("Only where Zone is one of One, two."), "{html}");
    assert!(html.contains("data-default=\"true\""), "{html}");
    // A reference to another service is none of the choices, and stays.
    let form = Form::read(b"field.zone=%7B%7Bservices.a.outputs.b%7D%7D");
    let html = inputs(&asked(), &Shown::filled_in(&form, None)).into_string();
    assert!(html.contains("selected>{{services.a.outputs.b}}</option>"), "{html}");
}

#[test]
fn a_file_is_kept_by_the_form_and_the_last_one_counts() {
    let file = |name: &str| json!({"name": name, "mediaType": "text/plain", "content": "eA=="});
    let text: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("file.cert", file("a").to_string()),
            ("file.cert", file("b").to_string()),
            ("file.cert", "{\"name\": 1}".to_owned()),
        ])
        .finish();
    let form = Form::read(text.as_bytes());
    assert_eq!(uploads(&asked(), &form)["cert"].name, "b");
    let html = inputs(&asked(), &Shown::filled_in(&form, None)).into_string();
    assert!(html.contains("Taken in: <strong>b</strong>"), "{html}");
}
