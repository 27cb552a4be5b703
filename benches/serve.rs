//! Measures `trueline serve` itself under load, against a bare handler and against a small service with the same lists.
//!
//! `cargo bench --bench serve -- JOB [SERVICES RUNS]`: `usual`, `largest`, or `serve` for both. `PEERS` names the folder of the peers, which `ci/bench` installs. Everything is on loopback and
//! bounded in time. Prints percentiles and ratios; asserts no time.
#![allow(missing_docs, reason = "a program")]

mod in_sync;
mod load;
mod seeded;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use self::load::{Answers, Asker, Connection, Pace, Question, at_most, load};
use self::seeded::{Served, USER, busy_s, seed};

/// The one of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many services, and how many runs.
type Size = (usize, usize);

const USUAL: Size = (10_000, 100_000);
const LARGEST: Size = (250_000, 1_000_000);

/// People who have a page open, each of whom asks for something once a second.
const MANY: Pace = Pace {
    connections: 1_000,
    every: Some(Duration::from_secs(1)),
    lasting: Duration::from_secs(20),
};

/// As much as goes.
const FLAT_OUT: Pace = Pace { connections: 32, every: None, lasting: Duration::from_secs(6) };

fn main() -> Result<()> {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let Some(path) = std::env::var_os("TRUELINE_BENCH_FLOOR") {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        return runtime.block_on(floor(&PathBuf::from(path)));
    }
    // One core at most is for asking, so that the other is always there for answering.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let number = |place: usize, otherwise: usize| {
        words.get(place).map_or(Ok(otherwise), |text| text.parse::<usize>())
    };
    let size =
        |(services, runs): Size| -> Result<Size> { Ok((number(1, services)?, number(2, runs)?)) };
    runtime.block_on(async {
        match words.first().map(String::as_str) {
            None | Some("serve") => {
                Box::pin(usual(USUAL)).await?;
                Box::pin(largest(LARGEST)).await
            }
            Some("usual") => Box::pin(usual(size(USUAL)?)).await,
            Some("largest") => Box::pin(largest(size(LARGEST)?)).await,
            Some(other) => anyhow::bail!("there is no job `{other}`: serve, usual, largest"),
        }
    })
}

/// A folder on the disk that the build is on: another one may be memory.
fn folder() -> Result<tempfile::TempDir> {
    let beside = std::env::current_exe()?;
    Ok(tempfile::tempdir_in(beside.parent().context("a folder")?)?)
}

async fn usual((services, runs): Size) -> Result<()> {
    let folder = folder()?;
    Box::pin(seed(folder.path(), services, runs)).await?;
    let served = Served::trueline(folder.path())?;
    let asker = ready(served.address).await?;
    println!(
        "job: serve, {services} services, {runs} runs, 1000 connections that each ask once a second"
    );
    println!("  memory once it is ready: {} MiB", served.memory()?.0);
    let known = submitted(served.address, &asker, 20).await?;
    let pages = pages(served.address, &asker).await?;
    let questions = Arc::new(questions(&asker, (services, runs), (&pages, &known)));
    served.quiet().await?;
    let (before, own) = (served.busy_s()?, busy_s("self")?);
    let answers = load(served.address, &questions, MANY).await?;
    let (taken, own) = (served.busy_s()? - before, busy_s("self")? - own);
    let parts: [(&str, &[&str]); 7] = [
        ("lists: services", &["services"]),
        ("lists: services of a team", &["of a team"]),
        ("lists: runs", &["runs"]),
        ("lists: offers", &["offers"]),
        ("items: a service, a run, an offer", &["service", "run", "offer"]),
        ("status of a request", &["status"]),
        ("all of them", &[]),
    ];
    for (name, kinds) in parts {
        show(name, &answers, kinds);
    }
    told(&answers);
    let of = |busy: f64| busy / MANY.lasting.as_secs_f64();
    println!("  cores in use: {:.2} by the server, {:.2} by who asks", of(taken), of(own));
    let (now, most) = served.memory()?;
    println!("  memory of the server: {now} MiB, at most {most} MiB");
    submits(&served, &asker, &questions).await?;
    let page = questions.iter().find(|it| it.kind == "services").context("a list")?.clone();
    compared(&served, page, (folder.path(), (services, runs))).await
}

/// Requests with all of their validation, and previews with all of their planning, a second each, while the others go on
/// asking at a quarter of their pace.
async fn submits(served: &Served, asker: &Asker, reads: &Arc<Vec<Question>>) -> Result<()> {
    for (what, kind, path, first) in [
        ("requests submitted", "submit", "/api/v1/requests", 1_000),
        ("previews of requests", "preview", "/api/v1/requests/preview", 2_000),
    ] {
        served.quiet().await?;
        let lasting = Duration::from_secs(20);
        let pace = Pace { every: Some(Duration::from_secs(4)), lasting, ..MANY };
        let (address, reads) = (served.address, reads.clone());
        let beside = tokio::spawn(async move { load(address, &reads, pace).await });
        // Each is asked for once, so that none of them is the same again.
        let mut connection = Connection::to(address).await?;
        let mut answers = Answers::default();
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        for number in first..first + 20 {
            tick.tick().await;
            let question = asker.post(kind, path, &wanted(number));
            let began = Instant::now();
            let (status, body) = connection.ask(&question).await?;
            answers.taken.push((kind, began.elapsed()));
            if status != 202 && status != 200 {
                answers.errors += 1;
                let said = String::from_utf8_lossy(&body).into_owned();
                answers.first_error.get_or_insert(format!("{status} {said}"));
            }
        }
        show(&format!("{what}, 1 a second"), &answers, &[]);
        told(&answers);
        let answers = beside.await??;
        show("  lists, items and status beside them, 250 a second", &answers, &[]);
        told(&answers);
        println!("  memory of the server: at most {} MiB", served.memory()?.1);
    }
    served.quiet().await
}

/// The same list flat out, from the program, a bare handler and a small service.
async fn compared(
    served: &Served,
    page: Question,
    (folder, (services, runs)): (&Path, Size),
) -> Result<()> {
    let (_, body) = Connection::to(served.address).await?.ask(&page).await?;
    let ours = flat_out("trueline", served.address, page).await?;
    let path = folder.join("page.json");
    std::fs::write(&path, &body)?;
    let bare =
        Served::start(Command::new(std::env::current_exe()?).env("TRUELINE_BENCH_FLOOR", &path))?;
    let nobody = Asker::default();
    let floor =
        flat_out("floor: a bare axum handler", bare.address, nobody.get("floor", "/")).await?;
    println!("  a list of the floor, against trueline's: {:.1} × as many a second", floor / ours);
    drop(bare);
    let Some(peers) = std::env::var_os("PEERS").map(PathBuf::from) else { return Ok(()) };
    let python = peers.join("fastapi/bin/python");
    if !python.is_file() {
        println!("  peer: FastAPI is not installed");
        return Ok(());
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/list_fastapi.py");
    let (services, runs) = (services.to_string(), runs.to_string());
    let peer = Served::start(Command::new(python).arg(script).arg(folder).args([services, runs]))?;
    let question = nobody.get("services", "/services?after=service-004000&limit=50");
    let theirs = flat_out("peer: FastAPI on SQLite", peer.address, question.clone()).await?;
    println!("  lists of services a second, against the peer: {:.1} ×", ours / theirs);
    let many = load(peer.address, &Arc::new(vec![question]), MANY).await?;
    show("peer: 1000 connections that each ask for a list once a second", &many, &[]);
    told(&many);
    Ok(())
}

async fn flat_out(name: &str, address: SocketAddr, question: Question) -> Result<f64> {
    let answers = load(address, &Arc::new(vec![question]), FLAT_OUT).await?;
    told(&answers);
    let a_second = answers.a_second();
    let taken = answers.of(&[]);
    println!(
        "  {name}: {a_second:.0} lists of 50 a second over 32 connections, p50 {:.1} ms, p99 {:.1} ms",
        ms(at_most(&taken, 500)),
        ms(at_most(&taken, 990))
    );
    Ok(a_second)
}

async fn largest((services, runs): Size) -> Result<()> {
    let folder = folder()?;
    Box::pin(seed(folder.path(), services, runs)).await?;
    let served = Served::trueline(folder.path())?;
    let asker = ready(served.address).await?;
    println!(
        "job: serve, {services} services, {runs} runs, 100 connections that each ask once a second"
    );
    let pages = pages(served.address, &asker).await?;
    let questions = Arc::new(pages);
    let pace = Pace { connections: 100, ..MANY };
    let answers = load(served.address, &questions, pace).await?;
    show("lists: services", &answers, &["services"]);
    show("lists: services of a team", &answers, &["of a team"]);
    show("lists: runs", &answers, &["runs"]);
    told(&answers);
    println!("  memory of the server: at most {} MiB", served.memory()?.1);
    let mut connection = Connection::to(served.address).await?;
    for (name, path) in [
        ("insights of thirty days", "/api/v1/insights"),
        ("activity, a page", "/api/v1/activity?limit=50"),
        ("activity of a team, a page", "/api/v1/activity?limit=50&team=team-007"),
    ] {
        let (question, mut answers) = (asker.get(name, path), Answers::default());
        for _ in 0..40 {
            let began = Instant::now();
            let (status, body) = connection.ask(&question).await?;
            ensure!(status == 200, "{path}: {status} {}", String::from_utf8_lossy(&body));
            answers.taken.push((name, began.elapsed()));
        }
        show(&format!("{name}, one after another"), &answers, &[]);
    }
    Ok(())
}

/// Waits until it shows the catalog; returns who may ask it.
async fn ready(address: SocketAddr) -> Result<Asker> {
    let until = Instant::now() + Duration::from_mins(5);
    let nobody = Asker::default();
    let credentials = json!({"user": USER.0, "password": USER.1}).to_string();
    let sign_in = nobody.post("sign in", "/api/v1/auth/tokens", &credentials);
    let mut connection = Connection::to(address).await?;
    let (status, body) = connection.ask(&sign_in).await?;
    ensure!(status == 200, "signing in: {status} {}", String::from_utf8_lossy(&body));
    let body: Value = serde_json::from_slice(&body)?;
    let token = body.get("accessToken").and_then(Value::as_str).context("a token")?.to_owned();
    let asker = Asker { token };
    let list = asker.get("services", "/api/v1/services?limit=1");
    loop {
        let (status, body) = connection.ask(&list).await?;
        if status == 200 && body.windows(8).any(|part| part == b"service-") {
            return Ok(asker);
        }
        ensure!(Instant::now() < until, "not ready: {status} {}", String::from_utf8_lossy(&body));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What a new service is asked for with.
fn wanted(number: usize) -> String {
    json!({
        "item": "database-postgres", "id": format!("new-{number:06}"),
        "team": format!("team-{:03}", number % 100), "environment": "production",
        "fields": {"size": 10 + number % 90, "class": "large", "owner": "somebody@example.com"},
        "reason": "the benchmark",
    })
    .to_string()
}

/// Submits some requests; returns their names.
async fn submitted(address: SocketAddr, asker: &Asker, count: usize) -> Result<Vec<String>> {
    let mut connection = Connection::to(address).await?;
    let mut names = Vec::new();
    for number in 0..count {
        let question = asker.post("submit", "/api/v1/requests", &wanted(number));
        let (status, body) = connection.ask(&question).await?;
        let said = String::from_utf8_lossy(&body).into_owned();
        ensure!(status == 202, "submitting: {status} {said}");
        let body: Value = serde_json::from_slice(&body)?;
        let id = body.pointer("/items/0/id").or_else(|| body.get("id")).and_then(Value::as_str);
        names.push(id.with_context(|| format!("a name in {said}"))?.to_owned());
    }
    Ok(names)
}

/// Pages of lists all over them: each begins where another ended.
async fn pages(address: SocketAddr, asker: &Asker) -> Result<Vec<Question>> {
    let mut connection = Connection::to(address).await?;
    let mut questions = Vec::new();
    for (kind, path) in [("services", "/api/v1/services"), ("runs", "/api/v1/runs")] {
        let mut query = "limit=50".to_owned();
        for _ in 0..150 {
            let question = asker.get(kind, &format!("{path}?{query}"));
            let (status, body) = connection.ask(&question).await?;
            let said = String::from_utf8_lossy(&body);
            ensure!(status == 200, "{path}?{query}: {status} {said}");
            let body: Value = serde_json::from_slice(&body)?;
            questions.push(question);
            let Some(next) = body.get("next").and_then(Value::as_str) else { break };
            query = format!("limit=50&cursor={next}");
        }
    }
    let of_team = |number: usize| {
        asker.get("of a team", &format!("/api/v1/services?limit=50&team=team-{number:03}"))
    };
    questions.extend((0..50).map(of_team));
    Ok(questions)
}

/// Half lists, half items and status.
fn questions(
    asker: &Asker,
    (services, runs): Size,
    (pages, requests): (&[Question], &[String]),
) -> Vec<Question> {
    let mut all = pages.to_vec();
    for number in 0..150 {
        let (service, run) = (number * 61 % services, number * 613 % runs);
        all.push(asker.get("service", &format!("/api/v1/services/service-{service:06}")));
        all.push(asker.get("run", &format!("/api/v1/runs/run-{run:07}")));
    }
    for _ in 0..25 {
        all.push(asker.get("offers", "/api/v1/catalog"));
        all.push(asker.get("offer", "/api/v1/catalog/items/database-postgres"));
    }
    let status = |id: &String| asker.get("status", &format!("/api/v1/requests/{id}/status"));
    all.extend(requests.iter().cycle().take(50).map(status));
    all
}

/// Answers everything with a page that was read before.
async fn floor(path: &Path) -> Result<()> {
    let page: &'static [u8] = std::fs::read(path)?.leak();
    let kind = [(axum::http::header::CONTENT_TYPE, "application/json")];
    let router =
        axum::Router::new().route("/", axum::routing::get(move || async move { (kind, page) }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("http://{}", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}

fn ms(taken: Duration) -> f64 {
    taken.as_secs_f64() * 1000.0
}

fn show(what: &str, answers: &Answers, kinds: &[&str]) {
    let taken = answers.of(kinds);
    let at = |of_thousand| ms(at_most(&taken, of_thousand));
    let (p50, p95, p99) = (at(500), at(950), at(990));
    println!(
        "  {what}: p50 {p50:.1} ms, p95 {p95:.1} ms, p99 {p99:.1} ms, most {:.1} ms (n {})",
        at(1000),
        taken.len()
    );
}

fn told(answers: &Answers) {
    match &answers.first_error {
        None => println!("    no error"),
        Some(first) => println!("    {} errors, such as {first}", answers.errors),
    }
}
