//! Everybody who vouches for people and jobs, with what is under way.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::attempt::Attempts;
use super::claims::text;
use super::exchange::{self, Job};
use super::keys::Issuing;
use super::outside::Outside;
use super::person::Person;
use super::settings::{GITHUB, IdentitySettings};
use super::{github, oidc};
use crate::action::Ports;
use crate::secret::Secret;
use crate::serve::problem::{Problem, shortened};

/// Everybody who vouches for people and jobs.
pub(in crate::serve) struct Identity {
    settings: IdentitySettings,
    public_url: String,
    outside: Outside,
    /// By the address of the issuer: of people and of jobs alike.
    issuing: BTreeMap<String, Issuing>,
    attempts: Attempts,
}

/// An attempt that begins.
pub(in crate::serve) struct Begun {
    /// Where to go.
    pub(in crate::serve) way: String,
    /// What the browser holds meanwhile.
    pub(in crate::serve) held: Secret,
}

/// What somebody comes back with.
#[derive(Clone, Copy, Debug)]
pub(in crate::serve) struct Returned<'r> {
    /// What the browser holds.
    pub(in crate::serve) held: &'r str,
    pub(in crate::serve) state: &'r str,
    pub(in crate::serve) code: Option<&'r str>,
    pub(in crate::serve) error: Option<&'r str>,
    pub(in crate::serve) issuer: Option<&'r str>,
}

impl Identity {
    /// Makes it, and asks nobody yet.
    pub(in crate::serve) fn new(
        settings: &IdentitySettings,
        public_url: Option<&str>,
        ports: &Ports,
    ) -> Self {
        let people = settings.oidc.values().map(|oidc| &oidc.issuer);
        let jobs = settings.ci.values().map(|ci| &ci.issuer);
        let issuing = people.chain(jobs).map(|issuer| (issuer.clone(), Issuing::new(issuer)));
        Self {
            issuing: issuing.collect(),
            settings: settings.clone(),
            public_url: public_url.unwrap_or_default().trim_end_matches('/').to_owned(),
            outside: Outside::new(ports),
            attempts: Attempts::default(),
        }
    }

    fn back(&self, provider: &str) -> String {
        format!("{}/sign-in/with/{provider}/callback", self.public_url)
    }

    /// Begins to sign somebody in with a provider.
    pub(in crate::serve) async fn begin(
        &self,
        (provider, next): (&str, &str),
        now: Timestamp,
    ) -> Result<Begun, Problem> {
        let unknown = || Problem::missing("provider", provider);
        if provider == GITHUB {
            let settings = self.settings.github.as_ref().ok_or_else(unknown)?;
            let (held, attempt) = self.attempts.begin(provider, next, now);
            return Ok(Begun { way: github::way(settings, &attempt, &self.back(provider))?, held });
        }
        let settings = self.settings.oidc.get(provider).ok_or_else(unknown)?;
        let issuing = self.issuing.get(&settings.issuer).ok_or_else(unknown)?;
        let document = issuing.document(&self.outside, now).await?;
        let (held, attempt) = self.attempts.begin(provider, next, now);
        let way = oidc::way(settings, &document, (&attempt, &self.back(provider)))?;
        Ok(Begun { way, held })
    }

    /// Finds out who came back, and where they go on.
    pub(in crate::serve) async fn end(
        &self,
        provider: &str,
        returned: Returned<'_>,
        now: Timestamp,
    ) -> Result<(Person, String), Problem> {
        let attempt = self.attempts.end((returned.held, returned.state), provider, now);
        let attempt = attempt.ok_or_else(|| {
            let detail = "this attempt to sign in is not from this browser, too old, or was used: sign in again";
            Problem::new(StatusCode::BAD_REQUEST, "attempt", detail)
        })?;
        if let Some(error) = returned.error {
            let error = shortened(error);
            return Err(Problem::forbidden(format!("{provider} did not sign you in: `{error}`")));
        }
        let code = returned.code.filter(|code| (1..=4_096).contains(&code.len()));
        let code = code.ok_or_else(|| Problem::parameter("code", "it is missing"))?;
        let back = self.back(provider);
        if let (GITHUB, Some(settings)) = (provider, &self.settings.github) {
            let person = github::who(&self.outside, settings, (&attempt, code), &back).await?;
            return Ok((person, attempt.next));
        }
        let unknown = || Problem::missing("provider", provider);
        let settings = self.settings.oidc.get(provider).ok_or_else(unknown)?;
        let issuing = self.issuing.get(&settings.issuer).ok_or_else(unknown)?;
        let document = issuing.document(&self.outside, now).await?;
        let must = document.authorization_response_iss_parameter_supported;
        let told = returned.issuer.map_or(!must, |issuer| issuer == settings.issuer);
        if !told {
            return Err(Problem::forbidden("somebody else than the provider sent you back"));
        }
        let with = (settings, issuing);
        let person = oidc::who(&self.outside, with, (&attempt, code), (&back, now)).await?;
        Ok((person, attempt.next))
    }

    /// Finds out which job a token is of, and by which rule it is let in.
    pub(in crate::serve) async fn job(&self, token: &str, now: Timestamp) -> Result<Job, Problem> {
        let refused =
            |why: &str| Problem::unknown(format!("the token of the job is not taken: {why}"));
        let issuer =
            issuer_of(token).ok_or_else(|| refused("it can't be read as a signed token"))?;
        let mut why = "nobody here knows its issuer".to_owned();
        for (name, ci) in self.settings.ci.iter().filter(|(_, ci)| ci.issuer == issuer) {
            let Some(issuing) = self.issuing.get(&ci.issuer) else { continue };
            let audience = ci.audience.as_deref().unwrap_or(&self.public_url);
            match issuing.verified(&self.outside, token, (audience, None, now)).await? {
                Err(refused) => why = refused.to_string(),
                Ok(claims) => match exchange::job((name, ci), token, &claims) {
                    Some(job) => return Ok(job),
                    None => "no rule lets such a job in".clone_into(&mut why),
                },
            }
        }
        tracing::warn!(issuer, why, "the token of a job was refused");
        Err(refused(&why))
    }
}

/// Reads who a token says made it; nothing of it is proven.
fn issuer_of(token: &str) -> Option<String> {
    let claims = token.split('.').nth(1).filter(|claims| claims.len() <= 16 << 10)?;
    let claims = BASE64.decode(claims).ok()?;
    let claims: Map<String, Value> = serde_json::from_slice(&claims).ok()?;
    text(&claims, "iss").map(str::to_owned)
}
