//! Files proposals to the catalog's own repository, whatever forge that is on, within the bounds of what is filed.
//! What a person pushed to, it leaves alone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::renew::Looked;
use crate::causes::chain;
use crate::daemon::daemon::Daemon;
use crate::daemon::error::TickError;
use crate::engine::filing::{Filing, Place, Pushed};
use crate::reconcile::Plan;
use crate::source::{Mirror, Source, SourceError};
use crate::store::{self, Store, StoreError};

/// What is remembered of what waits to be filed.
const WAITS: &str = "outgoing/waits";

/// After filing failed, how long it is not tried again.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);

/// Something that is to be filed, and may not be yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The repository.
    pub repository: String,
    /// The service that it is for.
    pub service: String,
    /// Its title.
    pub title: String,
    /// Why not yet.
    pub why: String,
    /// Since when.
    pub since: Timestamp,
}

/// What is kept of filing from tick to tick.
#[derive(Debug, Default)]
pub(in crate::daemon) struct Outgoing {
    /// What waits to be filed, by marker; nothing before it was read.
    waits: Option<BTreeMap<String, Waiting>>,
    /// What of it is on disk.
    saved: BTreeMap<String, Waiting>,
    /// When it is tried again after it failed.
    again: Option<Timestamp>,
    /// What was looked after last, by kind.
    pub(super) looked: BTreeMap<&'static str, Looked>,
}

/// What came of filing something.
pub(in crate::daemon) enum Filed {
    /// It is filed.
    Opened(store::Proposal),
    /// It waits for its turn.
    Waits,
}

/// Reads what waits to be filed in the catalog's repository.
pub async fn waiting_filings(store: &dyn Store) -> Result<BTreeMap<String, Waiting>, StoreError> {
    let note = store.review_note(WAITS).await?;
    Ok(note.and_then(|note| serde_json::from_value(note).ok()).unwrap_or_default())
}

impl Daemon {
    /// Finds the forge of the catalog's repository, unless it failed a moment ago; nothing where it has none.
    pub(in crate::daemon) async fn catalog_place(&self) -> Result<Option<Place>, String> {
        let mirror = self.source.as_ref().and_then(Source::mirror);
        let Some(location) = mirror.map(|mirror| mirror.location().to_string()) else {
            return Ok(None);
        };
        let now = self.driver.engine.clock.now();
        if let Some(again) = self.outgoing.again.filter(|again| *again > now) {
            return Err(format!("it is tried again at {again:.0}"));
        }
        let place = Place::find(&self.driver.engine.ports, &location).await;
        place.map_err(|fault| fault.message)
    }

    /// Remembers whether filing worked; where it did not, it is left for a while.
    pub(in crate::daemon) fn tried<T>(&mut self, what: &Result<T, String>) {
        let now = self.driver.engine.clock.now();
        self.outgoing.again = match what {
            Ok(_) => self.outgoing.again.filter(|again| *again > now),
            Err(_) => self.outgoing.again.filter(|again| *again > now).or(Some(now + PAUSE)),
        };
    }

    /// Files a proposal, or has it wait for its turn.
    pub(in crate::daemon) async fn file(
        &mut self,
        place: &Place,
        filing: Filing,
        service: &str,
    ) -> Result<Filed, String> {
        let engine = self.driver.engine.clone();
        let now = engine.clock.now();
        let waits = self.waits().await.map_err(|error| chain(&error))?;
        let since = waits.get(&filing.marker).map(|known| known.since);
        let quota = &engine.ports.operator.proposals;
        let admitted = place.admit(quota, (&filing.marker, since), now).await;
        if let Some(full) = admitted.map_err(|error| chain(&error))? {
            let (repository, title) = (place.name().to_owned(), filing.title);
            let (service, why, since) = (service.to_owned(), full.why, full.since);
            let wait = Waiting { repository, service, title, why, since };
            self.waits().await.map_err(|error| chain(&error))?.insert(filing.marker, wait);
            return Ok(Filed::Waits);
        }
        let pushed = self.at_place(place, &filing, move |it, mirror| it.push(mirror, now)).await?;
        if pushed == Pushed::Theirs {
            let branch = &filing.branch;
            return Err(format!(
                "somebody else pushed to `{branch}`; delete the branch to have it proposed again"
            ));
        }
        let number = self.propose(place, &filing).await?;
        self.waits().await.map_err(|error| chain(&error))?.remove(&filing.marker);
        let (repository, service) = (place.location().to_owned(), service.to_owned());
        Ok(Filed::Opened(store::Proposal { repository, number, run: None, step: None, service }))
    }

    /// Opens the proposal of a branch that was pushed, or brings it up to date; returns its number.
    pub(super) async fn propose(&self, place: &Place, filing: &Filing) -> Result<u64, String> {
        let mirror = self.source.as_ref().and_then(Source::mirror).ok_or("it has no repository")?;
        let now = self.driver.engine.clock.now();
        let new = filing.clone().proposal(mirror.branch().to_owned(), now);
        let opened = place.forge(vec![filing.branch.clone()]).open(new).await;
        opened.map(|opened| opened.number).map_err(|error| chain(&error))
    }

    /// Works at the catalog's repository as one who may push to it, on a thread that may wait for the network.
    pub(super) async fn at_place(
        &self,
        place: &Place,
        filing: &Filing,
        work: impl FnOnce(&Filing, &Mirror) -> Result<Pushed, SourceError> + Send + 'static,
    ) -> Result<Pushed, String> {
        let token = place.token().await.map_err(|fault| fault.message)?;
        let mirror = self.source.as_ref().and_then(Source::mirror).ok_or("it has no repository")?;
        let mirror = token.map_or_else(|| mirror.twin(), |token| mirror.with_token(token));
        let (mirror, filing) = (mirror.map_err(|error| chain(&error))?, filing.clone());
        let done = tokio::task::spawn_blocking(move || work(&filing, &mirror)).await;
        done.map_err(|_| "it was stopped".to_owned())?.map_err(|error| chain(&error))
    }

    /// Lets go of what nobody wants to file any more, and writes down what waits.
    pub(in crate::daemon) async fn keep_waits(&mut self, plan: &Plan) -> Result<(), TickError> {
        if self.waits().await?.is_empty() && self.outgoing.saved.is_empty() {
            return Ok(());
        }
        let mut wanted: BTreeSet<String> = self.expired_markers(plan);
        wanted.extend(self.drift_markers(plan).await?);
        let waits = self.waits().await?;
        waits.retain(|marker, _| wanted.contains(marker));
        let waits = waits.clone();
        if waits == self.outgoing.saved {
            return Ok(());
        }
        let engine = &self.driver.engine;
        let note = (!waits.is_empty()).then(|| json!(waits));
        engine.store.note_review(&engine.lease, WAITS, note.as_ref()).await?;
        self.outgoing.saved = waits;
        Ok(())
    }

    async fn waits(&mut self) -> Result<&mut BTreeMap<String, Waiting>, StoreError> {
        if self.outgoing.waits.is_none() {
            let read = waiting_filings(&*self.driver.engine.store).await?;
            self.outgoing.saved.clone_from(&read);
            self.outgoing.waits = Some(read);
        }
        Ok(self.outgoing.waits.get_or_insert_default())
    }
}
