//! Secrets of AWS: the Parameter Store of Systems Manager, and Secrets Manager. It writes nothing there.
//!
//! After the pages `GetParameter` of the Systems Manager API Reference, `GetSecretValue` of the Secrets Manager API
//! Reference and “Common Errors” of both.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::source::{Owner, Pattern, SecretKeeper, SecretRef, SecretSource, checked};
use crate::action::aws::AwsSigner;
use crate::action::{HttpClient, Request, Response};
use crate::run::{Fault, FaultClass};
use crate::secret::Secret;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// Parameter Store.
    Parameters,
    /// Secrets Manager.
    Secrets,
}

impl Service {
    /// The name in signatures and hosts.
    fn name(self) -> &'static str {
        match self {
            Self::Parameters => "ssm",
            Self::Secrets => "secretsmanager",
        }
    }

    /// The pattern of a name where none is given.
    pub(super) fn pattern(self) -> &'static str {
        match self {
            Self::Parameters => "/trueline/{team}/{name}",
            Self::Secrets => "trueline/{team}/{name}",
        }
    }

    fn question(self, id: &str) -> (&'static str, Value) {
        match self {
            Self::Parameters => {
                ("AmazonSSM.GetParameter", json!({"Name": id, "WithDecryption": true}))
            }
            Self::Secrets => ("secretsmanager.GetSecretValue", json!({"SecretId": id})),
        }
    }

    fn value(self, answer: &Value) -> Option<&str> {
        let pointer = match self {
            Self::Parameters => "/Parameter/Value",
            Self::Secrets => "/SecretString",
        };
        answer.pointer(pointer)?.as_str()
    }
}

/// Settings of a source at AWS.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AwsSettings {
    /// `eu-central-1`.
    pub region: String,
    /// Another endpoint than AWS's own of the region.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The name there, with `{team}` and `{name}` in it.
    #[serde(default)]
    pub path: Option<String>,
    /// The key to take, where the value is a JSON object; `{name}` may stand in it.
    #[serde(default)]
    pub field: Option<String>,
    /// What stands for `{team}` where the operator's own are asked for.
    #[serde(default)]
    pub operator: Option<String>,
    /// One of the operator's own secrets; `AWS_ACCESS_KEY_ID` of the environment where absent.
    #[serde(default)]
    pub access_key_id: Option<SecretRef>,
    /// One of the operator's own secrets; `AWS_SECRET_ACCESS_KEY` of the environment where absent.
    #[serde(default)]
    pub secret_access_key: Option<SecretRef>,
    /// One of the operator's own secrets; `AWS_SESSION_TOKEN` of the environment where no key is named.
    #[serde(default)]
    pub session_token: Option<SecretRef>,
}

/// Secrets at AWS.
pub(super) struct AwsSecrets {
    pub(super) http: Arc<HttpClient>,
    /// Finds what the settings name.
    pub(super) own: Arc<dyn SecretSource>,
    pub(super) service: Service,
    pub(super) settings: AwsSettings,
}

impl AwsSecrets {
    pub(super) fn endpoint(settings: &AwsSettings, service: Service) -> String {
        settings.endpoint.clone().unwrap_or_else(|| {
            let ending = if settings.region.starts_with("cn-") { ".cn" } else { "" };
            format!("https://{}.{}.amazonaws.com{ending}/", service.name(), settings.region)
        })
    }

    async fn signer(&self) -> Result<AwsSigner, Fault> {
        let settings = &self.settings;
        let of_environment = settings.access_key_id.is_none();
        let session_token = match (&settings.session_token, of_environment) {
            (Some(token), _) => Some(self.own.find(Owner::Operator, &token.secret).await?),
            (None, true) => std::env::var("AWS_SESSION_TOKEN").ok().map(Secret::new),
            (None, false) => None,
        };
        Ok(AwsSigner {
            access_key_id: self.key(settings.access_key_id.as_ref(), "AWS_ACCESS_KEY_ID").await?,
            secret_access_key: self
                .key(settings.secret_access_key.as_ref(), "AWS_SECRET_ACCESS_KEY")
                .await?,
            session_token,
            region: settings.region.clone(),
            service: self.service.name().to_owned(),
        })
    }

    async fn key(&self, named: Option<&SecretRef>, variable: &str) -> Result<Secret, Fault> {
        match named {
            Some(named) => self.own.find(Owner::Operator, &named.secret).await,
            None => std::env::var(variable).map(Secret::new).map_err(|_| {
                Fault::terminal(format!("the environment variable {variable} is not there"))
            }),
        }
    }

    fn id(&self, owner: Owner<'_>, name: &str) -> Option<String> {
        let text = self.settings.path.clone().unwrap_or_else(|| self.service.pattern().to_owned());
        Pattern { text, operator: self.settings.operator.clone() }.fill(owner, name)
    }

    async fn ask(&self, id: &str) -> Result<Response, Fault> {
        let (target, body) = self.service.question(id);
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
        let mut request = Request {
            method: Method::POST,
            url: Self::endpoint(&self.settings, self.service),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            body: body.to_string().into_bytes(),
            timeout: TIMEOUT,
        };
        self.signer().await?.sign(&mut request, SystemTime::now())?;
        // Reading has no effect, so a lost answer is one to ask for again.
        self.http.send(request).await.map_err(|fault| match fault.class {
            FaultClass::Unknown => Fault { class: FaultClass::Transient, ..fault },
            _ => fault,
        })
    }

    /// Takes one key out of a value that is a JSON object.
    fn pick(&self, text: &str, name: &str) -> Result<Option<String>, Fault> {
        let Some(field) = &self.settings.field else { return Ok(Some(text.to_owned())) };
        let field = field.replace("{name}", name);
        let wrong = |what: &str| Fault::terminal(format!("the value of `{name}` at AWS {what}"));
        let fields: Value = serde_json::from_str(text).map_err(|_| wrong("is not JSON"))?;
        let fields = fields.as_object().ok_or_else(|| wrong("is not a JSON object"))?;
        match fields.get(&field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(wrong(&format!("holds no text in `{field}`"))),
        }
    }
}

#[async_trait]
impl SecretKeeper for AwsSecrets {
    async fn get(&self, owner: Owner<'_>, name: &str) -> Result<Option<Secret>, Fault> {
        let Some(id) = self.id(owner, name) else { return Ok(None) };
        let response = self.ask(&id).await?;
        let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        if response.status != 200 || response.truncated {
            return refused(&response, &answer, &id).map(|()| None);
        }
        let text = self.service.value(&answer);
        let text =
            text.ok_or_else(|| Fault::terminal(format!("AWS answered no text for `{id}`")))?;
        match self.pick(text, name)? {
            Some(text) => checked(&text, owner, name).map(Some),
            None => Ok(None),
        }
    }

    fn place(&self, owner: Owner<'_>, name: &str) -> String {
        let id = self.id(owner, name).unwrap_or_else(|| "no name".to_owned());
        format!("`{id}` in {} of AWS", self.service.name())
    }
}

/// Reads an answer that is no success; fine where it says that nothing is there.
fn refused(response: &Response, answer: &Value, id: &str) -> Result<(), Fault> {
    let kind = answer.get("__type").and_then(Value::as_str).unwrap_or_default();
    let kind = kind.rsplit('#').next().unwrap_or_default();
    if response.status == 400 && matches!(kind, "ParameterNotFound" | "ResourceNotFoundException") {
        return Ok(());
    }
    let shown: String = kind.chars().filter(char::is_ascii_alphanumeric).take(80).collect();
    let message = format!("AWS answered {} {shown} for `{id}`", response.status);
    let passes = matches!(
        kind,
        "ThrottlingException"
            | "RequestLimitExceeded"
            | "InternalServerError"
            | "InternalServiceError"
    );
    Err(match response.status {
        408 | 429 | 500..=599 => Fault::transient(message),
        _ if passes => Fault::transient(message),
        _ => Fault::terminal(message),
    })
}

#[cfg(test)]
mod tests;
