//! A made-up service to render an item with. It plans nothing.

use serde_json::{Value, json};

use super::{RenderAsk, Unrendered, unknown};
use crate::catalog::{Blob, Catalog, Field, Item, Service, Snapshot};
use crate::digest::Digest;

/// Id of a service that nobody named.
const MADE_UP: &str = "example-service";

/// Returns a catalog's snapshot with the service in it, and the service's id and path.
pub(super) fn with_service(
    mut snapshot: Snapshot,
    catalog: &Catalog,
    ask: &RenderAsk,
) -> Result<(Snapshot, String, String), Unrendered> {
    let Some(item) = catalog.items.get(&ask.item) else {
        return Err(match catalog.bundles.contains_key(&ask.item) {
            true => Unrendered::Bundle(ask.item.clone()),
            false => unknown("item", &ask.item, catalog.items.keys().map(String::as_str)),
        });
    };
    let id = ask.service.as_deref().unwrap_or(MADE_UP);
    if let Some(entry) = catalog.services.get(id) {
        snapshot.files.remove(&entry.document.path);
    }
    let document = document(&item.body, lender(catalog, ask), id, ask);
    let team = document.pointer("/metadata/team").and_then(Value::as_str).unwrap_or_default();
    let path = format!("services/{team}/{id}.yaml");
    // JSON is YAML.
    let bytes = document.to_string().into_bytes();
    let blob = Blob { id: Digest::of_bytes(&bytes).to_string().into(), bytes: bytes.into() };
    snapshot.files.insert(path.as_str().into(), blob);
    Ok((snapshot, id.to_owned(), path))
}

/// Finds the service of the catalog that lends what it says: the one of the same id and item.
pub(super) fn lender<'c>(catalog: &'c Catalog, ask: &RenderAsk) -> Option<&'c Service> {
    let entry = catalog.services.get(ask.service.as_deref().unwrap_or(MADE_UP))?;
    let is_of = entry.body.catalog_item.as_deref() == Some(&ask.item);
    is_of.then(|| &*entry.body)
}

/// Returns the team of the service.
pub(super) fn team(item: &Item, lender: Option<&Service>, ask: &RenderAsk) -> String {
    let lent = lender.map(|service| service.metadata.team.as_str());
    let visible = item.metadata.visibility.as_ref().and_then(|visibility| visibility.teams.first());
    let team = ask.team.as_deref().or(lent).or(visible.map(String::as_str));
    team.unwrap_or(&item.metadata.owner.team).to_owned()
}

/// Writes the service; what an existing one of the same id and item says holds where nothing else is asked for.
fn document(item: &Item, lender: Option<&Service>, id: &str, ask: &RenderAsk) -> Value {
    let mut fields = lender.map(|service| service.fields.to_map()).unwrap_or_default();
    fields.extend(ask.fields.clone());
    let form = &item.presentation.form;
    if form.field("name").is_some_and(Field::is_demanded) {
        fields.entry("name").or_insert_with(|| json!(id));
    }
    let lent = lender.map(|service| &service.metadata);
    let environment =
        ask.environment.clone().or_else(|| lent.and_then(|lent| lent.environment.clone()));
    let mut metadata = json!({"id": id, "team": team(item, lender, ask)});
    if let (Some(environment), Value::Object(map)) = (environment, &mut metadata) {
        map.insert("environment".to_owned(), json!(environment));
    }
    json!({
        "schemaVersion": "catalog/v1",
        "kind": "Service",
        "metadata": metadata,
        "catalogItem": item.metadata.id,
        "fields": fields,
    })
}
