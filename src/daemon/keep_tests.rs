//! Stories of a state that is kept: old runs are forgotten, and a restored record does nothing unasked.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::world::World;
use crate::reconcile::Hold;
use crate::store::{DecisionKind, Restored, Retention, Store, verify_audit};

/// An item that only tells of itself.
const NOTE: &str = "--- catalog/tests/note.yaml
schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: note
  name: Note
  description: Tells the log of what its service says, and leaves nothing else behind anywhere.
  version: 1.0.0
  category: tests
  owner: {team: platform, contact: platform@acme.example}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: text, name: Text, type: string, required: true}
fulfillment:
  strategy: {mode: automatic}
  manual:
    actions:
      - {id: by-hand, type: manual-task, config: {title: Tell it, instructions: By hand}}
  automatic:
    actions:
      - {id: tell, type: notify, config: {channel: log, subject: note, message: '{{fields.text}}'}}
";

fn service(text: &str) -> String {
    format!(
        "--- services/payments/first-note.yaml\nschemaVersion: catalog/v1\nkind: Service\n\
         metadata: {{id: first-note, team: payments}}\ncatalogItem: note\nfields: {{text: {text}}}\n"
    )
}

async fn told(times: usize) -> World {
    let mut world = World::of(&(NOTE.to_owned() + &service("said-0"))).await;
    for time in 1..times {
        assert!(world.settle().await.is_converged());
        world.write(&service(&format!("said-{time}")));
    }
    assert!(world.settle().await.is_converged());
    assert_eq!(world.runs().await.len(), times);
    world
}

const AT_ONCE: Retention = Retention { runs: Some(SignedDuration::ZERO), per_service: 1 };

#[tokio::test]
async fn old_runs_are_forgotten_and_what_stands_is_not() {
    let mut world = told(4).await;
    assert_eq!(world.daemon.prune_all().await.expect("pruned"), 0, "they are young");
    world.daemon.driver.engine.limits.retention = AT_ONCE;
    assert_eq!(world.daemon.prune_all().await.expect("pruned"), 3);
    assert_eq!(world.runs().await, ["update first-note succeeded"]);
    world.restart().await;
    let settled = world.settle().await;
    assert!(settled.is_converged() && settled.plan.is_some_and(|plan| plan.is_empty()));
    assert_eq!(verify_audit(&*world.store).await.expect("reads").1, None);
}

#[tokio::test]
async fn the_loop_forgets_old_runs_by_and_by() {
    let mut world = told(3).await;
    world.daemon.driver.engine.limits.retention = AT_ONCE;
    let pruned = async {
        let mut gone = 0;
        while gone < 2 {
            gone += world.daemon.prune().await.expect("pruned");
            tokio::task::yield_now().await;
        }
        gone
    };
    let gone = tokio::time::timeout(Duration::from_secs(20), pruned).await.expect("in time");
    assert_eq!(gone, 2);
    assert_eq!(world.daemon.prune().await.expect("pruned"), 0, "it looks again after a while");
}

#[tokio::test]
async fn a_restored_record_does_nothing_before_somebody_says_so() {
    let mut world = told(1).await;
    let mut state = world.store.catalog_state().await.expect("read");
    let restored = Restored { at: Timestamp::UNIX_EPOCH, until: Timestamp::UNIX_EPOCH };
    state.restored = Some(restored);
    let lease = world.daemon.driver.engine.lease.clone();
    world.store.save_catalog_state(&lease, &state).await.expect("saved");
    world.restart().await;
    world.write(&service("said-again"));
    world.daemon.driver.engine.limits.retention = AT_ONCE;
    let plan = world.settle().await.plan.expect("a plan");
    let hold = Hold::Restored { at: restored.at, until: restored.until };
    assert_eq!(plan.verdict.holds, [hold]);
    assert_eq!((plan.changes.len(), world.runs().await.len()), (1, 1));
    assert_eq!(world.daemon.prune_all().await.expect("pruned"), 0);
    // Whatever a person asks for: only the approval of the plan is the acknowledgement.
    let change = plan.changes[0].digest;
    let one =
        DecisionKind::Approve { subject: change, changes: vec![change], comment: String::new() };
    world.decide(&one).await;
    world.decide(&DecisionKind::Apply { service: Some("first-note".to_owned()) }).await;
    world.settle().await;
    assert_eq!(world.runs().await.len(), 1);
    world
        .decide(&DecisionKind::Approve {
            subject: plan.digest,
            changes: vec![change],
            comment: String::new(),
        })
        .await;
    assert!(world.settle().await.is_converged());
    assert_eq!(world.runs().await, ["create first-note succeeded", "update first-note succeeded"]);
    assert_eq!(world.store.catalog_state().await.expect("read").restored, None);
}
