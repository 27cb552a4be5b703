//! `/changes/{digest}`: one change: its fields, what each step would send, what it waits for, and a word on it.

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::diff::{View, between};
use super::form::Asked;
use super::layout::{Page, Section};
use super::local::segment;
use super::marks::{facts, mark, nothing, prose, short, told, value};
use super::plan::{Plan, kind_mark, waited};
use super::problem_page::Refused;
use super::visit::Visit;
use crate::serve::auth::{Kind, Verb};

/// One change.
#[derive(Deserialize)]
pub(super) struct Change {
    pub(super) service: String,
    pub(super) team: String,
    environment: Option<String>,
    path: String,
    pub(super) kind: String,
    pub(super) digest: String,
    author: Option<String>,
    #[serde(default)]
    coauthors: Vec<String>,
    pub(super) needs: Vec<Need>,
    pending: Vec<Pending>,
    pub(super) waits: Vec<String>,
    units: Vec<Unit>,
}

/// An approval that it needs.
#[derive(Deserialize)]
pub(super) struct Need {
    why: String,
    required: u32,
    from: Vec<String>,
    contact: Option<String>,
}

#[derive(Deserialize)]
struct Pending {
    on: String,
}

#[derive(Deserialize)]
struct Unit {
    #[serde(rename = "unit")]
    name: String,
    kind: String,
    item: String,
    version: String,
    fields: Vec<Field>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Field {
    name: String,
    before: Option<Value>,
    after: Option<Value>,
    immutable: bool,
}

#[derive(Deserialize)]
struct Step {
    path: String,
    #[serde(rename = "type")]
    kind: String,
    effect: String,
    config: Value,
    previous: Option<Value>,
    forecast: Option<Forecast>,
}

#[derive(Deserialize)]
struct Forecast {
    summary: String,
    lines: Vec<String>,
}

impl Change {
    /// Says what changes in a few words.
    pub(super) fn outline(&self) -> String {
        let fields: Vec<&str> = self
            .units
            .iter()
            .flat_map(|unit| &unit.fields)
            .map(|field| field.name.as_str())
            .collect();
        let steps = self.units.iter().map(|unit| unit.steps.len()).sum::<usize>();
        let named = fields.iter().take(4).copied().collect::<Vec<_>>().join(", ");
        let more = fields.len().saturating_sub(4);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let count = if steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") };
        if named.is_empty() { count } else { format!("{named}{more}; {count}") }
    }

    /// Tells whether it waits for somebody's approval.
    pub(super) fn waits_for_people(&self) -> bool {
        self.pending.iter().any(|pending| matches!(pending.on.as_str(), "approval" | "guard"))
    }

    fn is_rejected(&self) -> bool {
        self.pending.iter().any(|pending| pending.on == "rejected")
    }

    /// Tells whether somebody may judge it.
    pub(super) fn may_judge(&self, visit: &Visit) -> bool {
        visit.may_of(Verb::Approve, Kind::Plan, Some(&self.team))
    }
}

/// Reads one, with the plan that holds it.
pub(super) async fn of(visit: &Visit, digest: &str) -> Result<Change, Refused> {
    let plan: Plan = visit.get(&format!("/changes/{}", segment(digest))).await?;
    plan.changes.into_iter().next().ok_or_else(|| Refused::missing(visit.place()))
}

/// Shows it.
pub(super) async fn show(
    visit: Visit,
    Path(digest): Path<String>,
    asked: Asked,
) -> Result<Response, Refused> {
    let change = of(&visit, &digest).await?;
    let view = View::of(asked.text("view"));
    let body = html! {
        (standing(&visit, &change))
        (view.other(&format!("/changes/{}", segment(&change.digest))))
        (units(&change, view))
    };
    let heading = format!("Change of {}", change.service);
    let page = Page {
        heading: &heading,
        section: Section::Plan,
        above: Some(("/plan", "Plan")),
        beside: Some(kind_mark(&change.kind)),
        ..Page::default()
    };
    Ok(page.show(&visit, &body).await)
}

fn standing(visit: &Visit, change: &Change) -> Markup {
    let path = format!("/changes/{}", segment(&change.digest));
    html! {
        @for why in &change.waits { p.notice.wait { strong { "Waits for: " } (prose(waited(why))) } }
        (facts(&[
            ("Service", Some(html! { a href=(format!("/services/{}", segment(&change.service))) { (change.service) } })),
            ("Team", Some(html! { (change.team) })),
            ("Environment", change.environment.as_ref().map(|one| html! { (one) })),
            ("File", Some(html! { code { (told(&change.path)) } })),
            (
                "Author",
                change.author.as_ref().map(|author| {
                    html! { (told(author)) @for other in &change.coauthors { ", " (told(other)) } }
                }),
            ),
            ("Digest", Some(short(&change.digest))),
            ("Needs", (!change.needs.is_empty()).then(|| html! { @for need in &change.needs { div { (need_of(need)) } } })),
        ]))
        @if change.may_judge(visit) && (change.waits_for_people() || change.is_rejected()) {
            p.actions role="group" aria-label="A word on it" {
                a.button href=(format!("{path}/approve")) { "Approve…" }
                @if !change.is_rejected() { a.button.danger href=(format!("{path}/reject")) { "Reject…" } }
            }
        }
    }
}

/// Says how many approvals are needed, and whose.
pub(super) fn need_of(need: &Need) -> Markup {
    html! {
        (need.required) @if need.required == 1 { " approval" } @else { " approvals" }
        @if !need.from.is_empty() { " of " (need.from.join(", ")) }
        ": " (told(&need.why))
        @if let Some(contact) = need.contact.as_ref().filter(|contact| !need.why.contains(*contact)) { " (" (told(contact)) ")" }
    }
}

/// Shows what a change does to each of its units.
pub(super) fn units(change: &Change, view: View) -> Markup {
    html! { @for unit in &change.units { (unit_of(unit, view)) } }
}

/// What a change does to one unit: its fields, and what each step sends.
fn unit_of(unit: &Unit, view: View) -> Markup {
    let shown = |one: &Option<Value>| one.as_ref().map_or_else(nothing, value);
    html! {
        section.card {
            h2.name { (unit.name) " " (kind_mark(&unit.kind)) }
            p.quiet { (unit.item) " " (unit.version) }
            @if !unit.fields.is_empty() {
                h3 { "Fields" }
                div.scroll tabindex="0" role="region" aria-label="Fields" {
                    table {
                        caption.unseen { "Fields that change" }
                        thead { tr { th scope="col" { "Field" } th scope="col" { "Before" } th scope="col" { "After" } } }
                        tbody { @for field in &unit.fields { tr {
                            th scope="row" { (told(&field.name)) @if field.immutable { div.why { "it is made anew for this" } } }
                            td { (shown(&field.before)) }
                            td { (shown(&field.after)) }
                        } } }
                    }
                }
            }
            @if !unit.steps.is_empty() { h3 { "Steps" } }
            @for step in &unit.steps { (step_of(step, view)) }
        }
    }
}

/// What a step does, in words.
fn effect(effect: &str) -> &str {
    match effect {
        "perform" => "is carried out",
        "keep" => "stays as it is",
        "undo" => "is undone",
        "undo-by-hand" => "is undone by hand",
        "restore" => "is brought back",
        "adopt" => "is taken over",
        other => other,
    }
}

fn step_of(step: &Step, view: View) -> Markup {
    html! {
        details.fold open[step.effect != "keep"] {
            summary { code { (told(&step.path)) } " " span.quiet { (step.kind) ", " (effect(&step.effect)) } }
            @if let Some(forecast) = &step.forecast {
                p { (mark("pending")) " " (told(&forecast.summary)) }
                @if !forecast.lines.is_empty() { pre { @for line in &forecast.lines { (told(line)) "\n" } } }
            }
            (between(step.previous.as_ref(), Some(&step.config), view))
        }
    }
}
