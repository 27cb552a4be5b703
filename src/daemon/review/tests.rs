//! Stories of proposals, each over whatever forge people speak through: what is found, who must approve, what is held
//! back, and what is said once it is done.

use super::say::{APPLY, PLAN, VALIDATE};
use super::world::{People, Stage, stories};
use crate::forge::Opinion;
use crate::store::{DecisionKind, Store as _};

const BASE: &str = r#"--- trueline.yaml
schemaVersion: catalog/v1
kind: Catalog
metadata: {id: tests, name: Tests}
guard: {firstContact: apply}
defaults: {deletionPolicy: delete}
owners: {required: true}
teams:
  payments: {owners: ["@pat"], contact: payments@acme.example}
  platform: {owners: ["@ola"], contact: platform@acme.example}
--- .github/CODEOWNERS
* @ops
/services/payments/ @pat
/services/platform/ @ola
--- catalog/notes/note-log.yaml
schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: note-log
  name: Note
  description: A note that is written into the log of the process, for stories about proposals.
  version: 1.0.0
  category: notes
  owner: {team: platform, contact: platform@acme.example}
  cost: {currency: USD, monthly: 5}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: text, name: Text, type: string, required: true}
fulfillment:
  strategy: {mode: automatic}
  approval: {required: 1}
  manual:
    actions:
      - {id: by-hand, type: manual-task, config: {title: Write it}}
  automatic:
    actions:
      - id: tell
        type: notify
        config: {channel: log, subject: "{{fields.text}}", message: done}
outputs:
  place: {value: "log-{{fields.text}}", description: Where it is.}
  hidden: {value: "no-{{fields.text}}", sensitive: true, description: Not for everybody.}
"#;

const PAY: &str = "services/payments/pay-note.yaml";
const PLAT: &str = "services/platform/plat-note.yaml";

fn note(id: &str, team: &str, text: &str) -> String {
    format!(
        "schemaVersion: catalog/v1\nkind: Service\nmetadata: {{id: {id}, team: {team}}}\n\
         catalogItem: note-log\nfields: {{text: {text}}}\n"
    )
}

fn pay(text: &str) -> String {
    note("pay-note", "payments", text)
}

stories! {
    from_findings_to_what_was_done
    an_approval_before_a_push_is_stale
    who_wrote_it_does_not_approve_it
    an_owner_of_one_path_lets_only_that_through
    owners_are_those_of_the_base
    what_is_pushed_waits_for_its_owners
    a_rewritten_history_waits_for_owners
    commands_are_answered_once_and_talk_is_left_alone
    a_conflict_and_a_wrong_base_are_said
    what_is_reached_and_what_is_taken_away_is_said
}

/// Returns how many runs there were.
async fn runs<P: People>(stage: &Stage<P>) -> usize {
    stage.world.runs().await.len()
}

/// Approves the change of a service as `trueline approve` does.
async fn accept<P: People>(stage: &Stage<P>, service: &str, by: &str) {
    let plan = stage.world.daemon.plan.as_ref().expect("a plan");
    let subject = plan.change(service).expect("a change").digest;
    let decision =
        DecisionKind::Approve { subject, changes: vec![subject], comment: String::new() };
    let now = crate::clock::Clock::now(&crate::daemon::SystemClock);
    stage.world.store.decide(by, now, &decision).await.expect("decided");
}

async fn from_findings_to_what_was_done<P: People>(mut stage: Stage<P>) {
    let wrong = pay("one").replace("text:", "txet:");
    let head = stage.push("topic", "bob", &[(PAY, &wrong)]);
    let number = stage.people.open("topic", "bob").await;
    assert_eq!(stage.look().await.reviewed, 1);
    assert!(stage.check(&head, VALIDATE).await.starts_with("Failure: "));
    let at = stage.people.remarks(&head, VALIDATE).await;
    assert!(at.contains(&(PAY.to_owned(), 5)), "{at:?}");
    let said = stage.said(number, "### Trueline").await;
    assert!(said[0].contains("**Findings**") && said[0].contains("txet"), "{}", said[0]);

    let head = stage.push("topic", "bob", &[(PAY, &pay("one"))]);
    assert_eq!(stage.look().await.reviewed, 1);
    assert_eq!(stage.check(&head, VALIDATE).await, "Success: nothing found");
    let title = "ActionRequired: 1 to create; 1 approval of owners missing";
    assert_eq!(stage.check(&head, PLAN).await, title);
    let shown = stage.forge.review_of(number).await.expect("read");
    assert_eq!(shown.asked, ["@pat"]);
    assert_eq!(shown.labels, ["trueline/needs-owners"]);
    let said = stage.said(number, "### Trueline").await;
    assert_eq!(said.len(), 1, "one comment is kept up to date");
    for part in [
        "- [ ] @\u{200b}pat: ",
        "<summary><code>+ create pay-note</code></summary>",
        "Estimated cost: 0.00 → 5.00 USD",
    ] {
        assert!(said[0].contains(part), "{part}\n---\n{}", said[0]);
    }
    assert_eq!(stage.look().await.reviewed, 0, "nothing has changed");

    stage.people.give(number, "pat", Opinion::Approved).await;
    assert_eq!(stage.look().await.reviewed, 1);
    assert_eq!(stage.check(&head, PLAN).await, "Success: 1 to create");
    let merge = stage.people.merge(number, "bob").await;
    assert!(stage.settle().await.is_converged(), "{}", stage.waits("pay-note"));
    assert_eq!(stage.world.runs().await, ["create pay-note succeeded"]);
    assert_eq!(stage.check(&merge, APPLY).await, "Success: 1 of 1 done");
    let told = stage.said(number, "1 of 1 done").await;
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("`place` = ") && !told[0].contains("no-"), "{}", told[0]);
}

async fn an_approval_before_a_push_is_stale<P: People>(mut stage: Stage<P>) {
    stage.push("topic", "bob", &[(PAY, &pay("one"))]);
    let number = stage.people.open("topic", "bob").await;
    stage.look().await;
    stage.people.give(number, "pat", Opinion::Approved).await;
    let head = stage.push("topic", "bob", &[(PAY, &pay("two"))]);
    stage.look().await;
    assert!(stage.check(&head, PLAN).await.starts_with("ActionRequired: "));
    let merge = stage.people.merge(number, "bob").await;
    stage.settle().await;
    let why = stage.waits("pay-note");
    assert!(
        why.contains(&format!("waits for the owners of {PAY}: proposal 1 brought it in")),
        "{why}"
    );
    assert!(why.contains("not approved by @pat"), "{why}");
    assert_eq!(runs(&stage).await, 0);
    assert!(stage.check(&merge, APPLY).await.starts_with("Running: 0 of 1 done"));

    // Whoever is no owner accepts nothing; an owner does, in a comment.
    accept(&stage, "pay-note", "eve").await;
    stage.settle().await;
    assert_eq!(runs(&stage).await, 0);
    let digest = stage.world.daemon.plan.as_ref().expect("a plan").changes[0].digest;
    let asked = format!("/trueline approve {}", digest.short());
    stage.people.comment(number, "pat", &asked).await;
    assert!(stage.settle().await.is_converged(), "{}", stage.waits("pay-note"));
    assert_eq!(stage.said(number, "Approved by `pat`").await.len(), 1);
    assert_eq!(stage.check(&merge, APPLY).await, "Success: 1 of 1 done");
}

async fn who_wrote_it_does_not_approve_it<P: People>(mut stage: Stage<P>) {
    let head = stage.push("topic", "pat", &[(PAY, &pay("one"))]);
    let number = stage.people.open("topic", "bob").await;
    stage.people.give(number, "pat", Opinion::Approved).await;
    stage.people.comment(number, "pat", "/trueline approve").await;
    stage.look().await;
    assert!(stage.check(&head, PLAN).await.ends_with("1 approval of owners missing"));
    let said = stage.said(number, "takes part in the change as an author").await;
    assert_eq!(said.len(), 1);
    assert_eq!(stage.said(number, "had a hand in this").await.len(), 1);
    assert!(stage.forge.review_of(number).await.expect("read").asked.is_empty());
    stage.people.merge(number, "ola").await;
    stage.settle().await;
    assert!(stage.waits("pay-note").contains("not approved by @pat"));
    assert_eq!(runs(&stage).await, 0);
}

async fn an_owner_of_one_path_lets_only_that_through<P: People>(mut stage: Stage<P>) {
    let plat = note("plat-note", "platform", "two");
    stage.push("topic", "bob", &[(PAY, &pay("one")), (PLAT, &plat)]);
    let number = stage.people.open("topic", "bob").await;
    stage.look().await;
    stage.people.give(number, "pat", Opinion::Approved).await;
    stage.people.merge(number, "bob").await;
    stage.settle().await;
    assert_eq!(stage.world.runs().await, ["create pay-note succeeded"]);
    assert!(stage.waits("plat-note").contains("not approved by @ola"));
    accept(&stage, "plat-note", "ola").await;
    assert!(stage.settle().await.is_converged());
}

async fn owners_are_those_of_the_base<P: People>(mut stage: Stage<P>) {
    let owners = "* @eve\n";
    stage.push("topic", "bob", &[(PAY, &pay("one")), (".github/CODEOWNERS", owners)]);
    let number = stage.people.open("topic", "bob").await;
    stage.look().await;
    stage.people.give(number, "eve", Opinion::Approved).await;
    stage.people.merge(number, "bob").await;
    stage.settle().await;
    assert!(stage.waits("pay-note").contains("not approved by @pat"));
    // Nor do they count for what comes next.
    stage.push("next", "bob", &[(PAY, &pay("two"))]);
    let next = stage.people.open("next", "bob").await;
    stage.look().await;
    stage.people.give(next, "eve", Opinion::Approved).await;
    stage.people.merge(next, "bob").await;
    stage.settle().await;
    assert!(stage.waits("pay-note").contains("not approved by @pat"));
    assert_eq!(runs(&stage).await, 0);
}

async fn what_is_pushed_waits_for_its_owners<P: People>(mut stage: Stage<P>) {
    stage.push("main", "bob", &[(PAY, &pay("one"))]);
    stage.world.settle().await;
    assert!(stage.waits("pay-note").contains("waits for owners: `trueline serve` looks up"));
    stage.settle().await;
    assert!(stage.waits("pay-note").contains("it was pushed without a proposal"));
    assert_eq!(runs(&stage).await, 0);
    // Rules that are pushed do not count, so nobody lets themselves through.
    let settings =
        BASE.split("--- ").nth(1).and_then(|file| file.split_once('\n')).expect("a file").1;
    let settings = settings.replace("required: true", "required: false");
    stage.push("main", "bob", &[("trueline.yaml", &settings)]);
    stage.settle().await;
    assert!(stage.waits("pay-note").contains("waits for the owners of trueline.yaml"));
    assert_eq!(runs(&stage).await, 0);
    // Taking both back needs nobody.
    let settings = settings.replace("required: false", "required: true");
    stage.push("main", "bob", &[("trueline.yaml", &settings), (PAY, "")]);
    assert!(stage.settle().await.is_converged());
    assert_eq!(runs(&stage).await, 0);
}

async fn a_rewritten_history_waits_for_owners<P: People>(mut stage: Stage<P>) {
    let repo = stage.world.repository.as_ref().expect("a repository");
    let before = repo.git(&["rev-parse", "refs/heads/main"], "");
    stage.push("topic", "bob", &[(PAY, &pay("one"))]);
    let number = stage.people.open("topic", "bob").await;
    stage.look().await;
    stage.people.give(number, "pat", Opinion::Approved).await;
    stage.people.merge(number, "bob").await;
    assert!(stage.settle().await.is_converged());
    let repo = stage.world.repository.as_ref().expect("a repository");
    repo.git(&["update-ref", "refs/heads/main", &before], "");
    stage.settle().await;
    let why = stage.waits("pay-note");
    assert!(why.contains("the history of the branch was rewritten"), "{why}");
    assert!(why.contains("not approved by @pat"), "{why}");
    assert_eq!(stage.world.runs().await, ["create pay-note succeeded"]);
}

async fn commands_are_answered_once_and_talk_is_left_alone<P: People>(mut stage: Stage<P>) {
    stage.push("topic", "bob", &[(PAY, &pay("one"))]);
    let number = stage.people.open("topic", "bob").await;
    stage.look().await;
    for (by, text) in [
        ("eve", "Looks good, /trueline approve"),
        ("eve", "/trueline help"),
        ("eve", "/trueline explain reference/unknown-item"),
        ("eve", "/trueline approve"),
        ("eve", "/trueline <b>@all</b>"),
        ("bob", "/trueline plan"),
        ("pat", "/trueline approve 12"),
        ("pat", "/trueline approve 00000000"),
    ] {
        stage.people.comment(number, by, text).await;
    }
    assert_eq!(stage.look().await.reviewed, 1, "who wrote it may ask for the plan");
    let comments = stage.forge.comments(number).await.expect("read").len();
    for (part, times) in [
        ("What can be asked for here", 2),
        ("reference/unknown-item", 1),
        ("`eve` is neither an owner", 1),
        ("knows no &lt;b&gt;", 1),
        ("`12` is too short", 1),
        ("here begins with `00000000`", 1),
    ] {
        assert_eq!(stage.said(number, part).await.len(), times, "{part}");
    }
    stage.look().await;
    assert_eq!(stage.forge.comments(number).await.expect("read").len(), comments);
    assert_eq!(stage.world.store.last_decision().await.expect("read"), 0);
    // What an owner approves before the merge counts after it, but does not replace a review.
    stage.people.comment(number, "pat", "/trueline approve").await;
    stage.look().await;
    assert_eq!(stage.world.store.last_decision().await.expect("read"), 1);
}

async fn a_conflict_and_a_wrong_base_are_said<P: People>(mut stage: Stage<P>) {
    let head = stage.push("topic", "bob", &[(PAY, &pay("one"))]);
    let number = stage.people.open("topic", "bob").await;
    stage.push("main", "ola", &[(PLAT, "kind: Nonsense\n")]);
    stage.look().await;
    assert!(
        stage.check(&head, VALIDATE).await.starts_with("Success: nothing found; its base has ")
    );
    stage.push("main", "ola", &[(PAY, &pay("other"))]);
    stage.look().await;
    let title = format!("ActionRequired: conflicts with its base in {PAY}");
    assert_eq!(stage.check(&head, VALIDATE).await, title);
    assert_eq!(stage.said(number, "bring it up to date").await.len(), 1);
    let labels = stage.forge.review_of(number).await.expect("read").labels;
    assert_eq!(labels, ["trueline/conflict"]);
}

async fn what_is_reached_and_what_is_taken_away_is_said<P: People>(mut stage: Stage<P>) {
    stage.push("topic", "bob", &[(PAY, &pay("one"))]);
    let number = stage.people.open("topic", "bob").await;
    stage.look().await;
    stage.people.give(number, "pat", Opinion::Approved).await;
    stage.people.merge(number, "bob").await;
    assert!(stage.settle().await.is_converged());

    let item = BASE.split("--- ").nth(3).and_then(|file| file.split_once('\n')).expect("an item").1;
    let item = item.replace("monthly: 5", "monthly: 7");
    let head = stage.push("item", "bob", &[("catalog/notes/note-log.yaml", &item)]);
    let number = stage.people.open("item", "bob").await;
    stage.look().await;
    let title = stage.check(&head, PLAN).await;
    assert!(title.contains("no changes; item note-log reaches 1 service"), "{title}");
    let said = stage.said(number, "**Blast radius**").await;
    assert!(said[0].contains("1 service, of which 0 would be changed: item note-log"));
    let labels = stage.forge.review_of(number).await.expect("read").labels;
    assert!(labels.contains(&"trueline/blast-radius".to_owned()), "{labels:?}");

    let head = stage.push("gone", "bob", &[(PAY, "")]);
    let number = stage.people.open("gone", "bob").await;
    stage.look().await;
    let title = stage.check(&head, PLAN).await;
    assert!(title.starts_with("ActionRequired: 1 to delete; 1 approval of owners"), "{title}");
    let said = stage.said(number, "pay-note is taken away with all that it holds").await;
    assert!(said[0].contains("Estimated cost: 5.00 → 0.00 USD"), "{}", said[0]);
    let labels = stage.forge.review_of(number).await.expect("read").labels;
    // It is all that there is.
    assert_eq!(labels, ["trueline/deletes", "trueline/held", "trueline/needs-owners"]);
}
