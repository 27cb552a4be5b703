//! Seals sensitive values: XChaCha20-Poly1305 under a key outside the database. Never prints a key or a value.

use std::fmt;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::error::StoreError;
use super::private;
use crate::digest::Digest;
use crate::secret::{SEALED, SEALED_HASH};

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
const HASH_BYTES: usize = 16;
const ASSOCIATED: &[u8] = b"trueline sealed value 1";

/// Seals sensitive values and opens them again.
#[derive(Clone)]
pub struct Sealer {
    cipher: XChaCha20Poly1305,
    hash_key: [u8; KEY_BYTES],
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// Reads the key from a file that only its owner may use; makes a new one where there is none.
    pub fn key_at(path: &Path) -> Result<Self, StoreError> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                make_key(path)?;
                File::open(path).map_err(StoreError::file("open the key", path))?
            }
            Err(error) => return Err(StoreError::file("open the key", path)(error)),
        };
        private::refuse_exposed(path, &file)?;
        let mut bytes = Vec::new();
        let limit = u64::try_from(KEY_BYTES + 1).unwrap_or(u64::MAX);
        let read = std::io::Read::by_ref(&mut file).take(limit).read_to_end(&mut bytes);
        read.map_err(StoreError::file("read the key", path))?;
        let key = <[u8; KEY_BYTES]>::try_from(bytes)
            .map_err(|_| StoreError::NotAKey(path.to_path_buf()))?;
        Ok(Self::with_key(&key))
    }

    /// Derives one key to encrypt and one to compare by.
    fn with_key(key: &[u8; KEY_BYTES]) -> Self {
        let cipher =
            XChaCha20Poly1305::new(&keyed_hash(key, b"trueline sealed value: cipher").into());
        Self { cipher, hash_key: keyed_hash(key, b"trueline sealed value: hash") }
    }

    /// Derives a key for another purpose, which is named by what it is for.
    pub fn derive(&self, purpose: &str) -> [u8; KEY_BYTES] {
        keyed_hash(&self.hash_key, format!("trueline key for {purpose}").as_bytes())
    }

    /// Seals a value: `{"$sealed": …, "$hash": …}`, of which the hash tells equal values of one key.
    pub fn seal(&self, value: &Value) -> Value {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).expect("the operating system has random bytes");
        let text = value.to_string();
        let payload = Payload { msg: text.as_bytes(), aad: ASSOCIATED };
        let cipher = self.cipher.encrypt(&XNonce::from(nonce), payload);
        let cipher =
            cipher.expect("a value in memory is shorter than the cipher's limit of 256 GiB");
        let sealed = BASE64.encode([nonce.as_slice(), &cipher].concat());
        json!({SEALED: sealed, SEALED_HASH: self.hash(value)})
    }

    /// Opens a sealed value; refuses one that was sealed with another key or altered, its hash included.
    pub fn open(&self, sealed: &Value) -> Result<Value, StoreError> {
        let text = sealed.get(SEALED).and_then(Value::as_str).ok_or(StoreError::Sealed)?;
        let bytes = BASE64.decode(text).map_err(|_| StoreError::Sealed)?;
        let (nonce, cipher) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(StoreError::Sealed)?;
        let payload = Payload { msg: cipher, aad: ASSOCIATED };
        let plain = self.cipher.decrypt(&XNonce::from(*nonce), payload);
        let plain = plain.map_err(|_| StoreError::Sealed)?;
        let value: Value = serde_json::from_slice(&plain).map_err(|_| StoreError::Sealed)?;
        if sealed.get(SEALED_HASH).and_then(Value::as_str) != Some(self.hash(&value).as_str()) {
            return Err(StoreError::Sealed);
        }
        Ok(value)
    }

    /// Hashes the canonical form, so that the order of keys does not matter.
    fn hash(&self, value: &Value) -> String {
        let canonical = Digest::of_json(value).to_string();
        let hash = keyed_hash(&self.hash_key, canonical.as_bytes());
        let half = hash.first_chunk::<HASH_BYTES>().expect("the hash is longer");
        format!("{:032x}", u128::from_be_bytes(*half))
    }
}

fn keyed_hash(key: &[u8; KEY_BYTES], bytes: &[u8]) -> [u8; KEY_BYTES] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}

/// Writes a new key beside its place and moves it there whole, so that two processes that start at once share one.
fn make_key(path: &Path) -> Result<(), StoreError> {
    private::make_folder_of(path)?;
    let failed = || StoreError::file("make the key", path);
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key)
        .map_err(|error| failed()(std::io::Error::other(error.to_string())))?;
    let folder = private::folder_of(path);
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed())?;
    file.write_all(&key).map_err(failed())?;
    file.as_file().sync_all().map_err(failed())?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(failed()(error.error))
        }
        _ => File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::sealed_hash;
    use proptest::prelude::*;
    use std::os::unix::fs::PermissionsExt;

    fn sealer(byte: u8) -> Sealer {
        Sealer::with_key(&[byte; KEY_BYTES])
    }

    #[test]
    fn a_value_opens_under_its_key_alone() {
        let value = json!({"password": "hunter22", "port": 5432, "hosts": [null, true]});
        let sealed = sealer(1).seal(&value);
        assert!(!sealed.to_string().contains("hunter22"), "{sealed}");
        assert_eq!(sealer(1).open(&sealed).expect("opens"), value);
        assert!(matches!(sealer(2).open(&sealed), Err(StoreError::Sealed)));
    }

    #[test]
    fn equal_values_have_equal_hashes_and_unlike_ciphers() {
        let (one, two) = (sealer(1).seal(&json!("x")), sealer(1).seal(&json!("x")));
        assert_eq!(sealed_hash(&one), sealed_hash(&two));
        assert_ne!(one[SEALED], two[SEALED]);
        assert_ne!(sealed_hash(&one), sealed_hash(&sealer(2).seal(&json!("x"))));
        assert_eq!(sealed_hash(&one).map(str::len), Some(32));
    }

    #[test]
    fn whatever_is_not_a_sealed_value_is_refused() {
        let whole = sealer(1).seal(&json!("secret"));
        let swapped = json!({SEALED: whole[SEALED], SEALED_HASH: "00"});
        let cut = json!({SEALED: "AAAA", SEALED_HASH: whole[SEALED_HASH]});
        for wrong in [json!(null), json!("x"), json!({SEALED: "%"}), json!({}), swapped, cut] {
            assert!(matches!(sealer(1).open(&wrong), Err(StoreError::Sealed)), "{wrong}");
        }
    }

    #[test]
    fn the_key_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("deep/er/key");
        let sealed = Sealer::key_at(&path).expect("made").seal(&json!(1));
        assert_eq!(Sealer::key_at(&path).expect("read").open(&sealed).expect("opens"), json!(1));
        let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode();
        assert_eq!(mode(&path) & 0o777, 0o600);
        assert_eq!(mode(path.parent().expect("parent")) & 0o777, 0o700);
    }

    #[test]
    fn a_key_that_others_may_read_or_of_another_length_is_refused() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("key");
        Sealer::key_at(&path).expect("made");
        let set = |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode));
        set(0o640).expect("set");
        assert!(matches!(Sealer::key_at(&path), Err(StoreError::Exposed { mode: 0o640, .. })));
        set(0o600).expect("set");
        for length in [0, 31, 33, 100_000] {
            std::fs::write(&path, vec![7; length]).expect("written");
            assert!(matches!(Sealer::key_at(&path), Err(StoreError::NotAKey(_))), "{length}");
        }
    }

    #[test]
    fn many_that_start_at_once_share_one_key() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("key");
        let started = |_| {
            let path = path.clone();
            std::thread::spawn(move || Sealer::key_at(&path).expect("key"))
        };
        let threads: Vec<_> = (0..8).map(started).collect();
        let sealers: Vec<_> = threads.into_iter().map(|it| it.join().expect("ends")).collect();
        let hashes: std::collections::BTreeSet<_> =
            sealers.iter().map(|sealer| sealer.hash(&json!("x"))).collect();
        assert_eq!(hashes.len(), 1);
    }

    proptest! {
        #[test]
        fn any_text_survives_and_any_flipped_byte_is_noticed(text in ".*", place in 0_usize..64) {
            let value = json!(text);
            let sealed = sealer(1).seal(&value);
            prop_assert_eq!(sealer(1).open(&sealed).expect("opens"), value);
            let mut bytes = BASE64.decode(sealed[SEALED].as_str().expect("text")).expect("base64");
            let place = place % bytes.len();
            bytes[place] ^= 1;
            let altered = json!({SEALED: BASE64.encode(bytes), SEALED_HASH: sealed[SEALED_HASH]});
            prop_assert!(sealer(1).open(&altered).is_err());
        }
    }
}
