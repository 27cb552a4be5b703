//! `/services`: services by id, by what they are of, and how they stand.

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::form::Asked;
use super::layout::{Page, Section};
use super::local::{link, segment};
use super::marks::{Tone, empty, mark, pager, prose, toned};
use super::problem_page::Refused;
use super::visit::Visit;

/// A page of services.
#[derive(Deserialize)]
pub(super) struct Services {
    pub(super) items: Vec<ServiceLine>,
    pub(super) next: Option<String>,
}

/// One service in a list.
#[derive(Deserialize)]
pub(super) struct ServiceLine {
    id: String,
    team: Option<String>,
    offer: Option<String>,
    environment: Option<String>,
    state: String,
    why: Option<String>,
    drifted: bool,
    held: bool,
}

/// Shows the list.
pub(super) async fn show(visit: Visit, asked: Asked) -> Result<Response, Refused> {
    let names = ["q", "team", "item", "environment"];
    let filters = names.map(|name| (name, asked.text(name)));
    let cursor = asked.text("cursor");
    let asks = [filters.as_slice(), &[("cursor", cursor)]].concat();
    let services: Services = visit.get(&link("/services", &asks)).await?;
    let is_filtered = filters.iter().any(|(_, value)| !value.is_empty());
    let body = html! {
        (filter(&filters, is_filtered))
        @if services.items.is_empty() {
            @if is_filtered || !cursor.is_empty() {
                (empty("No service is like that.", &html! { a href="/services" { "Show all services" } " or ask for something else." }))
            } @else {
                (empty("There is no service that you can see.", &html! {
                    "A service is a file below " code { "services/" } " in the catalog; once it is merged it is listed here."
                }))
            }
        } @else { (table(&services.items)) }
        (pager("/services", &filters, (cursor, services.next.as_deref())))
    };
    let page = Page { heading: "Services", section: Section::Services, ..Page::default() };
    Ok(page.show(&visit, &body).await)
}

fn filter(filters: &[(&str, &str)], is_filtered: bool) -> Markup {
    html! {
        form.filters method="get" action="/services" aria-label="Filter services" {
            @for (name, value) in filters {
                @let (id, label) = (format!("by-{name}"), match *name { "q" => "Id holds", "team" => "Team", "item" => "Item", _ => "Environment" });
                div.field {
                    label for=(id) { (label) }
                    input id=(id) name=(name) value=(value) maxlength="100" autocapitalize="none" spellcheck="false";
                }
            }
            div.actions { button type="submit" { "Filter" } @if is_filtered { a.button.plain href="/services" { "Show all" } } }
        }
    }
}

/// Shows services.
pub(super) fn table(services: &[ServiceLine]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Services" {
            table {
                caption.unseen { "Services, by id" }
                thead { tr {
                    th scope="col" { "Service" } th scope="col" { "State" } th scope="col" { "Item" }
                    th scope="col" { "Team" } th scope="col" { "Environment" }
                } }
                tbody { @for service in services { tr {
                    th scope="row" { a href=(format!("/services/{}", segment(&service.id))) { (service.id) } }
                    td {
                        (mark(&service.state)) " "
                        @if service.drifted { (toned(Tone::Wait, "drifted")) " " }
                        @if service.held && service.state != "held" { (mark("held")) }
                        @if let Some(why) = &service.why { div.why { (prose(why)) } }
                    }
                    td { @match &service.offer { Some(item) => (item), None => span.quiet { "its file is gone" } } }
                    td { @match &service.team { Some(team) => (team), None => span.quiet { "–" } } }
                    td { @match &service.environment { Some(one) => (one), None => span.quiet { "–" } } }
                } } }
            }
        }
    }
}
