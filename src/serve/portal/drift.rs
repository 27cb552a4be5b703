//! `/drift`: where what is there differs from what was last written, as the newest plan has it.

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::form::Asked;
use super::layout::{Page, Section};
use super::local::{link, segment};
use super::marks::{Tone, empty, pager, told, toned, value};
use super::plan::{Drift, newest};
use super::problem_page::Refused;
use super::visit::Visit;

/// Differences on a page.
const MOST: usize = 40;

#[derive(Default, Deserialize)]
struct Drifts {
    items: Vec<Drift>,
    next: Option<String>,
}

/// Shows the list.
pub(super) async fn show(visit: Visit, asked: Asked) -> Result<Response, Refused> {
    let (text, cursor) = (asked.text("q"), asked.text("cursor"));
    let limit = MOST.to_string();
    let asks = [("q", text), ("cursor", cursor), ("limit", &limit)];
    let found: Drifts = match newest(&visit).await? {
        Some(path) => visit.get(&link(&format!("{path}/drift"), &asks)).await?,
        None => Drifts::default(),
    };
    let body = html! {
        @if !found.items.is_empty() || !text.is_empty() {
            form.filters method="get" action="/drift" aria-label="Filter drift" {
                div.field { label for="by-q" { "Service holds" } input #by-q name="q" value=(text) maxlength="100" autocapitalize="none" spellcheck="false"; }
                div.actions { button type="submit" { "Filter" } @if !text.is_empty() { a.button.plain href="/drift" { "Show all" } } }
            }
        }
        @if found.items.is_empty() {
            (empty("Nothing that you can see has drifted.", &html! { "What is there is as it was written, as of the last sweep." }))
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Drift" {
                table {
                    caption.unseen { "What differs from what was written" }
                    thead { tr { th scope="col" { "What" } th scope="col" { "Step" } th scope="col" { "How" } th scope="col" { "Written, and found" } } }
                    tbody { @for drift in &found.items { (row(drift)) } }
                }
            }
        }
        (pager("/drift", &[("q", text)], (cursor, found.next.as_deref())))
    };
    let page = Page { heading: "Drift", section: Section::Drift, ..Page::default() };
    Ok(page.show(&visit, &body).await)
}

fn row(drift: &Drift) -> Markup {
    let service = drift.unit.split('/').next().unwrap_or_default();
    html! { tr {
        th scope="row" { a href=(format!("/services/{}", segment(service))) { (drift.unit) } }
        td { code { (told(&drift.step)) } }
        td { @if drift.absent { (toned(Tone::Bad, "it is not there")) } @else { (toned(Tone::Wait, "it differs")) } }
        td {
            @for change in &drift.changes {
                div {
                    code { (told(&change.name)) } ": "
                    @match &change.before { Some(one) => (value(one)), None => span.quiet { "nothing" } }
                    " → "
                    @match &change.after { Some(one) => (value(one)), None => span.quiet { "nothing" } }
                }
            }
        }
    } }
}
