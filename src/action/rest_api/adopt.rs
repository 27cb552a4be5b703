//! Takes over a resource that is there already: it is looked at as a drift sweep would, and its answer stands for the
//! one that making it would have had. It sends nothing but the request of `observe`.

use std::time::Duration;

use reqwest::Method;

use super::config::{Config, Prepared};
use super::exchange::Exchange;
use super::{RestApi, answer};
use crate::action::Call;
use crate::action::Outcome;
use crate::action::adopt::{absent, differs};
use crate::action::scrub::Scrub;
use crate::net::Response;
use crate::reconcile::Observation;
use crate::run::Fault;

impl RestApi {
    /// Answers as if the resource had been made, where it is there and as it would have been made.
    pub(super) async fn adopt_clean(
        &self,
        exchange: &Exchange<'_>,
        call: &Call,
        scrub: &Scrub,
    ) -> Result<Outcome, Fault> {
        let config = Config::read(call)?;
        let (looking, making) = self.both(&config, call)?;
        let (seen, response) = self.compared(exchange, (call, &looking), scrub).await?;
        match seen {
            Observation::Same => {}
            Observation::Absent => return Err(absent(&looking.what)),
            Observation::Different { changes } => return Err(differs(&changes)),
            Observation::Unknown { reason } => {
                return Err(Fault::terminal(format!("it can't be taken over: {reason}")));
            }
        }
        if is_told_by_being_there(call, &looking) {
            return Err(Fault::terminal(
                "it can't be taken over: nothing tells whether it is equal; \
                 `observe.compare` names what is compared",
            ));
        }
        let scrub = &exchange.scrub(scrub);
        let result = answer::result(&making, &response, scrub);
        let outputs = answer::outputs(call, &response, &result, scrub)?;
        Ok(Outcome::Done { result, outputs })
    }

    /// Prepares the request that looks, and the one that would have made it, which is not sent.
    fn both(&self, config: &Config, call: &Call) -> Result<(Prepared, Prepared), Fault> {
        let looking = config.observe(self.look_timeout)?.ok_or_else(|| {
            Fault::terminal("it can't be taken over: its `config` has no `observe`")
        })?;
        Ok((looking, config.perform(call, Duration::from_secs(1))?))
    }
}

/// Tells whether something was sent, and nothing of it could be compared with what is there.
fn is_told_by_being_there(call: &Call, looking: &Prepared) -> bool {
    let sends = call.config.get("body").is_some_and(|body| !body.is_null());
    let compared = looking.sent.as_ref().is_some_and(|sent| sent.is_object() || sent.is_array());
    let looks_inside = compared && looking.request.method != Method::HEAD;
    sends && looking.compare.is_empty() && !looks_inside
}

/// What a look gave, with the answer it was read from.
pub(super) type Compared = (Observation, Response);
