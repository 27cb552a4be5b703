//! Looks after one program from its start to its end. It waits for it always, whatever else happens.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::left;
use super::strays;
use super::{Cause, Ended, MAX_OUTPUT_BYTES, Order, Orphan, Patience};
use crate::action::stop::Stop;

/// Between two looks at a program, at most.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
/// What keeps a child from gaining rights, and lets it be told of its parent's end, where it is there.
const BINDS_CHILDREN: &str = "/usr/bin/setpriv";

/// Where the two outputs go. Files rather than pipes: a program whose reader is gone goes on and saves what it has.
struct Outputs {
    stdout: File,
    stderr: File,
}

impl Outputs {
    fn length(&self) -> u64 {
        let length = |file: &File| file.metadata().map_or(0, |known| known.len());
        length(&self.stdout).max(length(&self.stderr))
    }
}

/// Starts a program, and brings it to its end: by itself, or asked to and then killed.
pub(super) fn supervise(
    order: &Order,
    patience: Patience,
    (stop, abandoned): &(Stop, Arc<AtomicBool>),
) -> io::Result<Ended> {
    let scratch = || tempfile::tempfile_in(&order.folder);
    let outputs = Outputs { stdout: scratch()?, stderr: scratch()? };
    let mark = strays::mark();
    let mut child = start(order, &outputs, &mark)?;
    let pid = Pid::from_child(&child);
    let noted = left::note(&order.note, child.id());
    let mut asked: Option<(Cause, Instant)> =
        noted.err().map(|_| (Cause::Abandoned, Instant::now()));
    let mut pause = Duration::from_millis(1);
    while !has_ended(pid) {
        let now = Instant::now();
        match asked {
            None => {
                let wanted = end_wanted(patience, stop, abandoned.load(Ordering::Relaxed))
                    .or_else(|| too_much(&outputs, patience));
                if wanted.is_some() {
                    signal(pid, Signal::INT);
                    asked = wanted;
                }
            }
            Some((_, until)) if now >= until => signal(pid, Signal::KILL),
            // Who is asked to end and goes on writing is given no more of the disk.
            Some(_) if outputs.length() > 2 * MAX_OUTPUT_BYTES => signal(pid, Signal::KILL),
            Some(_) => {}
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    // It has ended and is not waited for yet, so its number can't be anybody else's: what it started ends with it.
    signal(pid, Signal::KILL);
    let status = wait(&mut child)?;
    strays::end(&mark);
    left::forget(&order.note);
    Ok(Ended {
        cause: asked.map_or_else(|| cause_of(status), |(cause, _)| cause),
        stdout: read(outputs.stdout)?,
        stderr: read(outputs.stderr)?,
    })
}

fn start(order: &Order, outputs: &Outputs, mark: &str) -> io::Result<Child> {
    let mut stdin = tempfile::tempfile_in(&order.folder)?;
    stdin.write_all(&order.stdin)?;
    stdin.seek(SeekFrom::Start(0))?;
    let told = match order.orphan {
        Orphan::Interrupt => Some("INT"),
        Orphan::Kill => Some("KILL"),
        Orphan::Finish => None,
    };
    let mut command = if Path::new(BINDS_CHILDREN).is_file() {
        let mut command = Command::new(BINDS_CHILDREN);
        command.arg("--no-new-privs");
        if let Some(told) = told {
            command.args(["--pdeathsig", told]);
        }
        command.arg("--").arg(&order.program);
        command
    } else {
        Command::new(&order.program)
    };
    command
        .args(&order.arguments)
        .env_clear()
        .envs(order.environment.iter().map(|(name, value)| (name, value)))
        .env(strays::MARK, mark)
        .current_dir(&order.folder)
        .process_group(0)
        .stdin(stdin)
        .stdout(outputs.stdout.try_clone()?)
        .stderr(outputs.stderr.try_clone()?)
        .spawn()
}

/// Tells why a program must come to its end now, and until when it may take.
fn end_wanted(patience: Patience, stop: &Stop, abandoned: bool) -> Option<(Cause, Instant)> {
    let now = Instant::now();
    if let Some(until) = stop.until() {
        return Some((Cause::Stopped, until));
    }
    if abandoned {
        return Some((Cause::Abandoned, now + patience.grace));
    }
    (now >= patience.until).then_some((Cause::TimedOut, now + patience.grace))
}

fn too_much(outputs: &Outputs, patience: Patience) -> Option<(Cause, Instant)> {
    let over = outputs.length() > MAX_OUTPUT_BYTES;
    over.then(|| (Cause::TooMuch, Instant::now() + patience.grace))
}

/// Tells whether a child has ended, and leaves it to be waited for.
fn has_ended(pid: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(waitid(WaitId::Pid(pid), options), Ok(None) | Err(rustix::io::Errno::INTR))
}

fn signal(group: Pid, signal: Signal) {
    let _ = kill_process_group(group, signal);
}

fn wait(child: &mut Child) -> io::Result<ExitStatus> {
    child.wait()
}

fn cause_of(status: ExitStatus) -> Cause {
    status.code().map_or_else(|| Cause::Signal(status.signal().unwrap_or_default()), Cause::Exit)
}

fn read(mut file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(MAX_OUTPUT_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}
