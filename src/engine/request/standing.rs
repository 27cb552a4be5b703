//! How a request stands once it was merged: derived from what is recorded of its service and of the run that carries it out. It
//! writes nothing.

use super::desk::{Desk, RequestError};
use crate::engine::unit_state::why_open;
use crate::run::{Run, RunState};
use crate::store::{RequestState, ServiceRequest};

/// A state and why.
pub(super) type Stands = (RequestState, Option<String>);

/// Derives how a merged request stands from the run that carries it out, and from what is told of
/// why it stopped.
pub(super) fn of_run(run: &Run, told: Option<String>) -> Stands {
    let why = || why_open(run).or(told);
    if run.escalated && !run.state.is_over() {
        return (RequestState::Escalated, why());
    }
    match run.state {
        RunState::Succeeded if run.escalated => {
            (RequestState::Completed, Some("people did a part of it by hand".to_owned()))
        }
        RunState::Succeeded => (RequestState::Completed, None),
        RunState::Cancelled => {
            (RequestState::Aborted, Some(format!("run {} was called off", run.id)))
        }
        RunState::RolledBack => {
            let why = "what it did was taken back; the catalog still wants it";
            (RequestState::Failed, Some(why.to_owned()))
        }
        RunState::Failed | RunState::NeedsDecision | RunState::Parked => {
            (RequestState::Failed, why())
        }
        RunState::Superseded => {
            (RequestState::Processing, Some("a newer revision takes its place".to_owned()))
        }
        _ if run.effect > run.first_effect => (RequestState::Retrying, why()),
        _ => (RequestState::Processing, why()),
    }
}

impl Desk {
    /// Tells how a merged request stands, and which run carries it out.
    pub(super) async fn standing(
        &self,
        request: &ServiceRequest,
        merge: &str,
    ) -> Result<(Stands, Option<String>), RequestError> {
        let service = request.service.as_str();
        let newest = self.store.runs(Some(service), 1).await?.into_iter().next();
        if let Some(newest) = newest
            && let Some(run) = self.store.run(&newest.id).await?
            && self.includes(merge, &run.commit).await?
        {
            let name = Some(run.id.to_string());
            if run.state != RunState::Superseded {
                return Ok((of_run(&run, newest.why), name));
            }
        }
        let waits = |why: &str| Ok(((RequestState::Processing, Some(why.to_owned())), None));
        let state = self.store.catalog_state().await?;
        let is_seen = match &state.head {
            Some(head) => self.includes(merge, head).await?,
            None => false,
        };
        if !is_seen {
            return waits("waits for the next look at the catalog");
        }
        if let Some(held) = state.held.get(service) {
            return waits(&format!("it is {held}"));
        }
        if let Some(why) = state.blocked.get(service) {
            return Ok((
                (RequestState::Failed, Some(format!("it does not fit the catalog: {why}"))),
                None,
            ));
        }
        if let Some(why) = state.pending.get(service) {
            return waits(why);
        }
        let plan = self.store.latest_plan().await?;
        if plan.is_some_and(|plan| plan.change(service).is_some()) {
            return waits("it is planned");
        }
        if state.suspended.contains(service) {
            let why = "nothing was to be done: the service is suspended";
            return Ok(((RequestState::Completed, Some(why.to_owned())), None));
        }
        Ok(((RequestState::Completed, Some("nothing was to be done".to_owned())), None))
    }
}
