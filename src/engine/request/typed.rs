//! Values of fields as they are written on a command line: read by the types of the form. It checks no limits.

use serde_json::{Map, Value, json};

use super::ask::{Wrong, cut, escaped};
use crate::catalog::{Field, FieldType, Form};

/// Reads `NAME=VALUE` by the type of the field, and `NAME:=JSON` as it stands; a list is given item by item.
///
/// The value of a password is never read, and never repeated: only the name of a secret can be given, as JSON.
pub fn typed(form: &Form, pairs: &[String]) -> Result<Map<String, Value>, Vec<Wrong>> {
    let (mut values, mut wrong) = (Map::new(), Vec::new());
    for pair in pairs {
        if let Err(why) = take(form, pair, &mut values) {
            wrong.push(why);
        }
    }
    if wrong.is_empty() { Ok(values) } else { Err(wrong) }
}

fn take(form: &Form, pair: &str, values: &mut Map<String, Value>) -> Result<(), Wrong> {
    let Some((name, text)) = pair.split_once('=') else {
        let wrong = Wrong::at("/fields", format!("`{}` has no value", cut(pair)));
        return Err(wrong.hint("write NAME=VALUE, or NAME:=JSON"));
    };
    let is_json = name.ends_with(':');
    let name = name.strip_suffix(':').unwrap_or(name);
    let pointer = format!("/fields/{}", escaped(name));
    let field = form.field(name).ok_or_else(|| {
        Wrong::unknown(
            &pointer,
            ("field", name),
            form.fields().map(|field| field.id.as_str()).collect::<Vec<_>>(),
        )
    })?;
    let value = match is_json {
        true => serde_json::from_str(text).map_err(|error| {
            Wrong::at(&pointer, format!("it is not JSON: {error}"))
                .hint("write NAME=VALUE for a text")
        })?,
        false => value_of(field, text, &pointer)?,
    };
    let is_list = field.kind == FieldType::Multiselect && !is_json;
    match values.get_mut(name) {
        Some(Value::Array(items)) if is_list => items.push(value),
        Some(_) => return Err(Wrong::at(&pointer, "it is given twice")),
        None if is_list => drop(values.insert(name.to_owned(), json!([value]))),
        None => drop(values.insert(name.to_owned(), value)),
    }
    Ok(())
}

fn value_of(field: &Field, text: &str, pointer: &str) -> Result<Value, Wrong> {
    let json = || serde_json::from_str::<Value>(text).ok();
    let wrong =
        |expected: &str| Wrong::at(pointer, format!("expected {expected}, found `{}`", cut(text)));
    match field.kind {
        FieldType::String | FieldType::Textarea | FieldType::Date | FieldType::Email => {
            Ok(json!(text))
        }
        FieldType::Number => json().filter(Value::is_number).ok_or_else(|| wrong("a number")),
        FieldType::Boolean => {
            json().filter(Value::is_boolean).ok_or_else(|| wrong("true or false"))
        }
        FieldType::Select | FieldType::Multiselect => Ok(choice(field, text)),
        FieldType::File => Err(Wrong::at(pointer, "a file is named with its digest")
            .hint(format!("write {}:={{\"path\": …, \"sha256\": …}}", field.id))),
        FieldType::Password => Err(Wrong::at(pointer, "a password is named, never written down")
            .hint(format!(
                "put it where secrets are kept, and write {}:={{\"secret\": \"NAME\"}}",
                field.id
            ))),
    }
}

/// Finds the choice that a word means, which may be a number; the form finds fault with what is none.
fn choice(field: &Field, word: &str) -> Value {
    let same = |value: &&Value| match value {
        Value::String(text) => text == word,
        other => *word == *other.to_string(),
    };
    field.values().find(same).cloned().unwrap_or_else(|| json!(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn form() -> Form {
        serde_json::from_value(json!({"groups": [{"id": "g", "name": "G", "fields": [
            {"id": "name", "name": "Name", "type": "string"},
            {"id": "size", "name": "Size", "type": "number"},
            {"id": "public", "name": "Public", "type": "boolean"},
            {"id": "tier", "name": "Tier", "type": "select", "enum": [1, {"value": "2", "label": "Two"}]},
            {"id": "tags", "name": "Tags", "type": "multiselect", "enum": ["a", "b", 3]},
            {"id": "admin", "name": "Admin", "type": "password"},
            {"id": "cert", "name": "Certificate", "type": "file"},
        ]}]}))
        .expect("a form")
    }

    fn check(pairs: &[&str]) -> String {
        let pairs: Vec<String> = pairs.iter().map(|&pair| pair.to_owned()).collect();
        match typed(&form(), &pairs) {
            Ok(values) => Value::Object(values).to_string(),
            Err(wrong) => {
                let line = |it: &Wrong| {
                    format!(
                        "{}: {} ({})",
                        it.pointer,
                        it.message,
                        it.hint.as_deref().unwrap_or("-")
                    )
                };
                wrong.iter().map(line).collect::<Vec<_>>().join("\n")
            }
        }
    }

    #[test]
    fn values_are_of_the_types_of_their_fields() {
        assert_eq!(
            check(&["name=3", "size=3", "public=true", "tier=1"]),
            r#"{"name":"3","public":true,"size":3,"tier":1}"#
        );
        assert_eq!(check(&["name=a=b", "tier=2"]), r#"{"name":"a=b","tier":"2"}"#);
        assert_eq!(check(&["tags=a", "tags=3"]), r#"{"tags":["a",3]}"#);
        assert_eq!(check(&[r#"tags:=["b"]"#, "name="]), r#"{"name":"","tags":["b"]}"#);
        assert_eq!(
            check(&[r#"admin:={"secret":"DB_ADMIN"}"#]),
            r#"{"admin":{"secret":"DB_ADMIN"}}"#
        );
    }

    #[test]
    fn what_cannot_be_meant_is_told_and_no_password_is_repeated() {
        insta::assert_snapshot!(check(&["size=large", "public=yes", "naem=x", "name", "name:=x", "cert=x"]), @r#"
        /fields/size: expected a number, found `large` (-)
        /fields/public: expected true or false, found `yes` (-)
        /fields/naem: there is no field `naem` (did you mean `name`?)
        /fields: `name` has no value (write NAME=VALUE, or NAME:=JSON)
        /fields/name: it is not JSON: expected value at line 1 column 1 (write NAME=VALUE for a text)
        /fields/cert: a file is named with its digest (write cert:={"path": …, "sha256": …})
        "#);
        let said = check(&["admin=hunter22"]);
        assert!(
            !said.contains("hunter22") && said.contains(r#"admin:={"secret": "NAME"}"#),
            "{said}"
        );
        assert_eq!(check(&["name=a", "name=b"]), "/fields/name: it is given twice (-)");
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_or_refused(pairs in prop::collection::vec("[a-z]{0,6}:?=?.{0,12}", 0..4)) {
            let _ = typed(&form(), &pairs);
        }
    }
}
