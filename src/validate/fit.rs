//! Checks what is right in itself against everything else: services, bundles, the whole. It replaces nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::context::{Context, Offer, ServiceContext};
use super::effective::{Effective, key_of};
use super::judge::{Against, run};
use super::registry::{Check, rules};
use super::severities::Severities;
use crate::catalog::{Bundle, Catalog, Document, Entry, Kind, Settings};
use crate::finding::Finding;
use crate::owners::Owners;

/// How many reasons are told for a service that does not fit.
const REASONS: usize = 3;

/// What a catalog is checked against, beside itself.
pub(super) struct Beside<'a> {
    pub(super) owners: &'a Owners,
    pub(super) against: &'a Against,
}

/// Checks how documents fit together, and remembers the services that do.
#[derive(Debug, Default)]
pub(super) struct Fit {
    /// Services without a finding, each with all documents that it was checked against.
    fitting: HashMap<String, Vec<Arc<Document>>>,
    settings: Option<Arc<Settings>>,
}

impl Fit {
    /// Runs the rules about services, bundles and the whole; returns what they found, and
    /// the services that do not fit.
    pub(super) fn check(
        &mut self,
        catalog: &Catalog,
        effective: &Effective,
        severities: &Severities,
        beside: &Beside<'_>,
    ) -> (Vec<Finding>, BTreeMap<String, Vec<String>>) {
        if self.settings.as_ref().is_none_or(|known| *known != catalog.settings) {
            self.fitting.clear();
            self.settings = Some(catalog.settings.clone());
        }
        let context =
            Context::new(catalog, &effective.unusable, beside.owners, beside.against.today);
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
        for finding in whole.chain(check_change(&context, beside.against)) {
            let document = catalog.documents.get(&finding.place.path);
            if let (true, Some((Kind::Service, id))) =
                (finding.is_error(), document.and_then(|document| key_of(document)))
            {
                misfits.add(id, finding.message.clone());
            }
            found.push(finding);
        }
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
            for why in lost {
                misfits.add(id, why);
            }
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

/// Runs the rules about services over one.
pub(super) fn check_service(of: &ServiceContext<'_>, document: &Document) -> Vec<Finding> {
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
        let findings = check_bundle(context, entry).into_iter();
        let findings: Vec<Finding> =
            findings.filter_map(|finding| severities.apply(finding)).collect();
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

/// Runs the rules about a change: as bad as the base says, for no change decides that about itself.
fn check_change(context: &Context<'_>, against: &Against) -> Vec<Finding> {
    let Some(base) = &against.base else { return Vec::new() };
    let severities = Severities::of(&base.settings);
    let mut found = Vec::new();
    for rule in rules() {
        if let Check::Change(check) = rule.check {
            check(context, base, rule, &mut found);
        }
    }
    found.into_iter().filter_map(|finding| severities.apply(finding)).collect()
}

/// Runs the rules about bundles over one.
pub(super) fn check_bundle(context: &Context<'_>, entry: &Entry<Bundle>) -> Vec<Finding> {
    run(&entry.document, |rule, findings| {
        if let Check::Bundle(check) | Check::ServiceAndBundle(_, check) = rule.check {
            check(context, entry, findings);
        }
    })
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
