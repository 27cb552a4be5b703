//! Tells from an answer that nothing is there. It never takes a refusal or a failure for that.

use serde::Deserialize;
use serde_json::Value;

use super::answer;
use super::config::{Prepared, Statuses};
use super::poll::says;
use crate::action::Response;

/// An answer other than `404` and `410` that means it: interfaces that answer a `400` with a word, or an empty list.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Gone {
    /// Any status but those that never mean it, where absent.
    #[serde(default)]
    status: Vec<Value>,
    pointer: String,
    #[serde(rename = "in")]
    values: Vec<Value>,
}

impl Prepared {
    /// Tells whether an answer means that there is nothing.
    pub(super) fn is_gone(&self, response: &Response) -> bool {
        matches!(response.status, 404 | 410)
            || self.gone.as_ref().is_some_and(|gone| gone.says_so(response))
    }
}

impl Gone {
    fn says_so(&self, response: &Response) -> bool {
        // Who may not look, comes too often or finds it broken has seen nothing.
        let unseen = matches!(response.status, 401 | 403 | 407 | 408 | 425 | 429 | 500..);
        if unseen || response.truncated {
            return false;
        }
        let expected = self.status.is_empty()
            || Statuses::of(&self.status).is_some_and(|all| all.contains(response.status));
        let body = answer::json_body(response).filter(|_| expected);
        let found = body.as_ref().and_then(|body| body.pointer(&self.pointer));
        found.is_some_and(|found| self.values.iter().any(|value| says(value, found)))
    }
}
