//! Proves what is shown on pull requests: checks, statuses, comments, labels, who is asked.

use jiff::Timestamp;

use super::fake::Trick;
use super::reviews_tests::{NAME, with_app, with_token};
use crate::forge::{Annotation, Check, CheckState, Level, ReviewRead as _, ReviewWrite as _};

fn check(head: &str, state: CheckState) -> Check {
    Check {
        name: "trueline/plan".to_owned(),
        head: head.to_owned(),
        state,
        title: "2 services change".to_owned(),
        summary: "| a | b |".to_owned(),
        annotations: Vec::new(),
        link: Some("https://trueline.example/plans/1".to_owned()),
    }
}

fn remarks(count: u32) -> Vec<Annotation> {
    let remark = |line| Annotation {
        path: "services/a.yaml".to_owned(),
        lines: (line, line),
        columns: Some((1, 4)),
        level: Level::Failure,
        title: "field-missing".to_owned(),
        message: "`size` is missing".to_owned(),
    };
    (1..=count).map(remark).collect()
}

#[tokio::test]
async fn a_check_of_an_app_is_made_once_and_brought_up_to_date() {
    let (github, forge) = with_app().await;
    let head = github.push_as("ann", NAME, "change", ("a.yaml", "1\n"));
    assert_eq!(forge.check_of(&head, "trueline/plan").await.unwrap(), None);
    forge.put_check(&check(&head, CheckState::Running)).await.unwrap();
    let done = check(&head, CheckState::ActionRequired);
    forge.put_check(&done).await.unwrap();
    forge.put_check(&done).await.unwrap();
    let runs = github.checks(NAME);
    assert_eq!((runs.len(), runs[0].conclusion.as_deref()), (1, Some("action_required")));
    assert_eq!(github.done("check-runs"), 2);
    assert_eq!(forge.check_of(&head, "trueline/plan").await.unwrap(), Some(done.clone()));
    // It begins anew: what ended is not taken back.
    forge.put_check(&check(&head, CheckState::Queued)).await.unwrap();
    assert_eq!(github.checks(NAME).len(), 2);
    // Another check of the same commit is another.
    let other = Check { name: "trueline/validate".to_owned(), ..done };
    forge.put_check(&other).await.unwrap();
    assert_eq!(github.checks(NAME).len(), 3);
}

#[tokio::test]
async fn remarks_go_in_parts_and_an_interrupted_check_is_made_anew() {
    let (github, forge) = with_app().await;
    let head = github.push_as("ann", NAME, "change", ("a.yaml", "1\n"));
    let wanted = Check { annotations: remarks(120), ..check(&head, CheckState::Failure) };
    github.play("PATCH", "/check-runs", Trick::CutBefore);
    assert!(forge.put_check(&wanted).await.unwrap_err().is_transient());
    let state = forge.check_of(&head, "trueline/plan").await.unwrap().unwrap().state;
    assert_eq!(state, CheckState::Running, "it is not taken for whole");
    forge.put_check(&wanted).await.unwrap();
    let runs = github.checks(NAME);
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0].conclusion.as_deref(), Some("cancelled"));
    assert_eq!((runs[1].annotations.len(), runs[1].conclusion.as_deref()), (120, Some("failure")));
    let lines: Vec<_> =
        runs[1].annotations.iter().filter_map(|it| it["start_line"].as_u64()).collect();
    assert_eq!(lines, (1..=120).collect::<Vec<_>>());
    let done = github.done("check-runs");
    forge.put_check(&wanted).await.unwrap();
    assert_eq!(github.done("check-runs"), done, "it says so already");
}

#[tokio::test]
async fn what_is_too_much_is_cut_and_what_is_odd_is_mended() {
    let (github, forge) = with_app().await;
    let head = github.push_as("ann", NAME, "change", ("a.yaml", "1\n"));
    let odd = Annotation {
        path: "a.yaml".to_owned(),
        lines: (9, 0),
        columns: Some((7, 2)),
        level: Level::Notice,
        title: "é".repeat(400),
        message: "é".repeat(70_000),
    };
    let spans = Annotation { lines: (1, 5), message: String::new(), ..odd.clone() };
    let mut annotations = remarks(700);
    annotations.splice(0..2, [odd, spans]);
    let summary = "é\n".repeat(50_000);
    let wanted =
        Check { annotations, summary, title: String::new(), ..check(&head, CheckState::Failure) };
    forge.put_check(&wanted).await.unwrap();
    let run = github.checks(NAME).remove(0);
    assert_eq!((run.title.as_str(), run.annotations.len()), ("trueline/plan", 500));
    assert!(run.summary.chars().count() <= 60_200);
    assert!(run.summary.contains("200 more remarks"));
}

#[tokio::test]
async fn a_token_sets_statuses() {
    let (github, forge) = with_token().await;
    let head = github.push_as("ann", NAME, "change", ("a.yaml", "1\n"));
    assert_eq!(forge.check_of(&head, "trueline/plan").await.unwrap(), None);
    forge.put_check(&check(&head, CheckState::Running)).await.unwrap();
    let title = "é".repeat(200);
    let done = Check { title, ..check(&head, CheckState::ActionRequired) };
    forge.put_check(&done).await.unwrap();
    forge.put_check(&done).await.unwrap();
    let statuses = github.statuses(NAME);
    let words: Vec<&str> = statuses.iter().map(|status| status.state.as_str()).collect();
    assert_eq!(words, ["pending", "failure"]);
    assert_eq!(statuses[1].description.chars().count(), 140);
    let told = forge.check_of(&head, "trueline/plan").await.unwrap().unwrap();
    assert_eq!((told.state, told.link), (CheckState::Failure, done.link));
    assert!(github.checks(NAME).is_empty());
}

#[tokio::test]
async fn our_comment_is_changed_in_place_and_nobody_elses() {
    for with in ["app", "token"] {
        let (github, forge) = if with == "app" { with_app().await } else { with_token().await };
        github.push_as("ann", NAME, "change", ("a.yaml", "1\n"));
        let number = github.open("ann", NAME, "change");
        let now = Timestamp::now();
        let put = async |body| forge.put_comment(number, "review", body, now).await;
        // Somebody was faster, and writes as if they were us.
        let forged = "<!-- Trueline-Comment: review -->\nAll is well.";
        github.comment("mallory", NAME, (number, forged));
        put(None).await.unwrap();
        put(Some("First")).await.unwrap();
        put(Some("First")).await.unwrap();
        put(Some("Second")).await.unwrap();
        let said = github.comments(NAME, number);
        assert_eq!(said, [forged, "<!-- Trueline-Comment: review -->\nSecond"]);
        assert_eq!(github.done("comments"), 2, "{with}");
        // A new process finds it again, and another marker is another comment.
        forge.put_comment(number, "result", Some(&"é\n".repeat(70_000)), now).await.unwrap();
        let all = github.all_comments(NAME, number);
        assert!(all[2].body.chars().count() <= 60_200);
        // It is taken away by a person: it comes again.
        github.with_pull(NAME, number, |pull| pull.comments.retain(|it| it.by == "mallory"));
        put(Some("Second")).await.unwrap();
        assert_eq!(github.comments(NAME, number).len(), 2);
        put(None).await.unwrap();
        assert_eq!(github.comments(NAME, number), [forged]);
    }
}

#[tokio::test]
async fn a_comment_whose_answer_was_lost_is_not_written_twice() {
    let (github, forge) = with_app().await;
    github.push_as("ann", NAME, "change", ("a.yaml", "1\n"));
    let number = github.open("ann", NAME, "change");
    let put = async |body| forge.put_comment(number, "review", Some(body), Timestamp::now()).await;
    for trick in [Trick::CutAfter, Trick::FailAfter(502)] {
        github.with_pull(NAME, number, |pull| pull.comments.clear());
        github.play("POST", "/comments", trick);
        assert!(put("First").await.unwrap_err().is_transient());
        put("First").await.unwrap();
        assert_eq!(github.comments(NAME, number).len(), 1);
    }
    // A list that is behind does not make a second one: the number is remembered.
    github.play("GET", "/issues/1/comments", Trick::Answer(200, Vec::new(), "[]".to_owned()));
    put("Second").await.unwrap();
    assert_eq!(github.comments(NAME, number).len(), 1);
}

#[tokio::test]
async fn comments_are_read_however_long_they_are() {
    let (github, forge) = with_app().await;
    github.push_as("ann", NAME, "change", ("a.yaml", "1\n"));
    let number = github.open("ann", NAME, "change");
    for at in 0..33 {
        let body = format!("{at}{}", "é".repeat(60_000));
        github.comment("mallory", NAME, (number, &body));
    }
    let id = github.comment("bob", NAME, (number, "/trueline plan"));
    let comments = forge.comments(number).await.unwrap();
    assert_eq!(comments.len(), 34);
    let last = comments.last().unwrap();
    assert_eq!(
        (last.id, last.by.login.as_str(), last.body.as_str()),
        (id, "bob", "/trueline plan")
    );
    for _ in 0..2 {
        forge.acknowledge(number, id).await.unwrap();
    }
    let seen = github.all_comments(NAME, number).pop().unwrap().reactions;
    assert_eq!(seen, [("trueline[bot]".to_owned(), "+1".to_owned())]);
}

#[tokio::test]
async fn nobody_is_asked_twice_and_only_our_labels_go() {
    let (github, forge) = with_app().await;
    github.set_team("acme/payments", &["bob", "carl"]);
    github.set_team("acme/infra", &["dora"]);
    github.push_as("ann", NAME, "change", ("a.yaml", "1\n"));
    let number = github.open("ann", NAME, "change");
    let names = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let ask = async |who: &[&str], labels: &[&str]| {
        forge.ask(number, &names(who), &names(labels)).await.unwrap();
    };
    let asked = || {
        let pull = github.pull(NAME, number);
        let all = |key: &str, name: &str| {
            let list = pull[key].as_array().unwrap().iter();
            list.map(|it| it[name].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
        };
        [all("requested_reviewers", "login"), all("requested_teams", "slug"), all("labels", "name")]
    };
    let everybody = ["@acme/payments", "@acme/infra", "@eve", "@ann", "@other/team"];
    ask(&everybody, &["trueline/plan", "infra"]).await;
    assert_eq!(asked(), ["eve", "payments infra", "trueline/plan infra"]);
    let done = github.ledger().len();
    ask(&everybody, &["trueline/plan", "infra"]).await;
    assert_eq!(github.ledger().len(), done, "it is so already");
    // Bob answers for his team, which is asked for nothing any more; nobody of the other did.
    github.review("bob", NAME, (number, "COMMENTED"));
    github.with_pull(NAME, number, |pull| (pull.teams, pull.reviewers) = (vec![], vec![]));
    ask(&["@acme/payments", "@acme/infra", "@bob"], &["trueline/large"]).await;
    assert_eq!(asked(), ["", "infra", "infra trueline/large"]);
    // One who can't be asked does not keep the others from being asked.
    ask(&["nobody", "fred"], &[]).await;
    assert_eq!(asked(), ["fred", "infra", "infra"]);
    // Of a settled one nothing is asked.
    github.merge(NAME, number);
    let done = github.ledger().len();
    ask(&["gina"], &["trueline/late"]).await;
    assert_eq!(github.ledger().len(), done);
}
