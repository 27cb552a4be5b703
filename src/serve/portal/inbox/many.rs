//! `/inbox/approvals` and `/inbox/tasks`: several answered at once, where their forms ask for nothing. Each has an outcome of its
//! own, and each is asked of the API by itself.

use std::collections::BTreeSet;

use axum::response::Response;
use maud::html;
use serde_json::{Value, json};

use crate::serve::portal::form::Form;
use crate::serve::portal::layout::{Page, Section};
use crate::serve::portal::local::segment;
use crate::serve::portal::marks::{Tone, toned};
use crate::serve::portal::problem_page::{Refused, sentence};
use crate::serve::portal::visit::Visit;

/// The most that are answered at once.
const MOST: usize = 100;

/// What is answered.
struct Kind {
    /// Where each is.
    path: &'static str,
    word: &'static str,
    /// What it is called, and what became of it.
    name: &'static str,
    done: &'static str,
    heading: &'static str,
}

/// Grants the approvals that were chosen.
pub(in crate::serve::portal) async fn grant_many(
    visit: Visit,
    form: Form,
) -> Result<Response, Refused> {
    let kind = Kind {
        path: "/approvals",
        word: "grant",
        name: "Approval",
        done: "granted",
        heading: "Several approvals",
    };
    let body = json!({"comment": form.text("comment"), "fields": {}});
    many(&visit, &kind, (&form, &body)).await
}

/// Completes the tasks that were chosen.
pub(in crate::serve::portal) async fn complete_many(
    visit: Visit,
    form: Form,
) -> Result<Response, Refused> {
    let kind = Kind {
        path: "/tasks",
        word: "complete",
        name: "Task",
        done: "done",
        heading: "Several tasks",
    };
    many(&visit, &kind, (&form, &json!({"outputs": {}}))).await
}

async fn many(
    visit: &Visit,
    kind: &Kind,
    (form, body): (&Form, &Value),
) -> Result<Response, Refused> {
    let chosen: BTreeSet<u64> = form.all("number").filter_map(|it| it.parse().ok()).collect();
    if chosen.len() > MOST {
        let detail = format!("at most {MOST} are answered at once");
        return Err(Refused::unfit("/number", &detail));
    }
    let mut outcomes = Vec::new();
    for number in chosen {
        let path = format!("{}/{}", kind.path, segment(&number.to_string()));
        let sent = visit.post(&format!("{path}/{}", kind.word), body, form).await;
        outcomes.push((number, path, sent.err()));
    }
    let failed = outcomes.iter().filter(|(.., refused)| refused.is_some()).count();
    let body = html! {
        @if outcomes.is_empty() { p.notice.wait { "Nothing was chosen: tick what you mean in the inbox." } }
        @else if failed == 0 { p.notice.good role="status" { "All " (outcomes.len()) " were recorded." } }
        @else { p.notice.bad role="alert" { (outcomes.len() - failed) " were recorded, " (failed) " were not." } }
        ul.plain {
            @for (number, path, refused) in &outcomes {
                li {
                    @match refused {
                        None => { (toned(Tone::Good, kind.done)) " " a href=(path) { (kind.name) " " (number) } }
                        Some(refused) => { (toned(Tone::Bad, "not taken")) " " a href=(path) { (kind.name) " " (number) } ": " (sentence(refused.detail())) }
                    }
                }
            }
        }
        p.actions { a.button href="/inbox" { "Back to the inbox" } a.button.plain href="/inbox/history" { "What you answered" } }
    };
    let page = Page {
        heading: kind.heading,
        section: Section::Inbox,
        above: Some(("/inbox", "Inbox")),
        ..Page::default()
    };
    Ok(page.show(visit, &body).await)
}
