//! Files that are put beside a service with the request that names them: where each goes, and how large it may be. It writes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::ask::{Wrong, cut, escaped};
use crate::catalog::{Field, FieldType, Form};
use crate::digest::Digest;

/// Files of one request.
const MOST: usize = 20;

/// Bytes of one file; an item may allow less.
const LARGEST: usize = 256 * 1024;

/// Bytes of all files of one request.
const LARGEST_OF_ALL: usize = 1024 * 1024;

/// How long the name of a file is at most.
const LONGEST_NAME: usize = 80;

/// Files by path, with what they hold.
pub type Placed = BTreeMap<Arc<str>, Vec<u8>>;

/// A file that somebody sends with a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upload {
    /// Its name, as they have it.
    pub name: String,
    /// What it is said to be: `application/json`.
    pub media_type: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// Says which files are too large, whatever the catalog allows.
pub(super) fn too_large(uploads: &BTreeMap<String, Upload>) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    if uploads.len() > MOST {
        wrong.push(Wrong::at("/files", format!("there are more than {MOST} files")));
    }
    let large = uploads.iter().filter(|(_, upload)| upload.bytes.len() > LARGEST);
    wrong.extend(large.map(|(field, _)| {
        Wrong::at(&pointer(field), format!("the file has more than {LARGEST} bytes"))
    }));
    if uploads.values().map(|upload| upload.bytes.len()).sum::<usize>() > LARGEST_OF_ALL {
        let message = format!("the files together have more than {LARGEST_OF_ALL} bytes");
        wrong.push(Wrong::at("/files", message));
    }
    wrong
}

fn pointer(field: &str) -> String {
    format!("/fields/{}", escaped(field))
}

/// Finds each file its place in the folder of the team, and names it in its field.
pub(super) fn placed(
    (uploads, form): (&BTreeMap<String, Upload>, &Form),
    (team, service): (&str, &str),
    fields: &mut Map<String, Value>,
) -> Result<Placed, Vec<Wrong>> {
    let (mut files, mut wrong) = (Placed::new(), Vec::new());
    for (id, upload) in uploads {
        let Some(field) = form.field(id).filter(|field| field.kind == FieldType::File) else {
            wrong.push(Wrong::at(&pointer(id), format!("`{}` is no field of a file", cut(id))));
            continue;
        };
        if let Some(why) = refused(field, upload) {
            wrong.push(why);
            continue;
        }
        let path = format!("files/{service}/{}-{}", kebab(id), harmless(&upload.name));
        let sha256 = Digest::of_bytes(&upload.bytes).to_string();
        fields.insert(id.clone(), json!({"path": path, "sha256": sha256}));
        files.insert(format!("services/{team}/{path}").into(), upload.bytes.clone());
    }
    if wrong.is_empty() { Ok(files) } else { Err(wrong) }
}

/// Says why the item does not take a file.
fn refused(field: &Field, upload: &Upload) -> Option<Wrong> {
    let most = field.limit("maxBytes").and_then(Value::as_u64);
    if most.is_some_and(|most| upload.bytes.len() as u64 > most) {
        let message = format!("the file has more than {} bytes", most.unwrap_or_default());
        return Some(Wrong::at(&pointer(&field.id), message));
    }
    let kinds = field.limit("mediaTypes").and_then(Value::as_array)?;
    let kind = upload.media_type.split(';').next().unwrap_or_default().trim();
    let fits = |wanted: &Value| {
        let wanted = wanted.as_str().unwrap_or_default();
        match wanted.strip_suffix('*') {
            Some(begin) => kind.starts_with(begin),
            None => wanted.eq_ignore_ascii_case(kind),
        }
    };
    if kinds.iter().any(fits) {
        return None;
    }
    let known: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
    let message = format!("the file is `{}`", cut(kind));
    Some(Wrong::at(&pointer(&field.id), message).hint(format!("it takes {}", known.join(", "))))
}

/// Writes the id of a field as paths are written.
fn kebab(id: &str) -> String {
    let mut text = String::new();
    for one in id.chars().filter(char::is_ascii_alphanumeric) {
        if one.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(one.to_ascii_lowercase());
    }
    text
}

/// Makes a name that is one everywhere: no folder, nothing hidden, nothing odd.
fn harmless(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain = |one: char| match one {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => one,
        _ => '-',
    };
    let text: String = last.chars().map(plain).collect();
    let text = text.trim_start_matches(['.', '-', '_']);
    let skip = text.len().saturating_sub(LONGEST_NAME);
    let text = text.get(skip..).unwrap_or_default().trim_start_matches(['.', '-', '_']);
    if text.is_empty() { "file".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> Form {
        serde_json::from_value(json!({"groups": [{"id": "g", "name": "G", "fields": [
            {"id": "name", "name": "Name", "type": "string"},
            {"id": "rootCert", "name": "Certificate", "type": "file",
             "validation": {"maxBytes": 8, "mediaTypes": ["text/*", "application/json"]}},
        ]}]}))
        .expect("a form")
    }

    fn check(field: &str, name: &str, media_type: &str, bytes: &[u8]) -> String {
        let upload = Upload {
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            bytes: bytes.to_vec(),
        };
        let uploads = BTreeMap::from([(field.to_owned(), upload)]);
        let mut fields = Map::new();
        match placed((&uploads, &form()), ("payments", "shop-db"), &mut fields) {
            Ok(files) => {
                let path = files.keys().next().expect("a file").to_string();
                let named = fields["rootCert"]["path"].as_str().expect("a path");
                assert_eq!(path, format!("services/payments/{named}"));
                assert_eq!(form().check(&fields), Vec::new());
                path
            }
            Err(wrong) => wrong.iter().map(|it| it.message.clone()).collect::<Vec<_>>().join("; "),
        }
    }

    #[test]
    fn a_file_is_put_beside_its_service_and_named_with_its_digest() {
        let at = |name: &str| format!("services/payments/files/shop-db/root-cert-{name}");
        assert_eq!(check("rootCert", "ca.pem", "text/plain", b"abc"), at("ca.pem"));
        for (hostile, name) in [
            ("../../../trueline.yaml", "trueline.yaml"),
            ("C:\\a\\b.json", "b.json"),
            (".git", "git"),
            ("a b<script>\u{202e}.txt", "a-b-script--.txt"),
            ("", "file"),
            ("..", "file"),
            ("\0\n", "file"),
        ] {
            assert_eq!(check("rootCert", hostile, "application/json", b"x"), at(name));
        }
        let long = format!("{}.pem", "x".repeat(500));
        assert!(check("rootCert", &long, "text/plain", b"x").len() < 150);
    }

    #[test]
    fn what_an_item_does_not_take_is_refused() {
        assert_eq!(check("rootCert", "a", "text/plain", &[0; 9]), "the file has more than 8 bytes");
        assert_eq!(check("rootCert", "a", "image/png", b"x"), "the file is `image/png`");
        assert_eq!(check("name", "a", "text/plain", b"x"), "`name` is no field of a file");
        assert_eq!(check("none", "a", "text/plain", b"x"), "`none` is no field of a file");
        let large = Upload { bytes: vec![0; LARGEST + 1], ..Upload::default() };
        let many: BTreeMap<String, Upload> =
            (0..5).map(|number| (format!("f{number}"), large.clone())).collect();
        assert_eq!(too_large(&many).len(), 6);
    }
}
