//! Takes back what steps waited for outside and nobody wants any more. That it is to be taken back is on disk with
//! the end of the step. It holds nothing up: what can't be taken back is told, tried again later, and given up in
//! the end, visibly.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;

use super::attempt::guarded;
use super::call::fill;
use super::drive::Driver;
use super::engine::{Doing, EngineError};
use super::finish::open_wait;
use super::start::new_record;
use crate::action::{self, Withdrawn};
use crate::digest::Digest;
use crate::id::{RunId, StepPath};
use crate::reconcile::{Plan, PlannedStep, StepRecord, UnitChange, UnitRecord, record_of};
use crate::run::{Fault, FaultClass, Run, RunState};
use crate::store::Adrift;

/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// After how long the first attempt is repeated; each later one waits twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// Attempts, over some hours, after which it is left to people.
const MOST_TRIES: u32 = 12;

type Slot = (RunId, StepPath);

/// What is to be taken back, and how far that is.
#[derive(Default)]
pub(super) struct Withdrawals {
    /// What is adrift, as it was read last; nothing where it must be read again.
    pub(super) adrift: Option<Vec<Adrift>>,
    underway: JoinSet<(Adrift, Result<Withdrawn, Fault>)>,
    /// The same, by service.
    busy: BTreeMap<Slot, String>,
    /// When those that failed are tried again; another process tries at once.
    put_off: BTreeMap<Slot, Timestamp>,
}

impl Withdrawals {
    /// Says that a step ended, or waits for something else.
    pub(super) fn read_again(&mut self) {
        self.adrift = None;
    }

    /// Tells whether something of a service is being taken back.
    pub(super) fn is_busy(&self, service: &str) -> bool {
        self.busy.values().any(|busy| busy == service)
    }

    fn is_due(&self, adrift: &Adrift, now: Timestamp) -> bool {
        let slot = slot_of(adrift);
        !self.busy.contains_key(&slot) && self.put_off.get(&slot).is_none_or(|again| *again <= now)
    }
}

fn slot_of(adrift: &Adrift) -> Slot {
    (adrift.run.clone(), adrift.step.clone())
}

/// The unit may be gone by now, or never have come: what its steps answered is in the run.
fn as_the_run_knew_it(kept: Option<UnitRecord>, (run, unit): (&Run, &UnitChange)) -> UnitRecord {
    let mut record = kept.unwrap_or_else(|| new_record(unit));
    for step in &unit.steps {
        let Some(progress) = run.steps.get(&step.path).filter(|it| !it.outputs.is_empty()) else {
            continue;
        };
        let made = || StepRecord {
            action: step.action.kind.clone(),
            digest: Digest::of_bytes(b""),
            sent: step.config.clone(),
            result: progress.result.clone(),
            outputs: progress.outputs.clone(),
            run: run.id.clone(),
            at: run.created_at,
        };
        record.steps.entry(step.action.id.clone()).or_insert_with(made);
    }
    record
}

/// What an update waits for is what a step of the same type made before, though that goes by another name: it is not
/// to be taken away with the update.
fn left_before(kept: Option<&UnitRecord>, step: &PlannedStep) -> Option<StepRecord> {
    let same = || kept?.steps.values().find(|record| record.action == step.action.kind);
    record_of(kept, &step.action).or_else(same).cloned()
}

/// Returns the pause after an attempt that failed; nothing where there is no further one.
fn pause_after(tries: u32) -> Option<Duration> {
    let factor = 2_u32.saturating_pow(tries.min(16));
    (tries + 1 < MOST_TRIES).then(|| FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE))
}

impl Driver {
    /// Begins to take back what is adrift and a plan no longer asks for.
    pub async fn withdraw(&mut self, plan: &Plan) -> Result<(), EngineError> {
        while let Some(done) = self.withdrawals.underway.try_join_next() {
            if let Ok((adrift, outcome)) = done {
                self.take_withdrawn(&adrift, outcome).await?;
            }
        }
        let all = if let Some(all) = self.withdrawals.adrift.take() {
            all
        } else {
            self.engine.store.adrift().await.doing("reading what is adrift")?
        };
        let now = self.engine.clock.now();
        for adrift in &all {
            let held = self.memory.state.held.contains_key(&adrift.service);
            if !held && self.is_unwanted(adrift, plan) && self.withdrawals.is_due(adrift, now) {
                self.begin_to_withdraw(adrift).await?;
            }
        }
        self.withdrawals.adrift = Some(all);
        Ok(())
    }

    /// Waits for what is being taken back; returns how much that was.
    pub async fn withdrawn(&mut self) -> Result<usize, EngineError> {
        let mut ended = 0;
        while let Some(done) = self.withdrawals.underway.join_next().await {
            if let Ok((adrift, outcome)) = done {
                ended += 1;
                self.take_withdrawn(&adrift, outcome).await?;
            }
        }
        Ok(ended)
    }

    /// What nobody takes up is unwanted. What the next run of a service would take up stays while there may be one:
    /// of a run that was superseded, while an open run has the step; of one that stopped, while its service needs it.
    fn is_unwanted(&self, adrift: &Adrift, plan: &Plan) -> bool {
        if self.is_kept_for_later(adrift) {
            return false;
        }
        if !action::find(&adrift.action).is_some_and(action::Action::takes_up) {
            return true;
        }
        let service = &adrift.service;
        let takes_up = |run: &Run| {
            let step = run.steps.get(&adrift.step);
            run.change.service == *service && step.is_some_and(|step| !step.state.is_over())
        };
        if self.memory.runs.values().any(takes_up) {
            return false;
        }
        let is_idle = plan.change(service).is_none()
            && !plan.running.contains_key(service)
            && !plan.blocked.contains_key(service)
            && !plan.suspended.contains(service)
            && !plan.unknown.keys().any(|unit| unit.service == *service);
        matches!(adrift.state, RunState::Superseded | RunState::Cancelled) || is_idle
    }

    async fn begin_to_withdraw(&mut self, adrift: &Adrift) -> Result<(), EngineError> {
        let run = self.engine.store.run(&adrift.run).await.doing("reading a run")?;
        let found = match &run {
            Some(run) => self.call_to_withdraw(run, &adrift.step).await?,
            None => None,
        };
        let (ports, adrift) = (self.engine.ports.clone(), adrift.clone());
        let on = open_wait(&adrift.on, &self.engine.sealer);
        self.withdrawals.busy.insert(slot_of(&adrift), adrift.service.clone());
        self.withdrawals.underway.spawn(async move {
            let action = action::find(&adrift.action);
            let work = async move {
                match (action, found) {
                    (Some(action), Some(call)) => action.withdraw(&ports, &call?, &on).await,
                    _ => Ok(Withdrawn::Nothing),
                }
            };
            (adrift, guarded(PATIENCE, work).await)
        });
        Ok(())
    }

    /// Returns what the action is told: what it was told when the step began to wait.
    async fn call_to_withdraw(
        &self,
        run: &Run,
        path: &StepPath,
    ) -> Result<Option<Result<action::Call, Fault>>, EngineError> {
        let Some((unit, step)) = Self::find(run, path) else { return Ok(None) };
        let key = run.steps.get(path).and_then(|progress| progress.key.clone());
        let Some(key) = key else { return Ok(None) };
        let marker = key.rsplit_once('-').map_or(key.as_str(), |(marker, _)| marker).to_owned();
        let kept = self.read(&unit.unit).await?;
        let previous = left_before(kept.as_ref(), step);
        let record = as_the_run_knew_it(kept, (run, unit));
        let filled = fill(&self.engine, &record, (&step.action.kind, &step.config)).await;
        let filled = match filled {
            // What it read of others may be gone; most need none of it to take back what is theirs.
            Err(fault) if fault.class == FaultClass::Terminal => {
                Ok((step.config.clone(), Vec::new()))
            }
            other => other,
        };
        let call = filled.map(|(config, secrets)| action::Call {
            key,
            marker,
            attempt: 1,
            title: format!("{} {}", unit.unit, step.action.id),
            service: unit.unit.service.clone(),
            config,
            outputs: BTreeMap::new(),
            previous,
            secrets,
            correlation: run.id.to_string(),
            timeout: PATIENCE,
            before: Vec::new(),
            arrived: None,
            forecast: None,
        });
        Ok(Some(call))
    }

    async fn take_withdrawn(
        &mut self,
        adrift: &Adrift,
        outcome: Result<Withdrawn, Fault>,
    ) -> Result<(), EngineError> {
        let Adrift { service, step, .. } = adrift;
        let what = &adrift.on.what;
        self.withdrawals.busy.remove(&slot_of(adrift));
        let (became, why) = match outcome {
            Ok(Withdrawn::Done) => {
                tracing::info!(service, %step, what, "taken back: nobody waits for it any more");
                ("withdrawn", None)
            }
            Ok(Withdrawn::Nothing) => ("settled", None),
            Ok(Withdrawn::Left { why }) => {
                tracing::warn!(service, %step, what, why, "left to people: nobody waits for it any more");
                ("left", Some(why))
            }
            Err(fault) => {
                let Some(pause) = pause_after(adrift.tries) else {
                    tracing::error!(service, %step, what, %fault, "given up: it can't be taken back");
                    return self.settle(adrift, ("given-up", Some(&fault.message))).await;
                };
                let again = self.engine.clock.now() + pause;
                tracing::warn!(service, %step, what, %fault, %again, "it can't be taken back yet");
                let (store, lease) = (&self.engine.store, &self.engine.lease);
                let counted = store.tried(lease, adrift, &fault.message).await;
                self.withdrawals.put_off.insert(slot_of(adrift), again);
                self.withdrawals.read_again();
                return counted.doing("counting an attempt");
            }
        };
        self.settle(adrift, (became, why.as_deref())).await
    }

    async fn settle(
        &mut self,
        adrift: &Adrift,
        became: (&str, Option<&str>),
    ) -> Result<(), EngineError> {
        let engine = &self.engine;
        let now = engine.clock.now();
        let settled = engine.store.settle_adrift(&engine.lease, adrift, became, now).await;
        settled.doing("recording what became of something adrift")?;
        self.withdrawals.put_off.remove(&slot_of(adrift));
        self.withdrawals.read_again();
        Ok(())
    }
}
