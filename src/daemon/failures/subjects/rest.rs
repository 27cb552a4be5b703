//! `rest-api` against a counterpart that keeps a ledger by idempotency key.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::subject::{Between, Shared, Subject};
use super::super::wire::{Speech, Wire};
use crate::action::testing::Counterpart;

struct Rest {
    other: Counterpart,
    wire: Wire,
}

pub(super) async fn made() -> Shared {
    let other = Counterpart::start().await;
    let wire = Wire::to(other.address, Speech::Http).await;
    Arc::new(Rest { other, wire })
}

#[async_trait]
impl Subject for Rest {
    fn document(&self) -> (Value, Value) {
        let thing = self.wire.url("/things/1");
        let config = json!({
            "endpoint": {"url": self.wire.url("/things"), "method": "POST"},
            "authentication": {"type": "bearer", "token": "TOKEN"},
            "body": {"contentTemplate": {"size": "{{json fields.size}}"}},
            "observe": {"url": thing}, "delete": {"url": thing},
        });
        (config, json!({"url": "/connection/url"}))
    }

    fn between(&self) -> Between<'_> {
        Between::Wire(&self.wire)
    }

    fn is_effect(&self, line: &str) -> bool {
        line.starts_with("POST ") || line.starts_with("DELETE ")
    }

    fn effects(&self) -> Vec<usize> {
        vec![self.other.ledger().iter().filter(|(_, what)| what.starts_with("POST ")).count()]
    }

    fn removals(&self) -> Vec<usize> {
        vec![self.other.ledger().iter().filter(|(_, what)| what.starts_with("DELETE ")).count()]
    }

    fn can(&self, _: Failure) -> bool {
        true
    }
}
