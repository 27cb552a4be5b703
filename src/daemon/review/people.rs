//! Who people are: as owners are written, and in which teams. Members of teams are asked for once in a while.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::error::ReviewError;
use crate::catalog::Team;
use crate::forge::{Opinion, Person, Review, ReviewRead, ReviewWrite};
use crate::owners::{Said, Word};
use crate::store::{ActorKind, Store, User};

/// How long the members of a team are believed to be the same.
const FRESH: SignedDuration = SignedDuration::from_mins(5);

/// A forge whose proposals are reviewed.
pub trait Reviews: ReviewRead + ReviewWrite {}

impl<F: ReviewRead + ReviewWrite> Reviews for F {}

/// Writes a name as owners are written: `@user`, `@organisation/team`, or a mail address.
pub(super) fn owner(login: &str) -> String {
    let login = login.trim();
    if login.contains('@') { login.to_owned() } else { format!("@{login}") }
}

/// Names people as owners are written.
pub(super) fn owners_of<'p>(people: impl IntoIterator<Item = &'p Person>) -> BTreeSet<String> {
    people.into_iter().map(|person| owner(&person.login)).collect()
}

/// Reads what people said about a proposal.
pub(super) fn said(reviews: &[Review]) -> Vec<Said> {
    let word = |review: &Review| match review.opinion {
        Opinion::Approved => Some(Word::Approves),
        Opinion::ChangesRequested => Some(Word::Objects),
        Opinion::Dismissed => Some(Word::Dismissed),
        Opinion::Commented => None,
    };
    let of = |review: &Review| {
        let (by, head) = (owner(&review.by.login), review.head.clone());
        Some(Said { by, word: word(review)?, head })
    };
    reviews.iter().filter_map(of).collect()
}

/// Teams and their members, as far as a forge was asked for them.
#[derive(Debug, Default)]
pub(super) struct Teams(BTreeMap<String, (Timestamp, BTreeSet<String>)>);

/// Who keeps teams.
pub(super) struct Keepers<'a> {
    /// The forge, where it proves who people are.
    pub(super) forge: &'a dyn Reviews,
    /// The teams of the catalog, by id; they and the users are asked where the forge keeps none.
    pub(super) listed: &'a BTreeMap<String, Team>,
    /// Where users are.
    pub(super) store: &'a dyn Store,
}

impl Teams {
    /// Returns the members of those of some owners that are teams; a team that nobody knows has none.
    pub(super) async fn members<'n>(
        &mut self,
        Keepers { forge, listed, store }: Keepers<'_>,
        owners: impl IntoIterator<Item = &'n String>,
        now: Timestamp,
    ) -> Result<BTreeMap<String, BTreeSet<String>>, ReviewError> {
        let teams =
            owners.into_iter().filter(|owner| owner.starts_with('@') && owner.contains('/'));
        let teams: BTreeSet<&String> = teams.collect();
        let mut found = BTreeMap::new();
        if !forge.is_authenticated() && !teams.is_empty() {
            let users = store.users().await?;
            let of = |team: &String| (team.clone(), members_of(team, listed, &users));
            return Ok(teams.into_iter().map(of).collect());
        }
        for team in teams {
            let known = self.0.get(team);
            if known.is_none_or(|(at, _)| now.duration_since(*at) >= FRESH) {
                let members = forge.members(team).await?.unwrap_or_default();
                self.0.insert(team.clone(), (now, owners_of(&members)));
            }
            let members = self.0.get(team).map(|(_, members)| members.clone());
            found.insert(team.clone(), members.unwrap_or_default());
        }
        Ok(found)
    }
}

/// Returns the members of a team where the forge keeps none: the people that the catalog names as owners of the team of that name, or
/// of one that it says goes by it, and the users who are in it. Programs that decide by themselves approve nothing.
fn members_of(team: &str, listed: &BTreeMap<String, Team>, users: &[User]) -> BTreeSet<String> {
    let own = team.rsplit('/').next().unwrap_or(team);
    let goes_by = |it: &Team| it.owners.iter().any(|owner| owner.eq_ignore_ascii_case(team));
    let meant = listed.iter().filter(|(id, it)| id.eq_ignore_ascii_case(own) || goes_by(it));
    let meant: BTreeMap<&str, &Team> = meant.map(|(id, it)| (id.as_str(), it)).collect();
    let named = meant.values().flat_map(|it| &it.owners).filter(|owner| !owner.contains('/'));
    let is_in = |user: &&User| {
        let mut teams = user.teams.iter();
        let is_member = teams.any(|id| id.eq_ignore_ascii_case(own) || meant.contains_key(&**id));
        is_member && !user.disabled && user.kind != ActorKind::Agent
    };
    let in_it = users.iter().filter(is_in).map(|user| owner(&user.name));
    named.map(|name| owner(name)).chain(in_it).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_team_has_the_people_that_the_catalog_names_and_the_users_in_it() {
        let team = |owners: &[&str]| Team {
            owners: owners.iter().map(|&owner| owner.to_owned()).collect(),
            ..Team::default()
        };
        let listed = BTreeMap::from([
            ("payments".to_owned(), team(&["@pat", "kim", "@acme/payments"])),
            ("data".to_owned(), team(&["@dan", "@acme/analysts"])),
        ]);
        let user = |name: &str, teams: &[&str], kind| User {
            name: name.to_owned(),
            kind,
            teams: teams.iter().map(|&id| id.to_owned()).collect(),
            ..User::default()
        };
        let users = [
            user("ada", &["payments"], ActorKind::Person),
            user("bot", &["payments"], ActorKind::Agent),
            User { disabled: true, ..user("eve", &["payments"], ActorKind::Person) },
            user("uma", &["unlisted"], ActorKind::Person),
        ];
        let check = |name: &str, expected: &[&str]| {
            let found = members_of(name, &listed, &users);
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{name}");
        };
        check("@acme/payments", &["@ada", "@kim", "@pat"]);
        check("@acme/Payments", &["@ada", "@kim", "@pat"]);
        check("@acme/analysts", &["@dan"]);
        check("@acme/unlisted", &["@uma"]);
        check("@acme/nobody", &[]);
    }
}
