//! What an earlier run found to be right, by path and content: bytes in, bytes out. It touches no file, and whatever is
//! wrong with the bytes, it knows nothing.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::content::Content;
use super::document::{Body, Brief, Document, Documents, Kind};
use super::held::Held;
use super::load::{read, unread};
use super::service::Service;
use super::snapshot::{Blob, Files, Snapshot};
use crate::digest::{Digest, Digesting};

/// The most bytes that it is written as: what would take more is not remembered.
pub const MAX_BYTES: usize = 128 << 20;

const MAGIC: &[u8] = b"trueline memory 4\n";
/// Stands behind every field: no path, no id and no JSON has it.
const END: u8 = 0;

/// The catalog as an earlier run left it, as text.
#[derive(Debug, Default)]
pub struct Memory(String);

/// One document, for whoever writes a memory.
#[derive(Debug)]
pub struct Right<'a> {
    /// The document, as it counts under its id.
    pub document: &'a Document,
    /// Whether nothing at all was found in it, nor allowed by a comment of its own.
    pub is_right: bool,
    /// Services that it waits for.
    pub waits_for: &'a [String],
}

/// What is known of a snapshot.
#[derive(Debug, Default)]
pub struct Recalled {
    /// The files that are known; those with no content are another by now, or gone.
    pub files: Files,
    /// Their documents; those that are right are not read, and the others are what they were called.
    pub documents: Documents,
    /// The services that wait for others, each with those it waits for.
    pub waiting: Vec<(String, Vec<String>)>,
    /// What the files held that say who owns what, where nothing was wrong with any name.
    pub owners: Option<Digest>,
}

/// Tells that a file was changed between the moment that it was looked at and the moment that it was read.
#[derive(Clone, Debug, Default)]
pub struct Torn(Arc<AtomicBool>);

impl Torn {
    /// Tells whether that happened.
    pub fn is_torn(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn tear(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A document as it is written.
#[derive(Clone, Copy, Debug)]
struct Row<'a> {
    kind: Kind,
    path: &'a str,
    id: &'a str,
    /// Empty where something is wrong with it.
    blob: &'a str,
    /// The body; of a service the id of what it is of, behind `item:` or `bundle:`.
    body: &'a str,
    environment: &'a str,
    former_ids: &'a str,
    waits_for: &'a str,
}

impl Memory {
    /// Reads what a program of the same name wrote.
    pub fn read(program: &str, bytes: Vec<u8>) -> Self {
        Self(text_of(program, bytes).unwrap_or_default())
    }

    /// Writes down a catalog that was read from a snapshot; false where that is not certain to be recalled as it is, and
    /// what was written so far means nothing.
    pub fn write<'a>(
        program: &str,
        snapshot: &Snapshot,
        owners: Option<Digest>,
        documents: impl IntoIterator<Item = Right<'a>>,
        out: &mut dyn Write,
    ) -> io::Result<bool> {
        out.write_all(MAGIC)?;
        out.write_all(Digest::of_bytes(program.as_bytes()).as_bytes())?;
        let mut text = Text { out, sum: Digesting::default(), length: 0, failed: None };
        let owners = owners.map(|owners| owners.to_string()).unwrap_or_default();
        let head = push(&mut text, [settings_of(snapshot), owners.as_str()]);
        let mut documents = documents.into_iter();
        let whole = head.and_then(|()| documents.try_for_each(|row| push_row(&mut text, &row)));
        let Text { out, sum, failed, .. } = text;
        if let Some(error) = failed {
            return Err(error);
        }
        out.write_all(sum.end().as_bytes())?;
        Ok(whole.is_some())
    }

    /// Returns what is known of a snapshot; nothing where most of it is another by now.
    pub fn recall(&self, snapshot: &Snapshot, torn: &Torn) -> Option<Recalled> {
        let mut fields = fields_of(&self.0);
        let (settings, owners) = (fields.next()?, fields.next()?);
        if settings != settings_of(snapshot) {
            return None;
        }
        let mut rows: Vec<Row<'_>> = Vec::with_capacity(snapshot.files.len());
        rows.extend(std::iter::from_fn(|| row(&mut fields)));
        let same_of = |row: &Row<'_>| {
            snapshot.files.get_key_value(row.path).filter(|(_, blob)| *blob.id == *row.blob)
        };
        let same: Vec<Option<(&Arc<str>, &Blob)>> = rows.par_iter().map(same_of).collect();
        if same.iter().flatten().count() * 2 < rows.len() || fields.next().is_some() {
            return None;
        }
        let names = Names::of(&rows);
        let read = |(row, same): (&Row<'_>, Option<_>)| document(row, same, &names, torn);
        let documents: Option<Vec<Arc<Document>>> = rows.par_iter().zip(same).map(read).collect();
        let documents = documents?;
        let by_path = || documents.iter().map(|it| (it.path.clone(), it.clone())).collect();
        let (files, documents) = rayon::join(|| files(&documents, snapshot), by_path);
        let waiting = rows.iter().filter(|row| !row.waits_for.is_empty());
        Some(Recalled {
            files,
            documents,
            waiting: waiting.map(|row| (row.id.to_owned(), words(row.waits_for))).collect(),
            owners: owners.parse().ok(),
        })
    }
}

/// Returns the text, where every byte of it is as a program of this name wrote it.
fn text_of(program: &str, mut bytes: Vec<u8>) -> Option<String> {
    let (by, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<32>()?;
    let (text, sum) = rest.split_last_chunk::<32>()?;
    let is_ours = by == Digest::of_bytes(program.as_bytes()).as_bytes();
    let is_whole = is_ours && *sum == *Digest::of_bytes(text).as_bytes();
    let length = Some(text.len()).filter(|_| is_whole)?;
    bytes.drain(..MAGIC.len() + by.len());
    bytes.truncate(length);
    String::from_utf8(bytes).ok()
}

/// Names the settings of a snapshot: under others everything is judged anew.
fn settings_of(snapshot: &Snapshot) -> &str {
    snapshot.files.get("trueline.yaml").map_or("", |blob| &blob.id)
}

fn words(text: &str) -> Vec<String> {
    text.split_ascii_whitespace().map(ToOwned::to_owned).collect()
}

/// Text on its way out.
struct Text<'o> {
    out: &'o mut dyn Write,
    sum: Digesting,
    length: usize,
    /// Why it could not be written.
    failed: Option<io::Error>,
}

impl Text<'_> {
    fn add(&mut self, part: &[u8]) -> Option<()> {
        self.sum.add(part);
        self.length += part.len();
        let written = self.out.write_all(part);
        self.failed = written.err();
        (self.failed.is_none() && self.length <= MAX_BYTES).then_some(())
    }
}

/// Adds fields; nothing where one of them could not be told from its neighbours, or there is no room.
fn push<'a>(text: &mut Text<'_>, fields: impl IntoIterator<Item = &'a str>) -> Option<()> {
    for field in fields {
        if memchr::memchr(END, field.as_bytes()).is_some() {
            return None;
        }
        text.add(field.as_bytes())?;
        text.add(&[END])?;
    }
    Some(())
}

fn push_row(text: &mut Text<'_>, right: &Right<'_>) -> Option<()> {
    let document = right.document;
    let (mut environment, mut former_ids) = ("", String::new());
    let listed = |ids: &[String]| {
        let is_word = |id: &String| !id.is_empty() && !id.contains(char::is_whitespace);
        ids.iter().all(is_word).then(|| ids.join(" "))
    };
    let body = match (document.body.as_ref()?, &document.brief) {
        (Body::Service(_), Some(brief)) => {
            environment = brief.environment.as_deref().unwrap_or_default();
            former_ids = listed(&brief.former_ids)?;
            of_offer(&brief.offer, brief.is_bundle)
        }
        (Body::Service(service), None) => {
            environment = service.metadata.environment.as_deref().unwrap_or_default();
            former_ids = listed(&service.metadata.former_ids)?;
            of_offer(service.offer(), service.catalog_item.is_none())
        }
        (other, _) => String::from_utf8(other.as_recalled()?).ok()?,
    };
    let blob = if right.is_right { &*document.blob } else { "" };
    let waits_for = listed(right.waits_for)?;
    let id = match document.kind? {
        Kind::Settings => "",
        _ => document.id.as_deref()?,
    };
    let first = [document.kind?.word(), &document.path, id, blob];
    push(text, first.into_iter().chain([body.as_str(), environment, &former_ids, &waits_for]))
}

fn of_offer(id: &str, is_bundle: bool) -> String {
    format!("{}:{id}", if is_bundle { "bundle" } else { "item" })
}

/// Splits a text into its fields, all of which have an end.
fn fields_of(text: &str) -> impl Iterator<Item = &str> {
    let mut begin = 0;
    memchr::memchr_iter(END, text.as_bytes()).map_while(move |end| {
        let field = text.get(begin..end);
        begin = end + 1;
        field
    })
}

fn row<'a>(fields: &mut impl Iterator<Item = &'a str>) -> Option<Row<'a>> {
    Some(Row {
        kind: Kind::from_word(fields.next()?)?,
        path: fields.next()?,
        id: fields.next()?,
        blob: fields.next()?,
        body: fields.next()?,
        environment: fields.next()?,
        former_ids: fields.next()?,
        waits_for: fields.next()?,
    })
}

/// Names that many services share, each held once.
struct Names<'a>(HashMap<&'a str, Arc<str>>);

impl<'a> Names<'a> {
    fn of(rows: &[Row<'a>]) -> Self {
        let services = rows.iter().filter(|row| row.kind == Kind::Service);
        let names: HashSet<&str> = services
            .flat_map(|row| [offer_of(row).unwrap_or_default().0, row.environment])
            .collect();
        Self(names.into_iter().map(|name| (name, name.into())).collect())
    }

    fn get(&self, name: &str) -> Arc<str> {
        self.0.get(name).cloned().unwrap_or_else(|| name.into())
    }
}

/// Returns the id of what a service is of, and whether that is a bundle.
fn offer_of<'a>(row: &Row<'a>) -> Option<(&'a str, bool)> {
    match row.body.split_once(':')? {
        ("item", id) => Some((id, false)),
        ("bundle", id) => Some((id, true)),
        _ => None,
    }
}

/// Makes the document of a row: the one in the snapshot where that is the same, else what it was called.
fn document(
    row: &Row<'_>,
    same: Option<(&Arc<str>, &Blob)>,
    names: &Names<'_>,
    torn: &Torn,
) -> Option<Arc<Document>> {
    let gone = || Blob { id: "".into(), bytes: Content::from(Vec::new()) };
    let (path, blob) = match same {
        Some((path, blob)) => (path.clone(), blob.clone()),
        None => (row.path.into(), gone()),
    };
    if row.kind == Kind::Service {
        let (offer, is_bundle) = offer_of(row)?;
        let environment = Some(row.environment).filter(|id| !id.is_empty());
        let brief = Brief {
            offer: names.get(offer),
            is_bundle,
            environment: environment.map(|id| names.get(id)),
            former_ids: words(row.former_ids),
        };
        return Some(Arc::new(put_off((&path, row.id.into()), &blob, brief, torn)));
    }
    let body = Some(Body::recalled(row.kind, row.body)?);
    // Settings have no id.
    let (kind, id) = (Some(row.kind), Some(row.id).filter(|id| !id.is_empty()).map(Arc::from));
    Some(Arc::new(Document { kind, id, body, is_recalled: true, ..unread(&path, &blob) }))
}

/// Makes the document of a service without its body, which is read where somebody asks for it.
pub fn put_off(
    (path, id): (&Arc<str>, Arc<str>),
    blob: &Blob,
    brief: Brief,
    torn: &Torn,
) -> Document {
    let from = (path.clone(), blob.clone(), torn.clone());
    let body = Held::later(move || service(&from.0, &from.1, &from.2));
    Document {
        kind: Some(Kind::Service),
        id: Some(id),
        body: Some(Body::Service(body)),
        brief: Some(Box::new(brief)),
        is_recalled: true,
        ..unread(path, blob)
    }
}

/// Reads a service that was right when it was last read; a blank one where the file is another by now.
fn service(path: &Arc<str>, blob: &Blob, torn: &Torn) -> Service {
    if let Some(Body::Service(service)) = read(path, blob).and_then(|document| document.body) {
        return (*service).clone();
    }
    torn.tear();
    Service::default()
}

/// Returns the files of a snapshot that are known as they are, and what became of the others that are.
fn files(documents: &[Arc<Document>], snapshot: &Snapshot) -> Files {
    let mut files = snapshot.files.clone();
    // Both stand in the order of their paths; one out of it is read again, like any that is not known.
    let mut known = documents.iter().map(|document| &*document.path).peekable();
    for path in snapshot.files.keys() {
        while known.next_if(|known| *known < &**path).is_some() {}
        if known.peek().is_none_or(|known| *known != &**path) {
            files.remove(path);
        }
    }
    for document in documents.iter().filter(|document| document.blob.is_empty()) {
        let blob = Blob { id: document.blob.clone(), bytes: document.bytes.clone() };
        files.insert(document.path.clone(), blob);
    }
    files
}

#[cfg(test)]
mod tests;
