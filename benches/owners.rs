//! Measures CODEOWNERS: reading 1,000 rules, then the owners of 10,000 paths, beside the npm package. It asserts no time.
//!
//! `cargo bench --bench owners [-- PATHS RULES]`; prints medians of ten rounds in milliseconds. `PEERS` names the folder
//! that `ci/bench` installed the peer in; it is left out where that is not set.
#![allow(missing_docs, reason = "a program")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use trueline::owners::Owners;

const ROUNDS: usize = 10;

fn main() -> Result<()> {
    let mut counts = std::env::args().skip(1).filter_map(|word| word.parse().ok());
    let (paths, rules) = (counts.next().unwrap_or(10_000), counts.next().unwrap_or(1_000));
    let (file, paths) = (file(rules), paths_of(paths));
    let (mut reading, mut asking) = (Vec::new(), Vec::new());
    let mut answers: Vec<Vec<String>> = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let owners = Owners::read("CODEOWNERS", file.as_bytes());
        reading.push(started.elapsed());
        ensure!(owners.lines.len() == rules, "{:?}", owners.findings.first());
        let started = Instant::now();
        let owned: Vec<_> = paths.iter().map(|path| owners.owners_of(path)).collect();
        asking.push(started.elapsed());
        answers =
            owned.iter().map(|names| names.iter().map(ToString::to_string).collect()).collect();
    }
    let owned = answers.iter().filter(|names| !names.is_empty()).count();
    println!("job: owners, {} paths × {rules} rules, {owned} owned", paths.len());
    let (read, ask) = (median(reading), median(asking));
    println!("  read the file: {read:.2} ms");
    println!("  find the owners of all paths: {ask:.2} ms");
    match std::env::var("PEERS") {
        Ok(peers) => beside_npm(Path::new(&peers), (&file, &paths), (&answers, read + ask)),
        Err(_) => Ok(()),
    }
}

/// Asks the npm package `codeowners` for the same, once.
fn beside_npm(
    peers: &Path,
    (file, paths): (&str, &[String]),
    (answers, own): (&[Vec<String>], f64),
) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let list = folder.path().join("paths");
    fs::write(folder.path().join("CODEOWNERS"), file)?;
    fs::write(&list, paths.join("\n") + "\n")?;
    let driver = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/owners.mjs");
    let output = Command::new("node")
        .arg(driver)
        .args([folder.path(), &list])
        .env("PEERS", peers)
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let time = |name: &str| said.get(name).and_then(serde_json::Value::as_f64).context("a time");
    let (read, ask) = (time("read")?, time("ask")?);
    let theirs: Vec<Vec<String>> =
        serde_json::from_value(said.get("answers").cloned().unwrap_or_default())?;
    ensure!(theirs.len() == answers.len(), "{} answers", theirs.len());
    let different = paths.iter().zip(answers.iter().zip(&theirs));
    let different: Vec<_> = different.filter(|(_, (own, their))| own != their).collect();
    for (path, (own, their)) in different.iter().take(3) {
        println!("  different: {path}: {own:?}, and the peer says {their:?}");
    }
    println!("  peer: npm codeowners: read {read:.1} ms, find {ask:.0} ms (n 1)");
    println!("  the same answer for {} of {} paths", paths.len() - different.len(), paths.len());
    println!("  {:.0} times as fast, reading included", (read + ask) / own);
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
