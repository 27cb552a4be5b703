//! What a server answers, and what its refusals mean for whoever asked. Nothing of the token is ever in it.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Server;
use crate::action::Response;
use crate::cli::output::Failure;
use crate::cli::table::cell;

/// What the API names its problems by.
const PROBLEMS: &str = "urn:trueline:problem:";

pub(super) const GET_A_TOKEN: &str = "set TRUELINE_TOKEN to a key: under Settings, Keys in the server's portal, or by \
                                      `trueline auth token create --user NAME --note WHY` on its machine";

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
    refused(answer).kind.starts_with(PROBLEMS)
}

/// Tells whether the first request under the same key is still being worked on.
pub(super) fn is_underway(answer: &Response) -> bool {
    answer.status == 409 && refused(answer).kind == format!("{PROBLEMS}idempotency-key-underway")
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
            return Failure::failed(format!("{url} answered more than 1 MiB at once")).hint(
                "ask for less, with `--service` or a smaller `--limit`, or look at its portal",
            );
        }
        let why = cell(why);
        Failure::failed(format!("{url} answered what this version does not understand: {why}"))
            .hint(
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
        let failure = Failure::failed(message.trim_end_matches(':').to_owned());
        match hint(answer, !problem.kind.starts_with(PROBLEMS)) {
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
