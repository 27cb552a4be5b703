//! Replays what was fuzzed: seeds, and inputs that once broke something. `ci/fuzz` looks for new ones.
#![allow(missing_docs, reason = "tests tell what they are by their names")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "a target panics where something does not hold"
)]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

#[path = "fuzz/targets/mod.rs"]
mod targets;

use targets::{PATIENCE, TARGETS};

/// Kept inputs of a target: those that it starts from, and those that it found.
fn kept(target: &str) -> Vec<PathBuf> {
    let mut inputs: Vec<PathBuf> = ["seeds", "found"]
        .iter()
        .filter_map(|folder| fs::read_dir(Path::new("tests/fuzz").join(target).join(folder)).ok())
        .flat_map(|entries| entries.map(|entry| entry.unwrap().path()))
        .collect();
    inputs.sort();
    inputs
}

#[test]
fn what_was_found_stays_mended() {
    // A build without optimisation, beside other tests: what hangs takes minutes.
    PATIENCE.store(60, Ordering::Relaxed);
    let mut broken = Vec::new();
    for (name, target) in TARGETS {
        let inputs = kept(name);
        assert!(inputs.len() >= 5, "{name} has {} seeds", inputs.len());
        for input in inputs {
            let bytes = fs::read(&input).unwrap();
            if catch_unwind(AssertUnwindSafe(|| target(&bytes))).is_err() {
                broken.push(input.display().to_string());
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_folder_of_inputs_belongs_to_a_target() {
    for entry in fs::read_dir("tests/fuzz").unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let known = TARGETS.iter().any(|(target, _)| *target == name);
        assert!(known || ["targets", "catalog"].contains(&name.as_str()), "tests/fuzz/{name}");
    }
}
