//! How a judge begins: from where an earlier run stopped, or with one service after the other. It judges nothing anew.

use std::collections::BTreeSet;
use std::sync::Arc;

use rayon::prelude::*;

use super::super::context::Context;
use super::super::effective::{self, Judgement};
use super::super::fit::{self, Fit};
use super::super::known::digest_of_owners;
use super::{Judge, Last, Seen, looked_at};
use crate::catalog::{
    Blob, Body, Catalog, Document, Entry, Files, Kind, Layout, Memory, Reader, Right, Snapshot,
    Torn, put_off, read,
};
use crate::digest::Digest;

/// How many documents that are new are worth writing it down: fewer are read in less time than a person notices.
const WORTH: usize = 200;

impl Judge {
    /// Begins with what an earlier run knew, else with one service after the other, where that is of use.
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
        let settings = snapshot.files.get_key_value("trueline.yaml");
        let settings = settings.and_then(|(path, blob)| read(path, blob)).map(Arc::new);
        self.reader = Reader::going_on(known.files, known.documents.clone());
        self.documents = known.documents.clone();
        self.documents.values().for_each(|document| self.holders.add(document));
        let mut documents = known.documents;
        documents.extend(settings.map(|settings| (settings.path.clone(), settings)));
        let catalog = Arc::new(Catalog::default().follow("", documents));
        let owners = Some(self.owners(snapshot));
        let same_owners = known.owners.is_some() && known.owners == Some(self.owners_digest());
        let owners = owners.filter(|_| same_owners);
        self.fit = Fit::going_on(&catalog, (BTreeSet::new(), owners), known.waiting);
        self.last = Some(Last::of(catalog));
        true
    }

    /// Reads what services are of, then checks the services one by one and lets go of each that fits and waits for nobody:
    /// those of a catalog of a hundred thousand are never held all at once.
    fn pass_through(&mut self, snapshot: &Snapshot) {
        let is_service =
            |path: &str| matches!(Layout::of(path), Layout::Document { kind: Kind::Service, .. });
        let (services, others): (Vec<_>, Vec<_>) =
            snapshot.files.iter().partition(|(path, _)| is_service(path));
        let others: Files =
            others.into_iter().map(|(path, blob)| (path.clone(), blob.clone())).collect();
        self.take(&Snapshot { files: others.clone(), ..Snapshot::default() });
        let judgement =
            Judgement { documents: &self.documents, wrong: &self.wrong, holders: &self.holders };
        let found = effective::choose(&judgement, &[], &self.past, &mut self.good);
        let before = Catalog::default().follow("", found.documents.clone());
        let owners = self.owners(snapshot);
        let context = Context::new(&before, &found.unusable, &owners, None);
        let pass = |(path, blob): &(&Arc<str>, &Blob)| passed(&context, path, blob, &self.torn);
        let passed: Vec<Passed> = services.par_iter().filter_map(pass).collect();
        let offers = before.items.values().map(|it| &it.document);
        offers.chain(before.bundles.values().map(|it| &it.document)).for_each(|it| it.release());
        let (mut files, mut fitting) = (others, found.documents.clone());
        for Passed { document, fits } in passed {
            let path = document.path.clone();
            files.extend(snapshot.files.get(&path).map(|blob| (path.clone(), blob.clone())));
            self.holders.add(&document);
            self.documents.insert(path.clone(), document.clone());
            self.fresh += 1;
            if fits {
                fitting.insert(path, document);
            }
        }
        self.reader = Reader::going_on(files, self.documents.clone());
        let catalog = Arc::new(before.follow("", fitting));
        self.fit = Fit::going_on(&catalog, (found.unusable, None), Vec::new());
        self.last = Some(Last::of(catalog));
    }

    /// Writes down what it found to be right in the last snapshot, for another run of the same program to go on from;
    /// nothing where little of it is new.
    pub fn written(&self, program: &str, snapshot: &Snapshot) -> Option<Vec<u8>> {
        // What does not fit is read by every run.
        let fresh = self.fresh.saturating_sub(self.fit.count_unfit());
        (fresh >= WORTH).then(|| self.all_written(program, snapshot)).flatten()
    }

    pub(super) fn all_written(&self, program: &str, snapshot: &Snapshot) -> Option<Vec<u8>> {
        let catalog = &self.last.as_ref()?.catalog;
        let indexed = self.documents.values().filter(|document| catalog.indexes(document));
        let rows: Vec<Right<'_>> = indexed.map(|document| self.right(document)).collect();
        let owners = self.fit.has_sound_names().then(|| self.owners_digest());
        Memory::write(program, snapshot, owners, rows)
    }

    fn right<'a>(&'a self, document: &'a Document) -> Right<'a> {
        let id = document.id.as_deref().unwrap_or_default();
        let is_service = document.kind == Some(Kind::Service);
        let is_right = document.findings.is_empty()
            && !self.flaws.contains_key(&document.path)
            && !self.comments.has(&document.path)
            && !(is_service && self.fit.is_unfit(id));
        let waits_for = if is_service { self.fit.waits_for(id) } else { &[] };
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
    /// It fits, waits for nobody, and is read again where somebody asks for it.
    fits: bool,
}

/// Reads and checks a service; nothing where anything is found in it alone, for that is told in its turn.
fn passed(context: &Context<'_>, path: &Arc<str>, blob: &Blob, torn: &Torn) -> Option<Passed> {
    let document = read(path, blob)?;
    let Seen { findings, comments } = looked_at(&document, true);
    if !findings.is_empty() || !comments.is_empty() || !document.findings.is_empty() {
        return None;
    }
    let Some(Body::Service(body)) = document.body.clone() else { return None };
    let entry = Entry { body, document: Arc::new(document) };
    let fits = fit::fits_alone(context, &entry);
    let Some(offer) = context.offer_of(&entry).filter(|_| fits) else {
        return Some(Passed { document: entry.document, fits: false });
    };
    let environment = context.catalog.environment_of(&entry.body);
    let names = [Some(offer.document()), environment.map(|it| &it.document)];
    let [offer, environment] = names.map(|it| it.and_then(|it| it.id.clone()));
    let document = put_off(&entry, (offer?, environment), torn);
    Some(Passed { document: Arc::new(document), fits })
}
