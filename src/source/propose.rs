//! Writes commits as objects, without a checkout. It moves no ref: that is a push, or the forge.

use std::collections::BTreeMap;

use git2::{ObjectType, Oid, Repository, Signature, Time, Tree};
use jiff::Timestamp;

use super::error::SourceError;
use super::names::{MAX_DEPTH, escaped, refusal};

const FILE: i32 = 0o100_644;
const DIRECTORY: i32 = 0o040_000;

/// What becomes of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// Path from the root, with `/`.
    pub path: String,
    /// The new content; absent where the file is removed.
    pub content: Option<Vec<u8>>,
}

/// Who writes a commit, and when. The same author, time, base and content make the same commit id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
    /// When.
    pub at: Timestamp,
}

impl Author {
    /// Makes git's form of it; characters that git does not take are left out.
    pub(crate) fn signature(&self) -> Result<Signature<'static>, SourceError> {
        let plain = |text: &str, otherwise: &str| {
            let kept: String =
                text.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect();
            let kept = kept.trim();
            if kept.is_empty() { otherwise.to_owned() } else { kept.to_owned() }
        };
        let (name, email) =
            (plain(&self.name, "trueline"), plain(&self.email, "trueline@localhost"));
        Signature::new(&name, &email, &Time::new(self.at.as_second(), 0))
            .map_err(SourceError::git("write the author of a commit"))
    }
}

/// Commits changes of files on top of a commit, or as a first commit, and returns its id; returns the base where nothing differs.
pub fn commit_files(
    repository: &Repository,
    base: Option<Oid>,
    files: &[FileChange],
    message: &str,
    author: &Author,
) -> Result<Oid, SourceError> {
    commit_files_for(repository, base, files, message, (author, author))
}

/// The same, written by one and committed by another.
pub fn commit_files_for(
    repository: &Repository,
    base: Option<Oid>,
    files: &[FileChange],
    message: &str,
    (author, committer): (&Author, &Author),
) -> Result<Oid, SourceError> {
    let gone = |id: Oid| move |_| SourceError::Gone { commit: id.to_string() };
    let parent = base.map(|id| repository.find_commit(id).map_err(gone(id))).transpose()?;
    let before = parent
        .as_ref()
        .map(|commit| {
            commit.tree().map_err(SourceError::corrupt(format!("tree of {}", commit.id())))
        })
        .transpose()?;
    let plan = arrange(files)?;
    let tree = apply(repository, before.as_ref(), &plan, "")?;
    let tree = match tree {
        Some(id) => id,
        None => repository
            .treebuilder(None)
            .and_then(|builder| builder.write())
            .map_err(SourceError::git("write a tree"))?,
    };
    if let Some(parent) = &parent
        && parent.tree_id() == tree
    {
        return Ok(parent.id());
    }
    let tree = repository.find_tree(tree).map_err(SourceError::git("read a tree back"))?;
    let (author, committer) = (author.signature()?, committer.signature()?);
    let parents: Vec<_> = parent.iter().collect();
    repository
        .commit(None, &author, &committer, message, &tree, &parents)
        .map_err(SourceError::git("write a commit"))
}

/// What becomes of one name of a directory.
enum Plan<'a> {
    File(Option<&'a [u8]>),
    Directory(BTreeMap<&'a str, Plan<'a>>),
}

/// Arranges changes by directory and refuses paths that lead astray or contradict one another.
fn arrange(files: &[FileChange]) -> Result<BTreeMap<&str, Plan<'_>>, SourceError> {
    let mut root = BTreeMap::new();
    for file in files {
        let refuse = |reason: &str| refused(&file.path, reason);
        let parts: Vec<&str> = file.path.split('/').collect();
        if parts.len() > MAX_DEPTH {
            return Err(refuse("it is nested too deep"));
        }
        for part in &parts {
            if let Some(reason) = refusal(part.as_bytes()) {
                return Err(refuse(&format!("`{}` {reason}", escaped(part.as_bytes()))));
            }
        }
        let Some((name, folders)) = parts.split_last() else { continue };
        let mut level = &mut root;
        for folder in folders {
            let next = level.entry(*folder).or_insert_with(|| Plan::Directory(BTreeMap::new()));
            match next {
                Plan::Directory(inner) => level = inner,
                Plan::File(_) => return Err(refuse("a part of it is written as a file")),
            }
        }
        if level.insert(name, Plan::File(file.content.as_deref())).is_some() {
            return Err(refuse("it is written twice"));
        }
    }
    Ok(root)
}

/// Applies changes to one directory and returns its new tree, or nothing where it became empty.
fn apply(
    repository: &Repository,
    before: Option<&Tree<'_>>,
    plan: &BTreeMap<&str, Plan<'_>>,
    prefix: &str,
) -> Result<Option<Oid>, SourceError> {
    let mut builder = repository.treebuilder(before).map_err(SourceError::git("change a tree"))?;
    for (name, change) in plan {
        let path = format!("{prefix}{name}");
        let existing = before.and_then(|tree| tree.get_name(name));
        let kind = existing.as_ref().and_then(git2::TreeEntry::kind);
        let mode = existing.as_ref().map_or(FILE, git2::TreeEntry::filemode);
        let entry = match change {
            Plan::File(_) if kind.is_some_and(|kind| kind != ObjectType::Blob) => {
                return Err(refused(&path, "a directory stands there"));
            }
            Plan::File(Some(_)) if mode & 0o170_000 == 0o120_000 => {
                return Err(refused(&path, "a symbolic link stands there"));
            }
            Plan::File(None) => None,
            Plan::File(Some(content)) => {
                Some((repository.blob(content).map_err(SourceError::git("write a file"))?, mode))
            }
            Plan::Directory(inner) => {
                if kind.is_some_and(|kind| kind != ObjectType::Tree) {
                    return Err(refused(&path, "a file stands there"));
                }
                let tree = existing
                    .as_ref()
                    .map(|entry| repository.find_tree(entry.id()))
                    .transpose()
                    .map_err(SourceError::corrupt(format!("tree `{path}`")))?;
                apply(repository, tree.as_ref(), inner, &format!("{path}/"))?
                    .map(|id| (id, DIRECTORY))
            }
        };
        match entry {
            Some((id, mode)) => {
                builder.insert(*name, id, mode).map_err(SourceError::git("change a tree"))?;
            }
            None if existing.is_some() => {
                builder.remove(*name).map_err(SourceError::git("change a tree"))?;
            }
            None => {}
        }
    }
    if builder.is_empty() {
        return Ok(None);
    }
    builder.write().map(Some).map_err(SourceError::git("write a tree"))
}

fn refused(path: &str, reason: &str) -> SourceError {
    SourceError::Path { path: escaped(path.as_bytes()), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Repo;
    use super::*;

    fn author() -> Author {
        Author {
            name: "Ann".into(),
            email: "ann@team.example".into(),
            at: Timestamp::from_second(1_700_000_000).unwrap(),
        }
    }

    fn set(path: &str, content: &str) -> FileChange {
        FileChange { path: path.into(), content: Some(content.into()) }
    }

    fn gone(path: &str) -> FileChange {
        FileChange { path: path.into(), content: None }
    }

    fn commit(repo: &Repo, base: &str, files: &[FileChange]) -> Result<String, SourceError> {
        let base = (!base.is_empty()).then(|| Oid::from_str(base).unwrap());
        commit_files(&repo.open(), base, files, "change\n", &author()).map(|id| id.to_string())
    }

    #[test]
    fn files_are_written_changed_and_removed() {
        let repo = Repo::bare();
        let base = repo.commit_tree(&[("a/b/c", "1"), ("a/d", "1"), ("e/only", "1")]);
        let new = commit(
            &repo,
            &base,
            &[set("a/b/c", "2"), set("n/e/w", "1"), gone("e/only"), gone("never")],
        )
        .unwrap();
        assert_eq!(repo.git(&["ls-tree", "-r", "--name-only", &new], ""), "a/b/c\na/d\nn/e/w");
        assert_eq!(repo.git(&["show", &format!("{new}:a/b/c")], ""), "2");
        assert_eq!(repo.git(&["rev-parse", &format!("{new}^")], ""), base);
        repo.git(&["fsck", "--strict"], "");
    }

    #[test]
    fn no_difference_is_the_base_and_the_same_input_the_same_commit() {
        let repo = Repo::bare();
        let base = repo.commit_tree(&[("a/b", "1")]);
        assert_eq!(commit(&repo, &base, &[set("a/b", "1"), gone("x/y")]).unwrap(), base);
        assert_eq!(commit(&repo, &base, &[]).unwrap(), base);
        let first = commit(&repo, "", &[set("a", "1")]).unwrap();
        assert_eq!(commit(&repo, "", &[set("a", "1")]).unwrap(), first);
        let emptied = commit(&repo, &base, &[gone("a/b")]).unwrap();
        assert_eq!(repo.git(&["ls-tree", "-r", &emptied], ""), "");
    }

    #[test]
    fn the_exec_bit_stays() {
        let repo = Repo::bare();
        let root = repo.mktree(&[("100755", "blob", &repo.blob("1"), "run.sh")]);
        let base = repo.commit_root(&root);
        let new = commit(&repo, &base, &[set("run.sh", "2")]).unwrap();
        assert!(repo.git(&["ls-tree", &new], "").starts_with("100755"));
    }

    #[test]
    fn paths_that_lead_astray_are_refused() {
        let repo = Repo::bare();
        let link = repo.mktree(&[
            ("120000", "blob", &repo.blob("../outside"), "link"),
            ("100644", "blob", &repo.blob("x"), "file"),
            ("040000", "tree", &repo.mktree(&[("100644", "blob", &repo.blob("x"), "x")]), "dir"),
        ]);
        let base = repo.commit_root(&link);
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a//b",
            "a/",
            ".git/config",
            "a/.GIT/hooks/x",
            "a\nb",
            "link",
            "link/x",
            "file/x",
            "dir",
        ] {
            let result = commit(&repo, &base, &[set(path, "x")]);
            assert!(matches!(result, Err(SourceError::Path { .. })), "{path:?}");
        }
        let twice = commit(&repo, &base, &[set("n", "1"), set("n", "2")]);
        assert!(matches!(twice, Err(SourceError::Path { .. })));
        let within = commit(&repo, &base, &[set("n", "1"), set("n/m", "2")]);
        assert!(matches!(within, Err(SourceError::Path { .. })));
    }
}
