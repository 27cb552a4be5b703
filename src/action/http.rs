//! The one HTTP client: timeouts, limits on bodies, redirects never followed blindly, an egress policy.

/// Which hosts may be reached besides public ones.
#[derive(Clone, Debug, Default)]
pub struct Egress {
    /// `host:port` patterns, `*` for any label or port.
    pub allow: Vec<String>,
}

/// The one HTTP client.
#[derive(Debug)]
pub struct HttpClient {}
