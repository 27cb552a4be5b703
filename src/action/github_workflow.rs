//! The `github-workflow` action: dispatches a workflow once, finds its own run again, waits for its end. It never
//! dispatches while it may be that a run is coming.

mod artifact;
mod config;
#[cfg(test)]
mod tests;

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use self::config::Work;
use super::action::{Action, Call, Outcome, Ports, Withdrawn};
use super::github;
use super::intent::{Became, Intent, Noted};
use super::operator::Operator;
use super::scrub::Scrub;
use super::target::host_of_repository;
use crate::forge::github::{GitHub, Refused, WorkflowRun, classed_safe};
use crate::reconcile::Observation;
use crate::run::{Fault, FaultClass, Wait};

/// How far GitHub's clock and ours may be apart.
const SKEW: Duration = Duration::from_mins(10);

/// The `github-workflow` action.
pub(super) struct GitHubWorkflow {
    /// How long after a dispatch whose answer was lost its run may still show up.
    pub(super) settle: Duration,
    /// How long after an accepted dispatch its run may still show up.
    pub(super) appear: Duration,
}

impl GitHubWorkflow {
    pub(super) const fn new() -> Self {
        Self { settle: Duration::from_mins(2), appear: Duration::from_mins(30) }
    }

    async fn begin(&self, ports: &Ports, work: &Work) -> Result<Outcome, Fault> {
        let client = work.connect(ports).await?;
        let intent = note(ports, &work.correlation);
        let noted = intent.read()?;
        if let Some(Noted { since, became: Became::Accepted(run) }) = &noted {
            return Ok(work.waiting((run.as_ref().and_then(|run| run.parse().ok()), *since)));
        }
        let early = noted.as_ref().map(|noted| noted.since - SKEW);
        let found = client.find_run(&work.workflow, (&work.correlation, early)).await;
        if let Some(run) = found.map_err(|refused| classed_safe(refused.fault))? {
            return self.judged((&client, &intent), work, &run).await;
        }
        if let Some(noted) = noted {
            return Err(self.not_there_yet(work, (&intent, noted.since)));
        }
        let reference = match &work.reference {
            Some(reference) => reference.clone(),
            None => client.default_branch().await?,
        };
        let since = Timestamp::now();
        intent.note(&Noted { since, became: Became::Sent })?;
        match client.dispatch(&work.workflow, (&reference, &work.inputs)).await {
            Ok(dispatched) => {
                let run = dispatched.run.map(|run| run.to_string());
                intent.note(&Noted { since, became: Became::Accepted(run) })?;
                Ok(work.waiting((dispatched.run, since)))
            }
            Err(refused) if refused.fault.class == FaultClass::Unknown => {
                let wait = u64::try_from(self.settle.as_millis()).ok();
                Err(Fault { retry_after_ms: wait, ..refused.fault })
            }
            Err(refused) => {
                intent.clear();
                Err(explained(refused, work))
            }
        }
    }

    /// A dispatch was sent, nobody knows whether it arrived, and its run is not to be seen.
    fn not_there_yet(&self, work: &Work, (intent, since): (&Intent, Timestamp)) -> Fault {
        let settled = since + self.settle;
        let left = settled.duration_since(Timestamp::now());
        if left.is_positive() {
            let message = format!("it is not known yet whether `{}` was dispatched", work.workflow);
            let wait = u64::try_from(left.as_millis()).ok();
            return Fault { retry_after_ms: wait, ..Fault::unknown(message) };
        }
        intent.clear();
        Fault::terminal(format!(
            "`{}` of {} was dispatched at {since:.0}, the answer was lost, and no run that shows `{}` has appeared; look there, and try again to dispatch it anew",
            work.workflow, work.repository, work.correlation
        ))
    }

    /// Looks at a run, or for it where it is not known yet.
    async fn look_at(
        &self,
        (client, intent): (&GitHub, &Intent),
        work: &Work,
        (run, since): (Option<u64>, Timestamp),
    ) -> Result<Outcome, Fault> {
        let seen = if let Some(id) = run {
            client.run(id).await.map(Some)
        } else {
            let early = since - SKEW;
            client.find_run(&work.workflow, (&work.correlation, Some(early))).await
        };
        // What GitHub does not show now may be shown again; a wait ends by what is seen, or by time.
        let seen =
            seen.map_err(|Refused { fault, .. }| Fault { class: FaultClass::Transient, ..fault });
        match seen {
            Ok(Some(run)) => self.judged((client, intent), work, &run).await,
            Ok(None) if Timestamp::now() > since + self.appear => Err(Fault::terminal(format!(
                "no run of `{}` in {} shows `{}`; the workflow must declare the input `{}`, and show it: `run-name: … ${{{{ inputs.{} }}}}`",
                work.workflow, work.repository, work.correlation, work.input, work.input
            ))),
            Ok(None) => Ok(work.waiting((None, since))),
            Err(fault) => match work.timeout {
                Some(timeout) if Timestamp::now() > since + timeout + self.appear => {
                    Err(Fault { class: FaultClass::Terminal, ..fault })
                }
                _ => Err(fault),
            },
        }
    }

    /// Says what a run means for the step.
    async fn judged(
        &self,
        (client, intent): (&GitHub, &Intent),
        work: &Work,
        run: &WorkflowRun,
    ) -> Result<Outcome, Fault> {
        if !work.wait {
            intent.clear();
            return work.done(run, None);
        }
        if run.status.as_deref() != Some("completed") {
            let began = run.run_started_at.unwrap_or(run.created_at);
            if let Some(timeout) = work.timeout.filter(|it| Timestamp::now() > began + *it) {
                intent.clear();
                let cancelled = client.cancel_run(run.id).await;
                let what = if cancelled.is_ok() { "it was cancelled" } else { "it goes on" };
                return Err(Fault::terminal(format!(
                    "the run took longer than {} s, and {what}: {}",
                    timeout.as_secs(),
                    run.html_url
                )));
            }
            return Ok(work.waiting((Some(run.id), run.created_at)));
        }
        let conclusion = run.conclusion.as_deref().unwrap_or("unknown");
        if conclusion != "success" && work.fail {
            return Err(Fault::terminal(format!(
                "the run ended as `{conclusion}`: {}",
                run.html_url
            )));
        }
        let artifact = match &work.artifact {
            Some(name) if conclusion == "success" => {
                Some(artifact::read(client, (run.id, name)).await?)
            }
            _ => None,
        };
        intent.clear();
        work.done(run, artifact)
    }
}

/// The note of a dispatch.
fn note(ports: &Ports, correlation: &str) -> Intent {
    Intent::of(&ports.state_dir, ("dispatches", correlation))
}

/// Adds to a refusal what the author can do about it.
fn explained(refused: Refused, work: &Work) -> Fault {
    let odd = refused.status == 422 && refused.said.contains("Unexpected inputs");
    if !odd {
        return refused.fault;
    }
    let Fault { message, .. } = &refused.fault;
    Fault::terminal(format!(
        "{message}; the workflow must declare each input, and `{}`, by which its run is found again",
        work.input
    ))
}

fn clean(outcome: Result<Outcome, Fault>, scrub: &Scrub) -> Result<Outcome, Fault> {
    match outcome {
        Ok(Outcome::Done { result, outputs }) => {
            Ok(Outcome::Done { result: scrub.value(&result), outputs })
        }
        Ok(other) => Ok(other),
        Err(fault) => Err(scrub.fault(&fault)),
    }
}

#[async_trait]
impl Action for GitHubWorkflow {
    fn kind(&self) -> &'static str {
        "github-workflow"
    }

    fn target(&self, operator: &Operator, config: &Value) -> Option<String> {
        host_of_repository(operator, config)
    }

    async fn perform(&self, ports: &Ports, call: &Call) -> Result<Outcome, Fault> {
        let scrub = Scrub::of(call);
        let done = async { self.begin(ports, &Work::read(call, &scrub)?).await };
        clean(done.await, &scrub)
    }

    async fn look(&self, ports: &Ports, call: &Call, on: &Wait) -> Result<Outcome, Fault> {
        let scrub = Scrub::of(call);
        let looked = async {
            let work = Work::read(call, &scrub)?;
            let client = work.connect(ports).await?.for_looks()?;
            let intent = note(ports, &work.correlation);
            self.look_at((&client, &intent), &work, config::reference(on)?).await
        };
        clean(looked.await, &scrub)
    }

    /// A run is over once it is over: there is nothing to look at.
    async fn observe(&self, _: &Ports, _: &Call) -> Result<Observation, Fault> {
        Ok(Observation::Unknown { reason: "a workflow's run leaves nothing to look at".to_owned() })
    }

    async fn undo(&self, _: &Ports, _: &Call) -> Result<Outcome, Fault> {
        Err(Fault::terminal("what a workflow did has no reverse, so a person must take it away"))
    }

    /// Cancels the run.
    async fn withdraw(&self, ports: &Ports, call: &Call, on: &Wait) -> Result<Withdrawn, Fault> {
        let scrub = Scrub::of(call);
        let withdrawn = async {
            let repository = on.reference.get("repository").and_then(Value::as_str);
            let number = on.reference.get("number").and_then(Value::as_u64);
            let (Some(repository), Some(number)) = (repository, number) else {
                return Ok(Withdrawn::Nothing);
            };
            let Some(repository) = github::repository(ports, repository)? else {
                return Err(github::missing(repository));
            };
            let client = github::connect(ports, repository).await?;
            note(ports, &config::correlation_of(&call.key)).clear();
            match client.cancel_run(number).await {
                Ok(true) => Ok(Withdrawn::Done),
                Ok(false) => Ok(Withdrawn::Nothing),
                Err(refused) => Err(classed_safe(refused.fault)),
            }
        };
        withdrawn.await.map_err(|fault| scrub.fault(&fault))
    }
}

impl Work {
    async fn connect(&self, ports: &Ports) -> Result<GitHub, Fault> {
        match github::repository(ports, &self.repository)? {
            Some(repository) => github::connect(ports, repository).await,
            None => Err(github::missing(&self.repository)),
        }
    }

    /// Waits for a run, or for it to appear.
    fn waiting(&self, (run, since): (Option<u64>, Timestamp)) -> Outcome {
        let Self { repository, workflow, .. } = self;
        let mut reference = Map::new();
        reference.insert("repository".to_owned(), json!(repository));
        reference.insert("since".to_owned(), json!(since));
        let what = if let Some(id) = run {
            reference.insert("number".to_owned(), json!(id));
            reference.insert("about".to_owned(), json!(github::about(repository, ("run", id))));
            format!("run {id} of `{workflow}` in {repository} to end")
        } else {
            format!("the run of `{workflow}` in {repository} to appear")
        };
        let reference = Value::Object(reference);
        Outcome::Waiting { on: Wait { on: "workflow".to_owned(), reference, what } }
    }

    fn done(&self, run: &WorkflowRun, artifact: Option<Value>) -> Result<Outcome, Fault> {
        let facts = [
            ("repository", json!(self.repository)),
            ("runId", json!(run.id)),
            ("url", json!(run.html_url)),
            ("conclusion", json!(run.conclusion)),
        ];
        let artifact = artifact.map(|artifact| ("artifact", artifact));
        let facts = facts.into_iter().chain(artifact);
        let result = Value::Object(facts.map(|(name, fact)| (name.to_owned(), fact)).collect());
        let mut outputs = Map::new();
        outputs.insert("url".to_owned(), json!(run.html_url));
        outputs.insert("conclusion".to_owned(), json!(run.conclusion));
        for (name, pointer) in &self.outputs {
            let value = result.pointer(pointer).ok_or_else(|| {
                Fault::terminal(format!(
                    "output `{name}` is missing: the result has nothing at `{pointer}`"
                ))
            })?;
            outputs.insert(name.clone(), value.clone());
        }
        Ok(Outcome::Done { result, outputs })
    }
}
