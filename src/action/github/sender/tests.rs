//! Proves that only what GitHub signed is read, and what it pokes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::action::{GitHubSettings, Operator, SecretRef, SecretSource};
use crate::run::Fault;
use crate::secret::Secret;

struct Secrets(BTreeMap<&'static str, Result<&'static str, Fault>>);

#[async_trait]
impl SecretSource for Secrets {
    async fn find(&self, owner: Owner<'_>, name: &str) -> Result<Secret, Fault> {
        assert_eq!(owner, Owner::Operator);
        let found = self.0.get(name).cloned();
        found.unwrap_or_else(|| Err(Fault::terminal("no such secret"))).map(Secret::new)
    }
}

fn ports(named: &[&'static str], secrets: &[(&'static str, Result<&'static str, Fault>)]) -> Ports {
    let github = GitHubSettings {
        api_url: None,
        app_id: None,
        private_key_file: None,
        token: None,
        webhook_secrets: named
            .iter()
            .map(|name| SecretRef { secret: (*name).to_owned() })
            .collect(),
    };
    Ports {
        operator: Arc::new(Operator { github: Some(github), ..Operator::default() }),
        secrets: Arc::new(Secrets(secrets.iter().cloned().collect())),
        ..crate::action::testing::ports()
    }
}

fn signed(secret: &str, event: &str, body: &str) -> HeaderMap {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let bytes = mac.finalize().into_bytes();
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let hex = hex.concat();
    let mut headers = HeaderMap::new();
    headers.insert("x-hub-signature-256", format!("sha256={hex}").parse().unwrap());
    headers.insert("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958".parse().unwrap());
    headers.insert("x-github-event", event.parse().unwrap());
    headers
}

async fn check(ports: &Ports, headers: &HeaderMap, body: &str) -> Result<Delivery, Refused> {
    GitHubSender.check(ports, Message { rest: "", headers, body: body.as_bytes() }).await
}

#[test]
fn the_documented_example_verifies() {
    // «Validating webhook deliveries», testing the webhook payload validation.
    let signature =
        unhex("757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17").unwrap();
    assert!(verifies(b"It's a Secret to Everybody", b"Hello, World!", &signature));
    assert!(!verifies(b"It's a Secret to Everybody", b"Hello, World?", &signature));
}

#[tokio::test]
async fn events_poke_and_say_nothing_more() {
    let mut ports = ports(&["HOOK"], &[("HOOK", Ok("s3cret"))]);
    let in_ours = |mut body: Value| {
        body["repository"] = json!({"full_name": "Acme/App"});
        body
    };
    let waiting = |about: &str| Poke::Waiting { about: about.to_owned() };
    let pull = json!({"pull_request": {"number": 3}});
    let cases = [
        ("push", json!({"ref": "refs/heads/main"}), vec![Poke::Catalog]),
        (
            "workflow_run",
            json!({"workflow_run": {"id": 17}}),
            vec![waiting("github:acme/app:run:17")],
        ),
        ("workflow_run", json!({"workflow_run": {"id": "x"}}), vec![]),
        ("pull_request", pull.clone(), vec![waiting("github:acme/app:pull:3"), Poke::Reviews]),
        ("pull_request_review", pull, vec![waiting("github:acme/app:pull:3"), Poke::Reviews]),
        ("issue_comment", json!({"issue": {"pull_request": {}}}), vec![Poke::Reviews]),
        ("issue_comment", json!({"issue": {"number": 3}}), vec![]),
        ("check_run", json!({"action": "rerequested"}), vec![Poke::Reviews]),
        (
            "check_run",
            json!({"action": "rerequested", "check_run": {"head_sha": "0a1b"}}),
            vec![Poke::Again { head: "0a1b".to_owned() }],
        ),
        (
            "check_suite",
            json!({"action": "rerequested", "check_suite": {"head_sha": "*/"}}),
            vec![Poke::Reviews],
        ),
        ("check_run", json!({"action": "completed"}), vec![]),
        ("check_suite", json!({"action": "rerequested"}), vec![Poke::Reviews]),
        ("installation", json!({"action": "deleted"}), vec![Poke::Catalog, Poke::Reviews]),
        ("membership", json!({"action": "added"}), vec![Poke::Reviews]),
        ("ping", json!({"zen": "x"}), vec![]),
        ("some_event_of_2030", json!({}), vec![]),
    ];
    for url in [None, Some("https://github.com/acme/APP.git"), Some("/srv/catalog.git")] {
        ports.operator = Arc::new(Operator {
            github: ports.operator.github.clone(),
            catalog_url: url.map(str::to_owned),
            ..Operator::default()
        });
        for (event, body, expected) in &cases {
            let body = in_ours(body.clone()).to_string();
            let delivery = check(&ports, &signed("s3cret", event, &body), &body).await.unwrap();
            assert_eq!(delivery.id, "github:72d3162e-cc78-11e3-81ab-4c9367dc0958");
            assert_eq!(delivery.pokes, *expected, "{event} {body}");
        }
    }
    // What happens elsewhere wakes only who waits for it.
    ports.operator = Arc::new(Operator {
        github: ports.operator.github.clone(),
        catalog_url: Some("https://github.com/acme/catalog".to_owned()),
        ..Operator::default()
    });
    for (event, body, expected) in &cases {
        let body = in_ours(body.clone()).to_string();
        let delivery = check(&ports, &signed("s3cret", event, &body), &body).await.unwrap();
        let about_all = ["installation", "membership"].contains(event);
        let kept = expected.iter().filter(|poke| about_all || matches!(poke, Poke::Waiting { .. }));
        assert_eq!(delivery.pokes, kept.cloned().collect::<Vec<_>>(), "{event} {body}");
    }
}

#[tokio::test]
async fn garbage_is_taken_for_nothing() {
    let ports = ports(&["HOOK"], &[("HOOK", Ok("s3cret"))]);
    let bodies = [
        "null".to_owned(),
        "[]".to_owned(),
        "7".to_owned(),
        r#"{"repository": 7, "issue": [], "pull_request": {"number": -1}}"#.to_owned(),
        r#"{"repository": {"full_name": {}}, "pull_request": {"number": 1e400}}"#.to_owned(),
        format!("{}1{}", "[".repeat(120), "]".repeat(120)),
        format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)),
        "\u{0}{}".to_owned(),
        "{\"a\": \"\\ud800\"}".to_owned(),
    ];
    for event in ["push", "pull_request", "issue_comment", "workflow_run", "check_run"] {
        for body in &bodies {
            let taken = check(&ports, &signed("s3cret", event, body), body).await;
            match taken {
                Ok(delivery) => assert_eq!(delivery.pokes, []),
                Err(refused) => assert!(matches!(refused, Refused::Unreadable(_)), "{refused}"),
            }
        }
    }
    // A name that is longer or odder than any is none.
    for id in ["", " ", "a b", "a\u{e4}", &"x".repeat(101)] {
        let mut headers = signed("s3cret", "push", "{}");
        headers.insert(
            "x-github-delivery",
            axum::http::HeaderValue::from_bytes(id.as_bytes()).unwrap(),
        );
        assert!(matches!(check(&ports, &headers, "{}").await, Err(Refused::Unreadable(_))), "{id}");
    }
}

/// npm `@octokit/webhooks-examples`, which `ci/test` gets: what GitHub and its servers posted to people.
#[tokio::test]
async fn every_example_of_github_is_taken() {
    let Some(folder) = std::env::var_os("TRUELINE_GITHUB_EXAMPLES") else {
        return;
    };
    let ports = ports(&["HOOK"], &[("HOOK", Ok("s3cret"))]);
    let (mut taken, mut poking) = (0, std::collections::BTreeSet::new());
    for edition in std::fs::read_dir(folder).unwrap() {
        let Ok(text) = std::fs::read_to_string(edition.unwrap().path().join("index.json")) else {
            continue;
        };
        let events: Vec<Value> = serde_json::from_str(&text).unwrap();
        for event in &events {
            let name = event["name"].as_str().unwrap();
            for example in event["examples"].as_array().unwrap() {
                let body = example.to_string();
                let delivery = check(&ports, &signed("s3cret", name, &body), &body).await.unwrap();
                taken += 1;
                if !delivery.pokes.is_empty() {
                    poking.insert(name.to_owned());
                }
            }
        }
    }
    assert!(taken > 300, "{taken}");
    let expected = [
        "check_run",
        "check_suite",
        "installation",
        "installation_repositories",
        "membership",
        "pull_request",
        "pull_request_review",
        "push",
        "team",
        "workflow_run",
    ];
    assert_eq!(poking.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn what_is_not_signed_is_not_read() {
    let ports = ports(&["HOOK"], &[("HOOK", Ok("s3cret"))]);
    let good = signed("s3cret", "push", "{}");
    assert_eq!(check(&ports, &good, "{} ").await, Err(Refused::Unsigned));
    assert_eq!(check(&ports, &signed("other", "push", "{}"), "{}").await, Err(Refused::Unsigned));
    for odd in ["", "sha256=", "sha1=00", "sha256=zz", "sha256=+1"] {
        let mut headers = good.clone();
        headers.insert("x-hub-signature-256", odd.parse().unwrap());
        assert_eq!(check(&ports, &headers, "{}").await, Err(Refused::Unsigned), "{odd}");
    }
    assert_eq!(check(&ports, &HeaderMap::new(), "{}").await, Err(Refused::Unsigned));
    let broken = check(&ports, &signed("s3cret", "push", "{"), "{").await;
    assert!(matches!(broken, Err(Refused::Unreadable(_))));
    let mut headers = good.clone();
    headers.remove("x-github-delivery");
    assert!(matches!(check(&ports, &headers, "{}").await, Err(Refused::Unreadable(_))));
    let elsewhere = Message { rest: "x", headers: &good, body: b"{}" };
    assert_eq!(GitHubSender.check(&ports, elsewhere).await, Err(Refused::Unknown));
}

#[tokio::test]
async fn two_secrets_hold_during_a_rotation_and_an_empty_one_never() {
    let both = ports(&["NEW", "OLD"], &[("NEW", Ok("new")), ("OLD", Ok("old"))]);
    for secret in ["new", "old"] {
        assert!(check(&both, &signed(secret, "push", "{}"), "{}").await.is_ok(), "{secret}");
    }
    let empty = ports(&["NEW"], &[("NEW", Ok(""))]);
    assert_eq!(check(&empty, &signed("", "push", "{}"), "{}").await, Err(Refused::Unsigned));
    let none = ports(&[], &[]);
    assert_eq!(check(&none, &signed("new", "push", "{}"), "{}").await, Err(Refused::Unknown));
    let away = ports(
        &["NEW", "OLD"],
        &[("NEW", Err(Fault::transient("vault is away"))), ("OLD", Ok("old"))],
    );
    assert_eq!(check(&away, &signed("new", "push", "{}"), "{}").await, Err(Refused::Later));
    assert!(check(&away, &signed("old", "push", "{}"), "{}").await.is_ok());
}
