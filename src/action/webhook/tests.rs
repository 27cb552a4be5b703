//! Tests of the `webhook` action, against a counterpart with a ledger.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::action::callbacks::Callbacks;
use crate::action::testing::{Counterpart, Trick, call, ports};
use crate::action::{Operator, signature};
use crate::secret::Secret;

fn reachable() -> Ports {
    let callbacks = Some(Callbacks::new("https://trueline.example.com", [1; 32]));
    Ports { operator: Arc::new(Operator { callbacks, ..Operator::default() }), ..ports() }
}

fn config(url: &str, more: &Value) -> Value {
    let mut config = json!({
        "endpoint": {"url": url},
        "body": {"template": {"name": "a \"b\""}},
        "signature": {"secret": "hunter22"},
    });
    let (Some(config_map), Some(more)) = (config.as_object_mut(), more.as_object()) else {
        panic!("objects");
    };
    config_map.extend(more.clone());
    config
}

#[tokio::test]
async fn a_message_is_signed_and_known_again_by_its_id() {
    let other = Counterpart::start().await;
    let url = other.url("/hooks");
    for _ in 0..2 {
        let outcome = Webhook.perform(&ports(), &call(config(&url, &json!({})))).await;
        assert!(matches!(outcome, Ok(Outcome::Done { .. })), "{outcome:?}");
    }
    assert_eq!(other.ledger().len(), 1, "the second message was known again");
    let seen = other.seen();
    let header = |name: &str| seen[0].headers.get(name).cloned().unwrap_or_default();
    let at: i64 = header("webhook-timestamp").parse().expect("seconds");
    let secret = Secret::new("hunter22");
    let expected = signature::standard(&secret, &header("webhook-id"), at, seen[0].body.as_bytes());
    assert_eq!(header("webhook-signature"), expected[2].1);
    assert_eq!(header("webhook-id"), "trueline-demo-u1-provision-1");
    assert_eq!(header("trueline-callback-url"), "", "nothing waits");
    assert_eq!(seen[0].body, r#"{"name":"a \"b\""}"#);

    let hub = json!({"signature": {"secret": "hunter22", "scheme": "hub-sha256"}});
    Webhook.perform(&ports(), &call(config(&url, &hub))).await.expect("sent");
    let seen = other.seen();
    let header = seen[2].headers.get("x-hub-signature-256").cloned().unwrap_or_default();
    assert!(signature::is_signed(&header, seen[2].body.as_bytes(), &[secret]));
}

#[tokio::test]
async fn a_step_waits_for_its_callback() {
    let other = Counterpart::start().await;
    let asks = config(&other.url("/hooks"), &json!({"callback": {"timeout": "2h"}}));
    let refused = Webhook.perform(&ports(), &call(asks.clone())).await.unwrap_err();
    assert!(refused.message.contains("publicUrl"), "{refused}");
    let mut waits = call(asks);
    waits.outputs.insert("url".to_owned(), "/connection/url".to_owned());
    let Ok(Outcome::Waiting { on }) = Webhook.perform(&reachable(), &waits).await else {
        panic!("it waits");
    };
    assert_eq!(on.reference["about"], "callback:trueline-demo-u1-provision-1");
    let given = other.seen()[0].headers.get("trueline-callback-url").cloned().unwrap_or_default();
    let token = given.rsplit('/').next().unwrap_or_default();
    let callbacks = reachable().operator.callbacks.clone().expect("callbacks");
    assert_eq!(callbacks.read(token).as_deref(), Some("trueline-demo-u1-provision-1"));

    let look = async |arrived: Option<Value>| {
        Webhook.look(&reachable(), &Call { arrived, ..waits.clone() }, &on).await
    };
    assert_eq!(look(None).await, Ok(Outcome::Waiting { on: on.clone() }));
    let done = look(Some(json!({"outputs": {"connection": {"url": "postgres://h"}}}))).await;
    let Ok(Outcome::Done { outputs, .. }) = done else { panic!("{done:?}") };
    assert_eq!(Value::Object(outputs), json!({"url": "postgres://h"}));
    let missing = look(Some(json!({"outputs": {}}))).await.unwrap_err();
    assert_eq!(missing.message, "output `url` is missing: nothing came at `/connection/url`");
    let failed = look(Some(json!({"status": "failed", "message": "quota of hunter22"}))).await;
    let failed = failed.unwrap_err();
    assert_eq!(failed.message, "the receiver says that it failed: quota of (sensitive)");
    let late = Wait { reference: json!({"until": "2001-01-01T00:00:00Z"}), ..on.clone() };
    let late = Webhook.look(&reachable(), &waits, &late).await.unwrap_err();
    assert_eq!(late.message, "no answer came until 2001-01-01T00:00:00Z");
}

#[tokio::test]
async fn whatever_happens_to_a_message_it_takes_effect_once() {
    for (trick, class) in [
        (Trick::CutBefore, FaultClass::Transient),
        (Trick::CutAfter, FaultClass::Transient),
        (Trick::FailAfter(503), FaultClass::Transient),
        (Trick::Answer(302, "location: http://h/\r\n", String::new()), FaultClass::Terminal),
        (Trick::Answer(403, "", "hunter22 is wrong".to_owned()), FaultClass::Terminal),
    ] {
        let other = Counterpart::start().await;
        other.play([trick.clone()]);
        let asked = call(config(&other.url("/hooks"), &json!({})));
        let fault = Webhook.perform(&ports(), &asked).await.unwrap_err();
        assert_eq!(fault.class, class, "{trick:?}: {fault}");
        assert!(!fault.message.contains("hunter22"), "{fault}");
        Webhook.perform(&ports(), &asked).await.expect("sent");
        assert_eq!(other.ledger().len(), 1, "{trick:?}");
    }
}

#[tokio::test]
async fn what_is_ours_is_not_for_documents_to_set() {
    for name in ["Idempotency-Key", "Webhook-Signature", "Trueline-Callback-Url", "Content-Type"] {
        let asked = config("http://127.0.0.1:1/", &json!({"headers": {name: "x"}}));
        let fault = Webhook.perform(&ports(), &call(asked)).await.unwrap_err();
        assert!(fault.message.contains("is set by trueline itself"), "{name}: {fault}");
    }
    let broken = json!({"body": {"template": "{\"a\":"}});
    let fault = Webhook.perform(&ports(), &call(config("http://127.0.0.1:1/", &broken))).await;
    assert!(fault.unwrap_err().message.contains("does not render to JSON"));
}
