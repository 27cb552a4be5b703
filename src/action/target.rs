//! Whom an action asks, as a host: what limits and breakers go by. It asks nobody.

use serde_json::Value;
use url::Url;

use super::operator::Operator;
use crate::forge::github::Address;

/// The host of the API of github.com.
const GITHUB: &str = "api.github.com";

/// Returns the host of a URL, with its port where that is not the usual one.
pub(super) fn host_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str().filter(|host| !host.is_empty())?.to_ascii_lowercase();
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host,
    })
}

/// Returns the host of the URL that stands at a place of a `config`.
pub(super) fn host_at(config: &Value, pointer: &str) -> Option<String> {
    host_of(config.pointer(pointer)?.as_str()?)
}

/// Returns the host of a repository: that of its URL, or GitHub's where the operator set that up.
pub(super) fn host_of_repository(operator: &Operator, config: &Value) -> Option<String> {
    let text = config.get("repository")?.as_str()?;
    let settings = operator.github.as_ref();
    let on_github = settings.is_some_and(|settings| {
        Address::read(settings.api_url.as_deref()).is_ok_and(|it| it.repository(text).is_some())
    });
    if on_github {
        let api = settings.and_then(|settings| settings.api_url.as_deref());
        return api.map_or_else(|| Some(GITHUB.to_owned()), host_of);
    }
    host_of(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::action::{GitHubSettings, find};
    use crate::template::{sensitive, unknown};

    #[track_caller]
    fn check(kind: &str, config: &Value, expected: Option<&str>) {
        let operator = Operator { github: Some(GitHubSettings::default()), ..Operator::default() };
        let target = find(kind).and_then(|action| action.target(&operator, config));
        assert_eq!(target.as_deref(), expected, "{kind} {config}");
    }

    #[test]
    fn the_host_is_told_where_the_config_tells_it() {
        let rest = |url: &str| json!({"endpoint": {"url": url, "method": "PUT"}});
        check("rest-api", &rest("https://API.example.com/v1/things?a=b"), Some("api.example.com"));
        check("webhook", &rest("https://api.example.com:8443/"), Some("api.example.com:8443"));
        check("rest-api", &rest("https://api.example.com:443/"), Some("api.example.com"));
        check("rest-api", &rest("http://[::1]:80/"), Some("[::1]"));
        check("rest-api", &rest("no url"), None);
        check("rest-api", &json!({"endpoint": 5}), None);
        let of = |repository: &str| json!({"repository": repository});
        check("git-commit", &of("acme/dns"), Some("api.github.com"));
        check("github-workflow", &of("acme/dns"), Some("api.github.com"));
        check("git-commit", &of("https://git.example.com/dns.git"), Some("git.example.com"));
        check("git-commit", &of("file:///srv/dns.git"), None);
        check("terraform", &json!({"module": "m"}), None);
        check("jira-ticket", &json!({"instance": "gone"}), None);
    }

    #[test]
    fn what_is_not_known_yet_or_secret_is_no_host() {
        for marker in [unknown("outputs.make.host"), sensitive("secrets.host")] {
            let url = format!("https://{marker}/v1");
            check("rest-api", &json!({"endpoint": {"url": url}}), None);
            let url = format!("https://api.example.com/v1/{marker}");
            check("rest-api", &json!({"endpoint": {"url": url}}), Some("api.example.com"));
        }
    }
}
