//! What a person says on a request: to call it off, to try again, to let people do it. Before it is merged that is about its
//! proposal, after that about its run. It records the word; whoever looks after the request acts on it.

use jiff::Timestamp;

use crate::engine::said::{Refused, may_control};
use crate::id::RunId;
use crate::run::{Control, Run};
use crate::store::{Actor, DecisionKind, RequestState, ServiceRequest, Store, StoreError};

/// What is said on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestWord {
    /// Calls it off.
    Abort,
    /// Tries again what failed.
    Retry {
        /// Leaves alone what succeeded.
        from_failed: bool,
    },
    /// Lets people do by hand what failed.
    Escalate,
}

impl RequestWord {
    /// Returns the word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Abort => "abort",
            Self::Retry { .. } => "retry",
            Self::Escalate => "escalate",
        }
    }
}

/// What came of a word.
#[derive(Clone, Debug, PartialEq)]
pub struct Spoken {
    /// The request as it stands now.
    pub request: ServiceRequest,
    /// The decision that was recorded, where it is about the run.
    pub decision: Option<i64>,
}

/// Says a word on a request, where it makes sense.
pub async fn say_on_request(
    store: &dyn Store,
    request: ServiceRequest,
    (word, reason): (RequestWord, &str),
    (by, at): (&Actor, Timestamp),
) -> Result<Result<Spoken, Refused>, StoreError> {
    let (id, state) = (&request.id, request.progress.state);
    if state.is_over() {
        let message = format!("request {id} is {state} already");
        return Ok(Err(Refused::new(message, "ask for it anew")));
    }
    if request.progress.merged.is_none() {
        if word == RequestWord::Abort {
            return call_off(store, request, reason, (by, at)).await;
        }
        let message = format!("request {id} is {state}: nothing of it was carried out yet");
        return Ok(Err(Refused::new(message, "`abort` calls it off")));
    }
    let Some(run) = run_of(store, &request).await? else {
        let message = format!("request {id} was merged, and no run carries it out yet");
        return Ok(Err(Refused::new(message, "ask for a change of the service, or hold it")));
    };
    let control = match word {
        RequestWord::Abort => Control::Cancel,
        RequestWord::Retry { from_failed } => Control::Retry { from_failed },
        RequestWord::Escalate => Control::Escalate,
    };
    if let Err(refused) = may_control(store, &run, &control).await? {
        return Ok(Err(refused));
    }
    let decision = DecisionKind::Control {
        run: run.id.clone(),
        service: run.change.service.clone(),
        control,
        reason: reason.to_owned(),
    };
    let decision = Some(store.decide_as(by, at, &decision).await?);
    Ok(Ok(Spoken { request, decision }))
}

/// Reads the run that carries a request out.
pub async fn run_of(
    store: &dyn Store,
    request: &ServiceRequest,
) -> Result<Option<Run>, StoreError> {
    match &request.progress.run {
        Some(run) => store.run(&RunId(run.clone())).await,
        None => Ok(None),
    }
}

/// Records that a request is called off; its proposal is closed at the next look.
async fn call_off(
    store: &dyn Store,
    mut request: ServiceRequest,
    reason: &str,
    (by, at): (&Actor, Timestamp),
) -> Result<Result<Spoken, Refused>, StoreError> {
    // Whoever looks after it may have written in between.
    for _ in 0..20 {
        if let Some((who, _)) = &request.progress.aborted {
            let message = format!("{who} called request {} off already", request.id);
            return Ok(Err(Refused::new(message, "its proposal is closed at the next look")));
        }
        if request.progress.merged.is_some() || request.progress.state.is_over() {
            break;
        }
        request.progress.aborted = Some((by.name.clone(), reason.to_owned()));
        let state: RequestState = request.progress.state;
        request.progress.is_now(at, state, Some(format!("called off by {}: {reason}", by.name)));
        if store.save_service_request(Some(by), at, &request).await? {
            request.version += 1;
            return Ok(Ok(Spoken { request, decision: None }));
        }
        match store.service_request(&request.id).await? {
            Some(there) => request = there,
            None => break,
        }
    }
    let message = format!("request {} is {} by now", request.id, request.progress.state);
    Ok(Err(Refused::new(message, "look at it, and say it again")))
}
