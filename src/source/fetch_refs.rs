//! Fetches other refs of the repository that a mirror is of, such as the heads of proposals, beside its branch.

use super::error::SourceError;
use super::git::Mirror;
use super::lock::MirrorLock;
use super::program::{Call, fault};

impl Mirror {
    /// Brings refs into the mirror: each from the other side to a name of ours below `refs/trueline/`.
    pub fn fetch_refs(&self, refs: &[(String, String)]) -> Result<(), SourceError> {
        if refs.is_empty() {
            return Ok(());
        }
        let (program, token) = self.transport();
        let location = self.location();
        let directory = self.repository().path();
        let lock = MirrorLock::acquire(directory, program.timeout)?;
        let url = location.to_string();
        let mut arguments = vec![
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--no-recurse-submodules",
            "--force",
            "--",
            &url,
        ];
        let specs: Vec<String> =
            refs.iter().map(|(theirs, ours)| format!("+{theirs}:{ours}")).collect();
        arguments.extend(specs.iter().map(String::as_str));
        let call = Call { repository: directory, location, token, lock: Some(&lock) };
        let ended = program.run(&call, &arguments)?;
        if ended.success { Ok(()) } else { Err(fault(location, &ended.detail)) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Repo;
    use crate::source::{Options, Source};

    #[test]
    fn a_ref_is_there_once_it_is_fetched_and_a_missing_one_is_told() {
        let repo = Repo::bare();
        let base = repo.commit_tree(&[("a", "1")]);
        let head = repo.commit_on("topic", Some(&base), &[("a", "2")]);
        let state = repo.beside("state");
        let options = Options { location: repo.url().to_owned(), state, ..Options::default() };
        let mut source = Source::open(options).unwrap();
        source.poll().unwrap();
        let mirror = source.mirror().unwrap();
        assert!(!mirror.is_ancestor(&base, &head).unwrap());
        let ours = "refs/trueline/reviews/1".to_owned();
        mirror.fetch_refs(&[("refs/heads/topic".to_owned(), ours.clone())]).unwrap();
        assert!(mirror.is_ancestor(&base, &head).unwrap());
        assert!(mirror.fetch_refs(&[("refs/heads/none".to_owned(), ours)]).is_err());
    }
}
