//! What a request would do, before it is asked for: the file line by line, the plan, what it costs, who must approve.

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use crate::serve::portal::change::units;
use crate::serve::portal::diff::{View, texts};
use crate::serve::portal::form::Form;
use crate::serve::portal::layout::{Page, Section};
use crate::serve::portal::marks::{facts, prose, told};
use crate::serve::portal::plan::{Plan, kind_mark, waited};
use crate::serve::portal::problem_page::Refused;
use crate::serve::portal::said::reason;
use crate::serve::portal::visit::Visit;

/// Where a review stands.
pub(super) struct Review<'r> {
    pub(super) section: Section,
    /// What it stands below.
    pub(super) above: (&'r str, &'r str),
    /// Where its forms are sent.
    pub(super) path: &'r str,
    /// One can go back to what was filled in.
    pub(super) is_filled_in: bool,
    pub(super) wrong: Option<&'r Refused>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Preview {
    kind: String,
    service: String,
    team: String,
    path: String,
    before: Option<String>,
    content: Option<String>,
    findings: Vec<Finding>,
    files: Vec<Placed>,
    owners: Vec<Owners>,
    costs: Vec<Cost>,
    plan: Plan,
}

#[derive(Deserialize)]
struct Finding {
    severity: String,
    message: String,
    hint: Option<String>,
}

#[derive(Deserialize)]
struct Placed {
    path: String,
    size: usize,
}

#[derive(Deserialize)]
struct Owners {
    why: String,
    required: u32,
    from: Vec<String>,
}

#[derive(Deserialize)]
struct Cost {
    currency: String,
    before: f64,
    after: f64,
}

/// Shows what comes of it.
pub(super) async fn show(
    visit: &Visit,
    review: &Review<'_>,
    (form, ask): (&Form, &Value),
) -> Result<Response, Refused> {
    let answer = visit.post("/requests/preview", ask, &Form::default()).await?;
    let preview: Preview = serde_json::from_value(answer).map_err(|_| Refused::inside())?;
    let view = View::of(form.text("view"));
    let body = html! {
        @if let Some(wrong) = review.wrong { (wrong.above()) }
        (outline(&preview))
        (remarks(&preview))
        section aria-labelledby="file" {
            h2 #file { "The file" }
            p { code { (preview.path) } }
            form.views method="post" action=(review.path) {
                (carried(visit, form))
                @if view == View::Split { button.plain type="submit" name="view" value="unified" { "One below the other" } }
                @else { button.plain type="submit" name="view" value="split" { "Side by side" } }
            }
            (texts(preview.before.as_deref().unwrap_or_default(), preview.content.as_deref().unwrap_or_default(), view))
            @for file in &preview.files { p { "Beside it: " code { (told(&file.path)) } " (" (file.size) " bytes)" } }
        }
        section aria-labelledby="planned" {
            h2 #planned { "What is done then" }
            @if preview.plan.changes.is_empty() { p.quiet { "Nothing is carried out for it." } }
            @for change in &preview.plan.changes { (units(change, view)) }
        }
        form.card method="post" action=(review.path) {
            h2 { "Ask for it" }
            p { "It becomes a file on a branch, and a proposal in your name. Nothing is merged by that." }
            (carried(visit, form))
            (reason(form, review.wrong))
            div.actions {
                button type="submit" name="do" value="submit" { "Submit the request" }
                @if review.is_filled_in { button.plain type="submit" name="do" value="edit" formnovalidate { "Back to the form" } }
                @else { a.button.plain href=(review.above.0) { "Back" } }
            }
        }
    };
    let heading = format!("Review: {}", preview.service);
    let page = Page {
        heading: &heading,
        section: review.section,
        above: Some(review.above),
        beside: Some(kind_mark(match preview.kind.as_str() {
            "change" => "update",
            kind => kind,
        })),
        ..Page::default()
    };
    Ok(page.say(visit, &body, review.wrong).await)
}

/// What is carried on beside the fields of the catalog.
const CARRIED: [&str; 7] =
    ["team", "id", "environment", "description", "expires", "dependsOn", "never"];

/// Carries what was filled in on to the next page; what is not of the form is left behind.
fn carried(visit: &Visit, form: &Form) -> Markup {
    let own = |name: &str| {
        CARRIED.contains(&name)
            || ["field.", "file.", "unset."].iter().any(|own| name.starts_with(own))
    };
    html! {
        (visit.hidden())
        @for (name, value) in form.pairs().filter(|(name, value)| own(name) && !value.is_empty()) {
            input type="hidden" name=(name) value=(value);
        }
    }
}

fn outline(preview: &Preview) -> Markup {
    let needs: Vec<_> = preview.plan.changes.iter().flat_map(|change| &change.needs).collect();
    let waits: Vec<_> = preview.plan.changes.iter().flat_map(|change| &change.waits).collect();
    facts(&[
        ("Service", Some(html! { (preview.service) " of " (preview.team) })),
        (
            "Costs",
            (!preview.costs.is_empty())
                .then(|| html! { @for cost in &preview.costs { div { (cost_of(cost)) } } }),
        ),
        (
            "Owners who approve",
            Some(html! {
                @for owners in &preview.owners { div { (owners_of(owners)) } }
                @if preview.owners.is_empty() { "nobody in particular: whoever may merge it" }
            }),
        ),
        (
            "The plan needs",
            (!needs.is_empty()).then(|| {
                html! {
                    @for need in needs { div { (crate::serve::portal::change::need_of(need)) } }
                }
            }),
        ),
        (
            "Then waits for",
            (!waits.is_empty())
                .then(|| html! { @for why in waits { div { (prose(waited(why))) } } }),
        ),
    ])
}

fn remarks(preview: &Preview) -> Markup {
    html! {
        @for finding in &preview.findings {
            p class=(if finding.severity == "warning" { "notice wait" } else { "notice" }) {
                strong { (finding.severity) ": " } (prose(&finding.message))
                @if let Some(hint) = &finding.hint { span.why { " " (prose(hint)) } }
            }
        }
    }
}

fn owners_of(owners: &Owners) -> Markup {
    html! {
        @match owners.why.as_str() {
            "nobody" => "nobody can: no line of CODEOWNERS names an owner of the file",
            _ => {
                (owners.required) " of " (told(&owners.from.join(", ")))
                @if owners.why == "fallback" { span.quiet { " (who is asked where nobody owns the file)" } }
            },
        }
    }
}

fn cost_of(cost: &Cost) -> Markup {
    let amount = |value: f64| format!("{value:.2}");
    let differs = (cost.before - cost.after).abs() > 0.005;
    html! {
        "about " strong { (amount(cost.after)) " " (told(&cost.currency)) } " a month"
        @if differs && cost.before > 0.0 { span.quiet { ", now " (amount(cost.before)) } }
    }
}
