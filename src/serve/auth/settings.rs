//! How the operator has people let in: addresses, grants, limits. It reads no file.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::role::Role;
use crate::serve::identity::IdentitySettings;

/// How people are let in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuthSettings {
    /// Where the outside reaches the server.
    pub public_url: Option<String>,
    /// Whether it speaks TLS itself.
    pub tls: bool,
    /// Proxies whose word on who asks is taken.
    pub trusted: Vec<Network>,
    /// Origins whose pages may ask.
    pub cors: Vec<String>,
    /// Roles that are given beside those of users.
    pub grants: Vec<Grant>,
    /// Requests a second that one user, key or address may make for long; 50 where absent.
    pub rate: Option<u32>,
    /// Who vouches for people and jobs.
    pub identity: IdentitySettings,
}

/// A role that is given to many at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// To whom: `user:NAME`, `team:ID`, `group:PROVIDER/GROUP` or `everyone`.
    pub to: String,
    /// Which.
    pub role: Role,
    /// For which teams: ids, `own` or `*`; `own` where absent.
    #[serde(default)]
    pub teams: Vec<String>,
}

impl Grant {
    /// Says what is wrong with it.
    pub fn problem(&self) -> Option<String> {
        let named = ["user:", "team:"]
            .iter()
            .any(|begin| self.to.strip_prefix(begin).is_some_and(|name| !name.is_empty()));
        let group = self.to.strip_prefix("group:").and_then(|group| group.split_once('/'));
        let named =
            named || group.is_some_and(|(from, group)| !from.is_empty() && !group.is_empty());
        let wrong = !named && self.to != "everyone";
        let to = &self.to;
        wrong.then(|| {
            format!(
                "auth.grants: `{to}` is none of user:NAME, team:ID, group:PROVIDER/GROUP, everyone"
            )
        })
    }
}

/// A range of addresses: `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Reads one.
    pub fn read(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address.parse().ok()?, Some(bits.parse::<u8>().ok()?)),
            None => (text.parse().ok()?, None),
        };
        let most = if matches!(address, IpAddr::V4(_)) { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Self { address, bits })
    }

    /// Tells whether an address is in it.
    pub fn holds(&self, address: IpAddr) -> bool {
        let (one, other, width) = match (self.address, address.to_canonical()) {
            (IpAddr::V4(one), IpAddr::V4(other)) => {
                (u128::from(one.to_bits()), u128::from(other.to_bits()), 32)
            }
            (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits(), other.to_bits(), 128),
            _ => return false,
        };
        let shift = u32::from(width - self.bits);
        one.checked_shr(shift).unwrap_or(0) == other.checked_shr(shift).unwrap_or(0)
    }
}

impl AuthSettings {
    /// Tells whether the outside reaches the server over TLS.
    pub fn is_https(&self) -> bool {
        self.tls || self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }

    /// Finds out who asks: the last address of `X-Forwarded-For` that no trusted proxy wrote, where a trusted one asks.
    pub fn address(&self, peer: IpAddr, forwarded: Option<&str>) -> IpAddr {
        let trusted = |address: IpAddr| self.trusted.iter().any(|range| range.holds(address));
        let mut address = peer.to_canonical();
        let hops = forwarded.unwrap_or_default().split(',').rev();
        for hop in hops.map(|hop| hop.trim().parse::<IpAddr>()) {
            let (true, Ok(hop)) = (trusted(address), hop) else { break };
            address = hop.to_canonical();
        }
        address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trusted_proxy_says_who_asks() {
        let trusted = ["10.0.0.0/8", "::1"].iter().filter_map(|text| Network::read(text));
        let settings = AuthSettings { trusted: trusted.collect(), ..AuthSettings::default() };
        for (peer, forwarded, expected) in [
            ("192.0.2.1", Some("198.51.100.7"), "192.0.2.1"),
            ("10.1.2.3", Some("198.51.100.7"), "198.51.100.7"),
            ("10.1.2.3", Some("203.0.113.9, 198.51.100.7"), "198.51.100.7"),
            ("10.1.2.3", Some("198.51.100.7, 10.9.9.9"), "198.51.100.7"),
            ("10.1.2.3", Some("198.51.100.7, garbage"), "10.1.2.3"),
            ("::ffff:10.1.2.3", Some("198.51.100.7"), "198.51.100.7"),
            ("::1", None, "::1"),
        ] {
            let address = settings.address(peer.parse().expect("an address"), forwarded);
            assert_eq!(address.to_string(), expected, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn networks_and_grants_are_read_strictly() {
        for wrong in ["", "x", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::1/129"] {
            assert_eq!(Network::read(wrong), None, "{wrong}");
        }
        assert!(Network::read("0.0.0.0/0").is_some_and(|all| all.holds([8, 8, 8, 8].into())));
        let grant = |to: &str| Grant { to: to.to_owned(), role: Role::Viewer, teams: Vec::new() };
        for right in ["user:ada", "team:payments", "group:corp/a/b", "everyone"] {
            assert_eq!(grant(right).problem(), None);
        }
        for wrong in ["", "user:", "ada", "group:x", "group:/x", "group:x/"] {
            assert!(grant(wrong).problem().is_some(), "{wrong}");
        }
    }
}
