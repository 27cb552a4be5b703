//! Users and what they may do. Only who may manage users changes anything here, and never by a key.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::extract::{Id, Json, Plain, Query};
use super::sign_in::name_problem;
use super::tag::{must_match, shown};
use crate::secret::Secret;
use crate::serve::auth::{Kind, Principal, Role, Verb, Who, hash_password, password_problem};
use crate::serve::problem::Problem;
use crate::store::{ActorKind, StoreError, User};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(one, change))
}

/// A user.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserWire {
    name: String,
    /// `person`, `machine` or `agent`.
    #[serde(rename = "type")]
    kind: String,
    roles: Vec<Granted>,
    /// Teams, besides those that the catalog names.
    teams: Vec<String>,
    /// Nothing of it is let in.
    disabled: bool,
    has_password: bool,
    #[schema(format = DateTime)]
    created_at: String,
}

/// Users.
#[derive(Serialize, ToSchema)]
pub(super) struct Users {
    items: Vec<UserWire>,
}

/// A role that is given.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Granted {
    role: Role,
    /// For which teams: ids, `own` or `*`; `own` where empty.
    #[serde(default)]
    teams: Vec<String>,
}

/// What kind of user.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum UserKind {
    Person,
    Machine,
    Agent,
}

/// A user that is to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    /// As decisions are signed with it.
    name: String,
    /// A person where absent.
    #[serde(default, rename = "type")]
    kind: Option<UserKind>,
    #[serde(default)]
    roles: Vec<Granted>,
    #[serde(default)]
    teams: Vec<String>,
    /// Nobody signs in with one where absent.
    #[serde(default)]
    #[schema(format = Password)]
    password: Option<String>,
}

/// What is to be changed of a user; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Changed {
    #[serde(default)]
    roles: Option<Vec<Granted>>,
    #[serde(default)]
    teams: Option<Vec<String>>,
    #[serde(default)]
    disabled: Option<bool>,
    #[serde(default)]
    #[schema(format = Password)]
    password: Option<String>,
}

impl UserWire {
    fn of(user: &User) -> Self {
        let granted = user.roles.iter().filter_map(|(role, teams)| {
            Some(Granted { role: Role::named(role)?, teams: teams.clone() })
        });
        Self {
            name: user.name.clone(),
            kind: user.kind.to_string(),
            roles: granted.collect(),
            teams: user.teams.clone(),
            disabled: user.disabled,
            has_password: user.password.is_some(),
            created_at: user.created_at.to_string(),
        }
    }
}

fn roles_of(granted: Vec<Granted>) -> Vec<(String, Vec<String>)> {
    granted.into_iter().map(|granted| (granted.role.to_string(), granted.teams)).collect()
}

/// Refuses who may not do something to users: they are of no team, and who manages them manages all of them.
pub(super) fn demand(who: &Principal, verb: Verb) -> Result<(), Problem> {
    who.demand(verb, Kind::User)?;
    if who.may_everywhere(verb, Kind::User) {
        return Ok(());
    }
    who.demand_of(verb, Kind::User, None)
}

async fn hashed(password: Option<String>, name: &str) -> Result<Option<String>, Problem> {
    let Some(password) = password else { return Ok(None) };
    if let Some(problem) = password_problem(&password, name) {
        return Err(Problem::unfit("/password", problem));
    }
    let broken = || {
        let detail = "it failed inside; the log of the server says why";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    };
    hash_password(Secret::new(password)).await.map(Some).ok_or_else(broken)
}

/// Lists users by name.
#[utoipa::path(
    get, path = "/users", tag = "users", operation_id = "listUsers",
    responses((status = 200, description = "Users", body = Users)),
)]
async fn list(
    State(app): State<App>,
    Who(who): Who,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query.done()?;
    demand(&who, Verb::Read)?;
    let users = app.store().users().await?;
    Ok(shown(&headers, &Users { items: users.iter().map(UserWire::of).collect() }))
}

/// Makes a user.
#[utoipa::path(
    post, path = "/users", tag = "users", operation_id = "createUser",
    request_body = NewUser,
    responses((status = 201, description = "The user", body = UserWire)),
)]
async fn add(
    State(app): State<App>,
    Who(who): Who,
    query: Query,
    Json(said): Json<NewUser>,
) -> Result<Response, Problem> {
    query.done()?;
    demand(&who, Verb::Manage)?;
    who.demand_presence()?;
    let said = said?;
    if let Some(problem) = name_problem(&said.name) {
        return Err(Problem::unfit("/name", problem));
    }
    let user = User {
        password: hashed(said.password, &said.name).await?,
        kind: match said.kind {
            None | Some(UserKind::Person) => ActorKind::Person,
            Some(UserKind::Machine) => ActorKind::Machine,
            Some(UserKind::Agent) => ActorKind::Agent,
        },
        roles: roles_of(said.roles),
        teams: said.teams,
        created_at: app.now(),
        name: said.name,
        ..User::default()
    };
    match app.store().save_user(&who.actor, app.now(), (&user, true)).await {
        Err(StoreError::Conflict(what)) => {
            return Err(Problem::conflict(format!("{what} is there already")));
        }
        saved => saved?,
    }
    let location = format!("/api/v1/users/{}", user.name);
    let answer = (StatusCode::CREATED, [(header::LOCATION, location)], Answer(UserWire::of(&user)));
    Ok(answer.into_response())
}

pub(super) async fn user_of(app: &App, name: &str) -> Result<User, Problem> {
    app.store().user(name).await?.ok_or_else(|| Problem::missing("user", name))
}

/// Shows one user.
#[utoipa::path(
    get, path = "/users/{name}", tag = "users", operation_id = "getUser",
    params(("name" = String, Path, description = "Name of the user")),
    responses((status = 200, description = "The user", body = UserWire)),
)]
async fn one(
    State(app): State<App>,
    Who(who): Who,
    Id(name): Id,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query.done()?;
    demand(&who, Verb::Read)?;
    Ok(shown(&headers, &UserWire::of(&user_of(&app, &name).await?)))
}

/// Changes what a user may do, or its password; then everything that it is signed in with ends.
#[utoipa::path(
    patch, path = "/users/{name}", tag = "users", operation_id = "changeUser",
    params(
        ("name" = String, Path, description = "Name of the user"),
        ("If-Match" = Option<String>, Header, description = "Tag of the user as it was seen"),
    ),
    request_body = Changed,
    responses((status = 200, description = "The user", body = UserWire)),
)]
async fn change(
    State(app): State<App>,
    Who(who): Who,
    Id(name): Id,
    Plain(headers): Plain,
    Json(said): Json<Changed>,
) -> Result<Response, Problem> {
    demand(&who, Verb::Manage)?;
    who.demand_presence()?;
    let said = said?;
    let mut user = user_of(&app, &name).await?;
    must_match(&headers, || UserWire::of(&user))?;
    let shuts_out = said.disabled == Some(true) || said.roles.is_some();
    if shuts_out && name == who.actor.name {
        return Err(Problem::conflict("nobody shuts themselves out: have another admin do it"));
    }
    let ends = said.password.is_some() || said.disabled == Some(true);
    if let Some(password) = hashed(said.password, &name).await? {
        user.password = Some(password);
    }
    if let Some(roles) = said.roles {
        user.roles = roles_of(roles);
    }
    user.teams = said.teams.unwrap_or(user.teams);
    user.disabled = said.disabled.unwrap_or(user.disabled);
    user.version += 1;
    app.store().save_user(&who.actor, app.now(), (&user, false)).await?;
    if ends {
        app.store().end_sessions(&who.actor, app.now(), (&name, None)).await?;
    }
    Ok(Answer(UserWire::of(&user)).into_response())
}
