//! Tests of how requests prove who sends them: OAuth 2 (RFC 6749, section 4.4), AWS's signature, and what
//! becomes of credentials on redirects.

use super::tests::posting;
use super::*;
use crate::action::Call;
use crate::action::testing::{Counterpart, Trick, call, ports};

fn with_client(counterpart: &Counterpart, tokens: &Counterpart) -> Call {
    let mut call = posting(counterpart);
    call.config["authentication"] = json!({
        "type": "oauth2-client", "tokenUrl": tokens.url("/token"), "clientId": "robot:1",
        "clientSecret": "s3cr t/1", "scope": "things:write",
    });
    call
}

fn token(name: &str, life: &str) -> Trick {
    let kind = "content-type: application/json\r\n";
    Trick::Answer(
        200,
        kind,
        format!(r#"{{"access_token": "{name}", "token_type": "Bearer"{life}}}"#),
    )
}

fn bearers(counterpart: &Counterpart) -> Vec<String> {
    counterpart.seen().iter().map(|seen| seen.headers["authorization"].clone()).collect()
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_used_until_it_ends() {
    let (action, ours, theirs) =
        (RestApi::new(), Counterpart::start().await, Counterpart::start().await);
    let call = with_client(&ours, &theirs);
    theirs.play([token("tok-one", r#", "expires_in": 3600"#)]);
    for _ in 0..2 {
        action.perform(&ports(), &call).await.unwrap();
    }
    action.observe(&ports(), &call).await.unwrap();
    assert_eq!(bearers(&ours), ["Bearer tok-one"; 3]);
    let asked = theirs.seen();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].body, "grant_type=client_credentials&scope=things%3Awrite");
    // `robot%3A1:s3cr+t%2F1`: both are encoded as forms are before they are joined, section 2.3.1.
    assert_eq!(asked[0].headers["authorization"], "Basic cm9ib3QlM0ExOnMzY3IrdCUyRjE=");

    let mut rotated = call.clone();
    rotated.config["authentication"]["clientSecret"] = json!("another-one");
    theirs.play([token("tok-two", r#", "expires_in": "30""#), token("tok-three", "")]);
    for _ in 0..2 {
        action.perform(&ports(), &rotated).await.unwrap();
    }
    assert_eq!(
        bearers(&ours)[3..],
        ["Bearer tok-two", "Bearer tok-three"],
        "one about to end is not kept"
    );
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_under_the_same_key() {
    let (action, ours, theirs) =
        (RestApi::new(), Counterpart::start().await, Counterpart::start().await);
    let call = with_client(&ours, &theirs);
    theirs.play([token("tok-one", ""), token("tok-two", ""), token("tok-three", "")]);
    ours.play([Trick::Answer(401, "", String::new())]);
    action.perform(&ports(), &call).await.unwrap();
    assert_eq!(
        (bearers(&ours), ours.ledger().len()),
        (vec!["Bearer tok-one".to_owned(), "Bearer tok-two".to_owned()], 1)
    );
    ours.play([
        Trick::Answer(401, "", "no".to_owned()),
        Trick::Answer(401, "", "not tok-three either".to_owned()),
    ]);
    let fault = action.perform(&ports(), &call).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Terminal);
    assert!(fault.message.ends_with("answered 401: not (sensitive) either"), "{fault}");
    assert_eq!(theirs.seen().len(), 3);
}

#[tokio::test]
async fn without_a_token_nothing_is_sent_and_nothing_is_told() {
    let html = "content-type: text/html\r\n";
    for (trick, class, says) in [
        (
            Trick::Answer(400, "", r#"{"error": "invalid_client", "echo": "s3cr t/1"}"#.to_owned()),
            FaultClass::Terminal,
            "answered 400: {\"error\": \"invalid_client\", \"echo\": \"(sensitive)\"}",
        ),
        (Trick::Answer(503, "", "later".to_owned()), FaultClass::Transient, "answered 503: later"),
        (
            Trick::Answer(200, html, "<html>s3cr t/1".to_owned()),
            FaultClass::Terminal,
            "is not JSON",
        ),
        (Trick::Answer(200, "", "{}".to_owned()), FaultClass::Terminal, "has no `access_token`"),
        (
            Trick::Answer(200, "", r#"{"access_token": "x", "token_type": "mac"}"#.to_owned()),
            FaultClass::Terminal,
            "another type",
        ),
        (
            Trick::Answer(302, "location: http://127.0.0.1:1/\r\n", String::new()),
            FaultClass::Terminal,
            "answered 302",
        ),
        (Trick::CutAfter, FaultClass::Transient, "no token: the connection"),
        (Trick::Garbage, FaultClass::Transient, "no token: the connection"),
    ] {
        let (action, ours, theirs) =
            (RestApi::new(), Counterpart::start().await, Counterpart::start().await);
        theirs.play([trick.clone()]);
        let fault = action.perform(&ports(), &with_client(&ours, &theirs)).await.unwrap_err();
        assert_eq!(fault.class, class, "{trick:?}: {fault}");
        assert!(fault.message.contains(says) && !fault.message.contains("s3cr"), "{fault}");
        assert!(ours.seen().is_empty());
    }
}

#[tokio::test]
async fn a_signature_of_aws_is_what_aws_computes() {
    let counterpart = Counterpart::start().await;
    let mut call = posting(&counterpart);
    call.config["query"] = json!({"b": "2 3", "a": "x/y"});
    call.config["authentication"] = json!({
        "type": "aws-sigv4", "region": "eu-central-1", "service": "execute-api",
        "accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "wJalrXUtnFEMI/K7MDENG", "sessionToken": "lent/token+1",
    });
    PATIENT.perform(&ports(), &call).await.unwrap();
    let seen = counterpart.seen().pop().unwrap();
    assert!(crate::action::aws::tests::is_signed(&seen, "wJalrXUtnFEMI/K7MDENG"), "{seen:?}");
    assert!(!crate::action::aws::tests::is_signed(&seen, "another"));
    assert_eq!(seen.headers["x-amz-security-token"], "lent/token+1");
    let credential = seen.headers["authorization"].split('/').skip(2).take(3).collect::<Vec<_>>();
    assert_eq!(credential[..2], ["eu-central-1", "execute-api"]);

    counterpart.play([Trick::Answer(
        403,
        "",
        "AKIDEXAMPLE wJalrXUtnFEMI%2FK7MDENG lent%2Ftoken%2B1".to_owned(),
    )]);
    let fault = PATIENT.perform(&ports(), &call).await.unwrap_err();
    assert!(
        fault.message.ends_with("answered 403: (sensitive) (sensitive) (sensitive)"),
        "{fault}"
    );
}

static PATIENT: RestApi = RestApi::new();

/// Lets the first host answer with a redirect, and returns how it ends.
async fn led(
    redirects: &str,
    status: u16,
    location: String,
    method: &str,
) -> (Result<Outcome, Fault>, Counterpart) {
    let counterpart = Counterpart::start().await;
    let headers: &'static str = format!("location: {location}\r\n").leak();
    counterpart.play([Trick::Answer(status, headers, String::new())]);
    let mut call = call(json!({
        "endpoint": {"url": counterpart.url("/things/1"), "method": method, "redirects": redirects},
        "headers": {"x-key": "hunter22"},
        "authentication": {"type": "bearer", "token": "t0ken-123"},
    }));
    if method != "GET" {
        call.config["body"] = json!({"contentTemplate": {"a": 1}});
    }
    (PATIENT.perform(&ports(), &call).await, counterpart)
}

#[tokio::test]
async fn redirects_are_followed_only_where_allowed() {
    let (ended, from) = led("same-host", 307, "/things/2".to_owned(), "PUT").await;
    assert!(ended.is_ok());
    let seen = from.seen();
    assert_eq!(
        (seen[1].method.as_str(), seen[1].path.as_str(), seen[1].body.as_str()),
        ("PUT", "/things/2", r#"{"a":1}"#)
    );
    assert_eq!(seen[1].headers["authorization"], "Bearer t0ken-123");
    assert_eq!(seen[1].headers["idempotency-key"], seen[0].headers["idempotency-key"]);

    let (ended, from) = led("same-host", 303, "/things/9".to_owned(), "POST").await;
    assert!(ended.unwrap_err().message.contains("answered 404"));
    assert_eq!((from.seen()[1].method.as_str(), from.seen()[1].body.as_str()), ("GET", ""));

    for (redirects, status, method) in
        [("none", 307, "PUT"), ("same-host", 302, "POST"), ("any", 301, "PATCH")]
    {
        let (ended, from) = led(redirects, status, "/things/2".to_owned(), method).await;
        assert!(ended.unwrap_err().message.ends_with("redirects are not followed"));
        assert_eq!(from.seen().len(), 1);
    }
}

#[tokio::test]
async fn no_redirect_takes_credentials_or_bodies_elsewhere() {
    let other = Counterpart::start().await;
    other.tamper("/things/7", Some(json!({"name": "x"})));
    let (ended, _) = led("any", 302, other.url("/things/7"), "GET").await;
    assert!(ended.is_ok(), "{ended:?}");
    let seen = other.seen();
    assert!(
        !seen[0].headers.contains_key("authorization") && !seen[0].headers.contains_key("x-key"),
        "{seen:?}"
    );

    let (ended, _) = led("any", 307, other.url("/things/7"), "PUT").await;
    insta::assert_snapshot!(ended.unwrap_err(), @"the redirect is not followed: it would send the body to another host");
    let (ended, _) = led("same-host", 302, other.url("/things/7"), "GET").await;
    insta::assert_snapshot!(ended.unwrap_err(), @"the redirect is not followed: it leads to another host, and `redirects` says `same-host`");
    let (ended, _) = led("any", 302, "http://169.254.169.254/latest".to_owned(), "GET").await;
    assert!(ended.unwrap_err().message.contains("cloud metadata"));
    let (ended, _) = led("any", 302, "file:///etc/passwd".to_owned(), "GET").await;
    assert!(ended.unwrap_err().message.contains("only http and https"));
    assert_eq!(other.seen().len(), 1);

    let counterpart = Counterpart::start().await;
    let round = "location: /round\r\n";
    counterpart.play(std::iter::repeat_n(Trick::Answer(302, round, String::new()), 9));
    let call = call(
        json!({"endpoint": {"url": counterpart.url("/round"), "method": "GET", "redirects": "any"}}),
    );
    let fault = PATIENT.perform(&ports(), &call).await.unwrap_err();
    insta::assert_snapshot!(fault, @"redirected more than 5 times");
    assert_eq!(counterpart.seen().len(), 6);
}
