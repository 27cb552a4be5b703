//! Snapshot → documents: YAML, schema, typed body. Unchanged files are not read again.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::ordmap::DiffItem;
use rayon::prelude::*;
use serde_json::Value;

use super::actions::name_actions;
use super::bundle::Bundle;
use super::document::{Body, Document, Documents, Kind, Layout, place_in};
use super::environment::Environment;
use super::held::Held;
use super::identity::{belongs, check_folder, check_id, check_kind, check_version, id_of, kind_of};
use super::schema::problems;
use super::service::Service;
use super::snapshot::{Blob, Files, Snapshot};
use crate::finding::{Finding, Place};
use crate::yaml::{self, Node};

/// Version of the format that documents are written in.
pub(super) const VERSION: &str = "catalog/v1";

/// Reads documents and remembers them by path and content, so that what is unchanged is not parsed again.
#[derive(Debug, Default)]
pub struct Reader {
    files: Files,
    documents: Documents,
}

impl Reader {
    /// Makes a reader that has read these documents in these files.
    pub fn going_on(files: Files, documents: Documents) -> Self {
        Self { files, documents }
    }

    /// Reads the documents of a snapshot; forgets what is no longer there.
    pub fn read(&mut self, snapshot: &Snapshot) -> Documents {
        self.read_and(snapshot, |_| ()).0
    }

    /// Reads the documents of a snapshot, as many at a time as there are cores, and looks at each that is new while its
    /// bytes are at hand; returns what came of that by path.
    pub fn read_and<T: Send>(
        &mut self,
        snapshot: &Snapshot,
        look: impl Fn(&Document) -> T + Sync,
    ) -> (Documents, BTreeMap<Arc<str>, T>) {
        let mut fresh: Vec<(&Arc<str>, &Blob)> = Vec::new();
        for item in self.files.diff(&snapshot.files) {
            match item {
                DiffItem::Add(path, blob) | DiffItem::Update { new: (path, blob), .. } => {
                    fresh.push((path, blob));
                }
                DiffItem::Remove(path, _) => {
                    self.documents.remove(path);
                }
            }
        }
        let read = |(path, blob): &(&Arc<str>, &Blob)| {
            let document = read(path, blob);
            let seen = document.map(|document| (look(&document), Arc::new(document)));
            ((*path).clone(), seen)
        };
        let read: Vec<(Arc<str>, Option<_>)> = fresh.par_iter().map(read).collect();
        let mut seen = BTreeMap::new();
        for (path, document) in read {
            let Some((what, document)) = document else {
                self.documents.remove(&path);
                continue;
            };
            self.documents.insert(path.clone(), document);
            seen.insert(path, what);
        }
        self.files = snapshot.files.clone();
        (self.documents.clone(), seen)
    }
}

pub(super) fn unread(path: &Arc<str>, blob: &Blob) -> Document {
    Document {
        path: path.clone(),
        blob: blob.id.clone(),
        bytes: blob.bytes.clone(),
        kind: None,
        id: None,
        body: None,
        findings: Vec::new(),
        is_recalled: false,
        brief: None,
    }
}

/// Reads one file; `None` where it is not a document of the catalog.
pub fn read(path: &Arc<str>, blob: &Blob) -> Option<Document> {
    let document = unread(path, blob);
    match Layout::of(path) {
        Layout::Document { kind, folder, stem } => Some(read_as(document, kind, folder, stem)),
        Layout::Misnamed => Some(misnamed(document)),
        Layout::Other => misplaced(document),
    }
}

fn read_as(mut document: Document, kind: Kind, folder: Option<&str>, stem: &str) -> Document {
    document.kind = Some(kind);
    if let Some((id, body)) = read_right(&document.bytes.get(), (kind, folder, stem)) {
        return Document { id, body: Some(body), ..document };
    }
    let (tree, findings) = yaml::parse(&document.path, &document.bytes.get());
    document.findings = findings;
    let Some(tree) = tree else { return document };
    document.id = id_of(&tree).map(Arc::from);
    let (path, bytes) = (&document.path.clone(), document.bytes.get());
    if let Some(finding) = check_version(&bytes, path, &tree) {
        document.findings.push(finding);
        // What a version means that nobody knows yet is not for this one to judge.
        if tree.get("schemaVersion").is_some() {
            return document;
        }
    }
    let declared = kind_of(&tree).unwrap_or(kind);
    document.kind = Some(declared);
    document.findings.extend(check_kind(&bytes, path, &tree, kind));
    if declared == kind {
        document.findings.extend(check_id(&bytes, (path, kind, stem), &tree));
        document.findings.extend(check_folder(path, &tree, kind, folder));
    }
    let value = with_head(tree.to_json(), declared);
    document.findings.extend(problems(declared, &value).into_iter().map(|problem| {
        let place = place_in(path, &tree, &problem.pointer, problem.at_key);
        problem.within(&bytes, &tree, place)
    }));
    if !document.findings.iter().any(Finding::is_error) {
        type_body(&mut document, declared, value, &tree);
    }
    document.findings.sort_by(|a, b| (&a.place, &a.rule).cmp(&(&b.place, &b.rule)));
    document
}

/// Reads a document that is surely right, as most are, without a thought for places; nothing where it may be wrong.
fn read_right(
    bytes: &[u8],
    (kind, folder, stem): (Kind, Option<&str>, &str),
) -> Option<(Option<Arc<str>>, Body)> {
    let value = yaml::quick(bytes)?;
    let metadata = value.get("metadata");
    let told = |key| metadata.and_then(|metadata| metadata.get(key)).and_then(Value::as_str);
    let id = told("id");
    let said = match kind {
        Kind::Item => told("category"),
        Kind::Service => told("team"),
        Kind::Bundle | Kind::Environment | Kind::Settings => folder,
    };
    let head = |key| value.get(key).and_then(Value::as_str);
    let is_headed = head("schemaVersion") == Some(VERSION) && head("kind") == Some(kind.word());
    let is_placed = said == folder && (kind == Kind::Settings || id == Some(stem));
    if !is_headed || !is_placed || !problems(kind, &value).is_empty() {
        return None;
    }
    let id = id.map(Arc::from);
    Some((id, body_of(kind, value).ok()?))
}

/// Puts the right head on a value, for findings about the head are made in their own words.
fn with_head(mut value: Value, kind: Kind) -> Value {
    if let Value::Object(map) = &mut value {
        map.insert("schemaVersion".to_owned(), VERSION.into());
        map.insert("kind".to_owned(), kind.word().into());
    }
    value
}

fn body_of(kind: Kind, value: Value) -> serde_json::Result<Body> {
    match kind {
        Kind::Item => serde_json::from_value(value).map(|mut item| {
            name_actions(&mut item);
            Body::Item(Held::from(item))
        }),
        Kind::Bundle => serde_json::from_value(value).map(|body: Bundle| Body::Bundle(body.into())),
        Kind::Service => {
            serde_json::from_value(value).map(|body: Service| Body::Service(body.into()))
        }
        Kind::Environment => {
            serde_json::from_value(value).map(|body: Environment| Body::Environment(body.into()))
        }
        Kind::Settings => serde_json::from_value(value).map(|body| Body::Settings(Arc::new(body))),
    }
}

fn type_body(document: &mut Document, kind: Kind, value: Value, tree: &Node) {
    match body_of(kind, value) {
        Ok(body) => document.body = Some(body),
        Err(error) => {
            // A schema takes `1.0` for a whole number, a typed form does not.
            let message = format!("this does not make a `{kind}`: {error}");
            let place = place_in(&document.path, tree, "", false);
            let hint = "write whole numbers without a point";
            document.findings.push(Finding::error("schema/type", place, message).hint(hint));
        }
    }
}

/// A file in a folder of the catalog, under a name that nobody reads: its id counts as unknown.
fn misnamed(mut document: Document) -> Document {
    let path: &str = &document.path;
    let folder = path.split('/').next().unwrap_or_default();
    let place = Place::start_of(document.path.clone());
    let finding = match path.rsplit_once('.') {
        Some((_, "yaml")) => {
            let pattern = match folder {
                "catalog" => "catalog/<category>/<id>.yaml",
                "services" => "services/<team>/<id>.yaml",
                "bundles" => "bundles/<id>.yaml",
                _ => "environments/<id>.yaml",
            };
            Finding::error("document/ending", place, "a document is not read at this depth")
                .hint(format!("`{folder}` is laid out as `{pattern}`"))
        }
        parts => {
            let (stem, ending) = parts.unwrap_or((path, ""));
            let message = format!("a file that ends in `.{ending}` is not read");
            Finding::error("document/ending", place, message)
                .hint(format!("write it as YAML and name it `{stem}.yaml`"))
        }
    };
    document.findings.push(finding);
    document
}

/// A YAML file elsewhere that calls itself a document of a catalog.
fn misplaced(mut document: Document) -> Option<Document> {
    let ending = document.path.rsplit_once('.').map(|(_, ending)| ending);
    let is_yaml = matches!(ending, Some("yaml" | "yml"));
    // Most YAML elsewhere is none of our business: look before parsing.
    if !is_yaml || !document.bytes.get().windows(9).any(|bytes| bytes == b"catalog/v") {
        return None;
    }
    let (tree, _) = yaml::parse(&document.path, &document.bytes.get());
    let tree = tree?;
    let version = tree.get("schemaVersion")?.text()?;
    if !version.starts_with("catalog/") {
        return None;
    }
    document.kind = kind_of(&tree);
    document.id = id_of(&tree).map(Arc::from);
    let hint = match document.kind {
        Some(kind) => format!("move it to `{}`, or remove `schemaVersion`", belongs(kind, &tree)),
        None => "move it to the folder of its kind, or remove `schemaVersion`".to_owned(),
    };
    let place = place_in(&document.path, &tree, "/schemaVersion", false);
    let message = "a document of a catalog stands where none is read";
    document.findings.push(Finding::error("document/misplaced", place, message).hint(hint));
    Some(document)
}

#[cfg(test)]
mod tests;
