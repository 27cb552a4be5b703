//! What the rules found in the head of the catalog, as far as somebody can see the documents. It judges nothing.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::catalog::is_visible;
use super::extract::Query;
use super::page::{self, Page};
use super::tag::shown;
use super::tools::FindingWire;
use crate::catalog::Catalog;
use crate::finding::Finding;
use crate::serve::auth::{Kind, Principal, Verb, Who};
use crate::serve::problem::Problem;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Tells whether somebody can see the document that a finding is about: of a service, whose team's services they see;
/// of an offer, who sees the offer; of the rest, who sees all of the catalog.
fn sees(who: &Principal, catalog: &Catalog, path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    if let ["services", team, _, ..] = parts.as_slice() {
        return who.may(Verb::Read, Kind::Service, Some(team));
    }
    if who.may_everywhere(Verb::Read, Kind::Catalog) {
        return true;
    }
    let items = catalog.items.values().map(|entry| (&entry.document.path, &entry.body.metadata));
    let bundles =
        catalog.bundles.values().map(|entry| (&entry.document.path, &entry.body.metadata));
    let mut offers = items.chain(bundles).filter(|(of, _)| &***of == path);
    offers.next().is_some_and(|(_, metadata)| is_visible(who, metadata))
}

/// Lists what the rules found in the head of the catalog, by place.
#[utoipa::path(
    get, path = "/findings", tag = "catalog", operation_id = "listFindings",
    params(
        ("severity" = Option<String>, Query, description = "`error`, `warning` or `note`"),
        ("rule" = Option<String>, Query, description = "Of this rule"),
        ("q" = Option<String>, Query, description = "Whose path or message holds this"),
    ),
    responses((status = 200, description = "A page of findings", body = Page<FindingWire>)),
)]
async fn list(
    State(app): State<App>,
    Who(who): Who,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (limit, cursor) = query.page()?;
    let after = page::number("findings", cursor.as_deref())?.unwrap_or(0);
    let (severity, rule) = (query.take("severity"), query.take("rule"));
    let text = query.take("q").map(|text| text.to_lowercase());
    query.done()?;
    who.demand(Verb::Read, Kind::Catalog)?;
    let published = app.published()?;
    let catalog = published.catalog();
    let lets = |found: &Finding| {
        let holds = |text: &String| {
            found.place.path.to_lowercase().contains(text.as_str())
                || found.message.to_lowercase().contains(text.as_str())
        };
        severity.as_ref().is_none_or(|one| *one == found.severity.to_string())
            && rule.as_ref().is_none_or(|rule| *rule == found.rule)
            && text.as_ref().is_none_or(holds)
            && sees(&who, catalog, &found.place.path)
    };
    let after = usize::try_from(after).unwrap_or(0);
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let all = published.judged.findings.iter().enumerate().skip(after);
    let mut found: Vec<(usize, &Finding)> =
        all.filter(|(_, found)| lets(found)).take(wanted.saturating_add(1)).collect();
    let next = (found.len() > wanted).then(|| found.pop()).flatten();
    let next = next.map(|(index, _)| page::cursor("findings", &index.to_string()));
    let items = found.into_iter().map(|(_, found)| FindingWire::of(found)).collect();
    Ok(shown(&headers, &Page { items, next }))
}
