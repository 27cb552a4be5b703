//! CODEOWNERS: who owns a path, and who must approve a change, to the letter of GitHub's documentation.

mod owners;

pub use owners::{LOCATIONS, Line, Owners};
