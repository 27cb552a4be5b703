//! A request over what may be filed at once waits its turn, and nothing of it is pushed before.

use std::sync::Arc;

use super::{Story, github, local, note};
use crate::daemon::review::world::People;
use crate::engine::request::Ask;
use crate::forge::{Bounds, Quota};
use crate::store::RequestState;

#[tokio::test]
async fn one_over_the_limit_waits_its_turn_on_the_local_forge() {
    Box::pin(waits(Box::pin(local()).await)).await;
}

#[tokio::test]
async fn one_over_the_limit_waits_its_turn_on_github() {
    Box::pin(waits(Box::pin(github()).await)).await;
}

async fn waits<P: People>(mut story: Story<P>) {
    let limited = |story: &Story<P>| {
        let bounds = Bounds { hourly: 20, concurrent: 1 };
        story.desk.clone().within(Arc::new(Quota::new(bounds)))
    };
    story.desk = limited(&story);
    let first = story.ask("bob", &note("one")).await;
    assert_eq!(story.look(&first.id).await.0, RequestState::Proposed);
    let other = Ask { id: Some("other-note".to_owned()), ..note("two") };
    let second = story.ask("bob", &other).await;
    let (state, why) = story.look(&second.id).await;
    assert_eq!(state, RequestState::Submitted, "{why}");
    assert!(why.contains("as may be at once (1)"), "{why}");
    assert_eq!(story.branches(), 1, "nothing is pushed before");
    story.merge(&first.id).await;
    // Another process, which counts anew.
    story.desk = limited(&story);
    let (state, why) = story.look(&second.id).await;
    assert_eq!(state, RequestState::Proposed, "{why}");
}
