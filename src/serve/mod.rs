//! Answers over HTTP: health and version, for now. It changes nothing.

mod health;

pub use health::Server;
