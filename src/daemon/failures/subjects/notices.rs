//! `notify` by HTTP, against receivers of which only the last knows a notice again.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::subject::{Between, Shared, Subject};
use super::super::wire::{Speech, Wire};
use crate::action::testing::Counterpart;
use crate::action::{Channel, Operator, SecretRef};

struct Notices {
    channel: Channel,
    other: Counterpart,
    wire: Wire,
}

fn named(name: &str) -> SecretRef {
    SecretRef { secret: name.to_owned() }
}

pub(super) async fn slack() -> Shared {
    through(Channel::Slack { url: named("URL") }).await
}

pub(super) async fn teams() -> Shared {
    through(Channel::Teams { url: named("URL") }).await
}

pub(super) async fn webhook() -> Shared {
    through(Channel::Webhook { url: named("URL"), secret: Some(named("TOKEN")) }).await
}

async fn through(channel: Channel) -> Shared {
    let other = Counterpart::start().await;
    let wire = Wire::to(other.address, Speech::Http).await;
    Arc::new(Notices { channel, other, wire })
}

#[async_trait]
impl Subject for Notices {
    fn document(&self) -> (Value, Value) {
        (json!({"channel": "ops", "subject": "Made", "message": "It is there."}), json!({}))
    }

    fn between(&self) -> Between<'_> {
        Between::Wire(&self.wire)
    }

    fn operator(&self) -> Operator {
        let channels = BTreeMap::from([("ops".to_owned(), self.channel.clone())]);
        Operator { channels, ..Operator::default() }
    }

    fn secrets(&self) -> BTreeMap<String, String> {
        BTreeMap::from([("URL".to_owned(), self.wire.url("/services/hunter22-t0ken"))])
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
