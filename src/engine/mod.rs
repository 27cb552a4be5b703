//! Gathers facts, starts runs and drives their steps to an outcome. What is done was decided before.

mod admit;
mod adopt;
mod aftermath;
mod approvals;
mod attempt;
mod batch;
#[cfg(test)]
mod breaker_model;
mod call;
mod carry;
mod circumstances;
mod claims;
mod control;
mod decisions;
mod dispatch;
mod drive;
mod engine;
mod facts;
pub mod filing;
mod finish;
mod forecast;
mod github_metrics;
mod health;
mod hold;
mod journal;
mod memory;
mod metrics;
mod observe;
mod poison;
mod refuse;
mod refused;
pub mod render;
pub mod request;
mod said;
mod start;
mod system;
mod told;
mod trouble;
mod unit_state;
mod view;
#[cfg(test)]
pub(crate) mod view_sample;
#[cfg(test)]
mod view_tests;
mod wait;
mod withdraw;

pub use attempt::Attempt;
pub use circumstances::{Circumstances, Waits};
pub use claims::plan_beside_others;
pub use decisions::{check_outputs, typed_outputs, typed_values};
pub use drive::{Driver, Heard, News};
pub use engine::{Engine, EngineError, Limits};
pub use facts::{Head, gather, known_outputs, superseded};
pub use finish::seal_outputs;
pub use forecast::ForecastMade;
pub use memory::{Decided, Memory};
pub use metrics::{METRICS_TYPE, Metrics};
pub use observe::{Seen, observe};
pub use said::{Refused, breaker_of, may_control, may_hold, may_operate, said_of_services};
pub use told::{Told, why_over};
pub use unit_state::{Standing, UnitState, unit_state, why_open};
pub use view::{ServiceView, UnitView, View};
