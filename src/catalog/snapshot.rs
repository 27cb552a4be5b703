//! A snapshot: the immutable bytes of one commit's documents. It never reads anything itself.

use std::sync::Arc;

use imbl::OrdMap;

use super::content::Content;
use crate::digest::Digest;
use crate::finding::Finding;

/// Files by their path; what two snapshots share is held once and compared at no cost.
pub type Files = OrdMap<Arc<str>, Blob>;

/// One file of a snapshot.
#[derive(Clone, Debug)]
pub struct Blob {
    /// Names the content: git's object id, or the digest of the bytes for a plain directory.
    pub id: Arc<str>,
    /// The content; shared with earlier snapshots where it is the same.
    pub bytes: Content,
}

impl PartialEq for Blob {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Blob {}

/// The state of a catalog at one commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The commit's id, or `dir:<digest>` for a plain directory.
    pub commit: String,
    /// Who wrote the commit, as `name <email>`; nobody for a directory.
    pub author: Option<String>,
    /// The folder of the repository that is the catalog, with `/` between names; empty where that is its root.
    pub folder: String,
    /// Files by their path from the root of the catalog, with `/`; CODEOWNERS of a repository that the catalog
    /// is a folder of begins with `../`.
    pub files: Files,
    /// What could not be taken in: links, submodules, hostile names, files too large.
    pub findings: Vec<Finding>,
}

impl Snapshot {
    /// Makes a snapshot of a directory's files; the commit is `dir:<digest>`.
    pub fn of_files(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let files: Files = files
            .into_iter()
            .map(|(path, bytes)| {
                let id = Digest::of_bytes(&bytes).to_string().into();
                (Arc::from(path), Blob { id, bytes: bytes.into() })
            })
            .collect();
        Self { commit: directory_commit(&files), files, ..Self::default() }
    }

    /// Names a file from the root of the repository, which the catalog may be a folder of.
    pub fn in_tree(&self, path: &str) -> String {
        match self.folder.trim_matches('/') {
            "" => path.to_owned(),
            folder => format!("{folder}/{path}"),
        }
    }
}

/// Names the state of a directory: `dir:` and the digest over its paths and contents.
pub fn directory_commit(files: &Files) -> String {
    // No path and no name of a content has a zero byte.
    let named = files.iter().flat_map(|(path, blob)| [path, "\0", &*blob.id, "\0"]);
    format!("dir:{}", Digest::of_parts(named.map(str::as_bytes)))
}
