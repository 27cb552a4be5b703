//! Tests of what happened and what was counted of it: it is written by the database itself, with what it tells about.

use serde_json::json;

use super::fixtures::{at, beginning, driven, end, of_run, of_step, plan, run, take};
use crate::id::RunId;
use crate::run::{Event, Fault, RunEvent, StepEvent};
use crate::store::{
    Activity, ActivityFilter, ActivityStore as _, Actor, ActorKind, Before, DecisionKind, Lease,
    Numbered, PeopleStore as _, SqliteStore, Store as _, Task, TaskState,
};

const ALL: Before = Before { number: None, limit: 100 };

async fn carried(
    store: &SqliteStore,
    lease: &Lease,
    (id, service): (&str, &str),
    last: Vec<Event>,
) {
    let mut run = run(id, service);
    store.create_run(lease, &run, &[]).await.expect("created");
    let entries = take(&mut run, [beginning(), last].concat());
    store.append(lease, &run, &entries, &[]).await.expect("appended");
}

fn failure() -> Vec<Event> {
    let failed = of_step(StepEvent::Failed { fault: Fault::terminal("no such region") });
    vec![failed, of_run(RunEvent::Failed { why: "step make failed".to_owned() })]
}

async fn listed(store: &SqliteStore, filter: &ActivityFilter) -> Vec<String> {
    let found = store.activity_page(filter, ALL).await.expect("listed");
    let line = |one: Numbered<Activity>| {
        let Activity { actor, what, service, .. } = one.row;
        format!("{actor} {what} {service}")
    };
    found.into_iter().map(line).collect()
}

/// Two runs that ended, a task that somebody did, a plan that they approved, and what they said of a service.
async fn busy() -> (SqliteStore, Lease) {
    let (store, lease) = driven().await;
    carried(&store, &lease, ("r1", "shop"), end()).await;
    carried(&store, &lease, ("r2", "wiki"), failure()).await;
    let task = Task {
        number: 0,
        run: RunId("r2".to_owned()),
        step: crate::id::StepPath("make".to_owned()),
        service: "wiki".to_owned(),
        title: "Make it".to_owned(),
        instructions: String::new(),
        outputs: std::collections::BTreeMap::new(),
        state: TaskState::Open,
        created_at: at(300),
        done_by: None,
    };
    let number = store.open_task(&lease, &task).await.expect("opened");
    let changes = ["shop", "wiki"].map(|id| run("r9", id).change.as_ref().clone());
    let plan = plan("c0ffee", changes.to_vec());
    store.save_plan(&lease, &plan, at(400)).await.expect("saved");
    let ada = Actor {
        name: "ada".to_owned(),
        kind: ActorKind::Person,
        via: "test".to_owned(),
        correlation: None,
    };
    let outputs = serde_json::Map::new();
    for (second, word) in [
        (500, DecisionKind::CompleteTask { task: number, outputs }),
        (501, DecisionKind::Hold { service: "shop".to_owned(), reason: "a fire".to_owned() }),
        (
            86_500,
            DecisionKind::Approve {
                subject: plan.digest,
                changes: plan.changes.iter().map(|change| change.digest).collect(),
                comment: String::new(),
            },
        ),
    ] {
        store.decide_as(&ada, at(second), &word).await.expect("decided");
    }
    (store, lease)
}

#[tokio::test]
async fn what_happened_is_listed_by_service_person_item_and_day() {
    let (store, _) = busy().await;
    let all = [
        "ada approve wiki",
        "ada approve shop",
        "ada hold shop",
        "ada task.completed wiki",
        "trueline run.failed wiki",
        "trueline run.succeeded shop",
    ];
    assert_eq!(listed(&store, &ActivityFilter::default()).await, all);
    let one = |name: &str, value: &str| {
        let value = Some(value.to_owned());
        match name {
            "service" => ActivityFilter { service: value, ..ActivityFilter::default() },
            "team" => ActivityFilter { team: value, ..ActivityFilter::default() },
            "item" => ActivityFilter { item: value, ..ActivityFilter::default() },
            _ => ActivityFilter { actor: value, ..ActivityFilter::default() },
        }
    };
    assert_eq!(listed(&store, &one("service", "shop")).await, [all[1], all[2], all[5]]);
    assert_eq!(listed(&store, &one("actor", "ada")).await, all[..4]);
    assert_eq!(listed(&store, &one("actor", "trueline")).await, all[4..]);
    assert_eq!(listed(&store, &one("team", "payments")).await, all);
    assert_eq!(listed(&store, &one("item", "postgres")).await, all[2..]);
    assert!(listed(&store, &one("item", "none")).await.is_empty());
    let day = |from: i64, to: i64| ActivityFilter {
        since: Some(at(from)),
        until: Some(at(to)),
        ..ActivityFilter::default()
    };
    assert_eq!(listed(&store, &day(0, 86_400)).await, all[2..]);
    assert_eq!(listed(&store, &day(86_400, 172_800)).await, all[..2]);
    let both = ActivityFilter { actor: Some("ada".to_owned()), ..day(0, 86_400) };
    assert_eq!(listed(&store, &both).await, all[2..4]);
    let found = store.activity_page(&ActivityFilter::default(), ALL).await.expect("listed");
    assert_eq!(found[5].row.took_ms, Some(104_000));
    assert_eq!(found[4].row.why.as_deref(), Some("step make failed"));
    assert_eq!(found[2].row.why.as_deref(), Some("a fire"));
}

#[tokio::test]
async fn pages_hold_each_thing_once_also_where_one_word_is_about_many() {
    let (store, _) = busy().await;
    for actor in [None, Some("ada".to_owned())] {
        let filter = ActivityFilter { actor, ..ActivityFilter::default() };
        let whole = listed(&store, &filter).await;
        let (mut number, mut seen) = (None, Vec::new());
        loop {
            let page = Before { number, limit: 1 };
            let found = store.activity_page(&filter, page).await.expect("listed");
            let Some(one) = found.into_iter().next() else { break };
            number = Some(one.number);
            seen.push(format!("{} {} {}", one.row.actor, one.row.what, one.row.service));
        }
        assert_eq!(seen, whole);
    }
}

#[tokio::test]
async fn how_runs_ended_is_counted_as_it_happens() {
    let (store, lease) = busy().await;
    for id in ["r3", "r4"] {
        carried(&store, &lease, (id, "shop"), end()).await;
    }
    store.create_run(&lease, &run("r5", "shop"), &[]).await.expect("created");
    let counted = store.outcomes(0, None).await.expect("read");
    let days: Vec<_> =
        counted.days.iter().map(|it| (it.day, it.state.as_str(), it.by_hand, it.ended)).collect();
    assert_eq!(days, [(0, "failed", false, 1), (0, "succeeded", false, 3)]);
    let items: Vec<_> =
        counted.items.iter().map(|it| (it.item.as_str(), it.state.as_str(), it.ended)).collect();
    assert_eq!(items, [("postgres", "failed", 1), ("postgres", "succeeded", 3)]);
    let times = async |item: &str, since: i64, teams: Option<&[String]>| {
        store.times(item, at(since), teams).await.expect("read")
    };
    assert_eq!(times("postgres", 0, None).await, [104_000, 104_000, 104_000]);
    assert!(times("postgres", 900, None).await.is_empty());
    assert!(times("none", 0, None).await.is_empty());
    assert!(times("postgres", 0, Some(&["search".to_owned()])).await.is_empty());
    assert_eq!(times("postgres", 0, Some(&["payments".to_owned()])).await.len(), 3);
    assert_eq!(counted.failed, [("notify".to_owned(), 1)]);
    assert_eq!(store.outcome_teams(0).await.expect("read"), ["payments"]);
    let none = store.outcomes(0, Some(&["search".to_owned()])).await.expect("read");
    assert_eq!(none, crate::store::Outcomes::default());
    assert_eq!(store.outcomes(1, None).await.expect("read"), none);
    let queue = store.queue().await.expect("read");
    assert_eq!(queue.len(), 1);
    assert_eq!((queue[0].state.as_str(), queue[0].runs, queue[0].oldest), ("queued", 1, at(100)));
    assert_eq!(queue[0].team.as_deref(), Some("payments"));
    let told = store.audit_after(0, 100).await.expect("read");
    let failed = told.iter().find(|entry| entry.what == "step.failed").expect("told");
    assert_eq!(failed.detail["action"], json!("notify"));
}

/// Each entry of the chain pays for its triggers, so none of them may walk a table. SQLite explains no trigger: its statements
/// are explained one by one, with a text in the place of each column of the new entry.
#[tokio::test]
async fn no_trigger_of_the_chain_walks_a_table() {
    let (store, _lease) = driven().await;
    let triggers: Vec<(String, String)> = sqlx::query_as(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%AFTER INSERT ON audit%'",
    )
    .fetch_all(&store.readers)
    .await
    .expect("listed");
    assert!(triggers.len() >= 7, "{triggers:?}");
    let column = regex::Regex::new(r"NEW\.\w+").expect("a pattern");
    for (name, text) in &triggers {
        let body = text.split_once("BEGIN").expect("a body").1;
        let body = column.replace_all(body, "'{}'");
        for statement in body.split(';').filter(|one| one.contains("INSERT")) {
            let explained: Vec<(i64, i64, i64, String)> =
                sqlx::query_as(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")))
                    .fetch_all(&store.readers)
                    .await
                    .expect(name);
            assert!(!explained.is_empty(), "{name}");
            for (.., step) in explained {
                let walks = step.starts_with("SCAN")
                    && !step.contains("CONSTANT ROW")
                    && !step.starts_with("SCAN (subquery")
                    && !step.contains("VIRTUAL TABLE");
                assert!(!walks, "{name}: {step}");
            }
        }
    }
}
