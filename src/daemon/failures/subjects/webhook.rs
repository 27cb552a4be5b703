//! `webhook` against a receiver that knows a message again by its id.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::subject::{Between, Shared, Subject};
use super::super::wire::{Speech, Wire};
use crate::action::testing::Counterpart;

struct Webhook {
    other: Counterpart,
    wire: Wire,
}

pub(super) async fn made() -> Shared {
    let other = Counterpart::start().await;
    let wire = Wire::to(other.address, Speech::Http).await;
    Arc::new(Webhook { other, wire })
}

#[async_trait]
impl Subject for Webhook {
    fn document(&self) -> (Value, Value) {
        let config = json!({
            "endpoint": {"url": self.wire.url("/hooks")},
            "body": {"template": {"size": "{{json fields.size}}"}},
            "signature": {"secret": "TOKEN"},
            "headers": {"x-key": "{{secrets.TOKEN}}"},
        });
        (config, json!({"url": "/connection/url"}))
    }

    fn between(&self) -> Between<'_> {
        Between::Wire(&self.wire)
    }

    fn is_effect(&self, _: &str) -> bool {
        true
    }

    fn effects(&self) -> Vec<usize> {
        vec![self.other.ledger().len()]
    }

    fn can(&self, _: Failure) -> bool {
        true
    }
}
