//! `github-workflow` against a GitHub that runs nothing, and remembers every dispatch.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::subject::{Between, Shared, Subject, age};
use super::git::{APP, Hub};
use crate::action::Operator;

struct Workflow(Hub);

pub(super) async fn made() -> Shared {
    Arc::new(Workflow(Hub::start().await))
}

#[async_trait]
impl Subject for Workflow {
    fn document(&self) -> (Value, Value) {
        let inputs = json!({"size": "{{fields.size}}"});
        (json!({"repository": APP, "workflow": "provision.yml", "inputs": inputs}), json!({}))
    }

    fn between(&self) -> Between<'_> {
        Between::Wire(&self.0.wire)
    }

    fn operator(&self) -> Operator {
        self.0.operator()
    }

    fn is_effect(&self, line: &str) -> bool {
        line.ends_with("/dispatches")
    }

    fn effects(&self) -> Vec<usize> {
        vec![self.0.github.runs().len()]
    }

    async fn people(&self) {
        for id in self.0.github.runs() {
            self.0.github.end_run(id, "success", None);
        }
    }

    /// The note of a dispatch ages.
    fn later(&self, state: &Path, by: Duration) {
        age(&state.join("dispatches"), by);
    }

    fn can(&self, _: Failure) -> bool {
        true
    }
}
