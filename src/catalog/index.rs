//! The catalog: documents by kind and id. Broken documents are listed and not indexed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::bundle::Bundle;
use super::document::{Body, Document, Kind};
use super::environment::{Environment, Settings};
use super::item::Item;
use super::service::Service;

/// A typed body with the document it stands in.
#[derive(Clone, Debug)]
pub struct Entry<T> {
    /// The typed body.
    pub body: Arc<T>,
    /// Where it stands.
    pub document: Arc<Document>,
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
    pub services: BTreeMap<String, Entry<Service>>,
    /// Environments by id.
    pub environments: BTreeMap<String, Entry<Environment>>,
    /// All documents by path, also those that could not be read.
    pub documents: BTreeMap<Arc<str>, Arc<Document>>,
    /// Documents whose id another document has already (the first by path is indexed).
    pub duplicates: Vec<(Kind, String, Arc<Document>)>,
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
        for document in catalog.documents.clone().into_values() {
            catalog.index(document);
        }
        catalog
    }

    fn index(&mut self, document: Arc<Document>) {
        let Some(body) = document.body.clone() else { return };
        let fresh = match body {
            Body::Item(body) => {
                // Items and bundles share one space of ids.
                let id = body.metadata.id.clone();
                !self.bundles.contains_key(&id) && insert(&mut self.items, id, body, &document)
            }
            Body::Bundle(body) => {
                let id = body.metadata.id.clone();
                !self.items.contains_key(&id) && insert(&mut self.bundles, id, body, &document)
            }
            Body::Service(body) => {
                insert(&mut self.services, body.metadata.id.clone(), body, &document)
            }
            Body::Environment(body) => {
                insert(&mut self.environments, body.metadata.id.clone(), body, &document)
            }
            Body::Settings(body) => {
                self.settings = body;
                true
            }
        };
        if let (false, Some(kind), Some(id)) = (fresh, document.kind, document.id.clone()) {
            self.duplicates.push((kind, id, document));
        }
    }

    /// Returns the environment that a service names, where there is one.
    pub fn environment_of(&self, service: &Service) -> Option<&Entry<Environment>> {
        self.environments.get(service.metadata.environment.as_deref()?)
    }
}

fn insert<T>(
    map: &mut BTreeMap<String, Entry<T>>,
    id: String,
    body: Arc<T>,
    document: &Arc<Document>,
) -> bool {
    if map.contains_key(&id) {
        return false;
    }
    map.insert(id, Entry { body, document: document.clone() });
    true
}
