//! Signatures of messages: Standard Webhooks and GitHub's `X-Hub-Signature-256`. It compares in constant time.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::secret::Secret;

/// Beginning of a secret of Standard Webhooks, which is Base64 behind it.
const STANDARD_PREFIX: &str = "whsec_";

fn mac(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac
}

/// Returns `webhook-id`, `webhook-timestamp` and `webhook-signature` as Standard Webhooks writes them; `at` in seconds.
pub(super) fn standard(secret: &Secret, id: &str, at: i64, body: &[u8]) -> [(String, String); 3] {
    let key = match secret.reveal().strip_prefix(STANDARD_PREFIX).map(|key| BASE64.decode(key)) {
        Some(Ok(key)) => key,
        _ => secret.reveal().as_bytes().to_vec(),
    };
    let at = at.to_string();
    let signed = mac(&key, &[id.as_bytes(), b".", at.as_bytes(), b".", body]);
    let signature = format!("v1,{}", BASE64.encode(signed.finalize().into_bytes()));
    [("webhook-id", id.to_owned()), ("webhook-timestamp", at), ("webhook-signature", signature)]
        .map(|(name, value)| (name.to_owned(), value))
}

/// Returns `x-hub-signature-256` as GitHub writes it.
pub(super) fn hub(secret: &Secret, body: &[u8]) -> (String, String) {
    let signed = mac(secret.reveal().as_bytes(), &[body]).finalize().into_bytes();
    let mut header = "sha256=".to_owned();
    signed.iter().for_each(|byte| write!(header, "{byte:02x}").expect("a text takes any text"));
    ("x-hub-signature-256".to_owned(), header)
}

/// Tells whether a header `sha256=…` signs a body with one of some secrets.
pub fn is_signed(header: &str, body: &[u8], secrets: &[Secret]) -> bool {
    let Some(signature) = header.strip_prefix("sha256=").and_then(bytes_of) else { return false };
    // All are tried, so that the time says nothing about which.
    let fits = |secret: &Secret| {
        !secret.reveal().is_empty()
            && mac(secret.reveal().as_bytes(), &[body]).verify_slice(&signature).is_ok()
    };
    secrets.iter().filter(|secret| fits(secret)).count() > 0
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? * 16 + digit(*low)?),
        _ => None,
    });
    (digits.len() == 64).then(|| pairs.collect()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_webhooks_own_example() {
        // The example of the specification's reference libraries.
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let headers = standard(
            &secret,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        let signature = &headers[2].1;
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn github_s_own_example() {
        // From GitHub's page “Validating webhook deliveries”.
        let secret = Secret::new("It's a Secret to Everybody");
        let (_, header) = hub(&secret, b"Hello, World!");
        let expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert_eq!(header, expected);
        let old = Secret::new("the one before");
        assert!(is_signed(expected, b"Hello, World!", &[old.clone(), secret.clone()]));
        assert!(!is_signed(expected, b"Hello, World?", std::slice::from_ref(&secret)));
        assert!(!is_signed(expected, b"Hello, World!", &[old]));
        assert!(!is_signed(expected, b"Hello, World!", &[]));
        for wrong in ["", "sha256=", "sha1=757107", "sha256=75", &expected[..70], "sha256=é"] {
            assert!(!is_signed(wrong, b"Hello, World!", std::slice::from_ref(&secret)), "{wrong}");
        }
        assert!(!is_signed(&hub(&Secret::new(""), b"x").1, b"x", &[Secret::new("")]), "no secret");
    }
}
