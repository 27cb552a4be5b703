//! What follows the failure of a run: the hooks of its items, carried out as steps of the run. Whatever comes of them,
//! the run failed for the reason that it failed for.

use super::event::{Added, RunEvent};
use super::order::Order;
use super::run::{Run, lets_on};
use super::step::StepState;
use crate::catalog::ErrorHandling;
use crate::reconcile::{PlannedStep, UnitChange, after_failure, is_hook};

impl Run {
    /// Makes the event that has the hooks of what failed carried out, in a run that is to end as failed; nothing where
    /// there are none, or they were carried out.
    pub fn hooked(&self, why: &str) -> Option<Result<RunEvent, String>> {
        if self.failing.is_some() || self.rolls_back {
            return None;
        }
        let failed = |state: &StepState| matches!(state, StepState::Failed { .. });
        let cut_off = |state: &StepState| *state == StepState::Cancelled;
        let units = [&failed as &dyn Fn(&StepState) -> bool, &cut_off].map(|test| self.units(test));
        let failing = units.into_iter().find(|units| !units.is_empty())?;
        let round = 1 + self.change.units.iter().map(rounds).max().unwrap_or_default();
        let mut told = self.failure();
        if !self.live().any(|(_, progress)| failed(&progress.state)) {
            told.insert("message".to_owned(), why.into());
        }
        let mut added = Vec::new();
        for unit in failing {
            let mut failure = told.clone();
            failure.insert("unit".to_owned(), unit.unit.to_string().into());
            let left = unit.steps.iter().filter(|step| !lets_on(&self.steps, &step.path));
            let left: Vec<&str> = left.map(|step| &*step.path.0).collect();
            failure.insert("remaining".to_owned(), left.join(", ").into());
            match after_failure(unit, &failure, round) {
                Ok(steps) if steps.is_empty() => {}
                Ok(steps) => added.push(Added { unit: unit.unit.clone(), steps }),
                Err(why) => return Some(Err(why)),
            }
        }
        let why = why.to_owned();
        (!added.is_empty()).then_some(Ok(RunEvent::Hooked { why, units: added }))
    }

    /// Returns the units that have a step in a state, of those that it is about now.
    fn units(&self, test: &dyn Fn(&StepState) -> bool) -> Vec<&UnitChange> {
        let is_so = |step: &PlannedStep| {
            let progress = self.steps.get(&step.path);
            progress.is_some_and(|it| test(&it.state) && !it.by_hand && !is_hook(&step.path))
        };
        self.change.units.iter().filter(|unit| unit.steps.iter().any(is_so)).collect()
    }

    /// Says why what it did was taken back, where nobody asked for that.
    pub fn why_taken_back(&self) -> String {
        let plain = "what it did was taken back".to_owned();
        let unasked = self.said.as_ref().filter(|said| said.decision == 0);
        unasked.map_or(plain.clone(), |said| format!("{plain}, for {}", said.why))
    }

    /// Turns to the hooks; what failed stays as it is.
    pub(super) fn turn_to_hooks(&mut self, why: &str, units: &[Added]) -> Result<(), String> {
        let mut hooks = units.iter().flat_map(|unit| &unit.steps).peekable();
        if hooks.peek().is_none() || hooks.any(|step| !is_hook(&step.path)) {
            return Err(format!("{}, without hooks to carry out", self.state));
        }
        self.add(units)?;
        self.failing = Some(why.to_owned());
        let steps = &self.steps;
        let hooks = units.iter().flat_map(|unit| &unit.steps);
        self.order = Order::of_steps(hooks, |path| lets_on(steps, path));
        Ok(())
    }

    /// Turns away from the hooks: whoever has the run go on has what failed go on, and no hook.
    pub(super) fn turn_from_hooks(&mut self) {
        if self.failing.take().is_some() {
            let steps = &self.steps;
            self.order = Order::of(&self.change, |path| lets_on(steps, path));
        }
    }

    /// Tells whether what does not depend on a step that failed goes on.
    pub(super) fn goes_on(&self) -> bool {
        let continues = self.change.error_handling == ErrorHandling::Continue;
        continues && !self.rolls_back && self.failing.is_none()
    }

    /// Returns how it ends where all that it is about now is done.
    pub(super) fn good_end(&self) -> RunEvent {
        match (&self.failing, self.rolls_back) {
            (Some(why), _) => RunEvent::Failed { why: why.clone() },
            (None, true) => RunEvent::RolledBack,
            (None, false) => RunEvent::Succeeded,
        }
    }
}

/// Counts how often hooks of a unit were carried out.
fn rounds(unit: &UnitChange) -> usize {
    let hooks = unit.steps.iter().filter(|step| is_hook(&step.path));
    hooks.map(|step| crate::reconcile::round_of(&step.path)).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::story::{check, event, run, stands};
    use super::super::{Control, Event, next};
    use super::*;

    const FAILED: &str = "run started\nnext\ndb/a start 1\ndb/a fail\n";

    #[test]
    fn hooks_run_after_the_last_failure_and_the_run_fails_as_it_did() {
        check(
            "db: a, b < a",
            &format!(
                "{FAILED}db/b cancel\nrun hooked db/tell~onFailure db/mourn~onFailure\nnext
                 db/tell~onFailure start 1\ndb/tell~onFailure done\nnext
                 db/mourn~onFailure start 1\ndb/mourn~onFailure done\nnext"
            ),
            "next | db/a made ready
             next | db/tell~onFailure made ready
             next | db/mourn~onFailure made ready
             next | run ends: why
             failed: db/a=failed#1 db/b=cancelled db/mourn~onFailure=succeeded#1 db/tell~onFailure=succeeded#1",
        );
    }

    #[test]
    fn a_hook_that_fails_hides_nothing() {
        for fails in ["fail", "unknown"] {
            let script = format!(
                "{FAILED}run hooked db/tell~onFailure db/mourn~onFailure\nnext
                 db/tell~onFailure start 1\ndb/tell~onFailure {fails}\nnext"
            );
            let told = super::super::story::tell("db: a", &script);
            assert!(told.contains("run ends: why (and its hook failed: "), "{told}");
            assert!(told.contains("\nfailed: db/a=failed#1"), "{told}");
        }
    }

    #[test]
    fn whoever_retries_has_what_failed_done_again_and_no_hook() {
        check(
            "db: a",
            &format!(
                "{FAILED}run hooked db/tell~onFailure\nnext
                 db/tell~onFailure start 1\ndb/tell~onFailure fail\nnext
                 run retried 2\nnext\ndb/a start 1 other\ndb/a done\nnext"
            ),
            "next | db/a made ready
             next | db/tell~onFailure made ready
             next | run ends: why (and its hook failed: step `db/tell~onFailure` failed: refused)
             next | db/a made ready
             next | run ended as succeeded
             succeeded: db/a=succeeded#1 db/tell~onFailure=failed#1",
        );
    }

    #[test]
    fn hooks_come_once_where_something_failed() {
        check(
            "db: a",
            "run started\nnext\nrun hooked db/tell~onFailure\nrun hooked db/b",
            "next | db/a made ready
             the run can't be followed by its hooks while it is running, with step `db/a` ready
             the run can't be followed by its hooks while it is running, with step `db/a` ready
             running: db/a=ready",
        );
        check(
            "db: a",
            &format!(
                "{FAILED}run hooked db/tell\nrun hooked db/t~onFailure\nrun hooked db/u~onFailure\nrun succeeded"
            ),
            "next | db/a made ready
             the run can't be followed by its hooks while it is running, without hooks to carry out
             the run can't be followed by its hooks while it is failing
             the run can't be ended as succeeded while it is failing
             running: db/a=failed#1 db/t~onFailure=pending",
        );
    }

    #[test]
    fn what_does_not_depend_on_a_failure_goes_on_where_that_is_wanted() {
        let mut run = run("db: a, b < a\napp: c, d < c\nlast < db app: e");
        std::sync::Arc::make_mut(&mut run.change).error_handling = ErrorHandling::Continue;
        let script = "run started\nnext\ndb/a start 1\napp/c start 1\ndb/a fail\nnext\napp/c done\nnext\napp/d start 1\napp/d done\nnext";
        for line in script.lines() {
            if line == "next" {
                let next = next(&run, super::super::story::at(0));
                next.events.iter().for_each(|event| run.apply(event).unwrap());
            } else {
                run.apply(&event(line)).unwrap();
            }
        }
        assert_eq!(
            stands(&run),
            "failed: app/c=succeeded#1 app/d=succeeded#1 db/a=failed#1 db/b=cancelled last/e=cancelled"
        );
        assert!(run.may(&Control::Retry { from_failed: true }).is_ok());
    }

    #[test]
    fn a_hook_is_of_the_unit_that_failed_and_knows_why() {
        let mut run = run("db: a, b < a\napp: c");
        let hooks = serde_json::json!([{"id": "tell", "type": "notify", "config": {
            "channel": "log", "message": "{{failure.unit}} {{failure.step}}: {{failure.message}} ({{failure.remaining}})"}}]);
        for unit in &mut std::sync::Arc::make_mut(&mut run.change).units {
            let mut definition = crate::reconcile::Definition::clone(&unit.definition);
            definition.failure_hooks = serde_json::from_value(hooks.clone()).unwrap();
            unit.definition = definition.into();
        }
        for line in "run started\ndb/a ready\ndb/a start 1\ndb/a fail\ndb/b cancel".lines() {
            run.apply(&event(line)).unwrap();
        }
        let made = run.hooked("why").unwrap().unwrap();
        let RunEvent::Hooked { units, .. } = &made else { panic!("{made:?}") };
        let steps: Vec<&PlannedStep> = units.iter().flat_map(|unit| &unit.steps).collect();
        assert_eq!(steps.len(), 1);
        assert_eq!(steps[0].path.0, "db/tell~onFailure");
        assert_eq!(steps[0].config["message"], "shop/db db/a: refused (db/a, db/b)");
        run.apply(&event("app/c cancel")).unwrap();
        run.apply(&Event::Run { event: made }).unwrap();
        assert!(run.hooked("why").is_none());
    }
}
