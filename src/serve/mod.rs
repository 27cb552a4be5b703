//! Answers over HTTP: health and version, what others post, the API, and the pages of the portal. It changes nothing by itself: words are
//! appended as decisions, on which the driver acts.

mod api;
mod auth;
mod health;
mod identity;
mod ingress;
#[cfg(test)]
mod ingress_github_tests;
#[cfg(test)]
mod ingress_tests;
mod listen;
#[cfg(test)]
mod metrics_tests;
mod portal;
mod problem;
mod server;
#[cfg(test)]
mod slow_tests;
mod tls;

pub use api::{Overview, name_problem, openapi, reference};
pub use auth::{
    Auth, AuthSettings, Grant, Held, Kind, LONGEST_PASSWORD, Network, Principal, Role, Scope,
    Teams, Verb, Via, hash_password, hash_secret, new_key, password_problem,
};
pub use identity::{
    ClaimNames, GitHubLogin, IdentitySettings, Issuer, JobRule, NewUsers, OidcSettings, Pattern,
    Shared,
};
pub use ingress::Ingress;
pub use server::{Server, Serving};
pub use tls::Tls;
