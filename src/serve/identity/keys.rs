//! What an issuer says of itself, and the keys that it signs with: read where it publishes them, kept for a while, and
//! read again where a token names a key that is not among them.

use std::sync::Arc;

use jiff::Timestamp;
use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::outside::{Outside, answered, away};
use super::settings::address;
use super::token::{self, Expected, Refused};
use crate::serve::problem::Problem;

/// How long what an issuer says is taken for what it still says, in seconds.
const KEPT_S: i64 = 60 * 60;

/// How long it is at least before keys are read again for one that is not known, in seconds.
const AGAIN_S: i64 = 30;

/// The most keys of an issuer that are looked at.
const MOST_KEYS: usize = 100;

/// What an issuer says of itself (OpenID Connect Discovery).
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Document {
    issuer: String,
    #[serde(default)]
    pub(super) authorization_endpoint: Option<String>,
    #[serde(default)]
    pub(super) token_endpoint: Option<String>,
    #[serde(default)]
    pub(super) userinfo_endpoint: Option<String>,
    jwks_uri: String,
    #[serde(default)]
    pub(super) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// It says who it is whenever it sends somebody back (RFC 9207).
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

#[derive(Clone)]
struct Known {
    document: Arc<Document>,
    keys: Arc<[Jwk]>,
    read_at: Timestamp,
}

/// An issuer of tokens.
pub(super) struct Issuing {
    issuer: String,
    known: Mutex<Option<Known>>,
}

impl Issuing {
    pub(super) fn new(issuer: &str) -> Self {
        Self { issuer: issuer.to_owned(), known: Mutex::default() }
    }

    /// Returns what it says of itself.
    pub(super) async fn document(
        &self,
        outside: &Outside,
        now: Timestamp,
    ) -> Result<Arc<Document>, Problem> {
        Ok(self.known(outside, now, KEPT_S).await?.document)
    }

    /// Checks a token of it; the inner error says why it is not believed.
    pub(super) async fn verified(
        &self,
        outside: &Outside,
        token: &str,
        (audience, nonce, now): (&str, Option<&str>, Timestamp),
    ) -> Result<Result<Map<String, Value>, Refused>, Problem> {
        let head = match token::head(token) {
            Ok(head) => head,
            Err(refused) => return Ok(Err(refused)),
        };
        let mut known = self.known(outside, now, KEPT_S).await?;
        if !known.keys.iter().any(|key| token::suits(&head, key)) {
            known = self.known(outside, now, AGAIN_S).await?;
        }
        let expected = Expected { issuer: &self.issuer, audience, nonce, now };
        Ok(token::verified(token, (&head, &known.keys), expected))
    }

    /// Returns what is known of it, read anew where that is older than it may be. Where it can't be read, what was known
    /// goes on for a day.
    async fn known(
        &self,
        outside: &Outside,
        now: Timestamp,
        oldest_s: i64,
    ) -> Result<Known, Problem> {
        let mut kept = self.known.lock().await;
        let age = kept.as_ref().map(|known| now.as_second() - known.read_at.as_second());
        if let (Some(known), Some(age)) = (kept.as_ref(), age)
            && age < oldest_s
        {
            return Ok(known.clone());
        }
        match self.read(outside, now).await {
            Ok(known) => Ok(kept.insert(known).clone()),
            Err(problem) => match kept.as_ref() {
                Some(known) if age.is_some_and(|age| age < 24 * KEPT_S) => Ok(known.clone()),
                _ => Err(problem),
            },
        }
    }

    async fn read(&self, outside: &Outside, now: Timestamp) -> Result<Known, Problem> {
        let place =
            format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let (status, value, _) = outside.get(&place, None).await?;
        if status != 200 {
            return Err(answered(status, &value));
        }
        let document: Document = serde_json::from_value(value)
            .map_err(|error| away(&format!("what it says of itself is not understood: {error}")))?;
        if document.issuer != self.issuer {
            return Err(away("it calls itself otherwise than `issuer` here does"));
        }
        let optional = [
            &document.authorization_endpoint,
            &document.token_endpoint,
            &document.userinfo_endpoint,
        ];
        let places = optional.into_iter().flatten().chain([&document.jwks_uri]);
        if let Some(why) = places.into_iter().find_map(|place| address(place)) {
            return Err(away(&format!("a place that it names can't be trusted: {why}")));
        }
        let (status, value, _) = outside.get(&document.jwks_uri, None).await?;
        let listed = value.get("keys").and_then(Value::as_array).filter(|_| status == 200);
        let listed = listed.ok_or_else(|| away("its keys can't be read"))?;
        // Keys of kinds that are not known here stand beside those that are.
        let keys = listed.iter().take(MOST_KEYS);
        let keys = keys.filter_map(|key| serde_json::from_value(key.clone()).ok()).collect();
        Ok(Known { document: Arc::new(document), keys, read_at: now })
    }
}
