//! `/activity`: what happened to services, day by day: how runs ended, and what people said.

use axum::response::Response;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use serde::Deserialize;

use super::form::Asked;
use super::layout::{Page, Section};
use super::local::{link, segment};
use super::marks::{Tone, empty, pager, prose, told, toned};
use super::problem_page::{Refused, sentence};
use super::times::span;
use super::visit::Visit;

/// A page of what happened.
#[derive(Deserialize)]
pub(super) struct Feed {
    pub(super) items: Vec<Happened>,
    pub(super) next: Option<String>,
}

/// One thing that happened.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Happened {
    at: Timestamp,
    actor: String,
    what: String,
    service: String,
    team: Option<String>,
    item: Option<String>,
    run: Option<String>,
    took_ms: Option<i64>,
    why: Option<String>,
}

/// Shows the feed.
pub(super) async fn show(visit: Visit, asked: Asked) -> Result<Response, Refused> {
    let names = ["day", "team", "item", "service", "actor"];
    let filters = names.map(|name| (name, asked.text(name)));
    let cursor = asked.text("cursor");
    let asks = [filters.as_slice(), &[("cursor", cursor)]].concat();
    let feed: Feed = visit.get(&link("/activity", &asks)).await?;
    let is_filtered = filters.iter().any(|(_, value)| !value.is_empty());
    let json = link("/api/v1/activity", &[filters.as_slice(), &[("limit", "200")]].concat());
    let body = html! {
        form.filters method="get" action="/activity" aria-label="Filter what happened" {
            @for (name, value) in filters {
                @let (id, label, kind) = (format!("by-{name}"), label(name), if name == "day" { "date" } else { "text" });
                div.field {
                    label for=(id) { (label) }
                    input id=(id) type=(kind) name=(name) value=(value) maxlength="200" autocapitalize="none" spellcheck="false";
                }
            }
            div.actions {
                button type="submit" { "Filter" }
                @if is_filtered { a.button.plain href="/activity" { "Show all" } }
                a.button.plain href=(json) { "As JSON" }
            }
        }
        @if feed.items.is_empty() {
            @if is_filtered || !cursor.is_empty() { (empty("Nothing happened that is like that.", &html! { a href="/activity" { "Show all that happened" } " or ask for something else." })) }
            @else { (empty("Nothing happened yet that you can see.", &html! { "How runs end and what people say of services stands here." })) }
        } @else { (days(&feed.items)) }
        (pager("/activity", &filters, (cursor, feed.next.as_deref())))
    };
    let page = Page { heading: "Activity", section: Section::Activity, ..Page::default() };
    Ok(page.show(&visit, &body).await)
}

fn label(name: &str) -> &'static str {
    match name {
        "day" => "Day",
        "team" => "Team",
        "item" => "Item",
        "service" => "Service",
        _ => "Who",
    }
}

/// Shows what happened below the day on which it did.
pub(super) fn days(items: &[Happened]) -> Markup {
    let day = |one: &Happened| one.at.to_zoned(TimeZone::UTC).date().to_string();
    let days = items.chunk_by(|one, other| day(one) == day(other));
    html! {
        @for (number, of_day) in days.enumerate() {
            @let (id, name) = (format!("day-{number}"), of_day.first().map(day).unwrap_or_default());
            section aria-labelledby=(id) {
                h2 id=(id) { time datetime=(name) { (name) } }
                ul.feed { @for one in of_day { (line(one)) } }
            }
        }
    }
}

fn line(one: &Happened) -> Markup {
    let (tone, told_what) = what(&one.what);
    let time = one.at.strftime("%H:%M").to_string();
    let by = (one.actor != "trueline").then_some(&one.actor);
    html! {
        li {
            time.number datetime=(format!("{:.0}", one.at)) title=(super::times::exact(one.at)) { (time) }
            div {
                (toned(tone, told_what)) " "
                a href=(format!("/services/{}", segment(&one.service))) { (told(&one.service)) }
                @if let Some(by) = by { " by " a href=(link("/activity", &[("actor", by)])) { (told(by)) } }
                @if let Some(took) = one.took_ms { " " span.quiet { "in " (brief(took)) } }
                div.meta {
                    @if let Some(team) = &one.team { a href=(link("/activity", &[("team", team)])) { (told(team)) } }
                    @if let Some(item) = &one.item { a href=(link("/activity", &[("item", item)])) { (told(item)) } }
                    @if let Some(run) = &one.run { a href=(format!("/runs/{}", segment(run))) { "Run " code { (told(run)) } } }
                }
                @if let Some(why) = one.why.as_ref().filter(|why| !why.trim().is_empty()) { div.why { (prose(&sentence(why))) } }
            }
        }
    }
}

/// Writes how long something took, in one unit or two.
pub(super) fn brief(took_ms: i64) -> String {
    match took_ms {
        0..1_000 => format!("{took_ms} ms"),
        1_000..60_000 => format!("{}.{} s", took_ms / 1_000, took_ms % 1_000 / 100),
        _ => span(took_ms / 1_000),
    }
}

/// Says what an entry of the chain tells, and how it feels.
fn what(word: &str) -> (Tone, &str) {
    let (kind, rest) = word.split_once('.').unwrap_or(("", word));
    match (kind, rest) {
        ("run", "succeeded") => (Tone::Good, "done"),
        ("run", "failed" | "parked") => (Tone::Bad, rest),
        ("run", "needs-decision") => (Tone::Bad, "needs a decision"),
        ("run", "superseded" | "cancelled" | "rolled-back") => (Tone::Off, rest),
        ("run", "rollback") => (Tone::Busy, "to be rolled back"),
        ("run", "escalate") => (Tone::Busy, "given to people"),
        ("run", other) => (Tone::Busy, other),
        ("task", _) => (Tone::Good, "task done"),
        ("approval", "grant") => (Tone::Good, "granted"),
        ("approval", _) => (Tone::Bad, "not granted"),
        ("request", "submitted") => (Tone::Busy, "asked for"),
        ("request", "rejected") => (Tone::Bad, "request turned down"),
        ("request", _) => (Tone::Off, "request called off"),
        ("proposal", "approve") => (Tone::Good, "proposal approved"),
        ("proposal", "merge") => (Tone::Good, "proposal merged"),
        ("proposal", "close") => (Tone::Bad, "proposal closed"),
        ("proposal", "comment") => (Tone::Off, "comment on a proposal"),
        ("proposal", _) => (Tone::Wait, "changes asked for"),
        ("", "approve") => (Tone::Good, "plan approved"),
        ("", "reject") => (Tone::Bad, "plan rejected"),
        ("", "apply") => (Tone::Busy, "asked to converge"),
        ("", "hold") => (Tone::Wait, "held"),
        ("", "release") => (Tone::Off, "released"),
        ("", "adopt") => (Tone::Off, "adopted"),
        ("", "forget") => (Tone::Off, "forgotten"),
        ("", "operate") => (Tone::Busy, "operated"),
        ("", "break-glass") => (Tone::Bad, "glass broken"),
        _ => (Tone::Off, word),
    }
}
