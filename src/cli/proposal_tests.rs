//! Proves proposals on real repositories: listed, shown, merged, closed, told apart, refused.

use super::*;
use crate::cli::args::Format;
use crate::cli::config::Config;
use crate::engine::view_sample::at;
use crate::forge::{Asked, NewProposal};
use crate::source::fixture::Repo;

fn context(catalog: &str, state: &std::path::Path) -> Context {
    Context {
        config: Config::default(),
        names_config: true,
        name: "main".to_owned(),
        catalog: catalog.to_owned(),
        branch: None,
        state: state.to_owned(),
        server: None,
        format: Format::Json,
        quiet: true,
        verbose: 0,
        color: false,
        unread: None,
    }
}

/// Makes a repository with an open proposal.
async fn proposed() -> Repo {
    let repo = Repo::bare();
    let base = repo.commit_tree(&[("a", "1\n")]);
    repo.commit_on("topic", Some(&base), &[("a", "2\u{1b}[2J\n")]);
    let new = NewProposal {
        title: "Change \u{1b}[31ma".to_owned(),
        body: "Because\u{7}\nof that.".to_owned(),
        author: "Ann <ann@team.example>".to_owned(),
        source_branch: "topic".to_owned(),
        base_branch: "main".to_owned(),
        marker: "m".to_owned(),
        at: at(940),
        asked: Asked::default(),
    };
    LocalForge::open_at(repo.url()).expect("opens").open(new).await.expect("proposed");
    repo
}

/// Keeps in a store that a run filed proposal 1 on a repository.
async fn filed(context: &Context, repository: &str) {
    let store = context.store().await.expect("opens");
    let (host, command) = ("here".to_owned(), "serve".to_owned());
    let holder = store::LeaseHolder { pid: 1, host, command };
    let lease = store.acquire(&holder, at(0)).await.expect("free");
    let run = Some(crate::id::RunId("0a1".to_owned()));
    let repository = repository.to_owned();
    let row = store::Proposal { repository, number: 1, run, step: None, service: "dns".to_owned() };
    store.save_proposal(&lease, &row).await.expect("saved");
}

async fn desk(context: &Context, named: Option<&str>) -> Desk {
    Desk::open(context, named).await.unwrap_or_else(|failure| panic!("{failure}"))
}

/// Writes what the desk lists, the repository's path as `REPO`.
async fn listed(desk: &Desk, all: bool, repo: &Repo) -> String {
    let mut wire = desk.list(all, Limit { limit: 50 }).await.expect("lists");
    for line in &mut wire.proposals.items {
        line.repository = line.repository.replace(repo.url(), "REPO");
    }
    list_text(&wire, at(1_000))
}

#[tokio::test]
async fn proposals_of_known_repositories_are_listed_once() {
    let repo = proposed().await;
    let state = tempfile::tempdir().expect("a folder");
    let context = context(repo.url(), state.path());
    filed(&context, &format!("file://{}", repo.url())).await;
    let desk = desk(&context, None).await;
    assert_eq!(desk.counters.len(), 1);
    insta::assert_snapshot!(listed(&desk, false, &repo).await, @r"
    PROPOSAL  REPOSITORY   STATE  AGE     SERVICE  TITLE
    1         file://REPO  open   1m ago  dns      Change \u{1b}[31ma
    ");
    let counter = desk.of(1).await.expect("found");
    let shown = counter.forge.show(1).await.expect("shows");
    let mut wire = ShowWire {
        version: "trueline.proposal/v1",
        proposal: desk.wire(&shown.proposal, counter),
        diff: Some(shown.diff),
        talk: None,
    };
    wire.proposal.repository = "REPO".to_owned();
    wire.proposal.head = "c0ffee0000000000".to_owned();
    insta::assert_snapshot!(show_text(&wire, at(1_000)), @r"
    Proposal    1 Change \u{1b}[31ma
    Repository  REPO
    State       open
    Author      Ann <ann@team.example>, 1m ago
    Branch      topic into main
    Head        c0ffee000000
    Service     dns, run 0a1

      Because\u{7}
      of that.

    diff --git a/a b/a
    index d00491f..1620968 100644
    --- a/a
    +++ b/a
    @@ -1 +1 @@
    -1
    +2\u{1b}[2J
    ");
}

#[tokio::test]
async fn a_proposal_is_merged_once_and_then_listed_only_with_all() {
    let repo = proposed().await;
    let state = tempfile::tempdir().expect("a folder");
    let context = context(repo.url(), state.path());
    let merge = Options { repository: None, command: Command::Merge { number: 1 } };
    run(&context, &merge).await.unwrap_or_else(|failure| panic!("{failure}"));
    let parents = repo.git(&["rev-list", "--parents", "-1", "main"], "");
    assert_eq!(parents.split(' ').count(), 3, "{parents}");
    let again = run(&context, &merge).await.expect_err("merged already");
    assert!(again.to_string().contains("merged already"), "{again}");
    let desk = desk(&context, None).await;
    assert_eq!(listed(&desk, false, &repo).await, "no proposals");
    assert!(listed(&desk, true, &repo).await.contains("merged"));
}

#[tokio::test]
async fn a_proposal_is_closed_and_nothing_is_merged() {
    let repo = proposed().await;
    let state = tempfile::tempdir().expect("a folder");
    let head = repo.git(&["rev-parse", "main"], "");
    let close =
        Options { repository: None, command: Command::Close { number: 1, reason: String::new() } };
    let context = context(repo.url(), state.path());
    run(&context, &close).await.unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(repo.git(&["rev-parse", "main"], ""), head);
    let again = run(&context, &close).await.expect_err("closed already");
    assert!(again.to_string().contains("closed already"), "{again}");
}

#[tokio::test]
async fn a_number_of_two_repositories_takes_the_word_which() {
    let (one, two) = (proposed().await, proposed().await);
    let state = tempfile::tempdir().expect("a folder");
    let context = context(one.url(), state.path());
    filed(&context, two.url()).await;
    let both = desk(&context, None).await;
    let said = both.of(1).await.err().expect("refused").to_string();
    assert!(said.contains("2 repositories have a proposal 1"), "{said}");
    assert!(said.contains(one.url()) && said.contains("--repository"), "{said}");
    let alone = desk(&context, Some(two.url())).await;
    assert_eq!(alone.of(1).await.expect("found").repository, two.url());
    let none = alone.of(9).await.err().expect("refused").to_string();
    assert!(none.contains("there is no proposal 9"), "{none}");
}

#[tokio::test]
async fn what_is_no_repository_here_is_refused_or_left_out() {
    let state = tempfile::tempdir().expect("a folder");
    let context = context("https://forge.example/x.git", state.path());
    filed(&context, "/nowhere/\u{1b}[2J").await;
    assert!(desk(&context, None).await.counters.is_empty());
    for named in ["", "-x", "ext::sh", "https://forge.example/x.git", "/nowhere"] {
        assert!(Desk::open(&context, Some(named)).await.is_err(), "{named}");
    }
}

#[tokio::test]
async fn what_people_say_is_shown_with_the_proposal() {
    use crate::forge::{Check, CheckState, Opinion, ReviewRead as _, ReviewWrite as _};
    let repo = proposed().await;
    let state = tempfile::tempdir().expect("a folder");
    let context = context(repo.url(), state.path());
    let desk = desk(&context, None).await;
    let forge = &desk.counters[0].forge;
    let head = forge.review_of(1).await.expect("read").proposal.head;
    let check = Check {
        name: "trueline/plan".to_owned(),
        head,
        state: CheckState::ActionRequired,
        title: "1 to create".to_owned(),
        summary: String::new(),
        annotations: Vec::new(),
        link: None,
    };
    forge.put_check(&check).await.expect("put");
    forge.ask(1, &["@pat".to_owned()], &["trueline/deletes".to_owned()]).await.expect("asked");
    forge.give_opinion(1, ("eve", Opinion::Approved), at(950)).await.expect("said");
    forge.say(1, ("eve", "Fine.\n\u{1b}[2J"), at(960)).await.expect("said");
    let wire = proposal_review::talk(forge, 1).await.expect("read");
    let shown = proposal_review::text(&wire, at(1_000));
    for part in [
        "trueline/plan  action required: 1 to create (",
        "eve approved, 50s ago",
        "@pat",
        "trueline/deletes",
        "Comment 1 of eve, 40s ago",
        "  Fine.\n",
    ] {
        assert!(shown.contains(part), "{part}\n---\n{shown}");
    }
    assert!(!shown.contains('\u{1b}'), "{shown}");
    let json = serde_json::to_value(&wire).expect("json");
    assert_eq!(json["reviews"][0]["stale"], false);
    assert_eq!(json["checks"][0]["state"], "action-required");
}
