//! Renders a step: in public as it is recorded and compared, in private as it is sent. Secrets live only here.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Map, Value, json};

use super::control::{failure_of, looked_for};
use super::engine::{Doing, Engine, EngineError};
use super::finish::sealed_of;
use super::refuse::refuse;
use super::system::system;
use crate::action::{Call, Owner};
use crate::catalog::Catalog;
use crate::digest::Digest;
use crate::id::{StepPath, UnitKey};
use crate::kinds;
use crate::reconcile::{
    ChangeKind, Inputs, KnownOutputs, PlannedStep, Reader, StepRecord, StepSource, UnitChange,
    UnitRecord, Upstream, UpstreamReads, decide, gather, public, render_public, resolve, scope_of,
    secret_name, secret_names,
};
use crate::run::{Fault, Run, teams_of, timeout_of};
use crate::secret::Secret;
use crate::template::{self, Target};

/// What a step is rendered from: its unit and what is known of it by now.
pub(super) struct Bench<'a> {
    /// What the driver works with.
    pub(super) engine: &'a Engine,
    /// The catalog in force.
    pub(super) catalog: &'a Catalog,
    /// The run.
    pub(super) run: &'a Run,
    /// The unit.
    pub(super) unit: &'a UnitChange,
    /// What is recorded of it.
    pub(super) record: &'a UnitRecord,
    /// Outputs of the units that it reads.
    pub(super) known: KnownOutputs,
    /// What steps left behind in the units that it comes after, of the types that it has itself.
    pub(super) before: Vec<StepRecord>,
    /// Secrets that were found for it, so that none is asked for twice; they go when it goes.
    found: Mutex<BTreeMap<(String, String), Secret>>,
}

/// A step as it is sent.
pub(super) struct Rendered {
    /// What the action is told.
    pub(super) call: Call,
    /// Digest of the same in public.
    pub(super) sent: Digest,
}

impl<'a> Bench<'a> {
    /// Reads what a unit needs to be rendered.
    pub(super) async fn of(
        engine: &'a Engine,
        catalog: &'a Catalog,
        (run, unit, record): (&'a Run, &'a UnitChange, &'a UnitRecord),
    ) -> Result<Self, EngineError> {
        let reads = UpstreamReads::of(unit.inputs.open.values());
        let keys: Vec<UnitKey> = reads.units(&unit.unit.service, catalog).into_iter().collect();
        let records = engine.store.units(&keys).await.doing("reading outputs")?;
        let known =
            records.into_iter().filter_map(|r| Some((r.row.key, r.applied?.outputs))).collect();
        let before = steps_before(engine, unit).await?;
        Ok(Self { engine, catalog, run, unit, record, known, before, found: Mutex::default() })
    }

    /// Returns its fields in public: sensitive values as markers.
    pub(super) fn public_fields(&self) -> Result<Map<String, Value>, String> {
        resolve(&self.unit.inputs, &self.upstream(&public)?)
    }

    fn upstream(&self, reveal: &dyn Fn(&Value, &str) -> Value) -> Result<Upstream, String> {
        let team = self.text_of_service("team");
        let reader = Reader { service: &self.unit.unit.service, team: &team };
        let reads = UpstreamReads::of(self.unit.inputs.open.values());
        gather(reader, &reads, (self.catalog, &self.known), reveal)
    }

    fn text_of_service(&self, name: &str) -> String {
        let value = self.unit.inputs.service.get(name).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    }

    /// Returns what other steps of the unit answered, by action; sealed where sensitive.
    pub(super) fn outputs(&self) -> BTreeMap<String, Map<String, Value>> {
        let steps = self.unit.steps.iter();
        let known = |step: &PlannedStep| {
            let progress = self.run.steps.get(&step.path)?;
            (!progress.outputs.is_empty())
                .then(|| (step.action.id.clone(), progress.outputs.clone()))
        };
        let mut outputs: BTreeMap<String, Map<String, Value>> =
            self.record.steps.iter().map(|(id, step)| (id.clone(), step.outputs.clone())).collect();
        if self.unit.kind == ChangeKind::Replace {
            outputs.clear();
        }
        outputs.extend(steps.filter_map(known));
        outputs
    }

    /// Renders a step in public; `own` are its own outputs, once it has answered: then it is recorded as this run sent
    /// it, for a later one could not tell what `system` was.
    pub(super) fn public(
        &self,
        step: &PlannedStep,
        own: Option<&Map<String, Value>>,
    ) -> Result<Value, String> {
        let inputs = Inputs { fields: self.public_fields()?, ..self.unit.inputs.without_fields() };
        let source = StepSource {
            unit: &self.unit.unit,
            definition: &self.unit.definition,
            inputs: &inputs,
            record: Some(self.record),
        };
        let mut outputs = self.outputs();
        outputs.remove(&step.action.id);
        if let Some(own) = own {
            outputs.insert(step.action.id.clone(), own.clone());
        }
        let mut fixed = if own.is_some() { self.fixed(step) } else { Map::new() };
        fixed.extend([failure_of(step)]);
        render_public(&source, &step.action, operation_of(self.unit, step), &outputs, &fixed)
    }

    /// Decides a condition that could not be decided when the change was planned.
    pub(super) async fn is_wanted(&self, step: &PlannedStep) -> Result<bool, Fault> {
        let Some(condition) = &step.action.when else { return Ok(true) };
        let (scope, _) = self.private_scope(step).await?;
        let text = template::render(condition, Target::Text, &scope).map_err(terminal)?;
        match decide(&text) {
            Some(when) => Ok(when == crate::reconcile::When::Yes),
            None => Err(Fault::terminal("`when` gives neither `true` nor `false`")),
        }
    }

    /// Renders a step as it is sent.
    pub(super) async fn render(&self, step: &PlannedStep) -> Result<Rendered, Fault> {
        let kind = kinds::find(&step.action.kind).ok_or_else(|| {
            Fault::terminal(format!("there is no action type `{}`", step.action.kind))
        })?;
        let public = self.public(step, None).map_err(Fault::terminal)?;
        let (scope, mut secrets) = self.private_scope(step).await?;
        let mut config =
            kinds::render_config(kind, &step.action.config.value(), &scope).map_err(terminal)?;
        for pointer in kind.secrets {
            let Some(Value::String(text)) = config.pointer_mut(pointer) else { continue };
            let secret = self.secret(self.unit.definition.owner(), text).await?;
            secret.reveal().clone_into(text);
            secrets.push(secret);
        }
        refuse(self.unit, kind, (&public, &config), &secrets)?;
        let sent = crate::reconcile::step_digest(&step.action.kind, &public);
        Ok(Rendered { call: self.call(step, config, secrets), sent })
    }

    /// Renders what undoes a step: what was last sent, secrets filled in.
    pub(super) async fn render_undo(&self, step: &PlannedStep) -> Result<Rendered, Fault> {
        let (config, secrets) =
            fill(self.engine, self.record, (&step.action.kind, &step.config)).await?;
        let sent = crate::reconcile::step_digest(&step.action.kind, &step.config);
        Ok(Rendered { call: self.call(step, config, secrets), sent })
    }

    fn before_of(&self, kind: &str) -> Vec<StepRecord> {
        self.before.iter().filter(|record| record.action == kind).cloned().collect()
    }

    async fn secret(&self, team: &str, name: &str) -> Result<Secret, Fault> {
        let key = (team.to_owned(), name.to_owned());
        if let Some(secret) = self.found.lock().ok().and_then(|found| found.get(&key).cloned()) {
            return Ok(secret);
        }
        let secret = self.engine.ports.secrets.find(Owner::Team(team), name).await?;
        if let Ok(mut found) = self.found.lock() {
            found.insert(key, secret.clone());
        }
        Ok(secret)
    }

    /// Returns what the effects of a step are found by, and the key under which it is asked for.
    fn marker_and_key(&self, step: &PlannedStep) -> (String, String) {
        let marker = marker_of(&self.engine.catalog, self.record, &looked_for(step));
        let key = format!("{marker}-{}", self.run.effect);
        (marker, key)
    }

    /// Returns the key under which a step is asked for.
    pub(super) fn key_of(&self, step: &PlannedStep) -> String {
        self.marker_and_key(step).1
    }

    fn call(&self, step: &PlannedStep, config: Value, mut secrets: Vec<Secret>) -> Call {
        secrets.extend(sealed_of(self.record, &self.engine.sealer));
        let (marker, key) = self.marker_and_key(step);
        Call {
            key,
            marker,
            attempt: 1,
            title: format!("{} {}", self.unit.unit, step.action.id),
            service: self.unit.unit.service.clone(),
            config,
            outputs: step.action.outputs.clone(),
            previous: crate::reconcile::record_of(Some(self.record), &step.action).cloned(),
            secrets,
            correlation: self.run.id.to_string(),
            timeout: timeout_of(&step.action),
            before: self.before_of(&step.action.kind),
            arrived: None,
            forecast: step.forecast.as_ref().map(|forecast| forecast.reference.clone()),
        }
    }

    /// What the templates of a step see when it runs, and the secrets among it.
    async fn private_scope(
        &self,
        step: &PlannedStep,
    ) -> Result<(template::Scope, Vec<Secret>), Fault> {
        let keep = Mutex::new(Vec::new());
        let open = |value: &Value| open_sealed(self.engine, value, &keep);
        let upstream = self.upstream(&|value, _| open(value)).map_err(Fault::terminal)?;
        let mut fields = resolve(&self.unit.inputs, &upstream).map_err(Fault::terminal)?;
        let mut secrets = Vec::new();
        let team = self.text_of_service("team");
        for value in fields.values_mut() {
            if let Some(name) = secret_name(value) {
                let secret = self.secret(&team, name).await?;
                *value = Value::String(secret.reveal().to_owned());
                secrets.push(secret);
            }
        }
        let mut scope = scope_of(&self.unit.inputs, &fields, &self.unit.definition);
        let mut named = Map::new();
        let owner = self.unit.definition.owner();
        for name in secret_names(&step.action.config.value()) {
            let secret = self.secret(owner, &name).await?;
            named.insert(name, Value::String(secret.reveal().to_owned()));
            secrets.push(secret);
        }
        scope.set("secrets", Value::Object(named));
        scope.set("outputs", self.private_outputs(step, &open));
        for (root, value) in self.fixed(step).into_iter().chain([failure_of(step)]) {
            scope.set(&root, value);
        }
        secrets.extend(keep.into_inner().unwrap_or_default());
        Ok((scope, secrets))
    }

    /// Outputs of other steps opened; of the step itself, and of steps that were skipped, unknown.
    fn private_outputs(&self, step: &PlannedStep, open: &dyn Fn(&Value) -> Value) -> Value {
        let known = self.outputs();
        // Hooks see what was answered in earlier runs, too.
        let opened = |values: &Map<String, Value>| -> Map<String, Value> {
            values.iter().map(|(name, value)| (name.clone(), open(value))).collect()
        };
        let before = known.iter().filter(|(id, _)| **id != step.action.id);
        let mut outputs: Map<String, Value> =
            before.map(|(id, values)| (id.clone(), Value::Object(opened(values)))).collect();
        for other in &self.unit.steps {
            let id = &other.action.id;
            let answers = if *id == step.action.id { None } else { known.get(id) };
            let values: Map<String, Value> = crate::reconcile::output_names(&other.action)
                .into_iter()
                .map(|name| {
                    let path = format!("outputs.{id}.{name}");
                    let value = answers.and_then(|answers| answers.get(&name));
                    (name, value.map_or_else(|| Value::String(template::unknown(&path)), open))
                })
                .collect();
            outputs.insert(id.clone(), Value::Object(values));
        }
        Value::Object(outputs)
    }

    /// What the run fixed of `request` and `system`.
    fn fixed(&self, step: &PlannedStep) -> Map<String, Value> {
        let roots = [("request", self.request(step)), ("system", system(self.run))];
        roots.map(|(root, value)| (root.to_owned(), value)).into_iter().collect()
    }

    fn request(&self, step: &PlannedStep) -> Value {
        let author = self.run.change.author.clone().unwrap_or_default();
        let (name, email) = author.split_once(" <").unwrap_or((author.as_str(), ""));
        let teams = teams_of(&author, &self.catalog.settings);
        json!({
            "id": self.run.id,
            "correlationId": self.run.id,
            "operation": operation_of(self.unit, step),
            "commit": self.run.commit,
            "user": {"name": name, "email": email.trim_end_matches('>'), "teams": teams},
        })
    }
}

/// Reads what steps left behind in the units that one comes after, where it has steps that are tied to those.
async fn steps_before(engine: &Engine, unit: &UnitChange) -> Result<Vec<StepRecord>, EngineError> {
    let tied = |step: &PlannedStep| kinds::find(&step.action.kind).is_some_and(|kind| kind.is_tied);
    if !unit.steps.iter().any(tied) {
        return Ok(Vec::new());
    }
    let services = unit.requires.iter().map(UnitKey::service);
    let keys: Vec<UnitKey> = unit.depends_on.iter().cloned().chain(services).collect();
    let records = engine.store.units(&keys).await.doing("reading what comes before")?;
    Ok(records.into_iter().flat_map(|record| record.steps.into_values()).collect())
}

/// What a unit's effects are found by, whichever run made them.
pub(super) fn marker_of(catalog: &str, record: &UnitRecord, path: &StepPath) -> String {
    format!("trueline-{catalog}-{}-{}", record.row.uid, path.to_string().replace(['/', '~'], "."))
}

/// Names what a step is part of: `create`, `update`, `delete`, or the operation.
pub(super) fn operation_of<'a>(unit: &UnitChange, step: &'a PlannedStep) -> &'a str {
    match unit.kind {
        ChangeKind::Create | ChangeKind::Replace | ChangeKind::Adopt => "create",
        ChangeKind::Update | ChangeKind::Correct => "update",
        ChangeKind::Delete => "delete",
        ChangeKind::Operate => step.action.id.split_once('~').map_or("operate", |(name, _)| name),
    }
}

fn open_sealed(engine: &Engine, value: &Value, keep: &Mutex<Vec<Secret>>) -> Value {
    if crate::secret::sealed_hash(value).is_none() {
        return value.clone();
    }
    let opened = engine.sealer.open(value).unwrap_or(Value::Null);
    if let Some(text) = opened.as_str()
        && let Ok(mut keep) = keep.lock()
    {
        keep.push(Secret::new(text));
    }
    opened
}

/// Fills the markers of what was last sent: secrets from their source, sealed outputs from where they stand.
pub(super) async fn fill(
    engine: &Engine,
    record: &UnitRecord,
    (kind, sent): (&str, &Value),
) -> Result<(Value, Vec<Secret>), Fault> {
    let kind = kinds::find(kind)
        .ok_or_else(|| Fault::terminal(format!("there is no action type `{kind}`")))?;
    let mut values: BTreeMap<String, String> = BTreeMap::new();
    let mut secrets = Vec::new();
    for path in kinds::markers_in(sent) {
        let plain = path.split('#').next().unwrap_or_default();
        if let Some((team, name)) =
            plain.strip_prefix("secrets.").and_then(|rest| rest.split_once('/'))
        {
            let secret = engine.ports.secrets.find(Owner::Team(team), name).await?;
            values.insert(path.clone(), secret.reveal().to_owned());
            secrets.push(secret);
        } else if let Some(value) = recorded(engine, record, plain).await? {
            secrets.push(Secret::new(value.clone()));
            values.insert(path.clone(), value);
        }
    }
    let config =
        kinds::fill_markers(kind, sent, &|path| values.get(path).cloned()).map_err(terminal)?;
    Ok((config, secrets))
}

/// Opens the recorded output that a marker names.
async fn recorded(
    engine: &Engine,
    record: &UnitRecord,
    path: &str,
) -> Result<Option<String>, Fault> {
    let parts: Vec<&str> = path.split('.').collect();
    let value = match parts.as_slice() {
        ["outputs", step, name] => {
            record.steps.get(*step).and_then(|step| step.outputs.get(*name)).cloned()
        }
        [root @ ("services" | "components"), id, "outputs", name] => {
            let key = match *root {
                "services" => UnitKey::service(*id),
                _ => UnitKey::component(&record.row.key.service, *id),
            };
            let records = engine
                .store
                .units(&[key])
                .await
                .map_err(|error| Fault::transient(format!("reading outputs: {error}")))?;
            records.first().and_then(|r| r.applied.as_ref()?.outputs.get(*name)).cloned()
        }
        _ => None,
    };
    let opened = value.map(|value| open_sealed(engine, &value, &Mutex::default()));
    Ok(opened.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
}

fn terminal(error: impl std::fmt::Display) -> Fault {
    Fault::terminal(error.to_string())
}
