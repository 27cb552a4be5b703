//! JIRA's webhooks: `/api/v1/webhooks/jira/<instance>`. What they say of a ticket is only a reason to ask.

use async_trait::async_trait;
use serde_json::Value;

use super::about;
use crate::action::{Delivery, Message, Owner, Poke, Ports, Refused, Sender, is_signed};
use crate::digest::Digest;

/// Checks JIRA's webhooks.
pub(in crate::action) struct JiraSender;

#[async_trait]
impl Sender for JiraSender {
    fn name(&self) -> &'static str {
        "jira"
    }

    /// Checks `X-Hub-Signature`, as “Webhooks” of the developer documentation says.
    async fn check(&self, ports: &Ports, message: Message<'_>) -> Result<Delivery, Refused> {
        let instance = ports.operator.jira.get(message.rest).ok_or(Refused::Unknown)?;
        let named = instance.webhook_secret.as_ref().ok_or(Refused::Unsigned)?;
        let found = ports.secrets.find(Owner::Operator, &named.secret).await;
        let secret = found.map_err(|_| Refused::Later)?;
        let header = |name: &str| message.headers.get(name).and_then(|value| value.to_str().ok());
        let signature = header("x-hub-signature").unwrap_or_default();
        if !is_signed(signature, message.body, &[secret]) {
            return Err(Refused::Unsigned);
        }
        let told: Value = serde_json::from_slice(message.body)
            .map_err(|error| Refused::Unreadable(error.to_string()))?;
        // A Data Center numbers no deliveries: the same bytes are the same message.
        let id = header("x-atlassian-webhook-identifier")
            .map_or_else(|| Digest::of_bytes(message.body).to_string(), str::to_owned);
        let key = told.pointer("/issue/key").and_then(Value::as_str);
        let pokes =
            key.map(|key| Poke::Waiting { about: about(message.rest, key) }).into_iter().collect();
        Ok(Delivery { id: format!("{}:{id}", message.rest), pokes })
    }
}
