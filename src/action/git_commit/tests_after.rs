//! Proves what comes after a commit: drift seen as it is, files taken away again.

use std::fs;

use serde_json::json;

use super::tests::{World, after, result, undoing};
use crate::action::Call;
use crate::reconcile::Observation;
use crate::run::FaultClass;

#[tokio::test]
async fn drift_is_seen_as_it_is() {
    let world = World::new();
    let call = world.call(&[("a", "1 hunter22\n"), ("d/b", "1\n")]);
    let call = after(call.clone(), &call, world.done(&call).await, 1);
    assert_eq!(world.observe(&call).await, Observation::Same);
    world.somebody_commits(&[("a", "1 hunter22\n"), ("d/b", "1\n"), ("other", "")]);
    assert_eq!(world.observe(&call).await, Observation::Same);

    world.somebody_commits(&[("a", "2 hunter22\n")]);
    let Observation::Different { changes } = world.observe(&call).await else { panic!() };
    insta::assert_snapshot!(json!(changes), @r#"[{"after":"2 (sensitive)\n","before":"1 (sensitive)\n","immutable":false,"name":"/a"},{"before":"1\n","immutable":false,"name":"/d/b"}]"#);
    let long = "é".repeat(5000);
    world.somebody_commits(&[("a", &long), ("d/b", "1\n")]);
    let Observation::Different { changes } = world.observe(&call).await else { panic!() };
    assert!(changes[0].after.as_ref().unwrap().as_str().unwrap().len() < 4200);

    world.somebody_commits(&[("README", "")]);
    assert_eq!(world.observe(&call).await, Observation::Absent);
    fs::rename(&world.repo.path, world.repo.beside("away")).unwrap();
    assert!(matches!(world.observe(&call).await, Observation::Unknown { .. }));
    world.repo.git(&["init", "-q", "--bare", "--initial-branch=main", world.repo.url()], "");
    let seen = world.observe(&call).await;
    assert!(matches!(seen, Observation::Unknown { .. }), "an emptied repository: {seen:?}");
}

#[tokio::test]
async fn undoing_removes_what_was_written_once() {
    let world = World::new();
    let call = world.call(&[("a", "1\n"), ("d/b", "1\n")]);
    let undo = undoing(&call, world.done(&call).await);
    for _ in 0..2 {
        result(world.undo(&undo).await);
        assert_eq!((world.files(), world.commits()), ("README=hello".into(), "3".to_owned()));
    }
    // Also where the answer of the step was lost.
    let call = Call { key: format!("{}-9", call.marker), ..call };
    world.done(&call).await;
    result(world.undo(&Call { previous: None, ..undo }).await);
    assert_eq!((world.files(), world.commits()), ("README=hello".into(), "5".to_owned()));
}

#[tokio::test]
async fn undoing_never_removes_the_work_of_a_person() {
    let world = World::new();
    let call = world.call(&[("a", "1\n"), ("b", "1\n")]);
    let undo = undoing(&call, world.done(&call).await);
    world.somebody_commits(&[("a", "1\n"), ("b", "mine\n")]);
    let fault = world.undo(&undo).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Terminal);
    insta::assert_snapshot!(fault, @"somebody changed `b` since it was written; remove it by hand or put it back, and try again");
    assert_eq!(world.files(), "a=1 b=mine");
    world.somebody_commits(&[("a", "1\n")]);
    result(world.undo(&undo).await);
    assert_eq!(world.files(), "");
}
