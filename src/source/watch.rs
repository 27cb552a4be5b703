//! Watches a directory, or the refs of a repository, and pokes when something moved. It tells that, never what.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How long it stays quiet before a poke: one save or push is many events.
const QUIET: Duration = Duration::from_millis(200);
/// How long pokes are held back at most while it never gets quiet.
const PATIENCE: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_secs(2);

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// A plain directory with everything below it.
    Directory(PathBuf),
    /// The refs of the git directory of a repository.
    Refs(PathBuf),
}

impl Watched {
    fn path(&self) -> &Path {
        match self {
            Self::Directory(path) | Self::Refs(path) => path,
        }
    }
}

/// A running watch; it ends when it is dropped.
pub struct Watch {
    _watcher: Option<RecommendedWatcher>,
    task: JoinHandle<()>,
    notice: Option<String>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("notice", &self.notice).finish_non_exhaustive()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Watch {
    /// Starts a watch; each poke says that something may have changed. Must run inside tokio.
    ///
    /// Where the system has no watches left it pokes every few seconds instead, and [`Watch::notice`] says so.
    pub fn start(watched: &Watched) -> Result<(Self, mpsc::Receiver<()>), notify::Error> {
        let (events, raw) = mpsc::channel(1);
        let path = watched.path();
        path.metadata().map_err(|error| notify::Error::io(error).add_path(path.to_owned()))?;
        let attached = attach(watched, events);
        Ok(Self::run(attached, raw))
    }

    fn run(
        attached: Result<RecommendedWatcher, notify::Error>,
        raw: mpsc::Receiver<()>,
    ) -> (Self, mpsc::Receiver<()>) {
        let (pokes, receiver) = mpsc::channel(1);
        let running = match attached {
            Ok(watcher) => {
                let task = tokio::spawn(debounce(raw, pokes));
                Self { _watcher: Some(watcher), task, notice: None }
            }
            Err(fault) => {
                let notice =
                    format!("looking every {} s instead of watching: {fault}", POLL.as_secs());
                Self {
                    _watcher: None,
                    task: tokio::spawn(poke_regularly(pokes, POLL)),
                    notice: Some(notice),
                }
            }
        };
        (running, receiver)
    }

    /// Returns what a person should know about this watch.
    pub fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }
}

fn attach(
    watched: &Watched,
    events: mpsc::Sender<()>,
) -> Result<RecommendedWatcher, notify::Error> {
    let config = Config::default().with_follow_symlinks(false);
    let mut system = RecommendedWatcher::new(handler(watched.clone(), events), config)?;
    match watched {
        Watched::Directory(root) => system.watch(root, RecursiveMode::Recursive)?,
        Watched::Refs(git_directory) => {
            system.watch(git_directory, RecursiveMode::NonRecursive)?;
            system.watch(&git_directory.join("refs"), RecursiveMode::Recursive)?;
        }
    }
    Ok(system)
}

fn handler(
    watched: Watched,
    events: mpsc::Sender<()>,
) -> impl FnMut(notify::Result<Event>) + Send + 'static {
    move |event| {
        // A lost event is as good as one: somebody should look.
        let concerns = event.map_or(true, |event| {
            !matches!(event.kind, EventKind::Access(_))
                && (event.paths.is_empty()
                    || event.paths.iter().any(|path| concerns(&watched, path)))
        });
        if concerns {
            // Full means that a poke is already on its way.
            let _ = events.try_send(());
        }
    }
}

/// Tells whether a change of a path may change what is read.
fn concerns(watched: &Watched, path: &Path) -> bool {
    match watched {
        Watched::Directory(root) => {
            let inner = path.strip_prefix(root).unwrap_or(path);
            !inner.components().any(|part| {
                matches!(part, Component::Normal(name) if name == ".git" || name == ".trueline")
            })
        }
        Watched::Refs(git_directory) => {
            let inner = path.strip_prefix(git_directory).unwrap_or(path);
            path.extension().is_none_or(|ending| ending != "lock")
                && (inner.starts_with("refs")
                    || inner == Path::new("packed-refs")
                    || inner == Path::new("HEAD"))
        }
    }
}

/// Passes one poke on once it has been quiet, or at the end of patience.
async fn debounce(mut raw: mpsc::Receiver<()>, pokes: mpsc::Sender<()>) {
    while raw.recv().await.is_some() {
        let end = tokio::time::Instant::now() + PATIENCE;
        loop {
            let quiet = (tokio::time::Instant::now() + QUIET).min(end);
            match tokio::time::timeout_at(quiet, raw.recv()).await {
                Ok(Some(())) if tokio::time::Instant::now() < end => {}
                Ok(None) => return,
                _ => break,
            }
        }
        let _ = pokes.try_send(());
        if pokes.is_closed() {
            return;
        }
    }
}

/// Pokes every few seconds: whoever looks finds out whether anything changed.
async fn poke_regularly(pokes: mpsc::Sender<()>, every: Duration) {
    while !pokes.is_closed() {
        tokio::time::sleep(every).await;
        let _ = pokes.try_send(());
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Repo, write};
    use super::*;

    async fn poked(receiver: &mut mpsc::Receiver<()>) {
        tokio::time::timeout(Duration::from_secs(20), receiver.recv()).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn many_saves_are_one_poke_and_new_folders_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "services/a/x.yaml", "1");
        let watched = Watched::Directory(folder.path().to_owned());
        let (watch, mut pokes) = Watch::start(&watched).unwrap();
        assert_eq!(watch.notice(), None);
        for n in 0..5 {
            write(folder.path(), "services/a/x.yaml", &"x".repeat(n + 2));
        }
        poked(&mut pokes).await;
        assert!(pokes.try_recv().is_err());
        write(folder.path(), "services/new/deep/y.yaml", "1");
        poked(&mut pokes).await;
    }

    #[tokio::test]
    async fn without_watches_it_pokes_by_itself_and_says_so() {
        let (_events, raw) = mpsc::channel(1);
        let fault = notify::Error::new(notify::ErrorKind::MaxFilesWatch);
        let (watch, _receiver) = Watch::run(Err(fault), raw);
        assert!(watch.notice().is_some_and(|notice| notice.starts_with("looking every 2 s")));
        let (sender, mut pokes) = mpsc::channel(1);
        let task = tokio::spawn(poke_regularly(sender, Duration::from_millis(1)));
        poked(&mut pokes).await;
        poked(&mut pokes).await;
        drop(pokes);
        task.await.unwrap();
    }

    #[tokio::test]
    async fn a_push_pokes() {
        let repo = Repo::bare();
        let (_watch, mut pokes) = Watch::start(&Watched::Refs(repo.path.clone())).unwrap();
        repo.commit_tree(&[("a", "1")]);
        poked(&mut pokes).await;
        repo.git(&["pack-refs", "--all"], "");
        poked(&mut pokes).await;
    }

    #[test]
    fn what_we_write_ourselves_does_not_poke() {
        let directory = Watched::Directory("/c".into());
        assert!(!concerns(&directory, Path::new("/c/.trueline/state.db")));
        assert!(!concerns(&directory, Path::new("/c/.git/index")));
        assert!(concerns(&directory, Path::new("/c/services/a/x.yaml")));
        let refs = Watched::Refs("/r.git".into());
        assert!(!concerns(&refs, Path::new("/r.git/refs/heads/main.lock")));
        assert!(!concerns(&refs, Path::new("/r.git/config")));
        assert!(concerns(&refs, Path::new("/r.git/refs/heads/main")));
        assert!(concerns(&refs, Path::new("/r.git/packed-refs")));
    }

    #[tokio::test]
    async fn a_place_that_is_not_there_is_an_error() {
        assert!(Watch::start(&Watched::Directory("/nowhere/at/all".into())).is_err());
    }
}
