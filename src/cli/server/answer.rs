//! What a server answers, and what its refusals mean for whoever asked. Nothing of the token is ever in it.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Server;
use super::send::is_about_trust;
use crate::action::Response;
use crate::cli::output::Failure;
use crate::cli::table::cell;
use crate::run::{Fault, FaultClass};

/// What the API names its problems by.
const PROBLEMS: &str = "urn:trueline:problem:";

pub(super) const GET_A_TOKEN: &str = "set TRUELINE_TOKEN to a key: under Settings, Keys in the server's portal, or by \
                                      `trueline auth token create --user NAME --note WHY` on its machine";

/// What to do where nobody knows whether something was done.
pub(super) const LOOK_FIRST: &str = "nobody knows whether it was recorded: look before you say it again, \
                                     `trueline audit list` tells";

/// Words of the API for what it did not even begin.
const NOT_BEGUN: [&str; 3] = ["busy", "starting", "too-many"];

/// The API's word where a forge fails it: that lasts.
const FORGE: &str = "forge";

/// What the server said no with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cli) struct Refused {
    #[serde(rename = "type")]
    kind: String,
    title: String,
    detail: String,
    pub(in crate::cli) errors: Vec<Wrong>,
}

/// One thing that is wrong with what was sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cli) struct Wrong {
    pub(in crate::cli) pointer: Option<String>,
    parameter: Option<String>,
    pub(in crate::cli) detail: String,
}

/// Reads why the server said no.
pub(in crate::cli) fn refused(answer: &Response) -> Refused {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

/// Tells whether it is the API that said no, and not something before it.
pub(super) fn is_problem(answer: &Response) -> bool {
    refused(answer).word().is_some()
}

impl Refused {
    /// Returns the API's word for the problem; nothing where something else answered.
    fn word(&self) -> Option<&str> {
        self.kind.strip_prefix(PROBLEMS)
    }
}

/// Tells whether the first request under the same key is still being worked on.
fn is_underway(answer: &Response) -> bool {
    answer.status == 409 && refused(answer).word() == Some("idempotency-key-underway")
}

/// Tells whether something that was sent may have been done, though the answer does not say so.
pub(super) fn is_lost(answer: &Result<Response, Fault>) -> bool {
    match answer {
        Err(fault) => fault.class == FaultClass::Unknown,
        Ok(answer) => match answer.status {
            502 | 504 => true,
            503 => refused(answer).word().is_none_or(|word| !NOT_BEGUN.contains(&word)),
            _ => is_underway(answer),
        },
    }
}

/// Tells whether an answer says no more than that it is to be asked for again.
pub(super) fn is_for_later(answer: &Response) -> bool {
    match answer.status {
        429 | 502 | 504 => true,
        503 => refused(answer).word() != Some(FORGE),
        _ => is_underway(answer),
    }
}

/// Says why something is to be asked for again; nothing where this is the last that is said of it.
pub(super) fn why_again(answer: &Result<Response, Fault>) -> Option<String> {
    match answer {
        Err(fault) if fault.class == FaultClass::Terminal || is_about_trust(fault) => None,
        Err(fault) => Some(cell(&fault.message)),
        Ok(answer) => is_for_later(answer).then(|| format!("it answered {}", answer.status)),
    }
}

impl Server {
    /// Reads an answer, or says why there is none.
    pub(in crate::cli) fn read<T: DeserializeOwned>(
        &self,
        answer: &Response,
    ) -> Result<T, Failure> {
        if !(200..300).contains(&answer.status) {
            return Err(self.refusal(answer));
        }
        let read = serde_json::from_slice(&answer.body);
        read.map_err(|error| self.puzzled(answer, &error.to_string()))
    }

    /// Says that an answer is too long, or not what this version understands.
    pub(super) fn puzzled(&self, answer: &Response, why: &str) -> Failure {
        let url = cell(&self.url);
        if answer.truncated {
            return Failure::usage(format!("{url} answered more than 1 MiB at once")).hint(
                "ask for less, with `--service` or a smaller `--limit`, or look at its portal",
            );
        }
        let why = cell(why);
        Failure::usage(format!("{url} answered what this version does not understand: {why}")).hint(
            "is it a Trueline of this version? `trueline version` and its portal's Health tell",
        )
    }

    /// Says what the server said no with, and what to do.
    pub(super) fn refusal(&self, answer: &Response) -> Failure {
        let (url, status) = (cell(&self.url), answer.status);
        let problem = refused(answer);
        let mut message = format!("{url} answered {status}");
        for part in [&problem.title, &problem.detail] {
            if !part.is_empty() {
                message.extend([" ", &cell(part), ":"]);
            }
        }
        // The first stands in the detail, unless that counts them all.
        let first = problem.errors.first();
        let told = first.is_some_and(|first| problem.detail.contains(&first.detail));
        let wrong = problem.errors.iter().skip(usize::from(told)).map(|wrong| {
            let place = wrong.pointer.as_deref().or(wrong.parameter.as_deref()).unwrap_or_default();
            format!(" {} {};", cell(place), cell(&wrong.detail))
        });
        let wrong: String = wrong.collect();
        message += wrong.trim_end_matches(';');
        let message = message.trim_end_matches(':').to_owned();
        let failure = match problem.word() {
            // What makes no sense as things stand ends as it does beside the store; with all else nothing could be asked.
            Some("conflict") => Failure::failed(message),
            _ => Failure::usage(message),
        };
        match hint(answer, problem.word().is_none()) {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// Says what to do about a refusal.
fn hint(answer: &Response, is_other: bool) -> Option<String> {
    let later = answer.header("retry-after").filter(|wait| wait.len() < 10);
    Some(match (answer.status, later) {
        (401, _) => GET_A_TOKEN.to_owned(),
        (403, _) if !is_other => "`trueline auth explain VERB KIND` tells what your roles allow; an admin of the server gives them".to_owned(),
        (300..=399, _) => {
            let place = answer.header("location").unwrap_or_default();
            format!("a token is not sent elsewhere: where `{}` is the server, name that", cell(&place))
        }
        (429 | 503, Some(wait)) => format!("ask again in {} s", cell(&wait)),
        (502 | 504, _) => "what stands before the server can't reach it: ask again in a moment".to_owned(),
        _ if is_other => "is it the address of a Trueline server? something else seems to answer".to_owned(),
        _ => return None,
    })
}
