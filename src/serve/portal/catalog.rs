//! `/catalog`: what is offered, by category, and found by what it is called.

use std::collections::BTreeSet;

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::form::Asked;
use super::layout::{Page, Section};
use super::local::{link, segment};
use super::marks::{Tone, choice, empty, pager, prose, told, toned};
use super::problem_page::Refused;
use super::visit::Visit;

#[derive(Deserialize)]
struct Offers {
    items: Vec<Offer>,
    next: Option<String>,
}

/// One offer.
#[derive(Deserialize)]
pub(super) struct Offer {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) version: String,
    pub(super) category: Option<String>,
    pub(super) team: String,
    pub(super) tags: Vec<String>,
    pub(super) deprecated: bool,
}

impl Offer {
    /// Returns where its page is.
    pub(super) fn path(&self) -> String {
        let folder = if self.kind == "bundle" { "bundles" } else { "items" };
        format!("/catalog/{folder}/{}", segment(&self.id))
    }

    /// Shows its tags, and that it is on its way out.
    pub(super) fn tags(&self) -> Markup {
        html! {
            @if self.deprecated { (toned(Tone::Wait, "deprecated")) " " }
            @for tag in &self.tags { a.tag href=(link("/catalog", &[("q", tag)])) { (told(tag)) } }
        }
    }
}

/// Shows the list.
pub(super) async fn show(visit: Visit, asked: Asked) -> Result<Response, Refused> {
    let filters = ["q", "category", "kind", "team"].map(|name| (name, asked.text(name)));
    let cursor = asked.text("cursor");
    let asks = [filters.as_slice(), &[("cursor", cursor), ("limit", "60")]].concat();
    let offers: Offers = visit.get(&link("/catalog", &asks)).await?;
    let all: Offers = visit.get("/catalog?limit=200").await?;
    let categories: BTreeSet<&str> =
        all.items.iter().filter_map(|one| one.category.as_deref()).collect();
    let is_filtered = filters.iter().any(|(_, value)| !value.is_empty());
    let body = html! {
        (filter(&filters, (&categories, is_filtered)))
        @if offers.items.is_empty() {
            @if is_filtered || !cursor.is_empty() { (empty("Nothing on offer is like that.", &html! { a href="/catalog" { "Show all that is on offer" } " or search for another word." })) }
            @else { (empty("Nothing is on offer yet.", &html! { "Items are files below " code { "catalog/" } ": " code { "trueline new item" } " makes the first." })) }
        }
        (by_category(&offers.items))
        (pager("/catalog", &filters, (cursor, offers.next.as_deref())))
    };
    let page = Page { heading: "Catalog", section: Section::Catalog, ..Page::default() };
    Ok(page.show(&visit, &body).await)
}

fn filter(
    filters: &[(&str, &str); 4],
    (categories, is_filtered): (&BTreeSet<&str>, bool),
) -> Markup {
    let [(_, text), (_, category), (_, kind), (_, team)] = *filters;
    html! {
        form.filters method="get" action="/catalog" aria-label="Search the catalog" {
            div.field { label for="by-q" { "Search" } input #by-q type="search" name="q" value=(text) maxlength="100"; }
            div.field {
                label for="category" { "Category" }
                select #category name="category" { (choice("", category, "Any")) @for one in categories { (choice(one, category, one)) } }
            }
            div.field {
                label for="kind" { "Kind" }
                select #kind name="kind" { (choice("", kind, "Any")) (choice("item", kind, "Items")) (choice("bundle", kind, "Bundles")) }
            }
            div.field { label for="team" { "Owner" } input #team name="team" value=(team) maxlength="100" autocapitalize="none" spellcheck="false"; }
            div.actions { button type="submit" { "Search" } @if is_filtered { a.button.plain href="/catalog" { "Show all" } } }
        }
    }
}

/// Shows offers by category; bundles, which have none, stand last.
fn by_category(offers: &[Offer]) -> Markup {
    let categories: BTreeSet<Option<&str>> =
        offers.iter().map(|one| one.category.as_deref()).collect();
    let named = categories.iter().copied().flatten().map(Some);
    let all = named.chain(categories.contains(&None).then_some(None));
    html! {
        @for category in all {
            section {
                h2 { (category.unwrap_or("Bundles")) }
                ul.cards {
                    @for offer in offers.iter().filter(|one| one.category.as_deref() == category) {
                        li.card {
                            h3 { a href=(offer.path()) { (told(&offer.name)) } }
                            p { (prose(&offer.description)) }
                            p.meta { span { code { (offer.id) } " " (offer.version) } span { "by " (offer.team) } }
                            @if offer.deprecated || !offer.tags.is_empty() { p { (offer.tags()) } }
                        }
                    }
                }
            }
        }
    }
}
