//! Tests of interfaces that are no resources by address: they are looked at and undone with a body, and say in an
//! answer of their own that nothing is there.

use super::tests::posting;
use super::*;
use crate::action::Call;
use crate::action::testing::{Counterpart, Trick, ports};

/// Speaks like AWS: one address, the verb in a header.
fn verbs(counterpart: &Counterpart) -> Call {
    let mut call = posting(counterpart);
    let gone = json!({"status": [400], "pointer": "/__type", "in": ["ParameterNotFound"]});
    call.config["headers"] = json!({"X-Amz-Target": "Put", "X-Other": "kept"});
    call.config["observe"] = json!({
        "url": counterpart.url("/"), "method": "POST", "headers": {"x-amz-target": "Get"},
        "body": {"contentTemplate": {"Name": "db"}}, "gone": gone,
        "compare": {"value": {"pointer": "/value", "value": "1"}},
    });
    call.config["delete"] = json!({
        "url": counterpart.url("/"), "method": "POST", "headers": {"x-amz-target": "Delete"},
        "body": {"contentTemplate": {"Name": "db"}}, "gone": gone,
    });
    call
}

fn not_found() -> String {
    r#"{"__type": "ParameterNotFound"}"#.to_owned()
}

async fn observed(config: &[(&str, Value)], trick: Trick) -> Observation {
    let counterpart = Counterpart::start().await;
    let mut call = verbs(&counterpart);
    for (key, value) in config {
        call.config["observe"]["gone"][key] = value.clone();
    }
    counterpart.play([trick]);
    RestApi::new().observe(&ports(), &call).await.unwrap()
}

#[tokio::test]
async fn looking_and_undoing_say_what_they_are_about() {
    let (action, counterpart) = (RestApi::new(), Counterpart::start().await);
    let call = verbs(&counterpart);
    counterpart.play([Trick::Answer(200, "", r#"{"value": 1}"#.to_owned())]);
    assert_eq!(action.observe(&ports(), &call).await.unwrap(), Observation::Same);
    assert!(matches!(action.undo(&ports(), &call).await, Ok(Outcome::Done { .. })));
    let seen = counterpart.seen();
    for (request, verb) in seen.iter().zip(["Get", "Delete"]) {
        assert_eq!(
            (&*request.headers["x-amz-target"], &*request.headers["x-other"], &*request.method),
            (verb, "kept", "POST")
        );
        assert_eq!(request.headers["content-type"], "application/json");
        assert_eq!(request.body, r#"{"Name":"db"}"#);
    }
    assert!(!seen[0].headers.contains_key("idempotency-key"), "a look has no effect");
    assert!(seen[1].headers.contains_key("idempotency-key"));
}

#[tokio::test]
async fn what_is_gone_says_so_in_its_own_way() {
    let answer = |status, body: &str| Trick::Answer(status, "", body.to_owned());
    assert_eq!(observed(&[], answer(400, &not_found())).await, Observation::Absent);
    assert_eq!(observed(&[], answer(404, "")).await, Observation::Absent);
    let empty = [("status", json!([200])), ("pointer", json!("/sets")), ("in", json!([[]]))];
    assert_eq!(observed(&empty, answer(200, r#"{"sets": []}"#)).await, Observation::Absent);
    for (status, body) in [
        (400, r#"{"__type": "ValidationException"}"#.to_owned()),
        (400, String::new()),
        (400, "ParameterNotFound".to_owned()),
        (409, not_found()),
    ] {
        let seen = observed(&[], answer(status, &body)).await;
        assert!(matches!(seen, Observation::Unknown { .. }), "{status} {body}: {seen:?}");
    }
    // Who may not look has seen nothing, whatever the item says.
    for status in [401, 403, 429, 500, 503] {
        let seen = observed(&[("status", json!(["100-599"]))], answer(status, &not_found())).await;
        assert!(matches!(seen, Observation::Unknown { .. }), "{status}: {seen:?}");
    }
}

#[tokio::test]
async fn undoing_what_is_gone_is_done() {
    let (action, counterpart) = (RestApi::new(), Counterpart::start().await);
    let call = verbs(&counterpart);
    counterpart.play([Trick::Answer(400, "", not_found())]);
    assert!(matches!(action.undo(&ports(), &call).await, Ok(Outcome::Done { .. })));
    counterpart.play([Trick::Answer(400, "", r#"{"__type": "AccessDenied"}"#.to_owned())]);
    let fault = action.undo(&ports(), &call).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Terminal, "{fault}");
}
