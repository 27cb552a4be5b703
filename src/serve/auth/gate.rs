//! Lets requests in: finds out who asks, counts, and refuses whoever is not known. Each handler refuses what they may not.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::principal::{Principal, Via};
use crate::serve::api::{App, Correlation};
use crate::serve::problem::Problem;

/// What may be asked by nobody: how one signs in, and what the API is.
const OPEN: [&str; 7] = [
    "/api/v1/auth/setup",
    "/api/v1/auth/sessions",
    "/api/v1/auth/tokens",
    "/api/v1/auth/tokens/refresh",
    "/api/v1/auth/exchange",
    "/api/openapi.json",
    "/api/docs",
];

/// Who asks, for handlers.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Who(pub(in crate::serve) Principal);

/// The address that a request comes from.
#[derive(Clone, Copy, Debug)]
pub(in crate::serve) struct Peer(pub(in crate::serve) IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Who>().cloned().ok_or_else(nobody)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(parts.extensions.get::<Peer>().copied().unwrap_or(Peer([0, 0, 0, 0].into())))
    }
}

fn nobody() -> Problem {
    Problem::unknown("say who you are: `Authorization: Bearer` with a key or a token")
}

/// Finds out who asks, and lets them in or not.
pub(in crate::serve) async fn let_in(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Response {
    let from = address(&app, &request);
    let asked = Asked {
        headers: request.headers().clone(),
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
    };
    match known(&app, &asked, from).await {
        Err(problem) => problem.into_response(),
        Ok((who, left)) => {
            if let Some(mut who) = who {
                let correlation = request.extensions().get::<Correlation>();
                who.actor.correlation = correlation.map(|correlation| correlation.0.clone());
                request.extensions_mut().insert(Who(who));
            }
            request.extensions_mut().insert(Peer(from));
            let mut response = next.run(request).await;
            app.auth().limits().tell(response.headers_mut(), left);
            response
        }
    }
}

/// What a request says of itself before anything of it is read.
struct Asked {
    headers: HeaderMap,
    method: Method,
    path: String,
}

fn address(app: &App, request: &Request) -> IpAddr {
    let peer = request.extensions().get::<SocketAddr>().map_or([0, 0, 0, 0].into(), SocketAddr::ip);
    let forwarded = request.headers().get("x-forwarded-for").and_then(|one| one.to_str().ok());
    app.auth().settings().address(peer, forwarded)
}

async fn known(
    app: &App,
    Asked { headers, method, path }: &Asked,
    from: IpAddr,
) -> Result<(Option<Principal>, u32), Problem> {
    let limits = app.auth().limits();
    let presents =
        headers.contains_key(header::AUTHORIZATION) || headers.contains_key(header::COOKIE);
    // Who is not known yet is counted by address, before anything is looked up.
    let mut left = if presents { u32::MAX } else { limits.ask(&format!("address {from}"))? };
    let published = app.looked();
    let catalog = published.as_ref().map(|published| &**published.catalog());
    let found = app.auth().who(app.store(), (catalog, headers), app.now()).await;
    if presents && !matches!(found, Ok(Some(_))) {
        left = limits.ask(&format!("address {from}"))?;
    }
    let open = is_open(path, method);
    let who = match found {
        // Who signs in need not be told that an old token is past its time.
        Err(_) | Ok(None) if open => return Ok((None, left)),
        Err(problem) => return Err(problem),
        Ok(None) => return Err(nobody()),
        Ok(Some(who)) => who,
    };
    left = limits.ask(&bucket(&who))?;
    if let Via::Session(session) = &who.via {
        from_our_pages(app, (headers, method), session)?;
    }
    Ok((Some(who), left))
}

/// Finds out who looks at a page, by the session of their browser alone; whoever is not known is nobody. Forms are checked
/// by who reads them.
pub(in crate::serve) async fn recognise(app: &App, request: &mut Request) -> Result<(), Problem> {
    let from = address(app, request);
    request.extensions_mut().insert(Peer(from));
    let mut headers = request.headers().clone();
    headers.remove(header::AUTHORIZATION);
    let published = app.looked();
    let catalog = published.as_ref().map(|published| &**published.catalog());
    let found = match headers.contains_key(header::COOKIE) {
        true => app.auth().who(app.store(), (catalog, &headers), app.now()).await?,
        false => None,
    };
    let Some(mut who) = found else {
        return app.auth().limits().ask(&format!("address {from}")).map(|_| ());
    };
    app.auth().limits().ask(&bucket(&who))?;
    let correlation = request.extensions().get::<Correlation>();
    who.actor.correlation = correlation.map(|correlation| correlation.0.clone());
    request.extensions_mut().insert(Who(who));
    Ok(())
}

/// Names whose requests are counted together.
fn bucket(who: &Principal) -> String {
    match &who.via {
        Via::Key(id) => format!("key {id}"),
        Via::Session(_) | Via::Access(_) | Via::Job(_) => format!("user {}", who.actor.name),
    }
}

/// Tells whether nobody in particular may ask that.
fn is_open(path: &str, method: &Method) -> bool {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    OPEN.contains(&path) && (path.starts_with("/api/v1/") != reads)
}

/// Refuses what another site has a browser send with our cookie.
fn from_our_pages(
    app: &App,
    (headers, method): (&HeaderMap, &Method),
    session: &str,
) -> Result<(), Problem> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let sent = headers.get("x-csrf-token").and_then(|one| one.to_str().ok());
    if sent == Some(app.auth().form_token(session).as_str()) {
        return Ok(());
    }
    Err(Problem::forbidden(
        "send `X-CSRF-Token` as `GET /api/v1/auth/me` gives it, or sign in with a key",
    ))
}
