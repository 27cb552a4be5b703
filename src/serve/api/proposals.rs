//! What Trueline filed, or is about to file, as the daemon saw it last. It asks no forge.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::extract::Query;
use super::tag::shown;
use crate::daemon::outgoing::{BOARD, Board, Line, Standing};
use crate::serve::auth::{Kind, Principal, Verb, Who};
use crate::serve::problem::Problem;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// One proposal of Trueline's.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProposalLine {
    /// `open`, `edited` (somebody else committed to it), `limited` (it waits for its turn) or `declined`.
    #[schema(value_type = String, example = "open")]
    standing: Standing,
    /// The repository that it is filed in.
    repository: String,
    /// Its number there; absent before it is filed.
    number: Option<u64>,
    /// Where people see it.
    url: Option<String>,
    title: String,
    service: Option<String>,
    /// The run that waits for it.
    run: Option<String>,
    #[schema(format = DateTime)]
    since: String,
    /// Why it waits, or what is to know of it.
    why: Option<String>,
    /// The command that has it filed again.
    ask: Option<String>,
}

impl ProposalLine {
    fn of(line: Line) -> Self {
        Self {
            standing: line.standing,
            repository: line.repository,
            number: line.number,
            url: line.url,
            title: line.title,
            service: line.service,
            run: line.run,
            since: line.since.to_string(),
            why: line.why,
            ask: line.ask,
        }
    }
}

/// What Trueline filed, or is about to file.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Proposals {
    /// By how they stand, repository and number.
    items: Vec<ProposalLine>,
    /// Repositories that could not be looked at, with why; what is shown of them may be old. Shown to who sees all.
    unseen: BTreeMap<String, String>,
}

/// Lists what Trueline filed, or is about to file, as it stood when the daemon looked last.
#[utoipa::path(
    get, path = "/proposals", tag = "proposals", operation_id = "listProposals",
    params(("standing" = Option<String>, Query, description = "Which stand so: `open`, `edited`, `limited`, `declined`")),
    responses((status = 200, description = "The proposals", body = Proposals)),
)]
async fn list(
    State(app): State<App>,
    Who(who): Who,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let standing = query.word::<Standing>("standing")?;
    query.done()?;
    who.demand(Verb::Read, Kind::Run)?;
    let note = app.store().review_note(BOARD).await?;
    let board: Board = note.and_then(|note| serde_json::from_value(note).ok()).unwrap_or_default();
    let teams = teams(&app, &board).await?;
    let sees_all = who.may_everywhere(Verb::Read, Kind::Run);
    let may = |line: &Line| sees_all || sees(&who, line, &teams);
    let wanted = |line: &Line| standing.is_none_or(|standing| line.standing == standing);
    let items = board.lines.into_iter().filter(|line| wanted(line) && may(line));
    let items = items.map(ProposalLine::of).collect();
    let unseen = board.unseen.into_iter().filter(|_| sees_all);
    let unseen = unseen.map(|it| (it.repository, it.why)).collect();
    Ok(shown(&headers, &Proposals { items, unseen }))
}

/// What is of no service that is known is seen by those who see all.
fn sees(who: &Principal, line: &Line, teams: &BTreeMap<String, String>) -> bool {
    let team = line.service.as_ref().and_then(|service| teams.get(service));
    team.is_some_and(|team| who.may(Verb::Read, Kind::Run, Some(team)))
}

/// Finds the teams of services: as the catalog says, or as their newest runs say.
async fn teams(app: &App, board: &Board) -> Result<BTreeMap<String, String>, Problem> {
    let published = app.looked();
    let mut teams = BTreeMap::new();
    let mut gone: Vec<String> = Vec::new();
    for service in board.lines.iter().filter_map(|line| line.service.as_ref()) {
        let entry = published.as_ref().and_then(|it| it.catalog().services.get(service));
        match entry {
            Some(entry) => drop(teams.insert(service.clone(), entry.team().to_owned())),
            None => gone.push(service.clone()),
        }
    }
    if !gone.is_empty() {
        let runs = app.store().newest_runs(&gone).await?;
        teams.extend(runs.into_iter().filter_map(|run| Some((run.row.service, run.team?))));
    }
    Ok(teams)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::scene::Scene;
    use super::*;
    use crate::store::ReviewStore as _;

    fn line(standing: Standing, service: Option<&str>) -> Line {
        Line {
            standing,
            repository: "acme/app".to_owned(),
            number: Some(1),
            url: None,
            title: "Add".to_owned(),
            service: service.map(str::to_owned),
            run: None,
            since: jiff::Timestamp::UNIX_EPOCH,
            why: None,
            ask: None,
        }
    }

    #[tokio::test]
    async fn each_team_sees_its_own_and_who_sees_all_sees_all() {
        let scene = Scene::new().await;
        let lines = vec![
            line(Standing::Open, Some("shop-db")),
            line(Standing::Limited, Some("site-web")),
            line(Standing::Declined, None),
        ];
        let board = Board { lines, unseen: Vec::new() };
        scene.store.note_review(&scene.lease, BOARD, Some(&json!(board))).await.expect("kept");
        let root = scene.key("root", "admin", &["*"]).await;
        let ada = scene.key("ada", "viewer", &["payments"]).await;
        let seen = async |who: &str, query: &str| -> Vec<String> {
            let said = scene.get(who, &format!("/proposals{query}")).await;
            assert_eq!(said.status, 200, "{}", said.text);
            let items = said.body["items"].as_array().expect("a list").iter();
            items.map(|it| it["standing"].as_str().expect("a word").to_owned()).collect()
        };
        assert_eq!(seen(&root, "").await, ["open", "limited", "declined"]);
        assert_eq!(seen(&root, "?standing=limited").await, ["limited"]);
        assert_eq!(seen(&ada, "").await, ["open"]);
        let wrong = scene.get(&root, "/proposals?standing=odd").await;
        assert_eq!(wrong.status, 400);
    }
}
