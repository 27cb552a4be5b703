//! Reads the rendered `config` of a ticket. It asks nobody.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::action::Call;
use crate::action::scrub::Scrub;
use crate::run::Fault;

/// The longest summary that JIRA takes, in characters.
const MAX_SUMMARY: usize = 255;

/// The longest description that JIRA takes, in characters.
const MAX_DESCRIPTION: usize = 32_767;

/// The rendered `config`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    pub(super) instance: String,
    pub(super) ticket: TicketConfig,
    #[serde(default)]
    pub(super) wait_for: WaitFor,
    #[serde(default)]
    pub(super) links: Vec<Link>,
}

/// What the ticket says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TicketConfig {
    pub(super) project: String,
    pub(super) issue_type: String,
    pub(super) summary_template: String,
    #[serde(default)]
    pub(super) description_template: String,
    #[serde(default)]
    pub(super) priority: Option<String>,
    #[serde(default)]
    pub(super) labels: Vec<String>,
    #[serde(default)]
    pub(super) components: Vec<String>,
    #[serde(default)]
    pub(super) epic_key: Option<String>,
    #[serde(default)]
    pub(super) assignee: Option<String>,
    #[serde(default)]
    pub(super) custom_fields: Map<String, Value>,
}

/// What of the ticket ends the step.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum WaitFor {
    #[default]
    Done,
    Created,
}

/// A link to another ticket.
#[derive(Debug, Deserialize)]
pub(super) struct Link {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) ticket: String,
}

impl Config {
    /// Reads and checks it, secrets masked; the summary becomes one line.
    pub(super) fn read(call: &Call) -> Result<Self, Fault> {
        let mut config = Self::deserialize(&Scrub::of(call).value(&call.config))
            .map_err(|error| Fault::terminal(format!("`config` cannot be read: {error}")))?;
        let ticket = &mut config.ticket;
        let words: Vec<&str> = ticket.summary_template.split_whitespace().collect();
        ticket.summary_template = words.join(" ");
        let long = |name: &str, text: &str, most: usize| {
            let length = text.chars().count();
            (length > most).then(|| {
                Fault::terminal(format!(
                    "`config/ticket/{name}` renders to {length} characters; JIRA takes {most}"
                ))
            })
        };
        let summary = long("summaryTemplate", &ticket.summary_template, MAX_SUMMARY);
        let description =
            long("descriptionTemplate", &ticket.description_template, MAX_DESCRIPTION);
        match summary.or(description) {
            Some(fault) => Err(fault),
            None => Ok(config),
        }
    }
}

/// Returns the place in `config` that sets a field of JIRA's.
pub(super) fn place_of(field: &str) -> String {
    let key = match field {
        "summary" => "summaryTemplate",
        "description" => "descriptionTemplate",
        "issuetype" => "issueType",
        "parent" => "epicKey",
        "project" | "priority" | "labels" | "components" | "assignee" => field,
        _ => return format!("`config/ticket/customFields/{field}`"),
    };
    format!("`config/ticket/{key}`")
}
