//! Reads the catalog's head and judges it; what could be read last stays in force where it can't be read now.

use std::sync::Arc;

use super::daemon::Daemon;
use super::error::TickError;
use crate::catalog::Snapshot;
use crate::causes::chain;
use crate::engine::{Head, known_outputs};
use crate::reconcile::Desired;
use crate::source::{Source, SourceError};
use crate::validate::Judge;

/// What a look at the source gave: nothing where the head is the one that was read last.
pub(super) type Look = Result<Option<(Snapshot, Head)>, SourceError>;

impl Daemon {
    /// Reads and judges the head, unless it is the one that was judged last.
    pub(super) async fn look(&mut self) -> Result<(), TickError> {
        let Some(source) = self.source.take() else { return Err(TickError::Broken) };
        let known = self.judged.as_ref().map(|_| self.head.commit.clone());
        let state = &self.driver.memory.state;
        let last = state.applied_revision.clone();
        let since = state.head.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let mut source = source;
            let since = (known.as_deref(), since.as_deref());
            let look = look_at(&mut source, since, last.as_deref());
            (source, look)
        });
        let (source, look) = looked.await.map_err(|_| TickError::Broken)?;
        self.source = Some(source);
        match look {
            Ok(None) => self.trouble = None,
            Ok(Some((snapshot, head))) => {
                self.trouble = None;
                self.take_snapshot(snapshot, head).await?;
            }
            Err(error) if self.judged.is_some() => {
                let why =
                    format!("{}; the state of {} stays in force", chain(&error), self.head.commit);
                if self.trouble.as_deref() != Some(&why) {
                    tracing::warn!("{why}");
                }
                self.trouble = Some(why);
            }
            Err(error) => {
                self.trouble = Some(chain(&error));
                return Err(error.into());
            }
        }
        Ok(())
    }

    async fn take_snapshot(&mut self, snapshot: Snapshot, mut head: Head) -> Result<(), TickError> {
        let engine = &self.driver.engine;
        let mut judge = match self.judge.take() {
            Some(judge) => judge,
            None => Judge::new(engine.store.last_good().await?),
        };
        let mut judged = judge.judge(&snapshot);
        let remember = std::mem::take(&mut judged.remember);
        let forget = std::mem::take(&mut judged.forget);
        if !remember.is_empty() || !forget.is_empty() {
            engine.store.save_last_good(&engine.lease, &remember, &forget).await?;
        }
        // Only now is it certain that the store has what the judge takes for known.
        self.judge = Some(judge);
        tracing::info!(commit = head.commit, findings = judged.findings.len(), "read the catalog");
        self.catalog = judged.catalog.clone();
        self.judged = Some(Arc::new(judged));
        self.snapshot = Some(snapshot);
        head.written.add_older(&self.driver.memory.state.written);
        self.head = head;
        self.desired = None;
        Ok(())
    }

    /// Returns desired state; built again only where the head or what units offer may have changed.
    pub(super) async fn desired(&mut self) -> Result<Arc<Desired>, TickError> {
        let writes = self.driver.memory.unit_writes;
        if let Some((head, built_at, desired)) = &self.desired
            && *head == self.head.commit
            && *built_at == writes
        {
            return Ok(desired.clone());
        }
        let Some(judged) = self.judged.clone() else { return Err(TickError::Broken) };
        let known = known_outputs(&*self.driver.engine.store, &self.catalog).await?;
        let mut desired = self.builder.build(&self.catalog, &judged.misfits, Arc::new(known));
        desired.absent_is_unknown.clone_from(&judged.absent_is_unknown);
        let desired = Arc::new(desired);
        self.desired = Some((self.head.commit.clone(), writes, desired.clone()));
        Ok(desired)
    }
}

/// Reads the head, unless it is the one that is known; who wrote what is found out since the head that was planned last, by this
/// process or by one before.
pub(super) fn look_at(
    source: &mut Source,
    (known, since): (Option<&str>, Option<&str>),
    last: Option<&str>,
) -> Look {
    let commit = source.poll()?;
    let descends = match last {
        Some(last) if last != commit => source.is_ancestor(last, &commit)?,
        _ => true,
    };
    if known == Some(commit.as_str()) {
        return Ok(None);
    }
    let snapshot = source.snapshot(&commit)?;
    let author = snapshot.author.clone();
    let written = since.map(|since| source.written(since, &commit)).unwrap_or_default();
    Ok(Some((snapshot, Head { commit, author, written, descends })))
}
