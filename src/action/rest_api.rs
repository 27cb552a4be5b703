//! The `rest-api` action: one request, done once under its `Idempotency-Key`. It never follows a redirect,
//! and never tries again by itself.

mod answer;
mod compare;
mod config;
#[cfg(test)]
mod tests;

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::{Map, Value, json};

use self::config::{Config, Prepared};
use super::action::{Action, Call, Outcome, Ports};
use super::scrub::Scrub;
use crate::net::Response;
use crate::reconcile::Observation;
use crate::run::{Fault, FaultClass, Wait};

/// The `rest-api` action.
pub(super) struct RestApi {
    /// From the first byte sent to the last one read; the engine's own limit on an attempt may be shorter.
    pub(super) timeout: Duration,
    /// The same for a look at what is there.
    pub(super) look_timeout: Duration,
}

impl RestApi {
    /// Ends just before an attempt does by default, so that the fault says what was being waited for.
    pub(super) const fn new() -> Self {
        Self { timeout: Duration::from_secs(290), look_timeout: Duration::from_secs(30) }
    }

    /// Sends a request that has an effect. After a lost answer it may be sent again: it carries the same key.
    async fn send(
        &self,
        ports: &Ports,
        prepared: &Prepared,
        scrub: &Scrub,
    ) -> Result<Response, Fault> {
        ports.http.send(prepared.request.clone()).await.map_err(|fault| {
            let class = match fault.class {
                FaultClass::Unknown => FaultClass::Transient,
                class => class,
            };
            scrub.fault(&Fault { class, ..fault })
        })
    }

    async fn perform_clean(
        &self,
        ports: &Ports,
        call: &Call,
        scrub: &Scrub,
    ) -> Result<Outcome, Fault> {
        let prepared = Config::read(call)?.perform(call, self.timeout)?;
        let response = self.send(ports, &prepared, scrub).await?;
        answer::judge(&response, &prepared.expect, &prepared.what, scrub)?;
        let result = answer::result(&prepared, &response, scrub);
        let outputs = answer::outputs(call, &response, &result, scrub)?;
        Ok(Outcome::Done { result, outputs })
    }

    async fn undo_clean(
        &self,
        ports: &Ports,
        call: &Call,
        scrub: &Scrub,
    ) -> Result<Outcome, Fault> {
        let Some(prepared) = Config::read(call)?.delete(call, self.timeout)? else {
            return Err(Fault::terminal("`config` has no `delete`, so a person must take it away"));
        };
        let response = self.send(ports, &prepared, scrub).await?;
        if !matches!(response.status, 404 | 410) {
            answer::judge(&response, &prepared.expect, &prepared.what, scrub)?;
        }
        Ok(Outcome::Done { result: json!({"status": response.status}), outputs: Map::new() })
    }

    /// Looks, or says why it can't.
    async fn seen(&self, ports: &Ports, call: &Call, scrub: &Scrub) -> Result<Observation, String> {
        let prepared = Config::read(call)
            .and_then(|config| config.observe(self.look_timeout))
            .map_err(|fault| fault.message)?
            .ok_or("its `config` has no `observe`")?;
        let response =
            ports.http.send(prepared.request.clone()).await.map_err(|fault| fault.message)?;
        if matches!(response.status, 404 | 410) {
            return Ok(Observation::Absent);
        }
        answer::judge(&response, &prepared.expect, &prepared.what, scrub)
            .map_err(|fault| fault.message)?;
        let named = &prepared.compare;
        let ours = last_sent(call, &prepared, scrub);
        if named.is_empty() && (ours.is_none() || prepared.request.method == Method::HEAD) {
            return Ok(Observation::Same);
        }
        let theirs = answer::json_body(&response).ok_or_else(|| {
            format!("{} answered no JSON: {}", prepared.what, scrub.excerpt(&response.body))
        })?;
        if !comparable(ours.as_ref(), &theirs) {
            return Err(format!("{} answered something else than one resource", prepared.what));
        }
        let changes = match ours {
            Some(ours) if named.is_empty() => compare::compare(&ours, &theirs, scrub),
            _ => compare::compare_named(named, &theirs, scrub),
        };
        let differs = !changes.is_empty();
        Ok(if differs { Observation::Different { changes } } else { Observation::Same })
    }
}

/// Returns the JSON that was last sent; a text or a form is not what a resource looks like.
fn last_sent(call: &Call, prepared: &Prepared, scrub: &Scrub) -> Option<Value> {
    let rendered = prepared.sent.as_ref()?;
    let kept = call.previous.as_ref().and_then(|previous| previous.result.get("sentBody"));
    Some(kept.cloned().unwrap_or_else(|| scrub.value(rendered)))
        .filter(|sent| sent.is_object() || sent.is_array())
}

/// Tells whether an answer is of the kind that was sent; an empty list is never taken for an answer.
fn comparable(ours: Option<&Value>, theirs: &Value) -> bool {
    match theirs {
        Value::Object(_) => ours.is_none_or(Value::is_object),
        Value::Array(items) => !items.is_empty() && ours.is_none_or(Value::is_array),
        _ => false,
    }
}

#[async_trait]
impl Action for RestApi {
    fn kind(&self) -> &'static str {
        "rest-api"
    }

    async fn perform(&self, ports: &Ports, call: &Call) -> Result<Outcome, Fault> {
        let scrub = Scrub::of(call);
        self.perform_clean(ports, call, &scrub).await.map_err(|fault| scrub.fault(&fault))
    }

    async fn look(&self, _: &Ports, _: &Call, _: &Wait) -> Result<Outcome, Fault> {
        Err(Fault::terminal(
            "`poll` is not available in this build, so there is nothing to wait for",
        ))
    }

    async fn observe(&self, ports: &Ports, call: &Call) -> Result<Observation, Fault> {
        let scrub = Scrub::of(call);
        let seen = self.seen(ports, call, &scrub).await;
        Ok(seen.unwrap_or_else(|reason| Observation::Unknown { reason: scrub.text(&reason) }))
    }

    async fn undo(&self, ports: &Ports, call: &Call) -> Result<Outcome, Fault> {
        let scrub = Scrub::of(call);
        self.undo_clean(ports, call, &scrub).await.map_err(|fault| scrub.fault(&fault))
    }
}
