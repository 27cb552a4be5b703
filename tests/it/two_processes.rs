//! One driver a state, commands beside it, and an orderly end.

use std::process::Stdio;
use std::time::Duration;

use crate::counterpart::Moment;
use crate::kit::{Order, chain_item, place, service};
use crate::world::{World, ended};

fn world() -> World {
    let world = World::new();
    let item = chain_item(world.counterpart.api, &["one", "two"], Order::Sequential);
    world.commit(&[
        ("catalog/tests/chain.yaml", &item),
        (&place("alpha-one"), &service("alpha-one", 1)),
    ]);
    world
}

fn is_driven_by(world: &World, pid: &str) -> bool {
    let status = world.trueline(&["status"]);
    status.status.success() && status.out.contains(&format!("process {pid} "))
}

#[test]
fn a_second_driver_ends_at_once_and_names_the_first() {
    let world = world();
    let first = world.serve();
    world.eventually("the first to drive", |world| is_driven_by(world, &first.pid()));
    let second = world.trueline(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(second.err.contains(&format!("process {} ", first.pid())), "{}", second.err);
    assert!(second.err.contains("hint:"), "{}", second.err);
    // It took nothing away from the first.
    world.approve_plan();
    world.settled();
    assert_eq!(first.stop(), Some(0));
    // The right to drive is free again, and nothing is left to be done with it.
    let apply = world.trueline(&["apply"]);
    assert_eq!(apply.status.code(), Some(0), "{}", apply.all());
    assert_eq!(world.counterpart.ledger().arrived.len(), 2);
}

#[test]
fn of_drivers_that_start_together_one_drives() {
    let world = world();
    let mut started: Vec<_> = (0..3)
        .map(|_| {
            let mut command = world.command(&["serve", "--listen", "127.0.0.1:0"]);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            crate::world::Daemon(command.spawn().unwrap())
        })
        .collect();
    world.eventually("two to end", |_| {
        let over = |one: &mut crate::world::Daemon| one.0.try_wait().unwrap().is_some();
        started.iter_mut().filter_map(|one| over(one).then_some(())).count() == 2
    });
    let codes: Vec<Option<i32>> =
        started.iter_mut().filter_map(|one| one.0.try_wait().unwrap()).map(|s| s.code()).collect();
    assert_eq!(codes, [Some(1), Some(1)]);
    let left =
        started.iter_mut().find_map(|one| one.0.try_wait().unwrap().is_none().then(|| one.pid()));
    world.eventually("the third to drive", |world| is_driven_by(world, left.as_ref().unwrap()));
}

#[test]
fn commands_work_beside_a_daemon_that_is_busy() {
    let world = world();
    world.counterpart.hold("alpha-one-one", Moment::Done);
    let daemon = world.serve();
    world.approve_plan();
    world.eventually("a step to hang", |world| world.counterpart.holds());
    for arguments in [
        &["status"][..],
        &["plan"],
        &["validate"],
        &["run", "list"],
        &["task", "list"],
        &["proposal", "list"],
        &["service", "list"],
        &["service", "show", "alpha-one"],
    ] {
        let said = world.trueline(arguments);
        assert_eq!(said.status.code(), Some(0), "{arguments:?}: {}", said.all());
    }
    let plan = world.plan();
    assert!(crate::world::has(&plan["running"]), "{plan:#}");
    // What is asked of it is handed over: no command drives beside it.
    let apply = world.trueline(&["apply"]);
    assert_eq!(apply.status.code(), Some(0), "{}", apply.all());
    assert!(apply.err.contains(&format!("process {} (serve)", daemon.pid())), "{}", apply.err);
    assert_eq!(world.counterpart.ledger().arrived.len(), 1);
}

#[test]
fn sigterm_waits_for_what_is_in_effect_and_starts_nothing_more() {
    let world = world();
    world.counterpart.delay(Duration::from_millis(700));
    let mut daemon = world.serve();
    world.approve_plan();
    world.eventually("the first effect", |world| world.resource("alpha-one-one").is_some());
    daemon.terminate();
    let status = ended(&mut daemon.0, Duration::from_secs(10)).expect("it ends");
    assert_eq!(status.code(), Some(0));
    assert_eq!(world.resource("alpha-one-two"), None, "nothing new starts");
    assert!(world.ok(&["status"]).contains("nobody drives"));
    world.counterpart.delay(Duration::ZERO);
    let _daemon = world.serve();
    world.settled();
    let ledger = world.counterpart.ledger();
    assert_eq!(ledger.arrivals("alpha-one-one"), 1, "its answer was waited for and kept");
    assert_eq!(ledger.arrivals("alpha-one-two"), 1);
}
