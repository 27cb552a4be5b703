//! The record of approvals: what people were asked, and what became of it. Their words are decisions.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::decision::{Decision, DecisionKind};
use crate::id::{RunId, StepPath};
use crate::run::{Approvers, Ask, Tally, Word, tally};

/// The state of an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApprovalState {
    /// It waits for people.
    Open,
    /// Enough people granted it.
    Granted,
    /// Somebody rejected it.
    Rejected,
    /// It is no longer asked: its run ended.
    Void,
    /// Its time passed.
    Expired,
}

impl std::fmt::Display for ApprovalState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ApprovalState::Open => "open",
            ApprovalState::Granted => "granted",
            ApprovalState::Rejected => "rejected",
            ApprovalState::Void => "void",
            ApprovalState::Expired => "expired",
        })
    }
}

/// What people are asked to approve in the middle of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    /// Its number; 0 before it is stored.
    pub number: i64,
    /// The run that waits for it.
    pub run: RunId,
    /// The step that waits for it.
    pub step: StepPath,
    /// The service it is for.
    pub service: String,
    /// What is asked.
    pub ask: Ask,
    /// Who may answer.
    pub may: Approvers,
    /// Its state.
    pub state: ApprovalState,
    /// Why it is no longer open.
    pub why: Option<String>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When its time passes, where it does.
    pub expires_at: Option<Timestamp>,
}

impl Approval {
    /// Counts what people said to it, in the order in which they said it.
    pub fn tally(&self, said: &[Decision]) -> Tally {
        let words: Vec<Word> = said.iter().filter_map(|one| self.word(one)).collect();
        tally(&words, (&self.ask, &self.may), self.expires_at)
    }

    fn word(&self, said: &Decision) -> Option<Word> {
        let (grants, text, answers) = match &said.decision {
            DecisionKind::Grant { approval, comment, answers } if *approval == self.number => {
                (true, comment.clone(), answers.clone())
            }
            DecisionKind::Refuse { approval, reason } if *approval == self.number => {
                (false, reason.clone(), Map::<String, Value>::new())
            }
            _ => return None,
        };
        Some(Word { by: said.by.clone(), at: said.at, grants, text, answers })
    }

    /// Says what is missing, of whom, and until when: `2 of ada, bob, cem (1 granted: ada), until …`.
    pub fn missing(&self, tally: &Tally) -> String {
        let granted = match tally.granted.as_slice() {
            [] => String::new(),
            some => format!(" ({} granted: {})", some.len(), some.join(", ")),
        };
        let short = self.may.shortage(self.ask.required).map(|short| format!(", but {short}"));
        let until = self.expires_at.map(|until| format!(", until {until:.0}"));
        [format!("{} of {}", self.ask.required, self.may), granted]
            .into_iter()
            .chain(short)
            .chain(until)
            .collect()
    }
}
