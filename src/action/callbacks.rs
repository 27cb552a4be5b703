//! Where others post what a step waits for: a URL that holds the step's key, signed. It receives nothing.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The longest token that is read, in bytes.
const MAX_TOKEN_BYTES: usize = 1 << 10;

/// Makes and reads callback URLs. Whoever has one may answer for its step, and for no other.
#[derive(Clone)]
pub struct Callbacks {
    base: String,
    key: [u8; 32],
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Callbacks at {}", self.base)
    }
}

impl Callbacks {
    /// Makes URLs below a base, `https://trueline.example.com`, signed with a key of this state.
    pub fn new(base: &str, key: [u8; 32]) -> Self {
        Self { base: base.trim_end_matches('/').to_owned(), key }
    }

    /// Returns the URL to which the answer for a step goes.
    pub fn url(&self, step_key: &str) -> String {
        let name = BASE64.encode(step_key);
        let signature = BASE64.encode(self.signed(&name).finalize().into_bytes());
        format!("{}/api/v1/callbacks/{name}.{signature}", self.base)
    }

    /// Returns the key of the step that a token stands for; nothing where it is not one of ours.
    pub fn read(&self, token: &str) -> Option<String> {
        let (name, signature) = token.split_once('.').filter(|_| token.len() <= MAX_TOKEN_BYTES)?;
        let signature = BASE64.decode(signature).ok()?;
        self.signed(name).verify_slice(&signature).ok()?;
        String::from_utf8(BASE64.decode(name).ok()?).ok()
    }

    fn signed(&self, name: &str) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(name.as_bytes());
        mac
    }
}

/// Names what a message to a step's callback is about.
pub fn about_callback(step_key: &str) -> String {
    format!("callback:{step_key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_answers_for_its_step_and_nobody_makes_another() {
        let callbacks = Callbacks::new("https://trueline.example.com/", [7; 32]);
        let url = callbacks.url("trueline-demo-u1-ask-1");
        let token = url.strip_prefix("https://trueline.example.com/api/v1/callbacks/");
        let token = token.expect("below the base");
        assert_eq!(callbacks.read(token).as_deref(), Some("trueline-demo-u1-ask-1"));
        let other = Callbacks::new("https://trueline.example.com", [8; 32]);
        assert_eq!(other.read(token), None, "signed with another key");
        let (name, signature) = token.split_once('.').expect("two parts");
        let moved = format!("{}.{signature}", BASE64.encode("trueline-demo-u2-ask-1"));
        for wrong in [moved.as_str(), name, "", ".", "a.b", &format!("{name}."), &"x".repeat(5000)]
        {
            assert_eq!(callbacks.read(wrong), None, "{wrong}");
        }
        assert!(!format!("{callbacks:?}").contains('7'));
    }
}
