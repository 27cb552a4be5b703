//! `/runs`: runs, newest first, by state and service.

use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use super::form::Asked;
use super::layout::{Page, Section};
use super::local::{link, segment};
use super::marks::{choice, empty, mark, pager, prose};
use super::problem_page::Refused;
use super::times::when;
use super::visit::Visit;

/// States that runs are filtered by.
const STATES: [&str; 12] = [
    "queued",
    "running",
    "waiting",
    "paused",
    "rolling-back",
    "succeeded",
    "failed",
    "needs-decision",
    "parked",
    "superseded",
    "cancelled",
    "rolled-back",
];

/// A page of runs.
#[derive(Deserialize)]
pub(super) struct Runs {
    pub(super) items: Vec<RunLine>,
    pub(super) next: Option<String>,
}

/// One run in a list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunLine {
    pub(super) id: String,
    pub(super) service: String,
    pub(super) kind: String,
    pub(super) state: String,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) why: Option<String>,
}

/// Shows the list.
pub(super) async fn show(visit: Visit, asked: Asked) -> Result<Response, Refused> {
    let (state, service) = (asked.text("state"), asked.text("service"));
    let filters = [("state", state), ("service", service)];
    let cursor = asked.text("cursor");
    let asks = [filters.as_slice(), &[("cursor", cursor)]].concat();
    let runs: Runs = visit.get(&link("/runs", &asks)).await?;
    let is_filtered = !state.is_empty() || !service.is_empty();
    let body = html! {
        form.filters method="get" action="/runs" aria-label="Filter runs" {
            div.field {
                label for="state" { "State" }
                select #state name="state" {
                    (choice("", state, "Any"))
                    @for one in STATES { (choice(one, state, &one.replace('-', " "))) }
                }
            }
            div.field {
                label for="service" { "Service" }
                input #service name="service" value=(service) maxlength="200" autocapitalize="none" spellcheck="false";
            }
            div.actions { button type="submit" { "Filter" } @if is_filtered { a.button.plain href="/runs" { "Show all" } } }
        }
        @if runs.items.is_empty() {
            @if is_filtered || !cursor.is_empty() {
                (empty("No run is like that.", &html! { a href="/runs" { "Show all runs" } " or ask for something else." }))
            } @else {
                (empty("Nothing has run yet that you can see.", &html! {
                    "A change that is merged into the catalog makes a run. " a href="/plan" { "See what is planned" } "."
                }))
            }
        } @else { (table(&runs.items, visit.now())) }
        (pager("/runs", &filters, (cursor, runs.next.as_deref())))
    };
    let page = Page { heading: "Runs", section: Section::Runs, ..Page::default() };
    Ok(page.show(&visit, &body).await)
}

/// Shows runs.
pub(super) fn table(runs: &[RunLine], now: Timestamp) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Runs" {
            table {
                caption.unseen { "Runs, newest first" }
                thead { tr {
                    th scope="col" { "Run" } th scope="col" { "Service" } th scope="col" { "State" }
                    th scope="col" { "What" } th scope="col" { "Begun" } th scope="col" { "Last moved" }
                } }
                tbody { @for run in runs { tr {
                    th scope="row" { a href=(format!("/runs/{}", segment(&run.id))) { code { (run.id) } } }
                    td { a href=(format!("/services/{}", segment(&run.service))) { (run.service) } }
                    td {
                        (mark(&run.state))
                        @if let Some(why) = run.why.as_ref().filter(|_| run.state != "succeeded") { div.why { (prose(why)) } }
                    }
                    td { (run.kind) }
                    td { (when(run.created_at, now)) }
                    td { (when(run.updated_at, now)) }
                } } }
            }
        }
    }
}
