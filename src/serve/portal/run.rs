//! `/runs/{id}`: one run: where it stands, why it is not further, what can be asked of it, and what happened to it.

use axum::extract::Path;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::form::Asked;
use super::layout::{Page, Section};
use super::local::{link, segment};
use super::marks::{facts, mark, pager, prose, short, told};
use super::problem_page::Refused;
use super::run_steps;
use super::times::{exact, when};
use super::visit::Visit;
use crate::serve::auth::{Kind, Verb};

/// Entries of the journal that are read at once.
const ENTRIES: u32 = 200;

/// One run.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Run {
    pub(super) id: String,
    pub(super) service: String,
    pub(super) team: String,
    environment: Option<String>,
    kind: String,
    pub(super) state: String,
    change: String,
    commit: String,
    created_at: Timestamp,
    pub(super) why: Option<String>,
    escalated: bool,
    said: Option<String>,
    pub(super) possible: Vec<String>,
    pub(super) steps: Vec<Step>,
}

/// One step of a run.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Step {
    #[serde(rename = "step")]
    pub(super) path: String,
    pub(super) action: String,
    pub(super) state: String,
    pub(super) attempts: u32,
    pub(super) by_hand: bool,
    pub(super) not_before: Option<Timestamp>,
    pub(super) why: Option<String>,
    pub(super) outputs: Map<String, Value>,
}

/// One entry of a journal.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) seq: i64,
    pub(super) at: Timestamp,
    pub(super) step: Option<String>,
    pub(super) event: String,
    pub(super) attempt: Option<u32>,
    pub(super) why: Option<String>,
}

/// A page of a journal.
#[derive(Deserialize)]
pub(super) struct Journal {
    pub(super) items: Vec<Entry>,
    next: Option<String>,
}

/// Shows it.
pub(super) async fn show(
    visit: Visit,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Refused> {
    let path = format!("/runs/{}", segment(&id));
    let run: Run = visit.get(&path).await?;
    let cursor = asked.text("cursor");
    let limit = ENTRIES.to_string();
    let asks = link(&format!("{path}/journal"), &[("limit", &limit), ("cursor", cursor)]);
    let journal: Journal = visit.get(&asks).await?;
    let is_over =
        !matches!(run.state.as_str(), "queued" | "running" | "waiting" | "paused" | "rolling-back");
    let body = html! {
        div #state data-live { (standing(&visit, &run)) }
        section aria-labelledby="steps-title" {
            h2 #steps-title { "Steps" }
            div #steps data-live { (run_steps::timeline(&run, &journal.items, visit.now())) }
        }
        section aria-labelledby="journal-title" {
            h2 #journal-title { "Journal" }
            div #journal data-live { (entries(&journal.items)) (pager(&path, &[], (cursor, journal.next.as_deref()))) }
        }
    };
    let events = (!is_over).then(|| format!("/api/v1{path}/events"));
    let heading = format!("Run {}", run.id);
    let page = Page {
        heading: &heading,
        section: Section::Runs,
        above: Some(("/runs", "Runs")),
        events: events.as_deref(),
        ..Page::default()
    };
    Ok(page.show(&visit, &body).await)
}

/// Says where it stands, and what can be asked of it.
fn standing(visit: &Visit, run: &Run) -> Markup {
    let may = visit.may_of(Verb::Operate, Kind::Run, Some(&run.team));
    html! {
        p.lead {
            (mark(&run.state)) " "
            @match run.why.as_ref().filter(|_| run.state != "succeeded") { Some(why) => (prose(why)), None => (what_next(&run.state)) }
        }
        @if let Some(said) = &run.said { p.notice { "Said last: " (told(said)) } }
        @if run.escalated { p.notice.wait { "People do a part of this run by hand." } }
        (facts(&[
            ("Service", Some(html! { a href=(format!("/services/{}", segment(&run.service))) { (run.service) } })),
            ("Team", Some(html! { (run.team) })),
            ("Environment", run.environment.as_ref().map(|one| html! { (one) })),
            ("What", Some(html! { (run.kind) })),
            ("Change", Some(short(&run.change))),
            ("Commit", Some(short(&run.commit))),
            ("Begun", Some(when(run.created_at, visit.now()))),
        ]))
        @if may && !run.possible.is_empty() {
            p.actions aria-label="What you can ask of it" role="group" {
                @for word in &run.possible {
                    a class=(if word == "cancel" || word == "rollback" { "button danger" } else { "button plain" })
                        href=(format!("/runs/{}/{}", segment(&run.id), segment(word))) { (label(word)) }
                }
            }
        }
    }
}

/// Says what comes of it where nothing holds it up.
fn what_next(state: &str) -> &'static str {
    match state {
        "queued" => "It waits for its turn.",
        "running" => "A step is under way.",
        "waiting" => "It waits for people or other sides.",
        "paused" => "Somebody stopped it for now.",
        "rolling-back" => "What it did is being taken back.",
        "succeeded" => "All steps are done.",
        "superseded" => "A newer revision took its place.",
        "cancelled" => "Somebody called it off.",
        "rolled-back" => "What it did was taken back.",
        _ => "It stopped.",
    }
}

/// Names what can be asked of a run, on a button.
pub(super) fn label(word: &str) -> &str {
    match word {
        "cancel" => "Cancel…",
        "pause" => "Pause…",
        "resume" => "Resume…",
        "retry" => "Retry…",
        "redrive" => "Redrive…",
        "escalate" => "Do it by hand…",
        "rollback" => "Roll back…",
        "decide" => "Decide…",
        other => other,
    }
}

fn entries(entries: &[Entry]) -> Markup {
    html! {
        @if entries.is_empty() { p.quiet { "Nothing has happened to it yet." } }
        @else {
            div.scroll tabindex="0" role="region" aria-label="Entries" {
                table {
                    caption.unseen { "What happened to the run, oldest first" }
                    thead { tr {
                        th.number scope="col" { "No." } th scope="col" { "When" } th scope="col" { "Step" }
                        th scope="col" { "What" } th scope="col" { "Why" }
                    } }
                    tbody { @for entry in entries { tr {
                        td.number { (entry.seq) }
                        td { time datetime=(entry.at) { (exact(entry.at)) } }
                        td { @match &entry.step { Some(step) => code { (told(step)) }, None => span.quiet { "the run" } } }
                        td { (entry.event.replace('-', " ")) @if let Some(attempt) = entry.attempt { " (attempt " (attempt) ")" } }
                        td { @if let Some(why) = &entry.why { (prose(why)) } }
                    } } }
                }
            }
        }
    }
}
