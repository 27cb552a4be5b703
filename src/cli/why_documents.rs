//! Finds the documents that made a unit what it is, and the lines that count, at the commit that was applied.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::context::Context;
use super::output::Failure;
use super::why::{AppliedWire, WhyWire};
use crate::catalog::{Catalog, Document, Kind, Layout, Snapshot, read};
use crate::id::UnitKey;
use crate::source::Source;
use crate::yaml::Node;

/// The documents that made a unit what it is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DocumentsWire {
    /// Why they can't be told; nothing where they can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unknown: Option<String>,
    pub(super) files: Vec<DocumentWire>,
}

/// One document and the lines of it that count.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DocumentWire {
    pub(super) kind: &'static str,
    pub(super) id: String,
    pub(super) path: String,
    pub(super) blob: String,
    pub(super) lines: Vec<LinesWire>,
}

/// Lines of a document, from 1, and what they say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct LinesWire {
    pub(super) what: String,
    pub(super) first: u32,
    pub(super) last: u32,
}

/// Fills in the documents of every unit, each commit read once.
pub(super) fn fill(context: &Context, wire: &mut WhyWire) -> Result<(), Failure> {
    let mut known: BTreeMap<String, Result<Catalog, String>> = BTreeMap::new();
    let mut source: Option<Source> = None;
    let service = wire.service.clone();
    for unit in &mut wire.units {
        let Some(applied) = &mut unit.applied else { continue };
        let path = applied.change.as_ref().map(|change| change.path.clone());
        if !known.contains_key(&applied.commit) {
            let read = catalog_at(context, &mut source, (&applied.commit, path.as_deref()))?;
            known.insert(applied.commit.clone(), read);
        }
        applied.documents = Some(match known.get(&applied.commit) {
            Some(Ok(catalog)) => documents(catalog, (&service, &unit.unit), applied),
            Some(Err(why)) => DocumentsWire { unknown: Some(why.clone()), files: Vec::new() },
            None => DocumentsWire { unknown: None, files: Vec::new() },
        });
    }
    Ok(())
}

/// Reads the catalog of a commit, without the services of others; why not, where that commit is gone.
fn catalog_at(
    context: &Context,
    source: &mut Option<Source>,
    (commit, path): (&str, Option<&str>),
) -> Result<Result<Catalog, String>, Failure> {
    if source.is_none() {
        let mut opened = context.source()?;
        if let Err(error) = opened.poll() {
            return Ok(Err(format!("the catalog can't be read: {error}")));
        }
        *source = Some(opened);
    }
    let Some(source) = source else { return Ok(Err(String::new())) };
    Ok(match source.snapshot(commit) {
        Ok(snapshot) => Ok(reduced(&snapshot, path)),
        Err(_) if commit.starts_with("dir:") => {
            Err("the directory has changed since, and knows no earlier state".to_owned())
        }
        Err(error) => Err(format!("commit {commit} can't be read: {error}")),
    })
}

fn reduced(snapshot: &Snapshot, service: Option<&str>) -> Catalog {
    let counts = |path: &str| {
        !matches!(Layout::of(path), Layout::Document { kind: Kind::Service, .. })
            || service.is_none_or(|service| service == path)
    };
    let files = snapshot.files.iter().filter(|(path, _)| counts(path));
    let documents = files.filter_map(|(path, blob)| read(path, blob).map(Arc::new));
    Catalog::of(snapshot.commit.clone(), documents)
}

fn documents(
    catalog: &Catalog,
    (service, unit): (&str, &UnitKey),
    applied: &AppliedWire,
) -> DocumentsWire {
    let mut files = Vec::new();
    let entry = catalog.services.get(service);
    if let Some(entry) = entry {
        let fields = entry.body.fields.iter().map(|(name, _)| (format!("fields.{name}"), name));
        let mut wanted: Vec<(String, String)> = vec![
            ("item".to_owned(), "/catalogItem".to_owned()),
            ("bundle".to_owned(), "/catalogBundle".to_owned()),
            ("state".to_owned(), "/state".to_owned()),
            ("version".to_owned(), "/version".to_owned()),
        ];
        wanted.extend(fields.map(|(what, name)| (what, format!("/fields/{}", escaped(name)))));
        files.push(wire(&entry.document, service, &wanted));
        let bundle = entry.body.catalog_bundle.as_ref();
        if let Some(bundle) = bundle.and_then(|id| catalog.bundles.get(id)) {
            let id = unit.component.as_deref().unwrap_or_default();
            let place = bundle.body.components.iter().position(|component| component.id == id);
            let wanted =
                place.map(|place| (format!("component {id}"), format!("/components/{place}")));
            files.push(wire(&bundle.document, &bundle.body.metadata.id, wanted.as_slice()));
        }
    }
    if let Some(item) = catalog.items.get(&applied.item) {
        let mut wanted = vec![("version".to_owned(), "/metadata/version".to_owned())];
        let tree = item.document.tree();
        for step in &applied.run.steps {
            let pointer = tree.as_ref().and_then(|tree| pointer_of(tree, &step.id));
            wanted.extend(pointer.map(|pointer| (format!("step {}", step.id), pointer)));
        }
        files.push(wire(&item.document, &applied.item, &wanted));
    }
    let environment = entry.and_then(|entry| entry.body.metadata.environment.clone());
    if let Some((id, entry)) =
        environment.and_then(|id| Some((id.clone(), catalog.environments.get(&id)?)))
    {
        let wanted = [("variables".to_owned(), "/variables".to_owned())];
        files.push(wire(&entry.document, &id, &wanted));
    }
    let unknown =
        entry.is_none().then(|| format!("its document is not in commit {}", catalog.commit));
    DocumentsWire { unknown, files }
}

/// Makes a name one part of a JSON pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Finds the action of an id in the blocks of an item.
fn pointer_of(tree: &Node, id: &str) -> Option<String> {
    // A step of an operation is named after both.
    let (operation, id) = id.split_once('~').map_or((None, id), |(name, id)| (Some(name), id));
    let operation =
        operation.map(|name| format!("/fulfillment/operations/{}/actions", escaped(name)));
    let blocks = [
        "/fulfillment/automatic/actions",
        "/fulfillment/automatic/update/actions",
        "/fulfillment/automatic/delete/actions",
        "/fulfillment/manual/actions",
        "/fulfillment/hooks/before",
        "/fulfillment/hooks/after",
    ];
    let blocks = operation.into_iter().chain(blocks.map(str::to_owned));
    blocks.into_iter().find_map(|block| {
        let actions = tree.pointer(&block)?.items();
        let named = |action: &Node| action.get("id").and_then(Node::text) == Some(id);
        Some(format!("{block}/{}", actions.iter().position(named)?))
    })
}

fn wire(document: &Document, id: &str, wanted: &[(String, String)]) -> DocumentWire {
    let tree = document.tree();
    let lines = wanted.iter().filter_map(|(what, pointer)| {
        let tree = tree.as_ref()?;
        let span = tree.pointer(pointer)?.span();
        let (key, _) = tree.locate(pointer, true);
        let first = if key.line > 0 { key.line.min(span.line) } else { span.line };
        Some(LinesWire { what: what.clone(), first, last: span.end_line.max(first) })
    });
    DocumentWire {
        kind: document.kind.map(Kind::word).unwrap_or_default(),
        id: id.to_owned(),
        path: document.path.to_string(),
        blob: document.blob.to_string(),
        lines: lines.collect(),
    }
}
