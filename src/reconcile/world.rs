//! A world for tests of this room: a catalog of typed documents, and what carrying out a plan would leave behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::actual::{
    Actual, Applied, Observation, Observed, StepRecord, UnitRecord, UnitRow, UnitRows,
};
use super::change::{Change, ChangeKind, Effect, NeedKind, PlannedStep, UnitChange, When};
use super::desired::{Blocked, Desired, DesiredBuilder, Unit};
use super::facts::Facts;
use super::plan::Plan;
use super::planner::plan;
use super::steps::{output_names, step_digest};
use super::suspects::{renames, suspects};
use super::upstream::KnownOutputs;
use super::world_catalog::{bundle, database, desk, document, item, merge};
use crate::catalog::Catalog;
use crate::id::{RunId, Uid, UnitKey};
use crate::template::{self, Scope};

/// A catalog, and what is.
#[derive(Clone)]
pub(super) struct World {
    pub(super) documents: BTreeMap<String, Value>,
    pub(super) records: BTreeMap<UnitKey, UnitRecord>,
    pub(super) outputs: KnownOutputs,
    pub(super) facts: Facts,
    pub(super) misfits: BTreeMap<String, Blocked>,
    pub(super) absent_is_unknown: Option<String>,
    pub(super) now: Timestamp,
    made: usize,
}

impl World {
    /// Makes a world with two items, a bundle of both, two environments and no service.
    pub(super) fn new() -> Self {
        let mut world = Self {
            documents: BTreeMap::new(),
            records: BTreeMap::new(),
            outputs: BTreeMap::new(),
            facts: Facts { catalog: "platform".to_owned(), ..Facts::default() },
            misfits: BTreeMap::new(),
            absent_is_unknown: None,
            now: "2026-11-20T10:00:00Z".parse().unwrap(),
            made: 0,
        };
        world.facts.revision.descends = true;
        world
            .put("trueline.yaml", json!({"guard": {"firstContact": "apply", "maxDeletions": 100}}));
        for id in ["production", "staging"] {
            let variables = json!({"region": format!("{id}-1"), "unread": id});
            let metadata = json!({"id": id, "name": id});
            world.put(
                &format!("environments/{id}.yaml"),
                json!({"metadata": metadata, "variables": variables}),
            );
        }
        world.put("catalog/x/database.yaml", item("database", &database()));
        world.put("catalog/x/desk.yaml", item("desk", &desk()));
        world.put("bundles/shop.yaml", bundle());
        world
    }

    pub(super) fn put(&mut self, path: &str, document: Value) -> &mut Self {
        self.documents.insert(path.to_owned(), document);
        self
    }

    /// Puts a service of an item, with what `more` says besides.
    pub(super) fn service(&mut self, id: &str, item: &str, more: Value) -> &mut Self {
        let mut service = json!({"metadata": {"id": id, "team": "payments", "environment": "production"},
                                 "catalogItem": item});
        merge(&mut service, more);
        self.put(&path_of(id), service)
    }

    pub(super) fn remove(&mut self, id: &str) -> &mut Self {
        self.documents.remove(&path_of(id));
        self
    }

    /// Changes the value at a JSON pointer of a document; the last part of the pointer may be new.
    pub(super) fn set(&mut self, path: &str, pointer: &str, value: Value) -> &mut Self {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let place = self.documents.get_mut(path).unwrap().pointer_mut(parent).unwrap();
        match place {
            Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
            place => place[key] = value,
        }
        self
    }

    /// Changes a field of a service.
    pub(super) fn field(&mut self, id: &str, name: &str, value: Value) -> &mut Self {
        self.documents.get_mut(&path_of(id)).unwrap()["fields"][name] = value;
        self
    }

    /// Takes the documents of another world.
    pub(super) fn wants(&mut self, other: &World) -> &mut Self {
        self.documents.clone_from(&other.documents);
        self
    }

    pub(super) fn catalog(&self) -> Catalog {
        Catalog::of("c0ffee", self.documents.iter().map(|(path, body)| document(path, body)))
    }

    pub(super) fn desired_by(&self, builder: &mut DesiredBuilder, catalog: &Catalog) -> Desired {
        let mut desired = builder.build(
            &Arc::new(catalog.clone()),
            &self.misfits,
            Arc::new(self.outputs.clone()),
        );
        desired.absent_is_unknown.clone_from(&self.absent_is_unknown);
        desired
    }

    pub(super) fn rows(&self) -> UnitRows {
        self.records.iter().map(|(key, record)| (key.clone(), record.row.clone())).collect()
    }

    /// Renames what has a new name, and plans with the records of suspects alone.
    pub(super) fn plan(&mut self) -> Plan {
        self.plan_by(&mut DesiredBuilder::default())
    }

    pub(super) fn plan_by(&mut self, builder: &mut DesiredBuilder) -> Plan {
        let catalog = self.catalog();
        let desired = self.desired_by(builder, &catalog);
        for (old, new) in renames(&desired, &self.rows()) {
            let mut record = self.records.remove(&old).unwrap();
            record.row.key = new.clone();
            self.records.insert(new.clone(), record);
            if let Some(outputs) = self.outputs.remove(&old) {
                self.outputs.insert(new, outputs);
            }
        }
        let desired = self.desired_by(builder, &catalog);
        let rows = self.rows();
        let suspects = suspects(&desired, &rows, self.now);
        let known = |(key, record): (&UnitKey, &UnitRecord)| {
            suspects.contains(key).then(|| (key.clone(), record.clone()))
        };
        let records = self.records.iter().filter_map(known).collect();
        plan(&catalog, &desired, &Actual { rows, records }, (&self.facts, self.now))
    }

    /// Plans and carries everything out; fails where a change waits for something.
    pub(super) fn converge(&mut self) -> Plan {
        let plan = self.plan();
        assert_eq!(plan.blocked, BTreeMap::new());
        self.apply(&plan);
        plan
    }

    /// Leaves behind what carrying out a plan would, whatever its changes wait for.
    pub(super) fn apply(&mut self, plan: &Plan) {
        let mut open: Vec<&Change> = plan.changes.iter().collect();
        while !open.is_empty() {
            let names: BTreeSet<&String> = open.iter().map(|change| &change.service).collect();
            let free = |change: &&Change| !change.after.iter().any(|before| names.contains(before));
            let next = open.iter().position(free).expect("no cycle");
            let change = open.remove(next);
            change.units.iter().for_each(|unit| self.carry_out(change, unit));
        }
        for key in &plan.retained {
            self.records.get_mut(key).unwrap().row.retained = true;
        }
        self.facts.services_before = self.catalog().services.len();
    }

    fn carry_out(&mut self, change: &Change, planned: &UnitChange) {
        let key = &planned.unit;
        if planned.kind == ChangeKind::Delete {
            self.records.remove(key);
            self.outputs.remove(key);
            return;
        }
        if matches!(planned.kind, ChangeKind::Create | ChangeKind::Replace) {
            self.made += 1;
        }
        let catalog = self.catalog();
        let desired = self.desired_by(&mut DesiredBuilder::default(), &catalog);
        let unit = &desired.units[key];
        let mut steps = self.records.get(key).map(|known| known.steps.clone()).unwrap_or_default();
        for step in &planned.steps {
            self.step(planned, step, &mut steps);
        }
        let applied = self.applied(&catalog, unit, (change, planned), &steps);
        self.outputs.insert(key.clone(), applied.outputs.clone());
        let before = self.records.get(key);
        let record = UnitRecord {
            row: UnitRow {
                key: key.clone(),
                uid: before
                    .map_or_else(|| Uid(format!("u{}", self.made)), |old| old.row.uid.clone()),
                applied: Some((applied.intent, applied.definition_digest)),
                drifted: false,
                held: false,
                retained: false,
            },
            generation: 1,
            effect: before.map_or(1, |old| old.effect + 1),
            basis: Some(planned.definition.clone()),
            applied: Some(applied),
            steps,
            observed: BTreeMap::new(),
            corrections: before
                .map_or_else(Default::default, |old| old.corrections.after(planned, false)),
            fired: before.map(|old| old.fired.clone()).unwrap_or_default(),
        };
        self.records.insert(key.clone(), record);
    }

    fn step(&self, unit: &UnitChange, step: &PlannedStep, done: &mut BTreeMap<String, StepRecord>) {
        let id = &step.action.id;
        if matches!(step.effect, Effect::Undo | Effect::UndoByHand) {
            done.remove(id);
            return;
        }
        let old = step.action.former_ids.iter().find(|old| done.contains_key(*old)).cloned();
        if let Some(record) = old.and_then(|old| done.remove(&old)) {
            done.insert(id.clone(), record);
        }
        if step.effect == Effect::Keep || step.when == When::No || unit.kind == ChangeKind::Operate
        {
            return;
        }
        let sent = resolved(&step.config, &|path| self.answer(unit, done, path));
        // What an action answers stays the same until its unit is made anew.
        let fresh = |name: String| {
            let answer = format!("{name}-{}-{}", unit.unit.service, self.made);
            (name, json!(answer))
        };
        let outputs = match done.get(id) {
            Some(before) => before.outputs.clone(),
            None => output_names(&step.action).into_iter().map(fresh).collect(),
        };
        let record = StepRecord {
            action: step.action.kind.clone(),
            digest: step_digest(&step.action.kind, &sent),
            sent,
            result: Value::Null,
            outputs,
            run: RunId("r".to_owned()),
            at: self.now,
        };
        done.insert(id.clone(), record);
    }

    /// What stands for a marker once everything before is done.
    fn answer(&self, unit: &UnitChange, done: &BTreeMap<String, StepRecord>, path: &str) -> Value {
        let parts: Vec<&str> = path.split('.').collect();
        let found = match parts.as_slice() {
            ["outputs", action, name] => done.get(*action).and_then(|step| step.outputs.get(*name)),
            ["components", id, "outputs", name] => {
                // Of its own service, or of a bundle's service whose output is made of it.
                let services = std::iter::once(&unit.unit.service).chain(&unit.requires);
                let mut keys = services.map(|service| UnitKey::component(service, *id));
                keys.find_map(|key| self.outputs.get(&key)?.get(*name))
            }
            ["services", id, "outputs", name] => {
                self.outputs.get(&UnitKey::service(*id)).and_then(|outputs| outputs.get(*name))
            }
            _ => None,
        };
        found
            .cloned()
            .unwrap_or_else(|| panic!("`{path}` is not known when {} needs it", unit.unit))
    }

    fn applied(
        &self,
        catalog: &Catalog,
        unit: &Unit,
        (change, planned): (&Change, &UnitChange),
        steps: &BTreeMap<String, StepRecord>,
    ) -> Applied {
        let inputs = unit.inputs(catalog, &self.outputs).unwrap();
        let by_action = |(id, step): (&String, &StepRecord)| (id.clone(), json!(step.outputs));
        let mut scope = Scope::new();
        scope.set("outputs", Value::Object(steps.iter().map(by_action).collect()));
        let value = |(name, output): (&String, &crate::catalog::Output)| {
            (name.clone(), template::evaluate(&output.value, &scope).unwrap())
        };
        let lasting = |need: &&super::change::Need| need.kind == NeedKind::Rule;
        Applied {
            intent: unit.intent_of(&inputs.fields, &inputs, &planned.state),
            definition_digest: planned.definition_digest,
            definition: planned.definition.clone(),
            fields: inputs.fields.clone(),
            inputs,
            outputs: planned.definition.outputs.iter().map(value).collect::<Map<_, _>>(),
            state: planned.state.clone(),
            depends_on: planned.requires.clone(),
            siblings: planned.depends_on.clone(),
            deletion: planned.deletion,
            needs: change.needs.iter().filter(lasting).cloned().collect(),
            commit: "c0ffee".to_owned(),
            run: RunId("r".to_owned()),
            at: self.now,
        }
    }

    /// Records that what a step left behind was seen to differ.
    pub(super) fn drift(&mut self, unit: &str, step: &str) {
        let record = self.records.get_mut(&UnitKey::service(unit)).unwrap();
        record.row.drifted = true;
        let seen = Observed { at: self.now, observation: Observation::Absent };
        record.observed.insert(step.to_owned(), seen);
    }
}

/// Puts the answers in the place of markers; a text that is one marker takes the answer as it is.
fn resolved(value: &Value, answer: &dyn Fn(&str) -> Value) -> Value {
    match value {
        Value::String(text) => match text
            .split_once("\u{E000}?")
            .map(|(head, rest)| (head, rest.split_once('\u{E001}').unwrap()))
        {
            None => value.clone(),
            Some(("", (path, ""))) => answer(path),
            Some((head, (path, tail))) => {
                let middle = answer(path);
                let text = format!("{head}{}{tail}", middle.as_str().unwrap());
                resolved(&Value::String(text), answer)
            }
        },
        Value::Array(items) => items.iter().map(|item| resolved(item, answer)).collect(),
        Value::Object(map) => Value::Object(
            map.iter().map(|(key, item)| (key.clone(), resolved(item, answer))).collect(),
        ),
        other => other.clone(),
    }
}

pub(super) fn path_of(service: &str) -> String {
    format!("services/payments/{service}.yaml")
}
