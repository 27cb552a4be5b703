//! Services that expired: the removal of their file is proposed, once, and a person decides.

use jiff::Timestamp;

use crate::forge::{ForgeRead, ForgeWrite, LocalForge, ProposalState};
use crate::reconcile::Plan;
use crate::source::{FileChange, Source};
use crate::store::Proposal;

use super::daemon::Daemon;
use super::error::TickError;
use super::filing::Filing;

impl Daemon {
    /// Proposes the removal of what expired, where the catalog is a repository with the local forge.
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
            let marker = format!("trueline-expiry-{service}-{expires}");
            let asked = self.driver.memory.asked.get(service).copied();
            if self.proposed.get(&marker) == Some(&asked) {
                continue;
            }
            self.proposed.insert(marker.clone(), asked);
            match self.propose_removal((service, path), &expires, (&marker, asked)).await {
                Ok(Some(proposal)) => {
                    let engine = &self.driver.engine;
                    engine.store.save_proposal(&engine.lease, &proposal).await?;
                    tracing::info!(service, number = proposal.number, "its removal is proposed");
                }
                Ok(None) => {}
                Err(why) => tracing::warn!(service, why, "its removal could not be proposed"),
            }
        }
        Ok(())
    }

    async fn propose_removal(
        &mut self,
        (service, path): (&str, &str),
        expires: &str,
        (marker, asked): (&str, Option<Timestamp>),
    ) -> Result<Option<Proposal>, String> {
        let mirror = self.source.as_ref().and_then(Source::mirror);
        let Some(location) = mirror.map(|mirror| mirror.location().to_string()) else {
            return Ok(None);
        };
        let Ok(forge) = LocalForge::open_at(&location) else { return Ok(None) };
        let failed = |error: &dyn std::error::Error| super::look::chain(error);
        let known = forge.find_by_marker(marker).await.map_err(|error| failed(&error))?;
        let asked_again = |known: &crate::forge::Proposal| {
            known.state == ProposalState::Closed && asked.is_some_and(|at| at > known.updated_at)
        };
        if known.is_some_and(|known| !asked_again(&known)) {
            return Ok(None);
        }
        let at = self.driver.engine.clock.now();
        let filing = Filing {
            marker: marker.to_owned(),
            branch: format!("trueline/expire-{service}-{expires}"),
            title: format!("Remove {service}, which expired on {expires}"),
            body: format!(
                "`{path}` says `expires: {expires}`. Merge to have it deleted, or move the date."
            ),
            author: Filing::ourselves(),
            files: vec![FileChange { path: path.to_owned(), content: None }],
        };
        let mirror = self.source.as_ref().and_then(Source::mirror);
        let Some(mirror) = mirror else { return Ok(None) };
        let base = filing.push(mirror, at).map_err(|error| failed(&error))?;
        let new = filing.proposal(base, at);
        let opened = forge.open(new).await.map_err(|error| failed(&error))?;
        Ok(Some(Proposal {
            repository: location,
            number: opened.number,
            run: None,
            step: None,
            service: service.to_owned(),
        }))
    }
}
