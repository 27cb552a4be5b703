//! The effective catalog: of each document the version that counts. It judges no content.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::catalog::{Blob, Document, Kind, Layout, read};
use crate::finding::Finding;

/// A version of a document that was right in itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Good {
    /// Kind of the document.
    pub kind: Kind,
    /// Its id; `trueline` for the settings.
    pub id: String,
    /// Where it stood.
    pub path: Arc<str>,
    /// Names its content.
    pub blob: Arc<str>,
    /// Its content.
    pub bytes: Arc<[u8]>,
}

/// A document that is wrong in itself, and whose last good version is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlay {
    /// Where the wrong version stands.
    pub path: Arc<str>,
    /// Id of what is in force.
    pub id: String,
    /// Kind of what is in force.
    pub kind: Kind,
    /// The first thing that is wrong with the new version.
    pub why: String,
}

/// What an id is unique in: items and bundles share one space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Space {
    Offer,
    Service,
    Environment,
    Settings,
}

impl Space {
    pub(super) fn of(kind: Kind) -> Self {
        match kind {
            Kind::Item | Kind::Bundle => Space::Offer,
            Kind::Service => Space::Service,
            Kind::Environment => Space::Environment,
            Kind::Settings => Space::Settings,
        }
    }
}

/// The id that last good settings are kept under: there is one document of them.
const SETTINGS: &str = "trueline";

/// Returns kind and id of a document, as far as they can be read.
pub(super) fn key_of(document: &Document) -> Option<(Kind, &str)> {
    match document.kind? {
        Kind::Settings => Some((Kind::Settings, SETTINGS)),
        kind => Some((kind, document.id.as_deref()?)),
    }
}

/// Last good versions by kind and id.
#[derive(Debug, Default)]
pub(super) struct Past(BTreeMap<Kind, HashMap<String, Good>>);

impl Past {
    pub(super) fn of(last_good: Vec<Good>) -> Self {
        let mut past = Self::default();
        for good in last_good {
            past.put(good);
        }
        past
    }

    pub(super) fn get(&self, kind: Kind, id: &str) -> Option<&Good> {
        self.0.get(&kind)?.get(id)
    }

    pub(super) fn put(&mut self, good: Good) {
        self.0.entry(good.kind).or_default().insert(good.id.clone(), good);
    }

    /// Lets a version share its bytes with the same content of a snapshot, so that they are held once.
    pub(super) fn share(&mut self, kind: Kind, id: &str, document: &Document) {
        let known = self.0.get_mut(&kind).and_then(|of_kind| of_kind.get_mut(id));
        if let Some(good) =
            known.filter(|good| good.blob == document.blob && good.path == document.path)
        {
            good.bytes = document.bytes.clone();
            good.path = document.path.clone();
            good.blob = document.blob.clone();
        }
    }

    pub(super) fn remove(&mut self, kind: Kind, id: &str) {
        if let Some(of_kind) = self.0.get_mut(&kind) {
            of_kind.remove(id);
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Good> {
        self.0.values().flat_map(HashMap::values)
    }

    /// Returns the version of an id of a space, whatever its kind.
    fn in_space(&self, space: Space, id: &str) -> Option<&Good> {
        let mut kinds = Kind::ALL.into_iter().filter(|kind| Space::of(*kind) == space);
        kinds.find_map(|kind| self.get(kind, id))
    }

    /// Reads the last good settings.
    pub(super) fn settings(&self) -> Option<Document> {
        reread(self.get(Kind::Settings, SETTINGS)?)
    }
}

fn reread(good: &Good) -> Option<Document> {
    let blob = Blob { id: good.blob.clone(), bytes: good.bytes.clone() };
    read(&good.path, &blob).filter(|document| document.body.is_some())
}

/// Path and content of a version.
type Version = (Arc<str>, Arc<str>);

/// Reads last good versions, and remembers those that were in force last.
#[derive(Debug, Default)]
pub(super) struct GoodReader {
    before: HashMap<Version, Option<Arc<Document>>>,
    now: HashMap<Version, Option<Arc<Document>>>,
}

impl GoodReader {
    /// Forgets what was not in force last time.
    fn begin(&mut self) {
        self.before = std::mem::take(&mut self.now);
    }

    fn read(&mut self, good: &Good) -> Option<Arc<Document>> {
        let key = (good.path.clone(), good.blob.clone());
        let known = self.before.remove(&key);
        let read = || known.unwrap_or_else(|| reread(good).map(Arc::new));
        self.now.entry(key).or_insert_with(read).clone()
    }
}

/// A document with whether it is right in itself, and the first thing that is wrong otherwise.
pub(super) struct Judgement<'a> {
    pub(super) document: &'a Arc<Document>,
    pub(super) wrong: Option<String>,
}

/// Of each document the version that counts.
#[derive(Debug, Default)]
pub(super) struct Effective {
    /// What counts, and what is only listed because it cannot be used.
    pub(super) documents: Vec<Arc<Document>>,
    pub(super) overlay: Vec<Overlay>,
    /// Ids that are there, but nothing right by that id; or two, and nobody knows which counts.
    pub(super) unusable: BTreeSet<(Space, String)>,
    /// Services that two documents claim, and nobody knows which counts.
    pub(super) contested: BTreeMap<String, Vec<Arc<str>>>,
    /// Why nobody knows what is gone and what cannot be read.
    pub(super) absent_is_unknown: Option<String>,
}

/// Chooses of each document the version that counts.
pub(super) fn choose(
    judgements: &[Judgement<'_>],
    unread: &[Finding],
    past: &Past,
    reader: &mut GoodReader,
) -> Effective {
    let mut effective =
        Effective { absent_is_unknown: unknown(judgements, unread), ..Effective::default() };
    let mut holders: HashMap<(Space, &str), &Arc<Document>> =
        HashMap::with_capacity(judgements.len());
    let mut contested: BTreeMap<(Space, &str), Vec<&Arc<Document>>> = BTreeMap::new();
    for judgement in judgements.iter().filter(|judgement| judgement.wrong.is_none()) {
        let Some((kind, id)) = key_of(judgement.document) else { continue };
        let key = (Space::of(kind), id);
        if let Some(first) = holders.insert(key, judgement.document) {
            contested.entry(key).or_insert_with(|| vec![first]).push(judgement.document);
        }
    }
    reader.begin();
    let losers = settle(&contested, past, &mut effective);
    let mut taken: BTreeSet<(Space, &str)> = BTreeSet::new();
    for judgement in judgements {
        let document = judgement.document;
        match &judgement.wrong {
            None if losers.contains(&document.path) => effective.documents.push(listed(document)),
            None => effective.documents.push(document.clone()),
            Some(why) => {
                let free = |key: &(Space, &str)| !holders.contains_key(key) && !taken.contains(key);
                let found = good_for(document, past, &free);
                let replaced = found.and_then(|good| Some((good, reader.read(good)?)));
                let Some((good, version)) = replaced else {
                    effective.documents.push(listed(document));
                    effective.unusable.extend(
                        claims_of(document)
                            .filter(|(space, id)| !holders.contains_key(&(*space, id.as_str()))),
                    );
                    continue;
                };
                taken.insert((Space::of(good.kind), &good.id));
                effective.overlay.push(Overlay {
                    path: document.path.clone(),
                    id: good.id.clone(),
                    kind: good.kind,
                    why: why.clone(),
                });
                if version.path != document.path {
                    effective.documents.push(listed(document));
                }
                effective.documents.push(version);
            }
        }
    }
    for (space, id) in &taken {
        effective.unusable.remove(&(*space, (*id).to_owned()));
    }
    effective
}

/// Decides between documents that claim one id: the place of the last good version counts, else nobody knows.
fn settle(
    contested: &BTreeMap<(Space, &str), Vec<&Arc<Document>>>,
    past: &Past,
    effective: &mut Effective,
) -> BTreeSet<Arc<str>> {
    let mut losers = BTreeSet::new();
    for ((space, id), documents) in contested {
        let known = past.in_space(*space, id);
        let kept = known.and_then(|good| documents.iter().find(|d| d.path == good.path));
        if kept.is_none() {
            effective.unusable.insert((*space, (*id).to_owned()));
            if *space == Space::Service {
                let paths = documents.iter().map(|document| document.path.clone()).collect();
                effective.contested.insert((*id).to_owned(), paths);
            }
        }
        // Where nobody knows, a service stays indexed so that it counts as there; an offer does not.
        let kept = kept.or(documents.first().filter(|_| *space == Space::Service));
        let lost = documents.iter().filter(|d| kept.is_none_or(|kept| kept.path != d.path));
        losers.extend(lost.map(|document| document.path.clone()));
    }
    losers
}

/// A document that is listed and not indexed.
fn listed(document: &Arc<Document>) -> Arc<Document> {
    if document.body.is_none() {
        return document.clone();
    }
    Arc::new(Document { body: None, ..(**document).clone() })
}

/// Finds the last good version that a wrong document stands for: by its id, else by its file's name.
fn good_for<'a>(
    document: &Document,
    past: &'a Past,
    free: &dyn Fn(&(Space, &'a str)) -> bool,
) -> Option<&'a Good> {
    claims_of(document)
        .filter_map(|(space, id)| past.in_space(space, &id))
        .find(|good| free(&(Space::of(good.kind), good.id.as_str())))
}

/// Returns the ids that a wrong document may stand for, the likeliest first.
fn claims_of(document: &Document) -> impl Iterator<Item = (Space, String)> {
    let read = key_of(document).map(|(kind, id)| (Space::of(kind), id.to_owned()));
    let named = match Layout::of(&document.path) {
        Layout::Document { kind, stem, .. } => Some((Space::of(kind), stem.to_owned())),
        _ => None,
    };
    read.into_iter().chain(named)
}

/// Says why nobody can tell what is gone, where that is so.
fn unknown(judgements: &[Judgement<'_>], unread: &[Finding]) -> Option<String> {
    if let Some(finding) = unread.iter().find(|finding| finding.is_error()) {
        return Some(format!("`{}` is not read: {}", finding.place.path, finding.message));
    }
    let hidden = judgements
        .iter()
        .find(|judgement| judgement.wrong.is_some() && key_of(judgement.document).is_none())?;
    Some(format!("the id of `{}` cannot be read", hidden.document.path))
}
