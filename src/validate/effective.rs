//! The effective catalog: of each document the version that counts. It judges no content.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::catalog::{Blob, Body, Document, Documents, Kind, Layout, read};
use crate::finding::Finding;

/// A version of a document that was right in itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Good {
    /// Kind of the document.
    pub kind: Kind,
    /// Its id; `trueline` for the settings.
    pub id: Arc<str>,
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

/// Returns the id of a document that has one, so that it is held once.
pub(super) fn shared_id(document: &Document) -> Arc<str> {
    match (document.kind, &document.id) {
        (Some(Kind::Settings), _) | (_, None) => SETTINGS.into(),
        (_, Some(id)) => id.clone(),
    }
}

/// Returns the ids that a document had before.
pub(super) fn former_ids(document: &Document) -> &[String] {
    if let Some(brief) = &document.brief {
        return &brief.former_ids;
    }
    match &document.body {
        Some(Body::Item(item)) => &item.metadata.former_ids,
        Some(Body::Bundle(bundle)) => &bundle.metadata.former_ids,
        Some(Body::Service(service)) => &service.metadata.former_ids,
        _ => &[],
    }
}

/// Tells whether a document was readable and right in itself: those that are not have findings of their own.
pub(super) fn is_sound(document: &Document) -> bool {
    document.body.is_some() || document.findings.iter().all(|finding| !finding.is_error())
}

/// Last good versions by kind and id.
#[derive(Debug, Default)]
pub(super) struct Past(BTreeMap<Kind, HashMap<Arc<str>, Good>>);

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
            good.bytes = document.bytes.get();
            good.path = document.path.clone();
            good.id = shared_id(document);
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
    let blob = Blob { id: good.blob.clone(), bytes: good.bytes.clone().into() };
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

/// Documents that are right in themselves, by the id they claim; kept up with what changes.
#[derive(Debug, Default)]
pub(super) struct Holders {
    by_id: BTreeMap<Space, HashMap<Arc<str>, Claimed>>,
    /// Ids that several documents claim.
    contested: BTreeSet<(Space, String)>,
}

/// Who claims an id, by path; hardly ever more than one.
#[derive(Debug)]
struct Claimed {
    first: Arc<Document>,
    others: Vec<Arc<Document>>,
}

impl Holders {
    /// Makes room for as many documents of a kind.
    pub(super) fn expect(&mut self, kind: Kind, count: usize) {
        self.by_id.entry(Space::of(kind)).or_default().reserve(count);
    }

    /// Takes in a document that is right.
    pub(super) fn add(&mut self, document: &Arc<Document>) {
        let Some((kind, id)) = key_of(document) else { return };
        let space = Space::of(kind);
        let of_space = self.by_id.entry(space).or_default();
        let Some(claimed) = of_space.get_mut(id) else {
            let claimed = Claimed { first: document.clone(), others: Vec::new() };
            of_space.insert(shared_id(document), claimed);
            return;
        };
        claimed.others.push(document.clone());
        let least = claimed.others.iter_mut().min_by(|a, b| a.path.cmp(&b.path));
        if let Some(least) = least.filter(|least| least.path < claimed.first.path) {
            std::mem::swap(least, &mut claimed.first);
        }
        self.contested.insert((space, id.to_owned()));
    }

    /// Forgets a document that was right.
    pub(super) fn remove(&mut self, document: &Arc<Document>) {
        let Some((kind, id)) = key_of(document) else { return };
        let space = Space::of(kind);
        let Some(of_space) = self.by_id.get_mut(&space) else { return };
        let Some(claimed) = of_space.get_mut(id) else { return };
        claimed.others.retain(|other| other != document);
        if claimed.first == *document {
            let least = claimed.others.iter().enumerate().min_by(|a, b| a.1.path.cmp(&b.1.path));
            let Some((index, _)) = least else {
                of_space.remove(id);
                return;
            };
            claimed.first = claimed.others.swap_remove(index);
        }
        if claimed.others.is_empty() {
            self.contested.remove(&(space, id.to_owned()));
        }
    }

    fn holds(&self, space: Space, id: &str) -> bool {
        self.by_id.get(&space).is_some_and(|of_space| of_space.contains_key(id))
    }

    /// Returns the documents that claim an id, by path.
    fn claiming(&self, space: Space, id: &str) -> Vec<&Arc<Document>> {
        let claimed = self.by_id.get(&space).and_then(|of_space| of_space.get(id));
        let mut all: Vec<&Arc<Document>> =
            claimed.into_iter().flat_map(|c| std::iter::once(&c.first).chain(&c.others)).collect();
        all.sort_by(|a, b| a.path.cmp(&b.path));
        all
    }
}

/// Documents of a snapshot, and why those are wrong that are.
pub(super) struct Judgement<'a> {
    pub(super) documents: &'a Documents,
    /// By path: the first thing that is wrong with a document in itself.
    pub(super) wrong: &'a BTreeMap<Arc<str>, String>,
    pub(super) holders: &'a Holders,
}

/// Of each document the version that counts.
#[derive(Debug, Default)]
pub(super) struct Effective {
    /// What counts, and what is only listed because it cannot be used.
    pub(super) documents: Documents,
    pub(super) overlay: Vec<Overlay>,
    /// Ids that are there, but nothing right by that id; or two, and nobody knows which counts.
    pub(super) unusable: BTreeSet<(Space, String)>,
    /// Services that two documents claim, and nobody knows which counts.
    pub(super) contested: BTreeMap<String, Vec<Arc<str>>>,
    /// Why nobody knows what is gone and what cannot be read.
    pub(super) absent_is_unknown: Option<String>,
}

/// Chooses of each document the version that counts. Costs as much as there is wrong.
pub(super) fn choose(
    judgement: &Judgement<'_>,
    unread: &[Finding],
    past: &Past,
    reader: &mut GoodReader,
) -> Effective {
    let Judgement { documents, wrong, holders } = judgement;
    let mut effective = Effective {
        documents: (*documents).clone(),
        absent_is_unknown: unknown(judgement, unread),
        ..Effective::default()
    };
    reader.begin();
    for loser in settle(holders, past, &mut effective) {
        if let Some(document) = documents.get(&loser) {
            effective.documents.insert(loser, listed(document));
        }
    }
    let mut taken: BTreeSet<(Space, &str)> = BTreeSet::new();
    for (path, why) in *wrong {
        let Some(document) = documents.get(path) else { continue };
        let free = |(space, id): &(Space, &str)| {
            !holders.holds(*space, id) && !taken.contains(&(*space, *id))
        };
        let found = good_for(document, past, &free);
        let replaced = found.and_then(|good| Some((good, reader.read(good)?)));
        effective.documents.insert(path.clone(), listed(document));
        let Some((good, version)) = replaced else {
            let claimed = claims_of(document).filter(|(space, id)| !holders.holds(*space, id));
            effective.unusable.extend(claimed);
            continue;
        };
        taken.insert((Space::of(good.kind), &good.id));
        effective.overlay.push(Overlay {
            path: path.clone(),
            id: good.id.to_string(),
            kind: good.kind,
            why: why.clone(),
        });
        // Where it stood there may be another document by now.
        let elsewhere = documents.contains_key(&version.path) && !wrong.contains_key(&version.path);
        let at = if elsewhere { path.clone() } else { version.path.clone() };
        effective.documents.insert(at, version);
    }
    for (space, id) in &taken {
        effective.unusable.remove(&(*space, (*id).to_owned()));
    }
    effective
}

/// Decides between documents that claim one id: the place of the last good version counts, else nobody knows.
fn settle(holders: &Holders, past: &Past, effective: &mut Effective) -> BTreeSet<Arc<str>> {
    let mut losers = BTreeSet::new();
    for (space, id) in &holders.contested {
        let documents = holders.claiming(*space, id);
        let known = past.in_space(*space, id);
        let kept = known.and_then(|good| documents.iter().find(|d| d.path == good.path));
        if kept.is_none() {
            effective.unusable.insert((*space, id.clone()));
            if *space == Space::Service {
                let paths = documents.iter().map(|document| document.path.clone()).collect();
                effective.contested.insert(id.clone(), paths);
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
        .find(|good| free(&(Space::of(good.kind), &*good.id)))
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
fn unknown(judgement: &Judgement<'_>, unread: &[Finding]) -> Option<String> {
    if let Some(finding) = unread.iter().find(|finding| finding.is_error()) {
        return Some(format!("`{}` is not read: {}", finding.place.path, finding.message));
    }
    let wrong = judgement.wrong.keys().filter_map(|path| judgement.documents.get(path));
    let hidden = wrong.into_iter().find(|document| key_of(document).is_none())?;
    Some(format!("the id of `{}` cannot be read", hidden.path))
}
