//! The forge of this machine, for a proposal that the daemon saw there. A path is never taken from who asks.

use axum::http::StatusCode;

use super::line::{Seen, name_of};
use crate::causes::chain;
use crate::daemon::outgoing::Line;
use crate::forge::{ForgeError, LocalForge};
use crate::serve::api::app::App;
use crate::serve::auth::Principal;
use crate::serve::problem::Problem;

/// A proposal that somebody can see.
pub(super) struct Found {
    pub(super) line: Line,
    pub(super) team: Option<String>,
    /// It is in the catalog's repository, whose proposals are reviewed.
    pub(super) of_catalog: bool,
    /// The forge of this machine and its number there; nothing where it is elsewhere.
    pub(super) here: Option<(LocalForge, u64)>,
}

/// Finds one by its name.
pub(super) async fn found(app: &App, who: &Principal, id: &str) -> Result<Found, Problem> {
    let seen = Seen::read(app).await?;
    let line = seen.lines().find(|line| name_of(line).as_deref() == Some(id));
    let line = line.filter(|line| seen.shows(line, who));
    let line = line.cloned().ok_or_else(|| Problem::missing("proposal", id))?;
    let is_here = line.url.is_none() && line.repository.starts_with('/');
    let here = match line.number.filter(|_| is_here) {
        Some(number) => Some((LocalForge::open_at(&line.repository).map_err(refused)?, number)),
        None => None,
    };
    let team = seen.team(&line).map(str::to_owned);
    let of_catalog = seen.board.catalog.as_ref() == Some(&line.repository);
    Ok(Found { line, team, of_catalog, here })
}

/// Says what a forge refuses.
pub(super) fn refused(error: ForgeError) -> Problem {
    match error {
        ForgeError::Unknown { number } => Problem::missing("proposal", &number.to_string()),
        ForgeError::Settled { .. }
        | ForgeError::Conflict { .. }
        | ForgeError::Moved { .. }
        | ForgeError::MissingBranch { .. }
        | ForgeError::NothingToPropose { .. } => Problem::conflict(error.to_string()),
        other => {
            tracing::warn!("a proposal can't be looked at: {}", chain(&other));
            let detail = "its repository can't be used just now; the log of the server says why";
            Problem::later(StatusCode::SERVICE_UNAVAILABLE, "forge", detail, 5)
        }
    }
}
