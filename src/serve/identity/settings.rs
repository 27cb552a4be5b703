//! What the operator says of who vouches for people and jobs: `[auth.oidc.NAME]`, `[auth.github]`, `[auth.ci.NAME]`.
//! It reads no file and asks nobody.

use std::collections::BTreeMap;

use serde::Deserialize;
use url::{Host, Url};

use super::rule::{JobRule, Pattern};
use crate::action::SecretRef;

/// The name under which GitHub's login is known.
pub(super) const GITHUB: &str = "github";

/// Who vouches for people and jobs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentitySettings {
    /// Providers of OpenID Connect, by name.
    pub oidc: BTreeMap<String, OidcSettings>,
    /// GitHub's login.
    pub github: Option<GitHubLogin>,
    /// Who hands tokens to CI jobs, by name.
    pub ci: BTreeMap<String, Issuer>,
}

/// What becomes of somebody whom nobody here knows yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NewUsers {
    /// A user is made, with no roles but those that are granted to many.
    #[default]
    Create,
    /// They are refused.
    Refuse,
}

/// What is said alike of all who vouch for people.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Shared {
    /// What the button says; the name where absent.
    pub title: Option<String>,
    /// What becomes of somebody whom nobody here knows yet.
    pub new_users: NewUsers,
    /// Whether a user of the same name, who signed in with no provider so far, is the same person.
    pub link_by_name: bool,
    /// For each team here, the groups there whose people are in it.
    pub teams: BTreeMap<String, Vec<String>>,
    /// For how long a group counts after somebody signed in, as a duration.
    pub groups_hold: Option<String>,
}

/// A provider of OpenID Connect.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OidcSettings {
    /// Its address, as its tokens say it.
    pub issuer: String,
    /// Who we are there.
    pub client_id: String,
    /// What proves that; nothing for a public client.
    #[serde(default)]
    pub client_secret: Option<SecretRef>,
    /// What is asked for.
    #[serde(default = "usual_scopes")]
    pub scopes: Vec<String>,
    /// Which claims tell what.
    #[serde(default)]
    pub claims: ClaimNames,
    /// Claims that somebody must have to be let in, each as one of some patterns.
    #[serde(default)]
    pub require: BTreeMap<String, Pattern>,
    /// What is said alike of all.
    #[serde(flatten)]
    pub shared: Shared,
}

/// Which claims tell what.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimNames {
    /// The name here.
    pub user: String,
    /// The groups; a path such as `realm_access.roles` may be written.
    pub groups: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self { user: "preferred_username".to_owned(), groups: "groups".to_owned() }
    }
}

fn usual_scopes() -> Vec<String> {
    ["openid", "profile", "email"].map(str::to_owned).to_vec()
}

/// GitHub's login: an OAuth app, or a GitHub App.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct GitHubLogin {
    /// Where people go: `https://github.com`, or an Enterprise Server.
    #[serde(default = "public_github")]
    pub url: String,
    /// Its API, where that is not where GitHub has it.
    #[serde(default)]
    pub api_url: Option<String>,
    /// Who we are there.
    pub client_id: String,
    /// What proves that.
    pub client_secret: SecretRef,
    /// Who is in none of these is not let in.
    pub organizations: Vec<String>,
    /// What is said alike of all.
    #[serde(flatten)]
    pub shared: Shared,
}

fn public_github() -> String {
    "https://github.com".to_owned()
}

impl GitHubLogin {
    /// Returns the base of its API, without a slash at its end.
    pub(super) fn api(&self) -> String {
        let url = self.url.trim_end_matches('/');
        match &self.api_url {
            Some(api) => api.trim_end_matches('/').to_owned(),
            None if url == "https://github.com" => "https://api.github.com".to_owned(),
            None => match url.strip_prefix("https://").filter(|host| host.ends_with(".ghe.com")) {
                Some(host) => format!("https://api.{host}"),
                None => format!("{url}/api/v3"),
            },
        }
    }
}

/// Who hands tokens to CI jobs.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// Its address, as its tokens say it.
    pub issuer: String,
    /// For whom its tokens must be; `server.publicUrl` where absent.
    #[serde(default)]
    pub audience: Option<String>,
    /// Which jobs may what; the first that fits counts.
    pub rules: Vec<JobRule>,
}

impl IdentitySettings {
    /// Names those with whom people sign in, each with what its button says.
    pub(in crate::serve) fn buttons(&self) -> Vec<(&str, &str)> {
        let oidc = self.oidc.iter().map(|(name, it)| (name.as_str(), it.shared.title.as_deref()));
        let github = self.github.iter().map(|it| (GITHUB, it.shared.title.as_deref()));
        let titled = |(name, title): (_, Option<_>)| {
            (name, title.unwrap_or(if name == GITHUB { "GitHub" } else { name }))
        };
        oidc.chain(github).map(titled).collect()
    }

    /// Finds what is said alike of all, of the one with this name.
    pub(in crate::serve) fn shared(&self, provider: &str) -> Option<&Shared> {
        match (provider, &self.github) {
            (GITHUB, Some(github)) => Some(&github.shared),
            _ => self.oidc.get(provider).map(|oidc| &oidc.shared),
        }
    }

    /// Says what can't be meant.
    pub fn problems(&self, public_url: Option<&str>) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, oidc) in &self.oidc {
            let place = format!("auth.oidc.{name}");
            if !is_name(name) || name == GITHUB {
                problems.push(format!("{place}: a name is 1 to 40 of a-z 0-9 -, and not `github`"));
            }
            problems.extend(address(&oidc.issuer).map(|why| format!("{place}.issuer {why}")));
            problems.extend(oidc.shared.problems(&place));
            if !oidc.scopes.iter().any(|scope| scope == "openid") {
                problems.push(format!("{place}.scopes must hold `openid`"));
            }
        }
        if let Some(github) = &self.github {
            problems.extend(address(&github.url).map(|why| format!("auth.github.url {why}")));
            let api = github.api_url.as_deref().and_then(address);
            problems.extend(api.map(|why| format!("auth.github.apiUrl {why}")));
            problems.extend(github.shared.problems("auth.github"));
            let named = |org: &String| {
                (1..=40).contains(&org.len())
                    && org.bytes().all(|one| one.is_ascii_alphanumeric() || one == b'-')
            };
            if github.organizations.is_empty() || !github.organizations.iter().all(named) {
                problems.push(
                    "auth.github.organizations must name the organisations that are let in"
                        .to_owned(),
                );
            }
        }
        if public_url.is_none() && !(self.oidc.is_empty() && self.github.is_none()) {
            problems
                .push("server.publicUrl is needed: providers send people back to it".to_owned());
        }
        for (name, issuer) in &self.ci {
            problems.extend(issuer.problems(&format!("auth.ci.{name}"), public_url));
        }
        problems
    }
}

impl Shared {
    /// Returns how long a group counts, in seconds.
    pub(in crate::serve) fn groups_hold_s(&self) -> i64 {
        let read = self.groups_hold.as_deref().and_then(crate::catalog::duration);
        read.and_then(|hold| i64::try_from(hold.as_secs()).ok()).unwrap_or(7 * 24 * 60 * 60)
    }

    fn problems(&self, place: &str) -> Option<String> {
        let text = self.groups_hold.as_ref()?;
        crate::catalog::duration(text)
            .is_none()
            .then(|| format!("{place}.groupsHold `{text}` is not a duration such as `12h`"))
    }
}

impl Issuer {
    fn problems(&self, place: &str, public_url: Option<&str>) -> Vec<String> {
        let mut problems: Vec<String> =
            address(&self.issuer).map(|why| format!("{place}.issuer {why}")).into_iter().collect();
        if self.audience.as_deref().or(public_url).is_none_or(str::is_empty) {
            problems.push(format!("{place}.audience is missing, and there is no server.publicUrl"));
        }
        if self.rules.is_empty() {
            problems.push(format!("{place}.rules: no job may anything"));
        }
        let wrong = self.rules.iter().filter_map(JobRule::problem);
        problems.extend(wrong.map(|why| format!("{place}.rules: {why}")));
        problems
    }
}

fn is_name(name: &str) -> bool {
    let plain = |one: u8| one.is_ascii_lowercase() || one.is_ascii_digit() || one == b'-';
    (1..=40).contains(&name.len()) && name.bytes().all(plain)
}

/// Says why a text is no address that can be trusted: secrets go there, and keys come from there.
pub(super) fn address(text: &str) -> Option<String> {
    let wrong = |why: &str| Some(format!("`{text}` {why}"));
    let Ok(url) = Url::parse(text) else { return wrong("is no URL") };
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return wrong("names no host"),
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
        return wrong("must begin with `https://`");
    }
    let more = !url.username().is_empty() || url.password().is_some() || url.fragment().is_some();
    if more { wrong("holds more than a host and a path") } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> String {
        match toml::from_str::<IdentitySettings>(text) {
            Ok(settings) => settings.problems(Some("https://t.example")).join("; "),
            Err(error) => error.message().to_owned(),
        }
    }

    #[test]
    fn what_cannot_be_meant_is_told() {
        let oidc = "[oidc.corp]\nissuer = \"https://id.example\"\nclientId = \"t\"\n";
        assert_eq!(problems(oidc), "");
        for (text, expected) in [
            (oidc.replace("https:", "http:"), "must begin with `https://`"),
            (oidc.replace("https://id", "https://a:b@id"), "more than a host"),
            (oidc.replace("corp", "Corp"), "a name is"),
            (oidc.replace("corp", "github"), "not `github`"),
            (format!("{oidc}scopes = [\"email\"]"), "must hold `openid`"),
            (format!("{oidc}groupsHold = \"soon\""), "not a duration"),
            (format!("{oidc}clientSecret = \"text\""), "invalid type"),
            (format!("{oidc}newUser = \"refuse\""), "unknown field `newUser`"),
            (
                "[github]\nclientId = \"t\"\nclientSecret = {secret = \"S\"}\norganizations = []"
                    .to_owned(),
                "must name the organisations",
            ),
            ("[ci.gh]\nissuer = \"https://ci.example\"\nrules = []".to_owned(), "no job may"),
            (
                "[ci.gh]\nissuer = \"https://ci.example\"\n[[ci.gh.rules]]\nmatch = {repository = \"*\"}\nrole = \"viewer\""
                    .to_owned(),
                "anybody",
            ),
        ] {
            assert!(problems(&text).contains(expected), "{text}: {}", problems(&text));
        }
        let settings: IdentitySettings = toml::from_str(oidc).expect("reads");
        assert!(settings.problems(None).concat().contains("publicUrl"));
    }

    #[test]
    fn githubs_api_is_where_it_has_it() {
        let of = |url: &str| {
            let text = format!(
                "url = \"{url}\"\nclientId = \"t\"\nclientSecret = {{secret = \"S\"}}\norganizations = [\"acme\"]"
            );
            toml::from_str::<GitHubLogin>(&text).expect("reads").api()
        };
        assert_eq!(of("https://github.com"), "https://api.github.com");
        assert_eq!(of("https://acme.ghe.com"), "https://api.acme.ghe.com");
        assert_eq!(of("https://git.acme.example/"), "https://git.acme.example/api/v3");
    }
}
