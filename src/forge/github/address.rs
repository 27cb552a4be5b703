//! Where GitHub is: its API, its repositories. A credential never leaves the host that stands here.

use std::fmt;

use url::{Host, Url};

use crate::run::Fault;
use crate::source::escaped;

const PUBLIC_API: &str = "https://api.github.com";

/// The name of a repository, `owner/name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryName {
    /// A user or an organisation.
    pub owner: String,
    /// Without `.git`.
    pub name: String,
}

impl RepositoryName {
    /// Reads `owner/name`; nothing where it is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let (owner, name) = text.split_once('/')?;
        let name = name.strip_suffix(".git").unwrap_or(name);
        let plain = |part: &str, more: &str| {
            !part.is_empty()
                && part.len() <= 100
                && !matches!(part, "." | "..")
                && part.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        (plain(owner, "-_") && plain(name, "-_."))
            .then(|| Self { owner: owner.to_owned(), name: name.to_owned() })
    }

    /// Returns the path of its API: `/repos/owner/name`.
    pub fn route(&self) -> String {
        format!("/repos/{self}")
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// Where GitHub is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Without a slash at its end.
    api: String,
    /// Where people and git go, without a slash at its end.
    web: String,
}

impl Address {
    /// Reads the base of the API; github.com where it is absent.
    pub fn read(api_url: Option<&str>) -> Result<Self, Fault> {
        let text = api_url.unwrap_or(PUBLIC_API).trim_end_matches('/');
        let wrong = |why: &str| {
            Fault::terminal(format!(
                "`forge.github.apiUrl` {why}; write `{PUBLIC_API}` or `https://HOST/api/v3`"
            ))
        };
        let url = Url::parse(text).map_err(|_| wrong("is no URL"))?;
        let loopback = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => return Err(wrong("names no host")),
        };
        if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
            return Err(wrong("must begin with `https://`, for a token is sent there"));
        }
        let credential = !url.username().is_empty() || url.password().is_some();
        if credential || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("holds more than a host and a path"));
        }
        let mut web = url.clone();
        web.set_path("");
        // `api.github.com`, and `api.NAME.ghe.com` where data stays in a region.
        if let Some(host) = url.host_str().and_then(|host| host.strip_prefix("api.")) {
            web.set_host(Some(host)).map_err(|_| wrong("names no host"))?;
        }
        let web = web.as_str().trim_end_matches('/').to_owned();
        Ok(Self { api: url.as_str().trim_end_matches('/').to_owned(), web })
    }

    /// Returns the URL of a path of the API, or of an address that GitHub itself gave; nothing where that is
    /// on another host.
    pub(super) fn url(&self, path: &str) -> Option<String> {
        if path.starts_with('/') {
            return Some(format!("{}{path}", self.api));
        }
        path.starts_with(&format!("{}/", self.api)).then(|| path.to_owned())
    }

    /// Returns where GraphQL is asked.
    pub(super) fn graphql(&self) -> String {
        match self.api.strip_suffix("/api/v3") {
            Some(base) => format!("{base}/api/graphql"),
            None => format!("{}/graphql", self.api),
        }
    }

    /// Returns what git clones.
    pub fn git(&self, repository: &RepositoryName) -> String {
        format!("{}/{repository}.git", self.web)
    }

    /// Returns the repository that a text means: `owner/name`, or a URL on this host; nothing where it is neither.
    pub fn repository(&self, text: &str) -> Option<RepositoryName> {
        let path = text.strip_prefix(&self.web).and_then(|rest| rest.strip_prefix('/'));
        RepositoryName::parse(path.unwrap_or(text).trim_end_matches('/'))
    }

    /// Returns where a page posts the manifest of an App, for an organisation or for whoever posts it; nothing where that
    /// can't be the name of one.
    pub fn new_app(&self, organisation: Option<&str>) -> Option<String> {
        let Some(name) = organisation else {
            return Some(format!("{}/settings/apps/new", self.web));
        };
        let named = RepositoryName::parse(&format!("{name}/x"))?;
        Some(format!("{}/organizations/{}/settings/apps/new", self.web, named.owner))
    }

    /// Returns where people see a pull request.
    pub fn pull_request(&self, repository: &RepositoryName, number: u64) -> String {
        format!("{}/{repository}/pull/{number}", self.web)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escaped(self.web.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_an_owner_and_a_name() {
        for (text, expected) in [
            ("acme/dns", Some("acme/dns")),
            ("acme/dns.git", Some("acme/dns")),
            ("acme-corp/a.b_c-d", Some("acme-corp/a.b_c-d")),
            ("acme", None),
            ("acme/", None),
            ("/dns", None),
            ("acme/..", None),
            ("acme/dns/x", None),
            ("acme/d ns", None),
            ("acme/d%2e", None),
            ("ac.me/dns", None),
        ] {
            let read = RepositoryName::parse(text).map(|name| name.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn each_edition_has_its_own_places() {
        let check = |api: Option<&str>, git: &str, graphql: &str| {
            let address = Address::read(api).unwrap();
            let name = RepositoryName::parse("acme/dns").unwrap();
            assert_eq!((address.git(&name).as_str(), address.graphql().as_str()), (git, graphql));
        };
        check(None, "https://github.com/acme/dns.git", "https://api.github.com/graphql");
        check(
            Some("https://forge.example/api/v3/"),
            "https://forge.example/acme/dns.git",
            "https://forge.example/api/graphql",
        );
        check(
            Some("https://api.acme.ghe.com"),
            "https://acme.ghe.com/acme/dns.git",
            "https://api.acme.ghe.com/graphql",
        );
        check(
            Some("http://127.0.0.1:81/api/v3"),
            "http://127.0.0.1:81/acme/dns.git",
            "http://127.0.0.1:81/api/graphql",
        );
    }

    #[test]
    fn a_token_is_not_sent_in_clear_nor_elsewhere() {
        for api in ["http://forge.example/api/v3", "ftp://h", "https://u:p@h", "https://h?x", "h"] {
            assert!(Address::read(Some(api)).is_err(), "{api}");
        }
        let address = Address::read(None).unwrap();
        assert_eq!(address.url("/user").as_deref(), Some("https://api.github.com/user"));
        let own = "https://api.github.com/repositories/1/pulls?page=2";
        assert_eq!(address.url(own).as_deref(), Some(own));
        for other in ["https://api.github.com.evil.example/x", "https://evil.example/", "user"] {
            assert_eq!(address.url(other), None, "{other}");
        }
    }

    #[test]
    fn urls_on_the_host_name_a_repository() {
        let address = Address::read(None).unwrap();
        for text in ["acme/dns", "https://github.com/acme/dns", "https://github.com/acme/dns.git"] {
            assert_eq!(address.repository(text).unwrap().to_string(), "acme/dns", "{text}");
        }
        for text in ["https://gitlab.com/acme/dns", "/srv/dns.git", "git@github.com:acme/dns"] {
            assert_eq!(address.repository(text), None, "{text}");
        }
    }
}
