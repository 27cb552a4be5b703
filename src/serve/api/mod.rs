//! The API under `/api/v1`: one file a resource. It reads the store and what the loop shows, and appends decisions.

mod account;
mod accounts;
mod activity;
mod again;
mod app;
mod approvals;
mod asking;
mod audit;
mod catalog;
mod desired;
mod document;
mod entry;
mod events;
mod excerpt;
mod exchange;
mod extract;
mod findings;
mod frame;
mod granting;
mod inbox;
mod insights;
mod operating;
mod options;
mod page;
mod pages;
mod plan_pages;
mod plans;
mod preview;
mod proposals;
mod recorded;
mod relations;
mod render;
mod request_words;
mod requests;
mod reveal;
mod router;
mod runs;
mod search;
mod service_words;
mod services;
mod session;
mod sign_in;
mod standing;
mod status;
mod tag;
mod tasks;
mod tools;
mod unit;
mod users;
mod words;

#[cfg(test)]
mod attack_tests;
#[cfg(test)]
mod exchange_tests;
#[cfg(test)]
mod requests_tests;
#[cfg(test)]
pub(super) mod scene;
#[cfg(test)]
mod sign_in_tests;
#[cfg(test)]
mod tests;

pub(in crate::serve) use app::{App, Parts};
pub(in crate::serve) use frame::{Correlation, framed};
pub use pages::reference;
#[cfg(test)]
pub(in crate::serve) use proposals::proposed;
pub use router::openapi;
pub(in crate::serve) use router::{router, within};
pub(in crate::serve) use session::{begin_browser, set_cookie};
pub use sign_in::name_problem;
pub use status::Overview;
