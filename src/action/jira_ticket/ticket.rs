//! A ticket as JIRA tells of it, and where it stands. It asks nobody.

use serde_json::Value;

/// Statuses and resolutions that mean that nobody will do it, beside those that the operator names.
const CANCELLED: [&str; 9] = [
    "cancelled",
    "canceled",
    "rejected",
    "declined",
    "won't do",
    "won't fix",
    "duplicate",
    "invalid",
    "cannot reproduce",
];

/// A ticket, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) key: String,
    /// Name of its status.
    pub(super) status: String,
    /// `new`, `indeterminate` or `done`.
    pub(super) category: String,
    /// Name of its resolution, where it has one.
    pub(super) resolution: Option<String>,
    pub(super) labels: Vec<String>,
}

/// Where a ticket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Somebody has to do it.
    Open,
    /// It is done.
    Done,
    /// Nobody will do it.
    Cancelled,
}

impl Ticket {
    /// Reads an issue of JIRA's; nothing where it is not one.
    pub(super) fn read(issue: &Value) -> Option<Self> {
        let text = |pointer: &str| issue.pointer(pointer).and_then(Value::as_str);
        let labels = issue.pointer("/fields/labels").and_then(Value::as_array);
        Some(Self {
            key: text("/key")?.to_owned(),
            status: text("/fields/status/name")?.to_owned(),
            category: text("/fields/status/statusCategory/key")?.to_owned(),
            resolution: text("/fields/resolution/name").map(str::to_owned),
            labels: labels
                .into_iter()
                .flatten()
                .filter_map(|label| Some(label.as_str()?.to_owned()))
                .collect(),
        })
    }

    /// Tells where it stands; the operator's names of cancelled statuses count beside the usual ones.
    pub(super) fn standing(&self, cancelled: &[String]) -> Standing {
        if self.category != "done" {
            return Standing::Open;
        }
        let is_one = |name: &str| {
            CANCELLED.contains(&name.to_lowercase().as_str())
                || cancelled.iter().any(|other| other.eq_ignore_ascii_case(name))
        };
        match is_one(&self.status) || self.resolution.as_deref().is_some_and(is_one) {
            true => Standing::Cancelled,
            false => Standing::Done,
        }
    }
}
