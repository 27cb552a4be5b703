//! Measures how runs are carried out, against the disk and against the peers that people would use instead.
//!
//! `cargo bench --bench runs -- JOB` (`runs`, `beside`, `soak MINUTES`); `PEERS` names the folder of the peers, which `ci/bench`
//! installs. Prints medians and ratios; asserts no time.
#![allow(missing_docs, reason = "a program")]

mod engine;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use engine::{Wanted, counterpart, drive, driver, number_of, putting_item, silent_item};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};
use trueline::engine::Driver;

/// The one of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TEAMS: usize = 100;
/// What a sync takes on a disk that commits 250 to 300 times a second.
const SLOW_SYNC_MS: u64 = 3;
/// Runs a second, of three steps.
const SOAK: u64 = 50;

fn main() -> Result<()> {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match words.first().map(String::as_str) {
            None | Some("runs") => runs().await,
            Some("beside") => beside().await,
            Some("soak") => soak(words.get(1).map_or(Ok(10), |text| text.parse())?).await,
            Some(other) => anyhow::bail!("there is no job `{other}`: runs, beside, soak"),
        }
    })
}

/// A folder on the disk that the build is on: another one may be memory.
fn folder() -> Result<tempfile::TempDir> {
    let beside = std::env::current_exe()?;
    Ok(tempfile::tempdir_in(beside.parent().context("a folder")?)?)
}

async fn runs() -> Result<()> {
    println!("job: runs, three steps each");
    beside().await?;
    on_a_slow_disk()?;
    idle(50).await?;
    in_flight(1_000).await?;
    queued(100_000).await?;
    restart(10_000, 500).await
}

/// Runs a second, beside the floor and the peers.
async fn beside() -> Result<()> {
    let floor = floor(Duration::from_secs(4)).await?;
    let ours = throughput(4_000).await?;
    println!("  durable steps a second: {:.0}, {:.1} × the floor", ours * 3.0, ours * 3.0 / floor);
    let mut best = 0.0_f64;
    for (name, command) in peers()? {
        match asked(command) {
            Ok((runs, gap)) => {
                println!("  peer: {name}: {runs:.0} runs a second, step to step {gap:.2} ms");
                best = best.max(runs);
            }
            Err(why) => println!("  peer: {name} did not run: {why:#}"),
        }
    }
    if best > 0.0 {
        println!("  runs a second, against the better peer: {:.2} ×", ours / best);
    }
    Ok(())
}

/// The same where each sync takes longer, as on the disks that most machines rent: for this process and the peers alike.
fn on_a_slow_disk() -> Result<()> {
    println!("  each sync made to take {SLOW_SYNC_MS} ms longer, for all of them (strace):");
    let done = Command::new("strace")
        .args(["-f", "--seccomp-bpf", "-qqq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"])
        .arg("-e")
        .arg(format!("inject=fsync,fdatasync:delay_exit={}", SLOW_SYNC_MS * 1000))
        .arg(std::env::current_exe()?)
        .arg("beside")
        .stderr(Stdio::null())
        .status();
    match done {
        Ok(done) => ensure!(done.success(), "on a slow disk: {done}"),
        Err(why) => println!("  strace did not run: {why}"),
    }
    Ok(())
}

/// Commits a second of one small row each, with full sync: what the disk gives to who does not gather.
async fn floor(lasting: Duration) -> Result<f64> {
    let folder = folder()?;
    let mut database = SqliteConnectOptions::new()
        .filename(folder.path().join("floor.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .connect()
        .await?;
    sqlx::query("CREATE TABLE steps (id INTEGER PRIMARY KEY, event TEXT)")
        .execute(&mut database)
        .await?;
    let (began, mut commits) = (Instant::now(), 0_u32);
    while began.elapsed() < lasting {
        sqlx::query("INSERT INTO steps (event) VALUES ('started')").execute(&mut database).await?;
        commits += 1;
    }
    let a_second = f64::from(commits) / began.elapsed().as_secs_f64();
    database.close().await?;
    println!("  floor: single durable commits a second: {a_second:.0}");
    Ok(a_second)
}

fn is_over(driver: &Driver) -> bool {
    driver.memory.runs.is_empty()
}

#[expect(clippy::cast_precision_loss, reason = "some thousands")]
async fn throughput(runs: usize) -> Result<f64> {
    let folder = folder()?;
    let (api, _) = counterpart().await?;
    let wanted = Wanted::of(folder.path(), &silent_item(), api)?;
    let mut best = 0.0_f64;
    for round in 0..3 {
        let first = round * runs;
        let plan = wanted.plan(first..first + runs, |number| number % TEAMS)?;
        let state = folder.path().join(format!("round{round}"));
        std::fs::create_dir_all(&state)?;
        let mut driver = driver(&state, 1_000).await?;
        let began = Instant::now();
        driver.start(&plan).await?;
        let created = began.elapsed();
        drive(&mut driver, &wanted.catalog, is_over).await?;
        let taken = began.elapsed();
        ensure!(driver.memory.stalled.is_empty(), "some failed: {:?}", driver.memory.stalled);
        let a_second = runs as f64 / taken.as_secs_f64();
        println!(
            "  trueline: {runs} runs: {a_second:.0} a second (recording them took {:.0} ms of {:.0} ms)",
            ms(created),
            ms(taken)
        );
        best = best.max(a_second);
    }
    Ok(best)
}

/// From the answer of one step to the request of the next, while nothing else is under way.
async fn idle(runs: usize) -> Result<()> {
    let folder = folder()?;
    let (api, seen) = counterpart().await?;
    let wanted = Wanted::of(folder.path(), &putting_item(), api)?;
    let mut driver = driver(folder.path(), 16).await?;
    for number in 0..runs {
        driver.start(&wanted.plan(number..=number, |_| 0)?).await?;
        drive(&mut driver, &wanted.catalog, is_over).await?;
    }
    let asked = seen.asked();
    ensure!(asked.len() == 3 * runs, "{} requests", asked.len());
    let pairs = asked.windows(2).enumerate().filter(|(place, _)| place % 3 != 2);
    let gaps: Vec<Duration> = pairs
        .filter_map(|(_, pair)| match pair {
            [(_, _, Some(answered)), (_, came, _)] => Some(came.duration_since(*answered)),
            _ => None,
        })
        .collect();
    show("step to step when idle, over HTTP", gaps);
    Ok(())
}

/// As many runs at once as said, whose steps take a while.
async fn in_flight(runs: usize) -> Result<()> {
    let folder = folder()?;
    let (api, seen) = counterpart().await?;
    seen.delay_ms.store(2_000, Ordering::SeqCst);
    let wanted = Wanted::of(folder.path(), &putting_item(), api)?;
    let mut driver = driver(folder.path(), runs).await?;
    let began = Instant::now();
    driver.start(&wanted.plan(0..runs, |number| number % TEAMS)?).await?;
    drive(&mut driver, &wanted.catalog, is_over).await?;
    ensure!(driver.memory.stalled.is_empty(), "some failed: {:?}", driver.memory.stalled);
    println!(
        "  {runs} runs of three steps of 2 s: {:.1} s, at most {} steps in effect at once",
        began.elapsed().as_secs_f64(),
        seen.most.load(Ordering::SeqCst)
    );
    Ok(())
}

/// Dispatching from a long queue, half of which is one team's, and of which a tenth comes after another service.
async fn queued(runs: usize) -> Result<()> {
    const STARTS: usize = 4_000;
    let folder = folder()?;
    let (api, seen) = counterpart().await?;
    seen.delay_ms.store(20, Ordering::SeqCst);
    let wanted = Wanted::of(folder.path(), &putting_item(), api)?;
    let mut driver = driver(folder.path(), 64).await?;
    let team = |number: usize| if number.is_multiple_of(2) { 0 } else { number / 2 % TEAMS };
    let began = Instant::now();
    for first in (0..runs).step_by(10_000) {
        let mut plan = wanted.plan(first..first + 10_000, team)?;
        for (place, change) in plan.changes.iter_mut().enumerate().filter(|(at, _)| at % 10 == 9) {
            change.after = vec![engine::service(first + place - 9)];
        }
        driver.start(&plan).await?;
    }
    println!("  {runs} runs were queued in {:.1} s", began.elapsed().as_secs_f64());
    let is_done = |_: &Driver| seen.asked().len() >= STARTS;
    let began = Instant::now();
    let rounds = drive(&mut driver, &wanted.catalog, is_done).await?;
    println!(
        "  {STARTS} steps of them in {:.1} s, {} runs still queued",
        began.elapsed().as_secs_f64(),
        driver.memory.runs.len()
    );
    show("dispatch, from the end of a step to the next that starts", rounds);
    let mut starts: Vec<Vec<Instant>> = vec![Vec::new(); TEAMS];
    for (path, came, _) in seen.asked().iter().filter(|(path, ..)| path.ends_with("-one")) {
        if let Some(of_team) = starts.get_mut(team(number_of(path))) {
            of_team.push(*came);
        }
    }
    let mut waits: Vec<f64> = starts.iter().filter_map(|all| mean_gap(all)).collect();
    waits.sort_by(f64::total_cmp);
    let at = |place: usize| waits.get(place).copied().unwrap_or_default();
    println!(
        "  teams: {} with a turn; between two turns {:.0} ms in the middle, {:.0} ms at most, {:.2} × the middle",
        waits.len(),
        at(waits.len() / 2),
        at(waits.len() - 1),
        at(waits.len() - 1) / at(waits.len() / 2)
    );
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "some thousands")]
fn mean_gap(all: &[Instant]) -> Option<f64> {
    let (first, last) = (all.first()?, all.last()?);
    (all.len() > 1).then(|| ms(last.duration_since(*first)) / (all.len() - 1) as f64)
}

/// From opening the store to the first request: so many runs wait, and some were in effect when the process ended.
async fn restart(open: usize, in_effect: usize) -> Result<()> {
    let folder = folder()?;
    let (api, seen) = counterpart().await?;
    let wanted = Wanted::of(folder.path(), &putting_item(), api)?;
    seen.hangs_from.store(open, Ordering::SeqCst);
    {
        let mut driver = driver(folder.path(), 1_000).await?;
        for first in (0..open).step_by(2_000) {
            driver.start(&wanted.plan(first..first + 2_000, |number| number % TEAMS)?).await?;
            let most = first + 2_000;
            drive(&mut driver, &wanted.catalog, |_| seen.asked().len() >= most).await?;
        }
        let last = open..open + in_effect;
        driver.start(&wanted.plan(last, |number| number % TEAMS)?).await?;
        let all = open + in_effect;
        let is_quiet = |driver: &Driver| {
            let waits = driver.memory.runs.values().filter(|run| run.has_retry()).count();
            seen.asked().len() >= all && waits == open
        };
        drive(&mut driver, &wanted.catalog, is_quiet).await?;
    }
    let before = seen.asked().len();
    let began = Instant::now();
    let mut driver = driver(folder.path(), 1_000).await?;
    let read = began.elapsed();
    let all = |_: &Driver| seen.asked().len() >= before + in_effect;
    drive(&mut driver, &wanted.catalog, all).await?;
    let asked = seen.asked();
    let first = asked.get(before).context("a request")?.1.duration_since(began);
    println!(
        "  restart with {} open runs: {:.2} s to the first step ({:.2} s of it reading), {:.2} s until all {in_effect} that were in effect were taken up",
        open + in_effect,
        first.as_secs_f64(),
        read.as_secs_f64(),
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Runs at a steady pace, and what the process needs meanwhile.
async fn soak(minutes: u64) -> Result<()> {
    let folder = folder()?;
    let (api, seen) = counterpart().await?;
    let wanted = Wanted::of(folder.path(), &putting_item(), api)?;
    let mut driver = driver(folder.path(), 64).await?;
    println!("job: soak, {SOAK} runs of three steps a second, {minutes} minutes");
    let began = Instant::now();
    let (mut started, mut said) = (0, 0);
    while began.elapsed() < Duration::from_secs(60 * minutes) {
        let due = began.elapsed().as_millis().saturating_mul(u128::from(SOAK)) / 1_000;
        let due = usize::try_from(due)?;
        // Always the same services: what grows with their number is not what is looked for.
        let free: Vec<usize> = (started..due).map(|number| number % 5_000).collect();
        driver.start(&wanted.plan(free.into_iter(), |number| number % TEAMS)?).await?;
        started = due;
        let until = Instant::now() + Duration::from_millis(20);
        drive(&mut driver, &wanted.catalog, |_| Instant::now() >= until).await?;
        if began.elapsed().as_secs() / 60 > said || said == 0 {
            said = (began.elapsed().as_secs() / 60).max(1);
            // What the counterpart remembers is not ours.
            seen.asked().clear();
            println!(
                "  after {:>4} s: {started} runs, {} open, {} MiB, {} files open, database {} MiB, its log {} MiB",
                began.elapsed().as_secs(),
                driver.memory.runs.len(),
                memory_kib()? / 1024,
                std::fs::read_dir("/proc/self/fd")?.count(),
                size(&folder.path().join("trueline.db")),
                size(&folder.path().join("trueline.db-wal"))
            );
        }
    }
    ensure!(driver.memory.stalled.is_empty(), "some failed");
    Ok(())
}

fn size(path: &Path) -> u64 {
    path.metadata().map_or(0, |file| file.len() / (1 << 20))
}

fn memory_kib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

/// The peers, as they are started; each prints one line of JSON.
fn peers() -> Result<Vec<(&'static str, Command)>> {
    let Some(peers) = std::env::var_os("PEERS") else { return Ok(Vec::new()) };
    let (peers, scripts) = (Path::new(&peers), Path::new("benches/peers").canonicalize()?);
    let place = folder()?.keep();
    // PostgreSQL runs as a user of its own, who has to get there.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&place, open)?;
    let mut dbos = Command::new(scripts.join("postgres.sh"));
    dbos.arg(place.join("postgres")).arg(peers.join("dbos/bin/python"));
    dbos.arg(scripts.join("runs_dbos.py")).arg("1000");
    let mut restate = Command::new("node");
    restate.arg(scripts.join("runs_restate.mjs")).arg("4000").arg(place.join("restate"));
    Ok(vec![("DBOS on PostgreSQL", dbos), ("Restate's server", restate)])
}

fn asked(mut command: Command) -> Result<(f64, f64)> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().rev().find(|line| line.starts_with('{')).context("it said nothing")?;
    let told: serde_json::Value = serde_json::from_str(line)?;
    let number =
        |name: &str| told.get(name).and_then(serde_json::Value::as_f64).context("a number");
    Ok((number("runs")? / number("seconds")?, number("gap_ms")?))
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Prints median, 99th of a hundred and maximum.
fn show(what: &str, mut taken: Vec<Duration>) {
    taken.sort_unstable();
    let at = |place: usize| ms(taken.get(place).copied().unwrap_or_default());
    let last = taken.len().saturating_sub(1);
    println!(
        "  {what}: p50 {:.1} ms, p99 {:.1} ms, most {:.1} ms (n {})",
        at(taken.len() / 2),
        at(last * 99 / 100),
        at(last),
        taken.len()
    );
}
