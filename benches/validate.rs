//! Measures `trueline validate` from cold start to exit, beside the peers that ask less, in one run. It asserts no time.
//!
//! `cargo bench --bench validate -- JOB [DOCUMENTS]` (`validate`, `large`, `generate FOLDER DOCUMENTS`); `PEERS` names the
//! folder that `ci/bench` installed the peers in.
#![allow(missing_docs, reason = "a program")]

mod generate;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

const SEED: u64 = 20_261_121;
const TRUELINE: &str = env!("CARGO_BIN_EXE_trueline");

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["generate", folder, documents] => {
            generate::catalog(Path::new(folder), documents.parse()?, SEED)
        }
        [] | ["validate"] => validate(10_000),
        ["validate", documents] => validate(documents.parse()?),
        ["large"] => large(100_000),
        ["large", documents] => large(documents.parse()?),
        other => bail!("there is no job {other:?}: validate, large, generate"),
    }
}

/// All rules from a cold start, and with a cache after one change, beside ajv and check-jsonschema.
fn validate(documents: usize) -> Result<()> {
    let folder = made(documents)?;
    let catalog = &folder.path().join("catalog");
    let peers = PathBuf::from(std::env::var("PEERS").context("`ci/bench` names PEERS")?);
    let schemas = &folder.path().join("schemas");
    ensure!(trueline(&["schema", "--out"]).arg(schemas).status()?.success(), "schemas");
    println!("job: validate, {documents} documents, {} MiB", bytes_below(catalog)? >> 20);

    let floor = repeat(7, |_| {
        let started = Instant::now();
        ensure!(bytes_below(catalog)? > 0);
        Ok(started.elapsed())
    })?;
    show("floor: reading the files, one after another", floor);
    let cold = repeat(7, |_| timed(trueline(&["validate", "--no-cache"]).arg(catalog)))?;
    let cold = show("trueline, all rules, no cache", cold);
    timed(trueline(&["validate"]).arg(catalog))?;
    let warm = repeat(7, |round| {
        change(catalog, round)?;
        timed(trueline(&["validate"]).arg(catalog))
    })?;
    let warm = show("trueline, all rules, cache, one file changed", warm);

    let driver = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/ajv.mjs");
    let ajv = repeat(5, |_| {
        timed(Command::new("node").arg(driver).args([schemas, catalog]).env("PEERS", &peers))
    })?;
    let ajv = show("peer: js-yaml and ajv, schemas alone", ajv);
    let named = &folder.path().join("named");
    named_schemas(schemas, named)?;
    let cli = repeat(3, |_| ajv_cli(&peers, named, catalog))?;
    let cli = show("peer: ajv-cli, schemas alone, one process for each kind", cli);
    let check = repeat(1, |_| check_jsonschema(&peers, schemas, catalog))?;
    let check = show("peer: check-jsonschema, schemas alone, one process for each kind", check);
    let ratio = |what: &str, peer: Duration, own: Duration| {
        println!("  {what}: {:.1} times as fast", peer.as_secs_f64() / own.as_secs_f64());
    };
    ratio("no cache, against ajv-cli", cli, cold);
    ratio("no cache, against js-yaml and ajv in one process", ajv, cold);
    ratio("no cache, against check-jsonschema", check, cold);
    ratio("one file changed, against no cache", cold, warm);
    ratio("one file changed, against ajv-cli", cli, warm);
    ratio("one file changed, against js-yaml and ajv", ajv, warm);
    Ok(())
}

/// Time and memory with many documents.
fn large(documents: usize) -> Result<()> {
    let folder = made(documents)?;
    let catalog = &folder.path().join("catalog");
    println!("job: large, {documents} documents, {} MiB", bytes_below(catalog)? >> 20);
    let runs = [
        ("no cache", &["validate", "--no-cache"][..]),
        ("first with a cache", &["validate"][..]),
        ("one file changed", &["validate"][..]),
    ];
    for (round, (what, flags)) in runs.into_iter().enumerate() {
        change(catalog, round)?;
        let started = Instant::now();
        let peak = peak_kib(trueline(flags).arg(catalog))?;
        let taken = started.elapsed().as_secs_f64();
        println!("  {what}: {taken:.2} s, peak of the process {} MiB", peak >> 10);
    }
    Ok(())
}

/// Makes a catalog in a repository of its own.
fn made(documents: usize) -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    let catalog = folder.path().join("catalog");
    generate::catalog(&catalog, documents, SEED)?;
    let status = Command::new("git").args(["init", "--quiet"]).arg(&catalog).status()?;
    ensure!(status.success(), "git init failed");
    Ok(folder)
}

/// What there is in a catalog, and by which schema.
const PARTS: [(&str, &str); 5] = [
    ("trueline.yaml", "catalog.json"),
    ("environments", "environment.json"),
    ("bundles", "catalog-bundle.json"),
    ("catalog", "catalog-item.json"),
    ("services", "service.json"),
];

/// Lets each schema name itself, without which ajv-cli does not find the one that the others refer to.
fn named_schemas(schemas: &Path, named: &Path) -> Result<()> {
    fs::create_dir(named)?;
    for file in files_below(schemas)? {
        let mut schema: serde_json::Value = serde_json::from_slice(&fs::read(&file)?)?;
        let name = file.file_name().context("a name")?.to_string_lossy().into_owned();
        schema.as_object_mut().context("a schema")?.insert("$id".to_owned(), name.clone().into());
        fs::write(named.join(name), serde_json::to_vec(&schema)?)?;
    }
    Ok(())
}

/// Runs it once for each kind, as its users do. It reads unquoted dates as moments, and so calls some documents wrong.
fn ajv_cli(peers: &Path, schemas: &Path, catalog: &Path) -> Result<Duration> {
    let mut taken = Duration::ZERO;
    for (part, schema) in PARTS {
        let path = catalog.join(part);
        let data = if path.is_dir() { path.join("**/*.yaml") } else { path };
        let mut command = Command::new(peers.join("node_modules/.bin/ajv"));
        command.current_dir(schemas).args(["validate", "--spec=draft2020", "--strict=false"]);
        command.args(["-c", "ajv-formats", "-r", "common.json", "-s", schema, "-d"]).arg(data);
        let started = Instant::now();
        let output = command.stdin(Stdio::null()).output()?;
        taken += started.elapsed();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).matches(".yaml ").count();
        ensure!(said == files_below(&catalog.join(part))?.len(), "{command:?} ended early");
    }
    Ok(taken)
}

/// Runs it once for each kind, as its users do.
fn check_jsonschema(peers: &Path, schemas: &Path, catalog: &Path) -> Result<Duration> {
    let mut taken = Duration::ZERO;
    for (part, schema) in PARTS {
        let mut command = Command::new(peers.join("venv/bin/check-jsonschema"));
        command
            .arg("--schemafile")
            .arg(schemas.join(schema))
            .args(files_below(&catalog.join(part))?);
        taken += timed(&mut command)?;
    }
    Ok(taken)
}

/// Changes one value of one service.
fn change(catalog: &Path, round: usize) -> Result<()> {
    let file = catalog.join(generate::service_path(17 + 50 * round));
    let text = fs::read_to_string(&file)?;
    let changed =
        text.replace("  labels:\n", &format!("  labels:\n    round{round}: \"{round}\"\n"));
    ensure!(changed != text, "nothing to change in {}", file.display());
    Ok(fs::write(file, changed)?)
}

fn trueline(arguments: &[&str]) -> Command {
    let mut command = Command::new(TRUELINE);
    command.args(arguments).env_remove("TRUELINE_CATALOG");
    command
}

/// Takes the time of a process that finds nothing wrong.
fn timed(command: &mut Command) -> Result<Duration> {
    let started = Instant::now();
    let output = command.stdin(Stdio::null()).output()?;
    let taken = started.elapsed();
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "{command:?} failed: {}",
        said.chars().take(2_000).collect::<String>()
    );
    Ok(taken)
}

/// Returns the peak of a process, as the kernel counts it: looked at until the process ends.
fn peak_kib(command: &mut Command) -> Result<u64> {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let path = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait()?.is_none() {
        let status = fs::read_to_string(&path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok());
        peak = peak.max(now.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
    }
    ensure!(child.wait()?.success(), "{command:?} failed");
    Ok(peak)
}

fn files_below(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        if !path.ends_with(".git") {
            files.extend(files_below(&path)?);
        }
    }
    Ok(files)
}

fn bytes_below(path: &Path) -> Result<usize> {
    files_below(path)?.iter().map(|file| Ok(fs::read(file)?.len())).sum()
}

fn repeat(times: usize, mut work: impl FnMut(usize) -> Result<Duration>) -> Result<Vec<Duration>> {
    (0..times).map(&mut work).collect()
}

/// Prints median, minimum and maximum; returns the median.
fn show(what: &str, mut taken: Vec<Duration>) -> Duration {
    taken.sort_unstable();
    let at = |index: usize| taken.get(index).copied().unwrap_or_default();
    let ms = |index: usize| at(index).as_secs_f64() * 1000.0;
    let (middle, last) = (taken.len() / 2, taken.len().saturating_sub(1));
    println!(
        "  {what}: {:.0} ms (min {:.0}, max {:.0}, n {})",
        ms(middle),
        ms(0),
        ms(last),
        taken.len()
    );
    at(middle)
}
