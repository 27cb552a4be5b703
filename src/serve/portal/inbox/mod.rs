//! The inbox: what waits for whoever looks, what waits for others, several answered at once, and what was answered.

mod history;
mod lists;
mod many;

pub(super) use history::history;
pub(super) use lists::{approvals, show, tasks};
pub(super) use many::{complete_many, grant_many};
