//! One attempt at a step: carried out by its action, bounded in time, its panic kept from everybody else.

use std::time::Duration;

use crate::action::{self, Outcome, TaskRequest};
use crate::id::{RunId, StepPath};
use crate::reconcile::{Effect, PlannedStep};
use crate::run::Fault;

/// What came of an attempt at a step.
#[derive(Debug)]
pub struct Attempt {
    pub(super) run: RunId,
    pub(super) path: StepPath,
    pub(super) outcome: Result<Outcome, Fault>,
    /// It only asked whether what the step waits for has come.
    pub(super) looked: bool,
}

/// Carries out, or undoes, a step.
pub(super) async fn perform(
    ports: action::Ports,
    step: PlannedStep,
    call: action::Call,
) -> Result<Outcome, Fault> {
    let kind = &step.action.kind;
    let action = action::find(kind)
        .ok_or_else(|| Fault::terminal(format!("`{kind}` is not available in this build")))?;
    match step.effect {
        Effect::Undo => action.undo(&ports, &call).await,
        Effect::Adopt => action.adopt(&ports, &call).await,
        _ => action.perform(&ports, &call).await,
    }
}

/// Bounds an attempt in time, and keeps its panic from anybody else.
pub(super) async fn guarded<T: Send + 'static>(
    timeout: Duration,
    work: impl Future<Output = Result<T, Fault>> + Send + 'static,
) -> Result<T, Fault> {
    let mut task = tokio::spawn(work);
    match tokio::time::timeout(timeout, &mut task).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(Fault::unknown("the action broke down; this is a fault of Trueline's")),
        Err(_) => {
            task.abort();
            Err(Fault::unknown(format!("no answer within {} s", timeout.as_secs())))
        }
    }
}

/// What a person is asked to take away.
pub(super) fn by_hand(call: &action::Call, step: &PlannedStep) -> TaskRequest {
    let sent = serde_json::to_string_pretty(&step.config).unwrap_or_default();
    TaskRequest {
        title: format!("Undo by hand: {}", call.title),
        instructions: format!(
            "Take away what step `{}` ({}) left behind, then complete this task. It was last given:\n{}",
            step.action.id,
            step.action.kind,
            crate::template::show_markers(&sent)
        ),
        outputs: std::collections::BTreeMap::new(),
    }
}

/// Draws a number between 0 and 1.
pub(super) fn jitter() -> f64 {
    let mut bytes = [0_u8; 4];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}
