//! Tests of work that is accepted with `202`, and of the schema of answers.

use super::tests::{mishaps, posting};
use super::*;
use crate::action::testing::{Counterpart, Trick, ports};

fn polling(counterpart: &Counterpart) -> Call {
    let mut call = posting(counterpart);
    call.config["poll"] = json!({
        "url": counterpart.url("/progress"), "query": {"operation": "/operation", "none": "/none"},
        "until": {"pointer": "/state", "in": ["done", true], "failed": ["failed"]},
        "interval": "1ms", "timeout": "1h",
    });
    call
}

fn json_answer(status: u16, body: &str) -> Trick {
    Trick::Answer(status, "", body.to_owned())
}

async fn waiting(counterpart: &Counterpart, call: &Call) -> Wait {
    counterpart.play([json_answer(
        202,
        r#"{"operation": "op 1&x", "connection": {"url": "db://early"}}"#,
    )]);
    let outcome = RestApi::new().perform(&ports(), call).await.unwrap();
    let Outcome::Waiting { on } = outcome else { panic!("{outcome:?} does not wait") };
    on
}

/// Looks as a process would that has just started.
async fn looked(
    counterpart: &Counterpart,
    (call, on): (&Call, &Wait),
    trick: Trick,
) -> Result<Outcome, Fault> {
    counterpart.play([trick]);
    RestApi::new().look(&ports(), call, on).await
}

#[tokio::test]
async fn accepted_work_is_asked_about_until_it_is_done() {
    let counterpart = Counterpart::start().await;
    let mut call = polling(&counterpart);
    call.outputs.insert("size".to_owned(), "/result/size".to_owned());
    let on = waiting(&counterpart, &call).await;
    assert_eq!(on.on, "poll");
    assert_eq!(on.what, format!("POST {} to be done", counterpart.url("/things")));
    // What a run keeps is JSON.
    let on: Wait = serde_json::from_str(&serde_json::to_string(&on).unwrap()).unwrap();
    for body in [r#"{"state": "in progress"}"#, "{}", r#"{"state": ["done"]}"#] {
        let outcome = looked(&counterpart, (&call, &on), json_answer(200, body)).await.unwrap();
        assert_eq!(
            outcome,
            Outcome::Waiting { on: on.clone() },
            "unchanged, so that nothing is journaled"
        );
    }
    assert_eq!(counterpart.seen().pop().unwrap().path, "/progress?operation=op%201%26x");
    let last = r#"{"state": "done", "result": {"size": 3}, "password": "hunter22"}"#;
    let outcome = looked(&counterpart, (&call, &on), json_answer(200, last)).await.unwrap();
    let Outcome::Done { result, outputs } = outcome else { panic!("not done") };
    assert_eq!(Value::Object(outputs), json!({"status": 202, "url": "db://early", "size": 3}));
    assert_eq!(result["sentBody"], json!({"name": "db", "password": "(sensitive)"}));
    assert_eq!(result["body"]["password"], "(sensitive)");
}

#[tokio::test]
async fn a_location_is_asked_where_no_url_is_given() {
    let counterpart = Counterpart::start().await;
    let mut call = polling(&counterpart);
    call.config["poll"].as_object_mut().unwrap().remove("url");
    counterpart.play([Trick::Answer(202, "location: /jobs/7?x=1\r\n", String::new())]);
    let Outcome::Waiting { on } = RestApi::new().perform(&ports(), &call).await.unwrap() else {
        panic!()
    };
    call.outputs.clear();
    let done = looked(&counterpart, (&call, &on), json_answer(200, r#"{"state": true}"#)).await;
    assert!(matches!(done, Ok(Outcome::Done { .. })), "{done:?}");
    assert_eq!(counterpart.seen().pop().unwrap().path, "/jobs/7?x=1");

    for (headers, says) in [
        ("", "without a `Location`"),
        ("location: /jobs/hunter22\r\n", "holds a secret, which is not kept"),
        ("location: http://127.0.0.1:1/steal\r\n", "must stay at the host of `endpoint`"),
    ] {
        let mut call = call.clone();
        call.config["authentication"] = json!({"type": "bearer", "token": "t0ken-123"});
        counterpart.play([Trick::Answer(202, headers, String::new())]);
        let fault = match RestApi::new().perform(&ports(), &call).await {
            Ok(Outcome::Waiting { on }) => {
                RestApi::new().look(&ports(), &call, &on).await.unwrap_err()
            }
            other => other.unwrap_err(),
        };
        assert_eq!(fault.class, FaultClass::Terminal);
        assert!(fault.message.contains(says), "{fault}");
    }
}

#[tokio::test]
async fn whoever_cannot_be_asked_is_asked_again_until_it_took_too_long() {
    let counterpart = Counterpart::start().await;
    let call = polling(&counterpart);
    let on = waiting(&counterpart, &call).await;
    for trick in mishaps() {
        counterpart.play([trick.clone()]);
        let quick = RestApi::within(Duration::from_secs(1), Duration::from_millis(100));
        let looked = quick.look(&ports(), &call, &on).await;
        // The counterpart knows no progress of its own, so what it does after the work is a `404`.
        if let Err(fault) = looked {
            let gone = fault.message.contains("404");
            assert!(gone || fault.class == FaultClass::Transient, "{trick:?}: {fault}");
        }
    }
    let mut late = on.clone();
    late.reference["since"] = json!("2020-01-01T00:00:00Z");
    for trick in [json_answer(503, ""), json_answer(200, "{}")] {
        let fault = looked(&counterpart, (&call, &late), trick).await.unwrap_err();
        assert_eq!(fault.class, FaultClass::Terminal);
        insta::allow_duplicates! { insta::assert_snapshot!(fault, @"the work that was accepted was not done within 3600 s") };
    }
    let done = looked(&counterpart, (&call, &late), json_answer(200, r#"{"state": "done"}"#)).await;
    assert!(done.is_ok(), "what is done in the end is done");
}

#[tokio::test]
async fn work_that_fails_or_makes_no_sense_fails_the_step() {
    let counterpart = Counterpart::start().await;
    let call = polling(&counterpart);
    let on = waiting(&counterpart, &call).await;
    for (status, body, says) in [
        (
            200,
            r#"{"state": "failed", "why": "hunter22"}"#,
            r#"failed: {"state": "failed", "why": "(sensitive)"}"#,
        ),
        (404, "", "the work that was accepted is gone"),
        (410, "", "the work that was accepted is gone"),
        (403, "no", "answered 403: no"),
        (302, "", "redirects are not followed"),
    ] {
        let fault =
            looked(&counterpart, (&call, &on), json_answer(status, body)).await.unwrap_err();
        assert_eq!(fault.class, FaultClass::Terminal, "{status} {body}");
        assert!(fault.message.contains(says), "{fault}");
    }
    let other = Wait { reference: json!({"task": 1}), ..on };
    assert!(RestApi::new().look(&ports(), &call, &other).await.is_err());
}

#[tokio::test]
async fn work_goes_on_while_nobody_can_read_how_far_it_is() {
    let counterpart = Counterpart::start().await;
    let call = polling(&counterpart);
    let on = waiting(&counterpart, &call).await;
    let huge = format!("{{\"pad\": \"{}\"}}", "x".repeat(2 << 20));
    for (answer, says) in [
        (json_answer(200, "<html>log in</html>"), "answered no JSON: <html>log in</html>"),
        (json_answer(200, &huge), "answered more than 1 MiB, which is not read"),
        (json_answer(503, "busy"), "answered 503: busy"),
        (Trick::Garbage, "broke"),
        (Trick::CutBefore, "broke"),
    ] {
        let fault = looked(&counterpart, (&call, &on), answer).await.unwrap_err();
        assert_eq!(fault.class, FaultClass::Transient, "{fault}");
        assert!(fault.message.contains(says), "{fault}");
    }
    let done = looked(&counterpart, (&call, &on), json_answer(200, r#"{"state": "done"}"#));
    assert!(matches!(done.await, Ok(Outcome::Done { .. })));
}

#[tokio::test]
async fn nobody_is_asked_more_often_than_said() {
    let counterpart = Counterpart::start().await;
    let mut call = polling(&counterpart);
    call.config["poll"]["interval"] = json!("1h");
    let action = RestApi::new();
    counterpart.play([json_answer(202, "{}")]);
    let Outcome::Waiting { on } = action.perform(&ports(), &call).await.unwrap() else { panic!() };
    for _ in 0..3 {
        assert_eq!(
            action.look(&ports(), &call, &on).await,
            Ok(Outcome::Waiting { on: on.clone() })
        );
    }
    assert_eq!(counterpart.seen().len(), 1);
}

#[tokio::test]
async fn accepted_deletion_is_done_once_nothing_is_there() {
    let counterpart = Counterpart::start().await;
    let call = polling(&counterpart);
    for last in
        [json_answer(410, "{}"), json_answer(404, ""), json_answer(200, r#"{"state": "done"}"#)]
    {
        counterpart.play([json_answer(202, r#"{"operation": "gone"}"#)]);
        let outcome = RestApi::new().undo(&ports(), &call).await.unwrap();
        let Outcome::Waiting { on } = outcome else { panic!("{outcome:?}") };
        let waits =
            looked(&counterpart, (&call, &on), json_answer(200, r#"{"state": "going"}"#)).await;
        assert_eq!(waits, Ok(Outcome::Waiting { on: on.clone() }));
        assert!(matches!(looked(&counterpart, (&call, &on), last).await, Ok(Outcome::Done { .. })));
    }
}

#[tokio::test]
async fn an_answer_is_checked_against_its_schema_and_nothing_is_fetched() {
    let counterpart = Counterpart::start().await;
    let schema =
        json!({"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}});
    for (schema, body, says) in [
        (schema.clone(), r#"{"id": 7, "connection": {"url": "x"}}"#, None),
        (schema.clone(), r#"{"id": "hunter22"}"#, Some("at `/id`")),
        (schema.clone(), "{}", Some("at the body")),
        (schema, "<html>", Some("answered no JSON")),
        (
            json!({"$ref": counterpart.url("/schema.json")}),
            "{}",
            Some("`expect.schema` cannot be used"),
        ),
        (json!({"$ref": "file:///etc/passwd"}), "{}", Some("`expect.schema` cannot be used")),
        (json!({"type": "objekt"}), "{}", Some("`expect.schema` cannot be used")),
    ] {
        let mut call = posting(&counterpart);
        call.config["expect"] = json!({"schema": schema});
        counterpart.play([json_answer(200, body)]);
        match (RestApi::new().perform(&ports(), &call).await, says) {
            (Ok(_), None) => {}
            (Err(fault), Some(says)) => {
                assert_eq!(fault.class, FaultClass::Terminal);
                assert!(
                    fault.message.contains(says) && !fault.message.contains("hunter22"),
                    "{fault}"
                );
            }
            (other, _) => panic!("{schema}: {other:?}"),
        }
    }
    assert!(counterpart.seen().iter().all(|seen| seen.path == "/things"));
}
