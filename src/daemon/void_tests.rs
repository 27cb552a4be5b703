//! Stories of approvals: whose count, what voids them, and how the glass is broken when nobody is there.

use super::tests::{HOST, service};
use super::world::World;
use crate::digest::Digest;
use crate::reconcile::Change;
use crate::store::{CatalogState, DecisionKind, Store as _};

const CLOSED: &str = r"--- environments/production.yaml
schemaVersion: catalog/v1
kind: Environment
metadata: {id: production, name: Production}
approval: {required: 2}
changeWindows:
  - {deny: {from: 2000-01-01, to: 2999-12-31, timezone: Etc/UTC}, reason: nobody is here}
";

fn host(name: &str, environment: &str) -> String {
    let host = service("my-host", "catalogItem: host-by-hand", &format!("{{name: {name}}}"));
    host.replace("team: payments}", &format!("team: payments{environment}}}"))
}

fn item() -> String {
    let strategy = "  strategy: {mode: manual}\n";
    HOST.replace(strategy, &format!("{strategy}  approval: {{required: 2}}\n"))
}

fn planned(world: &World) -> Change {
    let plan = world.daemon.plan.as_ref().expect("a plan");
    plan.change("my-host").expect("a change").clone()
}

async fn approve(world: &mut World, who: &str, subject: Digest) {
    let decision =
        DecisionKind::Approve { subject, changes: vec![subject], comment: String::new() };
    let now = jiff::Timestamp::now();
    world.store.decide(who, now, &decision).await.expect("decided");
    world.settle().await;
}

async fn state(world: &World) -> CatalogState {
    world.store.catalog_state().await.expect("read")
}

#[tokio::test]
async fn a_change_that_became_different_voids_its_approval_and_says_what_changed() {
    let mut world = World::of(&[item(), host("one", "")].concat()).await;
    world.settle().await;
    let first = planned(&world);
    approve(&mut world, "ada", first.digest).await;
    assert!(state(&world).await.pending["my-host"].starts_with("waits for 1 approval "));
    // An unrelated change voids nothing.
    let other = service("other-host", "catalogItem: host-by-hand", "{name: other}");
    world.write(&other);
    world.settle().await;
    assert!(state(&world).await.pending["my-host"].starts_with("waits for 1 approval "));
    world.write(&host("two", ""));
    world.settle().await;
    world.restart().await;
    world.settle().await;
    let said = state(&world).await.pending["my-host"].clone();
    assert!(said.starts_with("waits for 2 approvals "), "{said}");
    assert!(
        said.contains(
            "the approval of ada is void: my-host: name is \"two\", and no longer \"one\""
        ),
        "{said}"
    );
    let told = world.store.audit_after(0, 1000).await.expect("read");
    let told: Vec<_> = told.iter().filter(|entry| entry.what == "approval.void").collect();
    assert_eq!(told.len(), 1, "once");
    assert_eq!(told[0].detail["by"], serde_json::json!(["ada"]));
    // What was void stays so, though the change is the same again.
    world.write(&host("one", ""));
    world.settle().await;
    assert_eq!(planned(&world).digest, first.digest);
    approve(&mut world, "bob", first.digest).await;
    assert!(world.open_tasks().await.is_empty());
    approve(&mut world, "cem", first.digest).await;
    assert_eq!(world.open_tasks().await.len(), 1);
    assert!(!state(&world).await.voided.contains_key("my-host"), "it goes with the wait");
}

#[tokio::test]
async fn the_same_person_twice_is_one_of_two() {
    let mut world = World::of(&[item(), host("one", "")].concat()).await;
    world.settle().await;
    let digest = planned(&world).digest;
    for who in ["ada", "ada", "Ada", "@ada"] {
        approve(&mut world, who, digest).await;
        assert!(world.open_tasks().await.is_empty(), "{who}");
    }
    approve(&mut world, "bob", digest).await;
    assert_eq!(world.open_tasks().await.len(), 1);
}

#[tokio::test]
async fn who_breaks_the_glass_has_one_change_carried_out_and_is_told() {
    let files = [HOST, CLOSED, &host("one", ", environment: production")].concat();
    let mut world = World::of(&files).await;
    world.settle().await;
    let said = state(&world).await.pending["my-host"].clone();
    assert!(
        said.contains("waits for 2 approvals") && said.contains("opens at 3000-01-01"),
        "{said}"
    );
    let change = planned(&world).digest;
    let reason = "the database is down".to_owned();
    let service = "my-host".to_owned();
    world.decide(&DecisionKind::BreakGlass { change, service, reason }).await;
    world.settle().await;
    world.complete("make", &[("host", "h"), ("password", "x")]).await;
    world.settle().await;
    assert_eq!(world.runs().await, ["create my-host succeeded"]);
    let told = world.store.audit_after(0, 1000).await.expect("read");
    let told = told.iter().find(|entry| entry.what == "break-glass").expect("it is told");
    assert_eq!((&*told.actor, &told.detail["reason"]), ("tester", &"the database is down".into()));
    // It was for that change alone.
    world.write(&host("two", ", environment: production"));
    world.restart().await;
    world.settle().await;
    assert_eq!(world.runs().await.len(), 1);
    assert!(state(&world).await.pending["my-host"].contains("waits for 2 approvals"));
}
