//! Stories of requests, each over whatever forge people speak through: asked for, proposed, approved, merged, carried out; turned
//! down, called off, failed and tried again; and what a crash leaves.

mod limits;

use std::sync::Arc;

use crate::catalog::Metadata;
use crate::clock::Clock as _;
use crate::daemon::SystemClock;
use crate::daemon::review::Reviewer;
use crate::daemon::review::world::{People, REQUESTS as BASE, Stage};
use crate::engine::filing::Place;
use crate::engine::request::{
    Ask, Desk, RequestWord, Requester, Sight, WithRequesters, check, compose, row, say_on_request,
};
use crate::forge::github::fake::{APP, APP_KEY, FakeGitHub, Trick};
use crate::forge::github::reviews_tests::NAME;
use crate::forge::github::{Address, Credential, GitHub, GitHubForge, Memory, RepositoryName};
use crate::forge::{LocalForge, Opinion, ProposalState};
use crate::net::{Egress, HttpClient};
use crate::secret::Secret;
use crate::source::{Options, Source};
use crate::store::{
    Actor, ActorKind, DecisionKind, RequestState, ServiceRequest, ServiceRequestStore as _,
    Store as _,
};
use crate::validate::Judge;

const FILE: &str = "services/payments/pay-note.yaml";

/// A stage with a desk for requests.
struct Story<P: People> {
    stage: Stage<P>,
    desk: Desk,
}

async fn local() -> Story<LocalForge> {
    let stage = Stage::local(BASE).await;
    let repository = stage.world.repository.as_ref().expect("a repository").url().to_owned();
    let place = Place::here(&repository, stage.world.forge());
    let forge = stage.world.forge();
    let named = |store| Arc::new(WithRequesters::new(forge, store)) as Arc<dyn super::Reviews>;
    Box::pin(Story::of(stage, (place, repository), named)).await
}

async fn github() -> Story<FakeGitHub> {
    let stage = Stage::github(BASE).await;
    let egress = Egress { allow: vec!["127.0.0.1:*".to_owned()], ..Egress::default() };
    let http = Arc::new(HttpClient::new(&egress).expect("a client"));
    let address = Address::read(Some(&stage.people.api_url())).expect("an address");
    let name = RepositoryName::parse(NAME).expect("a name");
    let location = address.git(&name);
    let credential = Credential::App { id: APP, key: Secret::new(APP_KEY) };
    let memory = Arc::new(Memory::default());
    let client = GitHub::new(http, (address, name), credential, memory).expect("a client");
    let forge = GitHubForge::new(client.clone(), Vec::new());
    let place = Place::on_github(&location, client);
    let named = |store| Arc::new(WithRequesters::new(forge, store)) as Arc<dyn super::Reviews>;
    Box::pin(Story::of(stage, (place, location), named)).await
}

impl<P: People> Story<P> {
    async fn of(
        mut stage: Stage<P>,
        (place, location): (Place, String),
        forge: impl FnOnce(Arc<dyn crate::store::Store>) -> Arc<dyn super::Reviews>,
    ) -> Self {
        let world = &stage.world;
        let engine = world.daemon.driver.engine.clone();
        let own = world.repository.as_ref().expect("a repository").url().to_owned();
        let state = world.folder.path().to_owned();
        let options =
            |location: String| Options { location, state: state.clone(), ..Options::default() };
        let source = Source::open(options(own)).expect("a source");
        let branch = Some("main".to_owned());
        let desk = Desk::new(
            world.store.clone(),
            Arc::new(SystemClock),
            place,
            Options { branch, ..options(location) },
        );
        stage.forge = forge(world.store.clone());
        stage.reviewer = Reviewer::new(engine, source, stage.forge.clone()).expect("a reviewer");
        assert!(stage.settle().await.is_converged());
        Self { stage, desk }
    }

    /// Takes a request down, as the command line and the API do.
    async fn ask(&self, by: &str, ask: &Ask) -> ServiceRequest {
        let repository = self.stage.world.repository.as_ref().expect("a repository");
        let folder = tempfile::tempdir().expect("a folder");
        let (location, state) = (repository.url().to_owned(), folder.path().to_owned());
        let mut source =
            Source::open(Options { location, state, ..Options::default() }).expect("a source");
        let head = source.poll().expect("a head");
        let head = source.snapshot(&head).expect("a snapshot");
        let mut judge = Judge::new(Vec::new());
        let catalog = judge.judge(&head).catalog;
        let (offers, services) = (|_: &Metadata| true, |_: &str| true);
        let sight = Sight { offers: &offers, services: &services, team: None };
        let draft = compose(ask, (&catalog, &head.files), &sight).expect("a draft");
        let day = jiff::civil::date(2026, 3, 1);
        check(&mut judge, &head, &draft, day).expect("fits");
        let who = Requester { name: by.to_owned(), email: None };
        let request = row(&draft, &head, &who, SystemClock.now());
        let store = &self.stage.world.store;
        let rows = std::slice::from_ref(&request);
        store.add_service_requests(&actor(by), SystemClock.now(), rows).await.expect("added");
        request
    }

    async fn there(&self, id: &str) -> ServiceRequest {
        self.stage.world.store.service_request(id).await.expect("read").expect("there")
    }

    /// Looks at a request once; returns its state and why.
    async fn look(&self, id: &str) -> (RequestState, String) {
        let now = self.desk.look(self.there(id).await, true).await.expect("looked");
        (now.progress.state, now.progress.why.unwrap_or_default())
    }

    /// Has it approved by its owner and merged.
    async fn merge(&mut self, id: &str) {
        let number = self.there(id).await.progress.proposal.expect("a proposal");
        self.stage.look().await;
        self.stage.people.give(number, "pat", Opinion::Approved).await;
        self.stage.look().await;
        self.stage.people.merge(number, "ola").await;
    }

    /// Says yes or no to what the run asks.
    async fn answer(&mut self, yes: bool) {
        let approval = self.stage.world.store.approvals(true).await.expect("read")[0].number;
        let (comment, answers) = (String::new(), serde_json::Map::new());
        let decision = match yes {
            true => DecisionKind::Grant { approval, comment, answers },
            false => DecisionKind::Refuse { approval, reason: "not now".to_owned() },
        };
        self.stage.world.decide(&decision).await;
        self.stage.settle().await;
    }

    async fn say(&self, id: &str, by: &str, word: RequestWord) -> Result<(), String> {
        let store = &*self.stage.world.store;
        let request = self.there(id).await;
        let by = actor(by);
        let said = say_on_request(store, request, (word, "because"), (&by, SystemClock.now()));
        said.await.expect("read").map(drop).map_err(|refused| refused.to_string())
    }

    fn file(&self) -> String {
        let repository = self.stage.world.repository.as_ref().expect("a repository");
        repository.git(&["show", &format!("refs/heads/main:{FILE}")], "")
    }

    fn branches(&self) -> usize {
        let repository = self.stage.world.repository.as_ref().expect("a repository");
        let all =
            repository.git(&["for-each-ref", "--format=%(refname)", "refs/heads/trueline"], "");
        all.lines().filter(|line| !line.is_empty()).count()
    }
}

fn actor(name: &str) -> Actor {
    let (name, via) = (name.to_owned(), "test".to_owned());
    Actor { name, kind: ActorKind::Person, via, correlation: None }
}

fn note(text: &str) -> Ask {
    let fields = serde_json::json!({"text": text}).as_object().cloned().expect("a map");
    let (item, id) = (Some("note-log".to_owned()), Some("pay-note".to_owned()));
    let (team, reason) = (Some("payments".to_owned()), "For @all, closes #1".to_owned());
    Ask { item, id, team, fields, reason, ..Ask::default() }
}

fn change(fields: &serde_json::Value) -> Ask {
    let fields = fields.as_object().cloned().expect("a map");
    Ask { service: Some("pay-note".to_owned()), fields, ..Ask::default() }
}

/// Tells each story on every forge.
macro_rules! stories {
    ($($story:ident)*) => {
        mod on_the_local_forge {
            $(#[tokio::test]
            async fn $story() {
                Box::pin(super::$story(super::local().await)).await;
            })*
        }
        mod on_github {
            $(#[tokio::test]
            async fn $story() {
                Box::pin(super::$story(super::github().await)).await;
            })*
        }
    };
}

stories! {
    from_the_request_to_the_service
    what_is_turned_down_or_called_off_is_over
    what_failed_is_tried_again
    who_asks_does_not_approve
    what_a_crash_left_is_taken_up
}

async fn from_the_request_to_the_service<P: People>(mut story: Story<P>) {
    let id = story.ask("bob", &note("one")).await.id;
    assert_eq!(story.look(&id).await, (RequestState::Proposed, String::new()));
    let request = story.there(&id).await;
    let number = request.progress.proposal.expect("a proposal");
    let shown = story.stage.forge.review_of(number).await.expect("read");
    assert_eq!(shown.proposal.title, "Create pay-note: note-log for payments");
    assert!(!shown.proposal.body.contains("@all"), "{}", shown.proposal.body);
    assert!(shown.authors.iter().any(|person| person.login == "bob"), "{:?}", shown.authors);
    let repository = story.stage.world.repository.as_ref().expect("a repository");
    let author = repository.git(&["log", "-1", "--format=%an <%ae>", &shown.proposal.head], "");
    assert_eq!(author, "bob <bob@localhost>");
    // The same person asks for the same again: it is the same request.
    story.ask("bob", &note("one")).await;
    assert_eq!(story.desk.store().open_service_requests().await.expect("read").len(), 1);

    story.merge(&id).await;
    let waits = (RequestState::Processing, "waits for the next look at the catalog".to_owned());
    assert_eq!(story.look(&id).await, waits);
    story.stage.settle().await;
    assert_eq!(story.look(&id).await.0, RequestState::Processing);
    story.answer(true).await;
    assert_eq!(story.look(&id).await, (RequestState::Completed, String::new()));
    assert_eq!(story.stage.world.runs().await, ["create pay-note succeeded"]);
    let states: Vec<RequestState> =
        story.there(&id).await.progress.history.iter().map(|moment| moment.state).collect();
    let expected = [
        RequestState::Submitted,
        RequestState::Proposed,
        RequestState::Processing,
        RequestState::Completed,
    ];
    assert_eq!(states, expected);
    assert_eq!(story.there(&id).await.progress.url.is_some(), !story.desk.is_here());

    // A person adds a comment; what a request changes leaves it where it is.
    let commented = story.file().replace("fields:\n", "fields: # as agreed\n") + "\n";
    story.stage.push("main", "pat", &[(FILE, &commented)]);
    let id = story.ask("bob", &change(&serde_json::json!({"text": "two", "more": "x"}))).await.id;
    assert_eq!(story.look(&id).await.0, RequestState::Proposed);
    story.merge(&id).await;
    let file = story.file();
    assert!(file.contains("fields: # as agreed\n  more: x\n  text: two"), "{file}");
    assert!(
        file.starts_with("# yaml-language-server: $schema=../../schemas/service.json\n"),
        "{file}"
    );
}

async fn what_is_turned_down_or_called_off_is_over<P: People>(story: Story<P>) {
    let id = story.ask("bob", &note("one")).await.id;
    story.look(&id).await;
    let number = story.there(&id).await.progress.proposal.expect("a proposal");
    story
        .desk
        .forge(&story.there(&id).await)
        .close(number, "pat", SystemClock.now())
        .await
        .expect("closed");
    let (state, why) = story.look(&id).await;
    assert_eq!(state, RequestState::Rejected);
    assert!(why.starts_with(&format!("proposal {number} was closed")), "{why}");
    let said = story.say(&id, "bob", RequestWord::Retry { from_failed: false }).await;
    assert_eq!(
        said.expect_err("over"),
        format!("request {id} is rejected already; ask for it anew")
    );

    let id = story.ask("bob", &note("one")).await.id;
    story.look(&id).await;
    let retry = story.say(&id, "bob", RequestWord::Retry { from_failed: false }).await;
    assert!(retry.expect_err("nothing failed").contains("nothing of it was carried out yet"));
    story.say(&id, "bob", RequestWord::Abort).await.expect("recorded");
    assert!(story.say(&id, "eve", RequestWord::Abort).await.is_err(), "once is enough");
    assert_eq!(story.look(&id).await, (RequestState::Aborted, "bob: because".to_owned()));
    let request = story.there(&id).await;
    let number = request.progress.proposal.expect("a proposal");
    let forge = story.desk.forge(&request);
    assert_eq!(forge.find(number).await.expect("read").state, ProposalState::Closed);

    // What was called off before anybody filed it is never filed.
    let id = story.ask("bob", &note("three")).await.id;
    story.say(&id, "bob", RequestWord::Abort).await.expect("recorded");
    assert_eq!(story.look(&id).await.0, RequestState::Aborted);
    assert_eq!(story.there(&id).await.progress.proposal, None);
    assert_eq!(story.branches(), 2);
}

async fn what_failed_is_tried_again<P: People>(mut story: Story<P>) {
    let id = story.ask("bob", &note("one")).await.id;
    story.look(&id).await;
    story.merge(&id).await;
    story.stage.settle().await;
    story.answer(false).await;
    let (state, why) = story.look(&id).await;
    assert_eq!(state, RequestState::Failed, "{why}");
    assert!(why.contains("not now"), "{why}");
    story.say(&id, "pat", RequestWord::Retry { from_failed: false }).await.expect("recorded");
    story.stage.settle().await;
    assert_eq!(story.look(&id).await.0, RequestState::Retrying);
    story.answer(false).await;
    story.say(&id, "pat", RequestWord::Escalate).await.expect("recorded");
    story.stage.settle().await;
    assert_eq!(story.look(&id).await.0, RequestState::Escalated);
    let task = story.stage.world.open_tasks().await[0].step.0.clone();
    story.stage.world.complete(&task, &[]).await;
    story.stage.settle().await;
    let done = (RequestState::Completed, "people did a part of it by hand".to_owned());
    assert_eq!(story.look(&id).await, done);

    // What is called off while it is carried out ends as aborted.
    let id = story.ask("bob", &change(&serde_json::json!({"text": "two"}))).await.id;
    story.look(&id).await;
    story.merge(&id).await;
    story.stage.settle().await;
    assert_eq!(story.look(&id).await.0, RequestState::Processing);
    story.say(&id, "pat", RequestWord::Abort).await.expect("recorded");
    story.stage.settle().await;
    assert_eq!(story.look(&id).await.0, RequestState::Aborted);
}

async fn who_asks_does_not_approve<P: People>(mut story: Story<P>) {
    let id = story.ask("pat", &note("one")).await.id;
    story.look(&id).await;
    story.merge(&id).await;
    story.stage.settle().await;
    assert!(story.stage.waits("pay-note").contains("not approved by @pat"));
    let (state, why) = story.look(&id).await;
    assert_eq!(state, RequestState::Processing);
    assert!(why.contains("not approved by @pat"), "{why}");
    assert_eq!(story.stage.world.runs().await.len(), 0);
}

async fn what_a_crash_left_is_taken_up<P: People>(mut story: Story<P>) {
    let first = story.ask("bob", &note("one")).await;
    story.look(&first.id).await;
    let number = story.there(&first.id).await.progress.proposal;
    // It was filed, and the process ended before that was written down.
    let version = story.there(&first.id).await.version;
    let store = story.stage.world.store.clone();
    let lost = ServiceRequest { version, ..first.clone() };
    assert!(store.save_service_request(None, SystemClock.now(), &lost).await.expect("written"));
    assert_eq!(story.look(&first.id).await.0, RequestState::Proposed);
    assert_eq!(story.there(&first.id).await.progress.proposal, number);
    assert_eq!(story.branches(), 1);
    // Two look at once, and one of them is late: what the other wrote counts.
    let late = story.desk.look(lost, true).await.expect("looked");
    assert_eq!(late.progress.proposal, number);
    // It was merged meanwhile, and nobody had written down that it was filed.
    story.merge(&first.id).await;
    let version = story.there(&first.id).await.version;
    let lost = ServiceRequest { version, ..first.clone() };
    assert!(store.save_service_request(None, SystemClock.now(), &lost).await.expect("written"));
    assert_eq!(story.look(&first.id).await.0, RequestState::Processing);
    assert_eq!(story.there(&first.id).await.progress.proposal, number);
    assert_eq!(story.branches(), 1);
}

#[tokio::test]
async fn what_github_cut_off_is_opened_once() {
    for (trick, opened) in [
        (Trick::CutBefore, 0),
        (Trick::CutAfter, 1),
        (Trick::FailAfter(502), 1),
        (Trick::Answer(502, Vec::new(), "{}".to_owned()), 0),
    ] {
        let story = Box::pin(github()).await;
        let id = story.ask("bob", &note("one")).await.id;
        story.stage.people.play("POST", "/pulls", trick.clone());
        let (state, why) = story.look(&id).await;
        assert_eq!(
            (state, story.stage.people.pulls(NAME)),
            (RequestState::Submitted, opened),
            "{trick:?}: {why}"
        );
        assert!(why.starts_with("tried again: the forge failed: "), "{why}");
        assert_eq!(story.look(&id).await, (RequestState::Proposed, String::new()), "{trick:?}");
        assert_eq!(story.stage.people.pulls(NAME), 1);
        assert_eq!(story.branches(), 1);
    }
}
