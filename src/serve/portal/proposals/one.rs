//! `/proposals/{id}`: one proposal: what it changes, what its checks found, what people said, and what can be said on it.

use axum::extract::Path;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use super::list::{Line, place, standing};
use super::{patch, talk};
use crate::serve::portal::layout::{Page, Section};
use crate::serve::portal::local::segment;
use crate::serve::portal::marks::{facts, mark, prose, short, told};
use crate::serve::portal::problem_page::{Refused, sentence};
use crate::serve::portal::times::when;
use crate::serve::portal::visit::Visit;

/// One proposal.
#[derive(Deserialize)]
pub(super) struct Proposal {
    #[serde(flatten)]
    pub(super) line: Line,
    pub(super) here: Option<Detail>,
}

/// What is known of it on the forge of this machine.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Detail {
    pub(super) state: String,
    author: String,
    body: String,
    source_branch: String,
    base_branch: String,
    pub(super) head: String,
    merge_commit: Option<String>,
    settled_by: Option<String>,
    comment: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    diff: String,
    pub(super) checks: Vec<talk::Check>,
    reviews: Vec<talk::Review>,
    comments: Vec<talk::Comment>,
    pub(super) possible: Vec<String>,
}

/// Shows it.
pub(in crate::serve::portal) async fn show(
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    let path = format!("/proposals/{}", segment(&id));
    let proposal: Proposal = visit.get(&path).await?;
    let line = &proposal.line;
    let body = html! {
        @if let Some(why) = &line.why { p.lead { (prose(&sentence(why))) } }
        @match &proposal.here {
            Some(detail) => (full((line, detail), &path, visit.now())),
            None => (elsewhere(line, visit.now())),
        }
    };
    let heading = told(&line.title);
    let state = match &proposal.here {
        // What the forge says now weighs more than what was seen last.
        Some(detail) if detail.state != "open" => mark(&detail.state),
        _ => standing(&line.standing),
    };
    let page = Page {
        heading: &heading,
        section: Section::Proposals,
        above: Some(("/proposals", "Proposals")),
        beside: Some(state),
        ..Page::default()
    };
    Ok(page.show(&visit, &body).await)
}

fn links(line: &Line) -> [(&'static str, Option<Markup>); 2] {
    let service = line.service.as_ref();
    let run = line.run.as_ref();
    [
        (
            "Service",
            service.map(
                |one| html! { a href=(format!("/services/{}", segment(one))) { (told(one)) } },
            ),
        ),
        (
            "Run",
            run.map(
                |one| html! { a href=(format!("/runs/{}", segment(one))) { code { (told(one)) } } },
            ),
        ),
    ]
}

/// What is shown of one that is on a forge elsewhere, or that is not filed yet.
fn elsewhere(line: &Line, now: Timestamp) -> Markup {
    let [service, run] = links(line);
    html! {
        (facts(&[
            service,
            run,
            ("Repository", Some(place(line))),
            ("From", Some(html! { @match &line.by { Some(by) => (told(by)), None => "Trueline" } })),
            ("Since", Some(when(line.since, now))),
        ]))
        @if let Some(url) = line.url.as_ref().filter(|url| url.starts_with("https://")) {
            p.actions { a.button href=(url) rel="noopener noreferrer" { "Open it where it is" } }
        }
    }
}

/// Leaves out what Trueline finds its own proposals again by, which forges hide, too: `<!-- Trueline-Key: x -->` on a line of its
/// own. Nothing else is left out, so that nobody hides a text.
fn without_marks(body: &str) -> String {
    let plain = |one: char| one.is_ascii_alphanumeric() || matches!(one, '-' | '_' | '.' | '/');
    let is_mark = |line: &str| {
        let inner =
            line.trim().strip_prefix("<!-- Trueline-").and_then(|it| it.strip_suffix(" -->"));
        inner.and_then(|it| it.split_once(": ")).is_some_and(|(name, value)| {
            !name.is_empty() && name.chars().all(plain) && value.chars().all(plain)
        })
    };
    let kept: Vec<&str> = body.lines().filter(|line| !is_mark(line)).collect();
    kept.join("\n").trim().to_owned()
}

fn full((line, detail): (&Line, &Detail), path: &str, now: Timestamp) -> Markup {
    let [service, run] = links(line);
    let settled = detail.settled_by.as_ref().map(|by| html! { (detail.state) " by " (told(by)) });
    html! {
        (facts(&[
            service,
            run,
            ("Opened", Some(html! { (when(detail.created_at, now)) " by " (told(line.by.as_ref().unwrap_or(&detail.author))) })),
            ("Branch", Some(html! { code { (told(&detail.source_branch)) } " into " code { (told(&detail.base_branch)) } })),
            ("Head", Some(short(&detail.head))),
            ("Ended", settled),
            ("Merged as", detail.merge_commit.as_deref().map(short)),
            ("Said then", detail.comment.as_ref().map(|said| html! { (told(said)) })),
            ("Last change", Some(when(detail.updated_at, now))),
            ("Repository", Some(place(line))),
        ]))
        @if !detail.possible.is_empty() {
            p.actions role="group" aria-label="What you can say on it" {
                @for word in &detail.possible {
                    a class=(match word.as_str() { "merge" => "button", "close" => "button danger", _ => "button plain" })
                        href=(format!("{path}/{}", segment(word))) { (super::word::label(word)) "…" }
                }
            }
        }
        (talk::checks(&detail.checks))
        @let body = without_marks(&detail.body);
        @if !body.is_empty() {
            section aria-labelledby="why" { h2 #why { "Why" } div.card.lines { (prose(&body)) } }
        }
        section aria-labelledby="changes" { h2 #changes { "What it changes" } (patch::shown(&detail.diff)) }
        (talk::said((&detail.reviews, &detail.comments), &detail.head, now))
    }
}

#[cfg(test)]
mod tests {
    use super::without_marks;

    #[test]
    fn only_marks_of_our_own_are_left_out() {
        assert_eq!(without_marks("Please.\n\n<!-- Trueline-Key: main-1f-a-1 -->\n"), "Please.");
        for kept in [
            "<!-- Trueline-Key: approve this -->",
            "<!-- hidden -->",
            "x <!-- Trueline-Key: a -->",
            "<!-- Trueline-: <b> -->",
        ] {
            assert_eq!(without_marks(kept), kept);
        }
    }
}
