//! Lists proposals as they stood when the daemon looked last. It asks no forge.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::line::{ProposalLine, Seen};
use crate::daemon::outgoing::{Line, Standing};
use crate::serve::api::app::App;
use crate::serve::api::extract::Query;
use crate::serve::api::page;
use crate::serve::api::tag::shown;
use crate::serve::auth::{Kind, Verb, Who};
use crate::serve::problem::Problem;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Who filed a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum From {
    Trueline,
    People,
}

/// A page of proposals.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Proposals {
    /// By how they stand, repository and number.
    items: Vec<ProposalLine>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    next: Option<String>,
    /// Repositories that could not be looked at, with why; what is shown of them may be old. Shown to who sees all.
    unseen: BTreeMap<String, String>,
}

/// Lists what Trueline filed, or is about to file, and what people opened in the catalog's repository, as it stood when the
/// daemon looked last. Of what was merged, declined or closed in a repository, the newest 50 each are known.
#[utoipa::path(
    get, path = "/proposals", tag = "proposals", operation_id = "listProposals",
    params(
        ("standing" = Option<String>, Query, description = "Which stand so: `open`, `edited`, `limited`, `declined`, `merged`, `closed`"),
        ("from" = Option<String>, Query, description = "Filed by `trueline` itself, or opened or asked for by `people`"),
        ("service" = Option<String>, Query, description = "For this service"),
        ("q" = Option<String>, Query, description = "Whose title or repository holds this"),
    ),
    responses((status = 200, description = "The proposals", body = Proposals)),
)]
async fn list(
    State(app): State<App>,
    Who(who): Who,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (limit, cursor) = query.page()?;
    let wanted = Wanted {
        standing: query.word("standing")?,
        from: query.word("from")?,
        service: query.take("service"),
        text: query.take("q").map(|text| text.to_lowercase()),
    };
    query.done()?;
    who.demand(Verb::Read, Kind::Run)?;
    let after = page::place("proposals", cursor.as_deref())?.unwrap_or_default();
    let seen = Seen::read(&app).await?;
    let mut found: Vec<(String, &Line)> = seen
        .lines()
        .filter(|line| wanted.holds(line) && seen.shows(line, &who))
        .map(|line| (place_of(line), line))
        .filter(|(place, _)| *place > after)
        .collect();
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more);
    let next = last.map(|(place, _)| page::cursor("proposals", place));
    let items = found.iter().map(|(_, line)| ProposalLine::of(line)).collect();
    let sees_all = who.may_everywhere(Verb::Read, Kind::Run);
    let unseen = seen.board.unseen.into_iter().filter(|_| sees_all);
    let unseen = unseen.map(|it| (it.repository, it.why)).collect();
    Ok(shown(&headers, &Proposals { items, next, unseen }))
}

/// What is looked for.
struct Wanted {
    standing: Option<Standing>,
    from: Option<From>,
    service: Option<String>,
    /// In small letters.
    text: Option<String>,
}

impl Wanted {
    fn holds(&self, line: &Line) -> bool {
        let from = if line.by.is_some() { From::People } else { From::Trueline };
        let holds = |text: &String| {
            line.title.to_lowercase().contains(text)
                || line.repository.to_lowercase().contains(text)
        };
        self.standing.is_none_or(|standing| line.standing == standing)
            && self.from.is_none_or(|wanted| wanted == from)
            && (self.service.is_none() || self.service == line.service)
            && self.text.as_ref().is_none_or(holds)
    }
}

/// Where one stands in the list, as a text that sorts so.
fn place_of(line: &Line) -> String {
    let order = line.standing as u8;
    let number = line.number.unwrap_or_default();
    let since = line.since.as_millisecond();
    let service = line.service.as_deref().unwrap_or_default();
    let repository = &line.repository;
    // What was settled last is what people look for.
    let (number, since) = match line.standing {
        Standing::Merged | Standing::Closed => (u64::MAX - number, i64::MAX - since),
        _ => (number, since),
    };
    format!("{order}\u{1}{repository}\u{1}{number:020}\u{1}{since:020}\u{1}{service}")
}
