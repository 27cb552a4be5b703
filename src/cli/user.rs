//! `trueline user`: who may use the API. It works on the store itself: whoever has that at hand is its operator.

use std::collections::BTreeSet;
use std::io::Read as _;

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use serde::Serialize;

use super::context::Context;
use super::output::{Exit, Failure};
use super::table::{cell, table};
use crate::clock::Clock as _;
use crate::daemon::SystemClock;
use crate::secret::Secret;
use crate::serve::{LONGEST_PASSWORD, Role, hash_password, name_problem, password_problem};
use crate::store::{Actor, ActorKind, Link, PeopleStore as _, StoreError, User};

/// What `user` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists users and their roles.
    List,
    /// Makes a user.
    Add {
        /// The name, as decisions are signed with it.
        name: String,
        #[command(flatten)]
        rights: Rights,
        /// What kind of somebody.
        #[arg(long = "type", default_value = "person", value_name = "KIND")]
        kind: KindOption,
    },
    /// Changes what a user may do, or its password; what is not named stays.
    Set {
        /// The name.
        name: String,
        #[command(flatten)]
        rights: Rights,
        /// A provider whose account is taken off: nobody signs in with that any more, and what it is signed in with ends.
        #[arg(long, value_name = "PROVIDER", conflicts_with = "link")]
        unlink: Vec<String>,
    },
    /// Lets nothing of a user in any more; its sessions end.
    Disable {
        /// The name.
        name: String,
    },
    /// Lets a user in again.
    Enable {
        /// The name.
        name: String,
    },
}

#[derive(Debug, Args)]
struct Rights {
    /// A role: viewer, requester, approver, maintainer, admin or agent; `maintainer=payments,search` for some teams,
    /// `=own` for its own and `=*` for all. An admin is one of all teams where none is named.
    #[arg(long, value_name = "ROLE[=TEAMS]", value_parser = role)]
    role: Vec<(Role, Vec<String>)>,
    /// A team that it is in, besides those that the catalog names.
    #[arg(long, value_name = "ID")]
    team: Vec<String>,
    /// An account elsewhere that it signs in with: the name of a provider of `trueline.toml`, and what stays the same there.
    #[arg(long, value_name = "PROVIDER=SUBJECT", value_parser = link)]
    link: Vec<(String, String)>,
    /// Reads a password from the standard input, for signing in; nobody can without one.
    #[arg(long)]
    password_stdin: bool,
}

/// What kind of somebody.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum KindOption {
    /// A person.
    Person,
    /// A script, or another program.
    Machine,
    /// A program that decides by itself; it proposes, and never approves.
    Agent,
}

/// Reads `ROLE` or `ROLE=TEAM,…`.
fn role(text: &str) -> Result<(Role, Vec<String>), String> {
    let (name, teams) = match text.split_once('=') {
        Some((name, teams)) => (name, Some(teams)),
        None => (text, None),
    };
    let role = Role::named(name).ok_or_else(|| {
        let known: Vec<String> = Role::ALL.iter().map(ToString::to_string).collect();
        format!("`{name}` is none of {}", known.join(", "))
    })?;
    let teams: Vec<String> = match teams {
        Some(teams) => teams.split(',').map(|team| team.trim().to_owned()).collect(),
        None if role == Role::Admin => vec!["*".to_owned()],
        None => Vec::new(),
    };
    if teams.iter().any(String::is_empty) {
        return Err("a team's name is empty".to_owned());
    }
    Ok((role, teams))
}

/// Reads `PROVIDER=SUBJECT`.
fn link(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((provider, subject)) if !provider.is_empty() && !subject.is_empty() => {
            Ok((provider.to_owned(), subject.to_owned()))
        }
        _ => Err("write PROVIDER=SUBJECT".to_owned()),
    }
}

/// Says who works on the store itself.
pub(super) fn operator(context: &Context) -> Actor {
    Actor {
        name: context.person(),
        kind: ActorKind::Operator,
        via: "command line".to_owned(),
        correlation: None,
    }
}

/// Runs it.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    match &options.command {
        Command::List => list(context).await,
        Command::Add { name, rights, kind } => add(context, (name, *kind), rights).await,
        Command::Set { name, rights, unlink } => {
            let password = rights.password(name).await?;
            take_off(context, name, unlink).await?;
            let exit = change(context, name, "changed", |user| {
                rights.put(user);
                let anew = password.is_some() || !unlink.is_empty();
                user.password = password.or_else(|| user.password.take());
                anew
            })
            .await?;
            rights.link(context, name).await?;
            Ok(exit)
        }
        Command::Disable { name } => {
            change(context, name, "disabled", |user| {
                user.disabled = true;
                true
            })
            .await
        }
        Command::Enable { name } => {
            change(context, name, "enabled", |user| {
                user.disabled = false;
                false
            })
            .await
        }
    }
}

impl Rights {
    /// Puts roles and teams that are named into a user.
    fn put(&self, user: &mut User) {
        if !self.role.is_empty() {
            let roles = self.role.iter();
            user.roles = roles.map(|(role, teams)| (role.to_string(), teams.clone())).collect();
        }
        if !self.team.is_empty() {
            user.teams.clone_from(&self.team);
        }
    }

    /// Writes accounts elsewhere down that are named; each is of one user.
    async fn link(&self, context: &Context, name: &str) -> Result<(), Failure> {
        for (provider, subject) in &self.link {
            let link = Link {
                provider: provider.clone(),
                subject: subject.clone(),
                groups: Vec::new(),
                seen_at: Timestamp::default(),
            };
            let store = context.existing_store().await?;
            match store.link(&operator(context), SystemClock.now(), (name, &link)).await {
                Err(StoreError::Conflict(what)) => {
                    return Err(Failure::usage(format!("{provider}={} is {what}", cell(subject)))
                        .hint("`trueline user list -o json` shows who signs in with what"));
                }
                linked => drop(linked?),
            }
        }
        Ok(())
    }

    async fn password(&self, name: &str) -> Result<Option<String>, Failure> {
        if !self.password_stdin {
            return Ok(None);
        }
        let most = u64::try_from(LONGEST_PASSWORD + 2).unwrap_or(u64::MAX);
        let mut text = String::new();
        std::io::stdin().take(most).read_to_string(&mut text)?;
        let password = text.trim_end_matches(['\r', '\n']);
        if let Some(problem) = password_problem(password, name) {
            return Err(Failure::usage(problem));
        }
        let hash = hash_password(Secret::new(password)).await;
        hash.map(Some).ok_or_else(|| Failure::failed("the password could not be hashed"))
    }
}

/// Takes accounts elsewhere off a user, or none where one is not theirs; also the last way to sign in, for whoever has the store at hand can put another there.
async fn take_off(context: &Context, name: &str, providers: &[String]) -> Result<(), Failure> {
    if providers.is_empty() {
        return Ok(());
    }
    let store = context.existing_store().await?;
    let Some(user) = store.user(name).await? else { return Err(missing(name)) };
    let is_theirs = |provider: &String| user.links.iter().any(|link| link.provider == *provider);
    if let Some(other) = providers.iter().find(|provider| !is_theirs(provider)) {
        let (name, other) = (cell(name), cell(other));
        return Err(Failure::usage(format!("{name} has no account with {other}"))
            .hint("`trueline user list -o json` shows who signs in with what"));
    }
    for provider in providers.iter().collect::<BTreeSet<_>>() {
        let asked = (name, provider.as_str(), None);
        store.unlink(&operator(context), SystemClock.now(), asked).await?;
    }
    Ok(())
}

async fn add(
    context: &Context,
    (name, kind): (&str, KindOption),
    rights: &Rights,
) -> Result<Exit, Failure> {
    if let Some(problem) = name_problem(name) {
        return Err(Failure::usage(format!("`{}`: {problem}", cell(name))));
    }
    let now = SystemClock.now();
    let mut user = User {
        name: name.to_owned(),
        kind: match kind {
            KindOption::Person => ActorKind::Person,
            KindOption::Machine => ActorKind::Machine,
            KindOption::Agent => ActorKind::Agent,
        },
        created_at: now,
        ..User::default()
    };
    rights.put(&mut user);
    user.password = rights.password(name).await?;
    let store = context.store().await?;
    match store.save_user(&operator(context), now, (&user, true)).await {
        Err(StoreError::Conflict(_)) => Err(Failure::usage(format!("there is a user `{name}`"))
            .hint("`trueline user set` changes it")),
        saved => {
            saved?;
            rights.link(context, name).await?;
            context.remark(format!("made user {name}"));
            if user.password.is_none() {
                context.remark(format!(
                    "a key for it: trueline auth token create --user {name} --note …"
                ));
            }
            Ok(Exit::Success)
        }
    }
}

async fn change(
    context: &Context,
    name: &str,
    word: &str,
    change: impl FnOnce(&mut User) -> bool,
) -> Result<Exit, Failure> {
    let store = context.existing_store().await?;
    let Some(mut user) = store.user(name).await? else { return Err(missing(name)) };
    // What it is signed in with ends where it has to sign in anew.
    let ends = change(&mut user);
    user.version += 1;
    let (by, now) = (operator(context), SystemClock.now());
    store.save_user(&by, now, (&user, false)).await?;
    if ends {
        store.end_sessions(&by, now, (name, None)).await?;
    }
    context.remark(format!("{word} user {}", cell(name)));
    Ok(Exit::Success)
}

pub(super) fn missing(name: &str) -> Failure {
    Failure::usage(format!("there is no user `{}`", cell(name)))
        .hint("`trueline user list` shows those that there are")
}

#[derive(Debug, Serialize)]
struct UsersWire {
    version: &'static str,
    users: Vec<UserLine>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct UserLine {
    name: String,
    #[serde(rename = "type")]
    kind: ActorKind,
    roles: Vec<String>,
    teams: Vec<String>,
    /// Accounts elsewhere that it signs in with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<String>,
    disabled: bool,
    has_password: bool,
    created_at: Timestamp,
}

async fn list(context: &Context) -> Result<Exit, Failure> {
    let users = context.existing_store().await?.users().await?;
    let line = |user: User| UserLine {
        roles: user.roles.iter().map(|(role, teams)| format!("{role}={}", of(teams))).collect(),
        links: user.links.iter().map(|it| format!("{}={}", it.provider, it.subject)).collect(),
        name: user.name,
        kind: user.kind,
        teams: user.teams,
        disabled: user.disabled,
        has_password: user.password.is_some(),
        created_at: user.created_at,
    };
    let wire =
        UsersWire { version: "trueline.users/v1", users: users.into_iter().map(line).collect() };
    context.show(&wire, || {
        if wire.users.is_empty() {
            return "no users: nobody may use the API".to_owned();
        }
        let rows = wire.users.iter().map(|user| {
            let state = if user.disabled { "disabled" } else { "" };
            let (roles, teams) = (user.roles.join(" "), user.teams.join(", "));
            [user.name.clone(), user.kind.to_string(), roles, teams, state.to_owned()]
        });
        table(["USER", "TYPE", "ROLES", "TEAMS", ""], rows)
    })?;
    Ok(Exit::Success)
}

fn of(teams: &[String]) -> String {
    if teams.is_empty() { "own".to_owned() } else { teams.join(",") }
}

#[cfg(test)]
#[path = "user_tests.rs"]
mod tests;
