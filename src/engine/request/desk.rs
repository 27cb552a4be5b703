//! Files requests and follows them: pushes a branch with one commit in the name of whoever asks, opens the proposal for it, and
//! looks what becomes of that. It merges nothing, and does nothing twice: what exists already is known again by branch and
//! marker, whichever process made it.

use std::sync::{Arc, Mutex, PoisonError};

use git2::Oid;
use jiff::Timestamp;

use crate::causes::chain;
use crate::clock::Clock;
use crate::engine::filing::{Filing, Place, Written};
use crate::forge::{Forge, ForgeError, Full, Proposal, ProposalState, Quota};
use crate::run::Fault;
use crate::source::{Author, FileChange, Mirror, Options as SourceOptions, Source, SourceError};
use crate::store::{RequestState, ServiceRequest, Store, StoreError};

/// What went wrong while a request was filed or followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The store did not do as asked.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The forge did not do as asked.
    #[error("the forge failed")]
    Forge(#[from] ForgeError),
    /// The repository of the catalog can't be used.
    #[error("the repository of the catalog can't be used")]
    Source(#[from] SourceError),
    /// Nobody is let in.
    #[error("{0}")]
    Reach(Fault),
    /// The catalog is a plain directory.
    #[error("the catalog is a plain directory, and nothing can be proposed to it")]
    NoRepository,
    /// The work was cut off.
    #[error("the work on a request was cut off")]
    Stopped,
}

/// Files requests and follows them.
#[derive(Clone)]
pub struct Desk {
    pub(super) store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    pub(super) place: Place,
    options: SourceOptions,
    /// How much may be filed.
    quota: Arc<Quota>,
    /// The repository, once it was needed.
    source: Arc<Mutex<Option<Source>>>,
}

impl Desk {
    /// Makes it for the repository of a catalog.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        place: Place,
        options: SourceOptions,
    ) -> Self {
        Self { store, clock, place, options, quota: Arc::default(), source: Arc::default() }
    }

    /// Has it keep to how much may be filed.
    #[must_use]
    pub fn within(self, quota: Arc<Quota>) -> Self {
        Self { quota, ..self }
    }

    /// Tells whether asking the forge costs nothing.
    pub fn is_here(&self) -> bool {
        self.place.is_here()
    }

    /// Returns the forge, as it knows the proposal of a request.
    pub(crate) fn forge(&self, request: &ServiceRequest) -> Box<dyn Forge> {
        self.place.forge(vec![request.branch.clone()])
    }

    /// Returns where requests are kept.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Goes on with a request as far as it goes by itself; returns how it stands now. What fails outside stands in its
    /// `why` and is tried again at the next look. The forge is asked about what is filed only where that is said.
    pub async fn look(
        &self,
        request: ServiceRequest,
        asks_forge: bool,
    ) -> Result<ServiceRequest, RequestError> {
        let mut now = request.clone();
        now.progress.failing = false;
        let at = self.clock.now();
        match self.step(&mut now, asks_forge, at).await {
            Ok(()) => {}
            Err(error @ RequestError::Store(_)) => return Err(error),
            Err(error) => {
                let state = now.progress.state;
                now.progress.failing = true;
                now.progress.is_now(at, state, Some(format!("tried again: {}", chain(&error))));
            }
        }
        if now.progress == request.progress {
            return Ok(request);
        }
        if self.store.save_service_request(None, at, &now).await? {
            now.version += 1;
            return Ok(now);
        }
        // Somebody else was first; what they wrote counts.
        let there = self.store.service_request(&now.id).await?;
        Ok(there.unwrap_or(request))
    }

    async fn step(
        &self,
        request: &mut ServiceRequest,
        asks_forge: bool,
        at: Timestamp,
    ) -> Result<(), RequestError> {
        if request.progress.aborted.is_some() && request.progress.merged.is_none() {
            return self.call_off(request, at).await;
        }
        if request.progress.merged.is_none() {
            let found = match request.progress.proposal {
                // Who was told to wait asks again for its turn when the forge is asked about all.
                None if request.progress.why.is_some() && !asks_forge => return Ok(()),
                None => match self.forge(request).find_by_marker(&request.marker).await? {
                    Some(known) => Some(Some(known)),
                    None => match self.full(request, at).await? {
                        Some(full) => {
                            request.progress.is_now(at, RequestState::Submitted, Some(full.why));
                            return Ok(());
                        }
                        None => Some(self.filed(request).await?),
                    },
                },
                Some(number) if asks_forge => Some(Some(self.forge(request).find(number).await?)),
                Some(_) => None,
            };
            match found {
                Some(Some(proposal)) => self.take(request, proposal, at),
                Some(None) => {
                    let why = "the catalog says all of it already";
                    request.progress.is_now(at, RequestState::Completed, Some(why.to_owned()));
                }
                None => {}
            }
        }
        if let Some(merge) = request.progress.merged.clone() {
            let ((state, why), run) = self.standing(request, &merge).await?;
            request.progress.run = run.or(request.progress.run.take());
            request.progress.is_now(at, state, why);
        }
        Ok(())
    }

    /// Takes in how a proposal stands.
    fn take(&self, request: &mut ServiceRequest, proposal: Proposal, at: Timestamp) {
        let progress = &mut request.progress;
        progress.proposal = Some(proposal.number);
        progress.url = self.place.url(proposal.number);
        match proposal.state {
            ProposalState::Open => progress.is_now(at, RequestState::Proposed, None),
            ProposalState::Merged => {
                progress.merged = Some(proposal.merge_commit.unwrap_or(proposal.head));
            }
            ProposalState::Closed => {
                let by = proposal.settled_by.map(|by| format!(" by {by}")).unwrap_or_default();
                let said = proposal.comment.map(|said| format!(": {said}")).unwrap_or_default();
                let why = format!("proposal {} was closed{by}{said}", proposal.number);
                progress.is_now(at, RequestState::Rejected, Some(why));
            }
        }
    }

    /// Says why a request waits, where as much is filed as may be.
    async fn full(
        &self,
        request: &ServiceRequest,
        at: Timestamp,
    ) -> Result<Option<Full>, ForgeError> {
        self.place.admit(&self.quota, (&request.marker, Some(request.at)), at).await
    }

    /// Files the proposal of a request; nothing where there is nothing to propose.
    async fn filed(&self, request: &ServiceRequest) -> Result<Option<Proposal>, RequestError> {
        let (options, filing, at) = (self.options().await?, filing(request), self.clock.now());
        let pushed = tokio::task::spawn_blocking(move || {
            let mut source = Source::open(options)?;
            source.poll()?;
            let mirror = source.mirror().ok_or(RequestError::NoRepository)?;
            // What a person made of the branch meanwhile is proposed as well.
            filing.push(mirror, at)?;
            Ok::<_, RequestError>(filing.proposal(mirror.branch().to_owned(), at))
        });
        let new = pushed.await.map_err(|_| RequestError::Stopped)??;
        match self.forge(request).open(new).await {
            Ok(opened) => Ok(Some(opened)),
            Err(ForgeError::NothingToPropose { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Closes the proposal of what was called off.
    async fn call_off(
        &self,
        request: &mut ServiceRequest,
        at: Timestamp,
    ) -> Result<(), RequestError> {
        let Some((by, why)) = request.progress.aborted.clone() else { return Ok(()) };
        let forge = self.forge(request);
        let known = forge.find_by_marker(&request.marker).await?;
        if let Some(known) = &known {
            request.progress.proposal = Some(known.number);
            match known.state {
                ProposalState::Open => {
                    let said = crate::reconcile::show::code(&why);
                    forge.withdraw(known.number, &by, &said, at).await?;
                }
                ProposalState::Closed => {}
                // It came too late.
                ProposalState::Merged => {
                    request.progress.aborted = None;
                    self.take(request, known.clone(), at);
                    return Ok(());
                }
            }
        }
        request.progress.is_now(at, RequestState::Aborted, Some(format!("{by}: {why}")));
        Ok(())
    }

    /// Tells whether a commit is, or comes after, a merge.
    pub(super) async fn includes(&self, merge: &str, commit: &str) -> Result<bool, RequestError> {
        if merge == commit {
            return Ok(true);
        }
        let known = self.known(merge, commit, None).await?;
        match known {
            Some(known) => Ok(known),
            None => {
                Ok(self.known(merge, commit, Some(self.options().await?)).await?.unwrap_or(false))
            }
        }
    }

    /// Returns how the repository is opened now; who gets in there changes.
    async fn options(&self) -> Result<SourceOptions, RequestError> {
        let token = self.place.token().await.map_err(RequestError::Reach)?;
        let token = token.map(Into::into).or_else(|| self.options.token.clone());
        Ok(SourceOptions { token, ..self.options.clone() })
    }

    /// Tells whether a commit comes after another, as far as both are here; with options, news are looked for before.
    async fn known(
        &self,
        merge: &str,
        commit: &str,
        anew: Option<SourceOptions>,
    ) -> Result<Option<bool>, RequestError> {
        let (merge, commit) = (merge.to_owned(), commit.to_owned());
        let (slot, usual) = (self.source.clone(), self.options.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            let source = match (slot.take(), anew) {
                (_, Some(options)) => {
                    let mut source = Source::open(options)?;
                    source.poll()?;
                    source
                }
                (Some(source), None) => source,
                (None, None) => Source::open(usual)?,
            };
            let is_here = |source: &Source, id: &str| {
                let repository = source.mirror().map(Mirror::repository);
                let id = Oid::from_str(id).ok();
                repository.zip(id).is_some_and(|(it, id)| it.find_commit(id).is_ok())
            };
            let both = is_here(&source, &merge) && is_here(&source, &commit);
            let found = if both { Some(source.is_ancestor(&merge, &commit)?) } else { None };
            *slot = Some(source);
            Ok(found)
        });
        looked.await.map_err(|_| RequestError::Stopped)?
    }
}

/// Makes what is filed for a request.
fn filing(request: &ServiceRequest) -> Filing {
    let (name, email) = (request.by.clone(), request.email.clone());
    let content = request.content.clone().map(String::into_bytes);
    let mut files = vec![FileChange { path: request.path.clone(), content }];
    let brought = request.files.iter();
    files.extend(brought.map(|it| FileChange { path: it.path.clone(), content: it.bytes() }));
    Filing {
        marker: request.marker.clone(),
        branch: request.branch.clone(),
        title: request.title.clone(),
        body: request.body.clone(),
        author: format!("{name} <{email}>"),
        files,
        written: Some(Written {
            by: Author { name, email, at: request.at },
            message: message(request),
            base: request.base.clone(),
        }),
    }
}

fn message(request: &ServiceRequest) -> String {
    let reason = crate::reconcile::show::visible(request.reason.trim());
    let reason = if reason.is_empty() { reason } else { format!("Reason: {reason}\n\n") };
    format!("{}\n\n{reason}Trueline-Request: {}\n", request.title, request.id)
}
