//! `/audit`: who did what, newest first, and whether the chain of it is whole.

use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::form::Asked;
use super::layout::{Page, Section};
use super::local::{link, segment};
use super::marks::{empty, facts, mark, pager, short, told};
use super::problem_page::Refused;
use super::times::when;
use super::visit::Visit;
use crate::reconcile::show::literal;

#[derive(Deserialize)]
struct Chain {
    items: Vec<Entry>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    seq: i64,
    at: Timestamp,
    actor: String,
    what: String,
    detail: Value,
    hash: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verified {
    whole: bool,
    entries: i64,
    head: Option<String>,
    broken_at: Option<i64>,
    how: Option<String>,
}

/// Shows the list.
pub(super) async fn show(visit: Visit, asked: Asked) -> Result<Response, Refused> {
    let since = asked.text("since");
    // A day is meant from its beginning.
    let moment = match since.len() {
        10 => format!("{since}T00:00:00Z"),
        _ => since.to_owned(),
    };
    let (service, actor, cursor) =
        (asked.text("service"), asked.text("actor"), asked.text("cursor"));
    let asks =
        [("service", service), ("actor", actor), ("since", moment.as_str()), ("cursor", cursor)];
    let chain: Chain = visit.get(&link("/audit", &asks)).await?;
    let filters = [("service", service), ("actor", actor), ("since", since)];
    let is_filtered = filters.iter().any(|(_, value)| !value.is_empty());
    let body = html! {
        form.filters method="get" action="/audit" aria-label="Filter the audit chain" {
            div.field { label for="service" { "Service" } input #service name="service" value=(service) maxlength="200" autocapitalize="none" spellcheck="false"; }
            div.field { label for="actor" { "Who" } input #actor name="actor" value=(actor) maxlength="100" autocapitalize="none" spellcheck="false"; }
            div.field { label for="since" { "Since" } input #since type="date" name="since" value=(since); }
            div.actions {
                button type="submit" { "Filter" }
                @if is_filtered { a.button.plain href="/audit" { "Show all" } }
                a.button.plain href="/audit/verify" { "Verify the chain" }
                a.button.plain href=(link("/api/v1/audit", &[("service", service), ("actor", actor), ("since", &moment), ("limit", "200")])) { "As JSON" }
            }
        }
        @if chain.items.is_empty() { (empty("Nothing in the chain is like that.", &html! { a href="/audit" { "Show all of it" } "." })) }
        @else { (table(&chain.items, visit.now())) }
        (pager("/audit", &filters, (cursor, chain.next.as_deref())))
    };
    let page = Page { heading: "Audit", section: Section::Audit, ..Page::default() };
    Ok(page.show(&visit, &body).await)
}

fn table(entries: &[Entry], now: Timestamp) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Audit chain" {
            table {
                caption.unseen { "The audit chain, newest first" }
                thead { tr { th.number scope="col" { "No." } th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "What" } th scope="col" { "About" } th scope="col" { "Hash" } } }
                tbody { @for entry in entries { tr {
                    td.number { (entry.seq) }
                    td { (when(entry.at, now)) }
                    th scope="row" { (told(&entry.actor)) }
                    td { code { (told(&entry.what)) } }
                    td { (about(&entry.detail)) }
                    td { (short(&entry.hash)) }
                } } }
            }
        }
    }
}

/// Says what an entry is about: its service and run as links, and all of it folded.
fn about(detail: &Value) -> Markup {
    let text = |key: &str| detail.get(key).and_then(Value::as_str);
    html! {
        @if let Some(service) = text("service") { a href=(format!("/services/{}", segment(service))) { (told(service)) } " " }
        @if let Some(run) = text("run") { a href=(format!("/runs/{}", segment(run))) { code { (told(run)) } } " " }
        @if let Some(reason) = text("reason") { div.why { (told(reason)) } }
        details { summary.quiet { "All of it" } code.value { (literal(detail)) } }
    }
}

/// Walks the chain, and says whether it is whole.
pub(super) async fn verify(visit: Visit) -> Result<Response, Refused> {
    let found: Verified = visit.get("/audit/verify").await?;
    let body = html! {
        @match (found.whole, found.broken_at) {
            (true, _) => p.lead { "Every entry is what was written, and follows the one before." },
            (false, at) => p.notice.bad role="alert" {
                strong { "The chain breaks at entry " (at.unwrap_or_default()) ": " } (found.how.as_deref().unwrap_or("it can’t be read"))
                ". Compare it with an export or a backup; " code { "trueline audit verify" } " says more."
            },
        }
        (facts(&[
            ("Entries", Some(html! { (found.entries) })),
            ("Last hash", found.head.as_ref().map(|head| html! { code.value { (head) } })),
        ]))
        p.quiet { "Note number and hash of the last entry somewhere else: a later rewrite shows against it." }
    };
    let page = Page {
        heading: "Audit chain",
        section: Section::Audit,
        above: Some(("/audit", "Audit")),
        beside: Some(mark(if found.whole { "whole" } else { "broken" })),
        ..Page::default()
    };
    Ok(page.show(&visit, &body).await)
}
