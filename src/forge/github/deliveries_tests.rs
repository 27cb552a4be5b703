//! Proves that what was not taken is delivered again, and what was taken is not; and what an App is told of itself.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::fake::{APP, FakeGitHub, Trick};
use super::reviews_tests::{NAME, with_app, with_token};
use super::{Address, exchange};
use crate::net::{Egress, HttpClient};
use crate::run::FaultClass;

fn recently() -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(1)
}

#[tokio::test]
async fn what_was_not_taken_is_delivered_again_thrice_at_most() {
    let (github, forge) = with_app().await;
    let client = &forge.github;
    github.push_as("ann", NAME, "change", ("a.yaml", "1\n"));
    github.open("ann", NAME, "change");
    // Nothing was tried yet, so nothing is missed.
    assert_eq!(client.deliver_again(recently(), 10).await.unwrap(), 0);
    for round in 1..=3 {
        let sent = github.undelivered();
        assert_eq!(sent.len(), if round == 1 { 2 } else { 1 });
        assert!(sent.iter().all(|it| it.is_again == (round > 1)));
        sent.iter().take(1).for_each(|it| github.lose(it));
        // The second is taken at its first attempt.
        sent.iter().skip(1).for_each(|it| github.take(it));
        let asked = client.deliver_again(recently(), 10).await.unwrap();
        assert_eq!(asked, usize::from(round < 3), "round {round}");
    }
    assert_eq!(client.deliveries(recently()).await.unwrap().len(), 4);
    assert!(
        client
            .deliveries(Timestamp::now() + SignedDuration::from_mins(1))
            .await
            .unwrap()
            .is_empty()
    );
    github.play("GET", "/deliveries", Trick::Answer(502, Vec::new(), String::new()));
    assert_eq!(client.deliveries(recently()).await.unwrap_err().fault.class, FaultClass::Transient);
}

#[tokio::test]
async fn many_deliveries_are_read_page_by_page() {
    let (github, forge) = with_app().await;
    for _ in 0..230 {
        github.happen(NAME, "push");
    }
    github.undelivered().iter().for_each(|it| github.lose(it));
    assert_eq!(forge.github.deliveries(recently()).await.unwrap().len(), 230);
    assert_eq!(forge.github.deliver_again(recently(), 7).await.unwrap(), 7);
    assert_eq!(github.undelivered().len(), 7);
}

#[tokio::test]
async fn how_we_stand_is_told() {
    let (github, forge) = with_app().await;
    assert_eq!(forge.github.name().await.unwrap(), "trueline[bot]");
    let installation = forge.github.installation().await.unwrap().unwrap();
    assert_eq!(installation.id, 42);
    let missing: Vec<&str> = installation.missing().iter().map(|it| it.name).collect();
    assert!(missing.contains(&"checks") && !missing.contains(&"contents"), "{missing:?}");
    let left = forge.github.left().await.unwrap();
    assert_eq!((left[0].0, left[0].1.remaining), ("core", 5000));
    assert!(forge.github.is_shown().await.unwrap());
    github.play("GET", "/rate_limit", Trick::Answer(404, Vec::new(), "{}".to_owned()));
    assert!(forge.github.left().await.unwrap().is_empty(), "a server without limits");

    let (github, forge) = with_token().await;
    assert_eq!(forge.github.name().await.unwrap(), "robot");
    assert!(forge.github.installation().await.unwrap().is_none());
    assert!(forge.github.deliveries(recently()).await.is_err(), "a token has no hook");
    drop(github);
}

#[tokio::test]
async fn a_code_becomes_an_app_once() {
    let github = FakeGitHub::start().await;
    let egress = Egress { allow: vec!["127.0.0.1:*".to_owned()], ..Egress::default() };
    let http = Arc::new(HttpClient::new(&egress).unwrap());
    let address = Address::read(Some(&github.api_url())).unwrap();
    let made = exchange(&http, &address, "c0de").await.unwrap();
    assert_eq!((made.id, made.slug.as_str()), (APP, "trueline"));
    assert_eq!(made.webhook_secret.unwrap().reveal(), "hook-s3cret");
    assert!(made.key.reveal().contains("PRIVATE KEY"));
    assert!(!format!("{:?}", made.key).contains("PRIVATE"));
    let refused = exchange(&http, &address, "0ther").await.unwrap_err();
    assert!(refused.message.contains("it is good once"), "{refused}");
}
