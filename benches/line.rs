//! Measures the line against its floor in the same run: a tick in sync, a commit among 100 000 files, a review, memory.
//!
//! `cargo bench --bench line -- JOB` (`tick`, `commit`, `review`, `memory`); prints medians with minimum and maximum, and ratios.
//! It asserts no time. `ci/bench` runs each job in a process of its own.
#![allow(missing_docs, reason = "a program")]

mod in_sync;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use git2::{Oid, Repository};
use trueline::clock::Clock as _;
use trueline::daemon::SystemClock;
use trueline::daemon::review::Reviewer;
use trueline::engine::Memory;
use trueline::forge::{Asked, ForgeWrite as _, LocalForge, NewProposal};
use trueline::source::{Options, Source, changed_paths};

use self::in_sync::{catalog, daemon, in_sync, service, write_commit};

/// The one of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let job = std::env::args().skip(1).find(|word| !word.starts_with("--"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match job.as_deref() {
            None | Some("all") => {
                Box::pin(tick(10_000)).await?;
                Box::pin(commit(100_000)).await?;
                Box::pin(review(10_000)).await
            }
            Some("tick") => Box::pin(tick(10_000)).await,
            Some("commit") => Box::pin(commit(100_000)).await,
            Some("review") => Box::pin(review(10_000)).await,
            Some("memory") => Box::pin(memory(100_000)).await,
            Some(other) => anyhow::bail!("there is no job `{other}`: tick, commit, review, memory"),
        }
    })
}

/// A tick over a catalog in sync, nothing changed since the last one; the floor reads the head's tree.
async fn tick(services: usize) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let repository = catalog(folder.path(), services)?;
    let mut daemon = in_sync(folder.path()).await?;
    daemon.tick().await?;
    ensure!(daemon.plan.as_ref().is_some_and(trueline::reconcile::Plan::is_empty), "not in sync");
    let mut ticks = Vec::new();
    for _ in 0..50 {
        let started = Instant::now();
        daemon.tick().await?;
        ticks.push(started.elapsed());
    }
    let floor = repeat(20, || {
        let tree = repository.head()?.peel_to_commit()?.tree()?;
        let mut entries = 0_usize;
        tree.walk(git2::TreeWalkMode::PreOrder, |_, _| {
            entries += 1;
            git2::TreeWalkResult::Ok
        })?;
        ensure!(entries > services, "the tree has {entries} entries");
        Ok(())
    })?;
    println!("job: tick, {services} services in sync, nothing changed");
    let tick = show("tick", ticks);
    let floor = show("floor: walk of the head's tree", floor);
    println!("  ratio tick / floor: {:.2}", tick.as_secs_f64() / floor.as_secs_f64());
    Ok(())
}

/// From a commit that changes one file to its plan; the floor is comparing the two trees, the peer `git diff`.
async fn commit(services: usize) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let repository = catalog(folder.path(), services)?;
    let mut daemon = in_sync(folder.path()).await?;
    daemon.tick().await?;
    let (mut ticks, mut trees, mut diffs) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..7 {
        let before = repository.head()?.peel_to_commit()?.id();
        let after = change_one(&repository, round)?;
        let started = Instant::now();
        daemon.tick().await?;
        ticks.push(started.elapsed());
        let plan = daemon.plan.as_ref().context("a plan")?;
        ensure!(plan.changes.len() == round + 1, "{} changes in round {round}", plan.changes.len());
        let started = Instant::now();
        ensure!(changed_paths(&repository, &before.to_string(), &after.to_string())?.len() == 1);
        trees.push(started.elapsed());
        let started = Instant::now();
        let output = std::process::Command::new("git")
            .args(["diff", "--name-only", &before.to_string(), &after.to_string()])
            .current_dir(folder.path().join("catalog.git"))
            .output()?;
        ensure!(output.status.success());
        diffs.push(started.elapsed());
    }
    println!("job: commit, one changed file among {services}, from the commit to its plan");
    let tick = show("commit to plan", ticks);
    let tree = show("floor: comparing the two trees", trees);
    let diff = show("peer: git diff --name-only", diffs);
    println!("  ratio to the floor: {:.1}", tick.as_secs_f64() / tree.as_secs_f64());
    println!("  ratio to git diff: {:.1}", tick.as_secs_f64() / diff.as_secs_f64());
    Ok(())
}

/// From a push that changes ten services to their review, all of it written down; the peer merges the two commits.
async fn review(services: usize) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let repository = catalog(folder.path(), services)?;
    let mut daemon = in_sync(folder.path()).await?;
    daemon.tick().await?;
    let path = folder.path().join("catalog.git").to_string_lossy().into_owned();
    let forge = Arc::new(LocalForge::open_at(&path)?);
    let state = folder.path().to_owned();
    let source = Source::open(Options { location: path.clone(), state, ..Options::default() })?;
    let engine = daemon.driver.engine.clone();
    let mut reviewer = Reviewer::new(engine, source, forge.clone()).context("proposals")?;
    let (mut looks, mut merges, mut reads) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..7 {
        let branch = format!("topic-{round}");
        change_ten(&repository, &branch, round)?;
        let new = NewProposal {
            title: branch.clone(),
            body: String::new(),
            author: "bob".to_owned(),
            source_branch: branch.clone(),
            base_branch: "main".to_owned(),
            marker: branch.clone(),
            at: SystemClock.now(),
            asked: Asked::default(),
        };
        let number = forge.open(new).await?.number;
        let started = Instant::now();
        let passed = reviewer.pass().await?;
        looks.push(started.elapsed());
        ensure!(passed.reviewed == 1 && passed.failed == 0, "{passed:?} in round {round}");
        forge.close(number, "bob", SystemClock.now()).await?;
        let started = Instant::now();
        let memory = Memory::load(&*daemon.driver.engine.store).await?;
        reads.push(started.elapsed());
        ensure!(memory.rows.len() == services, "{} units", memory.rows.len());
        let started = Instant::now();
        let merged = std::process::Command::new("git")
            .args(["merge-tree", "--write-tree", "main", &branch])
            .current_dir(&path)
            .output()?;
        ensure!(merged.status.success());
        merges.push(started.elapsed());
    }
    println!("job: review, ten changed services among {services}, from the push to what is shown");
    let first = looks.remove(0);
    println!("  the first one of a process: {:.0} ms", first.as_secs_f64() * 1000.0);
    let look = show("each further one", looks);
    show("of that, reading what is recorded of all units", reads);
    let merge = show("peer: git merge-tree, which shows nothing", merges);
    println!("  ratio to git merge-tree: {:.1}", look.as_secs_f64() / merge.as_secs_f64());
    Ok(())
}

/// Changes ten services on a branch.
fn change_ten(repository: &Repository, branch: &str, round: usize) -> Result<()> {
    let parent = repository.head()?.peel_to_commit()?;
    let mut update = git2::build::TreeUpdateBuilder::new();
    for number in (0..10).map(|number| round * 10 + number) {
        let path = format!("services/team-{:03}/service-{number:06}.yaml", number % 100);
        let blob = repository.blob(service(number, 500).as_bytes())?;
        update.upsert(path, blob, git2::FileMode::Blob);
    }
    let tree = update.create_updated(repository, &parent.tree()?)?;
    let who = git2::Signature::now("Bob", "bob@example.com")?;
    let tree = repository.find_tree(tree)?;
    let name = format!("refs/heads/{branch}");
    repository.commit(Some(&name), &who, &who, "ten", &tree, &[&parent])?;
    Ok(())
}

/// The peak of a process that took up a catalog in sync and ticked; the floor is the bytes of its documents.
async fn memory(services: usize) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let catalog = folder.path().join("catalog.git");
    if std::env::var_os("TRUELINE_BENCH_CHILD").is_none() {
        catalog_and_store(folder.path(), services).await?;
        let status = std::process::Command::new(std::env::current_exe()?)
            .arg("memory")
            .env("TRUELINE_BENCH_CHILD", folder.path())
            .status()?;
        ensure!(status.success(), "the child failed");
        return Ok(());
    }
    drop(catalog);
    let folder = std::env::var("TRUELINE_BENCH_CHILD")?;
    let mut daemon = daemon(Path::new(&folder)).await?;
    daemon.tick().await?;
    ensure!(daemon.plan.as_ref().is_some_and(trueline::reconcile::Plan::is_empty), "not in sync");
    daemon.tick().await?;
    let bytes: usize = daemon
        .catalog
        .documents
        .values()
        .map(|document| usize::try_from(document.bytes.size()).unwrap_or(0))
        .sum();
    let peak = peak_kib()?;
    println!("job: memory, {services} services in sync");
    println!("  peak of the process: {} MiB", peak / 1024);
    println!("  floor: bytes of the documents: {} MiB", bytes / (1 << 20));
    Ok(())
}

async fn catalog_and_store(folder: &Path, services: usize) -> Result<()> {
    catalog(folder, services)?;
    let daemon = in_sync(folder).await?;
    let engine = &daemon.driver.engine;
    engine.store.release(&engine.lease).await?;
    Ok(())
}

fn peak_kib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

fn change_one(repository: &Repository, round: usize) -> Result<Oid> {
    let parent = repository.head()?.peel_to_commit()?;
    let path = format!("services/team-{round:03}/service-{round:06}.yaml");
    let blob = repository.blob(service(round, 500).as_bytes())?;
    let mut update = git2::build::TreeUpdateBuilder::new();
    let tree = update
        .upsert(path, blob, git2::FileMode::Blob)
        .create_updated(repository, &parent.tree()?)?;
    write_commit(repository, tree, &[&parent])
}

fn repeat(times: usize, mut work: impl FnMut() -> Result<()>) -> Result<Vec<Duration>> {
    let mut taken = Vec::new();
    for _ in 0..times {
        let started = Instant::now();
        work()?;
        taken.push(started.elapsed());
    }
    Ok(taken)
}

/// Prints median, minimum and maximum; returns the median.
fn show(what: &str, mut taken: Vec<Duration>) -> Duration {
    taken.sort_unstable();
    let at = |index: usize| taken.get(index).copied().unwrap_or_default();
    let median = at(taken.len() / 2);
    let ms = |duration: Duration| duration.as_secs_f64() * 1000.0;
    let (least, most) = (at(0), at(taken.len().saturating_sub(1)));
    println!(
        "  {what}: {:.2} ms (min {:.2}, max {:.2}, n {})",
        ms(median),
        ms(least),
        ms(most),
        taken.len()
    );
    median
}
