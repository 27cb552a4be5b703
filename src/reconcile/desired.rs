//! Desired state: the units that the effective catalog asks for, each with its digests.
//!
//! A unit is recognised by its digests without anything being rendered; unchanged units are not built again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use imbl::OrdMap;
use serde_json::{Map, Value, json};

use super::definition::Definition;
use super::evaluate::{
    self, Inputs, any_text, collect_references, evaluate_deep, intent_digest, public, reads_of,
};
use super::upstream::{self, KnownOutputs, Reader, UpstreamReads};
use crate::catalog::{
    Bundle, Catalog, Component, Entry, Environment, Held, Item, OrchestrationMode, Service,
};
use crate::digest::Digest;
use crate::id::UnitKey;
use crate::template;

/// Why a service does not fit.
pub type Blocked = Vec<String>;

/// What git wants of one unit.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Its name.
    pub key: UnitKey,
    /// Names it had before.
    pub former: Vec<UnitKey>,
    /// The file that asks for it.
    pub path: Arc<str>,
    /// The service.
    pub service: Held<Service>,
    /// The item.
    pub item: Held<Item>,
    /// The environment.
    pub environment: Option<Held<Environment>>,
    /// The bundle and the index of its component.
    pub part: Option<(Held<Bundle>, usize)>,
    /// How it is fulfilled.
    pub definition: Arc<Definition>,
    /// Digest of how it is fulfilled.
    pub definition_digest: Digest,
    /// Digest of what is wanted.
    pub intent: Digest,
    /// Digest of what git says, upstream outputs left out.
    pub source: Digest,
    /// Services that come before it and must outlive it.
    pub requires: Vec<String>,
    /// Units of the same service that come before it.
    pub depends_on: Vec<UnitKey>,
    /// Paths of the environment and the service that its active block refers to.
    pub reads: Arc<BTreeSet<Vec<String>>>,
}

/// What git wants, unit by unit.
#[derive(Clone, Debug, Default)]
pub struct Desired {
    /// The commit.
    pub commit: String,
    /// Units by name.
    pub units: OrdMap<UnitKey, Arc<Unit>>,
    /// Services that do not fit, with why; their units are left as they are.
    pub blocked: BTreeMap<String, Blocked>,
    /// Why a unit that is not here may be wanted all the same; nothing where absence can be trusted.
    pub absent_is_unknown: Option<String>,
    /// How many services the catalog has.
    pub services: usize,
    /// Outputs of units that others may read.
    pub known: Arc<KnownOutputs>,
    /// The time zone in which dates without one are days, where the catalog names it.
    pub timezone: Option<String>,
}

impl Desired {
    /// Returns the units of a service.
    pub fn units_of<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a Arc<Unit>> {
        let units = self.units.range(UnitKey::service(service)..).map(|(_, unit)| unit);
        units.take_while(move |unit| unit.key.service == service)
    }
}

type DefinitionRow = (Arc<Definition>, Digest, Arc<BTreeSet<Vec<String>>>);

/// Builds desired state; building again costs as much as has changed.
#[derive(Debug, Default)]
pub struct DesiredBuilder {
    definitions: HashMap<Arc<str>, DefinitionRow>,
    last: Option<Arc<Catalog>>,
    units: OrdMap<UnitKey, Arc<Unit>>,
    /// Services that are built anew each time: they read from others, or could not be built.
    open: BTreeSet<String>,
}

impl DesiredBuilder {
    /// Builds the desired state of an effective catalog.
    ///
    /// `misfits` names services that rules found not to fit, with why.
    pub fn build(
        &mut self,
        catalog: &Arc<Catalog>,
        misfits: &BTreeMap<String, Blocked>,
        known: Arc<KnownOutputs>,
    ) -> Desired {
        let mut blocked = misfits.clone();
        let mut stale = match &self.last {
            Some(last) => last.changed_services(catalog),
            None => catalog.services.keys().cloned().collect(),
        };
        stale.append(&mut self.open);
        stale.extend(misfits.keys().cloned());
        if self.definitions.len() > 2 * catalog.items.len() {
            self.definitions.clear();
        }
        for id in stale {
            self.forget(&id);
            let Some(entry) = catalog.services.get(&id) else { continue };
            let built = match misfits.contains_key(&id) {
                true => Err(None),
                false => self.units_of(catalog, entry, &known).map_err(Some),
            };
            match built {
                Ok(units) => {
                    let bundle = units.first().and_then(|unit| unit.part.as_ref());
                    if upstream::reads_others(&entry.body, bundle.map(|(bundle, _)| &**bundle)) {
                        self.open.insert(id);
                    }
                    self.units.extend(units.into_iter().map(|unit| (unit.key.clone(), unit)));
                }
                Err(why) => {
                    if let Some(why) = why {
                        blocked.insert(id.clone(), vec![why]);
                    }
                    self.open.insert(id);
                }
            }
        }
        self.last = Some(catalog.clone());
        Desired {
            commit: catalog.commit.clone(),
            units: self.units.clone(),
            blocked,
            services: catalog.services.len(),
            known,
            timezone: catalog.settings.defaults.timezone.clone(),
            ..Desired::default()
        }
    }

    fn forget(&mut self, service: &str) {
        let units = self.units.range(UnitKey::service(service)..).map(|(key, _)| key);
        let keys: Vec<UnitKey> = units.take_while(|key| key.service == service).cloned().collect();
        for key in keys {
            self.units.remove(&key);
        }
    }

    fn units_of(
        &mut self,
        catalog: &Catalog,
        entry: &Entry<Service>,
        known: &KnownOutputs,
    ) -> Result<Vec<Arc<Unit>>, String> {
        let service = &entry.body;
        if let Some(item) = &service.catalog_item {
            let key = UnitKey::service(&service.metadata.id);
            return Ok(vec![self.unit(catalog, entry, (key, item, None), known)?]);
        }
        let bundle = service
            .catalog_bundle
            .as_ref()
            .and_then(|id| catalog.bundles.get(id))
            .ok_or_else(|| format!("there is no bundle `{}`", service.offer()))?;
        let part = |(index, component): (usize, &Component)| {
            let key = UnitKey::component(&service.metadata.id, &component.id);
            self.unit(catalog, entry, (key, &component.catalog_item, Some((bundle, index))), known)
        };
        bundle.body.components.iter().enumerate().map(part).collect()
    }

    fn unit(
        &mut self,
        catalog: &Catalog,
        entry: &Entry<Service>,
        (key, item_id, part): (UnitKey, &str, Option<(&Entry<Bundle>, usize)>),
        known: &KnownOutputs,
    ) -> Result<Arc<Unit>, String> {
        let item =
            catalog.items.get(item_id).ok_or_else(|| format!("there is no item `{item_id}`"))?;
        let environment = catalog.environment_of(&entry.body);
        if let (Some(name), None) = (&entry.body.metadata.environment, environment) {
            return Err(format!("there is no environment `{name}`"));
        }
        let (definition, definition_digest, reads) = self.definition_of(item);
        let mut unit = Unit {
            former: former_keys(
                &entry.body,
                part.and_then(|(bundle, index)| bundle.body.components.get(index)),
            ),
            key,
            path: entry.document.path.clone(),
            service: entry.body.clone(),
            item: item.body.clone(),
            environment: environment.map(|entry| entry.body.clone()),
            part: part.map(|(bundle, index)| (bundle.body.clone(), index)),
            definition,
            definition_digest,
            intent: definition_digest,
            source: definition_digest,
            requires: upstream::required_services(
                &entry.body,
                part.map(|(bundle, _)| &*bundle.body),
            ),
            depends_on: Vec::new(),
            reads,
        };
        unit.depends_on = sibling_dependencies(&unit);
        let inputs = unit.inputs(catalog, known)?;
        unit.intent = unit.intent_of(&inputs.fields, &inputs, &unit.service.state);
        unit.source = unit.source_of(&inputs);
        Ok(Arc::new(unit))
    }

    fn definition_of(&mut self, item: &Entry<Item>) -> DefinitionRow {
        let row = self.definitions.entry(item.document.blob.clone()).or_insert_with(|| {
            let definition = Definition::of(&item.body);
            let digest = definition.digest();
            let reads = definition.reads();
            (Arc::new(definition), digest, Arc::new(reads))
        });
        row.clone()
    }
}

impl Unit {
    /// Gathers what its templates see; upstream outputs that are not known yet are markers.
    pub fn inputs(&self, catalog: &Catalog, known: &KnownOutputs) -> Result<Inputs, String> {
        let bundle = self.part.as_ref().map(|(bundle, _)| &**bundle);
        let reads = UpstreamReads::of_service(&self.service, bundle);
        let reader = Reader { service: &self.key.service, team: &self.service.metadata.team };
        let upstream = upstream::gather(reader, &reads, (catalog, known), &public)?;
        let mut inputs = Inputs {
            service: self.service_value(),
            environment: self.environment_value(),
            ..Inputs::default()
        };
        if let Some((bundle, _)) = &self.part {
            let mut outer = self.defaults_of(&bundle.metadata.id);
            outer.extend(self.service.fields.to_map());
            let form = &bundle.presentation.form;
            let empty = form.fields().map(|field| (field.id.clone(), Value::Null));
            inputs.outer = empty.chain(form.with_defaults(&outer)).collect();
        }
        let scope = evaluate::scope_of_open(&inputs, &upstream);
        let mut explicit = Map::new();
        for (field, raw) in self.given() {
            let value = match self.is_evaluated(&raw) {
                true => {
                    evaluate_deep(&raw, &scope).map_err(|why| format!("field `{field}`: {why}"))?
                }
                false => raw.clone(),
            };
            if any_text(&value, &is_open) {
                inputs.open.insert(field.clone(), raw);
            }
            explicit.insert(field, value);
        }
        inputs.fields = self.item.presentation.form.with_defaults(&explicit);
        inputs.open.retain(|field, _| inputs.fields.contains_key(field));
        Ok(inputs)
    }

    /// Returns the environment's defaults for an item or a bundle.
    fn defaults_of(&self, id: &str) -> Map<String, Value> {
        let environment = self.environment.as_ref();
        environment.and_then(|e| e.defaults.get(id).cloned()).unwrap_or_default()
    }

    /// Returns what is given for its item's fields, templates unevaluated.
    fn given(&self) -> Map<String, Value> {
        let defaults = self.defaults_of(&self.item.metadata.id);
        let (mut given, stronger) = match &self.part {
            None => (defaults, self.service.fields.to_map()),
            Some((bundle, index)) => {
                let config = bundle.components.get(*index).map(|c| c.config.clone());
                (config.unwrap_or_default(), defaults)
            }
        };
        given.extend(stronger);
        given
    }

    /// A bundle's `config` is all templates; a service's field only where it is one lone reference to a service.
    fn is_evaluated(&self, value: &Value) -> bool {
        self.part.is_some()
            || value.as_str().is_some_and(|text| template::lone_reference(text).is_some())
    }

    /// Computes the digest of what is wanted, for fields as far as they are known.
    pub fn intent_of(&self, fields: &Map<String, Value>, inputs: &Inputs, state: &str) -> Digest {
        intent_digest(&self.item.metadata.id, fields, state, &reads_of(inputs, &self.reads))
    }

    /// What reads from others counts as it is written, so that an output that becomes known changes nothing.
    fn source_of(&self, inputs: &Inputs) -> Digest {
        let mut fields = inputs.fields.clone();
        for (field, raw) in self.given() {
            let reads = UpstreamReads::of([&raw]);
            if self.is_evaluated(&raw) && reads != UpstreamReads::default() {
                fields.insert(field, raw);
            }
        }
        let intent = self.intent_of(&fields, inputs, &self.service.state);
        Digest::of_digests([&intent, &self.definition_digest])
    }

    /// The name that the outside world knows it by where the item has no field for it.
    pub fn name(&self) -> String {
        let Some(component) = &self.key.component else { return self.key.service.clone() };
        let name = format!("{}-{component}", self.key.service);
        if name.len() <= 30 {
            return name;
        }
        let hash: String = Digest::of_bytes(name.as_bytes()).to_string().chars().take(6).collect();
        let head: String = name.chars().take(23).collect();
        format!("{}-{hash}", head.trim_end_matches('-'))
    }

    fn service_value(&self) -> Value {
        let metadata = &self.service.metadata;
        json!({
            "id": metadata.id,
            "name": self.name(),
            "team": metadata.team,
            "environment": metadata.environment.as_deref().unwrap_or_default(),
            "description": metadata.description.as_deref().unwrap_or_default(),
            "labels": metadata.labels,
        })
    }

    fn environment_value(&self) -> Value {
        let Some(environment) = &self.environment else { return json!({}) };
        let mut values = environment.variables.clone();
        let id = Value::String(environment.metadata.id.clone());
        values.entry("id").or_insert(id);
        Value::Object(values)
    }
}

/// Tells whether a field is resolved again when a step runs: it is not known yet, or must not be stored.
fn is_open(text: &str) -> bool {
    template::has_unknown(text) || template::has_sensitive(text)
}

/// Names that a unit had before: of its service, of its component, of both.
fn former_keys(service: &Service, component: Option<&Component>) -> Vec<UnitKey> {
    let ids = std::iter::once(&service.metadata.id).chain(&service.metadata.former_ids);
    match component {
        None => ids.skip(1).map(UnitKey::service).collect(),
        Some(component) => {
            let names: Vec<&String> =
                std::iter::once(&component.id).chain(&component.former_ids).collect();
            ids.flat_map(|id| names.iter().map(move |name| UnitKey::component(id, *name)))
                .skip(1)
                .collect()
        }
    }
}

/// Units of the same service that come before a component: named, referred to, or written before it.
fn sibling_dependencies(unit: &Unit) -> Vec<UnitKey> {
    let Some((bundle, index)) = &unit.part else { return Vec::new() };
    let Some(component) = bundle.components.get(*index) else { return Vec::new() };
    let mut names: BTreeSet<String> = component.depends_on.iter().cloned().collect();
    collect_references(&Value::Object(component.config.clone()), &mut |path| {
        if let [root, name, ..] = path
            && root == "components"
        {
            names.insert(name.clone());
        }
    });
    if bundle.fulfillment.orchestration.mode == OrchestrationMode::Sequential {
        names.extend(
            bundle.components.iter().take(*index).next_back().map(|before| before.id.clone()),
        );
    }
    names.iter().map(|name| UnitKey::component(&unit.key.service, name)).collect()
}
