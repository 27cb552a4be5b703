//! Signs people in and out: sessions of browsers, access tokens with refresh tokens that are used once, the first user.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::extract::{Json, Query};
use super::session;
use crate::secret::Secret;
use crate::serve::auth::{
    ACCESS_HOLDS_S, Peer, Role, hash_password, hash_secret, is_password, new_token,
    password_problem,
};
use crate::serve::problem::Problem;
use crate::store::{Actor, ActorKind, Session, SessionKind, Taken, User};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(setup))
        .routes(routes!(begin))
        .routes(routes!(token))
        .routes(routes!(refresh))
}

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    user: String,
    #[schema(format = Password)]
    password: String,
}

/// What makes the first user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Setup {
    /// What the server printed when it started.
    code: String,
    user: String,
    #[schema(format = Password)]
    password: String,
}

/// A refresh token, to be used once.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Refresh {
    refresh_token: String,
}

/// A session of a browser; its secret is in the cookie.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Begun {
    user: String,
    /// The session's name.
    session: String,
    /// What is sent as `X-CSRF-Token` with everything but reads.
    csrf_token: String,
    #[schema(format = DateTime)]
    expires_at: String,
}

/// An access token, and the refresh token that leads to the next one.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tokens {
    /// `Bearer`.
    token_type: &'static str,
    access_token: String,
    /// For so many seconds.
    expires_in: i64,
    /// To be used once.
    refresh_token: String,
}

/// Says whether a name can be that of a user.
pub fn name_problem(name: &str) -> Option<&'static str> {
    let word = |one: char| one.is_ascii_alphanumeric() || matches!(one, '-' | '_' | '.' | '@');
    let right = (1..=64).contains(&name.len())
        && name.chars().all(word)
        && name.starts_with(|one: char| one.is_ascii_alphanumeric())
        && !["trueline", "operator", "everyone"].contains(&name);
    (!right).then_some("a name has 1 to 64 of a-z A-Z 0-9 - _ . @, begins with a letter or digit, and is not reserved")
}

/// Makes the first user, an admin, with the code that the server printed when it started.
#[utoipa::path(
    post, path = "/auth/setup", tag = "auth", operation_id = "setUp",
    request_body = Setup,
    responses((status = 201, description = "The user is there; sign in")),
)]
async fn setup(
    State(app): State<App>,
    Peer(from): Peer,
    query: Query,
    Json(said): Json<Setup>,
) -> Result<Response, Problem> {
    query.done()?;
    app.auth().limits().sign_in("setup", &from.to_string())?;
    let said = said?;
    if let Some(problem) = name_problem(&said.user) {
        return Err(Problem::unfit("/user", problem));
    }
    if let Some(problem) = password_problem(&said.password, &said.user) {
        return Err(Problem::unfit("/password", problem));
    }
    let refused =
        || Problem::forbidden("the code is not the right one, its hour is past, or it was used");
    if !app.store().users().await?.is_empty() || !app.auth().take_setup_code(&said.code, app.now())
    {
        return Err(refused());
    }
    let password = hash_password(Secret::new(said.password)).await;
    let user = User {
        name: said.user.clone(),
        password: Some(password.ok_or_else(refused)?),
        roles: vec![(Role::Admin.to_string(), vec!["*".to_owned()])],
        created_at: app.now(),
        ..User::default()
    };
    let actor = Actor {
        name: said.user,
        kind: ActorKind::Person,
        via: "the code of the first start".to_owned(),
        correlation: None,
    };
    app.store().save_user(&actor, app.now(), (&user, true)).await?;
    Ok(StatusCode::CREATED.into_response())
}

/// Checks a password; as slow for who is not known as for who is.
async fn known(app: &App, from: Peer, said: Credentials) -> Result<User, Problem> {
    let address = from.0.to_string();
    let name = said.user.get(..64).unwrap_or(&said.user).to_owned();
    app.auth().limits().sign_in(&name, &address)?;
    let user = app.store().user(&said.user).await?.filter(|user| !user.disabled);
    let hash = user.as_ref().and_then(|user| user.password.clone());
    if is_password(Secret::new(said.password), hash).await
        && let Some(user) = user
    {
        return Ok(user);
    }
    tracing::warn!(user = name, address, "refused to sign in");
    Err(Problem::unknown("there is no such user with this password"))
}

/// Signs a browser in: sets a cookie that no script reads.
#[utoipa::path(
    post, path = "/auth/sessions", tag = "auth", operation_id = "beginSession",
    request_body = Credentials,
    responses((status = 201, description = "Signed in", body = Begun)),
)]
async fn begin(
    State(app): State<App>,
    from: Peer,
    query: Query,
    headers: HeaderMap,
    Json(said): Json<Credentials>,
) -> Result<Response, Problem> {
    query.done()?;
    let said = said?;
    let user = known(&app, from, said).await?;
    // Always a new session: one that somebody else began is never taken over.
    let by = (&user, "password", from);
    let (session, secret) = session::begin(&app, by, (SessionKind::Browser, &headers)).await?;
    let begun = Begun {
        user: user.name,
        csrf_token: app.auth().form_token(&session.id),
        expires_at: session.expires_at.to_string(),
        session: session.id,
    };
    let mut response = (StatusCode::CREATED, Answer(begun)).into_response();
    response.headers_mut().extend(session::cookie(&app, &secret));
    Ok(response)
}

fn tokens(app: &App, user: &User, session: &Session, refresh: &Secret) -> Response {
    let access = app.auth().access().sign((&user.name, user.version), &session.id, app.now());
    Answer(Tokens {
        token_type: "Bearer",
        access_token: access.reveal().to_owned(),
        expires_in: ACCESS_HOLDS_S,
        refresh_token: refresh.reveal().to_owned(),
    })
    .into_response()
}

/// Gives an access token for a quarter of an hour, and a refresh token.
#[utoipa::path(
    post, path = "/auth/tokens", tag = "auth", operation_id = "createTokens",
    request_body = Credentials,
    responses((status = 200, description = "The tokens", body = Tokens)),
)]
async fn token(
    State(app): State<App>,
    from: Peer,
    query: Query,
    headers: HeaderMap,
    Json(said): Json<Credentials>,
) -> Result<Response, Problem> {
    query.done()?;
    let said = said?;
    let user = known(&app, from, said).await?;
    let by = (&user, "password", from);
    let (session, secret) = session::begin(&app, by, (SessionKind::Refresh, &headers)).await?;
    Ok(tokens(&app, &user, &session, &secret))
}

/// Gives the next tokens for a refresh token. One that was used before ends its session: somebody has a copy.
#[utoipa::path(
    post, path = "/auth/tokens/refresh", tag = "auth", operation_id = "refreshTokens",
    request_body = Refresh,
    responses((status = 200, description = "The tokens", body = Tokens)),
)]
async fn refresh(
    State(app): State<App>,
    Peer(from): Peer,
    query: Query,
    Json(said): Json<Refresh>,
) -> Result<Response, Problem> {
    query.done()?;
    app.auth().limits().ask(&format!("refresh {from}"))?;
    let said = said?;
    let new = new_token();
    let (old, next) = (hash_secret(&said.refresh_token), hash_secret(new.reveal()));
    let refused =
        || Problem::unknown("the refresh token is not known, was used, or its time is past");
    match app.store().rotate(app.now(), &old, &next).await? {
        Taken::Unknown => Err(refused()),
        Taken::Reused(session) => {
            let Session { id, owner, .. } = session;
            tracing::warn!(
                session = id,
                owner,
                "a refresh token was used twice: its session is ended"
            );
            Err(refused())
        }
        Taken::Rotated(session) => {
            let user = app.store().user(&session.owner).await?.filter(|user| !user.disabled);
            let user = user.ok_or_else(refused)?;
            Ok(tokens(&app, &user, &session, &new))
        }
    }
}
