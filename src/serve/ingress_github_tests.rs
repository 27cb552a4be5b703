//! Proves over a real socket what GitHub's deliveries become: lost, repeated, reordered and forged ones.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use super::ingress::Ingress;
use super::ingress_tests::served;
use crate::action::{GitHubSettings, Operator, Owner, Ports, SecretRef, SecretSource};
use crate::daemon::{Health, SystemClock};
use crate::forge::github::fake::FakeGitHub;
use crate::run::Fault;
use crate::secret::Secret;
use crate::store::{ABOUT_CATALOG, ABOUT_REVIEWS, Sealer, SqliteStore, Store as _};

const NAME: &str = "acme/app";

struct Fixed;

#[async_trait]
impl SecretSource for Fixed {
    async fn find(&self, _: Owner<'_>, name: &str) -> Result<Secret, Fault> {
        Ok(Secret::new(format!("{name}-s3cret")))
    }
}

/// Begins to serve with the state of a folder, as a process does that is started again.
async fn serve(github: &FakeGitHub, folder: &Path) -> (SocketAddr, Arc<SqliteStore>) {
    let store = SqliteStore::open(&folder.join("state.db"), "tests").await.expect("a store");
    let store = Arc::new(store);
    let named = |name: &str| SecretRef { secret: name.to_owned() };
    let settings = GitHubSettings {
        api_url: Some(github.api_url()),
        webhook_secrets: vec![named("NEXT"), named("LAST")],
        ..GitHubSettings::default()
    };
    let operator = Operator {
        github: Some(settings),
        catalog_url: Some(NAME.to_owned()),
        ..Operator::default()
    };
    let ports = Ports {
        operator: Arc::new(operator),
        secrets: Arc::new(Fixed),
        ..crate::action::testing::ports()
    };
    let sealer = Sealer::key_at(&folder.join("key")).expect("a key");
    let ingress = Ingress { ports, store: store.clone(), sealer, clock: Arc::new(SystemClock) };
    let address = served(Health::default(), ingress).await;
    (address, store)
}

/// Returns what is counted of messages.
async fn counted(address: SocketAddr) -> Vec<String> {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = client.get(format!("http://{address}/metrics")).send().await.expect("an answer");
    let text = answer.text().await.expect("a text");
    let mut lines: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("trueline_webhooks_total").map(str::to_owned))
        .collect();
    lines.sort();
    lines
}

async fn told(store: &SqliteStore) -> Vec<String> {
    let arrivals = store.arrivals_after(0).await.expect("read");
    arrivals.into_iter().map(|(_, about)| about).collect()
}

#[tokio::test]
async fn each_delivery_counts_once_in_whatever_order_it_comes() {
    let (github, folder) = (FakeGitHub::start().await, tempfile::tempdir().expect("a folder"));
    let (address, store) = serve(&github, folder.path()).await;
    github.push_as("ann", NAME, "change", ("a.yaml", "1\n"));
    let number = github.open("ann", NAME, "change");
    github.review("bob", NAME, (number, "APPROVED"));
    let mut sent = github.undelivered();
    let events: Vec<&str> = sent.iter().map(|it| it.event.as_str()).collect();
    assert_eq!(events, ["push", "pull_request", "pull_request_review"]);
    sent.reverse();
    for delivery in &sent {
        for secret in ["NEXT-s3cret", "LAST-s3cret"] {
            assert_eq!(github.deliver(address, secret, delivery).await, 202);
        }
    }
    let pull = "github:acme/app:pull:1";
    let expected = [pull, ABOUT_REVIEWS, pull, ABOUT_REVIEWS, ABOUT_CATALOG];
    assert_eq!(told(&store).await, expected);
    assert_eq!(counted(address).await, ["{result=\"accepted\"} 3", "{result=\"repeated\"} 3"]);
    // After a restart they are known still.
    drop(store);
    let (address, store) = serve(&github, folder.path()).await;
    for delivery in &sent {
        assert_eq!(github.deliver(address, "NEXT-s3cret", delivery).await, 202);
    }
    assert_eq!(told(&store).await, expected);
}

#[tokio::test]
async fn what_is_forged_or_of_others_leaves_no_trace() {
    let (github, folder) = (FakeGitHub::start().await, tempfile::tempdir().expect("a folder"));
    let (address, store) = serve(&github, folder.path()).await;
    github.add_repository("acme/other");
    github.push_as("ann", "acme/other", "change", ("a.yaml", "1\n"));
    github.push_as("ann", NAME, "change", ("a.yaml", "1\n"));
    let sent = github.undelivered();
    assert_eq!(github.deliver(address, "NEXT-s3cret", &sent[0]).await, 202, "politely");
    assert_eq!(github.deliver(address, "a guess", &sent[1]).await, 401);
    assert_eq!(github.deliver(address, "", &sent[1]).await, 401);
    assert!(told(&store).await.is_empty());
    assert_eq!(counted(address).await, ["{result=\"ignored\"} 1", "{result=\"refused\"} 2"]);
    assert_eq!(github.deliver(address, "LAST-s3cret", &sent[1]).await, 202);
    assert_eq!(told(&store).await, [ABOUT_CATALOG]);
}
