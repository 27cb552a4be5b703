//! Every interleaving of drivers that take the right to drive, lose it without noticing, and write: tests only. What decides
//! is the code itself; the lock file and the database are played by locks of the model checker.

use std::sync::Arc;

use shuttle::sync::Mutex;
use shuttle::{check_dfs, check_random, thread};

use super::lease::{Lease, LeaseRow};

/// What drivers share.
#[derive(Default)]
struct Shared {
    /// The lock file; the kernel frees it when its process dies, and some file systems sooner.
    lock: Mutex<bool>,
    /// The database: the row, and the tokens of what was written, in their order.
    database: Mutex<(LeaseRow, Vec<i64>)>,
}

impl Shared {
    fn try_lock(&self) -> bool {
        let mut locked = self.lock.lock().expect("unbroken");
        !std::mem::replace(&mut *locked, true)
    }

    fn unlock(&self) {
        *self.lock.lock().expect("unbroken") = false;
    }

    /// Takes the right, as a transaction.
    fn take(&self) -> Lease {
        let mut database = self.database.lock().expect("unbroken");
        database.0 = database.0.taken();
        Lease { token: database.0.token }
    }

    /// Writes something with a lease, as a transaction; tells whether it counted.
    fn write(&self, lease: &Lease) -> bool {
        let mut database = self.database.lock().expect("unbroken");
        let counts = database.0.admits(lease);
        if counts {
            database.1.push(lease.token);
        }
        counts
    }

    /// Gives the right back, as a transaction.
    fn give_back(&self, lease: &Lease) {
        let mut database = self.database.lock().expect("unbroken");
        if database.0.admits(lease) {
            database.0.is_held = false;
        }
    }
}

/// One process: it drives where it gets the lock, which it may lose while it goes on writing.
fn drive(shared: &Shared, loses_the_lock: bool) {
    if !shared.try_lock() {
        return;
    }
    let lease = shared.take();
    let first = shared.write(&lease);
    if loses_the_lock {
        shared.unlock();
    }
    let second = shared.write(&lease);
    assert!(first || !second, "a lease that was lost once stays lost");
    if !loses_the_lock {
        assert!(first && second, "who has the lock is not kept from writing");
        shared.give_back(&lease);
        assert!(!shared.write(&lease), "what was given back is gone");
        shared.unlock();
    }
}

fn drivers(lose: &[bool]) {
    let shared = Arc::new(Shared::default());
    let threads: Vec<_> = lose
        .iter()
        .map(|&loses| {
            let shared = shared.clone();
            thread::spawn(move || drive(&shared, loses))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("ended"));
    let database = shared.database.lock().expect("unbroken");
    let tokens = &database.1;
    assert!(tokens.is_sorted(), "an older driver wrote after a newer one: {tokens:?}");
    assert!(!tokens.is_empty(), "somebody drove");
}

#[test]
fn of_two_drivers_no_older_one_writes_after_a_newer_one_in_any_order() {
    for lose in [[false, false], [false, true], [true, true]] {
        check_dfs(move || drivers(&lose), Some(20_000));
    }
}

#[test]
fn of_four_drivers_some_of_which_lose_their_lock_neither() {
    check_random(|| drivers(&[true, false, true, true]), 3_000);
}
