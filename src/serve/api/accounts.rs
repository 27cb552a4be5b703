//! Accounts elsewhere that somebody signs in with: their own, and those of others for who manages users. None is made here: whoever
//! vouches for somebody does that.

use std::collections::BTreeSet;

use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::extract::{Id, Query};
use super::users::{demand, user_of};
use crate::serve::auth::{Principal, Verb, Via, Who};
use crate::serve::problem::Problem;
use crate::store::{Link, StoreError, User};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(unlink_own))
        .routes(routes!(list_of))
        .routes(routes!(unlink))
}

/// Accounts elsewhere.
#[derive(Serialize, ToSchema)]
pub(super) struct Accounts {
    items: Vec<AccountWire>,
}

/// An account elsewhere that a user signs in with.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccountWire {
    /// Who vouches, by the name of the configuration.
    provider: String,
    /// What the button says; nothing where nobody signs in with it any more.
    title: Option<String>,
    /// What stays the same there whatever becomes of the name.
    subject: String,
    /// The groups there, as they were at the last signing in.
    groups: Vec<String>,
    /// When that was, within an hour; nothing where it was not yet.
    #[schema(format = DateTime)]
    seen_at: Option<String>,
    /// Nobody takes it off themselves, for there is no other way to sign in.
    is_last_way: bool,
}

/// Names those with whom people can sign in now, each with what its button says.
fn ways(app: &App) -> Vec<(&str, &str)> {
    app.auth().settings().identity.buttons()
}

/// Shows the accounts of a user.
fn accounts_of(app: &App, user: &User) -> Vec<AccountWire> {
    let ways = ways(app);
    let names: Vec<&str> = ways.iter().map(|(name, _)| *name).collect();
    let one = |link: &Link| AccountWire {
        title: ways
            .iter()
            .find(|(name, _)| *name == link.provider)
            .map(|(_, title)| (*title).to_owned()),
        is_last_way: !user.signs_in_without(&link.provider, &names),
        provider: link.provider.clone(),
        subject: link.subject.clone(),
        groups: link.groups.clone(),
        seen_at: (link.seen_at.as_second() > 0).then(|| link.seen_at.to_string()),
    };
    user.links.iter().map(one).collect()
}

/// Lists the accounts elsewhere that you sign in with.
#[utoipa::path(
    get, path = "/auth/accounts", tag = "auth", operation_id = "listAccounts",
    responses((status = 200, description = "Your accounts elsewhere", body = Accounts)),
)]
async fn list(State(app): State<App>, Who(who): Who, query: Query) -> Result<Response, Problem> {
    query.done()?;
    // A job is nobody in the store.
    let user = app.store().user(&who.actor.name).await?.unwrap_or_default();
    Ok(Answer(Accounts { items: accounts_of(&app, &user) }).into_response())
}

/// Takes an account elsewhere off yours, but not your last way to sign in; all else that you are signed in with ends.
#[utoipa::path(
    delete, path = "/auth/accounts/{provider}", tag = "auth", operation_id = "unlinkAccount",
    params(("provider" = String, Path, description = "Who vouches for the account")),
    responses((status = 204, description = "It is taken off")),
)]
async fn unlink_own(
    State(app): State<App>,
    Who(who): Who,
    Id(provider): Id,
    query: Query,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand_presence()?;
    let name = who.actor.name.clone();
    take_off(&app, &who, (&name, &provider)).await
}

/// Lists the accounts elsewhere that a user signs in with.
#[utoipa::path(
    get, path = "/users/{name}/accounts", tag = "users", operation_id = "listAccountsOf",
    params(("name" = String, Path, description = "Name of the user")),
    responses((status = 200, description = "Its accounts elsewhere", body = Accounts)),
)]
async fn list_of(
    State(app): State<App>,
    Who(who): Who,
    Id(name): Id,
    query: Query,
) -> Result<Response, Problem> {
    query.done()?;
    demand(&who, Verb::Read)?;
    let user = user_of(&app, &name).await?;
    Ok(Answer(Accounts { items: accounts_of(&app, &user) }).into_response())
}

/// Takes an account elsewhere off a user, the last one too, but of others only; what it is signed in with ends.
#[utoipa::path(
    delete, path = "/users/{name}/accounts/{provider}", tag = "users", operation_id = "unlinkAccountOf",
    params(
        ("name" = String, Path, description = "Name of the user"),
        ("provider" = String, Path, description = "Who vouches for the account"),
    ),
    responses((status = 204, description = "It is taken off")),
)]
async fn unlink(
    State(app): State<App>,
    Who(who): Who,
    Path((name, provider)): Path<(String, String)>,
    query: Query,
) -> Result<Response, Problem> {
    query.done()?;
    demand(&who, Verb::Manage)?;
    who.demand_presence()?;
    take_off(&app, &who, (&name, &provider)).await
}

async fn take_off(
    app: &App,
    who: &Principal,
    (name, provider): (&str, &str),
) -> Result<Response, Problem> {
    let is_own = name == who.actor.name;
    let ways: Vec<&str> = ways(app).into_iter().map(|(name, _)| name).collect();
    let kept = is_own.then_some(ways.as_slice());
    match app.store().unlink(&who.actor, app.now(), (name, provider, kept)).await {
        Err(StoreError::Missing(_)) => return Err(Problem::missing("account with", provider)),
        Err(StoreError::Conflict(_)) => {
            return Err(Problem::conflict(
                "it is your only way to sign in: have a password set, or sign in with another account, first",
            ));
        }
        unlinked => drop(unlinked?),
    }
    end_sessions(app, who, name).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Ends what somebody is signed in with, but what asks.
async fn end_sessions(app: &App, who: &Principal, name: &str) -> Result<(), Problem> {
    let own = match &who.via {
        Via::Session(id) | Via::Access(id) => id.as_str(),
        Via::Key(_) | Via::Job(_) => "",
    };
    let held = app.store().sessions(name).await?;
    let ids: BTreeSet<String> = held.into_iter().map(|seen| seen.session.id).collect();
    for id in ids.iter().filter(|id| *id != own) {
        app.store().end_sessions(&who.actor, app.now(), (name, Some(id))).await?;
    }
    Ok(())
}
