//! The `git-commit` action: files in a repository, by a commit or through a proposal. It never checks anything
//! out, and never writes over what somebody else pushed meanwhile.

mod answer;
mod branch;
mod config;
mod direct;
mod edits;
mod forges;
mod observe;
mod propose;
mod pushed;
mod reach;
mod target;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_after;
#[cfg(test)]
mod tests_github;
#[cfg(test)]
mod tests_proposal;
#[cfg(test)]
mod tests_withdraw;
mod withdraw;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use self::config::Work;
use self::reach::Reach;
use super::action::{Action, Call, Outcome, Ports, Withdrawn};
use super::operator::Operator;
use super::scrub::Scrub;
use super::target::host_of_repository;
use crate::reconcile::Observation;
use crate::run::{Fault, FaultClass, Wait};

/// The `git-commit` action.
pub(super) struct GitCommit;

/// Finds what reaches the repositories of a call, and what is to be masked then.
async fn reached(ports: &Ports, call: &Call) -> Result<(Reach, Scrub), Fault> {
    let scrub = Scrub::of(call);
    let reach = Reach::of(ports, call).await.map_err(|fault| scrub.fault(&fault))?;
    let scrub = scrub.with(reach.secrets());
    Ok((reach, scrub))
}

/// Brings a repository to what is wanted, in the way that the `config` asks for.
async fn carry_out(work: Result<Work, Fault>, scrub: &Scrub) -> Result<Outcome, Fault> {
    let done = async {
        let work = Arc::new(work?);
        if work.proposal.is_some() {
            propose::propose(&work, None).await
        } else {
            direct::commit(&work).await
        }
    };
    clean(done.await, scrub)
}

/// Takes secrets out of what comes back.
fn clean(outcome: Result<Outcome, Fault>, scrub: &Scrub) -> Result<Outcome, Fault> {
    match outcome {
        Ok(Outcome::Done { result, outputs }) => {
            Ok(Outcome::Done { result: scrub.value(&result), outputs })
        }
        Ok(Outcome::Waiting { on }) => {
            let Wait { on, reference, what } = on;
            let on = Wait { on, reference: scrub.value(&reference), what: scrub.text(&what) };
            Ok(Outcome::Waiting { on })
        }
        Ok(other) => Ok(other),
        Err(fault) => Err(scrub.fault(&fault)),
    }
}

#[async_trait]
impl Action for GitCommit {
    fn kind(&self) -> &'static str {
        "git-commit"
    }

    fn target(&self, operator: &Operator, config: &Value) -> Option<String> {
        host_of_repository(operator, config)
    }

    async fn perform(&self, ports: &Ports, call: &Call) -> Result<Outcome, Fault> {
        let (reach, scrub) = reached(ports, call).await?;
        carry_out(Work::perform(&reach, call, &scrub), &scrub).await
    }

    async fn look(&self, ports: &Ports, call: &Call, on: &Wait) -> Result<Outcome, Fault> {
        // A wait ends by what is seen, and not because nobody gets in just now.
        let patient = |fault: Fault| Fault { class: FaultClass::Transient, ..fault };
        let (reach, scrub) = reached(ports, call).await.map_err(patient)?;
        let looked = async {
            let read = if propose::is_undo(on) { Work::undo } else { Work::perform };
            propose::look(&Arc::new(read(&reach, call, &scrub)?), on).await
        };
        clean(looked.await, &scrub)
    }

    async fn observe(&self, ports: &Ports, call: &Call) -> Result<Observation, Fault> {
        let seen = async {
            let (reach, scrub) = reached(ports, call).await?;
            let work = Arc::new(Work::perform(&reach, call, &scrub)?);
            let theirs = Scrub::of(call).with(reach.secrets());
            let seen = observe::observe(work, call.previous.as_ref(), theirs).await;
            seen.map_err(|fault| scrub.fault(&fault))
        };
        let scrub = Scrub::of(call);
        let unknown = |fault: Fault| Observation::Unknown { reason: scrub.text(&fault.message) };
        Ok(seen.await.unwrap_or_else(unknown))
    }

    async fn adopt(&self, ports: &Ports, call: &Call) -> Result<Outcome, Fault> {
        let (reach, scrub) = reached(ports, call).await?;
        let work = Work::perform(&reach, call, &scrub);
        let theirs = Scrub::of(call).with(reach.secrets());
        let adopted = async { observe::adopt(Arc::new(work?), theirs).await };
        clean(adopted.await, &scrub)
    }

    async fn undo(&self, ports: &Ports, call: &Call) -> Result<Outcome, Fault> {
        let (reach, scrub) = reached(ports, call).await?;
        carry_out(Work::undo(&reach, call, &scrub), &scrub).await
    }

    fn takes_up(&self) -> bool {
        true
    }

    async fn withdraw(&self, ports: &Ports, call: &Call, on: &Wait) -> Result<Withdrawn, Fault> {
        let scrub = Scrub::of(call);
        let withdrawn = withdraw::withdraw(ports, call, on).await;
        withdrawn.map_err(|fault| scrub.fault(&fault))
    }
}
