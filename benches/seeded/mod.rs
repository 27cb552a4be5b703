//! A catalog in sync with many runs behind it, and processes that answer over HTTP: the program itself, and others.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use trueline::clock::Clock as _;
use trueline::daemon::SystemClock;
use trueline::id::RunId;
use trueline::run::{Event, Run, RunEvent, StepEvent};

use super::in_sync;

/// Name and password of who asks.
pub(crate) const USER: (&str, &str) = ("bench", "correct horse battery staple");

/// Writes changes and runs as the first one stands: its service, its team and its number are other ones.
const COPIES: [&str; 4] = [
    "INSERT INTO changes (catalog, content, body)
     WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < $1)
     SELECT catalog, substr(content, 1, length(content) - 8) || printf('%08x', n),
            replace(replace(body, 'service-000000', printf('service-%06d', n)),
                    'team-000', printf('team-%03d', n % 100))
     FROM numbers, changes WHERE content = (SELECT content FROM runs WHERE id = 'run-0000000') AND $2 > 0",
    "INSERT INTO runs (catalog, id, seq, service, kind, state, digest, content, effect, revision, created_at,
                       updated_at, why, team, item)
     WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < $2)
     SELECT catalog, printf('run-%07d', n), seq + n, printf('service-%06d', n % $1), kind, state, digest,
            CASE n % $1 WHEN 0 THEN content
            ELSE substr(content, 1, length(content) - 8) || printf('%08x', n % $1) END,
            effect, revision, created_at + n, updated_at + n, why, printf('team-%03d', n % $1 % 100), item
     FROM numbers, runs WHERE id = 'run-0000000'",
    "INSERT INTO journal (catalog, run, seq, at, event)
     SELECT journal.catalog, runs.id, journal.seq, journal.at, journal.event
     FROM runs JOIN journal ON journal.run = 'run-0000000'
     WHERE runs.id <> 'run-0000000' AND $2 <= 200000 AND $1 > 0",
    // What was done and how it went is counted from the chain, over the last thirty days; nobody verifies this one.
    "INSERT INTO audit (catalog, seq, at, actor, what, detail, previous, hash)
     SELECT runs.catalog, (SELECT max(seq) FROM audit) + row_number() OVER (ORDER BY runs.seq),
            runs.updated_at - 86400000 * (runs.seq % 30), 'trueline', 'run.succeeded',
            json_object('run', runs.id, 'service', runs.service), last.hash, last.hash
     FROM runs, (SELECT hash FROM audit WHERE seq = 1) last WHERE runs.id <> 'run-0000000' AND $1 > 0 AND $2 > 0",
];

/// Makes a catalog of so many services in sync, with so many runs that ended; journals where there are not too many.
pub(crate) async fn seed(folder: &Path, services: usize, runs: usize) -> Result<()> {
    in_sync::catalog(folder, services)?;
    let daemon = in_sync::in_sync(folder).await?;
    let engine = &daemon.driver.engine;
    let plan = in_sync::planned(folder)?;
    let change = plan.change("service-000000").context("a change")?.clone();
    let now = SystemClock.now();
    let id = RunId("run-0000000".to_owned());
    let mut run = Run::new(id, Arc::new(change), 1, plan.commit.clone(), now);
    engine.store.create_run(&engine.lease, &run, &[]).await?;
    let mut events = vec![Event::Run { event: RunEvent::Started }];
    let steps: Vec<_> = run.steps.keys().cloned().collect();
    for (number, path) in steps.into_iter().enumerate() {
        let (key, sent) = (format!("trueline-bench-{number}"), run.change.digest);
        let done = StepEvent::Succeeded {
            result: serde_json::json!({"status": 200, "host": "db.example.com"}),
            outputs: serde_json::Map::new(),
        };
        for event in [StepEvent::Ready, StepEvent::Started { attempt: 1, key, sent }, done] {
            events.push(Event::Step { path: path.clone(), event });
        }
    }
    events.push(Event::Run { event: RunEvent::Succeeded });
    for event in &events {
        run.apply(event).context("a run goes on")?;
    }
    let events: Vec<_> = events.into_iter().map(|event| (now, event)).collect();
    engine.store.append(&engine.lease, &run, &events, &[]).await?;
    engine.store.release(&engine.lease).await?;
    drop(daemon);
    let mut database =
        SqliteConnectOptions::new().filename(folder.join("trueline.db")).connect().await?;
    for statement in COPIES {
        let copied =
            sqlx::query(statement).bind(i64::try_from(services)?).bind(i64::try_from(runs)?);
        copied.execute(&mut database).await.context(statement)?;
    }
    database.close().await?;
    std::fs::write(
        folder.join("trueline.toml"),
        format!(
            "[[catalog]]\nname = \"bench\"\nurl = \"{}\"\n[server]\nrequestsPerSecond = 1000000\n",
            folder.join("catalog.git").display()
        ),
    )?;
    Ok(())
}

/// A process that answers; it ends with this value.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    process: Child,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Served {
    /// Starts a process, which says in its errors where it answers: `http://ADDRESS`.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let mut process = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(process.stderr.take().context("errors")?).lines();
        let mut said = String::new();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let found = line.split("http://").nth(1).and_then(|rest| {
                rest.split([' ', '/', ')']).next().and_then(|text| text.parse().ok())
            });
            said = format!("{said}{line}\n");
            found
        });
        // What it says later is read, so that it never waits for that.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        if let Some(address) = address {
            Ok(Self { address, process })
        } else {
            process.kill()?;
            anyhow::bail!("it did not say where it answers: {said}")
        }
    }

    /// The program over a seeded folder.
    pub(crate) fn trueline(folder: &Path) -> Result<Self> {
        let mut add = trueline(folder)
            .args(["user", "add", USER.0, "--role", "admin", "--password-stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        add.stdin.take().context("input")?.write_all(USER.1.as_bytes())?;
        ensure!(add.wait()?.success(), "the user was not made");
        Self::start(trueline(folder).args(["serve", "--listen", "127.0.0.1:0", "--sweep", "24h"]))
    }

    /// Returns what it takes in memory, now and at most, in MiB.
    pub(crate) fn memory(&self) -> Result<(u64, u64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let of = |name: &str| -> Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).context("memory")?;
            let kib: u64 =
                line.trim_start_matches(':').trim().trim_end_matches("kB").trim().parse()?;
            Ok(kib / 1024)
        };
        Ok((of("VmRSS")?, of("VmHWM")?))
    }

    /// Waits until it only looks around now and then: reviews of what was filed are work, too.
    pub(crate) async fn quiet(&self) -> Result<()> {
        for _ in 0..120 {
            let before = self.busy_s()?;
            tokio::time::sleep(Duration::from_secs(2)).await;
            if self.busy_s()? - before < 0.6 {
                return Ok(());
            }
        }
        anyhow::bail!("it is never quiet")
    }

    /// Returns for how many seconds it was on a core; of this process where it is none.
    pub(crate) fn busy_s(&self) -> Result<f64> {
        busy_s(&self.process.id().to_string())
    }
}

/// Returns for how many seconds a process was on a core.
#[expect(clippy::cast_precision_loss, reason = "some thousands")]
pub(crate) fn busy_s(process: &str) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let rest = stat.rsplit(") ").next().context("its state")?;
    let ticks: Vec<u64> =
        rest.split(' ').skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<u64>() as f64 / 100.0)
}

fn trueline(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trueline"));
    command.arg("--config").arg(folder.join("trueline.toml")).arg("--state").arg(folder);
    command.current_dir(folder);
    command
}
