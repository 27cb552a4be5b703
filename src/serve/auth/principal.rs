//! Who asks, and what they may do. It knows nobody by itself; it is made of what was looked up.

use std::collections::BTreeSet;

use super::role::{Kind, Role, Scope, Teams, Verb};
use crate::serve::problem::Problem;
use crate::store::{Actor, ActorKind};

/// By what somebody is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// A key of the API, by its public part.
    Key(String),
    /// A session of a browser, by its name.
    Session(String),
    /// An access token, by the session that it was made in.
    Access(String),
    /// An access token of a CI job, by the session that it was made in.
    Job(String),
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The name, the kind, and by what it is known.
    pub actor: Actor,
    /// By what it is known.
    pub via: Via,
    /// The teams that it is in.
    pub teams: BTreeSet<String>,
    /// Roles, each with the teams that it holds for and where that is said.
    pub roles: Vec<Held>,
    /// What a key is cut down to; nothing means that it is not.
    pub scopes: Vec<Scope>,
}

/// A role that somebody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The role.
    pub role: Role,
    /// For which teams.
    pub teams: Teams,
    /// Where that is said: `the user`, `[[auth.grants]] of trueline.toml`.
    pub said: &'static str,
}

impl Principal {
    /// Returns the roles that allow something, unless what the key is cut down to or the kind of somebody forbids it.
    fn allowing(&self, verb: Verb, kind: Kind) -> impl Iterator<Item = &Held> {
        let cut =
            !self.scopes.is_empty() && !self.scopes.iter().any(|scope| scope.holds(verb, kind));
        let forbidden =
            self.actor.kind == ActorKind::Agent && !matches!(verb, Verb::Read | Verb::Request);
        let none = cut || forbidden;
        self.roles.iter().filter(move |held| !none && held.role.allows(verb, kind))
    }

    /// Tells whether it may do something to things of some team.
    pub fn may_somewhere(&self, verb: Verb, kind: Kind) -> bool {
        self.allowing(verb, kind).next().is_some()
    }

    /// Tells whether it may do something to a thing of a team.
    pub fn may(&self, verb: Verb, kind: Kind, team: Option<&str>) -> bool {
        self.allowing(verb, kind).any(|held| held.teams.hold(team))
    }

    /// Tells whether it may do something to all there is of a kind.
    pub fn may_everywhere(&self, verb: Verb, kind: Kind) -> bool {
        self.allowing(verb, kind).any(|held| held.teams == Teams::All)
    }

    /// Refuses what it may do to nothing of a kind; asked before anything is looked up.
    pub(in crate::serve) fn demand(&self, verb: Verb, kind: Kind) -> Result<(), Problem> {
        if self.may_somewhere(verb, kind) {
            return Ok(());
        }
        tracing::info!(who = self.actor.name, %verb, %kind, "refused");
        Err(Problem::forbidden(format!("{} may not {verb} any {kind}", self.actor.name)))
    }

    /// Refuses what it may not do to a thing that it can see.
    pub(in crate::serve) fn demand_of(
        &self,
        verb: Verb,
        kind: Kind,
        team: Option<&str>,
    ) -> Result<(), Problem> {
        if self.may(verb, kind, team) {
            return Ok(());
        }
        let of = team.unwrap_or("no known team");
        tracing::info!(who = self.actor.name, %verb, %kind, team = of, "refused");
        Err(Problem::forbidden(format!("{} may not {verb} a {kind} of {of}", self.actor.name)))
    }

    /// Refuses whoever may not do something to all there is of a kind.
    pub(in crate::serve) fn demand_everywhere(
        &self,
        verb: Verb,
        kind: Kind,
    ) -> Result<(), Problem> {
        if self.may_everywhere(verb, kind) {
            return Ok(());
        }
        tracing::info!(who = self.actor.name, %verb, %kind, "refused for all teams");
        let name = &self.actor.name;
        Err(Problem::forbidden(format!("{name} may not {verb} what all teams have of a {kind}")))
    }

    /// Refuses a key where somebody is to be there in person.
    pub(in crate::serve) fn demand_presence(&self) -> Result<(), Problem> {
        match self.via {
            Via::Key(_) | Via::Job(_) => Err(Problem::forbidden(
                "a key or a job can't change who may do what, nor make keys: sign in",
            )),
            Via::Session(_) | Via::Access(_) => Ok(()),
        }
    }

    /// Says why something is allowed or refused, line by line.
    pub fn explain(&self, verb: Verb, kind: Kind, team: Option<&str>) -> Vec<String> {
        let mut lines = vec![format!(
            "{} is a {} in {}",
            self.actor.name,
            self.actor.kind,
            Teams::Some(self.teams.clone())
        )];
        if self.actor.kind == ActorKind::Agent && !matches!(verb, Verb::Read | Verb::Request) {
            lines.push(format!("an agent never may {verb}"));
        }
        if !self.scopes.is_empty() && !self.scopes.iter().any(|scope| scope.holds(verb, kind)) {
            lines.push(format!("the key is cut down and does not hold {verb}:{kind}"));
        }
        if self.roles.is_empty() {
            lines.push("no role is given to it".to_owned());
        }
        for held in &self.roles {
            let allows = if held.role.allows(verb, kind) { "allows" } else { "does not allow" };
            let holds = match team {
                Some(team) if held.teams.hold(Some(team)) => format!(" and holds for {team}"),
                Some(team) => format!(" and does not hold for {team}"),
                None => String::new(),
            };
            lines.push(format!(
                "role {} of {} ({}) {allows} {verb} {kind}{holds}",
                held.role, held.teams, held.said
            ));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(kind: ActorKind, role: Role, scopes: &[&str]) -> Principal {
        let (name, via) = ("ada".to_owned(), "key tl_1".to_owned());
        let teams = BTreeSet::from(["payments".to_owned()]);
        let held = Held { role, teams: Teams::Some(teams.clone()), said: "the user" };
        Principal {
            actor: Actor { name, kind, via, correlation: None },
            via: Via::Key("tl_1".to_owned()),
            teams,
            roles: vec![held],
            scopes: scopes.iter().map(|scope| Scope::read(scope).expect("a scope")).collect(),
        }
    }

    #[test]
    fn what_is_not_allowed_is_refused() {
        let ada = principal(ActorKind::Person, Role::Maintainer, &[]);
        assert!(ada.may(Verb::Operate, Kind::Run, Some("payments")));
        assert!(!ada.may(Verb::Operate, Kind::Run, Some("search")));
        assert!(!ada.may(Verb::Operate, Kind::Run, None));
        assert!(!ada.may_everywhere(Verb::Read, Kind::Audit));
        assert!(!ada.may_somewhere(Verb::Manage, Kind::User));
        let cut = principal(ActorKind::Machine, Role::Admin, &["read", "operate:run"]);
        assert!(cut.may(Verb::Operate, Kind::Run, Some("payments")));
        assert!(!cut.may(Verb::Operate, Kind::Task, Some("payments")));
        assert!(!cut.may(Verb::Manage, Kind::User, Some("payments")));
    }

    #[test]
    fn an_agent_approves_nothing_whatever_its_role() {
        let agent = principal(ActorKind::Agent, Role::Admin, &[]);
        for verb in [Verb::Approve, Verb::Operate, Verb::Manage] {
            let any = Kind::ALL.into_iter().any(|kind| agent.may_somewhere(verb, kind));
            assert!(!any, "{verb}");
        }
        assert!(agent.may(Verb::Request, Kind::Service, Some("payments")));
        let why = agent.explain(Verb::Approve, Kind::Plan, Some("payments"));
        assert!(why.contains(&"an agent never may approve".to_owned()), "{why:?}");
    }
}
