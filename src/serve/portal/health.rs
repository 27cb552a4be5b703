//! `/status`: how the loop is: when it looked, what holds it up, whom nobody asks just now.

use axum::response::Response;
use maud::html;

use super::layout::{Page, Section};
use super::marks::{empty, facts, mark, short, told};
use super::problem_page::Refused;
use super::times::when_any;
use super::visit::Visit;

/// Shows it.
pub(super) async fn show(visit: Visit) -> Result<Response, Refused> {
    let report = visit.portal().health().get();
    let state = match (&report.trouble, report.ticked_at) {
        (Some(_), _) => "degraded",
        (None, Some(_)) => "ok",
        (None, None) => "starting",
    };
    let body = html! {
        @match (&report.trouble, state) {
            (Some(trouble), _) => p.notice.bad { strong { "The last look could not do its work: " } (told(trouble)) },
            (None, "ok") => p.lead { "The loop looks at the catalog, and carries out what is planned." },
            _ => p.lead { "The loop has not looked at the catalog yet." },
        }
        (facts(&[
            ("Last look", Some(when_any(report.ticked_at, visit.now()))),
            ("Commit", report.commit.as_deref().map(short)),
            ("Services", Some(html! { (report.services) })),
            ("Planned changes", Some(html! { (report.changes) })),
            ("Open runs", Some(html! { (report.runs) })),
            ("Version", Some(html! { (env!("CARGO_PKG_VERSION")) })),
        ]))
        section aria-labelledby="breakers" {
            h2 #breakers { "Breakers" }
            @if report.breakers.is_empty() { (empty("No breaker is open.", &html! { "Where another side fails again and again it is not asked for a while, and stands here." })) }
            @else { ul { @for breaker in &report.breakers { li { (mark("waiting")) " " (told(breaker)) } } } }
        }
        section aria-labelledby="machines" {
            h2 #machines { "For machines" }
            p { a href="/health" { "/health" } " tells this as JSON, " a href="/metrics" { "/metrics" } " is for Prometheus, and " a href="/api/docs" { "/api/docs" } " describes the API." }
        }
    };
    let page = Page {
        heading: "Health",
        section: Section::Health,
        beside: Some(mark(state)),
        ..Page::default()
    };
    Ok(page.show(&visit, &body).await)
}
