//! Decides which files of a repository or directory are taken into a snapshot. It never looks inside.

use crate::catalog::Layout;
use crate::finding::{Finding, Place};

const DOCUMENT_BYTES: u64 = 1024 * 1024;
const CODEOWNERS_BYTES: u64 = 3 * 1024 * 1024;
const FOLDERS: [&str; 4] = ["catalog", "services", "bundles", "environments"];

/// How much of all files together is taken in; protects the memory of this process.
pub(crate) const MAX_TOTAL_BYTES: u64 = 384 * 1024 * 1024;
/// How many entries are looked at for one snapshot; protects against trees that contain themselves many times.
pub(crate) const MAX_ENTRIES: usize = 1_000_000;

/// How a file is taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The most bytes it may have.
    pub(crate) limit: u64,
    /// Whether its absence must be told: it belongs to the catalog by its path.
    pub(crate) must: bool,
}

/// Says how a file is taken in, or that it is left alone.
pub(crate) fn wanted(path: &str) -> Option<Wanted> {
    if is_codeowners(path) {
        return Some(Wanted { limit: CODEOWNERS_BYTES, must: true });
    }
    if !matches!(Layout::of(path), Layout::Other) {
        return Some(Wanted { limit: DOCUMENT_BYTES, must: true });
    }
    let hidden = path.split('/').any(|part| part.starts_with('.'));
    let yaml = path.rsplit_once('.').is_some_and(|(_, ending)| {
        ending.eq_ignore_ascii_case("yaml") || ending.eq_ignore_ascii_case("yml")
    });
    (yaml && !hidden).then_some(Wanted { limit: DOCUMENT_BYTES, must: false })
}

/// Says whether a directory is looked into.
pub(crate) fn entered(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    if matches!(name, ".git" | ".trueline") {
        return false;
    }
    !name.starts_with('.') || path == ".github" || in_catalog(path)
}

/// Says whether a link or submodule at a path hides something that the catalog would have read.
pub(crate) fn matters(path: &str) -> bool {
    in_catalog(path) || wanted(path).is_some() || matches!(path, "docs" | ".github")
}

fn in_catalog(path: &str) -> bool {
    path.split('/').next().is_some_and(|first| FOLDERS.contains(&first))
}

fn is_codeowners(path: &str) -> bool {
    // A repository that the catalog is a folder of has its own.
    let path = path.trim_start_matches("../");
    matches!(path, "CODEOWNERS" | "docs/CODEOWNERS" | ".github/CODEOWNERS")
}

/// Tells whether the content is a pointer of git-lfs instead of the file itself.
pub(crate) fn is_lfs_pointer(bytes: &[u8]) -> bool {
    bytes.len() <= 1024 && bytes.starts_with(b"version https://git-lfs.github.com/spec/")
}

/// Makes the finding about a file over its limit.
pub(crate) fn too_large(path: &str, size: u64, limit: u64) -> Finding {
    Finding::error(
        "source/too-large",
        Place::start_of(path),
        format!("the file has {size} bytes, and at most {limit} are read"),
    )
    .hint("make it smaller; until then it counts as unreadable")
}

/// Makes the finding about a symbolic link.
pub(crate) fn symlink(path: &str) -> Finding {
    Finding::error(
        "source/symlink",
        Place::start_of(path),
        "a symbolic link stands where the catalog is read",
    )
    .hint("put the file itself here; links are never followed")
}

/// Makes the finding about a submodule.
pub(crate) fn submodule(path: &str) -> Finding {
    Finding::error(
        "source/submodule",
        Place::start_of(path),
        "a submodule stands where the catalog is read",
    )
    .hint("put the files themselves here; submodules are never fetched")
}

/// Makes the finding about a pointer of git-lfs.
pub(crate) fn lfs_pointer(path: &str) -> Finding {
    Finding::error(
        "source/lfs-pointer",
        Place::start_of(path),
        "the file is a pointer of git-lfs, not the document",
    )
    .hint("store the file in git itself; git-lfs is not read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_owners_and_small_yaml_are_taken_in() {
        let must = |limit| Some(Wanted { limit, must: true });
        for (path, expected) in [
            ("services/a/b.yaml", must(DOCUMENT_BYTES)),
            ("services/a/b.yml", must(DOCUMENT_BYTES)),
            ("services/a/b.json", must(DOCUMENT_BYTES)),
            ("trueline.yaml", must(DOCUMENT_BYTES)),
            (".github/CODEOWNERS", must(CODEOWNERS_BYTES)),
            ("docs/CODEOWNERS", must(CODEOWNERS_BYTES)),
            ("../../.github/CODEOWNERS", must(CODEOWNERS_BYTES)),
            ("elsewhere/x.YML", Some(Wanted { limit: DOCUMENT_BYTES, must: false })),
            ("other/CODEOWNERS", None),
            (".github/workflows/ci.yaml", None),
            ("services/a/README.md", None),
            ("services/a/.b.yaml.swp", None),
        ] {
            assert_eq!(wanted(path), expected, "{path}");
        }
    }

    #[test]
    fn hidden_directories_are_left_alone_outside_the_catalog() {
        for path in [".git", "services/.git", ".trueline", ".cache", "a/.b"] {
            assert!(!entered(path), "{path}");
        }
        for path in [".github", "services", "services/.odd", "a/b"] {
            assert!(entered(path), "{path}");
        }
    }

    #[test]
    fn links_matter_where_they_hide_documents() {
        for path in ["services", "services/team", "services/a/b.yaml", "x/y.yaml", "CODEOWNERS"] {
            assert!(matters(path), "{path}");
        }
        assert!(!matters("src/link"));
    }
}
