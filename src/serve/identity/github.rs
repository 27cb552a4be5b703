//! Signing in with GitHub, or an Enterprise Server: the web flow of an OAuth app or a GitHub App. What it is given there is
//! read with once, and thrown away.

use serde_json::Value;
use url::Url;

use super::attempt::Attempt;
use super::claims::text;
use super::oidc::challenge;
use super::outside::{Outside, answered, away, object};
use super::person::Person;
use super::settings::{GITHUB, GitHubLogin};
use crate::forge::github::RepositoryName;
use crate::secret::Secret;
use crate::serve::problem::Problem;

/// The most pages of teams that are read.
const MOST_PAGES: usize = 10;

/// Returns where somebody is sent to sign in.
pub(super) fn way(
    settings: &GitHubLogin,
    attempt: &Attempt,
    back: &str,
) -> Result<String, Problem> {
    let place = format!("{}/login/oauth/authorize", settings.url.trim_end_matches('/'));
    let mut place = Url::parse(&place).map_err(|_| away("`auth.github.url` is no URL"))?;
    place.query_pairs_mut().extend_pairs([
        ("client_id", settings.client_id.as_str()),
        ("redirect_uri", back),
        // An App is given what it was installed with; this is for OAuth apps.
        ("scope", "read:org"),
        ("state", attempt.state.reveal()),
        ("code_challenge", &challenge(&attempt.verifier)),
        ("code_challenge_method", "S256"),
        ("allow_signup", "false"),
    ]);
    Ok(place.into())
}

/// Finds out who came back with a code.
pub(super) async fn who(
    outside: &Outside,
    settings: &GitHubLogin,
    (attempt, code): (&Attempt, &str),
    back: &str,
) -> Result<Person, Problem> {
    let token = token(outside, settings, (attempt, code), back).await?;
    let api = settings.api();
    let (status, user, _) = outside.get_github(&format!("{api}/user"), &token).await?;
    let user = object(status, user)?;
    let id = user.get("id").and_then(Value::as_u64);
    let id = id.ok_or_else(|| away("it does not say who you are"))?;
    let mut groups = Vec::new();
    for organization in &settings.organizations {
        if is_member(outside, &api, (organization, &token)).await? {
            groups.push(organization.clone());
        }
    }
    if groups.is_empty() {
        return Err(Problem::forbidden(
            "you are in none of the organisations that are let in, or it does not let us see that: an owner there \
             approves this app",
        ));
    }
    for team in teams(outside, &api, &token).await? {
        let of = |group: &String| team.owner.eq_ignore_ascii_case(group);
        let owner =
            groups.iter().take(settings.organizations.len()).find(|group| of(group)).cloned();
        groups.extend(owner.map(|owner| format!("{owner}/{}", team.name)));
    }
    groups.sort_unstable();
    groups.dedup();
    let name = text(&user, "login").map(str::to_owned);
    Ok(Person { provider: GITHUB.to_owned(), subject: id.to_string(), name, groups })
}

async fn token(
    outside: &Outside,
    settings: &GitHubLogin,
    (attempt, code): (&Attempt, &str),
    back: &str,
) -> Result<Secret, Problem> {
    let secret = outside.secret(&settings.client_secret).await?;
    let place = format!("{}/login/oauth/access_token", settings.url.trim_end_matches('/'));
    let form = [
        ("client_id", settings.client_id.as_str()),
        ("client_secret", secret.reveal()),
        ("code", code),
        ("redirect_uri", back),
        ("code_verifier", attempt.verifier.reveal()),
    ];
    let (status, value) = outside.post(&place, &form, None).await?;
    let given = object(status, value)?;
    // What is refused is answered with 200.
    let token = text(&given, "access_token").map(Secret::new);
    token.ok_or_else(|| answered(status, &Value::Object(given)))
}

/// Tells whether somebody is in an organisation, and was not only asked to be.
async fn is_member(
    outside: &Outside,
    api: &str,
    (organization, token): (&str, &Secret),
) -> Result<bool, Problem> {
    let place = format!("{api}/user/memberships/orgs/{organization}");
    let (status, value, _) = outside.get_github(&place, token).await?;
    match status {
        200 => Ok(value.get("state").and_then(Value::as_str) == Some("active")),
        403 | 404 => Ok(false),
        _ => Err(answered(status, &value)),
    }
}

/// Reads the teams that somebody is in, each as `organisation/team`.
async fn teams(
    outside: &Outside,
    api: &str,
    token: &Secret,
) -> Result<Vec<RepositoryName>, Problem> {
    let mut found = Vec::new();
    for page in 1..=MOST_PAGES {
        let place = format!("{api}/user/teams?per_page=100&page={page}");
        let (status, value, answer) = outside.get_github(&place, token).await?;
        let Some(listed) = value.as_array().filter(|_| status == 200) else {
            return Err(answered(status, &value));
        };
        let named = |team: &Value| {
            let owner = team.pointer("/organization/login")?.as_str()?;
            RepositoryName::parse(&format!("{owner}/{}", team.get("slug")?.as_str()?))
        };
        found.extend(listed.iter().filter_map(named));
        let goes_on = answer.header("link").is_some_and(|link| link.contains("rel=\"next\""));
        if !goes_on {
            break;
        }
    }
    Ok(found)
}
