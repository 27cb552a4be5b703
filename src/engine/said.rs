//! What makes sense to ask of a run or a service, as things stand: looked at before a word is recorded, from wherever it comes. It
//! records nothing.

use std::collections::BTreeMap;

use crate::reconcile::UnitRow;
use crate::run::{Breaker, BreakerKey, Control, Run, Said};
use crate::store::{OnHold, Operating, Store, StoreError};

/// Why a word makes no sense, and what does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why: one sentence without a full stop.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl Refused {
    /// Makes it.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.hint.is_empty() {
            return f.write_str(&self.message);
        }
        write!(f, "{}; {}", self.message, self.hint)
    }
}

/// Tells whether something can be asked of a run now.
pub async fn may_control(
    store: &dyn Store,
    run: &Run,
    control: &Control,
) -> Result<Result<(), Refused>, StoreError> {
    if let Err(refusal) = run.may(control) {
        return Ok(Err(Refused::new(refusal.to_string(), refusal.hint())));
    }
    let newest = store.runs(Some(&run.change.service), 1).await?;
    if let Some(newer) = newest.first().filter(|newest| newest.id != run.id) {
        let service = &run.change.service;
        let message =
            format!("run {} is not the newest of {service}: that is {}", run.id, newer.id);
        return Ok(Err(Refused::new(message, format!("trueline run show {}", newer.id))));
    }
    if let Control::Escalate = control
        && let Err(why) = run.handed_over(Said::default(), |_| true)
    {
        let message = format!("run {} can't be done by hand: {why}", run.id);
        let hint = format!("`trueline run show {}` says what else is possible", run.id);
        return Ok(Err(Refused::new(message, hint)));
    }
    Ok(Ok(()))
}

/// Tells whether a service can be held.
pub fn may_hold(held: &BTreeMap<String, OnHold>, id: &str) -> Result<(), Refused> {
    match held.get(id) {
        None => Ok(()),
        Some(by) => {
            let message = format!("{id} is {by} already");
            Err(Refused::new(message, format!("trueline service release {id}")))
        }
    }
}

/// Tells whether an operation that leads to no state can be asked for: of what is held, asked for already, and recorded.
pub fn may_operate(
    (held, operating): (&BTreeMap<String, OnHold>, &BTreeMap<i64, Operating>),
    rows: &[UnitRow],
    (id, operation): (&str, &str),
) -> Result<(), Refused> {
    if let Some(by) = held.get(id) {
        let hint = format!("trueline service release {id}");
        return Err(Refused::new(format!("{id} is {by}"), hint));
    }
    let same = |word: &&Operating| word.service == id && word.operation == operation;
    if let Some(word) = operating.values().find(same) {
        let message = format!("{} asked for {operation} already", word.by);
        return Err(Refused::new(message, format!("trueline service show {id}")));
    }
    let is_there = |row: &UnitRow| row.key.service == id && row.applied.is_some() && !row.retained;
    if rows.iter().any(is_there) {
        return Ok(());
    }
    Err(Refused::new(format!("{id} is not there yet"), format!("trueline service show {id}")))
}

/// Finds the breaker that somebody means: by whom it asks, and by the type of action where several ask them.
pub async fn breaker_of(
    store: &dyn Store,
    (action, target): (Option<&str>, &str),
) -> Result<Result<(BreakerKey, Breaker), Refused>, StoreError> {
    let is_it =
        |key: &BreakerKey| key.target == target && action.is_none_or(|action| key.action == action);
    let known = store.breakers().await?;
    let mut found: Vec<_> = known.into_iter().filter(|(key, _)| is_it(key)).collect();
    let refused = match (found.len(), found.pop()) {
        (1, Some(one)) => return Ok(Ok(one)),
        (0, _) => Refused::new(
            format!("no breaker of {target} is open, and no failure counts towards one"),
            "trueline breaker list",
        ),
        (_, last) => {
            found.extend(last);
            let actions: Vec<&str> = found.iter().map(|(key, _)| key.action.as_str()).collect();
            let message = format!("{target} is asked by several: {}", actions.join(", "));
            Refused::new(message, "say which with --action")
        }
    };
    Ok(Err(refused))
}

/// Reads which services people stopped everything for, and which operations they asked for, those included that nobody acted
/// upon yet.
pub async fn said_of_services(
    store: &dyn Store,
) -> Result<(BTreeMap<String, OnHold>, BTreeMap<i64, Operating>), StoreError> {
    let mut state = store.catalog_state().await?;
    for decision in store.decisions_after(state.decisions_seen).await? {
        OnHold::take(&mut state.held, &decision);
        Operating::take(&mut state.operating, &decision);
    }
    Ok((state.held, state.operating))
}
