//! Runs programs for actions: no shell, a clean environment, a group of their own, bounds on time and output. It
//! leaves none behind: a program is asked to end, given time to, and then killed with all that it started.

mod left;
mod strays;
mod supervise;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub(super) use self::left::Left;
use super::scrub::Scrub;
use super::stop::Stop;
use crate::run::Fault;
use crate::secret::Secret;

/// The most that a program may write to one of its two outputs, in bytes.
pub(super) const MAX_OUTPUT_BYTES: u64 = 64 << 20;
/// How much of what a program says is kept of its beginning, and as much of its end.
const KEPT_BYTES: usize = 1 << 10;
/// How much of the beginning and of the end of what it says is looked at, where it says very much.
const SEEN_BYTES: usize = 32 << 10;
/// How long a program that was asked to end may take, where there is as much time.
const GRACE: Duration = Duration::from_secs(20);

/// Variables, each with its value.
pub(super) type Environment = Vec<(OsString, OsString)>;

/// What is told to a program whose parent is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Orphan {
    /// To come to its end in its own way: it has something to save.
    Interrupt,
    /// Nothing: it is killed.
    Kill,
    /// Nothing: it goes on to its own end, and is found by whoever comes next.
    Finish,
}

/// A program to be run.
#[derive(Clone, Debug)]
pub(super) struct Order {
    /// The program, as an absolute path.
    pub(super) program: PathBuf,
    /// Its arguments.
    pub(super) arguments: Vec<OsString>,
    /// Its whole environment.
    pub(super) environment: Environment,
    /// Where it runs.
    pub(super) folder: PathBuf,
    /// What it reads.
    pub(super) stdin: Vec<u8>,
    /// Where it is written down that it runs.
    pub(super) note: PathBuf,
    /// What it is told should this process be gone.
    pub(super) orphan: Orphan,
}

/// How long a program may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// When it is asked to end.
    pub(super) until: Instant,
    /// How long it may take to.
    pub(super) grace: Duration,
}

impl Patience {
    /// Divides the time of an attempt, so that its outcome is known before the attempt is given up.
    pub(super) fn of(timeout: Duration) -> Self {
        let grace = GRACE.min(timeout / 4);
        Self { until: Instant::now() + timeout.saturating_sub(grace + grace / 4), grace }
    }
}

/// Why a program came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// By itself, with this exit code.
    Exit(i32),
    /// A signal that we did not send.
    Signal(i32),
    /// It took too long.
    TimedOut,
    /// This process is about to end.
    Stopped,
    /// It wrote too much.
    TooMuch,
    /// Nobody waits for it any more.
    Abandoned,
}

/// A program that came to its end.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) cause: Cause,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// Runs a program to its end. Should nobody wait any more, it is brought to its end all the same.
pub(super) async fn run(order: Order, patience: Patience, stop: &Stop) -> Result<Ended, Fault> {
    if stop.until().is_some() {
        return Err(Fault::transient("this process is about to end; nothing more is started"));
    }
    let name = order.program.display().to_string();
    let abandoned = Abandoned(Arc::default());
    let (told, outcome) = tokio::sync::oneshot::channel();
    let (flag, stop) = (Arc::clone(&abandoned.0), stop.clone());
    // A thread of its own: what a parent's end tells its child hangs on the thread that started it.
    let thread = std::thread::Builder::new().name("program".to_owned()).spawn(move || {
        let _ = told.send(supervise::supervise(&order, patience, &(stop, flag)));
    });
    thread.map_err(|error| Fault::transient(format!("{name} can't be started: {error}")))?;
    let ended = outcome.await.map_err(|_| Fault::unknown(format!("{name} was lost sight of")))?;
    ended.map_err(|error| Fault::transient(format!("{name} can't be run: {error}")))
}

/// Tells the thread that looks after a program that nobody waits for it any more.
struct Abandoned(Arc<AtomicBool>);

impl Drop for Abandoned {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Ended {
    /// Returns what it said when it failed, masked before it is cut: the beginning and the end.
    pub(super) fn said(&self, scrub: &Scrub) -> String {
        let empty = self.stderr.iter().all(u8::is_ascii_whitespace);
        shortened(scrub, if empty { &self.stdout } else { &self.stderr })
    }
}

/// Makes one line of what a program wrote: masked first, then without colours, frames and control characters, then cut.
pub(super) fn shortened(scrub: &Scrub, bytes: &[u8]) -> String {
    if bytes.len() > 4 * SEEN_BYTES {
        let (head, tail) = scrub.ends(bytes, SEEN_BYTES);
        return cut(&line_of(&head), &line_of(&tail));
    }
    let line = line_of(&scrub.text(&String::from_utf8_lossy(bytes)));
    if line.len() <= 2 * KEPT_BYTES { line } else { cut(&line, &line) }
}

/// Makes one line, without colours, frames and control characters.
fn line_of(text: &str) -> String {
    let plain = without_colours(text);
    let is_frame = |c: char| matches!(c, '╷' | '│' | '╵');
    let words = plain.split(|c: char| c.is_whitespace() || c.is_control() || is_frame(c));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Keeps the beginning of one line and the end of another.
fn cut(head: &str, tail: &str) -> String {
    let head = head.get(..head.floor_char_boundary(KEPT_BYTES)).unwrap_or_default();
    let from = tail.ceil_char_boundary(tail.len().saturating_sub(KEPT_BYTES));
    format!("{head} … {}", tail.get(from..).unwrap_or_default())
}

/// Takes out what steers a terminal: `ESC [ … letter`.
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            plain.push(c);
            continue;
        }
        if chars.next() == Some('[') {
            chars.by_ref().find(char::is_ascii_alphabetic);
        }
    }
    plain
}

/// Finds a program: an absolute path as it is, a name on PATH; or says what is wrong with it.
pub(super) fn find(program: &str) -> Result<PathBuf, String> {
    if program.contains('/') {
        return executable(Path::new(program)).map(Path::to_path_buf);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|path| executable(path).is_ok());
    found.ok_or_else(|| format!("`{program}` is not on the PATH of this process"))
}

/// Checks that a file is there and may be run.
fn executable(path: &Path) -> Result<&Path, String> {
    let shown = path.display();
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(format!("there is no `{shown}`"))
        }
        Err(error) => Err(format!("`{shown}` can't be looked at: {error}")),
        Ok(found) if !found.is_file() => Err(format!("`{shown}` is not a file")),
        Ok(found) if found.permissions().mode() & 0o111 == 0 => {
            Err(format!("`{shown}` may not be executed; chmod +x it"))
        }
        Ok(_) => Ok(path),
    }
}

/// Returns the environment that every program starts from: PATH, a home and a place for temporary files below a
/// folder, and what the operator lists; also the listed values that must not be seen.
pub(super) fn environment(
    folder: &Path,
    listed: &[String],
) -> std::io::Result<(Environment, Vec<Secret>)> {
    let mut environment = Environment::new();
    for (name, place) in [("HOME", "home"), ("TMPDIR", "tmp")] {
        let place = folder.join(place);
        private_folder(&place)?;
        environment.push((name.into(), place.into()));
    }
    let mut secrets = Vec::new();
    for name in std::iter::once("PATH").chain(listed.iter().map(String::as_str)) {
        let Some(value) = std::env::var_os(name) else { continue };
        if let Some(text) = value.to_str().filter(|_| is_secret(name)) {
            secrets.push(Secret::new(text));
        }
        environment.retain(|(known, _)| known != name);
        environment.push((name.into(), value));
    }
    Ok((environment, secrets))
}

/// Tells by the name of a variable whether it holds something that nobody may see.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "_KEY", "APIKEY"]
        .iter()
        .any(|word| name.contains(word))
}

/// Makes a folder that only its owner may enter.
pub(super) fn private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}
