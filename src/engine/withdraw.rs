//! Takes back what ended runs left open on a forge and nobody wants any more. It holds nothing up: what can't be
//! taken back is told, and tried again later.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::task::JoinSet;

use super::attempt::guarded;
use super::call::fill;
use super::drive::Driver;
use super::engine::{Doing, EngineError};
use crate::action::{self, Withdrawn};
use crate::reconcile::{Plan, PlannedStep};
use crate::run::{Fault, Run, RunState, Wait};
use crate::store::{LeftProposal, Proposal};

/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// After how long the first attempt is repeated; each later one waits twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// What is to be taken back, and how far that is.
#[derive(Default)]
pub(super) struct Withdrawals {
    /// What ended runs left, as it was read last; nothing where it must be read again.
    left: Option<Vec<LeftProposal>>,
    underway: JoinSet<(Proposal, Result<Withdrawn, Fault>)>,
    /// Those that can't be tried now: when again, and after how long.
    put_off: BTreeMap<(String, u64), (Option<Timestamp>, Duration)>,
}

impl Withdrawals {
    /// Says that a run ended, or that a proposal was filed.
    pub(super) fn read_again(&mut self) {
        self.left = None;
    }

    fn is_due(&self, proposal: &Proposal, now: Timestamp) -> bool {
        let put_off = self.put_off.get(&key_of(proposal));
        put_off.is_none_or(|(again, _)| again.is_some_and(|again| again <= now))
    }
}

fn key_of(proposal: &Proposal) -> (String, u64) {
    (proposal.repository.clone(), proposal.number)
}

impl Driver {
    /// Begins to take back the proposals that ended runs left open and that a plan no longer asks for.
    pub async fn withdraw(&mut self, plan: &Plan) -> Result<(), EngineError> {
        while let Some(done) = self.withdrawals.underway.try_join_next() {
            if let Ok((proposal, outcome)) = done {
                self.take_withdrawn(&proposal, outcome).await?;
            }
        }
        let left = if let Some(left) = self.withdrawals.left.take() {
            left
        } else {
            self.engine.store.left_proposals().await.doing("reading proposals")?
        };
        let now = self.engine.clock.now();
        for left in &left {
            if self.is_unwanted(left, plan) && self.withdrawals.is_due(&left.proposal, now) {
                self.begin_to_withdraw(&left.proposal).await?;
            }
        }
        self.withdrawals.left = Some(left);
        Ok(())
    }

    /// Waits for what is being taken back.
    pub async fn withdrawn(&mut self) -> Result<(), EngineError> {
        while let Some(done) = self.withdrawals.underway.join_next().await {
            if let Ok((proposal, outcome)) = done {
                self.take_withdrawn(&proposal, outcome).await?;
            }
        }
        Ok(())
    }

    /// What a superseded run left is unwanted, unless an open run takes it up in its place; what a run left that
    /// stopped stays while its service still needs it.
    fn is_unwanted(&self, left: &LeftProposal, plan: &Plan) -> bool {
        let service = &left.proposal.service;
        let takes_up = |run: &Run| {
            let step = left.proposal.step.as_ref().and_then(|path| run.steps.get(path));
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
        matches!(left.state, RunState::Superseded | RunState::Cancelled) || is_idle
    }

    async fn begin_to_withdraw(&mut self, proposal: &Proposal) -> Result<(), EngineError> {
        let Some(id) = &proposal.run else { return Ok(()) };
        let run = self.engine.store.run(id).await.doing("reading a run")?;
        let Some((step, call)) = self.call_to_withdraw(run.as_ref(), proposal).await? else {
            return Ok(());
        };
        let pause =
            self.withdrawals.put_off.get(&key_of(proposal)).map_or(FIRST_PAUSE, |off| off.1);
        // Nothing before this attempt has ended.
        self.withdrawals.put_off.insert(key_of(proposal), (None, pause));
        let what = format!("proposal {} in {}", proposal.number, proposal.repository);
        let reference = json!({"repository": proposal.repository, "number": proposal.number});
        let on = Wait { on: "proposal".to_owned(), reference, what };
        let (ports, proposal) = (self.engine.ports.clone(), proposal.clone());
        self.withdrawals.underway.spawn(async move {
            let work = async move {
                match action::find(&step.action.kind) {
                    Some(action) => action.withdraw(&ports, &call, &on).await,
                    None => Ok(Withdrawn::Nothing),
                }
            };
            (proposal, guarded(PATIENCE, work).await)
        });
        Ok(())
    }

    /// Returns what the action is told: what it was told when it filed the proposal, as far as that is still known.
    async fn call_to_withdraw(
        &self,
        run: Option<&Run>,
        proposal: &Proposal,
    ) -> Result<Option<(PlannedStep, action::Call)>, EngineError> {
        let (Some(run), Some(path)) = (run, &proposal.step) else { return Ok(None) };
        let Some((unit, step)) = Self::find(run, path) else { return Ok(None) };
        let key = run.steps.get(path).and_then(|progress| progress.key.clone());
        let Some(key) = key else { return Ok(None) };
        let marker = key.strip_suffix(&format!("-{}", run.effect)).unwrap_or(&key).to_owned();
        let record = self.read(&unit.unit).await?;
        let filled = match &record {
            Some(record) => {
                fill(&self.engine, record, (&step.action.kind, &step.config)).await.ok()
            }
            None => None,
        };
        let (config, secrets) = filled.unwrap_or_else(|| (step.config.clone(), Vec::new()));
        let call = action::Call {
            key,
            marker,
            attempt: 1,
            title: format!("{} {}", unit.unit, step.action.id),
            service: unit.unit.service.clone(),
            config,
            outputs: BTreeMap::new(),
            previous: None,
            secrets,
            correlation: run.id.to_string(),
            timeout: PATIENCE,
            before: Vec::new(),
            arrived: None,
            forecast: None,
        };
        Ok(Some((step, call)))
    }

    async fn take_withdrawn(
        &mut self,
        proposal: &Proposal,
        outcome: Result<Withdrawn, Fault>,
    ) -> Result<(), EngineError> {
        let Proposal { repository, number, service, .. } = proposal;
        let became = match &outcome {
            Ok(Withdrawn::Done) => {
                tracing::info!(service, repository, number, "its proposal is withdrawn");
                "withdrawn"
            }
            Ok(Withdrawn::Nothing) => "settled",
            Ok(Withdrawn::Left { why }) => {
                tracing::warn!(
                    service,
                    repository,
                    number,
                    why,
                    "its proposal is left open: close it, or merge it"
                );
                "left"
            }
            Err(fault) => {
                let pause = self
                    .withdrawals
                    .put_off
                    .get(&key_of(proposal))
                    .map_or(FIRST_PAUSE, |off| off.1);
                let again = self.engine.clock.now() + pause;
                tracing::warn!(service, repository, number, %fault, %again, "its proposal can't be withdrawn yet");
                let next = (pause * 2).min(LONGEST_PAUSE);
                self.withdrawals.put_off.insert(key_of(proposal), (Some(again), next));
                return Ok(());
            }
        };
        let why = match &outcome {
            Ok(Withdrawn::Left { why }) => Some(why.as_str()),
            _ => None,
        };
        let engine = &self.engine;
        let settled = engine.store.settle_proposal(&engine.lease, proposal, (became, why)).await;
        settled.doing("recording what became of a proposal")?;
        self.withdrawals.put_off.remove(&key_of(proposal));
        self.withdrawals.read_again();
        Ok(())
    }
}
