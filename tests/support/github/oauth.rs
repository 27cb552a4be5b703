//! Signing in at the fake GitHub («Authorizing OAuth apps», «Generating a user access token for a GitHub App», «REST API
//! endpoints for organization members», «… for teams»).

use axum::http::{Method, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::Digest as _;

use super::FakeGitHub;
use super::serve::{Answer, Asked, paged};
use super::shapes::{id_of, user};
use super::state::{State, Token};

/// The app that people sign in to.
pub(crate) const CLIENT: (&str, &str) = ("Iv1.trueline", "s3cret-of-the-app");

/// A code that was given for somebody.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    login: String,
    challenge: String,
    back: String,
}

impl FakeGitHub {
    /// What `url` is set to.
    pub(crate) fn web_url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Lets somebody sit in front of the browser.
    pub(crate) fn visited_by(&self, login: &str) {
        self.state().visitor = Some(login.to_owned());
    }
}

/// Answers what browsers and apps ask below `/login/oauth`.
pub(super) fn route(state: &mut State, asked: &Asked) -> Answer {
    match (&asked.method, asked.path.as_str()) {
        (&Method::GET, "/login/oauth/authorize") => authorize(state, asked),
        (&Method::POST, "/login/oauth/access_token") => token(state, asked),
        _ => Answer::missing(),
    }
}

fn authorize(state: &mut State, asked: &Asked) -> Answer {
    let find = |name: &str| {
        let found = asked.query.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    if find("client_id") != CLIENT.0 || find("code_challenge_method") != "S256" {
        state.problems.push(format!("authorize: {:?}", asked.query));
        return Answer::missing();
    }
    let back = find("redirect_uri");
    let mut place = url::Url::parse(&back).unwrap();
    match state.visitor.clone() {
        Some(login) => {
            let code = format!("c0de-{}", state.next());
            let given = Given { login, challenge: find("code_challenge"), back };
            state.codes.insert(code.clone(), given);
            place.query_pairs_mut().append_pair("code", &code);
        }
        None => {
            place.query_pairs_mut().append_pair("error", "access_denied");
        }
    }
    place.query_pairs_mut().append_pair("state", &find("state"));
    let mut answer = Answer::empty(302);
    answer.headers.push(("location", place.into()));
    answer
}

/// Gives a token for a code, once; what is refused is answered with 200.
fn token(state: &mut State, asked: &Asked) -> Answer {
    let form: Vec<(String, String)> =
        url::form_urlencoded::parse(asked.body()).into_owned().collect();
    let find = |name: &str| {
        let found = form.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let refused = |error: &str| {
        Answer::json(
            200,
            &json!({"error": error, "error_description": "It says why.", "error_uri": "https://docs.github.com"}),
        )
    };
    if (find("client_id").as_str(), find("client_secret").as_str()) != CLIENT {
        return refused("incorrect_client_credentials");
    }
    let Some(given) = state.codes.remove(&find("code")) else {
        return refused("bad_verification_code");
    };
    let proof = sha2::Sha256::digest(find("code_verifier").as_bytes());
    if URL_SAFE_NO_PAD.encode(proof) != given.challenge {
        return refused("bad_verification_code");
    }
    if find("redirect_uri") != given.back {
        return refused("redirect_uri_mismatch");
    }
    let token = format!("gho_of-{}", given.login);
    let of = Token { login: given.login, ..Token::personal() };
    state.tokens.insert(token.clone(), of);
    Answer::json(200, &json!({"access_token": token, "token_type": "bearer", "scope": "read:org"}))
}

/// Says how somebody stands in an organisation.
pub(super) fn membership(state: &State, actor: &Token, organization: &str) -> Answer {
    if state.hides_organizations {
        let why = "Although you appear to have the correct authorization credentials, the organization has enabled OAuth App access restrictions";
        return Answer::refusal(StatusCode::FORBIDDEN, why);
    }
    let place = format!("{organization}/");
    let member = state
        .teams
        .iter()
        .any(|(team, members)| team.starts_with(&place) && members.contains(&actor.login));
    let asked = state.invited.contains(&actor.login);
    if !member && !asked {
        return Answer::missing();
    }
    let base = &state.base;
    let word = if member { "active" } else { "pending" };
    Answer::json(
        200,
        &json!({
            "url": format!("{base}/api/v3/orgs/{organization}/memberships/{}", actor.login),
            "state": word, "role": "member", "user": user(base, &actor.login),
            "organization_url": format!("{base}/api/v3/orgs/{organization}"),
            "organization": simple(base, organization),
        }),
    )
}

/// Lists the teams of somebody.
pub(super) fn teams(state: &State, asked: &Asked, actor: &Token) -> Answer {
    let of = state.teams.iter().filter(|(_, members)| members.contains(&actor.login));
    let items = of.map(|(team, _)| whole(&state.base, team)).collect();
    paged(&state.base, asked, (items, None))
}

fn simple(base: &str, login: &str) -> Value {
    let api = format!("{base}/api/v3/orgs/{login}");
    let mut it = json!({
        "login": login, "id": id_of(login), "node_id": "O_1", "url": api, "description": "",
        "avatar_url": format!("{base}/avatars/{login}"),
    });
    for name in ["repos", "events", "hooks", "issues", "members", "public_members"] {
        it[format!("{name}_url")] = json!(format!("{api}/{name}"));
    }
    it
}

fn whole(base: &str, team: &str) -> Value {
    let (owner, slug) = team.split_once('/').unwrap();
    let url = format!("{base}/api/v3/organizations/1/team/{}", id_of(team));
    let at = "2026-01-01T00:00:00Z";
    let mut organization = simple(base, owner);
    for name in ["public_repos", "public_gists", "followers", "following"] {
        organization[name] = json!(0);
    }
    for name in ["has_organization_projects", "has_repository_projects"] {
        organization[name] = json!(true);
    }
    for name in ["created_at", "updated_at"] {
        organization[name] = json!(at);
    }
    organization["type"] = json!("Organization");
    organization["html_url"] = json!(format!("{base}/{owner}"));
    organization["archived_at"] = Value::Null;
    json!({
        "id": id_of(team), "node_id": "T_1", "url": url, "html_url": url, "name": slug, "slug": slug,
        "description": "", "permission": "pull", "members_url": url, "repositories_url": url,
        "members_count": 1, "repos_count": 0, "created_at": at, "updated_at": at,
        "organization": organization, "type": "organization",
    })
}
