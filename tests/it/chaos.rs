//! Faults of the machine that Trueline runs on: disks that are full, fail or can't be written, a database that somebody
//! keeps locked, clocks that jump, processes that are stopped or have too little. After each the checker is asked.
//!
//! Most of them need programs and rights that a laptop may not have: `ci/chaos faults` runs them.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::checker::check;
use crate::counterpart::Moment;
use crate::kit::{Order, chain_item, place, service};
use crate::world::{World, ended};

const STEPS: [&str; 3] = ["one", "post-two", "three"];

fn prepared() -> World {
    let world = World::new();
    let item = chain_item(world.counterpart.api, &STEPS, Order::Sequential);
    world.commit(&[
        ("catalog/tests/chain.yaml", &item),
        (&place("alpha-one"), &service("alpha-one", 1)),
    ]);
    let mut config = File::options().append(true).open(world.path("trueline.toml")).unwrap();
    config.write_all(b"[limits]\ncrashes = 1000\n").unwrap();
    world
}

fn ask_for(world: &World, id: &str) {
    world.commit(&[(&place(id), &service(id, 1))]);
}

/// All services are as asked, each step took effect once, and everything else holds that must.
fn all_is_well(world: &World, services: &[&str]) {
    let ledger = world.counterpart.ledger();
    for id in services {
        for step in STEPS {
            let path = format!("{id}-{step}");
            assert_eq!(ledger.effects.get(&path).map(Vec::len), Some(1), "{path}");
        }
    }
    drop(ledger);
    check(world);
}

/// A small file system in memory, where the state is.
struct Small(PathBuf);

impl Small {
    fn below(world: &World, size: &str) -> Self {
        let path = world.path(".trueline");
        std::fs::create_dir(&path).unwrap();
        let size = format!("size={size},mode=0700");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&path);
        assert!(mount.status().unwrap().success(), "mounting takes root");
        Self(path)
    }

    fn remount(&self, option: &str) {
        let mut mount = Command::new("mount");
        assert!(mount.args(["-o", option]).arg(&self.0).status().unwrap().success());
    }

    /// Takes all the space that is left.
    fn fill(&self) {
        let mut ballast = File::create(self.0.join("ballast")).unwrap();
        let block = vec![0_u8; 4096];
        while ballast.write_all(&block).is_ok() {}
    }

    fn make_space(&self) {
        std::fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn log_of(world: &World) -> String {
    std::fs::read_to_string(world.path("serve.log")).unwrap_or_default()
}

#[test]
fn a_process_that_was_stopped_keeps_its_right_and_nobody_drives_beside_it() {
    let world = prepared();
    world.counterpart.hold("alpha-one-one", Moment::Done);
    let daemon = world.serve();
    world.approve_plan();
    world.eventually("a step to hang", |world| world.counterpart.holds());
    let signal = |name: &str| Command::new("kill").args([name, &daemon.pid()]).status().unwrap();
    assert!(signal("-STOP").success());
    let second = world.trueline(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(1), "{}", second.all());
    assert!(second.err.contains(&format!("process {} ", daemon.pid())), "{}", second.err);
    assert!(signal("-CONT").success());
    ask_for(&world, "alpha-two");
    world.eventually("others to go on", |world| world.resource("alpha-two-three").is_some());
    daemon.kill();
    let daemon = world.serve();
    world.settled();
    drop(daemon);
    all_is_well(&world, &["alpha-one", "alpha-two"]);
}

#[test]
#[ignore = "it takes a while: ci/chaos runs it"]
fn a_database_that_somebody_keeps_locked_is_waited_for() {
    let world = prepared();
    let daemon = world.serve();
    world.approve_plan();
    world.settled();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let options = SqliteConnectOptions::new().filename(world.path(".trueline/trueline.db"));
    let mut locked = runtime.block_on(options.connect()).unwrap();
    runtime.block_on(sqlx::query("BEGIN IMMEDIATE").execute(&mut locked)).unwrap();
    ask_for(&world, "alpha-two");
    world.eventually("it to be said", |world| log_of(world).contains("stayed busy"));
    assert_eq!(world.resource("alpha-two-one"), None, "nothing begins that is not written down");
    runtime.block_on(sqlx::query("ROLLBACK").execute(&mut locked)).unwrap();
    runtime.block_on(locked.close()).unwrap();
    world.eventually("it to be done", |world| world.resource("alpha-two-three").is_some());
    world.settled();
    drop(daemon);
    all_is_well(&world, &["alpha-one", "alpha-two"]);
}

#[test]
#[ignore = "it mounts a file system: ci/chaos runs it"]
fn a_full_disk_is_told_and_work_goes_on_once_there_is_space() {
    let world = prepared();
    let small = Small::below(&world, "12m");
    let daemon = world.serve();
    world.approve_plan();
    world.settled();
    world.counterpart.hold("alpha-two-one", Moment::Done);
    ask_for(&world, "alpha-two");
    world.eventually("a step to hang", |world| world.counterpart.holds());
    small.fill();
    ask_for(&world, "alpha-three");
    world.eventually("it to be said", |world| log_of(world).contains("no space is left"));
    assert!(world.ok(&["service", "list"]).contains("alpha-one"), "it can still be read");
    assert_eq!(world.resource("alpha-three-one"), None, "nothing begins that is not written down");
    small.make_space();
    world.eventually("it to go on", |world| world.resource("alpha-three-three").is_some());
    daemon.kill();
    let daemon = world.serve();
    world.settled();
    assert_eq!(daemon.stop(), Some(0));
    all_is_well(&world, &["alpha-one", "alpha-two", "alpha-three"]);
}

#[test]
#[ignore = "it mounts a file system: ci/chaos runs it"]
fn a_state_that_can_not_be_written_is_refused_at_once() {
    let world = prepared();
    let small = Small::below(&world, "12m");
    let daemon = world.serve();
    world.approve_plan();
    world.settled();
    assert_eq!(daemon.stop(), Some(0));
    small.remount("remount,ro");
    let refused = world.trueline(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.status.code(), Some(2), "{}", refused.all());
    assert!(refused.err.contains(".trueline"), "{}", refused.err);
    small.remount("remount,rw");
    let daemon = world.serve();
    ask_for(&world, "alpha-two");
    world.eventually("it to go on", |world| world.resource("alpha-two-three").is_some());
    world.settled();
    assert_eq!(daemon.stop(), Some(0));
    all_is_well(&world, &["alpha-one", "alpha-two"]);
}

/// Lets a call of the system fail from the n-th on while there is work, then lets it be.
fn failing(inject: &dyn Fn(usize) -> String, numbers: impl Iterator<Item = usize>, told: &str) {
    let world = prepared();
    let daemon = world.serve();
    world.approve_plan();
    world.settled();
    assert_eq!(daemon.stop(), Some(0));
    let mut services = vec!["alpha-one".to_owned()];
    for number in numbers {
        let next = format!("alpha-{number}x");
        ask_for(&world, &next);
        services.push(next);
        let mut daemon = world
            .serve_under(&["strace", "-f", "-qq", "-o", "/dev/null", "-e", &inject(number)], &[]);
        // It may end by itself where it can't even begin; if not, it is killed in the middle of its trouble.
        let _ = ended(&mut daemon.0, Duration::from_secs(4));
        let _ = Command::new("pkill").args(["-9", "-P", &daemon.pid()]).status();
        drop(daemon);
    }
    assert!(log_of(&world).contains(told), "nothing failed: {}", log_of(&world));
    let daemon = world.serve();
    world.settled();
    assert_eq!(daemon.stop(), Some(0));
    let services: Vec<&str> = services.iter().map(String::as_str).collect();
    all_is_well(&world, &services);
}

#[test]
#[ignore = "it needs strace: ci/chaos runs it"]
fn whichever_write_finds_the_disk_full_nothing_is_lost() {
    let inject = |number| format!("inject=pwrite64:error=ENOSPC:when={number}+");
    failing(&inject, [1, 2, 3, 5, 8, 13, 21, 34, 55, 89].into_iter(), "no space is left");
}

#[test]
#[ignore = "it needs strace: ci/chaos runs it"]
fn whichever_sync_fails_nothing_is_taken_for_durable() {
    let inject = |number| format!("inject=fdatasync,fsync:error=EIO:when={number}+");
    failing(&inject, 1..=12, "disk I/O error");
}

#[test]
#[ignore = "it needs strace: ci/chaos runs it"]
fn killed_at_any_write_of_a_new_database_it_is_made_anew() {
    for number in [1, 2, 3, 5, 8, 12, 20, 40] {
        let world = prepared();
        let inject = format!("inject=pwrite64:signal=KILL:when={number}");
        let mut daemon =
            world.serve_under(&["strace", "-f", "-qq", "-o", "/dev/null", "-e", &inject], &[]);
        let _ = ended(&mut daemon.0, Duration::from_secs(4));
        let _ = Command::new("pkill").args(["-9", "-P", &daemon.pid()]).status();
        drop(daemon);
        let daemon = world.serve();
        world.approve_plan();
        world.settled();
        drop(daemon);
        all_is_well(&world, &["alpha-one"]);
    }
}

#[test]
#[ignore = "it needs libfaketime: ci/chaos runs it"]
fn a_clock_that_jumps_starts_nothing_twice() {
    let library = std::env::var("TRUELINE_TEST_FAKETIME").expect("ci/chaos says where it is");
    let world = prepared();
    let clock = world.path("clock");
    let set = |offset: &str| std::fs::write(&clock, offset).unwrap();
    set("+0");
    let file = clock.to_string_lossy().into_owned();
    let environment = [
        ("LD_PRELOAD", library.as_str()),
        ("FAKETIME_TIMESTAMP_FILE", file.as_str()),
        ("FAKETIME_NO_CACHE", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    let daemon = world.serve_under(&[], &environment);
    world.approve_plan();
    world.settled();
    let mut services = vec!["alpha-one".to_owned()];
    for (turn, offset) in ["+2h", "-2h", "+0", "+400d", "-1d"].into_iter().enumerate() {
        let next = format!("alpha-{turn}x");
        world.counterpart.hold(&format!("{next}-one"), Moment::Arrived);
        ask_for(&world, &next);
        // The clock jumps while a step is in effect.
        world.eventually("a step to hang", |world| world.counterpart.holds());
        set(offset);
        let other = format!("alpha-{turn}y");
        ask_for(&world, &other);
        let last = format!("{other}-three");
        world.eventually("others to go on", |world| world.resource(&last).is_some());
        services.extend([next, other]);
    }
    daemon.kill();
    let daemon = world.serve();
    world.settled();
    drop(daemon);
    let services: Vec<&str> = services.iter().map(String::as_str).collect();
    all_is_well(&world, &services);
}

#[test]
#[ignore = "it limits what a process has: ci/chaos runs it"]
fn with_few_files_or_little_memory_nothing_is_lost() {
    let world = prepared();
    let daemon = world.serve();
    world.approve_plan();
    world.settled();
    drop(daemon);
    let mut services = vec!["alpha-one".to_owned()];
    for (turn, limit) in
        ["--nofile=24", "--nofile=40", "--as=90000000", "--as=200000000"].into_iter().enumerate()
    {
        let next = format!("alpha-{turn}x");
        ask_for(&world, &next);
        services.push(next);
        let mut daemon = world.serve_under(&["prlimit", limit], &[]);
        let _ = ended(&mut daemon.0, Duration::from_secs(4));
        drop(daemon);
    }
    let daemon = world.serve();
    world.settled();
    drop(daemon);
    let services: Vec<&str> = services.iter().map(String::as_str).collect();
    all_is_well(&world, &services);
}
