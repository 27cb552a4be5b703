//! One look at all proposals: what landed, what is to be reviewed, what is asked for, what becomes of what was merged.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::bench::{Bench, Slot, at};
use super::error::ReviewError;
use super::notes::Notes;
use super::people::{Reviews, Teams};
use crate::causes::chain;
use crate::engine::{Engine, Memory};
use crate::forge::{ForgeError, ProposalState, Reviewable};
use crate::source::Source;

/// What a look did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Reviews that were made.
    pub reviewed: usize,
    /// Whether who approved what is known better than before, so that a tick may let something on.
    pub verified: bool,
    /// Proposals that could not be looked at.
    pub failed: usize,
}

/// Reviews the proposals to one branch.
pub struct Reviewer {
    pub(super) engine: Engine,
    pub(super) forge: Arc<dyn Reviews>,
    pub(super) notes: Notes,
    pub(super) bench: Slot,
    pub(super) teams: Teams,
    /// The branch, without `refs/heads/`.
    pub(super) branch: String,
    /// The commit of the branch as of the last look.
    pub(super) head: String,
    /// What is recorded, as of this look.
    pub(super) memory: Option<Arc<Memory>>,
    /// Heads that are to be reviewed again although nothing may have changed.
    pub(super) again: BTreeSet<String>,
    /// When the last look began.
    since: Option<Timestamp>,
}

impl Reviewer {
    /// Makes it; nothing for a plain directory, which has no proposals.
    pub fn new(engine: Engine, source: Source, forge: Arc<dyn Reviews>) -> Option<Self> {
        let branch = source.mirror()?.branch().to_owned();
        Some(Self {
            notes: Notes(engine.clone()),
            engine,
            forge,
            bench: Slot::of(Bench::new(source)),
            teams: Teams::default(),
            branch,
            head: String::new(),
            memory: None,
            again: BTreeSet::new(),
            since: None,
        })
    }

    /// Looks at everything once. What fails for one proposal keeps no other from being looked at.
    pub async fn pass(&mut self) -> Result<Passed, ReviewError> {
        let began = self.now();
        let head = at(&mut self.bench, |bench| Ok(bench.source.poll()?)).await?;
        self.head.clone_from(&head);
        self.memory = None;
        let mut passed = Passed::default();
        match self.verify(&head).await {
            Ok(verified) => passed.verified = verified,
            Err(error) if error.is_lease_lost() || is_about_all(&error) => return Err(error),
            Err(error) => {
                tracing::warn!("who approved {head} can't be looked up: {}", chain(&error));
                passed.failed += 1;
            }
        }
        let mut open = self.forge.reviewable(&self.branch, self.since).await?;
        let known: BTreeSet<u64> = open.iter().map(|one| one.proposal.number).collect();
        for number in self.notes.unfinished().await?.into_iter().filter(|it| !known.contains(it)) {
            open.push(self.forge.review_of(number).await?);
        }
        for proposal in open {
            match self.look(&head, &proposal).await {
                Ok(reviewed) => passed.reviewed += usize::from(reviewed),
                Err(error) if error.is_lease_lost() || is_about_all(&error) => return Err(error),
                Err(error) => {
                    let number = proposal.proposal.number;
                    tracing::warn!(number, "a proposal can't be reviewed: {}", chain(&error));
                    passed.failed += 1;
                }
            }
        }
        self.since = Some(began);
        self.again.clear();
        Ok(passed)
    }

    /// Looks up who approved the head of the branch, and nothing else.
    pub async fn check_owners(&mut self) -> Result<bool, ReviewError> {
        let head = at(&mut self.bench, |bench| Ok(bench.source.poll()?)).await?;
        self.verify(&head).await
    }

    /// Tells whether people prove to the forge who they are.
    pub fn is_authenticated(&self) -> bool {
        self.forge.is_authenticated()
    }

    async fn look(&mut self, head: &str, proposal: &Reviewable) -> Result<bool, ReviewError> {
        let is_wanted = self.again.remove(&proposal.proposal.head);
        let again = self.answer(proposal).await? || is_wanted;
        match proposal.proposal.state {
            ProposalState::Open => self.review(head, proposal, again).await,
            ProposalState::Merged => self.follow(proposal).await.map(|()| false),
            ProposalState::Closed => Ok(false),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.engine.clock.now()
    }
}

/// Tells whether the next proposal would fare no better.
fn is_about_all(error: &ReviewError) -> bool {
    match error {
        ReviewError::Forge(ForgeError::Remote(fault)) => {
            fault.class != crate::run::FaultClass::Terminal
        }
        ReviewError::Broken => true,
        _ => false,
    }
}
