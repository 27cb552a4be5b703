//! One entry of a run's journal, as the API tells it: a wire form of its own. Sealed outputs stay sealed.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::engine::Told;
use crate::store::JournalEntry;

/// One entry of a run's journal.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EntryWire {
    /// Its number in the run, from 1.
    seq: i64,
    #[schema(format = DateTime)]
    at: String,
    /// The step that it is about; the run itself where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    /// `started`, `succeeded`, `waiting`, …
    event: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    /// What its effect is known again by on the other side.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    not_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// Sensitive values masked.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(required = false)]
    outputs: Map<String, Value>,
}

impl EntryWire {
    /// Takes it from a journal.
    pub(super) fn of(entry: &JournalEntry) -> Self {
        let Told { seq, at, step, event, attempt, key, not_before, why, outputs } = Told::of(entry);
        let (at, not_before) = (at.to_string(), not_before.map(|at| at.to_string()));
        Self { seq, at, step, event, attempt, key, not_before, why, outputs }
    }
}
