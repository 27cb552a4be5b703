//! The states of a step, and which event leads from one to the next; never the run around it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::StepEvent;
use super::fault::Fault;

/// What a waiting step waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    /// `task`, `proposal`, …: who answers.
    pub on: String,
    /// What it is asked by: the id of a task, the number of a proposal, a url.
    pub reference: Value,
    /// For people: `task 3 “Create the ticket”`.
    pub what: String,
}

impl Wait {
    /// Names the thing that is waited for, the same for whoever waits for it.
    pub fn thing(&self) -> String {
        let text = |name: &str| self.reference.get(name).and_then(Value::as_str);
        let number = self.reference.get("number").and_then(Value::as_u64);
        let thing = match (text("about"), text("repository").zip(number), text("url")) {
            (Some(about), ..) => about.to_owned(),
            (None, Some((repository, number)), _) => format!("{repository}#{number}"),
            (None, None, Some(url)) => url.to_owned(),
            (None, None, None) => self.reference.to_string(),
        };
        format!("{} {thing}", self.on)
    }

    /// Tells whether it ends with its step: no newer run takes it up, and nothing of it is outside.
    pub fn ends_with_its_step(&self) -> bool {
        self.on == "approval"
    }
}

/// The state of a step; see the table of states in `docs/reference/states.md`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum StepState {
    /// Something before it is not done.
    #[default]
    Pending,
    /// It may start, not before a moment where it is tried again.
    Ready {
        /// Not before.
        not_before: Option<Timestamp>,
    },
    /// An attempt is under way, or was when the process ended.
    Started,
    /// Nobody knows whether it took effect: the next attempt looks, not before a moment.
    Unknown {
        /// Not before.
        not_before: Timestamp,
    },
    /// It waits for somebody or something.
    Waiting {
        /// For what.
        on: Wait,
    },
    /// It is done.
    Succeeded,
    /// It failed for good.
    Failed {
        /// Why.
        fault: Fault,
    },
    /// Nobody knows whether it took effect, and it can't be looked up.
    NeedsDecision {
        /// Why.
        fault: Fault,
    },
    /// Its condition was false.
    Skipped,
    /// It was called off before it took effect in full: another step failed.
    Cancelled,
    /// It was done, and what it did was taken back.
    Undone,
}

impl StepState {
    /// Tells whether nothing more happens to it.
    pub fn is_over(&self) -> bool {
        !matches!(
            self,
            StepState::Pending
                | StepState::Ready { .. }
                | StepState::Started
                | StepState::Unknown { .. }
                | StepState::Waiting { .. }
        )
    }

    /// Tells whether it is in effect: from its start until its outcome is known.
    pub fn is_in_effect(&self) -> bool {
        matches!(self, StepState::Started | StepState::Unknown { .. })
    }

    /// Tells whether what comes after it may start.
    pub fn lets_on(&self) -> bool {
        matches!(self, StepState::Succeeded | StepState::Skipped)
    }

    /// Returns the state that an event leads to, or `None` where it does not fit.
    pub fn after(&self, event: &StepEvent) -> Option<StepState> {
        let fits = match event {
            StepEvent::Ready => matches!(self, StepState::Pending),
            // From `Started` too: that is how an attempt is taken up again after a crash.
            StepEvent::Started { .. } => {
                matches!(self, StepState::Ready { .. }) || self.is_in_effect()
            }
            StepEvent::Succeeded { .. } | StepEvent::Waiting { .. } | StepEvent::Failed { .. } => {
                matches!(self, StepState::Started | StepState::Waiting { .. })
            }
            StepEvent::Retry { .. } | StepEvent::Unknown { .. } => *self == StepState::Started,
            StepEvent::NeedsDecision { .. } => self.is_in_effect(),
            StepEvent::Answered { .. } => matches!(self, StepState::NeedsDecision { .. }),
            StepEvent::Skipped { .. } => {
                matches!(self, StepState::Pending | StepState::Ready { .. })
            }
            StepEvent::Cancelled { .. } => !self.is_over() && !self.is_in_effect(),
        };
        fits.then(|| StepState::by(event))
    }

    fn by(event: &StepEvent) -> StepState {
        match event {
            StepEvent::Ready => StepState::Ready { not_before: None },
            StepEvent::Started { .. } => StepState::Started,
            StepEvent::Succeeded { .. } | StepEvent::Answered { happened: true, .. } => {
                StepState::Succeeded
            }
            StepEvent::Waiting { on } => StepState::Waiting { on: on.clone() },
            StepEvent::Retry { not_before, .. } => {
                StepState::Ready { not_before: Some(*not_before) }
            }
            StepEvent::Unknown { not_before, .. } => StepState::Unknown { not_before: *not_before },
            StepEvent::Failed { fault } => StepState::Failed { fault: fault.clone() },
            // Its key stays: should it have taken effect after all, the other side knows it again.
            StepEvent::Answered { said, .. } => {
                let message = format!("it did not take effect, says {}: {}", said.by, said.why);
                StepState::Failed { fault: Fault::unknown(message) }
            }
            StepEvent::NeedsDecision { fault } => StepState::NeedsDecision { fault: fault.clone() },
            StepEvent::Skipped { .. } => StepState::Skipped,
            StepEvent::Cancelled { .. } => StepState::Cancelled,
        }
    }
}

impl fmt::Display for StepState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StepState::Pending => "pending",
            StepState::Ready { .. } => "ready",
            StepState::Started => "started",
            StepState::Unknown { .. } => "unknown",
            StepState::Waiting { .. } => "waiting",
            StepState::Succeeded => "succeeded",
            StepState::Failed { .. } => "failed",
            StepState::NeedsDecision { .. } => "needs-decision",
            StepState::Skipped => "skipped",
            StepState::Cancelled => "cancelled",
            StepState::Undone => "undone",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::super::story::event;
    use super::super::{Event, RunState};
    use super::*;

    fn step_event(word: &str) -> StepEvent {
        match event(&format!("s {word}")) {
            Event::Step { event, .. } => event,
            Event::Run { .. } => panic!("{word} happens to a run"),
        }
    }

    /// Checks which events fit a state, and what each of them leads to.
    fn check(state: &StepState, expected: &str) {
        let words = [
            "ready", "start 1", "done", "wait 2", "retry 5", "lost 5", "fail", "unknown", "yes",
            "no", "skip", "cancel",
        ];
        let mut led = Vec::new();
        for word in words {
            if let Some(after) = state.after(&step_event(word)) {
                led.push(format!("{word} → {after}"));
            }
        }
        assert_eq!(led.join(", "), expected, "from {state}");
    }

    #[test]
    fn each_state_takes_these_events_and_no_others() {
        let ready = StepState::Ready { not_before: None };
        check(&StepState::Pending, "ready → ready, skip → skipped, cancel → cancelled");
        check(&ready, "start 1 → started, skip → skipped, cancel → cancelled");
        check(
            &StepState::Started,
            "start 1 → started, done → succeeded, wait 2 → waiting, retry 5 → ready, lost 5 → unknown, \
             fail → failed, unknown → needs-decision",
        );
        let unknown = StepState::Started.after(&step_event("lost 5")).unwrap();
        check(&unknown, "start 1 → started, unknown → needs-decision");
        let undecided = StepState::Started.after(&step_event("unknown")).unwrap();
        check(&undecided, "yes → succeeded, no → failed");
        let waiting = StepState::Started.after(&step_event("wait 1")).unwrap();
        check(&waiting, "done → succeeded, wait 2 → waiting, fail → failed, cancel → cancelled");
        let over = ["done", "fail"];
        let over = over.map(|word| StepState::Started.after(&step_event(word)).unwrap());
        for state in
            over.iter().chain([&StepState::Skipped, &StepState::Cancelled, &StepState::Undone])
        {
            check(state, "");
        }
    }

    #[test]
    fn a_thing_is_the_same_for_whoever_waits_for_it() {
        let thing = |on: &str, reference| {
            Wait { on: on.to_owned(), reference, what: String::new() }.thing()
        };
        let about = json!({"about": "jira:main:OPS-1", "key": "OPS-1", "url": "https://j/OPS-1"});
        assert_eq!(thing("ticket", about), "ticket jira:main:OPS-1");
        let proposal = json!({"repository": "infra", "number": 3, "undo": true});
        assert_eq!(thing("proposal", proposal), "proposal infra#3");
        let poll = json!({"url": "https://api/1", "since": "now"});
        assert_eq!(thing("poll", poll), "poll https://api/1");
        assert_eq!(thing("poll", json!(null)), "poll null");
    }

    /// Returns the names of all variants, as serde lists them where it meets one that it does not know.
    fn names_of<T: DeserializeOwned>(unknown: serde_json::Value) -> BTreeSet<String> {
        let error = serde_json::from_value::<T>(unknown).err().unwrap().to_string();
        let names = error.split('`').skip(1).step_by(2).map(str::to_owned);
        names.filter(|name| name != "?").collect()
    }

    /// Returns the first column of the table under a heading of the page.
    fn documented(heading: &str) -> BTreeSet<String> {
        let page = include_str!("../../docs/reference/states.md");
        let (_, section) = page.split_once(&format!("\n## {heading}\n")).unwrap();
        let rows = section.split("\n## ").next().unwrap().lines();
        let cells = rows.filter_map(|row| row.strip_prefix("| `")?.split('`').next());
        cells.map(str::to_owned).collect()
    }

    #[test]
    fn the_page_of_states_has_every_state_and_no_other() {
        assert_eq!(documented("Steps"), names_of::<StepState>(json!({"state": "?"})));
        assert_eq!(documented("Runs"), names_of::<RunState>(json!("?")));
    }

    #[test]
    fn a_state_is_shown_by_the_name_that_it_is_stored_under() {
        for word in ["done", "wait 1", "retry 5", "lost 5", "fail", "unknown"] {
            let state = StepState::Started.after(&step_event(word)).unwrap();
            assert_eq!(serde_json::to_value(&state).unwrap()["state"], state.to_string());
        }
        for name in names_of::<RunState>(json!("?")) {
            let state: RunState = serde_json::from_value(json!(name)).unwrap();
            assert_eq!(state.to_string(), name);
        }
    }
}
