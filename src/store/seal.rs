//! Seals sensitive values: XChaCha20-Poly1305 under a key outside the database.

/// Seals sensitive values and opens them again.
#[derive(Clone)]
pub struct Sealer {}
