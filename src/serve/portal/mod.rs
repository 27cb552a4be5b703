//! The portal: pages for people, made on the server. It is a client of the API, asked from within as whoever looks: it
//! can do nothing that they could not do there.

mod assets;
mod change;
mod diff;
mod door;
mod form;
mod guest;
mod judge;
mod layout;
mod local;
mod marks;
mod overview;
mod plan;
mod portal;
mod problem_page;
mod router;
mod run;
mod run_steps;
mod run_word;
mod runs;
mod said;
mod service;
mod service_word;
mod services;
mod setup;
mod sign_in;
mod sign_out;
mod theme;
mod times;
mod visit;

#[cfg(test)]
mod browser;
#[cfg(test)]
mod door_tests;

pub(in crate::serve) use portal::Portal;
pub(in crate::serve) use router::router;
