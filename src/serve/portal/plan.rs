//! `/plan`: what the next tick would do, change by change, and what each waits for.

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::change::Change;
use super::form::Asked;
use super::layout::{Page, Section};
use super::local::{link, segment};
use super::marks::{Tone, choice, empty, pager, prose, short, signed, told, toned};
use super::problem_page::{Refused, sentence};
use super::visit::Visit;
use crate::serve::auth::{Kind, Verb};

/// Changes on a page.
const MOST: usize = 40;

/// Kinds of changes.
const KINDS: [&str; 7] = ["create", "update", "replace", "delete", "operate", "correct", "adopt"];

/// Services that are shown as blocked.
const MOST_BLOCKED: usize = 20;

/// A plan, or the part of one that is about a service.
#[derive(Deserialize)]
pub(super) struct Plan {
    pub(super) digest: String,
    pub(super) changes: Vec<Change>,
    blocked: Vec<Blocked>,
}

/// What a plan comes to.
#[derive(Deserialize)]
struct Outline {
    digest: String,
    commit: String,
    summary: Summary,
    changes: usize,
    waiting: usize,
    blocked: Vec<Blocked>,
    guard: Guard,
}

#[derive(Deserialize)]
struct Changes {
    items: Vec<Change>,
    next: Option<String>,
}

/// A difference between what was written and what is there.
#[derive(Deserialize)]
pub(super) struct Drift {
    pub(super) unit: String,
    pub(super) step: String,
    pub(super) absent: bool,
    pub(super) changes: Vec<Differs>,
}

/// One value that differs.
#[derive(Deserialize)]
pub(super) struct Differs {
    pub(super) name: String,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
}

#[derive(Deserialize)]
struct Summary {
    text: String,
}

#[derive(Deserialize)]
struct Blocked {
    service: String,
    why: Vec<String>,
}

#[derive(Deserialize)]
struct Guard {
    holds: Vec<Hold>,
}

#[derive(Deserialize)]
struct Hold {
    text: String,
}

#[derive(Deserialize)]
struct Plans {
    items: Vec<PlanLine>,
}

#[derive(Deserialize)]
struct PlanLine {
    digest: String,
}

/// Finds the newest plan; returns where it is.
pub(super) async fn newest(visit: &Visit) -> Result<Option<String>, Refused> {
    let plans: Plans = visit.get("/plans?limit=1").await?;
    let newest = plans.items.into_iter().next();
    Ok(newest.map(|plan| format!("/plans/{}", segment(&plan.digest))))
}

/// Shows what is planned for a service; nothing where that is nothing.
pub(super) async fn of_service(visit: &Visit, path: &str) -> Option<Markup> {
    let plan: Plan = visit.get(&format!("{path}/plan")).await.ok()?;
    let is_planned = !plan.changes.is_empty() || !plan.blocked.is_empty();
    is_planned.then(|| html! { (blocked(&plan.blocked)) (list(&plan.changes)) })
}

/// Shows it.
pub(super) async fn show(visit: Visit, asked: Asked) -> Result<Response, Refused> {
    let body = match newest(&visit).await? {
        Some(path) => of_plan(&visit, &path, &asked).await?,
        None => empty(
            "Nothing was planned yet.",
            &html! { "The first look at the catalog makes the first plan." },
        ),
    };
    let page = Page { heading: "Plan", section: Section::Plan, ..Page::default() };
    Ok(page.show(&visit, &body).await)
}

async fn of_plan(visit: &Visit, path: &str, asked: &Asked) -> Result<Markup, Refused> {
    let filters = ["kind", "team", "q"].map(|name| (name, asked.text(name)));
    let cursor = asked.text("cursor");
    let limit = MOST.to_string();
    let asks = [filters.as_slice(), &[("cursor", cursor), ("limit", &limit)]].concat();
    let plan: Outline = visit.get(&format!("{path}/outline")).await?;
    let found: Changes = visit.get(&link(&format!("{path}/changes"), &asks)).await?;
    let is_filtered = filters.iter().any(|(_, value)| !value.is_empty());
    Ok(html! {
        p.lead { (plan.summary.text) }
        p.quiet { "Plan " (short(&plan.digest)) " of commit " (short(&plan.commit)) }
        @for hold in &plan.guard.holds { p.notice.bad { strong { "Held: " } (told(&hold.text)) } }
        (blocked(&plan.blocked))
        @if plan.changes > 0 {
            (filter(&filters, is_filtered))
            @if found.items.is_empty() { (empty("No change is like that.", &html! { a href="/plan" { "Show all changes" } "." })) }
            (list(&found.items))
            (pager("/plan", &filters, (cursor, found.next.as_deref())))
            (judge(visit, &plan))
        } @else if !plan.guard.holds.is_empty() { (judge(visit, &plan)) }
    })
}

fn filter(filters: &[(&str, &str); 3], is_filtered: bool) -> Markup {
    let [(_, kind), (_, team), (_, text)] = *filters;
    html! {
        form.filters method="get" action="/plan" aria-label="Filter changes" {
            div.field {
                label for="kind" { "Kind" }
                select #kind name="kind" { (choice("", kind, "Any")) @for one in KINDS { (choice(one, kind, one)) } }
            }
            div.field { label for="team" { "Team" } input #team name="team" value=(team) maxlength="100" autocapitalize="none" spellcheck="false"; }
            div.field { label for="by-q" { "Service holds" } input #by-q name="q" value=(text) maxlength="100" autocapitalize="none" spellcheck="false"; }
            div.actions { button type="submit" { "Filter" } @if is_filtered { a.button.plain href="/plan" { "Show all" } } }
        }
    }
}

fn blocked(blocked: &[Blocked]) -> Markup {
    html! {
        @for one in blocked.iter().take(MOST_BLOCKED) {
            div.notice.bad {
                strong { (one.service) " is blocked." }
                ul { @for why in &one.why { li { (prose(&sentence(why))) } } }
                a href=(link("/findings", &[("q", &one.service)])) { "See what is wrong" }
            }
        }
        @if blocked.len() > MOST_BLOCKED { p.notice.bad { "And " (blocked.len() - MOST_BLOCKED) " more are blocked: " a href="/findings" { "what is wrong" } } }
    }
}

/// How a kind of change feels.
pub(super) fn kind_mark(kind: &str) -> Markup {
    let (tone, sign) = match kind {
        "create" => (Tone::Good, "+"),
        "delete" => (Tone::Bad, "-"),
        "replace" => (Tone::Wait, "-/+"),
        "update" => (Tone::Busy, "~"),
        "operate" => (Tone::Busy, ">"),
        "correct" => (Tone::Busy, "!"),
        "adopt" => (Tone::Busy, "="),
        _ => return toned(Tone::Busy, kind),
    };
    signed(tone, sign, kind)
}

/// What is waited for, without how the command line says a word on it.
pub(super) fn waited(why: &str) -> &str {
    let why = why.split(": trueline ").next().unwrap_or(why);
    why.strip_prefix("waits for ").unwrap_or(why)
}

/// Lists changes.
fn list<'c>(changes: impl IntoIterator<Item = &'c Change>) -> Markup {
    let changes: Vec<&Change> = changes.into_iter().collect();
    html! {
        @if !changes.is_empty() {
            div.scroll tabindex="0" role="region" aria-label="Changes" {
                table {
                    caption.unseen { "Changes, in the order in which they are carried out" }
                    thead { tr { th scope="col" { "Service" } th scope="col" { "Change" } th scope="col" { "What changes" } th scope="col" { "Team" } th scope="col" { "Waits for" } } }
                    tbody { @for change in changes { tr {
                        th scope="row" { a href=(format!("/changes/{}", segment(&change.digest))) { (change.service) } }
                        td { (kind_mark(&change.kind)) }
                        td { (change.outline()) }
                        td { (change.team) }
                        td { @if change.waits.is_empty() { span.quiet { "its turn" } } @for why in &change.waits { div { (prose(waited(why))) } } }
                    } } }
                }
            }
        }
    }
}

/// Leads whoever may to a word on all of it.
fn judge(visit: &Visit, plan: &Outline) -> Markup {
    let waits = plan.waiting > 0 || !plan.guard.holds.is_empty();
    // Of a plan somebody may see a part; a word is on all of it.
    let may = visit.who().may_everywhere(Verb::Approve, Kind::Plan);
    html! {
        @if waits && may {
            p.actions {
                a.button href=(format!("/plans/{}/approve", segment(&plan.digest))) { "Approve all of it…" }
                a.button.danger href=(format!("/plans/{}/reject", segment(&plan.digest))) { "Reject all of it…" }
            }
        }
    }
}
