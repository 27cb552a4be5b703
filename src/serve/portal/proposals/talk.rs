//! What the checks of a proposal found, and what people said of it.

use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use crate::serve::portal::marks::{Tone, prose, short, told, toned};
use crate::serve::portal::problem_page::sentence;
use crate::serve::portal::times::when;

/// One check.
#[derive(Deserialize)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) state: String,
    pub(super) title: String,
    summary: String,
    remarks: Vec<Remark>,
}

/// One remark at a line.
#[derive(Deserialize)]
struct Remark {
    path: String,
    line: u32,
    level: String,
    title: String,
    message: String,
}

/// One review.
#[derive(Deserialize)]
pub(super) struct Review {
    by: String,
    opinion: String,
    head: String,
    at: Timestamp,
}

/// One comment.
#[derive(Deserialize)]
pub(super) struct Comment {
    by: String,
    body: String,
    at: Timestamp,
}

fn tone(word: &str) -> Tone {
    match word {
        "success" | "approved" => Tone::Good,
        "failure" | "changes-requested" => Tone::Bad,
        "action-required" | "warning" => Tone::Wait,
        "queued" | "running" => Tone::Busy,
        _ => Tone::Off,
    }
}

/// Shows what checks found.
pub(super) fn checks(checks: &[Check]) -> Markup {
    html! {
        section aria-labelledby="checks" {
            h2 #checks { "Checks" }
            @if checks.is_empty() { p.quiet { "It was not checked yet. Proposals of the catalog are, within seconds." } }
            @for check in checks {
                div.card {
                    h3.name { code { (told(&check.name)) } " " (toned(tone(&check.state), &check.state)) }
                    p { (told(&check.title)) }
                    @if !check.remarks.is_empty() { (remarks(check)) }
                    @if !check.summary.trim().is_empty() {
                        details.fold { summary { "All that it says" } pre { (told(&check.summary)) } }
                    }
                }
            }
        }
    }
}

fn remarks(check: &Check) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(format!("Remarks of {}", told(&check.name))) {
            table {
                caption.unseen { "Remarks at lines" }
                thead { tr { th scope="col" { "Where" } th scope="col" { "How bad" } th scope="col" { "What is wrong" } } }
                tbody { @for one in &check.remarks { tr {
                    th scope="row" { code { (told(&one.path)) ":" (one.line) } }
                    td { (toned(tone(&one.level), &one.level)) }
                    td { (prose(&sentence(&one.message))) div.why { (told(&one.title)) } }
                } } }
            }
        }
    }
}

/// Shows what people said, reviews first.
pub(super) fn said(
    (reviews, comments): (&[Review], &[Comment]),
    head: &str,
    now: Timestamp,
) -> Markup {
    html! {
        section aria-labelledby="said" {
            h2 #said { "What was said" }
            @if reviews.is_empty() && comments.is_empty() { p.quiet { "Nobody said anything yet." } }
            @if !reviews.is_empty() {
                ul.plain { @for one in reviews { li {
                    (toned(tone(&one.opinion), &one.opinion)) " " (told(&one.by)) " " (when(one.at, now)) ", of " (short(&one.head))
                    @if one.head != head { " " span.quiet { "(an earlier head: it counts no more)" } }
                } } }
            }
            @for one in comments {
                article.card {
                    p.meta { strong { (told(&one.by)) } (when(one.at, now)) }
                    pre { (told(&one.body)) }
                }
            }
        }
    }
}
