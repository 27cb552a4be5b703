//! The bare repositories of the fake GitHub, and git's own CGI program before them.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Response};

pub(super) fn run(repository: &Path, arguments: &[&str], input: &[u8]) -> String {
    try_run(repository, arguments, input).unwrap_or_else(|said| panic!("git {arguments:?}: {said}"))
}

pub(super) fn try_run(
    repository: &Path,
    arguments: &[&str],
    input: &[u8],
) -> Result<String, String> {
    try_run_as("ann", repository, arguments, input)
}

/// Runs git in somebody's name: who has an account has a mail address at `x.example`.
fn try_run_as(
    login: &str,
    repository: &Path,
    arguments: &[&str],
    input: &[u8],
) -> Result<String, String> {
    let mail = format!("{login}@x.example");
    let mut child = Command::new("git")
        .args(arguments)
        .env("GIT_DIR", repository)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs([("GIT_AUTHOR_NAME", login), ("GIT_COMMITTER_NAME", login)])
        .envs([("GIT_AUTHOR_EMAIL", &mail), ("GIT_COMMITTER_EMAIL", &mail)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

pub(super) fn init(repository: &Path) {
    std::fs::create_dir_all(repository).unwrap();
    let init = ["init", "-q", "--bare", "--initial-branch=main"];
    let made =
        Command::new("git").args(init).arg(repository).env_remove("GIT_DIR").status().unwrap();
    assert!(made.success());
    run(repository, &["config", "http.receivepack", "true"], b"");
    commit(repository, "ann", "main", ("README.md", "# Hello\n"));
}

/// Commits a file on top of a branch, or of `main` where there is none yet, and returns the commit.
pub(super) fn commit(
    repository: &Path,
    login: &str,
    branch: &str,
    (file, content): (&str, &str),
) -> String {
    let parent = tip(repository, branch).or_else(|| tip(repository, "main"));
    let blob = run(repository, &["hash-object", "-w", "--stdin"], content.as_bytes());
    let listed = parent.as_ref().map(|parent| run(repository, &["ls-tree", "-r", parent], b""));
    let lines = listed.unwrap_or_default();
    let index = repository.join(format!("index-{blob}"));
    let with_index = |arguments: &[&str], input: String| {
        let mut command = Command::new("git");
        command.args(arguments).env("GIT_DIR", repository).env("GIT_INDEX_FILE", &index);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap().trim().to_owned()
    };
    let entries = format!("{lines}\n100644 blob {blob}\t{file}\n");
    with_index(&["update-index", "--index-info"], entries.trim_start().to_owned());
    let tree = with_index(&["write-tree"], String::new());
    std::fs::remove_file(&index).unwrap();
    let mut arguments = vec!["commit-tree", tree.as_str(), "-m", "by hand"];
    if let Some(parent) = &parent {
        arguments.extend(["-p", parent.as_str()]);
    }
    let commit = try_run_as(login, repository, &arguments, b"").unwrap();
    run(repository, &["update-ref", &format!("refs/heads/{branch}"), &commit], b"");
    commit
}

pub(super) fn tip(repository: &Path, branch: &str) -> Option<String> {
    let name = format!("refs/heads/{branch}");
    try_run(repository, &["rev-parse", "--verify", "-q", &name], b"").ok()
}

/// Serves smart HTTP («git http-backend» of git's manual).
pub(super) async fn backend(
    root: &Path,
    (method, path, query): (&Method, &str, &str),
    headers: &HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let header = |name: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REMOTE_USER", "robot")
        .env("REQUEST_METHOD", method.as_str())
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("content-type"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = tokio::task::spawn_blocking(move || {
        let writer = std::thread::spawn(move || stdin.write_all(&body));
        let output = child.wait_with_output().unwrap().stdout;
        let _ = writer.join();
        output
    });
    let output = output.await.unwrap();
    let end = output.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&output[..end]).into_owned();
    let mut answer = Response::builder();
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        answer = match name {
            "Status" => answer.status(value.get(..3).unwrap().parse::<u16>().unwrap()),
            _ => answer.header(name, value),
        };
    }
    answer.body(Body::from(output[end + 4..].to_vec())).unwrap()
}

/// Returns all branches with their tips.
pub(super) fn branches(repository: &Path) -> Vec<(String, String)> {
    let format = "--format=%(refname:lstrip=2) %(objectname)";
    let listed = try_run(repository, &["for-each-ref", format, "refs/heads/"], b"");
    let listed = listed.unwrap_or_default();
    let pairs = listed.lines().filter_map(|line| line.split_once(' '));
    pairs.map(|(name, tip)| (name.to_owned(), tip.to_owned())).collect()
}
