//! What a person says on a proposal of this machine's forge: that it may be merged, that it is to change, that it is merged or
//! closed now. Who merges binds it to the head that they saw, and to what its checks say.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::forge::{Found, found, refused};
use crate::forge::{
    CheckState, ForgeRead as _, ForgeWrite as _, LocalForge, Opinion, Proposal, ProposalState,
};
use crate::serve::api::app::App;
use crate::serve::api::extract::{Json, Plain};
use crate::serve::api::words::demand_reason;
use crate::serve::auth::{Kind, Principal, Verb, Who};
use crate::serve::problem::{Problem, shortened};

/// The checks that every proposal of the catalog has once it was looked at.
const CHECKS: [&str; 2] = ["trueline/validate", "trueline/plan"];

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(say))
}

/// What is said on a proposal.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProposalWord {
    /// The head that it is about: with `approve`, `request-changes` and `merge`.
    #[serde(default)]
    head: Option<String>,
    /// What is said to it; with `request-changes`, `comment` and `close` it has to stand there.
    #[serde(default)]
    #[schema(max_length = 2000)]
    reason: String,
}

/// What came of a word on a proposal.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProposalSaid {
    /// `open`, `merged` or `closed`.
    #[schema(value_type = String, example = "merged")]
    state: ProposalState,
    /// The commit that brought it onto its base branch.
    #[serde(rename = "mergeCommit")]
    merge_commit: Option<String>,
}

/// A word that can be said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Say {
    Approve,
    RequestChanges,
    Comment,
    Merge,
    Close,
}

impl Say {
    fn read(word: &str) -> Result<Self, Problem> {
        Ok(match word {
            "approve" => Self::Approve,
            "request-changes" => Self::RequestChanges,
            "comment" => Self::Comment,
            "merge" => Self::Merge,
            "close" => Self::Close,
            other => return Err(Problem::missing("word", &shortened(other))),
        })
    }

    fn told(self) -> &'static str {
        match self {
            Self::Approve => "proposal.approve",
            Self::RequestChanges => "proposal.request-changes",
            Self::Comment => "proposal.comment",
            Self::Merge => "proposal.merge",
            Self::Close => "proposal.close",
        }
    }

    /// What somebody needs for it.
    fn right(self) -> (Verb, Kind) {
        match self {
            Self::Merge | Self::Close => (Verb::Operate, Kind::Catalog),
            _ => (Verb::Approve, Kind::Plan),
        }
    }

    fn is_bound(self) -> bool {
        !matches!(self, Self::Comment | Self::Close)
    }

    fn says_why(self) -> bool {
        !matches!(self, Self::Approve | Self::Merge)
    }
}

/// Says a word on a proposal of this machine's forge, in your name: `approve`, `request-changes`, `comment`, `merge` or `close`.
/// `GET /proposals/{id}` lists which of them are possible. One whose checks do not pass is not merged here.
#[utoipa::path(
    post, path = "/proposals/{id}/{word}", tag = "proposals", operation_id = "sayOnProposal",
    params(
        ("id" = String, Path, description = "Name of the proposal, as lists tell it"),
        ("word" = String, Path, description = "`approve`, `request-changes`, `comment`, `merge` or `close`"),
    ),
    request_body = ProposalWord,
    responses((status = 200, description = "It was said", body = ProposalSaid)),
)]
async fn say(
    State(app): State<App>,
    Who(who): Who,
    Path((id, word)): Path<(String, String)>,
    Plain(_): Plain,
    Json(said): Json<ProposalWord>,
) -> Result<Response, Problem> {
    who.demand(Verb::Approve, Kind::Plan)?;
    let said = said?;
    let word = Say::read(&word)?;
    let found = found(&app, &who, &id).await?;
    let (verb, kind) = word.right();
    who.demand_of(verb, kind, found.team.as_deref())?;
    if word.says_why() || said.reason.len() > 2000 {
        demand_reason(&said.reason)?;
    }
    let Some((forge, number)) = &found.here else {
        let detail = "it is on a forge elsewhere: say it there, where you are known";
        return Err(Problem::conflict(detail));
    };
    let proposal = forge.find(*number).await.map_err(refused)?;
    fits(word, &said, &proposal)?;
    if word == Say::Merge {
        passes((forge, &proposal), &found).await?;
    }
    let detail = json!({
        "repository": found.line.repository, "number": number, "title": proposal.title,
        "service": found.line.service, "head": proposal.head, "reason": said.reason,
    });
    // Told first: whoever said it is known, whatever happens next.
    app.store().tell(&who.actor, app.now(), (word.told(), &detail)).await?;
    let after = done(&app, (word, &said.reason), (forge, &proposal), &who).await?;
    let wire = ProposalSaid { state: after.state, merge_commit: after.merge_commit };
    Ok(axum::Json(wire).into_response())
}

/// Refuses a word on something that is settled, or is no longer as it was seen.
fn fits(word: Say, said: &ProposalWord, proposal: &Proposal) -> Result<(), Problem> {
    if proposal.state != ProposalState::Open && word != Say::Comment {
        return Err(Problem::conflict(format!("it is {} already", proposal.state)));
    }
    match &said.head {
        None if word.is_bound() => {
            Err(Problem::unfit("/head", "name the head that you saw: the word is bound to it"))
        }
        Some(head) if *head != proposal.head => Err(Problem::conflict(
            "somebody pushed to it since you looked: look again, and say it of what is there now",
        )),
        _ => Ok(()),
    }
}

/// Refuses to merge what its checks hold up, or what was not checked.
async fn passes((forge, proposal): (&LocalForge, &Proposal), found: &Found) -> Result<(), Problem> {
    let checks = forge.checks(&proposal.head).await.map_err(refused)?;
    let is_good = |state: CheckState| matches!(state, CheckState::Success | CheckState::Neutral);
    if let Some(check) = checks.iter().find(|check| !is_good(check.state)) {
        let detail = format!("`{}` is in the way: {}", check.name, check.title);
        return Err(Problem::conflict(detail));
    }
    let missing = CHECKS.into_iter().find(|name| !checks.iter().any(|it| it.name == *name));
    match missing.filter(|_| found.of_catalog) {
        Some(name) => Err(Problem::conflict(format!(
            "`{name}` was not made for it yet: wait a moment, and look again"
        ))),
        None => Ok(()),
    }
}

async fn done(
    app: &App,
    (word, reason): (Say, &str),
    (forge, proposal): (&LocalForge, &Proposal),
    who: &Principal,
) -> Result<Proposal, Problem> {
    let (number, by, now) = (proposal.number, who.actor.name.as_str(), app.now());
    let opinion = match word {
        Say::Merge => return forge.merge(number, by, now).await.map_err(refused),
        Say::Close if reason.trim().is_empty() => {
            return forge.close(number, by, now).await.map_err(refused);
        }
        Say::Close => return forge.withdraw(number, by, reason, now).await.map_err(refused),
        Say::Approve => Some(Opinion::Approved),
        Say::RequestChanges => Some(Opinion::ChangesRequested),
        Say::Comment => None,
    };
    if !reason.trim().is_empty() {
        forge.say(number, (by, reason), now).await.map_err(refused)?;
    }
    if let Some(opinion) = opinion {
        let review = forge.give_opinion(number, (by, opinion), now).await.map_err(refused)?;
        if review.head != proposal.head {
            let back = (by, Opinion::Dismissed);
            forge.give_opinion(number, back, now).await.map_err(refused)?;
            let detail = "somebody pushed to it just now: look again, and say it of what is there";
            return Err(Problem::conflict(detail));
        }
    }
    forge.find(number).await.map_err(refused)
}
