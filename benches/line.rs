//! Measures the line against its floor in the same run: a tick in sync, a commit among 100 000 files, memory.
//!
//! `cargo bench --bench line -- JOB` (`tick`, `commit`, `memory`); prints medians with minimum and maximum, and ratios.
//! It asserts no time. `ci/bench` runs each job in a process of its own.
#![allow(missing_docs, reason = "a program")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use git2::{IndexEntry, IndexTime, Oid, Repository, Signature};
use trueline::action::{Egress, EnvironmentSecrets, HttpClient, Ports};
use trueline::clock::Clock as _;
use trueline::daemon::{Daemon, Parts, SystemClock};
use trueline::engine::{Engine, Limits};
use trueline::reconcile::{self, Actual, DesiredBuilder, Facts};
use trueline::source::{Options, Source, changed_paths};
use trueline::store::{LeaseHolder, Sealer, SqliteStore, Store as _, UnitWrite};
use trueline::validate::Judge;

/// The one of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TEAMS: usize = 100;

fn main() -> Result<()> {
    let job = std::env::args().skip(1).find(|word| !word.starts_with("--"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match job.as_deref() {
            None | Some("all") => {
                tick(10_000).await?;
                commit(100_000).await
            }
            Some("tick") => tick(10_000).await,
            Some("commit") => commit(100_000).await,
            Some("memory") => memory(100_000).await,
            Some(other) => anyhow::bail!("there is no job `{other}`: tick, commit, memory"),
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

/// A bare repository with an item, an environment and so many services.
fn catalog(folder: &Path, services: usize) -> Result<Repository> {
    let repository = Repository::init_opts(
        folder.join("catalog.git"),
        git2::RepositoryInitOptions::new().bare(true).initial_head("main"),
    )?;
    let mut index = git2::Index::new()?;
    add(&repository, &mut index, "trueline.yaml", SETTINGS)?;
    add(&repository, &mut index, "catalog/databases/database-postgres.yaml", ITEM)?;
    add(&repository, &mut index, "environments/production.yaml", ENVIRONMENT)?;
    for number in 0..services {
        let team = number % TEAMS;
        let path = format!("services/team-{team:03}/service-{number:06}.yaml");
        add(&repository, &mut index, &path, &service(number, 10 + number % 90))?;
    }
    let tree = index.write_tree_to(&repository)?;
    write_commit(&repository, tree, &[])?;
    // As a real repository is after a push: packed.
    let packed = std::process::Command::new("git")
        .args(["repack", "-a", "-d", "-q", "--window=0"])
        .current_dir(repository.path())
        .status()?;
    ensure!(packed.success(), "git repack failed");
    Ok(repository)
}

fn add(repository: &Repository, index: &mut git2::Index, path: &str, text: &str) -> Result<()> {
    let id = repository.blob(text.as_bytes())?;
    let zero = IndexTime::new(0, 0);
    index.add(&IndexEntry {
        ctime: zero,
        mtime: zero,
        dev: 0,
        ino: 0,
        mode: 0o100_644,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.as_bytes().to_vec(),
    })?;
    Ok(())
}

fn write_commit(repository: &Repository, tree: Oid, parents: &[&git2::Commit<'_>]) -> Result<Oid> {
    let who = Signature::now("Ada", "ada@example.com")?;
    let tree = repository.find_tree(tree)?;
    Ok(repository.commit(Some("refs/heads/main"), &who, &who, "change", &tree, parents)?)
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

async fn daemon(folder: &Path) -> Result<Daemon> {
    let store = Arc::new(SqliteStore::open(&folder.join("trueline.db"), "bench").await?);
    let holder = LeaseHolder {
        pid: std::process::id(),
        host: "bench".to_owned(),
        command: "bench".to_owned(),
    };
    let clock = Arc::new(SystemClock);
    let lease = store.acquire(&holder, clock.now()).await?;
    let engine = Engine {
        catalog: "bench".to_owned(),
        store,
        lease,
        sealer: Sealer::key_at(&folder.join("key"))?,
        ports: Ports {
            http: Arc::new(HttpClient::new(&Egress::default())?),
            state_dir: folder.to_owned(),
            operator: Arc::default(),
            secrets: Arc::new(EnvironmentSecrets),
            stop: trueline::action::Stop::default(),
        },
        clock,
        limits: Limits::default(),
    };
    let location = folder.join("catalog.git").to_string_lossy().into_owned();
    let options = Options { location, state: folder.to_owned(), ..Options::default() };
    Ok(Daemon::new(Parts { engine, source: Source::open(options)? }).await?)
}

/// A daemon over a store that says that everything was carried out.
async fn in_sync(folder: &Path) -> Result<Daemon> {
    let location = folder.join("catalog.git").to_string_lossy().into_owned();
    let options = Options { location, state: folder.to_owned(), ..Options::default() };
    let mut source = Source::open(options)?;
    let head = source.poll()?;
    let snapshot = source.snapshot(&head)?;
    let judged = Judge::new(Vec::new()).judge(&snapshot);
    ensure!(judged.findings.is_empty(), "findings: {:?}", judged.findings.first());
    let catalog = &judged.catalog;
    let desired = DesiredBuilder::default().build(catalog, &judged.misfits, Arc::default());
    let now = SystemClock.now();
    let facts = Facts { catalog: "bench".to_owned(), ..Facts::default() };
    let plan = reconcile::plan(catalog, &desired, &Actual::default(), (&facts, now));
    ensure!(plan.blocked.is_empty(), "blocked: {:?}", plan.blocked.first_key_value());
    let actual = reconcile::carried_out(&plan, now);
    drop((plan, desired, judged, snapshot, source));
    let daemon = daemon(folder).await?;
    let engine = &daemon.driver.engine;
    let writes: Vec<UnitWrite> =
        actual.records.into_values().map(|record| UnitWrite::Put(Box::new(record))).collect();
    for batch in writes.chunks(5_000) {
        engine.store.write_units(&engine.lease, batch).await?;
    }
    let lease = engine.lease.clone();
    engine.store.release(&lease).await?;
    drop(daemon);
    self::daemon(folder).await
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

fn service(number: usize, size: usize) -> String {
    format!(
        "schemaVersion: catalog/v1\nkind: Service\nmetadata:\n  id: service-{number:06}\n  team: team-{:03}\n  environment: production\n  description: A database of the benchmark, number {number}.\n  labels: {{tier: \"1\", cost: shared}}\ncatalogItem: database-postgres\nfields:\n  size: {size}\n  class: medium\n  owner: somebody@example.com\n",
        number % TEAMS
    )
}

const SETTINGS: &str =
    "schemaVersion: catalog/v1\nkind: Catalog\nmetadata: {id: bench, name: Benchmark}\n";

const ENVIRONMENT: &str = "schemaVersion: catalog/v1\nkind: Environment\nmetadata: {id: production, name: Production}\nvariables: {api: \"https://api.example.com\"}\napproval: {required: 1}\n";

const ITEM: &str = r#"schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: database-postgres
  name: PostgreSQL database
  description: A managed database for the benchmark, made by an API and announced in the log.
  version: 1.0.0
  category: databases
  owner: {team: platform, contact: dba@example.com}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: size, name: Size, type: number, required: true, validation: {min: 1, max: 1000, step: 1}}
          - {id: class, name: Class, type: select, enum: [small, medium, large], default: small}
          - {id: owner, name: Owner, type: email, required: true}
          - {id: backups, name: Backups, type: boolean, default: true}
fulfillment:
  strategy: {mode: automatic}
  manual:
    actions:
      - {id: by-hand, type: manual-task, config: {title: Make it, instructions: By hand.}}
  automatic:
    actions:
      - id: provision
        type: rest-api
        config:
          endpoint: {url: "{{environment.api}}/v1/databases/{{service.id}}", method: PUT}
          body: {type: json, contentTemplate: '{"size": {{json fields.size}}, "class": "{{fields.class}}"}'}
          observe: {url: "{{environment.api}}/v1/databases/{{service.id}}"}
          delete: {url: "{{environment.api}}/v1/databases/{{service.id}}"}
        outputs: {host: /host}
      - {id: tell, type: notify, config: {channel: log, message: "{{service.id}} is at {{outputs.provision.host}}"}}
outputs:
  host: {value: "{{outputs.provision.host}}"}
"#;
