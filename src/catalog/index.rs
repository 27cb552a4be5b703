//! The catalog: documents by kind and id. Broken documents are listed and not indexed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::bundle::Bundle;
use imbl::OrdMap;
use imbl::ordmap::DiffItem;

use super::document::{Body, Document, Documents, Kind};
use super::environment::{Environment, Settings};
use super::held::Held;
use super::item::Item;
use super::service::Service;

/// A typed body with the document it stands in; it equals itself alone, as its document does.
#[derive(Clone, Debug)]
pub struct Entry<T> {
    /// The typed body.
    pub body: Held<T>,
    /// Where it stands.
    pub document: Arc<Document>,
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.document == other.document
    }
}

impl Entry<Service> {
    /// Returns the id of the item or bundle that it is of, without reading it.
    pub fn offer(&self) -> &str {
        self.document.brief.as_ref().map_or_else(|| self.body.offer(), |brief| &brief.offer)
    }

    /// Tells whether it is of a bundle, without reading it.
    pub fn is_of_bundle(&self) -> bool {
        let brief = self.document.brief.as_ref();
        brief.map_or_else(|| self.body.catalog_item.is_none(), |brief| brief.is_bundle)
    }

    /// Returns its team, without reading it: who is right stands in the folder of the team.
    pub fn team(&self) -> &str {
        let brief = self.document.brief.as_ref();
        let folder = brief.and_then(|_| self.document.path.split('/').nth(1));
        folder.unwrap_or_else(|| &self.body.metadata.team)
    }

    /// Returns the id of its environment, without reading it.
    pub fn environment(&self) -> Option<&str> {
        match &self.document.brief {
            Some(brief) => brief.environment.as_deref(),
            None => self.body.metadata.environment.as_deref(),
        }
    }
}

/// Documents by kind and id.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// The commit it was read from.
    pub commit: String,
    /// Its settings; the defaults where there is no `trueline.yaml`.
    pub settings: Arc<Settings>,
    /// Items by id.
    pub items: BTreeMap<String, Entry<Item>>,
    /// Bundles by id.
    pub bundles: BTreeMap<String, Entry<Bundle>>,
    /// Services by id.
    pub services: OrdMap<String, Entry<Service>>,
    /// Environments by id.
    pub environments: BTreeMap<String, Entry<Environment>>,
    /// All documents by path, also those that could not be read.
    pub documents: Documents,
    /// Documents whose id another document has already (the first by path is indexed).
    pub duplicates: Vec<(Kind, Arc<str>, Arc<Document>)>,
}

impl Catalog {
    /// Indexes documents; where two share an id, the first by path is indexed.
    pub fn of(
        commit: impl Into<String>,
        documents: impl IntoIterator<Item = Arc<Document>>,
    ) -> Self {
        let mut catalog = Catalog { commit: commit.into(), ..Catalog::default() };
        catalog.documents =
            documents.into_iter().map(|document| (document.path.clone(), document)).collect();
        for document in catalog.documents.clone().values() {
            catalog.index(document.clone());
        }
        catalog
    }

    /// Returns the catalog of other documents; what is the same is not indexed again.
    #[must_use]
    pub fn follow(&self, commit: impl Into<String>, documents: Documents) -> Self {
        let commit = commit.into();
        let mut next = Catalog { commit, documents, ..self.clone() };
        let mut fresh = Vec::new();
        for item in self.documents.diff(&next.documents) {
            let (old, new) = match item {
                DiffItem::Add(_, new) => (None, Some(new)),
                DiffItem::Update { old: (_, old), new: (_, new) } => (Some(old), Some(new)),
                DiffItem::Remove(_, old) => (Some(old), None),
            };
            fresh.push((old.cloned(), new.cloned()));
        }
        for (old, _) in &fresh {
            old.iter().for_each(|document| next.forget(document));
        }
        for (_, new) in fresh {
            new.into_iter().for_each(|document| next.index(document));
        }
        // Which of two counts depends on all that have the id.
        if self.duplicates.is_empty() && next.duplicates.is_empty() {
            return next;
        }
        let Catalog { commit, documents, .. } = next;
        Self::of(commit, documents.values().cloned())
    }

    /// Takes a document out of the index.
    fn forget(&mut self, document: &Document) {
        let Some(body) = &document.body else { return };
        let id = document.id.as_deref().unwrap_or_default();
        match body {
            Body::Item(_) => {
                self.items.remove(id);
            }
            Body::Bundle(_) => {
                self.bundles.remove(id);
            }
            Body::Service(_) => {
                self.services.remove(id);
            }
            Body::Environment(_) => {
                self.environments.remove(id);
            }
            Body::Settings(_) => self.settings = Arc::default(),
        }
    }

    fn index(&mut self, document: Arc<Document>) {
        let Some(body) = document.body.clone() else { return };
        let id = document.id.as_deref().unwrap_or_default().to_owned();
        let fresh = match body {
            Body::Item(body) => {
                // Items and bundles share one space of ids.
                !self.bundles.contains_key(&id) && insert(&mut self.items, id, body, &document)
            }
            Body::Bundle(body) => {
                !self.items.contains_key(&id) && insert(&mut self.bundles, id, body, &document)
            }
            Body::Service(body) => {
                let is_new = !self.services.contains_key(&id);
                if is_new {
                    self.services.insert(id, Entry { body, document: document.clone() });
                }
                is_new
            }
            Body::Environment(body) => insert(&mut self.environments, id, body, &document),
            Body::Settings(body) => {
                self.settings = body;
                true
            }
        };
        if let (false, Some(kind), Some(id)) = (fresh, document.kind, document.id.clone()) {
            self.duplicates.push((kind, id, document));
        }
    }

    /// Returns the services that differ in another catalog, and those whose item, bundle or environment does.
    pub fn changed_services(&self, after: &Self) -> BTreeSet<String> {
        let mut changed: BTreeSet<String> = self
            .services
            .diff(&after.services)
            .map(|item| match item {
                DiffItem::Add(id, _)
                | DiffItem::Remove(id, _)
                | DiffItem::Update { new: (id, _), .. } => id.clone(),
            })
            .collect();
        let offers = self.changed_offers(after);
        let environments = changed_entries(&self.environments, &after.environments);
        if !offers.is_empty() || !environments.is_empty() {
            let touched = after.services.iter().filter(|(_, entry)| {
                let environment = entry.environment();
                offers.contains(entry.offer())
                    || environment.is_some_and(|environment| environments.contains(environment))
            });
            changed.extend(touched.map(|(id, _)| id.clone()));
        }
        changed
    }

    /// Returns the items and bundles that differ, and the bundles of items that do.
    fn changed_offers<'a>(&'a self, after: &'a Self) -> BTreeSet<&'a str> {
        let mut changed = changed_entries(&self.items, &after.items);
        let bundles = after.bundles.iter().filter(|(_, bundle)| {
            let mut components = bundle.body.components.iter();
            components.any(|component| changed.contains(component.catalog_item.as_str()))
        });
        let bundles: Vec<&str> = bundles.map(|(id, _)| id.as_str()).collect();
        changed.extend(changed_entries(&self.bundles, &after.bundles));
        changed.extend(bundles);
        changed
    }

    /// Tells whether a document counts under its id.
    pub fn indexes(&self, document: &Arc<Document>) -> bool {
        let id = document.id.as_deref().unwrap_or_default();
        let indexed = match document.kind {
            Some(Kind::Item) => self.items.get(id).map(|entry| &entry.document),
            Some(Kind::Bundle) => self.bundles.get(id).map(|entry| &entry.document),
            Some(Kind::Service) => self.services.get(id).map(|entry| &entry.document),
            Some(Kind::Environment) => self.environments.get(id).map(|entry| &entry.document),
            Some(Kind::Settings) => {
                self.documents.get(&document.path).filter(|settings| settings.body.is_some())
            }
            None => None,
        };
        indexed == Some(document)
    }

    /// Tells whether a document of a kind is indexed under an id.
    pub fn holds(&self, kind: Kind, id: &str) -> bool {
        match kind {
            Kind::Item => self.items.contains_key(id),
            Kind::Bundle => self.bundles.contains_key(id),
            Kind::Service => self.services.contains_key(id),
            Kind::Environment => self.environments.contains_key(id),
            Kind::Settings => {
                let found = self.documents.get("trueline.yaml");
                found.is_some_and(|document| document.body.is_some())
            }
        }
    }

    /// Returns the environment that a service names, where there is one.
    pub fn environment_of(&self, service: &Service) -> Option<&Entry<Environment>> {
        self.environments.get(service.metadata.environment.as_deref()?)
    }
}

/// Returns the ids of what is new, gone or another.
fn changed_entries<'a, T>(
    before: &'a BTreeMap<String, Entry<T>>,
    after: &'a BTreeMap<String, Entry<T>>,
) -> BTreeSet<&'a str> {
    let gone = before.keys().filter(|id| !after.contains_key(*id));
    let other = after.iter().filter(|(id, entry)| before.get(*id) != Some(*entry));
    gone.chain(other.map(|(id, _)| id)).map(String::as_str).collect()
}

fn insert<T>(
    map: &mut BTreeMap<String, Entry<T>>,
    id: String,
    body: Held<T>,
    document: &Arc<Document>,
) -> bool {
    if map.contains_key(&id) {
        return false;
    }
    map.insert(id, Entry { body, document: document.clone() });
    true
}
