//! Brings files to a branch through a proposal: opened once, kept up to date, waited for. It never touches a branch
//! that a person pushed to.

use std::sync::Arc;

use git2::Oid;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::answer::Standing;
use super::branch::{self, Built, build};
use super::config::{Proposing, WaitFor, Work};
use super::edits::edits;
use super::forges::{forge_of, url_of};
use super::pushed::{EMAIL, NAME};
use super::target::{PATIENCE, Turn, blocking, fault, forge_fault, head, turn};
use crate::action::{Outcome, github};
use crate::forge::{Asker, Forge, Full, NewProposal, Proposal, ProposalState};
use crate::reconcile::Observation;
use crate::run::{Fault, FaultClass, Wait};

/// What a step waits for that may not file its proposal yet.
pub(super) const TURN: &str = "turn";

/// Tells whether what is waited for takes files away.
pub(super) fn is_undo(on: &Wait) -> bool {
    on.reference.get("undo") == Some(&Value::Bool(true))
}

/// Opens a proposal, or brings the open one up to date; waits for its turn where too many are filed.
pub(super) async fn propose(work: &Arc<Work>, since: Option<Timestamp>) -> Result<Outcome, Fault> {
    let Some(proposing) = &work.proposal else {
        return Err(Fault::terminal("no pull request is asked for"));
    };
    let forge = forge(work)?;
    let turn = turn(&work.place).await;
    let known = forge.find_by_marker(&work.marker).await.map_err(|error| forge_fault(&error))?;
    if let Some(known) = &known
        && known.body.ends_with(&signed(work))
    {
        match known.state {
            ProposalState::Merged => return merged(work, known, turn).await,
            ProposalState::Closed if !is_withdrawn(known) => return Err(declined(work, known)),
            _ => {}
        }
    }
    let open = known.clone().filter(|known| known.state == ProposalState::Open);
    let full = match open {
        Some(_) => None,
        None => admit(&*forge, work, since).await?,
    };
    let (job, asked, may_file) = (Arc::clone(work), open.clone(), full.is_none());
    let (turn, built) = blocking(turn, move || build(&job, asked.as_ref(), may_file)).await?;
    match built {
        Built::Held => Ok(turn_of(work, full)),
        Built::There { standing, withdraw } => {
            if let Some(open) = open.filter(|_| withdraw) {
                let closed = forge.close(open.number, &author(), Timestamp::now()).await;
                closed.map_err(|error| forge_fault(&error))?;
            }
            let proposal = known
                .filter(|known| known.state == ProposalState::Merged)
                .map(|known| (known.number, url_of(&work.place, known.number), true));
            Standing { proposal, ..standing }.answer(work)
        }
        Built::Branch { name, standing } => {
            let proposal = open_on(&*forge, work, proposing, name).await?;
            opened(work, proposing, &proposal, (standing, turn)).await
        }
    }
}

/// Asks whether one more proposal may be filed; says why not.
async fn admit(
    forge: &dyn Forge,
    work: &Work,
    since: Option<Timestamp>,
) -> Result<Option<Full>, Fault> {
    let place = work.place.location.to_string();
    let is_here = work.place.hub.is_none();
    let asker = Asker { place: &place, marker: &work.marker, since, is_here };
    let admitted = work.place.quota.admit(forge, asker, Timestamp::now()).await;
    admitted.map_err(|error| forge_fault(&error))
}

/// Waits for the turn to file a proposal; nothing is outside yet.
fn turn_of(work: &Work, full: Option<Full>) -> Outcome {
    let (why, since) = full.map_or_else(
        || (String::new(), Timestamp::now()),
        |Full { why, since }| (format!(": {why}"), since),
    );
    let repository = &work.place.repository;
    let what = format!("its turn to open a {} in {repository}{why}", work.place.word());
    let mut reference = Map::new();
    reference.insert("repository".to_owned(), json!(repository));
    reference.insert("since".to_owned(), json!(since));
    if work.undo {
        reference.insert("undo".to_owned(), json!(true));
    }
    Outcome::Waiting { on: Wait { on: TURN.to_owned(), reference: Value::Object(reference), what } }
}

/// Looks whether the proposal that a step waits for was merged, or may be filed by now.
pub(super) async fn look(work: &Arc<Work>, on: &Wait) -> Result<Outcome, Fault> {
    if on.on == TURN {
        let since = on.reference.get("since").and_then(Value::as_str);
        return propose(work, since.and_then(|since| since.parse().ok())).await;
    }
    let number = on.reference.get("number").and_then(Value::as_u64);
    let number = number.ok_or_else(|| Fault::terminal("what is waited for has no number"))?;
    // What GitHub does not show now may be shown again: a wait ends by what is seen.
    let patient = |fault: Fault| match &work.place.hub {
        Some(_) => Fault { class: FaultClass::Transient, ..fault },
        None => fault,
    };
    let proposal = read(work, number).await.map_err(patient)?;
    match proposal.state {
        ProposalState::Open => Ok(Outcome::Waiting { on: on.clone() }),
        ProposalState::Closed => Err(declined(work, &proposal)),
        ProposalState::Merged => merged(work, &proposal, turn(&work.place).await).await,
    }
}

/// Says what is to be seen of a step whose proposal was not merged; nothing where it was, or where there was none.
pub(super) async fn unmerged(work: &Work, result: &Value) -> Result<Option<Observation>, Fault> {
    let number = result.get("number").and_then(Value::as_u64);
    let Some(number) = number.filter(|_| result.get("state") == Some(&json!("open"))) else {
        return Ok(None);
    };
    let proposal = read(work, number).await?;
    Ok(match proposal.state {
        ProposalState::Open => Some(Observation::Same),
        ProposalState::Merged => None,
        ProposalState::Closed => {
            Some(Observation::Unknown { reason: declined(work, &proposal).message })
        }
    })
}

async fn read(work: &Work, number: u64) -> Result<Proposal, Fault> {
    forge(work)?.find(number).await.map_err(|error| forge_fault(&error))
}

fn forge(work: &Work) -> Result<Box<dyn Forge>, Fault> {
    forge_of(&work.place, branch::names(work))
}

async fn open_on(
    forge: &dyn Forge,
    work: &Work,
    proposing: &Proposing,
    branch: String,
) -> Result<Proposal, Fault> {
    let new = NewProposal {
        title: proposing.title.clone(),
        body: format!("{}{}", proposing.body, signed(work)),
        author: author(),
        source_branch: branch,
        base_branch: work.place.branch.clone(),
        marker: work.marker.clone(),
        at: Timestamp::now(),
        asked: proposing.asked.clone(),
    };
    let opened = forge.open(new).await.map_err(|error| forge_fault(&error))?;
    if !proposing.auto_merge {
        return Ok(opened);
    }
    let merged = forge.merge_when_ready(opened.number, &author(), Timestamp::now()).await;
    merged.map_err(|error| forge_fault(&error))
}

/// Ends the step or waits, as `waitFor` says.
async fn opened(
    work: &Arc<Work>,
    proposing: &Proposing,
    proposal: &Proposal,
    (standing, turn): (Standing, Turn),
) -> Result<Outcome, Fault> {
    let number = proposal.number;
    if proposal.state == ProposalState::Merged {
        return merged(work, proposal, turn).await;
    }
    if proposing.wait_for == WaitFor::Opened {
        let proposal = Some((number, url_of(&work.place, number), false));
        return Standing { proposal, ..standing }.answer(work);
    }
    let repository = &work.place.repository;
    let mut reference = Map::new();
    reference.insert("repository".to_owned(), json!(repository));
    reference.insert("number".to_owned(), json!(number));
    if work.undo {
        reference.insert("undo".to_owned(), json!(true));
    }
    if let Some(hub) = &work.place.hub {
        let name = hub.client.repository().to_string();
        let about = github::about(&name, ("pull", number));
        reference.insert("about".to_owned(), json!(about));
    }
    let word = work.place.word();
    let what = format!("{word} {number} in {repository} to be merged");
    Ok(Outcome::Waiting {
        on: Wait { on: "proposal".to_owned(), reference: Value::Object(reference), what },
    })
}

/// Ends a step whose proposal was merged.
async fn merged(work: &Arc<Work>, proposal: &Proposal, turn: Turn) -> Result<Outcome, Fault> {
    let job = Arc::clone(work);
    let (_, edits) = blocking(turn, move || {
        let place = &job.place;
        let mut mirror = place.open(&place.branch, PATIENCE).map_err(|error| fault(&error))?;
        let head: Option<Oid> = head(&mut mirror).map_err(|error| fault(&error))?;
        let mut wanted = job.wanted.clone();
        wanted.strict = false;
        edits(mirror.repository(), head, &wanted)
    })
    .await?;
    let commit = proposal.merge_commit.clone().unwrap_or_else(|| proposal.head.clone());
    let proposal = Some((proposal.number, url_of(&work.place, proposal.number), true));
    Standing { commit: Some(commit), edits, proposal }.answer(work)
}

/// Returns what ends the body of a proposal, so that it is known which run asked for it.
fn signed(work: &Work) -> String {
    signature(&work.key)
}

/// Returns what ends the body of a proposal that was asked for under a key.
pub(super) fn signature(key: &str) -> String {
    format!("\n\n<!-- Trueline-Key: {key} -->")
}

/// Who files proposals.
pub(super) fn author() -> String {
    format!("{NAME} <{EMAIL}>")
}

/// Tells whether we closed a proposal ourselves, because it had become unnecessary.
fn is_withdrawn(proposal: &Proposal) -> bool {
    proposal.settled_by.as_deref() == Some(author().as_str())
}

fn declined(work: &Work, proposal: &Proposal) -> Fault {
    let by = proposal.settled_by.as_deref();
    let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
    Fault::terminal(format!(
        "{} {} in {} was declined{by}; change the service, or ask again with `trueline apply --service {}`",
        work.place.word(),
        proposal.number,
        work.place.repository,
        work.service
    ))
}
