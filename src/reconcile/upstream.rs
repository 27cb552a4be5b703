//! What units read from one another: outputs of components of the same service, and of other services.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::evaluate::{Upstream, any_text, collect_references};
use crate::catalog::{Bundle, Catalog, Output, Service};
use crate::id::UnitKey;
use crate::template::{self, Scope, lone_reference};

/// Outputs of units that were applied; sensitive values sealed.
pub type KnownOutputs = BTreeMap<UnitKey, Map<String, Value>>;

/// Shows a stored output: in public as a marker, in a running step as the value itself. Takes value and path.
pub type Reveal<'a> = &'a dyn Fn(&Value, &str) -> Value;

/// What is read from others: `(component, output)` and `(service, output)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamReads {
    /// Of components of the same service.
    pub components: BTreeSet<(String, String)>,
    /// Of other services.
    pub services: BTreeSet<(String, String)>,
}

impl UpstreamReads {
    /// Finds what the templates of some values read.
    pub fn of<'a>(values: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut reads = Self::default();
        for value in values {
            collect_references(value, &mut |path| {
                if let [root, id, outputs, name, ..] = path
                    && outputs == "outputs"
                {
                    let read = (id.clone(), name.clone());
                    match root.as_str() {
                        "components" => reads.components.insert(read),
                        "services" => reads.services.insert(read),
                        _ => false,
                    };
                }
            });
        }
        reads
    }

    /// Finds what a service reads: its own lone references, or what its bundle's components are given.
    pub fn of_service(service: &Service, bundle: Option<&Bundle>) -> Self {
        let lone =
            service.fields.values().filter(|value| value.as_str().is_some_and(is_lone_reference));
        let configs = bundle.map(|bundle| bundle.components.as_slice()).unwrap_or_default();
        Self::of(lone.chain(configs.iter().flat_map(|component| component.config.values())))
    }

    /// Returns the units whose outputs are read.
    pub fn units(&self, service: &str, catalog: &Catalog) -> BTreeSet<UnitKey> {
        let own = self.components.iter().map(|(id, _)| UnitKey::component(service, id));
        let others = self.services.iter().flat_map(|(id, _)| units_of(id, catalog));
        own.chain(others).collect()
    }
}

/// Returns the units of a service of the catalog.
fn units_of(service: &str, catalog: &Catalog) -> Vec<UnitKey> {
    let bundle = catalog
        .services
        .get(service)
        .and_then(|entry| catalog.bundles.get(entry.body.catalog_bundle.as_ref()?));
    match bundle {
        None => vec![UnitKey::service(service)],
        Some(bundle) => {
            let components = bundle.body.components.iter();
            components.map(|component| UnitKey::component(service, &component.id)).collect()
        }
    }
}

fn is_lone_reference(text: &str) -> bool {
    lone_reference(text).is_some()
}

/// Tells whether anything of a service is read from other units, so that it can't be recognised by its files alone.
pub fn reads_others(service: &Service, bundle: Option<&Bundle>) -> bool {
    let mentions = |text: &str| {
        text.contains("{{") && (text.contains("services.") || text.contains("components."))
    };
    service.fields.values().any(|value| any_text(value, &mentions))
        || bundle.is_some_and(|bundle| {
            bundle
                .components
                .iter()
                .any(|c| c.config.values().any(|value| any_text(value, &mentions)))
        })
}

/// Returns the services that must come before a service, and outlive it.
pub(super) fn required_services(service: &Service, bundle: Option<&Bundle>) -> Vec<String> {
    let mut required: BTreeSet<String> = service.depends_on.iter().cloned().collect();
    required
        .extend(UpstreamReads::of_service(service, bundle).services.into_iter().map(|(id, _)| id));
    required.into_iter().collect()
}

/// Who reads.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// The service.
    pub service: &'a str,
    /// Its team, which must own what is read or have it shared.
    pub team: &'a str,
}

/// Gathers what is read; what is not known yet is a marker.
pub fn gather(
    reader: Reader<'_>,
    reads: &UpstreamReads,
    (catalog, known): (&Catalog, &KnownOutputs),
    reveal: Reveal<'_>,
) -> Result<Upstream, String> {
    let mut components: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for (id, name) in &reads.components {
        let outputs = known.get(&UnitKey::component(reader.service, id));
        let value =
            known_or_marker(outputs, name, (&format!("components.{id}.outputs.{name}"), reveal));
        components.entry(id).or_default().insert(name.clone(), value);
    }
    let mut services: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for (id, name) in &reads.services {
        let value = service_output(reader.team, (id, name), (catalog, known), reveal)?;
        services.entry(id).or_default().insert(name.clone(), value);
    }
    Ok(Upstream { components: as_scope(components), services: as_scope(services) })
}

fn as_scope(outputs: BTreeMap<&str, Map<String, Value>>) -> Value {
    let entries =
        outputs.into_iter().map(|(id, outputs)| (id.to_owned(), json!({"outputs": outputs})));
    Value::Object(entries.collect())
}

fn known_or_marker(
    outputs: Option<&Map<String, Value>>,
    name: &str,
    (path, reveal): (&str, Reveal<'_>),
) -> Value {
    match outputs.and_then(|outputs| outputs.get(name)) {
        Some(value) => reveal(value, path),
        None => Value::String(template::unknown(path)),
    }
}

/// Returns an output of a service as a team may read it; a marker where it is not known yet.
fn service_output(
    team: &str,
    (id, name): (&str, &str),
    (catalog, known): (&Catalog, &KnownOutputs),
    reveal: Reveal<'_>,
) -> Result<Value, String> {
    let entry = catalog.services.get(id).ok_or_else(|| format!("there is no service `{id}`"))?;
    let path = format!("services.{id}.outputs.{name}");
    if let Some(item) = entry.body.catalog_item.as_ref().and_then(|id| catalog.items.get(id)) {
        offered(&item.body.outputs, &entry.body, (team, name))?;
        return Ok(known_or_marker(known.get(&UnitKey::service(id)), name, (&path, reveal)));
    }
    let bundle = catalog.bundles.get(entry.body.offer()).ok_or_else(|| {
        format!("service `{id}` is of `{}`, which is not there", entry.body.offer())
    })?;
    let output = offered(&bundle.body.outputs, &entry.body, (team, name))?;
    let template = Value::String(output.value.clone());
    let reads = UpstreamReads::of([&template]);
    let reader = Reader { service: id, team: &entry.body.metadata.team };
    let inside = gather(
        reader,
        &UpstreamReads { services: BTreeSet::new(), ..reads },
        (catalog, known),
        reveal,
    )?;
    let mut scope = Scope::new();
    scope.set("components", inside.components);
    template::evaluate(&output.value, &scope).map_err(|error| format!("`{path}`: {error}"))
}

/// Finds an output that a service offers, and that a team may read.
fn offered<'a>(
    outputs: &'a BTreeMap<String, Output>,
    service: &Service,
    (team, name): (&str, &str),
) -> Result<&'a Output, String> {
    let id = &service.metadata.id;
    let output = outputs.get(name).ok_or_else(|| {
        format!("`{}` has no output `{name}`, which is read from service `{id}`", service.offer())
    })?;
    let owner = &service.metadata.team;
    if owner == team || output.share.iter().any(|shared| shared == team) {
        return Ok(output);
    }
    Err(format!(
        "output `{name}` of service `{id}` belongs to team `{owner}` and is not shared with `{team}`"
    ))
}
