//! `/`: what waits for whoever looks, and what happened last. It lists little, and leads on.

use axum::response::Response;
use maud::{Markup, html};

use super::layout::{Page, Section, Waiting};
use super::marks::{empty, mark};
use super::problem_page::Refused;
use super::runs::{RunLine, Runs, table};
use super::times::when_any;
use super::visit::Visit;
use crate::serve::auth::{Kind, Verb};

/// Runs that are listed.
const RUNS: u32 = 8;

/// Shows it.
pub(super) async fn show(visit: Visit) -> Result<Response, Refused> {
    let waiting = Waiting::of(&visit).await;
    let runs: Vec<RunLine> = match visit.may(Verb::Read, Kind::Run) {
        true => visit.get::<Runs>(&format!("/runs?limit={RUNS}")).await?.items,
        false => Vec::new(),
    };
    let body = html! {
        (loop_of(&visit))
        section aria-labelledby="waits" {
            h2 #waits { "Waiting for you" }
            (waits(waiting))
        }
        section aria-labelledby="latest" {
            h2 #latest { "Latest runs" }
            @if runs.is_empty() {
                (empty("Nothing has run yet that you can see.", &html! {
                    "A change that is merged into the catalog makes a run. " a href="/plan" { "See what is planned" } "."
                }))
            } @else {
                (table(&runs, visit.now()))
                p { a href="/runs" { "All runs" } }
            }
        }
    };
    let page = Page { heading: "Overview", section: Section::Overview, ..Page::default() };
    Ok(page.show(&visit, &body).await)
}

fn waits(waiting: Waiting) -> Markup {
    if waiting.all() == 0 {
        return empty(
            "Nothing waits for you.",
            &html! {
                "What people ask you to approve or to do is listed in your " a href="/inbox" { "inbox" } "."
            },
        );
    }
    let cards = [
        (waiting.approvals, "approval", "/inbox#approvals"),
        (waiting.tasks, "task", "/inbox#tasks"),
        (waiting.changes, "planned change", "/plan"),
    ];
    html! {
        ul.cards {
            @for (count, what, path) in cards {
                @if count > 0 {
                    li { a.card href=(path) { span.figure { (count) } " " (what) @if count != 1 { "s" } } }
                }
            }
        }
    }
}

/// Says how the loop is.
fn loop_of(visit: &Visit) -> Markup {
    let report = visit.portal().health().get();
    let state = match (&report.trouble, report.ticked_at) {
        (Some(_), _) => "degraded",
        (None, Some(_)) => "ok",
        (None, None) => "starting",
    };
    html! {
        p.loop {
            (mark(state)) " The catalog was looked at " (when_any(report.ticked_at, visit.now()))
            @if let Some(trouble) = &report.trouble { ": " (trouble) }
            @else { ": " (report.services) " services, " (report.changes) " planned changes, " (report.runs) " open runs." }
        }
    }
}
