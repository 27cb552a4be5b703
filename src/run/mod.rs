//! What a run is: steps, events, the next state. The journal decides; an illegal event is an error.

mod event;
mod fault;
mod next;
mod retry;
mod run;
mod step;

pub use event::{Event, RunEvent, StepEvent};
pub use fault::{Fault, FaultClass};
pub use next::{Next, next};
pub use retry::{RetryPolicy, duration, retry_delay, timeout_of};
pub use run::{IllegalEvent, Progress, Run, RunState};
pub use step::{StepState, Wait};
