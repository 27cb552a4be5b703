//! Asking for services: the form, the review of what comes of it, and the requests that were made of it. Each is a request of the
//! API; nothing is asked for before it was reviewed.

mod ask;
mod change;
mod fill;
mod flow;
mod list;
mod new;
mod one;
mod page;
mod review;
mod subject;
#[cfg(test)]
mod tests;
mod wish;
mod word;

pub(super) use change::{show as show_change, take as take_change};
pub(super) use list::show as list;
pub(super) use new::{bundle, item, take_bundle, take_item};
pub(super) use one::show as one;
pub(super) use wish::{show as show_wish, take as take_wish};
pub(super) use word::{show as show_word, take as take_word};
