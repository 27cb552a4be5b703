//! What the catalog's file of a service asks for, as whoever wants to change it sees it. Names of secrets are masked.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::service_words::items_of;
use crate::catalog::{Catalog, Entry, Service};
use crate::reconcile::show::masked;

/// What the catalog's file asks for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DesiredWire {
    /// The file, from the root of the catalog.
    path: String,
    /// It is of a bundle.
    is_of_bundle: bool,
    /// What it is for.
    description: Option<String>,
    /// The values that the file gives; names of secrets masked.
    fields: Map<String, Value>,
    /// Services that must be there first.
    depends_on: Vec<String>,
    /// `active`, `suspended`, or a state that an operation leads to.
    state: String,
    /// The day after which it should be gone.
    expires: Option<String>,
    /// Named operations of day two.
    operations: Vec<OperationWire>,
}

/// One operation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OperationWire {
    name: String,
    /// The state that it leads to; one that leads to none is carried out at once.
    state: Option<String>,
}

impl DesiredWire {
    pub(super) fn of(catalog: &Catalog, entry: &Entry<Service>) -> Self {
        let service = &*entry.body;
        let given = service.fields.to_map();
        let mut operations: BTreeMap<&String, Option<String>> = BTreeMap::new();
        for item in items_of(service, catalog) {
            for (name, operation) in &item.fulfillment.operations {
                operations.entry(name).or_default().clone_from(&operation.state);
            }
        }
        let operations =
            operations.into_iter().map(|(name, state)| OperationWire { name: name.clone(), state });
        Self {
            path: entry.document.path.to_string(),
            is_of_bundle: entry.is_of_bundle(),
            description: service.metadata.description.clone(),
            fields: given.iter().map(|(name, value)| (name.clone(), masked(value))).collect(),
            depends_on: service.depends_on.clone(),
            state: service.state.clone(),
            expires: service.expires.clone(),
            operations: operations.collect(),
        }
    }
}
