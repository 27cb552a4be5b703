//! Keeps the proposals of one kind as they should be: files what is wanted, rebuilds what stands upon files that moved, takes back
//! what is not wanted any more. What a person pushed to it leaves alone; what a person closed is declined until somebody asks.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::file::Filed;
use crate::causes::chain;
use crate::daemon::daemon::Daemon;
use crate::daemon::error::TickError;
use crate::engine::filing::{Filing, Place};
use crate::forge::{Proposal, ProposalState};
use crate::store;

/// What was looked after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::daemon) struct Looked {
    /// The head of the catalog; none where nothing was wanted.
    head: Option<String>,
    /// By service: the marker, and when a person asked for the service last.
    wanted: BTreeMap<String, (String, Option<Timestamp>)>,
}

/// One kind of proposals.
pub(in crate::daemon) struct Kind<'a> {
    /// What their markers begin with.
    pub(in crate::daemon) mark: &'static str,
    /// What is to be filed, by service.
    pub(in crate::daemon) wanted: BTreeMap<String, Filing>,
    /// Returns the service that a marker is about.
    pub(in crate::daemon) service: fn(&str) -> Option<&str>,
    /// Says why an open one that is not wanted is taken back; nothing where it stays.
    pub(in crate::daemon) stale: &'a (dyn Fn(&Daemon, &Proposal) -> Option<&'static str> + Sync),
}

impl Daemon {
    /// Tells whether anything is different since proposals of a kind were looked after; `wanted` are their markers, by service.
    pub(in crate::daemon) async fn is_to_renew(
        &mut self,
        mark: &'static str,
        wanted: &BTreeMap<String, String>,
    ) -> Result<bool, TickError> {
        let now = self.looked(wanted);
        let before = self.outgoing.looked.get(mark);
        if before == Some(&now) {
            return Ok(false);
        }
        if before.is_some() || !wanted.is_empty() || self.has_filed().await? {
            return Ok(true);
        }
        self.outgoing.looked.insert(mark, now);
        Ok(false)
    }

    fn looked(&self, wanted: &BTreeMap<String, String>) -> Looked {
        let head = (!wanted.is_empty()).then(|| self.head.commit.clone());
        let asked = |service: &String| self.driver.memory.asked.get(service).copied();
        let of = |(service, marker): (&String, &String)| {
            (service.clone(), (marker.clone(), asked(service)))
        };
        Looked { head, wanted: wanted.iter().map(of).collect() }
    }

    async fn has_filed(&self) -> Result<bool, TickError> {
        let filed = self.driver.engine.store.proposals().await?;
        Ok(filed.iter().any(|proposal| proposal.run.is_none()))
    }

    /// Brings the proposals of a kind to what is wanted; what fails is told, and tried again later.
    pub(in crate::daemon) async fn renew(
        &mut self,
        kind: Kind<'_>,
        markers: &BTreeMap<String, String>,
    ) -> Result<(), TickError> {
        let mut looked = self.looked(markers);
        let outcome = self.brought_to(&kind).await;
        self.tried(&outcome);
        match outcome {
            Ok((filed, waits)) => {
                let engine = &self.driver.engine;
                for proposal in &filed {
                    engine.store.save_proposal(&engine.lease, proposal).await?;
                    let (service, number) = (&proposal.service, proposal.number);
                    tracing::info!(service, number, kind = kind.mark, "a change is proposed");
                }
                // What waits for its turn is looked at again at the next tick.
                looked.wanted.retain(|service, _| !waits.contains(service));
                self.outgoing.looked.insert(kind.mark, looked);
            }
            Err(why) => tracing::warn!(why, kind = kind.mark, "a change could not be proposed"),
        }
        Ok(())
    }

    /// Returns what was filed, and the services that wait for their turn.
    async fn brought_to(
        &mut self,
        kind: &Kind<'_>,
    ) -> Result<(Vec<store::Proposal>, BTreeSet<String>), String> {
        let (mut filed, mut waits) = (Vec::new(), BTreeSet::new());
        let Some(place) = self.catalog_place().await? else { return Ok((filed, waits)) };
        let settled = self.look_at_open(&place, kind).await?;
        for (service, filing) in kind.wanted.iter().filter(|(it, _)| !settled.contains(*it)) {
            let forge = place.forge(vec![filing.branch.clone()]);
            let known =
                forge.find_by_marker(&filing.marker).await.map_err(|error| chain(&error))?;
            let asked = self.driver.memory.asked.get(service).copied();
            if known.is_some_and(|known| is_enough(&known, asked)) {
                continue;
            }
            match self.file(&place, filing.clone(), service).await? {
                Filed::Opened(proposal) => filed.push(proposal),
                Filed::Waits => drop(waits.insert(service.clone())),
            }
        }
        Ok((filed, waits))
    }

    /// Rebuilds and takes back what is open; returns the services that nothing more is filed for.
    async fn look_at_open(
        &self,
        place: &Place,
        kind: &Kind<'_>,
    ) -> Result<BTreeSet<String>, String> {
        let (forge, now) = (place.forge(Vec::new()), self.driver.engine.clock.now());
        let mut settled = BTreeSet::new();
        for open in forge.list(Some(ProposalState::Open)).await.map_err(|error| chain(&error))? {
            if !open.marker.starts_with(kind.mark) {
                continue;
            }
            let Some(service) = (kind.service)(&open.marker) else { continue };
            let wanted = kind.wanted.get(service).filter(|it| it.marker == open.marker);
            let stale = (kind.stale)(self, &open).filter(|_| wanted.is_none());
            if wanted.is_none() && stale.is_none() {
                continue;
            }
            // One that a person committed to is theirs, and nothing comes beside it.
            if forge.is_edited(&open).await.map_err(|error| chain(&error))? {
                settled.insert(service.to_owned());
            } else if let Some(filing) = wanted {
                self.at_place(place, filing, move |it, mirror| it.rebuild(mirror, now)).await?;
                self.propose(place, filing).await?;
                settled.insert(service.to_owned());
            } else if let Some(why) = stale {
                let by = Filing::ourselves();
                forge.withdraw(open.number, &by, why, now).await.map_err(|error| chain(&error))?;
            }
        }
        Ok(settled)
    }
}

/// Tells whether a proposal that is known is not to be filed again: it is open, was merged, or a person closed it and nobody asked
/// for the service since.
fn is_enough(known: &Proposal, asked: Option<Timestamp>) -> bool {
    match known.state {
        ProposalState::Open | ProposalState::Merged => true,
        ProposalState::Closed => {
            known.is_declined() && asked.is_none_or(|at| at <= known.updated_at)
        }
    }
}
