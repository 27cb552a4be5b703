//! Finds the ticket of a call, or opens it; never a second one. JIRA's search lags behind (“Search and reconcile issues”
//! of its documentation), so a ticket is known by its key from the moment it has one, and one that may have been opened
//! is waited for.

use std::time::Duration;

use jiff::Timestamp;

use super::api::Api;
use super::config::Config;
use super::label;
use super::ticket::{Standing, Ticket};
use crate::action::intent::{Became, Intent, Noted};
use crate::action::{Call, Ports};
use crate::run::{Fault, FaultClass};

/// The way to the one ticket of a call.
pub(super) struct Opening<'a> {
    api: &'a Api<'a>,
    call: &'a Call,
    config: &'a Config,
    /// Of the step, so that a later run finds what an earlier one opened.
    note: Intent,
}

impl<'a> Opening<'a> {
    pub(super) fn of(
        api: &'a Api<'a>,
        ports: &Ports,
        (call, config): (&'a Call, &'a Config),
    ) -> Self {
        let note = Intent::of(&ports.state_dir, ("tickets", &call.marker));
        Self { api, call, config, note }
    }

    /// Finds the ticket of this call, takes up an open one of an earlier call, or opens one; nothing while it may be
    /// that one was opened and is not to be seen yet.
    pub(super) async fn begin(&self) -> Result<Option<Ticket>, Fault> {
        let noted = self.note.read()?;
        if let Some(Noted { became: Became::Accepted(Some(key)), .. }) = &noted
            && let Some(ticket) = self.api.ticket(key).await?
            && let Some(ticket) = self.taken(ticket).await?
        {
            return Ok(Some(ticket));
        }
        if let Some(ticket) = self.again().await? {
            return Ok(Some(ticket));
        }
        match noted {
            Some(Noted { became: Became::Sent, .. }) => Ok(None),
            _ => self.open().await,
        }
    }

    /// Searches for a ticket of this call, and for an open one of an earlier call.
    pub(super) async fn again(&self) -> Result<Option<Ticket>, Fault> {
        let found = self.found().await?;
        let own = self.own_of(&found).await?;
        if own.is_some() {
            return Ok(own);
        }
        for found in found.iter().filter(|found| self.api.standing(found) == Standing::Open) {
            // What the search says of it may be old.
            if let Some(ticket) = self.api.ticket(&found.key).await?
                && let Some(ticket) = self.taken(ticket).await?
            {
                return Ok(Some(ticket));
            }
        }
        Ok(None)
    }

    /// Searches for the ticket of this call.
    pub(super) async fn own(&self) -> Result<Option<Ticket>, Fault> {
        self.own_of(&self.found().await?).await
    }

    async fn own_of(&self, found: &[Ticket]) -> Result<Option<Ticket>, Fault> {
        let own = label(&self.call.key);
        let Some(found) = found.iter().find(|ticket| ticket.labels.contains(&own)) else {
            return Ok(None);
        };
        self.keep(&found.key)?;
        self.api.ticket(&found.key).await
    }

    async fn found(&self) -> Result<Vec<Ticket>, Fault> {
        self.api.labelled(&self.config.ticket.project, &label(&self.call.marker)).await
    }

    /// Says that a ticket that may have been opened is not to be seen: it may still come, or a person must look.
    pub(super) fn patiently(&self, settle: Duration) -> Result<(), Fault> {
        let noted = self.note.read()?;
        let since = noted.map(|noted| noted.since);
        if since.is_some_and(|since| Timestamp::now() < since + settle) {
            return Ok(());
        }
        self.note.clear();
        let at = since.map(|since| format!(" at {since:.0}")).unwrap_or_default();
        let (name, label) = (self.api.name(), label(&self.call.marker));
        Err(Fault::terminal(format!(
            "JIRA `{name}` was asked to open a ticket{at}, the answer was lost, and no ticket with the label `{label}` has appeared; look there, then `trueline service reconcile {}` takes up what is there by then, or opens one",
            self.call.service
        )))
    }

    /// Forgets the ticket, which nobody works on any more.
    pub(super) fn forget(&self) {
        self.note.clear();
    }

    async fn open(&self) -> Result<Option<Ticket>, Fault> {
        let fields = self.api.fields(self.config, self.call).await?;
        self.note.note(&Noted { since: Timestamp::now(), became: Became::Sent })?;
        match self.api.open(fields).await {
            Ok(key) => {
                self.keep(&key)?;
                let ticket = self.api.ticket(&key).await?;
                ticket.map(Some).ok_or_else(|| {
                    Fault::transient(format!("JIRA does not show {key}, which it just opened"))
                })
            }
            Err(fault) if fault.class == FaultClass::Unknown => {
                tracing::warn!(step = self.call.marker, %fault, "looking for the ticket");
                Ok(None)
            }
            Err(fault) => {
                self.note.clear();
                Err(fault)
            }
        }
    }

    /// Returns a ticket that is this call's, or is open and this call's from now on.
    async fn taken(&self, ticket: Ticket) -> Result<Option<Ticket>, Fault> {
        let own = label(&self.call.key);
        if !ticket.labels.contains(&own) {
            if self.api.standing(&ticket) != Standing::Open {
                return Ok(None);
            }
            let fields = self.api.fields(self.config, self.call).await?;
            self.api.take_up(&ticket.key, fields, &own).await?;
        }
        self.keep(&ticket.key)?;
        Ok(Some(ticket))
    }

    fn keep(&self, key: &str) -> Result<(), Fault> {
        let became = Became::Accepted(Some(key.to_owned()));
        self.note.note(&Noted { since: Timestamp::now(), became })
    }
}
