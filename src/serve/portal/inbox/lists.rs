//! `/inbox`: what people are asked to approve and to do: what waits for whoever looks first, then the rest, then what was.

use std::collections::BTreeMap;

use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use crate::serve::auth::{Kind, Verb};
use crate::serve::portal::form::Asked;
use crate::serve::portal::layout::{Page, Section, Waiting};
use crate::serve::portal::local::{link, segment};
use crate::serve::portal::marks::{choice, empty, mark, pager, told};
use crate::serve::portal::problem_page::Refused;
use crate::serve::portal::times::{when, when_any};
use crate::serve::portal::visit::Visit;

/// One approval.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApprovalLine {
    number: i64,
    service: String,
    step: String,
    state: String,
    missing: String,
    opened_at: Timestamp,
    expires_at: Option<Timestamp>,
    for_you: bool,
    form: Value,
    granted: Vec<String>,
}

impl ApprovalLine {
    /// Tells whether its form asks for nothing, so that it can be granted with others.
    fn is_plain(&self) -> bool {
        let groups = self.form.get("groups").and_then(Value::as_array);
        let asks = |group: &Value| {
            group.get("fields").and_then(Value::as_array).is_some_and(|fields| !fields.is_empty())
        };
        !self.granted.is_empty() || !groups.into_iter().flatten().any(asks)
    }
}

/// One task.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TaskLine {
    number: i64,
    service: String,
    team: Option<String>,
    state: String,
    title: String,
    created_at: Timestamp,
    done_by: Option<String>,
    for_you: bool,
    outputs: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct List<T> {
    items: Vec<T>,
    next: Option<String>,
}

/// Shows what is open.
pub(in crate::serve::portal) async fn show(visit: Visit) -> Result<Response, Refused> {
    let waiting = Waiting::of(&visit).await;
    let approvals: Option<List<ApprovalLine>> = match visit.may(Verb::Read, Kind::Approval) {
        true => Some(visit.get("/approvals?state=open&limit=100").await?),
        false => None,
    };
    let tasks: Option<List<TaskLine>> = match visit.may(Verb::Read, Kind::Task) {
        true => Some(visit.get("/tasks?state=open&limit=100").await?),
        false => None,
    };
    let now = visit.now();
    let body = html! {
        @if waiting.changes > 0 {
            p.notice.wait { (waiting.changes) @if waiting.changes == 1 { " planned change waits" } @else { " planned changes wait" } " for an approval that you may give. " a href="/plan" { "Look at the plan" } }
        }
        @if let Some(list) = &approvals {
            section aria-labelledby="approvals" {
                h2 #approvals { "Approvals" }
                @let (yours, others): (Vec<_>, Vec<_>) = list.items.iter().partition(|one| one.for_you);
                @if yours.is_empty() { (empty("No approval waits for you.", &html! { "What was asked and answered is " a href="/approvals" { "listed here" } "." })) }
                @else if yours.iter().filter(|one| one.is_plain()).count() > 1 {
                    form method="post" action="/inbox/approvals" {
                        (visit.hidden())
                        (approvals_table("Approvals that wait for you", &yours, (now, true)))
                        div.actions {
                            label for="many-comment" { "Comment " span.quiet { "(optional)" } }
                            input #many-comment name="comment" maxlength="2000";
                            button type="submit" { "Grant what is ticked" }
                        }
                    }
                }
                @else { (approvals_table("Approvals that wait for you", &yours, (now, false))) }
                @if !others.is_empty() { h3 { "Of others" } (approvals_table("Approvals that wait for others", &others, (now, false))) }
                p { a href="/approvals" { "All approvals" } }
            }
        }
        @if let Some(list) = &tasks {
            section aria-labelledby="tasks" {
                h2 #tasks { "Tasks" }
                @let (yours, others): (Vec<_>, Vec<_>) = list.items.iter().partition(|one| one.for_you);
                @if yours.is_empty() { (empty("No task waits for you.", &html! { "What was done is " a href="/tasks" { "listed here" } "." })) }
                @else if yours.iter().filter(|one| one.outputs.is_empty()).count() > 1 {
                    form method="post" action="/inbox/tasks" {
                        (visit.hidden())
                        (tasks_table("Tasks that wait for you", &yours, (now, true)))
                        div.actions { button type="submit" { "Complete what is ticked" } }
                    }
                }
                @else { (tasks_table("Tasks that wait for you", &yours, (now, false))) }
                @if !others.is_empty() { h3 { "Of others" } (tasks_table("Tasks that wait for others", &others, (now, false))) }
                p { a href="/tasks" { "All tasks" } }
            }
        }
    };
    let beside = Some(html! { a.button.plain href="/inbox/history" { "What you answered" } });
    let page = Page { heading: "Inbox", section: Section::Inbox, beside, ..Page::default() };
    Ok(page.show(&visit, &body).await)
}

/// One that can be ticked, or the room for it where it asks for something.
fn tick(what: &str, number: i64, is_plain: bool) -> Markup {
    html! {
        td.tick {
            @if is_plain { input type="checkbox" name="number" value=(number) aria-label=(format!("{what} {number}")); }
            @else { span.unseen { "It asks for something: open it" } }
        }
    }
}

fn approvals_table(
    caption: &str,
    approvals: &[&ApprovalLine],
    (now, ticks): (Timestamp, bool),
) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table {
                caption.unseen { (caption) }
                thead { tr { @if ticks { th scope="col" { span.unseen { "Choose" } } } th scope="col" { "Approval" } th scope="col" { "Service" } th scope="col" { "State" } th scope="col" { "Missing" } th scope="col" { "Asked" } th scope="col" { "Its time passes" } } }
                tbody { @for one in approvals { tr {
                    @if ticks { (tick("Approval", one.number, one.is_plain())) }
                    th scope="row" { a href=(format!("/approvals/{}", one.number)) { (one.number) ": " (told(&one.step)) } }
                    td { a href=(format!("/services/{}", segment(&one.service))) { (one.service) } }
                    td { (mark(&one.state)) }
                    td { @if one.state == "open" { (told(&one.missing)) } @else { span.quiet { "–" } } }
                    td { (when(one.opened_at, now)) }
                    td { (when_any(one.expires_at, now)) }
                } } }
            }
        }
    }
}

fn tasks_table(caption: &str, tasks: &[&TaskLine], (now, ticks): (Timestamp, bool)) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table {
                caption.unseen { (caption) }
                thead { tr { @if ticks { th scope="col" { span.unseen { "Choose" } } } th scope="col" { "Task" } th scope="col" { "Service" } th scope="col" { "State" } th scope="col" { "Team" } th scope="col" { "Asked" } } }
                tbody { @for one in tasks { tr {
                    @if ticks { (tick("Task", one.number, one.outputs.is_empty())) }
                    th scope="row" { a href=(format!("/tasks/{}", one.number)) { (one.number) ": " (told(&one.title)) } }
                    td { a href=(format!("/services/{}", segment(&one.service))) { (one.service) } }
                    td { (mark(&one.state)) @if let Some(by) = &one.done_by { div.why { "by " (told(by)) } } }
                    td { @match &one.team { Some(team) => (team), None => span.quiet { "–" } } }
                    td { (when(one.created_at, now)) }
                } } }
            }
        }
    }
}

fn filter(path: &str, state: &str, states: &[&str]) -> Markup {
    html! {
        form.filters method="get" action=(path) aria-label="Filter by state" {
            div.field {
                label for="state" { "State" }
                select #state name="state" { (choice("", state, "Any")) @for one in states { (choice(one, state, one)) } }
            }
            div.actions { button type="submit" { "Filter" } }
        }
    }
}

/// Shows all approvals, newest first.
pub(in crate::serve::portal) async fn approvals(
    visit: Visit,
    asked: Asked,
) -> Result<Response, Refused> {
    let (state, cursor) = (asked.text("state"), asked.text("cursor"));
    let list: List<ApprovalLine> =
        visit.get(&link("/approvals", &[("state", state), ("cursor", cursor)])).await?;
    let all: Vec<&ApprovalLine> = list.items.iter().collect();
    let body = html! {
        (filter("/approvals", state, &["open", "granted", "rejected", "void", "expired"]))
        @if all.is_empty() { (empty("No approval is like that.", &html! { "Runs ask for them where a step of an item says so. " a href="/inbox" { "Back to the inbox" } "." })) }
        @else { (approvals_table("Approvals, newest first", &all, (visit.now(), false))) }
        (pager("/approvals", &[("state", state)], (cursor, list.next.as_deref())))
    };
    let above = Some(("/inbox", "Inbox"));
    let page = Page { heading: "Approvals", section: Section::Inbox, above, ..Page::default() };
    Ok(page.show(&visit, &body).await)
}

/// Shows all tasks, newest first.
pub(in crate::serve::portal) async fn tasks(
    visit: Visit,
    asked: Asked,
) -> Result<Response, Refused> {
    let (state, cursor) = (asked.text("state"), asked.text("cursor"));
    let list: List<TaskLine> =
        visit.get(&link("/tasks", &[("state", state), ("cursor", cursor)])).await?;
    let all: Vec<&TaskLine> = list.items.iter().collect();
    let body = html! {
        (filter("/tasks", state, &["open", "done", "cancelled", "replaced"]))
        @if all.is_empty() { (empty("No task is like that.", &html! { "Runs ask for them where people do a step by hand. " a href="/inbox" { "Back to the inbox" } "." })) }
        @else { (tasks_table("Tasks, newest first", &all, (visit.now(), false))) }
        (pager("/tasks", &[("state", state)], (cursor, list.next.as_deref())))
    };
    let above = Some(("/inbox", "Inbox"));
    let page = Page { heading: "Tasks", section: Section::Inbox, above, ..Page::default() };
    Ok(page.show(&visit, &body).await)
}
