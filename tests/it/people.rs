//! What people do on the line: complete a task, merge a proposal; by commands beside the daemon.

use crate::kit::{licence_item, page_item, place, service_of};
use crate::world::{World, has};

#[test]
fn a_task_is_completed_with_what_it_asks_for() {
    let world = World::new();
    world.commit(&[
        ("catalog/tests/licence.yaml", &licence_item()),
        (&place("alpha-seats"), &service_of("licence", "alpha-seats", 5)),
    ]);
    let daemon = world.serve();
    world.approve_plan();
    world.eventually("the task", |world| has(&world.json(&["task", "list"])["items"]));
    let tasks = world.json(&["task", "list"]);
    assert_eq!(tasks["total"], 1, "{tasks:#}");
    assert_eq!(tasks["items"][0]["title"], "Order 5 seats for alpha");
    let number = tasks["items"][0]["number"].to_string();
    // Without what it asks for, it is not done.
    let refused = world.trueline(&["task", "complete", &number]);
    assert!(!refused.status.success() && refused.err.contains("contractNumber"), "{}", refused.err);
    // A task outlives the process that opened it.
    daemon.kill();
    let _daemon = world.serve();
    let output = "contractNumber=NW-7";
    world.ok(&["task", "complete", &number, "--output", output]);
    world.settled();
    let shown = world.ok(&["service", "show", "alpha-seats"]);
    assert!(shown.contains("NW-7"), "{shown}");
    assert_eq!(world.json(&["task", "list"])["total"], 0);
    let again = world.trueline(&["task", "complete", &number, "--output", output]);
    assert!(!again.status.success(), "{}", again.all());
    world.audit_is_whole();
}

#[test]
fn a_proposal_is_merged_and_a_file_is_written_directly() {
    let world = World::new();
    let target = world.path("target.git");
    world.commit(&[
        ("catalog/tests/page.yaml", &page_item("page", &target, true)),
        ("catalog/tests/note.yaml", &page_item("note", &target, false)),
        (&place("alpha-page"), &service_of("page", "alpha-page", 3)),
        (&place("alpha-note"), &service_of("note", "alpha-note", 4)),
    ]);
    let daemon = world.serve();
    world.approve_plan();
    world.eventually("the proposal", |world| has(&world.json(&["proposal", "list"])["items"]));
    world.eventually("the note", |world| {
        world.target_file("pages/alpha-note.txt").as_deref() == Some("size 4\n")
    });
    // A proposal is filed once, whatever happens to who filed it.
    daemon.kill();
    let _daemon = world.serve();
    world.eventually("the run to wait", |world| {
        world.json(&["run", "list", "--service", "alpha-page"])["runs"][0]["state"] == "waiting"
    });
    let proposals = world.json(&["proposal", "list", "--all"]);
    assert_eq!(proposals["total"], 1, "{proposals:#}");
    assert_eq!(world.target_file("pages/alpha-page.txt"), None);
    let number = proposals["items"][0]["number"].to_string();
    let diff = world.ok(&["proposal", "show", &number, "--diff"]);
    assert!(diff.contains("+size 3"), "{diff}");
    world.ok(&["proposal", "merge", &number]);
    assert_eq!(world.target_file("pages/alpha-page.txt").as_deref(), Some("size 3\n"));
    world.settled();
    let parents = world.git(&["-C", "target.git", "log", "-1", "--format=%P", "main"]);
    assert_eq!(parents.split_whitespace().count(), 2, "a real merge commit");
    let commits = world.git(&["-C", "target.git", "log", "--format=%s", "--no-merges", "main"]);
    assert_eq!(commits.lines().count(), 3, "each file once, after the beginning: {commits}");
}
