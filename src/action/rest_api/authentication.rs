//! How a request proves who sends it. Tokens that are given for a client's secret live in memory only.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Map, Value};
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::action::aws::AwsSigner;
use crate::action::scrub::Scrub;
use crate::action::{Ports, Request, Response};
use crate::digest::Digest;
use crate::run::{Fault, FaultClass};
use crate::secret::Secret;

/// How long before its end a token is not used any more.
const LEEWAY: Duration = Duration::from_secs(30);

/// How long a token lives whose answer does not say.
const UNSAID_LIFE: Duration = Duration::from_mins(5);

/// The longest that a token is kept, whatever its answer says.
const LONGEST_LIFE: Duration = Duration::from_hours(12);

/// How many tokens are kept.
const MOST_TOKENS: usize = 256;

/// How a request proves who sends it.
#[derive(Clone, Debug)]
pub(super) enum Authentication {
    /// Not at all.
    None,
    /// By a header.
    Header(String, Secret),
    /// By a token that is given for a client's secret.
    OAuth(OAuthClient),
    /// By a signature.
    Aws(AwsSigner),
}

/// A client of OAuth 2, as RFC 6749 has it in section 4.4.
#[derive(Clone, Debug)]
pub(super) struct OAuthClient {
    token_url: String,
    id: String,
    secret: Secret,
    scope: String,
}

impl Authentication {
    /// Reads `authentication`, secrets filled in.
    pub(super) fn read(auth: Option<&Map<String, Value>>) -> Result<Self, Fault> {
        let Some(auth) = auth else { return Ok(Self::None) };
        let optional = |key: &str| {
            auth.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let text = |key: &str| {
            let missing = || Fault::terminal(format!("`authentication.{key}` is missing or empty"));
            optional(key).ok_or_else(missing)
        };
        let authorization =
            |value: String| Self::Header("authorization".to_owned(), Secret::new(value));
        Ok(match text("type")?.as_str() {
            "none" => Self::None,
            "bearer" => authorization(format!("Bearer {}", text("token")?)),
            "basic" => {
                let pair = format!("{}:{}", text("username")?, text("password")?);
                authorization(format!("Basic {}", STANDARD.encode(pair)))
            }
            "api-key" => {
                let header = optional("header").unwrap_or_else(|| "X-API-Key".to_owned());
                Self::Header(header, Secret::new(text("key")?))
            }
            "oauth2-client" => Self::OAuth(OAuthClient {
                token_url: text("tokenUrl")?,
                id: text("clientId")?,
                secret: Secret::new(text("clientSecret")?),
                scope: optional("scope").unwrap_or_default(),
            }),
            "aws-sigv4" => Self::Aws(AwsSigner {
                access_key_id: Secret::new(text("accessKeyId")?),
                secret_access_key: Secret::new(text("secretAccessKey")?),
                session_token: optional("sessionToken").map(Secret::new),
                region: text("region")?,
                service: text("service")?,
            }),
            other => {
                return Err(Fault::terminal(format!(
                    "`authentication.type`: `{other}` is unknown"
                )));
            }
        })
    }

    /// Makes a request ready for the host that it is meant for.
    pub(super) fn apply(
        &self,
        mut request: Request,
        token: Option<&Secret>,
    ) -> Result<Request, Fault> {
        match (self, token) {
            (Self::Header(name, value), _) => {
                request.headers.push((name.clone(), value.reveal().to_owned()));
            }
            (Self::OAuth(_), Some(token)) => {
                let value = format!("Bearer {}", token.reveal());
                request.headers.push(("authorization".to_owned(), value));
            }
            (Self::Aws(signer), _) => signer.sign(&mut request, SystemTime::now())?,
            (Self::None | Self::OAuth(_), _) => {}
        }
        Ok(request)
    }
}

/// Tokens that were given, until they end.
pub(super) struct Tokens(Mutex<BTreeMap<Digest, (Secret, Instant)>>);

impl Tokens {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// Returns the token of a client, asking for one where none is left.
    pub(super) async fn of(
        &self,
        ports: &Ports,
        client: &OAuthClient,
        timeout: Duration,
    ) -> Result<Secret, Fault> {
        let key = client.key();
        if let Ok(tokens) = self.0.lock()
            && let Some((token, _)) = tokens.get(&key).filter(|(_, end)| *end > Instant::now())
        {
            return Ok(token.clone());
        }
        let (token, life) = client.ask(ports, timeout).await?;
        if let Ok(mut tokens) = self.0.lock() {
            let now = Instant::now();
            tokens.retain(|_, (_, end)| *end > now);
            if tokens.len() >= MOST_TOKENS {
                tokens.clear();
            }
            if let Some(end) = now.checked_add(life.saturating_sub(LEEWAY)) {
                tokens.insert(key, (token.clone(), end));
            }
        }
        Ok(token)
    }

    /// Forgets a token that was refused.
    pub(super) fn forget(&self, client: &OAuthClient) {
        if let Ok(mut tokens) = self.0.lock() {
            tokens.remove(&client.key());
        }
    }
}

impl OAuthClient {
    /// A client by all that decides its token, so that a rotated secret is given another.
    fn key(&self) -> Digest {
        let parts = [&self.token_url, &self.id, self.secret.reveal(), &self.scope];
        Digest::of_json(&serde_json::json!(parts))
    }

    async fn ask(&self, ports: &Ports, timeout: Duration) -> Result<(Secret, Duration), Fault> {
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encoded(&self.id), encoded(self.secret.reveal()));
        let basic = STANDARD.encode(pair);
        let scrub = Scrub::none().with([self.secret.clone(), Secret::new(basic.clone())]);
        let scope = Some(("scope", self.scope.as_str())).filter(|(_, scope)| !scope.is_empty());
        let form = Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .extend_pairs(scope)
            .finish();
        let headers = [
            ("authorization", format!("Basic {basic}")),
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
            ("accept", "application/json".to_owned()),
        ];
        let request = Request {
            method: Method::POST,
            url: self.token_url.clone(),
            headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
            body: form.into_bytes(),
            timeout,
        };
        // A token that was given and got lost is no effect.
        let response = ports.http.send(request).await.map_err(|fault| {
            let lost = fault.class == FaultClass::Unknown;
            let class = if lost { FaultClass::Transient } else { fault.class };
            Fault { class, message: format!("no token: {}", fault.message), ..fault }
        })?;
        read_token(&response, &scrub)
    }
}

fn read_token(response: &Response, scrub: &Scrub) -> Result<(Secret, Duration), Fault> {
    let status = response.status;
    if status != 200 {
        let message = format!(
            "no token: the token endpoint answered {status}: {}",
            scrub.excerpt(&response.body)
        );
        return Err(match status {
            408 | 425 | 429 | 500..=599 => Fault::transient(message),
            _ => Fault::terminal(message),
        });
    }
    let wrong =
        |what: &str| Fault::terminal(format!("no token: the answer of the token endpoint {what}"));
    let answer: Value = serde_json::from_slice(&response.body).map_err(|_| wrong("is not JSON"))?;
    let token =
        answer.get("access_token").and_then(Value::as_str).filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| wrong("has no `access_token`"))?;
    let kind = answer.get("token_type").and_then(Value::as_str).unwrap_or("bearer");
    if !kind.eq_ignore_ascii_case("bearer") {
        return Err(wrong("gives a token of another type than `bearer`"));
    }
    let life = answer.get("expires_in").and_then(|life| match life {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    });
    let life = life.map_or(UNSAID_LIFE, Duration::from_secs).min(LONGEST_LIFE);
    Ok((Secret::new(token), life))
}
