//! Tests of what may make a second ticket: lost answers, crashes, a search that lags, answers that can't be read.

use std::time::Duration;

use super::fake::{FakeJira, Trick};
use super::tests::{JIRA, config, reaching, waiting};
use super::*;
use crate::action::JiraEdition;
use crate::action::testing::{Counterpart, Trick as Answer, call};
use crate::run::FaultClass;

async fn well() -> (FakeJira, Ports) {
    let jira = FakeJira::start().await;
    let ports = reaching(&jira, JiraEdition::Cloud);
    (jira, ports)
}

/// A JIRA whose next ticket meets this.
async fn tricky(trick: Trick) -> (FakeJira, Ports) {
    let (jira, ports) = well().await;
    jira.world.lock().unwrap().tricks.push_back(trick);
    (jira, ports)
}

fn asked(effect: u32, summary: &str) -> Call {
    Call {
        key: format!("trueline-demo-u1-provision-{effect}"),
        ..call(config(&json!({"summaryTemplate": summary})))
    }
}

/// Looks until the ticket is found; tells how often it was looked.
async fn found(ports: &Ports, call: &Call, mut on: Wait) -> (String, usize) {
    for looked in 0..20 {
        if let Some(key) = on.reference.get("key") {
            return (key.as_str().unwrap().to_owned(), looked);
        }
        on = match JIRA.look(ports, call, &on).await {
            Ok(Outcome::Waiting { on }) => on,
            other => panic!("{other:?}"),
        };
    }
    panic!("it is never found");
}

#[tokio::test]
async fn a_ticket_whose_answer_was_lost_is_found_once_the_search_shows_it() {
    let (jira, ports) = tricky(Trick::After(502)).await;
    let asked = asked(1, "A database");
    let on = waiting(&ports, &asked).await;
    assert_eq!(on.what, "JIRA `main` to show whether it opened the ticket");
    assert_eq!(waiting(&ports, &asked).await, on, "after a crash it is looked for as well");
    assert_eq!(found(&ports, &asked, on).await, ("OPS-1".to_owned(), 3));
    assert_eq!(jira.keys(), ["OPS-1"]);
    assert_eq!(waiting(&ports, &asked).await.reference["key"], "OPS-1");
}

#[tokio::test]
async fn a_crash_while_a_ticket_is_opened_opens_no_second_one() {
    for edition in [JiraEdition::Cloud, JiraEdition::DataCenter] {
        let (jira, _) = tricky(Trick::Never).await;
        let (ports, asked) = (reaching(&jira, edition), asked(1, "A database"));
        let cut = tokio::time::timeout(Duration::from_secs(1), JIRA.perform(&ports, &asked));
        assert!(cut.await.is_err());
        let on = waiting(&ports, &asked).await;
        assert_eq!(found(&ports, &asked, on).await.0, "OPS-1");
        assert_eq!(jira.keys(), ["OPS-1"], "{edition:?}");
    }
}

#[tokio::test]
async fn a_crash_after_a_ticket_was_opened_needs_no_search() {
    let (jira, ports) = well().await;
    jira.world.lock().unwrap().lag = None;
    let mut created = asked(1, "A database");
    created.config["waitFor"] = json!("created");
    for _ in 0..2 {
        let done = JIRA.perform(&ports, &created).await;
        assert!(matches!(done, Ok(Outcome::Done { .. })), "{done:?}");
    }
    let on = waiting(&ports, &asked(2, "A larger one")).await;
    assert_eq!(on.reference["key"], "OPS-1", "the next run takes it up, whatever the search says");
    assert_eq!(jira.keys(), ["OPS-1"]);
}

#[tokio::test]
async fn what_the_search_says_of_a_ticket_may_be_old() {
    let (jira, ports) = well().await;
    let first = asked(1, "A database");
    waiting(&ports, &first).await;
    for _ in 0..4 {
        jira.world.lock().unwrap().shown(true);
    }
    std::fs::remove_dir_all(jira.state.path().join("tickets")).unwrap();
    jira.world.lock().unwrap().lag = None;
    jira.moved("OPS-1", "Done", "done");
    let on = waiting(&ports, &asked(2, "A larger one")).await;
    assert_eq!(
        on.reference["key"], "OPS-2",
        "the first one is done, although the search does not say so"
    );
}

#[tokio::test]
async fn a_ticket_that_never_appears_is_left_to_a_person() {
    let (jira, ports) = tricky(Trick::Before(503)).await;
    let asked = asked(1, "A database");
    let on = waiting(&ports, &asked).await;
    let on = match JIRA.look(&ports, &asked, &on).await {
        Ok(Outcome::Waiting { on }) => on,
        other => panic!("{other:?}"),
    };
    let busy = JIRA.withdraw(&ports, &asked, &on).await.unwrap_err();
    assert_eq!(busy.class, FaultClass::Transient, "it may still come: {busy}");
    let impatient = JiraTicket { settle: Duration::ZERO };
    let fault = impatient.look(&ports, &asked, &on).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Terminal);
    let (_, said) = fault.message.split_once("the answer was lost, ").unwrap();
    insta::assert_snapshot!(said, @"and no ticket with the label `trueline-demo-u1-provision` has appeared; look there, then `trueline service reconcile payments-db` takes up what is there by then, or opens one");
    assert_eq!(impatient.withdraw(&ports, &asked, &on).await, Ok(Withdrawn::Nothing));
    assert!(jira.keys().is_empty());
    assert_eq!(waiting(&ports, &asked).await.reference["key"], "OPS-1", "asked for again");
}

#[tokio::test]
async fn a_refusal_leaves_nothing_to_look_for() {
    let (jira, ports) = tricky(Trick::Before(401)).await;
    let fault = JIRA.perform(&ports, &asked(1, "A database")).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Terminal);
    assert!(!fault.message.contains("t0ken"), "{fault}");
    assert_eq!(waiting(&ports, &asked(1, "A database")).await.reference["key"], "OPS-1");
    assert_eq!(jira.keys(), ["OPS-1"]);
}

#[tokio::test]
async fn a_ticket_that_may_have_been_opened_is_taken_back_once_it_shows() {
    let (jira, ports) = tricky(Trick::After(502)).await;
    let asked = asked(1, "A database");
    let on = waiting(&ports, &asked).await;
    for _ in 0..3 {
        assert!(JIRA.withdraw(&ports, &asked, &on).await.is_err());
    }
    assert_eq!(JIRA.withdraw(&ports, &asked, &on).await, Ok(Withdrawn::Done));
    assert_eq!(jira.told(), ["OPS-1 Won't Do 1"]);
}

/// Answers that say nothing of a ticket.
fn unreadable() -> Vec<(Answer, &'static str)> {
    let huge = format!("{{\"pad\": \"{}\"}}", "x".repeat(2 << 20));
    vec![
        (Answer::Answer(200, "", huge), "1 MiB"),
        (Answer::Answer(200, "", "[]".to_owned()), "JIRA `main` answered "),
        (Answer::Answer(200, "content-type: text/html\r\n", "<html>".to_owned()), "than JSON"),
        (Answer::Answer(302, "location: /login\r\n", String::new()), "302"),
        (Answer::Answer(401, "", "{}".to_owned()), "401"),
        (Answer::Answer(503, "", "{}".to_owned()), "503"),
        (Answer::Garbage, "broke"),
        (Answer::CutAfter, "broke"),
    ]
}

#[tokio::test]
async fn a_ticket_that_can_not_be_read_is_waited_for_and_what_hinders_is_told() {
    let (jira, mut ports) = well().await;
    let (asked, other) = (asked(1, "A database"), Counterpart::start().await);
    let on = waiting(&ports, &asked).await;
    let mut operator = (*ports.operator).clone();
    operator.jira.get_mut("main").unwrap().url = other.url("");
    ports.operator = operator.into();
    let mut seen = asked.clone();
    let previous = json!({"action": "jira-ticket", "digest": crate::digest::Digest::of_bytes(b"x"),
        "sent": {}, "result": {"key": "OPS-1"}, "outputs": {}, "run": "r", "at": "2026-01-01T00:00:00Z"});
    seen.previous = Some(serde_json::from_value(previous).unwrap());
    for (answer, said) in unreadable() {
        other.play([answer.clone(), answer.clone()]);
        let told = match JIRA.look(&ports, &asked, &on).await {
            Ok(Outcome::Waiting { on: now }) => {
                assert_eq!(now.reference, on.reference);
                now.what
            }
            Err(fault) => {
                assert_eq!(fault.class, FaultClass::Transient, "{fault}");
                fault.message
            }
            Ok(other) => panic!("{other:?}"),
        };
        assert!(told.contains(said) && !told.contains("t0ken"), "{answer:?}: {told}");
        match JIRA.observe(&ports, &seen).await {
            Ok(Observation::Unknown { reason }) => assert!(reason.contains(said), "{reason}"),
            other => panic!("{answer:?}: {other:?}"),
        }
    }
    ports.operator = reaching(&jira, JiraEdition::Cloud).operator;
    jira.moved("OPS-1", "Done", "done");
    let done = JIRA.look(&ports, &asked, &on).await;
    assert!(matches!(done, Ok(Outcome::Done { .. })), "nothing was lost: {done:?}");
}

#[tokio::test]
async fn a_search_that_can_not_be_read_opens_nothing() {
    let (_jira, mut ports) = well().await;
    let other = Counterpart::start().await;
    let mut operator = (*ports.operator).clone();
    operator.jira.get_mut("main").unwrap().url = other.url("");
    ports.operator = operator.into();
    for (answer, _) in unreadable() {
        other.play([answer.clone()]);
        let fault = JIRA.perform(&ports, &asked(1, "A database")).await.unwrap_err();
        let is_final = matches!(answer, Answer::Answer(302 | 401, ..));
        let class = if is_final { FaultClass::Terminal } else { FaultClass::Transient };
        assert_eq!(fault.class, class, "{answer:?}: {fault}");
    }
    let asked: Vec<String> = other.seen().into_iter().map(|seen| seen.path).collect();
    assert!(asked.iter().all(|path| path == "/rest/api/2/search/jql"), "{asked:?}");
}
