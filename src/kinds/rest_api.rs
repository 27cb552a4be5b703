//! The row of `rest-api`: one call of an HTTP interface. It calls nothing.

use std::collections::BTreeSet;

use serde_json::Value;

use super::registry::{ActionKind, Decided, Reversal, Slot, host_at, known_text, none};
use super::shown::Shown;
use crate::template::{Target, has_unknown};

/// Where the parts of an `authentication` stand that name a secret.
pub(super) const SECRETS: &[&str] = &[
    "/authentication/token",
    "/authentication/password",
    "/authentication/key",
    "/authentication/clientSecret",
    "/authentication/accessKeyId",
    "/authentication/secretAccessKey",
    "/authentication/sessionToken",
];

/// Calls an HTTP interface.
pub(super) static REST_API: ActionKind = ActionKind {
    name: "rest-api",
    summary: "calls an HTTP interface and takes its answer as the result",
    schema: include_str!("../../schemas/actions/rest-api.json"),
    slots: &[
        Slot::new("/endpoint/url", Target::Url),
        Slot::new("/headers/*", Target::Header),
        Slot::new("/body/contentTemplate", Target::Json)
            .decided(Decided::ByWord("/body/type", "json"))
            .structured(),
        Slot::new("/authentication/header", Target::Header),
        Slot::new("/authentication/tokenUrl", Target::Url),
        Slot::new("/poll/url", Target::Url),
        Slot::new("/observe/url", Target::Url),
        Slot::new("/observe/headers/*", Target::Header),
        Slot::new("/observe/body/contentTemplate", Target::Json)
            .decided(Decided::ByWord("/observe/body/type", "json"))
            .structured(),
        Slot::new("/delete/url", Target::Url),
        Slot::new("/delete/headers/*", Target::Header),
        Slot::new("/delete/body/contentTemplate", Target::Json)
            .decided(Decided::ByWord("/delete/body/type", "json"))
            .structured(),
    ],
    secrets: SECRETS,
    shown: |_| Shown::Nothing,
    reversal: Reversal::Configured("/delete"),
    observable: Some("/observe"),
    available: true,
    lacks: none,
    is_tied: false,
    repeats: false,
    claims,
    targets,
    outputs: |_| vec!["status".to_owned()],
};

/// The resource, where the call names one: by `observe`, or as `PUT` does.
fn claims(config: &Value) -> Vec<String> {
    let puts = config.pointer("/endpoint/method").and_then(Value::as_str) == Some("PUT");
    let claimed = match config.get("observe") {
        Some(_) => known_text(config, "/observe/url").and_then(|url| named(config, url)),
        None if puts => known_text(config, "/endpoint/url").map(str::to_owned),
        None => None,
    };
    claimed.map(|url| format!("rest:{url}")).into_iter().collect()
}

/// Names what is looked at: by its address, and where a body says what it is, by that.
fn named(config: &Value, url: &str) -> Option<String> {
    let Some(body) = config.pointer("/observe/body/contentTemplate") else {
        return Some(url.to_owned());
    };
    let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
    (!has_unknown(&text)).then(|| format!("{url} {text}"))
}

/// The hosts of all its requests.
fn targets(config: &Value) -> Vec<String> {
    let urls =
        ["/endpoint/url", "/authentication/tokenUrl", "/poll/url", "/observe/url", "/delete/url"];
    let hosts: BTreeSet<String> = urls.iter().filter_map(|url| host_at(config, url)).collect();
    hosts.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::template::unknown;

    #[test]
    fn a_resource_is_claimed_where_one_is_named() {
        let url = "http://127.0.0.1:8080/v1/databases/a";
        let check =
            |config: Value, expected: &[&str]| assert_eq!(claims(&config), expected, "{config}");
        check(
            json!({"endpoint": {"url": url, "method": "PUT"}}),
            &["rest:http://127.0.0.1:8080/v1/databases/a"],
        );
        check(json!({"endpoint": {"url": url, "method": "POST"}}), &[]);
        check(
            json!({"endpoint": {"url": "http://h/all"}, "observe": {"url": "http://h/one"}}),
            &["rest:http://h/one"],
        );
        check(
            json!({"endpoint": {"url": format!("http://h/{}", unknown("outputs.x")), "method": "PUT"}}),
            &[],
        );
    }

    #[test]
    fn what_is_named_by_a_body_is_claimed_with_it() {
        let check = |name: &str, expected: &[&str]| {
            let observe = json!({"url": "http://h/", "method": "POST", "body": {"contentTemplate": {"Name": name}}});
            let config = json!({"endpoint": {"url": "http://h/"}, "observe": observe});
            assert_eq!(claims(&config), expected);
        };
        check("a", &["rest:http://h/ {\"Name\":\"a\"}"]);
        check(&unknown("outputs.x"), &[]);
    }

    #[test]
    fn hosts_are_targets() {
        let config = json!({
            "endpoint": {"url": "http://127.0.0.1:8080/v1"},
            "observe": {"url": "http://127.0.0.1:8080/v1/a"},
            "delete": {"url": "https://api.example.com/a"},
            "poll": {"url": unknown("outputs.x")},
        });
        assert_eq!(targets(&config), ["host:127.0.0.1:8080", "host:api.example.com"]);
    }
}
