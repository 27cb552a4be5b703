//! Pages of proposals: how what Trueline filed and what people opened stands, one in full, and words on it.

mod list;
mod one;
mod patch;
mod talk;
mod word;

pub(super) use list::show;
pub(super) use one::show as one;
pub(super) use word::{show as ask, take};
