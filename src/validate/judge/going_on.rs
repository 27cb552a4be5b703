//! How a judge begins: from where an earlier run stopped, or with one service after the other. It judges nothing anew.

use std::collections::{BTreeSet, HashSet};
use std::io::{self, Write};
use std::sync::Arc;

use memchr::{memchr, memmem};
use rayon::prelude::*;

use super::super::context::Context;
use super::super::effective::{self, Judgement};
use super::super::fit::{self, Fit};
use super::super::known::digest_of_owners;
use super::{Judge, Last, Seen, looked_at};
use crate::catalog::{
    Blob, Body, Brief, Catalog, Document, Documents, Entry, Files, Kind, Layout, Memory, Reader,
    Right, Snapshot, Torn, put_off, read,
};
use crate::digest::Digest;

/// How many documents that are new are worth writing it down: fewer are read in less time than a person notices.
const WORTH: usize = 200;

impl Judge {
    /// Begins with what an earlier run knew, else with one service after the other, where nobody needs them all at once.
    pub(super) fn begin(&mut self, snapshot: &Snapshot) {
        if self.last.is_none() && self.is_forgetful && !self.go_on(snapshot) {
            self.pass_through(snapshot);
        }
    }

    /// Takes up what an earlier run knew of a snapshot, as if this judge had judged that run's.
    fn go_on(&mut self, snapshot: &Snapshot) -> bool {
        let memory = self.memory.take();
        let Some(known) = memory.and_then(|memory| memory.recall(snapshot, &self.torn)) else {
            return false;
        };
        // Where they are not known to be right, they are the ones of that run all the same: it says so of its own.
        let settings = snapshot.files.get_key_value("trueline.yaml");
        let settings = settings.filter(|(path, _)| !known.documents.contains_key(*path));
        let settings = settings.and_then(|(path, blob)| read(path, blob)).map(Arc::new);
        self.reader = Reader::going_on(known.files, known.documents.clone());
        self.documents = known.documents.clone();
        let owners = self.owners(snapshot);
        let owners = (known.owners == Some(self.owners_digest())).then_some(owners);
        let mut documents = known.documents;
        documents.extend(settings.map(|settings| (settings.path.clone(), settings)));
        self.holders.expect(Kind::Service, self.documents.len());
        let index = || Arc::new(Catalog::default().follow("", documents));
        let rest = || {
            self.documents.values().for_each(|document| self.holders.add(document));
            Fit::of_waiting(known.waiting)
        };
        let (catalog, fit) = rayon::join(index, rest);
        self.fit = fit.going_on(&catalog, BTreeSet::new(), owners);
        self.last = Some(Last::of(catalog));
        true
    }

    /// Reads what services are of, then checks the services one by one and lets go of each that fits: those of a catalog of a
    /// hundred thousand are never held all at once.
    fn pass_through(&mut self, snapshot: &Snapshot) {
        let is_service =
            |path: &str| matches!(Layout::of(path), Layout::Document { kind: Kind::Service, .. });
        let (services, others): (Vec<_>, Vec<_>) =
            snapshot.files.iter().partition(|(path, _)| is_service(path));
        let files = others.into_iter().map(|(path, blob)| (path.clone(), blob.clone())).collect();
        self.take(&Snapshot { files, ..Snapshot::default() });
        let judgement =
            Judgement { documents: &self.documents, wrong: &self.wrong, holders: &self.holders };
        let found = effective::choose(&judgement, &[], &self.past, &mut self.good);
        let torn = self.torn.clone();
        let ids: HashSet<Arc<str>> =
            found.documents.values().filter_map(|document| document.id.clone()).collect();
        let foreseen = services.par_iter().filter_map(|file| foreseen(*file, &ids, &torn));
        let foreseen: Vec<Arc<Document>> = foreseen.collect();
        let mut documents = found.documents.clone();
        documents.extend(foreseen.iter().map(|it| (it.path.clone(), it.clone())));
        let before = Catalog::default().follow("", documents.clone());
        let owners = self.owners(snapshot);
        let context = Context::new(&before, &found.unusable, &owners, None);
        let parts =
            |passed: Option<Passed>| passed.map(|Passed { document, fits }| (document, fits));
        let passed = all_passed(&context, &foreseen, &torn).into_iter().map(parts);
        let (passed, fits): (Vec<_>, Vec<_>) = passed.map(Option::unzip).unzip();
        let fits = fits.into_iter().map(Option::flatten);
        let (files, (catalog, fit)) = rayon::join(
            || self.keep(&snapshot.files, &foreseen, &passed),
            || followed(&before, documents, &foreseen, passed.iter().zip(fits)),
        );
        self.reader = Reader::going_on(files, self.documents.clone());
        self.fit = fit.going_on(&catalog, found.unusable, None);
        self.last = Some(Last::of(Arc::new(catalog)));
    }

    /// Takes up the services that passed; returns the files that are known by now.
    fn keep(
        &mut self,
        files: &Files,
        foreseen: &[Arc<Document>],
        passed: &[Option<Arc<Document>>],
    ) -> Files {
        let mut files = files.clone();
        self.holders.expect(Kind::Service, foreseen.len());
        for (foreseen, passed) in foreseen.iter().zip(passed) {
            let Some(document) = passed else {
                files.remove(&foreseen.path);
                continue;
            };
            self.holders.add(document);
            self.documents.insert(document.path.clone(), document.clone());
            self.fresh += 1;
        }
        files
    }

    /// Tells whether much of what it found in the last snapshot is new, and worth writing down.
    pub fn is_worth_writing(&self) -> bool {
        // What does not fit is read by every run.
        self.fresh.saturating_sub(self.fit.count_unfit()) >= WORTH
    }

    /// Writes down what it found to be right in the last snapshot, for another run of the same program to go on from;
    /// false where what was written means nothing.
    pub fn write(
        &self,
        program: &str,
        snapshot: &Snapshot,
        out: &mut dyn Write,
    ) -> io::Result<bool> {
        let Some(Last { catalog, .. }) = &self.last else { return Ok(false) };
        let indexed = self.documents.values().filter(|document| catalog.indexes(document));
        let owners = self.fit.has_sound_names().then(|| self.owners_digest());
        let rows = indexed.map(|document| self.right(document));
        Memory::write(program, snapshot, owners, rows, out)
    }

    fn right<'a>(&'a self, document: &'a Document) -> Right<'a> {
        let id = document.id.as_deref().unwrap_or_default();
        let is_service = document.kind == Some(Kind::Service);
        let is_unfit = is_service && self.fit.is_unfit(id);
        let is_told = self.flaws.contains_key(&document.path) || self.comments.has(&document.path);
        let waits_for = if is_service { self.fit.waits_for(id) } else { &[] };
        let is_right = document.findings.is_empty() && !is_told && !is_unfit;
        Right { document, is_right, waits_for }
    }

    /// Tells whether a file was changed while it was being judged: then the snapshot is not what is there.
    pub fn is_torn(&self) -> bool {
        self.torn.is_torn()
    }

    /// Names what the files that say who owns what hold.
    fn owners_digest(&self) -> Digest {
        digest_of_owners(self.owners.as_ref().map(|(key, _)| key))
    }
}

/// A service that is right in itself.
struct Passed {
    document: Arc<Document>,
    /// Whom it waits for, where it fits; then it is read again where somebody asks for it.
    fits: Option<Vec<String>>,
}

/// Returns the catalog of what was foreseen and what turned out to be otherwise, and who waits for whom in it. What did not
/// pass is another document by now, or none: who names it is checked again.
fn followed<'a>(
    before: &Catalog,
    mut documents: Documents,
    foreseen: &[Arc<Document>],
    passed: impl Iterator<Item = (&'a Option<Arc<Document>>, Option<Vec<String>>)>,
) -> (Catalog, Fit) {
    let mut waiting = Vec::new();
    for (foreseen, passed) in foreseen.iter().zip(passed) {
        let (Some(document), Some(waits_for)) = passed else { continue };
        if !waits_for.is_empty() {
            waiting.extend(document.id.as_deref().map(|id| (id.to_owned(), waits_for)));
        }
        if !Arc::ptr_eq(foreseen, document) {
            documents.insert(document.path.clone(), document.clone());
        }
    }
    (before.follow("", documents), Fit::of_waiting(waiting))
}

/// Tells by its path, and by a glance at its bytes, what a service will turn out to be.
fn foreseen(
    (path, blob): (&Arc<str>, &Blob),
    ids: &HashSet<Arc<str>>,
    torn: &Torn,
) -> Option<Arc<Document>> {
    let Layout::Document { stem, .. } = Layout::of(path) else { return None };
    let at_hand = blob.bytes.at_hand();
    let bytes = at_hand.clone().unwrap_or_else(|| blob.bytes.get());
    let (offer, is_bundle) = offered(&bytes).unwrap_or_default();
    let offer = ids.get(offer).cloned().unwrap_or_else(|| offer.into());
    let environment = value_of(b"\n  environment", &bytes).and_then(|(_, id)| ids.get(id));
    let environment = environment.cloned();
    let brief = Brief { offer, is_bundle, environment, former_ids: Vec::new() };
    let document = put_off((path, stem.into()), blob, brief, torn);
    if at_hand.is_none() {
        blob.bytes.release();
    }
    Some(Arc::new(document))
}

/// Finds what a service says that it is of, as it is mostly written; whoever writes it otherwise is only looked at later.
fn offered(bytes: &[u8]) -> Option<(&str, bool)> {
    match value_of(b"\ncatalog", bytes)? {
        ("catalogItem", id) => Some((id, false)),
        ("catalogBundle", id) => Some((id, true)),
        _ => None,
    }
}

/// Finds the first line that begins in a way; returns its key, with what it is indented by, and its value.
fn value_of<'b>(begin: &[u8], bytes: &'b [u8]) -> Option<(&'b str, &'b str)> {
    let line = bytes.get(memmem::find(bytes, begin)? + 1..)?;
    let line = line.get(..memchr(b'\n', line).unwrap_or(line.len()))?;
    let (key, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
    Some((key, value.trim()))
}

/// Reads and checks services, those of one item after another: what a form compiles to is needed for its own services only.
fn all_passed(
    context: &Context<'_>,
    foreseen: &[Arc<Document>],
    torn: &Torn,
) -> Vec<Option<Passed>> {
    let offers = foreseen.iter().map(|it| it.brief.as_ref().map(|it| (it.is_bundle, &*it.offer)));
    let mut order: Vec<_> = offers.enumerate().map(|(at, offer)| (offer, at)).collect();
    order.par_sort_unstable();
    let of_one = |of_one: &[(Option<(bool, &str)>, usize)]| -> Vec<(usize, Option<Passed>)> {
        let pass = |(_, at): &(_, usize)| {
            (*at, foreseen.get(*at).and_then(|it| passed(context, it, torn)))
        };
        let passed = of_one.par_iter().map(pass).collect();
        let id = of_one.first().and_then(|(offer, _)| *offer).map_or("", |(_, id)| id);
        let item = context.catalog.items.get(id).map(|it| &it.document);
        item.or(context.catalog.bundles.get(id).map(|it| &it.document)).inspect(|it| it.release());
        passed
    };
    let chunks = order.par_chunk_by(|(a, _), (b, _)| a == b).map(of_one);
    let mut passed: Vec<(usize, Option<Passed>)> = chunks.flatten_iter().collect();
    passed.par_sort_unstable_by_key(|(at, _)| *at);
    passed.into_iter().map(|(_, passed)| passed).collect()
}

/// Reads and checks a service; nothing where anything is found in it alone, for that is told in its turn.
fn passed(context: &Context<'_>, foreseen: &Arc<Document>, torn: &Torn) -> Option<Passed> {
    let blob = Blob { id: foreseen.blob.clone(), bytes: foreseen.bytes.clone() };
    let document = read(&foreseen.path, &blob)?;
    let Seen { findings, comments } = looked_at(&document, true);
    if !findings.is_empty() || !comments.is_empty() || !document.findings.is_empty() {
        return None;
    }
    let Some(Body::Service(body)) = document.body.clone() else { return None };
    let entry = Entry { body, document: Arc::new(document) };
    let brief = foreseen.brief.as_deref()?;
    let is_foreseen = entry.document.id == foreseen.id
        && (entry.offer(), entry.is_of_bundle()) == (&*brief.offer, brief.is_bundle);
    let fits = is_foreseen.then(|| fit::fits(context, &entry)).flatten();
    let Some((waits_for, offer)) = fits.zip(context.offer_of(&entry)) else {
        return Some(Passed { document: entry.document, fits: None });
    };
    let environment = context.catalog.environment_of(&entry.body);
    let brief = Brief {
        offer: offer.document().id.clone()?,
        is_bundle: brief.is_bundle,
        environment: environment.and_then(|it| it.document.id.clone()),
        former_ids: entry.body.metadata.former_ids.clone(),
    };
    if foreseen.brief.as_deref() == Some(&brief) {
        return Some(Passed { document: foreseen.clone(), fits: Some(waits_for) });
    }
    let id = entry.document.id.clone()?;
    let document = Arc::new(put_off((&foreseen.path, id), &blob, brief, torn));
    Some(Passed { document, fits: Some(waits_for) })
}

#[cfg(test)]
mod tests {
    use super::offered;

    #[test]
    fn what_a_service_is_of_is_seen_at_a_glance() {
        for (text, expected) in [
            ("kind: Service\ncatalogItem: database\n", Some(("database", false))),
            ("kind: Service\ncatalogBundle:  web-app  \r\nfields:\n", Some(("web-app", true))),
            ("kind: Service\ncatalogItem: \"database\"", Some(("\"database\"", false))),
            ("{kind: Service, catalogItem: database}", None),
            ("kind: Service\n# \ncatalogue: x\n", None),
            ("", None),
        ] {
            assert_eq!(offered(text.as_bytes()), expected, "{text}");
        }
    }
}
