//! Access tokens: JWTs that this server signs and only this server reads. They end after a quarter of an hour.

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::secret::Secret;
use crate::serve::identity::Job;

/// How long an access token holds, in seconds.
pub(in crate::serve) const HOLDS_S: i64 = 15 * 60;

const ISSUER: &str = "trueline";

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::serve) struct Claims {
    /// The user.
    pub(super) sub: String,
    /// The session that it was made in.
    pub(super) sid: String,
    /// The version of the user then.
    pub(super) ver: u64,
    /// Of a job: who vouches for it and by which rule it is let in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) job: Option<(String, String)>,
    iss: String,
    aud: String,
    iat: i64,
    exp: i64,
}

/// Signs and reads access tokens.
#[derive(Clone)]
pub(in crate::serve) struct Access {
    signing: EncodingKey,
    reading: DecodingKey,
    catalog: String,
}

impl Access {
    /// Makes it of a key of the state, for one catalog.
    pub(in crate::serve) fn new(key: &[u8; 32], catalog: &str) -> Self {
        Self {
            signing: EncodingKey::from_secret(key),
            reading: DecodingKey::from_secret(key),
            catalog: catalog.to_owned(),
        }
    }

    /// Makes a token for a user in a session.
    pub(in crate::serve) fn sign(
        &self,
        (user, version): (&str, u64),
        session: &str,
        now: Timestamp,
    ) -> Secret {
        self.signed((user, version), session, (now, None))
    }

    /// Makes a token for a job in a session, by the rule that lets it in.
    pub(in crate::serve) fn sign_job(&self, job: &Job, session: &str, now: Timestamp) -> Secret {
        let let_in = (job.ci.clone(), job.rule.to_string());
        self.signed((&job.name, 0), session, (now, Some(let_in)))
    }

    fn signed(
        &self,
        (user, version): (&str, u64),
        session: &str,
        (now, job): (Timestamp, Option<(String, String)>),
    ) -> Secret {
        let claims = Claims {
            sub: user.to_owned(),
            sid: session.to_owned(),
            ver: version,
            job,
            iss: ISSUER.to_owned(),
            aud: self.catalog.clone(),
            iat: now.as_second(),
            exp: now.as_second() + HOLDS_S,
        };
        let token = encode(&Header::new(Algorithm::HS256), &claims, &self.signing);
        Secret::new(token.unwrap_or_default())
    }

    /// Reads a token; nothing where it is not ours, was altered, or its time is past.
    pub(in crate::serve) fn read(&self, token: &str, now: Timestamp) -> Option<Claims> {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[&self.catalog]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The time is told, and never looked up.
        rules.validate_exp = false;
        let claims = decode::<Claims>(token, &self.reading, &rules).ok()?.claims;
        let holds = claims.exp > now.as_second() && claims.iat <= now.as_second() + 60;
        holds.then_some(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn a_token_holds_for_its_catalog_and_its_time() {
        let access = Access::new(&[7; 32], "main");
        let token = access.sign(("ada", 3), "s1", at(1_000));
        let claims = access.read(token.reveal(), at(1_001)).expect("reads");
        assert_eq!((claims.sub.as_str(), claims.sid.as_str(), claims.ver), ("ada", "s1", 3));
        assert_eq!(access.read(token.reveal(), at(1_000 + HOLDS_S)), None);
        assert_eq!(access.read(token.reveal(), at(100)), None, "from the future");
        assert_eq!(Access::new(&[7; 32], "other").read(token.reveal(), at(1_001)), None);
        assert_eq!(Access::new(&[8; 32], "main").read(token.reveal(), at(1_001)), None);
    }

    #[test]
    fn forged_tokens_are_not_read() {
        let access = Access::new(&[7; 32], "main");
        let token = access.sign(("ada", 1), "s1", at(1_000));
        let parts: Vec<&str> = token.reveal().split('.').collect();
        let unsigned = BASE64.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let claims = BASE64.decode(parts[1]).expect("base64");
        let admin = String::from_utf8(claims).expect("text").replace("ada", "eve");
        let admin = BASE64.encode(admin);
        for forged in [
            format!("{unsigned}.{}.", parts[1]),
            format!("{unsigned}.{}.{}", parts[1], parts[2]),
            format!("{}.{admin}.{}", parts[0], parts[2]),
            format!("{}.{}.", parts[0], parts[1]),
            "a.b.c".to_owned(),
            String::new(),
        ] {
            assert_eq!(access.read(&forged, at(1_001)), None, "{forged}");
        }
    }
}
