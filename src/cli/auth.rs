//! `trueline auth`: keys of the API, and who may do what and why. It works on the store itself: whoever has that at hand
//! is its operator.

mod remote;

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::context::Context;
use super::output::{Exit, Failure};
use super::table::{ago, cell, table};
use super::user::{missing, operator};
use crate::clock::Clock as _;
use crate::daemon::SystemClock;
use crate::serve::{Auth, Kind, Principal, Scope, Verb, Via, hash_secret, new_key};
use crate::store::{Key, PeopleStore as _};

/// What `auth` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes, lists and takes back keys of the API.
    Token {
        /// What to do.
        #[command(subcommand)]
        command: Token,
    },
    /// Says whether a user may do something: 0 yes, 1 no.
    CanI(Question),
    /// Says why a user may do something, or may not.
    Explain(Question),
}

#[derive(Debug, Subcommand)]
enum Token {
    /// Makes a key; it is printed this once, on the standard output.
    Create {
        /// Whose it is; it can do no more than its owner.
        #[arg(long)]
        user: String,
        /// What it is for.
        #[arg(long)]
        note: String,
        /// What it is cut down to: a verb, or a verb and a kind (`read`, `operate:run`).
        #[arg(long, value_name = "VERB[:KIND]")]
        scope: Vec<String>,
        /// How many days it holds.
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=366))]
        days: u16,
    },
    /// Lists keys, newest first.
    List {
        /// Of this user; of a server your own where nobody is named.
        #[arg(long)]
        user: Option<String>,
    },
    /// Takes a key back.
    Revoke {
        /// Its public part: `tl_1a2b3c4d`.
        id: String,
    },
}

#[derive(Debug, Args)]
struct Question {
    /// read, request, approve, operate or manage.
    #[arg(value_parser = verb)]
    verb: Verb,
    /// catalog, service, run, plan, approval, task, audit, tool, user or key.
    #[arg(value_parser = kind)]
    kind: Kind,
    /// A service: what is its team's is asked about.
    service: Option<String>,
    /// Who. A server is asked about whoever asks, and needs no name.
    #[arg(long)]
    user: Option<String>,
    /// What this team has.
    #[arg(long, conflicts_with = "service")]
    team: Option<String>,
}

fn verb(text: &str) -> Result<Verb, String> {
    let found = Verb::ALL.into_iter().find(|verb| verb.to_string() == text);
    found.ok_or_else(|| format!("none of {}", Verb::ALL.map(|verb| verb.to_string()).join(", ")))
}

fn kind(text: &str) -> Result<Kind, String> {
    let found = Kind::ALL.into_iter().find(|kind| kind.to_string() == text);
    found.ok_or_else(|| format!("none of {}", Kind::ALL.map(|kind| kind.to_string()).join(", ")))
}

/// Runs it.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    if let Some(server) = context.asks()? {
        return Box::pin(remote::run(context, &server, &options.command)).await;
    }
    match &options.command {
        Command::Token { command: Token::Create { user, note, scope, days } } => {
            create(context, (user, note), (scope, *days)).await
        }
        Command::Token { command: Token::List { user } } => list(context, user.as_deref()).await,
        Command::Token { command: Token::Revoke { id } } => revoke(context, id).await,
        Command::CanI(question) => answer(context, question, false).await,
        Command::Explain(question) => answer(context, question, true).await,
    }
}

async fn create(
    context: &Context,
    (user, note): (&str, &str),
    (scopes, days): (&[String], u16),
) -> Result<Exit, Failure> {
    if let Some(wrong) = scopes.iter().find(|scope| Scope::read(scope).is_none()) {
        return Err(Failure::usage(format!("`{}` is not a scope", cell(wrong)))
            .hint("a scope is a verb, or a verb and a kind: read, operate:run"));
    }
    let store = context.existing_store().await?;
    if store.user(user).await?.is_none() {
        return Err(missing(user));
    }
    let now = SystemClock.now();
    let (id, secret) = new_key();
    let until = now.saturating_add(SignedDuration::from_hours(24 * i64::from(days)));
    let key = Key {
        id,
        hash: hash_secret(secret.reveal()),
        owner: user.to_owned(),
        note: note.to_owned(),
        scopes: scopes.to_vec(),
        created_at: now,
        expires_at: until.ok(),
        revoked_at: None,
        last_used: None,
    };
    store.add_key(&operator(context), now, &key).await?;
    context.say(secret.reveal());
    context.remark(format!("key {} of {}; it is not shown again", key.id, cell(user)));
    Ok(Exit::Success)
}

#[derive(Debug, Serialize)]
struct KeysWire {
    version: &'static str,
    keys: Vec<KeyLine>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyLine {
    id: String,
    owner: String,
    note: String,
    scopes: Vec<String>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    last_used: Option<Timestamp>,
}

impl KeyLine {
    fn of(key: Key) -> Self {
        let Key { id, owner, note, scopes, created_at, expires_at, revoked_at, last_used, .. } =
            key;
        Self { id, owner, note, scopes, created_at, expires_at, revoked_at, last_used }
    }

    fn cells(&self, now: Timestamp) -> [String; 6] {
        let state = match (self.revoked_at, self.expires_at) {
            (Some(at), _) => format!("revoked {}", ago(now, at)),
            (None, Some(until)) if until <= now => format!("ended {}", ago(now, until)),
            (None, Some(until)) => format!("until {until:.0}"),
            (None, None) => String::new(),
        };
        let used = self.last_used.map_or("never".to_owned(), |at| ago(now, at));
        let scopes = if self.scopes.is_empty() { "all".to_owned() } else { self.scopes.join(" ") };
        [self.id.clone(), self.owner.clone(), scopes, used, state, self.note.clone()]
    }
}

async fn list(context: &Context, user: Option<&str>) -> Result<Exit, Failure> {
    let keys = context.existing_store().await?.keys(user).await?;
    listed(context, keys.into_iter().map(KeyLine::of).collect())
}

fn listed(context: &Context, keys: Vec<KeyLine>) -> Result<Exit, Failure> {
    let wire = KeysWire { version: "trueline.keys/v1", keys };
    context.show(&wire, || {
        if wire.keys.is_empty() {
            return "no keys".to_owned();
        }
        let now = SystemClock.now();
        let head = ["KEY", "USER", "SCOPES", "USED", "HOLDS", "NOTE"];
        table(head, wire.keys.iter().map(|key| key.cells(now)))
    })?;
    Ok(Exit::Success)
}

async fn revoke(context: &Context, id: &str) -> Result<Exit, Failure> {
    let store = context.existing_store().await?;
    if store.revoke_key(&operator(context), SystemClock.now(), id).await? {
        context.remark(format!("key {} holds no more", cell(id)));
        return Ok(Exit::Success);
    }
    Err(Failure::usage(format!("there is no key `{}` that holds", cell(id)))
        .hint("`trueline auth token list` shows those that there are"))
}

#[derive(Debug, Serialize)]
struct AnswerWire {
    version: &'static str,
    allowed: bool,
    why: Vec<String>,
}

async fn answer(context: &Context, question: &Question, in_full: bool) -> Result<Exit, Failure> {
    let Some(name) = &question.user else {
        return Err(Failure::usage("`--user` is missing: whose rights are they?")
            .hint("--user NAME; `trueline user list` shows those that there are"));
    };
    let store = context.existing_store().await?;
    let Some(user) = store.user(name).await? else { return Err(missing(name)) };
    // Teams are the catalog's, where it can be read.
    let catalog = context.judged().map(|judged| judged.catalog).unwrap_or_default();
    let team = match &question.service {
        None => question.team.clone(),
        Some(id) => match catalog.services.get(id) {
            Some(entry) => Some(entry.team().to_owned()),
            None => return Err(Failure::usage(format!("there is no service `{}`", cell(id)))),
        },
    };
    let auth = Auth::new(context.config.auth_settings(), &context.sealer()?, &context.name);
    let principal: Principal =
        auth.of(&user, (Via::Session(String::new()), Some(&*catalog)), SystemClock.now());
    let (verb, kind) = (question.verb, question.kind);
    let allowed = !user.disabled
        && match &team {
            Some(team) => principal.may(verb, kind, Some(team)),
            None => principal.may_somewhere(verb, kind),
        };
    let mut why = principal.explain(verb, kind, team.as_deref());
    why.extend(user.disabled.then(|| "the user is disabled".to_owned()));
    told(context, (allowed, why), in_full)
}

/// Shows whether somebody may, and why.
fn told(
    context: &Context,
    (allowed, why): (bool, Vec<String>),
    in_full: bool,
) -> Result<Exit, Failure> {
    let wire = AnswerWire { version: "trueline.permission/v1", allowed, why };
    context.show(&wire, || {
        let word = if wire.allowed { "yes" } else { "no" };
        let why = if in_full { wire.why.clone() } else { Vec::new() };
        [vec![word.to_owned()], why].concat().join("\n")
    })?;
    Ok(if allowed || in_full { Exit::Success } else { Exit::Findings })
}
