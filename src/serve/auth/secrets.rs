//! Secrets that are made here: keys, tokens, passwords' hashes. What is kept of any of them is a hash.

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use tokio::sync::Semaphore;

use crate::digest::Digest;
use crate::secret::Secret;

/// What keys of the API begin with.
const KEY_MARK: &str = "tl_";

/// The shortest password that is taken, in characters.
const SHORTEST_PASSWORD: usize = 12;

/// The longest, in bytes: hashing costs as much as it is long.
pub const LONGEST_PASSWORD: usize = 256;

/// Passwords that are hashed at once; each takes 19 MiB.
static HASHING: Semaphore = Semaphore::const_new(2);

/// Draws random bytes.
fn drawn<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has random bytes");
    bytes
}

fn hex(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.filter_map(|half| char::from_digit(u32::from(half), 16)).collect()
}

/// Makes a secret of 32 random bytes.
pub(in crate::serve) fn token() -> Secret {
    Secret::new(BASE64.encode(drawn::<32>()))
}

/// Makes a short name that is not secret.
pub(in crate::serve) fn name() -> String {
    hex(&drawn::<8>())
}

/// Makes a key: its public part, and all of it.
pub fn key() -> (String, Secret) {
    let id = format!("{KEY_MARK}{}", hex(&drawn::<4>()));
    let whole = format!("{id}_{}", token().reveal());
    (id, Secret::new(whole))
}

/// Returns the public part of what is presented as a key.
pub(super) fn key_id(presented: &str) -> Option<&str> {
    let (id, secret) = presented.strip_prefix(KEY_MARK)?.split_once('_')?;
    let right =
        id.len() == 8 && secret.len() == 43 && id.bytes().all(|one| one.is_ascii_hexdigit());
    right.then(|| presented.get(..KEY_MARK.len() + 8)).flatten()
}

/// Hashes a secret of 32 random bytes; there is nothing to guess, so one round will do.
pub fn hash(secret: &str) -> String {
    Digest::of_bytes(secret.as_bytes()).to_string()
}

fn argon() -> Argon2<'static> {
    // What OWASP recommends for Argon2id: 19 MiB, two rounds, one lane.
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

/// Says why a password is not taken.
pub fn password_problem(password: &str, name: &str) -> Option<String> {
    if password.chars().count() < SHORTEST_PASSWORD {
        return Some(format!("a password has at least {SHORTEST_PASSWORD} characters"));
    }
    if password.len() > LONGEST_PASSWORD {
        return Some(format!("a password has at most {LONGEST_PASSWORD} bytes"));
    }
    let lower = password.to_lowercase();
    let mut letters: Vec<char> = lower.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    if letters.len() < 5 || (name.len() > 3 && lower.contains(&name.to_lowercase())) {
        return Some("it is too easy to guess: take several words, without the name".to_owned());
    }
    None
}

/// Hashes a password; nothing where that failed.
pub async fn hash_password(password: Secret) -> Option<String> {
    let _turn = HASHING.acquire().await.ok()?;
    let hashing = tokio::task::spawn_blocking(move || {
        let salt: [u8; 16] = drawn();
        argon().hash_password_with_salt(password.reveal().as_bytes(), &salt).ok()
    });
    hashing.await.ok().flatten().map(|hash| hash.to_string())
}

/// A hash that no password has: who is not known takes as long to refuse as who is.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Tells whether a password has a hash; where there is none it takes as long to say no.
pub(in crate::serve) async fn is_password(password: Secret, hash: Option<String>) -> bool {
    let Ok(_turn) = HASHING.acquire().await else { return false };
    let checking = tokio::task::spawn_blocking(move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
        let bytes = password.reveal().as_bytes();
        let right = bytes.len() <= LONGEST_PASSWORD
            && argon().verify_password(bytes, hash.as_str()).is_ok();
        known && right
    });
    checking.await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_its_public_part_and_nothing_else_does() {
        let (id, whole) = key();
        assert_eq!(key_id(whole.reveal()), Some(id.as_str()));
        assert_eq!(id.len(), 11);
        assert_ne!(hash(whole.reveal()), hash(&id));
        for wrong in ["", "tl_", "tl_12345678", "tl_12345678_x", "tl_ééé45678_", "eyJ.e.x"] {
            assert_eq!(key_id(wrong), None, "{wrong}");
        }
        assert_ne!(key().1.reveal(), whole.reveal());
    }

    #[test]
    fn weak_passwords_are_told() {
        for (password, right) in [
            ("correct horse battery", true),
            ("short", false),
            ("aaaaaaaaaaaaaaaaaa", false),
            ("i am ada lovelace", true),
            ("my name is grace ok", false),
        ] {
            assert_eq!(password_problem(password, "grace").is_none(), right, "{password}");
        }
        assert!(password_problem(&"abcdefgh".repeat(99), "x").is_some());
    }

    #[tokio::test]
    async fn passwords_are_kept_as_argon2id() {
        let secret = || Secret::new("correct horse battery");
        let hash = hash_password(secret()).await.expect("hashed");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(is_password(secret(), Some(hash.clone())).await);
        assert!(!is_password(Secret::new("correct horse batterx"), Some(hash)).await);
        assert!(!is_password(secret(), None).await);
        assert!(!is_password(Secret::new(""), None).await);
    }
}
