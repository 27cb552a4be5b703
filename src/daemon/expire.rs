//! Services that expired: the removal of their file is proposed, once, and a person decides.

use jiff::Timestamp;

use crate::forge::{Asked, ForgeRead, ForgeWrite, LocalForge, NewProposal, ProposalState};
use crate::reconcile::Plan;
use crate::source::{Author, FileChange, Mirror, Push, Source, SourceError, commit_files, push};
use crate::store::Proposal;

use super::daemon::Daemon;
use super::error::TickError;

const NAME: &str = "Trueline";
const EMAIL: &str = "trueline@localhost";

impl Daemon {
    /// Proposes the removal of what expired, where the catalog is a repository with the local forge.
    ///
    /// A proposal that was closed is declined: it is not filed again for the same date, unless a person asks for
    /// the service after that.
    pub(super) async fn propose_expired(&mut self, plan: &Plan) -> Result<(), TickError> {
        for (service, path) in &plan.expired {
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
        let title = format!("Remove {service}, which expired on {expires}");
        let branch = format!("trueline/expire-{service}-{expires}");
        let mirror = self.source.as_ref().and_then(Source::mirror);
        let Some(mirror) = mirror else { return Ok(None) };
        let base =
            push_removal(mirror, (path, &title), (&branch, at)).map_err(|error| failed(&error))?;
        let new = NewProposal {
            body: format!(
                "`{path}` says `expires: {expires}`. Merge to have it deleted, or move the date."
            ),
            title,
            author: format!("{NAME} <{EMAIL}>"),
            source_branch: branch,
            base_branch: base,
            marker: marker.to_owned(),
            at,
            asked: Asked::default(),
        };
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

/// Pushes a branch that lacks a file; returns the branch that it is for.
fn push_removal(
    mirror: &Mirror,
    (path, message): (&str, &str),
    (branch, at): (&str, Timestamp),
) -> Result<String, SourceError> {
    let repository = mirror.repository();
    let head = mirror.head()?;
    let base = head.as_deref().and_then(|head| git2::Oid::from_str(head).ok());
    let files = [FileChange { path: path.to_owned(), content: None }];
    let author = Author { name: NAME.to_owned(), email: EMAIL.to_owned(), at };
    let commit = commit_files(repository, base, &files, message, &author)?;
    let order = Push { commit, branch: branch.to_owned(), expected: None };
    match push(mirror, &order) {
        // A branch that an earlier attempt left holds the same removal.
        Ok(()) | Err(SourceError::Rejected { .. }) => Ok(mirror.branch().to_owned()),
        Err(error) => Err(error),
    }
}
