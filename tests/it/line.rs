//! The line on real parts: pushes to a bare repository, the daemon converges, the guards hold.

use crate::world::{World, chain_item, service};

fn world() -> World {
    let world = World::new();
    world.commit(&[
        ("catalog/tests/chain.yaml", &chain_item(world.api, &["only"])),
        ("services/alpha/alpha-one.yaml", &service("alpha-one", 1)),
    ]);
    world
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_commit_becomes_an_effect_an_update_and_a_deletion() {
    let world = world();
    let daemon = world.serve();
    world.approve_plan();
    world.eventually("the resource", |world| world.resource("alpha-one-only").is_some());
    // What was acknowledged once is not asked for again: an update without a rule goes through by itself.
    world.commit(&[("services/alpha/alpha-one.yaml", &service("alpha-one", 2))]);
    world.eventually("the update", |world| {
        world.resource("alpha-one-only").as_deref() == Some("{\"size\": 2}")
    });
    world.commit(&[
        ("services/alpha/alpha-two.yaml", &service("alpha-two", 7)),
        ("README.md", "hello"),
    ]);
    world.eventually("the second service", |world| world.resource("alpha-two-only").is_some());
    // Deleting waits for one approval.
    world.commit(&[("services/alpha/alpha-two.yaml", "")]);
    world.eventually("the deletion to be planned", |world| {
        world.ok(&["status"]).contains("deleting alpha-two")
    });
    assert!(world.resource("alpha-two-only").is_some());
    world.approve_plan();
    world.eventually("the deletion", |world| world.resource("alpha-two-only").is_none());
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_broken_document_leaves_its_last_good_version_in_force() {
    let world = world();
    let _daemon = world.serve();
    world.approve_plan();
    world.eventually("the resource", |world| world.resource("alpha-one-only").is_some());
    world.commit(&[
        (
            "services/alpha/alpha-one.yaml",
            "schemaVersion: catalog/v1\nkind: Service\nmetadata: {id: alpha-one\n",
        ),
        ("services/alpha/alpha-two.yaml", &service("alpha-two", 3)),
    ]);
    world.eventually("the good document to converge", |world| {
        world.resource("alpha-two-only").is_some()
    });
    assert_eq!(world.resource("alpha-one-only").as_deref(), Some("{\"size\": 1}"));
    world.eventually("status to say so", |world| {
        world.ok(&["status"]).contains("services/alpha/alpha-one.yaml")
    });
}

#[test]
fn rewritten_history_and_an_emptied_catalog_are_held() {
    let world = world();
    let _daemon = world.serve();
    world.approve_plan();
    world.eventually("the resource", |world| world.resource("alpha-one-only").is_some());
    world.eventually("the run to end", |world| {
        world.plan()["changes"].as_array().is_some_and(Vec::is_empty)
    });
    // The commit that made the service is taken out of history, and another put in its place.
    world.git(&["-C", "work", "checkout", "-q", "--orphan", "other"]);
    std::fs::write(world.path("work/services/alpha/alpha-one.yaml"), service("alpha-one", 5))
        .unwrap();
    world.git(&["-C", "work", "add", "-A"]);
    world.git(&["-C", "work", "commit", "-q", "-m", "another history"]);
    world.git(&["-C", "work", "branch", "-M", "other", "main"]);
    world.push(&["--force"]);
    world.eventually("the plan to be held", |world| world.ok(&["plan"]).contains("held"));
    assert_eq!(world.resource("alpha-one-only").as_deref(), Some("{\"size\": 1}"));
    world.approve_plan();
    world.eventually("the update", |world| {
        world.resource("alpha-one-only").as_deref() == Some("{\"size\": 5}")
    });
    world.eventually("the run to end", |world| {
        world.plan()["changes"].as_array().is_some_and(Vec::is_empty)
    });
    world.commit(&[("services/alpha/alpha-one.yaml", "")]);
    world.eventually("the guard", |world| world.ok(&["plan"]).contains("held"));
    assert!(world.resource("alpha-one-only").is_some());
}

#[test]
fn one_driver_a_state_and_commands_beside_it() {
    let world = world();
    let first = world.serve();
    world.eventually("the first to drive", |world| {
        text(&world.trueline(&["status"]).stdout).contains(&first.0.id().to_string())
    });
    let second = world.trueline(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(1));
    let told = text(&second.stderr);
    assert!(told.contains(&first.0.id().to_string()) && told.contains("hint:"), "{told}");
    world.approve_plan();
    world.eventually("the resource", |world| world.resource("alpha-one-only").is_some());
    assert_eq!(first.stop(), Some(0));
    // The right to drive is free again.
    let apply = world.trueline(&["apply"]);
    assert_eq!(apply.status.code(), Some(0), "{}{}", text(&apply.stdout), text(&apply.stderr));
}

#[test]
fn hostile_catalogs_neither_crash_nor_hang_nor_leave_the_repository() {
    let world = World::new();
    std::fs::write(world.path("canary"), "canary: never-to-be-seen\n").unwrap();
    let work = world.path("work/services/alpha");
    std::fs::create_dir_all(&work).unwrap();
    std::os::unix::fs::symlink(world.path("canary"), work.join("linked.yaml")).unwrap();
    std::fs::write(work.join("garbage.yaml"), [0xff, 0x00, 0xfe, b':', 0x9b]).unwrap();
    std::fs::write(work.join("deep.yaml"), "[".repeat(500_000)).unwrap();
    std::fs::write(work.join("line.yaml"), format!("a: {}", "x".repeat(10 << 20))).unwrap();
    std::fs::write(work.join("bomb.yaml"), "a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n").unwrap();
    std::fs::write(work.join("wide.yaml"), "? ".repeat(200_000)).unwrap();
    std::fs::write(
        work.join("template.yaml"),
        service("template", 1)
            .replace("size: 1", &format!("size: \"{}\"", "{{#if a}}".repeat(1600))),
    )
    .unwrap();
    std::fs::write(work.join("od\u{7}d\u{202e}.yaml"), "a: 1").unwrap();
    world.git(&["-C", "work", "add", "-A"]);
    let blob = world.git(&["-C", "work", "rev-parse", ":services/alpha/garbage.yaml"]);
    world.git(&[
        "-C",
        "work",
        "update-index",
        "--add",
        "--cacheinfo",
        "160000,1111111111111111111111111111111111111111,services/alpha/module.yaml",
    ]);
    assert_eq!(blob.trim().len(), 40);
    world.git(&["-C", "work", "commit", "-q", "-m", "hostile"]);
    world.push(&[]);
    let work = world.path("work");
    let work = work.to_str().unwrap();
    for arguments in [
        &["validate", "--catalog", "catalog.git"][..],
        &["validate", work],
        &["plan", "--catalog", "catalog.git"],
        &["plan", "--catalog", work],
    ] {
        let started = std::time::Instant::now();
        let output = world.trueline(arguments);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(
            output.status.code().is_some_and(|code| code <= 2),
            "{arguments:?}: {:?}",
            output.status
        );
        assert!(
            !said.contains("never-to-be-seen") && !said.contains("panicked"),
            "{arguments:?}: {said}"
        );
        assert!(!said.contains('\u{7}') && !said.contains('\u{202e}'), "{arguments:?}: {said}");
        assert!(started.elapsed().as_secs() < 20, "{arguments:?} took {:?}", started.elapsed());
    }
}
