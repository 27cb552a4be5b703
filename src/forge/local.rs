//! The forge without a forge: proposals live in a bare repository on this machine. Who acts is self-declared, never proven.

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use git2::{ErrorCode, MergeOptions, Oid, Repository};
use jiff::Timestamp;

use super::error::ForgeError;
use super::history::{conflicts, contains, edited, patch, settled, tip};
use super::proposal::{NewProposal, Proposal, ProposalDetail, ProposalState};
use super::read::ForgeRead;
use super::record;
use super::write::ForgeWrite;
use crate::source::{Location, SourceError, branch_ref};

const MERGE_ATTEMPTS: usize = 8;

/// Proposals in a repository on this machine.
#[derive(Clone, Debug)]
pub struct LocalForge {
    path: PathBuf,
    pub(super) dry_run: bool,
}

impl LocalForge {
    /// Opens the forge of a repository by its path or `file://` URL.
    pub fn open_at(location: &str) -> Result<Self, ForgeError> {
        let location = Location::parse(location)?;
        let not_local = || ForgeError::NotLocal { location: location.to_string() };
        let path = location.local_path().ok_or_else(not_local)?.to_owned();
        let forge = Self { path, dry_run: false };
        forge.repository()?;
        Ok(forge)
    }

    /// Makes it answer as if it wrote, and write nothing.
    #[must_use]
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    pub(super) fn repository(&self) -> Result<Repository, ForgeError> {
        crate::source::open_here(&self.path)
            .map_err(ForgeError::git("open the repository of the proposals"))
    }

    /// Runs work that blocks where it disturbs nobody.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&LocalForge) -> Result<T, ForgeError> + Send + 'static,
    ) -> Result<T, ForgeError> {
        let forge = self.clone();
        tokio::task::spawn_blocking(move || work(&forge)).await.map_err(|_| ForgeError::Stopped)?
    }

    /// Runs one write at a time on this machine; the system frees the lock of whoever is killed.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&LocalForge, &Repository) -> Result<T, ForgeError> + Send + 'static,
    ) -> Result<T, ForgeError> {
        self.work(move |forge| {
            let repository = forge.repository()?;
            if forge.dry_run {
                return work(forge, &repository);
            }
            let _lock = lock(&repository)?;
            work(forge, &repository)
        })
        .await
    }

    fn open_in(&self, repository: &Repository, new: NewProposal) -> Result<Proposal, ForgeError> {
        let head = tip(repository, &new.source_branch)?;
        let base = tip(repository, &new.base_branch)?;
        if contains(repository, base, head)? {
            return Err(ForgeError::NothingToPropose {
                branch: new.source_branch,
                base: new.base_branch,
            });
        }
        let known = found(repository, &new.marker)?;
        let known = known.filter(|proposal| proposal.state == ProposalState::Open);
        let mut proposal = Proposal {
            number: 0,
            title: new.title,
            body: new.body,
            author: new.author,
            source_branch: new.source_branch,
            head: head.to_string(),
            base_branch: new.base_branch,
            state: ProposalState::Open,
            merge_commit: None,
            settled_by: None,
            comment: None,
            created_at: new.at,
            updated_at: new.at,
            marker: new.marker,
        };
        if let Some(known) = known {
            proposal.number = known.number;
            proposal.created_at = known.created_at;
            let recorded = record::read(repository, known.number)?;
            let same = Proposal { updated_at: recorded.updated_at, ..proposal.clone() } == recorded;
            if same {
                return Ok(recorded);
            }
        } else if self.dry_run {
            proposal.number = record::next_number(repository)?;
        } else {
            proposal.number = record::allocate(repository, head)?;
        }
        self.record(repository, &proposal, "open", new.at)?;
        Ok(proposal)
    }

    fn merge_in(
        &self,
        repository: &Repository,
        number: u64,
        by: &str,
        at: Timestamp,
    ) -> Result<Proposal, ForgeError> {
        let mut proposal = open_one(repository, number)?;
        let head = Oid::from_str(&proposal.head)
            .map_err(ForgeError::git("read the head of a proposal"))?;
        for _ in 0..MERGE_ATTEMPTS {
            let base = tip(repository, &proposal.base_branch)?;
            let Some(merge) = self.merge_commit(repository, &proposal, (base, head), (by, at))?
            else {
                proposal.state = ProposalState::Merged;
                return Ok(proposal);
            };
            let name = branch_ref(&proposal.base_branch)?;
            let why = format!("merge proposal {number}");
            match repository.reference_matching(&name, merge, true, base, &why) {
                Ok(_) => {}
                Err(error) if matches!(error.code(), ErrorCode::Modified | ErrorCode::Locked) => {
                    continue;
                }
                Err(error) => return Err(ForgeError::git("move the base branch")(error)),
            }
            proposal.state = ProposalState::Merged;
            proposal.merge_commit = Some(merge.to_string());
            proposal.settled_by = Some(by.to_owned());
            proposal.updated_at = at;
            self.record(repository, &proposal, "merge", at)?;
            return Ok(proposal);
        }
        Err(ForgeError::Moved { number, branch: proposal.base_branch })
    }

    /// Merges in memory and writes the commit; nothing is written in a dry run.
    fn merge_commit(
        &self,
        repository: &Repository,
        proposal: &Proposal,
        (base, head): (Oid, Oid),
        (by, at): (&str, Timestamp),
    ) -> Result<Option<Oid>, ForgeError> {
        let find =
            |id| repository.find_commit(id).map_err(ForgeError::git("read a commit to merge"));
        let (ours, theirs) = (find(base)?, find(head)?);
        let mut index = repository
            .merge_commits(&ours, &theirs, Some(&MergeOptions::new()))
            .map_err(ForgeError::git("merge"))?;
        if index.has_conflicts() {
            return Err(ForgeError::Conflict {
                number: proposal.number,
                paths: conflicts(&index)?,
            });
        }
        if self.dry_run {
            return Ok(None);
        }
        let tree =
            index.write_tree_to(repository).map_err(ForgeError::git("write the merged tree"))?;
        let tree = repository.find_tree(tree).map_err(ForgeError::git("read the merged tree"))?;
        let person = record::person(by, at).signature()?;
        let message = message(proposal);
        repository
            .commit(None, &person, &person, &message, &tree, &[&ours, &theirs])
            .map(Some)
            .map_err(ForgeError::git("write the merge commit"))
    }

    fn close_in(
        &self,
        repository: &Repository,
        number: u64,
        (by, why): (&str, Option<String>),
        at: Timestamp,
    ) -> Result<Proposal, ForgeError> {
        let mut proposal = open_one(repository, number)?;
        proposal.state = ProposalState::Closed;
        proposal.comment = why;
        proposal.settled_by = Some(by.to_owned());
        proposal.updated_at = at;
        self.record(repository, &proposal, "close", at)?;
        Ok(proposal)
    }

    fn record(
        &self,
        repository: &Repository,
        proposal: &Proposal,
        what: &str,
        at: Timestamp,
    ) -> Result<(), ForgeError> {
        if self.dry_run {
            return Ok(());
        }
        let by = proposal.settled_by.as_deref().unwrap_or(&proposal.author);
        record::write(repository, proposal, &format!("{what} proposal {}", proposal.number), by, at)
    }
}

#[async_trait]
impl ForgeRead for LocalForge {
    async fn list(&self, state: Option<ProposalState>) -> Result<Vec<Proposal>, ForgeError> {
        self.work(move |forge| {
            let mut proposals = all(&forge.repository()?)?;
            proposals.retain(|proposal| state.is_none_or(|state| proposal.state == state));
            Ok(proposals)
        })
        .await
    }

    async fn find(&self, number: u64) -> Result<Proposal, ForgeError> {
        self.work(move |forge| {
            let repository = forge.repository()?;
            settled(&repository, record::read(&repository, number)?)
        })
        .await
    }

    async fn show(&self, number: u64) -> Result<ProposalDetail, ForgeError> {
        self.work(move |forge| {
            let repository = forge.repository()?;
            let proposal = settled(&repository, record::read(&repository, number)?)?;
            let diff = patch(&repository, &proposal)?;
            Ok(ProposalDetail { proposal, diff })
        })
        .await
    }

    async fn is_edited(&self, proposal: &Proposal) -> Result<bool, ForgeError> {
        let proposal = proposal.clone();
        self.work(move |forge| edited(&forge.repository()?, &proposal)).await
    }

    async fn find_by_marker(&self, marker: &str) -> Result<Option<Proposal>, ForgeError> {
        let marker = marker.to_owned();
        self.work(move |forge| found(&forge.repository()?, &marker)).await
    }
}

#[async_trait]
impl ForgeWrite for LocalForge {
    async fn open(&self, new: NewProposal) -> Result<Proposal, ForgeError> {
        self.write(move |forge, repository| forge.open_in(repository, new)).await
    }

    async fn merge(&self, number: u64, by: &str, at: Timestamp) -> Result<Proposal, ForgeError> {
        let by = by.to_owned();
        self.write(move |forge, repository| forge.merge_in(repository, number, &by, at)).await
    }

    /// Nothing is waited for here: there are no checks.
    async fn merge_when_ready(
        &self,
        number: u64,
        by: &str,
        at: Timestamp,
    ) -> Result<Proposal, ForgeError> {
        match self.merge(number, by, at).await {
            Err(ForgeError::Conflict { .. }) => self.find(number).await,
            merged => merged,
        }
    }

    async fn close(&self, number: u64, by: &str, at: Timestamp) -> Result<Proposal, ForgeError> {
        let by = by.to_owned();
        self.write(move |forge, repository| forge.close_in(repository, number, (&by, None), at))
            .await
    }

    async fn withdraw(
        &self,
        number: u64,
        by: &str,
        why: &str,
        at: Timestamp,
    ) -> Result<Proposal, ForgeError> {
        let (by, why) = (by.to_owned(), Some(why.to_owned()));
        self.write(move |forge, repository| forge.close_in(repository, number, (&by, why), at))
            .await
    }
}

pub(super) fn all(repository: &Repository) -> Result<Vec<Proposal>, ForgeError> {
    record::all(repository)?.into_iter().map(|proposal| settled(repository, proposal)).collect()
}

/// Finds the proposal of a marker: the open one, otherwise the newest.
fn found(repository: &Repository, marker: &str) -> Result<Option<Proposal>, ForgeError> {
    let proposals = record::all(repository)?.into_iter().filter(|it| it.marker == marker);
    let proposals: Result<Vec<Proposal>, _> =
        proposals.map(|proposal| settled(repository, proposal)).collect();
    Ok(proposals?
        .into_iter()
        .max_by_key(|proposal| (proposal.state == ProposalState::Open, proposal.number)))
}

fn open_one(repository: &Repository, number: u64) -> Result<Proposal, ForgeError> {
    let proposal = settled(repository, record::read(repository, number)?)?;
    match proposal.state {
        ProposalState::Open => Ok(proposal),
        state => Err(ForgeError::Settled { number, state }),
    }
}

fn message(proposal: &Proposal) -> String {
    let head = format!("Merge proposal {}: {}", proposal.number, proposal.title);
    let body = proposal.body.trim();
    if body.is_empty() { format!("{head}\n") } else { format!("{head}\n\n{body}\n") }
}

fn lock(repository: &Repository) -> Result<File, ForgeError> {
    let path = repository.commondir().join("trueline.lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(SourceError::io("open", &path))?;
    for _ in 0..500 {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(20)),
            Err(TryLockError::Error(error)) => {
                return Err(SourceError::io("lock", &path)(error).into());
            }
        }
    }
    Err(ForgeError::Busy)
}

#[cfg(test)]
#[path = "local_tests.rs"]
mod tests;
