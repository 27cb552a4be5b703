//! Stories of what Trueline files to a target repository, on the forge of this machine and on GitHub: too many, edited by
//! a person, closed and opened again.

use jiff::SignedDuration;

use super::Standing;
use super::world::{Stage, Target, zone};

/// Tells each story on both forges.
macro_rules! stories {
    ($($story:ident)*) => {
        mod on_the_local_forge {
            $(#[tokio::test]
            async fn $story() {
                let bounds = crate::forge::Bounds { hourly: 3, concurrent: 2 };
                Box::pin(super::$story(super::Stage::local(bounds).await)).await;
            })*
        }
        mod on_github {
            $(#[tokio::test]
            async fn $story() {
                let bounds = crate::forge::Bounds { hourly: 3, concurrent: 2 };
                Box::pin(super::$story(super::Stage::github(bounds).await)).await;
            })*
        }
    };
}

stories! {
    too_many_wait_for_their_turn_in_order
    what_a_person_edited_is_theirs
    what_was_closed_is_declined_until_somebody_asks
}

async fn too_many_wait_for_their_turn_in_order<T: Target>(mut stage: Stage<T>) {
    for id in ["a-zone", "b-zone", "c-zone", "d-zone"] {
        stage.world.write(&zone(id, "one"));
        stage.later(1).await;
    }
    assert_eq!(stage.target.all().await, ["1 open", "2 open"]);
    let waits = stage.waits("c-zone");
    assert!(waits.contains("its turn to open a "), "{waits}");
    assert!(waits.contains("as many of Trueline's are open as may be at once (2)"), "{waits}");
    let all = ["open 1 a-zone", "open 2 b-zone", "limited - c-zone", "limited - d-zone"];
    assert_eq!(stage.stands().await, all);

    // A restart forgets neither what is filed nor who waits, and nothing is filed twice.
    stage.world.restart().await;
    stage.later(1).await;
    assert_eq!(stage.stands().await, all);

    // Whoever waited longest is next: who came last looks first, and is let in after.
    stage.target.merge(1).await;
    stage.later(2).await;
    stage.later(2).await;
    let stands = stage.stands().await;
    assert_eq!(stands, ["open 2 b-zone", "open 3 c-zone", "limited - d-zone"]);

    // There is room, but not in this hour: who was merged counts for it, too.
    stage.target.merge(2).await;
    stage.later(2).await;
    stage.later(2).await;
    assert_eq!(stage.stands().await, ["open 3 c-zone", "limited - d-zone"]);
    let waits = stage.waits("d-zone");
    assert!(waits.contains("as many were opened within an hour as may be (3)"), "{waits}");
    stage.world.restart().await;
    stage.later(1).await;
    assert_eq!(stage.stands().await, ["open 3 c-zone", "limited - d-zone"], "it is counted anew");
    stage.clock.pass(SignedDuration::from_mins(10));
    let runs = stage.world.runs().await;
    assert_eq!(runs.iter().filter(|run| run.ends_with("succeeded")).count(), 2, "{runs:?}");
}

async fn what_a_person_edited_is_theirs<T: Target>(mut stage: Stage<T>) {
    stage.world.write(&zone("a-zone", "one"));
    stage.later(1).await;
    stage.target.push("trueline/a-zone", "mine\n");
    let theirs = stage.target.head("trueline/a-zone");
    stage.later(1).await;
    assert_eq!(stage.stands().await, ["edited 1 a-zone"]);

    // Something else is wanted by now: their commit stays, and it is said.
    stage.world.write(&zone("a-zone", "two"));
    let settled = stage.world.settle().await;
    assert_eq!(stage.target.head("trueline/a-zone"), theirs);
    assert_eq!(stage.target.all().await, ["1 open"]);
    let why = settled.failed.values().cloned().collect::<String>();
    assert!(why.contains("somebody else pushed to") && why.contains("merge or close"), "{why}");

    // Closed, and asked for again: one that is ours alone.
    stage.target.close(1).await;
    stage.asked("a-zone").await;
    stage.later(1).await;
    assert_eq!(stage.target.all().await, ["1 closed", "2 open"]);
    assert_eq!(stage.target.head("trueline/a-zone"), theirs);
    assert_eq!(stage.stands().await, ["open 2 a-zone"]);
    stage.target.merge(2).await;
    stage.later(1).await;
    assert!(stage.world.settle().await.is_converged());
}

async fn what_was_closed_is_declined_until_somebody_asks<T: Target>(mut stage: Stage<T>) {
    stage.world.write(&zone("a-zone", "one"));
    stage.later(1).await;
    stage.target.close(1).await;
    stage.later(1).await;
    let board = stage.board().await;
    let line = board.of(Standing::Declined).next().expect("declined");
    assert_eq!(line.ask.as_deref(), Some("trueline apply --service a-zone"));
    stage.world.restart().await;
    stage.later(1).await;
    assert_eq!(stage.target.all().await, ["1 closed"]);
    assert_eq!(stage.world.runs().await, ["create a-zone failed"]);

    if stage.target.reopen(1).await {
        // A person who opens it again has changed their mind: it is taken up, not filed anew.
        assert_eq!(stage.stands().await, ["open 1 a-zone"]);
        stage.asked("a-zone").await;
        stage.later(1).await;
        assert_eq!(stage.target.all().await, ["1 open"]);
        stage.target.merge(1).await;
    } else {
        stage.asked("a-zone").await;
        stage.later(1).await;
        assert_eq!(stage.stands().await, ["open 2 a-zone"]);
        stage.target.merge(2).await;
    }
    stage.later(1).await;
    assert!(stage.world.settle().await.is_converged());
}

#[test]
fn states_are_those_that_are_documented() {
    let words: Vec<String> = Standing::PENDING.iter().map(ToString::to_string).collect();
    assert_eq!(words, ["open", "edited", "limited", "declined"]);
}
