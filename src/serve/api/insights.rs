//! How well it went: counted by the day, of what somebody can see. It reads what was counted, and walks no runs.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::extract::Query;
use super::tag::shown;
use crate::serve::auth::{Kind, Principal, Verb, Who};
use crate::serve::problem::Problem;
use crate::store::{ItemCount, Outcomes, QueueCount};

/// Days that are looked back where nobody says.
const USUAL: i64 = 30;

/// Days that are looked back at most.
const MOST: i64 = 366;

/// Items that are listed, the busiest.
const ITEMS: usize = 100;

/// Items whose times are told, the busiest.
const TIMED: usize = 30;

const DAY_S: i64 = 86_400;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(read))
}

/// How well it went.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Insights {
    /// The first day that is counted, in UTC.
    #[schema(format = Date)]
    from: String,
    /// The last one, which is today.
    #[schema(format = Date)]
    to: String,
    totals: Ended,
    /// Of the runs that succeeded, those in which people had no hand: no task and no approval.
    automatic: i64,
    /// `succeeded` of what succeeded or failed, from 0 to 1; absent where nothing did.
    success_rate: Option<f64>,
    /// `automatic` of what succeeded, from 0 to 1; absent where nothing did.
    automation_rate: Option<f64>,
    /// Every day, the oldest first.
    days: Vec<Day>,
    /// Items and bundles, the busiest first.
    items: Vec<ItemTimes>,
    /// Steps that failed for good, by the type of their action, most first.
    failures: Vec<Failures>,
    queue: Queue,
}

/// Runs by how they ended. One that failed, was tried again and succeeded counts as both.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub(super) struct Ended {
    succeeded: i64,
    /// Failed, parked, or waiting for a decision.
    failed: i64,
    /// Superseded, cancelled or rolled back.
    other: i64,
}

impl Ended {
    fn add(&mut self, state: &str, ended: i64) {
        match state {
            "succeeded" => self.succeeded += ended,
            "failed" | "parked" | "needs-decision" => self.failed += ended,
            _ => self.other += ended,
        }
    }

    fn all(&self) -> i64 {
        self.succeeded + self.failed + self.other
    }
}

/// One day.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Day {
    #[schema(format = Date)]
    day: String,
    #[serde(flatten)]
    ended: Ended,
}

/// How runs of an item went, and how long it took to fulfil what was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ItemTimes {
    /// Its id; empty where that is not known.
    item: String,
    #[serde(flatten)]
    ended: Ended,
    /// Half of what was made or changed took no longer, in milliseconds: of the newest 500 runs, for the 30 busiest items.
    median_ms: Option<i64>,
    /// 95 of 100 of these took no longer.
    p95_ms: Option<i64>,
}

/// Steps of one action type that failed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Failures {
    /// The action type.
    action: String,
    failed: i64,
}

/// What is open now.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Queue {
    /// Runs that wait for their turn.
    queued: i64,
    /// When the oldest of them was made.
    #[schema(format = DateTime)]
    oldest: Option<String>,
    /// Runs that are under way.
    running: i64,
    /// Runs that wait for people or other sides, or that somebody paused.
    waiting: i64,
}

/// Tells how well it went of late: how runs ended, how long things took, what failed, what waits.
#[utoipa::path(
    get, path = "/insights", tag = "insights", operation_id = "getInsights",
    params(("days" = Option<i64>, Query, description = "Days to look back, today among them: 1 to 366; 30 where absent",
            minimum = 1, maximum = 366)),
    responses((status = 200, description = "How well it went", body = Insights)),
)]
async fn read(
    State(app): State<App>,
    Who(who): Who,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let days = match query.take("days") {
        None => USUAL,
        Some(asked) => {
            let read = asked.parse().ok().filter(|days| (1..=MOST).contains(days));
            read.ok_or_else(|| Problem::parameter("days", format!("a number from 1 to {MOST}")))?
        }
    };
    query.done()?;
    who.demand(Verb::Read, Kind::Run)?;
    let today = app.now().as_second().div_euclid(DAY_S);
    let first = today - days + 1;
    let store = app.store();
    let teams = if who.may_everywhere(Verb::Read, Kind::Run) {
        None
    } else {
        let mut teams = store.outcome_teams(first).await?;
        teams.retain(|team| who.may(Verb::Read, Kind::Run, Some(team)));
        Some(teams)
    };
    let counted = store.outcomes(first, teams.as_deref()).await?;
    let mut items = items(&counted.items);
    let since = jiff::Timestamp::from_second(first * DAY_S).unwrap_or(jiff::Timestamp::MIN);
    for one in items.iter_mut().take(TIMED) {
        let mut times = store.times(&one.item, since, teams.as_deref()).await?;
        times.sort_unstable();
        (one.median_ms, one.p95_ms) = (within(&times, 50), within(&times, 95));
    }
    let queue = queue(&who, store.queue().await?);
    Ok(shown(&headers, &told(counted, items, (first, today), queue)))
}

fn told(
    counted: Outcomes,
    items: Vec<ItemTimes>,
    (first, today): (i64, i64),
    queue: Queue,
) -> Insights {
    let mut totals = Ended::default();
    let mut by_day: BTreeMap<i64, Ended> = BTreeMap::new();
    let mut automatic = 0;
    for one in &counted.days {
        totals.add(&one.state, one.ended);
        by_day.entry(one.day).or_default().add(&one.state, one.ended);
        if one.state == "succeeded" && !one.by_hand {
            automatic += one.ended;
        }
    }
    let day =
        |day: i64| Day { day: date(day), ended: by_day.get(&day).copied().unwrap_or_default() };
    let mut failures: Vec<Failures> =
        counted.failed.into_iter().map(|(action, failed)| Failures { action, failed }).collect();
    failures.sort_by(|one, other| {
        other.failed.cmp(&one.failed).then_with(|| one.action.cmp(&other.action))
    });
    Insights {
        from: date(first),
        to: date(today),
        totals,
        automatic,
        success_rate: rate(totals.succeeded, totals.succeeded + totals.failed),
        automation_rate: rate(automatic, totals.succeeded),
        days: (first..=today).map(day).collect(),
        items,
        failures,
        queue,
    }
}

fn date(day: i64) -> String {
    let days = jiff::Span::new().try_days(day);
    let date = days.and_then(|days| Date::constant(1970, 1, 1).checked_add(days));
    date.map(|date| date.to_string()).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "what is counted is far smaller than 2^52")]
fn rate(part: i64, of: i64) -> Option<f64> {
    // To four digits, so that nobody reads more into it.
    (of > 0).then(|| (part as f64 / of as f64 * 10_000.0).round() / 10_000.0)
}

/// Counts by item, the busiest first.
fn items(ended: &[ItemCount]) -> Vec<ItemTimes> {
    let mut items: BTreeMap<&str, Ended> = BTreeMap::new();
    for one in ended {
        items.entry(&one.item).or_default().add(&one.state, one.ended);
    }
    let told = items.into_iter().map(|(item, ended)| {
        let item = item.to_owned();
        ItemTimes { item, ended, median_ms: None, p95_ms: None }
    });
    let mut told: Vec<ItemTimes> = told.collect();
    told.sort_by_key(|one| std::cmp::Reverse(one.ended.all()));
    told.truncate(ITEMS);
    told
}

/// Returns the time within which so many of a hundred were done; the times come shortest first.
fn within(times: &[i64], percent: usize) -> Option<i64> {
    let wanted = (times.len() * percent).div_ceil(100);
    times.get(wanted.checked_sub(1)?).copied()
}

fn queue(who: &Principal, counts: Vec<QueueCount>) -> Queue {
    let seen = counts.into_iter().filter(|it| who.may(Verb::Read, Kind::Run, it.team.as_deref()));
    let mut queue = Queue::default();
    let mut oldest = None;
    for one in seen {
        match one.state.as_str() {
            "queued" => {
                queue.queued += one.runs;
                oldest =
                    Some(oldest.map_or(one.oldest, |known: jiff::Timestamp| known.min(one.oldest)));
            }
            "running" | "rolling-back" => queue.running += one.runs,
            _ => queue.waiting += one.runs,
        }
    }
    queue.oldest = oldest.map(|at| at.to_string());
    queue
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_by_how_many_took_no_longer() {
        let all: Vec<i64> = (1..=100).collect();
        assert_eq!((within(&all, 50), within(&all, 95)), (Some(50), Some(95)));
        assert_eq!((within(&[7], 50), within(&[7], 95)), (Some(7), Some(7)));
        assert_eq!((within(&[7, 9], 50), within(&[7, 9], 95)), (Some(7), Some(9)));
        assert_eq!(within(&[], 95), None);
        assert_eq!(rate(1, 3), Some(0.3333));
        assert_eq!(rate(0, 0), None);
        assert_eq!(date(20_778), "2026-11-21");
    }
}
