//! The portal: pages for people, made on the server. It is a client of the API, asked from within as whoever looks: it
//! can do nothing that they could not do there.

mod accounts;
mod activity;
mod agent;
mod approval;
mod assets;
mod audit;
mod breaker;
mod catalog;
mod change;
mod diff;
mod door;
mod drift;
mod fields;
mod findings;
mod form;
mod guest;
mod health;
mod inbox;
mod insights;
mod item;
mod judge;
mod layout;
mod local;
mod marks;
mod operating;
mod overview;
mod parts;
mod plan;
mod portal;
mod problem_page;
mod proposals;
mod provider;
mod relations;
mod request;
mod reveal;
mod router;
mod run;
mod run_steps;
mod run_word;
mod runs;
mod said;
mod service;
mod service_word;
mod services;
mod settings;
mod setup;
mod sign_in;
mod sign_out;
mod task;
mod theme;
mod times;
mod users;
mod visit;

#[cfg(test)]
mod accounts_tests;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod door_tests;
#[cfg(test)]
mod github_tests;
#[cfg(test)]
mod pages_tests;
#[cfg(test)]
mod provider_tests;

pub(in crate::serve) use portal::Portal;
pub(in crate::serve) use router::router;
