//! Roles as verbs × kinds × teams. What no role allows is refused.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Looks at it.
    Read,
    /// Asks for something that a review decides.
    Request,
    /// Says yes or no to what waits for people.
    Approve,
    /// Starts, stops, retries, completes.
    Operate,
    /// Changes who may do what.
    Manage,
}

/// What it is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The catalog: items, bundles, forms.
    Catalog,
    /// Services.
    Service,
    /// Runs.
    Run,
    /// Plans and changes.
    Plan,
    /// Approvals in the middle of a run.
    Approval,
    /// Tasks for people.
    Task,
    /// The audit chain.
    Audit,
    /// What tries documents out.
    Tool,
    /// Users and what they may do.
    User,
    /// Keys of the API.
    Key,
}

impl Verb {
    /// All of them.
    pub const ALL: [Verb; 5] =
        [Verb::Read, Verb::Request, Verb::Approve, Verb::Operate, Verb::Manage];
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 10] = [
        Kind::Catalog,
        Kind::Service,
        Kind::Run,
        Kind::Plan,
        Kind::Approval,
        Kind::Task,
        Kind::Audit,
        Kind::Tool,
        Kind::User,
        Kind::Key,
    ];
}

/// A set of things that somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Looks, tries documents out and asks for services.
    Requester,
    /// Looks, and says yes or no to what waits for people.
    Approver,
    /// All of these, and operates runs, services and tasks.
    Maintainer,
    /// Everything, and who may do what.
    Admin,
    /// A program that decides by itself: looks and asks, and nothing else.
    Agent,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 6] =
        [Role::Viewer, Role::Requester, Role::Approver, Role::Maintainer, Role::Admin, Role::Agent];

    /// Finds a role by its name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.to_string() == name)
    }

    /// Tells whether it allows something; nothing is allowed that does not stand here.
    pub fn allows(self, verb: Verb, kind: Kind) -> bool {
        let looks = verb == Verb::Read && !matches!(kind, Kind::Audit | Kind::User | Kind::Key);
        let asks = verb == Verb::Request && matches!(kind, Kind::Service | Kind::Tool);
        let judges = verb == Verb::Approve && matches!(kind, Kind::Plan | Kind::Approval);
        let operates = verb == Verb::Operate
            && matches!(kind, Kind::Catalog | Kind::Service | Kind::Run | Kind::Task);
        match self {
            Role::Viewer => looks,
            Role::Requester | Role::Agent => looks || asks,
            Role::Approver => looks || judges,
            Role::Maintainer => {
                looks || asks || judges || operates || (verb, kind) == (Verb::Read, Kind::Audit)
            }
            Role::Admin => true,
        }
    }
}

macro_rules! words {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&format!("{self:?}").to_ascii_lowercase())
            }
        }
    )*};
}

words!(Verb, Kind, Role);

/// For which teams a role holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Teams {
    /// For all of them, and for what is of no team.
    All,
    /// For these.
    Some(BTreeSet<String>),
}

impl Teams {
    /// Reads a list: `*` is all, `own` is the teams that somebody is in; an empty list means `own`.
    pub fn of(listed: &[String], own: &BTreeSet<String>) -> Self {
        if listed.iter().any(|team| team == "*") {
            return Self::All;
        }
        let mut teams: BTreeSet<String> =
            listed.iter().filter(|team| *team != "own").cloned().collect();
        if listed.is_empty() || listed.iter().any(|team| team == "own") {
            teams.extend(own.iter().cloned());
        }
        Self::Some(teams)
    }

    /// Tells whether a thing of a team is among them; what is of no team is only among all.
    pub fn hold(&self, team: Option<&str>) -> bool {
        match (self, team) {
            (Self::All, _) => true,
            (Self::Some(teams), Some(team)) => teams.contains(team),
            (Self::Some(_), None) => false,
        }
    }
}

impl fmt::Display for Teams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all teams"),
            Self::Some(teams) if teams.is_empty() => f.write_str("no team"),
            Self::Some(teams) => {
                f.write_str(&teams.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// What a key is cut down to: a verb, or a verb of one kind (`read`, `operate:run`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    verb: Verb,
    kind: Option<Kind>,
}

impl Scope {
    /// Reads one.
    pub fn read(text: &str) -> Option<Self> {
        let (verb, kind) = match text.split_once(':') {
            Some((verb, kind)) => (verb, Some(kind)),
            None => (text, None),
        };
        let verb = Verb::ALL.into_iter().find(|known| known.to_string() == verb)?;
        let kind = match kind {
            None => None,
            Some(kind) => Some(Kind::ALL.into_iter().find(|known| known.to_string() == kind)?),
        };
        Some(Self { verb, kind })
    }

    /// Tells whether something is in it.
    pub fn holds(self, verb: Verb, kind: Kind) -> bool {
        self.verb == verb && self.kind.is_none_or(|only| only == kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_allow_what_the_guide_says() {
        let row = |role: Role| {
            let cells = Verb::ALL.map(|verb| {
                let kinds = Kind::ALL.into_iter().filter(|kind| role.allows(verb, *kind));
                let kinds: Vec<String> = kinds.map(|kind| kind.to_string()).collect();
                format!("\n  {verb}: {}", kinds.join(" "))
            });
            format!("{role}{}\n", cells.concat())
        };
        let table = Role::ALL.map(row).concat();
        insta::assert_snapshot!(table, @r"
        viewer
          read: catalog service run plan approval task tool
          request: 
          approve: 
          operate: 
          manage: 
        requester
          read: catalog service run plan approval task tool
          request: service tool
          approve: 
          operate: 
          manage: 
        approver
          read: catalog service run plan approval task tool
          request: 
          approve: plan approval
          operate: 
          manage: 
        maintainer
          read: catalog service run plan approval task audit tool
          request: service tool
          approve: plan approval
          operate: catalog service run task
          manage: 
        admin
          read: catalog service run plan approval task audit tool user key
          request: catalog service run plan approval task audit tool user key
          approve: catalog service run plan approval task audit tool user key
          operate: catalog service run plan approval task audit tool user key
          manage: catalog service run plan approval task audit tool user key
        agent
          read: catalog service run plan approval task tool
          request: service tool
          approve: 
          operate: 
          manage: 
        ");
    }

    #[test]
    fn scopes_and_teams_are_read_strictly() {
        let scope = Scope::read("operate:run").expect("reads");
        assert!(scope.holds(Verb::Operate, Kind::Run));
        assert!(!scope.holds(Verb::Operate, Kind::Task) && !scope.holds(Verb::Read, Kind::Run));
        for wrong in ["", "all", "read:", "read:all", "READ", "read:run:x"] {
            assert_eq!(Scope::read(wrong), None, "{wrong}");
        }
        let own = BTreeSet::from(["payments".to_owned()]);
        let teams = |listed: &[&str]| {
            let listed: Vec<String> = listed.iter().map(|&team| team.to_owned()).collect();
            Teams::of(&listed, &own)
        };
        assert!(teams(&["*"]).hold(None) && teams(&["*", "x"]).hold(Some("y")));
        assert!(teams(&[]).hold(Some("payments")) && !teams(&[]).hold(None));
        assert!(!teams(&["search"]).hold(Some("payments")));
        assert!(teams(&["search", "own"]).hold(Some("payments")));
    }
}
