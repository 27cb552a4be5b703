//! Proves that a proposal is taken back where it is ours alone, and left where it is anybody else's.

use serde_json::{Value, json};

use super::GitCommit;
use super::tests::World;
use super::tests_proposal::BRANCH;
use crate::action::{Action as _, Call, Withdrawn};
use crate::forge::ForgeRead as _;
use crate::run::{Fault, Wait};

async fn withdraw(world: &World, call: &Call, on: &Wait) -> Result<Withdrawn, Fault> {
    GitCommit.withdraw(&world.ports(), call, on).await
}

#[tokio::test]
async fn a_proposal_of_ours_is_closed_once_with_a_comment_and_opened_anew_when_wanted_again() {
    let world = World::new();
    let call = world.proposing(&[("a", "1\n")]);
    let on = world.waiting(&call).await;
    assert_eq!(withdraw(&world, &call, &on).await, Ok(Withdrawn::Done));
    let closed = world.forge().show(1).await.unwrap().proposal;
    assert_eq!(
        (closed.settled_by.as_deref(), closed.comment.as_deref()),
        (
            Some("Trueline <trueline@localhost>"),
            Some("Trueline withdrew this: the catalog no longer asks for it.")
        )
    );
    // Again, as after a crash.
    assert_eq!(withdraw(&world, &call, &on).await, Ok(Withdrawn::Nothing));
    assert_eq!(world.proposals().await, format!("1 closed {BRANCH}"));
    let mut later = call.clone();
    later.key = format!("{}-2", later.marker);
    assert_eq!(world.waiting(&later).await.reference["number"], 2);
    assert_eq!(world.proposals().await, format!("1 closed {BRANCH}, 2 open {BRANCH}"));
}

#[tokio::test]
async fn one_that_another_run_has_taken_up_stays() {
    let world = World::new();
    let call = world.proposing(&[("a", "1\n")]);
    let on = world.waiting(&call).await;
    let mut later = world.proposing(&[("a", "2\n")]);
    later.key = format!("{}-2", later.marker);
    world.waiting(&later).await;
    assert_eq!(withdraw(&world, &call, &on).await, Ok(Withdrawn::Nothing));
    assert_eq!(world.proposals().await, format!("1 open {BRANCH}"));
    assert_eq!(withdraw(&world, &later, &on).await, Ok(Withdrawn::Done));
}

#[tokio::test]
async fn one_that_a_person_pushed_to_is_left_open() {
    let world = World::new();
    let call = world.proposing(&[("a", "1\n")]);
    let on = world.waiting(&call).await;
    let theirs = world.repo.commit_on(BRANCH, Some(&world.tip(BRANCH)), &[("a", "mine\n")]);
    let why = format!("somebody else pushed to `{BRANCH}`");
    assert_eq!(withdraw(&world, &call, &on).await, Ok(Withdrawn::Left { why }));
    assert_eq!(world.proposals().await, format!("1 open {BRANCH}"));
    assert_eq!(world.tip(BRANCH), theirs);
}

#[tokio::test]
async fn what_people_settled_and_what_is_no_proposal_is_nothing_to_take_back() {
    let world = World::new();
    let call = world.proposing(&[("a", "1\n")]);
    let on = world.waiting(&call).await;
    world.merge(1).await;
    assert_eq!(withdraw(&world, &call, &on).await, Ok(Withdrawn::Nothing));
    let other = |reference: Value| Wait { reference, ..on.clone() };
    for reference in [json!({}), json!(3), json!({"repository": world.repo.url()})] {
        assert_eq!(withdraw(&world, &call, &other(reference)).await, Ok(Withdrawn::Nothing));
    }
    assert_eq!(world.files(), "README=hello a=1");
}

#[tokio::test]
async fn a_repository_that_is_gone_is_a_fault() {
    let world = World::new();
    let call = world.proposing(&[("a", "1\n")]);
    let on = world.waiting(&call).await;
    std::fs::rename(&world.repo.path, world.repo.beside("elsewhere")).unwrap();
    let fault = withdraw(&world, &call, &on).await.unwrap_err();
    assert!(!fault.message.is_empty());
}
