//! Says why runs are not further, as of one moment: what they wait for, and since when. It changes nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::admit::{place_of, place_of_run};
use crate::action::Operator;
use crate::id::StepPath;
use crate::reconcile::PlannedStep;
use crate::run::{
    Breaker, BreakerKey, Capacity, InEffect, Place, Progress, Run, RunState, StepState, waits_for,
};
use crate::store::{Store, StoreError};

/// What a run waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waits {
    /// In words.
    pub what: String,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
}

/// All that may keep a run from going on.
#[derive(Debug)]
pub struct Circumstances {
    /// Whom not to ask.
    pub breakers: BTreeMap<BreakerKey, Breaker>,
    in_effect: InEffect,
    limits: (Capacity, Operator),
    now: Timestamp,
}

impl Circumstances {
    /// Reads them, beside all open runs.
    pub async fn read<'r>(
        store: &dyn Store,
        runs: impl Iterator<Item = &'r Run>,
        limits: (Capacity, Operator),
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut in_effect = InEffect::default();
        for run in runs {
            let started = steps(run).filter(|(_, progress)| progress.state == StepState::Started);
            started.for_each(|(step, _)| in_effect.take(&place_of(run, step, &limits.1)));
        }
        Ok(Self { breakers: store.breakers().await?, in_effect, limits, now })
    }

    /// Says what an open run waits for; nothing while a step of it is in effect.
    pub fn why(&self, run: &Run) -> Option<Waits> {
        match run.state {
            RunState::Queued => Some(self.why_queued(run)),
            RunState::Running | RunState::Waiting | RunState::RollingBack => self.why_underway(run),
            _ => waits_for(run).map(|what| Waits { what, since: Some(run.since) }),
        }
    }

    fn why_queued(&self, run: &Run) -> Waits {
        let before = &run.change.after;
        let what = match self.held(&place_of_run(run, &self.limits.1)) {
            Some(held) => held,
            None if before.is_empty() => "its turn".to_owned(),
            None => format!("its turn, after {}", before.join(", ")),
        };
        Waits { what: format!("waits for {what}"), since: Some(run.created_at) }
    }

    fn why_underway(&self, run: &Run) -> Option<Waits> {
        let mut parts = Vec::new();
        let mut since: Option<Timestamp> = None;
        for (step, progress) in steps(run) {
            match &progress.state {
                // One that was lost waits too, for whom it asks to work again.
                StepState::Started => {
                    let place = place_of(run, step, &self.limits.1);
                    let held = self.shut(&place).filter(|_| progress.lost > 0)?;
                    parts.push(format!("step `{}` waits for {held}", step.path));
                }
                StepState::Waiting { on } => parts.push(on.told().into_owned()),
                StepState::Ready { not_before } => {
                    parts.push(self.why_ready(run, (step, progress), ("retry", *not_before)));
                }
                StepState::Unknown { not_before } => {
                    parts.push(self.why_ready(run, (step, progress), ("look", Some(*not_before))));
                }
                _ => continue,
            }
            since = [since, progress.since].into_iter().flatten().min();
        }
        (!parts.is_empty()).then(|| Waits { what: parts.join("; "), since })
    }

    fn why_ready(
        &self,
        run: &Run,
        (step, progress): (&PlannedStep, &Progress),
        (what, not_before): (&str, Option<Timestamp>),
    ) -> String {
        let path: &StepPath = &step.path;
        if let Some(at) = not_before.filter(|at| *at > self.now) {
            let after = progress.fault.as_ref().map(|fault| format!(" after: {fault}"));
            let of = if what == "look" { "at" } else { "of" };
            return format!("{what} {of} step `{path}` at {at:.0}{}", after.unwrap_or_default());
        }
        let held = self.held(&place_of(run, step, &self.limits.1));
        format!("step `{path}` waits for {}", held.unwrap_or_else(|| "its turn".to_owned()))
    }

    /// Says what is missing at a place.
    fn held(&self, place: &Place) -> Option<String> {
        let full = self.in_effect.full(place, &self.limits.0);
        self.shut(place).or_else(|| full.map(|full| full.to_string()))
    }

    fn shut(&self, place: &Place) -> Option<String> {
        let key = place.breaker()?;
        let breaker = self.breakers.get(&key).filter(|breaker| !breaker.admits(self.now))?;
        Some(format!("{}, which is {breaker}", key.target))
    }
}

/// Returns the steps of a run, in their order, with how far each is.
fn steps(run: &Run) -> impl Iterator<Item = (&PlannedStep, &Progress)> {
    let live: BTreeMap<&StepPath, &Progress> = run.live().collect();
    run.planned_steps().filter_map(move |step| Some((step, *live.get(&step.path)?)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::super::view_sample::{at, begin, change, run, take, waits};
    use super::*;
    use crate::run::{BreakerPolicy, Event, Fault, StepEvent, Verdict};

    /// A run of one step that asks `api.example`, after some events.
    fn asking(events: Vec<Event>) -> Run {
        let mut change = change("db", &["db"]);
        let step = &mut change.units[0].steps[0];
        step.action.kind = "rest-api".to_owned();
        step.config = json!({"endpoint": {"url": "https://api.example/v1", "method": "PUT"}});
        let mut run = run("0b1", change);
        take(&mut run, events);
        run
    }

    /// A breaker that opened at second 1000.
    fn open() -> BTreeMap<BreakerKey, Breaker> {
        let policy = BreakerPolicy { failures: 1, ..BreakerPolicy::default() };
        let mut breaker = Breaker::default();
        let turn = breaker.begin();
        let failed = Verdict::of(&Err::<(), _>(Fault::transient("503")));
        breaker.end(turn, failed, &policy, (at(1_000), 0.0));
        let key = BreakerKey { action: "rest-api".to_owned(), target: "api.example".to_owned() };
        [(key, breaker)].into()
    }

    /// Tells what a run waits for at second 1010, with so many other steps in effect at its host.
    #[track_caller]
    fn check(run: &Run, others: usize, breakers: BTreeMap<BreakerKey, Breaker>, expected: &str) {
        let place = place_of_run(run, &Operator::default());
        let mut in_effect = InEffect::default();
        (0..others).for_each(|_| in_effect.take(&place));
        let limits = (Capacity::within(16), Operator::default());
        let circumstances = Circumstances { breakers, in_effect, limits, now: at(1_010) };
        let told = circumstances.why(run);
        let told = told.map(|it| format!("{} | {}", it.what, it.since.expect("known").as_second()));
        assert_eq!(told.unwrap_or_default(), expected);
    }

    #[test]
    fn a_queued_run_says_what_it_takes() {
        let queued = asking(Vec::new());
        let none = BTreeMap::new;
        check(&queued, 0, none(), "waits for its turn | 900");
        check(
            &queued,
            8,
            none(),
            "waits for a free place at api.example: 8 steps there already | 900",
        );
        check(
            &queued,
            0,
            open(),
            "waits for api.example, which is not asked before 1970-01-01T00:17:10Z, after a failure: 503 | 900",
        );
        let mut after = queued.clone();
        std::sync::Arc::make_mut(&mut after.change).after = vec!["net".to_owned()];
        check(&after, 0, none(), "waits for its turn, after net | 900");
    }

    #[test]
    fn a_step_says_since_when_it_waits_and_why() {
        let ready = asking(begin("db/make")[..2].to_vec());
        check(&ready, 0, BTreeMap::new(), "step `db/make` waits for its turn | 902");
        check(
            &ready,
            0,
            open(),
            "step `db/make` waits for api.example, which is not asked before 1970-01-01T00:17:10Z, \
             after a failure: 503 | 902",
        );
        let started = asking(begin("db/make"));
        check(&started, 1, open(), "");
        let retry = |seconds: u64| {
            let not_before = at(1_000) + Duration::from_secs(seconds);
            let event = StepEvent::Retry { fault: Fault::transient("cut off"), not_before };
            let path = StepPath("db/make".to_owned());
            asking([begin("db/make"), vec![Event::Step { path, event }]].concat())
        };
        let later = "retry of step `db/make` at 1970-01-01T00:17:00Z after: cut off | 904";
        check(&retry(20), 0, open(), later);
        check(&retry(5), 0, BTreeMap::new(), "step `db/make` waits for its turn | 904");
        let task = asking([begin("db/make"), vec![waits("db/make")]].concat());
        check(&task, 0, open(), "task 1 “Make \u{1b}[31mit” | 904");
    }
}
