//! From somebody whom a provider vouches for to a user here: who signed in so before, or a new one. Names prove nothing.

use super::settings::NewUsers;
use crate::serve::api::{App, name_problem};
use crate::serve::problem::{Problem, shortened};
use crate::store::{Actor, ActorKind, Link, StoreError, User};

/// How often it is written down that somebody signs in so, in seconds.
const SEEN_EVERY_S: i64 = 60 * 60;

/// Somebody whom a provider vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::serve) struct Person {
    /// Who vouches.
    pub(in crate::serve) provider: String,
    /// What stays the same whatever becomes of the name.
    pub(super) subject: String,
    /// The name there.
    pub(super) name: Option<String>,
    /// The groups there.
    pub(super) groups: Vec<String>,
}

/// Finds or makes the user.
pub(in crate::serve) async fn signed_in(app: &App, person: Person) -> Result<User, Problem> {
    let now = app.now();
    let Person { provider, subject, name, groups } = person;
    let shared = app.auth().settings().identity.shared(&provider).cloned().unwrap_or_default();
    let link = Link { provider: provider.clone(), subject: subject.clone(), groups, seen_at: now };
    if let Some(user) = app.store().user_of(&provider, &subject).await? {
        refuse_ended(&user)?;
        let known = user.links.iter().find(|known| known.provider == provider);
        let is_old = known.is_none_or(|known| {
            known.groups != link.groups
                || now.as_second() - known.seen_at.as_second() >= SEEN_EVERY_S
        });
        return match is_old {
            true => Ok(app
                .store()
                .link(&actor(&user.name, &provider), now, (&user.name, &link))
                .await?),
            false => Ok(user),
        };
    }
    let name = name.unwrap_or_default();
    if let Some(problem) = name_problem(&name) {
        let name = shortened(&name);
        return Err(Problem::forbidden(format!("`{name}` can't be your name here: {problem}")));
    }
    if let Some(user) = app.store().user(&name).await? {
        refuse_ended(&user)?;
        let takes = shared.link_by_name && user.links.is_empty() && user.kind == ActorKind::Person;
        if !takes {
            return Err(taken(&name, (&provider, &subject)));
        }
        return Ok(app.store().link(&actor(&name, &provider), now, (&name, &link)).await?);
    }
    if shared.new_users == NewUsers::Refuse {
        return Err(Problem::forbidden(format!(
            "nobody made you a user here: an admin does, by `trueline user add {name} --link {provider}={}`",
            shortened(&subject)
        )));
    }
    let user = User { name, links: vec![link], created_at: now, ..User::default() };
    let by = actor(&user.name, &provider);
    match app.store().save_user(&by, now, (&user, true)).await {
        // Somebody else was quicker, perhaps they themselves.
        Err(StoreError::Conflict(_)) => Err(taken(&user.name, (&provider, &subject))),
        saved => Ok(saved.map(|()| user)?),
    }
}

/// Refuses whoever is not to be let in any more.
fn refuse_ended(user: &User) -> Result<(), Problem> {
    match user.disabled {
        true => Err(Problem::forbidden(format!("user {} is disabled", user.name))),
        false => Ok(()),
    }
}

fn taken(name: &str, (provider, subject): (&str, &str)) -> Problem {
    Problem::forbidden(format!(
        "there is a user {name} already, and nothing says that it is you: an admin does, by \
         `trueline user set {name} --link {provider}={}`",
        shortened(subject)
    ))
}

fn actor(name: &str, provider: &str) -> Actor {
    let via = format!("provider {provider}");
    Actor { name: name.to_owned(), kind: ActorKind::Person, via, correlation: None }
}
