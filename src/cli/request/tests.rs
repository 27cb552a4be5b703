//! Tests of the command, beside no daemon: what is asked for, and what stands in the repository and the store then.

use clap::Parser as _;

use crate::cli::args::Arguments;
use crate::cli::context::Context;
use crate::cli::local::testing::context;
use crate::cli::main::run_command;
use crate::cli::output::Exit;
use crate::clock::Clock as _;
use crate::daemon::SystemClock;
use crate::forge::{ForgeRead as _, ForgeWrite as _, LocalForge, ProposalState};
use crate::source::fixture::Repo;
use crate::store::{Before, RequestFilter, RequestState, ServiceRequest, ServiceRequestStore as _};

const SETTINGS: &str = "schemaVersion: catalog/v1\nkind: Catalog\nmetadata: {id: tests, name: Tests}\n\
teams:\n  payments: {owners: [\"@ada\"]}\n";

const ITEM: &str = r"schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: postgres
  name: Database
  description: What the tests ask for, at a length that the rules of the catalog accept.
  version: 1.0.0
  category: tests
  owner: {team: payments, contact: payments@example.com}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: name, name: Name, type: string, required: true}
          - {id: size, name: Size, type: number, default: 1}
          - {id: admin, name: Admin, type: password}
fulfillment:
  strategy: {mode: manual}
  manual:
    actions:
      - {id: by-hand, type: manual-task, config: {title: Do it, instructions: By hand}}
";

struct World {
    repo: Repo,
    context: Context,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let (repo, folder) = (Repo::bare(), tempfile::tempdir().expect("a folder"));
        repo.commit_tree(&[("trueline.yaml", SETTINGS), ("catalog/tests/postgres.yaml", ITEM)]);
        let context = Context { catalog: repo.url().to_owned(), ..context(folder.path()) };
        Self { repo, context, _folder: folder }
    }

    /// Runs a command; returns its exit code, or why it failed.
    async fn run(&self, line: &[&str]) -> Result<u8, String> {
        let line = ["trueline", "request"].iter().chain(line);
        let arguments = Arguments::try_parse_from(line).map_err(|error| error.to_string())?;
        let ran = Box::pin(run_command(&self.context, &arguments.command)).await;
        ran.map(Exit::code).map_err(|failure| failure.to_string())
    }

    async fn requests(&self) -> Vec<ServiceRequest> {
        let Ok(store) = self.context.existing_store().await else { return Vec::new() };
        let page = Before { number: None, limit: 100 };
        let found = store.service_requests_page(&RequestFilter::default(), page).await;
        found.expect("read").into_iter().map(|one| one.row).collect()
    }

    fn forge(&self) -> LocalForge {
        LocalForge::open_at(self.repo.url()).expect("a forge")
    }

    fn branches(&self) -> String {
        self.repo.git(&["for-each-ref", "--format=%(refname)", "refs/heads/trueline"], "")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_is_proposed_and_followed() {
    let world = World::new();
    let submit = ["submit", "postgres", "--field", "name=pay-db", "--field", "size=3"];
    let dry = [&submit[..], &["--dry-run"]].concat();
    assert_eq!(world.run(&dry).await, Ok(0));
    assert_eq!((world.requests().await, world.branches()), (Vec::new(), String::new()));

    assert_eq!(world.run(&submit).await, Ok(0));
    assert_eq!(world.run(&submit).await, Ok(0));
    let all = world.requests().await;
    assert_eq!(all.len(), 1, "who asks twice asks once");
    let request = &all[0];
    assert_eq!(
        (request.service.as_str(), request.progress.state),
        ("pay-db", RequestState::Proposed)
    );
    let number = request.progress.proposal.expect("a proposal");
    let proposed = world.forge().find(number).await.expect("read");
    let file = world.repo.git(&["show", &format!("{}:{}", proposed.head, request.path)], "");
    assert!(file.ends_with("fields:\n  name: pay-db\n  size: 3"), "{file}");
    let id = request.id.clone();
    for (line, exit) in [
        (vec!["list"], 0),
        (vec!["list", "--in", "proposed", "--mine"], 0),
        (vec!["get", &id[..6]], 0),
        (vec!["status", &id], 4),
        (vec!["logs", &id], 0),
    ] {
        assert_eq!(world.run(&line).await, Ok(exit), "{line:?}");
    }
    assert!(world.run(&["get", "q-zzz"]).await.expect_err("none").contains("there is no request"));
    assert!(world.run(&["abort", &id, "--reason", " "]).await.is_err());
    let retry = world.run(&["retry", &id, "--reason", "x"]).await;
    assert!(retry.expect_err("nothing failed").contains("nothing of it was carried out yet"));
    assert_eq!(world.run(&["abort", &id, "--reason", "no more"]).await, Ok(0));
    assert_eq!(world.forge().find(number).await.expect("read").state, ProposalState::Closed);
    assert_eq!(world.run(&["status", &id, "--watch"]).await, Ok(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_there_is_changed_and_taken_away() {
    let world = World::new();
    let wait = ["submit", "postgres", "--id", "pay-db", "--wait", "--timeout", "10ms"];
    assert_eq!(world.run(&wait).await, Ok(4));
    let now = SystemClock.now();
    world.forge().merge(1, "ada", now).await.expect("merged");
    let id = world.requests().await[0].id.clone();
    assert_eq!(world.run(&["status", &id]).await, Ok(4));
    assert_eq!(world.requests().await[0].progress.state, RequestState::Processing);
    let change = ["submit", "--service", "pay-db", "--field", "size=5", "--expires", "2030-01-31"];
    assert_eq!(world.run(&change).await, Ok(0));
    assert_eq!(world.run(&["submit", "--service", "pay-db", "--delete"]).await, Ok(0));
    let titles: Vec<String> = world.requests().await.into_iter().map(|one| one.title).collect();
    assert_eq!(
        titles[..2],
        ["Delete pay-db".to_owned(), "Change pay-db: size, expires".to_owned()]
    );
    assert!(world.run(&["submit", "--service", "pay-db", "--unset", "name"]).await == Ok(1));
    assert!(world.run(&["submit", "--service", "pay-db"]).await == Ok(1), "nothing is asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_leaves_nothing_behind() {
    let world = World::new();
    for wrong in [
        &["submit", "postgers"][..],
        &["submit", "postgres", "--field", "size=large"],
        &["submit", "postgres", "--field", "sise=3"],
        &["submit", "postgres", "--field", "admin=hunter22"],
        &["submit", "postgres", "--field", "admin:=\"hunter22\""],
        &["submit", "postgres", "--team", "../.."],
        &["submit", "postgres", "--id", "x/y"],
        &["submit", "postgres", "--environment", "moon"],
        &["submit", "--service", "none", "--delete"],
        &["submit", "postgres", "--depends-on", "none"],
    ] {
        assert_eq!(world.run(wrong).await, Ok(1), "{wrong:?}");
    }
    for usage in [&["submit"][..], &["submit", "postgres", "--service", "x"]] {
        assert!(world.run(usage).await.is_err(), "{usage:?}");
    }
    assert_eq!((world.requests().await, world.branches()), (Vec::new(), String::new()));
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("trueline.yaml"), SETTINGS).expect("written");
    let directory = World { context: context(folder.path()), ..World::new() };
    let said = directory.run(&["submit", "postgres"]).await.expect_err("no repository");
    assert!(said.contains("plain directory"), "{said}");
}
