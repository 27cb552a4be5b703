//! `trueline init`: a new catalog that validates clean. It never overwrites a file.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::context::Context;
use super::files::write_new;
use super::output::{Exit, Failure};
use crate::catalog::schemas;

/// What `init` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// The folder; made where it is not there.
    #[arg(default_value = ".", value_name = "DIR")]
    pub directory: PathBuf,
    /// Starts in a folder that is not empty; files that are there stay as they are.
    #[arg(long)]
    pub force: bool,
}

/// What a new catalog consists of, besides the schemas that editors read.
const FILES: [(&str, &str); 7] = [
    ("trueline.yaml", include_str!("scaffold/trueline.yaml")),
    (".github/CODEOWNERS", include_str!("scaffold/CODEOWNERS")),
    (".gitignore", "# What trueline keeps beside a catalog that it works on.\n/.trueline/\n"),
    ("README.md", include_str!("scaffold/README.md")),
    ("environments/staging.yaml", include_str!("scaffold/staging.yaml")),
    (
        "catalog/repositories/repository-standard.yaml",
        include_str!("scaffold/repository-standard.yaml"),
    ),
    ("services/platform/platform-handbook.yaml", include_str!("scaffold/platform-handbook.yaml")),
];

/// Writes a new catalog, and says what to do with it.
pub(super) fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let directory = &options.directory;
    let (written, kept) = written(directory, options.force)?;
    let value = json!({"directory": directory, "written": written, "kept": kept});
    context.show(&value, || {
        let mut lines: Vec<String> = written.iter().map(|path| format!("wrote {path}")).collect();
        lines.extend(kept.iter().map(|path| format!("kept  {path}, which was there")));
        lines.join("\n")
    })?;
    let shown = directory.display();
    context
        .remark(format!("next: trueline validate {shown}, then trueline --catalog {shown} plan"));
    Ok(Exit::Success)
}

type Paths = (Vec<String>, Vec<String>);

/// Writes the files that are not there; returns the paths of those it wrote, and of those that were there.
fn written(directory: &Path, force: bool) -> Result<Paths, Failure> {
    if !force && !is_empty(directory)? {
        return Err(Failure::usage(format!("{} is not empty", directory.display()))
            .hint("name another folder, or add --force: files that are there stay as they are"));
    }
    std::fs::create_dir_all(directory)
        .map_err(|error| Failure::usage(format!("can't make {}: {error}", directory.display())))?;
    let schemas = schemas().iter().map(|(name, text)| (format!("schemas/{name}"), *text));
    let files = FILES.iter().map(|(path, text)| ((*path).to_owned(), *text)).chain(schemas);
    let (mut written, mut kept) = (Vec::new(), Vec::new());
    for (path, text) in files {
        if write_new(directory, &path, text)? { written.push(path) } else { kept.push(path) }
    }
    Ok((written, kept))
}

/// Tells whether a folder holds nothing; a repository that was just made holds nothing yet.
fn is_empty(directory: &Path) -> Result<bool, Failure> {
    let wrong = |error| Failure::usage(format!("can't read {}: {error}", directory.display()));
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(wrong(error)),
    };
    for entry in entries {
        if entry.map_err(wrong)?.file_name() != ".git" {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::super::local::testing::{context, files};
    use super::*;

    #[test]
    fn what_it_writes_validates_clean() {
        let folder = tempfile::tempdir().unwrap();
        let new = folder.path().join("new");
        let (written, kept) = written(&new, false).unwrap();
        assert_eq!(kept, Vec::<String>::new());
        let mut written = written;
        written.sort();
        assert_eq!(files(&new), written);
        let judged = context(&new).judged().unwrap();
        assert_eq!(judged.findings, []);
        assert!(judged.misfits.is_empty() && judged.absent_is_unknown.is_none());
        assert_eq!((judged.catalog.items.len(), judged.catalog.services.len()), (1, 1));
        assert_eq!(judged.catalog.environments.len(), 1);
    }

    #[test]
    fn the_modeline_names_a_schema_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path(), false).unwrap();
        let mut seen = 0;
        for path in files(folder.path()) {
            let file = folder.path().join(&path);
            let text = std::fs::read_to_string(&file).unwrap();
            let first = text.lines().next().unwrap();
            let Some(schema) = first.strip_prefix("# yaml-language-server: $schema=") else {
                assert!(!text.contains("schemaVersion: catalog"), "{path} has no modeline");
                continue;
            };
            assert!(file.parent().unwrap().join(schema).is_file(), "{path}: {schema}");
            seen += 1;
        }
        assert_eq!(seen, 4);
    }

    #[test]
    fn a_folder_that_is_not_empty_is_refused_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        assert!(is_empty(folder.path()).unwrap());
        std::fs::write(folder.path().join("README.md"), "mine").unwrap();
        let refused = written(folder.path(), false).unwrap_err();
        assert!(format!("{refused:?}").contains("is not empty"), "{refused:?}");
        let (written, kept) = written(folder.path(), true).unwrap();
        assert_eq!(kept, ["README.md"]);
        assert!(written.contains(&"trueline.yaml".to_owned()));
        assert_eq!(std::fs::read_to_string(folder.path().join("README.md")).unwrap(), "mine");
        assert!(is_empty(&folder.path().join("README.md")).is_err());
    }
}
