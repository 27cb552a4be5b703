//! Stories of drift that is proposed to the catalog: what is observed becomes what is wanted, if a person says so.

use jiff::Timestamp;
use serde_json::json;

use super::flapping_tests::{sized, tamper};
use super::tests::service;
use super::world::World;
use crate::forge::{ForgeRead as _, ForgeWrite as _};
use crate::store::{DecisionKind, Store as _};

const PLACE: &str = "services/payments/my-thing.yaml";

fn thing() -> String {
    service(
        "my-thing",
        "# which it is of\ncatalogItem: sized",
        "\n  # for a start\n  size: 'small' # as ever",
    )
}

/// Lists the proposals as `number state`.
async fn proposals(world: &World) -> Vec<String> {
    let all = world.forge().list(None).await.expect("listed");
    all.iter().map(|it| format!("{} {}", it.number, it.state)).collect()
}

#[tokio::test]
async fn what_is_observed_is_written_into_the_field_and_all_else_of_the_file_stays() {
    let (mut world, there) = sized("propose", &thing()).await;
    tamper(&mut world, &there, "size", json!("size-large")).await;
    assert_eq!(proposals(&world).await, ["1 open"]);
    let shown = world.forge().show(1).await.expect("shown");
    let changed: Vec<&str> = shown
        .diff
        .lines()
        .filter(|line| {
            line.starts_with(['-', '+']) && !line.starts_with("--- ") && !line.starts_with("+++ ")
        })
        .collect();
    assert_eq!(changed, ["-  size: 'small' # as ever", "+  size: 'large' # as ever"]);
    assert!(shown.proposal.body.contains("`size`: `small` → `large`"), "{}", shown.proposal.body);
    let filed = world.store.proposals().await.expect("read");
    assert_eq!((filed.len(), filed[0].service.as_str()), (1, "my-thing"));
    for _ in 0..2 {
        world.restart().await;
        world.settle().await;
    }
    assert_eq!(proposals(&world).await, ["1 open"], "it is filed once");

    world.forge().merge(1, "Bob", Timestamp::now()).await.expect("merged");
    assert!(world.settle().await.is_converged());
    assert_eq!(there.thing("/things/my-thing").expect("there")["size"], json!("size-large"));
    world.daemon.sweep().await.expect("swept");
    world.settle().await;
    assert_eq!(proposals(&world).await, ["1 merged"]);
}

#[tokio::test]
async fn one_that_was_closed_is_declined_until_something_else_is_observed_and_one_is_open_at_a_time()
 {
    let (mut world, there) = sized("propose", &thing()).await;
    tamper(&mut world, &there, "size", json!("size-large")).await;
    world.forge().close(1, "Bob", Timestamp::now()).await.expect("closed");
    world.restart().await;
    world.settle().await;
    assert_eq!(proposals(&world).await, ["1 closed"]);
    tamper(&mut world, &there, "size", json!("size-huge")).await;
    assert_eq!(proposals(&world).await, ["1 closed", "2 open"]);
    tamper(&mut world, &there, "seats", json!(4)).await;
    assert_eq!(proposals(&world).await, ["1 closed", "2 closed", "3 open"]);
    let shown = world.forge().show(3).await.expect("shown");
    assert!(shown.diff.contains("+  seats: 4"), "{}", shown.diff);
    // What is as it was written again needs no proposal.
    tamper(&mut world, &there, "size", json!("size-small")).await;
    tamper(&mut world, &there, "seats", json!(2)).await;
    let all = world.forge().list(None).await.expect("listed");
    assert!(all.iter().all(|it| it.state.to_string() == "closed"), "{:?}", proposals(&world).await);
    // A person who asks for the service has it proposed again.
    tamper(&mut world, &there, "size", json!("size-large")).await;
    let closed = proposals(&world).await;
    world.decide(&DecisionKind::Apply { service: Some("my-thing".to_owned()) }).await;
    world.restart().await;
    world.settle().await;
    assert_eq!(proposals(&world).await.len(), closed.len() + 1);
}

#[tokio::test]
async fn an_open_one_is_rebuilt_where_the_file_of_the_service_changed() {
    let (mut world, there) = sized("propose", &thing()).await;
    tamper(&mut world, &there, "size", json!("size-large")).await;
    world.write(&thing().replace("# as ever", "# as never"));
    world.settle().await;
    assert_eq!(proposals(&world).await, ["1 open"]);
    let shown = world.forge().show(1).await.expect("shown");
    assert!(shown.diff.contains("+  size: 'large' # as never"), "{}", shown.diff);
    let git =
        |name: &str| world.repository.as_ref().expect("a repository").git(&["rev-parse", name], "");
    let below = git(&format!("refs/heads/{}^", shown.proposal.source_branch));
    assert_eq!(below, git("refs/heads/main"));
}

#[tokio::test]
async fn what_no_field_stands_behind_is_only_reported() {
    let (mut world, there) = sized("propose", &thing()).await;
    let cases = [
        ("fixed", json!(7)),
        ("zone", json!("b")),
        ("size", json!("size-enormous")),
        ("size", json!("other")),
        ("seats", json!("many")),
        ("size", json!(null)),
    ];
    for (name, value) in cases {
        let was = there.thing("/things/my-thing").expect("there");
        tamper(&mut world, &there, name, value.clone()).await;
        assert_eq!(proposals(&world).await, [""; 0], "{name} {value}");
        let plan = world.daemon.plan.clone().expect("a plan");
        assert_eq!(plan.drifted.len(), 1, "{name} {value}");
        there.tamper("/things/my-thing", Some(was));
        world.daemon.sweep().await.expect("swept");
    }
    there.tamper("/things/my-thing", None);
    world.daemon.sweep().await.expect("swept");
    world.settle().await;
    assert_eq!(proposals(&world).await, [""; 0], "what is gone has no value");
    let read = world.repository.as_ref().expect("a repository");
    assert!(read.git(&["show", &format!("main:{PLACE}")], "").contains("size: 'small' # as ever"));
}
