//! `/findings`: what the rules found in the head of the catalog, and what to do about it.

use axum::response::Response;
use maud::html;
use serde::Deserialize;

use super::form::Asked;
use super::layout::{Page, Section};
use super::local::link;
use super::marks::{Tone, choice, empty, pager, prose, told, toned};
use super::problem_page::{Refused, sentence};
use super::visit::Visit;

#[derive(Deserialize)]
struct Findings {
    items: Vec<Finding>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Finding {
    rule: String,
    severity: String,
    path: String,
    line: u32,
    column: u32,
    message: String,
    hint: Option<String>,
}

/// Shows the list.
pub(super) async fn show(visit: Visit, asked: Asked) -> Result<Response, Refused> {
    let filters = ["severity", "q", "rule"].map(|name| (name, asked.text(name)));
    let [(_, severity), (_, text), (_, rule)] = filters;
    let cursor = asked.text("cursor");
    let asks = [filters.as_slice(), &[("cursor", cursor)]].concat();
    let found: Findings = visit.get(&link("/findings", &asks)).await?;
    let is_filtered = filters.iter().any(|(_, value)| !value.is_empty());
    let body = html! {
        form.filters method="get" action="/findings" aria-label="Filter findings" {
            div.field {
                label for="severity" { "Severity" }
                select #severity name="severity" { (choice("", severity, "Any")) @for one in ["error", "warning", "note"] { (choice(one, severity, one)) } }
            }
            div.field { label for="by-q" { "Path or message holds" } input #by-q name="q" value=(text) maxlength="200"; }
            div.field { label for="rule" { "Rule" } input #rule name="rule" value=(rule) maxlength="100" autocapitalize="none" spellcheck="false"; }
            div.actions { button type="submit" { "Filter" } @if is_filtered { a.button.plain href="/findings" { "Show all" } } }
        }
        @if found.items.is_empty() {
            @if is_filtered || !cursor.is_empty() { (empty("No finding is like that.", &html! { a href="/findings" { "Show all findings" } "." })) }
            @else { (empty("The rules find nothing wrong.", &html! { "What you can see of the head of the catalog is as it should be." })) }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Findings" {
                table {
                    caption.unseen { "Findings, by place" }
                    thead { tr { th scope="col" { "Where" } th scope="col" { "How bad" } th scope="col" { "What is wrong" } th scope="col" { "Rule" } } }
                    tbody { @for one in &found.items { tr {
                        th scope="row" { code { (told(&one.path)) ":" (one.line) ":" (one.column) } }
                        td { (toned(tone(&one.severity), &one.severity)) }
                        td { (prose(&sentence(&one.message))) @if let Some(hint) = &one.hint { div.why { (prose(&sentence(hint))) } } }
                        td { a href=(link("/findings", &[("rule", &one.rule)])) { (one.rule) } }
                    } } }
                }
            }
        }
        (pager("/findings", &filters, (cursor, found.next.as_deref())))
    };
    let page = Page { heading: "Findings", section: Section::Findings, ..Page::default() };
    Ok(page.show(&visit, &body).await)
}

fn tone(severity: &str) -> Tone {
    match severity {
        "error" => Tone::Bad,
        "warning" => Tone::Wait,
        _ => Tone::Off,
    }
}
