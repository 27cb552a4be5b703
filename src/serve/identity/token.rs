//! Tokens that others signed: an id token is believed where its signature is by a key of its issuer, and it was made for
//! us and now. What it is worth is decided elsewhere.

use std::fmt;

use jiff::Timestamp;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use serde_json::{Map, Value};

/// The longest token that is read, in bytes.
const LONGEST: usize = 16 << 10;

/// By how much the clocks of two machines may differ, in seconds.
pub(super) const SKEW_S: i64 = 60;

/// What tokens may be signed with: keys in two parts, so that who checks can't sign.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// The shortest modulus of RSA that counts, in letters of base64: 2048 bits.
const SHORTEST_RSA: usize = 341;

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Unreadable,
    Algorithm,
    /// No key of the issuer made its signature.
    Signature,
    Issuer,
    Audience,
    /// It was made for somebody else who is named beside us.
    Party,
    Expired,
    NotYet,
    Subject,
    Nonce,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "it can't be read as a signed token",
            Self::Algorithm => "it is signed in a way that is not taken",
            Self::Signature => "no key of its issuer made its signature",
            Self::Issuer => "another issuer made it",
            Self::Audience => "it was made for somebody else",
            Self::Party => "it was handed to somebody else",
            Self::Expired => "its time is past",
            Self::NotYet => "its time has not come",
            Self::Subject => "it says of nobody",
            Self::Nonce => "it belongs to another attempt",
        })
    }
}

/// What a token must say to be believed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'e> {
    pub(super) issuer: &'e str,
    pub(super) audience: &'e str,
    /// What we had put into it, where we asked for it.
    pub(super) nonce: Option<&'e str>,
    pub(super) now: Timestamp,
}

/// Reads the head of a token: how it is signed and with which key. Nothing of it is proven.
pub(super) fn head(token: &str) -> Result<Header, Refused> {
    if token.len() > LONGEST {
        return Err(Refused::Unreadable);
    }
    let head = decode_header(token).map_err(|error| match error.kind() {
        jsonwebtoken::errors::ErrorKind::InvalidAlgorithmName => Refused::Algorithm,
        _ => Refused::Unreadable,
    })?;
    let known = ALGORITHMS.contains(&head.alg);
    // What a token says must be understood is not guessed at.
    let plain = head.crit.as_ref().is_none_or(Vec::is_empty);
    if known && plain { Ok(head) } else { Err(Refused::Algorithm) }
}

/// Tells whether a key is one that a token with this head may be signed with.
pub(super) fn suits(head: &Header, key: &Jwk) -> bool {
    let named = match (&head.kid, &key.common.key_id) {
        (Some(wanted), Some(id)) => wanted == id,
        (Some(_), None) => false,
        (None, _) => true,
    };
    let signs = matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let way =
        key.common.key_algorithm.is_none_or(|way| way.to_string() == format!("{:?}", head.alg));
    let strong = match &key.algorithm {
        AlgorithmParameters::RSA(rsa) => rsa.n.len() >= SHORTEST_RSA,
        AlgorithmParameters::EllipticCurve(_) | AlgorithmParameters::OctetKeyPair(_) => true,
        // What both sides know proves nothing.
        AlgorithmParameters::OctetKey(_) => false,
    };
    named && signs && way && strong
}

/// Checks a token and returns what it says.
pub(super) fn verified(
    token: &str,
    (head, keys): (&Header, &[Jwk]),
    expected: Expected<'_>,
) -> Result<Map<String, Value>, Refused> {
    let mut rules = Validation::new(head.alg);
    rules.required_spec_claims.clear();
    // Time and names are checked below: the time is told, and never looked up.
    rules.validate_exp = false;
    rules.validate_aud = false;
    let read = |key: &Jwk| {
        let key = DecodingKey::from_jwk(key).ok()?;
        decode::<Map<String, Value>>(token, &key, &rules).ok()
    };
    let read = keys.iter().filter(|key| suits(head, key)).find_map(read);
    let claims = read.ok_or(Refused::Signature)?.claims;
    judge(&claims, expected)?;
    Ok(claims)
}

fn judge(claims: &Map<String, Value>, expected: Expected<'_>) -> Result<(), Refused> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(expected.issuer) {
        return Err(Refused::Issuer);
    }
    let audiences: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !audiences.contains(&expected.audience) {
        return Err(Refused::Audience);
    }
    let party = claims.get("azp");
    let ours = party.and_then(Value::as_str) == Some(expected.audience);
    // Only where somebody signs in are we the party: the token of a job names none, or its own.
    if expected.nonce.is_some() && !ours && (party.is_some() || audiences.len() > 1) {
        return Err(Refused::Party);
    }
    let seconds = |name: &str| claims.get(name).and_then(whole);
    let now = expected.now.as_second();
    if seconds("exp").is_none_or(|until| until <= now.saturating_sub(SKEW_S)) {
        return Err(Refused::Expired);
    }
    let later = |name: &str| {
        claims.contains_key(name)
            && seconds(name).is_none_or(|from| from > now.saturating_add(SKEW_S))
    };
    if later("nbf") || later("iat") {
        return Err(Refused::NotYet);
    }
    if text("sub").is_none_or(|subject| subject.is_empty() || subject.len() > 255) {
        return Err(Refused::Subject);
    }
    match expected.nonce {
        Some(nonce) if text("nonce") != Some(nonce) => Err(Refused::Nonce),
        _ => Ok(()),
    }
}

/// Reads seconds; some write them with a fraction.
#[expect(clippy::cast_possible_truncation, reason = "what is out of range ends at the range's end")]
fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
}

/// Returns until when a token holds that was checked.
pub(super) fn ends(claims: &Map<String, Value>) -> Option<Timestamp> {
    Timestamp::from_second(claims.get("exp").and_then(whole)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::identity::testing::{Signer, at};
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
    use serde_json::json;

    fn expected() -> Expected<'static> {
        Expected { issuer: "https://id", audience: "us", nonce: Some("n"), now: at(1_000) }
    }

    fn right() -> Value {
        json!({"iss": "https://id", "aud": "us", "sub": "s1", "exp": 1_300, "iat": 1_000, "nonce": "n"})
    }

    fn check(token: &str, keys: &[Jwk]) -> Result<Map<String, Value>, Refused> {
        verified(token, (&head(token)?, keys), expected())
    }

    #[test]
    fn what_a_token_says_is_checked_claim_by_claim() {
        let signer = Signer::new("k1");
        let keys = [signer.jwk()];
        assert!(check(&signer.sign(&right()), &keys).is_ok());
        for (name, value, refused) in [
            ("iss", json!("https://id/"), Refused::Issuer),
            ("iss", json!(["https://id"]), Refused::Issuer),
            ("aud", json!("them"), Refused::Audience),
            ("aud", json!([]), Refused::Audience),
            ("aud", json!(["us", "them"]), Refused::Party),
            ("azp", json!("them"), Refused::Party),
            ("azp", json!(7), Refused::Party),
            ("exp", json!(940), Refused::Expired),
            ("exp", json!("1300"), Refused::Expired),
            ("exp", Value::Null, Refused::Expired),
            ("iat", json!(1_061), Refused::NotYet),
            ("nbf", json!(9e99), Refused::NotYet),
            ("nbf", json!("x"), Refused::NotYet),
            ("sub", json!(""), Refused::Subject),
            ("sub", json!(7), Refused::Subject),
            ("sub", json!("s".repeat(256)), Refused::Subject),
            ("nonce", json!("m"), Refused::Nonce),
            ("nonce", Value::Null, Refused::Nonce),
        ] {
            let mut claims = right();
            claims[name] = value.clone();
            assert_eq!(check(&signer.sign(&claims), &keys), Err(refused), "{name}: {value}");
        }
        let mut both = right();
        (both["aud"], both["azp"]) = (json!(["us", "them"]), json!("us"));
        (both["exp"], both["iat"]) = (json!(941), json!(1_059.5));
        assert!(check(&signer.sign(&both), &keys).is_ok());
    }

    #[test]
    fn forged_tokens_are_refused() {
        let (signer, other) = (Signer::new("k1"), Signer::new("k1"));
        let keys = [signer.jwk()];
        assert_eq!(check(&other.sign(&right()), &keys), Err(Refused::Signature));
        assert_eq!(check(&Signer::new("k2").sign(&right()), &keys), Err(Refused::Signature));
        let token = signer.sign(&right());
        let parts: Vec<&str> = token.split('.').collect();
        let none = BASE64.encode(r#"{"alg":"none"}"#);
        assert_eq!(check(&format!("{none}.{}.", parts[1]), &keys), Err(Refused::Unreadable));
        let mut admin = right();
        admin["sub"] = json!("root");
        let admin = BASE64.encode(admin.to_string());
        let altered = format!("{}.{admin}.{}", parts[0], parts[2]);
        assert_eq!(check(&altered, &keys), Err(Refused::Signature));
        // A key that everybody knows, used as a password: the oldest confusion.
        for known in signer.known() {
            let forged = Signer::shared(&known, "k1", &right());
            assert_eq!(check(&forged, &keys), Err(Refused::Algorithm));
        }
        let critical = signer.sign_with(&right(), |head| head.crit = Some(vec!["b64".to_owned()]));
        assert_eq!(check(&critical, &keys), Err(Refused::Algorithm));
        for garbage in ["", "a", "a.b", "a.b.c", "..", &"x".repeat(20_000), "é.é.é"] {
            assert_eq!(check(garbage, &keys), Err(Refused::Unreadable), "{garbage:.20}");
        }
    }

    #[test]
    fn keys_count_for_what_they_are_for() {
        let signer = Signer::new("k1");
        let token = signer.sign(&right());
        let with = |change: fn(&mut Value)| {
            let mut key = serde_json::to_value(signer.jwk()).expect("json");
            change(&mut key);
            check(&token, &[serde_json::from_value(key).expect("a key")])
        };
        assert!(with(|_| ()).is_ok());
        assert!(with(|key| key["use"] = json!("sig")).is_ok());
        assert_eq!(with(|key| key["use"] = json!("enc")), Err(Refused::Signature));
        assert_eq!(with(|key| key["alg"] = json!("ES384")), Err(Refused::Signature));
        assert_eq!(with(|key| key["kid"] = json!("k2")), Err(Refused::Signature));
        assert_eq!(
            with(|key| drop(key.as_object_mut().map(|key| key.remove("kid")))),
            Err(Refused::Signature)
        );
        let nameless = signer.sign_with(&right(), |head| head.kid = None);
        assert!(check(&nameless, &[Signer::new("k0").jwk(), signer.jwk()]).is_ok());
        let shared = json!({"kty": "oct", "k": "c2VjcmV0", "kid": "k1"});
        let shared: Jwk = serde_json::from_value(shared).expect("a key");
        assert_eq!(check(&token, &[shared]), Err(Refused::Signature));
    }
}
