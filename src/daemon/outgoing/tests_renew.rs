//! Stories of what Trueline proposes to the catalog and its base moves meanwhile, each on the local forge and on GitHub.

use std::sync::Arc;

use super::world::{NAME, loopback, settings};
use crate::action::{Operator, Ports};
use crate::daemon::tests::{HOST, service};
use crate::daemon::world::World;
use crate::engine::filing::Place;
use crate::forge::github::fake::FakeGitHub;
use crate::forge::{ForgeWrite as _, Proposal};
use crate::source::{Options, Source};

const BRANCH: &str = "refs/heads/trueline/expire-old-host-2020-01-01";
const EXPIRED: &str = "expires: 2020-01-01\n";

fn old_host(more: &str) -> String {
    service("old-host", "catalogItem: host-by-hand", "{name: old}") + more
}

/// A catalog on a forge with one service, whose file is about to say that it expired.
struct Stage {
    world: World,
    /// Where its repository is, unless that is on this machine.
    github: Option<FakeGitHub>,
    _keys: tempfile::TempDir,
}

impl Stage {
    async fn local() -> Self {
        let world = Box::pin(begun(World::in_repository(&files()).await)).await;
        Self { world, github: None, _keys: tempfile::tempdir().expect("a folder") }
    }

    async fn github() -> Self {
        let (github, keys) = (FakeGitHub::start().await, tempfile::tempdir().expect("a folder"));
        let settings = settings(&github, keys.path());
        let reach = move |ports: Ports| {
            let github = Some(settings.clone());
            let operator = Arc::new(Operator { github, ..Operator::default() });
            Ports { operator, http: loopback(), ..ports }
        };
        let mut world = Box::pin(begun(World::reaching_in_repository(&files(), reach).await)).await;
        let path = github.path(NAME);
        std::fs::remove_dir_all(&path).expect("there was one");
        let repository = world.repository.as_ref().expect("a repository");
        std::os::unix::fs::symlink(&repository.path, &path).expect("linked");
        let ports = &world.daemon.driver.engine.ports;
        let place = Place::find(ports, NAME).await.expect("set up").expect("on GitHub");
        let client = place.github().expect("a client");
        let location = client.address().git(client.repository());
        let token = place.token().await.expect("let in").map(Into::into);
        let (state, branch) = (world.folder.path().to_owned(), Some("main".to_owned()));
        let options = Options { location, branch, state, token, ..Options::default() };
        world.daemon.source = Some(Source::open(options).expect("a source"));
        Self { world, github: Some(github), _keys: keys }
    }

    /// Has the file of the service say more, and lets everything come to rest.
    async fn says(&mut self, more: &str) {
        self.world.write(&old_host(more));
        self.world.settle().await;
    }

    async fn all(&self) -> Vec<Proposal> {
        let place = self.world.daemon.catalog_place().await.expect("reached").expect("a forge");
        assert_eq!(place.is_here(), self.github.is_none());
        place.forge(Vec::new()).list(None).await.expect("listed")
    }

    /// Lists the proposals as `number state`.
    async fn stands(&self) -> Vec<String> {
        self.all().await.iter().map(|it| format!("{} {}", it.number, it.state)).collect()
    }

    fn head(&self, name: &str) -> String {
        self.world.repository.as_ref().expect("a repository").git(&["rev-parse", name], "")
    }

    /// Commits to the branch as a person.
    fn push(&self) {
        let branch = BRANCH.trim_start_matches("refs/heads/");
        let file = ("by-hand", "mine");
        if let Some(github) = &self.github {
            github.push_as("ann", NAME, branch, file);
        } else {
            let repository = self.world.repository.as_ref().expect("a repository");
            repository.commit_on(branch, Some(&self.head(BRANCH)), &[file]);
        }
    }

    /// Closes a proposal as a person.
    async fn close(&self, number: u64) {
        if let Some(github) = &self.github {
            github.set_pull(NAME, number, "closed");
        } else {
            let now = jiff::Timestamp::now();
            self.world.forge().close(number, "Bob", now).await.expect("closed");
        }
    }
}

fn files() -> String {
    [HOST, &old_host("")].concat()
}

async fn begun(mut world: World) -> World {
    world.settle().await;
    world.complete("make", &[("host", "h"), ("password", "x")]).await;
    world.settle().await;
    world
}

async fn rebuilt(mut stage: Stage) {
    stage.says(EXPIRED).await;
    assert_eq!(stage.stands().await, ["1 open"]);
    let first = stage.head(BRANCH);
    stage.world.write("--- README.md\nhello\n");
    stage.world.settle().await;
    assert_eq!(stage.head(BRANCH), first, "nothing of what it changes moved");

    stage.says("expires: 2020-01-01 # for now\n").await;
    let second = stage.head(BRANCH);
    assert_ne!(second, first);
    assert_eq!(stage.head(&format!("{BRANCH}^")), stage.head("refs/heads/main"));
    assert_eq!(stage.stands().await, ["1 open"]);
    assert_eq!(stage.all().await[0].head, second);

    stage.push();
    let theirs = stage.head(BRANCH);
    assert_ne!(theirs, second);
    stage.says("expires: 2020-01-01 # for ever\n").await;
    assert_eq!(stage.head(BRANCH), theirs, "it is theirs");
    stage.says("expires: 2999-01-01\n").await;
    assert_eq!(stage.stands().await, ["1 open"], "nor is it closed");
}

async fn taken_back(mut stage: Stage) {
    stage.says(EXPIRED).await;
    stage.says("expires: 2999-01-01\n").await;
    assert_eq!(stage.stands().await, ["1 closed"], "it expires on another day");
    stage.says(EXPIRED).await;
    assert_eq!(stage.stands().await, ["1 closed", "2 open"], "nobody declined it");
    assert_eq!(stage.head(&format!("{BRANCH}^")), stage.head("refs/heads/main"));

    stage.close(2).await;
    stage.says("expires: 2020-01-01 # for now\n").await;
    stage.says("expires: 2999-01-01\n").await;
    stage.says(EXPIRED).await;
    assert_eq!(stage.stands().await, ["1 closed", "2 closed"], "it is declined");
}

#[tokio::test]
async fn it_is_rebuilt_where_its_file_moved_on_the_local_forge() {
    Box::pin(rebuilt(Box::pin(Stage::local()).await)).await;
}

// Git waits for the answers of the fake, which are given meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_rebuilt_where_its_file_moved_on_github() {
    Box::pin(rebuilt(Box::pin(Stage::github()).await)).await;
}

#[tokio::test]
async fn what_is_not_so_any_more_is_taken_back_on_the_local_forge() {
    Box::pin(taken_back(Box::pin(Stage::local()).await)).await;
}

// Git waits for the answers of the fake, which are given meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_so_any_more_is_taken_back_on_github() {
    Box::pin(taken_back(Box::pin(Stage::github()).await)).await;
}
