//! Who people are: as owners are written, and in which teams. Members of teams are asked for once in a while.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::forge::{ForgeError, Opinion, Person, Review, ReviewRead, ReviewWrite};
use crate::owners::{Said, Word};

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

/// Teams and their members, as far as they were asked for.
#[derive(Debug, Default)]
pub(super) struct Teams(BTreeMap<String, (Timestamp, BTreeSet<String>)>);

impl Teams {
    /// Returns the members of those of some owners that are teams; a team that nobody knows has none.
    pub(super) async fn members<'n>(
        &mut self,
        forge: &dyn Reviews,
        owners: impl IntoIterator<Item = &'n String>,
        now: Timestamp,
    ) -> Result<BTreeMap<String, BTreeSet<String>>, ForgeError> {
        let teams =
            owners.into_iter().filter(|owner| owner.starts_with('@') && owner.contains('/'));
        let teams: BTreeSet<&String> = teams.collect();
        let mut found = BTreeMap::new();
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
