//! Looks how everything stands that Trueline filed. What a forge does not show is never taken for gone: what was known
//! of it is kept, and it is said that nobody could look.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::board::{Board, Line, Standing, Unseen};
use super::file::{Waiting, waiting_filings};
use super::others::others;
use crate::action::Ports;
use crate::causes::chain;
use crate::engine::filing::Place;
use crate::forge::{Forge, Proposal, ProposalState};
use crate::run::{Run, StepState};
use crate::store::{self, Store, StoreError};

/// How many of what was declined, merged or closed in one repository are shown, the newest of each.
pub(super) const MOST_SETTLED: usize = 50;

/// What markers of requests begin with.
const REQUESTS: &str = "trueline-request/";

/// What was found before and does not change, so that it is asked for once.
#[derive(Debug, Default)]
pub struct Known {
    /// By repository and number.
    settled: BTreeMap<(String, u64), Proposal>,
    /// By repository and number: of which head, and whether somebody else committed to it.
    edited: BTreeMap<(String, u64), (String, bool)>,
    /// What was shown of each repository last.
    shown: BTreeMap<String, Shown>,
    /// What was open in the catalog's repository and was not filed by a run, by number.
    pub(super) watched: BTreeSet<u64>,
}

impl Known {
    /// Goes on from what was shown before, so that what was settled meanwhile is found.
    pub(super) fn seed(&mut self, board: &Board) {
        let own = |line: &&Line| Some(&line.repository) == board.catalog.as_ref();
        let lines = board.lines.iter().chain(&board.others).filter(own);
        self.watched.extend(lines.filter_map(|line| line.number));
    }
}

/// What is shown of one repository.
#[derive(Clone, Debug, Default)]
struct Shown {
    lines: Vec<Line>,
    others: Vec<Line>,
}

/// What was filed in one repository.
pub(super) type Filed = BTreeMap<u64, store::Proposal>;

/// Looks at all repositories that something was filed in, and at the catalog's own.
pub async fn gather(
    store: &dyn Store,
    ports: &Ports,
    catalog: Option<&str>,
    known: &mut Known,
) -> Result<Board, StoreError> {
    let mut board = Board::default();
    let mut places: BTreeMap<String, (Place, Filed)> = BTreeMap::new();
    let mut rows: BTreeMap<String, Filed> = BTreeMap::new();
    for row in store.proposals().await? {
        rows.entry(row.repository.clone()).or_default().insert(row.number, row);
    }
    if let Some(catalog) = catalog {
        rows.entry(catalog.to_owned()).or_default();
    }
    for (repository, filed) in rows {
        let is_catalog = Some(repository.as_str()) == catalog;
        let place = Place::find(ports, &repository).await;
        match place.and_then(|place| place.map(Place::for_looks).transpose()) {
            Ok(None) if filed.is_empty() => {}
            Ok(None) => {
                let why = "it can't be opened as a repository here".to_owned();
                board.unseen.push(Unseen { repository, why });
            }
            Ok(Some(place)) => {
                let name = place.name().to_owned();
                if is_catalog {
                    board.catalog = Some(name.clone());
                }
                places.entry(name).or_insert((place, Filed::new())).1.extend(filed);
            }
            Err(fault) => board.unseen.push(Unseen { repository, why: fault.message }),
        }
    }
    for (name, (place, filed)) in places {
        let is_catalog = board.catalog.as_ref() == Some(&name);
        let shown = match look(&place, (&filed, is_catalog), store, known).await {
            Ok(shown) => {
                known.shown.insert(name, shown.clone());
                shown
            }
            Err(why) => {
                let shown = known.shown.get(&name).cloned().unwrap_or_default();
                board.unseen.push(Unseen { repository: name, why });
                shown
            }
        };
        board.lines.extend(shown.lines);
        board.others.extend(shown.others);
    }
    board.lines.extend(store.open_runs().await?.iter().flat_map(turns));
    board.lines.extend(waiting_filings(store).await?.into_values().map(unfiled));
    let key = |it: &Line| {
        let service = it.service.clone();
        (it.standing, it.repository.clone(), it.number, it.since, service)
    };
    board.lines.sort_by_key(key);
    board.others.sort_by_key(key);
    Ok(board)
}

fn unfiled(it: Waiting) -> Line {
    Line {
        standing: Standing::Limited,
        repository: it.repository,
        number: None,
        url: None,
        title: it.title,
        by: None,
        service: Some(it.service),
        run: None,
        since: it.since,
        why: Some(it.why),
        ask: None,
    }
}

/// Returns what a run waits for that may not be filed yet.
fn turns(run: &Run) -> Vec<Line> {
    let of = |on: &crate::run::Wait| {
        let text = |name: &str| on.reference.get(name).and_then(Value::as_str);
        Some(Line {
            standing: Standing::Limited,
            repository: text("repository").unwrap_or("(sensitive)").to_owned(),
            number: None,
            url: None,
            title: format!("{} {}", run.change.kind(), run.change.service),
            by: None,
            service: Some(run.change.service.clone()),
            run: Some(run.id.to_string()),
            since: text("since")?.parse().ok()?,
            why: Some(on.told().into_owned()),
            ask: None,
        })
    };
    let waits = run.live().filter_map(|(_, progress)| match &progress.state {
        StepState::Waiting { on } if on.on == "turn" => of(on),
        _ => None,
    });
    waits.collect()
}

/// Looks at one repository.
async fn look(
    place: &Place,
    (filed, is_catalog): (&Filed, bool),
    store: &dyn Store,
    known: &mut Known,
) -> Result<Shown, String> {
    let forge = place.forge(Vec::new());
    let open = forge.list(Some(ProposalState::Open)).await.map_err(|error| chain(&error))?;
    let mut shown = Shown::default();
    let mut answered: BTreeSet<String> = BTreeSet::new();
    for proposal in open.iter().filter(|it| it.is_ours()) {
        known.settled.remove(&(place.name().to_owned(), proposal.number));
        answered.insert(proposal.marker.clone());
        let edited = is_edited((place, &*forge), proposal, known).await?;
        let standing = if edited { Standing::Edited } else { Standing::Open };
        let why = edited.then(|| "somebody else committed to it".to_owned());
        let row = filed.get(&proposal.number);
        let line = line(place, (standing, proposal), row);
        shown.lines.push(asked_for(store, proposal, Line { why, ..line }).await?);
    }
    let (mut declined, mut merged) = (0, 0);
    for (number, row) in filed.iter().rev() {
        if open.iter().any(|it| it.number == *number) {
            continue;
        }
        let proposal = settled((place, &*forge), *number, known).await?;
        if proposal.state == ProposalState::Merged && merged < MOST_SETTLED {
            merged += 1;
            shown.others.push(ended(place, &proposal, Some(row)));
        }
        // The newest of a marker is what counts.
        if !answered.insert(proposal.marker.clone()) || !proposal.is_declined() {
            continue;
        }
        declined += 1;
        if declined > MOST_SETTLED {
            break;
        }
        let ask = Some(format!("trueline apply --service {}", row.service));
        let why = proposal.settled_by.as_ref().map(|by| format!("closed by {by}"));
        let since = proposal.updated_at;
        let line = line(place, (Standing::Declined, &proposal), Some(row));
        shown.lines.push(Line { since, why, ask, ..line });
    }
    if is_catalog {
        let found = others((place, &*forge), (&open, filed), store, known).await?;
        shown.others.extend(found);
    }
    Ok(shown)
}

/// Shows a proposal that was merged, or opened by a person and closed.
pub(super) fn ended(place: &Place, proposal: &Proposal, row: Option<&store::Proposal>) -> Line {
    let (standing, word) = match proposal.state {
        ProposalState::Merged => (Standing::Merged, "merged"),
        _ => (Standing::Closed, "closed"),
    };
    let why = proposal.settled_by.as_ref().map(|by| format!("{word} by {by}"));
    Line { since: proposal.updated_at, why, ..line(place, (standing, proposal), row) }
}

/// Says of the proposal of a request who asked, and for which service.
pub(super) async fn asked_for(
    store: &dyn Store,
    proposal: &Proposal,
    line: Line,
) -> Result<Line, String> {
    let Some(id) = proposal.marker.strip_prefix(REQUESTS) else { return Ok(line) };
    let request = store.service_request(id).await.map_err(|error| chain(&error))?;
    let Some(request) = request else { return Ok(line) };
    let run = line.run.clone().or(request.progress.run);
    Ok(Line { by: Some(request.by), service: Some(request.service), run, ..line })
}

pub(super) fn line(
    place: &Place,
    (standing, proposal): (Standing, &Proposal),
    row: Option<&store::Proposal>,
) -> Line {
    Line {
        standing,
        repository: place.name().to_owned(),
        number: Some(proposal.number),
        url: place.url(proposal.number),
        title: proposal.title.clone(),
        by: (!proposal.is_ours()).then(|| proposal.author.clone()),
        service: row.map(|row| row.service.clone()),
        run: row.and_then(|row| Some(row.run.as_ref()?.to_string())),
        since: proposal.created_at,
        why: None,
        ask: None,
    }
}

/// Returns a proposal that is not open; one that is settled stays as it is, unless it is opened again.
pub(super) async fn settled(
    (place, forge): (&Place, &dyn Forge),
    number: u64,
    known: &mut Known,
) -> Result<Proposal, String> {
    let key = (place.name().to_owned(), number);
    if let Some(found) = known.settled.get(&key) {
        return Ok(found.clone());
    }
    let found = forge.find(number).await.map_err(|error| chain(&error))?;
    if found.state != ProposalState::Open {
        known.settled.insert(key, found.clone());
    }
    Ok(found)
}

async fn is_edited(
    (place, forge): (&Place, &dyn Forge),
    proposal: &Proposal,
    known: &mut Known,
) -> Result<bool, String> {
    let key = (place.name().to_owned(), proposal.number);
    if let Some((_, edited)) = known.edited.get(&key).filter(|(head, _)| *head == proposal.head) {
        return Ok(*edited);
    }
    let edited = forge.is_edited(proposal).await.map_err(|error| chain(&error))?;
    known.edited.insert(key, (proposal.head.clone(), edited));
    Ok(edited)
}
