//! What `trueline approval` shows, takes and refuses.

use serde_json::json;

use super::*;
use crate::engine::view_sample::{World, at, begin, change, now, run};
use crate::reconcile::Authors;
use crate::run::{Approvers, OnTimeout};
use crate::secret::sealed_hash;

const LIMIT: Limit = Limit { limit: 50 };

fn ask(required: u32) -> Ask {
    let form = json!({"groups": [{"id": "main", "name": "Main", "fields": [
        {"id": "costCentre", "name": "Cost centre", "type": "string", "required": true,
         "validation": {"pattern": "^[0-9]{4}$", "message": "four digits"}},
        {"id": "seats", "name": "Se\u{1b}[31mats", "type": "number", "required": true},
        {"id": "password", "name": "Password", "type": "string"},
    ]}]});
    Ask {
        users: vec!["ada".to_owned(), "bob".to_owned(), "cem".to_owned()],
        teams: vec!["leads".to_owned()],
        required,
        on_timeout: OnTimeout::Fail,
        form: serde_json::from_value(form).expect("a form"),
    }
}

/// A run that waits for approval 1, which was asked for by somebody called Cem.
async fn world(required: u32) -> World {
    let world = World::new().await;
    world.runs(run("0a1", change("db", &["db"])), begin("db/make")).await;
    let may = Approvers::of(
        &ask(required),
        &crate::catalog::Settings::default(),
        Authors { author: Some("Cem <c@a.example>".to_owned()), ..Authors::default() },
    );
    let approval = Approval {
        number: 0,
        run: RunId("0a1".to_owned()),
        step: StepPath("db/make".to_owned()),
        service: "db".to_owned(),
        ask: ask(required),
        may,
        state: ApprovalState::Open,
        why: None,
        opened_at: at(910),
        expires_at: Some(at(2_000)),
    };
    assert_eq!(world.asks_approval(&approval).await.number, 1);
    assert_eq!(world.asks_approval(&approval).await.number, 1, "one for each step");
    world
}

async fn grants(world: &World, who: &str, fields: &[&str]) -> Result<Map<String, Value>, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let sealer = Sealer::key_at(&folder.path().join("key")).expect("a key");
    let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
    let who = (who.to_owned(), now());
    let granted = granting(&world.store, 1, (&who, &fields), &sealer).await;
    granted.map_err(|failure| failure.to_string())
}

async fn says(world: &World, who: &str, decision: DecisionKind) {
    world.store.decide(who, now(), &decision).await.expect("recorded");
}

fn grant(answers: Map<String, Value>) -> DecisionKind {
    DecisionKind::Grant { approval: 1, comment: "fine\u{7}".to_owned(), answers }
}

const ALL: [&str; 2] = ["costCentre=4711", "seats=3"];

#[tokio::test]
async fn what_is_filled_in_is_typed_and_what_is_sensitive_sealed() {
    let given = ["costCentre=4711", "seats=3", "password=hunter22"];
    let answers = grants(&world(1).await, "ada", &given).await.expect("fits");
    assert_eq!((&answers["costCentre"], &answers["seats"]), (&json!("4711"), &json!(3)));
    assert!(sealed_hash(&answers["password"]).is_some());
    assert!(!Value::from(answers).to_string().contains("hunter22"));
}

#[tokio::test]
async fn what_does_not_fit_is_refused_as_fields_of_a_service_are() {
    let world = world(1).await;
    for (fields, expected) in [
        (&[][..], "missing field `costCentre` (`costCentre`: Cost centre); missing field `seats`"),
        (&["costCentre=47", "seats=3"], "four digits"),
        (&["costCentre=4711", "seats=many"], "takes a number, not `many`"),
        (&["costCenter=4711"], "no field `costCenter`"),
        (&["costCentre"], "`--field costCentre` has no value"),
    ] {
        let said = grants(&world, "ada", fields).await.expect_err("refused");
        assert!(said.contains(expected) && !said.contains('\u{1b}'), "{said}");
    }
}

#[tokio::test]
async fn only_those_who_may_answer_it_and_each_once() {
    let world = world(2).await;
    let said = grants(&world, "mallory", &ALL).await.expect_err("refused");
    let may = "mallory is not among those who may: ada, bob, team leads";
    assert!(said.contains(may) && said.contains("teams.leads.owners"), "{said}");
    let said = grants(&world, "cem", &ALL).await.expect_err("refused");
    assert!(said.contains("cem wrote the change (Cem <c@a.example>)"), "{said}");
    let answers = grants(&world, "ada", &ALL).await.expect("fits");
    says(&world, "ada", grant(answers)).await;
    let said = grants(&world, "Ada", &[]).await.expect_err("refused");
    assert!(said.contains("you granted it already") && said.contains("1 granted: ada"), "{said}");
    let said = grants(&world, "bob", &["costCentre=0815", "seats=3"]).await.expect_err("refused");
    assert!(said.contains("ada filled it in differently"), "{said}");
    assert_eq!(grants(&world, "bob", &[]).await, Ok(Map::new()));
    assert!(grants(&world, "bob", &ALL).await.is_ok());
    says(&world, "bob", grant(Map::new())).await;
    let said = grants(&world, "ada", &[]).await.expect_err("refused");
    assert!(said.contains("ada, bob granted it already"), "{said}");
}

#[tokio::test]
async fn what_is_over_is_refused_with_what_became_of_it() {
    let rejected = world(1).await;
    let refuse = DecisionKind::Refuse { approval: 1, reason: "too dear".to_owned() };
    says(&rejected, "bob", refuse).await;
    let said = grants(&rejected, "ada", &ALL).await.expect_err("refused");
    assert!(said.contains("bob rejected it already: too dear"), "{said}");
    rejected.ends_approval(1, (ApprovalState::Rejected, "bob rejected it: too dear")).await;
    let said = grants(&rejected, "ada", &ALL).await.expect_err("refused");
    assert!(said.contains("it is rejected already (bob rejected it: too dear)"), "{said}");
    let late = answerable(&world(1).await.store, 1, &("ada".to_owned(), at(2_001))).await;
    assert!(late.expect_err("refused").to_string().contains("its time passed at 1970-01-01"));
    let none = answerable(&rejected.store, 7, &("ada".to_owned(), now())).await;
    assert!(none.expect_err("refused").to_string().contains("there is no approval 7"));
}

#[tokio::test]
async fn they_are_listed_and_shown_with_how_to_answer() {
    let world = world(2).await;
    let listed = async |only_open: bool| {
        let approvals = lines(&world.store, only_open, LIMIT).await.expect("reads");
        text(&ApprovalsWire { version: "trueline.approvals/v1", approvals }, now())
    };
    let shown = async || {
        let (approval, said) = find(&world.store, 1).await.expect("found");
        show_text(&ApprovalLine::of(&approval, &said), now())
    };
    insta::assert_snapshot!(listed(true).await, @r"
    APPROVAL  SERVICE  STATE  AGE     WHY
    1         db       open   1m ago  2 of ada, bob, team leads (its members are not known here), until 1970-01-01T00:33:20Z

    Approval 1
      trueline approval grant 1 --field costCentre=<string> --field seats=<number>
      trueline approval reject 1 --reason …
    ");
    insta::assert_snapshot!(shown().await, @r"
    Approval  1
    Service   db
    Run       0a1
    Step      db/make
    State     open
    Asked     1m ago
    Needs     2 of ada, bob, team leads (its members are not known here)
    Until     1970-01-01T00:33:20Z (in 16m)

    To fill in
      costCentre  string  required  Cost centre
      seats       number  required  Se\u{1b}[31mats
      password    string            Password

      trueline approval grant 1 --field costCentre=<string> --field seats=<number>
      trueline approval reject 1 --reason …
    ");
    let answers = grants(&world, "ada", &ALL).await.expect("fits");
    says(&world, "ada", grant(answers)).await;
    insta::assert_snapshot!(shown().await, @r#"
    Approval  1
    Service   db
    Run       0a1
    Step      db/make
    State     open
    Asked     1m ago
    Needs     2 of ada, bob, team leads (its members are not known here)
    Until     1970-01-01T00:33:20Z (in 16m)
    Granted   ada

    Said to it
      fine\u{7}

    Filled in
      costCentre  "4711"
      seats       3

      trueline approval grant 1
      trueline approval reject 1 --reason …
    "#);
    world.ends_approval(1, (ApprovalState::Void, "nobody wants it")).await;
    assert_eq!(listed(true).await, "no approvals");
    insta::assert_snapshot!(listed(false).await, @r"
    APPROVAL  SERVICE  STATE  AGE     WHY
    1         db       void   1m ago  nobody wants it
    ");
}
