//! Requests: what somebody asks of the catalog becomes a file, a branch in their name and a proposal, and is followed until it
//! is done. A request can do nothing that a reviewed change could not.

mod ask;
mod check;
mod compose;
mod desk;
mod follow;
mod names;
mod requesters;
mod row;
mod standing;
mod typed;
mod upload;
mod words;

pub use ask::{Ask, Wrong};
pub use check::{Checked, check, seen_by};
pub use compose::{Draft, Sight, compose, form_of};
pub use desk::{Desk, RequestError};
pub use follow::{FollowPace, follow};
pub use requesters::WithRequesters;
pub use row::{Requester, row};
pub use typed::typed;
pub use upload::{Placed, Upload};
pub use words::{RequestWord, Spoken, run_of, say_on_request};
