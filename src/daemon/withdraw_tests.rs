//! Stories of proposals that nobody wants any more, and of files that two services claim.

use jiff::Timestamp;

use super::tests::service;
use super::world::World;
use crate::forge::{ForgeRead as _, ForgeWrite as _, LocalForge};
use crate::source::fixture::Repo;
use crate::store::{DecisionKind, Store as _};

/// An item that writes one page, by a proposal.
const PAGE: &str = r#"--- catalog/pages/page.yaml
schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: page
  name: Page
  description: A page that is written to a repository by a proposal, which somebody there merges.
  version: 1.0.0
  category: pages
  owner: {team: platform, contact: platform@acme.example}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: path, name: Path, type: string, required: true}
          - {id: text, name: Text, type: string, required: true}
fulfillment:
  strategy: {mode: automatic}
  APPROVAL
  manual:
    actions:
      - {id: by-hand, type: manual-task, config: {title: Write it}}
  automatic:
    actions:
      - id: write
        type: git-commit
        config:
          repository: TARGET
          createPullRequest: true
          pullRequest: {title: "Page {{service.id}}"}
          files:
            - {path: "{{fields.path}}", contentTemplate: "{{fields.text}}"}
"#;

struct Pages {
    world: World,
    target: Repo,
}

impl Pages {
    async fn of(approval: &str, files: &[String]) -> Self {
        let target = Repo::bare();
        target.commit_tree(&[("README", "hello")]);
        let item = PAGE.replace("TARGET", target.url()).replace("APPROVAL", approval);
        let world = World::of(&[item, files.concat()].concat()).await;
        let mut pages = Self { world, target };
        pages.world.settle().await;
        pages
    }

    fn forge(&self) -> LocalForge {
        LocalForge::open_at(self.target.url()).expect("a forge")
    }

    async fn proposals(&self) -> String {
        let all = self.forge().list(None).await.expect("listed");
        all.iter().map(|it| format!("{} {}", it.number, it.state)).collect::<Vec<_>>().join(", ")
    }

    async fn merge(&mut self, number: u64) {
        self.forge().merge(number, "Bob", Timestamp::now()).await.expect("merged");
        self.settle_looking().await;
    }

    /// Settles with a look at what is waited for: that is the first thing that another process does.
    async fn settle_looking(&mut self) {
        self.world.restart().await;
        self.world.settle().await;
    }

    async fn write(&mut self, files: &str) {
        self.world.write(files);
        self.world.settle().await;
    }

    /// Lists what the audit chain says of proposals.
    async fn told(&self) -> Vec<String> {
        let told = self.world.store.audit_after(0, 1000).await.expect("read");
        let told = told.into_iter().filter(|entry| entry.what.starts_with("proposal."));
        told.map(|entry| format!("{} {}", entry.what, entry.detail["number"])).collect()
    }
}

fn page(id: &str, path: &str, text: &str) -> String {
    service(id, "catalogItem: page", &format!("{{path: {path}, text: {text}}}"))
}

const GONE: &str = "--- services/payments/home.yaml\n";

#[tokio::test]
async fn a_service_that_goes_takes_its_proposal_with_it() {
    let mut pages = Pages::of("", &[page("home", "a", "one")]).await;
    assert_eq!(pages.proposals().await, "1 open");
    pages.write(GONE).await;
    assert_eq!(pages.proposals().await, "1 closed");
    assert_eq!(pages.told().await, ["proposal.withdrawn 1"]);
    assert!(pages.world.store.unit_rows().await.expect("read").is_empty());
    // It comes again, and so does its proposal.
    pages.write(&page("home", "a", "one")).await;
    assert_eq!(pages.proposals().await, "1 closed, 2 open");
}

#[tokio::test]
async fn a_change_that_is_reverted_takes_its_proposal_back() {
    let mut pages = Pages::of("", &[page("home", "a", "one")]).await;
    pages.merge(1).await;
    pages.write(&page("home", "a", "two")).await;
    assert_eq!(pages.proposals().await, "1 merged, 2 open");
    pages.write(&page("home", "a", "one")).await;
    assert_eq!(pages.proposals().await, "1 merged, 2 closed");
    assert!(pages.world.settle().await.is_converged());
    assert_eq!(pages.told().await, ["proposal.withdrawn 2"]);
}

#[tokio::test]
async fn a_newer_change_takes_the_proposal_up_in_its_place() {
    let mut pages = Pages::of("", &[page("home", "a", "one")]).await;
    pages.write(&page("home", "a", "two")).await;
    assert_eq!(pages.proposals().await, "1 open");
    let shown = pages.forge().show(1).await.expect("shown");
    assert!(shown.diff.contains("+two"), "{}", shown.diff);
    assert_eq!(pages.told().await, [""; 0]);
    pages.merge(1).await;
    assert!(pages.world.settle().await.is_converged());
}

#[tokio::test]
async fn while_a_newer_change_waits_for_people_nobody_merges_what_is_old() {
    let mut pages = Pages::of("approval: {required: 1}", &[page("home", "a", "one")]).await;
    let approve = async |pages: &mut Pages| {
        let plan = pages.world.daemon.plan.as_ref().expect("a plan");
        let subject = plan.change("home").expect("a change").digest;
        pages
            .world
            .decide(&DecisionKind::Approve {
                subject,
                changes: vec![subject],
                comment: String::new(),
            })
            .await;
        pages.world.settle().await;
    };
    approve(&mut pages).await;
    assert_eq!(pages.proposals().await, "1 open");
    pages.write(&page("home", "a", "two")).await;
    assert_eq!(pages.proposals().await, "1 closed");
    approve(&mut pages).await;
    assert_eq!(pages.proposals().await, "1 closed, 2 open");
}

#[tokio::test]
async fn what_can_not_be_taken_back_is_tried_again_and_holds_nothing_up() {
    let mut pages = Pages::of("", &[page("home", "a", "one")]).await;
    let away = pages.target.beside("away");
    std::fs::rename(&pages.target.path, &away).expect("moved");
    pages.write(GONE).await;
    assert!(pages.world.settle().await.is_converged());
    assert_eq!(pages.told().await, [""; 0]);
    std::fs::rename(&away, &pages.target.path).expect("moved back");
    // It is put off in this process; another one, or a later moment, tries again.
    pages.world.settle().await;
    assert_eq!(pages.proposals().await, "1 open");
    pages.world.restart().await;
    pages.world.settle().await;
    assert_eq!(pages.proposals().await, "1 closed");
    assert_eq!(pages.told().await, ["proposal.withdrawn 1"]);
}

#[tokio::test]
async fn a_proposal_that_a_person_pushed_to_is_left_and_told_about_once() {
    let mut pages = Pages::of("", &[page("home", "a", "one")]).await;
    let tip = pages.target.git(&["rev-parse", "trueline/home"], "");
    pages.target.commit_on("trueline/home", Some(&tip), &[("a", "mine")]);
    pages.write(GONE).await;
    pages.world.restart().await;
    pages.world.settle().await;
    assert_eq!(pages.proposals().await, "1 open");
    assert_eq!(pages.told().await, ["proposal.left 1"]);
}

/// Returns why services are blocked.
fn blocked(pages: &Pages) -> Vec<String> {
    let plan = pages.world.daemon.plan.as_ref().expect("a plan");
    plan.blocked.values().flatten().cloned().collect()
}

#[tokio::test]
async fn a_file_that_a_service_in_sync_has_is_not_claimed_by_another() {
    let mut pages = Pages::of("", &[page("home", "a", "one")]).await;
    let claim = format!("git:{}#main:a", pages.target.url());
    let refused = [format!("copy claims {claim}, which home has already")];
    // It waits for its proposal, and what it is about to have is not free.
    pages.write(&page("copy", "a", "other")).await;
    assert_eq!(blocked(&pages), refused);
    pages.merge(1).await;
    pages.world.settle().await;
    assert_eq!(blocked(&pages), refused);
    pages.world.restart().await;
    pages.world.settle().await;
    assert_eq!(blocked(&pages), refused);
    assert_eq!(pages.proposals().await, "1 merged");
    // Another file is free.
    pages.write(&page("copy", "b", "other")).await;
    assert_eq!((blocked(&pages).len(), pages.proposals().await.as_str()), (0, "1 merged, 2 open"));
}
