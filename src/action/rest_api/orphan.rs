//! Takes away what a create that failed may have left, where `delete.orphans` asks for it. It hides no fault:
//! what it came to is added to it.
//!
//! When it does so is the table under “Orphan Mitigation” of the Open Service Broker API 2.17.

use std::time::Duration;

use super::RestApi;
use super::config::Config;
use super::exchange::Exchange;
use super::poll::{Poll, Progress};
use crate::action::scrub::Scrub;
use crate::action::{Call, Withdrawn};
use crate::run::{Fault, FaultClass, Wait};

/// How long it is waited for that accepted work takes it away.
pub(super) const PATIENCE: Duration = Duration::from_secs(45);

/// Why a request failed, and whether something may be there all the same.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) fault: Fault,
    pub(super) orphan: bool,
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self { fault, orphan: false }
    }
}

impl Failed {
    /// No answer came: the other side may do it yet.
    pub(super) fn unanswered(fault: Fault) -> Self {
        Self { orphan: fault.class != FaultClass::Terminal, fault }
    }

    /// An answer came that is no success, or none that can be read.
    pub(super) fn answered(status: u16, fault: Fault) -> Self {
        Self { fault, orphan: matches!(status, 201 | 203..=299 | 500..=599) }
    }
}

impl RestApi {
    /// Takes away what may be there, and returns the fault with what came of it.
    pub(super) async fn mitigate(
        &self,
        exchange: &Exchange<'_>,
        call: &Call,
        failed: Failed,
        scrub: &Scrub,
    ) -> Fault {
        let Failed { fault, orphan } = failed;
        let config = Config::read(call).ok().filter(|config| orphan && config.takes_orphans());
        let Some(config) = config else { return fault };
        let call = Call { key: format!("{}-orphan", call.key), ..call.clone() };
        let came = self.take_away(exchange, (&config, &call), scrub).await;
        let message = match came {
            Ok(()) => format!("{}; what it may have left was taken away", fault.message),
            Err(other) => {
                format!("{}; what it may have left could not be taken away: {other}", fault.message)
            }
        };
        Fault { message, ..fault }
    }

    /// Takes away what was accepted and nobody waits for any more, where `delete.orphans` asks for it. What was there
    /// before, or was made since, is not touched.
    pub(super) async fn withdraw_clean(
        &self,
        exchange: &Exchange<'_>,
        (call, on): (&Call, &Wait),
        scrub: &Scrub,
    ) -> Result<Withdrawn, Fault> {
        let config = Config::read(call)?;
        if call.previous.is_some() || super::is_undoing(on) || !config.takes_orphans() {
            return Ok(Withdrawn::Nothing);
        }
        if !crate::kinds::markers_in(&call.config).is_empty() {
            let why = "what it was told is not known any more".to_owned();
            return Ok(Withdrawn::Left { why });
        }
        let call = Call { key: format!("{}-orphan", call.key), ..call.clone() };
        self.take_away(exchange, (&config, &call), scrub).await.map(|()| Withdrawn::Done)
    }

    async fn take_away(
        &self,
        exchange: &Exchange<'_>,
        (config, call): (&Config, &Call),
        scrub: &Scrub,
    ) -> Result<(), Fault> {
        let Some(prepared) = config.delete(call, self.look_timeout)? else { return Ok(()) };
        let response = exchange.send(&prepared).await?;
        let Some(poll) = config.goes_on(&response) else {
            if prepared.is_gone(&response) {
                return Ok(());
            }
            return super::answer::judge(&response, &prepared.expect, &prepared.what, scrub);
        };
        let url = poll.url(&prepared, &response, true)?;
        let gone = self.gone(exchange, (config, poll, &url), scrub);
        tokio::time::timeout(PATIENCE, gone)
            .await
            .unwrap_or_else(|_| Err(Fault::transient("the other side is still at it")))
    }

    async fn gone(
        &self,
        exchange: &Exchange<'_>,
        (config, poll, url): (&Config, &Poll, &str),
        scrub: &Scrub,
    ) -> Result<(), Fault> {
        let prepared = config.asking(url, self.look_timeout)?;
        loop {
            tokio::time::sleep(poll.interval()).await;
            let response = exchange.send(&prepared).await?;
            match poll.read((&prepared, &response), scrub)? {
                Progress::Waits => {}
                Progress::Done | Progress::Gone => return Ok(()),
            }
        }
    }
}
