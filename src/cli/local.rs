//! The catalog alone, for commands that need neither store nor daemon. It writes nothing into it.

use std::path::PathBuf;

use super::context::Context;
use super::output::Failure;
use super::table::cell;
use crate::catalog::{Catalog, Snapshot};
use crate::finding::did_you_mean;
use crate::source::Source;
use crate::validate::{Judge, Judged};

impl Context {
    /// Reads the head of the catalog.
    pub(super) fn snapshot(&self) -> Result<Snapshot, Failure> {
        let mut source = self.source()?;
        let head = source.poll()?;
        Ok(source.snapshot(&head)?)
    }

    /// Reads and judges the head of the catalog, without any earlier version of it.
    pub(super) fn judged(&self) -> Result<Judged, Failure> {
        Ok(Judge::new(Vec::new()).judge(&self.snapshot()?))
    }

    /// Returns the directory of the catalog, where its files can be written.
    pub(super) fn directory(&self) -> Result<PathBuf, Failure> {
        match self.source()? {
            Source::Directory(directory) => Ok(directory.root().to_owned()),
            Source::Git(_) => {
                Err(Failure::usage(format!("{} is read by its commits", self.catalog))
                    .hint("name a work tree of it with --catalog DIR"))
            }
        }
    }
}

/// Says that nothing of a name is there, and what was probably meant.
pub(super) fn unknown(what: &str, name: &str, known: &[&str]) -> Failure {
    let failure = Failure::usage(format!("there is no {what} `{}`", cell(name)));
    if let Some(hint) = did_you_mean(name, known.iter().copied()) {
        return failure.hint(cell(&hint));
    }
    let listed = known.iter().take(MOST).map(|name| cell(name)).collect::<Vec<_>>().join(", ");
    match known.len() {
        0 => failure,
        count if count > MOST => {
            failure.hint(format!("there is: {listed}, and {} more", count - MOST))
        }
        _ => failure.hint(format!("there is: {listed}")),
    }
}

/// How many names are listed before the list is cut.
const MOST: usize = 16;

/// Returns the ids of everything that services may be of.
pub(super) fn offers(catalog: &Catalog) -> Vec<&str> {
    catalog.items.keys().chain(catalog.bundles.keys()).map(String::as_str).collect()
}

#[cfg(test)]
pub(super) mod testing {
    //! A context over a directory, and a look at what a command left there.

    use std::path::Path;

    use super::super::args::Format;
    use super::super::config::Config;
    use super::super::context::Context;

    /// Makes a context over a catalog in a directory.
    pub(in crate::cli) fn context(directory: &Path) -> Context {
        Context {
            config: Config::default(),
            names_config: true,
            name: "catalog".to_owned(),
            catalog: directory.display().to_string(),
            branch: None,
            state: directory.join(".trueline"),
            server: None,
            format: Format::Text,
            quiet: true,
            verbose: 0,
            color: false,
            unread: None,
        }
    }

    /// Returns the example catalog of the project.
    pub(in crate::cli) fn example() -> Context {
        context(Path::new("catalog-example"))
    }

    /// Compares a page that is generated with the one that was written last; writes it where that is asked for.
    pub(in crate::cli) fn is_written(path: &str, page: &str, test: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, page).expect("it can be written");
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(written == page, "run `UPDATE_DOCS=1 cargo test {test}`");
    }

    /// Returns the paths of all files below a directory, sorted.
    pub(in crate::cli) fn files(directory: &Path) -> Vec<String> {
        let mut found = Vec::new();
        let mut open = vec![directory.to_owned()];
        while let Some(next) = open.pop() {
            for entry in std::fs::read_dir(next).expect("it can be read") {
                let path = entry.expect("it can be read").path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let path = path.strip_prefix(directory).expect("it stands below");
                    found.push(path.display().to_string());
                }
            }
        }
        found.sort();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_told_with_what_is() {
        let check = |name: &str, known: &[&str], expected: &str| {
            let failure = unknown("item", name, known);
            assert!(format!("{failure:?}").contains(expected), "{failure:?}");
        };
        check("dns-recrod", &["dns-record", "network"], "did you mean `dns-record`?");
        check("queue", &["dns-record", "network"], "there is: dns-record, network");
        check("queue", &[], "hint: None");
        check("queue", &["long-name"; 20], "and 4 more");
        for hostile in [unknown("item", "x", &["\u{1b}[2J"]), unknown("item", "\u{1b}[2Jx", &[])] {
            assert!(!hostile.to_string().contains('\u{1b}'), "{hostile}");
        }
    }
}
