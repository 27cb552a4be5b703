//! Proposals that Trueline files to a catalog: where they go, and the branch with one commit that each is made of.

mod filing;
mod place;

pub use filing::{Filing, Pushed, Written};
pub use place::Place;
