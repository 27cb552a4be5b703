//! `jira-ticket` against a JIRA that keeps its tickets and links.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::subject::{Between, Shared, Subject, age};
use super::super::wire::{Speech, Wire};
use crate::action::testing::FakeJira;
use crate::action::{JiraEdition, JiraInstance, Operator, SecretRef};

struct Jira {
    jira: FakeJira,
    wire: Wire,
}

pub(super) async fn made() -> Shared {
    let jira = FakeJira::start().await;
    let wire = Wire::to(jira.address, Speech::Http).await;
    Arc::new(Jira { jira, wire })
}

#[async_trait]
impl Subject for Jira {
    fn document(&self) -> (Value, Value) {
        let config = json!({
            "instance": "main",
            "ticket": {"project": "OPS", "issueType": "Task", "summaryTemplate": "Size {{fields.size}}"},
            "links": [{"type": "blocks", "ticket": "OPS-99"}],
        });
        (config, json!({}))
    }

    fn between(&self) -> Between<'_> {
        Between::Wire(&self.wire)
    }

    fn operator(&self) -> Operator {
        let instance = JiraInstance {
            url: self.wire.url(""),
            edition: JiraEdition::Cloud,
            user: Some("robot".to_owned()),
            token: SecretRef { secret: "TOKEN".to_owned() },
            webhook_secret: None,
            cancelled: Vec::new(),
        };
        let jira = BTreeMap::from([("main".to_owned(), instance)]);
        Operator { jira, ..Operator::default() }
    }

    fn is_effect(&self, line: &str) -> bool {
        ["/issue", "/issueLink"].iter().any(|end| line.starts_with("POST ") && line.ends_with(end))
    }

    fn effects(&self) -> Vec<usize> {
        vec![self.jira.keys().len(), self.jira.links()]
    }

    async fn people(&self) {
        for key in self.jira.keys() {
            self.jira.moved(&key, "Done", "done");
        }
    }

    /// The note of a ticket ages.
    fn later(&self, state: &Path, by: Duration) {
        age(&state.join("tickets"), by);
    }

    fn can(&self, _: Failure) -> bool {
        true
    }
}
