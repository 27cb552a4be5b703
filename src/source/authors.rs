//! Who wrote and who committed what a change consists of: the mail addresses of its commits. It believes what git says.

use std::collections::BTreeSet;

use git2::Oid;

use super::error::SourceError;
use super::names::escaped;
use super::repository::Repository;

/// How many commits of one change are looked at.
const MAX_COMMITS: usize = 100_000;

impl Repository {
    /// Returns the mail addresses of authors and committers of the commits that one commit has and another has not.
    pub fn authors(&self, base: &str, head: &str) -> Result<BTreeSet<String>, SourceError> {
        let id = |commit: &str| {
            let gone = |_| SourceError::Gone { commit: escaped(commit.as_bytes()) };
            Oid::from_str(commit).map_err(gone)
        };
        let (base, head) = (id(base)?, id(head)?);
        let mut authors = BTreeSet::new();
        let damaged = || SourceError::git("read the commits of the change");
        let mut walk = self.git.revwalk().map_err(damaged())?;
        walk.push(head).and_then(|()| walk.hide(base)).map_err(damaged())?;
        for (count, id) in walk.enumerate() {
            if count >= MAX_COMMITS {
                return Err(SourceError::TooLarge {
                    what: "the change".to_owned(),
                    limit: format!("{MAX_COMMITS} commits"),
                });
            }
            let commit = id.and_then(|id| self.git.find_commit(id)).map_err(damaged())?;
            for signature in [commit.author(), commit.committer()] {
                authors.insert(escaped(signature.email_bytes()));
            }
        }
        Ok(authors)
    }
}
