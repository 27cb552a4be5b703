//! `/insights`: how well it went: success, time to fulfil, automation, failures, the queue. The range stands in the address.

use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use super::chart::{self, Bar, Column};
use crate::serve::portal::activity::brief;
use crate::serve::portal::form::Asked;
use crate::serve::portal::layout::{Page, Section};
use crate::serve::portal::local::link;
use crate::serve::portal::marks::{empty, told};
use crate::serve::portal::problem_page::Refused;
use crate::serve::portal::times::when_any;
use crate::serve::portal::visit::Visit;

/// Ranges that are offered, in days.
const RANGES: [&str; 3] = ["7", "30", "90"];

/// Items of which bars are drawn.
const BARS: usize = 12;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Insights {
    from: String,
    to: String,
    totals: Ended,
    automatic: i64,
    success_rate: Option<f64>,
    automation_rate: Option<f64>,
    days: Vec<Day>,
    items: Vec<Item>,
    failures: Vec<Failures>,
    queue: Queue,
}

#[derive(Clone, Copy, Deserialize)]
struct Ended {
    succeeded: i64,
    failed: i64,
    other: i64,
}

#[derive(Deserialize)]
struct Day {
    day: String,
    #[serde(flatten)]
    ended: Ended,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    #[serde(rename = "item")]
    id: String,
    #[serde(flatten)]
    ended: Ended,
    median_ms: Option<i64>,
    p95_ms: Option<i64>,
}

#[derive(Deserialize)]
struct Failures {
    action: String,
    failed: i64,
}

#[derive(Deserialize)]
struct Queue {
    queued: i64,
    oldest: Option<Timestamp>,
    running: i64,
    waiting: i64,
}

/// Shows it.
pub(in crate::serve::portal) async fn show(
    visit: Visit,
    asked: Asked,
) -> Result<Response, Refused> {
    let days = asked.get("days").unwrap_or("30");
    let found: Insights = visit.get(&link("/insights", &[("days", days)])).await?;
    let ended = found.totals;
    let is_empty = ended.succeeded + ended.failed + ended.other == 0;
    let body = html! {
        nav.range aria-label="Days to look back" {
            @for range in RANGES {
                a.button.plain href=(link("/insights", &[("days", range)])) aria-current=[(range == days).then_some("true")] { (range) " days" }
            }
            a.button.plain href=(link("/api/v1/insights", &[("days", days)])) { "As JSON" }
        }
        p.quiet { "Runs that ended from " (found.from) " to " (found.to) " (UTC), of the teams that you can see. One that failed, was tried again and succeeded counts as both." }
        (figures(&found, visit.now()))
        @if is_empty { (empty("No run ended in these days.", &html! { "What is done is counted here as it happens. " a href=(link("/insights", &[("days", "366")])) { "Look back a year" } "." })) }
        @else {
            (by_day(&found.days))
            (by_item(&found.items))
            (by_action(&found.failures))
        }
    };
    let page = Page { heading: "Insights", section: Section::Insights, ..Page::default() };
    Ok(page.show(&visit, &body).await)
}

fn percent(rate: Option<f64>) -> String {
    rate.map_or_else(|| "–".to_owned(), |rate| format!("{:.1} %", rate * 100.0))
}

fn figures(found: &Insights, now: Timestamp) -> Markup {
    let ended = found.totals;
    let queue = &found.queue;
    html! {
        ul.cards {
            li { div.card { span.figure { (percent(found.success_rate)) } div { "succeeded" } div.why { (ended.succeeded) " of " (ended.succeeded + ended.failed) " runs" } } }
            li { div.card { span.figure { (percent(found.automation_rate)) } div { "without people" } div.why { (found.automatic) " of " (ended.succeeded) ": no task, no approval in the run" } } }
            li { div.card { span.figure { (queue.queued) } div { "in the queue" } div.why { @if queue.queued > 0 { "the oldest since " (when_any(queue.oldest, now)) } @else { "nothing waits for its turn" } } } }
            li { div.card { span.figure { (queue.running + queue.waiting) } div { "under way" } div.why { (queue.waiting) " of them wait for people or other sides" } } }
        }
    }
}

fn by_day(days: &[Day]) -> Markup {
    let columns = days.iter().map(|day| Column {
        label: day.day.clone(),
        parts: [day.ended.succeeded, day.ended.failed, day.ended.other],
    });
    let columns: Vec<Column> = columns.collect();
    html! {
        section aria-labelledby="by-day" {
            h2 #by-day { "Runs by day" }
            (chart::columns(("Runs by day, as they ended", ["succeeded", "failed", "other"]), &columns))
            details.fold {
                summary { "The same as a table" }
                div.scroll tabindex="0" role="region" aria-label="Runs by day" {
                    table {
                        caption.unseen { "Runs by day, as they ended" }
                        thead { tr { th scope="col" { "Day" } th.number scope="col" { "Succeeded" } th.number scope="col" { "Failed" } th.number scope="col" { "Other" } } }
                        tbody { @for day in days { tr {
                            th scope="row" { a href=(link("/activity", &[("day", &day.day)])) { (day.day) } }
                            td.number { (day.ended.succeeded) } td.number { (day.ended.failed) } td.number { (day.ended.other) }
                        } } }
                    }
                }
            }
        }
    }
}

fn time(took: Option<i64>) -> Markup {
    html! { @match took { Some(took) => (brief(took)), None => span.quiet { "–" } } }
}

fn name_of(item: &str) -> String {
    if item.is_empty() { "not known".to_owned() } else { told(item) }
}

fn by_item(items: &[Item]) -> Markup {
    let timed = items.iter().filter_map(|item| {
        let (median, p95) = (item.median_ms?, item.p95_ms?);
        let told = format!("{} half, {} 95 of 100", brief(median), brief(p95));
        Some(Bar { label: name_of(&item.id), value: median, reach: p95, told })
    });
    let bars: Vec<Bar> = timed.take(BARS).collect();
    html! {
        section aria-labelledby="by-item" {
            h2 #by-item { "Time to fulfil, by item" }
            @if !bars.is_empty() {
                p.quiet { "From the moment a run was made until it was done. The thick part: half took no longer. The thin part: 95 of 100 took no longer." }
                (chart::bars("Time to fulfil, by item: median and 95th percentile", &bars))
            }
            div.scroll tabindex="0" role="region" aria-label="Items" {
                table {
                    caption.unseen { "Items, the busiest first" }
                    thead { tr { th scope="col" { "Item" } th.number scope="col" { "Succeeded" } th.number scope="col" { "Failed" } th.number scope="col" { "Other" } th.number scope="col" { "Median" } th.number scope="col" { "95 of 100" } } }
                    tbody { @for item in items { tr {
                        th scope="row" { @if item.id.is_empty() { span.quiet { "not known" } } @else { a href=(link("/activity", &[("item", &item.id)])) { (told(&item.id)) } } }
                        td.number { (item.ended.succeeded) } td.number { (item.ended.failed) } td.number { (item.ended.other) }
                        td.number { (time(item.median_ms)) } td.number { (time(item.p95_ms)) }
                    } } }
                }
            }
        }
    }
}

fn by_action(failures: &[Failures]) -> Markup {
    let bars = failures.iter().take(BARS).map(|one| Bar {
        label: told(&one.action),
        value: one.failed,
        reach: one.failed,
        told: one.failed.to_string(),
    });
    let bars: Vec<Bar> = bars.collect();
    html! {
        section aria-labelledby="by-action" {
            h2 #by-action { "Failures, by action" }
            @if bars.is_empty() { (empty("No step failed for good.", &html! { "What is tried again and then succeeds does not count." })) }
            @else {
                (chart::bars("Steps that failed for good, by the type of their action", &bars))
                details.fold {
                    summary { "The same as a table" }
                    div.scroll tabindex="0" role="region" aria-label="Failures" {
                        table {
                            caption.unseen { "Steps that failed for good, by the type of their action" }
                            thead { tr { th scope="col" { "Action" } th.number scope="col" { "Failed" } } }
                            tbody { @for one in failures { tr { th scope="row" { code { (told(&one.action)) } } td.number { (one.failed) } } } }
                        }
                    }
                }
            }
        }
    }
}
