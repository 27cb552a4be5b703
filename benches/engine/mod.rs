//! A driver for benchmarks: a catalog of one item, changes made by the dozen from one plan, and a counterpart on loopback.
//! It measures nothing itself.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::extract::{Path as At, State};
use axum::http::StatusCode;
use axum::routing::any;
use trueline::action::{Egress, EnvironmentSecrets, HttpClient, Ports};
use trueline::catalog::Catalog;
use trueline::clock::Clock as _;
use trueline::daemon::SystemClock;
use trueline::engine::{Driver, Engine, Limits, News};
use trueline::finding::Severity;
use trueline::id::UnitKey;
use trueline::reconcile::{self, Actual, Change, DesiredBuilder, Facts, Plan};
use trueline::run::{BreakerPolicy, Cap, Capacity};
use trueline::source::{Options, Source};
use trueline::store::{LeaseHolder, Sealer, SqliteStore, Store as _};
use trueline::validate::Judge;

/// The catalog, and the plan of the one service in it.
pub(crate) struct Wanted {
    pub(crate) catalog: Arc<Catalog>,
    plan: Plan,
}

impl Wanted {
    /// Plans the service of an item: its text, whose `API` is the address of the counterpart.
    pub(crate) fn of(folder: &Path, item: &str, api: SocketAddr) -> Result<Self> {
        let catalog = folder.join("catalog");
        let files = [
            ("trueline.yaml", SETTINGS.to_owned()),
            ("catalog/bench/chain.yaml", item.replace("API", &api.to_string())),
            ("services/team-000/service.yaml", SERVICE.to_owned()),
        ];
        for (name, text) in files {
            let path = catalog.join(name);
            std::fs::create_dir_all(path.parent().context("a folder")?)?;
            std::fs::write(path, text)?;
        }
        for arguments in [
            &["init", "-q", "-b", "main"][..],
            &["add", "-A"],
            &["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "-qm", "begin"],
        ] {
            let status =
                std::process::Command::new("git").args(arguments).current_dir(&catalog).status()?;
            ensure!(status.success(), "git {arguments:?}");
        }
        let location = catalog.to_string_lossy().into_owned();
        let options = Options { location, state: folder.to_owned(), ..Options::default() };
        let mut source = Source::open(options)?;
        let head = source.poll()?;
        let judged = Judge::new(Vec::new()).judge(&source.snapshot(&head)?);
        // That the counterpart is on loopback is a warning.
        let mut wrong = judged.findings.iter().filter(|it| it.severity == Severity::Error);
        ensure!(wrong.next().is_none(), "findings: {:?}", judged.findings);
        let desired =
            DesiredBuilder::default().build(&judged.catalog, &judged.misfits, Arc::default());
        let facts = Facts { catalog: "bench".to_owned(), ..Facts::default() };
        let actual = Actual::default();
        let mut plan =
            reconcile::plan(&judged.catalog, &desired, &actual, (&facts, SystemClock.now()));
        plan.pending.clear();
        ensure!(plan.changes.len() == 1, "{} changes", plan.changes.len());
        Ok(Self { catalog: judged.catalog.clone(), plan })
    }

    /// Makes a plan of changes like the one that was planned, by number; each of a team, maybe after another service.
    pub(crate) fn plan(
        &self,
        numbers: impl Iterator<Item = usize>,
        team: impl Fn(usize) -> usize,
    ) -> Result<Plan> {
        let like = self.plan.changes.first().context("a change")?;
        let change = |number: usize| {
            let mut change: Change = like.clone();
            change.service = service(number);
            change.team = format!("team-{:03}", team(number));
            for unit in &mut change.units {
                unit.unit = UnitKey::service(&change.service);
                let told = unit.inputs.service.as_object_mut();
                told.map(|told| told.insert("id".to_owned(), change.service.clone().into()));
            }
            change.digest = change.compute_digest();
            change
        };
        Ok(Plan { changes: numbers.map(change).collect(), ..self.plan.clone() })
    }
}

/// Names a service.
pub(crate) fn service(number: usize) -> String {
    format!("service-{number:06}")
}

/// Reads the number of a service from what it is named.
pub(crate) fn number_of(path: &str) -> usize {
    path.get(8..14).and_then(|digits| digits.parse().ok()).unwrap_or_default()
}

/// A driver over the store of a folder, with so many places.
pub(crate) async fn driver(folder: &Path, places: usize) -> Result<Driver> {
    let store = Arc::new(SqliteStore::open(&folder.join("trueline.db"), "bench").await?);
    let holder = LeaseHolder {
        pid: std::process::id(),
        host: "bench".to_owned(),
        command: "bench".to_owned(),
    };
    let clock = Arc::new(SystemClock);
    let lease = store.acquire(&holder, clock.now()).await?;
    let capacity = Capacity {
        all: places,
        teams: Cap::default(),
        actions: Cap::default(),
        targets: Cap::default(),
    };
    let breaker = BreakerPolicy { failures: u32::MAX, ..BreakerPolicy::default() };
    let egress = Egress { allow: vec!["127.0.0.1:*".to_owned()], ..Egress::default() };
    let engine = Engine {
        catalog: "bench".to_owned(),
        store,
        lease,
        sealer: Sealer::key_at(&folder.join("key"))?,
        ports: Ports {
            http: Arc::new(HttpClient::new(&egress)?),
            state_dir: folder.to_owned(),
            operator: Arc::default(),
            secrets: Arc::new(EnvironmentSecrets),
            stop: trueline::action::Stop::default(),
        },
        clock,
        limits: Limits { capacity, breaker, ..Limits::default() },
    };
    Ok(Driver::new(engine).await?)
}

/// Drives as the daemon does, until something is so; tells how long each round took, from the end of an attempt on.
pub(crate) async fn drive(
    driver: &mut Driver,
    catalog: &Arc<Catalog>,
    mut is_done: impl FnMut(&Driver) -> bool,
) -> Result<Vec<Duration>> {
    let mut rounds = Vec::new();
    let mut wake = driver.advance(catalog).await?;
    while !is_done(driver) {
        let pause = wake.map(|wake| wake.as_millisecond() - SystemClock.now().as_millisecond());
        let pause = Duration::from_millis(pause.unwrap_or(100).clamp(1, 100).unsigned_abs());
        tokio::select! {
            news = driver.news() => if let News::Attempt(attempt) = news {
                let began = Instant::now();
                wake = driver.take_all(*attempt, catalog).await?;
                rounds.push(began.elapsed());
            },
            () = tokio::time::sleep(pause) => if wake.is_some_and(|at| at <= SystemClock.now()) {
                wake = driver.advance(catalog).await?;
            },
        }
    }
    Ok(rounds)
}

/// What the counterpart saw.
#[derive(Default)]
pub(crate) struct Seen {
    /// What was asked for, when it came, and when it was answered.
    pub(crate) asked: Mutex<Vec<(String, Instant, Option<Instant>)>>,
    /// How long it takes to answer.
    pub(crate) delay_ms: AtomicU64,
    /// Services from this number on are never answered, those before are told to come again.
    pub(crate) hangs_from: AtomicUsize,
    pub(crate) now: AtomicUsize,
    pub(crate) most: AtomicUsize,
}

impl Seen {
    pub(crate) fn asked(
        &self,
    ) -> std::sync::MutexGuard<'_, Vec<(String, Instant, Option<Instant>)>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts a counterpart that remembers when it was asked for what.
pub(crate) async fn counterpart() -> Result<(SocketAddr, Arc<Seen>)> {
    let seen = Arc::new(Seen::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let api = listener.local_addr()?;
    let router = Router::new().route("/{id}", any(answer)).with_state(seen.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((api, seen))
}

async fn answer(State(seen): State<Arc<Seen>>, At(id): At<String>) -> (StatusCode, &'static str) {
    let (place, number) = {
        let mut asked = seen.asked();
        asked.push((id.clone(), Instant::now(), None));
        (asked.len() - 1, number_of(&id))
    };
    let now = seen.now.fetch_add(1, Ordering::SeqCst) + 1;
    seen.most.fetch_max(now, Ordering::SeqCst);
    match seen.hangs_from.load(Ordering::SeqCst) {
        0 => {}
        from if number >= from => std::future::pending().await,
        _ => return (StatusCode::SERVICE_UNAVAILABLE, "later"),
    }
    tokio::time::sleep(Duration::from_millis(seen.delay_ms.load(Ordering::SeqCst))).await;
    seen.now.fetch_sub(1, Ordering::SeqCst);
    if let Some(entry) = seen.asked().get_mut(place) {
        entry.2 = Some(Instant::now());
    }
    (StatusCode::OK, "{\"id\": \"x\"}")
}

const SETTINGS: &str =
    "schemaVersion: catalog/v1\nkind: Catalog\nmetadata: {id: bench, name: Benchmark}\n";

const SERVICE: &str = "schemaVersion: catalog/v1\nkind: Service\nmetadata: {id: service, team: team-000}\ncatalogItem: chain\nfields: {size: 1}\n";

const HEAD: &str = "schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: chain
  name: Chain of steps
  description: Three steps that follow each other, for the benchmark.
  version: 1.0.0
  category: bench
  owner: {team: platform, contact: platform@example.com}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: size, name: Size, type: number, required: true}
fulfillment:
  strategy: {mode: automatic}
  manual:
    actions:
      - {id: by-hand, type: manual-task, config: {title: Make it, instructions: By hand.}}
  automatic:
    actions:
";

/// An item of three steps that do nothing: what is left is what carrying out costs.
pub(crate) fn silent_item() -> String {
    let step = |(name, after): (&str, &str)| {
        format!(
            "      - {{id: {name}, type: notify{after}, config: {{channel: log, message: \"{name} of {{{{service.id}}}}\"}}}}\n"
        )
    };
    let steps = [("one", ""), ("two", ", dependsOn: [one]"), ("three", ", dependsOn: [two]")];
    HEAD.to_owned() + &steps.map(step).concat()
}

/// An item of three steps that put something.
pub(crate) fn putting_item() -> String {
    let step = |(name, after): (&str, &str)| {
        format!(
            "      - id: {name}\n        type: rest-api{after}\n        retry: {{attempts: 9, delay: 30m}}\n        config:\n          endpoint: {{url: \"http://API/{{{{service.id}}}}-{name}\", method: PUT}}\n          delete: {{url: \"http://API/{{{{service.id}}}}-{name}\"}}\n"
        )
    };
    let after = |name: &str| format!("\n        dependsOn: [{name}]");
    HEAD.to_owned()
        + &step(("one", ""))
        + &step(("two", &after("one")))
        + &step(("three", &after("two")))
}
