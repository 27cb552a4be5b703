//! Judges a snapshot: which documents count, which services fit, what is wrong. It decides over no change.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::civil::Date;

use super::effective::{
    self, Effective, Good, GoodReader, Judgement, Overlay, Past, Space, key_of,
};
use super::findings::Findings;
use super::fit::{Beside, Fit};
use super::registry::{Check, Rule, rules};
use super::severities::Severities;
use super::suppress::{Ran, Shelf};
use crate::catalog::{Body, Catalog, Document, Kind, Reader, Settings, Snapshot};
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

/// Judges snapshots, and remembers what it found in what does not change.
#[derive(Debug, Default)]
pub struct Judge {
    reader: Reader,
    checked: HashMap<Arc<str>, Checked>,
    past: Past,
    /// Whether last good versions from the store share their bytes with the snapshot already.
    shared: bool,
    good: GoodReader,
    fit: Fit,
    comments: Shelf,
}

/// A document with what the rules about one document found.
#[derive(Debug)]
struct Checked {
    document: Arc<Document>,
    findings: Vec<Finding>,
}

impl Judge {
    /// Makes a judge who knows the last good version of every document.
    pub fn new(last_good: Vec<Good>) -> Self {
        Self { past: Past::of(last_good), ..Self::default() }
    }

    /// Judges a snapshot, and takes its good versions for the last ones from now on.
    pub fn judge(&mut self, snapshot: &Snapshot) -> Judged {
        self.judge_against(snapshot, &Against::default())
    }

    /// Judges a snapshot as a change of a base, on a day.
    pub fn judge_against(&mut self, snapshot: &Snapshot, against: &Against) -> Judged {
        let documents = self.reader.read(snapshot);
        if !std::mem::replace(&mut self.shared, true) {
            for document in &documents {
                if let Some((kind, id)) = key_of(document) {
                    self.past.share(kind, id, document);
                }
            }
        }
        self.check_documents(&documents);
        let severities = Severities::of(&self.settings(&documents));
        let allowed = self.comments.of(&documents, &HashMap::new());
        let severities = severities.allowing(allowed);
        let judgements: Vec<Judgement<'_>> = documents
            .iter()
            .map(|document| Judgement { document, wrong: self.wrong(document, &severities) })
            .collect();
        let effective =
            effective::choose(&judgements, &snapshot.findings, &self.past, &mut self.good);
        let catalog =
            Arc::new(Catalog::of(snapshot.commit.clone(), effective.documents.iter().cloned()));
        let (remember, forget) = changes(&judgements, &effective, &self.past);
        let owners = Owners::of(snapshot);
        let beside = Beside { owners: &owners, against };
        // In a last good version its own comments count, not those of the version that is wrong.
        let of_versions = (!effective.overlay.is_empty()).then(|| {
            let known = severities.allowed();
            severities.allowing(Shelf::default().of(&effective.documents, known))
        });
        let in_force = of_versions.as_ref().unwrap_or(&severities);
        let (mut beyond, misfits) = self.fit.check(&catalog, &effective, in_force, &beside);
        // What stands in a last good version is nothing that the snapshot could mend.
        beyond.retain(|finding| self.is_current(finding, &catalog));
        let mut judged = Judged {
            findings: self.findings(snapshot, &documents, &severities),
            catalog,
            overlay: effective.overlay,
            misfits,
            absent_is_unknown: effective.absent_is_unknown,
            remember,
            forget,
        };
        judged.findings.extend(beyond);
        let ran = Ran {
            base: against.base.is_some(),
            today: against.today.is_some(),
            all: effective.unusable.is_empty() && judged.overlay.is_empty(),
        };
        let wrong = judgements.iter().filter(|judgement| judgement.wrong.is_some());
        let wrong = wrong.map(|judgement| &*judgement.document.path).collect();
        judged.findings.extend(severities.of_comments(ran, &wrong));
        judged.remember.iter().cloned().for_each(|good| self.past.put(good));
        judged.forget.iter().for_each(|(kind, id)| self.past.remove(*kind, id));
        judged
            .findings
            .sort_by(|a, b| (&a.place, &a.rule, &a.message).cmp(&(&b.place, &b.rule, &b.message)));
        judged
    }

    /// Runs the rules about one document over those that are new.
    fn check_documents(&mut self, documents: &[Arc<Document>]) {
        let mut known = std::mem::take(&mut self.checked);
        self.checked.reserve(documents.len());
        for document in documents {
            let row = known.remove(&document.path);
            let row = row.filter(|row| Arc::ptr_eq(&row.document, document));
            let row = row.unwrap_or_else(|| Checked {
                document: document.clone(),
                findings: check_document(document),
            });
            self.checked.insert(document.path.clone(), row);
        }
    }

    /// Tells whether a finding stands in what the snapshot itself holds.
    fn is_current(&self, finding: &Finding, catalog: &Catalog) -> bool {
        let Some(document) = catalog.documents.get(&finding.place.path) else { return true };
        let own = self.checked.get(&document.path);
        own.is_some_and(|row| row.document.blob == document.blob)
    }

    fn own_findings(&self, document: &Document) -> &[Finding] {
        self.checked.get(&document.path).map(|row| row.findings.as_slice()).unwrap_or_default()
    }

    /// Returns the settings in force: those of the snapshot where they are right in themselves.
    fn settings(&self, documents: &[Arc<Document>]) -> Arc<Settings> {
        let own = documents.iter().find(|document| &*document.path == "trueline.yaml");
        let right =
            own.filter(|document| !self.own_findings(document).iter().any(Finding::is_error));
        let body = right.and_then(|document| document.body.clone());
        let body = body.or_else(|| own.and_then(|_| self.past.settings()?.body));
        match body {
            Some(Body::Settings(settings)) => settings,
            _ => Arc::default(),
        }
    }

    /// Says what is wrong with a document in itself.
    fn wrong(&self, document: &Document, severities: &Severities) -> Option<String> {
        let mut all = document.findings.iter().chain(self.own_findings(document));
        let error = all.find(|finding| severities.is_error(finding));
        match (error, &document.body) {
            (Some(finding), _) => Some(finding.to_string()),
            (None, None) => Some(format!("{} cannot be read", document.path)),
            (None, Some(_)) => None,
        }
    }

    fn findings(
        &self,
        snapshot: &Snapshot,
        documents: &[Arc<Document>],
        severities: &Severities,
    ) -> Vec<Finding> {
        let of_documents = documents
            .iter()
            .flat_map(|document| document.findings.iter().chain(self.own_findings(document)));
        let all = snapshot.findings.iter().chain(of_documents).cloned();
        all.filter_map(|finding| severities.apply(finding)).collect()
    }
}

fn check_document(document: &Document) -> Vec<Finding> {
    if document.body.is_none() {
        return Vec::new();
    }
    run(document, |rule, findings| {
        if let Check::Document(check) = rule.check {
            check(document, findings);
        }
    })
}

pub(super) fn run(
    document: &Document,
    mut check: impl FnMut(&'static Rule, &mut Findings<'_>),
) -> Vec<Finding> {
    let mut rules = rules().iter();
    let Some(first) = rules.next() else { return Vec::new() };
    let mut findings = Findings::new(document, first);
    check(first, &mut findings);
    for rule in rules {
        findings.turn_to(rule);
        check(rule, &mut findings);
    }
    findings.into_found()
}

/// Returns which last good versions are new or have changed, and which are gone.
fn changes(
    judgements: &[Judgement<'_>],
    effective: &Effective,
    past: &Past,
) -> (Vec<Good>, Vec<(Kind, String)>) {
    let current: HashMap<(Kind, &str), &Arc<Document>> = effective
        .documents
        .iter()
        .filter(|document| document.body.is_some())
        .filter_map(|document| Some((key_of(document)?, document)))
        .collect();
    let mut good = Vec::new();
    for judgement in judgements.iter().filter(|judgement| judgement.wrong.is_none()) {
        let document = judgement.document;
        let Some((kind, id)) = key_of(document) else { continue };
        let counts = current.get(&(kind, id)).is_some_and(|counts| Arc::ptr_eq(counts, document));
        let known = past.get(kind, id);
        let same =
            known.is_some_and(|good| good.blob == document.blob && good.path == document.path);
        let contested = || effective.unusable.contains(&(Space::of(kind), id.to_owned()));
        if counts && !same && !contested() {
            good.push(Good {
                kind,
                id: id.to_owned(),
                path: document.path.clone(),
                blob: document.blob.clone(),
                bytes: document.bytes.clone(),
            });
        }
    }
    if effective.absent_is_unknown.is_some() {
        return (good, Vec::new());
    }
    let gone = past.all().filter(|good| {
        let there = current.contains_key(&(good.kind, good.id.as_str()));
        !there && !effective.unusable.contains(&(Space::of(good.kind), good.id.clone()))
    });
    let mut gone: Vec<(Kind, String)> = gone.map(|good| (good.kind, good.id.clone())).collect();
    gone.sort_unstable();
    (good, gone)
}

#[cfg(test)]
mod tests;
