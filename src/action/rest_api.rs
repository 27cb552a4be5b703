//! The `rest-api` action: one request, done once under its `Idempotency-Key`, and waited for where it was only
//! accepted. It never follows a redirect unasked, and never tries again by itself.

mod adopt;
pub(super) mod answer;
mod authentication;
mod body;
mod compare;
mod config;
mod exchange;
mod gone;
mod orphan;
mod poll;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_authentication;
#[cfg(test)]
mod tests_broker;
#[cfg(test)]
mod tests_gone;
#[cfg(test)]
mod tests_poll;
mod verify;

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Map, Value, json};

use self::adopt::Compared;
use self::authentication::Tokens;
use self::config::{Config, Prepared};
pub(super) use self::config::{OWN_HEADERS, effect_headers};
use self::exchange::Exchange;
use self::orphan::Failed;
use self::poll::{Accepted, Asked, Poll, Progress};
pub(super) use self::verify::VERIFY;
pub use self::verify::{HEALTH_PATIENCE, ask_health};
use super::action::{Action, Call, Outcome, Ports, Withdrawn};
use super::operator::Operator;
use super::scrub::Scrub;
use super::target::host_at;
use crate::net::Response;
use crate::reconcile::Observation;
use crate::run::{Fault, FaultClass, Wait};

/// The one of this process: tokens and pauses are remembered in it.
pub(super) static REST_API: RestApi = RestApi::new();

/// The `rest-api` action.
pub(super) struct RestApi {
    /// From the first byte sent to the last one read; the engine's own limit on an attempt may be shorter.
    pub(super) timeout: Duration,
    /// The same for a look at what is there.
    pub(super) look_timeout: Duration,
    tokens: Tokens,
    asked: Asked,
}

impl RestApi {
    /// Ends just before an attempt does by default, so that the fault says what was being waited for.
    pub(super) const fn new() -> Self {
        Self::within(Duration::from_secs(290), Duration::from_secs(30))
    }

    const fn within(timeout: Duration, look_timeout: Duration) -> Self {
        Self { timeout, look_timeout, tokens: Tokens::new(), asked: Asked::new() }
    }

    /// Leaves some of an attempt's time to tell what happened, and to take away what may be left.
    fn time_to_answer(&self, call: &Call, takes_orphans: bool) -> Duration {
        let rest = if takes_orphans { orphan::PATIENCE } else { Duration::ZERO };
        let rest = rest + Duration::from_secs(2);
        self.timeout.min(call.timeout.saturating_sub(rest).max(Duration::from_secs(1)))
    }

    fn exchange<'a>(&'a self, ports: &'a Ports) -> Exchange<'a> {
        Exchange { ports, tokens: &self.tokens, given: Mutex::default() }
    }

    async fn perform_clean(
        &self,
        exchange: &Exchange<'_>,
        call: &Call,
        scrub: &Scrub,
    ) -> Result<Outcome, Failed> {
        let config = Config::read(call)?;
        let prepared = config.perform(call, self.time_to_answer(call, config.takes_orphans()))?;
        let response = exchange.send(&prepared).await.map_err(Failed::unanswered)?;
        let scrub = &exchange.scrub(scrub);
        if let Some(poll) = config.goes_on(&response) {
            return Ok(self.accepted(poll, (call, &prepared, &response), false, scrub)?);
        }
        let read = || {
            answer::judge(&response, &prepared.expect, &prepared.what, scrub)?;
            answer::fits(&response, prepared.schema.as_ref(), &prepared.what)?;
            let result = answer::result(&prepared, &response, scrub);
            let outputs = answer::outputs(call, &response, &result, scrub)?;
            Ok(Outcome::Done { result, outputs })
        };
        read().map_err(|fault| Failed::answered(response.status, fault))
    }

    /// Waits for work that was accepted and goes on.
    fn accepted(
        &self,
        poll: &Poll,
        (call, prepared, response): (&Call, &Prepared, &Response),
        undoes: bool,
        scrub: &Scrub,
    ) -> Result<Outcome, Fault> {
        let url = scrub.text(&poll.url(prepared, response, undoes)?);
        let mut result = answer::result(prepared, response, scrub);
        if let Some(result) = result.as_object_mut() {
            result.remove("body");
        }
        let outputs = if undoes { Map::new() } else { answer::outputs_so_far(call, response) };
        let accepted = Accepted { url, since: Timestamp::now(), undoes, result, outputs };
        self.asked.next(&call.key, poll.interval());
        Ok(Outcome::Waiting { on: accepted.wait(&prepared.what, scrub)? })
    }

    async fn look_clean(
        &self,
        exchange: &Exchange<'_>,
        (call, on): (&Call, &Wait),
        scrub: &Scrub,
    ) -> Result<Outcome, Fault> {
        let config = Config::read(call)?;
        let poll = config.poll.as_ref();
        let poll = poll.ok_or_else(|| Fault::terminal("`config` has no `poll` any more"))?;
        let accepted = Accepted::read(on)?;
        if !self.asked.may_ask(&call.key) {
            return Ok(Outcome::Waiting { on: on.clone() });
        }
        let prepared = config.asking(accepted.url()?, self.look_timeout)?;
        self.asked.next(&call.key, poll.interval());
        let response = exchange.send(&prepared).await;
        let scrub = &exchange.scrub(scrub);
        let progress =
            response.and_then(|response| Ok((poll.read((&prepared, &response), scrub)?, response)));
        let (progress, response) = match progress {
            // Whoever cannot be asked just now is asked again, until it took too long.
            Err(fault) if fault.class != FaultClass::Terminal => {
                poll.is_over(&accepted, Timestamp::now())?;
                let asked = fault.retry_after_ms.map_or(Duration::ZERO, Duration::from_millis);
                self.asked.next(&call.key, asked.max(poll.interval()));
                return Err(fault);
            }
            other => other?,
        };
        match progress {
            Progress::Waits => {
                poll.is_over(&accepted, Timestamp::now())?;
                return Ok(Outcome::Waiting { on: on.clone() });
            }
            Progress::Gone if !accepted.undoes => {
                let what = &prepared.what;
                return Err(Fault::terminal(format!(
                    "{what} answered {}: the work that was accepted is gone",
                    response.status
                )));
            }
            Progress::Gone | Progress::Done => self.asked.forget(&call.key),
        }
        if accepted.undoes {
            return Ok(Outcome::Done { result: accepted.result, outputs: Map::new() });
        }
        let asked = answer::result(&prepared, &response, scrub);
        let outputs = answer::outputs_after(call, &response, &accepted, scrub)?;
        let mut result = accepted.result;
        if let Some(result) = result.as_object_mut() {
            result.insert("body".to_owned(), asked.get("body").cloned().unwrap_or_default());
        }
        Ok(Outcome::Done { result, outputs })
    }

    async fn undo_clean(
        &self,
        exchange: &Exchange<'_>,
        call: &Call,
        scrub: &Scrub,
    ) -> Result<Outcome, Fault> {
        let config = Config::read(call)?;
        let Some(prepared) = config.delete(call, self.timeout)? else {
            return Err(Fault::terminal("`config` has no `delete`, so a person must take it away"));
        };
        let response = exchange.send(&prepared).await?;
        let scrub = &exchange.scrub(scrub);
        if let Some(poll) = config.goes_on(&response) {
            return self.accepted(poll, (call, &prepared, &response), true, scrub);
        }
        if !prepared.is_gone(&response) {
            answer::judge(&response, &prepared.expect, &prepared.what, scrub)?;
        }
        Ok(Outcome::Done { result: json!({"status": response.status}), outputs: Map::new() })
    }

    /// Looks, or says why it can't.
    async fn seen(
        &self,
        exchange: &Exchange<'_>,
        call: &Call,
        scrub: &Scrub,
    ) -> Result<Observation, String> {
        let prepared = Config::read(call)
            .and_then(|config| config.observe(self.look_timeout))
            .map_err(|fault| fault.message)?
            .ok_or("its `config` has no `observe`")?;
        let compared = self.compared(exchange, (call, &prepared), scrub).await;
        compared.map(|(seen, _)| seen).map_err(|fault| fault.message)
    }

    /// Asks for what is there, and compares it with what was last sent.
    async fn compared(
        &self,
        exchange: &Exchange<'_>,
        (call, prepared): (&Call, &Prepared),
        scrub: &Scrub,
    ) -> Result<Compared, Fault> {
        let response = exchange.send(prepared).await?;
        let scrub = &exchange.scrub(scrub);
        if prepared.is_gone(&response) {
            return Ok((Observation::Absent, response));
        }
        answer::judge(&response, &prepared.expect, &prepared.what, scrub)?;
        let named = &prepared.compare;
        let ours = last_sent(call, prepared, scrub);
        if named.is_empty() && (ours.is_none() || prepared.request.method == Method::HEAD) {
            return Ok((Observation::Same, response));
        }
        let theirs = answer::json_body(&response).ok_or_else(|| {
            let excerpt = scrub.excerpt(&response.body);
            Fault::terminal(format!("{} answered no JSON: {excerpt}", prepared.what))
        })?;
        if !comparable(ours.as_ref(), &theirs) {
            let what = &prepared.what;
            return Err(Fault::terminal(format!(
                "{what} answered something else than one resource"
            )));
        }
        let changes = match ours {
            Some(ours) if named.is_empty() => compare::compare(&ours, &theirs, scrub),
            _ => compare::compare_named(named, &theirs, scrub),
        };
        let differs = !changes.is_empty();
        let seen = if differs { Observation::Different { changes } } else { Observation::Same };
        Ok((seen, response))
    }
}

fn is_undoing(on: &Wait) -> bool {
    Accepted::read(on).is_ok_and(|accepted| accepted.undoes)
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

    fn target(&self, _: &Operator, config: &Value) -> Option<String> {
        host_at(config, "/endpoint/url")
    }

    async fn perform(&self, ports: &Ports, call: &Call) -> Result<Outcome, Fault> {
        let (exchange, scrub) = (self.exchange(ports), Scrub::of(call));
        match self.perform_clean(&exchange, call, &scrub).await {
            Ok(outcome) => Ok(outcome),
            Err(failed) => {
                let fault = self.mitigate(&exchange, call, failed, &scrub).await;
                Err(exchange.scrub(&scrub).fault(&fault))
            }
        }
    }

    async fn look(&self, ports: &Ports, call: &Call, on: &Wait) -> Result<Outcome, Fault> {
        let (exchange, scrub) = (self.exchange(ports), Scrub::of(call));
        match self.look_clean(&exchange, (call, on), &scrub).await {
            Ok(outcome) => Ok(outcome),
            Err(fault) => {
                // What was accepted and failed for good may have left something.
                let orphan = fault.class == FaultClass::Terminal && !is_undoing(on);
                let failed = Failed { fault, orphan };
                let fault = self.mitigate(&exchange, call, failed, &scrub).await;
                Err(exchange.scrub(&scrub).fault(&fault))
            }
        }
    }

    async fn observe(&self, ports: &Ports, call: &Call) -> Result<Observation, Fault> {
        let (exchange, scrub) = (self.exchange(ports), Scrub::of(call));
        let seen = self.seen(&exchange, call, &scrub).await;
        let scrub = exchange.scrub(&scrub);
        Ok(seen.unwrap_or_else(|reason| Observation::Unknown { reason: scrub.text(&reason) }))
    }

    async fn adopt(&self, ports: &Ports, call: &Call) -> Result<Outcome, Fault> {
        let (exchange, scrub) = (self.exchange(ports), Scrub::of(call));
        let outcome = self.adopt_clean(&exchange, call, &scrub).await;
        outcome.map_err(|fault| exchange.scrub(&scrub).fault(&fault))
    }

    fn takes_up(&self) -> bool {
        true
    }

    async fn withdraw(&self, ports: &Ports, call: &Call, on: &Wait) -> Result<Withdrawn, Fault> {
        let (exchange, scrub) = (self.exchange(ports), Scrub::of(call));
        let withdrawn = self.withdraw_clean(&exchange, (call, on), &scrub).await;
        withdrawn.map_err(|fault| exchange.scrub(&scrub).fault(&fault))
    }

    async fn undo(&self, ports: &Ports, call: &Call) -> Result<Outcome, Fault> {
        let (exchange, scrub) = (self.exchange(ports), Scrub::of(call));
        let outcome = self.undo_clean(&exchange, call, &scrub).await;
        outcome.map_err(|fault| exchange.scrub(&scrub).fault(&fault))
    }
}
