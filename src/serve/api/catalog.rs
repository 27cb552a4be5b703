//! What the catalog offers: items, bundles, their forms. Only what is meant for somebody's teams is shown to them.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::extract::{Id, Query};
use super::page::{self, Page};
use super::recorded::Recorded;
use super::tag::shown;
use crate::catalog::{Bundle, Catalog, Form, Item, Metadata, Mode};
use crate::serve::auth::{Kind, Principal, Verb, Who};
use crate::serve::problem::Problem;
use crate::store::DecisionKind;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(item))
        .routes(routes!(schema))
        .routes(routes!(form))
        .routes(routes!(bundle))
        .routes(routes!(refresh))
}

/// One offer in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OfferLine {
    /// Unique over items and bundles.
    id: String,
    /// `item` or `bundle`.
    kind: &'static str,
    name: String,
    description: String,
    version: String,
    category: Option<String>,
    /// The team that answers for it.
    team: String,
    tags: Vec<String>,
    /// New services should not use it.
    deprecated: bool,
}

impl OfferLine {
    fn of(kind: &'static str, metadata: &Metadata) -> Self {
        Self {
            id: metadata.id.clone(),
            kind,
            name: metadata.name.clone(),
            description: metadata.description.clone(),
            version: metadata.version.clone(),
            category: metadata.category.clone(),
            team: metadata.owner.team.clone(),
            tags: metadata.tags.clone(),
            deprecated: metadata.lifecycle.as_ref().is_some_and(|cycle| cycle.deprecated),
        }
    }

    /// Tells whether each word that is searched for stands in it, or but for a slip.
    fn mentions(&self, text: &str) -> bool {
        let tags = self.tags.iter().map(String::as_str);
        let all = [self.id.as_str(), &self.name, &self.description].into_iter().chain(tags);
        let all = all.collect::<Vec<_>>().join(" ").to_lowercase();
        let is_close = |word: &str| {
            let mut own = all.split(|one: char| !one.is_alphanumeric());
            own.any(|own| is_slip(own, word))
        };
        text.split_whitespace().all(|word| all.contains(word) || is_close(word))
    }
}

/// Tells whether a word was probably meant: one letter aside, or two of a long one.
fn is_slip(own: &str, word: &str) -> bool {
    let slips = match word.chars().count() {
        0..4 | 40.. => return false,
        4..8 => 1,
        _ => 2,
    };
    own.len().abs_diff(word.len()) <= 2 * slips && strsim::damerau_levenshtein(own, word) <= slips
}

/// An item, without how it is fulfilled.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ItemWire {
    #[serde(flatten)]
    offer: OfferLine,
    /// By whom it is fulfilled: `manual` or `automatic`.
    mode: &'static str,
    /// How to reach the team.
    contact: String,
    /// The item to use instead.
    replacement: Option<String>,
    /// Day after which it ends.
    sunset: Option<String>,
    /// What is promised about it.
    sla: Option<Value>,
    /// What it costs, as an estimate.
    cost: Option<Value>,
    /// What its services offer to others.
    outputs: Vec<String>,
    /// Named operations of day two.
    operations: Vec<String>,
}

/// A bundle.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BundleWire {
    #[serde(flatten)]
    offer: OfferLine,
    /// How to reach the team.
    contact: String,
    /// The items that it is made of.
    components: Vec<ComponentWire>,
    /// What its services offer to others.
    outputs: Vec<String>,
}

/// One item in a bundle.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ComponentWire {
    id: String,
    item: String,
}

/// Tells whether somebody can see an offer.
pub(super) fn is_visible(who: &Principal, metadata: &Metadata) -> bool {
    if !who.may_somewhere(Verb::Read, Kind::Catalog) {
        return false;
    }
    let meant = metadata.visibility.as_ref().map(|visibility| &visibility.teams[..]);
    let all = meant.is_none_or(<[String]>::is_empty);
    let ours = |team: &String| who.teams.contains(team);
    all || meant.into_iter().flatten().any(ours)
        || ours(&metadata.owner.team)
        || who.may_everywhere(Verb::Read, Kind::Catalog)
}

/// Lists what the catalog offers, by id.
#[utoipa::path(
    get, path = "/catalog", tag = "catalog", operation_id = "listOffers",
    params(
        ("kind" = Option<String>, Query, description = "`item` or `bundle`"),
        ("category" = Option<String>, Query, description = "Of this category"),
        ("team" = Option<String>, Query, description = "That this team answers for"),
        ("q" = Option<String>, Query, description = "Whose id, name, description or tags hold these words, or words that are nearly these"),
    ),
    responses((status = 200, description = "A page of offers", body = Page<OfferLine>)),
)]
async fn list(
    State(app): State<App>,
    Who(who): Who,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (limit, cursor) = query.page()?;
    let after = page::place("catalog", cursor.as_deref())?.unwrap_or_default();
    let (kind, category) = (query.take("kind"), query.take("category"));
    let (team, q) = (query.take("team"), query.take("q").map(|q| q.to_lowercase()));
    query.done()?;
    who.demand(Verb::Read, Kind::Catalog)?;
    let published = app.published()?;
    let catalog = published.catalog();
    let items = catalog.items.values().map(|entry| ("item", &entry.body.metadata));
    let bundles = catalog.bundles.values().map(|entry| ("bundle", &entry.body.metadata));
    let mut offers: Vec<_> = items
        .chain(bundles)
        .filter(|(of, metadata)| {
            metadata.id > after
                && kind.as_ref().is_none_or(|kind| kind == of)
                && team.as_ref().is_none_or(|team| *team == metadata.owner.team)
                && category.as_ref().is_none_or(|one| metadata.category.as_ref() == Some(one))
                && is_visible(&who, metadata)
        })
        .map(|(of, metadata)| OfferLine::of(of, metadata))
        .filter(|offer| q.as_ref().is_none_or(|q| offer.mentions(q)))
        .collect();
    offers.sort_by(|one, other| one.id.cmp(&other.id));
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = offers.len() > limit;
    offers.truncate(limit);
    let last = offers.last().filter(|_| more);
    let next = last.map(|offer| page::cursor("catalog", &offer.id));
    Ok(shown(&headers, &Page { items: offers, next }))
}

fn item_of<'c>(catalog: &'c Catalog, who: &Principal, id: &str) -> Result<&'c Item, Problem> {
    let entry = catalog.items.get(id).filter(|entry| is_visible(who, &entry.body.metadata));
    entry.map(|entry| &*entry.body).ok_or_else(|| Problem::missing("item", id))
}

fn bundle_of<'c>(catalog: &'c Catalog, who: &Principal, id: &str) -> Result<&'c Bundle, Problem> {
    let entry = catalog.bundles.get(id).filter(|entry| is_visible(who, &entry.body.metadata));
    entry.map(|entry| &*entry.body).ok_or_else(|| Problem::missing("bundle", id))
}

/// Finds the form of an item or a bundle.
pub(super) fn form_of<'c>(
    catalog: &'c Catalog,
    who: &Principal,
    id: &str,
) -> Result<&'c Form, Problem> {
    let of_item = item_of(catalog, who, id).map(|item| &item.presentation.form);
    of_item.or_else(|_| bundle_of(catalog, who, id).map(|bundle| &bundle.presentation.form))
}

/// Finds what is said of an item or a bundle.
pub(super) fn metadata_of<'c>(
    catalog: &'c Catalog,
    who: &Principal,
    id: &str,
) -> Result<&'c Metadata, Problem> {
    let of_item = item_of(catalog, who, id).map(|item| &item.metadata);
    of_item.or_else(|_| bundle_of(catalog, who, id).map(|bundle| &bundle.metadata))
}

/// Shows one item.
#[utoipa::path(
    get, path = "/catalog/items/{id}", tag = "catalog", operation_id = "getItem",
    params(("id" = String, Path, description = "Id of the item")),
    responses((status = 200, description = "The item", body = ItemWire)),
)]
async fn item(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Read, Kind::Catalog)?;
    let published = app.published()?;
    let item = item_of(published.catalog(), &who, &id)?;
    let metadata = &item.metadata;
    let cycle = metadata.lifecycle.clone().unwrap_or_default();
    let mode = match item.fulfillment.strategy.mode {
        Mode::Manual => "manual",
        Mode::Automatic => "automatic",
    };
    let wire = ItemWire {
        offer: OfferLine::of("item", metadata),
        mode,
        contact: metadata.owner.contact.clone(),
        replacement: cycle.replacement,
        sunset: cycle.sunset,
        sla: metadata.sla.clone(),
        cost: metadata.cost.clone(),
        outputs: item.outputs.keys().cloned().collect(),
        operations: item.fulfillment.operations.keys().cloned().collect(),
    };
    Ok(shown(&headers, &wire))
}

/// Shows what the form of an item or a bundle compiles to, as JSON Schema.
#[utoipa::path(
    get, path = "/catalog/items/{id}/schema", tag = "catalog", operation_id = "getItemSchema",
    params(("id" = String, Path, description = "Id of the item or bundle")),
    responses((status = 200, description = "A JSON Schema, 2020-12", body = Value)),
)]
async fn schema(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Read, Kind::Catalog)?;
    let published = app.published()?;
    Ok(shown(&headers, &form_of(published.catalog(), &who, &id)?.schema()))
}

/// Shows the form of an item or a bundle: groups and fields, in their order.
#[utoipa::path(
    get, path = "/catalog/items/{id}/form", tag = "catalog", operation_id = "getItemForm",
    params(("id" = String, Path, description = "Id of the item or bundle")),
    responses((status = 200, description = "The form as the catalog holds it", body = Value)),
)]
async fn form(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Read, Kind::Catalog)?;
    let published = app.published()?;
    Ok(shown(&headers, form_of(published.catalog(), &who, &id)?))
}

/// Shows one bundle.
#[utoipa::path(
    get, path = "/catalog/bundles/{id}", tag = "catalog", operation_id = "getBundle",
    params(("id" = String, Path, description = "Id of the bundle")),
    responses((status = 200, description = "The bundle", body = BundleWire)),
)]
async fn bundle(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Read, Kind::Catalog)?;
    let published = app.published()?;
    let bundle = bundle_of(published.catalog(), &who, &id)?;
    let components = bundle.components.iter().map(|component| ComponentWire {
        id: component.id.clone(),
        item: component.catalog_item.clone(),
    });
    let wire = BundleWire {
        offer: OfferLine::of("bundle", &bundle.metadata),
        contact: bundle.metadata.owner.contact.clone(),
        components: components.collect(),
        outputs: bundle.outputs.keys().cloned().collect(),
    };
    Ok(shown(&headers, &wire))
}

/// Has the head of the catalog looked at now.
#[utoipa::path(
    post, path = "/catalog/refresh", tag = "catalog", operation_id = "refreshCatalog",
    responses((status = 202, description = "It is looked at within a second", body = Recorded)),
)]
async fn refresh(State(app): State<App>, Who(who): Who, query: Query) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Operate, Kind::Catalog)?;
    let decision = DecisionKind::Apply { service: None };
    let recorded = Recorded::record(&app, &who, &decision).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(recorded)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_forgiven_and_another_word_is_not() {
        for (own, word, is_one) in [
            ("postgresql", "postgersql", true),
            ("postgres", "postgers", true),
            ("bucket", "buckte", true),
            ("dns", "dbs", false),
            ("redis", "rabbit", false),
            ("database", "databases", true),
        ] {
            assert_eq!(is_slip(own, word), is_one, "{own} {word}");
        }
        assert!(!is_slip("a", &"a".repeat(60_000)));
    }
}
