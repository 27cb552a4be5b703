//! The `webhook` action: one signed message, and with `callback` a step that waits for what its receiver posts
//! back. It never follows a redirect, and never tries again by itself.

mod config;
#[cfg(test)]
mod tests;

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use self::config::Config;
use super::action::{Action, Call, Outcome, Ports};
use super::callbacks::about_callback;
use super::operator::Operator;
use super::rest_api::answer;
use super::scrub::Scrub;
use super::target::host_at;
use crate::reconcile::Observation;
use crate::run::{Fault, FaultClass, Wait};

/// What a waiting step waits on.
const CALLBACK: &str = "callback";

/// Ends just before an attempt does by default, so that the fault says what was being waited for.
const PATIENCE: Duration = Duration::from_secs(290);

/// The `webhook` action.
pub(super) struct Webhook;

impl Webhook {
    async fn send(ports: &Ports, call: &Call, scrub: &Scrub) -> Result<Outcome, Fault> {
        let now = Timestamp::now();
        let config = Config::read(call)?;
        let callback = config.callback(ports)?;
        let url = callback.as_ref().map(|(callbacks, _)| callbacks.url(&call.key));
        let request = config.request(call, url.as_deref(), now, PATIENCE.min(call.timeout))?;
        let what = config.what();
        // The receiver knows the message again by its id, so one that got lost may be sent again.
        let response = ports.http.send(request).await.map_err(|fault| match fault.class {
            FaultClass::Unknown => Fault { class: FaultClass::Transient, ..fault },
            _ => fault,
        })?;
        answer::judge(&response, &answer::Statuses::success(), &what, scrub)?;
        let Some((_, timeout)) = callback else {
            let result = json!({"status": response.status, "id": call.key});
            let body = answer::json_body(&response).unwrap_or_default();
            let outputs = picked(call, &body, &result)?;
            return Ok(Outcome::Done { result, outputs });
        };
        let until = now.checked_add(timeout).unwrap_or(Timestamp::MAX);
        let on = Wait {
            on: CALLBACK.to_owned(),
            reference: json!({"about": about_callback(&call.key), "until": until.to_string()}),
            what: format!("the answer of {what} to its callback, until {until:.0}"),
        };
        Ok(Outcome::Waiting { on })
    }

    fn answered(call: &Call, on: &Wait, now: Timestamp) -> Result<Outcome, Fault> {
        let Some(arrived) = &call.arrived else {
            let until = on.reference.get("until").and_then(Value::as_str);
            let until: Option<Timestamp> = until.and_then(|until| until.parse().ok());
            return match until.filter(|until| *until < now) {
                Some(until) => Err(Fault::terminal(format!("no answer came until {until:.0}"))),
                None => Ok(Outcome::Waiting { on: on.clone() }),
            };
        };
        let text = |key: &str| arrived.get(key).and_then(Value::as_str);
        if text("status") == Some("failed") {
            let message = text("message").unwrap_or("it gave no reason");
            return Err(Fault::terminal(format!("the receiver says that it failed: {message}")));
        }
        let posted = arrived.get("outputs").cloned().unwrap_or_else(|| json!({}));
        let result = json!({"id": call.key, "message": text("message").unwrap_or_default()});
        let outputs = picked(call, &posted, &result)?;
        Ok(Outcome::Done { result, outputs })
    }
}

/// Returns the outputs that the action names, each by its pointer into what came.
fn picked(call: &Call, came: &Value, result: &Value) -> Result<Map<String, Value>, Fault> {
    let pick = |(name, pointer): (&String, &String)| {
        let found = came.pointer(pointer).or_else(|| result.pointer(pointer));
        let value = found.map(answer::stripped).ok_or_else(|| {
            Fault::terminal(format!("output `{name}` is missing: nothing came at `{pointer}`"))
        })?;
        Ok((name.clone(), value))
    };
    call.outputs.iter().map(pick).collect()
}

#[async_trait]
impl Action for Webhook {
    fn kind(&self) -> &'static str {
        "webhook"
    }

    fn target(&self, _: &Operator, config: &Value) -> Option<String> {
        host_at(config, "/endpoint/url")
    }

    async fn perform(&self, ports: &Ports, call: &Call) -> Result<Outcome, Fault> {
        let scrub = Scrub::of(call);
        Self::send(ports, call, &scrub).await.map_err(|fault| scrub.fault(&fault))
    }

    async fn look(&self, _: &Ports, call: &Call, on: &Wait) -> Result<Outcome, Fault> {
        let scrub = Scrub::of(call);
        let outcome = Self::answered(call, on, Timestamp::now());
        match outcome.map_err(|fault| scrub.fault(&fault))? {
            Outcome::Done { result, outputs } => {
                Ok(Outcome::Done { result: scrub.value(&result), outputs })
            }
            waiting => Ok(waiting),
        }
    }

    async fn observe(&self, _: &Ports, _: &Call) -> Result<Observation, Fault> {
        Ok(Observation::Same)
    }

    async fn undo(&self, _: &Ports, _: &Call) -> Result<Outcome, Fault> {
        Err(Fault::terminal("a message can't be taken back, so a person must undo what it did"))
    }
}
