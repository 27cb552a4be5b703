//! The entries of the audit chain: each holds the hash of the one before it, so that no edit goes unnoticed.
//! What the chain does not show by itself is that its newest entries were cut off.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::decision::DecisionKind;
use crate::digest::Digest;
use crate::id::StepPath;
use crate::run::{Control, Event, Fault, Run, RunEvent, Said, StepEvent};

/// Longest answer that an entry repeats; of a longer one it keeps the digest.
const LONGEST_ANSWER: usize = 1000;

/// One entry of the audit chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its number, rising from 1 without gaps.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who: a person, or `trueline`.
    pub actor: String,
    /// What: `approve`, `run.created`, `step.succeeded`, …
    pub what: String,
    /// About which service, run or digest, with what answer; secrets masked.
    pub detail: Value,
    /// Hash of the entry before it.
    pub previous: Digest,
    /// Hash over all of the above.
    pub hash: Digest,
}

impl AuditEntry {
    /// Computes the hash over everything but the hash; times count in milliseconds.
    pub fn compute_hash(&self) -> Digest {
        Digest::of_json(&json!({
            "seq": self.seq,
            "at": self.at.as_millisecond(),
            "actor": self.actor,
            "what": self.what,
            "detail": self.detail,
            "previous": self.previous,
        }))
    }
}

/// Which entries of the audit chain are listed, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// About this service: its runs, the approvals of its changes, its tasks.
    pub service: Option<String>,
    /// By this person, or by `trueline`.
    pub actor: Option<String>,
    /// Not before this moment.
    pub since: Option<Timestamp>,
    /// Only those before this number: the next page.
    pub before: Option<i64>,
}

/// What stands where the first entry names the one before it.
pub(super) fn start_of_chain() -> Digest {
    Digest::of_bytes(b"trueline audit chain")
}

/// Tells of a decision: what happened, and about what. What was entered for a task stays out, it may be secret.
pub(super) fn tell_decision(seq: i64, decision: &DecisionKind) -> (&'static str, Value) {
    match decision {
        DecisionKind::Approve { subject, changes, comment } => {
            let mut detail = json!({"decision": seq, "subject": subject, "changes": changes});
            if !comment.is_empty() {
                set(&mut detail, "comment", json!(comment));
            }
            ("approve", detail)
        }
        DecisionKind::Reject { subject, changes, reason } => (
            "reject",
            json!({"decision": seq, "subject": subject, "changes": changes, "reason": reason}),
        ),
        DecisionKind::CompleteTask { task, outputs } => {
            let names: Vec<&String> = outputs.keys().collect();
            ("task.completed", json!({"decision": seq, "task": task, "outputs": names}))
        }
        DecisionKind::Grant { approval, comment, answers } => {
            let names: Vec<&String> = answers.keys().collect();
            (
                "approval.grant",
                json!({"decision": seq, "approval": approval, "comment": comment, "answers": names}),
            )
        }
        DecisionKind::Refuse { approval, reason } => {
            ("approval.reject", json!({"decision": seq, "approval": approval, "reason": reason}))
        }
        DecisionKind::Control { run, service, control, reason } => {
            let mut detail =
                json!({"decision": seq, "run": run, "service": service, "reason": reason});
            set_control(&mut detail, control);
            (word_of(control), detail)
        }
        DecisionKind::BreakGlass { change, service, reason } => (
            "break-glass",
            json!({"decision": seq, "service": service, "subject": change, "reason": reason}),
        ),
        DecisionKind::Adopt { service, reason } => ("adopt", on_service(seq, service, reason)),
        DecisionKind::Hold { service, reason } => ("hold", on_service(seq, service, reason)),
        DecisionKind::Release { service, reason } => ("release", on_service(seq, service, reason)),
        DecisionKind::Forget { service, still_wanted, reason } => (
            "forget",
            json!({"decision": seq, "service": service, "stillWanted": still_wanted, "reason": reason}),
        ),
        DecisionKind::Operate { service, operation, reason } => {
            let mut detail = on_service(seq, service, reason);
            set(&mut detail, "operation", json!(operation));
            ("operate", detail)
        }
        DecisionKind::ResetBreaker { action, target, reason } => {
            ("breaker.reset", on_breaker(seq, (action, target), reason))
        }
        DecisionKind::Apply { service } => ("apply", json!({"decision": seq, "service": service})),
    }
}

fn on_breaker(seq: i64, (action, target): (&str, &str), reason: &str) -> Value {
    json!({"decision": seq, "action": action, "target": target, "reason": reason})
}

fn on_service(seq: i64, service: &str, reason: &str) -> Value {
    json!({"decision": seq, "service": service, "reason": reason})
}

/// Tells what is said with a word on a run.
fn set_control(detail: &mut Value, control: &Control) {
    match control {
        Control::Decide { step, happened, outputs } => {
            let names: Vec<&String> = outputs.keys().collect();
            set(detail, "step", json!(step));
            set(detail, "happened", json!(happened));
            set(detail, "outputs", json!(names));
        }
        Control::Retry { from_failed } => set(detail, "fromFailed", json!(from_failed)),
        _ => {}
    }
}

/// Names what is asked of a run, as the audit chain does.
fn word_of(control: &Control) -> &'static str {
    match control {
        Control::Cancel => "run.cancel",
        Control::Pause => "run.pause",
        Control::Resume => "run.resume",
        Control::Retry { .. } => "run.retry",
        Control::Redrive => "run.redrive",
        Control::Escalate => "run.escalate",
        Control::Rollback => "run.rollback",
        Control::Decide { .. } => "run.decide",
    }
}

/// Tells of an event in a run's journal: what happened, and about what.
pub(super) fn tell_event(run: &Run, event: &Event) -> (&'static str, Value) {
    let mut detail =
        json!({"run": run.id, "service": run.change.service, "change": run.change.digest});
    let (what, more) = match event {
        Event::Run { event } => tell_run(event),
        Event::Step { path, event } => {
            set(&mut detail, "step", json!(path));
            if matches!(event, StepEvent::Failed { .. } | StepEvent::NeedsDecision { .. }) {
                set(&mut detail, "action", json!(action_of(run, path)));
            }
            tell_step(event)
        }
    };
    if let Value::Object(more) = more {
        for (name, value) in more {
            set(&mut detail, &name, value);
        }
    }
    (what, detail)
}

/// Returns the type of a step's action.
fn action_of<'r>(run: &'r Run, path: &StepPath) -> Option<&'r str> {
    let mut steps = run.change.units.iter().flat_map(|unit| &unit.steps);
    steps.find(|step| step.path == *path).map(|step| step.action.kind.as_str())
}

fn set(detail: &mut Value, name: &str, value: Value) {
    if let Value::Object(map) = detail {
        map.insert(name.to_owned(), value);
    }
}

fn tell_run(event: &RunEvent) -> (&'static str, Value) {
    match event {
        RunEvent::Started => ("run.started", Value::Null),
        RunEvent::Succeeded => ("run.succeeded", Value::Null),
        RunEvent::Failed { why } => ("run.failed", json!({"why": why})),
        RunEvent::NeedsDecision { why } => ("run.needs-decision", json!({"why": why})),
        RunEvent::Parked { why } => ("run.parked", json!({"why": why})),
        RunEvent::Superseded { commit } => ("run.superseded", json!({"commit": commit})),
        RunEvent::Cancelled { by, why } => ("run.cancelled", json!({"by": by, "why": why})),
        RunEvent::Paused { said } => ("run.paused", said_by(said)),
        RunEvent::Resumed { said } => ("run.resumed", said_by(said)),
        RunEvent::Retried { said, .. } => ("run.retried", said_by(said)),
        RunEvent::Redriven { said } => ("run.redriven", said_by(said)),
        RunEvent::Escalated { said, .. } => ("run.escalated", said_by(said)),
        RunEvent::RollingBack { said, .. } => ("run.rolling-back", said_by(said)),
        RunEvent::RolledBack => ("run.rolled-back", Value::Null),
        RunEvent::Hooked { why, .. } => ("run.hooked", json!({"why": why})),
    }
}

fn tell_step(event: &StepEvent) -> (&'static str, Value) {
    match event {
        StepEvent::Ready => ("step.ready", Value::Null),
        StepEvent::Started { attempt, key, sent } => {
            ("step.started", json!({"attempt": attempt, "key": key, "sent": sent}))
        }
        StepEvent::Succeeded { result, outputs } => {
            let names: Vec<&String> = outputs.keys().collect();
            ("step.succeeded", json!({"answer": shortened(result), "outputs": names}))
        }
        StepEvent::Waiting { on } => ("step.waiting", json!({"on": on.on, "what": on.told()})),
        StepEvent::Retry { fault, not_before } => {
            ("step.retry", json!({"fault": told(fault), "notBefore": not_before}))
        }
        StepEvent::Unknown { fault, not_before } => {
            ("step.unknown", json!({"fault": told(fault), "notBefore": not_before}))
        }
        StepEvent::Answered { said, happened, outputs } => {
            let names: Vec<&String> = outputs.keys().collect();
            let (by, why) = (&said.by, &said.why);
            let answer = json!({"by": by, "why": why, "happened": happened, "outputs": names});
            ("step.answered", answer)
        }
        StepEvent::Failed { fault } => ("step.failed", json!({"fault": told(fault)})),
        StepEvent::NeedsDecision { fault } => {
            ("step.needs-decision", json!({"fault": told(fault)}))
        }
        StepEvent::Skipped { why } => ("step.skipped", json!({"why": why})),
        StepEvent::Cancelled { why } => ("step.cancelled", json!({"why": why})),
    }
}

fn said_by(said: &Said) -> Value {
    json!({"by": said.by, "why": said.why, "decision": said.decision})
}

fn told(fault: &Fault) -> Value {
    json!({"class": fault.class, "message": fault.message})
}

fn shortened(answer: &Value) -> Value {
    if answer.to_string().len() <= LONGEST_ANSWER {
        return answer.clone();
    }
    json!({"digest": Digest::of_json(answer)})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_entered_for_a_task_is_not_told() {
        let outputs = json!({"password": "hunter22"}).as_object().cloned().unwrap_or_default();
        let (_, detail) = tell_decision(1, &DecisionKind::CompleteTask { task: 3, outputs });
        assert_eq!(detail, json!({"decision": 1, "task": 3, "outputs": ["password"]}));
    }
}
