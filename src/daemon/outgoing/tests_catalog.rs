//! Stories of a catalog whose repository is on GitHub: what Trueline files there itself, and what comes from forks.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::SignedDuration;

use super::Filed;
use super::world::{NAME, Set, loopback, settings};
use crate::action::{Operator, Owner, Ports, SecretSource, connect_github};
use crate::daemon::review::Reviewer;
use crate::daemon::world::World;
use crate::engine::filing::{Filing, Place};
use crate::forge::github::fake::{FakeGitHub, Trick};
use crate::forge::github::reviews_tests::with_app;
use crate::forge::github::{GitHubForge, Memory};
use crate::forge::{Bounds, Forge, ForgeRead, LocalForge, Quota, ReviewRead as _};
use crate::run::Fault;
use crate::secret::Secret;
use crate::source::{FileChange, Options, Source};

const SECRETIVE: &str = r#"--- catalog/notes/note-log.yaml
schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: note-log
  name: Note
  description: A note that is made by a request with a secret, for stories about forks of a catalog.
  version: 1.0.0
  category: notes
  owner: {team: platform, contact: platform@acme.example}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: text, name: Text, type: string, required: true}
fulfillment:
  strategy: {mode: automatic}
  manual:
    actions:
      - {id: by-hand, type: manual-task, config: {title: Write it}}
  automatic:
    actions:
      - id: make
        type: rest-api
        config:
          endpoint: {url: "https://api.acme.example/notes/{{service.id}}", method: PUT}
          headers: {x-token: "{{secrets.TOKEN}}"}
          body: {type: json, contentTemplate: '{"text": {{json fields.text}}}'}
"#;

const PLACE: &str = "services/payments/pay-note.yaml";

fn note(text: &str) -> String {
    format!(
        "schemaVersion: catalog/v1\nkind: Service\nmetadata: {{id: pay-note, team: payments}}\n\
         catalogItem: note-log\nfields: {{text: {text}}}\n"
    )
}

/// Nobody may be asked for a secret.
struct Silent;

#[async_trait]
impl SecretSource for Silent {
    async fn find(&self, owner: Owner<'_>, name: &str) -> Result<Secret, Fault> {
        panic!("{name} of {owner:?} was asked for")
    }
}

/// Has the repository of a world stand on GitHub as well.
fn link(world: &World, github: &FakeGitHub) {
    let path = github.path(NAME);
    std::fs::remove_dir_all(&path).expect("there was one");
    let repository = world.repository.as_ref().expect("a repository");
    std::os::unix::fs::symlink(&repository.path, &path).expect("linked");
}

fn reviewer(world: &World, forge: Arc<GitHubForge>) -> Reviewer {
    let location = world.repository.as_ref().expect("a repository").url().to_owned();
    let state = world.folder.path().to_owned();
    let source = Source::open(Options { location, state, ..Options::default() }).expect("opens");
    let engine = world.daemon.driver.engine.clone();
    Reviewer::new(engine, source, forge).expect("has proposals")
}

#[tokio::test]
async fn what_comes_from_a_fork_is_judged_and_planned_without_a_secret_and_without_an_effect() {
    let reach = |ports: Ports| Ports { secrets: Arc::new(Silent), ..ports };
    let mut world = World::reaching_in_repository(SECRETIVE, reach).await;
    world.settle().await;
    let (github, forge) = with_app().await;
    link(&world, &github);
    let forge = Arc::new(forge);
    let mut reviewer = reviewer(&world, forge.clone());

    let fork = github.fork(NAME, "eve");
    let head = github.push_as("eve", &fork, "theirs", (PLACE, &note("one")));
    let number = github.open("eve", NAME, "eve:theirs");
    assert_eq!(reviewer.pass().await.expect("looked").reviewed, 1);
    let title = async |name: &str| {
        let check = forge.check_of(&head, name).await.expect("read").expect("a check");
        format!("{:?}: {}", check.state, check.title)
    };
    assert_eq!(title("trueline/validate").await, "Success: nothing found");
    assert!(title("trueline/plan").await.contains("1 to create"));
    let said = github.comments(NAME, number).join("\n");
    assert!(said.contains("+ create pay-note"), "{said}");
    world.settle().await;
    assert_eq!(world.runs().await, [""; 0], "nothing of it is carried out");
    let wrong =
        github.push_as("eve", &fork, "theirs", (PLACE, &note("one").replace("text:", "txet:")));
    let passed = reviewer.pass().await.expect("looked");
    assert_eq!((passed.reviewed, passed.failed), (1, 0));
    let check = forge.check_of(&wrong, "trueline/validate").await.expect("read").expect("a check");
    assert!(check.title.contains("error"), "{}", check.title);
}

#[tokio::test]
async fn a_review_that_is_cut_off_by_a_limit_goes_on_later_and_says_nothing_twice() {
    let github = FakeGitHub::start().await;
    let keys = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(Set::from_now());
    let operator = Arc::new(Operator {
        github: Some(settings(&github, keys.path())),
        github_memory: Arc::new(Memory::by(clock.clone())),
        ..Operator::default()
    });
    let ports = Ports { operator, http: loopback(), ..crate::action::testing::ports() };
    let client = connect_github(&ports, NAME).await.expect("set up").expect("on GitHub");
    let mut world = World::in_repository(SECRETIVE).await;
    world.settle().await;
    link(&world, &github);
    let mut reviewer = reviewer(&world, Arc::new(GitHubForge::new(client, Vec::new())));
    github.push_as("ann", NAME, "topic", (PLACE, &note("one")));
    let number = github.open("ann", NAME, "topic");

    let slow = vec![("retry-after", "600".to_owned())];
    let said = "{\"message\": \"You have exceeded a secondary rate limit.\"}".to_owned();
    github.play("POST", "/comments", Trick::Answer(403, slow, said));
    assert!(reviewer.pass().await.is_err(), "the others would fare no better");
    let seen = github.seen().len();
    assert!(reviewer.pass().await.is_err());
    assert_eq!(github.seen().len(), seen, "it was asked although it said not to");
    clock.pass(SignedDuration::from_mins(11));
    assert_eq!(reviewer.pass().await.expect("looked").reviewed, 1);
    assert_eq!(github.comments(NAME, number).len(), 1);
    let names = |github: &FakeGitHub| {
        let mut names: Vec<String> = github.checks(NAME).into_iter().map(|it| it.name).collect();
        names.sort();
        names
    };
    assert_eq!(names(&github), ["trueline/plan", "trueline/validate"]);

    // Down for a while, with tokens that ended meanwhile.
    github.state().down = true;
    assert!(reviewer.pass().await.is_err());
    github.state().down = false;
    github.end_tokens();
    assert_eq!(reviewer.pass().await.expect("looked").reviewed, 0, "all is said already");
    assert_eq!((names(&github).len(), github.comments(NAME, number).len()), (2, 1));
}

fn filing(marker: &str, content: &str) -> Filing {
    Filing {
        marker: format!("trueline-drift/{marker}"),
        branch: format!("trueline/{marker}"),
        title: format!("Take {marker}"),
        body: "Because.".to_owned(),
        author: Filing::ourselves(),
        files: vec![FileChange {
            path: format!("{marker}.txt"),
            content: Some(content.as_bytes().to_vec()),
        }],
        written: None,
    }
}

async fn file(world: &mut World, marker: &str, content: &str) -> Result<String, String> {
    let place = world.daemon.catalog_place().await?.expect("a forge");
    Ok(match world.daemon.file(&place, filing(marker, content), "a-note").await? {
        Filed::Opened(proposal) => format!("opened {}", proposal.number),
        Filed::Waits => "waits".to_owned(),
    })
}

#[tokio::test]
async fn what_trueline_files_itself_is_bounded_rebuilt_and_never_over_a_person() {
    let reach = |ports: Ports| {
        let proposals = Arc::new(Quota::new(Bounds { hourly: 9, concurrent: 1 }));
        Ports { operator: Arc::new(Operator { proposals, ..Operator::default() }), ..ports }
    };
    let mut world = World::reaching_in_repository(SECRETIVE, reach).await;
    world.settle().await;
    assert_eq!(file(&mut world, "a", "1").await, Ok("opened 1".to_owned()));
    assert_eq!(file(&mut world, "b", "1").await, Ok("waits".to_owned()));
    let repository = world.repository.as_ref().expect("a repository").url().to_owned();
    let forge = LocalForge::open_at(&repository).expect("a forge");
    let close = async |number| {
        let now = jiff::Timestamp::now();
        crate::forge::ForgeWrite::close(&forge, number, "Bob", now).await.expect("closed");
    };
    close(1).await;
    assert_eq!(file(&mut world, "b", "1").await, Ok("opened 2".to_owned()));
    close(2).await;

    // What an earlier attempt left on a branch is built anew on the base as it is now.
    world.write("--- README.md\nhello\n");
    world.settle().await;
    assert_eq!(file(&mut world, "a", "2").await, Ok("opened 3".to_owned()));
    let git = |world: &World, arguments: &[&str]| {
        world.repository.as_ref().expect("a repository").git(arguments, "")
    };
    let below = git(&world, &["rev-parse", "refs/heads/trueline/a^"]);
    assert_eq!(below, git(&world, &["rev-parse", "refs/heads/main"]));
    assert_eq!(git(&world, &["show", "refs/heads/trueline/a:a.txt"]), "2");
    close(3).await;

    // What a person committed to it stays.
    let before = git(&world, &["rev-parse", "refs/heads/trueline/a"]);
    let repo = world.repository.as_ref().expect("a repository");
    let theirs = repo.commit_on("trueline/a", Some(&before), &[("a.txt", "mine")]);
    let why = file(&mut world, "a", "3").await.expect_err("hands off");
    assert!(why.contains("somebody else pushed to `trueline/a`"), "{why}");
    assert_eq!(git(&world, &["rev-parse", "refs/heads/trueline/a"]), theirs);
}

#[tokio::test]
async fn what_trueline_files_itself_is_filed_on_github_too() {
    let github = FakeGitHub::start().await;
    let keys = tempfile::tempdir().expect("a folder");
    let github_settings = Some(settings(&github, keys.path()));
    let operator = Arc::new(Operator { github: github_settings, ..Operator::default() });
    let ports = Ports { operator, http: loopback(), ..crate::action::testing::ports() };
    let place = Place::find(&ports, NAME).await.expect("set up").expect("a forge");
    assert_eq!(place.name(), NAME);
    let forge: Box<dyn Forge> = place.forge(vec!["trueline/a".to_owned()]);
    github.push_as("ann", NAME, "trueline/a", ("a.txt", "1"));
    let new = filing("a", "1").proposal("main".to_owned(), jiff::Timestamp::now());
    let opened = forge.open(new).await.expect("opened");
    let known = ForgeRead::find_by_marker(&*forge, "trueline-drift/a").await.expect("asked");
    assert_eq!(known.map(|it| it.number), Some(opened.number));
    assert!(forge.is_edited(&opened).await.expect("asked"), "ann pushed it");
    let url = place.url(opened.number).expect("on GitHub");
    assert!(url.ends_with("/acme/app/pull/1"), "{url}");
}
