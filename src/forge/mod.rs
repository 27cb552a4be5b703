//! Forges: pull requests, or proposals in a plain repository, behind two traits.
//!
//! Readers never write; a dry run is a writer that says what it would do.

mod error;
pub mod github;
mod history;
mod local;
mod local_review;
mod proposal;
mod quota;
mod read;
mod record;
mod review;
mod talk;
mod write;

pub use error::ForgeError;
pub use local::LocalForge;
pub use proposal::{Asked, COMMITTER, NewProposal, Proposal, ProposalDetail, ProposalState};
pub use quota::{Asker, Bounds, Full, Quota};
pub use read::ForgeRead;
pub use review::{
    Annotation, Check, CheckState, Comment, Level, Opinion, Person, Review, ReviewRead,
    ReviewWrite, Reviewable,
};
pub use write::{Forge, ForgeWrite};
