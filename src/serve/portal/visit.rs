//! Somebody who is known and looks at a page; whoever is not known is sent to sign in.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::Timestamp;

use super::guest::Guest;
use crate::serve::auth::{Kind, Principal, Verb};
use crate::serve::problem::Problem;

/// Somebody who is known.
#[derive(Clone)]
pub(super) struct Visit {
    guest: Guest,
    who: Principal,
}

impl Visit {
    pub(super) fn who(&self) -> &Principal {
        &self.who
    }

    /// Tells whether a page need offer something: it may be done to things of some team.
    pub(super) fn may(&self, verb: Verb, kind: Kind) -> bool {
        self.who.may_somewhere(verb, kind)
    }

    /// Tells whether a page need offer something to a thing of a team.
    pub(super) fn may_of(&self, verb: Verb, kind: Kind, team: Option<&str>) -> bool {
        self.who.may(verb, kind, team)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.guest.app().now()
    }
}

impl Deref for Visit {
    type Target = Guest;

    fn deref(&self) -> &Guest {
        &self.guest
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let guest = match Guest::from_request_parts(parts, state).await {
            Ok(guest) => guest,
            Err(never) => match never {},
        };
        let who = guest.who().cloned().ok_or_else(|| Problem::unknown("sign in first"))?;
        Ok(Self { guest, who })
    }
}
