//! Reviews of proposals to the catalog: judged, planned, shown, answered; and whether owners approved what was merged.
//! It reads and says, and never carries anything out.

mod after;
mod answer;
mod bench;
mod command;
mod error;
mod gate;
#[cfg(test)]
mod held_tests;
mod landed;
mod line;
mod make;
mod notes;
mod pass;
mod people;
#[cfg(test)]
mod request_tests;
mod run;
mod say;
#[cfg(test)]
mod team_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;
mod worth;

pub use error::ReviewError;
pub(in crate::daemon) use gate::Unapproved;
pub use pass::{Passed, Reviewer};
pub use people::Reviews;
pub use run::{Pokes, run};
