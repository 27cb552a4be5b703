//! `/tasks/{number}`: what somebody is to do by hand, and the form that says that it is done.

use std::collections::BTreeMap;

use axum::extract::Path;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::form::Form;
use super::layout::{Page, Section};
use super::local::{segment, sent_to};
use super::marks::{choice, facts, mark, told};
use super::problem_page::Refused;
use super::times::when;
use super::visit::Visit;

/// What names of outputs begin with, so that they are never taken for ours.
const PREFIX: &str = "output-";

/// One task.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    number: i64,
    service: String,
    team: Option<String>,
    run: String,
    step: String,
    state: String,
    title: String,
    instructions: String,
    outputs: BTreeMap<String, String>,
    created_at: Timestamp,
    done_by: Option<String>,
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
    let path = format!("/tasks/{}", segment(number));
    let task: Task = visit.get(&path).await?;
    let body = html! {
        @if let Some(wrong) = wrong { (wrong.above()) }
        p.lead { "For " a href=(format!("/services/{}", segment(&task.service))) { (task.service) } ", asked for by run " a href=(format!("/runs/{}", segment(&task.run))) { code { (task.run) } } "." }
        section.card { h2 { "What to do" } @for part in told(&task.instructions).split("\n\n") { p.lines { (part) } } }
        (facts(&[
            ("Team", task.team.as_ref().map(|team| html! { (team) })),
            ("Step", Some(html! { code { (told(&task.step)) } })),
            ("Asked", Some(when(task.created_at, visit.now()))),
            ("Done by", task.done_by.as_ref().map(|by| html! { (told(by)) })),
        ]))
        @if task.for_you {
            form.card method="post" action=(format!("{path}/complete")) aria-labelledby="complete" {
                h2 #complete { "It is done" }
                (visit.hidden())
                @if task.outputs.is_empty() { p { "Nothing is to be entered." } }
                @for (name, kind) in &task.outputs { (output((name, kind), form)) }
                div.actions { button type="submit" { "Complete the task" } }
            }
        }
        @else if task.state == "open" { p.notice { "It waits for somebody who may do tasks of team " (task.team.as_deref().unwrap_or("–")) "." } }
    };
    let heading = format!("Task {}: {}", task.number, told(&task.title));
    let page = Page {
        heading: &heading,
        section: Section::Inbox,
        above: Some(("/inbox", "Inbox")),
        beside: Some(mark(&task.state)),
        ..Page::default()
    };
    Ok(page.say(visit, &body, wrong).await)
}

fn output((name, kind): (&str, &str), form: &Form) -> Markup {
    let id = format!("{PREFIX}{name}");
    let given = form.text(&id);
    html! {
        div.field {
            label for=(id) { (told(name)) }
            @match kind {
                "boolean" => select id=(id) name=(id) required { (choice("", given, "Choose…")) (choice("true", given, "Yes")) (choice("false", given, "No")) },
                "number" => input id=(id) name=(id) value=(given) required inputmode="decimal" autocomplete="off";,
                _ => input id=(id) name=(id) value=(given) required autocomplete="off" spellcheck="false";,
            }
            p.help { "A " (kind) }
        }
    }
}

/// Reads what was entered as the types that the task asks for; what is none stays a text, which the API refuses.
fn entered(task: &Task, form: &Form) -> Map<String, Value> {
    let read = |(name, kind): (&String, &String)| {
        let text = form.get(&format!("{PREFIX}{name}"))?;
        let value = match kind.as_str() {
            "number" => text.trim().parse::<serde_json::Number>().ok().map(Value::Number),
            "boolean" => text.parse().ok().map(Value::Bool),
            _ => None,
        };
        Some((name.clone(), value.unwrap_or_else(|| Value::from(text))))
    };
    task.outputs.iter().filter_map(read).collect()
}

/// Completes it.
pub(super) async fn take(
    visit: Visit,
    Path(number): Path<String>,
    form: Form,
) -> Result<Response, Refused> {
    let path = format!("/tasks/{}", segment(&number));
    let task: Task = visit.get(&path).await?;
    let body = json!({"outputs": entered(&task, &form)});
    match visit.post(&format!("{path}/complete"), &body, &form).await {
        Ok(_) => Ok(sent_to(&format!("{path}?done=completed"))),
        Err(wrong) if wrong.can_be_mended() => page(&visit, &number, (&form, Some(&wrong))).await,
        Err(refused) => Err(refused),
    }
}
