//! `/proposals`: what Trueline filed, or is about to file, and what people opened, by how it stands.

use std::collections::BTreeMap;

use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use crate::serve::portal::form::Asked;
use crate::serve::portal::layout::{Page, Section};
use crate::serve::portal::local::{link, segment};
use crate::serve::portal::marks::{Tone, choice, empty, pager, prose, told, toned};
use crate::serve::portal::problem_page::{Refused, sentence};
use crate::serve::portal::times::when;
use crate::serve::portal::visit::Visit;

/// How a proposal may stand, with what that means.
const STANDINGS: [(&str, &str); 6] = [
    ("open", "open"),
    ("edited", "edited by people"),
    ("limited", "waits for its turn"),
    ("declined", "declined"),
    ("merged", "merged"),
    ("closed", "closed"),
];

#[derive(Deserialize)]
struct Proposals {
    items: Vec<Line>,
    next: Option<String>,
    unseen: BTreeMap<String, String>,
}

/// One proposal in a list.
#[derive(Deserialize)]
pub(super) struct Line {
    pub(super) id: Option<String>,
    pub(super) standing: String,
    pub(super) repository: String,
    pub(super) number: Option<u64>,
    pub(super) url: Option<String>,
    pub(super) title: String,
    pub(super) by: Option<String>,
    pub(super) service: Option<String>,
    pub(super) run: Option<String>,
    pub(super) since: Timestamp,
    pub(super) why: Option<String>,
    pub(super) ask: Option<String>,
}

/// Shows the list.
pub(in crate::serve::portal) async fn show(
    visit: Visit,
    asked: Asked,
) -> Result<Response, Refused> {
    let filters = ["standing", "from", "service", "q"].map(|name| (name, asked.text(name)));
    let [(_, standing), (_, from), (_, service), (_, text)] = filters;
    let cursor = asked.text("cursor");
    let asks = [filters.as_slice(), &[("cursor", cursor)]].concat();
    let found: Proposals = visit.get(&link("/proposals", &asks)).await?;
    let is_filtered = filters.iter().any(|(_, value)| !value.is_empty());
    let body = html! {
        @for (repository, why) in &found.unseen {
            p.notice.wait { code { (told(repository)) } " could not be looked at, and what is shown of it may be old: " (told(why)) }
        }
        form.filters method="get" action="/proposals" aria-label="Filter proposals" {
            div.field {
                label for="standing" { "How it stands" }
                select #standing name="standing" { (choice("", standing, "Any")) @for (one, label) in STANDINGS { (choice(one, standing, label)) } }
            }
            div.field {
                label for="from" { "From" }
                select #from name="from" { (choice("", from, "Anybody")) (choice("people", from, "People")) (choice("trueline", from, "Trueline")) }
            }
            div.field { label for="service" { "Service" } input #service name="service" value=(service) maxlength="200" autocapitalize="none" spellcheck="false"; }
            div.field { label for="by-q" { "Title or repository holds" } input #by-q name="q" value=(text) maxlength="200"; }
            div.actions { button type="submit" { "Filter" } @if is_filtered { a.button.plain href="/proposals" { "Show all" } } }
        }
        @if found.items.is_empty() {
            @if is_filtered || !cursor.is_empty() { (empty("No proposal is like that.", &html! { a href="/proposals" { "Show all proposals" } " or ask for something else." })) }
            @else { (empty("Nothing is proposed that you can see.", &html! { "What people ask for, and what Trueline files for runs, drift and services that expire, stands here." })) }
        } @else { (table(&found.items, visit.now())) }
        (pager("/proposals", &filters, (cursor, found.next.as_deref())))
    };
    let page = Page { heading: "Proposals", section: Section::Proposals, ..Page::default() };
    Ok(page.show(&visit, &body).await)
}

/// Shows how one stands.
pub(super) fn standing(word: &str) -> Markup {
    let tone = match word {
        "open" | "limited" | "edited" => Tone::Wait,
        "merged" => Tone::Good,
        "declined" => Tone::Bad,
        _ => Tone::Off,
    };
    let known = STANDINGS.iter().find(|(known, _)| *known == word);
    toned(tone, known.map_or(word, |(_, label)| label))
}

fn table(lines: &[Line], now: Timestamp) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Proposals" {
            table {
                caption.unseen { "Proposals, by how they stand" }
                thead { tr { th scope="col" { "Proposal" } th scope="col" { "State" } th scope="col" { "Service" } th scope="col" { "From" } th scope="col" { "Repository" } th scope="col" { "Since" } } }
                tbody { @for line in lines { tr {
                    th.title scope="row" { (title(line)) }
                    td { (standing(&line.standing)) (notes(line)) }
                    td { @match &line.service { Some(service) => a href=(format!("/services/{}", segment(service))) { (told(service)) }, None => span.quiet { "–" } } }
                    td { @match &line.by { Some(by) => (told(by)), None => "Trueline" } }
                    td { (place(line)) }
                    td { (when(line.since, now)) }
                } } }
            }
        }
    }
}

fn title(line: &Line) -> Markup {
    html! {
        @match &line.id {
            Some(id) => a href=(format!("/proposals/{}", segment(id))) { (told(&line.title)) },
            None => (told(&line.title)),
        }
    }
}

/// Why it waits, and what has it filed again.
fn notes(line: &Line) -> Markup {
    html! {
        @if let Some(why) = &line.why { div.why { (prose(&sentence(why))) } }
        @if let Some(ask) = &line.ask { div.why { "Ask again: " code { (told(ask)) } } }
    }
}

/// Names its repository and number, and leads to it where it is elsewhere.
pub(super) fn place(line: &Line) -> Markup {
    // A path of this machine is told by its last part; all of it stands in the title.
    let name = line.repository.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let name = if line.repository.starts_with('/') { name } else { line.repository.as_str() };
    let number = line.number.map(|number| format!(" #{number}")).unwrap_or_default();
    html! {
        @match &line.url {
            Some(url) if url.starts_with("https://") => a href=(url) rel="noopener noreferrer" { (told(name)) (number) },
            _ => span title=(told(&line.repository)) { (told(name)) (number) },
        }
    }
}
