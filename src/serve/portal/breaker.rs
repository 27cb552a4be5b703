//! `/settings/breakers/{action}/{target}`: what it will do to close a breaker by hand, before somebody says so.

use axum::extract::Path;
use axum::response::Response;
use maud::html;
use serde::Deserialize;
use serde_json::json;

use super::form::Form;
use super::layout::{Page, Section};
use super::local::{segment, sent_to};
use super::marks::{Tone, prose, told, toned};
use super::operating::Breaker;
use super::problem_page::Refused;
use super::said::{reason, said};
use super::visit::Visit;

/// The page that lists them.
const ABOVE: &str = "/settings/operating";

#[derive(Deserialize)]
struct Breakers {
    items: Vec<Breaker>,
}

/// Returns where a breaker is asked about.
pub(super) fn path(breaker: &Breaker) -> String {
    format!("/settings/breakers/{}/{}", segment(&breaker.action), segment(&breaker.target))
}

/// Asks whether it is meant.
pub(super) async fn show(
    visit: Visit,
    Path((action, target)): Path<(String, String)>,
) -> Result<Response, Refused> {
    ask(&visit, (&action, &target), (&Form::default(), None)).await
}

async fn ask(
    visit: &Visit,
    (action, target): (&str, &str),
    (form, wrong): (&Form, Option<&Refused>),
) -> Result<Response, Refused> {
    let known: Breakers = visit.get("/breakers").await?;
    let mut known = known.items.into_iter();
    let breaker = known.find(|one| one.action == action && one.target == target);
    let Some(breaker) = breaker else { return Err(Refused::missing(visit.place())) };
    let body = html! {
        @if let Some(wrong) = wrong { (wrong.above()) }
        p.lead { "All steps that wait for " (told(target)) " go on within a second and ask it again, of all teams at once; its failures are forgotten. Where it still fails, the breaker opens again." }
        p { (told(target)) " by " code { (told(action)) } " is " (toned(Tone::Wait, &breaker.state)) @if let Some(why) = &breaker.why { " " (prose(why)) } }
        form.card method="post" action=(path(&breaker)) {
            (visit.hidden())
            (reason(form, wrong))
            div.actions { button type="submit" { "Ask again now" } a.button.plain href=(ABOVE) { "Back" } }
        }
    };
    let page = Page {
        heading: "Ask again now",
        section: Section::Settings,
        above: Some((ABOVE, "Operating")),
        ..Page::default()
    };
    Ok(page.say(visit, &body, wrong).await)
}

/// Says it.
pub(super) async fn take(
    visit: Visit,
    Path((action, target)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Refused> {
    let place = format!("/breakers/{}/{}/reset", segment(&action), segment(&target));
    let body = json!({"reason": form.text("reason")});
    match visit.post(&place, &body, &form).await {
        Ok(answer) => Ok(sent_to(&said(ABOVE, &answer))),
        Err(wrong) if wrong.can_be_mended() => {
            ask(&visit, (&action, &target), (&form, Some(&wrong))).await
        }
        Err(refused) => Err(refused),
    }
}
