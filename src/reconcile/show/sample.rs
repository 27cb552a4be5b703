//! Plans by hand for the tests of this room: a builder that leaves out what does not matter.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::catalog::{Action, DeletionPolicy, Mode, OnFailure, Priority};
use crate::digest::Digest;
use crate::id::{RunId, StepPath, Uid, UnitKey};
use crate::reconcile::{
    Change, ChangeKind, Definition, Drift, Effect, FieldChange, Hold, Inputs, Need, NeedKind,
    Pending, Plan, PlannedStep, UnitChange, Verdict, When,
};
use crate::template::{sensitive, unknown};

pub(super) fn plan(changes: Vec<Change>) -> Plan {
    let mut plan = Plan {
        catalog: "platform".to_owned(),
        commit: "4f2a9c1be07d4f2a9c1be07d4f2a9c1be07d4f2a".to_owned(),
        digest: Digest::of_bytes(b""),
        changes,
        pending: BTreeMap::new(),
        blocked: BTreeMap::new(),
        outdated: BTreeMap::new(),
        drifted: Vec::new(),
        unknown: BTreeMap::new(),
        running: BTreeMap::new(),
        suspended: Vec::new(),
        expired: BTreeMap::new(),
        retained: Vec::new(),
        absent: std::collections::BTreeSet::new(),
        verdict: Verdict::default(),
    };
    plan.digest = plan.compute_digest();
    plan
}

pub(in crate::reconcile) fn change(service: &str, units: Vec<UnitChange>) -> Change {
    let mut change = Change {
        digest: Digest::of_bytes(b""),
        service: service.to_owned(),
        team: "payments".to_owned(),
        environment: Some("production".to_owned()),
        path: format!("services/payments/{service}.yaml"),
        priority: Priority::Normal,
        units,
        needs: Vec::new(),
        after: Vec::new(),
        error_handling: crate::catalog::ErrorHandling::Stop,
        author: None,
        coauthors: Vec::new(),
        offer: None,
    };
    change.digest = change.compute_digest();
    change
}

pub(in crate::reconcile) fn unit(key: &str, kind: ChangeKind) -> UnitChange {
    let definition = Definition {
        item: "database-postgresql-standard".to_owned(),
        version: "1.4.0".to_owned(),
        mode: Mode::Automatic,
        on_failure: OnFailure::Stop,
        create: Vec::new(),
        update: None,
        delete: None,
        before: Vec::new(),
        after: Vec::new(),
        failure_hooks: Vec::new(),
        health: None,
        operations: BTreeMap::new(),
        outputs: BTreeMap::new(),
        metadata: json!({}),
        immutable: Vec::new(),
        fields: Vec::new(),
        secret_fields: vec!["adminPassword".to_owned()],
        manual: Vec::new(),
        dormant: Vec::new(),
        targets: None,
    };
    let digest = Digest::of_bytes(key.as_bytes());
    UnitChange {
        unit: match key.parse::<UnitKey>() {
            Ok(key) => key,
            Err(never) => match never {},
        },
        uid: Some(Uid("u1".to_owned())),
        kind,
        from: None,
        intent: digest,
        definition_digest: digest,
        source: digest,
        fields: Vec::new(),
        depends_on: Vec::new(),
        steps: Vec::new(),
        definition: Arc::new(definition),
        inputs: Inputs::default(),
        state: "active".to_owned(),
        deletion: DeletionPolicy::Confirm,
        requires: Vec::new(),
        due: None,
    }
}

pub(super) fn field(name: &str, before: Option<Value>, after: Option<Value>) -> FieldChange {
    FieldChange { name: name.to_owned(), before, after, immutable: false }
}

pub(in crate::reconcile) fn step(path: &str, kind: &str, config: Value) -> PlannedStep {
    PlannedStep {
        path: StepPath(path.to_owned()),
        effect: Effect::Perform,
        when: When::Yes,
        depends_on: Vec::new(),
        action: Action {
            id: path.to_owned(),
            kind: kind.to_owned(),
            depends_on: None,
            when: None,
            timeout: None,
            retry: None,
            config: crate::catalog::Config::default(),
            outputs: BTreeMap::new(),
            verify: None,
            rollback: None,
            former_ids: Vec::new(),
        },
        config,
        previous: None,
        outputs: Map::new(),
        forecast: None,
        failure: None,
    }
}

/// A create, an update, a replace and a delete, with everything else that a plan may say.
pub(super) fn full() -> Plan {
    let mut shop = change("shop", vec![updated(), created()]);
    shop.after = vec!["shop-net".to_owned()];
    shop.needs = vec![Need {
        kind: NeedKind::Contact,
        why: "first contact with kind:rest-api".to_owned(),
        required: 1,
        from: Vec::new(),
        contact: Some("kind:rest-api".to_owned()),
    }];
    let mut plan = plan(vec![
        change("payments-db", vec![fresh()]),
        shop,
        change("ledger", vec![replaced()]),
        change("old-queue", vec![deleted()]),
    ]);
    let approval = |why: &str, from: &[&str]| Pending::Approval {
        why: why.to_owned(),
        missing: 1,
        from: from.iter().map(|team| (*team).to_owned()).collect(),
    };
    plan.pending.insert(
        "payments-db".to_owned(),
        vec![
            approval("environment production", &["platform-leads", "sre"]),
            approval("first contact with catalog", &[]),
            Pending::Window { until: "opens at 2026-11-23 09:00 CET".to_owned() },
            Pending::Guard,
        ],
    );
    plan.pending.insert("ledger".to_owned(), reasons());
    plan.blocked.insert("crm".to_owned(), vec!["there is no item `crm-standard`".to_owned()]);
    plan.outdated.insert(UnitKey::service("wiki"), "item wiki went from 1.0.0 to 1.1.0".to_owned());
    plan.unknown.insert(UnitKey::service("mail"), "services/a.yaml can't be read".to_owned());
    plan.running.insert("cache".to_owned(), RunId("01JRUN".to_owned()));
    plan.suspended.push("batch".to_owned());
    plan.expired.insert("trial".to_owned(), "services/payments/trial.yaml".to_owned());
    plan.retained.push(UnitKey::service("archive"));
    plan.drifted = drifts();
    plan.verdict = Verdict {
        deletions: 9,
        budget: 5,
        holds: vec![
            Hold::Deletions,
            Hold::Shrank { before: 40, now: 12 },
            Hold::History { from: "a".repeat(40), to: "b".repeat(40) },
        ],
    };
    plan.digest = plan.compute_digest();
    plan
}

fn reasons() -> Vec<Pending> {
    vec![
        Pending::Rejected { reason: "not in this quarter".to_owned() },
        Pending::Dependency { service: "shop-net".to_owned() },
        Pending::Stalled { run: RunId("01JOLD".to_owned()), why: "502 from the API".to_owned() },
        Pending::Held { why: "held by ada: audit".to_owned() },
    ]
}

fn drifts() -> Vec<Drift> {
    let changes = vec![field("/body/size", Some(json!("small")), Some(json!("huge")))];
    let unit = UnitKey::service("wiki");
    vec![
        Drift { unit: unit.clone(), step: "provision".to_owned(), absent: false, changes },
        Drift { unit, step: "dns".to_owned(), absent: true, changes: Vec::new() },
    ]
}

fn fresh() -> UnitChange {
    let mut unit = unit("payments-db", ChangeKind::Create);
    unit.uid = None;
    unit.fields = vec![
        field("adminPassword", None, Some(json!({"secret": "PAYMENTS_DB_ADMIN"}))),
        field("networkId", None, Some(json!(unknown("services.net.outputs.id")))),
        field("size", None, Some(json!("small"))),
    ];
    let config = json!({
        "endpoint": {"method": "PUT", "url": "https://api.example.com/db/payments-db"},
        "headers": {"Authorization": format!("Bearer {}", sensitive("secrets.t/TOKEN"))},
        "body": {"type": "json", "contentTemplate": r#"{"name":"payments-db","size":"small","backups":true}"#},
    });
    let mut maybe = step("announce", "notify", json!({"channel": "#payments"}));
    maybe.when = When::Maybe;
    unit.steps = vec![step("provision", "rest-api", config), maybe];
    unit
}

fn updated() -> UnitChange {
    let mut unit = unit("shop/database", ChangeKind::Update);
    unit.fields = vec![
        field("adminPassword", Some(json!({"secret": "A"})), Some(json!({"secret": "B"}))),
        field("notes", Some(json!("one\ntwo\nthree\n")), Some(json!("one\n2\nthree\n"))),
        field("size", Some(json!("small")), Some(json!("large"))),
        field("tags", None, Some(json!(["a", "b"]))),
    ];
    let file = |size: &str| {
        let lines: Vec<String> = (0..12).map(|n| format!("setting_{n} = {n}")).collect();
        let lines = lines.join("\n");
        json!({"repository": "platform/infra", "files": [{"path": "db/shop.tf",
               "contentTemplate": format!("{lines}\nsize = \"{size}\"\n")}]})
    };
    let mut write = step("database/write", "git-commit", file("large"));
    write.previous = Some(file("small"));
    let mut keep = step("database/dns", "rest-api", json!({}));
    keep.effect = Effect::Keep;
    let mut left_out = step("database/ha", "rest-api", json!({}));
    left_out.when = When::No;
    unit.steps = vec![write, keep, left_out];
    unit
}

fn created() -> UnitChange {
    let mut unit = unit("shop/app", ChangeKind::Create);
    unit.steps = vec![step("app/deploy", "manual-task", json!({"title": "Deploy the app"}))];
    unit
}

fn replaced() -> UnitChange {
    let mut unit = unit("ledger", ChangeKind::Replace);
    let region = field("region", Some(json!("eu-west-1")), Some(json!("eu-west-3")));
    unit.fields = vec![FieldChange { immutable: true, ..region }];
    let url = json!({"endpoint": {"method": "PUT", "url": "https://api.example.com/db/ledger"}});
    let mut undo = step("provision~undo", "rest-api", url.clone());
    undo.effect = Effect::Undo;
    unit.steps = vec![undo, step("provision", "rest-api", url)];
    unit
}

fn deleted() -> UnitChange {
    let mut unit = unit("old-queue", ChangeKind::Delete);
    unit.fields = vec![field("size", Some(json!("small")), None)];
    let mut undo = step("order~undo", "manual-task", json!({"title": "Order a queue"}));
    undo.effect = Effect::UndoByHand;
    unit.steps = vec![undo];
    unit
}
