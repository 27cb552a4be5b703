//! `/approvals/{number}`: what a run asks people to approve, its form, and a word on it.

use axum::extract::Path;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::fields::{Shown, filled, inputs};
use super::form::Form;
use super::layout::{Page, Section};
use super::local::{segment, sent_to};
use super::marks::{facts, mark, told, value};
use super::problem_page::Refused;
use super::said::reason;
use super::times::when;
use super::visit::Visit;
use crate::catalog::Form as CatalogForm;

/// One approval.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Approval {
    number: i64,
    service: String,
    team: Option<String>,
    run: String,
    step: String,
    state: String,
    why: Option<String>,
    required: u32,
    granted: Vec<String>,
    may: String,
    missing: String,
    comment: String,
    #[serde(default)]
    form: CatalogForm,
    answers: Map<String, Value>,
    opened_at: Timestamp,
    expires_at: Option<Timestamp>,
    for_you: bool,
}

/// Shows it.
pub(super) async fn show(visit: Visit, Path(number): Path<String>) -> Result<Response, Refused> {
    page(&visit, &number, (&Form::default(), None)).await
}

async fn page(
    visit: &Visit,
    number: &str,
    (form, wrong): (&Form, Option<&Refused>),
) -> Result<Response, Refused> {
    let path = format!("/approvals/{}", segment(number));
    let approval: Approval = visit.get(&path).await?;
    let body = html! {
        @if let Some(wrong) = wrong { (wrong.above()) }
        (standing(&approval, visit.now()))
        @if approval.for_you { (words(visit, (&approval, &path), (form, wrong))) }
        @else if approval.state == "open" { p.notice { "It does not wait for you: " (told(&approval.missing)) "." } }
    };
    let heading = format!("Approval {}: {}", approval.number, approval.service);
    let page = Page {
        heading: &heading,
        section: Section::Inbox,
        above: Some(("/inbox", "Inbox")),
        beside: Some(mark(&approval.state)),
        ..Page::default()
    };
    Ok(page.say(visit, &body, wrong).await)
}

fn standing(approval: &Approval, now: Timestamp) -> Markup {
    let answers: Vec<_> =
        approval.answers.iter().map(|(name, one)| (name.as_str(), Some(value(one)))).collect();
    html! {
        p.lead { "Run " a href=(format!("/runs/{}", segment(&approval.run))) { code { (approval.run) } } " of " a href=(format!("/services/{}", segment(&approval.service))) { (approval.service) } " asks for it at step " code { (told(&approval.step)) } "." }
        @if let Some(why) = &approval.why { p.notice { (told(why)) } }
        (facts(&[
            ("Team", approval.team.as_ref().map(|team| html! { (team) })),
            ("Who may", Some(html! { (told(&approval.may)) })),
            ("How many", Some(html! { (approval.required) })),
            ("Granted by", (!approval.granted.is_empty()).then(|| html! { (told(&approval.granted.join(", "))) })),
            ("Said to it", (!approval.comment.is_empty()).then(|| html! { (told(&approval.comment)) })),
            ("Asked", Some(when(approval.opened_at, now))),
            ("Its time passes", approval.expires_at.map(|at| when(at, now))),
        ]))
        @if !answers.is_empty() { h2 { "Filled in" } (facts(&answers)) }
    }
}

fn words(
    visit: &Visit,
    (approval, path): (&Approval, &str),
    (form, wrong): (&Form, Option<&Refused>),
) -> Markup {
    // Whoever grants it first fills it in; the others agree with that.
    let is_first = approval.granted.is_empty();
    let is_rejected = form.get("reason").is_some();
    html! {
        form.card method="post" action=(format!("{path}/grant")) aria-labelledby="grant" {
            h2 #grant { "Grant" }
            (visit.hidden())
            @if is_first { (inputs(&approval.form, &Shown::filled_in(form, wrong))) }
            div.field {
                label for="comment" { "Comment " span.quiet { "(optional)" } }
                textarea #comment name="comment" maxlength="2000" { (form.text("comment")) }
            }
            div.actions { button type="submit" { "Grant" } }
        }
        form.card method="post" action=(format!("{path}/reject")) aria-labelledby="reject" {
            h2 #reject { "Reject" }
            (visit.hidden())
            (reason(form, wrong.filter(|_| is_rejected)))
            div.actions { button.danger type="submit" { "Reject" } }
        }
    }
}

/// Grants or rejects it.
pub(super) async fn take(
    visit: Visit,
    Path((number, word)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Refused> {
    let path = format!("/approvals/{}", segment(&number));
    let (body, done) = match word.as_str() {
        "grant" => {
            let approval: Approval = visit.get(&path).await?;
            let fields = match approval.granted.is_empty() {
                true => filled(&approval.form, &form),
                false => Map::new(),
            };
            (json!({"comment": form.text("comment"), "fields": fields}), "granted")
        }
        "reject" => (json!({"reason": form.text("reason")}), "rejected"),
        _ => return Err(Refused::missing(visit.place())),
    };
    match visit.post(&format!("{path}/{word}"), &body, &form).await {
        Ok(_) => Ok(sent_to(&format!("{path}?done={done}"))),
        Err(wrong) if wrong.can_be_mended() => page(&visit, &number, (&form, Some(&wrong))).await,
        Err(refused) => Err(refused),
    }
}
