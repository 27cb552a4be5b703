//! One proposal in a list: what the daemon saw of it last, and who sees it. It asks no forge.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::daemon::outgoing::{BOARD, Board, Line, Standing};
use crate::digest::Digest;
use crate::serve::api::app::App;
use crate::serve::auth::{Kind, Principal, Verb};
use crate::serve::problem::Problem;

/// Letters of a repository's digest that a name begins with.
const LETTERS: usize = 12;

/// One proposal.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProposalLine {
    /// Its name here: `GET /proposals/{id}`. Absent before it is filed.
    id: Option<String>,
    /// `open`, `edited` (somebody else committed to it), `limited` (it waits for its turn), `declined`, `merged`, or `closed` (a
    /// person's, which was closed).
    #[schema(value_type = String, example = "open")]
    standing: Standing,
    /// The repository that it is filed in.
    repository: String,
    /// Its number there; absent before it is filed.
    number: Option<u64>,
    /// Where people see it, where that is elsewhere.
    url: Option<String>,
    title: String,
    /// Who opened it, or asked for it; absent where Trueline did by itself.
    by: Option<String>,
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
    pub(super) fn of(line: &Line) -> Self {
        Self {
            id: name_of(line),
            standing: line.standing,
            repository: line.repository.clone(),
            number: line.number,
            url: line.url.clone(),
            title: line.title.clone(),
            by: line.by.clone(),
            service: line.service.clone(),
            run: line.run.clone(),
            since: line.since.to_string(),
            why: line.why.clone(),
            ask: line.ask.clone(),
        }
    }
}

/// Names a proposal: its repository and its number.
pub(super) fn name_of(line: &Line) -> Option<String> {
    let digest = Digest::of_bytes(line.repository.as_bytes()).to_string();
    let plain = digest.rsplit(':').next().unwrap_or_default();
    Some(format!("{}-{}", plain.get(..LETTERS)?, line.number?))
}

/// What the daemon saw last, with the teams of its services.
pub(super) struct Seen {
    pub(super) board: Board,
    teams: BTreeMap<String, String>,
}

impl Seen {
    /// Reads it.
    pub(super) async fn read(app: &App) -> Result<Self, Problem> {
        let note = app.store().review_note(BOARD).await?;
        let note = note.and_then(|note| serde_json::from_value(note).ok());
        let board: Board = note.unwrap_or_default();
        let teams = teams(app, &board).await?;
        Ok(Self { board, teams })
    }

    /// Returns all proposals, settled ones last.
    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.board.lines.iter().chain(&self.board.others)
    }

    /// Returns the team that one is of.
    pub(super) fn team(&self, line: &Line) -> Option<&str> {
        self.teams.get(line.service.as_ref()?).map(String::as_str)
    }

    /// What is of no service that is known is seen by those who see all, and by who asked for it.
    pub(super) fn shows(&self, line: &Line, who: &Principal) -> bool {
        if who.may_everywhere(Verb::Read, Kind::Run) {
            return true;
        }
        match self.team(line) {
            Some(team) => who.may(Verb::Read, Kind::Run, Some(team)),
            None => line.service.is_some() && line.by.as_ref() == Some(&who.actor.name),
        }
    }
}

/// Finds the teams of services: as the catalog says, or as their newest runs say.
async fn teams(app: &App, board: &Board) -> Result<BTreeMap<String, String>, Problem> {
    let published = app.looked();
    let mut teams = BTreeMap::new();
    let mut gone: Vec<String> = Vec::new();
    let services = board.lines.iter().chain(&board.others);
    for service in services.filter_map(|line| line.service.as_ref()) {
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
