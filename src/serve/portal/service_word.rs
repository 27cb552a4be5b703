//! `/services/{id}/{hold|release|reconcile}`: what a word on a service will do, before it is said.

use axum::extract::Path;
use axum::response::Response;
use maud::html;
use serde_json::json;

use super::form::Form;
use super::layout::{Page, Section};
use super::local::{segment, sent_to};
use super::marks::{mark, told};
use super::problem_page::Refused;
use super::said::{reason, said};
use super::service::Service;
use super::visit::Visit;

/// What a word is called, and what it does; nothing where there is no such word.
fn what(word: &str) -> Option<(&'static str, &'static str)> {
    Some(match word {
        "hold" => (
            "Hold",
            "Everything stops for this service at once: an open run stops before its next step, and nothing is started until somebody releases it. What is there stays as it is.",
        ),
        "release" => ("Release", "The service goes on: what is planned for it starts again."),
        "reconcile" => (
            "Converge now",
            "The service is brought to what git wants now, also where it stopped or is outdated. Approvals and windows hold as ever.",
        ),
        _ => return None,
    })
}

/// Asks whether it is meant.
pub(super) async fn show(
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
    let Some((verb, what)) = what(word) else { return Err(Refused::missing(visit.place())) };
    let path = format!("/services/{}", segment(id));
    let service: Service = visit.get(&path).await?;
    let body = html! {
        @if let Some(wrong) = wrong { (wrong.above()) }
        p.lead { (what) }
        p { (service.id) " is " (mark(&service.state)) @if let Some(why) = &service.why { " " (told(why)) } }
        form.card method="post" action=(format!("{path}/{word}")) {
            (visit.hidden())
            @if word != "reconcile" { (reason(form, wrong)) }
            div.actions { button type="submit" { (verb) } a.button.plain href=(path) { "Back" } }
        }
    };
    let heading = format!("{verb}: {}", service.id);
    let page = Page {
        heading: &heading,
        section: Section::Services,
        above: Some((&path, &service.id)),
        ..Page::default()
    };
    Ok(page.say(visit, &body, wrong).await)
}

/// Says it.
pub(super) async fn take(
    visit: Visit,
    Path((id, word)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Refused> {
    if what(&word).is_none() {
        return Err(Refused::missing(visit.place()));
    }
    let path = format!("/services/{}", segment(&id));
    let body = match word.as_str() {
        "reconcile" => json!({}),
        _ => json!({"reason": form.text("reason")}),
    };
    match visit.post(&format!("{path}/{word}"), &body, &form).await {
        Ok(answer) => Ok(sent_to(&said(&path, &answer))),
        Err(wrong) if wrong.can_be_mended() => {
            ask(&visit, (&id, &word), (&form, Some(&wrong))).await
        }
        Err(refused) => Err(refused),
    }
}
