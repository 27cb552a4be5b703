//! Who somebody is by the word of others: providers of OpenID Connect, GitHub, and the tokens that CI hands to its jobs.
//! It believes nothing that is not signed by whom the operator named; what somebody may is decided elsewhere.

mod attempt;
mod claims;
mod exchange;
mod github;
mod identity;
mod keys;
mod oidc;
mod outside;
mod person;
mod rule;
mod settings;
#[cfg(test)]
pub(in crate::serve) mod testing;
mod token;

pub(in crate::serve) use attempt::HOLDS as ATTEMPT_HOLDS;
pub(in crate::serve) use exchange::{Job, rule as rule_of};
pub(in crate::serve) use identity::{Identity, Returned};
pub(in crate::serve) use person::signed_in;
pub use rule::{JobRule, Pattern};
pub use settings::{
    ClaimNames, GitHubLogin, IdentitySettings, Issuer, NewUsers, OidcSettings, Shared,
};
