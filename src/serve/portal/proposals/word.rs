//! `/proposals/{id}/{word}`: what a word on a proposal will do, before it is said. It is bound to the head that was looked at.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use maud::html;
use serde_json::json;

use super::one::Proposal;
use crate::serve::portal::form::Form;
use crate::serve::portal::layout::{Page, Section};
use crate::serve::portal::local::{link, segment, sent_to};
use crate::serve::portal::marks::{short, told};
use crate::serve::portal::problem_page::{Refused, spoken};
use crate::serve::portal::visit::Visit;

/// What a word does, in words; nothing where there is no such word.
fn what(word: &str) -> Option<&'static str> {
    Some(match word {
        "approve" => {
            "You say that it may be merged, as it is now. Where the catalog names you among the owners of what it changes, your word counts; who had a hand in it never counts."
        }
        "request-changes" => "You say that it must change before it is merged.",
        "comment" => {
            "What you say stands below it. /trueline help on the first line asks what Trueline can be told."
        }
        "merge" => {
            "It is brought onto its base branch by a merge commit in your name, and what it wants is planned and carried out from then on."
        }
        "close" => "It is turned down: nothing of it is merged, and who asked is told.",
        _ => return None,
    })
}

/// Names a word, on a button.
pub(super) fn label(word: &str) -> &str {
    match word {
        "approve" => "Approve",
        "request-changes" => "Request changes",
        "comment" => "Comment",
        "merge" => "Merge",
        "close" => "Close",
        other => other,
    }
}

/// Asks whether it is meant.
pub(in crate::serve::portal) async fn show(
    visit: Visit,
    Path((id, word)): Path<(String, String)>,
) -> Result<Response, Refused> {
    ask(&visit, (&id, &word), (&Form::default(), None)).await
}

async fn ask(
    visit: &Visit,
    (id, word): (&str, &str),
    (form, wrong): (&Form, Option<&Refused>),
) -> Result<Response, Refused> {
    let Some(what) = what(word) else { return Err(Refused::missing(visit.place())) };
    let path = format!("/proposals/{}", segment(id));
    let proposal: Proposal = visit.get(&path).await?;
    let detail = proposal.here.as_ref();
    let detail = detail.filter(|detail| detail.possible.iter().any(|one| one == word));
    let is_optional = matches!(word, "approve" | "merge");
    let wrong_reason = wrong.and_then(|wrong| wrong.of("/reason"));
    let body = html! {
        @if let Some(wrong) = wrong { (wrong.above()) }
        p.lead { (what) }
        @if let Some(detail) = detail {
            @for check in detail.checks.iter().filter(|check| word == "merge" && !matches!(check.state.as_str(), "success" | "neutral")) {
                p.notice.wait { code { (told(&check.name)) } " is in the way: " (told(&check.title)) }
            }
            p { strong { (told(&proposal.line.title)) } ", head " (short(&detail.head)) }
            form.card method="post" action=(format!("{path}/{}", segment(word))) {
                (visit.hidden())
                input type="hidden" name="head" value=(detail.head);
                @if word != "merge" {
                    div.field {
                        label for="reason" { @if word == "close" || word == "request-changes" { "Why" } @else { "What you say" } @if is_optional { " " span.quiet { "(optional)" } } }
                        textarea #reason name="reason" maxlength="2000" required[!is_optional] aria-invalid[wrong_reason.is_some()] { (form.text("reason")) }
                        @if let Some(wrong) = wrong_reason { p.wrong { (spoken(wrong)) } }
                    }
                }
                div.actions {
                    button class=(if word == "close" { "danger" } else { "" }) type="submit" { (label(word)) }
                    a.button.plain href=(path) { "Back" }
                }
            }
        } @else {
            p.notice.wait { "That can’t be said on it by you, as it stands now." }
            p.actions { a.button href=(path) { "Back to the proposal" } }
        }
    };
    let heading = format!("{} a proposal", label(word));
    let page = Page {
        heading: if word == "comment" { "Comment on a proposal" } else { &heading },
        section: Section::Proposals,
        above: Some((&path, "The proposal")),
        ..Page::default()
    };
    let mut response = page.show(visit, &body).await;
    if let Some(wrong) = wrong {
        *response.status_mut() = StatusCode::from_u16(wrong.status()).unwrap_or_default();
    }
    Ok(response)
}

/// Says it.
pub(in crate::serve::portal) async fn take(
    visit: Visit,
    Path((id, word)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Refused> {
    if what(&word).is_none() {
        return Err(Refused::missing(visit.place()));
    }
    let path = format!("/proposals/{}", segment(&id));
    let mut body = json!({"reason": form.text("reason")});
    if let (Some(head), Some(body)) = (form.get("head"), body.as_object_mut()) {
        body.insert("head".to_owned(), head.into());
    }
    match visit.post(&format!("{path}/{}", segment(&word)), &body, &form).await {
        Ok(_) => Ok(sent_to(&link(&path, &[("done", &format!("proposal-{word}"))]))),
        Err(wrong) if wrong.can_be_mended() => {
            ask(&visit, (&id, &word), (&form, Some(&wrong))).await
        }
        Err(refused) => Err(refused),
    }
}
