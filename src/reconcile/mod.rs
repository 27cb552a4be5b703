//! Desired against actual: the diff, the guard, the plan. The same function serves review and convergence.

mod actual;
mod adopt;
mod became;
mod by_hand;
mod carried_out;
mod change;
mod claims;
mod definition;
mod desired;
mod diff;
mod evaluate;
mod expiry;
mod facts;
mod failure_hooks;
mod flapping;
mod forecast;
mod guard;
mod hooks;
#[cfg(test)]
mod incremental_tests;
mod landed;
#[cfg(test)]
mod laws;
mod needs;
mod operate;
mod order;
mod orphans;
mod people;
mod plan;
mod planner;
#[cfg(test)]
mod policies;
mod recorded;
#[cfg(test)]
mod revisions;
mod rollback;
mod schedule;
pub mod show;
mod steps;
mod suspects;
mod targets;
mod undo;
mod upstream;
mod verify;
mod window;
#[cfg(test)]
mod world;
#[cfg(test)]
mod world_catalog;
mod write_back;

pub use actual::{
    Actual, Applied, Observation, Observed, StepRecord, UnitRecord, UnitRow, UnitRows,
};
pub use became::became;
pub use by_hand::{by_hand, is_by_hand, no_failure};
pub use carried_out::carried_out;
pub use change::{
    Change, ChangeKind, Effect, FieldChange, Need, NeedKind, PlannedStep, UnitChange, When,
};
pub use claims::{claims_of_change, claims_of_record};
pub use definition::{Definition, Dormant, OperationBlock};
pub use desired::{Blocked, Desired, DesiredBuilder, Unit};
pub use diff::drift_mode;
pub use evaluate::{
    Inputs, Upstream, evaluate_deep, intent_digest, public, reads_of, resolve, scope_of,
    secret_marker, secret_name, secret_names,
};
pub use facts::{Facts, Revision, Stall};
pub use failure_hooks::{after_failure, is_hook, round_of};
pub use flapping::Corrections;
pub use forecast::{Forecast, Forecasted, Forecasts, forecast_steps};
pub use landed::{concerns, concerns_service};
pub use people::{Authors, bare, wrote};
pub use plan::{Drift, Hold, Pending, Plan, Verdict};
pub use planner::plan;
pub use recorded::{field_changes, fingerprint};
pub use rollback::{recorded_as, taken_back, taken_back_by};
pub use schedule::{CatchUp, Due, Fired, Schedule, jitter};
pub use steps::{
    Source as StepSource, decide, name_secrets, output_names, path_of, record_of, render_public,
    shows_a_secret, step_digest,
};
pub use suspects::{renames, suspects};
pub use targets::refused_target;
pub use upstream::{KnownOutputs, Reader, Reveal, UpstreamReads, gather, reads_others};
pub use verify::HEALTH;
pub use write_back::write_back;
