//! Which addresses actions may reach: public ones, and what the operator opened. It never connects.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::kinds::why_not_public;

/// Which hosts may be reached besides public ones.
#[derive(Clone, Debug, Default)]
pub struct Egress {
    /// `host:port` patterns, `*` for any one label or any port: `*.internal.example.com:443`,
    /// `127.0.0.1:*`, `[::1]:8080`.
    pub allow: Vec<String>,
    /// A file of certificates, as PEM, of authorities that are trusted beside those of the machine.
    pub authorities: Option<PathBuf>,
}

/// One pattern of [`Egress::allow`], read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Opened {
    host: HostPattern,
    /// Any port where there is none.
    pub(super) port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostPattern {
    /// A name or an IPv4 address, label by label.
    Labels(Vec<Label>),
    Ipv6(Ipv6Addr),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Label {
    Any,
    Is(String),
}

impl Opened {
    pub(super) fn serves(&self, port: Option<u16>) -> bool {
        self.port.is_none() || self.port == port
    }

    fn matches_name(&self, name: &str) -> bool {
        let HostPattern::Labels(labels) = &self.host else { return false };
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let parts: Vec<&str> = name.split('.').collect();
        let fits = |(label, part): (&Label, &str)| match label {
            Label::Any => true,
            Label::Is(label) => label == part,
        };
        parts.len() == labels.len() && labels.iter().zip(parts).all(fits)
    }

    fn matches_address(&self, address: IpAddr) -> bool {
        match (&self.host, address) {
            (HostPattern::Ipv6(pattern), IpAddr::V6(address)) => *pattern == address,
            (HostPattern::Labels(_), IpAddr::V4(address)) => {
                self.matches_name(&address.to_string())
            }
            _ => false,
        }
    }
}

impl FromStr for Opened {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, port) = text.rsplit_once(':').ok_or(())?;
        let port = match port {
            "*" => None,
            port => Some(port.parse().ok().filter(|port| *port != 0).ok_or(())?),
        };
        if let Some(address) = host.strip_prefix('[') {
            let address = address.strip_suffix(']').ok_or(())?.parse().map_err(|_| ())?;
            return Ok(Self { host: HostPattern::Ipv6(address), port });
        }
        let labels =
            host.to_ascii_lowercase().split('.').map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self { host: HostPattern::Labels(labels), port })
    }
}

impl FromStr for Label {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        match text {
            "*" => Ok(Self::Any),
            text if !text.is_empty() && text.chars().all(plain) => Ok(Self::Is(text.to_owned())),
            _ => Err(()),
        }
    }
}

/// An address that may not be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    host: String,
    address: IpAddr,
    why: &'static str,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, address, why } = self;
        write!(f, "{host} is not reached: {address} is {why}; only the operator can open it")
    }
}

impl std::error::Error for Refusal {}

/// Judges the addresses of a host; one that is refused refuses them all, for the answer is not to be trusted.
pub(super) fn judge(host: &str, addresses: &[IpAddr], opened: &[Opened]) -> Result<(), Refusal> {
    if opened.iter().any(|pattern| pattern.matches_name(host)) {
        return Ok(());
    }
    let refused = addresses.iter().find_map(|address| {
        let why = why_not_public(*address)?;
        let open = opened.iter().any(|pattern| pattern.matches_address(*address));
        (!open).then(|| Refusal { host: host.to_owned(), address: *address, why })
    });
    refused.map_or(Ok(()), Err)
}

/// Turns a host's name into addresses.
#[async_trait]
pub(super) trait Lookup: Send + Sync {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operating system's own look-up.
pub(super) struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// The resolver of the HTTP client: hands it the very addresses that were judged, so that a second
/// answer can't slip in between.
pub(super) struct Gate {
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) opened: Arc<[Opened]>,
}

impl Resolve for Gate {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, opened) = (Arc::clone(&self.lookup), Arc::clone(&self.opened));
        Box::pin(async move {
            let addresses = lookup.addresses(name.as_str()).await?;
            judge(name.as_str(), &addresses, &opened)?;
            let judged: Addrs =
                Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(judged)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, address: &str, allow: &[&str]) -> bool {
        let opened: Vec<Opened> = allow.iter().map(|text| text.parse().unwrap()).collect();
        judge(host, &[address.parse().unwrap()], &opened).is_ok()
    }

    #[test]
    fn only_public_addresses_are_reached() {
        for address in ["1.1.1.1", "172.15.0.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111"] {
            assert!(check("x", address, &[]), "{address}");
        }
        let refused = "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.254 100.100.100.200 127.0.0.1 \
                       127.255.0.1 168.63.129.16 169.254.169.254 169.254.0.1 172.16.0.1 172.31.9.9 \
                       192.0.0.192 192.0.2.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.9 224.0.0.1 \
                       240.0.0.1 255.255.255.255 :: ::1 ::2 ::ffff:127.0.0.1 ::ffff:1.1.1.1 ::127.0.0.1 \
                       64:ff9b::7f00:1 64:ff9b:1::1 fc00::1 fd00:ec2::254 fe80::1 febf::1 fec0::1 ff02::1 \
                       100::1 2001::1 2001:db8::1 2002:7f00:1:: 3fff::1 5f00::1";
        for address in refused.split_whitespace() {
            assert!(!check("x", address, &[]), "{address}");
        }
    }

    #[test]
    fn patterns_open_what_they_name_and_nothing_else() {
        assert!(check("api.internal.example.com", "10.0.0.1", &["*.internal.example.com:443"]));
        assert!(check("API.Internal.example.com.", "10.0.0.1", &["*.internal.example.com:443"]));
        assert!(!check("a.b.internal.example.com", "10.0.0.1", &["*.internal.example.com:443"]));
        assert!(!check("internal.example.com", "10.0.0.1", &["*.internal.example.com:443"]));
        assert!(!check("evil-internal.example.com", "10.0.0.1", &["internal.example.com:443"]));
        assert!(check("anything", "127.0.0.1", &["127.0.0.1:*"]));
        assert!(!check("anything", "127.0.0.2", &["127.0.0.1:*"]));
        assert!(check("anything", "10.20.3.4", &["10.20.*.*:80"]));
        assert!(check("anything", "::1", &["[::1]:80"]));
        assert!(!check("anything", "::ffff:127.0.0.1", &["127.0.0.1:*"]));
    }

    #[test]
    fn one_refused_address_refuses_the_whole_answer() {
        let mixed = ["1.1.1.1".parse().unwrap(), "10.0.0.1".parse().unwrap()];
        let refusal = judge("api.example.com", &mixed, &[]).unwrap_err();
        insta::assert_snapshot!(refusal, @"api.example.com is not reached: 10.0.0.1 is a private address; only the operator can open it");
    }

    #[test]
    fn patterns_that_say_nothing_are_refused() {
        for wrong in [
            "",
            "host",
            "host:",
            "host:0",
            "host:99999",
            ":80",
            "a..b:80",
            "a*.b:80",
            "[::1:80",
            "a/b:80",
        ] {
            assert!(wrong.parse::<Opened>().is_err(), "{wrong}");
        }
    }
}
