//! Attempts to sign in that are under way elsewhere: what we said there, kept here, and bound to the browser that began.
//! Each is ended by the first who comes back with it, whatever becomes of it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::secret::Secret;
use crate::serve::auth::{hash_secret, new_token};

/// How long somebody may take to sign in elsewhere.
pub(in crate::serve) const HOLDS: SignedDuration = SignedDuration::from_mins(10);

/// Attempts that are kept at once; the oldest give way.
const MOST: usize = 50_000;

/// An attempt.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    /// With whom.
    pub(super) provider: String,
    /// What comes back with whoever was sent there by us.
    pub(super) state: Secret,
    /// What the token has to hold.
    pub(super) nonce: Secret,
    /// What only we know of the code that we asked for (PKCE).
    pub(super) verifier: Secret,
    /// Where to go on.
    pub(super) next: String,
    until: Timestamp,
}

/// Attempts by the hash of what their browsers hold.
#[derive(Default)]
pub(super) struct Attempts(Mutex<HashMap<String, Attempt>>);

impl Attempts {
    /// Begins one; returns what its browser is to hold.
    pub(super) fn begin(&self, provider: &str, next: &str, now: Timestamp) -> (Secret, Attempt) {
        let attempt = Attempt {
            provider: provider.to_owned(),
            state: new_token(),
            nonce: new_token(),
            verifier: new_token(),
            next: next.to_owned(),
            until: now.saturating_add(HOLDS).unwrap_or(now),
        };
        let held = new_token();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST {
            kept.retain(|_, attempt| attempt.until > now);
        }
        if kept.len() >= MOST {
            let oldest = kept.iter().min_by_key(|(_, attempt)| attempt.until);
            let oldest = oldest.map(|(hash, _)| hash.clone());
            oldest.map(|hash| kept.remove(&hash));
        }
        kept.insert(hash_secret(held.reveal()), attempt.clone());
        (held, attempt)
    }

    /// Ends one: returns it where this browser began it with this provider, in time, and the right state comes back.
    pub(super) fn end(
        &self,
        (held, state): (&str, &str),
        provider: &str,
        now: Timestamp,
    ) -> Option<Attempt> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let attempt = kept.remove(&hash_secret(held))?;
        let right = attempt.provider == provider
            && attempt.until > now
            && hash_secret(attempt.state.reveal()) == hash_secret(state);
        right.then_some(attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::identity::testing::at;

    #[test]
    fn an_attempt_is_ended_once_by_the_browser_that_began_it() {
        let attempts = Attempts::default();
        let begin = || attempts.begin("corp", "/runs", at(1_000));
        let end = |held: &Secret, state: &Secret, provider: &str, second: i64| {
            attempts.end((held.reveal(), state.reveal()), provider, at(second)).is_some()
        };
        let (held, attempt) = begin();
        assert_ne!(attempt.state, attempt.nonce);
        assert!(end(&held, &attempt.state, "corp", 1_599));
        assert!(!end(&held, &attempt.state, "corp", 1_599), "once");
        for (provider, second, right) in
            [("other", 1_001, true), ("corp", 1_600, true), ("corp", 1_001, false)]
        {
            let (held, attempt) = begin();
            let state = if right { attempt.state } else { attempt.nonce };
            assert!(!end(&held, &state, provider, second), "{provider} {second}");
        }
        let (held, _) = begin();
        let (_, other) = begin();
        assert!(!end(&held, &other.state, "corp", 1_001), "of another browser");
        assert!(!end(&held, &other.state, "corp", 1_001), "what was tried wrongly is gone");
    }
}
