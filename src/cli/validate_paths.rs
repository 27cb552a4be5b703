//! Which catalog some paths are of, and which part of it they name. It reads no document.

use std::path::{Component, Path, PathBuf};

use super::output::Failure;
use crate::catalog::Layout;
use crate::finding::Finding;
use crate::validate::Suppressed;
use crate::validate::report::covers;

/// The folders that make a directory a catalog.
const FOLDERS: [&str; 4] = ["catalog", "services", "bundles", "environments"];

/// A catalog, and what of it is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// Its directory; nothing where it is read by its commits.
    pub(super) root: Option<PathBuf>,
    /// Paths from its root; empty means all of it.
    pub(super) only: Vec<String>,
}

impl Asked {
    /// Tells whether a path of the catalog is meant.
    pub(super) fn covers(&self, path: &str) -> bool {
        covers(&self.only, path)
    }

    /// Keeps what is about the part that is meant.
    pub(super) fn of(
        &self,
        mut findings: Vec<Finding>,
        mut suppressed: Vec<Suppressed>,
    ) -> (Vec<Finding>, Vec<Suppressed>) {
        findings.retain(|finding| self.covers(&finding.place.path));
        suppressed.retain(|one| self.covers(&one.finding.place.path));
        (findings, suppressed)
    }

    /// Returns what stands before a path of the catalog so that it can be opened from here.
    pub(super) fn prefix(&self) -> String {
        match &self.root {
            Some(root) if root.as_os_str().is_empty() || root == Path::new(".") => String::new(),
            Some(root) => format!("{}/", root.display().to_string().trim_end_matches('/')),
            None => String::new(),
        }
    }

    /// Names it for people.
    pub(super) fn shown(&self, otherwise: &str) -> String {
        if self.only.is_empty() {
            return self
                .root
                .as_ref()
                .map_or(otherwise.to_owned(), |root| root.display().to_string());
        }
        let only = self.only.iter().map(|path| format!("{}{path}", self.prefix()));
        only.collect::<Vec<_>>().join(", ")
    }
}

/// Finds the one catalog that all paths are of.
pub(super) fn asked(paths: &[PathBuf]) -> Result<Asked, Failure> {
    match paths.iter().find(|path| std::fs::symlink_metadata(path).is_err()) {
        Some(path) => Err(Failure::usage(format!("there is nothing at {}", path.display()))),
        None => named(paths),
    }
}

/// Finds the one catalog that all paths are of, be they there or only in a revision.
pub(super) fn named(paths: &[PathBuf]) -> Result<Asked, Failure> {
    let mut asked = Asked::default();
    let mut whole = false;
    for path in paths {
        let (root, rest) = split(path);
        if asked.root.get_or_insert_with(|| root.clone()) != &root {
            return Err(Failure::usage(format!("{} is of another catalog", path.display()))
                .hint("validate one catalog at a time"));
        }
        whole |= rest.is_empty();
        asked.only.push(rest);
    }
    if whole {
        asked.only.clear();
    }
    Ok(asked)
}

/// Tells whether a directory looks like a catalog from outside.
pub(super) fn is_catalog(root: &Path) -> bool {
    root.join("trueline.yaml").is_file() || FOLDERS.iter().any(|folder| root.join(folder).is_dir())
}

/// Splits a path into the directory of its catalog, and the path from there.
pub(super) fn split(path: &Path) -> (PathBuf, String) {
    let path = plain(path);
    let above: Vec<&Path> = path.ancestors().collect();
    let rest = |root: &Path| {
        let rest = path.strip_prefix(root).unwrap_or(&path);
        rest.to_string_lossy().into_owned()
    };
    let here = |root: &Path| {
        if root.as_os_str().is_empty() { PathBuf::from(".") } else { root.to_owned() }
    };
    let is_file = |root: &&&Path| here(root).join("trueline.yaml").is_file();
    if let Some(root) = above.iter().find(is_file) {
        return (here(root), rest(root));
    }
    if path.is_dir() && FOLDERS.iter().any(|folder| path.join(folder).is_dir()) {
        return (here(&path), String::new());
    }
    let belongs = |root: &&&Path| is_of_catalog(&rest(root), path.is_dir());
    // A team may be called `catalog`: the catalog is the folder furthest out that this can be of.
    match above.iter().skip(1).rfind(belongs) {
        Some(root) => (here(root), rest(root)),
        None if path.is_dir() => (here(&path), String::new()),
        None => {
            let root = path.parent().unwrap_or(Path::new(""));
            (here(root), rest(root))
        }
    }
}

/// Tells whether a path has a place in a catalog: a document's, or that of a folder of documents.
fn is_of_catalog(path: &str, is_folder: bool) -> bool {
    if !is_folder {
        return matches!(Layout::of(path), Layout::Document { .. });
    }
    let mut parts = path.split('/');
    let first = parts.next().unwrap_or_default();
    let deep = usize::from(matches!(first, "catalog" | "services"));
    FOLDERS.contains(&first) && parts.count() <= deep
}

/// Takes `.` out of a path, so that the same place is the same path; `..` is left to the system.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(root: &Path, path: &str) -> String {
        let (found, rest) = split(&root.join(path));
        let found = found.strip_prefix(root).map_or("outside".into(), |p| p.display().to_string());
        format!("{found}|{rest}")
    }

    fn make(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        folder
    }

    #[test]
    fn the_catalog_of_a_path_is_found() {
        let folder = make(&[
            "a/trueline.yaml",
            "a/services/catalog/x.yaml",
            "b/services/catalog/x.yaml",
            "b/environments/e.yaml",
            "c/README.md",
        ]);
        for (path, expected) in [
            ("a", "a|"),
            ("a/", "a|"),
            ("./a/.", "a|"),
            ("a/services", "a|services"),
            ("a/services/catalog", "a|services/catalog"),
            ("a/trueline.yaml", "a|trueline.yaml"),
            ("a/services/catalog/x.yaml", "a|services/catalog/x.yaml"),
            ("b", "b|"),
            ("b/services/catalog/x.yaml", "b|services/catalog/x.yaml"),
            ("b/services/catalog", "b|services/catalog"),
            ("b/environments", "b|environments"),
            ("b/environments/e.yaml", "b|environments/e.yaml"),
            ("c", "c|"),
            ("c/README.md", "c|README.md"),
        ] {
            assert_eq!(check(folder.path(), path), expected, "{path}");
        }
    }

    #[test]
    fn several_paths_are_of_one_catalog() {
        let folder = make(&["a/trueline.yaml", "a/services/t/x.yaml", "b/trueline.yaml"]);
        let at = |path: &str| folder.path().join(path);
        let both = asked(&[at("a/services/t/x.yaml"), at("a/services")]).unwrap();
        assert!(both.covers("services/t/y.yaml") && !both.covers("services-old/x.yaml"));
        assert!(!both.covers("trueline.yaml"));
        assert!(asked(&[at("a/services"), at("a")]).unwrap().covers("trueline.yaml"));
        assert!(asked(&[at("a"), at("b")]).is_err());
        assert!(asked(&[at("nowhere")]).is_err());
    }

    #[test]
    fn paths_are_shown_as_they_can_be_opened() {
        let asked = |root: &str| Asked { root: Some(root.into()), only: Vec::new() }.prefix();
        assert_eq!((asked("."), asked("a/b/")), (String::new(), "a/b/".to_owned()));
        assert_eq!(Asked::default().prefix(), "");
    }
}
