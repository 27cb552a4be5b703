//! What the operator says of the server: where it answers, what it shows, and who is let in.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::Config;
use crate::serve::{
    AuthSettings, GitHubLogin, Grant, IdentitySettings, Issuer, Network, OidcSettings,
};

/// Where the daemon answers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Address and port.
    pub listen: Option<String>,
    /// Where the outside reaches it: `https://trueline.example.com`.
    #[serde(rename = "publicUrl")]
    pub public_url: Option<String>,
    /// What it shows where it speaks TLS itself.
    pub tls: Option<TlsConfig>,
    /// Addresses of proxies whose `X-Forwarded-For` is believed: `10.0.0.0/8`.
    #[serde(rename = "trustedProxies")]
    pub trusted_proxies: Vec<String>,
    /// Origins whose pages may use the API: `https://portal.example.com`.
    pub cors: Vec<String>,
    /// Requests a second that one user, key or address may make for long.
    #[serde(rename = "requestsPerSecond")]
    pub requests_per_second: Option<u32>,
}

/// The certificate that the daemon shows, and its key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TlsConfig {
    /// A chain of certificates, the server's own first, as PEM.
    pub certificate_file: PathBuf,
    /// Its private key, as PEM.
    pub private_key_file: PathBuf,
}

/// Who may do what, besides what is said of users in the store.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthConfig {
    /// Roles that are given to many at once.
    pub grants: Vec<Grant>,
    /// Providers of OpenID Connect, by name.
    pub oidc: BTreeMap<String, OidcSettings>,
    /// GitHub's login.
    pub github: Option<GitHubLogin>,
    /// Who hands tokens to CI jobs, by name.
    pub ci: BTreeMap<String, Issuer>,
}

impl AuthConfig {
    /// Returns who vouches for people and jobs.
    fn identity(&self) -> IdentitySettings {
        let (oidc, github, ci) = (self.oidc.clone(), self.github.clone(), self.ci.clone());
        IdentitySettings { oidc, github, ci }
    }
}

impl Config {
    /// Returns how people are let in.
    pub fn auth_settings(&self) -> AuthSettings {
        let networks = self.server.trusted_proxies.iter().filter_map(|text| Network::read(text));
        AuthSettings {
            public_url: self.server.public_url.clone(),
            tls: self.server.tls.is_some(),
            trusted: networks.collect(),
            cors: self.server.cors.clone(),
            grants: self.auth.grants.clone(),
            rate: self.server.requests_per_second,
            identity: self.auth.identity(),
        }
    }

    /// Returns what of who is let in can't be meant.
    pub(super) fn auth_problems(&self) -> Vec<String> {
        let mut problems: Vec<String> =
            self.auth.grants.iter().filter_map(Grant::problem).collect();
        problems.extend(self.auth.identity().problems(self.server.public_url.as_deref()));
        for text in &self.server.trusted_proxies {
            if Network::read(text).is_none() {
                problems.push(format!(
                    "server.trustedProxies `{text}` is not an address or 10.0.0.0/8"
                ));
            }
        }
        for text in &self.server.cors {
            let origin = url::Url::parse(text).map(|url| url.origin().ascii_serialization());
            if origin.as_ref().ok() != Some(text) {
                problems.push(format!(
                    "server.cors `{text}` is not an origin such as https://portal.example.com"
                ));
            }
        }
        if self.server.requests_per_second == Some(0) {
            problems.push("server.requestsPerSecond must be at least 1".to_owned());
        }
        problems
    }
}
