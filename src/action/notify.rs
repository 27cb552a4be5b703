//! The `notify` action: writes to the log in this build. It never fails, and never holds up a run.

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::action::{Action, Call, Outcome, Ports};
use super::scrub::Scrub;
use crate::reconcile::Observation;
use crate::run::{Fault, Wait};

/// The `notify` action.
pub(super) struct Notify;

#[async_trait]
impl Action for Notify {
    fn kind(&self) -> &'static str {
        "notify"
    }

    async fn perform(&self, _: &Ports, call: &Call) -> Result<Outcome, Fault> {
        let scrub = Scrub::of(call);
        let text = |key: &str| {
            let value = call.config.get(key).and_then(Value::as_str).unwrap_or_default();
            scrub.excerpt(value.as_bytes())
        };
        let (channel, subject, message) = (text("channel"), text("subject"), text("message"));
        tracing::info!(target: "notify", channel, subject, service = call.service, "{message}");
        Ok(done(json!({"channel": channel, "subject": subject})))
    }

    async fn look(&self, _: &Ports, _: &Call, _: &Wait) -> Result<Outcome, Fault> {
        Ok(done(Value::Null))
    }

    async fn observe(&self, _: &Ports, _: &Call) -> Result<Observation, Fault> {
        Ok(Observation::Same)
    }

    async fn undo(&self, _: &Ports, _: &Call) -> Result<Outcome, Fault> {
        Ok(done(Value::Null))
    }
}

fn done(result: Value) -> Outcome {
    Outcome::Done { result, outputs: Map::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::testing::{call, ports};

    async fn check(config: Value, expected: Value) {
        let outcome = Notify.perform(&ports(), &call(config)).await.unwrap();
        assert_eq!(outcome, done(expected));
    }

    #[tokio::test]
    async fn it_never_fails_and_never_tells_a_secret() {
        let config =
            json!({"channel": "platform", "subject": "key is hunter22\u{1b}[2J", "message": "m"});
        check(config, json!({"channel": "platform", "subject": "key is (sensitive) [2J"})).await;
        for config in [json!(null), json!([]), json!({"channel": 7})] {
            check(config, json!({"channel": "", "subject": ""})).await;
        }
    }
}
