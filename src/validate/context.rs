//! What rules look at beside one document: the effective catalog, and what a service is of. It checks nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;

use super::effective::Space;
use super::references::{ServiceRead, bundle_reads, own_reads};
use crate::catalog::{
    Bundle, Catalog, Component, Document, Entry, Environment, Item, Metadata, Output, Service,
};
use crate::owners::Owners;

/// The effective catalog, and the ids of what is in it but cannot be used.
#[derive(Debug)]
pub struct Context<'a> {
    /// Every document with its last good content.
    pub catalog: &'a Catalog,
    /// Who owns which path, by the CODEOWNERS of the same snapshot.
    pub owners: &'a Owners,
    /// Today's date, where rules may look at it.
    pub today: Option<Date>,
    /// Services that name or read others, each with those.
    pub(super) waiting: BTreeMap<String, Vec<String>>,
    unusable: &'a BTreeSet<(Space, String)>,
    /// What bundles read from services: services outnumber the bundles that they are of.
    bundle_reads: Memo<Vec<(String, String)>>,
    /// Which variables of the environment items and bundles read.
    variables: Memo<Vec<String>>,
}

/// Remembers what was found in a document, by its path.
#[derive(Debug)]
struct Memo<T>(Mutex<HashMap<Arc<str>, Arc<T>>>);

impl<T> Memo<T> {
    fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    fn get(&self, document: &Document, find: impl FnOnce() -> T) -> Arc<T> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known().get(&document.path).cloned();
        // Nobody waits while another looks.
        found.unwrap_or_else(|| {
            let found = Arc::new(find());
            known().entry(document.path.clone()).or_insert(found).clone()
        })
    }
}

/// What a service is of.
#[derive(Clone, Copy, Debug)]
pub enum Offer<'a> {
    /// An item.
    Item(&'a Entry<Item>),
    /// A bundle.
    Bundle(&'a Entry<Bundle>),
}

impl<'a> Offer<'a> {
    /// Returns the document that it stands in.
    pub fn document(self) -> &'a Arc<Document> {
        match self {
            Offer::Item(entry) => &entry.document,
            Offer::Bundle(entry) => &entry.document,
        }
    }

    /// Returns who and what it is.
    pub fn metadata(self) -> &'a Metadata {
        match self {
            Offer::Item(entry) => &entry.body.metadata,
            Offer::Bundle(entry) => &entry.body.metadata,
        }
    }

    /// Returns an output that its services offer.
    pub fn output(self, name: &str) -> Option<&'a Output> {
        match self {
            Offer::Item(entry) => entry.body.outputs.get(name),
            Offer::Bundle(entry) => entry.body.outputs.get(name),
        }
    }

    /// Returns the names of all outputs that its services offer.
    pub fn output_names(self) -> impl Iterator<Item = &'a str> {
        let outputs = match self {
            Offer::Item(entry) => &entry.body.outputs,
            Offer::Bundle(entry) => &entry.body.outputs,
        };
        outputs.keys().map(String::as_str)
    }
}

impl<'a> Context<'a> {
    pub(super) fn new(
        catalog: &'a Catalog,
        unusable: &'a BTreeSet<(Space, String)>,
        owners: &'a Owners,
        today: Option<Date>,
    ) -> Self {
        let (bundle_reads, variables) = (Memo::new(), Memo::new());
        let waiting = BTreeMap::new();
        Self { catalog, owners, today, waiting, unusable, bundle_reads, variables }
    }

    /// Returns the ids that cannot be used.
    pub(super) fn unusable(&self) -> &BTreeSet<(Space, String)> {
        self.unusable
    }

    /// Returns what a service reads from others: by its own lone references, or through its bundle.
    pub fn reads_of(&self, service: &Service, offer: Option<Offer<'_>>) -> Vec<ServiceRead> {
        let mut reads = own_reads(service);
        if let Some(Offer::Bundle(bundle)) = offer {
            let found = self.bundle_reads.get(&bundle.document, || bundle_reads(&bundle.body));
            reads.extend(found.iter().map(|(service, output)| ServiceRead {
                service: service.clone(),
                output: output.clone(),
                pointer: None,
            }));
        }
        reads
    }

    /// Returns the variables of the environment that an item or bundle surely reads, sorted.
    pub(super) fn variables_of(
        &self,
        document: &Document,
        find: impl FnOnce() -> Vec<String>,
    ) -> Arc<Vec<String>> {
        self.variables.get(document, find)
    }

    /// Returns what a service is of, where that is there.
    pub fn offer_of(&self, service: &Entry<Service>) -> Option<Offer<'a>> {
        match service.is_of_bundle() {
            false => self.catalog.items.get(service.offer()).map(Offer::Item),
            true => self.catalog.bundles.get(service.offer()).map(Offer::Bundle),
        }
    }

    /// Tells whether an item or bundle is there but cannot be used; what refers to it waits in silence.
    pub fn is_unusable_offer(&self, id: &str) -> bool {
        self.unusable.contains(&(Space::Offer, id.to_owned()))
    }

    /// Tells whether a service is there but cannot be used.
    pub fn is_unusable_service(&self, id: &str) -> bool {
        self.unusable.contains(&(Space::Service, id.to_owned()))
    }

    /// Tells whether an environment is there but cannot be used.
    pub fn is_unusable_environment(&self, id: &str) -> bool {
        self.unusable.contains(&(Space::Environment, id.to_owned()))
    }
}

/// A service with what it is of.
#[derive(Debug)]
pub struct ServiceContext<'a> {
    /// The catalog it stands in.
    pub context: &'a Context<'a>,
    /// The service.
    pub service: &'a Service,
    /// What it is of, where that is there.
    pub offer: Option<Offer<'a>>,
    /// The components of its bundle with their items, where those are there; none for an item.
    pub parts: Vec<(&'a Component, &'a Entry<Item>)>,
    /// Its environment, where it names one that is there.
    pub environment: Option<&'a Entry<Environment>>,
    /// What it reads from other services.
    pub reads: Vec<ServiceRead>,
}

impl<'a> ServiceContext<'a> {
    pub(super) fn of(context: &'a Context<'a>, entry: &'a Entry<Service>) -> Self {
        let (offer, service) = (context.offer_of(entry), &*entry.body);
        let components = match offer {
            Some(Offer::Bundle(bundle)) => bundle.body.components.as_slice(),
            _ => &[],
        };
        let items = &context.catalog.items;
        let parts = components.iter().filter_map(|c| Some((c, items.get(&c.catalog_item)?)));
        Self {
            context,
            service,
            offer,
            parts: parts.collect(),
            environment: context.catalog.environment_of(service),
            reads: context.reads_of(service, offer),
        }
    }

    /// Returns the ids of the services that it names.
    pub fn upstream(&self) -> impl Iterator<Item = &str> {
        let named = self.service.depends_on.iter();
        named.chain(self.reads.iter().map(|read| &read.service)).map(String::as_str)
    }

    /// Returns the items that fulfil it, each with the component it is of.
    pub fn items(&self) -> impl Iterator<Item = (Option<&'a Component>, &'a Entry<Item>)> {
        let own = match self.offer {
            Some(Offer::Item(entry)) => Some((None, entry)),
            _ => None,
        };
        own.into_iter().chain(self.parts.iter().map(|(component, item)| (Some(*component), *item)))
    }
}
