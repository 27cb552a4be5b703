//! Measures CODEOWNERS in one process: reading 1,000 rules, then the owners of 10,000 paths. It asserts no time.
//!
//! `cargo bench --bench owners [-- PATHS RULES]`; prints medians of ten rounds in milliseconds.
#![allow(missing_docs, reason = "a program")]

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use trueline::owners::Owners;

const ROUNDS: usize = 10;

fn main() -> Result<()> {
    let mut counts = std::env::args().skip(1).filter_map(|word| word.parse().ok());
    let (paths, rules) = (counts.next().unwrap_or(10_000), counts.next().unwrap_or(1_000));
    let (file, paths) = (file(rules), paths_of(paths));
    let (mut reading, mut asking) = (Vec::new(), Vec::new());
    let mut owned = 0;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let owners = Owners::read("CODEOWNERS", file.as_bytes());
        reading.push(started.elapsed());
        ensure!(owners.lines.len() == rules, "{:?}", owners.findings.first());
        let started = Instant::now();
        owned = paths.iter().filter(|path| !owners.owners_of(path).is_empty()).count();
        asking.push(started.elapsed());
    }
    println!("job: owners, {} paths × {rules} rules, {owned} owned", paths.len());
    println!("  read the file: {:.2} ms", median(reading));
    println!("  find the owners of all paths: {:.2} ms", median(asking));
    Ok(())
}

/// Rules of the kinds that people write: mostly folders, some endings, some names anywhere, some deep ones.
fn file(rules: usize) -> String {
    let rule = |index: usize| match index % 10 {
        _ if index == 0 => "*".to_owned(),
        0 => format!("*.e{index}"),
        1 => format!("/services/*/db-{index}.yaml"),
        2 => format!("**/logs-{index}"),
        3 => format!("tool-{index}/"),
        4 => format!("/services/team-{}/**/*.tf", index % 97),
        5 => format!("/catalog/category-{}/*", index % 89),
        _ => format!("/services/team-{index}/"),
    };
    (0..rules).flat_map(|index| [rule(index), format!(" @acme/team-{index}\n")]).collect()
}

fn paths_of(paths: usize) -> Vec<String> {
    let path = |index: usize| match index % 4 {
        0 => format!("catalog/category-{}/item-{index}.yaml", index % 100),
        1 => format!("services/team-{}/deep/er/main.tf", index % 1_200),
        _ => format!("services/team-{}/service-{index}.yaml", index % 1_200),
    };
    (0..paths).map(path).collect()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
}
