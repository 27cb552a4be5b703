//! Asks how far work is that was accepted with `202`, until it is done. What it waits for is kept by the run;
//! only when it asked last is kept here.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::answer;
use super::config::{Config, Prepared, add_query, parse_url};
use crate::action::Response;
use crate::action::scrub::{Scrub, is_masked};
use crate::catalog::duration;
use crate::run::{Fault, Wait};

/// Between two questions where nothing is said.
const INTERVAL: Duration = Duration::from_secs(5);

/// How long it may take in all where nothing is said.
const TIMEOUT: Duration = Duration::from_mins(10);

/// How many steps are remembered that wait.
const MOST_WAITING: usize = 10_000;

/// The rendered `poll`.
#[derive(Debug, Deserialize)]
pub(super) struct Poll {
    url: Option<String>,
    /// Parameter → pointer into the answer that accepted the work.
    #[serde(default)]
    query: BTreeMap<String, String>,
    until: Until,
    interval: Option<String>,
    timeout: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Until {
    pointer: String,
    #[serde(rename = "in")]
    done: Vec<Value>,
    #[serde(default)]
    failed: Vec<Value>,
}

/// What is kept of work that was accepted: what a later process needs to ask on.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Accepted {
    /// Where the progress is asked for, secrets masked.
    pub(super) url: String,
    /// When it was accepted.
    pub(super) since: Timestamp,
    /// Whether something is being taken away.
    pub(super) undoes: bool,
    /// What is kept of the first answer, without its body.
    pub(super) result: Value,
    /// Outputs that the first answer had already; the engine seals sensitive ones.
    pub(super) outputs: Map<String, Value>,
}

/// How far the work is.
#[derive(Debug, PartialEq)]
pub(super) enum Progress {
    /// It goes on.
    Waits,
    /// It is done.
    Done,
    /// There is nothing any more that could be asked about.
    Gone,
}

impl Poll {
    /// Returns where the progress of accepted work is asked for.
    pub(super) fn url(
        &self,
        prepared: &Prepared,
        response: &Response,
        undoes: bool,
    ) -> Result<String, Fault> {
        let location = response.header("location");
        // What is taken away may be asked about elsewhere than what was made.
        let own = self.url.clone();
        let text = own.or_else(|| location.clone()).ok_or_else(|| {
            let doing = if undoes { "`delete`" } else { "`endpoint`" };
            Fault::terminal(format!(
                "{doing} answered 202 without a `Location`, and `poll` has no `url`: nobody can be asked"
            ))
        })?;
        let base = parse_url(&prepared.request.url)?;
        let mut url = base
            .join(&text)
            .map_err(|_| Fault::terminal("the place to ask for progress is not a URL"))?;
        let body = answer::json_body(response);
        let pairs = self.query.iter().filter_map(|(name, pointer)| {
            // What the other side leaves out is not asked with.
            match body.as_ref()?.pointer(pointer)? {
                Value::String(text) => Some((name, text.clone())),
                value @ (Value::Number(_) | Value::Bool(_)) => Some((name, value.to_string())),
                _ => None,
            }
        });
        add_query(&mut url, pairs);
        Ok(url.into())
    }

    /// Tells whether it may not take any longer.
    pub(super) fn is_over(&self, accepted: &Accepted, now: Timestamp) -> Result<(), Fault> {
        let timeout = self.timeout.as_deref().and_then(duration).unwrap_or(TIMEOUT);
        let since = now.duration_since(accepted.since);
        if Duration::try_from(since).unwrap_or_default() < timeout {
            return Ok(());
        }
        let seconds = timeout.as_secs();
        Err(Fault::terminal(format!("the work that was accepted was not done within {seconds} s")))
    }

    pub(super) fn interval(&self) -> Duration {
        self.interval.as_deref().and_then(duration).unwrap_or(INTERVAL)
    }

    /// Reads an answer to the question how far the work is.
    pub(super) fn read(
        &self,
        (prepared, response): (&Prepared, &Response),
        scrub: &Scrub,
    ) -> Result<Progress, Fault> {
        if matches!(response.status, 404 | 410) {
            return Ok(Progress::Gone);
        }
        let (what, excerpt) = (&prepared.what, || scrub.excerpt(&response.body));
        // The work goes on whatever an answer looks like: it is asked for again, until `poll` says that it is enough.
        if response.truncated && prepared.expect.contains(response.status) {
            let said = format!("{what} answered more than 1 MiB, which is not read: {}", excerpt());
            return Err(Fault::transient(said));
        }
        answer::judge(response, &prepared.expect, what, scrub)?;
        let Some(body) = answer::json_body(response) else {
            return Err(Fault::transient(format!("{what} answered no JSON: {}", excerpt())));
        };
        let found = body.pointer(&self.until.pointer);
        let is =
            |values: &[Value]| found.is_some_and(|found| values.iter().any(|v| says(v, found)));
        if is(&self.until.failed) {
            return Err(Fault::terminal(format!(
                "the work that was accepted failed: {}",
                excerpt()
            )));
        }
        Ok(if is(&self.until.done) { Progress::Done } else { Progress::Waits })
    }
}

/// Compares with what a template rendered, which is text whatever the type on the other side.
pub(super) fn says(ours: &Value, theirs: &Value) -> bool {
    ours == theirs || ours.as_str().is_some_and(|ours| theirs.to_string().as_str() == ours)
}

impl Accepted {
    /// Makes it what a run waits for.
    pub(super) fn wait(&self, what: &str, scrub: &Scrub) -> Result<Wait, Fault> {
        let reference = serde_json::to_value(self).map_err(|error| {
            Fault::terminal(format!("what is waited for cannot be kept: {error}"))
        })?;
        let doing = if self.undoes { "to be taken away" } else { "to be done" };
        Ok(Wait { on: "poll".to_owned(), reference, what: scrub.text(&format!("{what} {doing}")) })
    }

    /// Returns the place to ask at; nobody is asked at one whose secrets were masked when it was kept.
    pub(super) fn url(&self) -> Result<&str, Fault> {
        if is_masked(&Value::String(self.url.clone())) {
            return Err(Fault::terminal(
                "the place to ask for progress holds a secret, which is not kept; give `poll` a `url` without one",
            ));
        }
        Ok(&self.url)
    }

    pub(super) fn read(on: &Wait) -> Result<Self, Fault> {
        Self::deserialize(&on.reference).map_err(|error| {
            Fault::terminal(format!("what was waited for cannot be read: {error}"))
        })
    }
}

/// When steps asked last; a process that starts anew asks at once.
pub(super) struct Asked(Mutex<BTreeMap<String, Instant>>);

impl Asked {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// Tells whether a step may ask now.
    pub(super) fn may_ask(&self, key: &str) -> bool {
        self.0.lock().is_ok_and(|asked| asked.get(key).is_none_or(|next| *next <= Instant::now()))
    }

    /// Lets a step ask again after a pause.
    pub(super) fn next(&self, key: &str, pause: Duration) {
        let Ok(mut asked) = self.0.lock() else { return };
        if asked.len() >= MOST_WAITING {
            asked.clear();
        }
        if let Some(next) = Instant::now().checked_add(pause) {
            asked.insert(key.to_owned(), next);
        }
    }

    /// Forgets a step that waits no more.
    pub(super) fn forget(&self, key: &str) {
        if let Ok(mut asked) = self.0.lock() {
            asked.remove(key);
        }
    }
}

impl Config {
    /// Tells whether an answer means that the work goes on.
    pub(super) fn goes_on(&self, response: &Response) -> Option<&Poll> {
        self.poll.as_ref().filter(|_| response.status == 202)
    }
}
