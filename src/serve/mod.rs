//! Answers over HTTP: health and version, and what others post. It changes nothing by itself.

mod health;
mod ingress;
#[cfg(test)]
mod ingress_github_tests;
#[cfg(test)]
mod ingress_tests;
#[cfg(test)]
mod metrics_tests;
mod problem;

pub use health::Server;
pub use ingress::Ingress;
