//! Stories of secrets that nobody tells for a while, or that become others in the middle of a run.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use super::fault_tests::{Told, item, thing, told_with};
use crate::action::testing::{Counterpart, Trick, ports as loopback};
use crate::action::{Owner, Ports, SecretSource};
use crate::engine::Limits;
use crate::run::{Fault, StepState};
use crate::secret::Secret;

/// Tells what it was told to tell, and always the last of it in the end.
struct Tells(Mutex<Vec<Result<&'static str, &'static str>>>);

#[async_trait]
impl SecretSource for Tells {
    async fn find(&self, _: Owner<'_>, _: &str) -> Result<Secret, Fault> {
        let mut words = self.0.lock().expect("unbroken");
        let word = if words.len() > 1 { words.remove(0) } else { words[0] };
        word.map(Secret::new).map_err(Fault::transient)
    }
}

/// Has one thing made whose header is a secret; the item tries so often.
async fn made(
    counterpart: &Counterpart,
    attempts: u32,
    words: &[Result<&'static str, &'static str>],
) -> Told {
    let source = Arc::new(Tells(Mutex::new(words.to_vec())));
    let reach = move |ports: Ports| {
        let secrets = source.clone();
        Ports { http: loopback().http, secrets, ..ports }
    };
    let item = item("thing", counterpart, "{{secrets.TOKEN}}")
        .replace("{attempts: 1}", &format!("{{attempts: {attempts}, delay: 1s}}"));
    let files = [item, thing("payments", "a-thing", "thing")].concat();
    told_with(&files, Limits::default(), reach).await
}

fn state(told: &Told) -> (StepState, u32, Option<String>) {
    let run = told.world.daemon.driver.memory.runs.values().next().expect("a run");
    let step = run.steps.values().next().expect("a step").clone();
    (step.state, step.attempts, step.key)
}

#[tokio::test]
async fn a_secret_that_nobody_tells_is_asked_for_again_and_nothing_is_sent_meanwhile() {
    let counterpart = Counterpart::start().await;
    let down = Err("the vault is sealed");
    let mut told = made(&counterpart, 4, &[down, down, Ok("told-late")]).await;
    let mut keys = Vec::new();
    for attempt in 1..=2 {
        told.begin().await;
        let (state, attempts, key) = state(&told);
        assert!(matches!(state, StepState::Ready { not_before: Some(_) }), "{state}");
        assert_eq!(attempts, attempt);
        keys.extend(key);
        told.later(Duration::from_mins(2));
    }
    assert!(counterpart.seen().is_empty());
    told.attempt().await;
    told.world.settle().await;
    let seen = counterpart.seen();
    assert_eq!((seen.len(), seen[0].headers["x-size"].as_str()), (1, "told-late"));
    keys.push(seen[0].headers["idempotency-key"].clone());
    keys.dedup();
    assert_eq!(keys.len(), 1, "one key: {keys:?}");
    assert_eq!(told.world.runs().await, ["create a-thing succeeded"]);
}

#[tokio::test]
async fn one_that_is_never_told_stops_the_run_and_says_so() {
    let counterpart = Counterpart::start().await;
    let mut told = made(&counterpart, 2, &[Err("the vault is sealed")]).await;
    for _ in 0..2 {
        told.begin().await;
        told.later(Duration::from_mins(2));
    }
    told.begin().await;
    assert_eq!(told.world.runs().await, ["create a-thing failed"]);
    let why = &told.world.daemon.driver.memory.stalled["a-thing"].why;
    assert!(why.contains("the vault is sealed"), "{why}");
    assert!(counterpart.seen().is_empty());
}

#[tokio::test]
async fn one_that_becomes_another_between_two_attempts_is_sent_anew_under_the_same_key() {
    let counterpart = Counterpart::start().await;
    counterpart.play([Trick::Answer(503, "", "down".to_owned())]);
    let mut told = made(&counterpart, 4, &[Ok("the-old-word"), Ok("the-new-word")]).await;
    told.attempt().await;
    told.later(Duration::from_mins(2));
    told.attempt().await;
    let seen = counterpart.seen();
    let words: Vec<&str> = seen.iter().map(|it| it.headers["x-size"].as_str()).collect();
    assert_eq!(words, ["the-old-word", "the-new-word"]);
    assert_eq!(seen[0].headers["idempotency-key"], seen[1].headers["idempotency-key"]);
    told.world.settle().await;
    assert_eq!(told.world.runs().await, ["create a-thing succeeded"]);
}
