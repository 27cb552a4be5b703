//! `POST /services/{id}/reveal`: shows one sensitive output, this once. The API tells the audit chain first.

use axum::extract::Path;
use axum::response::Response;
use maud::html;
use serde_json::json;

use super::form::Form;
use super::layout::{Page, Section};
use super::local::segment;
use super::marks::{told, value};
use super::problem_page::Refused;
use super::visit::Visit;

/// Shows it.
pub(super) async fn take(
    visit: Visit,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Refused> {
    let path = format!("/services/{}", segment(&id));
    let (unit, output) = (form.text("unit"), form.text("output"));
    let body = json!({"unit": unit, "output": output});
    // Each look is one: nothing of it is kept for a form that is sent again.
    let shown = visit.post(&format!("{path}/reveal"), &body, &Form::default()).await?;
    let shown = shown.get("value").cloned().unwrap_or_default();
    let body = html! {
        p { "It is told in the audit chain that you looked. Leave this page when you are done: it is not kept." }
        section.card { h2.name { (told(output)) } (value(&shown)) }
        p.actions { a.button href=(path) { "Back to the service" } }
    };
    let heading = format!("{}: {}", told(unit), told(output));
    let page = Page {
        heading: &heading,
        section: Section::Services,
        above: Some((&path, &id)),
        ..Page::default()
    };
    Ok(page.show(&visit, &body).await)
}
