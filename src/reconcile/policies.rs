//! What policies, budgets, windows and words of people make of a plan, case by case: tests only.

use serde_json::{Value, json};

use super::change::Effect;
use super::plan::{Hold, Pending, Plan};
use super::show;
use super::world::{World, path_of};

pub(super) const ITEM: &str = "catalog/x/database.yaml";

/// A world with one database that is there, and two desks so that the catalog never shrinks below half.
pub(super) fn settled() -> World {
    settled_with(json!({"fields": {"size": "small"}}))
}

pub(super) fn settled_with(more: Value) -> World {
    let mut world = World::new();
    world.service("db", "database", more);
    world.service("desk1", "desk", json!({})).service("desk2", "desk", json!({}));
    world.converge();
    world
}

/// What a plan does, as `kind unit` and reasons; the words of the plan itself are tested where they are made.
pub(super) fn check(plan: &Plan, expected: &[&str]) {
    let mut said: Vec<String> = Vec::new();
    for change in &plan.changes {
        said.extend(change.units.iter().map(|unit| format!("{} {}", unit.kind, unit.unit)));
        for why in plan.pending.get(&change.service).into_iter().flatten() {
            said.push(format!("  {why}"));
        }
    }
    said.extend(plan.blocked.values().flatten().map(|why| format!("blocked: {why}")));
    said.extend(plan.outdated.keys().map(|unit| format!("outdated {unit}")));
    said.extend(plan.unknown.keys().map(|unit| format!("unknown {unit}")));
    said.extend(plan.retained.iter().map(|unit| format!("retained {unit}")));
    said.extend(plan.suspended.iter().map(|id| format!("suspended {id}")));
    said.extend(plan.expired.keys().map(|id| format!("expired {id}")));
    said.extend(plan.drifted.iter().map(|drift| format!("drifted {} {}", drift.unit, drift.step)));
    assert_eq!(said, expected, "{}", show::text(plan, show::Style::default()));
}

/// What is done with the steps of the only unit that changes.
pub(super) fn steps(plan: &Plan) -> Vec<(String, Effect)> {
    let steps = plan.changes.iter().flat_map(|change| &change.units).flat_map(|unit| &unit.steps);
    steps.map(|step| (step.path.0.clone(), step.effect)).collect()
}

#[test]
fn deletion_obeys_its_policy() {
    for (policy, expected) in [
        ("confirm", &["delete db", "  waits for 1 approval (deleting db)"][..]),
        ("delete", &["delete db"]),
        ("retain", &["retained db"]),
        (
            "deny",
            &[
                "blocked: the file of db is gone, and its deletion policy is `deny`; put the file back, or change the policy first",
            ],
        ),
    ] {
        let mut world = settled_with(json!({"deletionPolicy": policy}));
        let plan = world.remove("db").plan();
        check(&plan, expected);
        world.apply(&plan);
        if policy != "deny" {
            check(&world.plan(), &[]);
        }
    }
}

#[test]
fn a_denied_deletion_also_blocks_replacing() {
    let mut world = World::new();
    world.service("db", "database", json!({"deletionPolicy": "deny"})).converge();
    let plan = world.field("db", "zone", json!("b")).plan();
    check(&plan, &["blocked: db would have to be replaced, and its deletion policy is `deny`"]);
}

#[test]
fn an_approval_counts_for_the_change_it_was_given_for() {
    let mut world = settled();
    let plan = world.remove("db").plan();
    let digest = plan.changes[0].digest;
    world.facts.approvals.insert(digest, ["ada".to_owned()].into());
    check(&world.plan(), &["delete db"]);
    world.facts.rejected.insert(digest, "still needed".to_owned());
    check(&world.plan(), &["delete db", "  rejected: still needed"]);
}

#[test]
fn a_deletion_is_refused_while_another_depends_on_it() {
    let mut world = settled();
    world.service("a", "desk", json!({"dependsOn": ["db"]})).converge();
    let plan = world.remove("db").plan();
    check(&plan, &["blocked: db can't be deleted while a depends on it"]);
    let plan = world.remove("a").plan();
    assert_eq!(plan.change("db").unwrap().after, ["a"], "what depends on it goes first");
}

#[test]
fn what_is_not_deleted_keeps_what_it_depends_on() {
    let mut world = World::new();
    world.service("net", "desk", json!({"deletionPolicy": "delete"}));
    world.service("db", "database", json!({"dependsOn": ["net"], "deletionPolicy": "delete"}));
    world.service("a", "desk", json!({"dependsOn": ["db"], "deletionPolicy": "deny"})).converge();
    world.service("b", "desk", json!({})).service("c", "desk", json!({})).converge();
    let plan = world.remove("a").remove("db").remove("net").plan();
    check(
        &plan,
        &[
            "blocked: the file of a is gone, and its deletion policy is `deny`; put the file back, or change the policy first",
            "blocked: db can't be deleted while a depends on it",
            "blocked: net can't be deleted while db depends on it",
        ],
    );
    assert_eq!(plan.absent.iter().collect::<Vec<_>>(), ["a", "db", "net"]);
}

#[test]
fn what_is_kept_unwatched_holds_back_nothing() {
    let mut world = settled();
    world.service("a", "desk", json!({"dependsOn": ["db"], "deletionPolicy": "retain"})).converge();
    let plan = world.remove("a").remove("db").plan();
    check(&plan, &["delete db", "  waits for 1 approval (deleting db)", "retained a"]);
}

#[test]
fn more_deletions_than_the_budget_hold_the_plan_until_it_is_approved() {
    let mut world = World::new();
    world.set(
        "trueline.yaml",
        "/guard",
        json!({"firstContact": "apply", "maxDeletions": 1, "maxDeletionsPercent": 10}),
    );
    for id in ["a", "b", "c"] {
        world.service(id, "desk", json!({"deletionPolicy": "delete"}));
    }
    world.converge();
    check(&world.remove("a").plan(), &["delete a"]);
    let plan = world.remove("b").plan();
    assert_eq!((plan.verdict.deletions, plan.verdict.budget), (2, 1));
    assert_eq!(plan.verdict.holds, [Hold::Deletions, Hold::Shrank { before: 3, now: 1 }]);
    check(
        &plan,
        &[
            "delete a",
            "  the guard holds the whole plan",
            "delete b",
            "  the guard holds the whole plan",
        ],
    );
    world.facts.approved_plans.insert(plan.digest);
    check(&world.plan(), &["delete a", "delete b"]);
    world.facts.approved_plans.clear();
    world.facts.released.extend(plan.changes.iter().map(|change| change.digest));
    check(&world.plan(), &["delete a", "delete b"]);
}

#[test]
fn a_head_that_does_not_descend_is_held() {
    let mut world = settled();
    world.facts.revision.last = Some("aaa".to_owned());
    world.facts.revision.head = "bbb".to_owned();
    world.facts.revision.descends = false;
    let plan = world.field("db", "size", json!("large")).plan();
    check(&plan, &["update db", "  the guard holds the whole plan"]);
    world.facts.approved_plans.insert(plan.digest);
    check(&world.plan(), &["update db"]);
}

#[test]
fn suspended_and_held_services_wait() {
    let mut world = settled();
    world.field("db", "size", json!("large"));
    world.set(&path_of("db"), "/state", json!("suspended"));
    check(&world.plan(), &["suspended db"]);
    world.set(&path_of("db"), "/state", json!("active"));
    world.facts.held.insert("db".to_owned(), "held by ada: audit".to_owned());
    check(&world.plan(), &["update db", "  held by ada: audit"]);
}

#[test]
fn a_state_is_reached_by_its_operation() {
    let mut world = World::new();
    world.service("db", "database", json!({"state": "hibernated"}));
    check(&world.converge(), &["create db"]);
    let plan = world.converge();
    check(&plan, &["operate db"]);
    assert_eq!(steps(&plan), [("hibernate~stop".to_owned(), Effect::Perform)]);
    check(&world.plan(), &[]);
    world.set(&path_of("db"), "/state", json!("active"));
    check(&world.converge(), &["operate db"]);
    check(&world.plan(), &[]);
    let plan = world.set(&path_of("db"), "/state", json!("frozen")).plan();
    check(&plan, &["blocked: `database` has no operation that leads from `active` to `frozen`"]);
}

#[test]
fn approvals_are_asked_by_every_rule() {
    let mut world = World::new();
    let rule = |team: &str| json!({"required": 1, "from": [team]});
    world.set(ITEM, "/fulfillment/approval", rule("dba"));
    world.set("environments/production.yaml", "/approval", rule("leads"));
    let plan = world.service("db", "database", json!({})).plan();
    check(
        &plan,
        &[
            "create db",
            "  waits for 1 approval (environment production, from leads)",
            "  waits for 1 approval (item database, from dba)",
        ],
    );
    world.facts.approvals.insert(plan.changes[0].digest, ["ada".to_owned()].into());
    check(&world.plan(), &["create db"]);
}

#[test]
fn first_contact_is_asked_once() {
    let mut world = World::new();
    world.set("trueline.yaml", "/guard/firstContact", json!("observe"));
    let plan = world.service("db", "database", json!({})).plan();
    let contacts: Vec<_> =
        plan.changes[0].needs.iter().filter_map(|need| need.contact.clone()).collect();
    assert_eq!(
        contacts,
        ["catalog", "host:api.example.com", "host:dns.example.com", "kind:rest-api"]
    );
    assert!(plan.pending.contains_key("db"));
    world.facts.contacts.extend(contacts);
    let again = world.plan();
    check(&again, &["create db"]);
    assert_eq!(again.changes[0].digest, plan.changes[0].digest, "it ends with the first approval");
    world.apply(&again);
    check(&world.service("db2", "database", json!({})).plan(), &["create db2"]);
}

#[test]
fn drift_is_shown_and_put_right_only_where_somebody_said_so() {
    let mut world = settled();
    world.drift("db", "register");
    check(&world.plan(), &["drifted db register"]);
    let plan = world.set(&path_of("db"), "/drift", json!("correct")).plan();
    check(&plan, &["correct db"]);
    assert_eq!(steps(&plan)[0], ("provision".to_owned(), Effect::Keep));
    assert_eq!(steps(&plan)[1], ("register".to_owned(), Effect::Perform));
    world.apply(&plan);
    check(&world.plan(), &[]);
}

#[test]
fn an_expired_service_is_proposed_or_deleted() {
    let mut world = settled();
    world.set(&path_of("db"), "/expires", json!("2026-11-19"));
    check(&world.plan(), &["expired db"]);
    world.set(&path_of("db"), "/onExpiry", json!("delete"));
    check(&world.plan(), &["delete db", "  waits for 1 approval (deleting db)"]);
    let plan = world.converge();
    assert_eq!(plan.changes.len(), 1);
    check(&world.plan(), &[]);
}

#[test]
fn a_closed_window_lets_the_plan_wait() {
    let mut world = World::new();
    let deny =
        json!([{"deny": {"from": "2026-11-01", "to": "2026-12-01", "timezone": "Europe/Berlin"}}]);
    world.set("environments/production.yaml", "/changeWindows", deny);
    let plan = world.service("db", "database", json!({})).plan();
    check(&plan, &["create db", "  change window closed, opens at 2026-12-02 00:00 CET"]);
}

#[test]
fn a_stopped_run_waits_for_a_person_or_a_newer_revision() {
    let mut world = settled();
    let plan = world.field("db", "size", json!("large")).plan();
    let sources =
        plan.changes[0].units.iter().map(|unit| (unit.unit.clone(), unit.source)).collect();
    let run = crate::id::RunId("r9".to_owned());
    let stall = super::Stall { run, why: "502".to_owned(), sources };
    world.facts.stalled.insert("db".to_owned(), stall);
    check(&world.plan(), &["update db", "  run r9 stopped: 502"]);
    check(&world.field("db", "size", json!("huge")).plan(), &["update db"]);
}

#[test]
fn what_does_not_fit_blocks_its_service_alone() {
    let mut world = settled();
    world.service("a", "desk", json!({}));
    world.service("b", "nothing", json!({}));
    world.misfits.insert("db".to_owned(), vec!["field `size` is wrong".to_owned()]);
    let plan = world.plan();
    check(
        &plan,
        &["create a", "blocked: there is no item `nothing`", "blocked: field `size` is wrong"],
    );
    world.set(ITEM, "/fulfillment/automatic/actions/0/type", json!("pigeon"));
    world.misfits.clear();
    let plan = world.remove("b").service("c", "database", json!({})).plan();
    let why: &Value = &json!(plan.blocked.get("c"));
    assert!(why.to_string().contains("there is no action type `pigeon`"), "{why}");
    assert!(!plan.pending.values().flatten().any(|why| matches!(why, Pending::Dependency { .. })));
}

#[test]
fn every_part_of_a_rest_call_is_planned() {
    for (part, value) in [
        ("poll", json!({"url": "https://a.example.com"})),
        ("expect", json!({"schema": {"type": "object"}})),
        ("authentication", json!({"type": "aws-sigv4"})),
        ("authentication", json!({"type": "oauth2-client"})),
    ] {
        let mut world = settled();
        world.set(ITEM, &format!("/fulfillment/automatic/actions/1/config/{part}"), value);
        world.service("c", "database", json!({}));
        let plan = world.plan();
        assert_eq!(plan.blocked.get("c"), None, "{part}");
        assert!(plan.change("c").is_some(), "{part}");
    }
}

#[test]
fn a_template_may_ask_for_the_teams_of_whoever_asked() {
    let mut world = settled();
    let template = "{{service.name}} for {{json request.user.teams}}";
    world.set(ITEM, "/fulfillment/automatic/actions/2/config/message", json!(template));
    world.service("c", "database", json!({}));
    let plan = world.plan();
    let told = plan.change("c").and_then(|change| change.units[0].steps.last()).unwrap();
    let said = crate::template::show_markers(told.config["message"].as_str().unwrap());
    assert_eq!(said, "c for \"(known after apply)\"");
}

#[test]
fn what_others_read_holds_no_secret() {
    let mut world = settled();
    let files = json!([{"path": "a", "contentTemplate": "{{secrets.KEY}}"}]);
    let config = json!({"repository": "acme/a", "commitMessage": "m", "files": files});
    let action = json!({"id": "tell", "type": "git-commit", "config": config});
    world.set(ITEM, "/fulfillment/automatic/actions/2", action);
    let plan = world.field("db", "size", json!("large")).plan();
    let why =
        "action `tell`: `config/files/0/contentTemplate` would hold a secret, where others read it";
    check(&plan, &[&format!("blocked: {why}")]);
}
