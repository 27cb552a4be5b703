//! `/requests/{id}/{retry|abort|escalate}`: what a word on a request will do, before it is said.

use axum::extract::Path;
use axum::response::Response;
use maud::html;
use serde_json::json;

use super::one::{Request, label};
use crate::serve::portal::form::Form;
use crate::serve::portal::layout::{Page, Section};
use crate::serve::portal::local::{link, segment, sent_to};
use crate::serve::portal::marks::mark;
use crate::serve::portal::problem_page::Refused;
use crate::serve::portal::said::reason;
use crate::serve::portal::visit::Visit;

/// Says what a word does; nothing where there is no such word.
fn what(word: &str, is_merged: bool) -> Option<&'static str> {
    Some(match (word, is_merged) {
        ("abort", false) => "Its proposal is closed, and nothing of it is carried out.",
        ("abort", true) => {
            "Its run is called off. The catalog still wants the service: ask for a change or its end, too."
        }
        ("retry", _) => "Its run goes on: what failed is done again.",
        ("escalate", _) => {
            "What failed and what was not reached is given to people: each such step becomes a task in the inbox of the team."
        }
        _ => return None,
    })
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
    let request = Request::read(visit, id).await?;
    let Some(what) = what(word, request.merged.is_some()) else {
        return Err(Refused::missing(visit.place()));
    };
    let path = format!("/requests/{}", segment(id));
    let body = html! {
        @if let Some(wrong) = wrong { (wrong.above()) }
        p.lead { (what) }
        p { "The request is " (mark(&request.line.state)) }
        form.card method="post" action=(format!("{path}/{}", segment(word))) {
            (visit.hidden())
            @if word == "retry" {
                label.check { input type="checkbox" name="fromFailed" value="yes" checked[form.get("fromFailed").is_some() || wrong.is_none()]; "Leave alone what succeeded" }
            }
            (reason(form, wrong))
            div.actions {
                button class=(if word == "abort" { "danger" } else { "" }) type="submit" { (label(word)) }
                a.button.plain href=(path) { "Back" }
            }
        }
    };
    let heading = format!("{}: request for {}", label(word), request.line.service);
    let page = Page {
        heading: &heading,
        section: Section::Requests,
        above: Some((&path, "The request")),
        ..Page::default()
    };
    Ok(page.say(visit, &body, wrong).await)
}

/// Says it.
pub(in crate::serve::portal) async fn take(
    visit: Visit,
    Path((id, word)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Refused> {
    if what(&word, false).is_none() {
        return Err(Refused::missing(visit.place()));
    }
    let path = format!("/requests/{}", segment(&id));
    let reason = form.text("reason");
    let body = match word.as_str() {
        "retry" => json!({"reason": reason, "fromFailed": form.get("fromFailed").is_some()}),
        _ => json!({"reason": reason}),
    };
    match visit.post(&format!("{path}/{}", segment(&word)), &body, &form).await {
        Ok(_) => Ok(sent_to(&link(&path, &[("done", "said")]))),
        Err(wrong) if wrong.can_be_mended() => {
            ask(&visit, (&id, &word), (&form, Some(&wrong))).await
        }
        Err(refused) => Err(refused),
    }
}
