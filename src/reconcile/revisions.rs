//! What a newer revision makes of what is there, case by case: fields, definitions, names, versions, outputs. Tests only.

use serde_json::json;

use super::change::{ChangeKind, Effect};
use super::policies::{ITEM, check, settled, steps};
use super::show;
use super::world::{World, path_of};
use crate::digest::Digest;
use crate::id::{Uid, UnitKey};

/// Something that is edited, with its name.
type Edit<'a> = (&'a str, &'a dyn Fn(&mut World));

#[test]
fn only_what_changed_is_done_again() {
    let mut world = settled();
    check(&world.plan(), &[]);
    let plan = { world.field("db", "size", json!("large")).plan() };
    check(&plan, &["update db"]);
    let expected =
        [("provision", Effect::Perform), ("register", Effect::Perform), ("tell", Effect::Perform)];
    assert_eq!(steps(&plan), expected.map(|(path, effect)| (path.to_owned(), effect)));
    let mut desk = World::new();
    desk.service("a", "desk", json!({})).converge();
    assert!(
        desk.field("a", "unread", json!(1)).plan().changes[0].units[0]
            .steps
            .iter()
            .all(|step| step.effect == Effect::Keep)
    );
}

#[test]
fn an_immutable_field_means_replace() {
    let mut world = settled();
    let plan = world.field("db", "zone", json!("b")).plan();
    check(&plan, &["replace db", "  waits for 1 approval (replacing db)"]);
    assert_eq!(plan.verdict.deletions, 1);
    assert!(
        plan.changes[0].units[0].fields.iter().any(|field| field.name == "zone" && field.immutable)
    );
    assert_eq!(steps(&plan)[0], ("register~undo".to_owned(), Effect::Undo));
    assert_eq!(steps(&plan)[1], ("provision~undo".to_owned(), Effect::Undo));
}

#[test]
fn what_reads_from_a_replaced_unit_follows() {
    let mut world = settled();
    let link = json!({"fields": {"link": "{{services.db.outputs.url}}"}});
    world.service("a", "desk", link).converge();
    check(&world.plan(), &[]);
    let plan = world.field("db", "zone", json!("b")).plan();
    check(&plan, &["update a", "replace db", "  waits for 1 approval (replacing db)"]);
    assert_eq!(plan.change("a").unwrap().after, ["db"]);
    assert!(show::text(&plan, show::Style::default()).contains("→ (known after apply)"));
}

#[test]
fn a_newer_definition_is_converged_only_where_that_was_meant() {
    let template = "/fulfillment/automatic/actions/0/config/endpoint/method";
    let mut world = settled();
    world.set(ITEM, template, json!("POST"));
    check(&world.plan(), &["outdated db"]);
    world.facts.requested.insert("db".to_owned());
    check(&world.plan(), &["update db"]);
    world.facts.requested.clear();
    world.set(ITEM, "/metadata/version", json!("1.1.0"));
    check(&world.plan(), &["update db"]);
    let mut desk = World::new();
    desk.service("a", "desk", json!({})).converge();
    desk.set(
        "catalog/x/desk.yaml",
        "/fulfillment/manual/actions/0/config/title",
        json!("{{fields.size}}"),
    );
    desk.set("catalog/x/desk.yaml", "/metadata/version", json!("1.1.0"));
    check(&desk.plan(), &["outdated a"]);
}

#[test]
fn texts_for_people_and_the_mode_change_nothing() {
    for (pointer, value) in [
        ("/metadata/name", json!("Another name")),
        ("/metadata/description", json!("Mended")),
        ("/metadata/owner/contact", json!("q@example.com")),
        ("/metadata/cost", json!({"currency": "EUR", "monthly": 90})),
        ("/presentation/form/groups/0/fields/0/description", json!("Help")),
        ("/fulfillment/approval", json!({"required": 1})),
        ("/fulfillment/automatic/actions/0/timeout", json!("1m")),
        ("/fulfillment/automatic/actions/0/retry", json!({"attempts": 9})),
        ("/fulfillment/manual/actions/0/config/title", json!("the other block")),
    ] {
        let mut world = settled();
        check(&world.set(ITEM, pointer, value).plan(), &[]);
    }
    let mut world = settled();
    let plan = world.set(ITEM, "/fulfillment/strategy/mode", json!("manual")).plan();
    check(&plan, &["outdated db"]);
    let plan = world.set(ITEM, "/metadata/version", json!("1.1.0")).plan();
    check(&plan, &["outdated db"]);
}

#[test]
fn everything_that_decides_is_in_the_digest() {
    let digest = |edit: &dyn Fn(&mut World)| {
        let mut world = settled();
        world.field("db", "size", json!("large"));
        edit(&mut world);
        let plan = world.plan();
        plan.change("db").map(|change| change.digest)
    };
    let before = digest(&|_| {});
    assert!(before.is_some());
    let body = "/fulfillment/automatic/actions/0/config/body/contentTemplate";
    let edits: [Edit<'_>; 8] = [
        ("field", &|world| {
            world.field("db", "size", json!("huge"));
        }),
        ("template", &|world| {
            world.set(ITEM, body, json!("{}"));
        }),
        ("constant", &|world| {
            world.set(ITEM, "/metadata/constants/port", json!("1"));
        }),
        ("rule", &|world| {
            world.set(ITEM, "/fulfillment/approval", json!({"required": 2}));
        }),
        ("environment", &|world| {
            world.set("environments/production.yaml", "/variables/region", json!("eu"));
        }),
        ("environment's rule", &|world| {
            world.set("environments/production.yaml", "/approval", json!({"required": 1}));
        }),
        ("recorded step", &|world| {
            let record = world.records.get_mut(&UnitKey::service("db")).unwrap();
            record.steps.get_mut("register").unwrap().digest = Digest::of_bytes(b"x");
        }),
        ("uid", &|world| {
            let record = world.records.get_mut(&UnitKey::service("db")).unwrap();
            record.row.uid = Uid("other".to_owned());
        }),
    ];
    for (what, edit) in edits {
        assert_ne!(digest(edit), before, "{what}");
    }
    let unread: [Edit<'_>; 3] = [
        ("variable that nobody reads", &|world| {
            world.set("environments/production.yaml", "/variables/unread", json!("x"));
        }),
        ("help", &|world| {
            world.set(ITEM, "/metadata/description", json!("Mended"));
        }),
        ("author", &|world| world.facts.author = Some("Ada <a@example.com>".to_owned())),
    ];
    for (what, edit) in unread {
        assert_eq!(digest(edit), before, "{what}");
    }
}

#[test]
fn a_version_requirement_pins() {
    let mut world = settled();
    world.set(&path_of("db"), "/version", json!("^1.0"));
    check(&world.plan(), &[]);
    world.set(ITEM, "/metadata/version", json!("2.0.0"));
    world.set(ITEM, "/fulfillment/automatic/actions/0/config/endpoint/method", json!("POST"));
    check(&world.plan(), &["outdated db"]);
    check(&world.field("db", "size", json!("large")).plan(), &["outdated db"]);
    let plan = world.service("new", "database", json!({"version": "^1.0"})).plan();
    let why = "blocked: version `^1.0` is wanted, and `database` is at 2.0.0";
    check(&plan, &[why, "outdated db"]);
    check(&world.set(&path_of("db"), "/version", json!("^2.0")).plan(), &["update db", why]);
}

#[test]
fn a_new_name_takes_nothing_away() {
    let mut world = settled();
    let uid = world.records[&UnitKey::service("db")].row.uid.clone();
    let former = json!({"metadata": {"formerIds": ["db"]}, "fields": {"size": "small"}});
    let plan = world.remove("db").service("database", "database", former).plan();
    assert!(plan.changes.iter().all(|change| change.kind() == ChangeKind::Update), "{plan:?}");
    assert_eq!(plan.verdict.deletions, 0);
    assert_eq!(world.records[&UnitKey::service("database")].row.uid, uid);
    let mut shop = World::new();
    shop.service("shop", "x", json!({"catalogBundle": "shop", "catalogItem": null})).converge();
    shop.set("bundles/shop.yaml", "/components/1/id", json!("table"));
    shop.set("bundles/shop.yaml", "/components/1/formerIds", json!(["desk"]));
    let plan = shop.plan();
    assert_eq!(plan.verdict.deletions, 0, "{plan:?}");
    assert!(plan.changes.iter().flat_map(|c| &c.units).all(|unit| unit.kind == ChangeKind::Update));
}

#[test]
fn a_run_that_stopped_half_way_goes_on_where_it_stopped() {
    let mut world = settled();
    let record = world.records.get_mut(&UnitKey::service("db")).unwrap();
    record.applied = None;
    record.row.applied = None;
    record.steps.retain(|id, _| id == "provision");
    let plan = world.plan();
    check(&plan, &["create db"]);
    assert_eq!(plan.changes[0].units[0].uid, Some(Uid("u1".to_owned())));
    assert_eq!(steps(&plan)[0], ("provision".to_owned(), Effect::Keep));
    assert_eq!(steps(&plan)[1], ("register".to_owned(), Effect::Perform));
    let plan = world.field("db", "size", json!("large")).plan();
    assert_eq!(steps(&plan)[0], ("provision".to_owned(), Effect::Perform));
    let plan = world.remove("db").plan();
    assert_eq!(steps(&plan), [("provision~undo".to_owned(), Effect::Undo)]);
}

#[test]
fn outputs_that_changed_are_followed_by_siblings_and_others() {
    let mut world = World::new();
    world.service("shop", "x", json!({"catalogBundle": "shop", "catalogItem": null}));
    let link = json!({"fields": {"link": "{{services.shop.outputs.url}}"}});
    world.service("wiki", "desk", link).converge();
    check(&world.plan(), &[]);
    let outputs = world.outputs.get_mut(&UnitKey::component("shop", "data")).unwrap();
    outputs.insert("url".to_owned(), json!("moved"));
    check(&world.converge(), &["update shop/desk", "update wiki"]);
    check(&world.plan(), &[]);
}

#[test]
fn outputs_of_other_teams_must_be_shared() {
    let mut world = settled();
    let reads = |team: &str| json!({"metadata": {"team": team}, "fields": {"link": "{{services.db.outputs.url}}"}});
    check(&world.service("a", "desk", reads("billing")).plan(), &["create a"]);
    let why = "blocked: output `url` of service `db` belongs to team `payments` and is not shared with `sales`";
    check(&world.service("a", "desk", reads("sales")).plan(), &[why]);
}

#[test]
fn a_sensitive_output_is_followed_by_its_hash_and_never_stored() {
    let mut world = settled();
    let link = json!({"fields": {"link": "{{services.db.outputs.url}}"}});
    let sealed = |hash: &str| json!({"$sealed": "hunter22", "$hash": hash});
    let key = UnitKey::service("db");
    world.outputs.get_mut(&key).unwrap().insert("url".to_owned(), sealed("one"));
    let plan = world.service("a", "desk", link).plan();
    check(&plan, &["create a"]);
    let unit = &plan.changes[0].units[0];
    assert!(unit.inputs.open.contains_key("link"), "resolved again when the step runs");
    assert!(!serde_json::to_string(&plan).unwrap().contains("hunter22"));
    let before = plan.changes[0].digest;
    world.outputs.get_mut(&key).unwrap().insert("url".to_owned(), sealed("two"));
    assert_ne!(world.plan().changes[0].digest, before);
}
