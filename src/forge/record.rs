//! Keeps proposals as refs of a repository: `refs/trueline/proposals/<n>/head` and `…/meta`, whose history is the proposal's own.
//! It knows nothing of merging.

use git2::{ErrorCode, Oid, Repository};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::ForgeError;
use super::proposal::Proposal;
use crate::remembered::Remembered;
use crate::source::{Author, FileChange, commit_files};

pub(crate) const PREFIX: &str = "refs/trueline/proposals/";
const FILE: &str = "proposal.json";
const VERSION: u32 = 1;

/// The file `proposal.json`.
#[derive(Serialize, Deserialize)]
struct Record {
    version: u32,
    #[serde(flatten)]
    proposal: Proposal,
}

/// Reads all proposals, by number. A number without a record was never finished and is left out.
pub(crate) fn all(repository: &Repository) -> Result<Vec<Proposal>, ForgeError> {
    let mut numbers = numbers(repository, "/meta")?;
    numbers.sort_unstable();
    numbers.into_iter().map(|number| read(repository, number)).collect()
}

/// Records by the commit that holds them, which never changes: all of them are read again at each look.
static READ: Remembered<Proposal> = Remembered::new(2_000, 64);

/// Reads one proposal.
pub(crate) fn read(repository: &Repository, number: u64) -> Result<Proposal, ForgeError> {
    let id = match repository.refname_to_id(&meta_ref(number)) {
        Err(error) if error.code() == ErrorCode::NotFound => {
            return Err(ForgeError::Unknown { number });
        }
        id => id.map_err(|error| unreadable(number, error.message().to_owned()))?,
    };
    let found = READ.try_of(&id.to_string(), || read_at(repository, (number, id)))?;
    Ok((*found).clone())
}

fn read_at(repository: &Repository, (number, id): (u64, Oid)) -> Result<Proposal, ForgeError> {
    let bytes = file_at(repository, id, FILE);
    let bytes = bytes.map_err(|error| unreadable(number, error.message().to_owned()))?;
    let record: Record =
        serde_json::from_slice(&bytes).map_err(|error| unreadable(number, error.to_string()))?;
    if record.version != VERSION || record.proposal.number != number {
        let (version, told) = (record.version, record.proposal.number);
        return Err(unreadable(number, format!("its version is {version}, and its number {told}")));
    }
    Ok(record.proposal)
}

fn unreadable(number: u64, reason: String) -> ForgeError {
    ForgeError::Unreadable { number, reason }
}

/// Takes the next free number for a head; whoever comes second takes the one after it.
pub(crate) fn allocate(repository: &Repository, head: Oid) -> Result<u64, ForgeError> {
    let mut number = next_number(repository)?;
    loop {
        match repository.reference(&head_ref(number), head, false, "proposal opened") {
            Ok(_) => return Ok(number),
            Err(error) if error.code() == ErrorCode::Exists => number += 1,
            Err(error) => return Err(ForgeError::git("write the ref of a proposal")(error)),
        }
    }
}

/// Returns the number that the next proposal would get.
pub(crate) fn next_number(repository: &Repository) -> Result<u64, ForgeError> {
    let taken = numbers(repository, "/head")?.into_iter().chain(numbers(repository, "/meta")?);
    Ok(taken.max().unwrap_or(0) + 1)
}

/// Writes a proposal as the next commit of its history, and keeps its head from being collected.
pub(crate) fn write(
    repository: &Repository,
    proposal: &Proposal,
    why: &str,
    by: &str,
    at: Timestamp,
) -> Result<(), ForgeError> {
    let head =
        Oid::from_str(&proposal.head).map_err(ForgeError::git("read the head of a proposal"))?;
    repository
        .reference(&head_ref(proposal.number), head, true, why)
        .map_err(ForgeError::git("write the ref of a proposal"))?;
    let record = Record { version: VERSION, proposal: proposal.clone() };
    let content = serde_json::to_vec_pretty(&record).map_err(|error| ForgeError::Unreadable {
        number: proposal.number,
        reason: error.to_string(),
    })?;
    put(repository, &meta_ref(proposal.number), (FILE, content), (why, &person(by, at)))
}

/// Writes a file as the next commit of a ref's history; whoever wrote in between makes it fail.
pub(crate) fn put(
    repository: &Repository,
    name: &str,
    (file, content): (&str, Vec<u8>),
    (why, by): (&str, &Author),
) -> Result<(), ForgeError> {
    let before = repository.refname_to_id(name).ok();
    let files = [FileChange { path: file.to_owned(), content: Some(content) }];
    let commit = commit_files(repository, before, &files, &format!("{why}\n"), by)?;
    let written = match before {
        Some(before) => repository.reference_matching(name, commit, true, before, why),
        None => repository.reference(name, commit, false, why),
    };
    written.map(|_| ()).map_err(ForgeError::git("write the ref of a proposal"))
}

/// Reads the file of a ref's newest commit; nothing where there is no such ref.
pub(crate) fn get(
    repository: &Repository,
    name: &str,
    file: &str,
) -> Result<Option<Vec<u8>>, git2::Error> {
    let id = match repository.refname_to_id(name) {
        Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
        id => id?,
    };
    file_at(repository, id, file).map(Some)
}

fn file_at(repository: &Repository, id: Oid, file: &str) -> Result<Vec<u8>, git2::Error> {
    let tree = repository.find_commit(id)?.tree()?;
    let blob = repository.find_blob(tree.get_path(file.as_ref())?.id())?;
    Ok(blob.content().to_vec())
}

/// Reads `name <email>` or a bare name as the author of a commit.
pub(crate) fn person(by: &str, at: Timestamp) -> Author {
    let (name, email) = by.split_once('<').unwrap_or((by, ""));
    let (name, email) = (name.trim(), email.trim_end_matches('>').trim());
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let email = if email.is_empty() {
        format!("{}@localhost", name.chars().map(plain).collect::<String>())
    } else {
        email.to_owned()
    };
    Author { name: name.to_owned(), email, at }
}

fn numbers(repository: &Repository, ending: &str) -> Result<Vec<u64>, ForgeError> {
    let mut references = repository
        .references_glob(&format!("{PREFIX}*"))
        .map_err(ForgeError::git("list the refs of proposals"))?;
    let names = references.names().flatten();
    Ok(names
        .filter_map(|name| name.strip_prefix(PREFIX)?.strip_suffix(ending)?.parse().ok())
        .collect())
}

pub(crate) fn head_ref(number: u64) -> String {
    format!("{PREFIX}{number}/head")
}

fn meta_ref(number: u64) -> String {
    format!("{PREFIX}{number}/meta")
}
