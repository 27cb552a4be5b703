//! TLS: the certificate that the server shows, read again where its files change. What can't be used is told, and what was
//! there before goes on.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// How often it is looked whether the files changed.
const LOOKS: Duration = Duration::from_secs(5);

/// What the server shows, and proves itself with.
#[derive(Clone)]
pub struct Tls(Arc<Parts>);

struct Parts {
    certificate: PathBuf,
    key: PathBuf,
    looks: Duration,
    shown: Mutex<Shown>,
}

struct Shown {
    config: Arc<ServerConfig>,
    /// When the files were written that it was read from.
    written: Written,
    looked_at: Instant,
}

type Written = [Option<(SystemTime, u64)>; 2];

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tls({})", self.0.certificate.display())
    }
}

impl Tls {
    /// Reads a chain of certificates, the server's own first, and its private key, both as PEM.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, String> {
        Self::looking(certificate, key, LOOKS)
    }

    fn looking(certificate: &Path, key: &Path, looks: Duration) -> Result<Self, String> {
        let shown = Shown {
            written: [written(certificate), written(key)],
            config: config(certificate, key)?,
            looked_at: Instant::now(),
        };
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        Ok(Self(Arc::new(Parts { certificate, key, looks, shown: Mutex::new(shown) })))
    }

    /// Returns what takes a connection in, with the certificate as it is now.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let Parts { certificate, key, looks, shown } = &*self.0;
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.looked_at.elapsed() >= *looks {
            shown.looked_at = Instant::now();
            let written = [written(certificate), written(key)];
            if written != shown.written {
                match config(certificate, key) {
                    Ok(config) => {
                        tracing::info!(file = %certificate.display(), "the certificate was read again");
                        shown.config = config;
                        shown.written = written;
                    }
                    // Perhaps only one of the two files is there yet.
                    Err(why) => tracing::warn!("the certificate can't be read again: {why}"),
                }
            }
        }
        TlsAcceptor::from(Arc::clone(&shown.config))
    }
}

fn written(path: &Path) -> Option<(SystemTime, u64)> {
    let file = path.metadata().ok()?;
    Some((file.modified().ok()?, file.len()))
}

fn config(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, String> {
    let wrong = |path: &Path, why: &str| format!("{}: {why}", path.display());
    let chain = CertificateDer::pem_slice_iter(&text(certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| wrong(certificate, "it can't be read as PEM"))?;
    if chain.is_empty() {
        return Err(wrong(certificate, "there is no certificate in it; it must be PEM"));
    }
    let private = PrivateKeyDer::from_pem_slice(&text(key)?).map_err(|_| {
        wrong(key, "there is no private key in it; it must be PEM, without a password")
    })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(certificate, &error.to_string()))?;
    let mut config = builder
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| wrong(key, &format!("it does not go with the certificate: {error}")))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn text(path: &Path) -> Result<Vec<u8>, String> {
    let wrong = |why: String| format!("{}: {why}", path.display());
    let length = path.metadata().map_err(|error| wrong(error.to_string()))?.len();
    if length > MAX_BYTES {
        return Err(wrong("larger than 1 MiB".to_owned()));
    }
    std::fs::read(path).map_err(|error| wrong(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Files(tempfile::TempDir);

    impl Files {
        fn new() -> Self {
            let files = Self(tempfile::tempdir().expect("a folder"));
            files.renew("localhost");
            files
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        /// Writes a new certificate and its key; returns the certificate.
        fn renew(&self, name: &str) -> Vec<u8> {
            let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("made");
            std::fs::write(self.path("cert.pem"), made.cert.pem()).expect("written");
            std::fs::write(self.path("key.pem"), made.signing_key.serialize_pem())
                .expect("written");
            made.cert.der().to_vec()
        }

        fn read(&self) -> Result<Tls, String> {
            Tls::looking(&self.path("cert.pem"), &self.path("key.pem"), Duration::ZERO)
        }
    }

    #[test]
    fn files_that_cannot_be_used_are_told() {
        let files = Files::new();
        assert!(files.read().is_ok());
        let key = std::fs::read(files.path("key.pem")).expect("read");
        let cert = std::fs::read(files.path("cert.pem")).expect("read");
        for (name, content, expected) in [
            ("cert.pem", b"garbage".to_vec(), "no certificate in it"),
            ("cert.pem", key.clone(), "no certificate in it"),
            ("cert.pem", cert[..cert.len() / 2].to_vec(), "cert.pem"),
            ("cert.pem", vec![b'x'; 2 << 20], "larger than 1 MiB"),
            ("key.pem", cert.clone(), "no private key in it"),
            ("key.pem", Vec::new(), "no private key in it"),
            ("key.pem", Files::new().other(), "does not go with"),
        ] {
            let files = Files::new();
            std::fs::write(files.path(name), content).expect("written");
            let why = files.read().expect_err("refused");
            assert!(why.contains(expected) && why.contains(name), "{why}");
        }
        std::fs::remove_file(files.path("key.pem")).expect("removed");
        assert!(files.read().expect_err("refused").contains("key.pem"));
    }

    impl Files {
        fn other(&self) -> Vec<u8> {
            std::fs::read(self.path("key.pem")).expect("read")
        }
    }

    #[test]
    fn a_new_certificate_is_taken_and_a_broken_one_is_not() {
        let files = Files::new();
        let tls = files.read().expect("reads");
        let shown = || Arc::as_ptr(tls.acceptor().config());
        let first = shown();
        assert_eq!(shown(), first, "as long as nothing changes");
        std::fs::write(files.path("cert.pem"), "half of").expect("written");
        assert_eq!(shown(), first);
        files.renew("other.example");
        assert_ne!(shown(), first);
    }
}
