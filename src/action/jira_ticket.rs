//! The `jira-ticket` action: opens a ticket, links it, and waits until people are done with it. A ticket of ours
//! that is there already is taken up, never opened again.

mod api;
mod config;
#[cfg(test)]
pub(crate) mod fake;
mod links;
mod opening;
mod sender;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_opening;
mod ticket;

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use self::api::Api;
use self::config::{Config, WaitFor};
use self::opening::Opening;
pub(super) use self::sender::JiraSender;
use self::ticket::{Standing, Ticket};
use super::action::{Action, Call, Outcome, Ports, Withdrawn};
use super::operator::Operator;
use super::scrub::Scrub;
use super::target::host_of;
use crate::reconcile::Observation;
use crate::run::{Fault, FaultClass, Wait};

/// What a waiting step waits on.
const TICKET: &str = "ticket";

/// Said on a ticket that nobody needs any more.
const UNWANTED: &str = "Trueline: the catalog no longer asks for this.";

/// The `jira-ticket` action.
pub(super) struct JiraTicket {
    /// How long after it was opened a ticket may still be missing from what JIRA's search finds.
    pub(super) settle: Duration,
}

impl JiraTicket {
    pub(super) const fn new() -> Self {
        Self { settle: Duration::from_mins(2) }
    }

    /// Links the ticket to those that the configuration names and to those of the parts it depends on.
    async fn link(api: &Api<'_>, call: &Call, config: &Config, key: &str) -> Result<(), Fault> {
        let before = call.before.iter().filter_map(|record| {
            let same =
                record.sent.get("instance").and_then(Value::as_str) == Some(&config.instance);
            record.result.get("key").and_then(Value::as_str).filter(|_| same)
        });
        let before: Vec<&str> = before.filter(|other| *other != key).collect();
        if before.is_empty() && config.links.is_empty() {
            return Ok(());
        }
        let (types, linked) = (api.link_types().await?, api.links(key).await?);
        for other in before {
            types.link(api, &linked, ("is blocked by", key, other)).await?;
        }
        for link in &config.links {
            types.link(api, &linked, (&link.kind, key, &link.ticket)).await?;
        }
        Ok(())
    }

    async fn begun(ports: &Ports, call: &Call, scrub: &mut Scrub) -> Result<Outcome, Fault> {
        let config = Config::read(call)?;
        let api = Api::of(ports, &config.instance, scrub).await?;
        match Opening::of(&api, ports, (call, &config)).begin().await? {
            Some(ticket) => Self::there(&api, call, &config, &ticket).await,
            None => Ok(coming(&api)),
        }
    }

    /// Goes on with a ticket that is there.
    async fn there(
        api: &Api<'_>,
        call: &Call,
        config: &Config,
        ticket: &Ticket,
    ) -> Result<Outcome, Fault> {
        Self::link(api, call, config, &ticket.key).await?;
        match config.wait_for {
            WaitFor::Created => Ok(done(api, ticket)),
            WaitFor::Done => standing(api, ticket),
        }
    }

    async fn looked(
        &self,
        (ports, call): (&Ports, &Call),
        on: &Wait,
        scrub: &mut Scrub,
    ) -> Result<Outcome, Fault> {
        let config = Config::read(call)?;
        let asked = Api::of(ports, &config.instance, scrub).await;
        let api = match asked {
            Ok(api) => api,
            Err(fault) => return unasked(on, fault),
        };
        if is_coming(on) {
            return self.looked_for(&api, ports, (call, &config)).await;
        }
        let key = key_of(&on.reference)?;
        match api.ticket(&key).await {
            Ok(Some(ticket)) => {
                let stands = standing(&api, &ticket);
                if !matches!(stands, Ok(Outcome::Waiting { .. })) {
                    Opening::of(&api, ports, (call, &config)).forget();
                }
                stands
            }
            Ok(None) => Err(Fault::terminal(format!("ticket {key} is gone: somebody deleted it"))),
            Err(fault) => unasked(on, fault),
        }
    }

    /// Looks for a ticket that may have been opened.
    async fn looked_for(
        &self,
        api: &Api<'_>,
        ports: &Ports,
        (call, config): (&Call, &Config),
    ) -> Result<Outcome, Fault> {
        let opening = Opening::of(api, ports, (call, config));
        let found = match opening.again().await {
            Ok(found) => found,
            Err(fault) => return Err(Fault { class: FaultClass::Transient, ..fault }),
        };
        match found {
            Some(ticket) => Self::there(api, call, config, &ticket).await,
            None => opening.patiently(self.settle).map(|()| coming(api)),
        }
    }

    async fn taken_back(
        &self,
        (ports, call): (&Ports, &Call),
        on: &Wait,
        scrub: &mut Scrub,
    ) -> Result<Withdrawn, Fault> {
        let config = Config::read(call)?;
        let api = Api::of(ports, &config.instance, scrub).await?;
        let ticket = if is_coming(on) {
            let opening = Opening::of(&api, ports, (call, &config));
            let found = opening.own().await?;
            if found.is_none() {
                // Later there may be one.
                return opening.patiently(self.settle).map_or(Ok(Withdrawn::Nothing), |()| {
                    Err(Fault::transient("it is not known yet whether a ticket was opened"))
                });
            }
            found
        } else {
            api.ticket(&key_of(&on.reference)?).await?
        };
        let Some(ticket) = ticket else { return Ok(Withdrawn::Nothing) };
        if api.standing(&ticket) != Standing::Open || is_taken_up(&ticket, call) {
            return Ok(Withdrawn::Nothing);
        }
        let key = ticket.key;
        api.comment_once(&key, UNWANTED).await?;
        if api.cancel(&key).await? {
            return Ok(Withdrawn::Done);
        }
        Ok(Withdrawn::Left { why: format!("ticket {key} has no way to a cancelled status") })
    }
}

/// Tells whether a later run of the step works with the ticket: its label has a higher number.
fn is_taken_up(ticket: &Ticket, call: &Call) -> bool {
    let marker = label(&call.marker);
    let number = |key: &str| key.strip_prefix(&marker)?.strip_prefix('-')?.parse::<u64>().ok();
    let own = number(&label(&call.key));
    ticket.labels.iter().filter_map(|label| number(label)).max() > own
}

/// Waits for a ticket that may have been opened.
fn coming(api: &Api<'_>) -> Outcome {
    let what = format!("JIRA `{}` to show whether it opened the ticket", api.name());
    let reference = json!({"coming": true});
    Outcome::Waiting { on: Wait { on: TICKET.to_owned(), reference, what } }
}

fn is_coming(on: &Wait) -> bool {
    on.reference.get("coming").is_some()
}

/// A ticket that can't be asked for is still there: the step goes on waiting. What does not pass by itself is shown.
fn unasked(on: &Wait, fault: Fault) -> Result<Outcome, Fault> {
    let key = on.reference.get("key").and_then(Value::as_str);
    let Some(key) = key.filter(|_| fault.class == FaultClass::Terminal) else {
        return Err(Fault { class: FaultClass::Transient, ..fault });
    };
    // Without what differs from one answer to the next, for each difference is written down.
    let why = fault.message.split(": ").next().unwrap_or_default();
    let what = format!("ticket {key}, which can't be asked for until this is mended: {why}");
    Ok(Outcome::Waiting { on: Wait { what, ..on.clone() } })
}

/// Returns what a ticket's standing means for the step that waits for it.
fn standing(api: &Api<'_>, ticket: &Ticket) -> Result<Outcome, Fault> {
    match api.standing(ticket) {
        Standing::Done => Ok(done(api, ticket)),
        Standing::Cancelled => Err(Fault::terminal(format!(
            "ticket {} was closed as “{}”: nobody will do it",
            ticket.key, ticket.status
        ))),
        Standing::Open => {
            let (key, status) = (&ticket.key, &ticket.status);
            let reference =
                json!({"about": about(api.name(), key), "key": key, "url": api.url_of(key)});
            let what = format!("ticket {key} ({status})");
            Ok(Outcome::Waiting { on: Wait { on: TICKET.to_owned(), reference, what } })
        }
    }
}

fn done(api: &Api<'_>, ticket: &Ticket) -> Outcome {
    let fields =
        [("key", &ticket.key), ("url", &api.url_of(&ticket.key)), ("status", &ticket.status)];
    let outputs: Map<String, Value> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    Outcome::Done { result: Value::Object(outputs.clone()), outputs }
}

/// Names what a message about a ticket is about.
fn about(instance: &str, key: &str) -> String {
    format!("jira:{instance}:{key}")
}

fn key_of(reference: &Value) -> Result<String, Fault> {
    let key = reference.get("key").and_then(Value::as_str);
    key.map(str::to_owned).ok_or_else(|| Fault::terminal("the record of the ticket has no key"))
}

/// Returns a label, in which JIRA allows no space.
fn label(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() || c == '"' { '-' } else { c }).take(255).collect()
}

#[async_trait]
impl Action for JiraTicket {
    fn kind(&self) -> &'static str {
        "jira-ticket"
    }

    fn target(&self, operator: &Operator, config: &Value) -> Option<String> {
        host_of(&operator.jira.get(config.get("instance")?.as_str()?)?.url)
    }

    async fn perform(&self, ports: &Ports, call: &Call) -> Result<Outcome, Fault> {
        let mut scrub = Scrub::of(call);
        let begun = Self::begun(ports, call, &mut scrub).await;
        begun.map_err(|fault| scrub.fault(&fault))
    }

    async fn look(&self, ports: &Ports, call: &Call, on: &Wait) -> Result<Outcome, Fault> {
        let mut scrub = Scrub::of(call);
        let looked = self.looked((ports, call), on, &mut scrub).await;
        looked.map_err(|fault| scrub.fault(&fault))
    }

    async fn observe(&self, ports: &Ports, call: &Call) -> Result<Observation, Fault> {
        let mut scrub = Scrub::of(call);
        let seen = async {
            let config = Config::read(call)?;
            let api = Api::of(ports, &config.instance, &mut scrub).await?;
            let previous = call.previous.as_ref();
            let key = key_of(previous.map_or(&Value::Null, |previous| &previous.result))?;
            api.ticket(&key).await
        };
        match seen.await {
            Ok(Some(_)) => Ok(Observation::Same),
            Ok(None) => Ok(Observation::Absent),
            Err(fault) => Ok(Observation::Unknown { reason: scrub.text(&fault.message) }),
        }
    }

    async fn undo(&self, _: &Ports, _: &Call) -> Result<Outcome, Fault> {
        Err(Fault::terminal("what a ticket brought about is undone by a person"))
    }

    fn takes_up(&self) -> bool {
        true
    }

    async fn withdraw(&self, ports: &Ports, call: &Call, on: &Wait) -> Result<Withdrawn, Fault> {
        let mut scrub = Scrub::of(call);
        let taken = self.taken_back((ports, call), on, &mut scrub).await;
        taken.map_err(|fault| scrub.fault(&fault))
    }
}
