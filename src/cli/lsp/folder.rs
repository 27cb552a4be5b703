//! One catalog as an editor sees it: what is on disk, under what is open. It keeps findings true and writes nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::text::Text;
use crate::catalog::{Blob, Catalog, Layout, Snapshot, joined, seen_from};
use crate::digest::Digest;
use crate::finding::Finding;
use crate::owners::Owners;
use crate::source::DirectoryReader;
use crate::validate::{Against, Judge};

/// A document that is open in the editor.
#[derive(Clone, Debug)]
pub(super) struct Open {
    /// Its URI as the client writes it.
    pub(super) uri: String,
    pub(super) path: PathBuf,
    pub(super) version: Option<i32>,
    pub(super) text: Text,
}

/// What the client was told about a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    pub(super) uri: String,
    pub(super) version: Option<i32>,
    /// Names the content that the findings are about.
    blob: Option<Arc<str>>,
    pub(super) findings: Vec<Finding>,
}

/// One catalog.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) root: PathBuf,
    /// The same without links on the way.
    canonical: PathBuf,
    reader: DirectoryReader,
    disk: Snapshot,
    judge: Judge,
    /// What is on disk, under what is open.
    pub(super) snapshot: Snapshot,
    pub(super) catalog: Arc<Catalog>,
    findings: Vec<Finding>,
    told: BTreeMap<Arc<str>, Told>,
    /// Whether the disk must be read again.
    pub(super) stale: bool,
}

impl Folder {
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            canonical: root.canonicalize().unwrap_or_else(|_| root.clone()),
            reader: DirectoryReader::new(&root),
            root,
            disk: Snapshot::default(),
            judge: Judge::default(),
            snapshot: Snapshot::default(),
            catalog: Arc::default(),
            findings: Vec::new(),
            told: BTreeMap::new(),
            stale: true,
        }
    }

    /// Returns the path of a file from the root; nothing where it stands elsewhere.
    pub(super) fn inside(&self, path: &Path) -> Option<Arc<str>> {
        let below = |root: &Path, path: &Path| {
            path.strip_prefix(root).ok().and_then(Path::to_str).map(Arc::from)
        };
        below(&self.root, path).or_else(|| {
            // The file itself may not be there yet.
            let folder = path.parent()?.canonicalize().ok()?;
            let path = folder.join(path.file_name()?);
            below(&self.canonical, &path).or_else(|| self.above(&path))
        })
    }

    /// Returns the path of what belongs to the catalog and stands in the repository above it.
    fn above(&self, path: &Path) -> Option<Arc<str>> {
        let depth = Path::new(&self.disk.folder).components().count();
        let path = path.strip_prefix(self.canonical.ancestors().nth(depth)?).ok()?.to_str()?;
        let seen = seen_from(&self.disk.folder, path);
        let counts = Owners::locations_in(&self.disk.folder).contains(&seen);
        counts.then(|| seen.into())
    }

    /// Returns the URI of a path.
    pub(super) fn uri_of(&self, path: &str) -> Option<String> {
        let root = self.root.to_str().map(|root| format!("{root}/"));
        super::params::uri_of(Path::new(&*joined(&root?, path)))
    }

    /// Judges the catalog as it is now; a reason where the disk cannot be read.
    pub(super) fn refresh<'o>(
        &mut self,
        open: impl Iterator<Item = &'o Open>,
    ) -> Result<(), String> {
        let mut read = Ok(());
        if std::mem::take(&mut self.stale) {
            match self.reader.read() {
                Ok(disk) => self.disk = disk,
                Err(error) => read = Err(format!("{}: {error}", self.root.display())),
            }
        }
        let mut snapshot = self.disk.clone();
        for open in open {
            let Some(path) = self.inside(&open.path) else { continue };
            if snapshot.files.contains_key(&path) || is_read(&path, &snapshot.folder) {
                let bytes = open.text.as_str().as_bytes();
                let id = Digest::of_bytes(bytes).to_string().into();
                snapshot.files.insert(path, Blob { id, bytes: bytes.into() });
            }
        }
        self.snapshot = snapshot;
        if !self.is_catalog() {
            self.catalog = Arc::default();
            self.findings.clear();
            return read;
        }
        let against = Against { base: None, today: Some(jiff::Zoned::now().date()) };
        let judged = self.judge.judge_against(&self.snapshot, &against);
        self.catalog = judged.catalog;
        self.findings = judged.findings;
        read
    }

    /// Forgets what it knows, for something in it led to a fault.
    pub(super) fn start_over(&mut self) {
        self.judge = Judge::default();
        self.findings.clear();
    }

    /// Tells whether there is a catalog: folders are called `services` elsewhere too.
    fn is_catalog(&self) -> bool {
        self.snapshot.files.iter().any(|(path, blob)| {
            let document = matches!(Layout::of(path), Layout::Document { .. });
            &**path == "trueline.yaml"
                || (document && blob.bytes.get().windows(9).any(|bytes| bytes == b"catalog/v"))
        })
    }

    /// Returns what the client must be told: files whose findings changed, and documents that are new or changed.
    pub(super) fn news<'o>(
        &mut self,
        open: impl Iterator<Item = &'o Open>,
    ) -> Vec<(Arc<str>, Told)> {
        let mut by_path: BTreeMap<Arc<str>, Vec<Finding>> = BTreeMap::new();
        for finding in self.findings.drain(..) {
            by_path.entry(finding.place.path.clone()).or_default().push(finding);
        }
        let open: BTreeMap<Arc<str>, &Open> = open
            .filter_map(|open| Some((self.inside(&open.path)?, open)))
            .filter(|(path, _)| self.snapshot.files.contains_key(path))
            .collect();
        let paths = by_path.keys().chain(self.told.keys()).chain(open.keys()).cloned();
        let paths: std::collections::BTreeSet<Arc<str>> = paths.collect();
        let mut news = Vec::new();
        for path in paths {
            let findings = by_path.remove(&path).unwrap_or_default();
            let opened = open.get(&path);
            let uri = opened.map(|open| open.uri.clone());
            let Some(uri) = uri.or_else(|| self.uri_of(&path)) else {
                continue;
            };
            let told = Told {
                uri,
                version: opened.and_then(|open| open.version),
                blob: self.snapshot.files.get(&path).map(|blob| blob.id.clone()),
                findings,
            };
            self.tell(path, told, opened.is_some(), &mut news);
        }
        news
    }

    fn tell(&mut self, path: Arc<str>, new: Told, open: bool, news: &mut Vec<(Arc<str>, Told)>) {
        let known = self.told.get(&path);
        if known == Some(&new) {
            return;
        }
        // What was told under another spelling of the URI would stay there for ever.
        if let Some(known) = known.filter(|known| known.uri != new.uri) {
            news.push((
                path.clone(),
                Told { findings: Vec::new(), version: None, ..known.clone() },
            ));
        }
        let same =
            known.is_some_and(|known| known.uri == new.uri && known.findings == new.findings);
        // Columns of the same findings may be counted over other characters.
        if !same || open || !new.findings.is_empty() {
            news.push((path.clone(), new.clone()));
        }
        if new.findings.is_empty() && !open {
            self.told.remove(&path);
        } else {
            self.told.insert(path, new);
        }
    }

    /// Returns what the client was told about a file last.
    pub(super) fn told(&self, path: &str) -> &[Finding] {
        self.told.get(path).map(|told| told.findings.as_slice()).unwrap_or_default()
    }

    /// Tells it what the client was told, for a test.
    #[cfg(test)]
    pub(super) fn telling(root: PathBuf, path: &str, text: &str, findings: Vec<Finding>) -> Self {
        let mut folder = Self::new(root);
        folder.snapshot = Snapshot::of_files([(path.to_owned(), text.into())]);
        let told = Told { uri: String::new(), version: None, blob: None, findings };
        folder.told.insert(path.into(), told);
        folder
    }

    /// Withdraws all that the client was told.
    pub(super) fn withdraw(&mut self) -> Vec<(Arc<str>, Told)> {
        let told = std::mem::take(&mut self.told).into_iter();
        told.map(|(path, told)| (path, Told { findings: Vec::new(), ..told })).collect()
    }

    /// Returns the text of a file as it was judged.
    pub(super) fn text(&self, path: &str) -> Option<Text> {
        let blob = self.snapshot.files.get(path)?;
        Some(Text::new(String::from_utf8_lossy(&blob.bytes.get())))
    }
}

/// Tells whether a file that is not on disk yet would be read once it is.
fn is_read(path: &str, folder: &str) -> bool {
    let owners = || Owners::locations_in(folder).iter().any(|location| location == path);
    !matches!(Layout::of(path), Layout::Other) || owners()
}
