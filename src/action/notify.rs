//! The `notify` action: tells people something through a channel of the operator's. It never fails, and never holds
//! up a run for longer than its patience.

mod mail;
mod post;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_smtp;

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::action::{Action, Call, Outcome, Ports};
use super::operator::Channel;
use super::scrub::Scrub;
use crate::reconcile::Observation;
use crate::run::{Fault, Wait};

/// The channel that is always there.
const LOG: &str = "log";

/// How long a channel may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// The longest message that is sent, in characters.
const MAX_CHARACTERS: usize = 4_000;

/// The `notify` action.
pub(super) struct Notify;

/// What is told, clean of secrets.
struct Notice {
    /// One line; may be empty.
    subject: String,
    /// As it was written, without control characters.
    message: String,
    /// What it is about: `payments-db announce`.
    title: String,
    service: String,
    /// What a receiver knows it by when it comes twice.
    id: String,
}

impl Notice {
    fn of(call: &Call, scrub: &Scrub) -> Self {
        let text = |key: &str| call.config.get(key).and_then(Value::as_str).unwrap_or_default();
        let clean = |c: &char| *c == '\n' || !c.is_control();
        let message: String = scrub.text(text("message")).chars().filter(clean).collect();
        Self {
            subject: scrub.excerpt(text("subject").as_bytes()),
            message: message.chars().take(MAX_CHARACTERS).collect(),
            title: call.title.clone(),
            service: call.service.clone(),
            id: call.key.clone(),
        }
    }

    /// Returns the subject, or what stands for it.
    fn headline(&self) -> &str {
        if self.subject.is_empty() { &self.title } else { &self.subject }
    }
}

/// Sends a notice; what went wrong, in words that hold no secret of the operator's.
async fn send(ports: &Ports, channel: &str, notice: &Notice) -> Result<(), String> {
    match ports.operator.channels.get(channel) {
        None if channel == LOG => {
            log(channel, notice);
            Ok(())
        }
        None => {
            let hint = "the operator names channels under `[notify.NAME]`";
            Err(format!("there is no channel `{channel}`; {hint}"))
        }
        Some(Channel::Log {}) => {
            log(channel, notice);
            Ok(())
        }
        Some(Channel::Smtp { url, user, password, from, to }) => {
            let sign_in = (user.as_deref(), password.as_ref());
            mail::send(ports, (url, sign_in), (from, to), notice).await
        }
        Some(Channel::Slack { url }) => post::slack(ports, url, notice).await,
        Some(Channel::Teams { url }) => post::teams(ports, url, notice).await,
        Some(Channel::Webhook { url, secret }) => {
            post::webhook(ports, (url, secret.as_ref()), notice).await
        }
    }
}

fn log(channel: &str, notice: &Notice) {
    let Notice { subject, message, service, .. } = notice;
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    tracing::info!(target: "notify", channel, subject, service, "{message}");
}

#[async_trait]
impl Action for Notify {
    fn kind(&self) -> &'static str {
        "notify"
    }

    async fn perform(&self, ports: &Ports, call: &Call) -> Result<Outcome, Fault> {
        let scrub = Scrub::of(call);
        let notice = Notice::of(call, &scrub);
        let channel = call.config.get("channel").and_then(Value::as_str).unwrap_or_default();
        let channel = scrub.excerpt(channel.as_bytes());
        let sent = match call.attempt {
            0 | 1 => {
                // Shorter than the attempt, so that no limit of the engine's takes it for a fault.
                let patience = PATIENCE.min(call.timeout.mul_f64(0.8));
                let sent = tokio::time::timeout(patience, send(ports, &channel, &notice)).await;
                sent.unwrap_or_else(|_| Err("it took too long".to_owned()))
            }
            _ => Err("an earlier attempt may have sent it, so it is not sent again".to_owned()),
        };
        let mut result = Map::from_iter([
            ("channel".to_owned(), json!(channel)),
            ("subject".to_owned(), json!(notice.subject)),
        ]);
        if let Err(why) = sent {
            let why = scrub.excerpt(why.as_bytes());
            tracing::warn!(target: "notify", channel, service = call.service, why, "a notice was not sent");
            log(&channel, &notice);
            result.insert("failed".to_owned(), why.into());
        }
        Ok(done(result.into()))
    }

    async fn look(&self, _: &Ports, _: &Call, _: &Wait) -> Result<Outcome, Fault> {
        Ok(done(Value::Null))
    }

    async fn observe(&self, _: &Ports, _: &Call) -> Result<Observation, Fault> {
        Ok(Observation::Same)
    }

    async fn undo(&self, _: &Ports, _: &Call) -> Result<Outcome, Fault> {
        Ok(done(Value::Null))
    }
}

fn done(result: Value) -> Outcome {
    Outcome::Done { result, outputs: Map::new() }
}
