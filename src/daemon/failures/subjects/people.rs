//! `manual-task`: the other side are people, and nothing is between us.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::subject::{Between, Shared, Subject};

struct People;

pub(super) fn made() -> Shared {
    Arc::new(People)
}

#[async_trait]
impl Subject for People {
    fn document(&self) -> (Value, Value) {
        (json!({"title": "Make {{fields.size}}", "instructions": "By hand."}), json!({}))
    }

    fn between(&self) -> Between<'_> {
        Between::Nothing
    }

    fn is_effect(&self, _: &str) -> bool {
        false
    }

    /// The tasks in our own store are the ledger.
    fn effects(&self) -> Vec<usize> {
        Vec::new()
    }

    fn can(&self, _: Failure) -> bool {
        false
    }
}
