//! What somebody may: the roles of a user, those that the operator gives to many, and those of a CI job.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::auth::Auth;
use super::principal::{Held, Principal, Via};
use super::role::{Role, Scope, Teams};
use crate::catalog::Catalog;
use crate::serve::identity::rule_of;
use crate::store::{Actor, ActorKind, User};

impl Auth {
    /// Puts together what a user may: its own roles, and those that the operator gives to many.
    pub fn of(
        &self,
        user: &User,
        (via, catalog): (Via, Option<&Catalog>),
        now: Timestamp,
    ) -> Principal {
        let (groups, more) = self.groups_of(user, now);
        let mut teams = teams_of(user, catalog);
        teams.extend(more);
        let own = user.roles.iter().filter_map(|(role, listed)| {
            let role = Role::named(role)?;
            Some(Held { role, teams: Teams::of(listed, &teams), said: "the user" })
        });
        let given = self.settings().grants.iter().filter(|grant| match grant.to.split_once(':') {
            Some(("user", name)) => name == user.name,
            Some(("team", team)) => teams.contains(team),
            Some(("group", group)) => groups.contains(group),
            _ => grant.to == "everyone",
        });
        let given = given.map(|grant| Held {
            role: grant.role,
            teams: Teams::of(&grant.teams, &teams),
            said: "[[auth.grants]]",
        });
        let told = match &via {
            Via::Key(id) => format!("key {id}"),
            Via::Session(id) => format!("session {id}"),
            Via::Access(id) | Via::Job(id) => format!("token of session {id}"),
        };
        Principal {
            actor: Actor { name: user.name.clone(), kind: user.kind, via: told, correlation: None },
            via,
            roles: own.chain(given).collect(),
            teams,
            scopes: Vec::new(),
        }
    }

    /// Returns the groups that a user is in elsewhere, as `provider/group`, and the teams that this makes it a member of.
    /// What a provider said too long ago counts no more, nor what one said who is not asked any more.
    fn groups_of(&self, user: &User, now: Timestamp) -> (BTreeSet<String>, BTreeSet<String>) {
        let (mut groups, mut teams) = (BTreeSet::new(), BTreeSet::new());
        for link in &user.links {
            let Some(shared) = self.settings().identity.shared(&link.provider) else { continue };
            if now.as_second() - link.seen_at.as_second() >= shared.groups_hold_s() {
                continue;
            }
            let named = link.groups.iter().map(|group| format!("{}/{group}", link.provider));
            groups.extend(named);
            let has = |listed: &Vec<String>| listed.iter().any(|group| link.groups.contains(group));
            let of = shared.teams.iter().filter(|(_, listed)| has(listed));
            teams.extend(of.map(|(team, _)| team.clone()));
        }
        (groups, teams)
    }

    /// Puts together what a job may, by the rule that let it in; nothing where that does not stand any more.
    pub(super) fn of_job(
        &self,
        (name, session): (&str, String),
        (ci, rule): (&str, &str),
    ) -> Option<Principal> {
        let rule = rule_of(self.settings().identity.ci.get(ci)?, rule)?;
        let scopes = rule.scopes.iter().filter_map(|scope| Scope::read(scope));
        let teams = Teams::of(&rule.teams, &BTreeSet::new());
        let own = match &teams {
            Teams::Some(teams) => teams.clone(),
            Teams::All => BTreeSet::new(),
        };
        let via = format!("job of {ci}, session {session}");
        Some(Principal {
            actor: Actor {
                name: name.to_owned(),
                kind: ActorKind::Machine,
                via,
                correlation: None,
            },
            via: Via::Job(session),
            teams: own,
            roles: vec![Held { role: rule.role, teams, said: "[auth.ci]" }],
            scopes: scopes.collect(),
        })
    }
}

/// Finds the teams of a user: its own, and those of the catalog that name it among their owners.
fn teams_of(user: &User, catalog: Option<&Catalog>) -> BTreeSet<String> {
    let mut teams: BTreeSet<String> = user.teams.iter().cloned().collect();
    let listed = catalog.map(|catalog| catalog.settings.teams.iter()).into_iter().flatten();
    let named = listed.filter(|(_, team)| {
        team.owners.iter().any(|owner| {
            let owner = owner.strip_prefix('@').unwrap_or(owner);
            owner.eq_ignore_ascii_case(&user.name)
        })
    });
    teams.extend(named.map(|(id, _)| id.clone()));
    teams
}
