//! `/requests`: what was asked of the catalog, and how far each is.

use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use crate::serve::portal::form::Asked;
use crate::serve::portal::layout::{Page, Section};
use crate::serve::portal::local::{link, segment};
use crate::serve::portal::marks::{choice, empty, mark, pager, prose, told};
use crate::serve::portal::problem_page::Refused;
use crate::serve::portal::times::when;
use crate::serve::portal::visit::Visit;

/// States of requests.
const STATES: [&str; 9] = [
    "submitted",
    "proposed",
    "processing",
    "retrying",
    "escalated",
    "failed",
    "completed",
    "rejected",
    "aborted",
];

#[derive(Deserialize)]
struct Requests {
    items: Vec<RequestLine>,
    next: Option<String>,
}

/// One request in a list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestLine {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) service: String,
    pub(super) offer: String,
    pub(super) team: String,
    pub(super) environment: Option<String>,
    pub(super) by: String,
    pub(super) state: String,
    pub(super) why: Option<String>,
    pub(super) proposal: Option<u64>,
    pub(super) url: Option<String>,
    pub(super) run: Option<String>,
    pub(super) created_at: Timestamp,
}

impl RequestLine {
    /// Says what it asks for.
    pub(super) fn what(&self) -> String {
        match self.kind.as_str() {
            "create" => format!("a new {}", self.offer),
            "delete" => "the end of it".to_owned(),
            _ => "a change".to_owned(),
        }
    }
}

/// Shows the list.
pub(in crate::serve::portal) async fn show(
    visit: Visit,
    asked: Asked,
) -> Result<Response, Refused> {
    let filters = ["mine", "state", "team", "service"].map(|name| (name, asked.text(name)));
    let cursor = asked.text("cursor");
    let asks = [filters.as_slice(), &[("cursor", cursor)]].concat();
    let requests: Requests = visit.get(&link("/requests", &asks)).await?;
    let is_filtered = filters.iter().any(|(_, value)| !value.is_empty());
    let body = html! {
        (filter(&filters, is_filtered))
        @if requests.items.is_empty() {
            @if is_filtered || !cursor.is_empty() {
                (empty("No request is like that.", &html! { a href="/requests" { "Show all requests" } " or ask for something else." }))
            } @else {
                (empty("Nothing was asked for yet.", &html! { "Choose something in the " a href="/catalog" { "catalog" } ", and ask for a service of it." }))
            }
        } @else { (table(&requests.items, visit.now())) }
        (pager("/requests", &filters, (cursor, requests.next.as_deref())))
    };
    let page = Page { heading: "Requests", section: Section::Requests, ..Page::default() };
    Ok(page.show(&visit, &body).await)
}

fn filter(filters: &[(&str, &str); 4], is_filtered: bool) -> Markup {
    let [(_, mine), (_, state), (_, team), (_, service)] = *filters;
    html! {
        form.filters method="get" action="/requests" aria-label="Filter requests" {
            div.field { label for="mine" { "Whose" } select #mine name="mine" { (choice("", mine, "Mine and my teams’")) (choice("true", mine, "Mine")) } }
            div.field { label for="state" { "State" } select #state name="state" { (choice("", state, "Any")) @for one in STATES { (choice(one, state, one)) } } }
            div.field { label for="by-team" { "Team" } input #by-team name="team" value=(team) maxlength="100" autocapitalize="none" spellcheck="false"; }
            div.field { label for="by-service" { "Service" } input #by-service name="service" value=(service) maxlength="100" autocapitalize="none" spellcheck="false"; }
            div.actions { button type="submit" { "Filter" } @if is_filtered { a.button.plain href="/requests" { "Show all" } } }
        }
    }
}

fn table(requests: &[RequestLine], now: Timestamp) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Requests" {
            table {
                caption.unseen { "Requests, newest first" }
                thead { tr { th scope="col" { "Service" } th scope="col" { "State" } th scope="col" { "Asks for" } th scope="col" { "Team" } th scope="col" { "Asked" } } }
                tbody { @for request in requests { tr {
                    th scope="row" { a href=(format!("/requests/{}", segment(&request.id))) { (request.service) } }
                    td { (mark(&request.state)) @if let Some(why) = &request.why { div.why { (prose(why)) } } }
                    td { (request.what()) }
                    td { (request.team) }
                    td { (when(request.created_at, now)) div.why { "by " (told(&request.by)) } }
                } } }
            }
        }
    }
}
