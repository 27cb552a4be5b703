//! `/services/{id}/wish/{word}`: suspend a service, wake it, give it a last day, delete it, bring it to a state. Each is wanted in
//! the catalog, and so becomes a request; an operation that leads to no state is carried out at once.

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::flow::{about, submit};
use super::review::{self, Review};
use super::subject::{Desired, pressed, standing};
use crate::serve::portal::form::{Asked, Form};
use crate::serve::portal::layout::{Page, Section};
use crate::serve::portal::local::{segment, sent_to};
use crate::serve::portal::problem_page::Refused;
use crate::serve::portal::said::{reason, said};
use crate::serve::portal::visit::Visit;

/// What is wished for.
enum Wish {
    /// It becomes a request with this in it.
    Request(Value),
    /// It becomes a request once a day is given.
    Day,
    /// It is done at once.
    Now(String),
}

/// Reads what is wished for; nothing where the service knows no such word.
fn wish_of(word: &str, desired: &Desired, form: &Form) -> Option<Wish> {
    Some(match word {
        "suspend" => Wish::Request(json!({"state": "suspended"})),
        "activate" => Wish::Request(json!({"state": "active"})),
        "delete" => Wish::Request(json!({"delete": true})),
        "expire" => match form.get("expires") {
            Some(day) => Wish::Request(json!({"expires": day})),
            None if form.get("never").is_some() => Wish::Request(json!({"expires": ""})),
            None => Wish::Day,
        },
        name => {
            let name = name.strip_prefix("operate-")?;
            let operation = desired.operations.iter().find(|one| one.name == name)?;
            match &operation.state {
                Some(state) => Wish::Request(json!({"state": state})),
                None => Wish::Now(operation.name.clone()),
            }
        }
    })
}

/// Shows what would come of it.
pub(in crate::serve::portal) async fn show(
    visit: Visit,
    Path((id, word)): Path<(String, String)>,
    asked: Asked,
) -> Result<Response, Refused> {
    let mut form = Form::default();
    for name in ["expires", "never", "view"] {
        if let Some(value) = asked.get(name) {
            form.add(name, value);
        }
    }
    ask(&visit, (&id, &word), (&form, None)).await
}

async fn ask(
    visit: &Visit,
    (id, word): (&str, &str),
    (form, wrong): (&Form, Option<&Refused>),
) -> Result<Response, Refused> {
    let (_, desired) = read(visit, id).await?;
    let above = format!("/services/{}", segment(id));
    let path = format!("{above}/wish/{}", segment(word));
    match wish_of(word, &desired, form) {
        None => Err(Refused::missing(visit.place())),
        Some(Wish::Request(wish)) => {
            let review = Review {
                section: Section::Services,
                above: (&above, id),
                path: &path,
                is_filled_in: false,
                wrong,
            };
            let shown = review::show(visit, &review, (form, &about(id, &wish, form))).await;
            match shown {
                // A day that is none is asked for again.
                Err(wrong) if word == "expire" && wrong.can_be_mended() => {
                    let body = day(visit, (&path, &above), (form, &desired), Some(&wrong));
                    question(visit, (id, &above), ("Last day", &body), Some(&wrong)).await
                }
                shown => shown,
            }
        }
        Some(Wish::Day) => {
            let body = day(visit, (&path, &above), (form, &desired), wrong);
            question(visit, (id, &above), ("Last day", &body), wrong).await
        }
        Some(Wish::Now(name)) => {
            let body = now(visit, (&path, &above), (form, &name), wrong);
            question(visit, (id, &above), (&name, &body), wrong).await
        }
    }
}

async fn read(visit: &Visit, id: &str) -> Result<(String, Desired), Refused> {
    let mut standing = standing(visit, id).await?;
    let desired = standing.desired.take().ok_or_else(|| Refused::missing(visit.place()))?;
    Ok((standing.id, desired))
}

async fn question(
    visit: &Visit,
    (id, above): (&str, &str),
    (what, body): (&str, &Markup),
    wrong: Option<&Refused>,
) -> Result<Response, Refused> {
    let heading = format!("{what}: {id}");
    let page = Page {
        heading: &heading,
        section: Section::Services,
        above: Some((above, id)),
        ..Page::default()
    };
    Ok(page.say(visit, body, wrong).await)
}

fn day(
    visit: &Visit,
    (path, above): (&str, &str),
    (form, desired): (&Form, &Desired),
    wrong: Option<&Refused>,
) -> Markup {
    let now = form.get("expires").or(desired.expires.as_deref()).unwrap_or_default();
    html! {
        @if let Some(wrong) = wrong { (wrong.above()) }
        p.lead { "After its last day, the end of the service is proposed, or carried out where its file says so." }
        form.card method="post" action=(path) {
            (visit.hidden())
            div.field {
                label for="expires" { "Last day" }
                input #expires type="date" name="expires" value=(now) aria-invalid[wrong.is_some()];
            }
            div.actions {
                button type="submit" { "Review…" }
                @if desired.expires.is_some() { a.button.plain href=(format!("{path}?never=yes")) { "Take the day away…" } }
                a.button.plain href=(above) { "Back" }
            }
        }
    }
}

fn now(
    visit: &Visit,
    (path, above): (&str, &str),
    (form, name): (&Form, &str),
    wrong: Option<&Refused>,
) -> Markup {
    html! {
        @if let Some(wrong) = wrong { (wrong.above()) }
        p.lead { "The operation " code { (name) } " is carried out once, as soon as nothing else is under way. It leads to no state, so nothing is different in the catalog." }
        form.card method="post" action=(path) {
            (visit.hidden())
            (reason(form, wrong))
            div.actions { button type="submit" name="do" value="submit" { "Carry it out" } a.button.plain href=(above) { "Back" } }
        }
    }
}

/// Asks for it, or has it done.
pub(in crate::serve::portal) async fn take(
    visit: Visit,
    Path((id, word)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Refused> {
    if pressed(&form) != "submit" {
        return ask(&visit, (&id, &word), (&form, None)).await;
    }
    let (_, desired) = read(&visit, &id).await?;
    let done = match wish_of(&word, &desired, &form) {
        None => return Err(Refused::missing(visit.place())),
        Some(Wish::Day) => Err(Refused::unfit("/expires", "give the last day")),
        Some(Wish::Request(wish)) => submit(&visit, &about(&id, &wish, &form), &form).await,
        Some(Wish::Now(name)) => {
            let service = format!("/services/{}", segment(&id));
            let path = format!("{service}/operations/{}", segment(&name));
            let body = json!({"reason": form.text("reason")});
            let answer = visit.post(&path, &body, &form).await;
            answer.map(|answer| sent_to(&said(&service, &answer)))
        }
    };
    match done {
        Err(wrong) if wrong.can_be_mended() => {
            ask(&visit, (&id, &word), (&form, Some(&wrong))).await
        }
        done => done,
    }
}
