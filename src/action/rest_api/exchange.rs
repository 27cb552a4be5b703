//! One exchange: authenticated, led where redirects are allowed, its answer judged. It is never tried again.

use std::sync::Mutex;

use super::authentication::{Authentication, Tokens};
use super::config::Prepared;
use crate::action::redirect::send_following;
use crate::action::scrub::Scrub;
use crate::action::{Ports, Request, Response};
use crate::run::{Fault, FaultClass};
use crate::secret::Secret;

/// Sends requests of one call, and remembers what must be masked in all that comes of them.
pub(super) struct Exchange<'a> {
    pub(super) ports: &'a Ports,
    pub(super) tokens: &'a Tokens,
    /// Tokens that were given on the way.
    pub(super) given: Mutex<Vec<Secret>>,
}

impl Exchange<'_> {
    /// Returns what masks the call's secrets and those that were given on the way.
    pub(super) fn scrub(&self, scrub: &Scrub) -> Scrub {
        scrub.with(self.given.lock().map(|given| given.clone()).unwrap_or_default())
    }

    /// Sends a request; one that has an effect may be sent again after a lost answer, for it carries its key.
    pub(super) async fn send(&self, prepared: &Prepared) -> Result<Response, Fault> {
        let response = self.send_once(prepared).await?;
        let Authentication::OAuth(client) = &prepared.authentication else { return Ok(response) };
        if response.status != 401 {
            return Ok(response);
        }
        // The token was taken back before its end: one more is asked for, and nothing took effect.
        self.tokens.forget(client);
        self.send_once(prepared).await
    }

    async fn send_once(&self, prepared: &Prepared) -> Result<Response, Fault> {
        let token = match &prepared.authentication {
            Authentication::OAuth(client) => {
                let token = self.tokens.of(self.ports, client, prepared.request.timeout).await?;
                if let Ok(mut given) = self.given.lock()
                    && !given.contains(&token)
                {
                    given.push(token.clone());
                }
                Some(token)
            }
            _ => None,
        };
        let apply = |request: Request| prepared.authentication.apply(request, token.as_ref());
        let http = &self.ports.http;
        let sent = send_following(http, prepared.request.clone(), prepared.redirects, &apply).await;
        sent.map_err(|fault| match fault.class {
            FaultClass::Unknown => Fault { class: FaultClass::Transient, ..fault },
            _ => fault,
        })
    }
}
