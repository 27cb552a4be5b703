//! Proves `trueline github` against a GitHub: the files that it writes, and what it says is missing.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::args::Format;
use super::config::Config;
use super::context::Context;
use super::github::{GitHubCommand, Options, run};
use super::github_manifest;
use super::output::Exit;
use crate::forge::github::fake::{APP, APP_KEY, FakeGitHub};

fn context(folder: &Path, config: &str) -> Context {
    let file = folder.join("trueline.toml");
    std::fs::write(&file, config).unwrap();
    Context {
        config: Config::read(&file).unwrap(),
        names_config: true,
        name: "catalog".to_owned(),
        catalog: "acme/app".to_owned(),
        branch: None,
        state: folder.join("state"),
        server: None,
        format: Format::Json,
        quiet: true,
        verbose: 0,
        color: false,
        unread: None,
    }
}

fn config(github: &FakeGitHub, more: &str) -> String {
    let api = github.api_url();
    format!("[egress]\nallow = [\"127.0.0.1:*\"]\n[forge.github]\napiUrl = \"{api}\"\n{more}")
}

fn manifest(folder: &Path, code: Option<&str>) -> Options {
    let options = github_manifest::Options {
        name: "acme-trueline".to_owned(),
        organisation: Some("acme".to_owned()),
        workflows: false,
        page: folder.join("app.html"),
        code: code.map(str::to_owned),
        into: folder.to_owned(),
    };
    Options { command: GitHubCommand::AppManifest(options) }
}

#[tokio::test]
async fn an_app_is_asked_for_taken_and_kept_from_others() {
    let (github, folder) = (FakeGitHub::start().await, tempfile::tempdir().unwrap());
    let context = context(folder.path(), &config(&github, ""));
    assert_eq!(run(&context, &manifest(folder.path(), None)).await.unwrap(), Exit::Success);
    let page = std::fs::read_to_string(folder.path().join("app.html")).unwrap();
    let to = format!("action=\"http://{}/organizations/acme/settings/apps/new\"", github.address());
    assert!(
        page.contains(&to) && page.contains("&quot;pull_requests&quot;:&quot;write&quot;"),
        "{page}"
    );

    let key = folder.path().join("trueline-app.private-key.pem");
    let wrong = run(&context, &manifest(folder.path(), Some("0ther"))).await.unwrap_err();
    assert!(wrong.to_string().contains("it is good once") && !key.exists(), "{wrong}");
    let back = "http://127.0.0.1:7700/github-app?code=c0de";
    assert_eq!(run(&context, &manifest(folder.path(), Some(back))).await.unwrap(), Exit::Success);
    let secret = folder.path().join("trueline-app.webhook-secret");
    for (file, expected) in [(&key, APP_KEY), (&secret, "hook-s3cret")] {
        assert_eq!(std::fs::read_to_string(file).unwrap(), expected);
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // What is there is not written over, and the code is not spent.
    let again = run(&context, &manifest(folder.path(), Some(back))).await.unwrap_err();
    assert!(again.to_string().contains("is there already"), "{again}");
}

#[tokio::test]
async fn what_is_missing_is_a_finding() {
    let (github, folder) = (FakeGitHub::start().await, tempfile::tempdir().unwrap());
    let status = Options { command: GitHubCommand::Status };
    let key = folder.path().join("app.pem");
    std::fs::write(&key, APP_KEY).unwrap();
    let app = format!(
        "appId = {APP}\nprivateKeyFile = {key:?}\nwebhookSecrets = [{{secret = \"HOOK\"}}]"
    );
    let context_of_app = context(folder.path(), &config(&github, &app));
    // The fake one was granted too little.
    assert_eq!(run(&context_of_app, &status).await.unwrap(), Exit::Findings);
    assert!(github.seen().contains(&"GET /app/hook/deliveries".to_owned()));
    github.state().not_installed = true;
    let absent = run(&context_of_app, &status).await.unwrap_err();
    assert!(absent.to_string().contains("is not installed for acme/app"), "{absent}");
    let nothing = context(folder.path(), "");
    let nothing = run(&nothing, &status).await.unwrap_err();
    assert!(nothing.to_string().contains("trueline github app-manifest"), "{nothing}");
}
