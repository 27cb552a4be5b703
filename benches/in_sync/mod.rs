//! A catalog of many services in a bare repository, and a daemon over a store that says that all of it was carried out.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, ensure};
use git2::{IndexEntry, IndexTime, Oid, Repository, Signature};
use trueline::action::{Egress, EnvironmentSecrets, HttpClient, Ports};
use trueline::clock::Clock as _;
use trueline::daemon::{Daemon, Parts, SystemClock};
use trueline::engine::{Engine, Limits};
use trueline::reconcile::{self, Actual, DesiredBuilder, Facts, Plan};
use trueline::source::{Options, Source};
use trueline::store::{LeaseHolder, Sealer, SqliteStore, Store as _, UnitWrite};
use trueline::validate::Judge;

const TEAMS: usize = 100;

/// A bare repository with an item, an environment and so many services.
pub(crate) fn catalog(folder: &Path, services: usize) -> Result<Repository> {
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

pub(crate) fn write_commit(
    repository: &Repository,
    tree: Oid,
    parents: &[&git2::Commit<'_>],
) -> Result<Oid> {
    let who = Signature::now("Ada", "ada@example.com")?;
    let tree = repository.find_tree(tree)?;
    Ok(repository.commit(Some("refs/heads/main"), &who, &who, "change", &tree, parents)?)
}

pub(crate) async fn daemon(folder: &Path) -> Result<Daemon> {
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

/// What carries out everything that is wanted.
pub(crate) fn planned(folder: &Path) -> Result<Plan> {
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
    Ok(plan)
}

/// A daemon over a store that says that everything was carried out.
pub(crate) async fn in_sync(folder: &Path) -> Result<Daemon> {
    let actual = reconcile::carried_out(&planned(folder)?, SystemClock.now());
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

pub(crate) fn service(number: usize, size: usize) -> String {
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
