//! Tests of the `rest-api` action: it is run twice, failed at every point, and judged by the ledger.

use jiff::Timestamp;

use super::*;
use crate::action::testing::{Counterpart, Trick, call, ports, refusing_url};
use crate::digest::Digest;
use crate::id::RunId;
use crate::reconcile::StepRecord;
use crate::secret::Secret;

static QUICK: RestApi = RestApi::within(Duration::from_millis(100), Duration::from_millis(100));
static PATIENT: RestApi = RestApi::new();

/// Every way in which a request can fail without an answer that settles it.
pub(super) fn mishaps() -> Vec<Trick> {
    vec![
        Trick::CutBefore,
        Trick::CutAfter,
        Trick::LateAfter,
        Trick::Trickle,
        Trick::Garbage,
        Trick::FailAfter(500),
        Trick::FailAfter(429),
        Trick::Answer(502, "", "<html>bad gateway</html>".to_owned()),
        Trick::Answer(408, "", String::new()),
    ]
}

/// Falls back on patience where a mishap does not call for a short timeout.
fn action_for(trick: &Trick) -> &'static RestApi {
    if matches!(trick, Trick::LateAfter | Trick::Trickle) { &QUICK } else { &PATIENT }
}

pub(super) fn posting(counterpart: &Counterpart) -> Call {
    let mut call = call(json!({
        "endpoint": {"url": counterpart.url("/things"), "method": "POST"},
        "body": {"type": "json", "contentTemplate": "{\"name\": \"db\", \"password\": \"hunter22\"}"},
        "observe": {"url": counterpart.url("/things/1")},
        "delete": {"url": counterpart.url("/things/1")},
    }));
    call.outputs = [("url".to_owned(), "/connection/url".to_owned())].into();
    call
}

async fn fault_of(call: &Call) -> Fault {
    PATIENT.perform(&ports(), call).await.unwrap_err()
}

/// Answers the next request with this, and returns the fault of it.
async fn fault_after(status: u16, headers: &'static str, body: &str) -> Fault {
    let counterpart = Counterpart::start().await;
    counterpart.play([Trick::Answer(status, headers, body.to_owned())]);
    fault_of(&posting(&counterpart)).await
}

#[tokio::test]
async fn it_is_done_once_however_often_it_runs() {
    let counterpart = Counterpart::start().await;
    let call = posting(&counterpart);
    let first = PATIENT.perform(&ports(), &call).await.unwrap();
    assert_eq!(PATIENT.perform(&ports(), &call).await.unwrap(), first);
    assert_eq!(counterpart.ledger(), [(call.key.clone(), "POST /things".to_owned())]);

    let Outcome::Done { result, outputs } = first else { panic!("not done") };
    assert_eq!(Value::Object(outputs), json!({"status": 201, "url": "db:///things/1"}));
    assert_eq!(result["sentBody"], json!({"name": "db", "password": "(sensitive)"}));
    assert_eq!(result["body"]["password"], "(sensitive)");
    assert_eq!(
        (&result["status"], &result["url"]),
        (&json!(201), &json!(counterpart.url("/things")))
    );

    let headers = &counterpart.seen()[0].headers;
    assert_eq!(headers["idempotency-key"], call.key);
    assert_eq!(headers["x-correlation-id"], "run-1");
    assert_eq!(headers["content-type"], "application/json");
    assert!(headers["user-agent"].starts_with("trueline/"));
    let lengths: Vec<usize> = headers["traceparent"].split('-').map(str::len).collect();
    assert_eq!(lengths, [2, 32, 16, 2]);
}

#[tokio::test]
async fn it_is_done_once_whatever_goes_wrong_on_the_way() {
    for method in ["POST", "PUT", "PATCH"] {
        for trick in mishaps() {
            let counterpart = Counterpart::start().await;
            let mut call = posting(&counterpart);
            call.config["endpoint"]["method"] = json!(method);
            counterpart.play([trick.clone(), trick.clone()]);
            for _ in 0..2 {
                let fault = action_for(&trick).perform(&ports(), &call).await.unwrap_err();
                assert_eq!(fault.class, FaultClass::Transient, "{method} {trick:?}: {fault}");
            }
            assert!(matches!(PATIENT.perform(&ports(), &call).await, Ok(Outcome::Done { .. })));
            assert_eq!(counterpart.ledger().len(), 1, "{method} {trick:?}");
        }
    }
    let mut call = posting(&Counterpart::start().await);
    call.config["endpoint"]["url"] = json!(refusing_url().await);
    assert_eq!(fault_of(&call).await.class, FaultClass::Transient);
}

#[tokio::test]
async fn statuses_say_whether_to_try_again() {
    for status in [408, 425, 429, 500, 502, 503, 504] {
        assert_eq!(fault_after(status, "", "").await.class, FaultClass::Transient, "{status}");
    }
    for status in [301, 302, 304, 307, 400, 401, 403, 404, 409, 410, 422] {
        assert_eq!(fault_after(status, "", "").await.class, FaultClass::Terminal, "{status}");
    }
    let asked = fault_after(429, "retry-after: 7\r\n", "slow down").await;
    assert_eq!(asked.retry_after_ms, Some(7000));
    let redirect =
        fault_after(302, "location: https://login.example.com/?t=hunter22\r\n", "").await;
    assert!(
        redirect.message.ends_with(
            "answered 302 to https://login.example.com/?t=(sensitive): redirects are not followed"
        ),
        "{redirect}"
    );
}

#[tokio::test]
async fn expected_statuses_are_what_counts() {
    for (expected, status, done) in [
        (json!([202, "404"]), 404, true),
        (json!(["200-299"]), 204, true),
        (json!([201]), 200, false),
        (json!([]), 200, true),
        (json!(["2xx"]), 200, false),
    ] {
        let counterpart = Counterpart::start().await;
        counterpart.play([Trick::Answer(status, "", String::new())]);
        let mut call = posting(&counterpart);
        call.outputs.clear();
        call.config["expect"] = json!({"status": expected});
        assert_eq!(PATIENT.perform(&ports(), &call).await.is_ok(), done, "{expected} {status}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_what_was_meant_fails_with_an_excerpt() {
    let html = "content-type: text/html\r\n";
    let login = fault_after(200, html, "<html>\r\n<title>Log in</title> hunter22\u{1b}[31m").await;
    insta::assert_snapshot!(login, @"output `url` is missing: the answer is not JSON (text/html): <html> <title>Log in</title> (sensitive) [31m");
    let other = fault_after(200, "", "{\"connection\": {\"host\": \"x\"}}").await;
    insta::assert_snapshot!(other, @r#"output `url` is missing: the answer has nothing at `/connection/url`: {"connection": {"host": "x"}}"#);
    let empty = fault_after(200, "", "").await;
    insta::assert_snapshot!(empty, @"output `url` is missing: the answer has no body");
    let huge = fault_after(200, "", &"x".repeat(3 << 20)).await;
    assert!(huge.message.contains("more than 1 MiB: xxx") && huge.message.len() < 3000);
    let failed = fault_after(422, "", &"é hunter22 ".repeat(9000)).await;
    assert!(failed.message.contains("é (sensitive) é") && failed.message.len() < 3000);
    for fault in [login, other, empty, huge, failed] {
        assert_eq!(fault.class, FaultClass::Terminal, "{fault}");
    }
}

#[tokio::test]
async fn what_is_kept_stays_small_and_outputs_stay_data() {
    let counterpart = Counterpart::start().await;
    let body = json!({"connection": {"url": "{{secrets.X}} <b> \u{E000}?x\u{E001}"}, "pad": "é".repeat(50_000)});
    counterpart.play([Trick::Answer(200, "etag: W/1\r\n", body.to_string())]);
    let mut call = posting(&counterpart);
    call.config["body"]["contentTemplate"] = json!({"pad": "x".repeat(100_000)});
    let outcome = PATIENT.perform(&ports(), &call).await.unwrap();
    let Outcome::Done { result, outputs } = outcome else { panic!("not done") };
    assert_eq!(outputs["url"], "{{secrets.X}} <b> \u{FFFD}?x\u{FFFD}");
    assert!(result.to_string().len() < 64 << 10 && result.get("sentBody").is_none());
    assert_eq!(result["headers"]["etag"], "W/1");
}

#[tokio::test]
async fn what_does_not_render_well_is_refused_before_anything_is_sent() {
    let counterpart = Counterpart::start().await;
    let sensitive = crate::template::sensitive("secrets.KEY");
    for (pointer, value) in [
        ("/body", json!({"contentTemplate": "{\"name\": \"hunter22\" \"b\": 1}"})),
        ("/body", json!({"contentTemplate": "{\"name\": \"a\"}, {\"admin\": true}"})),
        ("/body", json!({"contentTemplate": ""})),
        ("/body", json!({"type": "xml", "contentTemplate": "<a/>"})),
        ("/body", json!({"type": "text", "contentTemplate": {"a": "hunter22"}})),
        ("/body", json!({"contentTemplate": {"key": sensitive}})),
        ("/headers", json!({"x-team": "a\r\nx-admin: hunter22"})),
        ("/headers", json!({"Host": "internal"})),
        ("/headers", json!({"Idempotency-Key": "mine"})),
        ("/endpoint", json!({"url": "hunter22"})),
        ("/endpoint", json!({"url": "file:///etc/passwd"})),
        ("/endpoint", json!({"url": "http://127.0.0.1:1/", "method": "GET /x\r\n"})),
        ("/endpoint", json!({"url": "http://169.254.169.254/latest"})),
        ("/poll", json!({"url": "http://127.0.0.1/", "until": "x"})),
        ("/body", json!({"type": "text", "contentTemplate": "x".repeat((1 << 20) + 1)})),
        ("/authentication", json!({"type": "oauth2-client"})),
        ("/authentication", json!({"type": "aws-sigv4"})),
        ("/authentication", json!({"type": "bearer", "token": ""})),
        ("/authentication", json!({"type": "bearer", "token": "a\nb"})),
    ] {
        let mut call = posting(&counterpart);
        call.config[&pointer[1..]] = value.clone();
        let fault = fault_of(&call).await;
        assert_eq!(fault.class, FaultClass::Terminal, "{value}: {fault}");
        assert!(!fault.message.contains("hunter22"), "{fault}");
    }
    assert!(counterpart.seen().is_empty());
    let mut call = posting(&counterpart);
    call.config["authentication"] = json!({"type": "oauth2-client"});
    insta::assert_snapshot!(fault_of(&call).await, @"`authentication.tokenUrl` is missing or empty");
    call.config = json!({"endpoint": {"url": 7}, "hunter22": 1});
    insta::assert_snapshot!(fault_of(&call).await, @"`config` cannot be read: invalid type: integer `7`, expected a string");
}

#[tokio::test]
async fn authentication_goes_out_and_never_comes_back() {
    for (authentication, header, expected) in [
        (json!({"type": "none"}), "authorization", None),
        (
            json!({"type": "bearer", "token": "t0ken-123"}),
            "authorization",
            Some("Bearer t0ken-123"),
        ),
        (
            json!({"type": "basic", "username": "robot", "password": "t0ken-123"}),
            "authorization",
            Some("Basic cm9ib3Q6dDBrZW4tMTIz"),
        ),
        (
            json!({"type": "api-key", "header": "X-Key", "key": "t0ken-123"}),
            "x-key",
            Some("t0ken-123"),
        ),
    ] {
        let counterpart = Counterpart::start().await;
        let mut call = posting(&counterpart);
        call.config["authentication"] = authentication;
        let echo = "you sent t0ken-123, cm9ib3Q6dDBrZW4tMTIz";
        counterpart.play([Trick::Answer(401, "", echo.to_owned())]);
        let message = fault_of(&call).await.message;
        assert_eq!(counterpart.seen()[0].headers.get(header).map(String::as_str), expected);
        let credential = expected.map(|text| text.rsplit(' ').next().unwrap());
        assert!(credential.is_none_or(|credential| !message.contains(credential)), "{message}");
    }
}

#[tokio::test]
async fn bodies_and_queries_are_written_by_their_kind() {
    let counterpart = Counterpart::start().await;
    for (body, media, bytes) in [
        (json!({"contentTemplate": {"a": [1, "\"x"]}}), "application/json", r#"{"a":[1,"\"x"]}"#),
        (
            json!({"type": "form", "contentTemplate": {"a": "x&b=1", "n": 2}}),
            "application/x-www-form-urlencoded",
            "a=x%26b%3D1&n=2",
        ),
        (json!({"type": "text", "contentTemplate": "plain"}), "text/plain; charset=utf-8", "plain"),
    ] {
        let mut call = posting(&counterpart);
        call.key = media.to_owned();
        call.config["body"] = body;
        call.config["query"] = json!({"team": "a&b", "tag": ["x", 1]});
        PATIENT.perform(&ports(), &call).await.unwrap();
        let seen = counterpart.seen().pop().unwrap();
        assert_eq!((seen.headers["content-type"].as_str(), seen.body.as_str()), (media, bytes));
        assert_eq!(seen.path, "/things?tag=x&tag=1&team=a%26b");
    }
}

/// Performs, and returns a call that knows what that left behind.
pub(super) async fn performed(counterpart: &Counterpart) -> Call {
    let mut call = posting(counterpart);
    let outcome = PATIENT.perform(&ports(), &call).await.unwrap();
    let Outcome::Done { result, outputs } = outcome else { panic!("not done") };
    call.previous = Some(StepRecord {
        action: "rest-api".to_owned(),
        digest: Digest::of_bytes(b""),
        sent: Value::Null,
        result,
        outputs,
        run: RunId("run-1".to_owned()),
        at: Timestamp::UNIX_EPOCH,
    });
    call
}

#[tokio::test]
async fn drift_is_what_differs_from_what_was_sent() {
    let counterpart = Counterpart::start().await;
    let mut call = performed(&counterpart).await;
    // What is rendered today and the secret of today do not count: what was sent does.
    call.config["body"]["contentTemplate"] = json!({"name": "other"});
    call.secrets = vec![Secret::new("rotated-since")];
    assert_eq!(PATIENT.observe(&ports(), &call).await, Ok(Observation::Same));
    let look = counterpart.seen().pop().unwrap();
    assert_eq!((look.method.as_str(), look.headers.get("idempotency-key")), ("GET", None));

    counterpart.tamper("/things/1", Some(json!({"name": "stolen by rotated-since", "x": 1})));
    let Ok(Observation::Different { changes }) = PATIENT.observe(&ports(), &call).await else {
        panic!("no drift")
    };
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].name.as_str(), &changes[0].before), ("/name", &Some(json!("db"))));
    assert_eq!(changes[0].after, Some(json!("stolen by (sensitive)")));

    call.config["observe"]["compare"] = json!({"count": {"pointer": "/x", "value": "1"}});
    assert_eq!(PATIENT.observe(&ports(), &call).await, Ok(Observation::Same));
    call.config["observe"] = json!({"url": counterpart.url("/things/1"), "method": "HEAD"});
    assert_eq!(PATIENT.observe(&ports(), &call).await, Ok(Observation::Same));
    counterpart.tamper("/things/1", None);
    assert_eq!(PATIENT.observe(&ports(), &call).await, Ok(Observation::Absent));
    assert_eq!(counterpart.ledger().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_seen_is_unknown_and_never_absent() {
    let counterpart = Counterpart::start().await;
    let call = performed(&counterpart).await;
    let answers = [
        (401, "{}"),
        (403, "{}"),
        (400, "{}"),
        (429, ""),
        (500, "{}"),
        (503, ""),
        (302, ""),
        (200, ""),
        (204, ""),
        (200, "[]"),
        (200, "[{\"name\": \"db\"}]"),
        (200, "null"),
        (200, "\"db\""),
        (200, "{\"name\": \"d"),
        (200, "<html>log in</html>"),
    ];
    let tricks = answers.map(|(status, body)| Trick::Answer(status, "", body.to_owned()));
    for trick in tricks.into_iter().chain(mishaps()) {
        counterpart.play([trick.clone()]);
        let seen = action_for(&trick).observe(&ports(), &call).await.unwrap();
        assert!(matches!(seen, Observation::Unknown { .. }), "{trick:?}: {seen:?}");
    }
    let mut gone = call.clone();
    gone.config["observe"]["url"] = json!(refusing_url().await);
    let seen = PATIENT.observe(&ports(), &gone).await.unwrap();
    assert!(matches!(seen, Observation::Unknown { .. }), "{seen:?}");
    counterpart.play([Trick::Answer(410, "", String::new())]);
    assert_eq!(PATIENT.observe(&ports(), &call).await, Ok(Observation::Absent));
}

#[tokio::test]
async fn undoing_takes_it_away_once_and_is_content_when_it_is_gone() {
    for trick in mishaps() {
        let counterpart = Counterpart::start().await;
        let mut call = performed(&counterpart).await;
        call.key = "trueline-demo-u1-provision~undo-2".to_owned();
        counterpart.play([trick.clone()]);
        if let Err(fault) = action_for(&trick).undo(&ports(), &call).await {
            assert_eq!(fault.class, FaultClass::Transient, "{trick:?}: {fault}");
        }
        for _ in 0..2 {
            assert!(PATIENT.undo(&ports(), &call).await.is_ok(), "{trick:?}");
        }
        assert_eq!(
            (counterpart.thing("/things/1"), counterpart.ledger().len()),
            (None, 2),
            "{trick:?}"
        );
    }
    let counterpart = Counterpart::start().await;
    let mut call = posting(&counterpart);
    for status in [404, 410] {
        counterpart.play([Trick::Answer(status, "", String::new())]);
        assert!(PATIENT.undo(&ports(), &call).await.is_ok());
    }
    counterpart.play([Trick::Answer(403, "", String::new())]);
    assert_eq!(PATIENT.undo(&ports(), &call).await.unwrap_err().class, FaultClass::Terminal);
    call.config["delete"] = Value::Null;
    let fault = PATIENT.undo(&ports(), &call).await.unwrap_err();
    insta::assert_snapshot!(fault, @"`config` has no `delete`, so a person must take it away");
}

#[tokio::test]
async fn credentials_stay_at_the_host_they_are_meant_for() {
    let (ours, theirs) = (Counterpart::start().await, Counterpart::start().await);
    let mut call = performed(&ours).await;
    call.config["observe"]["url"] = json!(theirs.url("/things/1"));
    call.config["delete"]["url"] = json!(theirs.url("/things/1"));
    for (key, value) in [
        ("authentication", json!({"type": "bearer", "token": "hunter22"})),
        ("headers", json!({"x-key": "hunter22"})),
    ] {
        let mut call = call.clone();
        call.config[key] = value;
        let seen = PATIENT.observe(&ports(), &call).await.unwrap();
        assert!(matches!(seen, Observation::Unknown { .. }), "{seen:?}");
        assert_eq!(PATIENT.undo(&ports(), &call).await.unwrap_err().class, FaultClass::Terminal);
    }
    assert!(theirs.seen().is_empty());
    assert_eq!(PATIENT.observe(&ports(), &call).await, Ok(Observation::Absent));
}
