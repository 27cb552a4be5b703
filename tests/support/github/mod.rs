//! A GitHub for tests: it keeps state over real bare repositories, wants a token, counts limits, signs webhooks and
//! misbehaves on command. What it is asked and what it answers is held against GitHub's own OpenAPI description, where
//! `TRUELINE_GITHUB_OPENAPI` names one (`ci/test` gets it). It knows nothing of Trueline.
//!
//! What it speaks is documented by GitHub under the titles that stand at each route.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::assigning_clones,
    clippy::struct_excessive_bools,
    reason = "two test programs share it, and each uses a part"
)]

mod actions;
mod apps;
mod checks;
mod contract;
mod git;
mod graphql;
mod hooks;
mod issues;
mod oauth;
mod people;
mod persons;
mod pulls;
mod reviews;
mod routes;
mod serve;
mod shapes;
mod state;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use tokio::task::JoinHandle;

#[allow(unused_imports, reason = "two test programs share it, and each uses a part")]
pub(crate) use self::oauth::CLIENT;
#[allow(unused_imports, reason = "two test programs share it, and each uses a part")]
pub(crate) use self::state::{Pull, Rate, Review, Trick};
use self::state::{Repository, State};

/// The number and the private key of the App that is installed everywhere.
pub(crate) const APP: u64 = 7;
pub(crate) const APP_KEY: &str = include_str!("test-app.pem");

/// A GitHub of one test; it ends when it is dropped, and fails the test where it was not spoken to as documented.
pub(crate) struct FakeGitHub {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Drop for FakeGitHub {
    fn drop(&mut self) {
        self.task.abort();
        let problems = std::mem::take(&mut self.state().problems);
        if !std::thread::panicking() {
            assert!(problems.is_empty(), "not as GitHub documents it:\n{}", problems.join("\n"));
        }
    }
}

impl FakeGitHub {
    /// Starts it with one repository, `acme/app`, and one token, `t0ken-of-acme`.
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::new(format!("http://{address}"))));
        let router = axum::Router::new().fallback(serve::serve).with_state(Arc::clone(&state));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let github = Self { address, state, task };
        github.add_repository("acme/app");
        github.state().tokens.insert("t0ken-of-acme".to_owned(), state::Token::personal());
        github
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// What `apiUrl` is set to.
    pub(crate) fn api_url(&self) -> String {
        format!("http://{}/api/v3", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes a repository with one commit on `main`.
    pub(crate) fn add_repository(&self, name: &str) {
        let mut state = self.state();
        let path = state.root.path().join(format!("{name}.git"));
        git::init(&path);
        let id = state.next();
        state.repositories.insert(name.to_owned(), Repository { id, ..Repository::default() });
    }

    /// Returns where a repository lies, to look into it with git.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.state().root.path().join(format!("{name}.git"))
    }

    /// Runs git in a repository and returns what it says.
    pub(crate) fn git(&self, name: &str, arguments: &[&str]) -> String {
        git::run(&self.path(name), arguments, b"")
    }

    /// Commits a file to a branch, as a person does.
    pub(crate) fn push(&self, name: &str, branch: &str, (file, content): (&str, &str)) -> String {
        self.push_as("ann", name, branch, (file, content))
    }

    /// Misbehaves once at the next request of this method whose path holds this text.
    pub(crate) fn play(&self, method: &str, path: &str, trick: Trick) {
        self.state().tricks.push_back((method.to_owned(), path.to_owned(), trick));
    }

    /// Returns everything that was done, in its order: method and path.
    pub(crate) fn ledger(&self) -> Vec<String> {
        self.state().ledger.clone()
    }

    /// Returns how often something was done whose line holds this text.
    pub(crate) fn done(&self, text: &str) -> usize {
        self.state().ledger.iter().filter(|line| line.contains(text)).count()
    }

    /// Returns method and path of every request, answered or not.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.state().seen.clone()
    }

    /// Lets all tokens end, as after an hour.
    pub(crate) fn end_tokens(&self) {
        self.state().tokens.clear();
    }

    /// Counts requests against a limit.
    pub(crate) fn limit(&self, rate: Rate) {
        self.state().rate = Some(rate);
    }

    /// Merges a pull request, as a person does.
    pub(crate) fn merge(&self, name: &str, number: u64) -> String {
        self.state().merge(name, number).unwrap()
    }

    /// Closes or opens a pull request, as a person does.
    pub(crate) fn set_pull(&self, name: &str, number: u64, state_word: &str) {
        let mut state = self.state();
        let pull = state.repositories.get_mut(name).unwrap().pulls.get_mut(&number).unwrap();
        pull.state = state_word.to_owned();
        pull.updated_at = jiff::Timestamp::now();
        state.tell_pull(name, number, if state_word == "open" { "reopened" } else { "closed" });
    }

    /// Returns a pull request as it is answered.
    pub(crate) fn pull(&self, name: &str, number: u64) -> Value {
        self.state().pull(name, number).unwrap()
    }

    /// Returns how many pull requests there are.
    pub(crate) fn pulls(&self, name: &str) -> usize {
        self.state().repositories[name].pulls.len()
    }

    /// Ends a run, with an artifact where one is given: its name, and the zip.
    pub(crate) fn end_run(&self, id: u64, conclusion: &str, artifact: Option<(&str, Vec<u8>)>) {
        self.state().end_run(id, conclusion, artifact);
    }

    /// Returns the numbers of all runs.
    pub(crate) fn runs(&self) -> Vec<u64> {
        self.state().runs.keys().copied().collect()
    }

    /// Returns headers and body of a webhook, signed.
    pub(crate) fn webhook(
        secret: &str,
        event: &str,
        payload: &Value,
    ) -> (Vec<(&'static str, String)>, Vec<u8>) {
        let body = payload.to_string().into_bytes();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(&body);
        let bytes = mac.finalize().into_bytes();
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let hex = hex.concat();
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("x-github-event", event.to_owned()),
            ("x-github-delivery", format!("delivery-{}", hex.get(..12).unwrap_or_default())),
            ("x-hub-signature-256", format!("sha256={hex}")),
        ];
        (headers, body)
    }
}

/// Returns a zip with these files.
pub(crate) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::Write as _;
    let mut writer = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, ::zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
