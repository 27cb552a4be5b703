//! The journal of a run as it is written: server-sent events, taken up where they broke off, ended with the run.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, Stream};
use serde_json::json;
use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, interval};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::{App, OPEN_STREAMS};
use super::entry::EntryWire;
use super::extract::{Id, Query};
use super::runs::run_of;
use crate::id::RunId;
use crate::run::RunState;
use crate::serve::auth::{Kind, Verb, Who};
use crate::serve::problem::Problem;
use crate::store::JournalEntry;

/// Between two looks at the journal.
const EVERY: Duration = Duration::from_millis(300);

/// Between two looks whether whoever listens may still do so.
const STILL: Duration = Duration::from_secs(30);

/// Entries that are read at once.
const AT_ONCE: u32 = 200;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(events))
}

/// Follows what happens to a run. Each event's id is its number in the journal; `Last-Event-ID` takes up after it.
/// The last one is `end`, with the state in which the run ended.
#[utoipa::path(
    get, path = "/runs/{id}/events", tag = "runs", operation_id = "followRun",
    params(
        ("id" = String, Path, description = "Name of the run"),
        ("Last-Event-ID" = Option<String>, Header, description = "Number of the last event that was seen"),
    ),
    responses((status = 200, description = "Events `entry`, and `end` as the last", body = String,
               content_type = "text/event-stream")),
)]
async fn events(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Read, Kind::Run)?;
    let seen = match headers.get("last-event-id") {
        None => 0,
        Some(seen) => {
            let read = seen.to_str().ok().and_then(|seen| seen.trim().parse::<i64>().ok());
            let read = read.filter(|seen| *seen >= 0);
            read.ok_or_else(|| Problem::header("Last-Event-ID", "the number of an event"))?
        }
    };
    let run = run_of(&app, &who, &id).await?;
    let Ok(permit) = OPEN_STREAMS.try_acquire() else {
        let detail = "too many follow something already; ask again";
        return Err(Problem::later(StatusCode::SERVICE_UNAVAILABLE, "busy", detail, 5));
    };
    let follower = Follower {
        app,
        headers,
        team: run.change.team.clone(),
        run: run.id,
        seen,
        waiting: Vec::new().into_iter(),
        tick: interval(EVERY),
        checked: Instant::now(),
        is_over: false,
        _permit: permit,
    };
    let answer = Sse::new(follow(follower)).keep_alive(KeepAlive::new().interval(STILL / 2));
    Ok(answer.into_response())
}

struct Follower {
    app: App,
    /// What whoever listens is known by.
    headers: HeaderMap,
    team: String,
    run: RunId,
    seen: i64,
    waiting: std::vec::IntoIter<JournalEntry>,
    tick: tokio::time::Interval,
    checked: Instant,
    is_over: bool,
    _permit: SemaphorePermit<'static>,
}

fn follow(follower: Follower) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    })
}

impl Follower {
    /// Waits for the next event; nothing once the stream has ended.
    async fn next(&mut self) -> Option<Event> {
        let mut stop = self.app.stop();
        loop {
            if let Some(entry) = self.waiting.next() {
                self.seen = entry.seq;
                return Some(told(&entry));
            }
            if self.is_over || *stop.borrow() {
                return None;
            }
            tokio::select! {
                _ = self.tick.tick() => {}
                _ = stop.changed() => return None,
            }
            if self.checked.elapsed() >= STILL {
                self.checked = Instant::now();
                if !self.may_still().await {
                    return None;
                }
            }
            if let Some(end) = self.look().await {
                self.is_over = true;
                return Some(end);
            }
        }
    }

    /// Reads what is new; returns the last event once the run is over and all was told.
    async fn look(&mut self) -> Option<Event> {
        let store = self.app.store();
        let (state, newest) = match store.run_state(&self.run).await {
            Ok(Some(known)) => known,
            Ok(None) => return Some(ended("gone")),
            // It is asked again with the next tick.
            Err(_) => return None,
        };
        if newest > self.seen {
            let found = store.journal_after(&self.run, self.seen, AT_ONCE).await;
            self.waiting = found.unwrap_or_default().into_iter();
            return None;
        }
        let state_of_end = has_ended(state).then(|| state.to_string());
        state_of_end.map(|state| ended(&state))
    }

    /// Tells whether whoever listens may still see the run.
    async fn may_still(&self) -> bool {
        let published = self.app.looked();
        let catalog = published.as_ref().map(|published| &**published.catalog());
        let asked = (catalog, &self.headers);
        let who = self.app.auth().who(self.app.store(), asked, self.app.now()).await;
        who.ok().flatten().is_some_and(|who| who.may(Verb::Read, Kind::Run, Some(&self.team)))
    }
}

/// Tells whether nothing comes any more unless a person has it go on.
fn has_ended(state: RunState) -> bool {
    state.is_over()
}

fn told(entry: &JournalEntry) -> Event {
    let text = serde_json::to_string(&EntryWire::of(entry)).unwrap_or_default();
    Event::default().id(entry.seq.to_string()).event("entry").data(text)
}

fn ended(state: &str) -> Event {
    Event::default().event("end").data(json!({"state": state}).to_string())
}
