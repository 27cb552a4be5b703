//! Asks for reviews and sets labels. Nobody is asked twice, and no label is taken off that is not ours.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::json;

use super::client::GitHub;
use super::forge::GitHubForge;
use super::judge::Refused;
use super::pulls::Pull;
use crate::forge::{Asked, ForgeError, Person};

/// What our labels begin with.
const OURS: &str = "trueline/";

/// How many are asked in one request («Request reviewers for a pull request»).
const AT_ONCE: usize = 15;

/// How reviews are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asking {
    /// Of a pull request that was just opened, and has no answers yet.
    Fresh,
    /// Of any; somebody who can't be asked is a fault.
    Again,
    /// Of those who can be asked.
    Leniently,
}

impl GitHubForge {
    /// Asks for reviews and labels that are not there yet; nobody is asked again who has answered.
    pub(super) async fn ask_once(
        &self,
        pull: &Pull,
        asked: &Asked,
        fresh: bool,
    ) -> Result<(), ForgeError> {
        self.github.add_missing_labels(pull, &asked.labels).await?;
        let asking = if fresh { Asking::Fresh } else { Asking::Again };
        Ok(self.github.ask_reviewers(pull, &asked.reviewers, asking).await?)
    }
}

impl GitHub {
    async fn add_missing_labels(&self, pull: &Pull, labels: &[String]) -> Result<(), Refused> {
        let has = |name: &String| pull.labels.iter().any(|it| it.name.eq_ignore_ascii_case(name));
        let labels: Vec<String> = labels.iter().filter(|name| !has(name)).cloned().collect();
        if labels.is_empty() { Ok(()) } else { self.add_labels(pull.number, &labels).await }
    }

    /// Adds labels, and takes off those of ours that are not wanted any more.
    pub(super) async fn set_labels(&self, pull: &Pull, labels: &[String]) -> Result<(), Refused> {
        self.add_missing_labels(pull, labels).await?;
        for label in &pull.labels {
            let wanted = labels.iter().any(|it| it.eq_ignore_ascii_case(&label.name));
            if wanted || !label.name.starts_with(OURS) {
                continue;
            }
            let name = utf8_percent_encode(&label.name, NON_ALPHANUMERIC);
            let path = format!("/issues/{}/labels/{name}", pull.number);
            match self.tell((Method::DELETE, &path), &json!({})).await {
                // Somebody was faster.
                Err(refused) if refused.status == 404 => {}
                other => other.map(drop)?,
            }
        }
        Ok(())
    }

    /// Asks users and teams, written `user` or `@owner/team`, who were not asked before and have not answered.
    pub(super) async fn ask_reviewers(
        &self,
        pull: &Pull,
        reviewers: &[String],
        asking: Asking,
    ) -> Result<(), Refused> {
        let (mut users, mut teams) = (Vec::new(), Vec::new());
        for reviewer in reviewers {
            match reviewer.trim_start_matches('@').split_once('/') {
                // A team of others can't be asked.
                Some((owner, _))
                    if asking == Asking::Leniently
                        && !owner.eq_ignore_ascii_case(&self.repository().owner) => {}
                Some((_, team)) => teams.push(team.to_owned()),
                None => users.push(reviewer.trim_start_matches('@').to_owned()),
            }
        }
        let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        let mut known: Vec<&str> =
            pull.requested_reviewers.iter().flatten().map(|user| user.login.as_str()).collect();
        // Whoever opened it can't review it.
        known.extend(pull.user.iter().map(|user| user.login.as_str()));
        users.retain(|user| !known.iter().any(|login| same(login, user)));
        let known_teams = || pull.requested_teams.iter().flatten();
        teams.retain(|team| !known_teams().any(|known| same(&known.slug, team)));
        if !(asking == Asking::Fresh || users.is_empty() && teams.is_empty()) {
            let answered = self.reviewers(pull.number).await?;
            users.retain(|user| !answered.iter().any(|person| same(&person.login, user)));
            teams = self.silent(teams, &answered).await?;
        }
        match asking {
            Asking::Leniently => self.ask_all(pull.number, &users, &teams).await,
            _ if users.is_empty() && teams.is_empty() => Ok(()),
            _ => self.ask_for_review(pull.number, (&users, &teams)).await,
        }
    }

    /// Returns the teams of which nobody answered; of one whose members are not to be seen, somebody may have.
    async fn silent(
        &self,
        teams: Vec<String>,
        answered: &[Person],
    ) -> Result<Vec<String>, Refused> {
        if answered.is_empty() {
            return Ok(teams);
        }
        let mut silent = Vec::new();
        for team in teams {
            let members = self.members(&format!("@{}/{team}", self.repository().owner)).await?;
            let spoke = |members: &Vec<Person>| {
                members.iter().any(|member| answered.iter().any(|person| person.is(member)))
            };
            if members.is_some_and(|members| !spoke(&members)) {
                silent.push(team);
            }
        }
        Ok(silent)
    }

    /// Asks all; one by one where one of them can't be asked, who would else keep the others from being asked.
    async fn ask_all(
        &self,
        number: u64,
        users: &[String],
        teams: &[String],
    ) -> Result<(), Refused> {
        for (users, teams) in parts(users, teams) {
            let asked = self.ask_for_review(number, (&users, &teams)).await;
            let Err(refused) = asked else { continue };
            if refused.status != 422 {
                return Err(refused);
            }
            let alone = users.len() + teams.len() == 1;
            tracing::info!(
                number,
                said = refused.said,
                alone,
                "not everybody can be asked for a review"
            );
            if alone {
                continue;
            }
            let each = users.iter().map(|user| (vec![user.clone()], Vec::new()));
            let each = each.chain(teams.iter().map(|team| (Vec::new(), vec![team.clone()])));
            for (user, team) in each {
                match self.ask_for_review(number, (&user, &team)).await {
                    Err(refused) if refused.status != 422 => return Err(refused),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// Parts of users and of teams, none larger than is asked at once.
fn parts(users: &[String], teams: &[String]) -> Vec<(Vec<String>, Vec<String>)> {
    if users.len() + teams.len() <= AT_ONCE {
        let nobody = users.is_empty() && teams.is_empty();
        return if nobody { Vec::new() } else { vec![(users.to_vec(), teams.to_vec())] };
    }
    let users = users.chunks(AT_ONCE).map(|part| (part.to_vec(), Vec::new()));
    users.chain(teams.chunks(AT_ONCE).map(|part| (Vec::new(), part.to_vec()))).collect()
}
