//! Secrets of Vault, KV version 2, by its HTTP API. It writes nothing there; its own token lives in memory.
//!
//! After the pages “KV secrets engine - version 2 (API)”, “`AppRole` auth method (API)”, “Kubernetes auth method (API)”
//! and “HTTP API” of Vault's documentation.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::source::{Owner, Pattern, SecretKeeper, SecretRef, SecretSource, checked};
use crate::action::{HttpClient, Request, Response};
use crate::run::{Fault, FaultClass};
use crate::secret::Secret;

const TIMEOUT: Duration = Duration::from_secs(10);

/// How long before its end a token is not used any more.
const LEEWAY: Duration = Duration::from_secs(10);

/// How it is proved who asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    tag = "method",
    rename_all = "lowercase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum VaultAuth {
    /// By a token.
    Token {
        /// The token, one of the operator's own secrets.
        #[serde(default)]
        token: Option<SecretRef>,
        /// A file that holds it, as an agent of Vault writes it; read anew every time.
        #[serde(default)]
        token_file: Option<PathBuf>,
    },
    /// By a role of `AppRole`.
    AppRole {
        /// The id of the role, one of the operator's own secrets.
        role_id: SecretRef,
        /// The id that is secret.
        secret_id: SecretRef,
        /// Where the method is mounted; `approle` where absent.
        #[serde(default)]
        mount: Option<String>,
    },
    /// By the service account of a pod.
    Kubernetes {
        /// The role.
        role: String,
        /// The file of its token; where Kubernetes mounts it, where absent.
        #[serde(default)]
        token_file: Option<PathBuf>,
        /// Where the method is mounted; `kubernetes` where absent.
        #[serde(default)]
        mount: Option<String>,
    },
}

/// Secrets of Vault.
pub(super) struct VaultSecrets {
    pub(super) http: Arc<HttpClient>,
    /// Finds what the authentication names.
    pub(super) own: Arc<dyn SecretSource>,
    /// Without a slash at its end.
    pub(super) url: String,
    pub(super) namespace: Option<String>,
    pub(super) mount: String,
    pub(super) path: Pattern,
    pub(super) field: String,
    pub(super) auth: VaultAuth,
    /// The token that a login gave, and its end.
    pub(super) token: Mutex<Option<(Secret, Instant)>>,
}

impl VaultSecrets {
    async fn read(&self, path: &str) -> Result<Response, Fault> {
        let url = format!("{}/v1/{}/data/{}", self.url, in_path(&self.mount), in_path(path));
        let response = self.ask(Method::GET, &url, Vec::new(), Some(&self.token().await?)).await?;
        let by_login = !matches!(self.auth, VaultAuth::Token { .. });
        if response.status != 403 || !by_login {
            return Ok(response);
        }
        // The token was taken back before its end; one login tells whether the role may read there.
        if let Ok(mut token) = self.token.lock() {
            *token = None;
        }
        self.ask(Method::GET, &url, Vec::new(), Some(&self.token().await?)).await
    }

    async fn token(&self) -> Result<Secret, Fault> {
        if let VaultAuth::Token { token, token_file } = &self.auth {
            return match (token, token_file) {
                (Some(token), _) => self.own.find(Owner::Operator, &token.secret).await,
                (None, Some(file)) => read_file(file).await,
                (None, None) => {
                    Err(Fault::terminal("`auth` names neither `token` nor `tokenFile`"))
                }
            };
        }
        if let Ok(kept) = self.token.lock()
            && let Some((token, _)) = kept.as_ref().filter(|(_, end)| *end > Instant::now())
        {
            return Ok(token.clone());
        }
        let (token, life) = self.login().await?;
        let end = Instant::now().checked_add(life.saturating_sub(LEEWAY));
        if let (Ok(mut kept), Some(end)) = (self.token.lock(), end) {
            *kept = Some((token.clone(), end));
        }
        Ok(token)
    }

    async fn login(&self) -> Result<(Secret, Duration), Fault> {
        let (mount, body) = match &self.auth {
            VaultAuth::AppRole { role_id, secret_id, mount } => {
                let role = self.own.find(Owner::Operator, &role_id.secret).await?;
                let secret = self.own.find(Owner::Operator, &secret_id.secret).await?;
                let body = json!({"role_id": role.reveal(), "secret_id": secret.reveal()});
                (mount.as_deref().unwrap_or("approle"), body)
            }
            VaultAuth::Kubernetes { role, token_file, mount } => {
                let usual = PathBuf::from("/var/run/secrets/kubernetes.io/serviceaccount/token");
                let token = read_file(token_file.as_ref().unwrap_or(&usual)).await?;
                let body = json!({"role": role, "jwt": token.reveal()});
                (mount.as_deref().unwrap_or("kubernetes"), body)
            }
            VaultAuth::Token { .. } => return Err(Fault::terminal("a token needs no login")),
        };
        let url = format!("{}/v1/auth/{}/login", self.url, in_path(mount));
        let response = self.ask(Method::POST, &url, body.to_string().into_bytes(), None).await?;
        judge(&response, "the login")?;
        let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let token = answer.pointer("/auth/client_token").and_then(Value::as_str);
        let token = token.filter(|token| !token.is_empty());
        let token =
            token.ok_or_else(|| Fault::terminal("the login was answered without a token"))?;
        let life = answer.pointer("/auth/lease_duration").and_then(Value::as_u64).unwrap_or(60);
        Ok((Secret::new(token), Duration::from_secs(life)))
    }

    async fn ask(
        &self,
        method: Method,
        url: &str,
        body: Vec<u8>,
        token: Option<&Secret>,
    ) -> Result<Response, Fault> {
        let mut headers = vec![("x-vault-request".to_owned(), "true".to_owned())];
        if let Some(namespace) = &self.namespace {
            headers.push(("x-vault-namespace".to_owned(), namespace.clone()));
        }
        if let Some(token) = token {
            headers.push(("x-vault-token".to_owned(), token.reveal().to_owned()));
        }
        let request = Request { method, url: url.to_owned(), headers, body, timeout: TIMEOUT };
        // Reading and signing in have no effect, so a lost answer is one to ask for again.
        self.http.send(request).await.map_err(|fault| match fault.class {
            FaultClass::Unknown => Fault { class: FaultClass::Transient, ..fault },
            _ => fault,
        })
    }
}

#[async_trait]
impl SecretKeeper for VaultSecrets {
    async fn get(&self, owner: Owner<'_>, name: &str) -> Result<Option<Secret>, Fault> {
        let Some(path) = self.path.fill(owner, name) else { return Ok(None) };
        let response = self.read(&path).await?;
        if response.status == 404 {
            return not_there(&response).map(|()| None);
        }
        judge(&response, &format!("`{path}`"))?;
        let wrong = |what: &str| Fault::terminal(format!("the answer for `{path}` {what}"));
        let answer: Value =
            serde_json::from_slice(&response.body).map_err(|_| wrong("is not JSON"))?;
        let fields = answer.pointer("/data/data").and_then(Value::as_object);
        let fields =
            fields.ok_or_else(|| wrong("has no `data.data`: is the mount KV version 2?"))?;
        let field = self.field.replace("{name}", name);
        match fields.get(&field) {
            None => Ok(None),
            Some(Value::String(text)) => checked(text, owner, name).map(Some),
            Some(Value::Number(number)) => checked(&number.to_string(), owner, name).map(Some),
            Some(_) => Err(wrong(&format!("holds no text in `{field}`"))),
        }
    }

    fn place(&self, owner: Owner<'_>, name: &str) -> String {
        let path = self.path.fill(owner, name).unwrap_or_else(|| "no path".to_owned());
        format!("`{}` of {}/{path} in Vault", self.field.replace("{name}", name), self.mount)
    }
}

/// Vault says with `errors` or with a deleted version that nothing is there; anybody else's 404 says nothing.
fn not_there(response: &Response) -> Result<(), Fault> {
    let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let empty = answer.get("errors").and_then(Value::as_array).is_some_and(Vec::is_empty);
    let deleted = answer.pointer("/data/metadata").is_some_and(Value::is_object);
    if empty || deleted {
        return Ok(());
    }
    Err(Fault::terminal("404 was not answered as Vault does: is the URL, the mount right?"))
}

fn judge(response: &Response, what: &str) -> Result<(), Fault> {
    let why = match response.status {
        200 if !response.truncated => return Ok(()),
        200 => "with more than 1 MiB",
        400 => "400: it does not understand the request",
        403 => "403: the token or its policy does not allow it",
        429 | 472 | 473 => "that it stands by for another",
        503 => "503: it is sealed or under maintenance",
        300..=399 => "with a redirect, which is not followed",
        _ => "with an error",
    };
    let message = format!("Vault answered {what} {why} ({})", response.status);
    Err(match response.status {
        408 | 412 | 429 | 472 | 473 | 500..=599 => Fault::transient(message),
        _ => Fault::terminal(message),
    })
}

/// Encodes each name of a path.
fn in_path(path: &str) -> String {
    let encoded = |name| utf8_percent_encode(name, NON_ALPHANUMERIC).to_string();
    let names: Vec<String> = path.trim_matches('/').split('/').map(encoded).collect();
    names.join("/").replace("%2D", "-").replace("%5F", "_")
}

async fn read_file(path: &PathBuf) -> Result<Secret, Fault> {
    let read = tokio::fs::read_to_string(path).await;
    let text =
        read.map_err(|error| Fault::terminal(format!("{}: {}", path.display(), error.kind())))?;
    Ok(Secret::new(text.trim()))
}

#[cfg(test)]
mod tests;
