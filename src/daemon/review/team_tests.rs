//! Stories of teams that own paths: who is in one lets a change through, and nobody else does.

use std::sync::LazyLock;

use super::say::PLAN;
use super::world::{People, REQUESTS, Stage, stories};
use crate::forge::{LocalForge, Opinion};
use crate::store::{Actor, ActorKind, PeopleStore as _, User};

const PAY: &str = "services/payments/pay-note.yaml";

/// A catalog whose services of payments are of a team, which goes by another name on the forge.
static BASE: LazyLock<String> = LazyLock::new(|| {
    REQUESTS
        .replace("/services/payments/ @pat", "/services/payments/ @acme/till")
        .replace("owners: [\"@pat\"]", "owners: [\"@pat\", \"@acme/till\"]")
});

fn pay(text: &str) -> String {
    format!(
        "schemaVersion: catalog/v1\nkind: Service\nmetadata: {{id: pay-note, team: payments}}\n\
         catalogItem: note-log\nfields: {{text: {text}}}\n"
    )
}

async fn missing<P: People>(stage: &Stage<P>, head: &str) -> bool {
    stage.check(head, PLAN).await.contains("1 approval of owners missing")
}

async fn only_who_is_in_the_team_lets_it_through<P: People>(mut stage: Stage<P>) {
    let head = stage.push("topic", "bob", &[(PAY, &pay("one"))]);
    let number = stage.people.open("topic", "bob").await;
    stage.look().await;
    assert!(missing(&stage, &head).await);
    stage.people.give(number, "ola", Opinion::Approved).await;
    stage.look().await;
    assert!(missing(&stage, &head).await, "ola is in another team");
    stage.people.comment(number, "ola", "/trueline approve").await;
    stage.look().await;
    let said = stage.said(number, "neither an owner").await;
    assert_eq!(said.len(), 1, "{said:?}");
    stage.people.merge(number, "bob").await;
    stage.settle().await;
    assert!(stage.waits("pay-note").contains("not approved by @acme/till"));
    assert_eq!(stage.world.runs().await.len(), 0);

    let head = stage.push("other", "bob", &[(PAY, &pay("two"))]);
    let number = stage.people.open("other", "bob").await;
    stage.people.give(number, "pat", Opinion::Approved).await;
    stage.look().await;
    assert!(!missing(&stage, &head).await, "pat is in it");
    stage.people.merge(number, "bob").await;
    stage.settle().await;
    assert_eq!(stage.waits("pay-note"), "");
    assert_eq!(stage.world.runs().await.len(), 1);
}

stories! {
    only_who_is_in_the_team_lets_it_through
}

#[tokio::test]
async fn users_who_are_in_the_team_are_asked_on_the_local_forge_and_disabled_ones_are_not() {
    let mut stage: Stage<LocalForge> = Box::pin(Stage::local(&BASE).await.begun()).await;
    let by = Actor {
        name: "root".to_owned(),
        kind: ActorKind::Operator,
        via: "test".to_owned(),
        correlation: None,
    };
    let at = jiff::Timestamp::UNIX_EPOCH;
    let teams = vec!["payments".to_owned()];
    let mut user = User { name: "una".to_owned(), teams, disabled: true, ..User::default() };
    stage.world.store.save_user(&by, at, (&user, true)).await.expect("written");
    let head = stage.push("topic", "bob", &[(PAY, &pay("one"))]);
    let number = stage.people.open("topic", "bob").await;
    stage.people.give(number, "una", Opinion::Approved).await;
    stage.look().await;
    assert!(missing(&stage, &head).await, "una is let in nowhere");
    user.disabled = false;
    stage.world.store.save_user(&by, at, (&user, false)).await.expect("written");
    stage.people.comment(number, "bob", "/trueline plan").await;
    stage.look().await;
    assert!(!missing(&stage, &head).await);
}
