//! Stories of what somebody would put where others read it, or touch though it is not theirs: nothing is written there.

use super::tests::{HOST, service};
use super::world::World;
use crate::source::fixture::Repo;

/// An item that writes a page.
const PAGE: &str = r#"--- catalog/pages/page.yaml
schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: page
  name: Page
  description: A page that is written to a repository, where everybody who works on it reads it.
  version: 1.0.0
  category: pages
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
      - id: write
        type: git-commit
        config:
          repository: TARGET
          commitMessage: "page: {{service.id}}"
          files: [{path: page.txt, contentTemplate: "{{fields.text}}"}]
"#;

/// A host, and a page that says its URL, which is sensitive.
const TOLD: &str = r#"--- bundles/host-told.yaml
schemaVersion: catalog/v1
kind: CatalogBundle
metadata:
  id: host-told
  name: Host and page
  description: A host that people set up by hand, and a page that says at which URL it is, password and all.
  version: 1.0.0
  owner: {team: platform, contact: platform@acme.example}
components:
  - id: host
    catalogItem: host-by-hand
    config: {name: "{{fields.name}}"}
    outputs: [url]
  - id: page
    catalogItem: page
    config: {text: "{{components.host.outputs.url}}"}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: name, name: Name, type: string, required: true}
"#;

const WHY: &str = "`config/files/0/contentTemplate` would hold a secret, where others read it";

fn target() -> (Repo, String) {
    let target = Repo::bare();
    target.commit_tree(&[("README", "hello")]);
    let page = PAGE.replace("TARGET", target.url());
    (target, page)
}

#[tokio::test]
async fn a_file_that_would_hold_a_sensitive_output_is_not_written() {
    let (target, page) = target();
    let host = service("one-host", "catalogItem: host-by-hand", "{name: one}");
    let text = "{text: \"{{services.one-host.outputs.url}}\"}";
    let told = service("one-page", "catalogItem: page", text);
    let mut world = World::of(&[HOST, &page, &host, &told].concat()).await;
    world.settle().await;
    world.complete("make", &[("host", "h1"), ("password", "s3cret")]).await;
    let settled = world.settle().await;
    assert!(settled.failed["one-page"].contains(WHY), "{settled:?}");
    assert_eq!(world.runs().await, ["create one-host succeeded", "create one-page failed"]);
    assert_eq!(written(&target), "README");
}

#[tokio::test]
async fn a_file_that_turns_out_to_hold_one_is_not_written() {
    let (target, page) = target();
    let both = service("my-host", "catalogBundle: host-told", "{name: one}");
    let mut world = World::of(&[HOST, &page, TOLD, &both].concat()).await;
    world.settle().await;
    world.complete("host/make", &[("host", "h1"), ("password", "s3cret")]).await;
    let settled = world.settle().await;
    assert!(settled.failed["my-host"].contains(WHY), "{settled:?}");
    assert_eq!(world.runs().await, ["create my-host failed"]);
    assert_eq!(written(&target), "README");
}

/// Two repositories, the first of which the page may touch; where it goes is entered.
fn bound() -> ([Repo; 2], String) {
    let repositories = [Repo::bare(), Repo::bare()];
    for repository in &repositories {
        repository.commit_tree(&[("README", "hello")]);
    }
    let targets = format!(
        "strategy: {{mode: automatic}}\n  targets: [\"git:acme/{{{{service.team}}}}-*\", \"git:{}\"]",
        repositories[0].url()
    );
    let page = PAGE
        .replace("strategy: {mode: automatic}", &targets)
        .replace("repository: TARGET", "repository: \"{{fields.text}}\"");
    (repositories, page)
}

fn written(repository: &Repo) -> String {
    repository.git(&["ls-tree", "--name-only", "main"], "").trim().replace('\n', " ")
}

#[tokio::test]
async fn a_repository_of_another_team_is_not_touched() {
    let ([ours, theirs], page) = bound();
    let told = |id: &str, to: &Repo| {
        service(id, "catalogItem: page", &format!("{{text: \"{}\"}}", to.url()))
    };
    let files = [&*page, &told("my-page", &ours), &told("their-page", &theirs)].concat();
    let mut world = World::of(&files).await;
    let settled = world.settle().await;
    assert_eq!(world.runs().await, ["create my-page succeeded"]);
    assert!(format!("{settled:?}").contains("is no target that `page` may touch"), "{settled:?}");
    assert_eq!([written(&ours), written(&theirs)], ["README page.txt", "README"]);
}

#[tokio::test]
async fn a_repository_that_turns_out_to_be_another_teams_is_not_touched() {
    let ([_, theirs], page) = bound();
    let both = service("my-host", "catalogBundle: host-told", "{name: one}");
    let bundle = TOLD.replace("outputs.url", "outputs.host").replace("[url]", "[host]");
    let mut world = World::of(&[HOST, &page, &bundle, &both].concat()).await;
    world.settle().await;
    world.complete("host/make", &[("host", theirs.url()), ("password", "s3cret")]).await;
    let settled = world.settle().await;
    let why =
        "is no target that `page` may touch for this service; it may touch `git:acme/payments-*`";
    assert!(settled.failed["my-host"].contains(why), "{settled:?}");
    assert_eq!(written(&theirs), "README");
}
