//! Looks at the files that were written, as they stand on the branch now. It changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use git2::{Oid, Repository};
use serde_json::Value;

use super::answer::Standing;
use super::config::{MAX_FILE_BYTES, Work, Written, previous_files};
use super::direct::there_already;
use super::edits::{Edits, Found, found, tree_of};
use super::propose;
use super::target::{blocking, fault, head, turn};
use crate::action::Outcome;
use crate::action::adopt::{absent, differs};
use crate::action::scrub::Scrub;
use crate::reconcile::{FieldChange, Observation, StepRecord};
use crate::run::Fault;

/// How long a fetch may take: shorter than the engine waits for a look.
const PATIENCE: Duration = Duration::from_secs(25);

/// The most bytes of a file that are shown.
const SHOWN_BYTES: usize = 4 << 10;

/// Of how many files the text is shown; of the others, the blob.
const SHOWN_FILES: usize = 16;

/// Compares the files that were written with the branch.
pub(super) async fn observe(
    work: Arc<Work>,
    previous: Option<&StepRecord>,
    scrub: Scrub,
) -> Result<Observation, Fault> {
    let Some(previous) = previous else {
        return Err(Fault::terminal("nothing was written yet"));
    };
    if let Some(seen) = propose::unmerged(&work, &previous.result).await? {
        return Ok(seen);
    }
    let files = previous_files(&previous.result);
    let turn = turn(&work.place).await;
    let (_, seen) = blocking(turn, move || {
        let mut mirror =
            work.place.open(&work.place.branch, PATIENCE).map_err(|error| fault(&error))?;
        let head = head(&mut mirror).map_err(|error| fault(&error))?;
        let Some(head) = head else {
            return Err(Fault::terminal(format!("{} is empty", work.place.repository)));
        };
        let look = Look { repository: mirror.repository(), work: &work, scrub: &scrub };
        look.compare(head, &files)
    })
    .await?;
    Ok(seen)
}

/// Answers as if the wanted files had been written, where they stand on the branch as they would have been.
pub(super) async fn adopt(work: Arc<Work>, scrub: Scrub) -> Result<Outcome, Fault> {
    let files = work.wanted.files.iter();
    let files: Vec<Written> =
        files.map(|file| Written { path: file.path.clone(), blob: file.blob }).collect();
    let turn = turn(&work.place).await;
    let (_, standing) = blocking(turn, move || {
        let mut mirror =
            work.place.open(&work.place.branch, PATIENCE).map_err(|error| fault(&error))?;
        let head = head(&mut mirror).map_err(|error| fault(&error))?;
        let Some(head) = head else { return Err(absent(&work.place.repository)) };
        let look = Look { repository: mirror.repository(), work: &work, scrub: &scrub };
        match look.compare(head, &files)? {
            Observation::Same => {}
            Observation::Different { changes } => return Err(differs(&changes)),
            Observation::Absent | Observation::Unknown { .. } => {
                return Err(absent("what would have been written"));
            }
        }
        let commit = Some(there_already(&mirror, &work, head));
        Standing { commit, edits: Edits::default(), proposal: None }.answer(&work)
    })
    .await?;
    Ok(standing)
}

struct Look<'a> {
    repository: &'a Repository,
    work: &'a Work,
    scrub: &'a Scrub,
}

impl Look<'_> {
    fn compare(&self, head: Oid, files: &[Written]) -> Result<Observation, Fault> {
        let tree = tree_of(self.repository, head).map_err(|error| fault(&error))?;
        let ours: BTreeMap<&str, Option<Oid>> = files
            .iter()
            .map(|file| (file.path.as_str(), Some(file.blob)))
            .chain(self.work.wanted.deletes.iter().map(|path| (path.as_str(), None)))
            .collect();
        let mut changes = Vec::new();
        let mut missing = 0;
        for (path, blob) in ours {
            let there = found(Some(&tree), path).map_err(|error| fault(&error))?;
            missing += usize::from(blob.is_some() && there == Found::Nothing);
            if there != blob.map_or(Found::Nothing, Found::File) {
                changes.push(self.change((path, blob), there, changes.len() < SHOWN_FILES));
            }
        }
        Ok(if !files.is_empty() && missing == files.len() {
            Observation::Absent
        } else if changes.is_empty() {
            Observation::Same
        } else {
            Observation::Different { changes }
        })
    }

    fn change(&self, (path, blob): (&str, Option<Oid>), there: Found, shown: bool) -> FieldChange {
        let text_of = |blob: Oid| if shown { self.text(blob) } else { named(blob) };
        let mut before = blob.map(text_of);
        let mut after = match there {
            Found::Nothing => None,
            Found::File(blob) => Some(text_of(blob)),
            Found::Folder => Some("(a directory)".to_owned()),
            Found::Other => Some("(a link or a submodule)".to_owned()),
        };
        // What was masked or cut may look the same; the blobs tell it apart.
        if before == after
            && let (Some(blob), Found::File(theirs)) = (blob, there)
        {
            (before, after) = (Some(named(blob)), Some(named(theirs)));
        }
        FieldChange {
            name: format!("/{path}"),
            before: before.map(Value::String),
            after: after.map(Value::String),
            immutable: false,
        }
    }

    /// Returns the beginning of a blob's text, masked before it is cut.
    fn text(&self, blob: Oid) -> String {
        let ours = self.work.wanted.files.iter().find(|file| file.blob == blob);
        let text = match ours {
            Some(file) => Some(file.content.clone()),
            None => self.read(blob),
        };
        let Some(text) = text else { return named(blob) };
        let text = self.scrub.text(&text);
        match text.get(..text.floor_char_boundary(SHOWN_BYTES)) {
            Some(start) if start.len() < text.len() => format!("{start}…"),
            _ => text,
        }
    }

    /// Reads a blob that is text and no larger than what we would write.
    fn read(&self, blob: Oid) -> Option<String> {
        let (size, _) = self.repository.odb().ok()?.read_header(blob).ok()?;
        if size > MAX_FILE_BYTES {
            return None;
        }
        let blob = self.repository.find_blob(blob).ok()?;
        let text = std::str::from_utf8(blob.content()).ok()?;
        (!text.contains('\0')).then(|| text.to_owned())
    }
}

fn named(blob: Oid) -> String {
    format!("(blob {blob})")
}
