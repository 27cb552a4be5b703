//! Runs the program `git` as the transport: a clean environment, no hooks, no prompts, a deadline. Nothing secret in its arguments.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;

use super::error::SourceError;
use super::location::Location;
use super::lock::MirrorLock;
use super::names::escaped;
use super::token::Token;
use crate::secret::{Secret, mask};

const KEPT_ENVIRONMENT: [&str; 10] = [
    "PATH",
    "HOME",
    "SSH_AUTH_SOCK",
    "TMPDIR",
    "https_proxy",
    "HTTPS_PROXY",
    "no_proxy",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];
const STDOUT_BYTES: usize = 8 * 1024 * 1024;
const STDERR_BYTES: usize = 8 * 1024;
const SSH: &str =
    "ssh -oBatchMode=yes -oConnectTimeout=20 -oServerAliveInterval=15 -oServerAliveCountMax=3";

/// How the program `git` is run.
#[derive(Clone, Debug)]
pub struct Program {
    /// The program; looked up on PATH where it has no slash.
    pub path: OsString,
    /// How long one fetch or push may take.
    pub timeout: Duration,
    /// How many bytes one fetch may bring.
    pub max_fetch_bytes: u64,
    /// The command that git runs for ssh.
    pub ssh: String,
}

impl Default for Program {
    fn default() -> Self {
        Self {
            path: "git".into(),
            timeout: Duration::from_mins(10),
            max_fetch_bytes: 2 * 1024 * 1024 * 1024,
            ssh: SSH.to_owned(),
        }
    }
}

/// One run of the program.
pub(crate) struct Call<'a> {
    pub(crate) repository: &'a Path,
    pub(crate) location: &'a Location,
    pub(crate) token: Option<&'a Token>,
    pub(crate) lock: Option<&'a MirrorLock>,
}

/// How a run ended.
pub(crate) struct Ended {
    pub(crate) success: bool,
    pub(crate) stdout: String,
    /// The last of what it said, without control characters and secrets.
    pub(crate) detail: String,
}

impl Program {
    /// Runs git in a repository and waits for its end, or kills it and all its children at the deadline.
    pub(crate) fn run(&self, call: &Call<'_>, arguments: &[&str]) -> Result<Ended, SourceError> {
        let token = call.token.filter(|_| call.location.token_scope().is_some());
        let token = token.map(|token| token.secret(call.location)).transpose()?;
        let mut command = Command::new(&self.path);
        command.args(arguments).env_clear().process_group(0);
        for name in KEPT_ENVIRONMENT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .env("LC_ALL", "C")
            .env("GIT_DIR", call.repository)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_ALLOW_PROTOCOL", call.location.protocol())
            .env("GIT_SSH_COMMAND", &self.ssh)
            .env("GIT_SSH_VARIANT", "ssh");
        configure(&mut command, &settings(call.location, token.as_ref()));
        let stdin = match call.lock {
            Some(lock) => Stdio::from(
                lock.share().map_err(SourceError::io("share the lock of", call.repository))?,
            ),
            None => Stdio::null(),
        };
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(SourceError::NoProgram)?;
        let stdout = child.stdout.take().map(|pipe| drain(pipe, STDOUT_BYTES, false));
        let stderr = child.stderr.take().map(|pipe| drain(pipe, STDERR_BYTES, true));
        let success = self.wait(&mut child, call)?;
        Ok(Ended {
            success,
            stdout: String::from_utf8_lossy(&collect(stdout)).into_owned(),
            detail: clean(&collect(stderr), token.as_ref()),
        })
    }

    fn wait(&self, child: &mut Child, call: &Call<'_>) -> Result<bool, SourceError> {
        let deadline = Instant::now() + self.timeout;
        let mut pause = Duration::from_millis(1);
        loop {
            let ended =
                child.try_wait().map_err(SourceError::io("wait for git in", call.repository))?;
            if let Some(status) = ended {
                return Ok(status.success());
            }
            if Instant::now() >= deadline {
                kill_group(child);
                return Err(SourceError::Timeout {
                    location: call.location.to_string(),
                    seconds: self.timeout.as_secs(),
                });
            }
            if received_bytes(call.repository) > self.max_fetch_bytes {
                kill_group(child);
                return Err(SourceError::TooLarge {
                    what: format!("the fetch from {}", call.location),
                    limit: format!("{} MiB", self.max_fetch_bytes / 1024 / 1024),
                });
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }
}

/// Returns the settings of one run; they go by environment, because arguments can be seen by everybody.
fn settings(location: &Location, token: Option<&Secret>) -> Vec<(String, String)> {
    let mut settings: Vec<(String, String)> = [
        ("core.hooksPath", "/dev/null"),
        ("core.fsmonitor", "false"),
        ("gc.auto", "0"),
        ("maintenance.auto", "false"),
        ("protocol.ext.allow", "never"),
        ("transfer.bundleURI", "false"),
        ("fetch.recurseSubmodules", "false"),
        ("push.recurseSubmodules", "no"),
        ("push.gpgSign", "false"),
        ("http.followRedirects", "false"),
        ("http.lowSpeedLimit", "100"),
        ("http.lowSpeedTime", "60"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    if let (Some(token), Some(scope)) = (token, location.token_scope()) {
        settings.push(("credential.helper".to_owned(), String::new()));
        settings.push((
            format!("http.{scope}.extraHeader"),
            format!("Authorization: Basic {}", basic(token)),
        ));
    }
    settings
}

fn configure(command: &mut Command, settings: &[(String, String)]) {
    command.env("GIT_CONFIG_COUNT", settings.len().to_string());
    for (index, (key, value)) in settings.iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{index}"), key);
        command.env(format!("GIT_CONFIG_VALUE_{index}"), value);
    }
}

fn basic(token: &Secret) -> String {
    base64::engine::general_purpose::STANDARD.encode(format!("x-access-token:{}", token.reveal()))
}

/// Kills git with the helpers it started, which do not notice when only git itself ends.
fn kill_group(child: &mut Child) {
    let _ = Command::new("/bin/sh")
        .args(["-c", "kill -s KILL -- \"-$1\"", "sh", &child.id().to_string()])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let _ = child.kill();
    let _ = child.wait();
}

/// Returns the size of packs that are being received.
fn received_bytes(repository: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(repository.join("objects/pack")) else { return 0 };
    entries
        .flatten()
        .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"tmp_pack_"))
        .filter_map(|entry| entry.metadata().ok())
        .map(|metadata| metadata.len())
        .sum()
}

/// Reads a pipe to its end so that the child never blocks, and keeps its first or last bytes.
fn drain(mut pipe: impl Read + Send + 'static, keep: usize, last: bool) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut kept: Vec<u8> = Vec::new();
        let mut buffer = [0; 8192];
        while let Ok(count) = pipe.read(&mut buffer) {
            if count == 0 {
                break;
            }
            if last || kept.len() < keep {
                kept.extend(buffer.iter().take(count));
            }
            if last && kept.len() > keep * 2 {
                kept.drain(..kept.len() - keep);
            }
        }
        kept.drain(..if last { kept.len().saturating_sub(keep) } else { 0 });
        // The receiver is gone where the run was given up.
        let _ = sender.send(kept);
    });
    receiver
}

/// Waits a moment for a pipe's content: a grandchild may hold it open after git's end.
fn collect(pipe: Option<Receiver<Vec<u8>>>) -> Vec<u8> {
    pipe.and_then(|pipe| pipe.recv_timeout(Duration::from_secs(2)).ok()).unwrap_or_default()
}

/// Keeps the lines that say something, joined, without control characters and secrets.
fn clean(stderr: &[u8], token: Option<&Secret>) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<String> = text
        .split(['\n', '\r'])
        .map(|line| escaped(line.trim().as_bytes()))
        .filter(|line| !line.is_empty() && !line.starts_with("hint:"))
        .collect();
    let shown =
        lines.iter().skip(lines.len().saturating_sub(6)).cloned().collect::<Vec<_>>().join("; ");
    let secrets: Vec<Secret> =
        token.into_iter().flat_map(|token| [token.clone(), Secret::new(basic(token))]).collect();
    let shown = mask(&shown, &secrets);
    shown.chars().take(600).collect()
}

/// Names the fault by what git said about the other side.
pub(crate) fn fault(location: &Location, detail: &str) -> SourceError {
    let has = |needles: &[&str]| needles.iter().any(|needle| detail.contains(needle));
    let location = location.to_string();
    let detail = detail.to_owned();
    if has(&[
        "Authentication failed",
        "could not read Username",
        "could not read Password",
        "Permission denied",
        "error: 401",
        "error: 403",
        "Host key verification failed",
        "HOST IDENTIFICATION HAS CHANGED",
        "dubious ownership",
    ]) {
        return SourceError::Denied { location, detail };
    }
    if has(&["error: 301", "error: 302", "error: 307", "error: 308"]) {
        return SourceError::Redirected { location, detail };
    }
    if has(&[
        "does not appear to be a git repository",
        "not found",
        "does not exist",
        "error: 404",
        "not a git repository",
    ]) {
        return SourceError::NoRepository { location, detail };
    }
    SourceError::Unreachable { location, detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn script(folder: &Path, text: &str) -> Program {
        let path = folder.join("fake-git");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        Program { path: path.into(), timeout: Duration::from_secs(20), ..Program::default() }
    }

    fn call<'a>(folder: &'a Path, location: &'a Location, token: Option<&'a Token>) -> Call<'a> {
        Call { repository: folder, location, token, lock: None }
    }

    #[test]
    fn the_environment_is_clean_and_the_token_no_argument() {
        let folder = tempfile::tempdir().unwrap();
        let program = script(folder.path(), "env; echo \"$@\"");
        let location = Location::parse("https://forge.example/x").unwrap();
        let token = Secret::new("hunter22");
        let given = Token::from(token.clone());
        let ended =
            program.run(&call(folder.path(), &location, Some(&given)), &["fetch", "x"]).unwrap();
        assert!(ended.success);
        assert!(!ended.stdout.contains("hunter22") && ended.stdout.contains(&basic(&token)));
        assert_eq!(ended.stdout.lines().last(), Some("fetch x"));
        assert!(!ended.stdout.contains("CARGO"), "{}", ended.stdout);
        assert!(ended.stdout.contains("GIT_ALLOW_PROTOCOL=https"));
    }

    #[test]
    fn what_git_says_is_cleaned_cut_and_masked() {
        let folder = tempfile::tempdir().unwrap();
        let program = script(
            folder.path(),
            "yes 'remote: endless' | head -c 3000000 >&2; printf '\\033[31mhunter22\\n' >&2; exit 3",
        );
        let location = Location::parse("https://forge.example/x").unwrap();
        let token = Token::from(Secret::new("hunter22"));
        let ended = program.run(&call(folder.path(), &location, Some(&token)), &[]).unwrap();
        assert!(!ended.success && ended.detail.len() < 700);
        assert!(ended.detail.ends_with("\\u{1b}[31m(sensitive)"), "{}", ended.detail);
    }

    #[test]
    fn at_the_deadline_children_end_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let mut program =
            script(folder.path(), &format!("sleep 600 & echo $! > {}; wait", pid.display()));
        program.timeout = Duration::from_millis(400);
        let location = Location::parse("/nowhere").unwrap();
        let ended = program.run(&call(folder.path(), &location, None), &[]);
        assert!(matches!(ended, Err(SourceError::Timeout { .. })));
        let pid = fs::read_to_string(pid).unwrap();
        let stat = Path::new("/proc").join(pid.trim()).join("stat");
        let end = Instant::now() + Duration::from_secs(20);
        // Killed already, it only has to be taken down.
        while fs::read_to_string(&stat).is_ok_and(|text| !text.contains(") Z ")) {
            assert!(Instant::now() < end, "the child lives on");
            thread::yield_now();
        }
    }

    #[test]
    fn a_fetch_that_brings_too_much_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("objects/pack")).unwrap();
        let text = "head -c 5000 /dev/zero > \"$GIT_DIR/objects/pack/tmp_pack_x\"; exec sleep 600";
        let program = Program { max_fetch_bytes: 4096, ..script(folder.path(), text) };
        let location = Location::parse("https://forge.example/x").unwrap();
        let ended = program.run(&call(folder.path(), &location, None), &[]);
        assert!(matches!(ended, Err(SourceError::TooLarge { .. })));
    }

    #[test]
    fn faults_are_told_apart() {
        let location = Location::parse("https://forge.example/x").unwrap();
        let transient = |detail| fault(&location, detail).is_transient();
        assert!(transient("fatal: unable to access: Could not resolve host: forge.example"));
        assert!(transient("fatal: the remote end hung up unexpectedly"));
        assert!(!transient("fatal: Authentication failed for 'https://forge.example/x'"));
        assert!(matches!(
            fault(&location, "The requested URL returned error: 301"),
            SourceError::Redirected { .. }
        ));
    }
}
