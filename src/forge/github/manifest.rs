//! What the App is made of: its least permissions, the events it is told, and the manifest that makes one of them. The
//! table of permissions is the only one: `trueline github status` and the documentation are read from it.

use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::address::Address;
use super::judge::{judge, not_understood};
use crate::net::{HttpClient, Request};
use crate::run::Fault;
use crate::secret::Secret;

/// A permission of the App («Permissions required for GitHub Apps»).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// As the API names it.
    pub name: &'static str,
    /// `read` or `write`.
    pub access: &'static str,
    /// What it is for.
    pub why: &'static str,
    /// Whether only steps of `github-workflow` need it.
    pub is_for_workflows: bool,
}

/// The least permissions that everything works with.
pub const PERMISSIONS: &[Permission] = &[
    Permission {
        name: "metadata",
        access: "read",
        why: "every App has it",
        is_for_workflows: false,
    },
    Permission {
        name: "contents",
        access: "write",
        why: "reads the catalog and who pushed to a branch; pushes the branches that `git-commit` and requests propose",
        is_for_workflows: false,
    },
    Permission {
        name: "pull_requests",
        access: "write",
        why: "reads pull requests and their reviews; opens and closes its own, asks for reviews",
        is_for_workflows: false,
    },
    Permission {
        name: "checks",
        access: "write",
        why: "shows `trueline/validate`, `trueline/plan` and `trueline/apply`, with remarks at the lines",
        is_for_workflows: false,
    },
    Permission {
        name: "issues",
        access: "write",
        why: "reads and writes the comments of pull requests and their labels; without it `issue_comment` is not told",
        is_for_workflows: false,
    },
    Permission {
        name: "members",
        access: "read",
        why: "knows who is in the teams that CODEOWNERS names; of an organisation",
        is_for_workflows: false,
    },
    Permission {
        name: "actions",
        access: "write",
        why: "dispatches and cancels the workflows of `github-workflow`, and reads their artifacts",
        is_for_workflows: true,
    },
];

/// The events that it is told («Webhook events and payloads»); `check_run` and `installation` come to each App by
/// themselves, and the last needs `actions`.
pub const EVENTS: &[&str] = &[
    "push",
    "pull_request",
    "pull_request_review",
    "issue_comment",
    "membership",
    "team",
    "workflow_run",
];

/// Where an App that is not told anything says that its hook is; GitHub wants an address, and posts nothing there.
const NOWHERE: &str = "https://example.invalid/";

/// What is asked of a new App.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApp {
    /// Its name, which nobody else's has.
    pub name: String,
    /// Where the outside reaches us; nothing where GitHub can't, and is polled.
    pub public_url: Option<String>,
    /// Where the browser goes with the code.
    pub back: String,
    /// Whether workflows are dispatched.
    pub with_workflows: bool,
}

impl NewApp {
    /// Returns the manifest («Registering a GitHub App from a manifest»).
    pub fn manifest(&self) -> Value {
        let wanted = PERMISSIONS.iter().filter(|it| self.with_workflows || !it.is_for_workflows);
        let permissions: Map<String, Value> =
            wanted.map(|it| (it.name.to_owned(), json!(it.access))).collect();
        let url = self.public_url.as_deref().map(|url| url.trim_end_matches('/'));
        let events = EVENTS.iter().filter(|it| self.with_workflows || **it != "workflow_run");
        let hook = match url {
            Some(url) => json!({"url": format!("{url}/api/v1/webhooks/github"), "active": true}),
            None => json!({"url": NOWHERE, "active": false}),
        };
        json!({
            "name": self.name,
            "url": url.unwrap_or("https://github.com"),
            "description": "Keeps a platform true to its catalog.",
            "redirect_url": self.back,
            "hook_attributes": hook,
            "public": false,
            "default_permissions": permissions,
            "default_events": events.filter(|_| url.is_some()).collect::<Vec<_>>(),
        })
    }
}

/// What GitHub made of a manifest; secrets are told once.
#[derive(Clone, Debug)]
pub struct MadeApp {
    /// Its number.
    pub id: u64,
    /// Its name in addresses.
    pub slug: String,
    /// Where people see it.
    pub html_url: String,
    /// Its private key, as PEM.
    pub key: Secret,
    /// What signs its webhooks; nothing where it has none.
    pub webhook_secret: Option<Secret>,
}

/// Exchanges a code for the App that was made («Create a GitHub App from a manifest»). It is good for an hour, and once:
/// where the answer is lost, so is the key, and another must be made at the App's own page.
pub async fn exchange(
    http: &Arc<HttpClient>,
    address: &Address,
    code: &str,
) -> Result<MadeApp, Fault> {
    #[derive(Deserialize)]
    struct Made {
        id: u64,
        slug: String,
        html_url: String,
        pem: String,
        webhook_secret: Option<String>,
    }
    let route =
        format!("/app-manifests/{}/conversions", utf8_percent_encode(code, NON_ALPHANUMERIC));
    let url = address.url(&route).ok_or_else(|| Fault::terminal("the code can't be asked for"))?;
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let request = Request {
        method: Method::POST,
        url,
        headers: vec![
            header("accept", "application/vnd.github+json"),
            header("x-github-api-version", "2022-11-28"),
        ],
        body: Vec::new(),
        timeout: Duration::from_secs(30),
    };
    let response = http.send(request).await?;
    let what = "the exchange of the code";
    judge(&Method::POST, what, &response).map_err(|refused| match refused.status {
        404 | 422 => Fault::terminal(
            "GitHub does not know this code: it is good once, and for an hour; begin again",
        ),
        _ => refused.fault,
    })?;
    let made: Made = serde_json::from_slice(&response.body)
        .map_err(|_| Fault::from(not_understood(&Method::POST, what)))?;
    Ok(MadeApp {
        id: made.id,
        slug: made.slug,
        html_url: made.html_url,
        key: Secret::new(made.pem),
        webhook_secret: made.webhook_secret.filter(|it| !it.is_empty()).map(Secret::new),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_that_can_not_be_reached_is_told_nothing() {
        let app = NewApp {
            name: "trueline-acme".to_owned(),
            public_url: Some("https://trueline.example/".to_owned()),
            back: "http://127.0.0.1:9/".to_owned(),
            with_workflows: false,
        };
        let told = app.manifest();
        assert_eq!(
            told["hook_attributes"]["url"],
            "https://trueline.example/api/v1/webhooks/github"
        );
        assert_eq!(told["hook_attributes"]["active"], true);
        assert_eq!(told["default_events"].as_array().unwrap().len(), EVENTS.len() - 1);
        assert_eq!(told["default_permissions"]["actions"], Value::Null);
        let silent = NewApp { public_url: None, with_workflows: true, ..app }.manifest();
        assert_eq!(silent["hook_attributes"]["active"], false);
        assert_eq!(silent["default_events"], json!([]));
        assert_eq!(silent["default_permissions"]["actions"], "write");
        assert_eq!(silent["public"], false);
    }

    #[test]
    fn the_documentation_names_what_is_asked_for() {
        let page = include_str!("../../../docs/github.md");
        for Permission { name, access, why, .. } in PERMISSIONS {
            assert!(page.contains(&format!("| `{name}` | {access} | {why} |")), "{name}");
        }
        for event in EVENTS {
            assert!(page.contains(&format!("`{event}`")), "{event}");
        }
    }
}
