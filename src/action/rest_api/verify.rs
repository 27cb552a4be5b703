//! Asks after an action's success whether what it did is as it should be, until it is or too much time passed. It only
//! ever asks: nothing outside is changed by it, however often it runs.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::config::{Config, Prepared, parse_url};
use super::poll::Asked;
use super::{REST_API, answer};
use crate::action::action::{Action, Call, Outcome, Ports};
use crate::action::operator::Operator;
use crate::action::scrub::Scrub;
use crate::action::target::host_at;
use crate::catalog::duration;
use crate::reconcile::Observation;
use crate::run::{Fault, FaultClass, Wait};

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two questions where nothing is said.
const EVERY: Duration = Duration::from_secs(5);

/// How long is asked in all where nothing is said.
const TIMEOUT: Duration = Duration::from_mins(10);

/// The one of this process: pauses are remembered in it.
pub(in crate::action) static VERIFY: Verify = Verify::new();

/// What a step does that verifies another.
pub(in crate::action) struct Verify {
    asked: Asked,
}

/// The rendered `config`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    url: String,
    every: Option<String>,
    timeout: Option<String>,
    expect: Option<Value>,
    headers: Option<Value>,
    authentication: Option<Value>,
    /// Whom headers and authentication are meant for.
    meant_for: Option<String>,
}

/// What an answer says.
enum Said {
    /// It is as it should be.
    Yes,
    /// It is not, or nobody could say.
    NotYet {
        /// In a few words that stay the same while nothing changes.
        short: String,
        /// In full.
        why: String,
        /// When to ask again at the earliest, as the other side wants it.
        pause: Duration,
    },
}

/// What is kept of a question: what a later process needs to ask on.
#[derive(Debug, Deserialize)]
struct Begun {
    since: Timestamp,
}

impl Question {
    fn read(call: &Call) -> Result<Self, Fault> {
        Self::deserialize(&call.config)
            .map_err(|error| Fault::terminal(format!("`verify` cannot be read: {error}")))
    }

    fn every(&self) -> Duration {
        self.every.as_deref().and_then(duration).unwrap_or(EVERY)
    }

    fn timeout(&self) -> Duration {
        self.timeout.as_deref().and_then(duration).unwrap_or(TIMEOUT)
    }

    /// Makes the request; credentials stay with the host that they are meant for.
    fn prepare(&self, call: &Call) -> Result<Prepared, Fault> {
        let url = parse_url(&self.url)?;
        let meant_for = self.meant_for.as_deref().map(parse_url).transpose()?;
        let is_theirs = meant_for.is_some_and(|theirs| theirs.origin() == url.origin());
        let mut config = Map::from_iter([("endpoint".to_owned(), json!({"url": self.url}))]);
        let own = [("headers", &self.headers), ("authentication", &self.authentication)];
        let own = own.into_iter().filter(|_| is_theirs).chain([("expect", &self.expect)]);
        config.extend(own.filter_map(|(key, value)| Some((key.to_owned(), value.clone()?))));
        let call = Call { config: Value::Object(config), ..call.clone() };
        Config::read(&call)?.verifying(PATIENCE)
    }
}

impl Verify {
    const fn new() -> Self {
        Self { asked: Asked::new() }
    }

    /// Asks once.
    async fn ask(
        ports: &Ports,
        (call, question): (&Call, &Question),
        scrub: &mut Scrub,
    ) -> Result<(Said, String), Fault> {
        let prepared = question.prepare(call)?;
        let exchange = REST_API.exchange(ports);
        let response = exchange.send(&prepared).await;
        *scrub = exchange.scrub(scrub);
        let what = prepared.what.clone();
        let said = match response {
            Err(fault) if fault.class == FaultClass::Terminal => return Err(fault),
            Err(fault) => Said::NotYet {
                short: "nobody could be asked".to_owned(),
                pause: pause_of(&fault),
                why: fault.message,
            },
            Ok(response) => {
                let judged = answer::judge(&response, &prepared.expect, &what, scrub);
                let fits = || answer::fits(&response, prepared.schema.as_ref(), &what);
                match judged.and_then(|()| fits()) {
                    Ok(()) => Said::Yes,
                    Err(fault) => Said::NotYet {
                        short: format!("it answered {}", response.status),
                        pause: pause_of(&fault),
                        why: fault.message,
                    },
                }
            }
        };
        Ok((said, what))
    }

    async fn go_on(
        &self,
        ports: &Ports,
        call: &Call,
        (since, scrub): (Timestamp, &mut Scrub),
    ) -> Result<Outcome, Fault> {
        let question = Question::read(call)?;
        let (said, what) = Self::ask(ports, (call, &question), scrub).await?;
        let Said::NotYet { short, why, pause } = said else {
            self.asked.forget(&call.key);
            let result = json!({"verified": scrub.text(&what)});
            return Ok(Outcome::Done { result, outputs: Map::new() });
        };
        let (timeout, now) = (question.timeout(), Timestamp::now());
        if Duration::try_from(now.duration_since(since)).unwrap_or_default() >= timeout {
            self.asked.forget(&call.key);
            let seconds = timeout.as_secs_f64();
            return Err(Fault::terminal(format!(
                "the action was carried out, but not verified within {seconds} s: {why}"
            )));
        }
        self.asked.next(&call.key, pause.max(question.every()));
        let what = scrub.text(&format!("{what} to answer as `verify` expects ({short})"));
        let reference = json!({"url": scrub.text(&question.url), "since": since});
        Ok(Outcome::Waiting { on: Wait { on: "verify".to_owned(), reference, what } })
    }
}

/// How long an answer about health is waited for.
pub const HEALTH_PATIENCE: Duration = PATIENCE;

/// Asks once whether something is healthy, or says why it is not; nothing where it was asked lately.
pub async fn ask_health(ports: &Ports, call: &Call) -> Option<Result<(), String>> {
    if !VERIFY.asked.may_ask(&call.key) {
        return None;
    }
    let mut scrub = Scrub::of(call);
    let asked = async {
        let question = Question::read(call)?;
        VERIFY.asked.next(&call.key, question.every());
        let ask = Verify::ask(ports, (call, &question), &mut scrub);
        let patience = question.timeout().min(PATIENCE);
        let late = |_| Fault::transient(format!("no answer within {} s", patience.as_secs_f64()));
        tokio::time::timeout(patience, ask).await.map_err(late)?
    };
    let asked = asked.await;
    Some(match asked {
        Ok((Said::Yes, _)) => Ok(()),
        Ok((Said::NotYet { why, .. }, _)) => Err(scrub.text(&why)),
        Err(fault) => Err(scrub.text(&fault.message)),
    })
}

fn pause_of(fault: &Fault) -> Duration {
    Duration::from_millis(fault.retry_after_ms.unwrap_or_default())
}

#[async_trait]
impl Action for Verify {
    fn kind(&self) -> &'static str {
        "verify"
    }

    fn target(&self, _: &Operator, config: &Value) -> Option<String> {
        host_at(config, "/url")
    }

    async fn perform(&self, ports: &Ports, call: &Call) -> Result<Outcome, Fault> {
        let mut scrub = Scrub::of(call);
        let outcome = self.go_on(ports, call, (Timestamp::now(), &mut scrub)).await;
        outcome.map_err(|fault| scrub.fault(&fault))
    }

    async fn look(&self, ports: &Ports, call: &Call, on: &Wait) -> Result<Outcome, Fault> {
        let begun = Begun::deserialize(&on.reference).map_err(|error| {
            Fault::terminal(format!("what was waited for cannot be read: {error}"))
        })?;
        if !self.asked.may_ask(&call.key) {
            return Ok(Outcome::Waiting { on: on.clone() });
        }
        let mut scrub = Scrub::of(call);
        let outcome = self.go_on(ports, call, (begun.since, &mut scrub)).await;
        outcome.map_err(|fault| scrub.fault(&fault))
    }

    async fn observe(&self, _: &Ports, _: &Call) -> Result<Observation, Fault> {
        Ok(Observation::Same)
    }

    async fn undo(&self, _: &Ports, _: &Call) -> Result<Outcome, Fault> {
        Ok(Outcome::Done { result: Value::Null, outputs: Map::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::testing::{Counterpart, Trick, call, ports, refusing_url};

    /// What verifies a thing of a counterpart, after an action at `meant_for`.
    fn asking(counterpart: &Counterpart, meant_for: &str) -> Call {
        call(json!({
            "url": counterpart.url("/things/1?token=hunter22"), "every": "1ms", "timeout": "1h",
            "expect": {"status": [200], "schema": {"properties": {"state": {"const": "ready"}}}},
            "authentication": {"type": "bearer", "token": "hunter22"}, "headers": {"x-tenant": "a"},
            "meantFor": meant_for,
        }))
    }

    async fn waits(outcome: Result<Outcome, Fault>) -> Wait {
        match outcome {
            Ok(Outcome::Waiting { on }) => {
                // Its pause is a millisecond.
                tokio::time::sleep(Duration::from_millis(2)).await;
                on
            }
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn it_waits_until_the_answer_is_as_expected() {
        let counterpart = Counterpart::start().await;
        let (verify, ports) = (Verify::new(), ports());
        let call = asking(&counterpart, &counterpart.url("/things"));
        let first = waits(verify.perform(&ports, &call).await).await;
        assert!(
            first.what.ends_with("/things/1 to answer as `verify` expects (it answered 404)"),
            "{}",
            first.what
        );
        assert!(!json!([first.reference]).to_string().contains("hunter22"), "{first:?}");
        let path = "/things/1?token=hunter22";
        counterpart.tamper(path, Some(json!({"state": "creating"})));
        let second = waits(verify.look(&ports, &call, &first).await).await;
        assert!(second.what.ends_with("(it answered 200)"), "{}", second.what);
        assert_eq!(second.reference, first.reference);
        for trick in [Trick::CutBefore, Trick::Garbage, Trick::Answer(500, "", "hunter22".into())] {
            counterpart.play([trick]);
            let on = waits(verify.look(&ports, &call, &second).await).await;
            assert_eq!(on.reference, first.reference);
        }
        counterpart.tamper(path, Some(json!({"state": "ready"})));
        let done = verify.look(&ports, &call, &second).await.unwrap();
        assert!(matches!(done, Outcome::Done { .. }));
        assert!(counterpart.ledger().is_empty());
        let mut seen = counterpart.seen().into_iter();
        assert!(seen.all(|seen| {
            seen.headers.get("authorization").is_some_and(|it| it == "Bearer hunter22")
        }));
    }

    #[tokio::test]
    async fn credentials_stay_with_the_host_that_they_are_meant_for() {
        let counterpart = Counterpart::start().await;
        counterpart.tamper("/things/1?token=hunter22", Some(json!({"state": "ready"})));
        let call = asking(&counterpart, "https://api.example.com/things");
        assert!(matches!(Verify::new().perform(&ports(), &call).await, Ok(Outcome::Done { .. })));
        let headers = &counterpart.seen()[0].headers;
        assert!(!headers.contains_key("authorization") && !headers.contains_key("x-tenant"));
    }

    #[tokio::test]
    async fn it_fails_once_too_much_time_passed_and_says_what_was_answered_last() {
        let counterpart = Counterpart::start().await;
        let (verify, ports, call) = (Verify::new(), ports(), asking(&counterpart, ""));
        let mut call = Call { config: json!({"url": call.config["url"], "timeout": "2s"}), ..call };
        let on = waits(verify.perform(&ports, &call).await).await;
        // The process that waited is gone, and two seconds have passed.
        let since = Timestamp::now() - jiff::SignedDuration::from_secs(3);
        let on = Wait { reference: json!({"since": since}), ..on };
        let fault = Verify::new().look(&ports, &call, &on).await.unwrap_err();
        assert_eq!(fault.class, FaultClass::Terminal);
        let url = counterpart.url("/things/1");
        let said = format!(
            "the action was carried out, but not verified within 2 s: GET {url} answered 404: {{\"error\":\"no such thing\"}}"
        );
        assert_eq!(fault.message, said);
        call.config["url"] = json!(refusing_url().await);
        let fault = Verify::new().look(&ports, &call, &on).await.unwrap_err();
        assert!(fault.message.contains("not verified within 2 s"), "{fault}");
    }

    #[tokio::test]
    async fn where_nobody_may_go_it_does_not_go() {
        for url in ["http://169.254.169.254/latest", "file:///etc/passwd", "not a url"] {
            let call = call(json!({"url": url}));
            let fault = Verify::new().perform(&ports(), &call).await.unwrap_err();
            assert_eq!(fault.class, FaultClass::Terminal, "{url}: {fault}");
        }
    }
}
