//! Stories of what runs waited for outside and nobody wants any more: tickets, and work that was accepted.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::tests::service;
use super::world::World;
use crate::action::testing::ports as loopback;
use crate::action::{
    FakeJira, JiraEdition, JiraInstance, Operator, Owner, Ports, SecretRef, SecretSource,
};
use crate::clock::Clock as _;
use crate::daemon::SystemClock;
use crate::run::Fault;
use crate::secret::Secret;
use crate::store::{DecisionKind, Store as _};

/// An item that people fulfil by a ticket, beside a second step that `BESIDE` describes.
const DESK: &str = r#"--- catalog/desks/desk.yaml
schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: desk
  name: Desk
  description: A desk that somebody sets up when a ticket asks for it, in the room that it names.
  version: 1.0.0
  category: desks
  owner: {team: platform, contact: platform@acme.example}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: room, name: Room, type: string, required: true}
fulfillment:
  strategy: {mode: manual}
  manual:
    actions:
      - id: ask
        type: jira-ticket
        config:
          instance: main
          WAITS
          ticket: {project: OPS, issueType: Task, summaryTemplate: "Desk in {{fields.room}}"}
      - BESIDE
"#;

/// A step that waits in its own right.
const TASK: &str = "{id: lamp, type: manual-task, dependsOn: [], config: {title: Fetch a lamp}}";

/// A step that fails once somebody says no.
const ASKED: &str =
    "{id: lamp, type: approval, dependsOn: [], config: {approvers: {users: [ada]}}}";

const GONE: &str = "--- services/payments/my-desk.yaml\n";

struct Tokens;

#[async_trait]
impl SecretSource for Tokens {
    async fn find(&self, _: Owner<'_>, _: &str) -> Result<Secret, Fault> {
        Ok(Secret::new("t0ken-of-jira"))
    }
}

fn desk(room: &str) -> String {
    service("my-desk", "catalogItem: desk", &format!("{{room: {room}}}"))
}

struct Desks {
    world: World,
    jira: FakeJira,
}

impl Desks {
    async fn of(waits: &str, beside: &str) -> Self {
        let jira = FakeJira::start().await;
        let instance = JiraInstance {
            url: format!("http://{}/", jira.address),
            edition: JiraEdition::Cloud,
            user: Some("robot@example.com".to_owned()),
            token: SecretRef { secret: "JIRA".to_owned() },
            webhook_secret: None,
            cancelled: Vec::new(),
        };
        let instances = BTreeMap::from([("main".to_owned(), instance)]);
        let operator = Arc::new(Operator { jira: instances, ..Operator::default() });
        let reach = move |ports: Ports| Ports {
            http: loopback().http,
            operator: operator.clone(),
            secrets: Arc::new(Tokens),
            ..ports
        };
        let item = DESK.replace("WAITS", waits).replace("BESIDE", beside);
        let world = World::reaching(&[item, desk("one")].concat(), reach).await;
        let mut desks = Self { world, jira };
        desks.world.settle().await;
        desks
    }

    async fn write(&mut self, files: &str) {
        self.world.write(files);
        self.world.settle().await;
    }

    /// Lists what the audit chain says became of tickets.
    async fn told(&self) -> Vec<String> {
        let told = self.world.store.audit_after(0, 1000).await.expect("read");
        let told = told.into_iter().filter(|entry| entry.what.starts_with("ticket."));
        told.map(|entry| format!("{} {}", entry.what, entry.detail["key"])).collect()
    }

    fn is_stiff(&self, stiff: bool) {
        self.jira.world.lock().expect("ours").is_stiff = stiff;
    }
}

#[tokio::test]
async fn a_service_that_goes_takes_its_ticket_with_it_and_says_so_once() {
    let mut desks = Desks::of("waitFor: done", TASK).await;
    assert_eq!(desks.jira.told(), ["OPS-1 To Do 0"]);
    desks.write(GONE).await;
    assert_eq!(desks.jira.told(), ["OPS-1 Won't Do 1"]);
    desks.world.restart().await;
    desks.world.settle().await;
    assert_eq!(desks.jira.told(), ["OPS-1 Won't Do 1"]);
    assert_eq!(desks.told().await, ["ticket.withdrawn \"OPS-1\""]);
    assert!(desks.world.open_tasks().await.is_empty());
}

#[tokio::test]
async fn a_newer_change_takes_the_ticket_up_in_its_place() {
    let mut desks = Desks::of("waitFor: done", TASK).await;
    desks.write(&desk("two")).await;
    desks.world.restart().await;
    desks.world.settle().await;
    assert_eq!(desks.jira.told().len(), 1);
    assert!(desks.jira.told()[0].starts_with("OPS-1 To Do"), "{:?}", desks.jira.told());
    assert_eq!(desks.told().await, [""; 0]);
    desks.write(GONE).await;
    assert!(desks.jira.told()[0].starts_with("OPS-1 Won't Do"), "{:?}", desks.jira.told());
}

#[tokio::test]
async fn what_fails_is_tried_again_by_the_next_process_and_done_once() {
    let mut desks = Desks::of("waitFor: done", TASK).await;
    desks.is_stiff(true);
    desks.write(GONE).await;
    assert!(desks.world.settle().await.is_converged(), "it holds nothing up");
    assert_eq!((desks.jira.told(), desks.told().await), (vec!["OPS-1 To Do 0".to_owned()], vec![]));
    assert_eq!(desks.world.store.adrift().await.expect("read")[0].tries, 1);
    desks.is_stiff(false);
    desks.world.restart().await;
    desks.world.settle().await;
    assert_eq!(desks.jira.told(), ["OPS-1 Won't Do 1"]);
    assert_eq!(desks.told().await, ["ticket.withdrawn \"OPS-1\""]);
}

#[tokio::test]
async fn a_process_that_ends_in_the_middle_does_nothing_a_second_time() {
    for is_closed in [false, true] {
        let mut desks = Desks::of("waitFor: done", TASK).await;
        desks.is_stiff(true);
        desks.write(GONE).await;
        // What was done when the process ended, of which nothing is on disk.
        desks.jira.commented("OPS-1", "Trueline: the catalog no longer asks for this.");
        if is_closed {
            desks.jira.moved("OPS-1", "Won't Do", "done");
        }
        desks.is_stiff(false);
        desks.world.restart().await;
        desks.world.settle().await;
        assert_eq!(desks.jira.told(), ["OPS-1 Won't Do 1"]);
        assert_eq!(desks.world.store.adrift().await.expect("read"), []);
    }
}

#[tokio::test]
async fn it_is_given_up_in_the_end_and_that_is_seen() {
    let mut desks = Desks::of("waitFor: done", TASK).await;
    desks.is_stiff(true);
    desks.write(GONE).await;
    for _ in 0..12 {
        desks.world.restart().await;
        desks.world.settle().await;
    }
    assert_eq!(desks.told().await, ["ticket.given-up \"OPS-1\""]);
    let left = desks.world.store.left_behind().await.expect("read");
    assert_eq!((left.len(), left[0].what.as_str()), (1, "ticket OPS-1 (To Do)"));
    assert!(left[0].why.contains("503"), "{}", left[0].why);
}

#[tokio::test]
async fn a_ticket_that_the_next_run_works_with_is_left_alone() {
    let mut desks = Desks::of("waitFor: done", TASK).await;
    let item = DESK.replace("WAITS", "waitFor: created").replace("BESIDE", TASK);
    desks.write(&[item.replace("1.0.0", "1.1.0"), desk("two")].concat()).await;
    desks.world.restart().await;
    desks.world.settle().await;
    assert!(desks.jira.told()[0].starts_with("OPS-1 To Do"), "{:?}", desks.jira.told());
    assert_eq!(desks.world.store.adrift().await.expect("read"), []);
}

#[tokio::test]
async fn a_sibling_that_fails_leaves_the_ticket_while_the_service_needs_it() {
    let mut desks = Desks::of("waitFor: done", ASKED).await;
    let reason = "no lamp".to_owned();
    let refuse = DecisionKind::Refuse { approval: 1, reason };
    desks.world.store.decide("ada", SystemClock.now(), &refuse).await.expect("recorded");
    let failed = desks.world.settle().await.failed;
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(desks.jira.told(), ["OPS-1 To Do 0"], "the next run goes on with it");
    desks.write(GONE).await;
    let plan = desks.world.daemon.plan.clone().expect("a plan");
    let changes = plan.changes.iter().map(|change| change.digest).collect();
    desks
        .world
        .decide(&DecisionKind::Approve { subject: plan.digest, changes, comment: String::new() })
        .await;
    desks.world.settle().await;
    assert_eq!(desks.jira.told(), ["OPS-1 Won't Do 1"]);
}
