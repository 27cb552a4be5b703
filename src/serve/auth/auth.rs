//! Finds out who asks: by key, access token or session. Whoever is not known is nobody, and nobody may nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, header};
use jiff::Timestamp;

use super::access::Access;
use super::limits::Limits;
use super::principal::{Principal, Via};
use super::role::Scope;
use super::secrets;
use super::settings::AuthSettings;
use crate::catalog::Catalog;
use crate::digest::Digest;
use crate::serve::problem::Problem;
use crate::store::{Sealer, SessionKind, Store};

/// How long a browser may be quiet before it has to sign in again, in seconds.
const QUIET_S: i64 = 12 * 60 * 60;

/// How often it is written down that a key or a session is used, in seconds.
const SEEN_EVERY_S: i64 = 60;

/// Finds out who asks.
#[derive(Clone)]
pub struct Auth(Arc<Parts>);

struct Parts {
    settings: AuthSettings,
    access: Access,
    forms: [u8; 32],
    limits: Limits,
    /// When the use of a key was last written down.
    used: Mutex<HashMap<String, Timestamp>>,
    /// Hash of the code of the first user, and until when it holds.
    setup: Mutex<Option<(String, Timestamp)>>,
}

impl Auth {
    /// Makes it for a catalog, with keys of its state.
    pub fn new(settings: AuthSettings, sealer: &Sealer, catalog: &str) -> Self {
        Self(Arc::new(Parts {
            access: Access::new(&sealer.derive("access tokens"), catalog),
            forms: sealer.derive("forms of sessions"),
            limits: Limits::new(settings.rate),
            settings,
            used: Mutex::default(),
            setup: Mutex::default(),
        }))
    }

    /// Makes a code with which the first user is made, once, within an hour.
    pub fn setup_code(&self, now: Timestamp) -> crate::secret::Secret {
        let code = secrets::token();
        let until = now.saturating_add(jiff::SignedDuration::from_hours(1)).unwrap_or(now);
        let kept = (secrets::hash(code.reveal()), until);
        *self.0.setup.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        code
    }

    /// Uses the code of the first user up, where it is the right one.
    pub(in crate::serve) fn take_setup_code(&self, code: &str, now: Timestamp) -> bool {
        let mut kept = self.0.setup.lock().unwrap_or_else(PoisonError::into_inner);
        let right =
            kept.as_ref().is_some_and(|(hash, until)| *until > now && *hash == secrets::hash(code));
        if right {
            *kept = None;
        }
        right
    }

    pub(in crate::serve) fn settings(&self) -> &AuthSettings {
        &self.0.settings
    }

    pub(in crate::serve) fn access(&self) -> &Access {
        &self.0.access
    }

    pub(in crate::serve) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Names the cookie of sessions: `__Host-` holds it to this host and to TLS.
    pub(in crate::serve) fn cookie(&self) -> &'static str {
        if self.0.settings.is_https() { "__Host-trueline" } else { "trueline" }
    }

    /// Returns what a form or a script of a session has to send back, so that no other site can.
    pub(in crate::serve) fn form_token(&self, session: &str) -> String {
        Digest::of_parts([self.0.forms.as_slice(), session.as_bytes()]).to_string()
    }

    /// Finds out who asks; nothing where nobody says, a problem where somebody says what does not hold.
    pub(in crate::serve) async fn who(
        &self,
        store: &dyn Store,
        (catalog, headers): (Option<&Catalog>, &HeaderMap),
        now: Timestamp,
    ) -> Result<Option<Principal>, Problem> {
        if let Some(presented) = bearer(headers)? {
            let who = match secrets::key_id(presented) {
                Some(id) => self.by_key(store, (id, presented), (catalog, now)).await?,
                None => self.by_access(store, presented, (catalog, now)).await?,
            };
            let unknown = || Problem::unknown("the key or token is not known, or its time is past");
            return who.map(Some).ok_or_else(unknown);
        }
        match cookie(headers, self.cookie()) {
            Some(secret) => self.by_session(store, secret, (catalog, now)).await,
            None => Ok(None),
        }
    }

    async fn by_key(
        &self,
        store: &dyn Store,
        (id, presented): (&str, &str),
        (catalog, now): (Option<&Catalog>, Timestamp),
    ) -> Result<Option<Principal>, Problem> {
        let Some(key) = store.key(id).await? else { return Ok(None) };
        let holds = key.hash == secrets::hash(presented)
            && key.revoked_at.is_none()
            && key.expires_at.is_none_or(|until| until > now);
        if !holds {
            return Ok(None);
        }
        let Some(user) = store.user(&key.owner).await?.filter(|user| !user.disabled) else {
            return Ok(None);
        };
        if self.is_due(id, now) {
            store.key_used(id, now).await?;
        }
        let mut principal = self.of(&user, (Via::Key(id.to_owned()), catalog), now);
        principal.scopes = key.scopes.iter().filter_map(|scope| Scope::read(scope)).collect();
        // A scope that this version can't read cuts down to nothing.
        let unread = principal.scopes.len() < key.scopes.len();
        Ok(Some(principal).filter(|_| !unread))
    }

    async fn by_access(
        &self,
        store: &dyn Store,
        presented: &str,
        (catalog, now): (Option<&Catalog>, Timestamp),
    ) -> Result<Option<Principal>, Problem> {
        let Some(claims) = self.0.access.read(presented, now) else { return Ok(None) };
        if let Some(job) = claims.job {
            let sessions = store.sessions(&claims.sub).await?;
            let is_there = sessions.iter().any(|seen| seen.session.id == claims.sid);
            let who = (claims.sub.as_str(), claims.sid);
            return Ok(if is_there { self.of_job(who, (&job.0, &job.1)) } else { None });
        }
        let user = store.user_in_session(&claims.sub, &claims.sid).await?;
        let user = user.filter(|user| !user.disabled && user.version == claims.ver);
        Ok(user.map(|user| self.of(&user, (Via::Access(claims.sid), catalog), now)))
    }

    async fn by_session(
        &self,
        store: &dyn Store,
        secret: &str,
        (catalog, now): (Option<&Catalog>, Timestamp),
    ) -> Result<Option<Principal>, Problem> {
        let Some(seen) = store.session(&secrets::hash(secret)).await? else { return Ok(None) };
        let quiet = now.as_second() - seen.seen_at.as_second();
        let session = seen.session;
        let holds =
            session.kind == SessionKind::Browser && session.expires_at > now && quiet < QUIET_S;
        let user = if holds { store.user(&session.owner).await? } else { None };
        let Some(user) = user.filter(|user| !user.disabled) else { return Ok(None) };
        if quiet >= SEEN_EVERY_S {
            store.session_seen(&session.id, now).await?;
        }
        Ok(Some(self.of(&user, (Via::Session(session.id), catalog), now)))
    }

    fn is_due(&self, key: &str, now: Timestamp) -> bool {
        let mut used = self.0.used.lock().unwrap_or_else(PoisonError::into_inner);
        let last = used.get(key);
        let is_due = last.is_none_or(|at| now.as_second() - at.as_second() >= SEEN_EVERY_S);
        if is_due {
            used.insert(key.to_owned(), now);
        }
        is_due
    }
}

/// Reads what is presented as `Authorization: Bearer …`.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let Some(one) = all.next() else { return Ok(None) };
    let text = one.to_str().ok().and_then(|text| text.split_once(' '));
    match (text, all.next()) {
        (Some((scheme, token)), None)
            if scheme.eq_ignore_ascii_case("bearer") && token.len() <= 4096 =>
        {
            Ok(Some(token.trim()))
        }
        _ => Err(Problem::unknown("`Authorization` is to be `Bearer`, with a key or a token")),
    }
}

/// Reads a cookie; nothing where it is there twice, for one of them is not ours.
pub(in crate::serve) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|one| one.to_str().ok());
    let pairs = all.flat_map(|one| one.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut found = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}
