//! Takes back a proposal that nobody wants any more. It never touches one that a person pushed to, or that another
//! run has taken up.

use git2::Oid;
use jiff::Timestamp;
use serde_json::Value;

use super::branch;
use super::config::marker_of_step;
use super::forges::forge_of;
use super::propose::{author, signature};
use super::reach::Reach;
use super::target::{PATIENCE, Place, Turn, blocking, fault, forge_fault, head, turn};
use crate::action::{Call, Ports, Withdrawn};
use crate::forge::{Proposal, ProposalState};
use crate::run::{Fault, Wait};

const WHY: &str = "Trueline withdrew this: the catalog no longer asks for it.";

/// Closes the proposal that a step waited for, where it is ours alone.
pub(super) async fn withdraw(ports: &Ports, call: &Call, on: &Wait) -> Result<Withdrawn, Fault> {
    let repository = on.reference.get("repository").and_then(Value::as_str);
    let number = on.reference.get("number").and_then(Value::as_u64);
    let (Some(repository), Some(number)) = (repository, number) else {
        return Ok(Withdrawn::Nothing);
    };
    let reach = Reach::to(ports, std::iter::once(repository)).await?;
    let place = Place::read(repository, "main", &reach)?;
    let turn = turn(&place).await;
    if place.hub.is_none() && place.location.local_path().is_none() {
        return Ok(Withdrawn::Nothing);
    }
    let forge = forge_of(&place, Vec::new())?;
    let proposal = forge.find(number).await.map_err(|error| forge_fault(&error))?;
    if proposal.state != ProposalState::Open || !proposal.body.ends_with(&signature(&call.key)) {
        return Ok(Withdrawn::Nothing);
    }
    let place = Place { branch: proposal.base_branch.clone(), ..place };
    let (turn, ours) = is_ours(turn, place, call, &proposal).await?;
    if !ours {
        let why = format!("somebody else pushed to `{}`", proposal.source_branch);
        return Ok(Withdrawn::Left { why });
    }
    let closed = forge.withdraw(number, &author(), WHY, Timestamp::now()).await;
    drop(turn);
    closed.map(|_| Withdrawn::Done).map_err(|error| forge_fault(&error))
}

/// Tells whether nobody but us pushed to the branch of a proposal.
async fn is_ours(
    turn: Turn,
    place: Place,
    call: &Call,
    proposal: &Proposal,
) -> Result<(Turn, bool), Fault> {
    let marker = marker_of_step(&call.marker).to_owned();
    let source = proposal.source_branch.clone();
    blocking(turn, move || {
        let told = |error| fault(&error);
        let mut mirror = place.open(&place.branch, PATIENCE).map_err(told)?;
        let base: Option<Oid> = head(&mut mirror).map_err(told)?;
        let Some(base) = base else { return Ok(false) };
        branch::is_free(&branch::tip(&place, &source)?, &marker, base)
    })
    .await
}
