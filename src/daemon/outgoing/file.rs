//! Files proposals to the catalog's own repository, whatever forge that is on, within the bounds of what is filed.
//! What a person pushed to, it leaves alone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::forges::Desk;
use crate::daemon::daemon::Daemon;
use crate::daemon::error::TickError;
use crate::daemon::filing::Filing;
use crate::daemon::look::chain;
use crate::forge::{Asker, Forge};
use crate::reconcile::Plan;
use crate::run::Fault;
use crate::source::Source;
use crate::store::{self, Store, StoreError};

/// What is remembered of what waits to be filed.
const WAITS: &str = "outgoing/waits";

/// After filing failed, how long it is not tried again.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);

/// For how long a forge elsewhere is known to have no room.
const ELSEWHERE: Duration = if cfg!(test) { Duration::ZERO } else { Duration::from_secs(30) };

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
    pub(in crate::daemon) async fn catalog_desk(&self) -> Result<Option<CatalogDesk>, String> {
        let mirror = self.source.as_ref().and_then(Source::mirror);
        let Some(location) = mirror.map(|mirror| mirror.location().to_string()) else {
            return Ok(None);
        };
        let now = self.driver.engine.clock.now();
        if let Some(again) = self.outgoing.again.filter(|again| *again > now) {
            return Err(format!("it is tried again at {again:.0}"));
        }
        let desk = Desk::of(&self.driver.engine.ports, &location).await;
        let desk = desk.map_err(|fault: Fault| fault.message)?;
        Ok(desk.map(|desk| CatalogDesk { location, desk }))
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
        desk: &CatalogDesk,
        filing: Filing,
        service: &str,
    ) -> Result<Filed, String> {
        let engine = self.driver.engine.clone();
        let now = engine.clock.now();
        let forge = desk.forge(&filing.branch).ok_or("its repository has no forge")?;
        let waits = self.waits().await.map_err(|error| chain(&error))?;
        let since = waits.get(&filing.marker).map(|known| known.since);
        let pause = if desk.desk.github.is_some() { ELSEWHERE } else { Duration::ZERO };
        let asker = Asker { place: &desk.location, marker: &filing.marker, since, pause };
        let quota = &engine.ports.operator.proposals;
        let admitted = quota.admit(&*forge, asker, now).await.map_err(|error| chain(&error))?;
        if let Some(full) = admitted {
            let (repository, title) = (desk.desk.name.clone(), filing.title);
            let (service, why, since) = (service.to_owned(), full.why, full.since);
            let wait = Waiting { repository, service, title, why, since };
            self.waits().await.map_err(|error| chain(&error))?.insert(filing.marker, wait);
            return Ok(Filed::Waits);
        }
        let marker = filing.marker.clone();
        let token = match &desk.desk.github {
            Some(github) => Some(github.token().await.map_err(|fault| fault.message)?),
            None => None,
        };
        let mirror = self.source.as_ref().and_then(Source::mirror).ok_or("it has no repository")?;
        let base = match token {
            // Whoever may read the catalog may not be who may push to it.
            Some(token) => mirror.with_token(token).and_then(|mirror| filing.push(&mirror, now)),
            None => filing.push(mirror, now),
        };
        let base = base.map_err(|error| chain(&error))?;
        let opened = forge.open(filing.proposal(base, now)).await.map_err(|error| chain(&error))?;
        self.waits().await.map_err(|error| chain(&error))?.remove(&marker);
        let (repository, number) = (desk.location.clone(), opened.number);
        let service = service.to_owned();
        Ok(Filed::Opened(store::Proposal { repository, number, run: None, step: None, service }))
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

/// The forge of the catalog's repository.
pub(in crate::daemon) struct CatalogDesk {
    /// As the source names it.
    pub(in crate::daemon) location: String,
    desk: Desk,
}

impl CatalogDesk {
    /// Returns the forge, for proposals that come from a branch.
    pub(in crate::daemon) fn forge(&self, branch: &str) -> Option<Box<dyn Forge>> {
        self.desk.forge(vec![branch.to_owned()])
    }
}
