//! Checks what is right in itself against everything else: services, bundles, the whole. It replaces nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imbl::ordmap::DiffItem;
use rayon::prelude::*;

use super::context::{Context, ServiceContext};
use super::effective::{Effective, Space, former_ids, is_sound, key_of};
use super::judge::Against;
use super::lost::lost;
use super::registry::{Check, Rule, rules};
use super::run::run;
use super::severities::Severities;
use crate::catalog::{Bundle, Catalog, Document, Entry, Kind, Service};
use crate::finding::Finding;
use crate::owners::Owners;

/// How many reasons are told for a service that does not fit.
const REASONS: usize = 3;

/// What a catalog is checked against, beside itself.
pub(super) struct Beside<'a> {
    pub(super) owners: &'a Arc<Owners>,
    pub(super) against: &'a Against,
    /// Whether what is compiled for a check is of no use after it.
    pub(super) is_forgetful: bool,
}

/// Checks how documents fit together; a service is checked again where something it was checked against changed.
#[derive(Debug, Default)]
pub(super) struct Fit {
    last: Option<Checked>,
    /// What was found in services, those where nothing was left out.
    unfit: BTreeMap<String, Unfit>,
    /// Services that wait for others, each with those it waits for.
    waiting: BTreeMap<String, Vec<String>>,
    /// Who waits for a service.
    awaited: BTreeMap<String, BTreeSet<String>>,
    /// What rules about names found.
    of_names: Vec<Finding>,
}

/// What was checked last.
#[derive(Debug)]
struct Checked {
    catalog: Catalog,
    unusable: BTreeSet<(Space, String)>,
    /// By whom names were checked; nobody where that has to be done again.
    owners: Option<Arc<Owners>>,
}

/// What keeps a service from fitting.
#[derive(Debug)]
struct Unfit {
    findings: Vec<Finding>,
    /// What it needs that is there but cannot be used.
    lost: Vec<String>,
}

impl Fit {
    /// Makes one who knows which services wait for others.
    pub(super) fn of_waiting(waiting: Vec<(String, Vec<String>)>) -> Self {
        let mut fit = Self::default();
        for (id, waits_for) in waiting {
            fit.wait(&id, waits_for);
        }
        fit
    }

    /// Makes one who checked a catalog before, and found nothing in the services of it that are right.
    pub(super) fn going_on(
        self,
        catalog: &Catalog,
        unusable: BTreeSet<(Space, String)>,
        owners: Option<Arc<Owners>>,
    ) -> Self {
        let last = Some(Checked { catalog: catalog.clone(), unusable, owners });
        Self { last, ..self }
    }

    /// Tells whether something keeps a service from fitting.
    pub(super) fn is_unfit(&self, id: &str) -> bool {
        self.unfit.contains_key(id)
    }

    /// Returns how many services something keeps from fitting.
    pub(super) fn count_unfit(&self) -> usize {
        self.unfit.len()
    }

    /// Returns the services that a service waits for.
    pub(super) fn waits_for(&self, id: &str) -> &[String] {
        self.waiting.get(id).map(Vec::as_slice).unwrap_or_default()
    }

    /// Tells whether nothing is wrong with any name.
    pub(super) fn has_sound_names(&self) -> bool {
        self.of_names.is_empty()
    }

    fn wait(&mut self, id: &str, waits_for: Vec<String>) {
        for other in &waits_for {
            self.awaited.entry(other.clone()).or_default().insert(id.to_owned());
        }
        if !waits_for.is_empty() {
            self.waiting.insert(id.to_owned(), waits_for);
        }
    }

    /// Runs the rules about services, bundles and the whole; returns what they found, and
    /// the services that do not fit.
    pub(super) fn check(
        &mut self,
        catalog: &Catalog,
        effective: &Effective,
        severities: &Severities,
        beside: &Beside<'_>,
    ) -> (Vec<Finding>, BTreeMap<String, Vec<String>>) {
        let mut context =
            Context::new(catalog, &effective.unusable, beside.owners, beside.against.today);
        let mut misfits = Misfits::default();
        for (id, paths) in &effective.contested {
            let paths: Vec<&str> = paths.iter().map(|path| &**path).collect();
            misfits.add(id, format!("several documents have this id: {}", paths.join(", ")));
        }
        self.check_services(&context, beside);
        let mut found = self.of_services(&mut misfits, severities);
        found.extend(check_bundles(&context, &mut misfits, severities));
        context.waiting = std::mem::take(&mut self.waiting);
        let whole = self.check_whole(&context, beside).into_iter();
        let whole = whole.filter_map(|finding| severities.apply(finding));
        for finding in whole.chain(check_change(&context, beside.against, severities)) {
            let document = catalog.documents.get(&finding.place.path);
            if let (true, Some((Kind::Service, id))) =
                (finding.is_error(), document.and_then(|document| key_of(document)))
            {
                misfits.add(id, finding.message.clone());
            }
            found.push(finding);
        }
        self.waiting = context.waiting;
        self.last = Some(Checked {
            catalog: catalog.clone(),
            unusable: effective.unusable.clone(),
            owners: Some(beside.owners.clone()),
        });
        (found, misfits.0)
    }

    /// Checks the services that may be judged differently by now.
    fn check_services(&mut self, context: &Context<'_>, beside: &Beside<'_>) {
        let catalog = context.catalog;
        let stale = match &self.last {
            Some(last) if last.catalog.settings == catalog.settings => {
                Some(self.stale(last, context))
            }
            _ => None,
        };
        let ids: Vec<&str> = match &stale {
            Some(stale) => stale.iter().map(String::as_str).collect(),
            None => catalog.services.keys().map(String::as_str).collect(),
        };
        if stale.is_none() {
            self.unfit.clear();
            self.waiting.clear();
            self.awaited.clear();
        }
        for (id, result) in checked_all(context, ids, beside) {
            self.unfit.remove(id);
            for other in self.waiting.remove(id).unwrap_or_default() {
                self.awaited.entry(other).or_default().remove(id);
            }
            let Some((unfit, waits_for)) = result else { continue };
            if let Some(unfit) = unfit {
                self.unfit.insert(id.to_owned(), unfit);
            }
            self.wait(id, waits_for);
        }
        self.awaited.retain(|_, by| !by.is_empty());
    }

    /// Returns the services that were checked against something that is another by now.
    fn stale(&self, last: &Checked, context: &Context<'_>) -> BTreeSet<String> {
        let mut stale = last.catalog.changed_services(context.catalog);
        stale.extend(self.turned(&last.unusable, context));
        let readers = stale.iter().filter_map(|id| self.awaited.get(id));
        let readers: Vec<String> = readers.flatten().cloned().collect();
        stale.extend(readers);
        stale
    }

    /// Returns the services that name what can be used by now and could not be, or the other way round.
    fn turned(&self, before: &BTreeSet<(Space, String)>, context: &Context<'_>) -> Vec<String> {
        let (mut offers, mut environments, mut turned) = (BTreeSet::new(), BTreeSet::new(), vec![]);
        for (space, id) in context.unusable().symmetric_difference(before) {
            match space {
                Space::Offer => drop(offers.insert(id.as_str())),
                Space::Environment => drop(environments.insert(id.as_str())),
                Space::Service => {
                    turned.extend(self.awaited.get(id).into_iter().flatten().cloned());
                }
                Space::Settings => {}
            }
        }
        if offers.is_empty() && environments.is_empty() {
            return turned;
        }
        let bundles = context.catalog.bundles.iter().filter(|(_, bundle)| {
            let mut components = bundle.body.components.iter();
            components.any(|component| offers.contains(component.catalog_item.as_str()))
        });
        let bundles: Vec<&str> = bundles.map(|(id, _)| id.as_str()).collect();
        offers.extend(bundles);
        let services = context.catalog.services.iter().filter(|(_, entry)| {
            let environment = entry.environment();
            offers.contains(entry.offer())
                || environment.is_some_and(|id| environments.contains(id))
        });
        turned.extend(services.map(|(id, _)| id.clone()));
        turned
    }

    /// Collects what was found in services.
    fn of_services(&self, misfits: &mut Misfits, severities: &Severities) -> Vec<Finding> {
        let mut found = Vec::new();
        for (id, unfit) in &self.unfit {
            for why in &unfit.lost {
                misfits.add(id, why.clone());
            }
            let findings = unfit.findings.iter().cloned();
            for finding in findings.filter_map(|finding| severities.apply(finding)) {
                if finding.is_error() {
                    misfits.add(id, finding.message.clone());
                }
                found.push(finding);
            }
        }
        found
    }

    /// Runs the rules about the whole; those about names only where a name changed.
    fn check_whole(&mut self, context: &Context<'_>, beside: &Beside<'_>) -> Vec<Finding> {
        let same_names = self.last.as_ref().is_some_and(|last| {
            last.owners.as_ref().is_some_and(|owners| Arc::ptr_eq(owners, beside.owners))
                && last.catalog.settings == context.catalog.settings
                && has_same_names(&last.catalog, context.catalog, &self.of_names)
        });
        if !same_names {
            self.of_names.clear();
        }
        let check = |rule: &&'static Rule| {
            let (mut whole, mut of_names) = (Vec::new(), Vec::new());
            match rule.check {
                Check::Catalog(check) => check(context, rule, &mut whole),
                Check::Names(check) if !same_names => check(context, rule, &mut of_names),
                _ => {}
            }
            (whole, of_names)
        };
        // Few rules take nearly all of the time, and may stand side by side.
        let found: Vec<(Vec<Finding>, Vec<Finding>)> =
            rules().par_iter().with_max_len(1).map(check).collect();
        let (whole, of_names): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        self.of_names.extend(of_names.into_iter().flatten());
        let mut whole: Vec<Finding> = whole.into_iter().flatten().collect();
        whole.extend(self.of_names.iter().cloned());
        whole
    }
}

/// What was found of a service, by its id; nothing where it is gone.
type Result<'a> = (&'a str, Option<(Option<Unfit>, Vec<String>)>);

/// Checks services, those of one item after another: what a form compiles to is needed for its own services only.
fn checked_all<'a>(
    context: &Context<'_>,
    ids: Vec<&'a str>,
    beside: &Beside<'_>,
) -> Vec<Result<'a>> {
    let services = &context.catalog.services;
    let offered = |id: &'a str| {
        let entry = services.get(id);
        (entry.map(Entry::offer), id, entry)
    };
    let mut offered: Vec<_> = ids.into_iter().map(offered).collect();
    offered.par_sort_by_key(|(offer, id, _)| (*offer, *id));
    let of_one = |of_one: &[(_, &'a str, Option<&Entry<Service>>)]| -> Vec<Result<'a>> {
        let check = |entry: Option<&Entry<Service>>| entry.map(|entry| checked(context, entry));
        let results = of_one.par_iter().map(|(_, id, entry)| (*id, check(*entry))).collect();
        let entry = of_one.iter().find_map(|(_, _, entry)| *entry);
        let offer = entry.and_then(|entry| context.offer_of(entry));
        offer.filter(|_| beside.is_forgetful).inspect(|offer| offer.document().release());
        results
    };
    let results: Vec<Vec<Result<'a>>> =
        offered.par_chunk_by(|(a, ..), (b, ..)| a == b).map(of_one).collect();
    results.into_iter().flatten().collect()
}

/// Checks one service: what keeps it from fitting, and what it waits for.
fn checked(context: &Context<'_>, entry: &Entry<Service>) -> (Option<Unfit>, Vec<String>) {
    let of = ServiceContext::of(context, entry);
    let (findings, lost) = (check_service(&of, &entry.document), lost(&of));
    let waits_for: BTreeSet<&str> = of.upstream().collect();
    let unfit = (!findings.is_empty() || !lost.is_empty()).then_some(Unfit { findings, lost });
    (unfit, waits_for.into_iter().map(ToOwned::to_owned).collect())
}

/// Tells whom a service waits for, where nothing keeps it from fitting.
pub(super) fn fits(context: &Context<'_>, entry: &Entry<Service>) -> Option<Vec<String>> {
    let (unfit, waits_for) = checked(context, entry);
    unfit.is_none().then_some(waits_for)
}

/// Tells whether paths, kinds and ids are the same, and the documents that something was found in.
fn has_same_names(before: &Catalog, after: &Catalog, found: &[Finding]) -> bool {
    before.documents.diff(&after.documents).all(|item| match item {
        DiffItem::Add(..) | DiffItem::Remove(..) => false,
        DiffItem::Update { old: (path, old), new: (_, new) } => {
            key_of(old) == key_of(new)
                && old.body.is_some() == new.body.is_some()
                && is_sound(old) == is_sound(new)
                && former_ids(old) == former_ids(new)
                && !found.iter().any(|finding| {
                    let related = finding.related.iter().map(|(place, _)| place);
                    std::iter::once(&finding.place).chain(related).any(|place| place.path == *path)
                })
        }
    })
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
    let bundles = context.catalog.bundles.par_iter();
    let checked: Vec<_> = bundles.map(|(id, entry)| (id, check_bundle(context, entry))).collect();
    for (id, findings) in checked {
        let findings = findings.into_iter().filter_map(|finding| severities.apply(finding));
        let findings: Vec<Finding> = findings.collect();
        if let Some(error) = findings.iter().find(|finding| finding.is_error()) {
            let why = format!("bundle `{id}` does not fit: {}", error.message);
            let users = context.catalog.services.iter();
            users
                .filter(|(_, user)| user.is_of_bundle() && user.offer() == id)
                .for_each(|(service, _)| misfits.add(service, why.clone()));
        }
        found.extend(findings);
    }
    found
}

/// Runs the rules about a change: as bad as the base says, for no change decides that about itself.
fn check_change(context: &Context<'_>, against: &Against, of_head: &Severities) -> Vec<Finding> {
    let Some(base) = &against.base else { return Vec::new() };
    let severities = Severities::of(&base.settings).allowing(of_head.allowed().clone());
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
