//! The story of services that depend on one another and go: what depends on another goes first, whatever it waits for.

use super::tests::{HOST, service};
use super::world::World;
use crate::store::{DecisionKind, Store as _};

async fn units(world: &World) -> Vec<String> {
    let rows = world.store.unit_rows().await.expect("read");
    rows.into_iter().map(|row| row.key.to_string()).collect()
}

async fn titles(world: &World) -> Vec<String> {
    world.open_tasks().await.into_iter().map(|task| task.service).collect()
}

#[tokio::test]
async fn what_others_depend_on_goes_last_though_it_might_go_at_once() {
    let host = |id: &str, more: &str| service(id, "catalogItem: host-by-hand", "{name: it}") + more;
    let others = ["c-host", "d-host", "e-host"].map(|id| host(id, "")).concat();
    let app = host("app-host", "dependsOn: [base-host]\ndeletionPolicy: confirm\n");
    let mut world = World::of(&[HOST, &others, &host("base-host", ""), &app].concat()).await;
    world.settle().await;
    assert!(!titles(&world).await.contains(&"app-host".to_owned()), "what it needs comes first");
    for _ in 0..5 {
        world.complete("make", &[("host", "h"), ("password", "x")]).await;
        world.settle().await;
    }
    assert_eq!(units(&world).await.len(), 5);
    world.write("--- services/payments/base-host.yaml\n");
    world.settle().await;
    assert_eq!(titles(&world).await, [""; 0], "it is refused while another depends on it");
    world.write("--- services/payments/app-host.yaml\n");
    for _ in 0..2 {
        world.settle().await;
        world.restart().await;
        assert_eq!(titles(&world).await, [""; 0], "its dependent waits for an approval");
    }
    world.settle().await;
    let plan = world.daemon.plan.clone().expect("a plan");
    let subject = plan.change("app-host").expect("a change").digest;
    world
        .decide(&DecisionKind::Approve { subject, changes: vec![subject], comment: String::new() })
        .await;
    world.settle().await;
    assert_eq!(titles(&world).await, ["app-host"]);
    // Its deletion fails, and what it depends on stays.
    let run = world.daemon.driver.memory.runs.values().find(|it| it.change.service == "app-host");
    let run = run.expect("a run").id.clone();
    let (control, service) = (crate::run::Control::Cancel, "app-host".to_owned());
    world.decide(&DecisionKind::Control { run, service, control, reason: "wait".to_owned() }).await;
    world.settle().await;
    assert_eq!(titles(&world).await, [""; 0]);
    world.decide(&DecisionKind::Apply { service: Some("app-host".to_owned()) }).await;
    world.settle().await;
    let plan = world.daemon.plan.clone().expect("a plan");
    if let Some(change) = plan.change("app-host") {
        let subject = change.digest;
        world
            .decide(&DecisionKind::Approve {
                subject,
                changes: vec![subject],
                comment: String::new(),
            })
            .await;
        world.decide(&DecisionKind::Apply { service: Some("app-host".to_owned()) }).await;
        world.settle().await;
    }
    world.complete("make~undo", &[]).await;
    world.settle().await;
    assert_eq!(titles(&world).await, ["base-host"], "now it is its turn");
    world.complete("make~undo", &[]).await;
    world.settle().await;
    assert_eq!(units(&world).await, ["c-host", "d-host", "e-host"]);
}
