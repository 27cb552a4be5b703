//! The rendered `config` of a `github-workflow` action, read into the work that it means. It reaches nothing outside.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::action::Call;
use crate::action::scrub::Scrub;
use crate::digest::Digest;
use crate::run::{Fault, Wait};
use crate::template::{has_sensitive, has_unknown};

/// The most inputs of a dispatch («Create a workflow dispatch event»).
const MOST_INPUTS: usize = 25;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    repository: String,
    workflow: String,
    #[serde(rename = "ref")]
    reference: Option<String>,
    #[serde(default)]
    inputs: Map<String, Value>,
    #[serde(default = "correlation_id")]
    correlation_input: String,
    #[serde(default = "yes")]
    wait_for_completion: bool,
    #[serde(default = "yes")]
    fail_on_workflow_failure: bool,
    timeout: Option<String>,
    artifact: Option<String>,
}

fn yes() -> bool {
    true
}

fn correlation_id() -> String {
    "correlation_id".to_owned()
}

/// What a call asks for.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) repository: String,
    pub(super) workflow: String,
    /// The default branch where absent.
    pub(super) reference: Option<String>,
    /// With the correlation.
    pub(super) inputs: Map<String, Value>,
    /// Name of the input that holds the correlation.
    pub(super) input: String,
    /// By what its run is known: the same for the same key, and never a part of another one.
    pub(super) correlation: String,
    pub(super) wait: bool,
    pub(super) fail: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) artifact: Option<String>,
    /// Name of an output → JSON pointer into the result.
    pub(super) outputs: BTreeMap<String, String>,
}

impl Work {
    pub(super) fn read(call: &Call, scrub: &Scrub) -> Result<Self, Fault> {
        let text = call.config.to_string();
        if has_unknown(&text) || has_sensitive(&text) {
            return Err(Fault::terminal("`config` holds a value that is not known yet"));
        }
        if scrub.text(&text) != text {
            return Err(Fault::terminal(
                "`config` holds a secret, and GitHub shows everybody the inputs of a workflow; let the workflow read its own secrets",
            ));
        }
        let config = Config::deserialize(&call.config)
            .map_err(|error| Fault::terminal(format!("`config` cannot be read: {error}")))?;
        let odd = |c: char| c.is_control() || matches!(c, '/' | '?' | '#' | '%');
        if config.workflow.contains(odd) || matches!(config.workflow.as_str(), "" | "." | "..") {
            return Err(Fault::terminal(
                "`workflow` is no name of a file, such as `provision.yml`",
            ));
        }
        let timeout = match &config.timeout {
            Some(text) => Some(crate::catalog::duration(text).ok_or_else(|| {
                Fault::terminal(format!("`timeout`: `{text}` is not a duration such as `30m`"))
            })?),
            None => None,
        };
        let correlation = correlation_of(&call.key);
        let mut inputs: Map<String, Value> = config.inputs.into_iter().map(as_text).collect();
        if inputs
            .insert(config.correlation_input.clone(), Value::String(correlation.clone()))
            .is_some()
        {
            return Err(Fault::terminal(format!(
                "`inputs` has `{}`, which holds the correlation; name another one in `correlationInput`",
                config.correlation_input
            )));
        }
        if inputs.len() > MOST_INPUTS {
            return Err(Fault::terminal(
                "GitHub takes at most 25 inputs, and one is the correlation",
            ));
        }
        Ok(Self {
            repository: config.repository,
            workflow: config.workflow,
            reference: config.reference,
            inputs,
            input: config.correlation_input,
            correlation,
            wait: config.wait_for_completion,
            fail: config.fail_on_workflow_failure,
            timeout,
            artifact: config.artifact,
            outputs: call.outputs.clone(),
        })
    }
}

/// Returns by what the run of a key is known.
pub(super) fn correlation_of(key: &str) -> String {
    let digest = Digest::of_bytes(key.as_bytes()).to_string();
    let hex: String = digest.chars().filter(char::is_ascii_hexdigit).take(20).collect();
    format!("trueline-{hex}")
}

/// Inputs are texts to GitHub, whatever the workflow makes of them.
fn as_text((name, value): (String, Value)) -> (String, Value) {
    let text = match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    (name, Value::String(text))
}

/// Reads what is waited for: the run where it is known, and since when.
pub(super) fn reference(on: &Wait) -> Result<(Option<u64>, Timestamp), Fault> {
    let since = on.reference.get("since").and_then(Value::as_str).and_then(|it| it.parse().ok());
    let since = since.ok_or_else(|| Fault::terminal("what is waited for has no beginning"))?;
    Ok((on.reference.get("number").and_then(Value::as_u64), since))
}
