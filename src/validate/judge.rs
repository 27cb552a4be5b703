//! Judges a snapshot: which documents count, which services fit, what is wrong. It decides over no change.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::context::{Context, Offer, ServiceContext};
use super::effective::{
    self, Effective, Good, GoodReader, Judgement, Overlay, Past, Space, key_of,
};
use super::findings::Findings;
use super::registry::{Check, Rule, rules};
use super::severities::Severities;
use crate::catalog::{Body, Catalog, Document, Kind, Reader, Settings, Snapshot};
use crate::finding::Finding;

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
    good: GoodReader,
    /// Services without a finding, each with all documents that it was checked against.
    fitting: HashMap<String, Vec<Arc<Document>>>,
    settings: Option<Arc<Settings>>,
}

/// A document with what the rules about one document found.
#[derive(Debug)]
struct Checked {
    document: Arc<Document>,
    findings: Vec<Finding>,
}

/// How many reasons are told for a service that does not fit.
const REASONS: usize = 3;

impl Judge {
    /// Makes a judge who knows the last good version of every document.
    pub fn new(last_good: Vec<Good>) -> Self {
        Self { past: Past::of(last_good), ..Self::default() }
    }

    /// Judges a snapshot, and takes its good versions for the last ones from now on.
    pub fn judge(&mut self, snapshot: &Snapshot) -> Judged {
        let documents = self.reader.read(snapshot);
        self.check_documents(&documents);
        let severities = Severities::of(&self.settings(&documents));
        let judgements: Vec<Judgement<'_>> = documents
            .iter()
            .map(|document| Judgement { document, wrong: self.wrong(document, &severities) })
            .collect();
        let effective =
            effective::choose(&judgements, &snapshot.findings, &self.past, &mut self.good);
        let catalog =
            Arc::new(Catalog::of(snapshot.commit.clone(), effective.documents.iter().cloned()));
        let (remember, forget) = changes(&judgements, &effective, &self.past);
        let (beyond, misfits) = self.check_catalog(&catalog, &effective, &severities);
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

    fn own_findings(&self, document: &Document) -> &[Finding] {
        self.checked.get(&document.path).map(|row| row.findings.as_slice()).unwrap_or_default()
    }

    /// Returns the settings in force: those of the snapshot where they are right in themselves.
    fn settings(&self, documents: &[Arc<Document>]) -> Arc<Settings> {
        let own = documents.iter().find(|document| &*document.path == "trueline.yaml");
        let right =
            own.filter(|document| !self.own_findings(document).iter().any(Finding::is_error));
        let body = match (own, right) {
            (None, _) => None,
            (Some(_), Some(document)) => document.body.clone(),
            (Some(_), None) => None,
        };
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

    /// Runs the rules about services, bundles and the whole; returns what they found in documents of the
    /// snapshot, and the services that do not fit.
    fn check_catalog(
        &mut self,
        catalog: &Catalog,
        effective: &Effective,
        severities: &Severities,
    ) -> (Vec<Finding>, BTreeMap<String, Vec<String>>) {
        if self.settings.as_ref().is_none_or(|known| *known != catalog.settings) {
            self.fitting.clear();
            self.settings = Some(catalog.settings.clone());
        }
        let context = Context::new(catalog, &effective.unusable);
        let mut misfits = Misfits::default();
        for (id, paths) in &effective.contested {
            let paths: Vec<&str> = paths.iter().map(|path| &**path).collect();
            misfits.add(id, format!("several documents have this id: {}", paths.join(", ")));
        }
        let mut found = self.check_services(&context, &mut misfits, severities);
        found.extend(check_bundles(&context, &mut misfits, severities));
        let mut whole = Vec::new();
        for rule in rules() {
            if let Check::Catalog(check) = rule.check {
                check(&context, rule, &mut whole);
            }
        }
        let whole = whole.into_iter().filter_map(|finding| severities.apply(finding));
        for finding in whole {
            let document = catalog.documents.get(&finding.place.path);
            if let (true, Some((Kind::Service, id))) =
                (finding.is_error(), document.and_then(|document| key_of(document)))
            {
                misfits.add(id, finding.message.clone());
            }
            found.push(finding);
        }
        // What stands in a last good version is nothing that the snapshot could mend.
        let current = |finding: &Finding| match catalog.documents.get(&finding.place.path) {
            Some(document) => self
                .checked
                .get(&document.path)
                .is_some_and(|row| row.document.blob == document.blob),
            None => true,
        };
        found.retain(current);
        (found, misfits.0)
    }

    fn check_services(
        &mut self,
        context: &Context<'_>,
        misfits: &mut Misfits,
        severities: &Severities,
    ) -> Vec<Finding> {
        let mut fitting = HashMap::with_capacity(context.catalog.services.len());
        let mut found = Vec::new();
        for (id, entry) in &context.catalog.services {
            let of = ServiceContext::of(context, &entry.body);
            let involved = involved(&of, &entry.document);
            let lost = lost(&of);
            let known = self.fitting.remove(id).filter(|_| lost.is_empty());
            if known.is_some_and(|known| same(&known, &involved)) {
                fitting.insert(id.clone(), involved);
                continue;
            }
            let findings = check_service(&of, &entry.document);
            if findings.is_empty() && lost.is_empty() {
                fitting.insert(id.clone(), involved);
                continue;
            }
            lost.into_iter().for_each(|why| misfits.add(id, why));
            for finding in findings.into_iter().filter_map(|finding| severities.apply(finding)) {
                if finding.is_error() {
                    misfits.add(id, finding.message.clone());
                }
                found.push(finding);
            }
        }
        self.fitting = fitting;
        found
    }
}

/// Services that do not fit, each with the first reasons why.
#[derive(Debug, Default)]
struct Misfits(BTreeMap<String, Vec<String>>);

impl Misfits {
    fn add(&mut self, id: &str, why: String) {
        let reasons = self.0.entry(id.to_owned()).or_default();
        if reasons.len() < REASONS && !reasons.contains(&why) {
            reasons.push(why);
        }
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

fn check_service(of: &ServiceContext<'_>, document: &Document) -> Vec<Finding> {
    run(document, |rule, findings| {
        if let Check::Service(check) | Check::ServiceAndBundle(check, _) = rule.check {
            check(of, findings);
        }
    })
}

/// Checks all bundles; what is wrong with one blocks its services.
fn check_bundles(
    context: &Context<'_>,
    misfits: &mut Misfits,
    severities: &Severities,
) -> Vec<Finding> {
    let mut found = Vec::new();
    for (id, entry) in &context.catalog.bundles {
        let findings = run(&entry.document, |rule, findings| {
            if let Check::Bundle(check) | Check::ServiceAndBundle(_, check) = rule.check {
                check(context, entry, findings);
            }
        });
        let findings: Vec<Finding> =
            findings.into_iter().filter_map(|finding| severities.apply(finding)).collect();
        if let Some(error) = findings.iter().find(|finding| finding.is_error()) {
            let why = format!("bundle `{id}` does not fit: {}", error.message);
            let users = context.catalog.services.iter();
            users
                .filter(|(_, user)| user.body.catalog_bundle.as_ref() == Some(id))
                .for_each(|(service, _)| misfits.add(service, why.clone()));
        }
        found.extend(findings);
    }
    found
}

fn run(
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

/// Returns every document that the rules about a service look at.
fn involved(of: &ServiceContext<'_>, document: &Arc<Document>) -> Vec<Arc<Document>> {
    let catalog = of.context.catalog;
    let mut involved = vec![document.clone()];
    involved.extend(of.offer.map(|offer| offer.document().clone()));
    involved.extend(of.parts.iter().map(|(_, item)| item.document.clone()));
    involved.extend(of.environment.map(|environment| environment.document.clone()));
    for id in of.upstream() {
        if let Some(entry) = catalog.services.get(id) {
            involved.push(entry.document.clone());
            let offer = of.context.offer_of(&entry.body);
            involved.extend(offer.map(|offer| offer.document().clone()));
        }
    }
    involved
}

fn same(known: &[Arc<Document>], involved: &[Arc<Document>]) -> bool {
    known.len() == involved.len() && known.iter().zip(involved).all(|(a, b)| Arc::ptr_eq(a, b))
}

/// Says which documents a service needs that are there but cannot be used.
fn lost(of: &ServiceContext<'_>) -> Vec<String> {
    let mut lost = Vec::new();
    let service = of.service;
    if of.offer.is_none() && of.context.is_unusable_offer(service.offer()) {
        lost.push(format!("`{}` cannot be used until its document is mended", service.offer()));
    }
    if let Some(Offer::Bundle(bundle)) = of.offer {
        for component in &bundle.body.components {
            let id = &component.catalog_item;
            if !of.context.catalog.items.contains_key(id) && of.context.is_unusable_offer(id) {
                lost.push(format!("`{id}` cannot be used until its document is mended"));
            }
        }
    }
    if let (None, Some(id)) = (of.environment, &service.metadata.environment)
        && of.context.is_unusable_environment(id)
    {
        lost.push(format!("environment `{id}` cannot be used until its document is mended"));
    }
    for id in of.upstream() {
        if !of.context.catalog.services.contains_key(id) && of.context.is_unusable_service(id) {
            lost.push(format!("service `{id}` cannot be used until its document is mended"));
        }
    }
    lost
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
        let contested = effective.unusable.contains(&(Space::of(kind), id.to_owned()));
        let known = past.get(kind, id);
        let same =
            known.is_some_and(|good| good.blob == document.blob && good.path == document.path);
        if counts && !contested && !same {
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
#[path = "judge_tests.rs"]
mod tests;
