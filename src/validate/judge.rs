//! Judges a snapshot: which documents count, which services fit, what is wrong. It decides over no change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;

use super::changed::{Changed, changed};
use super::comments::{Comment, comments};
use super::effective::{
    self, Effective, Good, GoodReader, Holders, Judgement, Overlay, Past, Space, key_of, shared_id,
};
use super::fit::{Beside, Fit};
use super::known::OwnersKey;
use super::run::check_document;
use super::severities::Severities;
use super::suppress::{Ran, Shelf, Suppressed};
use crate::catalog::{
    Body, Catalog, Document, Documents, Kind, Memory, Reader, Settings, Snapshot, Torn,
};
use crate::finding::Finding;
use crate::owners::Owners;

/// What a snapshot is judged against, beside itself.
#[derive(Clone, Debug, Default)]
pub struct Against {
    /// The catalog that a change starts from; rules about changes need one.
    pub base: Option<Arc<Catalog>>,
    /// Today's date; rules about dates need it.
    pub today: Option<Date>,
}

/// What became of a snapshot.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// The effective catalog.
    pub catalog: Arc<Catalog>,
    /// What is wrong with the documents of the snapshot, by place.
    pub findings: Vec<Finding>,
    /// What comments in them took away, by place.
    pub suppressed: Vec<Suppressed>,
    /// Documents whose last good version is in force.
    pub overlay: Vec<Overlay>,
    /// Services that do not fit, each with why.
    pub misfits: BTreeMap<String, Vec<String>>,
    /// Why what is absent may be there after all; nothing where all was read.
    pub absent_is_unknown: Option<String>,
    /// Good versions that are new or have changed.
    pub remember: Vec<Good>,
    /// Good versions whose document is gone.
    pub forget: Vec<(Kind, String)>,
}

/// Judges snapshots, and remembers what it found: judging again costs as much as has changed.
#[derive(Debug, Default)]
pub struct Judge {
    reader: Reader,
    documents: Documents,
    /// What the rules about one document found, by path; most have no entry.
    flaws: BTreeMap<Arc<str>, Vec<Finding>>,
    /// Why documents are wrong in themselves, by path.
    wrong: BTreeMap<Arc<str>, String>,
    holders: Holders,
    past: Past,
    /// Whether last good versions from the store share their bytes with the snapshot already.
    shared: bool,
    good: GoodReader,
    last: Option<Last>,
    fit: Fit,
    owners: Option<(OwnersKey, Arc<Owners>)>,
    comments: Shelf,
    /// What an earlier run knew, until the first snapshot is judged.
    memory: Option<Memory>,
    torn: Torn,
    /// How many documents were read and found to be right in themselves.
    fresh: usize,
    /// Whether good versions are of no use to anybody.
    is_forgetful: bool,
}

/// What was judged last.
#[derive(Debug)]
struct Last {
    catalog: Arc<Catalog>,
    unusable: BTreeSet<(Space, String)>,
    absent_is_unknown: bool,
    /// Whether its good versions are the last ones that are known.
    is_remembered: bool,
}

impl Last {
    /// What would have been judged last, had all of it been there then.
    fn of(catalog: Arc<Catalog>) -> Self {
        let unusable = BTreeSet::new();
        Self { catalog, unusable, absent_is_unknown: false, is_remembered: true }
    }
}

impl Judge {
    /// Makes a judge who knows the last good version of every document.
    pub fn new(last_good: Vec<Good>) -> Self {
        Self { past: Past::of(last_good), ..Self::default() }
    }

    /// Makes a judge who goes on from where an earlier run stopped, and lets each snapshot be judged by itself.
    pub fn recalling(memory: Memory) -> Self {
        Self { memory: Some(memory), is_forgetful: true, ..Self::default() }
    }

    /// Lets each snapshot be judged by itself: no good version is remembered.
    #[must_use]
    pub fn forgetful(self) -> Self {
        Self { is_forgetful: true, ..self }
    }

    /// Judges a snapshot, and takes its good versions for the last ones from now on.
    pub fn judge(&mut self, snapshot: &Snapshot) -> Judged {
        self.judge_against(snapshot, &Against::default())
    }

    /// Judges a snapshot as a change of a base, on a day.
    pub fn judge_against(&mut self, snapshot: &Snapshot, against: &Against) -> Judged {
        self.begin(snapshot);
        let severities = self.take(snapshot);
        let judgement =
            Judgement { documents: &self.documents, wrong: &self.wrong, holders: &self.holders };
        let effective =
            effective::choose(&judgement, &snapshot.findings, &self.past, &mut self.good);
        let commit = snapshot.commit.clone();
        let catalog = Arc::new(match &self.last {
            Some(last) => last.catalog.follow(commit, effective.documents.clone()),
            None => Catalog::default().follow(commit, effective.documents.clone()),
        });
        let (remember, forget) = match self.is_forgetful {
            true => (Vec::new(), Vec::new()),
            false => self.remembered(&catalog, &effective),
        };
        let owners = self.owners(snapshot);
        let beside = Beside { owners: &owners, against, is_forgetful: self.is_forgetful };
        let in_force = self.in_force(&effective, &severities);
        let (mut beyond, misfits) = self.fit.check(&catalog, &effective, &in_force, &beside);
        // What stands in a last good version is nothing that the snapshot could mend.
        beyond.retain(|finding| self.is_current(finding, &catalog));
        let mut findings = self.findings(snapshot, &severities);
        findings.extend(beyond);
        let ran = Ran {
            base: against.base.is_some(),
            today: against.today.is_some(),
            all: effective.unusable.is_empty() && effective.overlay.is_empty(),
        };
        findings.extend(severities.of_comments(ran, &self.wrong));
        findings
            .sort_by(|a, b| (&a.place, &a.rule, &a.message).cmp(&(&b.place, &b.rule, &b.message)));
        remember.iter().cloned().for_each(|good| self.past.put(good));
        forget.iter().for_each(|(kind, id)| self.past.remove(*kind, id));
        self.last = Some(Last {
            catalog: catalog.clone(),
            unusable: effective.unusable,
            absent_is_unknown: effective.absent_is_unknown.is_some(),
            is_remembered: true,
        });
        Judged {
            catalog,
            findings,
            suppressed: severities.suppressed(),
            overlay: effective.overlay,
            misfits,
            absent_is_unknown: effective.absent_is_unknown,
            remember,
            forget,
        }
    }

    /// Forgets the last good versions, so that the next snapshot is judged by itself; what does not
    /// change is still not read again.
    pub fn forget(&mut self) {
        self.past = Past::default();
        self.last.iter_mut().for_each(|last| last.is_remembered = false);
    }

    /// Reads who owns what, unless the files that say so are the ones that were read last.
    fn owners(&mut self, snapshot: &Snapshot) -> Arc<Owners> {
        let key = Owners::sources(snapshot);
        match &self.owners {
            Some((known, owners)) if *known == key => owners.clone(),
            _ => {
                let owners = Arc::new(Owners::of(snapshot));
                self.owners = Some((key, owners.clone()));
                owners
            }
        }
    }

    /// Takes in the documents of a snapshot, and finds which are wrong in themselves.
    fn take(&mut self, snapshot: &Snapshot) -> Severities {
        let is_forgetful = self.is_forgetful;
        let look = |document: &Document| looked_at(document, is_forgetful);
        let (documents, mut seen) = self.reader.read_and(snapshot, look);
        if !std::mem::replace(&mut self.shared, true) {
            for document in documents.values() {
                if let Some((kind, id)) = key_of(document) {
                    self.past.share(kind, id, document);
                }
            }
        }
        let changed = changed(&self.documents, &documents);
        for (path, old, new) in &changed {
            self.flaws.remove(path);
            let Seen { findings, comments } = seen.remove(path).unwrap_or_default();
            self.comments.put(path, comments);
            if let Some(old) = old.as_ref().filter(|_| !self.wrong.contains_key(path)) {
                self.holders.remove(old);
            }
            let is_right = |new: &Document| {
                new.findings.is_empty() && new.body.is_some() && findings.is_empty()
            };
            match new {
                Some(new) if is_right(new) => self.fresh += 1,
                Some(_) => drop(self.flaws.insert(path.clone(), findings)),
                None => {}
            }
        }
        self.documents = documents;
        let severities = Severities::of(&self.settings());
        let severities = severities.allowing(self.comments.allowed(&self.documents));
        let before = std::mem::take(&mut self.wrong);
        let wrong = self.flaws.iter().filter_map(|(path, findings)| {
            let why = wrong(self.documents.get(path)?, findings, &severities)?;
            Some((path.clone(), why))
        });
        self.wrong = wrong.collect();
        self.hold(&changed, &before);
        severities
    }

    /// Lets the comments of last good versions count where those are in force.
    fn in_force(&self, effective: &Effective, severities: &Severities) -> Severities {
        let mut shelf = Shelf::default();
        let others = changed(&self.documents, &effective.documents);
        shelf.follow(others.iter().map(|(path, _, new)| (path, new.as_ref())));
        let mut allowed = severities.allowed().clone();
        for (path, _, _) in &others {
            allowed.remove(path);
        }
        allowed.extend(shelf.allowed(&effective.documents));
        severities.allowing(allowed)
    }

    /// Keeps up who claims which id: documents that are new, and those that are judged differently by now.
    fn hold(&mut self, changed: &[Changed], before: &BTreeMap<Arc<str>, String>) {
        let is_fresh =
            |path: &Arc<str>| changed.binary_search_by(|(changed, _, _)| changed.cmp(path)).is_ok();
        for path in before.keys().filter(|path| !is_fresh(path) && !self.wrong.contains_key(*path))
        {
            self.documents.get(path).into_iter().for_each(|document| self.holders.add(document));
        }
        for path in self.wrong.keys().filter(|path| !is_fresh(path) && !before.contains_key(*path))
        {
            self.documents.get(path).into_iter().for_each(|document| self.holders.remove(document));
        }
        for (path, _, new) in changed {
            if let Some(document) = new.as_ref().filter(|_| !self.wrong.contains_key(path)) {
                self.holders.add(document);
            }
        }
    }

    /// Tells whether a finding stands in what the snapshot itself holds.
    fn is_current(&self, finding: &Finding, catalog: &Catalog) -> bool {
        let Some(document) = catalog.documents.get(&finding.place.path) else { return true };
        let own = self.documents.get(&document.path);
        own.is_some_and(|own| own.blob == document.blob)
    }

    fn own_findings(&self, document: &Document) -> &[Finding] {
        self.flaws.get(&document.path).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns the settings in force: those of the snapshot where they are right in themselves.
    fn settings(&self) -> Arc<Settings> {
        let own = self.documents.get("trueline.yaml");
        let right =
            own.filter(|document| !self.own_findings(document).iter().any(Finding::is_error));
        let body = right.and_then(|document| document.body.clone());
        let body = body.or_else(|| own.and_then(|_| self.past.settings()?.body));
        match body {
            Some(Body::Settings(settings)) => settings,
            _ => Arc::default(),
        }
    }

    fn findings(&self, snapshot: &Snapshot, severities: &Severities) -> Vec<Finding> {
        let of_documents = self.flaws.iter().flat_map(|(path, own)| {
            let read = self.documents.get(path).map(|document| document.findings.as_slice());
            read.unwrap_or_default().iter().chain(own)
        });
        let all = snapshot.findings.iter().chain(of_documents).cloned();
        all.filter_map(|finding| severities.apply(finding)).collect()
    }

    /// Returns which last good versions are new or have changed, and which are gone.
    fn remembered(
        &self,
        catalog: &Catalog,
        effective: &Effective,
    ) -> (Vec<Good>, Vec<(Kind, String)>) {
        let is_unknown = effective.absent_is_unknown.is_some();
        let last = self.last.as_ref().filter(|last| {
            last.is_remembered
                && last.unusable == effective.unusable
                && last.absent_is_unknown == is_unknown
        });
        let nothing = Documents::default();
        let before = last.map_or(&nothing, |last| &last.catalog.documents);
        let changed = changed(before, &effective.documents);
        let contested = |kind, id: &str| {
            !effective.unusable.is_empty()
                && effective.unusable.contains(&(Space::of(kind), id.to_owned()))
        };
        let mut good: Vec<Good> = Vec::new();
        for (path, _, new) in &changed {
            // A last good version that is in force is known already.
            let own = self.documents.get(path).filter(|own| new.as_ref() == Some(own));
            let right = own.filter(|own| !self.wrong.contains_key(&own.path));
            let Some((document, (kind, id))) = right.and_then(|own| Some((own, key_of(own)?)))
            else {
                continue;
            };
            let known = self.past.get(kind, id);
            let same = known.is_some_and(|good| good.blob == document.blob && good.path == *path);
            if !same && !contested(kind, id) {
                good.push(Good {
                    kind,
                    id: shared_id(document),
                    path: document.path.clone(),
                    blob: document.blob.clone(),
                    bytes: document.bytes.get(),
                });
            }
        }
        if is_unknown {
            return (good, Vec::new());
        }
        let is_gone = |kind: Kind, id: &str| !catalog.holds(kind, id) && !contested(kind, id);
        let mut gone: Vec<(Kind, String)> = if last.is_some() {
            let old = changed.iter().filter_map(|(_, old, _)| key_of(old.as_ref()?));
            let known = old.filter(|(kind, id)| self.past.get(*kind, id).is_some());
            known.map(|(kind, id)| (kind, id.to_owned())).collect()
        } else {
            self.past.all().map(|good| (good.kind, good.id.to_string())).collect()
        };
        gone.retain(|(kind, id)| is_gone(*kind, id));
        gone.sort_unstable();
        gone.dedup();
        (good, gone)
    }
}

/// What was seen in a document by itself.
#[derive(Default)]
struct Seen {
    findings: Vec<Finding>,
    comments: Vec<Comment>,
}

/// Checks a document by itself; lets go of what is not needed any more.
fn looked_at(document: &Document, is_forgetful: bool) -> Seen {
    let seen = Seen { findings: check_document(document), comments: comments(document) };
    let is_right =
        seen.findings.is_empty() && document.findings.is_empty() && seen.comments.is_empty();
    if is_forgetful && is_right {
        document.release();
    }
    seen
}

/// Says what is wrong with a document in itself.
fn wrong(document: &Document, own: &[Finding], severities: &Severities) -> Option<String> {
    let mut all = document.findings.iter().chain(own);
    let error = all.find(|finding| severities.is_error(finding));
    match (error, &document.body) {
        (Some(finding), _) => Some(finding.to_string()),
        (None, None) => Some(format!("{} cannot be read", document.path)),
        (None, Some(_)) => None,
    }
}

mod going_on;
#[cfg(test)]
mod memory_tests;
#[cfg(test)]
mod tests;
