//! Services that expired: the removal of their file is proposed, once, and a person decides.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::daemon::Daemon;
use super::error::TickError;
use super::filing::Filing;
use super::outgoing::Filed;
use crate::forge::ProposalState;
use crate::reconcile::Plan;
use crate::source::FileChange;

impl Daemon {
    /// Proposes the removal of what expired, where the catalog is a repository with a forge.
    ///
    /// A proposal that was closed is declined: it is not filed again for the same date, unless a person asks for
    /// the service after that.
    pub(super) async fn propose_expired(&mut self, plan: &Plan) -> Result<(), TickError> {
        let held = self.driver.memory.state.held.clone();
        for (service, path) in plan.expired.iter().filter(|(id, _)| !held.contains_key(*id)) {
            let Some(expires) =
                self.catalog.services.get(service).and_then(|s| s.body.expires.clone())
            else {
                continue;
            };
            let marker = marker(service, &expires);
            let asked = self.driver.memory.asked.get(service).copied();
            if self.proposed.get(&marker) == Some(&asked) {
                continue;
            }
            let proposed = self.propose_removal((service, path), &expires, (&marker, asked)).await;
            self.tried(&proposed);
            match proposed {
                Ok(Some(Filed::Opened(proposal))) => {
                    let engine = &self.driver.engine;
                    engine.store.save_proposal(&engine.lease, &proposal).await?;
                    tracing::info!(service, number = proposal.number, "its removal is proposed");
                    self.proposed.insert(marker, asked);
                }
                // It has its turn at a later tick.
                Ok(Some(Filed::Waits)) => {}
                Ok(None) => drop(self.proposed.insert(marker, asked)),
                Err(why) => tracing::warn!(service, why, "its removal could not be proposed"),
            }
        }
        Ok(())
    }

    /// Returns the markers of what expired.
    pub(super) fn expired_markers(&self, plan: &Plan) -> BTreeSet<String> {
        let marker = |(service, _): (&String, &String)| {
            let expires = self.catalog.services.get(service)?.body.expires.clone()?;
            Some(marker(service, &expires))
        };
        plan.expired.iter().filter_map(marker).collect()
    }

    async fn propose_removal(
        &mut self,
        (service, path): (&str, &str),
        expires: &str,
        (marker, asked): (&str, Option<Timestamp>),
    ) -> Result<Option<Filed>, String> {
        let Some(desk) = self.catalog_desk().await? else { return Ok(None) };
        let branch = format!("trueline/expire-{service}-{expires}");
        let Some(forge) = desk.forge(&branch) else { return Ok(None) };
        let known = forge.find_by_marker(marker).await;
        let known = known.map_err(|error| super::look::chain(&error))?;
        let asked_again = |known: &crate::forge::Proposal| {
            known.state == ProposalState::Closed && asked.is_some_and(|at| at > known.updated_at)
        };
        if known.is_some_and(|known| !asked_again(&known)) {
            return Ok(None);
        }
        let filing = Filing {
            marker: marker.to_owned(),
            branch,
            title: format!("Remove {service}, which expired on {expires}"),
            body: format!(
                "`{path}` says `expires: {expires}`. Merge to have it deleted, or move the date."
            ),
            author: Filing::ourselves(),
            files: vec![FileChange { path: path.to_owned(), content: None }],
        };
        self.file(&desk, filing, service).await.map(Some)
    }
}

fn marker(service: &str, expires: &str) -> String {
    format!("trueline-expiry-{service}-{expires}")
}
