//! Reads where a repository is, by an allow list: a path, `file`, `https`, `http`, `ssh`. It never connects.

use std::fmt;
use std::path::{Path, PathBuf};

use url::Url;

use super::error::SourceError;
use super::names::escaped;

/// Where a repository is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// On this machine; always absolute.
    Local(PathBuf),
    /// Over HTTP, with or without TLS.
    Http(Url),
    /// Over ssh, as `ssh://…` or `user@host:path`.
    Ssh(String),
}

impl Location {
    /// Reads a location; a form that is not on the allow list is refused with what to write instead.
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        let refuse = |reason: &str| {
            Err(SourceError::Location {
                location: escaped(without_credentials(text).as_bytes()),
                reason: reason.to_owned(),
            })
        };
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.starts_with('-') {
            return refuse("it starts with `-`; write ./ before a path");
        }
        if text.chars().any(char::is_control) {
            return refuse("it contains control characters");
        }
        if let Some((scheme, _)) = text.split_once("://") {
            return match scheme.to_ascii_lowercase().as_str() {
                "file" => Self::of_file(text).map_or_else(refuse, Ok),
                "http" | "https" => Self::of_http(text).map_or_else(refuse, Ok),
                "ssh" => Self::of_ssh(text).map_or_else(refuse, Ok),
                _ => refuse("only a path, file://, https://, http:// and ssh:// are read"),
            };
        }
        if text.split('/').next().is_some_and(|first| first.contains("::")) {
            return refuse("transports of other programs are not run");
        }
        match text.split_once(':') {
            Some((host, path)) if !host.contains('/') && !Path::new(text).exists() => {
                Self::of_scp(text, host, path).map_or_else(refuse, Ok)
            }
            _ => Self::of_path(Path::new(text)),
        }
    }

    /// Makes a location of a path, absolute from the working directory.
    pub fn of_path(path: &Path) -> Result<Self, SourceError> {
        std::path::absolute(path).map(Self::Local).map_err(SourceError::io("resolve", path))
    }

    fn of_file(text: &str) -> Result<Self, &'static str> {
        let url = Url::parse(text).map_err(|_| "it is not a valid URL")?;
        if url.host_str().is_some_and(|host| !host.is_empty() && host != "localhost") {
            return Err("a file:// URL names this machine only; write file:///path");
        }
        let path = url.to_file_path().map_err(|()| "it names no path; write file:///path")?;
        if path.as_os_str().as_encoded_bytes().iter().any(u8::is_ascii_control) {
            return Err("it contains control characters");
        }
        Ok(Self::Local(path))
    }

    fn of_http(text: &str) -> Result<Self, &'static str> {
        let url = Url::parse(text).map_err(|_| "it is not a valid URL")?;
        if url.password().is_some() || !url.username().is_empty() {
            return Err("it holds a credential; configure the token instead");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("it has a query or a fragment");
        }
        Ok(Self::Http(url))
    }

    fn of_ssh(text: &str) -> Result<Self, &'static str> {
        let url = Url::parse(text).map_err(|_| "it is not a valid URL")?;
        let host = url.host_str().unwrap_or_default();
        if host.is_empty() || host.starts_with('-') || url.username().starts_with('-') {
            return Err("it names no host");
        }
        if url.password().is_some() {
            return Err("it holds a password; use a key");
        }
        if url.path().len() < 2 {
            return Err("it names no path");
        }
        Ok(Self::Ssh(text.to_owned()))
    }

    fn of_scp(text: &str, host: &str, path: &str) -> Result<Self, &'static str> {
        let (user, name) = host.rsplit_once('@').unwrap_or(("git", host));
        let plain = |part: &str| {
            !part.is_empty()
                && !part.starts_with('-')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-[]".contains(c))
        };
        if !plain(user) || !plain(name) {
            return Err("its host is not one; write ssh://user@host/path");
        }
        if path.is_empty() || path.starts_with('-') {
            return Err("it names no path");
        }
        Ok(Self::Ssh(text.to_owned()))
    }

    /// Returns the path of a repository on this machine.
    pub fn local_path(&self) -> Option<&Path> {
        match self {
            Self::Local(path) => Some(path),
            _ => None,
        }
    }

    /// Returns the protocol names that git may use for it.
    pub(crate) fn protocol(&self) -> &str {
        match self {
            Self::Local(_) => "file",
            Self::Http(url) => url.scheme(),
            Self::Ssh(_) => "ssh",
        }
    }

    /// Returns scheme, host and port where a token may be sent: TLS, or this machine.
    pub(crate) fn token_scope(&self) -> Option<String> {
        let Self::Http(url) = self else { return None };
        let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        (url.scheme() == "https" || loopback)
            .then(|| format!("{}/", url.origin().ascii_serialization()))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => write!(f, "{}", path.display()),
            Self::Http(url) => write!(f, "{url}"),
            Self::Ssh(text) => f.write_str(text),
        }
    }
}

/// Returns the full name of a branch's ref, `refs/heads/<branch>`; a full name is taken as it is.
pub fn branch_ref(branch: &str) -> Result<String, SourceError> {
    let short = branch.strip_prefix("refs/heads/").unwrap_or(branch);
    let full = format!("refs/heads/{short}");
    if short.is_empty() || short.starts_with('-') || !git2::Reference::is_valid_name(&full) {
        return Err(SourceError::BranchName { branch: escaped(branch.as_bytes()) });
    }
    Ok(full)
}

/// Leaves out what stands between `://` and `@`, so that a refused location can be shown.
fn without_credentials(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{host}{path}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_transports_pass() {
        for text in [
            "/srv/catalog.git",
            "./catalog",
            "catalog",
            "file:///srv/catalog.git",
            "https://forge.example/team/catalog.git",
            "http://127.0.0.1:9/x.git",
            "ssh://git@forge.example:2222/team/catalog.git",
            "git@forge.example:team/catalog.git",
            "forge.example:catalog.git",
            "/odd:path/x::y",
        ] {
            assert!(Location::parse(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "-oProxyCommand=x",
            "--upload-pack=x",
            "ext::sh -c touch% /tmp/x",
            "git://forge.example/x",
            "ftp://forge.example/x",
            "https://forge.example/\nx",
            "https://forge.example/x\r",
            "fd::17",
            "ssh://-oProxyCommand=x/y",
            "ssh://forge.example",
            "-x@forge.example:y",
            "forge.example:-x",
            "file://elsewhere/x",
            "https://u:p@forge.example/x",
            "https://forge.example/x?y=z",
            "file:///a%0ab",
            "ssh://git:pw@forge.example/x",
        ] {
            assert!(Location::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_refusal_shows_no_credential_and_no_control_character() {
        let shown =
            Location::parse("https://user:hunter22@forge.example/x").unwrap_err().to_string();
        assert!(!shown.contains("hunter22"), "{shown}");
        let shown = Location::parse("ext::\u{1b}[2J").unwrap_err().to_string();
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }

    #[test]
    fn a_token_goes_to_tls_or_this_machine_only() {
        let scope = |text| Location::parse(text).unwrap().token_scope();
        assert_eq!(scope("https://forge.example/x").as_deref(), Some("https://forge.example/"));
        assert_eq!(scope("http://127.0.0.1:81/x").as_deref(), Some("http://127.0.0.1:81/"));
        assert_eq!(scope("http://forge.example/x"), None);
        assert_eq!(scope("ssh://git@forge.example/x"), None);
    }

    #[test]
    fn branches_have_full_names() {
        assert_eq!(branch_ref("main").unwrap(), "refs/heads/main");
        assert_eq!(branch_ref("refs/heads/a/b").unwrap(), "refs/heads/a/b");
        for name in ["", "-x", "a..b", "a b", "@{-1}", "a:b", "a*", "x.lock", "a\nb"] {
            let refused = branch_ref(name).is_err();
            assert!(refused, "{name:?}");
        }
    }
}
