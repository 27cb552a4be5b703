//! `trueline github app-manifest`: a page that asks GitHub for an App, then what GitHub made of it. The key and the
//! secret are written to files that only their owner reads; it writes over nothing.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::output::{Exit, Failure};
use crate::forge::github::{Address, MadeApp, NewApp, exchange};
use crate::net::HttpClient;

/// What `github app-manifest` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// The name of the App, which nobody else's on that GitHub has.
    #[arg(long, default_value = "trueline", value_name = "NAME")]
    pub name: String,
    /// The organisation that it is for; your own account where absent.
    #[arg(long, value_name = "OWNER")]
    pub organisation: Option<String>,
    /// Has it dispatch workflows, for the action `github-workflow`.
    #[arg(long)]
    pub workflows: bool,
    /// The page to write.
    #[arg(long, default_value = "trueline-app.html", value_name = "FILE")]
    pub page: PathBuf,
    /// What GitHub sent the browser back with: the address that it shows then, or the `code` in it.
    #[arg(long, value_name = "CODE|URL", conflicts_with_all = ["name", "organisation", "workflows", "page"])]
    pub code: Option<String>,
    /// Where key and secret are written.
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub into: PathBuf,
}

/// Where the browser goes with the code. Nobody need answer there: the code stands in the address that it shows.
const BACK: &str = "http://127.0.0.1:7700/github-app";

/// Does one of both steps.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    match &options.code {
        None => write_page(context, options),
        Some(code) => take(context, options, code).await,
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PageWire<'a> {
    version: &'static str,
    page: &'a Path,
    posts_to: String,
    manifest: serde_json::Value,
}

fn address(context: &Context) -> Result<Address, Failure> {
    let github = context.config.forge.github.as_ref();
    let api_url = github.and_then(|github| github.api_url.as_deref());
    Address::read(api_url).map_err(|fault| Failure::usage(fault.to_string()))
}

fn write_page(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let app = NewApp {
        name: options.name.clone(),
        public_url: context.config.server.public_url.clone(),
        back: BACK.to_owned(),
        with_workflows: options.workflows,
    };
    let posts_to = address(context)?.new_app(options.organisation.as_deref()).ok_or_else(|| {
        Failure::usage("the name of an organisation holds letters, digits and `-`")
    })?;
    let manifest = app.manifest();
    std::fs::write(&options.page, page(&posts_to, &manifest.to_string()))
        .map_err(|error| Failure::usage(format!("{}: {error}", options.page.display())))?;
    let version = "trueline.github-app-manifest/v1";
    let wire = PageWire { version, page: &options.page, posts_to, manifest };
    context.show(&wire, || {
        let manifest = serde_json::to_string_pretty(&wire.manifest).unwrap_or_default();
        let told = match &context.config.server.public_url {
            Some(_) => "",
            None => "No `publicUrl` is set under [server], so GitHub tells it nothing, and is polled.\n",
        };
        format!(
            "{manifest}\n\n{told}Open {page} in a browser and press the button: it posts this to {to}.\nThe browser is sent to an address that begins with {BACK}; within an hour, give it back:\n\n  trueline github app-manifest --code 'ADDRESS'\n",
            page = wire.page.display(),
            to = wire.posts_to,
        )
    })?;
    Ok(Exit::Success)
}

fn escape_html(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

/// Returns the page; whatever stands in the manifest stays text.
fn page(posts_to: &str, manifest: &str) -> String {
    let (to, manifest) = (escape_html(posts_to), escape_html(manifest));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>A GitHub App for Trueline</title>\n<form action=\"{to}\" method=\"post\">\n<p>This asks {to} for an App with this manifest:</p>\n<textarea name=\"manifest\" rows=\"30\" cols=\"100\" readonly>{manifest}</textarea>\n<p><button>Make the App</button></p>\n</form>\n</html>\n"
    )
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MadeWire {
    version: &'static str,
    app_id: u64,
    page: String,
    key_file: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_secret_file: Option<PathBuf>,
    /// What belongs into trueline.toml.
    settings: String,
}

async fn take(context: &Context, options: &Options, code: &str) -> Result<Exit, Failure> {
    let code = code_of(code).ok_or_else(|| Failure::usage("there is no `code` in that address"))?;
    let key_file = options.into.join("trueline-app.private-key.pem");
    let secret_file = options.into.join("trueline-app.webhook-secret");
    // A code is good once: whatever would keep its fruits from being kept is found before.
    for file in [&key_file, &secret_file] {
        if file.exists() {
            return Err(Failure::usage(format!("{} is there already", file.display()))
                .hint("take it away, or name another folder with --into DIR"));
        }
    }
    let mut kept = create(&key_file)?;
    let egress = context.config.egress.policy();
    let http = HttpClient::through(&egress, context.config.egress.proxy.as_deref())?;
    let address = address(context)?;
    let made = match exchange(&Arc::new(http), &address, &code).await {
        Ok(made) => made,
        Err(fault) => {
            let _ = std::fs::remove_file(&key_file);
            return Err(Failure::failed(fault.to_string()));
        }
    };
    let unkept = |path: &Path, error: std::io::Error| {
        Failure::failed(format!("{}: {error}", path.display()))
            .hint("make another private key at the App's own page")
    };
    let written = kept.write_all(made.key.reveal().as_bytes()).and_then(|()| kept.sync_all());
    written.map_err(|error| unkept(&key_file, error))?;
    if let Some(secret) = &made.webhook_secret {
        let written = create(&secret_file)?.write_all(secret.reveal().as_bytes());
        written.map_err(|error| unkept(&secret_file, error))?;
    }
    let wire = MadeWire {
        version: "trueline.github-app/v1",
        app_id: made.id,
        page: made.html_url.clone(),
        settings: settings(context, &made, &key_file),
        webhook_secret_file: made.webhook_secret.is_some().then(|| secret_file.clone()),
        key_file,
    };
    context.show(&wire, || wire.text(&made.slug))?;
    Ok(Exit::Success)
}

/// Makes a file that only its owner reads; one that is there is not touched.
fn create(path: &Path) -> Result<std::fs::File, Failure> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

/// Reads a code, or the address that holds it.
fn code_of(text: &str) -> Option<String> {
    let text = text.trim();
    let plain = |code: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        (!code.is_empty() && code.len() <= 200 && code.chars().all(fits)).then(|| code.to_owned())
    };
    match url::Url::parse(text) {
        Ok(url) => {
            url.query_pairs().find(|(key, _)| key == "code").and_then(|(_, code)| plain(&code))
        }
        Err(_) => plain(text),
    }
}

fn settings(context: &Context, made: &MadeApp, key_file: &Path) -> String {
    let key = std::path::absolute(key_file).unwrap_or_else(|_| key_file.to_owned());
    let mut lines = vec!["[forge.github]".to_owned(), format!("appId = {}", made.id)];
    lines.push(format!("privateKeyFile = {}", toml::Value::from(key.display().to_string())));
    if made.webhook_secret.is_some() {
        lines.push("webhookSecrets = [{secret = \"GITHUB_WEBHOOK\"}]".to_owned());
    }
    let github = context.config.forge.github.as_ref();
    if let Some(url) = github.and_then(|github| github.api_url.as_ref()) {
        lines.push(format!("apiUrl = {}", toml::Value::from(url.clone())));
    }
    lines.join("\n")
}

impl MadeWire {
    fn text(&self, slug: &str) -> String {
        let secret = self.webhook_secret_file.as_ref().map_or_else(String::new, |file| {
            format!(
                "\nThe secret of its webhooks is in {file}; put it where the operator's secrets come from, as GITHUB_WEBHOOK:\n\n  export TRUELINE_SECRET_GITHUB_WEBHOOK=\"$(cat {file})\"\n",
                file = file.display()
            )
        });
        format!(
            "The App {slug} is made; its private key is in {key}.\n\nInto trueline.toml:\n\n{settings}\n{secret}\nThen install it for the repositories that it is to reach, at {page}/installations/new, and see how it stands:\n\n  trueline github status\n",
            key = self.key_file.display(),
            settings = self.settings,
            page = self.page,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_from_the_address_that_the_browser_shows() {
        for (text, expected) in [
            ("c0de", Some("c0de")),
            (" http://127.0.0.1:7700/github-app?code=c0de ", Some("c0de")),
            ("http://127.0.0.1:7700/github-app?state=x&code=c0de", Some("c0de")),
            ("http://127.0.0.1:7700/github-app", None),
            ("http://127.0.0.1:7700/?code=../../app", None),
            ("a/b", None),
            ("", None),
        ] {
            assert_eq!(code_of(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn nothing_in_the_manifest_becomes_a_part_of_the_page() {
        let page = page("https://h/settings/apps/new", "{\"name\": \"</textarea><script>\"}");
        assert!(!page.contains("<script>") && page.contains("&lt;/textarea&gt;&lt;script&gt;"));
    }
}
