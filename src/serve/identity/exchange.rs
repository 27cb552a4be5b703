//! Tokens that CI hands to its jobs, for an access of ours: the job is who its issuer says, and may what the first rule
//! that fits says.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::claims::text;
use super::rule::JobRule;
use super::settings::Issuer;
use super::token::{SKEW_S, ends};
use crate::digest::Digest;

/// A job that is let in.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Job {
    /// Its name here: who runs it, and as what.
    pub(in crate::serve) name: String,
    /// Who vouches, by the name of the configuration.
    pub(in crate::serve) ci: String,
    /// The rule that lets it in.
    pub(in crate::serve) rule: Digest,
    /// Names the token that it came with, so that it is taken once.
    pub(in crate::serve) once: String,
    /// Until when that token could come again.
    pub(in crate::serve) until: Timestamp,
}

/// Finds what a job may that has these claims; nothing where no rule means it.
pub(super) fn job(
    (ci, issuer): (&str, &Issuer),
    token: &str,
    claims: &Map<String, Value>,
) -> Option<Job> {
    let rule = issuer.rules.iter().find(|rule| rule.fits(claims))?;
    let subject = text(claims, "sub").filter(|sub| !sub.chars().any(char::is_control))?;
    let id = text(claims, "jti").unwrap_or(token);
    let once = format!("job {} {id}", issuer.issuer);
    let until = ends(claims)?.saturating_add(jiff::SignedDuration::from_secs(SKEW_S)).ok()?;
    Some(Job {
        name: format!("{ci}:{subject}"),
        ci: ci.to_owned(),
        rule: Digest::of(rule),
        once,
        until,
    })
}

/// Finds a rule again by its digest: one that was changed lets nobody in any more.
pub(in crate::serve) fn rule<'r>(issuer: &'r Issuer, digest: &str) -> Option<&'r JobRule> {
    issuer.rules.iter().find(|rule| Digest::of(rule).to_string() == digest)
}
