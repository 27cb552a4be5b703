//! What a run is: steps, events, the next state. The journal decides; an illegal event is an error.

mod aftermath;
mod approval;
mod breaker;
mod control;
mod event;
mod fault;
mod next;
mod order;
mod places;
mod progress;
mod queue;
mod replay;
mod retry;
mod run;
mod step;
mod teams;
mod trouble;
mod word;

#[cfg(test)]
pub(crate) mod history;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod story;

pub use approval::{Approvers, Ask, OnTimeout, Tally, Word, agrees, tally};
pub use breaker::{Breaker, BreakerKey, BreakerPolicy, BreakerState, Verdict};
pub use control::{Control, Refusal};
pub use event::{Added, Event, RunEvent, Said, StepEvent};
pub use fault::{Fault, FaultClass};
pub use next::{Next, call_off, finishing, give_way, interrupted, next, park, time_out, waits_for};
pub use places::{Cap, Capacity, Entry, Full, InEffect, Place};
pub use progress::{Progress, UNSENT};
pub use queue::{Queue, Turns, whose_turn};
pub use replay::{Difference, Replayed, replay};
pub use retry::{RetryPolicy, retry_delay, timeout_of};
pub use run::{IllegalEvent, Run, RunState};
pub use step::{StepState, Wait};
pub use teams::teams_of;
