//! `/catalog/items/{id}` and `/catalog/bundles/{id}`: one offer: what it is, what it asks, what it costs, who uses it.

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::catalog::Offer;
use super::layout::{Page, Section};
use super::local::{link, segment};
use super::marks::{empty, facts, prose, told, value};
use super::problem_page::Refused;
use super::services::{Services, table};
use super::visit::Visit;
use crate::catalog::{Field, Form};
use crate::reconcile::show::literal;
use crate::serve::auth::{Kind, Verb};

#[derive(Deserialize)]
struct Item {
    #[serde(flatten)]
    offer: Offer,
    mode: String,
    contact: String,
    replacement: Option<String>,
    sunset: Option<String>,
    sla: Option<Value>,
    cost: Option<Value>,
    outputs: Vec<String>,
    operations: Vec<String>,
}

#[derive(Deserialize)]
struct Bundle {
    #[serde(flatten)]
    offer: Offer,
    contact: String,
    components: Vec<Component>,
    outputs: Vec<String>,
}

#[derive(Deserialize)]
struct Component {
    id: String,
    item: String,
}

/// Shows an item.
pub(super) async fn show(visit: Visit, Path(id): Path<String>) -> Result<Response, Refused> {
    let path = format!("/catalog/items/{}", segment(&id));
    let item: Item = visit.get(&path).await?;
    let facts = facts(&[
        (
            "Fulfilled",
            Some(html! { @if item.mode == "manual" { "by people" } @else { "by itself" } }),
        ),
        ("Contact", Some(html! { (value(&Value::from(item.contact.as_str()))) })),
        (
            "Instead",
            item.replacement
                .as_ref()
                .map(|id| html! { a href=(format!("/catalog/items/{}", segment(id))) { (id) } }),
        ),
        ("Ends after", item.sunset.as_ref().map(|day| html! { (told(day)) })),
        ("Cost", item.cost.as_ref().map(estimate)),
        ("Promised", item.sla.as_ref().map(estimate)),
        ("Offers", (!item.outputs.is_empty()).then(|| html! { (item.outputs.join(", ")) })),
        (
            "Operations",
            (!item.operations.is_empty()).then(|| html! { (item.operations.join(", ")) }),
        ),
    ]);
    page(&visit, &item.offer, &facts).await
}

/// Shows a bundle.
pub(super) async fn bundle(visit: Visit, Path(id): Path<String>) -> Result<Response, Refused> {
    let path = format!("/catalog/bundles/{}", segment(&id));
    let bundle: Bundle = visit.get(&path).await?;
    let facts = facts(&[
        ("Contact", Some(html! { (value(&Value::from(bundle.contact.as_str()))) })),
        (
            "Made of",
            Some(html! {
                @for component in &bundle.components {
                    div { (component.id) ": " a href=(format!("/catalog/items/{}", segment(&component.item))) { (component.item) } }
                }
            }),
        ),
        ("Offers", (!bundle.outputs.is_empty()).then(|| html! { (bundle.outputs.join(", ")) })),
    ]);
    page(&visit, &bundle.offer, &facts).await
}

/// Shows an estimate or a promise: names and values.
fn estimate(one: &Value) -> Markup {
    match one {
        Value::Object(map) => {
            html! { @for (name, one) in map { div { (told(name)) ": " (value(one)) } } }
        }
        other => value(other),
    }
}

async fn page(visit: &Visit, offer: &Offer, facts: &Markup) -> Result<Response, Refused> {
    let form: Form = visit.get(&format!("/catalog/items/{}/form", segment(&offer.id))).await?;
    let services: Option<Services> = match visit.may(Verb::Read, Kind::Service) {
        true => Some(visit.get(&link("/services", &[("item", &offer.id), ("limit", "20")])).await?),
        false => None,
    };
    let may = visit.may(Verb::Request, Kind::Service);
    let body = html! {
        p.lead { (prose(&offer.description)) }
        @if may { p.actions { a.button href=(format!("{}/request", offer.path())) { "Request this…" } } }
        @if offer.deprecated || !offer.tags.is_empty() { p { (offer.tags()) } }
        (super::marks::facts(&[
            ("Id", Some(html! { code { (offer.id) } })),
            ("Version", Some(html! { (offer.version) })),
            ("Category", offer.category.as_ref().map(|one| html! { a href=(link("/catalog", &[("category", one)])) { (one) } })),
            ("Owner", Some(html! { (offer.team) })),
        ]))
        (facts)
        section aria-labelledby="asks" { h2 #asks { "What it asks" } (fields(&form)) }
        @if let Some(services) = &services {
            section aria-labelledby="uses" {
                h2 #uses { "Who uses it" }
                @if services.items.is_empty() { (empty("No service that you can see uses it.", &html! { "A service names it in a file below " code { "services/" } "." })) }
                @else { (table(&services.items)) }
                @if services.next.is_some() { p { a href=(link("/services", &[("item", &offer.id)])) { "All services of it" } } }
            }
        }
    };
    let heading = told(&offer.name);
    let page = Page {
        heading: &heading,
        section: Section::Catalog,
        above: Some(("/catalog", "Catalog")),
        ..Page::default()
    };
    Ok(page.show(visit, &body).await)
}

/// Shows the fields of a form, as they are asked for.
fn fields(form: &Form) -> Markup {
    html! {
        @if form.fields().next().is_none() { p.quiet { "It asks for nothing." } }
        @for group in &form.groups {
            @if !group.fields.is_empty() {
                h3 { (told(&group.name)) }
                @if let Some(about) = &group.description { p.quiet { (prose(about)) } }
                div.scroll tabindex="0" role="region" aria-label=(told(&group.name)) {
                    table {
                        caption.unseen { "Fields of " (told(&group.name)) }
                        thead { tr { th scope="col" { "Field" } th scope="col" { "Type" } th scope="col" { "Needed" } th scope="col" { "What it is" } } }
                        tbody { @for field in &group.fields { tr {
                            th scope="row" { (told(&field.name)) div.why { code { (field.id) } } }
                            td { (field.kind.word()) (limits(field)) }
                            td { (demanded(field)) }
                            td { @if let Some(about) = &field.description { (prose(about)) } }
                        } } }
                    }
                }
            }
        }
    }
}

fn demanded(field: &Field) -> Markup {
    html! {
        @match (&field.default, field.required) {
            (Some(default), _) => { "no: " (literal(default)) " where none is given" },
            (None, true) => "yes",
            (None, false) => "no",
        }
        @if let Some(when) = &field.conditional { div.why { "only where " code { (when.field) } " " (when.operator) " " (literal(&when.value)) } }
        @if field.immutable { div.why { "a change of it makes the service anew" } }
    }
}

fn limits(field: &Field) -> Markup {
    let choices: Vec<String> = field.values().take(12).map(literal).collect();
    html! {
        @if !choices.is_empty() { div.why { "one of " (choices.join(", ")) @if field.choices.len() > 12 { ", …" } } }
        @for name in field.kind.limits() {
            @if let Some(limit) = field.limit(name).filter(|_| *name != "message") { div.why { (name) " " (literal(limit)) } }
        }
    }
}
