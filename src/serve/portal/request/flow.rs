//! What a button of the form leads to: checked, kept as a link, reviewed, filled in again, asked for.

use axum::response::Response;
use serde_json::{Value, json};

use super::ask::ask_of;
use super::fill::draft;
use super::page::{self, Above};
use super::review::{self, Review};
use super::subject::{Subject, pressed};
use crate::serve::portal::form::Form;
use crate::serve::portal::layout::Section;
use crate::serve::portal::local::{link, segment, sent_to};
use crate::serve::portal::problem_page::Refused;
use crate::serve::portal::visit::Visit;

/// Does what the button says.
pub(super) async fn go_on(
    visit: &Visit,
    subject: &Subject,
    form: &Form,
) -> Result<Response, Refused> {
    let ask = ask_of(subject, form);
    let done = match pressed(form) {
        "edit" => return page::show(visit, subject, form, Above::default()).await,
        "draft" => kept(subject, form),
        "check" => check(visit, subject, (form, &ask)).await,
        "submit" => submit(visit, &ask, form).await,
        _ => reviewed(visit, subject, (form, &ask)).await,
    };
    match done {
        Err(wrong) if wrong.can_be_mended() => {
            let above = Above { wrong: Some(&wrong), ..Above::default() };
            page::show(visit, subject, form, above).await
        }
        done => done,
    }
}

/// Leads to the link that keeps what was filled in.
fn kept(subject: &Subject, form: &Form) -> Result<Response, Refused> {
    let long =
        "it is too much to be kept in a link; ask for it, or leave the longest texts for later";
    let draft = draft(subject, form).ok_or_else(|| Refused::unfit("", long))?;
    let sign = if draft.contains('?') { '&' } else { '?' };
    Ok(sent_to(&format!("{draft}{sign}done=draft")))
}

async fn check(
    visit: &Visit,
    subject: &Subject,
    (form, ask): (&Form, &Value),
) -> Result<Response, Refused> {
    visit.post("/requests/check", ask, &Form::default()).await?;
    page::show(visit, subject, form, Above { fits: true, ..Above::default() }).await
}

async fn reviewed(
    visit: &Visit,
    subject: &Subject,
    (form, ask): (&Form, &Value),
) -> Result<Response, Refused> {
    let (section, name) = match &subject.service {
        Some((standing, _)) => (Section::Services, &standing.id),
        None => (Section::Catalog, &subject.name),
    };
    let review = Review {
        section,
        above: (&subject.above, name),
        path: &subject.path,
        is_filled_in: true,
        wrong: None,
    };
    review::show(visit, &review, (form, ask)).await
}

/// Asks for it; leads to the request.
pub(super) async fn submit(visit: &Visit, ask: &Value, form: &Form) -> Result<Response, Refused> {
    let answer = visit.post("/requests", ask, form).await?;
    let id = answer.pointer("/items/0/id").and_then(Value::as_str).unwrap_or_default();
    Ok(sent_to(&link(&format!("/requests/{}", segment(id)), &[("done", "asked")])))
}

/// Makes the body of a request about a service, with the reason that a form gives.
pub(super) fn about(service: &str, wish: &Value, form: &Form) -> Value {
    let mut ask = json!({"service": service, "reason": form.text("reason")});
    if let (Value::Object(ask), Value::Object(wish)) = (&mut ask, wish) {
        ask.extend(wish.clone());
    }
    ask
}
