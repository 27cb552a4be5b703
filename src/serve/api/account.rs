//! What somebody may know and do of themselves: who they are, what they may, their sessions and keys.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::extract::{Id, Json, Query};
use super::services::team_of;
use crate::serve::auth::{Kind, Principal, Scope, Verb, Via, Who, hash_secret, new_key};
use crate::serve::problem::Problem;
use crate::store::{Key, SessionKind};

/// Keys that one may have.
const MOST_KEYS: usize = 50;

/// How many days a key holds where nobody says, and at most.
const USUAL_DAYS: u16 = 90;
const MOST_DAYS: u16 = 366;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(me))
        .routes(routes!(can_i))
        .routes(routes!(sessions))
        .routes(routes!(end_session))
        .routes(routes!(keys, add_key))
        .routes(routes!(revoke_key))
}

/// Who asks.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Me {
    user: String,
    /// `person`, `machine` or `agent`.
    #[serde(rename = "type")]
    kind: String,
    /// By what you are known.
    via: String,
    teams: Vec<String>,
    roles: Vec<HeldRole>,
    /// What is sent as `X-CSRF-Token` with everything but reads, where a cookie says who you are.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf_token: Option<String>,
}

/// A role, and for which teams it holds.
#[derive(Serialize, ToSchema)]
pub(super) struct HeldRole {
    role: String,
    /// In words.
    teams: String,
    /// Where that is said.
    said: &'static str,
}

/// Says who you are.
#[utoipa::path(
    get, path = "/auth/me", tag = "auth", operation_id = "whoAmI",
    responses((status = 200, description = "You", body = Me)),
)]
async fn me(State(app): State<App>, Who(who): Who, query: Query) -> Result<Response, Problem> {
    query.done()?;
    let csrf_token = match &who.via {
        Via::Session(id) => Some(app.auth().form_token(id)),
        Via::Key(_) | Via::Access(_) | Via::Job(_) => None,
    };
    let roles = who.roles.iter().map(|held| HeldRole {
        role: held.role.to_string(),
        teams: held.teams.to_string(),
        said: held.said,
    });
    Ok(Answer(Me {
        user: who.actor.name.clone(),
        kind: who.actor.kind.to_string(),
        via: who.actor.via.clone(),
        teams: who.teams.iter().cloned().collect(),
        roles: roles.collect(),
        csrf_token,
    })
    .into_response())
}

/// Whether you may do something, and why.
#[derive(Serialize, ToSchema)]
pub(super) struct Permission {
    allowed: bool,
    why: Vec<String>,
}

/// Says whether you may do something: to anything of a kind, or to what a team or a service has.
#[utoipa::path(
    get, path = "/auth/can-i", tag = "auth", operation_id = "canI",
    params(
        ("verb" = String, Query, description = "`read`, `request`, `approve`, `operate` or `manage`"),
        ("kind" = String, Query, description = "`catalog`, `service`, `run`, `plan`, `approval`, `task`, `audit`, `tool`, `user` or `key`"),
        ("team" = Option<String>, Query, description = "Of this team"),
        ("service" = Option<String>, Query, description = "Of the team of this service"),
    ),
    responses((status = 200, description = "Whether you may", body = Permission)),
)]
async fn can_i(
    State(app): State<App>,
    Who(who): Who,
    mut query: Query,
) -> Result<Response, Problem> {
    let missing = |name: &str| Problem::parameter(name, "it is missing");
    let verb = query.word::<Verb>("verb")?.ok_or_else(|| missing("verb"))?;
    let kind = query.word::<Kind>("kind")?.ok_or_else(|| missing("kind"))?;
    let (team, service) = (query.take("team"), query.take("service"));
    query.done()?;
    let team = match (team, service) {
        (Some(_), Some(_)) => {
            return Err(Problem::parameter("service", "name a team or a service, not both"));
        }
        (None, Some(service)) => team_of(&app, &who, &service).await?,
        (team, None) => team,
    };
    let allowed = match &team {
        Some(team) => who.may(verb, kind, Some(team)),
        None => who.may_somewhere(verb, kind),
    };
    let why = who.explain(verb, kind, team.as_deref());
    Ok(Answer(Permission { allowed, why }).into_response())
}

/// Where you are signed in.
#[derive(Serialize, ToSchema)]
pub(super) struct Sessions {
    items: Vec<SessionWire>,
}

/// A session.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionWire {
    id: String,
    /// `browser` or `refresh`.
    kind: &'static str,
    #[schema(format = DateTime)]
    created_at: String,
    /// Within a minute.
    #[schema(format = DateTime)]
    seen_at: String,
    #[schema(format = DateTime)]
    expires_at: String,
    address: String,
    agent: String,
    /// It is the one that asks.
    current: bool,
}

/// Lists where you are signed in, newest first.
#[utoipa::path(
    get, path = "/auth/sessions", tag = "auth", operation_id = "listSessions",
    responses((status = 200, description = "Your sessions", body = Sessions)),
)]
async fn sessions(
    State(app): State<App>,
    Who(who): Who,
    query: Query,
) -> Result<Response, Problem> {
    query.done()?;
    let own = match &who.via {
        Via::Session(id) | Via::Access(id) | Via::Job(id) => id.as_str(),
        Via::Key(_) => "",
    };
    let found = app.store().sessions(&who.actor.name).await?;
    let wire = found.into_iter().map(|seen| SessionWire {
        current: seen.session.id == own,
        id: seen.session.id,
        kind: match seen.session.kind {
            SessionKind::Browser => "browser",
            SessionKind::Refresh => "refresh",
            SessionKind::Job => "job",
        },
        created_at: seen.session.created_at.to_string(),
        seen_at: seen.seen_at.to_string(),
        expires_at: seen.session.expires_at.to_string(),
        address: seen.session.address,
        agent: seen.session.agent,
    });
    Ok(Answer(Sessions { items: wire.collect() }).into_response())
}

/// Ends a session of yours; `all` ends all of them.
#[utoipa::path(
    delete, path = "/auth/sessions/{id}", tag = "auth", operation_id = "endSession",
    params(("id" = String, Path, description = "Name of the session, or `all`")),
    responses((status = 204, description = "It is ended")),
)]
async fn end_session(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    query: Query,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand_presence()?;
    let one = (id != "all").then_some(id.as_str());
    let owner = (who.actor.name.as_str(), one);
    let ended = app.store().end_sessions(&who.actor, app.now(), owner).await?;
    if ended == 0 {
        return Err(Problem::missing("session", &id));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Keys.
#[derive(Serialize, ToSchema)]
pub(super) struct Keys {
    items: Vec<KeyWire>,
}

/// A key, without its secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeyWire {
    /// Its public part.
    id: String,
    owner: String,
    note: String,
    /// What it is cut down to; all that its owner may where empty.
    scopes: Vec<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
    /// Within a minute.
    #[schema(format = DateTime)]
    last_used: Option<String>,
}

impl KeyWire {
    fn of(key: Key) -> Self {
        Self {
            id: key.id,
            owner: key.owner,
            note: key.note,
            scopes: key.scopes,
            created_at: key.created_at.to_string(),
            expires_at: key.expires_at.map(|at| at.to_string()),
            revoked_at: key.revoked_at.map(|at| at.to_string()),
            last_used: key.last_used.map(|at| at.to_string()),
        }
    }
}

/// A key that is to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewKey {
    /// What it is for.
    #[schema(min_length = 1, max_length = 200)]
    note: String,
    /// What it is cut down to: `read`, `operate:run`, …; all that you may where empty.
    #[serde(default)]
    scopes: Vec<String>,
    /// How many days it holds; 90 where absent, 366 at most.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 366)]
    days: Option<u16>,
}

/// A key that was made, with its secret: it is shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct MadeKey {
    #[serde(flatten)]
    key: KeyWire,
    /// All of it; it is not kept.
    secret: String,
}

/// Lists your keys; `all` lists those of everybody, for who may.
#[utoipa::path(
    get, path = "/auth/keys", tag = "auth", operation_id = "listKeys",
    params(("all" = Option<bool>, Query, description = "Those of everybody")),
    responses((status = 200, description = "Keys", body = Keys)),
)]
async fn keys(
    State(app): State<App>,
    Who(who): Who,
    mut query: Query,
) -> Result<Response, Problem> {
    let all = query.flag("all")?.unwrap_or(false);
    query.done()?;
    if all {
        who.demand(Verb::Read, Kind::Key)?;
    }
    let owner = (!all).then_some(who.actor.name.as_str());
    let found = app.store().keys(owner).await?;
    Ok(Answer(Keys { items: found.into_iter().map(KeyWire::of).collect() }).into_response())
}

/// Makes a key of yours. Its secret is shown once.
#[utoipa::path(
    post, path = "/auth/keys", tag = "auth", operation_id = "createKey",
    request_body = NewKey,
    responses((status = 201, description = "The key, with its secret", body = MadeKey)),
)]
async fn add_key(
    State(app): State<App>,
    Who(who): Who,
    query: Query,
    Json(said): Json<NewKey>,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand_presence()?;
    let said = said?;
    if said.note.trim().is_empty() || said.note.chars().count() > 200 {
        return Err(Problem::unfit("/note", "say what it is for, in 1 to 200 characters"));
    }
    let unread = said.scopes.iter().position(|scope| Scope::read(scope).is_none());
    if let Some(index) = unread {
        let detail = "a scope is a verb, or a verb and a kind: `read`, `operate:run`";
        return Err(Problem::unfit(format!("/scopes/{index}"), detail));
    }
    let days = said.days.unwrap_or(USUAL_DAYS);
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(Problem::unfit("/days", format!("1 to {MOST_DAYS}")));
    }
    let now = app.now();
    let held = app.store().keys(Some(&who.actor.name)).await?;
    if held.iter().filter(|key| key.revoked_at.is_none()).count() >= MOST_KEYS {
        return Err(Problem::conflict(format!("you have {MOST_KEYS} keys; take one back first")));
    }
    let (id, secret) = new_key();
    let until = now.saturating_add(SignedDuration::from_hours(24 * i64::from(days)));
    let key = Key {
        id,
        hash: hash_secret(secret.reveal()),
        owner: who.actor.name.clone(),
        note: said.note,
        scopes: said.scopes,
        created_at: now,
        expires_at: until.ok(),
        revoked_at: None,
        last_used: None,
    };
    app.store().add_key(&who.actor, now, &key).await?;
    let made = MadeKey { key: KeyWire::of(key), secret: secret.reveal().to_owned() };
    Ok((StatusCode::CREATED, Answer(made)).into_response())
}

/// Tells whether somebody may take a key back: their own, or any for who may.
fn may_revoke(who: &Principal, key: &Key) -> bool {
    key.owner == who.actor.name || who.may_somewhere(Verb::Manage, Kind::Key)
}

/// Takes a key back.
#[utoipa::path(
    delete, path = "/auth/keys/{id}", tag = "auth", operation_id = "revokeKey",
    params(("id" = String, Path, description = "Public part of the key")),
    responses((status = 204, description = "It holds no more")),
)]
async fn revoke_key(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    query: Query,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand_presence()?;
    let key = app.store().key(&id).await?.filter(|key| may_revoke(&who, key));
    if key.is_none() || !app.store().revoke_key(&who.actor, app.now(), &id).await? {
        return Err(Problem::missing("key that holds", &id));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}
