//! What GitHub posts to us: checked by its signature, then read for what to look at. Nothing of it is taken for a state.

use async_trait::async_trait;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::header::HeaderMap;
use serde_json::Value;
use sha2::Sha256;

use super::repository;
use crate::action::{Delivery, Message, Owner, Poke, Ports, Refused, Sender};
use crate::forge::github::RepositoryName;
use crate::run::FaultClass;

/// The most secrets that are tried: the one in force, and the next or the last during a rotation.
const MOST_SECRETS: usize = 2;

/// GitHub, at `/api/v1/webhooks/github` («Webhook events and payloads», «Validating webhook deliveries»).
pub(in crate::action) struct GitHubSender;

#[async_trait]
impl Sender for GitHubSender {
    fn name(&self) -> &'static str {
        "github"
    }

    async fn check(&self, ports: &Ports, message: Message<'_>) -> Result<Delivery, Refused> {
        let settings = ports.operator.github.as_ref().ok_or(Refused::Unknown)?;
        if settings.webhook_secrets.is_empty() || !message.rest.is_empty() {
            return Err(Refused::Unknown);
        }
        let signature = header(message.headers, "x-hub-signature-256");
        let signature = signature.and_then(|text| unhex(text.strip_prefix("sha256=")?));
        let signature = signature.ok_or(Refused::Unsigned)?;
        let (mut signed, mut missing) = (false, false);
        for secret in settings.webhook_secrets.iter().take(MOST_SECRETS) {
            match ports.secrets.find(Owner::Operator, &secret.secret).await {
                // A secret of no length would let everybody sign.
                Ok(secret) if !secret.reveal().is_empty() => {
                    signed |= verifies(secret.reveal().as_bytes(), message.body, &signature);
                }
                Ok(_) => {}
                Err(fault) => missing |= fault.class != FaultClass::Terminal,
            }
        }
        match (signed, missing) {
            (true, _) => {}
            (false, true) => return Err(Refused::Later),
            (false, false) => return Err(Refused::Unsigned),
        }
        let unreadable = |what: &str| Refused::Unreadable(what.to_owned());
        let id = header(message.headers, "x-github-delivery").filter(|id| is_plain(id));
        let id = id.ok_or_else(|| unreadable("`X-GitHub-Delivery` is missing or odd"))?;
        let event = header(message.headers, "x-github-event").filter(|event| is_plain(event));
        let event = event.ok_or_else(|| unreadable("`X-GitHub-Event` is missing or odd"))?;
        let body: Value = serde_json::from_slice(message.body).map_err(|_| {
            unreadable("its body is no JSON; set its content type to application/json")
        })?;
        let pokes = pokes(event, &body, &catalog(ports));
        Ok(Delivery { id: format!("github:{id}"), pokes })
    }
}

/// The repository of the catalog, as far as that is known.
enum Catalog {
    /// This one.
    Is(RepositoryName),
    /// It may be any; whoever asks for its head finds out.
    MayBeAny,
}

fn catalog(ports: &Ports) -> Catalog {
    let url = ports.operator.catalog_url.as_deref();
    let found = url.and_then(|url| repository(ports, url).ok().flatten());
    found.map_or(Catalog::MayBeAny, Catalog::Is)
}

impl Catalog {
    fn is(&self, name: &str) -> bool {
        match self {
            Self::Is(catalog) => catalog.to_string().eq_ignore_ascii_case(name),
            Self::MayBeAny => true,
        }
    }
}

/// Says what an event asks to look at. Events and repositories that nobody here knows ask for nothing.
fn pokes(event: &str, body: &Value, catalog: &Catalog) -> Vec<Poke> {
    let repository = body.pointer("/repository/full_name").and_then(Value::as_str);
    let number = |pointer: &str| body.pointer(pointer).and_then(Value::as_u64);
    let is = |pointer: &str, words: &[&str]| {
        body.pointer(pointer).and_then(Value::as_str).is_some_and(|word| words.contains(&word))
    };
    let waiting = |kind: &str, number: Option<u64>| match (repository, number) {
        (Some(name), Some(number)) => Some(Poke::Waiting { about: about(name, (kind, number)) }),
        _ => None,
    };
    let is_ours = repository.is_some_and(|name| catalog.is(name));
    let reviews = is_ours.then_some(Poke::Reviews);
    let pokes = match event {
        "push" => [is_ours.then_some(Poke::Catalog), None],
        "workflow_run" => [waiting("run", number("/workflow_run/id")), None],
        "pull_request" | "pull_request_review" => {
            [waiting("pull", number("/pull_request/number")), reviews]
        }
        // An issue that is no pull request is none of our business.
        "issue_comment" if body.pointer("/issue/pull_request").is_some() => [reviews, None],
        "check_run" | "check_suite" if is("/action", &["rerequested", "requested_action"]) => {
            let head = body.pointer(&format!("/{event}/head_sha")).and_then(Value::as_str);
            let head = head.filter(|head| is_plain(head)).map(str::to_owned);
            [reviews.map(|poke| head.map_or(poke, |head| Poke::Again { head })), None]
        }
        // What we may see may have changed, and who is in a team.
        "installation" | "installation_repositories" => [Some(Poke::Catalog), Some(Poke::Reviews)],
        "membership" | "team" => [Some(Poke::Reviews), None],
        _ => [None, None],
    };
    pokes.into_iter().flatten().collect()
}

/// Names what a step waits for, as its reference holds it: `github:acme/app:run:17`.
pub(in crate::action) fn about(repository: &str, (kind, number): (&str, u64)) -> String {
    format!("github:{}:{kind}:{number}", repository.to_ascii_lowercase())
}

/// Compares in constant time.
fn verifies(secret: &[u8], body: &[u8], signature: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return false };
    mac.update(body);
    mac.verify_slice(signature).is_ok()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Tells whether a text is short, and made of what ids and names of events are made of.
fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !text.is_empty() && text.len() <= 100 && text.chars().all(plain)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests;
