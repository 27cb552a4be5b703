//! The `Action` trait: idempotent under the key it is given.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::operator::Operator;
use super::secrets::SecretSource;
use super::stop::Stop;
use crate::net::HttpClient;
use crate::reconcile::{Forecast, Observation, StepRecord};
use crate::run::{Ask, Fault, Wait};
use crate::secret::Secret;

/// What an action is told.
#[derive(Clone, Debug)]
pub struct Call {
    /// What the other side recognises this effect by; the same on every retry and after a crash.
    pub key: String,
    /// The same without the effect's number: what is searched for to find what an earlier run made.
    pub marker: String,
    /// From 1; higher where an earlier attempt failed, or where nobody knows what became of it.
    pub attempt: u32,
    /// For people and other sides: `payments-db provision (run …)`.
    pub title: String,
    /// The service.
    pub service: String,
    /// The rendered `config`, secrets filled in.
    pub config: Value,
    /// Name of an output → JSON pointer into the result.
    pub outputs: BTreeMap<String, String>,
    /// What this step left behind before, where it did.
    pub previous: Option<StepRecord>,
    /// Secrets in `config`, to be masked in everything that comes back.
    pub secrets: Vec<Secret>,
    /// Passed to the other side to tie its logs to ours: the run's id.
    pub correlation: String,
    /// How long this attempt may take.
    pub timeout: Duration,
    /// What steps of the same type left behind in the units that this one depends on.
    pub before: Vec<StepRecord>,
    /// What was posted to the step's callback, once somebody did.
    pub arrived: Option<Value>,
    /// Where what was forecast is kept, which is what is to be carried out.
    pub forecast: Option<Value>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It took effect.
    Done {
        /// What the action needs to find and undo it: JSON, secrets masked, at most 64 KiB.
        result: Value,
        /// Its outputs, in clear; the engine seals sensitive ones.
        outputs: Map<String, Value>,
    },
    /// It took effect as far as it goes, and waits.
    Waiting {
        /// For what.
        on: Wait,
    },
    /// It asks for a task, and waits for it.
    Task(TaskRequest),
    /// It asks people for their approval, and waits for it.
    Approval(ApprovalRequest),
}

/// An approval that an action asks people for.
#[derive(Clone, Debug, PartialEq)]
pub struct ApprovalRequest {
    /// What is asked.
    pub ask: Ask,
    /// How long it is waited for; nothing where that is as long as it takes.
    pub timeout: Option<Duration>,
}

/// What became of something that was to be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withdrawn {
    /// It is taken back.
    Done,
    /// There is nothing to take back: it is settled, or another run has taken it up.
    Nothing,
    /// It is not ours alone any more, and is left to people.
    Left {
        /// Why.
        why: String,
    },
}

/// A task that an action asks a person to do.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskRequest {
    /// What is to be done.
    pub title: String,
    /// How.
    pub instructions: String,
    /// What is to be entered: name → type.
    pub outputs: BTreeMap<String, String>,
}

/// What actions reach the outside world through.
#[derive(Clone)]
pub struct Ports {
    /// The one HTTP client.
    pub http: Arc<HttpClient>,
    /// Where mirrors of target repositories are kept, and state of programs.
    pub state_dir: PathBuf,
    /// What the operator set up.
    pub operator: Arc<Operator>,
    /// Finds secrets by their names; actions ask for the operator's own only.
    pub secrets: Arc<dyn SecretSource>,
    /// Says that this process is about to end.
    pub stop: Stop,
}

/// One action type.
#[async_trait]
pub trait Action: Send + Sync {
    /// Returns the word that documents use.
    fn kind(&self) -> &'static str;

    /// Brings about what `config` says; called again under the same key after a fault or a crash.
    async fn perform(&self, ports: &Ports, call: &Call) -> Result<Outcome, Fault>;

    /// Looks whether what a step waits for has come.
    async fn look(&self, ports: &Ports, call: &Call, on: &Wait) -> Result<Outcome, Fault>;

    /// Looks at what `call.previous` left behind, against what was last written.
    async fn observe(&self, ports: &Ports, call: &Call) -> Result<Observation, Fault>;

    /// Looks whether what `perform` would bring about is there already, and answers as if it had made it; changes nothing.
    /// Refused where it is not there, differs, or can't be looked at.
    async fn adopt(&self, _: &Ports, _: &Call) -> Result<Outcome, Fault> {
        Err(super::adopt::unseen(self.kind()))
    }

    /// Takes away what `call.previous` left behind; done where it is gone already.
    async fn undo(&self, ports: &Ports, call: &Call) -> Result<Outcome, Fault>;

    /// Says what `perform` would bring about, and changes nothing outside; nothing where that can't be told.
    async fn forecast(&self, _: &Ports, _: &Call) -> Result<Option<Forecast>, Fault> {
        Ok(None)
    }

    /// Tells whom a `config` asks: a host, with its port where that is unusual; nothing where that is nobody outside,
    /// or not known yet.
    fn target(&self, _: &Operator, _: &Value) -> Option<String> {
        None
    }

    /// Returns how long one look may take.
    fn patience(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// Tells whether the next run of a step takes up what an earlier one waits for, so that it is left until nobody
    /// needs it any more; otherwise it is taken back at once.
    fn takes_up(&self) -> bool {
        false
    }

    /// Tells whether it may be performed once more after an attempt whose outcome nobody knows: because it looks
    /// before it does anything, or because the other side knows the key again. Otherwise a person looks.
    fn may_repeat(&self, _config: &Value) -> bool {
        true
    }

    /// Takes back what a step waited for and nobody wants any more; called again after a fault or a crash.
    async fn withdraw(&self, _: &Ports, _: &Call, _: &Wait) -> Result<Withdrawn, Fault> {
        Ok(Withdrawn::Nothing)
    }
}
