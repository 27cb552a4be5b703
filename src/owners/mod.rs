//! CODEOWNERS: who owns a path, and who must approve a change, to the letter of GitHub's documentation.

mod approval;
mod demand;
mod index;
mod landed;
#[cfg(test)]
mod laws;
mod name;
mod owners;
mod parse;
mod pattern;
mod shadow;
mod steps;
#[cfg(test)]
mod tests;

pub use approval::{People, Touched, approval};
pub use demand::{Approval, AskedPath, Demand, Why};
pub use landed::{Landing, Ledger, Said, Unapproved, Way, Word, standing};
pub use name::{hidden_user, is_owner};
pub use owners::{LOCATIONS, Line, MAX_BYTES, Owners};
pub use pattern::{Fault, Pattern};
