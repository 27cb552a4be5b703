//! `/requests/{id}`: one request: how far it is, what it waits for, the file that it proposes, and a word on it.

use axum::extract::Path;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use super::list::RequestLine;
use crate::serve::auth::{Kind, Verb};
use crate::serve::portal::layout::{Page, Section};
use crate::serve::portal::local::segment;
use crate::serve::portal::marks::{facts, mark, prose, short, told};
use crate::serve::portal::problem_page::Refused;
use crate::serve::portal::times::{exact, when};
use crate::serve::portal::visit::Visit;

/// One request.
#[derive(Deserialize)]
pub(super) struct Request {
    #[serde(flatten)]
    pub(super) line: RequestLine,
    reason: String,
    path: String,
    branch: String,
    pub(super) merged: Option<String>,
    content: Option<String>,
    files: Vec<String>,
    history: Vec<Moment>,
}

#[derive(Deserialize)]
struct Moment {
    at: Timestamp,
    state: String,
    why: Option<String>,
}

impl Request {
    /// Reads one.
    pub(super) async fn read(visit: &Visit, id: &str) -> Result<Self, Refused> {
        visit.get(&format!("/requests/{}", segment(id))).await
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.line.state.as_str(), "completed" | "rejected" | "aborted")
    }

    /// Returns what somebody may say on it now.
    pub(super) fn words(&self, visit: &Visit) -> Vec<&'static str> {
        if self.is_over() {
            return Vec::new();
        }
        let team = Some(self.line.team.as_str());
        let operates = visit.may_of(Verb::Operate, Kind::Run, team);
        let asked = visit.who().actor.name == self.line.by
            && visit.may_of(Verb::Request, Kind::Service, team);
        match &self.merged {
            None if operates || asked => vec!["abort"],
            Some(_) if operates && self.line.state == "failed" => {
                vec!["retry", "escalate", "abort"]
            }
            Some(_) if operates && self.line.run.is_some() => vec!["abort"],
            _ => Vec::new(),
        }
    }
}

/// Shows it.
pub(in crate::serve::portal) async fn show(
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    let request = Request::read(&visit, &id).await?;
    let body = html! {
        div #state data-live { (standing(&visit, &request)) }
        section aria-labelledby="history" {
            h2 #history { "How it came here" }
            div #moments data-live { (moments(&request.history)) }
        }
        section aria-labelledby="file" {
            h2 #file { "What it proposes" }
            p { code { (told(&request.path)) } " on branch " code { (told(&request.branch)) } }
            @match &request.content {
                Some(content) => pre tabindex="0" { (told(content)) },
                None => p { "The file goes, and with it the service." },
            }
            @for file in &request.files { p { "Beside it: " code { (told(file)) } } }
        }
    };
    let heading = format!("Request for {}", request.line.service);
    let page = Page {
        heading: &heading,
        section: Section::Requests,
        above: Some(("/requests", "Requests")),
        polls: !request.is_over(),
        ..Page::default()
    };
    Ok(page.show(&visit, &body).await)
}

/// Says what comes of it where nothing else is said.
fn what_next(state: &str) -> &'static str {
    match state {
        "submitted" => "It was taken down; its proposal is opened within a second.",
        "proposed" => "Its proposal waits for people: owners approve it, and somebody merges it.",
        "processing" | "retrying" => "It was merged and is carried out.",
        "escalated" => "People do by hand what failed.",
        "failed" => "It stopped; somebody has to say how it goes on.",
        "completed" => "It is as asked for.",
        "rejected" => "Its proposal was closed and not merged.",
        "aborted" => "It was called off.",
        _ => "",
    }
}

fn standing(visit: &Visit, request: &Request) -> Markup {
    let line = &request.line;
    let words = request.words(visit);
    html! {
        p.lead { (mark(&line.state)) " " (what_next(&line.state)) }
        @if let Some(why) = &line.why { p.notice class=[(line.state == "failed").then_some("bad")] { (prose(why)) } }
        (facts(&[
            ("Asks for", Some(html! { (line.what()) })),
            ("Service", Some(html! { a href=(format!("/services/{}", segment(&line.service))) { (line.service) } })),
            ("Team", Some(html! { (line.team) })),
            ("Environment", line.environment.as_ref().map(|one| html! { (one) })),
            ("Asked", Some(html! { (when(line.created_at, visit.now())) " by " (told(&line.by)) })),
            ("Why", (!request.reason.is_empty()).then(|| html! { (told(&request.reason)) })),
            ("Proposal", line.proposal.map(|number| proposal(number, line.url.as_deref()))),
            ("Merged", request.merged.as_deref().map(short)),
            ("Run", line.run.as_ref().map(|run| html! { a href=(format!("/runs/{}", segment(run))) { code { (run) } } })),
        ]))
        @if !words.is_empty() {
            p.actions role="group" aria-label="What you can ask of it" {
                @for word in words {
                    a class=(if word == "abort" { "button danger" } else { "button plain" }) href=(format!("/requests/{}/{word}", segment(&line.id))) { (label(word)) "…" }
                }
            }
        }
    }
}

fn proposal(number: u64, url: Option<&str>) -> Markup {
    let url = url.filter(|url| url.starts_with("https://") || url.starts_with("http://"));
    html! {
        @match url {
            Some(url) => a href=(url) rel="noopener noreferrer" { "#" (number) },
            None => a href=(format!("/proposals/{number}")) { "proposal " (number) },
        }
    }
}

/// Names a word on a button.
pub(super) fn label(word: &str) -> &'static str {
    match word {
        "retry" => "Try again",
        "escalate" => "Do it by hand",
        _ => "Call it off",
    }
}

fn moments(history: &[Moment]) -> Markup {
    html! {
        ol.moments {
            @for moment in history {
                li {
                    time datetime=(moment.at) { (exact(moment.at)) } " " (mark(&moment.state))
                    @if let Some(why) = &moment.why { div.why { (prose(why)) } }
                }
            }
        }
    }
}
