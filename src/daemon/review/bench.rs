//! Reads and judges both sides of a proposal, going on from what was judged last. Its methods block: call them off the
//! async threads.

use std::sync::{Mutex, PoisonError};

use git2::{MergeOptions, Oid, Repository};
use jiff::civil::Date;

use super::error::ReviewError;
use crate::catalog::{OwnerSettings, Snapshot};
use crate::finding::Finding;
use crate::owners::{Owners, Touched};
use crate::reconcile::DesiredBuilder;
use crate::reconcile::show::Unmerged;
use crate::source::{SnapshotReader, Source, SourceError, changed_between, escaped};
use crate::validate::{Against, Judge, Judged, breaking_items, fresh};

/// What reads and judges.
pub(super) struct Bench {
    pub(super) source: Source,
    pub(super) reader: SnapshotReader,
    pub(super) judge: Judge,
    pub(super) builder: DesiredBuilder,
}

/// Both sides of a proposal, judged.
pub(super) struct Sides {
    pub(super) base: Judged,
    /// What the base would be once it is merged.
    pub(super) merged: Judged,
    pub(super) author: Option<String>,
    /// What the change is to blame for.
    pub(super) findings: Vec<Finding>,
    pub(super) owners: Owners,
    pub(super) touched: Touched,
}

impl Sides {
    pub(super) fn settings(&self) -> &OwnerSettings {
        &self.base.catalog.settings.owners
    }

    pub(super) fn errors_before(&self) -> usize {
        self.base.findings.iter().filter(|finding| finding.is_error()).count()
    }
}

/// The names that heads of proposals have in the mirror.
pub(super) fn our_ref(number: u64) -> String {
    format!("refs/trueline/reviews/{number}")
}

impl Bench {
    pub(super) fn new(source: Source) -> Self {
        let (reader, judge) = (SnapshotReader::default(), Judge::new(Vec::new()));
        Self { source, reader, judge, builder: DesiredBuilder::default() }
    }

    /// Returns the repository; a plain directory has none, and no proposals.
    pub(super) fn repository(&self) -> Result<&Repository, ReviewError> {
        Ok(self.source.mirror().ok_or(ReviewError::Broken)?.repository())
    }

    /// Brings the head of a proposal into the mirror; false where it is another by now.
    pub(super) fn fetch(
        &self,
        (number, theirs, head): (u64, &str, &str),
    ) -> Result<bool, ReviewError> {
        let mirror = self.source.mirror().ok_or(ReviewError::Broken)?;
        let id = Oid::from_str(head).map_err(|_| gone(head))?;
        if mirror.repository().find_commit(id).is_err() {
            mirror.fetch_refs(&[(theirs.to_owned(), our_ref(number))])?;
        }
        Ok(mirror.repository().find_commit(id).is_ok())
    }

    /// Reads a commit of the branch.
    pub(super) fn snapshot(&mut self, commit: &str) -> Result<Snapshot, ReviewError> {
        let mirror = self.source.mirror().ok_or(ReviewError::Broken)?;
        Ok(self.reader.read(mirror.repository(), commit)?)
    }

    /// Merges in memory, and reads what comes of it.
    fn merged(
        &mut self,
        base: &str,
        head: &str,
    ) -> Result<Result<Snapshot, Unmerged>, ReviewError> {
        let tree = match merged_tree(self.repository()?, base, head)? {
            Ok(tree) => tree,
            Err(unmerged) => return Ok(Err(unmerged)),
        };
        let mirror = self.source.mirror().ok_or(ReviewError::Broken)?;
        let snapshot = self.reader.read_tree(mirror.repository(), tree, "")?;
        let author = mirror.author_of(head).ok();
        Ok(Ok(Snapshot { commit: head.to_owned(), author, ..snapshot }))
    }

    /// Judges both sides of a proposal, or says what is in the way of a merge.
    pub(super) fn sides(
        &mut self,
        (base, head): (&str, &str),
        today: Date,
    ) -> Result<Result<Sides, Unmerged>, ReviewError> {
        let before = self.snapshot(base)?;
        let after = match self.merged(base, head)? {
            Ok(after) => after,
            Err(unmerged) => return Ok(Err(unmerged)),
        };
        let today = Some(today);
        self.judge.forget();
        let judged = self.judge.judge_against(&before, &Against { base: None, today });
        let against = Against { base: Some(judged.catalog.clone()), today };
        let merged = self.judge.judge_against(&after, &against);
        // What the change breaks is not mended by what was there before.
        let findings = if merged.overlay.is_empty() {
            fresh((&before, &judged), (&after, &merged)).0
        } else {
            self.judge.forget();
            let alone = self.judge.judge_against(&after, &against);
            fresh((&before, &judged), (&after, &alone)).0
        };
        let broken = breaking_items(&judged.catalog, &merged.catalog);
        let paths = changed_between(&before, &after);
        let breaking = broken.iter().map(ToString::to_string).filter(|path| paths.contains(path));
        let touched = Touched { breaking: breaking.collect(), paths };
        let touched = self.with_others(touched, (base, head))?;
        let owners = Owners::of(&before);
        let author = after.author.clone();
        Ok(Ok(Sides { base: judged, merged, author, findings, owners, touched }))
    }

    /// Adds the paths that are not of the catalog, which have owners, too.
    fn with_others(
        &self,
        mut touched: Touched,
        (base, head): (&str, &str),
    ) -> Result<Touched, ReviewError> {
        let mirror = self.source.mirror().ok_or(ReviewError::Broken)?;
        if let Some(common) = mirror.merge_base(base, head)? {
            let changed = crate::source::changed_paths(mirror.repository(), &common, head)?;
            touched.paths.extend(changed.into_iter().map(|changed| changed.path));
        }
        Ok(touched)
    }
}

/// Merges two commits in memory and writes the tree; no ref is moved.
pub(super) fn merged_tree(
    repository: &Repository,
    base: &str,
    head: &str,
) -> Result<Result<Oid, Unmerged>, ReviewError> {
    let find = |commit: &str| {
        let id = Oid::from_str(commit).map_err(|_| gone(commit))?;
        repository.find_commit(id).map_err(|_| gone(commit))
    };
    let (ours, theirs) = (find(base)?, find(head)?);
    if repository.merge_base(ours.id(), theirs.id()).is_err() {
        let why = "it shares no history with its base".to_owned();
        return Ok(Err(Unmerged::Unreadable(why)));
    }
    let merged = repository.merge_commits(&ours, &theirs, Some(&MergeOptions::new()));
    let mut index = merged.map_err(SourceError::git("merge a proposal"))?;
    if index.has_conflicts() {
        let conflicts = index.conflicts().map_err(SourceError::git("list the conflicts"))?;
        let mut paths: Vec<String> = conflicts
            .flatten()
            .filter_map(|conflict| conflict.our.or(conflict.their).or(conflict.ancestor))
            .map(|entry| escaped(&entry.path))
            .collect();
        paths.sort();
        paths.dedup();
        return Ok(Err(Unmerged::Conflict(paths)));
    }
    let tree = index.write_tree_to(repository);
    Ok(Ok(tree.map_err(SourceError::git("write the merged tree"))?))
}

fn gone(commit: &str) -> ReviewError {
    SourceError::Gone { commit: escaped(commit.as_bytes()) }.into()
}

/// Where the bench is; nothing while it is worked at. Only one thread has it at a time.
pub(super) struct Slot(Mutex<Option<Bench>>);

impl Slot {
    pub(super) fn of(bench: Bench) -> Self {
        Self(Mutex::new(Some(bench)))
    }

    pub(super) fn bench(&mut self) -> &mut Option<Bench> {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs work that blocks where it disturbs nobody; the bench comes back unless that breaks down.
pub(super) async fn at<T: Send + 'static>(
    slot: &mut Slot,
    work: impl FnOnce(&mut Bench) -> Result<T, ReviewError> + Send + 'static,
) -> Result<T, ReviewError> {
    let mut taken = slot.bench().take().ok_or(ReviewError::Broken)?;
    let done = tokio::task::spawn_blocking(move || {
        let done = work(&mut taken);
        (taken, done)
    });
    let (taken, done) = done.await.map_err(|_| ReviewError::Broken)?;
    *slot.bench() = Some(taken);
    done
}
