//! Follows redirects where a configuration allows it. Every hop is judged by the egress policy, no credential
//! and no body goes to another host, and nothing leaves https.

use reqwest::Method;
use serde::Deserialize;
use url::Url;

use crate::net::{HttpClient, Request, Response};
use crate::run::Fault;

/// The most hops that are followed.
const MOST_HOPS: usize = 5;

/// Headers that say nothing secret, and go along to another host.
const HARMLESS: [&str; 5] =
    ["accept", "idempotency-key", "x-correlation-id", "traceparent", "content-type"];

/// Which redirects are followed.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Redirects {
    /// None.
    #[default]
    None,
    /// Those to the same scheme, host and port.
    SameHost,
    /// Any that the egress policy lets through.
    Any,
}

/// Sends a request and follows where it is led; `signed` makes a request ready for the host it was meant for.
pub(super) async fn send_following(
    http: &HttpClient,
    request: Request,
    redirects: Redirects,
    signed: &(dyn Fn(Request) -> Result<Request, Fault> + Sync),
) -> Result<Response, Fault> {
    let mut bare = request;
    let mut ours = true;
    for _ in 0..=MOST_HOPS {
        let request = if ours { signed(bare.clone())? } else { bare.clone() };
        let response = http.send(request).await?;
        let Some(next) = next(&bare, &response, redirects)? else { return Ok(response) };
        ours &= next.same_host;
        bare = next.request;
        if !ours {
            bare.headers.retain(|(name, _)| HARMLESS.contains(&name.to_ascii_lowercase().as_str()));
        }
    }
    Err(Fault::terminal(format!("redirected more than {MOST_HOPS} times")))
}

struct Next {
    request: Request,
    same_host: bool,
}

/// Returns where an answer leads; nothing where it is to be taken as it is.
fn next(sent: &Request, response: &Response, redirects: Redirects) -> Result<Option<Next>, Fault> {
    let reads = matches!(sent.method, Method::GET | Method::HEAD);
    let keeps = match response.status {
        _ if redirects == Redirects::None => return Ok(None),
        307 | 308 => true,
        301 | 302 if reads => true,
        303 => reads,
        _ => return Ok(None),
    };
    let Some(location) = response.header("location") else { return Ok(None) };
    let wrong = |why: &str| Fault::terminal(format!("the redirect is not followed: {why}"));
    let from = Url::parse(&sent.url).map_err(|_| wrong("its start is no URL"))?;
    let to = from.join(&location).map_err(|_| wrong("it leads to no URL"))?;
    if from.scheme() == "https" && to.scheme() != "https" {
        return Err(wrong("it leaves https"));
    }
    let same_host = from.origin() == to.origin();
    if !same_host && redirects == Redirects::SameHost {
        return Err(wrong("it leads to another host, and `redirects` says `same-host`"));
    }
    if !same_host && keeps && !sent.body.is_empty() {
        return Err(wrong("it would send the body to another host"));
    }
    let mut request = Request { url: to.into(), ..sent.clone() };
    if !keeps {
        request.method = Method::GET;
        request.body.clear();
        request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
    }
    Ok(Some(Next { request, same_host }))
}
