//! `/plans/{digest}/{approve|reject}` and `/changes/{digest}/{approve|reject}`: a word bound to what a digest stands for.

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::json;

use super::change;
use super::form::Form;
use super::layout::{Page, Section};
use super::local::{link, segment, sent_to};
use super::marks::short;
use super::plan::{Plan, kind_mark};
use super::problem_page::Refused;
use super::said::{comment, reason};
use super::visit::Visit;

/// What is judged.
#[derive(Clone, Copy)]
enum Subject<'d> {
    Plan(&'d str),
    Change(&'d str),
}

impl Subject<'_> {
    fn path(self) -> String {
        match self {
            Self::Plan(digest) => format!("/plans/{}", segment(digest)),
            Self::Change(digest) => format!("/changes/{}", segment(digest)),
        }
    }

    /// Where one goes back to.
    fn page(self) -> String {
        match self {
            Self::Plan(_) => "/plan".to_owned(),
            Self::Change(_) => self.path(),
        }
    }

    /// Says what it is.
    async fn told(self, visit: &Visit) -> Result<Markup, Refused> {
        match self {
            Self::Plan(_) => {
                let plan: Plan = visit.get(&self.path()).await?;
                Ok(html! {
                    p { "The word is on plan " (short(&plan.digest)) " and the " (plan.changes.len()) " changes that it lists, as they are now. A change that becomes another needs a new word." }
                    ul { @for change in plan.changes.iter().take(50) { li { (kind_mark(&change.kind)) " " (change.service) } } }
                    @if plan.changes.len() > 50 { p { "and " (plan.changes.len() - 50) " more" } }
                })
            }
            Self::Change(digest) => {
                let change = change::of(visit, digest).await?;
                Ok(html! {
                    p { (kind_mark(&change.kind)) " " (change.service) ": " (change.outline()) }
                    p { "The word is on change " (short(&change.digest)) " as it is now. If it becomes another, it needs a new word." }
                })
            }
        }
    }
}

async fn ask(
    visit: &Visit,
    (subject, word): (Subject<'_>, &str),
    (form, wrong): (&Form, Option<&Refused>),
) -> Result<Response, Refused> {
    let verb = match word {
        "approve" => "Approve",
        "reject" => "Reject",
        _ => return Err(Refused::missing(visit.place())),
    };
    let body = html! {
        @if let Some(wrong) = wrong { (wrong.above()) }
        (subject.told(visit).await?)
        form.card method="post" action=(format!("{}/{word}", subject.path())) {
            (visit.hidden())
            @if word == "reject" { (reason(form, wrong)) } @else { (comment(form, wrong)) }
            div.actions {
                button class=(if word == "reject" { "danger" } else { "" }) type="submit" { (verb) }
                a.button.plain href=(subject.page()) { "Back" }
            }
        }
    };
    let what = if matches!(subject, Subject::Plan(_)) { "plan" } else { "change" };
    let heading = format!("{verb} the {what}");
    let page = Page {
        heading: &heading,
        section: Section::Plan,
        above: Some(("/plan", "Plan")),
        ..Page::default()
    };
    Ok(page.say(visit, &body, wrong).await)
}

async fn say(
    visit: &Visit,
    (subject, word): (Subject<'_>, &str),
    form: &Form,
) -> Result<Response, Refused> {
    let (body, done) = match word {
        "approve" => (json!({"comment": form.text("comment")}), "granted"),
        "reject" => (json!({"reason": form.text("reason")}), "rejected"),
        _ => return Err(Refused::missing(visit.place())),
    };
    match visit.post(&format!("{}/{word}", subject.path()), &body, form).await {
        Ok(_) => Ok(sent_to(&link(&subject.page(), &[("done", done)]))),
        Err(wrong) if wrong.can_be_mended() => {
            ask(visit, (subject, word), (form, Some(&wrong))).await
        }
        Err(refused) => Err(refused),
    }
}

type Named = Path<(String, String)>;

/// Asks whether a word on a plan is meant.
pub(super) async fn show_plan(
    visit: Visit,
    Path((digest, word)): Named,
) -> Result<Response, Refused> {
    ask(&visit, (Subject::Plan(&digest), &word), (&Form::default(), None)).await
}

/// Says a word on a plan.
pub(super) async fn take_plan(
    visit: Visit,
    Path((digest, word)): Named,
    form: Form,
) -> Result<Response, Refused> {
    say(&visit, (Subject::Plan(&digest), &word), &form).await
}

/// Asks whether a word on a change is meant.
pub(super) async fn show_change(
    visit: Visit,
    Path((digest, word)): Named,
) -> Result<Response, Refused> {
    ask(&visit, (Subject::Change(&digest), &word), (&Form::default(), None)).await
}

/// Says a word on a change.
pub(super) async fn take_change(
    visit: Visit,
    Path((digest, word)): Named,
    form: Form,
) -> Result<Response, Refused> {
    say(&visit, (Subject::Change(&digest), &word), &form).await
}
