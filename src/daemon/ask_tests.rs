//! Stories of approvals in the middle of a run.

use serde_json::{Map, Value, json};

use super::tests::service;
use super::world::World;
use crate::clock::Clock as _;
use crate::daemon::SystemClock;
use crate::store::{Approval, ApprovalState, DecisionKind, Store as _};

/// An item whose second step takes the approval that `ASKS` describes, and whose third reads the answers.
const ROOM: &str = r#"--- catalog/rooms/room.yaml
schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: room
  name: Room
  description: A room that people approve before somebody furnishes it with what they answered.
  version: 1.0.0
  category: rooms
  owner: {team: platform, contact: platform@acme.example}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: name, name: Name, type: string, required: true}
fulfillment:
  strategy: {mode: manual}
  manual:
    actions:
      - id: approve
        type: approval
        config: {ASKS}
      - id: furnish
        type: manual-task
        config:
          title: "{{outputs.approve.decision}}: {{outputs.approve.seats}} seats, {{join outputs.approve.by ' and '}}"
"#;

const FORM: &str = "form: {groups: [{id: main, name: Main, fields: [\
    {id: seats, name: Seats, type: number, required: true}]}]}";

struct Rooms {
    world: World,
}

impl Rooms {
    async fn of(asks: &str) -> Self {
        let mut rooms = Self { world: World::of(&[item(asks), room("one")].concat()).await };
        rooms.world.settle().await;
        rooms
    }

    async fn approvals(&self) -> Vec<Approval> {
        let mut all = self.world.store.approvals(false).await.expect("read");
        all.reverse();
        all
    }

    async fn states(&self) -> Vec<ApprovalState> {
        self.approvals().await.iter().map(|approval| approval.state).collect()
    }

    async fn says(&self, who: &str, decision: DecisionKind) {
        self.world.store.decide(who, SystemClock.now(), &decision).await.expect("recorded");
    }

    async fn grants(&mut self, who: &str, seats: Option<i64>) {
        let answers: Map<String, Value> =
            seats.map(|seats| ("seats".to_owned(), json!(seats))).into_iter().collect();
        let comment = format!("{who} says yes");
        let number = self.approvals().await.last().expect("one").number;
        self.says(who, DecisionKind::Grant { approval: number, comment, answers }).await;
        self.world.settle().await;
    }

    async fn rejects(&mut self, who: &str) {
        let number = self.approvals().await.last().expect("one").number;
        self.says(who, DecisionKind::Refuse { approval: number, reason: "too dear".into() }).await;
        self.world.settle().await;
    }

    async fn tasks(&self) -> Vec<String> {
        self.world.open_tasks().await.into_iter().map(|task| task.title).collect()
    }

    async fn waits(&mut self) -> String {
        self.world.settle().await.waiting["one-room"].clone()
    }

    async fn told(&self) -> Vec<String> {
        let told = self.world.store.audit_after(0, 1000).await.expect("read");
        let told = told.into_iter().filter(|entry| entry.what.starts_with("approval."));
        told.map(|entry| format!("{} {}", entry.what, entry.detail["approval"])).collect()
    }
}

fn item(asks: &str) -> String {
    ROOM.replace("ASKS", asks)
}

fn room(name: &str) -> String {
    service("one-room", "catalogItem: room", &format!("{{name: {name}}}"))
}

fn asks(more: &str) -> String {
    format!("approvers: {{users: [ada, bob, cem]}}, {FORM}{more}")
}

#[tokio::test]
async fn enough_different_people_grant_it_and_what_they_answered_is_read_later() {
    let mut rooms = Rooms::of(&asks(", required: 2")).await;
    assert_eq!(rooms.waits().await, "approval 1 by 2 of ada, bob, cem");
    rooms.grants("ada", Some(12)).await;
    assert_eq!(rooms.waits().await, "approval 1 by 2 of ada, bob, cem (1 granted: ada)");
    rooms.grants("ada", None).await;
    rooms.grants("mallory", None).await;
    rooms.grants("bob", Some(13)).await;
    assert_eq!(rooms.states().await, [ApprovalState::Open], "none of these counts");
    rooms.grants("bob", None).await;
    assert_eq!(rooms.tasks().await, ["granted: 12 seats, ada and bob"]);
    assert_eq!(rooms.states().await, [ApprovalState::Granted]);
    rooms.world.complete("furnish", &[]).await;
    assert!(rooms.world.settle().await.is_converged());
    let told = rooms.told().await;
    let words = ["approval.grant 1"; 5].map(str::to_owned);
    assert_eq!(told.first().map(String::as_str), Some("approval.opened 1"));
    assert_eq!(told[1..6], words);
    assert_eq!(told[6..], ["approval.granted 1"]);
}

#[tokio::test]
async fn one_who_rejects_it_ends_the_run_and_says_why() {
    let mut rooms = Rooms::of(&asks(", required: 2")).await;
    rooms.grants("ada", Some(12)).await;
    rooms.rejects("cem").await;
    let why = &rooms.world.settle().await.failed["one-room"];
    assert_eq!(why, "step `approve` failed: approval 1: cem rejected it: too dear");
    assert_eq!(rooms.states().await, [ApprovalState::Rejected]);
    assert!(rooms.tasks().await.is_empty());
    // Another run asks anew.
    let again = DecisionKind::Apply { service: Some("one-room".to_owned()) };
    rooms.says("ada", again).await;
    rooms.world.settle().await;
    assert_eq!(rooms.states().await, [ApprovalState::Rejected, ApprovalState::Open]);
}

#[tokio::test]
async fn when_nobody_answers_in_time_it_fails_or_goes_on() {
    let mut rooms = Rooms::of(&asks(", timeout: 1ms")).await;
    rooms.wait_for_its_time().await;
    let failed = rooms.world.settle().await.failed["one-room"].clone();
    assert!(failed.contains("approval 1: nobody granted it until"), "{failed}");
    assert_eq!(rooms.states().await, [ApprovalState::Expired]);
    let mut rooms = Rooms::of(&asks(", timeout: 1ms, onTimeout: continue")).await;
    rooms.wait_for_its_time().await;
    assert_eq!(rooms.tasks().await, ["timed-out:  seats, "]);
    assert_eq!(rooms.states().await, [ApprovalState::Expired]);
}

impl Rooms {
    async fn wait_for_its_time(&mut self) {
        let until = self.approvals().await[0].expires_at.expect("a time");
        while SystemClock.now() <= until {
            tokio::task::yield_now().await;
        }
        self.world.settle().await;
    }
}

#[tokio::test]
async fn what_was_said_in_time_counts_though_nobody_drove() {
    let mut rooms = Rooms::of(&asks(", timeout: 1s")).await;
    let answers = Map::from_iter([("seats".to_owned(), json!(7))]);
    let grant = DecisionKind::Grant { approval: 1, comment: String::new(), answers };
    let until = rooms.approvals().await[0].expires_at.expect("a time");
    rooms.world.store.decide("ada", until, &grant).await.expect("recorded");
    rooms.world.restart().await;
    rooms.wait_for_its_time().await;
    assert_eq!(rooms.tasks().await, ["granted: 7 seats, ada"]);
}

#[tokio::test]
async fn a_newer_revision_voids_it_and_asks_anew() {
    let mut rooms = Rooms::of(&asks(", required: 2")).await;
    rooms.grants("ada", Some(12)).await;
    rooms.world.write(&room("other"));
    rooms.world.settle().await;
    assert_eq!(rooms.states().await, [ApprovalState::Void, ApprovalState::Open]);
    assert_eq!(
        rooms.waits().await,
        "approval 2 by 2 of ada, bob, cem",
        "her word was for the other"
    );
    let why = rooms.approvals().await[0].why.clone();
    assert_eq!(why.as_deref(), Some("a newer revision took the run's place"));
    rooms.world.write("--- services/payments/one-room.yaml\n");
    assert!(rooms.world.settle().await.is_converged());
    assert_eq!(rooms.states().await, [ApprovalState::Void, ApprovalState::Void]);
    let told = rooms.told().await;
    assert_eq!(told.iter().filter(|what| what.starts_with("approval.void")).count(), 2);
}

#[tokio::test]
async fn a_process_that_ends_at_any_moment_changes_nothing() {
    let mut rooms = Rooms::of(&asks(", required: 2")).await;
    rooms.world.restart().await;
    rooms.grants("ada", Some(12)).await;
    rooms.world.restart().await;
    assert_eq!(rooms.waits().await, "approval 1 by 2 of ada, bob, cem (1 granted: ada)");
    // The last word, and what became of the approval, are on disk; the step that follows is not.
    let comment = "bob says yes".to_owned();
    let grant = DecisionKind::Grant { approval: 1, comment, answers: Map::new() };
    rooms.says("bob", grant).await;
    let lease = rooms.world.daemon.driver.engine.lease.clone();
    let end = (ApprovalState::Granted, "granted by ada, bob");
    let closed = rooms.world.store.close_approval(&lease, 1, end, SystemClock.now()).await;
    closed.expect("closed");
    rooms.world.restart().await;
    rooms.world.settle().await;
    assert_eq!(rooms.tasks().await, ["granted: 12 seats, ada and bob"]);
    rooms.world.restart().await;
    rooms.world.settle().await;
    assert_eq!(rooms.tasks().await.len(), 1);
    assert_eq!(rooms.told().await.last().map(String::as_str), Some("approval.granted 1"));
}

#[tokio::test]
async fn members_of_a_team_may_as_the_catalog_lists_them() {
    let settings = |owners: &str| {
        format!(
            "--- trueline.yaml\nschemaVersion: catalog/v1\nkind: Catalog\nmetadata: {{id: tests, name: Tests}}\n\
             guard: {{firstContact: apply}}\ndefaults: {{deletionPolicy: delete}}\n\
             teams: {{payments: {{}}, platform: {{owners: [{owners}]}}}}\n"
        )
    };
    let mut rooms = Rooms::of(&format!("approvers: {{teams: [platform]}}, {FORM}")).await;
    let nobody = "approval 1 by 1 of team platform (its members are not known here), \
                  but only 0 of those who may are known";
    assert_eq!(rooms.waits().await, nobody);
    rooms.grants("dora", Some(3)).await;
    assert_eq!(rooms.states().await, [ApprovalState::Open]);
    rooms.world.write(&settings("\"@dora\""));
    rooms.world.restart().await;
    rooms.world.settle().await;
    assert_eq!(rooms.tasks().await, ["granted: 3 seats, dora"], "she is one of them by now");
}

/// The actions of docs/actions/approval.md, as an item's.
#[tokio::test]
async fn the_example_of_its_page_is_done_as_it_says() {
    let page = include_str!("../../docs/actions/approval.md");
    let example = page.split("```yaml\n").nth(1).expect("one").split("```").next().expect("ends");
    let actions: String = example.lines().flat_map(|line| ["      ", line, "\n"]).collect();
    let (head, _) = ROOM.split_once("      - id: approve").expect("actions");
    let settings = "--- trueline.yaml\nschemaVersion: catalog/v1\nkind: Catalog\n\
        metadata: {id: tests, name: Tests}\nguard: {firstContact: apply}\n\
        teams: {payments: {}, platform: {}, platform-leads: {owners: [\"@cem\"]}}\n";
    let world = World::of(&[settings, head, &actions, &room("one")].concat()).await;
    let mut rooms = Rooms { world };
    let waits = rooms.waits().await;
    assert!(waits.starts_with("approval 1 by 2 of ada, bob, cem, until "), "{waits}");
    assert_eq!(rooms.approvals().await[0].ask.form.groups[0].name, "Budget of one-room");
    let answers = Map::from_iter([("costCentre".to_owned(), json!("4711"))]);
    let comment = "for this year".to_owned();
    rooms.says("cem", DecisionKind::Grant { approval: 1, comment, answers }).await;
    rooms.grants("ada", None).await;
    assert_eq!(rooms.tasks().await, ["Order for 4711, approved by cem, ada"]);
}
