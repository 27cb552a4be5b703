//! Makes the plan: the one function that serves review and convergence. It has no IO and makes all choices.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::actual::{Actual, Observation};
use super::adopt::taken_over;
use super::change::{Change, ChangeKind, UnitChange};
use super::desired::{Desired, Unit};
use super::diff::{self, Against, Difference};
use super::facts::Facts;
use super::order::{error_handling, order_units};
use super::plan::{Drift, Pending, Plan, Verdict};
use super::suspects::{reads, suspects};
use super::upstream::KnownOutputs;
use super::{claims, flapping, forecast, guard, landed, needs, operate, orphans, people, window};
use crate::catalog::{Catalog, DeletionPolicy, DriftMode};
use crate::digest::Digest;
use crate::id::UnitKey;

/// Makes the plan of a catalog.
pub fn plan(
    catalog: &Catalog,
    desired: &Desired,
    actual: &Actual,
    (facts, now): (&Facts, Timestamp),
) -> Plan {
    let mut plan = Plan {
        catalog: facts.catalog.clone(),
        commit: desired.commit.clone(),
        digest: Digest::of_bytes(b""),
        changes: Vec::new(),
        pending: BTreeMap::new(),
        blocked: desired.blocked.clone(),
        outdated: BTreeMap::new(),
        drifted: Vec::new(),
        unknown: BTreeMap::new(),
        running: facts.running.clone(),
        suspended: Vec::new(),
        expired: BTreeMap::new(),
        retained: Vec::new(),
        absent: BTreeSet::new(),
        verdict: Verdict::default(),
    };
    let known = desired.known.clone();
    let mut planner = Planner { catalog, desired, actual, facts, now, known, plan: &mut plan };
    let mut changed = planner.differences();
    planner.plan.suspended.sort_unstable();
    planner.plan.suspended.dedup();
    planner.refuse_orphans(&mut changed);
    planner.refuse_taken(&mut changed);
    planner.assemble(changed);
    planner.judge();
    plan.digest = plan.compute_digest();
    if facts.approved_plans.contains(&plan.digest) {
        plan.pending.retain(|_, why| {
            why.retain(|why| *why != Pending::Guard);
            !why.is_empty()
        });
    }
    plan
}

struct Planner<'a> {
    catalog: &'a Catalog,
    desired: &'a Desired,
    actual: &'a Actual,
    facts: &'a Facts,
    now: Timestamp,
    /// Outputs that stay known: those of units that are made anew do not.
    known: Arc<KnownOutputs>,
    plan: &'a mut Plan,
}

impl Planner<'_> {
    /// Compares every unit in question, and sorts what needs something by its service.
    fn differences(&mut self) -> BTreeMap<String, Vec<UnitChange>> {
        let mut suspects = suspects(self.desired, &self.actual.rows, self.now);
        suspects.extend(
            self.facts.due.keys().filter(|key| self.desired.units.contains_key(*key)).cloned(),
        );
        suspects.retain(|key| !self.facts.running.contains_key(&key.service));
        let mut changes = BTreeMap::new();
        for key in &suspects {
            self.compare(key, &mut changes);
        }
        self.follow_replaced(&suspects, &mut changes);
        let mut by_service: BTreeMap<String, Vec<UnitChange>> = BTreeMap::new();
        for (key, change) in changes {
            if !self.plan.blocked.contains_key(&key.service) {
                by_service.entry(key.service).or_default().push(change);
            }
        }
        by_service
    }

    /// Compares one unit, and notes what it needs in the place of what was noted before.
    fn compare(&mut self, key: &UnitKey, changes: &mut BTreeMap<UnitKey, UnitChange>) {
        let difference = match self.desired.units.get(key) {
            Some(unit) => self.of_wanted(unit),
            None => self.of_absent(key),
        };
        changes.remove(key);
        match difference {
            Difference::Nothing => {}
            Difference::Change(change) => {
                changes.insert(key.clone(), *change);
            }
            Difference::Outdated(why) => {
                self.plan.outdated.insert(key.clone(), why);
            }
            Difference::Blocked(why) => {
                self.plan.blocked.entry(key.service.clone()).or_default().extend(why);
            }
        }
    }

    /// What reads from a unit that is made anew follows in the same plan, with outputs known after apply.
    fn follow_replaced(
        &mut self,
        suspects: &BTreeSet<UnitKey>,
        changes: &mut BTreeMap<UnitKey, UnitChange>,
    ) {
        let mut done: BTreeSet<UnitKey> = BTreeSet::new();
        loop {
            let replaced = changes.iter().filter(|(key, change)| {
                change.kind == ChangeKind::Replace
                    && !done.contains(*key)
                    && !self.plan.blocked.contains_key(&key.service)
            });
            let fresh: Vec<UnitKey> = replaced.map(|(key, _)| key.clone()).collect();
            if fresh.is_empty() {
                return;
            }
            let known = Arc::make_mut(&mut self.known);
            known.retain(|key, _| !fresh.contains(key));
            let units = suspects.iter().filter_map(|key| self.desired.units.get(key));
            for unit in units.filter(|unit| fresh.iter().any(|key| reads(unit, key))) {
                if !self.plan.blocked.contains_key(&unit.key.service) {
                    self.plan.drifted.retain(|drift| drift.unit != unit.key);
                    self.plan.outdated.remove(&unit.key);
                    self.compare(&unit.key, changes);
                }
            }
            done.extend(fresh);
        }
    }

    fn of_wanted(&mut self, unit: &Unit) -> Difference {
        let record = self.actual.records.get(&unit.key);
        let adopting = self.facts.adopting.contains(&unit.key.service);
        if unit.service.state == "suspended" && !adopting {
            self.plan.suspended.push(unit.key.service.clone());
            return Difference::Nothing;
        }
        if self.desired.is_expired(unit, self.now) {
            if self.desired.is_deleted_by_date(unit, self.now) {
                let stopped = self.facts.stalled.contains_key(&unit.key.service);
                let taken_away = |record| diff::unwanted(record, &unit.key, stopped);
                return record.map_or(Difference::Nothing, taken_away);
            }
            self.plan.expired.insert(unit.key.service.clone(), unit.path.to_string());
        }
        let inputs = match unit.inputs(self.catalog, &self.known) {
            Ok(inputs) => inputs,
            Err(why) => return Difference::Blocked(vec![why]),
        };
        let against = Against {
            record,
            settings: &self.catalog.settings,
            requested: self.facts.requested.contains(&unit.key.service),
        };
        if adopting {
            return taken_over(unit, inputs, &against);
        }
        let due = self.facts.due.get(&unit.key);
        let spare = due.map(|due| (due, inputs.clone()));
        let mut difference = diff::wanted(unit, inputs, &against);
        if let (Difference::Nothing | Difference::Outdated(_), Some((due, inputs))) =
            (&difference, spare)
        {
            let scheduled = operate::scheduled(unit, inputs, &against, due);
            if !matches!(scheduled, Difference::Nothing) {
                difference = scheduled;
            }
        }
        if !matches!(difference, Difference::Change(_)) {
            self.show_drift(unit);
        }
        difference
    }

    fn show_drift(&mut self, unit: &Unit) {
        let Some(record) = self.actual.records.get(&unit.key) else { return };
        if diff::drift_mode(unit, &self.catalog.settings) == DriftMode::Correct {
            return;
        }
        for (step, seen) in &record.observed {
            let (absent, changes) = match &seen.observation {
                Observation::Absent => (true, Vec::new()),
                Observation::Different { changes } => (false, changes.clone()),
                Observation::Same | Observation::Unknown { .. } => continue,
            };
            self.plan.drifted.push(Drift {
                unit: unit.key.clone(),
                step: step.clone(),
                absent,
                changes,
            });
        }
    }

    fn of_absent(&mut self, key: &UnitKey) -> Difference {
        if self.desired.blocked.contains_key(&key.service) {
            return Difference::Nothing;
        }
        let Some(record) = self.actual.records.get(key) else { return Difference::Nothing };
        self.plan.absent.insert(key.service.clone());
        if record.row.retained {
            return Difference::Nothing;
        }
        if let Some(why) = &self.desired.absent_is_unknown {
            self.plan.unknown.insert(key.clone(), why.clone());
            return Difference::Nothing;
        }
        if record.applied.as_ref().is_some_and(|applied| applied.deletion == DeletionPolicy::Retain)
        {
            self.plan.retained.push(key.clone());
            return Difference::Nothing;
        }
        diff::unwanted(record, key, self.facts.stalled.contains_key(&key.service))
    }

    /// What another unit has already is not claimed a second time.
    fn refuse_taken(&mut self, changed: &mut BTreeMap<String, Vec<UnitChange>>) {
        for (service, why) in claims::taken(changed, &self.actual.records, &self.facts.claimed) {
            self.plan.blocked.insert(service.clone(), why);
            changed.remove(&service);
        }
    }

    /// A deletion is refused while a unit that stays depends on it.
    fn refuse_orphans(&mut self, changed: &mut BTreeMap<String, Vec<UnitChange>>) {
        for (service, why) in orphans::refused(changed, self.desired, self.actual) {
            changed.remove(&service);
            self.plan.blocked.insert(service, vec![why]);
        }
    }

    /// Makes one change of the units of each service, with its needs and what comes before it.
    fn assemble(&mut self, changed: BTreeMap<String, Vec<UnitChange>>) {
        let settings = self.catalog.settings.clone();
        let deleting: BTreeMap<String, Vec<String>> = changed
            .iter()
            .filter(|(_, units)| units.iter().all(|unit| unit.kind == ChangeKind::Delete))
            .map(|(service, units)| {
                (service.clone(), units.iter().flat_map(|u| u.requires.clone()).collect())
            })
            .collect();
        let names: BTreeSet<String> = changed.keys().cloned().collect();
        for (service, mut units) in changed {
            order_units(&mut units, deleting.contains_key(&service));
            let after: BTreeSet<String> = if deleting.contains_key(&service) {
                // What depends on it goes first.
                let depends = |(_, requires): &(&String, &Vec<String>)| requires.contains(&service);
                deleting.iter().filter(depends).map(|(other, _)| other.clone()).collect()
            } else {
                units
                    .iter()
                    .flat_map(|unit| unit.requires.clone())
                    .filter(|id| names.contains(id))
                    .collect()
            };
            let mut change = self.change_of(service, units);
            change.after = after.into_iter().collect();
            change.needs.extend(change.units.iter().filter_map(needs::of_deletion));
            change.needs.extend(needs::of_first_contact(&change, &settings, self.facts));
            forecast::join(&mut change, &self.facts.forecasts);
            change.digest = change.compute_digest();
            people::sign(&mut change, self.catalog, self.facts);
            self.plan.changes.push(change);
        }
        let many = needs::of_many_updates(&self.plan.changes, &settings);
        for change in &mut self.plan.changes {
            let items: BTreeSet<&String> =
                change.units.iter().map(|unit| &unit.definition.item).collect();
            change.needs.extend(items.into_iter().filter_map(|item| many.get(item)).cloned());
        }
    }

    fn change_of(&self, service: String, units: Vec<UnitChange>) -> Change {
        let wanted = units.iter().find_map(|unit| self.desired.units.get(&unit.unit));
        let text = |name: &str| {
            let value = units.iter().find_map(|unit| unit.inputs.service.get(name)?.as_str());
            value.unwrap_or_default().to_owned()
        };
        let environment = Some(text("environment")).filter(|id| !id.is_empty());
        let mut rules = BTreeSet::new();
        for unit in &units {
            if let Some(unit) = self.desired.units.get(&unit.unit) {
                rules.extend(needs::of_rules(unit, &self.catalog.settings));
            } else {
                let record = self.actual.records.get(&unit.unit);
                let applied = record.and_then(|record| record.applied.as_ref());
                rules.extend(applied.map(|applied| applied.needs.clone()).unwrap_or_default());
            }
        }
        Change {
            digest: Digest::of_bytes(b""),
            team: text("team"),
            environment,
            path: wanted.map(|unit| unit.path.to_string()).unwrap_or_default(),
            priority: wanted.map(|unit| unit.service.priority).unwrap_or_default(),
            service,
            units,
            needs: rules.into_iter().collect(),
            after: Vec::new(),
            author: None,
            coauthors: Vec::new(),
            offer: wanted.map(|unit| unit.service.offer().to_owned()),
            error_handling: wanted
                .map(|unit| error_handling(self.catalog, unit))
                .unwrap_or_default(),
        }
    }

    /// Lets the guard judge the whole, and says of each change why it does not start yet.
    fn judge(&mut self) {
        let settings = &self.catalog.settings;
        self.plan.verdict =
            guard::judge(&self.plan.changes, self.desired, self.actual, (settings, self.facts));
        for change in &self.plan.changes {
            let mut why = needs::missing(change, self.facts, settings);
            why.extend(forecast::missing(change, self.facts));
            let held = self.facts.held.get(&change.service);
            why.extend(held.map(|why| Pending::Held { why: why.clone() }));
            why.extend(flapping::pending(change, self.actual, self.facts));
            why.extend(landed::pending(change, self.catalog, self.facts));
            why.extend(self.stalled(change));
            why.extend(self.closed_window(change));
            why.extend(self.unready_dependency(change));
            if !self.plan.verdict.holds.is_empty() {
                why.push(Pending::Guard);
            }
            if !why.is_empty() {
                self.plan.pending.insert(change.service.clone(), why);
            }
        }
    }

    /// A run that stopped is not tried again by itself: only a newer revision or a person lifts that.
    fn stalled(&self, change: &Change) -> Option<Pending> {
        let stall = self.facts.stalled.get(&change.service)?;
        let same =
            change.units.iter().all(|unit| stall.sources.get(&unit.unit) == Some(&unit.source));
        let lifted =
            self.facts.requested.contains(&change.service) || change.kind() == ChangeKind::Adopt;
        let asked = |unit: &UnitChange| unit.due.as_ref().is_some_and(|due| due.asked.is_some());
        let lifted = lifted || change.units.iter().any(asked);
        (same && !lifted)
            .then(|| Pending::Stalled { run: stall.run.clone(), why: stall.why.clone() })
    }

    fn closed_window(&self, change: &Change) -> Option<Pending> {
        if self.facts.broken.contains_key(&change.digest) {
            return None;
        }
        let environment = self.catalog.environments.get(change.environment.as_deref()?)?;
        let until = window::closed(&environment.body.change_windows, self.now)?;
        Some(Pending::Window { until })
    }

    /// What a change depends on must be there, or come with it in this plan.
    fn unready_dependency(&self, change: &Change) -> Option<Pending> {
        if change.units.iter().all(|unit| unit.kind == ChangeKind::Delete) {
            return None;
        }
        let required = change.units.iter().flat_map(|unit| &unit.requires);
        let unready = |service: &&String| {
            if change.after.contains(service) {
                return self.plan.blocked.contains_key(*service);
            }
            let mut units = self.desired.units_of(service).peekable();
            let ready = |unit: &Arc<Unit>| {
                let row = self.actual.rows.get(&unit.key);
                row.is_some_and(|row| row.applied.is_some())
            };
            units.peek().is_none() || !units.all(ready)
        };
        let service = required.into_iter().find(unready)?.clone();
        Some(Pending::Dependency { service })
    }
}
