//! `trueline auth` over the API of a server: what whoever asks may do, and their keys. It makes none, and takes none back: who does
//! that signs in.

use serde::Deserialize;

use super::{Command, Context, Exit, Failure, KeyLine, Question, Token, cell, listed, told};
use crate::cli::server::{Server, segment};

#[derive(Debug, Deserialize)]
struct Permission {
    allowed: bool,
    why: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Keys {
    items: Vec<KeyLine>,
}

#[derive(Debug, Deserialize)]
struct Me {
    user: String,
}

/// Runs it.
pub(super) async fn run(
    context: &Context,
    server: &Server,
    command: &Command,
) -> Result<Exit, Failure> {
    match command {
        Command::CanI(question) => answer(context, server, (question, false)).await,
        Command::Explain(question) => answer(context, server, (question, true)).await,
        Command::Token { command: Token::List { user } } => {
            // Everybody's are for admins; one's own are not.
            let is_own = match user {
                Some(user) => *user == server.get::<Me>("/auth/me").await?.user,
                None => true,
            };
            let path = if is_own { "/auth/keys" } else { "/auth/keys?all=true" };
            let keys: Keys = server.get(path).await?;
            let keys = keys.items.into_iter();
            let is_theirs = |key: &KeyLine| user.as_ref().is_none_or(|user| key.owner == *user);
            listed(context, keys.filter(is_theirs).collect())
        }
        Command::Token { command: Token::Create { .. } } => {
            Err(no_key(context, "auth token create"))
        }
        Command::Token { command: Token::Revoke { .. } } => {
            Err(no_key(context, "auth token revoke"))
        }
    }
}

fn no_key(context: &Context, name: &str) -> Failure {
    context
        .no_form(name)
        .hint("a key makes no keys: sign in to the server's portal, and look under Settings, Keys")
}

async fn answer(
    context: &Context,
    server: &Server,
    (question, in_full): (&Question, bool),
) -> Result<Exit, Failure> {
    let me: Me = server.get("/auth/me").await?;
    if let Some(user) = question.user.as_ref().filter(|user| **user != me.user) {
        let (user, me) = (cell(user), cell(&me.user));
        return Err(Failure::usage(format!(
            "a server tells what you may: you are {me} there, and asked about {user}"
        ))
        .hint("leave `--user` out, or ask on the server's machine without `--server`"));
    }
    let (verb, kind) = (question.verb.to_string(), question.kind.to_string());
    let mut path = format!("/auth/can-i?verb={verb}&kind={kind}");
    let of = [("team", &question.team), ("service", &question.service)];
    for (name, value) in of.into_iter().filter_map(|(name, it)| Some((name, it.as_ref()?))) {
        path.extend(["&", name, "=", &segment(value)]);
    }
    let permission: Permission = server.get(&path).await?;
    told(context, (permission.allowed, permission.why), in_full)
}
