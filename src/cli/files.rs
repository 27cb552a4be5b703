//! Writes new files of a catalog. It never overwrites one, and follows no link out of the folder.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;

use super::output::Failure;
use crate::reconcile::show::visible;

/// Writes a file that is not there yet, and the folders above it; false where one is there already.
pub(super) fn write_new(root: &Path, path: &str, text: &str) -> Result<bool, Failure> {
    let file = root.join(path);
    let wrong = |what: &str, error: std::io::Error| {
        Failure::usage(format!("{what} {}: {error}", file.display()))
    };
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(|error| wrong("can't make the folder of", error))?;
        let inside = folder
            .canonicalize()
            .and_then(|folder| root.canonicalize().map(|root| folder.starts_with(root)));
        if !inside.map_err(|error| wrong("can't look at the folder of", error))? {
            return Err(Failure::usage(format!("{} leads out of the catalog", file.display())));
        }
    }
    // Opened as new, so that whatever appears there meanwhile is safe, links included.
    match OpenOptions::new().write(true).create_new(true).open(&file) {
        Ok(mut new) => {
            new.write_all(text.as_bytes()).map_err(|error| wrong("can't write", error))?;
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(wrong("can't make", error)),
    }
}

/// Makes a text from outside a part of one comment line: nothing in it ends the line or steers a terminal.
pub(super) fn one_line(text: &str) -> String {
    visible(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_once() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write_new(folder.path(), "a/b/c.yaml", "one").unwrap());
        assert!(!write_new(folder.path(), "a/b/c.yaml", "two").unwrap());
        assert_eq!(fs::read_to_string(folder.path().join("a/b/c.yaml")).unwrap(), "one");
    }

    #[test]
    fn no_link_leads_out() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("services")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("x"), folder.path().join("x")).unwrap();
        assert!(write_new(folder.path(), "services/a.yaml", "x").is_err());
        assert!(!write_new(folder.path(), "x", "x").unwrap());
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_comment_stays_on_its_line() {
        assert_eq!(
            one_line("  a\nid: evil\r\n\tb\u{1b}[2J\u{202e} c "),
            "a id: evil b\\u{1b}[2J\\u{202e} c"
        );
    }
}
