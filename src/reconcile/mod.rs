//! Desired against actual: the diff, the guard, the plan. The same function serves review and convergence.

mod actual;
mod change;
mod definition;
mod desired;
mod diff;
mod evaluate;
mod facts;
mod guard;
mod needs;
mod plan;
pub mod show;
mod steps;
mod window;

pub use actual::{Actual, Applied, Observation, Observed, StepRecord, UnitRecord, UnitRow};
pub use change::{Change, ChangeKind, Effect, FieldChange, Need, PlannedStep, UnitChange, When};
pub use definition::{Definition, OperationBlock};
pub use evaluate::Inputs;
pub use facts::{Facts, Revision, Stall};
pub use plan::{Drift, Hold, Pending, Plan, Verdict};
