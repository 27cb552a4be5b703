//! Accounts and teams of the fake GitHub («REST API endpoints for users», «… for team members», «… for rate limits»).

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::serve::Answer;
use super::shapes::user;
use super::state::{State, Token};

/// Says whom a token is of; an installation is nobody.
pub(super) fn whoami(base: &str, actor: &Token) -> Answer {
    if actor.is_of_app() {
        return Answer::refusal(StatusCode::FORBIDDEN, "Resource not accessible by integration");
    }
    let mut whole = user(base, &actor.login);
    for name in ["name", "company", "blog", "location", "email", "bio", "hireable"] {
        whole[name] = Value::Null;
    }
    for name in ["public_repos", "public_gists", "followers", "following"] {
        whole[name] = json!(0);
    }
    whole["user_view_type"] = json!("public");
    (whole["created_at"], whole["updated_at"]) =
        (json!("2026-01-01T00:00:00Z"), json!("2026-01-01T00:00:00Z"));
    Answer::json(200, &whole)
}

pub(super) fn members(state: &State, team: &str) -> Option<Vec<Value>> {
    let members = state.teams.get(&team.to_ascii_lowercase())?;
    Some(members.iter().map(|login| user(&state.base, login)).collect())
}

pub(super) fn rate_limit(state: &State) -> Answer {
    let (limit, remaining, reset) = state
        .rate
        .map_or((5000, 5000, 2_000_000_000), |it| (it.limit, it.remaining, it.reset.as_second()));
    let core =
        json!({"limit": limit, "remaining": remaining, "reset": reset, "used": limit - remaining});
    let resources = json!({"core": core, "graphql": core, "search": core});
    Answer::json(200, &json!({"resources": resources, "rate": core}))
}
