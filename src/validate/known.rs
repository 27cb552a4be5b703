//! What the files that say who owns what are known by. It reads none of them.

use crate::catalog::Files;
use crate::digest::Digest;
use crate::finding::Finding;

/// The files that say who owns what, and what is wrong with taking them in.
pub(super) type OwnersKey = (String, Files, Vec<Finding>);

/// Names what the files that say who owns what hold.
pub(super) fn digest_of_owners(key: Option<&OwnersKey>) -> Digest {
    let Some((folder, files, refused)) = key else { return Digest::of_bytes(b"") };
    let mut name = folder.clone();
    files.iter().for_each(|(path, blob)| name.extend(["\0", path, "\0", &blob.id]));
    name.extend(refused.iter().map(|finding| format!("\0{finding}")));
    Digest::of_bytes(name.as_bytes())
}
